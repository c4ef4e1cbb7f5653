"""A device's own recording, played by the device for one viewer: paused, sped up and wound by questions to it.

Source: 4.2.1.2 (playback of what devices recorded).
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from anju.domain.video import PlayAct, PlayControl, Purpose, Transport, Wanted
from anju.domain.viewing import Viewing
from anju.media.streams import NoPicture, Stream, Streams
from anju.media.viewers import Shown, Viewer, said
from anju.protocols.frames import CLOCK, Frame

SLOWEST, FASTEST = 0.125, 16.0
TELL_S = 0.5
_ENDS = frozenset({"ended_by_device", "finished"})


class DevicePlayback:
    """One viewer of one recording. It is a sink of the stream beside the one that packs it."""

    def __init__(self, stream: Stream, viewing: Viewing, viewer: Viewer) -> None:
        assert viewing.start is not None  # noqa: S101 - tickets for playback have it
        assert viewing.end is not None  # noqa: S101
        self._stream, self._viewer = stream, viewer
        self._start, self._end = viewing.start.timestamp(), viewing.end.timestamp()
        self._shown = Shown(stream, viewing.grade, self._wall)
        self._anchor: tuple[int, float] | None = None  # a frame's time in the stream, and when it was seen
        self._next = self._start
        self._told = 0.0
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, streams: Streams, session: str, viewing: Viewing, viewer: Viewer) -> "DevicePlayback":
        """Ask the device to play."""
        wanted = Wanted(
            viewing.channel_id, Purpose.PLAYBACK, viewing.grade, Transport.UDP, 0, start=viewing.start, end=viewing.end
        )
        playback = cls(await streams.play(session, wanted), viewing, viewer)
        playback._shown.add(viewer)
        playback._stream.add(playback)
        playback._stream.add(playback._shown)
        return playback

    def take(self, frame: Frame) -> None:
        """Note where the recording is."""
        if not frame.codec.video:
            return
        if self._anchor is None and frame.key:
            self._anchor = (frame.pts, self._next)
        at = self._wall(frame)
        if abs(at - self._told) >= TELL_S:
            self._told = at
            self._viewer.say({"type": "position", "at": datetime.fromtimestamp(at, UTC).isoformat()})
        if at >= self._end:
            self._finish("finished")

    def state(self, code: str) -> None:
        """End with the stream."""
        if code in _ENDS:
            self._finish("finished")

    async def hear(self, message: dict[str, Any]) -> None:
        """Seek, change speed, pause or resume; what the device refuses is told and left."""
        control = self._read(message)
        if control is None:
            return
        try:
            await self._stream.control(control)
        except NoPicture as reason:
            self._viewer.say(said("state", reason.code))
            return
        if control.act is PlayAct.SEEK:
            self._next, self._anchor = self._start + control.value, None
        elif control.act in {PlayAct.PAUSE, PlayAct.RESUME}:
            self._viewer.say(said("state", "paused" if control.act is PlayAct.PAUSE else "playing"))

    async def over(self) -> str:
        """Return once it was played to its end, or ended otherwise, why."""
        return await asyncio.shield(self._over)

    def close(self) -> None:
        """Let the device stop."""
        self._stream.remove(self._shown)
        self._stream.remove(self)

    def _read(self, message: dict[str, Any]) -> PlayControl | None:
        match message:
            case {"type": "pause"}:
                return PlayControl(PlayAct.PAUSE)
            case {"type": "resume"}:
                return PlayControl(PlayAct.RESUME)
            case {"type": "speed", "value": int() | float() as value} if SLOWEST <= value <= FASTEST:
                return PlayControl(PlayAct.SPEED, float(value))
            case {"type": "seek", "at": str() as text}:
                at = _time(text)
                return PlayControl(PlayAct.SEEK, at - self._start) if at and self._start <= at < self._end else None
        return None

    def _wall(self, frame: Frame) -> float:
        if self._anchor is None:
            return self._next
        return self._anchor[1] + (frame.pts - self._anchor[0]) / CLOCK

    def _finish(self, code: str) -> None:
        if not self._over.done():
            self._over.set_result(code)


def _time(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None
