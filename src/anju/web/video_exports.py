"""Takes recordings out as evidence, one after the other: into a folder, then one zip file kept for a week.

Source: 4.2.1.2 (download), 5.4.1 (recordings), 6.3.2-c (who took what is written down).
"""

import asyncio
import hashlib
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from anju.domain.recording import Source
from anju.errors import AnjuError, Conflict, DatabaseAway, Refused
from anju.media import export
from anju.media.library import Library, Located
from anju.store import video_exports as store
from anju.store.database import Database
from anju.store.video_exports import Entry, Export
from anju.web.context import Services

KEPT = timedelta(days=7)
LOOK_S = 5.0
NOTED_S = 1.0  # between two notes of how far an export is
_log = structlog.get_logger(__name__)

Fetch = Callable[[Entry, Path], Awaitable[Sequence[Located]]]
"""Has a device's own recording written into a folder; returns its files. Raises Refused."""


class VideoExports:
    """The exports of one node; ``fetch`` gets the recordings of devices."""

    def __init__(self, db: Database, folder: Path, *, clock: Callable[[], datetime], fetch: Fetch) -> None:
        self._db, self._folder, self._clock, self._fetch = db, folder, clock, fetch
        self._library = Library(db)
        self._some = asyncio.Event()

    def wake(self) -> None:
        """Look: something waits."""
        self._some.set()

    def path(self, export_id: str) -> Path:
        """Return where an export's file is, once it is done."""
        return self._folder / f"{export_id}.zip"

    async def run(self) -> None:
        """Make what waits until cancelled."""
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        while True:
            try:
                await store.interrupted(self._db, at=self._clock())
                break
            except DatabaseAway:
                await asyncio.sleep(LOOK_S)
        while True:
            self._some.clear()
            try:
                await self._look()
            except DatabaseAway as away:
                _log.info("exports wait", reason=str(away))
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._some.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        for gone in await store.expire(self._db, before=self._clock() - KEPT):
            await asyncio.to_thread(self.path(gone).unlink, missing_ok=True)
        while found := await store.queued(self._db):
            await self._make(found)

    async def _make(self, found: Export) -> None:
        entry, folder = found.entry, self._folder / found.entry.id
        await store.running(self._db, entry.id)
        try:
            size, digest = await self._made(entry, folder)
            await store.finished(self._db, entry.id, size=size, sha256=digest, at=self._clock())
        except (AnjuError, OSError) as error:
            code = error.code if isinstance(error, Refused) else "failed"
            _log.warning("export failed", id=entry.id, code=code, reason=str(error))
            await store.failed(self._db, entry.id, code, at=self._clock())
        finally:
            for each in (folder, folder.with_suffix(".device")):
                await asyncio.to_thread(shutil.rmtree, each, ignore_errors=True)

    async def _made(self, entry: Entry, folder: Path) -> tuple[int, str]:
        files = await self._files(entry, folder.with_suffix(".device"))
        about = _about(entry)
        register = msgspec.json.format(msgspec.json.encode(about), indent=1)
        asked = export.Asked(entry.channel_id, entry.start_at, entry.end_at, about, {"register.json": register})
        far = _Far(self._db, entry.id)
        telling = asyncio.create_task(far.run())
        try:
            await export.export(files, asked, folder, now=self._clock(), told=far.told)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        return await asyncio.to_thread(_zipped, folder, self.path(entry.id))

    async def _files(self, entry: Entry, folder: Path) -> Sequence[Located]:
        if entry.source is Source.DEVICE:
            return await self._fetch(entry, folder)
        bounds = (round(each.timestamp() * 1000) for each in (entry.start_at, entry.end_at))
        return await self._library.between(entry.channel_id, *bounds)


class _Far:
    """Notes now and then how far an export is."""

    def __init__(self, db: Database, export_id: str) -> None:
        self._db, self._id = db, export_id
        self._done = self._total = 0

    def told(self, _step: str, done: int, total: int) -> None:
        self._done, self._total = done, total

    async def run(self) -> None:
        while True:
            await asyncio.sleep(NOTED_S)
            try:
                await store.running(self._db, self._id, done=self._done, total=self._total)
            except DatabaseAway:
                continue


def _about(entry: Entry) -> dict[str, Any]:
    """Return the entry of the register (调阅登记) as it stands beside the clip."""
    return {
        "export": entry.id,
        "camera": {"id": entry.channel_id, "name": entry.channel_name},
        "start": entry.start_at.isoformat(),
        "end": entry.end_at.isoformat(),
        "source": entry.source.value,
        "reason": entry.reason,
        "document": entry.document,
        "unit": entry.unit,
        "officers": list(entry.officers),
        "taken_by": {"id": entry.by_id, "name": entry.by_name},
        "at": entry.created_at.isoformat(),
    }


def _zipped(folder: Path, target: Path) -> tuple[int, str]:
    export.zip_up(folder, target)
    with target.open("rb") as file:
        return target.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def exports_of(here: Services) -> VideoExports:
    """Return this process's exports. Raises Conflict on a node without video."""
    found = here.more.get("video_exports")
    if not isinstance(found, VideoExports):
        raise Conflict("no_video", "this node has no video: add the table [video] to its configuration")
    return found
