"""Goes through every picture of a node and names each that is missing or not as it was written, with its record.

Source: 4.2.3 (storage), 5.2.2.1 (every passage with its pictures).
"""

import os
from asyncio import to_thread
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from anju.domain.pictures import Count, Fault, Finding
from anju.errors import Damaged, PicturesAway
from anju.store import segments
from anju.store.blobs import Found, KeyWrap, prove
from anju.store.database import Database
from anju.store.segment_care import Places, digest

Told = Callable[[int, int], None]
Done = Callable[[str, Sequence[Finding]], Awaitable[None]]
BATCH = 200  # pictures proved before others get their turn, or the check can be stopped


@dataclass(frozen=True, slots=True)
class _Named:
    """A picture by its row. ``source`` says whose copy it is, where it is kept as evidence."""

    found: Found
    site_id: str
    kept_at: datetime
    erased: bool
    source: UUID | None


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment by its row."""

    name: str
    state: str
    size: int
    sha256: bytes | None
    place: str
    dropped: bool


_ALL = """
    SELECT name, state, bytes, sha256, place, dropped_at IS NOT NULL FROM segment WHERE place <> 'gone' ORDER BY name
"""
_ROWLESS = """
    WITH RECURSIVE named AS (
        SELECT min(segment) AS name FROM blob
        UNION ALL SELECT (SELECT min(segment) FROM blob WHERE segment > named.name) FROM named WHERE name IS NOT NULL)
    SELECT name FROM named WHERE name IS NOT NULL AND NOT EXISTS (SELECT FROM segment s WHERE s.name = named.name)
"""
_NAMED = """
    SELECT id, segment, byte_offset, length, sha256, media_type, key, site_id, kept_at, NULL::uuid
    FROM blob WHERE segment = %(name)s
    UNION ALL
    SELECT id, segment, byte_offset, length, sha256, media_type, key, site_id, kept_at, source_id
    FROM evidence_blob WHERE segment = %(name)s
    ORDER BY 3
"""
_RECORD = """
    SELECT 'passage ' || id FROM passage
    WHERE site_id = %(site)s AND received_at BETWEEN %(since)s AND %(until)s AND position(%(id)s IN body::text) > 0
    UNION ALL
    SELECT 'sighting ' || id FROM sighting
    WHERE site_id = %(site)s AND received_at BETWEEN %(since)s AND %(until)s AND position(%(id)s IN body::text) > 0
    LIMIT 1
