"""What becomes of written segments: sealed, copied to an object store, ended by age, tidied after a crash.

Each step commits its word in table ``segment`` before bytes go, so that a crash in between leaves a file too many and
never a picture too few.
Source: 4.2.3 (storage), 6.3.2 (nothing kept longer than it must be).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from anju.domain.pictures import DAYS, Deed, ends
from anju.errors import Damaged, PicturesAway
from anju.store import retention, segments, thumbnails
from anju.store.database import Database, Executor
from anju.store.segments import SUFFIX, Gap

if TYPE_CHECKING:  # only a node with an object store loads its client
    from anju.store.objects import Objects

SETTLED = timedelta(minutes=10)
"""How long after its last byte a segment that no row names is left alone: no transaction lasts longer."""
REMEMBERED = timedelta(days=366)  # that a segment was there and ended
CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """Where a node's pictures lie: the folder of segments, that of thumbnails, and the object store, if any."""

    segments: Path
    thumbnails: Path
    objects: Objects | None = None

    @classmethod
    def under(cls, data: Path, objects: Objects | None = None) -> Places:
        """Return the places of the node whose data folder is ``data``."""
        return cls(data / "blobs", data / "thumbnails", objects)

    def names(self) -> list[str]:
        """Return the names of all segments in the folder."""
        return sorted(str(each.relative_to(self.segments)) for each in self.segments.rglob(f"*{SUFFIX}"))


NAMED = """(EXISTS (SELECT FROM blob b WHERE b.segment = s.name)
    OR EXISTS (SELECT FROM evidence_blob e WHERE e.segment = s.name))"""
_OPEN = "SELECT name FROM segment WHERE state = 'open' AND dropped_at IS NULL ORDER BY name"
_NAMED_END = """
    SELECT coalesce(max(byte_offset), -1) FROM (SELECT byte_offset FROM blob WHERE segment = %(name)s UNION ALL
        SELECT byte_offset FROM evidence_blob WHERE segment = %(name)s) b
"""
_SEALED = """
    UPDATE segment SET state = 'sealed', bytes = %(size)s, sha256 = %(sha256)s, sealed_at = %(at)s
    WHERE name = %(name)s AND state = 'open'
"""


async def seal_finished(db: Database, places: Places, *, at: datetime) -> list[str]:
    """Write down size and SHA-256 of every segment that nobody writes any more; return their names.

    A tail that a crash cut short is cut off, unless a row names something in it.
    """
    sealed = []
    for (name,) in await db.fetch(_OPEN):
        row = await db.fetch_one(_NAMED_END, name=name)
        found = await to_thread(_seal, places.segments / name, row[0] if row else -1)
        if found is not None:
            await db.execute(_SEALED, name=name, size=found[0], sha256=found[1], at=at)
            sealed.append(name)
    return sealed


def _seal(path: Path, last_named: int) -> tuple[int, bytes] | None:
    """Return size and SHA-256; None while the segment is written, or where it is missing, which a check reports."""
    try:
        with _locked(path) as file:
            *_, tail = (None, *segments.walk(path))
            if isinstance(tail, Gap) and tail.offset > last_named and tail.end == os.fstat(file).st_size:
                os.ftruncate(file, tail.offset)
                os.fsync(file)
            return digest(path)
    except (BlockingIOError, FileNotFoundError):
        return None


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the segment at ``path``. Raises BlockingIOError while somebody writes it."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file
    finally:
        os.close(file)


def digest(path: Path) -> tuple[int, bytes]:
    """Return size and SHA-256 of a file. Raises OSError."""
    size, sha256 = 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            size += len(piece)
            sha256.update(piece)
    return size, sha256.digest()


_TO_COPY = """
    SELECT name FROM segment WHERE state = 'sealed' AND place = 'file' AND dropped_at IS NULL ORDER BY day, name
"""
_TO_LEAVE = """
    SELECT name, bytes, sha256 FROM segment
    WHERE place = 'both' AND day < %(before)s AND dropped_at IS NULL ORDER BY day, name
"""
_PLACE = "UPDATE segment SET place = %(place)s WHERE name = %(name)s"


