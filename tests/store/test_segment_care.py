"""Segments are sealed, end by age, and are tidied after a crash; what is wrong with a picture is found and named."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from anju.domain.pictures import Fault, Finding, ends
from anju.errors import NotFound
from anju.security.blob_keys import BlobKeys
from anju.store import evidence, segment_care, segments
from anju.store.blob_check import Check
from anju.store.blobs import Blobs, NewBlob, Stored
from anju.store.database import Database
from anju.store.evidence import Lock
from anju.store.segment_care import Places
from tests.conftest import FrozenClock

NOW = timedelta(0)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"  # what every picture of the child begins with
CHILD = Path(__file__).with_name("writing_child.py")


@dataclass(slots=True)
class Store:
    """A node's pictures, and what was written to them."""

    db: Database
    places: Places
    keys: BlobKeys
    blobs: Blobs
    clock: FrozenClock

    async def keep(self, *pictures: bytes, retention: str = "passage", record: bool = True) -> list[Stored]:
        stored = await self.blobs.write([NewBlob("site", each, "image/jpeg", retention) for each in pictures])
        if record:
            async with self.db.transaction() as tx:
                await self.blobs.record(tx, stored, self.clock())
        return stored

    async def restart(self) -> None:
        """Let go of the open segments, as a process that ends does, and begin anew."""
        await self.blobs.close()
        self.blobs = Blobs(self.db, self.places.segments, self.keys, clock=self.clock)

    async def seal(self) -> list[str]:
        await self.restart()
        return await segment_care.seal_finished(self.db, self.places, at=self.clock())

    async def check(self) -> list[Finding]:
        return [each async for each in Check(self.db, self.places, self.keys).run()]

    async def repair(self) -> list[str]:
        at = datetime.now(UTC) + timedelta(hours=1)  # of the machine, as the files' times are
        return [each.what async for each in segment_care.repair(self.db, self.places, at=at, settled=NOW)]

    def path(self, stored: Stored) -> Path:
        return self.places.segments / stored.segment

    def files(self) -> list[Path]:
        return [each for each in self.places.segments.rglob("*") if each.is_file()]


@pytest_asyncio.fixture(loop_scope="session")
async def store(db: Database, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Store]:
    places, keys = Places.under(tmp_path), BlobKeys(tmp_path / "keys")
    made = Store(db, places, keys, Blobs(db, places.segments, keys, clock=clock), clock)
    yield made
    await made.blobs.close()


async def test_a_finished_segment_is_sealed_and_one_being_written_is_not(store: Store) -> None:
    (first,) = await store.keep(b"first")
    assert await segment_care.seal_finished(store.db, store.places, at=store.clock()) == []
    assert await store.seal() == [first.segment]
    row = await store.db.fetch_one("SELECT state, bytes, sha256 FROM segment")
    data = store.path(first).read_bytes()
    assert row == ("sealed", len(data), sha256(data).digest())
    assert await store.seal() == []


async def test_a_tail_cut_short_is_cut_off_before_sealing(store: Store) -> None:
    (kept,) = await store.keep(b"kept")
    await store.restart()
    whole = store.path(kept).read_bytes()
    store.path(kept).write_bytes(whole + whole[:-3])
    await store.seal()
    assert store.path(kept).read_bytes() == whole
    assert await store.check() == []


async def test_a_tail_that_a_row_names_is_never_cut_off(store: Store) -> None:
    kept, lost = await store.keep(b"kept", b"lost")
    await store.restart()
    os.truncate(store.path(lost), store.path(lost).stat().st_size - 1)
    await store.seal()
    assert store.path(lost).stat().st_size == lost.offset + segments.span(4) - 1
    (finding,) = await store.check()
    assert (finding.fault, finding.blob_id) == (Fault.DAMAGED, lost.id)
    assert (await store.blobs.read(kept.id))[0] == b"kept"


