"""Viewers: each frame of a stream packed once, sent to all who look; who is slow misses pictures and delays nobody.

A message is text (JSON) or binary: one byte says what follows (INIT, FRAGMENT, SOUND), eight when its first sample was
(Unix milliseconds, big-endian float), then the payload. Source: 5.4.2 (live video).
"""

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from anju.domain.video import Grade, why_words
from anju.media.streams import Stream
from anju.protocols import fmp4
from anju.protocols.fmp4 import Track
from anju.protocols.frames import CLOCK, Codec, Frame

INIT, FRAGMENT, SOUND = range(3)
MOST_WAITING = 200  # messages that may be dropped, of one viewer
MOST_GOP = 1_000  # frames kept for who comes, however rarely the camera sends a key frame
USUAL_STEP = CLOCK // 25
LEAP = 10 * CLOCK
"""A step of time longer than this is another clock, not a pause."""
_HEAD = struct.Struct(">Bd")
Send = Callable[[str | bytes], Awaitable[None]]


def binary(kind: int, at: float, payload: bytes) -> bytes:
    """Return a binary message; ``at`` in Unix seconds."""
    return _HEAD.pack(kind, at * 1000) + payload


def said(kind: str, code: str) -> dict[str, str]:
    """Return the text message of that kind for ``code``, in words."""
    words = why_words(code)
    return {"type": kind, "code": code, "zh": words.zh, "en": words.en}


def described(track: Track, grade: str, *, audio: str | None) -> dict[str, Any]:
    """Return the text message that comes before an init segment."""
    about = {"codec": track.codec, "width": track.width, "height": track.height}
    return {"type": "init", **about, "grade": grade, "audio": audio}


class Viewer:
    """What waits to be sent to one viewer. Text and init segments always arrive; of the rest at most MOST_WAITING wait,
    then all of them go and pictures begin again at the next key frame.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[tuple[str | bytes, bool]] = deque()
        self._some, self._none = asyncio.Event(), asyncio.Event()
        self._droppable = 0
        self._until_key = False
        self.sent = self.dropped = 0

    def say(self, message: dict[str, Any]) -> None:
        """Send a text message, after what waits already."""
        self._put(msgspec.json.encode(message).decode(), droppable=False)

    def begin(self, init: bytes) -> None:
        """Send an init segment; what follows begins with a key frame."""
        self._until_key = False
        self._put(binary(INIT, 0.0, init), droppable=False)

    def offer(self, message: bytes, *, key: bool) -> None:
        """Send pictures or sound if there is room; ``key``: they can be shown without what came before."""
        if self._droppable >= MOST_WAITING:
            self._drop()
        if self._until_key and not key:
            self.dropped += 1
            return
        self._until_key = False
        self._put(message, droppable=True)

    @property
    def waiting(self) -> int:
        """Return how many messages wait."""
        return len(self._waiting)

    async def run(self) -> None:
        """Send what comes, until cancelled or the line breaks (whatever ``send`` raises)."""
        while True:
            await self._some.wait()
            while self._waiting:
                message, droppable = self._waiting.popleft()
                self._droppable -= droppable
                await self._send(message)
                self.sent += 1
            self._some.clear()
            self._none.set()

    async def emptied(self) -> None:
        """Return once everything was sent."""
        while self._waiting:
            self._none.clear()
            await self._none.wait()

    def _put(self, message: str | bytes, *, droppable: bool) -> None:
        self._waiting.append((message, droppable))
        self._droppable += droppable
        self._some.set()

    def _drop(self) -> None:
        self._waiting = deque(each for each in self._waiting if not each[1])
        self.dropped += self._droppable
        self._droppable, self._until_key = 0, True


class Shown:
    """A stream as its viewers get it: what is packed once goes to all. It is one of the stream's sinks.

    ``wall`` tells when a frame was seen (Unix seconds): live that is when it arrived.
    """

    def __init__(
        self, stream: Stream, grade: Grade, wall: Callable[[Frame], float] = lambda frame: frame.arrived
    ) -> None:
        self._stream, self._grade, self._wall = stream, grade, wall
        self._viewers: set[Viewer] = set()
        self._code = ""
        self._track: Track | None = None
        self._init = b""
        self._gop: list[Frame] = []
        self._number, self._step = 0, USUAL_STEP
        self._base: int | None = None  # the time at which its viewers' clock began
        self._last = 0  # the newest time told
        self._audio: str | None = None

    @property
    def empty(self) -> bool:
        """Return whether nobody looks."""
        return not self._viewers

    def add(self, viewer: Viewer) -> None:
        """Show it the stream from now on: how it is, and the pictures since the last key frame in one piece."""
        self._viewers.add(viewer)
        if self._code:
            viewer.say(said("state", self._code))
        if self._gop and self._init:
            self._introduce(viewer)
            viewer.offer(self._packed(self._gop), key=True)

    def remove(self, viewer: Viewer) -> None:
        """Show it nothing more."""
        self._viewers.discard(viewer)

    def close(self) -> None:
        """Take nothing of the stream any more."""
        self._stream.remove(self)

    def state(self, code: str) -> None:
        """Tell all how the stream is."""
        if code == self._code:
            return
        self._code = code
        for each in self._viewers:
            each.say(said("state", code))

    def take(self, frame: Frame) -> None:
        """Send one frame to all; broken pictures, and those that need them, are left out."""
        if frame.codec.video:
            self._picture(frame)
        elif frame.codec is Codec.G711A:
            self._audio = frame.codec.value
            self._offer(binary(SOUND, self._wall(frame), frame.data), key=False)

    def _picture(self, frame: Frame) -> None:
        if frame.key:
            self._gop.clear()
            self._follow_clock(frame.pts)
            if not frame.broken:
                self._follow_track()
        if frame.broken or self._track is None or not (self._gop or frame.key):
            self._gop.clear()  # nothing more until the next key frame
            return
        if self._gop:
            self._step = max(1, frame.pts - self._gop[-1].pts)
        self._last = frame.pts
        if len(self._gop) < MOST_GOP:
            self._gop.append(frame)
        self._offer(self._packed([frame]), key=frame.key)

    def _follow_clock(self, pts: int) -> None:
        """Go on where a stream that was asked for again begins with another time: what viewers get only rises."""
        if self._base is None:
            self._base = pts
        elif not 0 < pts - self._last <= LEAP:
            self._base += pts - self._last - self._step

    def _follow_track(self) -> None:
        if self._stream.track is self._track or self._stream.track is None:
            return
        self._track = self._stream.track
        self._init = fmp4.init_segment(self._track)
        for each in self._viewers:
            self._introduce(each)

    def _introduce(self, viewer: Viewer) -> None:
        assert self._track is not None  # noqa: S101 - there is an init segment of it
        viewer.say(described(self._track, self._grade, audio=self._audio))
        viewer.begin(self._init)

    def _packed(self, frames: Sequence[Frame]) -> bytes:
        assert self._base is not None  # noqa: S101 - nothing is packed before a key frame
        self._number += 1
        data = fmp4.fragment(self._number, frames[0].pts - self._base, frames, last=self._step)
        return binary(FRAGMENT, self._wall(frames[0]), data)

    def _offer(self, message: bytes, *, key: bool) -> None:
        for each in self._viewers:
            each.offer(message, key=key)
