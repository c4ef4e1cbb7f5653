"""Pictures: written in groups to segment files, named by rows, read back only whole and unchanged.

Source: 5.2.2.1 (pictures of passages), 4.2.3 (storage), 6.3.2 (access to personal data).
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from anju.errors import AnjuError, Damaged, Erased, Invalid, NotFound, PicturesAway
from anju.store import segments
from anju.store.database import Database, Executor, Transaction
from anju.store.segments import KEY_BYTES, NONCE_BYTES, SegmentWriter

SEGMENT_BYTES = 512 * 1024 * 1024  # a segment that reached this is followed by another
WAITING_BYTES = 64 * 1024 * 1024  # beyond it writers are told to come again
SPARE_BYTES = 1024 * 1024  # of memory kept in any case
MOST_BYTES = 32 * 1024 * 1024  # of one picture


class KeyWrap(Protocol):
    """Keeps the keys of pictures from whoever reads the database alone."""

    def wrap(self, key: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NewBlob:
    """A picture to be kept. ``sha256`` of ``data`` may be given by who knows it already."""

    site_id: str
    data: bytes
    media_type: str
    retention: str = "passage"  # or face, evidence
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture on disk that no row names yet. ``sha256`` and ``length`` are of the picture in clear."""

    id: UUID
    segment: str
    offset: int
    length: int
    sha256: bytes
    key_wrapped: bytes
    media_type: str
    site_id: str


class _Arena:
    """Bytes that grow and stay allocated: fresh memory for each picture costs more than encrypting it."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.used = 0

    def room(self, size: int) -> memoryview:
        """Return the next ``size`` bytes, to be filled at once."""
        start, self.used = self.used, self.used + size
        if self.used > len(self._bytes):
            self._bytes = self._bytes.ljust(max(self.used, 2 * len(self._bytes)))
        return memoryview(self._bytes)[start : self.used]

    def filled(self) -> memoryview:
        """Return all that was filled."""
        return memoryview(self._bytes)[: self.used]

    def clear(self) -> None:
        """Begin again; give memory back once there is far more than was needed."""
        if len(self._bytes) > max(SPARE_BYTES, 8 * self.used):
            self._bytes = bytearray()
        self.used = 0


@dataclass(slots=True)
class _Waiting:
    """One call of ``write`` that waits for the sync; offsets of what it stored count from the group's beginning."""

    stored: list[tuple[str, Stored]]  # with the retention class
    done: asyncio.Future[list[Stored]]

    def fail(self, error: AnjuError) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def succeed(self, begins: Mapping[str, tuple[str, int]]) -> None:
        """Tell the caller where all lies: ``begins`` names segment and offset of the group in each class."""
        if not self.done.done():
            self.done.set_result([_placed(each, *begins[retention]) for retention, each in self.stored])


class _Group:
    """What shares one sync: for each retention class the bytes to append, and the calls that wait for it."""

    def __init__(self) -> None:
        self.arenas: dict[str, _Arena] = {}
        self.waiting: list[_Waiting] = []

    @property
    def size(self) -> int:
        return sum(each.used for each in self.arenas.values())

    def arena(self, retention: str) -> _Arena:
        return self.arenas.setdefault(retention, _Arena())

    def clear(self) -> None:
        self.waiting = []
        for each in self.arenas.values():
            each.clear()

    def fail(self, error: AnjuError) -> None:
        for each in self.waiting:
            each.fail(error)


Range = Callable[[str, int, int], Awaitable[bytes]]
"""Reads ``length`` bytes at an offset of a segment that lies elsewhere. Raises NotFound."""