async def test_what_is_whole_is_said_to_be_whole(store: Store) -> None:
    await store.keep(b"one", b"two")
    await store.seal()
    await store.keep(b"three", retention="face")
    check = Check(store.db, store.places, store.keys)
    assert [each async for each in check.run()] == []
    assert check.count.whole
    assert (check.count.pictures, check.count.bytes, check.count.segments, check.total) == (3, 11, 2, 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[segments.HEAD_BYTES + 1] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 7)


def lose(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("harm", "named", "fault"),
    [(flip, [0], Fault.DAMAGED), (cut, [2], Fault.DAMAGED), (lose, [0, 1, 2], Fault.MISSING)],
)
async def test_every_harmed_picture_is_named_and_no_other(
    store: Store, harm: Callable[[Path], None], named: list[int], fault: Fault
) -> None:
    stored = await store.keep(b"a" * 100, b"b" * 200, b"c" * 300)
    await store.keep(b"unharmed", retention="face")
    await store.seal()
    harm(store.path(stored[0]))
    found = await store.check()
    assert [each.blob_id for each in found] == [stored[index].id for index in named]
    assert {(each.fault, each.segment) for each in found} == {(fault, stored[0].segment)}


async def test_a_finding_names_the_record_of_the_picture(store: Store) -> None:
    passage, copied = await store.keep(b"of a passage", b"evidence")
    await evidence.lock(store.db, store.blobs, copied.id, Lock("案件", "u1", store.clock()))
    body = f'{{"pictures": [{{"blob_id": "{passage.id}"}}]}}'
    await store.db.execute(
        """INSERT INTO passage (id, received_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, lane,
               kind, object_id, passed_at, direction, plate_class, plate_color, vehicle_class, vehicle_color,
               resident_kind, flags, body)
           VALUES ('0192a000-0000-7000-8000-000000000001', %(at)s, %(at)s, 'site', 'p', '/', '', 'd', '', 'motor', '',
               %(at)s, 'in', '', '', '', '', '', '{}', %(body)s)""",
        at=store.clock(),
        body=body,
    )
    await store.seal()
    for each in store.files():
        each.unlink()
    records = {each.blob_id: each.record for each in await store.check()}
    assert records.pop(passage.id) == "passage 0192a000-0000-7000-8000-000000000001"
    assert sorted(records.values()) == ["", f"evidence of picture {copied.id}"]


async def test_noise_that_changed_in_a_sealed_segment_is_noticed(store: Store) -> None:
    noise, _ = await store.keep(b"x" * 50, b"named")
    await store.db.execute("DELETE FROM blob WHERE id = %(id)s", id=noise.id)
    await store.seal()
    flip(store.path(noise))
    (finding,) = await store.check()
    assert (finding.fault, finding.blob_id) == (Fault.ALTERED, None)


async def test_an_erased_picture_is_not_missed(store: Store, tmp_path: Path) -> None:
    erased, _ = await store.keep(b"erased", b"there")
    await evidence.erase(store.db, erased.id, at=store.clock(), small=tmp_path)
    check = Check(store.db, store.places, store.keys)
    assert [each async for each in check.run()] == []
    assert check.count.erased == 1


async def test_a_row_without_its_segment_is_found(store: Store) -> None:
    (stored,) = await store.keep(b"x")
    await store.restart()
    store.path(stored).unlink()
    await store.db.execute("DELETE FROM segment")
    assert [(each.fault, each.blob_id) for each in await store.check()] == [(Fault.MISSING, stored.id)]


async def test_a_file_without_its_row_is_adopted_where_rows_name_pictures_in_it(store: Store) -> None:
    (stored,) = await store.keep(b"x")
    await store.restart()
    await store.db.execute("DELETE FROM segment")
    assert await store.repair() == ["adopted: rows name pictures in it", "sealed"]
    assert await store.check() == []
    assert (await store.blobs.read(stored.id))[0] == b"x"


async def test_what_nothing_names_is_reported_then_removed(store: Store) -> None:
    (unnamed,) = await store.keep(b"never acknowledged", record=False)
    assert await store.check() == []
    await store.restart()
    assert [(each.fault, each.segment) for each in await store.check()] == [(Fault.UNNAMED, unnamed.segment)]
    assert await store.repair() == ["sealed", "removed: nothing in it was ever acknowledged"]
    assert (await store.check(), store.files()) == ([], [])


