"""Volumes: the folders recordings lie in, each paired with the database by a file that holds its identity.

A disk that is not mounted leaves an empty folder behind, and another node's disk may hang in its place: neither is
written to. A disk that comes back under another path is the same volume.
Source: 5.4.1 (recordings stored on the spot, kept 30 days).
"""

import os
import shutil
from asyncio import to_thread
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from anju.domain.devices import Words
from anju.store.database import Database, Executor, Transaction
from anju.store.segments import sync_folder

MARK = ".anju-volume"


class VolumeState(StrEnum):
    """Whether recordings can be written to a volume."""

    OK = "ok"
    FULL = "full"  # below its reserve: nothing more is written
    MISSING = "missing"  # its identity is not there: not mounted
    WRONG = "wrong"  # another volume hangs in its place
    FAILED = "failed"  # it cannot be read or written


VOLUME_WORDS: Mapping[str, Words] = {
    VolumeState.OK: Words("正常", "in order"),
    VolumeState.FULL: Words("空间不足，已停止写入", "nearly full: nothing more is written"),
    VolumeState.MISSING: Words("磁盘缺失：未挂载或已拔出", "the disk is missing: not mounted, or taken out"),
    VolumeState.WRONG: Words("磁盘不符：挂载的不是本平台的录像盘", "the wrong disk: it is not one of this platform's"),
    VolumeState.FAILED: Words("磁盘读写失败", "the disk cannot be read or written"),
}


class Mark(msgspec.Struct, frozen=True):
    """What stands in a volume's file: its identity and the node that made it."""

    volume: UUID
    node: str


@dataclass(slots=True)
class Volume:
    """One volume as this process sees it. ``number`` is 0 for a wrong disk: the database knows nothing of it."""

    number: int
    id: UUID
    path: Path
    reserve: int
    state: VolumeState = VolumeState.OK
    reason: str = ""
    total: int = 0
    free: int = 0

    @property
    def readable(self) -> bool:
        """Return whether its recordings can be read."""
        return self.state in {VolumeState.OK, VolumeState.FULL}

    def look(self) -> None:
        """Find out how it is: blocks as long as the disk does."""
        try:
            found = read_mark(self.path)
            if found is None:
                self.state, self.reason = VolumeState.MISSING, f"{self.path} has no file {MARK}"
            elif found.volume != self.id:
                self.state, self.reason = VolumeState.WRONG, f"{self.path} holds volume {found.volume}, not {self.id}"
            else:
                self._measure()
        except (OSError, ValueError) as error:
            self.state, self.reason = VolumeState.FAILED, f"{self.path}: {error}"

    def _measure(self) -> None:
        usage = shutil.disk_usage(self.path)
        self.total, self.free, self.reason = usage.total, usage.free, ""
        self.state = VolumeState.OK if self.free >= self.reserve else VolumeState.FULL
        if not os.access(self.path, os.W_OK):
            self.state, self.reason = VolumeState.FAILED, f"{self.path} is read-only"


def read_mark(path: Path) -> Mark | None:
    """Return the identity a folder holds, None where it holds none. Raises OSError, ValueError for one that is off."""
    try:
        data = (path / MARK).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return msgspec.json.decode(data, type=Mark)
    except msgspec.DecodeError as error:
        raise ValueError(f"its file {MARK} cannot be understood: {error}") from error


