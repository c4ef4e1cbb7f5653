"""Channels as kept: a catalog merged, places resolved, states that follow the device, locks, rings of messages."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from anju.domain.channels import ChannelKind, Item, Merge, Status, Sync
from anju.domain.devices import EXPIRED, Device, DeviceState
from anju.domain.rights import EVERYWHERE, Scope
from anju.domain.video import ChannelState
from anju.errors import Conflict, Invalid, NotFound
from anju.store import channels, devices, places, ptz_locks, sip_exchanges, sip_registrations
from anju.store.channels import Filter, Synced, Turned
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.store.sip_exchanges import Exchange
from anju.store.sip_registrations import OpenDialog, Registration
from tests.conftest import FrozenClock
from tests.registry import Estate, make_estate

NVR = "51080201011180000001"
CODES = [f"5108020101132000000{n}" for n in range(1, 5)]


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


@pytest_asyncio.fixture(loop_scope="session")
async def recorder(db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> Device:
    new = NewDevice("recorder", "1 期录像机", "gb28181", NVR, NVR)
    async with db.transaction() as tx:
        device = await devices.add(tx, estate.wall, replace(new, code=""), Editor(node, "安装员", clock()))
        await devices.turn(tx, {device.id: (DeviceState.ONLINE, "registered")}, at=clock())
    return device


def items(*codes: str, status: Status = Status.ON) -> tuple[Item, ...]:
    return tuple(Item(each, ChannelKind.CAMERA, f"通道{each[-1]}", status, parents=(NVR,)) for each in codes)


async def put(db: Database, device: Device, clock: FrozenClock, change: Merge) -> int:
    async with db.transaction() as tx:
        return await channels.merge(tx, device.id, change, at=clock())


async def listed(db: Database, scope: Scope = EVERYWHERE, **wanted: str) -> list[str]:
    found = await channels.page(db, scope, Filter(**wanted), after="", limit=50)
    return sorted(each.channel.code for each in found)


async def test_a_catalog_is_kept_and_told_again_changes_nothing(
    db: Database, recorder: Device, clock: FrozenClock
) -> None:
    assert await put(db, recorder, clock, Merge(items(*CODES))) == 4
    assert await put(db, recorder, clock, Merge(items(*CODES))) == 0
    assert await listed(db) == CODES


async def test_what_is_no_more_comes_back_under_its_id(db: Database, recorder: Device, clock: FrozenClock) -> None:
    await put(db, recorder, clock, Merge(items(*CODES)))
    before = await channels.codes(db, recorder.id)
    await put(db, recorder, clock, Merge((), (CODES[0],)))
    assert await listed(db) == CODES[1:]
    await put(db, recorder, clock, Merge(items(CODES[0])))
    assert await channels.codes(db, recorder.id) == before


async def test_a_channel_stands_where_its_own_device_does_else_where_its_recorder_does_else_where_it_was_put(
    db: Database, node: NodeId, recorder: Device, clock: FrozenClock, estate: Estate
) -> None:
    await put(db, recorder, clock, Merge(items(*CODES[:3])))
    async with db.transaction() as tx:
        camera = NewDevice("camera", "东门", "none", "", "")
        device = await devices.add(tx, estate.building, camera, Editor(node, "安装员", clock()))
        await tx.execute("UPDATE device SET code = %(code)s WHERE id = %(id)s", code=CODES[0], id=device.id)
        ids = await channels.codes(tx, recorder.id)
        edited = await channels.edit(
            tx, ids[CODES[1]], name="西门", place_id=estate.site.id, plan={"mode": "always"}, version=1, at=clock()
        )
    found = {each.channel.code: each for each in await channels.page(db, EVERYWHERE, Filter(), after="", limit=9)}
    assert found[CODES[0]].channel.place_id == estate.building.id
    assert found[CODES[2]].channel.place_id == estate.wall.id
    assert (edited.channel.place_id, edited.channel.name) == (estate.site.id, "西门")
    assert edited.channel.plan == {"mode": "always"}
    assert await listed(db, place=estate.building.id) == CODES[:1]
    assert await listed(db, Scope(paths=(estate.building.place_path,))) == CODES[:1]


@pytest.mark.parametrize(("kind", "stands"), [("platform", "510802001001"), ("recorder", "")])
async def test_cameras_of_a_platform_below_stand_where_its_catalog_says(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, kind: str, stands: str
) -> None:
    async with db.transaction() as tx:
        place = await places.find(tx, EVERYWHERE, "510802" if kind == "platform" else estate.wall.id)
        new = NewDevice(kind, "下级", "gb28181", NVR)
        device = await devices.add(tx, place, new, Editor(node, "安装员", clock()))
        item = replace(items(CODES[0])[0], civil_code="510802001001")
        await channels.merge(tx, device.id, Merge((item,)), at=clock())
    (found,) = await channels.page(db, EVERYWHERE, Filter(), after="", limit=5)
    assert found.channel.place_id == (stands or estate.wall.id)


async def test_only_a_platform_stands_for_a_region(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate
) -> None:
    assert estate.site
    async with db.transaction() as tx:
        place = await places.find(tx, EVERYWHERE, "510802")
        with pytest.raises(Invalid):
            await devices.add(tx, place, NewDevice("camera", "东门", "gb28181", NVR), Editor(node, "安装员", clock()))


async def test_who_comes_late_does_not_overwrite(db: Database, recorder: Device, clock: FrozenClock) -> None:
    await put(db, recorder, clock, Merge(items(CODES[0])))
    (channel_id,) = (await channels.codes(db, recorder.id)).values()
    async with db.transaction() as tx:
        await channels.edit(tx, channel_id, name="甲", place_id=None, plan=None, version=1, at=clock())
    with pytest.raises(Conflict):
        async with db.transaction() as tx:
            await channels.edit(tx, channel_id, name="乙", place_id=None, plan=None, version=1, at=clock())


async def test_a_device_takes_its_channels_with_it_and_says_why(
    db: Database, recorder: Device, clock: FrozenClock
) -> None:
    await put(db, recorder, clock, Merge(items(*CODES)))
    async with db.transaction() as tx:
        await channels.turn(tx, recorder.id, {CODES[0]: (Status.OFF, "notify-off")}, at=clock())
        await channels.turn(tx, recorder.id, {CODES[1]: (Status.FAULT, "video-lost")}, at=clock())
    assert [await listed(db, state=each) for each in ("online", "offline", "fault")] == [
        CODES[2:],
        CODES[:1],
        CODES[1:2],
    ]
    async with db.transaction() as tx:
        await devices.turn(tx, {recorder.id: (DeviceState.OFFLINE, EXPIRED)}, at=clock())
    assert await listed(db, state="offline") == CODES
    found = (await channels.page(db, EVERYWHERE, Filter(), after="", limit=9))[0]
    assert found.channel.state is ChannelState.OFFLINE
    assert "注册已过期" in channels.body(found)["reason_words"]["zh"]


async def test_a_status_is_told_only_of_channels_that_are_known(
    db: Database, recorder: Device, clock: FrozenClock
) -> None:
    await put(db, recorder, clock, Merge(items(CODES[0])))
    async with db.transaction() as tx:
        told = dict.fromkeys(CODES, (Status.OFF, "notify-off"))
        assert await channels.turn(tx, recorder.id, told, at=clock()) == [Turned(CODES[0], Status.ON, Status.OFF)]


async def test_the_tree_counts_what_a_scope_holds(
    db: Database, recorder: Device, clock: FrozenClock, estate: Estate
) -> None:
    await put(db, recorder, clock, Merge(items(*CODES)))
    assert len(await channels.tree(db, EVERYWHERE)) == 4
    assert await channels.tree(db, Scope(paths=(estate.building.place_path,))) == []
    ids = await channels.codes(db, recorder.id)
    with pytest.raises(NotFound):
        await channels.find(db, Scope(paths=(estate.building.place_path,)), ids[CODES[0]])
    path = estate.wall.place_path
    assert [each["name"] for each in await channels.above(db, [path])][-2:] == ["东坝一号院", "西围墙"]


async def test_one_turns_a_camera_until_he_rests_and_the_higher_takes_over(db: Database, clock: FrozenClock) -> None:
    async def take(who: str, priority: int = 1) -> str:
        async with db.transaction() as tx:
            return (await ptz_locks.take(tx, "c1", (who, who), priority, at=clock())).holder_id

    assert [await take("guard"), await take("other"), await take("leader", 5)] == ["guard", "guard", "leader"]
    clock.forward(31)
    assert await take("guard") == "guard"
    async with db.transaction() as tx:
        await ptz_locks.release(tx, "c1", "guard", at=clock())
    assert await ptz_locks.held(db, "c1", at=clock()) is None


async def test_the_ring_of_messages_keeps_the_last(db: Database, clock: FrozenClock) -> None:
    for number in range(3):
        clock.forward(1)
        told = Exchange("d1", number % 2, clock(), "in", "10.0.0.9:5060", f"MESSAGE {number}", "名称".encode("gbk"))
        async with db.transaction() as tx:
            await sip_exchanges.put(tx, [told])
    assert [(each["title"], each["text"]) for each in await sip_exchanges.last(db, "d1")] == [
        ("MESSAGE 2", "名称"),
        ("MESSAGE 1", "名称"),
    ]


async def test_registrations_streams_and_syncs_outlive_a_process(
    db: Database, recorder: Device, clock: FrozenClock
) -> None:
    at = clock()
    told = ("10.0.0.9", 5060, "udp", "10.0.0.5", "", "c1", "", "", at, at, at + timedelta(hours=1))
    registration = Registration(recorder.id, *told)
    async with db.transaction() as tx:
        await sip_registrations.put(tx, [registration])
        await sip_registrations.put(tx, [replace(registration, port=5061, interval_s=60.0, missed=3)])
    assert (await sip_registrations.everyone(db))[recorder.id].port == 5061
    dialog = OpenDialog("call-1", recorder.id, "c1", "live", at, {"tag": "7"})
    await sip_registrations.open_dialog(db, dialog)
    assert await sip_registrations.open_dialogs(db) == [dialog]
    await sip_registrations.close_dialog(db, "call-1")
    assert await sip_registrations.open_dialogs(db) == []
    await channels.note_sync(db, Synced(recorder.id, at, at, Sync.PARTIAL, 17, 16))
    assert await channels.synced(db, recorder.id) == Synced(recorder.id, at, at, Sync.PARTIAL, 17, 16)