async def test_what_may_still_be_committed_is_left_alone(store: Store) -> None:
    stored = await store.keep(b"commit comes later", record=False)
    await store.restart()
    at = store.clock() + timedelta(hours=1)
    assert await segment_care.drop_unnamed(store.db, store.places, at=at) == []
    async with store.db.transaction() as tx:
        await store.blobs.record(tx, stored, store.clock())
    assert (await store.blobs.read(stored[0].id))[0] == b"commit comes later"


async def test_files_that_no_row_knows_and_files_cut_short_in_the_making_go(store: Store) -> None:
    folder = store.places.segments / "passage" / "2026-11-22"
    folder.mkdir(parents=True)
    (folder / "stray.seg").write_bytes(b"?")
    (folder / "half.new").write_bytes(b"")
    assert [each.fault for each in await store.check()] == [Fault.UNNAMED]
    assert await store.repair() == ["removed: no row knows it", "removed: its making was cut short"]
    assert store.files() == []


def test_no_setting_shortens_what_a_class_must_live() -> None:
    day = date(2026, 1, 1)
    assert ends("passage", day, {"passage": 3}) == day + timedelta(days=91)
    assert ends("passage", day, {"passage": 180}) == day + timedelta(days=181)
    assert ends("evidence", day, {"evidence": 1}) is None


async def test_segments_end_by_age_and_evidence_does_not(store: Store) -> None:
    (old,) = await store.keep(b"old")
    (face,) = await store.keep(b"face", retention="face")
    (locked,) = await store.keep(b"locked")
    await evidence.lock(store.db, store.blobs, locked.id, Lock("案件", "u1", store.clock()))
    await store.seal()
    small = store.places.thumbnails / old.segment.removesuffix(".seg") / str(old.id)
    small.parent.mkdir(parents=True)
    small.write_bytes(b"thumbnail")
    store.clock.forward(90 * 86_400)
    assert await segment_care.retire(store.db, store.places, at=store.clock()) == []
    store.clock.forward(86_400)
    longer = {"face": 200}
    assert await segment_care.retire(store.db, store.places, at=store.clock(), days=longer) == [old.segment]
    with pytest.raises(NotFound, match="as long as it had to be"):
        await store.blobs.read(old.id)
    assert (await store.blobs.read(locked.id))[0] == b"locked"
    assert (await store.blobs.read(face.id))[0] == b"face"
    assert not small.exists()
    assert (await store.check(), {each.parent.parent.name for each in store.files()}) == ([], {"face", "evidence"})


async def test_a_file_that_outlived_its_end_is_removed(store: Store) -> None:
    (stored,) = await store.keep(b"x")
    await store.seal()
    await store.db.execute("UPDATE segment SET dropped_at = now()")
    assert [each.fault for each in await store.check()] == [Fault.LEFT_OVER]
    assert await store.repair() == ["removed: its days are over"]
    assert not store.path(stored).exists()


@pytest.mark.parametrize("seed", range(20))
async def test_every_acknowledged_picture_survives_a_kill(store: Store, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, CHILD, store.db.url, tmp_path, str(seed)), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    acknowledged = [await child.stdout.readline()]
    await asyncio.sleep(chance.uniform(0, 0.4))
    child.send_signal(signal.SIGKILL)
    acknowledged += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    told = [line.split() for line in acknowledged if line.endswith(b"\n")]
    for blob_id, digest in told:
        data, _ = await store.blobs.read(UUID(blob_id.decode()))
        assert sha256(data).hexdigest() == digest.decode()
    assert not [each for each in await store.check() if each.fault is not Fault.UNNAMED]
    await store.repair()
    assert await store.check() == []
    known = {row[0] for row in await store.db.fetch("SELECT name FROM segment WHERE place <> 'gone'")}
    assert set(store.places.names()) == known
    assert not [each for each in store.files() if JPEG in each.read_bytes()]