"""


class Check:
    """One check. ``count`` grows while it runs; stop it by closing its iterator.

    ``done`` hears of each segment that was gone through to its end, with all that was found.
    """

    def __init__(self, db: Database, places: Places, keys: KeyWrap, *, done: Done | None = None) -> None:
        self.count, self.total = Count(), 0
        self._db, self._places, self._keys, self._done = db, places, keys, done

    async def run(self, told: Told = lambda _, __: None, *, only: str = "") -> AsyncGenerator[Finding]:
        """Yield every fault there is, and tell how many of the segments are done. Raises DatabaseAway.

        ``only`` names one segment that has a row; the others are left for another time.
        """
        todo = await self._todo(only)
        self.total = len(todo)
        for segment in todo:
            found = []
            async for finding in self._segment(segment):
                self.count.add(finding)
                found.append(finding)
                yield finding
            if self._done:
                await self._done(segment.name, found)
            self.count.segments += 1
            told(self.count.segments, self.total)

    async def _todo(self, only: str) -> list[_Segment]:
        known = [_Segment(*row) for row in await self._db.fetch(_ALL)]
        if only:
            return [each for each in known if each.name == only]
        names = {each.name for each in known}
        rowless = {row[0] for row in await self._db.fetch(_ROWLESS)}
        strange = (rowless | set(await to_thread(self._places.names))) - names
        return known + [_Segment(name, "open", 0, None, "file", dropped=False) for name in sorted(strange)]

    async def _segment(self, segment: _Segment) -> AsyncIterator[Finding]:
        path = self._places.segments / segment.name
        if segment.dropped:
            if path.is_file():
                yield Finding(Fault.LEFT_OVER, segment.name, detail="its days are over, its file is still there")
            return
        named = await self._named(segment.name)
        look = self._file if path.is_file() else self._elsewhere
        async for finding in look(segment, path, named):
            yield finding

    async def _named(self, name: str) -> list[_Named]:
        rows = await self._db.fetch(_NAMED, name=name)
        return [_Named(Found(*(*row[:6], row[6] or b"")), row[7], row[8], row[6] is None, row[9]) for row in rows]

    async def _file(self, segment: _Segment, path: Path, named: Sequence[_Named]) -> AsyncIterator[Finding]:
        faults = 0
        for start in range(0, len(named), BATCH):
            some = named[start : start + BATCH]
            for each, reason in await to_thread(_prove_all, path, some, self._keys):
                faults += 1
                yield await self._finding(Fault.DAMAGED, each, reason)
            self._counted(some)
        if segments.is_being_written(path):
            return
        size, sha256 = await to_thread(digest, path)
        self.count.noise_bytes += max(0, size - sum(segments.span(each.found.length) for each in named))
        if not named:
            yield Finding(Fault.UNNAMED, segment.name, detail=f"{size} bytes that no row names")
        elif not faults and segment.state == "sealed" and (size, sha256) != (segment.size, segment.sha256):
            yield Finding(Fault.ALTERED, segment.name, detail="its pictures open, but it is not what was sealed")

    async def _elsewhere(self, segment: _Segment, _: Path, named: Sequence[_Named]) -> AsyncIterator[Finding]:
        """Judge a segment without a file here: whole in the object store, or all of its pictures are missing."""
        fault, reason = await self._remote(segment)
        self._counted(named)
        if fault is None:
            return
        if not named:
            yield Finding(Fault.UNNAMED if segment.state == "open" else fault, segment.name, detail=reason)
        for each in named:
            if not each.erased:
                yield await self._finding(fault, each, reason)

    async def _remote(self, segment: _Segment) -> tuple[Fault | None, str]:
        if segment.place == "file" or self._places.objects is None:
            return Fault.MISSING, f"its file is not in {self._places.segments}"
        try:
            if await self._places.objects.digest(segment.name) == (segment.size, segment.sha256):
                return None, ""
        except Damaged as error:
            return Fault.MISSING, str(error)
        except PicturesAway as error:
            return Fault.AWAY, str(error)
        return Fault.DAMAGED, "the segment in the object store is not what was sealed"

    def _counted(self, some: Sequence[_Named]) -> None:
        self.count.pictures += len(some)
        self.count.erased += sum(each.erased for each in some)
        self.count.bytes += sum(each.found.length for each in some)

    async def _finding(self, fault: Fault, each: _Named, reason: str) -> Finding:
        return Finding(fault, each.found.segment, each.found.id, await self._record(each), reason)

    async def _record(self, each: _Named) -> str:
        """Return what the picture belongs to: a passage, a sighting, a lock; empty where nothing names it."""
        blob_id, hour = str(each.source or each.found.id), timedelta(hours=1)
        bounds = {"since": each.kept_at - hour, "until": each.kept_at + hour}
        row = await self._db.fetch_one(_RECORD, site=each.site_id, id=blob_id, **bounds)
        lock = f"evidence of picture {each.source}" if each.source else ""
        return ", ".join(filter(None, (row[0] if row else "", lock)))


def _prove_all(path: Path, some: Sequence[_Named], keys: KeyWrap) -> list[tuple[_Named, str]]:
    """Return which of ``some`` are not as they were written, and what is wrong with each."""
    faults = []
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for each in some:
            record = os.pread(file, segments.span(each.found.length), each.found.offset)
            if (reason := _fault_of(record, each, keys)) is not None:
                faults.append((each, reason))
    finally:
        os.close(file)
    return faults


def _fault_of(record: bytes, each: _Named, keys: KeyWrap) -> str | None:
    if each.erased:  # nobody can read it, and nobody misses it
        return None
    try:
        prove(record, each.found, keys)
    except Damaged as error:
        return str(error)
    return None
