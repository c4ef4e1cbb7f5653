"""Pictures come back as they were written, or with the reason why not."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.errors import Damaged, DatabaseAway, Erased, Invalid, NotFound, PicturesAway
from anju.security.blob_keys import BlobKeys
from anju.store import segments
from anju.store.blobs import MOST_BYTES, Blobs, NewBlob, Stored
from anju.store.database import Database
from tests.conftest import FrozenClock

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40


@pytest_asyncio.fixture(loop_scope="session")
async def blobs(db: Database, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Blobs]:
    store = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    yield store
    await store.close()


def picture(data: bytes = JPEG, retention: str = "passage") -> NewBlob:
    return NewBlob("site", data, "image/jpeg", retention)


async def keep(db: Database, blobs: Blobs, *items: NewBlob) -> list[Stored]:
    stored = await blobs.write(items)
    async with db.transaction() as tx:
        await blobs.record(tx, stored, FrozenClock().now)
    return stored


async def test_what_was_written_is_read_byte_for_byte(db: Database, blobs: Blobs) -> None:
    stored = await keep(db, blobs, picture(), picture(b""), picture(b"two"))
    assert [await blobs.read(each.id) for each in stored] == [(data, "image/jpeg") for data in (JPEG, b"", b"two")]


async def test_another_process_reads_it(db: Database, blobs: Blobs, tmp_path: Path, clock: FrozenClock) -> None:
    (stored,) = await keep(db, blobs, picture())
    other = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    assert (await other.read(stored.id))[0] == JPEG
    await other.close()


async def test_nothing_on_disk_is_readable(db: Database, blobs: Blobs, tmp_path: Path) -> None:
    await keep(db, blobs, picture())
    raw = b"".join(each.read_bytes() for each in (tmp_path / "blobs").rglob("*.seg"))
    assert len(raw) == segments.span(len(JPEG))
    assert b"JFIF" not in raw
    assert b"\xff\xd8\xff" not in raw


async def test_a_hundred_writers_share_a_few_syncs(db: Database, blobs: Blobs) -> None:
    together = await asyncio.gather(*(keep(db, blobs, picture(b"%d" % n)) for n in range(100)))
    read = [(await blobs.read(stored.id))[0] for (stored,) in together]
    assert read == [b"%d" % n for n in range(100)]
    assert len({stored.segment for (stored,) in together}) == 1


async def test_each_class_and_day_has_its_own_segment(db: Database, blobs: Blobs, clock: FrozenClock) -> None:
    first, face = await keep(db, blobs, picture(), picture(retention="face"))
    clock.forward(86_400)
    (next_day,) = await keep(db, blobs, picture())
    assert first.segment.startswith("passage/2026-11-22/")
    assert face.segment.startswith("face/2026-11-22/")
    assert next_day.segment.startswith("passage/2026-11-23/")


async def test_a_full_segment_is_followed_by_another(db: Database, tmp_path: Path, clock: FrozenClock) -> None:
    blobs = Blobs(db, tmp_path, BlobKeys(tmp_path / "keys"), clock=clock, segment_bytes=1000)
    names = [stored.segment for _ in range(3) for stored in await keep(db, blobs, picture(bytes(600)))]
    assert len(set(names)) == 2
    await blobs.close()


async def test_a_restart_opens_a_new_segment(db: Database, blobs: Blobs, tmp_path: Path, clock: FrozenClock) -> None:
    (first,) = await keep(db, blobs, picture())
    other = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    (second,) = await keep(db, other, picture())
    assert first.segment != second.segment
    await other.close()


async def test_what_no_row_names_is_not_found(blobs: Blobs) -> None:
    (unnamed,) = await blobs.write([picture()])
    for blob_id in (unnamed.id, uuid4()):
        with pytest.raises(NotFound):
            await blobs.read(blob_id)


async def test_an_erased_picture_says_so(db: Database, blobs: Blobs) -> None:
    (stored,) = await keep(db, blobs, picture())
    await db.execute("UPDATE blob SET key = NULL, erased_at = now() WHERE id = %(id)s", id=stored.id)
    with pytest.raises(Erased):
        await blobs.read(stored.id)


@pytest.mark.parametrize("at", [0, 10, 47, 48, 200, -1])
async def test_a_flipped_byte_is_noticed(db: Database, blobs: Blobs, at: int) -> None:
    (stored,) = await keep(db, blobs, picture())
    path = blobs.folder / stored.segment
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged):
        await blobs.read(stored.id)


async def test_a_short_and_a_missing_file_are_noticed(db: Database, blobs: Blobs) -> None:
    (stored,) = await keep(db, blobs, picture())
    os.truncate(blobs.folder / stored.segment, 100)
    with pytest.raises(Damaged):
        await blobs.read(stored.id)
    (blobs.folder / stored.segment).unlink()
    with pytest.raises(Damaged):
        await blobs.read(stored.id)


async def test_a_row_with_another_hash_is_noticed(db: Database, blobs: Blobs) -> None:
    (stored,) = await keep(db, blobs, picture())
    await db.execute("UPDATE blob SET sha256 = '\\x00' WHERE id = %(id)s", id=stored.id)
    with pytest.raises(Damaged):
        await blobs.read(stored.id)


async def test_another_nodes_key_opens_nothing(db: Database, blobs: Blobs, tmp_path: Path, clock: FrozenClock) -> None:
    (stored,) = await keep(db, blobs, picture())
    other = Blobs(db, blobs.folder, BlobKeys(tmp_path / "other"), clock=clock)
    with pytest.raises(Damaged):
        await other.read(stored.id)
    await other.close()


async def test_sizes_are_bounded(db: Database, blobs: Blobs) -> None:
    (stored,) = await keep(db, blobs, picture())
    with pytest.raises(Invalid):
        await blobs.read(stored.id, max_bytes=100)
    with pytest.raises(Invalid):
        await blobs.write([picture(bytes(MOST_BYTES + 1))])


async def test_where_no_folder_can_be_made_the_sender_is_told_to_come_again(
    db: Database, tmp_path: Path, clock: FrozenClock
) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    blobs = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    with pytest.raises(PicturesAway):
        await blobs.write([picture()])
    (tmp_path / "blobs").unlink()
    assert len(await blobs.write([picture()])) == 1
    await blobs.close()


async def test_without_the_database_no_segment_begins(db: Database, tmp_path: Path, clock: FrozenClock) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    await away.open()
    blobs = Blobs(away, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    with pytest.raises(DatabaseAway):
        await blobs.write([picture()])
    assert [each for each in (tmp_path / "blobs").rglob("*") if each.is_file()] == []
    await blobs.close()
    await away.close()


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let the kernel refuse what a full disk refuses: it takes a part and then no more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_full_disk_refuses_whole_calls_and_recovers(db: Database, blobs: Blobs) -> None:
    (before,) = await keep(db, blobs, picture())
    with no_file_larger_than(segments.span(len(JPEG)) + 5_000), pytest.raises(PicturesAway):
        await blobs.write([picture(), picture()])
    (after,) = await keep(db, blobs, picture(b"after"))
    assert (blobs.folder / after.segment).stat().st_size == after.offset + segments.span(5)
    assert [(await blobs.read(each.id))[0] for each in (before, after)] == [JPEG, b"after"]


async def test_a_caller_who_gives_up_takes_nobody_with_him(db: Database, blobs: Blobs) -> None:
    impatient = asyncio.create_task(blobs.write([picture(b"given up")]))
    patient = asyncio.create_task(keep(db, blobs, picture(b"waited for")))
    await asyncio.sleep(0)
    impatient.cancel()
    (stored,) = await patient
    assert (await blobs.read(stored.id))[0] == b"waited for"
    assert (await asyncio.gather(impatient, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_who_comes_while_too_much_waits_is_told_to_come_again(db: Database, blobs: Blobs) -> None:
    large = picture(bytes(30_000_000))
    done = await asyncio.gather(*(blobs.write([large]) for _ in range(4)), return_exceptions=True)
    assert [isinstance(each, PicturesAway) for each in done] == [False, False, False, True]
    assert len(await blobs.write([large])) == 1


async def test_two_classes_share_one_call(db: Database, blobs: Blobs) -> None:
    stored = await keep(db, blobs, picture(b"1"), picture(b"2", "face"), picture(b"3"), picture(b"4", "face"))
    assert [(await blobs.read(each.id))[0] for each in stored] == [b"1", b"2", b"3", b"4"]
    assert [each.segment.partition("/")[0] for each in stored] == ["passage", "face", "passage", "face"]
