"""Places move with all that is in them; nothing is deleted; every change is in the log."""

from dataclasses import replace

import pytest
import pytest_asyncio

from anju.domain.changes import Lane, Operation
from anju.domain.devices import Zone
from anju.domain.places import Place, PlaceKind
from anju.domain.rights import EVERYWHERE, NOWHERE, Scope
from anju.errors import Conflict, Invalid, NotFound
from anju.store import devices, log, moves, places
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.places import Editor, NewPlace
from tests.conftest import FrozenClock
from tests.registry import Estate, add_panel, make_estate

STATION = "510802530000"


@pytest.fixture
def editor(node: NodeId, clock: FrozenClock) -> Editor:
    return Editor(node, "安装员", clock())


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


async def add(db: Database, editor: Editor, parent: Place, kind: PlaceKind, name: str) -> Place:
    async with db.transaction() as tx:
        return await places.add(tx, NewPlace(parent.id, kind, name), editor)


async def told(db: Database, node: NodeId, lane: Lane) -> list[tuple[str, int]]:
    rows = await log.read(db, lane, node.epoch, 0, 1000)
    return [(row.change.object_id, row.change.version) for row in rows]


async def test_a_place_knows_its_path_its_community_and_its_history(db: Database, estate: Estate) -> None:
    assert estate.wall.place_path == f"/510800/510802/510802001/510802001001/{estate.site.id}/{estate.wall.id}/"
    assert (estate.wall.site_id, estate.site.site_id) == (estate.site.id, estate.site.id)
    assert [each["by_name"] for each in await places.history(db, estate.wall.id, limit=5)] == ["安装员"]


