"""After a crash: every file of a recording gets its row again, cut to its last whole fragment, or goes.

Whoever finds a file locked leaves it alone: somebody writes it. Rows whose files are gone are told, never hidden.
Source: 5.4.1 (recordings are kept), 8-h (what is missing is counted).
"""

import asyncio
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anju.domain.recording_trouble import Told, Trouble
from anju.errors import WireError
from anju.media import ledger
from anju.media.recording_file import NEW
from anju.protocols.frames import CLOCK
from anju.protocols.mp4_boxes import Fragment, Init, fragments, read_init
from anju.store import recording_ends, recordings, volumes
from anju.store.database import Database
from anju.store.recording_ends import Garbage, Piece
from anju.store.recordings import SOUND, SUFFIX, Flag, Recording
from anju.store.segments import sync_folder
from anju.store.volumes import Volume

BITE = 500


@dataclass(slots=True)
class Recovered:
    """What was done: rows written, bytes cut off, files removed that held no picture, rows without files."""

    rows: int = 0
    cut_bytes: int = 0
    removed: int = 0
    lost: int = 0


async def recover(
    db: Database, volume: Volume, *, now: datetime, tell: Callable[[Told], None], before: datetime | None = None
) -> Recovered:
    """Bring files and rows of ``volume`` together again, since the last time that was done.

    Files that began at ``before`` or later are left alone: who calls writes them. Raises DatabaseAway, OSError.
    """
    await empty_garbage(db, volume)
    end = round(before.timestamp() * 1000) if before else sys.maxsize
    since = await volumes.swept_at(db, volume.number)
    first = (since - timedelta(days=1)).strftime("%Y%m%d") if since else ""
    done = Recovered()
    for channel, day in await asyncio.to_thread(_folders, volume.path, first):
        await _recover_day(db, volume, channel, day, done, now, end)
    start = round((since - timedelta(days=1)).timestamp() * 1000) if since else 0
    await _tell_lost(db, volume, (start, end), done, now, tell)
    await volumes.swept(db, volume.number, at=now)
    return done


def _folders(root: Path, first: str) -> list[tuple[str, str]]:
    found = []
    for channel in sorted(each for each in root.iterdir() if each.is_dir()):
        days = sorted(each.name for each in channel.iterdir() if each.is_dir())
        found += [(channel.name, day) for day in days if day.isdigit() and day >= first]
    return found


async def _recover_day(
    db: Database, volume: Volume, channel: str, day: str, done: Recovered, now: datetime, end: int
) -> None:
    folder = volume.path / channel / day
    begin = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    bounds = (round(each.timestamp() * 1000) for each in (begin, begin + timedelta(days=1)))
    known = await recordings.known(db, volume.number, channel, *bounds)
    mended = await asyncio.to_thread(lambda: list(_mend_all(folder, channel, volume.number, known, done, end)))
    await recordings.add(db, mended)
    await ledger.found(db, [(each.channel_id, each.start_ms, each.duration_ms) for each in mended], now=now)
    done.rows += len(mended)


def _mend_all(
    folder: Path, channel: str, volume: int, known: set[int], done: Recovered, end: int
) -> Iterator[Recording]:
    changed = False
    for path in sorted(folder.iterdir()):
        if path.name.endswith(NEW):
            changed |= _remove_unlocked(path, done)
        elif not path.stem.isdigit() or int(path.stem) >= end:
            continue
        elif path.suffix == SUFFIX and int(path.stem) not in known:
            changed = True
            with suppress(FileNotFoundError):  # another worker looks too
                if (found := mend(path, channel, volume, done)) is not None:
                    yield found
        elif path.suffix in SOUND.values() and not path.with_suffix(SUFFIX).exists():
            changed |= _remove_unlocked(path, done)
    if changed:
        sync_folder(folder)


