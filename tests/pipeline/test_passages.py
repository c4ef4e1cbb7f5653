"""What a capture device is told was kept is there once, with its pictures; what is watched for is an alarm at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from anju.domain.captures import new_id
from anju.domain.changes import Fate, Lane
from anju.domain.devices import Particulars
from anju.domain.events import Event
from anju.domain.rights import EVERYWHERE, Scope
from anju.domain.vehicles import Passage
from anju.domain.watch import Entry
from anju.errors import DatabaseAway, PicturesAway
from anju.pipeline.captures import Owned
from anju.pipeline.passages import PassageKeeper, raw_sealed_for
from anju.pipeline.registry import Registry
from anju.pipeline.release import Releaser, Tally
from anju.protocols.viid import SubImage, ViidObject
from anju.security.blob_keys import BlobKeys
from anju.security.sealing import Sealer
from anju.store import devices, events, log, passages, quarantine, sightings, watch
from anju.store.blobs import Blobs
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.passages import Query
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import Estate, make_estate

LANE, FACES = "51080200011190000001", "51080200011190000002"
JPEG = b"\xff\xd8\xff\xe0a vehicle"


@dataclass(slots=True)
class Gate:
    """A community with a lane and a face camera, and one intake process."""

    db: Database
    node: NodeId
    clock: FrozenClock
    estate: Estate
    registry: Registry
    blobs: Blobs
    sealer: Sealer
    lanes: list[frozenset[Lane]] = field(default_factory=list)
    unsaved: list[Event] = field(default_factory=list)

    def keeper(self) -> PassageKeeper:
        how: dict[str, Any] = {"seal": self.sealer.seal, "clock": self.clock}
        how |= {"on_committed": self.committed, "on_unsaved": self._unsaved}
        return PassageKeeper(self.db, self.node, self.registry, self.blobs, **how)

    async def committed(self, lanes: frozenset[Lane]) -> None:
        self.lanes.append(lanes)

    async def _unsaved(self, lost: Event) -> None:
        self.unsaved.append(lost)

    def owned(self, told: ViidObject, account: str = LANE) -> Owned:
        known = self.registry.find("viid", account)
        assert known is not None
        return Owned(told, known)

    async def keep(self, keeper: PassageKeeper, *told: ViidObject, raw: bytes = b"{}") -> list[Fate]:
        return await keeper.keep_alone([self.owned(each) for each in told], raw, "192.0.2.10")

    async def count(self, table: str) -> int:
        row = await self.db.fetch_one(f"SELECT count(*) FROM {table}")
        assert row is not None
        return int(row[0])

    async def found(self, **query: Any) -> list[Passage]:
        return await passages.search(self.db, EVERYWHERE, Query(**query), limit=50)

    async def watched(self, plate: str, **changed: Any) -> Entry:
        editor = Editor(self.node, "值班员", self.clock())
        site = self.estate.site
        names = (new_id(self.clock()), site.id, site.place_path, "", "vehicle", plate, "拖欠停车费", 2, "u1", "李四")
        times = (self.clock(), self.clock() + timedelta(days=7), self.node.id)
        entry = replace(Entry(*names, *times), **changed)
        async with self.db.transaction() as tx:
            await watch.add(tx, entry, editor)
        return entry


def vehicle(number: int, at: datetime, plate: str = "川HA5Q68", **members: Any) -> ViidObject:
    told = {"PlateNo": plate, "PlateColor": "5", "PlateClass": "02", "VehicleColor": "2", "LaneNo": 1, **members}
    return ViidObject("motor_vehicle", f"{LANE}{number:028}", LANE, "", "", at, "PassTime", told, (), ())


def face(number: int, at: datetime, **members: Any) -> ViidObject:
    told = {"GenderCode": "1", "CoatColor": "5", **members}
    return ViidObject("face", f"{FACES}{number:028}", FACES, "", "", at, "ShotTime", told, (), ())


def picture(data: bytes, kind: str = "01") -> SubImage:
    return SubImage("i", kind, "Jpeg", None, 640, 480, 1, "", data, feature=False, sha256=sha256(data).hexdigest())


@pytest_asyncio.fixture(loop_scope="session")
async def gate(db: Database, node: NodeId, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Gate]:
    estate, editor = await make_estate(db, node, clock()), Editor(node, "安装员", clock())
    new = [
        NewDevice("lane", "南门进口", "viid", LANE, particulars=Particulars(passes="in")),
        NewDevice("face_camera", "南门人脸", "viid", FACES),
    ]
    async with db.transaction() as tx:
        for each in new:
            await devices.add(tx, estate.wall, each, editor)
    registry = Registry(db, node, clock=clock)
    await registry.load()
    blobs = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    yield Gate(db, node, clock, estate, registry, blobs, Sealer(tmp_path / "keys"))
    await blobs.close()


async def test_a_passage_is_a_row_a_plate_a_raw_record_a_count_and_a_row_of_the_log(gate: Gate) -> None:
    assert await gate.keep(gate.keeper(), vehicle(1, gate.clock())) == [Fate.KEPT]
    counts = [await gate.count(table) for table in ("passage", "plate", "raw_frame", "clock_ledger")]
    assert counts == [1, 1, 1, 1]
    assert gate.lanes == [frozenset({Lane.BULK})]
    (logged,) = [
        row for row in await log.read(gate.db, Lane.BULK, gate.node.epoch, 0, 99) if row.change.kind == "passage"
    ]
    assert logged.change.body["plate"] == "川HA5Q68"
    rows = await gate.db.fetch("SELECT label, count FROM rollup_hour WHERE metric = 'passages'")
    assert rows == [("in", 1)]


async def test_what_is_kept_is_what_was_told(gate: Gate) -> None:
    await gate.keep(gate.keeper(), vehicle(1, gate.clock() - timedelta(seconds=2), Speed=8.5, PlateReliability="98"))
    (found,) = await gate.found()
    assert (found.plate, found.plate_color, found.vehicle_color, found.lane) == ("川HA5Q68", "5", "2", "1")
    assert (found.speed, found.reliability, found.clock_offset_ms, found.direction) == (8.5, 98, -2000, "in")
    assert (found.place_id, found.device_name) == (gate.estate.wall.id, "南门进口")
    assert (await passages.find(gate.db, EVERYWHERE, found.id)).passage == found


async def test_what_the_object_says_of_its_direction_goes_before_what_is_registered(gate: Gate) -> None:
    await gate.keep(gate.keeper(), vehicle(1, gate.clock(), InOut="out"))
    assert [each.direction for each in await gate.found()] == ["out"]


async def test_a_repeat_is_kept_once_by_whichever_process_hears_it(gate: Gate) -> None:
    one, other, told = gate.keeper(), gate.keeper(), vehicle(1, gate.clock())
    assert [await gate.keep(each, told) for each in (one, one, other)] == [
        [Fate.KEPT],
        [Fate.DUPLICATE],
        [Fate.DUPLICATE],
    ]
    assert await gate.keep(other, told, told) == [Fate.DUPLICATE] * 2
    assert await gate.count("passage") == 1


async def test_the_same_id_with_another_body_is_a_new_version_and_flagged(gate: Gate) -> None:
    keeper = gate.keeper()
    first, second = vehicle(1, gate.clock()), vehicle(1, gate.clock(), plate="川HB0001")
    third = vehicle(1, gate.clock(), plate="川HB0002")
    assert await gate.keep(keeper, first, second) == [Fate.KEPT, Fate.KEPT]
    assert await gate.keep(keeper, third, third) == [Fate.KEPT, Fate.DUPLICATE]
    found = sorted(await gate.found(), key=lambda each: each.version)
    assert [(each.plate, each.version, "key_reused" in each.flags) for each in found] == [
        ("川HA5Q68", 1, False),
        ("川HB0001", 2, True),
        ("川HB0002", 3, True),
    ]


async def test_the_same_car_again_within_ten_seconds_is_kept_and_linked(gate: Gate) -> None:
    keeper, at = gate.keeper(), gate.clock()
    told = [vehicle(1, at), vehicle(2, at + timedelta(seconds=9)), vehicle(3, at + timedelta(seconds=30))]
    assert await gate.keep(keeper, *told[:2]) == [Fate.KEPT] * 2
    assert await gate.keep(keeper, told[2]) == [Fate.KEPT]
    first, second, third = sorted(await gate.found(), key=lambda each: each.passed_at)
    assert (second.near_id, "near_duplicate" in second.flags) == (first.id, True)
    assert (third.near_id, third.flags) == (None, ())
    assert [each.id for each in await passages.near(gate.db, first)] == [second.id]


@pytest.mark.parametrize("bad", [{"PlateNo": "川H\ud80012"}, {"VehicleBrand": {"a": 1}}, {"Speed": "fast"}])
async def test_odd_members_hold_nothing_up(gate: Gate, bad: dict[str, Any]) -> None:
    assert await gate.keep(gate.keeper(), vehicle(1, gate.clock(), **bad)) == [Fate.KEPT]


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
async def test_a_poisoned_object_is_held_and_takes_no_other_with_it(gate: Gate, bad: str) -> None:
    told = [vehicle(number, gate.clock()) for number in range(20)]
    told[7] = replace(told[7], object_id=f"bad{bad}")
    fates = await gate.keep(gate.keeper(), *told)
    assert fates == [Fate.HELD if number == 7 else Fate.KEPT for number in range(20)]
    assert [await gate.count(table) for table in ("passage", "quarantine", "raw_frame")] == [19, 1, 1]


async def test_requests_that_wait_together_are_committed_together(gate: Gate) -> None:
    keeper = gate.keeper()
    running = asyncio.create_task(keeper.run())
    batches = [[gate.owned(vehicle(start + each, gate.clock())) for each in range(20)] for start in range(0, 600, 20)]
    found = await asyncio.gather(*(keeper.keep(batch, b"{}", "192.0.2.10") for batch in batches))
    assert found == [[Fate.KEPT] * 20] * 30
    assert len(gate.lanes) < 10
    assert [await gate.count(table) for table in ("passage", "raw_frame")] == [600, 30]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_pictures_are_named_by_the_passage_and_read_back_whole(gate: Gate) -> None:
    near, plate = JPEG + bytes(5000), JPEG + b"plate"
    told = replace(vehicle(1, gate.clock()), images=(picture(near), picture(plate, "02")))
    assert await gate.keep(gate.keeper(), told) == [Fate.KEPT]
    (found,) = await gate.found()
    assert [(each.type, each.width, each.media_type) for each in found.pictures] == [
        ("01", 640, "image/jpeg"),
        ("02", 640, "image/jpeg"),
    ]
    assert [(await gate.blobs.read(each.blob_id))[0] for each in found.pictures] == [near, plate]


async def test_a_repeat_leaves_no_second_copy_of_its_pictures(gate: Gate) -> None:
    keeper, told = gate.keeper(), replace(vehicle(1, gate.clock()), images=(picture(JPEG),))
    assert [await gate.keep(keeper, told) for _ in range(3)] == [[Fate.KEPT], [Fate.DUPLICATE], [Fate.DUPLICATE]]
    assert await gate.count("blob") == 1
    sizes = [path.stat().st_size for path in gate.blobs.folder.rglob("*") if path.is_file()]
    assert sum(sizes) < 2 * len(JPEG) + 200


async def test_the_raw_record_is_kept_sealed_and_opens(gate: Gate) -> None:
    await gate.keep(gate.keeper(), vehicle(1, gate.clock()), raw='{"Owner":"张三"}'.encode() + bytes(9000))
    (found,) = await gate.found()
    raw_id = (await passages.find(gate.db, EVERYWHERE, found.id)).raw_id
    assert raw_id is not None
    frame = await events.frame(gate.db, raw_id)
    assert "张三".encode() not in frame.data
    assert gate.sealer.open(frame.data, raw_sealed_for(raw_id)).startswith('{"Owner":"张三"}'.encode())


async def test_who_a_face_belongs_to_is_sealed_and_what_is_said_of_crimes_is_not_kept(gate: Gate) -> None:
    told = face(1, gate.clock(), Name="张三", IDNumber="510802199001011234", IsCriminalInvolved=1)
    owned = [gate.owned(told, FACES)]
    assert await gate.keeper().keep_alone(owned, b"{}", "192.0.2.10") == [Fate.KEPT]
    (found,) = await sightings.search(gate.db, EVERYWHERE, sightings.Query(), limit=9)
    kept = await sightings.find(gate.db, EVERYWHERE, found.id)
    assert (found.kind, found.detail, found.named) == ("face", {"GenderCode": "1", "CoatColor": "5"}, True)
    assert kept.personal is not None
    opened = gate.sealer.open(kept.personal, sightings.sealed_for(found.id))
    assert "张三" in opened.decode()
    assert b"Criminal" not in opened
    dump = await gate.db.fetch("SELECT s::text || l.body::text FROM sighting s, log l WHERE l.kind = 'sighting'")
    assert "张三" not in dump[0][0]
    assert "Criminal" not in dump[0][0]


async def test_a_watched_plate_is_an_alarm_in_the_commit_of_its_passage(gate: Gate) -> None:
    keeper = gate.keeper()
    await gate.keep(keeper, vehicle(1, gate.clock()))
    assert await gate.count("alarm") == 0
    entry = await gate.watched("川HA5Q68")
    await gate.keep(keeper, vehicle(2, gate.clock()), vehicle(3, gate.clock(), plate="川HB0001"))
    assert gate.lanes[-1] == frozenset({Lane.ALARMS, Lane.BULK})
    rows = await gate.db.fetch("SELECT kind, level, body -> 'event' -> 'detail' FROM alarm")
    assert [(kind, level) for kind, level, _ in rows] == [("watch_list", 2)]
    passage = next(each for each in await gate.found(plate="川HA5Q68") if each.object_id.endswith("2"))
    assert rows[0][2]["passage_id"] == str(passage.id)
    assert (rows[0][2]["reason"], rows[0][2]["entry_id"]) == ("拖欠停车费", str(entry.id))


async def test_a_watched_plate_that_comes_late_is_an_alarm_all_the_same(gate: Gate) -> None:
    await gate.watched("川HA5Q68", created_at=gate.clock() - timedelta(days=9))
    await gate.keep(gate.keeper(), vehicle(1, gate.clock() - timedelta(days=3)))
    assert await gate.db.fetch("SELECT late, 'late' = ANY (flags) FROM event") == [(True, True)]
    assert await gate.count("alarm") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"place_path": "/510800/510802/elsewhere/"},
        {"expires_at": datetime.fromisoformat("2026-11-22T08:00:00Z")},
        {"home_node": "510802-2"},
    ],
)
async def test_an_entry_that_is_over_or_of_somewhere_else_raises_nothing(gate: Gate, changed: dict[str, Any]) -> None:
    await gate.watched("川HA5Q68", **changed)
    await gate.keep(gate.keeper(), vehicle(1, gate.clock()))
    assert [await gate.count(table) for table in ("passage", "alarm")] == [1, 0]


async def test_an_entry_that_was_ended_raises_nothing_from_then_on(gate: Gate) -> None:
    keeper, entry = gate.keeper(), await gate.watched("川HA5Q68")
    await gate.keep(keeper, vehicle(1, gate.clock()))
    gate.clock.forward(60)
    async with gate.db.transaction() as tx:
        await watch.end(tx, Scope(everything=True), entry.id, Editor(gate.node, "值班员", gate.clock()))
    await gate.keep(keeper, vehicle(2, gate.clock()))
    assert await gate.count("event") == 1


async def test_while_the_database_is_away_nothing_is_answered_and_what_is_watched_for_still_sounds(gate: Gate) -> None:
    await gate.watched("川HA5Q68")
    keeper = gate.keeper()
    await gate.keep(keeper, vehicle(1, gate.clock()))
    await gate.db.close()
    with pytest.raises(DatabaseAway):
        await gate.keep(keeper, vehicle(2, gate.clock()), vehicle(3, gate.clock(), plate="川HB0001"))
    assert [each.detail["plate"] for each in gate.unsaved] == ["川HA5Q68"]


async def test_what_is_watched_for_sounds_too_where_its_pictures_cannot_be_written(gate: Gate) -> None:
    await gate.watched("川HA5Q68")
    keeper = gate.keeper()
    await gate.keep(keeper, vehicle(1, gate.clock()))
    gate.blobs.folder.parent.joinpath("blobs").write_text("no folder")
    with pytest.raises(PicturesAway):
        await gate.keep(keeper, replace(vehicle(2, gate.clock()), images=(picture(JPEG),)))
    assert [each.detail["plate"] for each in gate.unsaved] == ["川HA5Q68"]
    assert await gate.count("passage") == 1


async def test_half_a_request_that_was_kept_before_is_told_as_repeats(gate: Gate) -> None:
    told: Sequence[ViidObject] = [vehicle(number, gate.clock()) for number in range(4)]
    await gate.keep(gate.keeper(), *told[:2])
    assert await gate.keep(gate.keeper(), *told) == [Fate.DUPLICATE, Fate.DUPLICATE, Fate.KEPT, Fate.KEPT]
    assert await gate.count("passage") == 4


@pytest.mark.parametrize("bad", ["\0", "\x07"])
async def test_a_held_object_runs_again_with_its_pictures(gate: Gate, bad: str) -> None:
    told = replace(vehicle(1, gate.clock()), object_id=f"bad{bad}", images=(picture(JPEG),))
    fate = (await gate.keep(gate.keeper(), told))[0]
    assert fate is (Fate.HELD if bad == "\0" else Fate.KEPT)
    found = await quarantine.waiting(gate.db, EVERYWHERE, reason="CharacterNotInRepertoire", station="keep", limit=9)
    how: dict[str, Any] = {"clock": gate.clock, "told": gate.committed, "pictures": gate.blobs, "sealing": gate.sealer}
    assert await Releaser(gate.db, gate.node, **how).run_all(found, by="安装员", note="") == Tally(len(found))
    (kept,) = await gate.found()
    assert await gate.blobs.read(kept.pictures[0].blob_id) == (JPEG, "image/jpeg")