async def test_a_move_takes_everything_along(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    unit = await add(db, editor, estate.building, PlaceKind.UNIT, "2 单元")
    door = Zone("01", "001", "单元门", unit.id, unit.place_path)
    panel = await add_panel(db, node, estate, editor.at, zones=(door,))
    area = await add(db, editor, estate.site, PlaceKind.AREA, "北区")
    await db.execute(
        "INSERT INTO role_grant VALUES ('u1', 'guard', 'place', %(path)s, NULL)", path=estate.building.place_path
    )
    async with db.transaction() as tx:
        moved = await moves.move(tx, EVERYWHERE, estate.building.id, area.id, editor)
    path = f"{area.place_path}{estate.building.id}/"
    assert moved.place_path == path
    assert (await places.find(db, EVERYWHERE, unit.id)).place_path == f"{path}{unit.id}/"
    found = await devices.find(db, EVERYWHERE, panel.id)
    assert (found.zones[0].place_path, found.version) == (f"{path}{unit.id}/", panel.version + 1)
    assert await db.fetch_one("SELECT scope_value FROM role_grant") == (path,)
    assert (unit.id, 2) in await told(db, node, Lane.ALARMS)
    assert (panel.id, 3) in await told(db, node, Lane.BULK)
    assert [each["version"] for each in await places.history(db, unit.id, limit=5)] == [2, 1]


async def test_a_place_cannot_stand_inside_itself(db: Database, estate: Estate, editor: Editor) -> None:
    inner = await add(db, editor, estate.wall, PlaceKind.AREA, "里面")
    with pytest.raises(Conflict, match="inside itself"):
        async with db.transaction() as tx:
            await moves.move(tx, EVERYWHERE, estate.wall.id, inner.id, editor)


async def test_a_place_with_open_alarms_stays(db: Database, estate: Estate, editor: Editor) -> None:
    await db.execute(
        """INSERT INTO alarm (id, raised_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, zone,
               kind, level, state, active, drill, storm_key, version, home_node, body)
           VALUES (gen_random_uuid(), now(), now(), '', '', %(path)s, '', '', '', 'panic', 1, 'new', true, false, '',
               1, '', '{}')""",
        path=estate.building.place_path,
    )
    area = await add(db, editor, estate.site, PlaceKind.AREA, "北区")
    with pytest.raises(Conflict, match="1 alarms are open"):
        async with db.transaction() as tx:
            await moves.move(tx, EVERYWHERE, estate.building.id, area.id, editor)


async def test_a_police_body_in_charge_is_inherited(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    panel = await add_panel(db, node, estate, editor.at)
    async with db.transaction() as tx:
        await places.put_jurisdiction(tx, STATION, "东坝派出所", editor)
    async with db.transaction() as tx:
        await moves.set_jurisdiction(tx, EVERYWHERE, estate.site.id, STATION, editor)
    assert (await places.find(db, EVERYWHERE, estate.wall.id)).jurisdiction == STATION
    assert (await devices.find(db, EVERYWHERE, panel.id)).jurisdiction == STATION
    assert (await add(db, editor, estate.site, PlaceKind.GATE, "东门")).jurisdiction == STATION
    assert (await places.find(db, Scope(jurisdictions=("51080253",)), estate.wall.id)).name == "西围墙"


async def test_nobody_unknown_is_put_in_charge(db: Database, estate: Estate, editor: Editor) -> None:
    with pytest.raises(NotFound):
        async with db.transaction() as tx:
            await moves.set_jurisdiction(tx, EVERYWHERE, estate.site.id, STATION, editor)


async def test_a_place_is_retired_only_when_empty_and_stays_known(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    with pytest.raises(Conflict, match="2 places"):
        async with db.transaction() as tx:
            await places.retire(tx, EVERYWHERE, estate.site.id, editor)
    async with db.transaction() as tx:
        await places.retire(tx, EVERYWHERE, estate.wall.id, editor)
    assert (await places.find(db, EVERYWHERE, estate.wall.id)).retired_at == editor.at
    assert estate.wall.id not in {each.id for each in await places.listed(db, EVERYWHERE)}
    rows = await log.read(db, Lane.ALARMS, node.epoch, 0, 100)
    assert rows[-1].change.operation is Operation.REMOVE


async def test_nothing_is_changed_outside_the_scope(db: Database, estate: Estate, editor: Editor) -> None:
    with pytest.raises(NotFound):
        async with db.transaction() as tx:
            await places.edit(tx, NOWHERE, estate.wall.id, {"name": "x"}, editor)
    assert await places.listed(db, Scope(paths=(estate.wall.place_path,))) == [estate.wall]


async def test_two_editors_do_not_overwrite_each_other(db: Database, estate: Estate, editor: Editor) -> None:
    async with db.transaction() as tx:
        await places.edit(tx, EVERYWHERE, estate.wall.id, {"name": "西墙"}, editor, version=1)
    with pytest.raises(Conflict, match="meanwhile"):
        async with db.transaction() as tx:
            await places.edit(tx, EVERYWHERE, estate.wall.id, {"name": "墙"}, editor, version=1)


async def test_a_region_is_there_once_and_has_its_code_for_ever(db: Database, estate: Estate, editor: Editor) -> None:
    with pytest.raises(Conflict, match="there already"):
        async with db.transaction() as tx:
            await places.add(tx, NewPlace(None, PlaceKind.CITY, "广元市", "510800"), editor)
    with pytest.raises((Conflict, Invalid)):
        async with db.transaction() as tx:
            await places.edit(tx, EVERYWHERE, "510802", {"code": "510811"}, editor)


async def test_the_tier_above_takes_places_once_and_keeps_its_own(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    away = replace(estate.wall, id="pnew", place_path=f"{estate.site.place_path}pnew/", home_node="510802-9")
    mine, theirs = places.change(estate.wall), places.change(away)
    region = replace(await places.find(db, EVERYWHERE, "510800"), home_node="510802-9", version=9)
    async with db.transaction() as tx:
        applied = [await places.apply(tx, each) for each in (theirs, theirs, mine, places.change(region))]
    assert applied == [True, False, False, False]
    assert (await places.find(db, EVERYWHERE, "510800")).home_node == node.id


async def test_a_place_that_contradicts_itself_is_refused(db: Database, estate: Estate) -> None:
    told = places.change(estate.wall)
    for odd in ({"id": "other"}, {"version": 7}, {"place_path": "/elsewhere/"}):
        with pytest.raises(ValueError, match="contradicts"):
            async with db.transaction() as tx:
                await places.apply(tx, replace(told, body={**told.body, **odd}))


async def test_a_snapshot_tells_parents_before_children(db: Database, estate: Estate, editor: Editor) -> None:
    async with db.transaction() as tx:
        await places.put_jurisdiction(tx, STATION, "东坝派出所", editor)
    found = [each.object_id async for each in places.all_changes(db)]
    assert found[0] == STATION
    assert found[1:5] == ["510800", "510802", "510802001", "510802001001"]
    assert set(found[5:]) == {estate.site.id, estate.wall.id, estate.building.id}


async def test_a_police_body_of_a_node_below_is_taken_once(db: Database, editor: Editor) -> None:
    async with db.transaction() as tx:
        body = await places.put_jurisdiction(tx, STATION, "东坝派出所", editor)
        told = places.jurisdiction_change(body)
        assert not await places.apply_jurisdiction(tx, told)
    await db.execute("DELETE FROM jurisdiction")
    async with db.transaction() as tx:
        assert await places.apply_jurisdiction(tx, told)