async def copy_out(db: Executor, places: Places) -> list[str]:
    """Copy sealed segments to the object store; return their names. Raises PicturesAway where it does not answer."""
    if places.objects is None:
        return []
    copied = []
    for (name,) in await db.fetch(_TO_COPY):
        if (path := places.segments / name).is_file():
            await places.objects.put(name, path)
            await db.execute(_PLACE, name=name, place="both")
            copied.append(name)
    return copied


async def leave(db: Executor, places: Places, *, before: date) -> list[str]:
    """Remove files of days before ``before`` whose copies in the object store are proved bit by bit; return names.

    Raises PicturesAway where it does not answer, Damaged where a copy there is not the segment: the file stays.
    """
    left = []
    for name, size, sha256 in await db.fetch(_TO_LEAVE, before=before) if places.objects else []:
        assert places.objects is not None  # noqa: S101 - else there is nothing to go through
        if await places.objects.digest(name) != (size, sha256):
            raise Damaged("altered", f"the copy of segment {name} in the object store is not what was sealed")
        await db.execute(_PLACE, name=name, place="s3")
        (places.segments / name).unlink(missing_ok=True)
        left.append(name)
    return left


_ALIVE = "SELECT name, retention, day FROM segment WHERE dropped_at IS NULL AND state = 'sealed' AND day < %(today)s"
_DROP = "UPDATE segment SET dropped_at = %(at)s WHERE name = %(name)s"
_DROPPED = "SELECT name, place FROM segment WHERE dropped_at IS NOT NULL AND place <> 'gone'"


async def retire(db: Database, places: Places, *, at: datetime, days: Mapping[str, int] = DAYS) -> list[str]:
    """End segments whose days are over, class by class; return their names. Evidence never ends by age.

    ``days`` may lengthen what the class must live, never shorten it.
    """
    over = []
    for name, kind, day in await db.fetch(_ALIVE, today=at.date()):
        last = ends(kind, day, days)
        if last is not None and last <= at.date():
            await db.execute(_DROP, name=name, at=at)
            over.append(name)
    await remove_dropped(db, places)
    longest = max([*DAYS.values(), *days.values()])
    await retention.drop(db, "blob", before=at - timedelta(days=longest + 1))
    await db.execute("DELETE FROM segment WHERE place = 'gone' AND dropped_at < %(before)s", before=at - REMEMBERED)
    return over


async def remove_dropped(db: Executor, places: Places) -> list[str]:
    """Remove the bytes and thumbnails of segments that ended; return names. What fails is tried again next time."""
    removed = []
    for name, place in await db.fetch(_DROPPED):
        if place in {"both", "s3"}:
            if places.objects is None:
                continue
            await places.objects.delete(name)
        await to_thread(_remove, places, name)
        await db.execute(_PLACE, name=name, place="gone")
        removed.append(name)
    return removed


def _remove(places: Places, name: str) -> None:
    path = places.segments / name
    path.unlink(missing_ok=True)
    thumbnails.drop(places.thumbnails, name)
    for folder in (path.parent, (places.thumbnails / name).parent):
        try:
            folder.rmdir()
        except OSError:  # another segment of that day is still there
            continue


_UNNAMED = f"""
    SELECT s.name FROM segment s WHERE s.dropped_at IS NULL AND s.opened_at < %(before)s AND NOT {NAMED} ORDER BY s.name
"""


async def drop_unnamed(db: Database, places: Places, *, at: datetime, settled: timedelta = SETTLED) -> list[str]:
    """Remove segments of which no row names anything: nothing in them was ever acknowledged, no key for them exists.

    Left alone are those being written, and those whose last byte is younger than ``settled``. Returns their names.
    """
    dropped = []
    for (name,) in await db.fetch(_UNNAMED, before=at - settled):
        if _is_settled(places.segments / name, settled):
            await db.execute(_DROP, name=name, at=at)
            dropped.append(name)
    if dropped:
        await remove_dropped(db, places)
    return dropped


def _is_settled(path: Path, settled: timedelta) -> bool:
    try:
        old = time.time() - path.stat().st_mtime >= settled.total_seconds()
        return old and not segments.is_being_written(path)
    except FileNotFoundError:
        return True


