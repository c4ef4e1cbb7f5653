"""Evidence outlives the original; what is erased is gone, and says since when."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from anju.errors import Conflict, Damaged, Erased, NotFound
from anju.security.blob_keys import BlobKeys
from anju.store import evidence
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database
from anju.store.evidence import Lock
from anju.store.thumbnails import Thumbnails
from tests.conftest import FrozenClock
from tests.store.test_thumbnails import drawn

PICTURE = drawn(640, 480)
WHY = Lock("案件 2026-11-3", "u1", FrozenClock().now)


@pytest_asyncio.fixture(loop_scope="session")
async def blobs(db: Database, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Blobs]:
    store = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    yield store
    await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def kept(db: Database, blobs: Blobs, clock: FrozenClock) -> UUID:
    stored = await blobs.write([NewBlob("site", PICTURE, "image/jpeg")])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, clock.now)
    return stored[0].id


async def test_evidence_answers_after_the_original_ended(db: Database, blobs: Blobs, kept: UUID) -> None:
    copy = await evidence.lock(db, blobs, kept, WHY)
    original = await blobs.find(kept)
    await db.execute("UPDATE segment SET dropped_at = now() WHERE name = %(name)s", name=original.segment)
    (blobs.folder / original.segment).unlink()
    assert await blobs.read(kept) == await blobs.read(copy) == (PICTURE, "image/jpeg")
    await db.execute("DELETE FROM blob")
    assert (await blobs.read(kept))[0] == PICTURE
    assert (await blobs.find(kept)).segment.startswith("evidence/")


async def test_a_picture_is_locked_once(db: Database, blobs: Blobs, kept: UUID) -> None:
    copies = await asyncio.gather(*(evidence.lock(db, blobs, kept, WHY) for _ in range(5)))
    assert len(set(copies)) == 1


async def test_what_cannot_be_proved_is_no_evidence(db: Database, blobs: Blobs, kept: UUID) -> None:
    path = blobs.folder / (await blobs.find(kept)).segment
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(Damaged):
        await evidence.lock(db, blobs, kept, WHY)
    with pytest.raises(NotFound):
        await evidence.lock(db, blobs, uuid4(), WHY)


async def test_erasure_takes_key_and_thumbnail_and_tells_when(
    db: Database, blobs: Blobs, kept: UUID, clock: FrozenClock, tmp_path: Path
) -> None:
    await Thumbnails(blobs, tmp_path / "small").of(await blobs.find(kept))
    first = await evidence.erase(db, kept, at=clock(), small=tmp_path / "small")
    clock.forward(60)
    assert await evidence.erase(db, kept, at=clock(), small=tmp_path / "small") == first
    assert [each for each in (tmp_path / "small").rglob("*") if each.is_file()] == []
    with pytest.raises(Erased, match="2026-11-22 08:15:30 UTC"):
        await blobs.read(kept)


async def test_evidence_is_not_erased_before_it_is_released(
    db: Database, blobs: Blobs, kept: UUID, clock: FrozenClock, tmp_path: Path
) -> None:
    copy = await evidence.lock(db, blobs, kept, WHY)
    with pytest.raises(Conflict):
        await evidence.erase(db, kept, at=clock(), small=tmp_path)
    await evidence.release(db, kept, by="u2", at=clock())
    await evidence.erase(db, kept, at=clock(), small=tmp_path)
    for blob_id in (kept, copy):
        with pytest.raises(Erased):
            await blobs.read(blob_id)
    with pytest.raises(NotFound):
        await evidence.release(db, kept, by="u2", at=clock())


async def test_what_was_never_there_is_not_erased(db: Database, tmp_path: Path, clock: FrozenClock) -> None:
    with pytest.raises(NotFound):
        await evidence.erase(db, uuid4(), at=clock(), small=tmp_path)
