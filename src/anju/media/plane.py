"""What a media worker shows: one request to a camera however many look, recordings for one viewer each.

Source: 5.4.2 (live video), 5.4.1 and 4.2.1.2 (playback).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

from anju.domain.recording import Source
from anju.domain.video import Grade, Purpose
from anju.domain.viewing import Viewing
from anju.media.device_playback import DevicePlayback
from anju.media.server import Watch
from anju.media.streams import Streams
from anju.media.viewers import Shown, Viewer

AGAIN_S = 2.0
AWAY = frozenset({"offline", "device_offline", "not_registered", "wrong_password"})
PlayOurs = Callable[[Viewing, Viewer], AbstractAsyncContextManager[Watch]]
"""Plays the platform's own recording. Raises Refused with a code of NO_PICTURE."""


class Plane:
    """Shows streams to viewers. ``play_ours`` plays the platform's recordings; ``prepare`` comes before a request."""

    def __init__(self, streams: Streams, play_ours: PlayOurs, *, prepare: Callable[[], Awaitable[None]]) -> None:
        self._streams, self._play_ours, self._prepare = streams, play_ours, prepare
        self._shown: dict[tuple[str, Grade], Shown] = {}

    def show(self, viewing: Viewing, viewer: Viewer) -> AbstractAsyncContextManager[Watch]:
        """Show ``viewer`` what it may see as long as the block runs."""
        if viewing.purpose is Purpose.LIVE:
            return self._live(viewing, viewer)
        if viewing.source is Source.PLATFORM:
            return self._play_ours(viewing, viewer)
        return self._theirs(viewing, viewer)

    @asynccontextmanager
    async def _live(self, viewing: Viewing, viewer: Viewer) -> AsyncIterator[Watch]:
        shown = await self._shown_live(viewing.channel_id, viewing.grade)
        shown.add(viewer)
        try:
            yield Live()
        finally:
            shown.remove(viewer)
            if shown.empty:
                self._shown.pop((viewing.channel_id, viewing.grade), None)
                shown.close()

    async def _shown_live(self, channel_id: str, grade: Grade) -> Shown:
        """Return the stream as its viewers share it; nothing is packed while nobody looks."""
        key = (channel_id, grade)
        if key not in self._shown:
            await self._prepare()
            stream = await self._streams.open(channel_id, grade)
            if key not in self._shown:  # another viewer came meanwhile
                self._shown[key] = shown = Shown(stream, grade)
                stream.add(shown)
        return self._shown[key]

    @asynccontextmanager
    async def _theirs(self, viewing: Viewing, viewer: Viewer) -> AsyncIterator[Watch]:
        await self._prepare()
        playback = await DevicePlayback.open(self._streams, str(uuid4()), viewing, viewer)
        try:
            yield playback
        finally:
            playback.close()


class Again:
    """Asks again for cameras that were away once somebody tells that devices came back; not more than every 2 s."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._told = asyncio.Event()

    async def tell(self, _: bytes = b"") -> None:
        """Hear that devices came or went."""
        self._told.set()

    async def run(self) -> None:
        """Ask again, until cancelled."""
        while True:
            await self._told.wait()
            self._told.clear()
            for stream in self._streams.by_key().values():
                if stream.code in AWAY:
                    stream.retry()
            await asyncio.sleep(AGAIN_S)


class Live:
    """A viewer that looks live: there is nothing to steer, and it ends when the viewer goes."""

    async def hear(self, message: dict[str, Any]) -> None:
        """Leave whatever it says."""

    async def over(self) -> str:
        """Wait for ever."""
        await asyncio.Event().wait()
        return "left"