async def tend(
    db: Database, places: Places, *, at: datetime, days: Mapping[str, int] = DAYS, here_days: int = 7
) -> None:
    """Do once all that time asks for: seal, tidy, end by age, copy out; files leave ``here_days`` after their day.

    Raises DatabaseAway, PicturesAway, Damaged; the next time goes on where this one stopped.
    """
    try:
        await seal_finished(db, places, at=at)
        await drop_unnamed(db, places, at=at)
        await retire(db, places, at=at, days=days)
        await copy_out(db, places)
        await leave(db, places, before=at.date() - timedelta(days=here_days))
    except OSError as error:
        raise PicturesAway(f"segments in {places.segments} cannot be tended: {error}") from error


_KNOWN = "SELECT name FROM segment WHERE name = ANY(%(names)s)"
_ADOPT = """
    INSERT INTO segment (name, retention, day, opened_at) VALUES (%(name)s, %(kind)s, %(day)s, %(at)s)
    ON CONFLICT DO NOTHING
"""


async def repair(db: Database, places: Places, *, at: datetime, settled: timedelta = SETTLED) -> AsyncIterator[Deed]:
    """Mend what can be mended and proved, and tell each deed.

    Files without a row are adopted where rows name pictures in them, else removed; finished segments are sealed;
    segments that nothing names and remains of what ended are removed; a damaged or missing file is fetched again where
    the object store holds the segment that was sealed. Raises DatabaseAway, PicturesAway.
    """
    async for deed in _settle_unknown(db, places, at=at, settled=settled):
        yield deed
    for name in await seal_finished(db, places, at=at):
        yield Deed("sealed", name)
    for name in await drop_unnamed(db, places, at=at, settled=settled):
        yield Deed("removed: nothing in it was ever acknowledged", name)
    for name in await remove_dropped(db, places):
        yield Deed("removed: its days are over", name)
    for name in await to_thread(_remove_cut_short, places.segments, settled):
        yield Deed("removed: its making was cut short", name)
    async for name in _fetch_again(db, places):
        yield Deed("fetched again from the object store", name)


async def _settle_unknown(db: Database, places: Places, *, at: datetime, settled: timedelta) -> AsyncIterator[Deed]:
    names = await to_thread(places.names)
    known = {row[0] for row in await db.fetch(_KNOWN, names=names)}
    for name in names:
        if name in known or not _is_settled(places.segments / name, settled):
            continue
        if ((last := await db.fetch_one(_NAMED_END, name=name)) or (-1,))[0] >= 0 and (kind := _parts(name)):
            await db.execute(_ADOPT, name=name, kind=kind[0], day=kind[1], at=at)
            yield Deed("adopted: rows name pictures in it", name)
        elif last is not None and last[0] < 0:
            await to_thread(_remove, places, name)
            yield Deed("removed: no row knows it", name)


def _parts(name: str) -> tuple[str, date] | None:
    """Return class and day out of a segment's name."""
    try:
        kind, day, _ = name.split("/")
        return kind, date.fromisoformat(day)
    except ValueError:
        return None


def _remove_cut_short(folder: Path, settled: timedelta) -> list[str]:
    """Remove files that never got their name."""
    gone = [each for each in folder.rglob("*.new") if _is_settled(each, settled)]
    for each in gone:
        each.unlink(missing_ok=True)
    return [str(each.relative_to(folder)) for each in gone]


_COPIES = """
    SELECT name, bytes, sha256 FROM segment WHERE place = 'both' AND dropped_at IS NULL ORDER BY day, name
"""


async def _fetch_again(db: Executor, places: Places) -> AsyncIterator[str]:
    """Replace files that are not what was sealed by their copies, where those are."""
    for name, size, sha256 in await db.fetch(_COPIES) if places.objects else []:
        assert places.objects is not None  # noqa: S101 - else there is nothing to go through
        path = places.segments / name
        if path.is_file() and await to_thread(digest, path) == (size, sha256):
            continue
        fresh = path.with_suffix(".new")
        await to_thread(_make_room, fresh)
        await places.objects.fetch(name, fresh)
        if await to_thread(digest, fresh) == (size, sha256):
            fresh.rename(path)
            segments.sync_folder(path.parent)
            yield name
        else:
            fresh.unlink()


def _make_room(fresh: Path) -> None:
    fresh.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
