"""Devices are registered once, re-coded with an alias, retired, and told to the tier above without their secrets."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
import pytest_asyncio

from anju.domain.changes import Change, Lane, Operation
from anju.domain.codes import Segment
from anju.domain.devices import Certificate, Device, Particulars, Zone
from anju.domain.rights import EVERYWHERE, NOWHERE
from anju.errors import Conflict, Invalid, NotFound
from anju.store import codes, devices, log
from anju.store.database import Database
from anju.store.devices import AUTO, Filter, NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import Estate, add_panel, make_estate

PREFIX = "51080200011178"
CODE = PREFIX + "000001"


@pytest.fixture
def editor(node: NodeId, clock: FrozenClock) -> Editor:
    return Editor(node, "安装员", clock())


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


async def register(db: Database, estate: Estate, editor: Editor, **more: object) -> Device:
    new = NewDevice(**{"kind": "alarm_panel", "name": "主机", "protocol": "dc09", **more})  # type: ignore[arg-type]
    async with db.transaction() as tx:
        return await devices.add(tx, estate.wall, new, editor)


async def edit(db: Database, device: Device, editor: Editor, credential: bytes | None = None, **what: object) -> Device:
    async with db.transaction() as tx:
        before = await devices.locked(tx, EVERYWHERE, device.id, editor)
        return await devices.edit(tx, before, dict(what), editor, credential=credential)


async def test_a_device_has_a_place_and_all_its_particulars(db: Database, estate: Estate, editor: Editor) -> None:
    told = Particulars(
        capture_class="2",
        position="西墙中段，高 3 m",
        direction="8",
        unit="安居物业",
        certificate=Certificate("2026-0815", "公安部", date(2029, 8, 14)),
        save_days=30,
    )
    device = await register(db, estate, editor, particulars=told, account="1234")
    found = await devices.find(db, EVERYWHERE, device.id)
    assert (found.particulars, found.account, found.place_path) == (told, "0/1234", estate.wall.place_path)
    assert found.state_reason == "never heard"


async def test_a_secret_is_in_no_row_of_the_log(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    await add_panel(db, node, estate, editor.at, credential=b"sealed-secret")
    rows = await log.read(db, Lane.BULK, node.epoch, 0, 100)
    told = [row.change.body for row in rows if row.change.kind == "device"]
    assert all(each["keyed"] and "credential" not in each for each in told)
    assert b"sealed-secret" not in msgspec.json.encode(told)


async def test_an_account_belongs_to_one_device_in_use(db: Database, estate: Estate, editor: Editor) -> None:
    first = await register(db, estate, editor, account="1234")
    with pytest.raises(Conflict, match="account"):
        await register(db, estate, editor, account="0/1234")
    async with db.transaction() as tx:
        await devices.retire(tx, await devices.locked(tx, EVERYWHERE, first.id, editor), editor)
    assert (await register(db, estate, editor, account="1234")).account == "0/1234"
    assert (await devices.find(db, EVERYWHERE, first.id)).retired_at == editor.at


async def test_codes_come_from_the_nodes_own_segment(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    with pytest.raises(Conflict, match="ask the county"):
        await register(db, estate, editor, code=AUTO)
    async with db.transaction() as tx:
        await codes.allocate(tx, Segment(PREFIX, 1, 3, node.id))
        await codes.allocate(tx, Segment(PREFIX, 4, 9, "510802-2"))
    await register(db, estate, editor, code=PREFIX + "000002")
    assert [(await register(db, estate, editor, code=AUTO)).code[-1] for _ in range(2)] == ["1", "3"]
    with pytest.raises(Conflict, match="no codes"):
        await register(db, estate, editor, code=AUTO)
    with pytest.raises(Conflict, match="segment of node"):
        await register(db, estate, editor, code=PREFIX + "000005")


async def test_a_segment_is_given_once(db: Database) -> None:
    async with db.transaction() as tx:
        await codes.allocate(tx, Segment(PREFIX, 1, 100, "a"))
    with pytest.raises(Conflict):
        async with db.transaction() as tx:
            await codes.allocate(tx, Segment(PREFIX, 100, 200, "b"))


async def test_a_new_code_leaves_the_old_one_as_an_alias(db: Database, estate: Estate, editor: Editor) -> None:
    device = await register(db, estate, editor, code=CODE)
    with pytest.raises(Conflict):
        await register(db, estate, editor, code=CODE)
    changed = await edit(db, device, editor, code=PREFIX + "000002")
    assert changed.aliases == (("gb28181", CODE),)
    with pytest.raises(Conflict, match="was the code of another"):
        await register(db, estate, editor, code=CODE)
    found = await devices.page(db, EVERYWHERE, Filter(text=CODE), after="", limit=5)
    assert [each.id for each in found] == [device.id]


async def test_no_zone_is_named_twice(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    wall = estate.wall
    twice = tuple(Zone(area, number, "墙", wall.id, wall.place_path) for area, number in (("1", "3"), ("01", "003")))
    with pytest.raises(Invalid):
        await add_panel(db, node, estate, editor.at, zones=twice)


async def test_a_zone_left_out_is_retired(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    panel = await add_panel(db, node, estate, editor.at)
    async with db.transaction() as tx:
        device = await devices.locked(tx, EVERYWHERE, panel.id, editor)
        assert (await devices.set_zones(tx, device, (), editor)).zones == ()
    assert await db.fetch_one("SELECT retired_at IS NOT NULL FROM zone") == (True,)


async def test_a_credential_is_kept_replaced_or_ended(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    panel = await add_panel(db, node, estate, editor.at, credential=b"one")
    kept = await edit(db, panel, editor, name="改名")
    replaced = await edit(db, panel, editor, credential=b"two")
    assert await db.fetch_one("SELECT credential FROM device") == (b"two",)
    ended = await edit(db, panel, editor, credential=b"")
    assert (kept.keyed, replaced.keyed, ended.keyed) == (True, True, False)
    assert await db.fetch_one("SELECT credential FROM device") == (None,)


async def test_a_device_outside_the_scope_is_not_there(db: Database, estate: Estate, editor: Editor) -> None:
    device = await register(db, estate, editor)
    with pytest.raises(NotFound):
        await devices.find(db, NOWHERE, device.id)
    assert await devices.page(db, NOWHERE, Filter(), after="", limit=5) == []


async def lower(db: Database, node: NodeId, estate: Estate, editor: Editor) -> Change:
    """Return a device as a node below tells it."""
    panel = await add_panel(db, node, estate, editor.at, credential=b"x")
    await db.execute("DELETE FROM zone")
    await db.execute("DELETE FROM device")
    return devices.change(replace(panel, home_node="510802-9", code=CODE, aliases=(("serial", "SN1"),)))


async def test_the_tier_above_takes_a_device_once_with_zones_and_codes(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    told = await lower(db, node, estate, editor)
    async with db.transaction() as tx:
        assert [await devices.apply(tx, told), await devices.apply(tx, told)] == [True, False]
    found = await devices.find(db, EVERYWHERE, told.object_id)
    assert [each.name for each in found.zones] == ["西墙 3 号"]
    assert (found.aliases, found.home_node, found.keyed) == ((("serial", "SN1"),), "510802-9", False)


async def test_two_nodes_cannot_bring_the_same_code(db: Database, node: NodeId, estate: Estate, editor: Editor) -> None:
    told = await lower(db, node, estate, editor)
    await register(db, estate, editor, code=CODE)
    with pytest.raises(Conflict, match="another device"):
        async with db.transaction() as tx:
            await devices.apply(tx, told)


async def test_a_device_retired_below_is_retired_above(
    db: Database, node: NodeId, estate: Estate, editor: Editor
) -> None:
    told = await lower(db, node, estate, editor)
    async with db.transaction() as tx:
        await devices.apply(tx, told)
        gone = replace(devices.read_body(told.body), version=told.version + 1, retired_at=editor.at, zones=())
        change = devices.change(gone)
        assert change.operation is Operation.REMOVE
        assert await devices.apply(tx, change)
    assert (await devices.find(db, EVERYWHERE, told.object_id)).zones == ()


@pytest.mark.parametrize("odd", [{"version": 99}, {"id": "dother"}, {"place_path": "/x/"}])
async def test_a_device_that_contradicts_itself_is_refused(
    db: Database, node: NodeId, estate: Estate, editor: Editor, odd: dict[str, object]
) -> None:
    told = await lower(db, node, estate, editor)
    with pytest.raises(ValueError, match="contradicts"):
        async with db.transaction() as tx:
            await devices.apply(tx, replace(told, body={**told.body, **odd}))


async def test_a_snapshot_tells_every_device_those_out_of_use_first(
    db: Database, estate: Estate, editor: Editor
) -> None:
    first, second = [await register(db, estate, editor) for _ in range(2)]
    async with db.transaction() as tx:
        await devices.retire(tx, await devices.locked(tx, EVERYWHERE, second.id, editor), editor)
    found = [each async for each in devices.all_changes(db)]
    assert [(each.object_id, each.operation) for each in found] == [
        (second.id, Operation.REMOVE),
        (first.id, Operation.PUT),
    ]
    assert [each.version for each in found] == [2, 1]
