"""Streams: one request to a camera however many watch, its last pictures kept, asked again when lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from anju.domain.video import Agreed, Grade, PlayControl, Wanted
from anju.errors import AnjuError
from anju.protocols.fmp4 import Track
from anju.protocols.frames import Frame

GRACE_S = 10.0
"""How long a stream nobody takes any more is kept: who comes back finds it running."""
FIRST_S = 8.0
"""A stream agreed on must bring its first packet in this time, else the reason is ``no_rtp``."""
STALL_S = 5.0
"""No packet for so long: ``stalled``, and it is asked for again."""


class NoPicture(AnjuError):
    """There is no picture now. ``code`` is one of ``domain.video.NO_PICTURE``; the stream asks again by itself."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Signalling(Protocol):
    """Who asks cameras: the gateway, over the bus."""

    async def invite(self, wanted: Wanted) -> Agreed:
        """Ask for a stream. Raises NoPicture."""

    async def end(self, call_id: str) -> None:
        """End it. Never raises: a camera out of reach ends by itself."""

    async def control(self, call_id: str, control: PlayControl) -> None:
        """Steer a playback. Raises NoPicture."""


class Sink(Protocol):
    """Who takes a stream's frames: a viewer, the recorder, a relay. Both calls come on the loop and never block."""

    def take(self, frame: Frame) -> None:
        """Take one frame: pictures and sound, broken ones too (``frame.broken``)."""

    def state(self, code: str) -> None:
        """Learn how the stream is: 'asking', 'waiting', 'playing', or a code of NO_PICTURE."""


@dataclass(slots=True)
class StreamStats:
    """What was received, since the stream was opened; rates are those of the last whole second."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    reordered: int = 0
    broken: int = 0  # frames
    frames: int = 0
    fps: float = 0.0
    bitrate: float = 0.0  # bit/s
    key_interval: float = 0.0  # seconds between the last two key frames
    lag: float = 0.0  # seconds the last frame lay behind the pace of its time stamps
    kernel_drops: int = 0
    refused: int = 0  # packets from sources that are not this stream's
    asked: int = 0  # INVITEs


class Stream:
    """One stream of one camera, or one playback. Made by ``Streams``.

    ``code`` is how it is now, as sinks are told it. ``track`` is what its pictures need for decoding, None before the
    first key frame; it is another object after the camera changed them. ``call_id`` is '' while there is no call.
    """

    key: tuple[str, ...]
    code: str
    track: Track | None
    stats: StreamStats
    call_id: str

    def add(self, sink: Sink) -> None:
        """Let ``sink`` take the stream from now on; it gets the current state and the pictures since the last key frame
        at once."""

    def remove(self, sink: Sink) -> None:
        """Let ``sink`` go; after GRACE_S without any the call is ended. Unknown sinks are no error."""

    async def control(self, control: PlayControl) -> None:
        """Steer a playback. Raises NoPicture where the device cannot, or there is no call."""


class Streams:
    """All streams of one media worker.

    ``wanted`` chooses transport and address for a channel and grade: ``Transport.UDP`` where nothing is known.
    """

    async def open(self, channel_id: str, grade: Grade) -> Stream:
        """Return the live stream of a channel, shared by all who open it. It is asked for once a sink is added."""
        raise NotImplementedError

    async def play(self, session: str, wanted: Wanted) -> Stream:
        """Return a playback or download of its own, named ``session``; its end is not followed by another request."""
        raise NotImplementedError

    def ended(self, call_id: str, reason: str) -> None:
        """Learn from the signalling side that a call is over; ``reason`` is a code of NO_PICTURE."""

    def by_key(self) -> Mapping[tuple[str, ...], Stream]:
        """Return the streams that run now."""
        raise NotImplementedError

    async def close(self) -> None:
        """End every call and free every port."""


Clock = Callable[[], float]
"""Unix seconds."""