class Blobs:
    """The pictures of one node, as one process writes and reads them.

    ``folder`` holds the segments; ``elsewhere`` reads from sealed segments that are no longer there.
    """

    def __init__(
        self,
        db: Database,
        folder: Path,
        wrap: KeyWrap,
        *,
        clock: Callable[[], datetime],
        elsewhere: Range | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.folder = folder
        self._db, self._keys, self._clock, self._elsewhere = db, wrap, clock, elsewhere
        self._segment_bytes = segment_bytes
        self._start, self._count = uuid7().hex, 0
        self._open: dict[str, tuple[date, SegmentWriter]] = {}  # by retention class
        self._filling, self._spare = _Group(), _Group()
        self._leader: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="blobs")

    async def write(self, items: Sequence[NewBlob]) -> list[Stored]:
        """Return, in order, where ``items`` lie once they are on disk; no row names them before ``record``.

        Calls that wait at the same time share one sync. Encrypting takes the event loop's time, about 1 ms a megabyte:
        handing it to a thread costs more where one core does all. Raises PicturesAway where the disk does not take
        them or too much waits already, DatabaseAway where a new segment cannot be written down, Invalid for a picture
        that is too large.
        """
        if not items:
            return []
        self._refuse_too_much(items)
        stored = [(each.retention, self._seal(each)) for each in items]
        waiting = _Waiting(stored, asyncio.get_running_loop().create_future())
        self._filling.waiting.append(waiting)
        if self._leader is None:
            self._leader = asyncio.create_task(self._lead())
        return await waiting.done

    async def record(self, tx: Transaction, stored: Sequence[Stored], at: datetime) -> None:
        """Name ``stored`` in the caller's transaction: with its commit they are kept, without it they are noise."""
        if stored:
            await tx.copy(f"blob ({_COLUMNS})", [_row(each, at) for each in stored])

    async def read(self, blob_id: UUID, *, max_bytes: int = MOST_BYTES) -> tuple[bytes, str]:
        """Return a picture and its media type, proved by its hash.

        Raises NotFound, Erased, Damaged, and Invalid where it is larger than ``max_bytes``.
        """
        found = await self.find(blob_id)
        if found.length > max_bytes:
            raise Invalid("too_large", f"picture {blob_id} has {found.length} bytes, more than {max_bytes}")
        return await self.open(found), found.media_type

    async def find(self, blob_id: UUID) -> "Found":
        """Return where a picture lies. Raises NotFound, and Erased where its key is gone."""
        return await find(self._db, blob_id)

    async def open(self, found: "Found") -> bytes:
        """Return a picture in clear, proved by its hash. Raises Damaged, saying what is wrong and where."""
        return prove(await self._fetch(found), found, self._keys)

    def key_of(self, found: "Found") -> bytes:
        """Return the key of a picture. Raises Damaged where it was wrapped by another node."""
        return self._keys.unwrap(found.key)

    async def close(self) -> None:
        """Finish what waits and let go of the segments."""
        if self._leader is not None:
            await self._leader
        for _, writer in self._open.values():
            writer.close()
        self._open.clear()
        self._thread.shutdown()

    def _refuse_too_much(self, items: Sequence[NewBlob]) -> None:
        if (largest := max(len(each.data) for each in items)) > MOST_BYTES:
            raise Invalid("too_large", f"a picture of {largest} bytes: at most {MOST_BYTES}")
        if self._filling.size > WAITING_BYTES:
            raise PicturesAway(f"{self._filling.size} bytes of pictures wait for the disk already")

    def _seal(self, item: NewBlob) -> Stored:
        """Encrypt into the group that is being filled; the offset counts from its beginning."""
        arena, blob_id, secret = self._filling.arena(item.retention), uuid7(), os.urandom(KEY_BYTES + NONCE_BYTES)
        key, offset, size = secret[:KEY_BYTES], arena.used, len(item.data)
        segments.seal_into(arena.room(segments.span(size)), blob_id, item.data, key, secret[KEY_BYTES:])
        sha256 = item.sha256 or hashlib.sha256(item.data).digest()
        return Stored(blob_id, "", offset, size, sha256, self._keys.wrap(key), item.media_type, item.site_id)

    async def _lead(self) -> None:
        """Commit group after group until nobody waits."""
        try:
            while self._filling.waiting:
                group, self._filling, self._spare = self._filling, self._spare, self._filling
                await self._commit(group)
                group.clear()
        except BaseException:
            self._filling.fail(PicturesAway("the picture store was stopped"))
            self._filling = _Group()
            raise
        finally:
            self._leader = None

    async def _commit(self, group: _Group) -> None:
        try:
            begins = await self._append(group)
        except AnjuError as error:
            group.fail(error)
            return
        except BaseException as error:
            group.fail(PicturesAway(f"the picture store failed: {error!r}"))
            raise
        for each in group.waiting:
            each.succeed(begins)

    async def _append(self, group: _Group) -> dict[str, tuple[str, int]]:
        """Put the group on disk; return segment and offset of its beginning in each class."""
        used = {retention: arena for retention, arena in group.arenas.items() if arena.used}
        work = [(await self._writer(retention), arena.filled()) for retention, arena in used.items()]
        begins = {retention: (writer.name, writer.size) for retention, (writer, _) in zip(used, work, strict=True)}
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, _append_all, work)
        except OSError as error:
            self._give_up_broken()
            raise PicturesAway(f"pictures cannot be written to {self.folder}: {error.strerror}") from error
        return begins

    async def _writer(self, retention: str) -> SegmentWriter:
        """Return the open segment of ``retention``: today's, not full, else a new one."""
        today = self._clock().date()
        day, writer = self._open.get(retention, (None, None))
        if writer is not None and day == today and writer.size < self._segment_bytes:
            return writer
        if writer is not None:
            del self._open[retention]
            writer.close()
        fresh = await self._create(retention, today)
        self._open[retention] = (today, fresh)
        return fresh

    async def _create(self, retention: str, day: date) -> SegmentWriter:
        self._count += 1
        name = f"{retention}/{day}/{self._start}-{self._count:06}{segments.SUFFIX}"
        loop = asyncio.get_running_loop()
        try:
            writer = await loop.run_in_executor(self._thread, SegmentWriter.create, self.folder, name)
        except OSError as error:
            raise PicturesAway(f"no segment can be made in {self.folder}: {error.strerror}") from error
        try:
            await self._db.execute(_OPENED, name=name, retention=retention, day=day, at=self._clock())
        except BaseException:
            (self.folder / name).unlink(missing_ok=True)
            writer.close()
            raise
        return writer

    def _give_up_broken(self) -> None:
        for retention, (_, writer) in list(self._open.items()):
            if writer.broken:
                del self._open[retention]
                writer.close()

    async def _fetch(self, found: "Found") -> bytes:
        """Return the record's bytes from the file, else from elsewhere."""
        size = segments.span(found.length)
        try:
            return await asyncio.to_thread(_read_file, self.folder / found.segment, found.offset, size)
        except FileNotFoundError:
            if self._elsewhere is None:
                raise Damaged("missing", f"picture {found.id}: segment {found.segment} is missing") from None
        except OSError as error:
            raise Damaged("unreadable", f"segment {found.segment} cannot be read: {error.strerror}") from error
        return await self._elsewhere(found.segment, found.offset, size)


