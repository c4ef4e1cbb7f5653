"""GB/T 28181 over real sockets and a real database: who gets in, who is alive, what is kept, asked and steered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
import pytest_asyncio

from anju.devices.gb28181_alarms import channel_reports
from anju.domain.channels import ChannelKind, Status
from anju.domain.devices import EXPIRED, KEEPALIVE_TIMEOUT, REGISTERED, UNREGISTERED, Device
from anju.domain.rights import EVERYWHERE
from anju.protocols.manscdp import Message, Root, answer, write
from anju.protocols.manscdp_alarms import VIDEO, AlarmNotice, alarm_notice
from anju.protocols.manscdp_catalog import CatalogItem, catalog_answer, catalog_notice
from anju.protocols.manscdp_config import BasicParam, Config, config_answer
from anju.protocols.manscdp_devices import DeviceStatus, Keepalive, keepalive, status_answer
from anju.protocols.manscdp_positions import MobilePosition, position_notice
from anju.protocols.sip import Response
from anju.store import channels, sip_exchanges, sip_registrations
from anju.store.channels import Filter, Turned
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.devices.gb28181_sides import (
    CAMERAS,
    NVR,
    PLATFORM,
    Centre,
    Scripted,
    add_device,
    item,
    pages,
    until,
)
from tests.registry import Estate, make_estate

MakeDevice = Callable[..., Awaitable[Scripted]]


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


@pytest_asyncio.fixture(loop_scope="session")
async def recorder(db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> Device:
    return await add_device(db, node, estate, clock())


@pytest_asyncio.fixture(loop_scope="session")
async def centre(db: Database, node: NodeId, clock: FrozenClock, recorder: Device) -> AsyncIterator[Centre]:
    found = await Centre(db, node, clock).open()
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def make(centre: Centre) -> AsyncIterator[MakeDevice]:
    made: list[Scripted] = []

    async def device(**named: str) -> Scripted:
        made.append(await Scripted(**named).open(centre))
        return made[-1]

    yield device
    for each in made:
        await each.close()


@pytest_asyncio.fixture(loop_scope="session")
async def nvr(make: MakeDevice) -> Scripted:
    return await make()


# --- who gets in


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_device_registers_and_is_online(
    centre: Centre, make: MakeDevice, recorder: Device, transport: str
) -> None:
    device = await make(transport=transport)
    response = await device.register()
    assert (response.status, response.headers.get("Expires")) == (200, "3600")
    assert response.headers.get("Date") == "2026-11-22T16:15:30.000"
    assert await centre.state(recorder) == ("online", REGISTERED)
    assert (await device.wait_for("DeviceInfo"))[0].device_id == NVR


async def test_a_wrong_password_changes_nothing_and_is_told(
    centre: Centre, nvr: Scripted, recorder: Device, db: Database
) -> None:
    assert (await nvr.register(password="guess")).status == 403
    assert await centre.state(recorder) == ("unknown", "never heard")
    assert await sip_registrations.everyone(db) == {}
    assert centre.wrongs == [("bad digest", NVR)]
    row = await db.fetch_one("SELECT reason, bytes FROM raw_frame WHERE source_id = %(id)s", id=recorder.id)
    assert row is not None
    assert row[0] == "bad digest"
    assert b"response=***" in bytes(row[1])


async def test_another_realm_is_told_apart_from_another_password(centre: Centre, nvr: Scripted) -> None:
    assert (await nvr.register(realm="3402000000")).status == 403
    assert centre.wrongs == [("wrong realm", NVR)]


async def test_who_guesses_passwords_is_locked_out(centre: Centre, nvr: Scripted) -> None:
    statuses = [(await nvr.register(password=f"guess{number}")).status for number in range(5)]
    locked = await nvr.register()
    assert (statuses, locked.status) == ([403] * 5, 403)
    assert int(locked.headers.get("Retry-After")) > 0


async def test_who_sees_no_answer_of_ours_locks_nobody_out(nvr: Scripted) -> None:
    statuses = {(await nvr.register(password="guess", nonce=f"{number:056x}")).status for number in range(6)}
    assert (statuses, (await nvr.register()).status) == ({401}, 200)


async def test_an_overheard_digest_opens_nothing_a_second_time(
    centre: Centre, nvr: Scripted, make: MakeDevice, recorder: Device
) -> None:
    overheard = nvr.digest(await nvr.send_register())
    assert (await nvr.send_register(overheard)).status == 200
    thief = await make()
    response = await thief.send_register(overheard)
    assert response.status == 401
    assert "stale=true" in response.headers.get("WWW-Authenticate")
    registration = centre.door.presence.find(recorder.id)
    assert registration is not None
    assert registration.port == nvr.endpoint.port


async def test_a_nonce_that_is_not_ours_opens_nothing(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    assert (await nvr.register(nonce="6b2f0c9e41d7a358")).status == 401
    assert await centre.state(recorder) == ("unknown", "never heard")


async def test_a_refresh_needs_a_digest_too(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock
) -> None:
    await nvr.register()
    before = centre.door.presence.find(recorder.id)
    clock.forward(100)
    assert (await nvr.send_register(expires=7200)).status == 401
    assert centre.door.presence.find(recorder.id) == before
    assert (await nvr.register()).status == 200


async def test_a_stranger_unregisters_nobody(centre: Centre, nvr: Scripted, make: MakeDevice, recorder: Device) -> None:
    await nvr.register()
    thief = await make(password="none")
    assert (await thief.send_register(expires=0)).status == 401
    assert (await thief.register(expires=0)).status == 403
    assert await centre.state(recorder) == ("online", REGISTERED)


async def test_a_device_that_signs_off_is_offline_at_once(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    await nvr.register()
    assert (await nvr.register(expires=0)).status == 200
    assert await centre.state(recorder) == ("offline", UNREGISTERED)


async def test_who_is_not_registered_here_changes_nothing_and_waits_in_quarantine(
    centre: Centre, make: MakeDevice, db: Database
) -> None:
    stranger = await make(account="51080201011320009999")
    assert (await stranger.register()).status == 403
    assert (await stranger.alive()).status == 403
    assert await sip_registrations.everyone(db) == {}
    rows = await db.fetch("SELECT source_id, reason FROM quarantine")
    assert [tuple(row) for row in rows] == [("gb28181:51080201011320009999", "unknown_account")]


async def test_a_keepalive_without_a_registration_is_refused_so_that_the_device_registers(
    centre: Centre, nvr: Scripted, recorder: Device
) -> None:
    assert (await nvr.alive()).status == 403
    await nvr.register()
    assert (await nvr.alive()).status == 200


async def test_an_address_that_is_not_allowed_is_refused(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, centre: Centre, make: MakeDevice
) -> None:
    await add_device(db, node, estate, clock(), account=CAMERAS[0], kind="camera", addresses=("192.0.2.0/24",))
    await centre.registry.load()
    assert (await (await make(account=CAMERAS[0])).register()).status == 403


async def test_a_user_name_of_its_own(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, centre: Centre, make: MakeDevice
) -> None:
    await add_device(db, node, estate, clock(), account=CAMERAS[0], kind="camera", user="gate-1")
    await centre.registry.load()
    camera = await make(account=CAMERAS[0])
    assert (await camera.register()).status == 403
    assert (await camera.register(user="gate-1")).status == 200


async def test_a_device_that_breaks_on_date_gets_none(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, centre: Centre, make: MakeDevice
) -> None:
    await add_device(db, node, estate, clock(), account=CAMERAS[0], kind="camera", set_clock=False)
    await centre.registry.load()
    assert (await (await make(account=CAMERAS[0])).register()).headers.get("Date") == ""


# --- who is alive


async def test_silence_is_told_with_its_reason_and_so_is_its_end(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock, db: Database
) -> None:
    await nvr.register()
    clock.forward(181)
    centre.door.presence.look()
    assert await centre.state(recorder) == ("offline", KEEPALIVE_TIMEOUT)
    await nvr.alive()
    assert await centre.state(recorder) == ("online", REGISTERED)
    rows = await db.fetch("SELECT code, state FROM event ORDER BY received_at, state")
    assert [tuple(row) for row in rows] == [("silent", "active"), ("silent", "cleared")]


async def test_a_registration_runs_out(centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock) -> None:
    await nvr.register(expires=60)
    clock.forward(62)
    centre.door.presence.look()
    assert await centre.state(recorder) == ("offline", EXPIRED)
    assert (await nvr.alive()).status == 403


async def test_a_new_port_behind_nat_is_kept_and_used(
    centre: Centre, nvr: Scripted, make: MakeDevice, recorder: Device, db: Database
) -> None:
    await nvr.register()
    await nvr.wait_for("DeviceInfo")
    moved = await make()
    assert (await moved.alive()).status == 200
    await centre.door.presence.flush()
    assert (await sip_registrations.everyone(db))[recorder.id].port == moved.endpoint.port
    await centre.door.orders.query(recorder, "info")
    assert await moved.wait_for("DeviceInfo")


async def test_sane_settings_of_a_device_are_believed_and_others_are_not(
    centre: Centre, nvr: Scripted, recorder: Device
) -> None:
    told = [(0, 0), (20, 2)]

    async def config(device: Scripted, asked: Message) -> None:
        interval, count = told.pop(0)
        basic = BasicParam("", 3600, interval, count)
        await device.tell(config_answer(asked, Config(basic)))

    await nvr.register()
    nvr.answers["ConfigDownload"] = config
    registration = centre.door.presence.find(recorder.id)
    assert registration is not None
    assert centre.door.presence.silence(recorder, registration) == timedelta(seconds=180)
    for _ in range(2):
        found = (await centre.door.orders.config(recorder))["BasicParam"]
        centre.door.presence.set_rhythm(recorder.id, found["heartbeat_s"], found["heartbeat_count"])
    registration = centre.door.presence.find(recorder.id)
    assert registration is not None
    assert centre.door.presence.silence(recorder, registration) == timedelta(seconds=40)


async def test_two_devices_with_one_code_are_told(
    centre: Centre, nvr: Scripted, recorder: Device, db: Database
) -> None:
    registration = await _registered(centre, nvr, recorder)
    for number in range(5):
        other = f"10.0.0.{number % 2 + 1}"
        told = replace(registration, host=other, call_id=f"c{number}")
        centre.door.presence.register(recorder, told)
    await centre.door.presence.flush()
    row = await db.fetch_one("SELECT kind FROM event WHERE code = 'duplicate_id'")
    assert row is not None
    assert row[0] == "fault"


async def _registered(centre: Centre, nvr: Scripted, recorder: Device) -> sip_registrations.Registration:
    await nvr.register()
    found = centre.door.presence.find(recorder.id)
    assert found is not None
    return found


async def test_a_restart_knows_who_is_registered(
    centre: Centre, nvr: Scripted, recorder: Device, db: Database, node: NodeId, clock: FrozenClock
) -> None:
    await nvr.register()
    await centre.door.presence.flush()
    port = centre.port
    await centre.kill()
    again = await Centre(db, node, clock).open(port)
    try:
        assert (await nvr.alive()).status == 200
        assert await again.state(recorder) == ("online", REGISTERED)
    finally:
        await again.close()


# --- catalogs


async def test_a_catalog_of_many_messages_is_whole(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    nvr.answers["Catalog"] = pages([*CAMERAS[:7], CAMERAS[0]], size=3, total=7)
    await nvr.register()
    await centre.synced(recorder)
    assert await centre.channel_codes(recorder) == CAMERAS[:7]


async def test_a_partial_catalog_deletes_nothing(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:5])
    await nvr.register()
    await centre.synced(recorder)
    nvr.answers["Catalog"] = pages(CAMERAS[:2], total=5)
    synced = await centre.door.catalogs.sync(recorder, first_s=3, then_s=0.3)
    assert synced is not None
    assert (synced.state, synced.told, synced.received) == ("partial", 5, 2)
    assert await centre.channel_codes(recorder) == CAMERAS[:5]
    nvr.answers["Catalog"] = pages(CAMERAS[:2])
    await centre.door.catalogs.sync(recorder, first_s=3, then_s=1)
    assert await centre.channel_codes(recorder) == CAMERAS[:2]


async def test_one_item_that_nobody_asked_for_updates_that_item(
    centre: Centre, nvr: Scripted, recorder: Device
) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:5])
    await nvr.register()
    await centre.synced(recorder)
    await nvr.tell(catalog_answer(987_654, NVR, 1, [item(CAMERAS[1], "换名")]))

    async def renamed() -> bool:
        found = await channels.of_code(centre.db, recorder.id, CAMERAS[1])
        return found is not None and found.channel.name.startswith("换名")

    await until(renamed)
    assert len(await centre.channel_codes(recorder)) == 5


async def test_a_camera_that_names_none_is_one_itself(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, centre: Centre, make: MakeDevice
) -> None:
    device = await add_device(db, node, estate, clock(), account=CAMERAS[0], kind="camera")
    await centre.registry.load()
    camera = await make(account=CAMERAS[0])
    camera.answers["Catalog"] = _empty
    await camera.register()
    await centre.synced(device)
    assert await centre.channel_codes(device) == CAMERAS[:1]


async def _empty(device: Scripted, told: Message) -> None:
    await device.tell(catalog_answer(told.sn, device.account, 0, []))


async def test_notices_turn_add_and_remove_channels(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:4])
    await nvr.register()
    await centre.synced(recorder)
    told = [
        CatalogItem(CAMERAS[0], event="OFF"),
        CatalogItem(CAMERAS[1], event="VLOST"),
        CatalogItem(CAMERAS[2], event="DEL"),
        item(CAMERAS[9], event="ADD"),
    ]
    response = await nvr.tell(catalog_notice(5, NVR, told), method="NOTIFY", headers=[("Event", "Catalog")])
    assert response.status == 200
    await centre.door.presence.flush()
    found = await channels.page(centre.db, EVERYWHERE, Filter(device=recorder.id), after="", limit=50)
    assert {each.channel.code: each.channel.state.value for each in found} == {
        CAMERAS[0]: "offline",
        CAMERAS[1]: "fault",
        CAMERAS[3]: "online",
        CAMERAS[9]: "online",
    }


async def test_a_camera_that_is_lost_behind_its_recorder_is_an_event_and_so_is_its_return(
    centre: Centre, nvr: Scripted, recorder: Device, db: Database
) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:2])
    await nvr.register()
    await centre.synced(recorder)
    for event in ("OFF", "OFF", "VLOST", "ON"):
        told = [CatalogItem(CAMERAS[0], event=event)]
        assert (await nvr.tell(catalog_notice(5, NVR, told), method="NOTIFY")).status == 200
    await until(lambda: _rows(db, 4))
    rows = await db.fetch("SELECT kind, code, state, zone FROM event ORDER BY received_at, id")
    assert [tuple(row) for row in rows] == [
        ("communication", "channel_off", "active", "132/000001"),
        ("communication", "channel_off", "cleared", "132/000001"),
        ("fault", "channel_fault", "active", "132/000001"),
        ("fault", "channel_fault", "cleared", "132/000001"),
    ]


async def _rows(db: Database, count: int) -> bool:
    return len(await db.fetch("SELECT 1 FROM event")) == count


async def test_very_many_cameras_that_turn_at_once_are_one_report(recorder: Device, clock: FrozenClock) -> None:
    turned = [Turned(f"5108020101132{n:07}", Status.ON, Status.OFF) for n in range(65)]
    (report,) = channel_reports(recorder, turned, clock())
    assert (report.code, report.detail["lost"]) == ("channels_turned", 65)


async def test_a_device_may_speak_for_its_own_channels_only(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, centre: Centre, nvr: Scripted, make: MakeDevice,
    recorder: Device,
) -> None:  # fmt: skip
    nvr.answers["Catalog"] = pages(CAMERAS[:2])
    await nvr.register()
    await centre.synced(recorder)
    await add_device(db, node, estate, clock(), account=CAMERAS[8], kind="camera")
    await centre.registry.load()
    other = await make(account=CAMERAS[8])
    await other.register()
    await other.tell(catalog_notice(1, CAMERAS[8], [CatalogItem(CAMERAS[0], event="OFF")]))
    await centre.door.presence.flush()
    found = await channels.of_code(db, recorder.id, CAMERAS[0])
    assert found is not None
    assert found.channel.state == "online"


async def test_a_keepalive_names_faulty_children(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:2])
    await nvr.register()
    await centre.synced(recorder)

    async def state() -> str:
        found = await channels.of_code(centre.db, recorder.id, CAMERAS[0])
        assert found is not None
        return found.channel.state.value

    await nvr.tell(keepalive(1, NVR, Keepalive(faulty=(CAMERAS[0],))))
    await until(lambda: _is(state, "fault"))
    await nvr.alive()
    await until(lambda: _is(state, "online"))


async def _is(state: Callable[[], Awaitable[str]], wanted: str) -> bool:
    return await state() == wanted


async def test_a_moving_camera_is_where_it_says(centre: Centre, nvr: Scripted, recorder: Device) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:1])
    await nvr.register()
    await centre.synced(recorder)
    told = MobilePosition(CAMERAS[0], centre.clock(), 105.84, 32.43)
    assert (await nvr.tell(position_notice(3, told))).status == 200
    found = await channels.of_code(centre.db, recorder.id, CAMERAS[0])
    assert found is not None
    assert (found.channel.longitude, found.channel.latitude, found.kind) == (105.84, 32.43, ChannelKind.CAMERA)


# --- alarms and clocks


def intrusion(clock: FrozenClock, sn: int = 77) -> Message:
    return alarm_notice(sn, AlarmNotice(CAMERAS[2], VIDEO, clock(), 1, 6, 1, "周界3号防区入侵"))


async def test_an_alarm_is_answered_after_its_commit_and_told_once(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock, db: Database
) -> None:
    await nvr.register()
    assert [(await nvr.tell(intrusion(clock, sn))).status for sn in (77, 78)] == [200, 200]
    rows = await db.fetch("SELECT kind, zone, device_id, body->'detail'->>'text' FROM event")
    assert [tuple(row) for row in rows] == [("intrusion", "132/000003", recorder.id, "周界3号防区入侵")]
    (response, *_) = await nvr.wait_for("Alarm", root=Root.RESPONSE)
    assert (response.sn, response.device_id) == (77, CAMERAS[2])


async def test_an_alarm_of_a_camera_happens_where_the_camera_is(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock, db: Database, estate: Estate
) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:3])
    await nvr.register()
    await centre.synced(recorder)
    camera = await centre.channel_id(recorder, CAMERAS[2])
    async with db.transaction() as tx:
        await channels.edit(
            tx, camera, name="1 栋门口", place_id=estate.building.id, plan=None, version=None, at=clock()
        )
    await nvr.tell(intrusion(clock))
    rows = await db.fetch("SELECT place_id, body->>'zone_name', flags FROM event")
    assert [tuple(row) for row in rows] == [(estate.building.id, "1 栋门口", [])]


async def test_an_alarm_is_not_acknowledged_while_the_database_is_away(
    centre: Centre, nvr: Scripted, clock: FrozenClock, db: Database
) -> None:
    await nvr.register()
    centre.away = True
    assert (await nvr.tell(intrusion(clock))).status == 500
    centre.away = False
    assert (await nvr.tell(intrusion(clock))).status == 200
    assert len(await db.fetch("SELECT 1 FROM event")) == 1


async def test_an_alarm_that_takes_too_long_is_not_acknowledged_and_kept_once(
    centre: Centre, nvr: Scripted, clock: FrozenClock, db: Database
) -> None:
    await nvr.register()
    await centre.door.presence.flush()
    loop = asyncio.get_running_loop()
    async with db.transaction() as tx:
        await tx.execute("LOCK TABLE seen IN ACCESS EXCLUSIVE MODE")
        before = loop.time()
        assert (await nvr.tell(intrusion(clock))).status == 500
        assert loop.time() - before < 1.0
    assert (await nvr.tell(intrusion(clock))).status == 200
    assert len(await db.fetch("SELECT 1 FROM event")) == 1


async def test_a_clock_that_is_off_is_in_the_ledger_and_a_fault(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock, db: Database
) -> None:
    offsets = [90, 0]

    async def status(device: Scripted, asked: Message) -> None:
        time = clock() + timedelta(seconds=offsets.pop(0))
        await device.tell(status_answer(asked, DeviceStatus(True, True, recording=True, time=time)))

    await nvr.register()
    await nvr.wait_for("DeviceStatus")
    nvr.answers["DeviceStatus"] = status
    for _ in range(2):
        clock.forward(1)
        await centre.door.orders.query(recorder, "status")
    ledger = await db.fetch("SELECT offset_ms FROM clock_ledger ORDER BY at")
    assert [row[0] for row in ledger] == [90_000, 0]
    rows = await db.fetch("SELECT kind, state FROM event WHERE code = 'clock_off' ORDER BY received_at")
    assert [tuple(row) for row in rows] == [("fault", "active"), ("fault", "cleared")]


async def test_a_restart_knows_which_clocks_were_off(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock, db: Database, node: NodeId
) -> None:
    offsets = [90, 90, 0]

    async def status(device: Scripted, asked: Message) -> None:
        await device.tell(status_answer(asked, DeviceStatus(True, time=clock() + timedelta(seconds=offsets.pop(0)))))

    await nvr.register()
    await nvr.wait_for("DeviceStatus")
    nvr.answers["DeviceStatus"] = status
    await centre.door.orders.query(recorder, "status")
    await centre.door.presence.flush()
    port = centre.port
    await centre.kill()
    again = await Centre(db, node, clock).open(port)
    try:
        for _ in range(2):
            clock.forward(1)
            await again.door.orders.query(recorder, "status")
    finally:
        await again.close()
    rows = await db.fetch("SELECT state FROM event WHERE code = 'clock_off' ORDER BY received_at")
    assert [row[0] for row in rows] == ["active", "cleared"]


# --- hostile input, and what is shown of it


async def test_a_body_that_is_no_xml_is_answered_and_counted(centre: Centre, nvr: Scripted) -> None:
    await nvr.register()
    response: Response = await nvr.tell(keepalive(1, NVR), body=b"<!DOCTYPE x [<!ENTITY y 'z'>]><Notify>&y;</Notify>")
    assert response.status == 200
    assert centre.wrongs == [("document type in a body", NVR)]


async def test_another_address_does_not_speak_for_a_device(
    centre: Centre, nvr: Scripted, recorder: Device, clock: FrozenClock
) -> None:
    registration = await _registered(centre, nvr, recorder)
    told = replace(registration, host="10.9.9.9", call_id="c")
    centre.door.presence.register(recorder, told)
    assert (await nvr.tell(intrusion(clock))).status == 403
    assert (await nvr.alive()).status == 403
    found = centre.door.presence.find(recorder.id)
    assert found is not None
    assert found.host == "10.9.9.9"


async def test_unknown_commands_are_answered_and_counted(centre: Centre, nvr: Scripted) -> None:
    await nvr.register()
    told = Message(Root.NOTIFY, "VideoUploadNotify", 1, NVR, keepalive(1, NVR).element)
    assert (await nvr.tell(told, body=b"<Notify><CmdType>Dance</CmdType><SN>1</SN></Notify>")).status == 200
    assert centre.door.notices.counters["unknown notices"] == 1


async def test_the_last_messages_are_kept_with_digests_masked(
    centre: Centre, nvr: Scripted, recorder: Device, db: Database
) -> None:
    await nvr.register()
    await nvr.alive()
    await centre.door.exchanges.flush()
    found = await sip_exchanges.last(db, recorder.id)
    titles = [(each["direction"], each["title"]) for each in found]
    assert {("in", "REGISTER"), ("in", "MESSAGE Keepalive"), ("out", "200 REGISTER")} <= set(titles)
    asked = [each["text"] for each in found if each["title"] == "REGISTER" and "Authorization" in each["text"]]
    assert "response=***" in asked[0]
    assert "username=" in asked[0]


async def test_answers_of_the_wrong_kind_harm_nobody(centre: Centre, nvr: Scripted) -> None:
    await nvr.register()
    asked = keepalive(5, NVR)
    assert (await nvr.tell(answer(asked))).status == 200
    assert centre.door.line.platform == PLATFORM


def spoiled(body: bytes, chance: Random) -> bytes:
    """Return a body with some of its bytes changed, doubled, cut out or cut off."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) or 1)
        act = chance.randrange(4)
        if act == 0 and data:
            data[at] = chance.randrange(256)
        elif act == 1:
            data[at:at] = bytes(data[at : at + chance.randint(1, 60)])
        elif act == 2:
            del data[at : at + chance.randint(1, 30)]
        else:
            del data[len(data) - chance.randint(0, 20) :]
    return bytes(data)


