"""Where a span of a camera's recording lies: the files with rows, and those still being written.

Source: 4.2.1.2 (playback and download).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from anju.media.recover import look_into
from anju.store import recordings, volumes
from anju.store.database import Database
from anju.store.recordings import LONGEST_MS, SUFFIX, Recording
from anju.store.volumes import Volume

FRESH_S = 10.0  # volumes are looked up again after so long
OPEN_MS = 150_000  # a file that began longer ago has its row
MOST_FILES = 50_000  # in one span: a month


@dataclass(frozen=True, slots=True)
class Located:
    """A file and where it is; ``sound`` is None where there is none."""

    file: Recording
    path: Path
    sound: Path | None


class Library:
    """Finds files. ``clock`` gives Unix seconds."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db, self._clock = db, clock
        self._volumes: dict[int, Volume] = {}
        self._looked = 0.0

    async def at(self, channel_id: str, at_ms: int) -> Located | None:
        """Return the file that holds an instant, else the next after it; files of disks that are away are skipped."""
        while found := await recordings.at(self._db, channel_id, at_ms):
            if (located := await self._located(found[0])) is not None:
                return located
            at_ms = found[0].end_ms
        later = [each for each in await self._open_files(channel_id) if each.file.end_ms > at_ms]
        return later[0] if later else None

    async def between(self, channel_id: str, since_ms: int, until_ms: int) -> list[Located]:
        """Return the files that hold anything of a span, oldest first."""
        found = await recordings.between(self._db, channel_id, since_ms, until_ms, limit=MOST_FILES)
        located = [each for file in found if (each := await self._located(file))]
        last = found[-1].end_ms if found else since_ms
        return located + [
            each
            for each in await self._open_files(channel_id)
            if each.file.end_ms > max(since_ms, last) and each.file.start_ms < until_ms
        ]

    async def _located(self, file: Recording) -> Located | None:
        volume = (await self._current()).get(file.volume)
        return _on(volume, file) if volume is not None and volume.readable else None

    async def _current(self) -> dict[int, Volume]:
        if time.monotonic() - self._looked > FRESH_S or not self._volumes:
            self._volumes = {each.number: each for each in await volumes.all_of(self._db)}
            self._looked = time.monotonic()
        return self._volumes

    async def _open_files(self, channel_id: str) -> list[Located]:
        """Return the files without a row, oldest first."""
        now = round(self._clock() * 1000)
        newest = await recordings.newest(self._db, channel_id)
        since = max(now - OPEN_MS, newest.start_ms + 1 if newest else 0)
        found = []
        for volume in (await self._current()).values():
            if volume.readable:
                found += await asyncio.to_thread(_open_on, volume, channel_id, since, now)
        return sorted(found, key=lambda each: each.file.start_ms)


def _on(volume: Volume, file: Recording) -> Located:
    return Located(file, volume.path / file.name, volume.path / file.sound if file.audio else None)


def _open_on(volume: Volume, channel_id: str, since: int, now: int) -> list[Located]:
    found = []
    for day in sorted({_day(since), _day(now)}):
        for path in sorted((volume.path / channel_id / day).glob(f"*{SUFFIX}")):
            if path.stem.isdigit() and since <= int(path.stem) <= now + LONGEST_MS:
                try:
                    file = look_into(path, channel_id, volume.number)
                except OSError:
                    continue
                if file is not None:
                    found.append(_on(volume, file))
    return found


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y%m%d")
