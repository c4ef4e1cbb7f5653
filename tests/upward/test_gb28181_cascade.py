"""The cascade upward against platforms that are not Anju: registered, seen, looked at, steered, told of alarms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from anju.domain.alarms import Alarm
from anju.domain.cascade import Directory, Recorded, UpperState
from anju.domain.changes import Change, Lane
from anju.domain.channels import Status
from anju.domain.devices import Device, DeviceState
from anju.domain.events import EventKind
from anju.domain.video import Grade, PlayAct, PlayControl, PtzAct, Purpose, Transport
from anju.errors import DeviceSilent, SipRefused
from anju.protocols import mansrtsp, sdp
from anju.protocols.manscdp_control import Guard, KeyFrame
from anju.protocols.ptz import Move, PresetAct, PresetOrder
from anju.simulators.gb28181_upper import Habits, UpperPlatform
from anju.store import alarms, cascade, channels, devices, log
from anju.store.cascade import Share
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event
from tests.registry import Estate, make_estate
from tests.upward.cascading import (
    OWN,
    PASSWORD,
    UPPER,
    Community,
    add_cameras,
    code,
    community,
    keep,
    registered,
    upper_at,
)

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


@pytest_asyncio.fixture(loop_scope="session")
async def cameras(db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> Device:
    return await add_cameras(db, node, estate, clock(), 3)


@asynccontextmanager
async def above(habits: Habits | None = None, *, password: str = PASSWORD) -> AsyncIterator[UpperPlatform]:
    made = UpperPlatform(UPPER, OWN, password, habits=habits)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def cascaded(
    db: Database, node: NodeId, device: Device, habits: Habits | None = None, **more: object
) -> AsyncIterator[tuple[Community, UpperPlatform]]:
    """A community registered at one platform above."""
    async with above(habits) as upper:
        await keep(db, node, upper_at(upper._endpoint.port, **more))
        async with community(db, node, device) as below:
            await registered(upper)
            yield below, upper


async def eventually(community: Community, state: UpperState, reason: str) -> None:
    async with asyncio.timeout(10):
        while True:
            upper = await community.stand()
            if (upper.state, upper.reason) == (state, reason):
                return
            await asyncio.sleep(0.05)


async def raise_alarm(db: Database, node: NodeId, estate: Estate, device: Device, number: int) -> None:
    at = datetime.now(UTC)
    told = replace(
        event(EventKind.INTRUSION),
        id=UUID(int=number),
        received_at=at,
        device_id=device.id,
        site_id=estate.site.id,
        place_path=estate.wall.place_path,
    )
    found = Alarm(told.id, told, node.id, 1, last_at=at)
    change = Change("alarm", str(found.id), 1, estate.site.id, estate.wall.place_path, "", body=alarms.body(found))
    async with db.transaction() as tx:
        await log.append(tx, Lane.ALARMS, [change], at=at, node=node)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_it_registers_keeps_alive_and_says_so(
    db: Database, node: NodeId, cameras: Device, transport: str
) -> None:
    async with cascaded(db, node, cameras, transport=transport, keepalive_s=1) as (below, upper):
        await eventually(below, UpperState.ONLINE, "registered")
        await upper.until(lambda: upper.counts["Keepalive"] >= 2)
        assert upper.counts["registered"] == 1
    assert not upper.registered.is_set()  # it signed off


async def test_a_wrong_password_is_said_in_words(db: Database, node: NodeId, cameras: Device) -> None:
    async with above(password="another") as upper:
        await keep(db, node, upper_at(upper._endpoint.port))
        async with community(db, node, cameras) as below:
            await eventually(below, UpperState.AWAY, "refused")


async def test_an_upper_that_is_away_is_tried_again_until_it_comes(db: Database, node: NodeId, cameras: Device) -> None:
    async with above(Habits(silent=True)) as upper:
        await keep(db, node, upper_at(upper._endpoint.port))
        async with community(db, node, cameras) as below:
            await eventually(below, UpperState.AWAY, "silent")
            upper.habits.silent = False
            await registered(upper)
            await eventually(below, UpperState.ONLINE, "registered")


async def test_a_keepalive_that_is_refused_makes_it_register_again(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, Habits(forgetful=True), keepalive_s=1) as (_, upper):
        await upper.until(lambda: upper.counts["registered"] == 2)
        assert upper.counts["Keepalive"] == 1


async def test_the_tree_of_200_cameras_comes_whole_with_every_parent_in_it(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate
) -> None:
    device = await add_cameras(db, node, estate, clock(), 200)
    async with cascaded(db, node, device) as (_, upper):
        items = await upper.catalog()
    codes = {each.device_id for each in items} | {OWN}
    group, wall = items[0], items[1]
    assert {each.device_id for each in items[2:]} == {code(n) for n in range(1, 201)}
    assert all(each in codes for item in items for each in (*item.parents, *filter(None, [item.business_group])))
    assert (group.device_id[10:13], group.name, group.parents) == ("215", "东坝一号院", (OWN,))
    assert (wall.device_id[10:13], wall.name, wall.business_group) == ("216", "西围墙", group.device_id)
    assert {(each.parents, each.business_group) for each in items[2:]} == {((wall.device_id,), group.device_id)}
    assert items[2].name == "西围墙 1 号"
    assert items[2].online


async def test_a_part_of_the_tree_can_be_asked_for(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, transport="tcp") as (_, upper):
        group = (await upper.catalog())[0].device_id
        inside = await upper.catalog(group)
        alone = await upper.catalog(code(2))
    assert (len(inside), [each.device_id for each in alone]) == (5, [code(2)])


async def test_directories_keep_their_codes(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (_, upper):
        first = [each.device_id for each in await upper.catalog()]
    found = await cascade.tree(db, (await cascade.uppers(db))[0].upper)
    assert [*(each.code for each in found.directories), *(each.code for each in found.cameras)] == first


async def test_chosen_cameras_hang_where_they_were_put_under_the_codes_they_were_given(
    db: Database, node: NodeId, cameras: Device
) -> None:
    group, mapped = f"{OWN[:10]}215{OWN[13]}000009", f"{OWN[:10]}131{OWN[13]}000077"
    async with cascaded(db, node, cameras, mode="chosen") as (below, upper):
        assert await upper.catalog() == []
        chosen = [Share(await below.channel(1), mapped, group), Share(await below.channel(2))]
        async with db.transaction() as tx:
            drawn = [Directory(group, OWN, "重点部位")]
            await cascade.share(tx, await below.stand(), drawn, chosen)
        await asyncio.sleep(0.3)
        items = {each.device_id: each for each in await upper.catalog()}
        assert items.keys() == {group, mapped, code(2)}
        assert (items[mapped].parents, items[code(2)].parents) == ((group,), (OWN,))
        dialog = await upper.invite(mapped, 30_000)
        assert below.media.relays["r0"].channel_id == await below.channel(1)
        await dialog.bye()
        with pytest.raises(SipRefused) as refused:
            await upper.invite(code(3), 30_000)
    assert refused.value.status == 404


async def test_what_came_from_an_upper_is_not_shown_back_to_it(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, cameras: Device
) -> None:
    upper = upper_at(5060, code=cameras.account)
    assert not (await cascade.tree(db, await keep(db, node, upper))).cameras


async def test_questions_are_answered(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, playback=True) as (below, upper):
        hour = timedelta(hours=1)
        below.recorded += [Recorded(DAY + n * hour, DAY + (n + 1) * hour, size=1000 + n) for n in range(5)]
        info, status = await upper.info(), await upper.status(code(1))
        presets = await upper.presets(code(1))
        records = await upper.records(code(1), DAY, DAY + timedelta(days=1))
        none = await upper.records(code(1), DAY - timedelta(days=2), DAY - timedelta(days=1))
    assert (info.name, info.manufacturer, info.channels, status.online) == ("东坝一号院", "Anju", 3, True)
    assert [(each.number, each.name) for each in presets] == [(1, "大门"), (2, "车库")]
    assert sorted(each.start for each in records) == [DAY + n * hour for n in range(5)]
    assert none == []


async def test_a_live_stream_is_relayed_in_real_packets_and_ended_from_above(
    db: Database, node: NodeId, cameras: Device
) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
            received.put_nowait(data)

    loop = asyncio.get_running_loop()
    sock, _ = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    async with cascaded(db, node, cameras) as (below, upper), asyncio.timeout(20):
        dialog = await upper.invite(code(1), sock.get_extra_info("sockname")[1])
        packet, answer = await received.get(), sdp.read(dialog.sdp)
        assert await dialog.bye()
        async with below.media.changed:
            await below.media.changed.wait_for(lambda: below.media.ended == ["r0"])
    sock.close()
    wanted = below.media.relays["r0"]
    assert int.from_bytes(packet[8:12], "big") == answer.ssrc_number == wanted.ssrc
    assert (answer.direction, answer.port, answer.owner) == ("sendonly", 42_000, code(1))
    assert (wanted.purpose, wanted.grade, wanted.transport) == (Purpose.LIVE, Grade.MAIN, Transport.UDP)
    assert len(below.cascade.streams) == 0


@pytest.mark.parametrize(
    ("theirs", "ours", "asked"), [("passive", "active", "tcp_active"), ("active", "passive", "tcp_passive")]
)
async def test_on_tcp_the_other_side_s_role_decides_ours(
    db: Database, node: NodeId, cameras: Device, theirs: str, ours: str, asked: str
) -> None:
    async with cascaded(db, node, cameras) as (below, upper):
        dialog = await upper.invite(code(1), 30_000, setup=theirs, attributes=("streamprofile:1",))
        answer = sdp.read(dialog.sdp)
        await dialog.bye()
    assert (answer.setup, answer.tcp) == (ours, True)
    assert (below.media.relays["r0"].transport, below.media.relays["r0"].grade) == (asked, Grade.SUB)


async def test_why_there_is_no_picture_goes_up_as_a_status(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper):
        statuses = list[int]()
        for reason in ("busy", "no_answer", "media_refused", "device_error"):
            below.media.refuse = reason
            with pytest.raises(SipRefused) as refused:
                await upper.invite(code(1), 30_000)
            statuses.append(refused.value.status)
        with pytest.raises(SipRefused) as refused:
            await upper.invite(code(1), 30_000, session=sdp.PLAYBACK, span=(DAY, DAY + timedelta(hours=1)))
    assert (statuses, refused.value.status) == ([486, 408, 488, 500], 403)


async def test_a_recording_is_played_steered_and_its_end_told(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, playback=True) as (below, upper), asyncio.timeout(20):
        span = (DAY, DAY + timedelta(hours=1))
        dialog = await upper.invite(code(1), 30_000, session=sdp.PLAYBACK, span=span)
        await dialog.info(mansrtsp.Control(mansrtsp.PLAY, 2, scale=2.0).encode())
        await dialog.info(mansrtsp.Control(mansrtsp.PLAY, 3, start=95).encode())
        await dialog.info(mansrtsp.Control(mansrtsp.PAUSE, 4).encode())
        async with below.media.changed:
            await below.media.changed.wait_for(lambda: len(below.media.steered) == 3)
        await below.cascade.relay_ended("r0", "finished")
        await upper.until(lambda: upper.finished == [code(1)])
        await dialog.ended.wait()
    wanted = below.media.relays["r0"]
    assert (wanted.purpose, wanted.start, wanted.end) == (Purpose.PLAYBACK, *span)
    steps = [PlayControl(PlayAct.SPEED, 2.0), PlayControl(PlayAct.SEEK, 95), PlayControl(PlayAct.PAUSE)]
    assert below.media.steered == [("r0", each) for each in steps]


async def test_an_invite_taken_back_ends_its_copy(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper), asyncio.timeout(20):
        below.media.held = asyncio.Event()
        with pytest.raises(DeviceSilent):
            await upper.invite(code(1), 30_000, within_s=0.5)
        await upper.until(lambda: True)
        below.media.held.set()
        async with below.media.changed:
            await below.media.changed.wait_for(lambda: below.media.ended == ["r0"])
    assert len(below.cascade.streams) == 0


async def test_what_a_crash_left_running_is_ended_on_both_sides(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper), asyncio.timeout(20):
        dialog = await upper.invite(code(1), 30_000)
        while not (left := await cascade.open_copies(db)):  # noqa: ASYNC110 - it is written beside the answer
            await asyncio.sleep(0.02)
        below.cascade.streams._sent.clear()
        below.endpoint.dialogs.remove(below.endpoint.dialogs.of_call(dialog.call_id) or dialog)
        await below.cascade.streams.clear()
        await dialog.ended.wait()
        assert await cascade.open_copies(db) == []
    assert [each.relay_id for each in left] == below.media.ended == ["r0"]


async def test_an_upper_that_is_no_more_gets_no_stream_either(db: Database, node: NodeId, cameras: Device) -> None:
    quick = cascaded(db, node, cameras, keepalive_s=1, keepalive_missed=1)
    async with quick as (below, upper), asyncio.timeout(40):
        await upper.invite(code(1), 30_000)
        await upper.close()
        async with below.media.changed:
            await below.media.changed.wait_for(lambda: below.media.ended == ["r0"])
        await eventually(below, UpperState.AWAY, "silent")


async def test_a_torn_connection_is_registered_over_anew(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, transport="tcp") as (_, upper):
        upper.hang_up()
        await upper.until(lambda: upper.counts["registered"] == 2)
        assert len(await upper.catalog()) == 5


async def test_a_camera_that_goes_ends_the_stream_above(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper), asyncio.timeout(20):
        dialog = await upper.invite(code(1), 30_000)
        await below.cascade.relay_ended("r0", "ended_by_device")
        await dialog.ended.wait()
    assert (upper.finished, below.media.ended) == ([], ["r0"])


async def test_orders_pass_by_permission_and_arming_never_does(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras, ptz=True) as (below, upper):
        assert await upper.turn(code(1), Move(pan=-64, zoom=8)) == 200
        assert await upper.turn(code(1), PresetOrder(PresetAct.CALL, 3)) == 200
        assert await upper.order(code(1), KeyFrame()) == 200
        assert await upper.turn(code(9), Move()) == 404
        assert await upper.order(code(1), Guard(on=False)) == 200
        await upper.until(lambda: upper.counts["DeviceControl"] == 1)
    moved = [(each.act, each.pan, each.zoom, each.number) for _, each in below.moved]
    assert moved == [(PtzAct.MOVE, -64, 136, 0), (PtzAct.PRESET_CALL, 0, 0, 3), (PtzAct.KEY_FRAME, 0, 0, 0)]


async def test_without_permission_nothing_moves(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper):
        assert await upper.turn(code(1), Move(pan=1)) == 403
    assert below.moved == []


async def test_alarms_go_up_and_those_of_an_outage_come_afterwards(
    db: Database, node: NodeId, cameras: Device, estate: Estate
) -> None:
    async with cascaded(db, node, cameras, Habits(refuses_alarms=True)) as (below, upper):
        await raise_alarm(db, node, estate, cameras, 1)
        await raise_alarm(db, node, estate, cameras, 2)
        below.cascade.wake()
        await upper.until(lambda: upper.counts["Alarm"] >= 1)
        assert upper.alarms == []
        upper.habits.refuses_alarms = False
        await upper.until(lambda: len(upper.alarms) == 2)
        await raise_alarm(db, node, estate, cameras, 3)
        below.cascade.wake()
        await upper.until(lambda: len(upper.alarms) == 3)
    told = upper.alarms[0]
    assert (told.device_id, told.method, told.kind, told.priority) == (code(1), 5, 6, 1)
    assert "入侵报警 西围墙" in told.description


async def test_alarms_of_before_it_was_there_stay_here_and_subscribed_ones_come_in_their_dialog(
    db: Database, node: NodeId, cameras: Device, estate: Estate
) -> None:
    await raise_alarm(db, node, estate, cameras, 1)
    async with cascaded(db, node, cameras) as (below, upper):
        dialog = await upper.watch_alarms()
        await raise_alarm(db, node, estate, cameras, 2)
        below.cascade.wake()
        await upper.until(lambda: len(upper.alarms) == 1)
        assert upper.counts["NOTIFY"] == 1
        assert (await dialog.request("SUBSCRIBE", headers=[("Event", "presence"), ("Expires", "0")])).status == 200
        await upper.until(lambda: upper.counts["NOTIFY"] == 2)


async def test_changes_are_told_to_who_subscribed(
    db: Database, node: NodeId, clock: FrozenClock, cameras: Device
) -> None:
    async with cascaded(db, node, cameras) as (_, upper):
        await upper.watch_catalog()
        async with db.transaction() as tx:
            await channels.turn(tx, cameras.id, {code(2): (Status.OFF, "notify-off")}, at=clock())
        await upper.until(lambda: [(each.device_id, each.event) for each in upper.notices] == [(code(2), "OFF")])
        async with db.transaction() as tx:
            await devices.turn(tx, {cameras.id: (DeviceState.OFFLINE, "expired")}, at=clock())
        await upper.until(lambda: len(upper.notices) == 3)
    assert {(each.device_id, each.event) for each in upper.notices[1:]} == {(code(1), "OFF"), (code(3), "OFF")}


async def test_an_upper_that_was_busy_is_told_again_and_stays_subscribed(
    db: Database, node: NodeId, clock: FrozenClock, cameras: Device
) -> None:
    async with cascaded(db, node, cameras, Habits(busy=2)) as (_, upper):
        await upper.watch_catalog()
        for number in (2, 3):
            async with db.transaction() as tx:
                await channels.turn(tx, cameras.id, {code(number): (Status.OFF, "notify-off")}, at=clock())
        await upper.until(lambda: len(upper.notices) == 2)
    assert {(each.device_id, each.event) for each in upper.notices} == {(code(2), "OFF"), (code(3), "OFF")}


@pytest.mark.parametrize(
    "habits",
    [Habits(to_tag=False), Habits(charset="GB18030"), Habits(charset="UTF-8"), Habits(ssrc=False, subject=False)],
)
async def test_habits_of_other_platforms_are_lived_with(
    db: Database, node: NodeId, cameras: Device, habits: Habits
) -> None:
    async with cascaded(db, node, cameras, habits, charset=habits.charset, keepalive_s=1) as (below, upper):
        assert {each.name for each in (await upper.catalog())[2:]} == {f"西围墙 {n} 号" for n in (1, 2, 3)}
        dialog = await upper.invite(code(1), 30_000)
        assert sdp.read(dialog.sdp).ssrc_number == below.media.relays["r0"].ssrc
        assert await dialog.bye()
        await upper.until(lambda: upper.counts["Keepalive"] >= 1)


async def test_a_stranger_and_another_role_are_none_of_its_business(
    db: Database, node: NodeId, cameras: Device
) -> None:
    async with cascaded(db, node, cameras) as (below, upper), above() as stranger:
        stranger.code = "51080000002000000009"
        stranger._peer = upper._peer
        with pytest.raises(SipRefused) as refused:
            await stranger.catalog()
        with pytest.raises(SipRefused):
            await stranger.invite(code(1), 30_000)
    assert (refused.value.status, len(below.others), below.media.relays) == (403, 2, {})


async def test_switched_off_it_signs_off(db: Database, node: NodeId, cameras: Device) -> None:
    async with cascaded(db, node, cameras) as (below, upper):
        here = await below.stand()
        async with db.transaction() as tx:
            await cascade.change(tx, replace(here, enabled=False), None, version=here.version)
        await upper.until(lambda: not upper.registered.is_set())
        await eventually(below, UpperState.OFF, "off")