def _placed(each: Stored, segment: str, begin: int) -> Stored:
    """Return ``each`` with its place in the segment; ``replace`` would cost five times as much."""
    offset, size, key = begin + each.offset, each.length, each.key_wrapped
    return Stored(each.id, segment, offset, size, each.sha256, key, each.media_type, each.site_id)


def _append_all(work: Sequence[tuple[SegmentWriter, memoryview]]) -> None:
    for writer, data in work:
        writer.append(data)


def _read_file(path: Path, offset: int, size: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(file, size, offset)
    finally:
        os.close(file)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a picture lies, by its row."""

    id: UUID
    segment: str
    offset: int
    length: int
    sha256: bytes
    media_type: str
    key: bytes


def prove(record: bytes, found: Found, keys: KeyWrap) -> bytes:
    """Return the picture in ``record``, proved to be the one its row names. Raises Damaged, saying what is wrong."""
    try:
        data = segments.unseal(record, found.id, keys.unwrap(found.key))
    except ValueError as error:
        raise Damaged("damaged", f"picture {found.id} in {found.segment} at {found.offset}: {error}") from error
    if hashlib.sha256(data).digest() != found.sha256:
        raise Damaged("damaged", f"picture {found.id} in {found.segment} is not the one its row names")
    return data


_COLUMNS = "id, kept_at, site_id, segment, byte_offset, length, sha256, media_type, key"
_OPENED = """
    INSERT INTO segment (name, retention, day, opened_at) VALUES (%(name)s, %(retention)s, %(day)s, %(at)s)
"""
_FIND = """
    SELECT f.id, f.segment, f.byte_offset, f.length, f.sha256, f.media_type, f.key, f.erased_at, s.dropped_at
    FROM (SELECT id, segment, byte_offset, length, sha256, media_type, key, erased_at, 1 AS choice
          FROM blob WHERE id = %(id)s
          UNION ALL
          SELECT id, segment, byte_offset, length, sha256, media_type, key, erased_at, 2
          FROM evidence_blob WHERE id = %(id)s OR (source_id = %(id)s AND released_at IS NULL)) f
    LEFT JOIN segment s ON s.name = f.segment
    ORDER BY f.key IS NULL OR s.dropped_at IS NOT NULL, f.choice LIMIT 1
"""


def _row(each: Stored, at: datetime) -> tuple[object, ...]:
    place = (each.segment, each.offset, each.length)
    return (each.id, at, each.site_id, *place, each.sha256, each.media_type, each.key_wrapped)


async def find(db: Executor, blob_id: UUID) -> Found:
    """Return where a picture lies, the copy kept as evidence where the original ended.

    Raises NotFound, also where its days are over, and Erased where its key is gone.
    """
    row = await db.fetch_one(_FIND, id=blob_id)
    if row is None:
        raise NotFound("not_found", f"there is no picture {blob_id}")
    if row[8] is not None:
        raise NotFound("ended", f"picture {blob_id} was kept as long as it had to be, until {row[8]:%Y-%m-%d}")
    if row[6] is None:
        raise Erased("erased", f"picture {blob_id} was erased at {row[7]:%Y-%m-%d %H:%M:%S} UTC")
    return Found(*row[:7])