def write_mark(path: Path, volume: UUID, node: str) -> None:
    """Make ``path`` a volume. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path / f"{MARK}.new"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(Mark(volume, node)))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path / MARK)
    sync_folder(path)


async def pair(db: Database, paths: Sequence[Path], *, node: str, reserve: int, at: datetime) -> list[Volume]:
    """Return the volumes of ``paths``; a folder that is new becomes one, a known disk in another place stays itself.

    Wrong, missing and failed ones come too, in that state: they are neither written nor read. ``reserve`` is in bytes.
    """
    async with db.transaction() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(7220009)")  # one process pairs at a time
        marks = {path: await to_thread(_mark, path) for path in paths}
        rows = await tx.fetch("SELECT number, id, path FROM volume")
        by_id = {row[1]: row for row in rows}
        seen = {mark.volume for mark in marks.values() if isinstance(mark, Mark)}
        by_path = {row[2]: row for row in rows if row[1] not in seen}
        found = [await _paired(tx, path, marks[path], by_id, by_path, node, at) for path in paths]
    for each in found:
        each.reserve = reserve
        if each.state is VolumeState.OK:
            await to_thread(each.look)
    await save(db, found, at=at)
    return found


def _mark(path: Path) -> Mark | str | None:
    """Return the identity, None, or what is wrong."""
    try:
        return read_mark(path)
    except (OSError, ValueError) as error:
        return str(error)


async def _paired(
    tx: Transaction,
    path: Path,
    mark: Mark | str | None,
    by_id: Mapping[UUID, tuple[int, UUID, str]],
    by_path: Mapping[str, tuple[int, UUID, str]],
    node: str,
    at: datetime,
) -> Volume:
    before = by_path.get(str(path))
    if isinstance(mark, str):
        number, volume = (before[0], before[1]) if before else (0, UUID(int=0))
        return Volume(number, volume, path, 0, VolumeState.FAILED, f"{path}: {mark}")
    if mark is None:
        if before is not None:
            return Volume(before[0], before[1], path, 0, VolumeState.MISSING, f"{path} has no file {MARK}")
        return await _made(tx, path, node, at)
    if mark.volume in by_id:
        number, volume, _ = by_id[mark.volume]
    elif mark.node == node:  # made just before a crash, or the database is from before it
        number, volume = await _written(tx, path, mark.volume, at), mark.volume
    else:
        reason = f"{path} holds volume {mark.volume} of node {mark.node}, which this node does not know"
        number, volume = (before[0], before[1]) if before else (0, mark.volume)  # whose disk is missed here
        return Volume(number, volume, path, 0, VolumeState.WRONG, reason)
    await tx.execute("UPDATE volume SET path = %(path)s WHERE number = %(number)s", path=str(path), number=number)
    return Volume(number, volume, path, 0)


async def _made(tx: Transaction, path: Path, node: str, at: datetime) -> Volume:
    volume = uuid7()
    try:
        await to_thread(write_mark, path, volume, node)
    except OSError as error:
        return Volume(0, volume, path, 0, VolumeState.FAILED, f"{path}: {error}")
    return Volume(await _written(tx, path, volume, at), volume, path, 0)


async def _written(tx: Transaction, path: Path, volume: UUID, at: datetime) -> int:
    row = await tx.fetch_one(
        """INSERT INTO volume (id, path, added_at, seen_at) VALUES (%(id)s, %(path)s, %(at)s, %(at)s)
           RETURNING number""",
        id=volume,
        path=str(path),
        at=at,
    )
    assert row is not None  # noqa: S101 - RETURNING
    return int(row[0])


_SAVE = """
    UPDATE volume SET state = %(state)s, reason = %(reason)s, total_bytes = %(total)s, free_bytes = %(free)s,
        reserve_bytes = %(reserve)s, seen_at = %(at)s WHERE number = %(number)s
"""


async def save(db: Executor, volumes: Sequence[Volume], *, at: datetime) -> None:
    """Write down how ``volumes`` are, for those who only look."""
    rows = [
        {
            "number": each.number,
            "state": each.state.value,
            "reason": each.reason,
            "total": each.total,
            "free": each.free,
            "reserve": each.reserve,
            "at": at,
        }
        for each in volumes
        if each.number
    ]
    if rows:
        await db.execute_many(_SAVE, rows)


async def all_of(db: Executor) -> list[Volume]:
    """Return every volume as it was written down last."""
    rows = await db.fetch(
        """SELECT number, id, path, reserve_bytes, state, reason, total_bytes, free_bytes FROM volume
           ORDER BY number"""
    )
    return [Volume(row[0], row[1], Path(row[2]), row[3], VolumeState(row[4]), *row[5:]) for row in rows]


async def swept_at(db: Executor, number: int) -> datetime | None:
    """Return since when every file of a volume has its row, None where nobody looked yet."""
    row = await db.fetch_one("SELECT swept_at FROM volume WHERE number = %(number)s", number=number)
    return row[0] if row else None


async def swept(db: Executor, number: int, *, at: datetime) -> None:
    """Write down that every file of a volume older than ``at`` has its row."""
    await db.execute("UPDATE volume SET swept_at = %(at)s WHERE number = %(number)s", number=number, at=at)
