"""The platform's own recording, played for one viewer: sent a little ahead of the time it is shown, wound at will.

Source: 4.2.1.2 (playback), 5.1.2.4 (what was before an alarm).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from anju.domain.viewing import Viewing
from anju.errors import Conflict, DatabaseAway
from anju.media.device_playback import FASTEST, SLOWEST
from anju.media.library import Library
from anju.media.playback import Piece, Playback
from anju.media.viewers import FRAGMENT, SOUND, Viewer, binary, described, said

AHEAD_S = 2.0  # of playing time, sent before it is shown
FULL = 100  # messages of a viewer that wait: then it is waited for
TELL_S = 0.5  # of recorded time, between two positions
_log = structlog.get_logger(__name__)


class OurPlayback:
    """Paces the pieces of a recording by the loop's clock; ``hear`` steers it."""

    def __init__(self, playback: Playback, viewing: Viewing, viewer: Viewer) -> None:
        self._playback, self._viewing, self._viewer = playback, viewing, viewer
        self._speed, self._paused = 1.0, False
        self._seek: float | None = None
        self._changed = asyncio.Event()
        self._due = 0.0  # loop time at which the next piece is shown
        self._told = 0.0
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Send pieces until the recording ends or this is cancelled; at its end a seek still goes on."""
        try:
            while True:
                await self._once()
        except (DatabaseAway, OSError) as error:
            _log.warning("playback broke off", channel=self._viewing.channel_id, reason=str(error))
            self._end("media_away")

    async def hear(self, message: dict[str, Any]) -> None:
        """Seek, change speed, pause or resume."""
        match message:
            case {"type": "pause"}:
                self._paused = True
                self._viewer.say(said("state", "paused"))
            case {"type": "resume"}:
                self._paused = False
                self._viewer.say(said("state", "playing"))
            case {"type": "speed", "value": int() | float() as value} if SLOWEST <= value <= FASTEST:
                self._speed = float(value)
                self._playback.speed(self._speed)
            case {"type": "seek", "at": str() as text} if (at := _time(text)) is not None:
                self._seek = at
            case _:
                return
        self._due = 0.0
        self._changed.set()

    async def over(self) -> str:
        """Return once it broke off, why."""
        return await asyncio.shield(self._over)

    async def _once(self) -> None:
        """Send one piece when it is due, or wait for what the viewer says."""
        self._changed.clear()
        if self._seek is not None:
            self._playback.seek(self._seek)
            self._seek, self._told = None, 0.0
        elif self._paused:
            await self._changed.wait()
            return
        piece = await self._playback.next()
        if piece is None:
            self._viewer.say(said("state", "finished"))
            await self._changed.wait()
            return
        if await self._waited():
            self._send(piece)

    async def _waited(self) -> bool:
        """Wait until the next piece may go; return False where the viewer said something meanwhile."""
        loop = asyncio.get_running_loop()
        while (wait := self._due - AHEAD_S - loop.time()) > 0 or self._viewer.waiting > FULL:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait, 0.02)):
                    await self._changed.wait()
            if self._seek is not None:
                return False
            if self._changed.is_set():
                await self._resumed()
        return True

    async def _resumed(self) -> None:
        """Return once it is not paused any more, or a seek came."""
        self._changed.clear()
        while self._paused and self._seek is None:
            await self._changed.wait()
            self._changed.clear()

    def _send(self, piece: Piece) -> None:
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now) + piece.duration / self._speed
        if piece.track is not None:
            audio = "g711a" if piece.sound else None
            self._viewer.say(described(piece.track, self._viewing.grade, audio=audio))
            self._viewer.begin(piece.init)
        if abs(piece.at - self._told) >= TELL_S:
            self._told = piece.at
            self._viewer.say({"type": "position", "at": datetime.fromtimestamp(piece.at, UTC).isoformat()})
        self._viewer.offer(binary(FRAGMENT, piece.at, piece.data), key=piece.key)
        if piece.sound and self._speed == 1.0:
            self._viewer.offer(binary(SOUND, piece.at, piece.sound), key=False)

    def _end(self, code: str) -> None:
        if not self._over.done():
            self._over.set_result(code)


class OurRecordings:
    """Plays what this platform recorded."""

    def __init__(self, library: Library) -> None:
        self._library = library

    @asynccontextmanager
    async def play(self, viewing: Viewing, viewer: Viewer) -> AsyncIterator[OurPlayback]:
        """Play for ``viewer`` as long as the block runs. Raises Conflict ``no_recording`` where there is nothing."""
        assert viewing.start is not None  # noqa: S101 - tickets for playback have it
        assert viewing.end is not None  # noqa: S101
        start, end = viewing.start.timestamp(), viewing.end.timestamp()
        first = await self._library.at(viewing.channel_id, round(start * 1000))
        if first is None or first.file.start_ms >= end * 1000:
            raise Conflict("no_recording", "nothing is recorded of that time")
        read = Playback(self._library, viewing.channel_id, start, end)
        playback = OurPlayback(read, viewing, viewer)
        viewer.say(said("state", "playing"))
        task = asyncio.create_task(playback.run())
        try:
            yield playback
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            read.close()


def _time(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None