def mend(path: Path, channel: str, volume: int, done: Recovered) -> Recording | None:
    """Cut a file to its last whole fragment; return its row, None where somebody writes it or no picture is in it."""
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        size = os.fstat(file.fileno()).st_size
        try:
            init, found = _whole(file.fileno(), size)
        except WireError:
            found = []
        if not found:
            path.unlink()
            done.removed += 1
            return None
        if found[-1].end < size:
            done.cut_bytes += size - found[-1].end
            os.ftruncate(file.fileno(), found[-1].end)
        os.fsync(file.fileno())
    return _row(path, channel, volume, init, found)


def look_into(path: Path, channel: str, volume: int) -> Recording | None:
    """Return the row that a file without one would get now, perhaps while it is written; None without a picture.

    Raises OSError.
    """
    with path.open("rb") as file:
        try:
            init, found = _whole(file.fileno(), os.fstat(file.fileno()).st_size)
        except WireError:
            return None
    return _row(path, channel, volume, init, found) if found else None


def _whole(file: int, size: int) -> tuple[Init, list[Fragment]]:
    def read(offset: int, length: int) -> bytes:
        return os.pread(file, length, offset)

    init = read_init(read, size)
    found = list(fragments(read, init.size, size))
    return init, found if found and found[0].key else []


def _row(path: Path, channel: str, volume: int, init: Init, found: list[Fragment]) -> Recording:
    last = found[-1]
    gops = tuple((each.base_time * 1000 // CLOCK, each.offset) for each in found if each.key)
    duration = -(-(last.base_time + last.duration) * 1000 // CLOCK)
    audio = next((name for name, suffix in SOUND.items() if path.with_suffix(suffix).exists()), "")
    sound = path.with_suffix(SOUND[audio]).stat().st_size if audio else 0
    shape = (init.track.codec, Flag.RECOVERED, gops, init.track.width, init.track.height, audio)
    return Recording(channel, int(path.stem), duration, volume, last.end + sound, *shape)


def _remove_unlocked(path: Path, done: Recovered) -> bool:
    if not path.exists():  # another worker looks too
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
    done.removed += 1
    return True


async def _tell_lost(
    db: Database,
    volume: Volume,
    bounds: tuple[int, int],
    done: Recovered,
    now: datetime,
    tell: Callable[[Told], None],
) -> None:
    rows = [each for each in await recordings.unfilled(db, volume.number, bounds[0]) if each.start_ms < bounds[1]]
    missing = await asyncio.to_thread(lambda: [each for each in rows if not (volume.path / each.name).is_file()])
    if not missing or not await asyncio.to_thread(_still_there, volume):
        return
    pieces = [Piece(each.channel_id, each.start_ms, each.duration_ms) for each in missing]
    gone = await recording_ends.discard(db, pieces, why="lost", at=now)
    await ledger.lost(db, [(each.channel_id, each.start_ms, each.duration_ms) for each in pieces], now=now)
    done.lost += gone
    tell(Told(Trouble.ROWS_LOST, volume=str(volume.path), detail=f"{gone} files, the first {missing[0].name}"))


def _still_there(volume: Volume) -> bool:
    """A disk that was taken out in the meantime has lost nothing."""
    volume.look()
    return volume.readable


async def empty_garbage(db: Database, volume: Volume, *, limit: int = BITE) -> int:
    """Unlink files of ``volume`` whose rows are gone, at most ``limit``; return how many."""
    found = await recording_ends.garbage(db, [volume.number], limit=limit)
    gone = await asyncio.to_thread(unlink, volume.path, found)
    await recording_ends.unlinked(db, gone)
    return len(gone)


def unlink(root: Path, files: list[Garbage]) -> list[Garbage]:
    """Remove ``files`` and folders that are empty then; return those that are gone for good."""
    folders = set()
    for each in files:
        for name in each.names():
            (root / name).unlink(missing_ok=True)
            folders.add((root / name).parent)
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)
            _drop_empty(folder)
    return files


def _drop_empty(folder: Path) -> None:
    if datetime.now(UTC).strftime("%Y%m%d") <= folder.name:
        return  # somebody may be about to write into it
    try:
        folder.rmdir()
    except OSError:  # there is more in it
        return
    sync_folder(folder.parent)
