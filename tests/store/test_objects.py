"""Sealed segments in a real S3 server: read by range, proved before the file goes, fetched again where harmed."""

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.pictures import Fault
from anju.errors import Damaged, PicturesAway
from anju.security.blob_keys import BlobKeys
from anju.store import segment_care
from anju.store.blob_check import Check
from anju.store.blobs import Blobs, Stored
from anju.store.database import Database
from anju.store.objects import Bucket, Objects
from anju.store.segment_care import Places
from tests.conftest import FrozenClock
from tests.s3 import s3_server
from tests.store.test_segment_care import Store, flip

TOMORROW = date(2026, 11, 23)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bucket(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bucket]:
    async with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def store(db: Database, tmp_path: Path, clock: FrozenClock, bucket: Bucket) -> AsyncIterator[Store]:
    objects, keys = Objects(bucket), BlobKeys(tmp_path / "keys")
    places = Places.under(tmp_path, objects)
    made = Store(db, places, keys, Blobs(db, places.segments, keys, clock=clock, elsewhere=objects.range), clock)
    yield made
    await made.blobs.close()


async def copied(store: Store, *pictures: bytes) -> list[Stored]:
    """Keep ``pictures`` in a sealed segment that lies here and there."""
    stored = await store.keep(*pictures)
    await store.blobs.close()
    await segment_care.seal_finished(store.db, store.places, at=store.clock())
    assert await segment_care.copy_out(store.db, store.places) == [stored[0].segment]
    return stored


async def test_pictures_are_read_by_range_once_the_file_is_gone(store: Store) -> None:
    stored = await copied(store, b"one" * 1000, b"two" * 1000)
    assert await segment_care.leave(store.db, store.places, before=date(2026, 11, 22)) == []
    assert await segment_care.leave(store.db, store.places, before=TOMORROW) == [stored[0].segment]
    assert store.files() == []
    assert [(await store.blobs.read(each.id))[0] for each in stored] == [b"one" * 1000, b"two" * 1000]
    assert await store.check() == []


async def one(store: Store, picture: bytes) -> str:
    """Return the name of a segment that lies here and there and holds one picture."""
    return (await copied(store, picture))[0].segment


async def test_the_file_stays_where_the_copy_is_not_the_segment(store: Store, tmp_path: Path) -> None:
    name = await one(store, b"picture")
    assert store.places.objects is not None
    (tmp_path / "other").write_bytes(b"other bytes")
    await store.places.objects.put(name, tmp_path / "other")
    with pytest.raises(Damaged):
        await segment_care.leave(store.db, store.places, before=TOMORROW)
    assert (store.places.segments / name).is_file()


@pytest.mark.parametrize("harm", [flip, Path.unlink])
async def test_a_harmed_file_is_fetched_again(store: Store, harm: Callable[[Path], None]) -> None:
    name = await one(store, b"picture" * 20)
    harm(store.places.segments / name)
    assert await store.repair() == ["fetched again from the object store"]
    assert await store.check() == []


async def test_a_picture_lost_there_is_named(store: Store) -> None:
    name = await one(store, b"picture")
    await segment_care.leave(store.db, store.places, before=TOMORROW)
    assert store.places.objects is not None
    await store.places.objects.delete(name)
    (finding,) = await store.check()
    assert finding.fault is Fault.MISSING
    assert finding.blob_id
    with pytest.raises(Damaged):
        await store.blobs.read(finding.blob_id)


async def test_what_ends_by_age_ends_there_too(store: Store) -> None:
    name = await one(store, b"picture")
    await segment_care.leave(store.db, store.places, before=TOMORROW)
    store.clock.forward(timedelta(days=91).total_seconds())
    assert await segment_care.retire(store.db, store.places, at=store.clock()) == [name]
    assert store.places.objects is not None
    with pytest.raises(Damaged, match="not in the object store"):
        await store.places.objects.digest(name)


async def test_a_store_that_does_not_answer_is_told_apart_from_loss(store: Store) -> None:
    name = await one(store, b"picture")
    await segment_care.leave(store.db, store.places, before=TOMORROW)
    away = Objects(Bucket("http://127.0.0.1:1", "pictures", "a", "b"))
    check = Check(store.db, Places(store.places.segments, store.places.thumbnails, away), store.keys)
    assert [(each.fault, each.segment) async for each in check.run()] == [(Fault.AWAY, name)]
    with pytest.raises(PicturesAway):
        await away.range(name, 0, 1)