async def test_whatever_a_registered_device_writes_is_answered_and_nothing_breaks(
    centre: Centre, nvr: Scripted, clock: FrozenClock
) -> None:
    nvr.answers["Catalog"] = pages(CAMERAS[:2])
    await nvr.register()
    told = [
        intrusion(clock),
        catalog_notice(5, NVR, [item(CAMERAS[5], event="ADD"), CatalogItem(CAMERAS[0], event="OFF")]),
        catalog_answer(9, NVR, 1, [item(CAMERAS[1], "换名", longitude=105.8, latitude=32.4)]),
        position_notice(3, MobilePosition(CAMERAS[0], centre.clock(), 105.84, 32.43)),
        keepalive(1, NVR, Keepalive(faulty=(CAMERAS[0],))),
        status_answer(keepalive(7, NVR), DeviceStatus(True, True, time=clock())),
    ]
    chance = Random(28181)
    bodies = [spoiled(write(chance.choice(told)), chance) for _ in range(250)]
    statuses = {(await nvr.tell(told[0], body=each or b" ", method=chance.choice(["MESSAGE", "NOTIFY"]))).status
                for each in bodies}  # fmt: skip
    assert statuses <= {200, 500}
    assert centre.endpoint.counters["failed"] == 0
    assert (await nvr.alive()).status == 200
