"""Streams and orders of GB/T 28181 devices over real sockets: agreed, refused in words, steered, ended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.devices.gb28181_offer import Ssrcs
from anju.domain.commands import Command, ptz_body
from anju.domain.devices import Device
from anju.domain.video import Grade, PlayAct, PlayControl, Ptz, PtzAct, Purpose, Transport, Wanted
from anju.errors import Conflict, DeviceSilent, Invalid
from anju.protocols import mansrtsp, sdp
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_control import Guard, KeyFrame, PtzCommand, order_answer, read_order
from anju.protocols.manscdp_presets import Preset, preset_answer
from anju.protocols.manscdp_records import RecordItem, media_status, read_record_query, record_answer
from anju.protocols.manscdp_voice import broadcast_answer
from anju.protocols.sdp import Description
from anju.store import ptz_locks, sip_registrations
from anju.store.database import Database
from anju.store.log import NodeId
from anju.wire.sip import Dialog, Incoming
from tests.conftest import FrozenClock
from tests.devices.gb28181_sides import CAMERAS, NVR, PLATFORM, Centre, Scripted, add_device, pages, until
from tests.registry import Estate, make_estate

START = datetime(2026, 2, 28, 16, tzinfo=UTC)  # 1 March in Beijing


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


class Recorder(Scripted):
    """A recorder of two channels that agrees to streams, as ``described`` says, or answers ``refuses``."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = 0
        self.described = Description(host="127.0.0.1", port=30_000, rtpmap={96: "PS/90000"}, direction=sdp.SENDONLY)
        self.offers: list[Description] = []
        self.subjects: list[str] = []
        self.dialogs: list[Dialog] = []
        self.ended: list[str] = []
        self.on_invite = self._invited
        self.answers["Catalog"] = pages(CAMERAS[:2])

    async def _invited(self, incoming: Incoming) -> None:
        self.offers.append(sdp.read(incoming.request.body))
        self.subjects.append(incoming.request.headers.get("Subject"))
        if self.refuses:
            await incoming.reply(self.refuses)
            return
        dialog = incoming.dialog()
        dialog.on_bye = self._over
        self.dialogs.append(dialog)
        await incoming.reply(200, headers=[("Content-Type", "APPLICATION/SDP")], body=self.described.encode())

    async def _over(self, reason: str) -> None:
        self.ended.append(reason)


@pytest_asyncio.fixture(loop_scope="session")
async def nvr(centre: Centre, recorder: Device) -> AsyncIterator[Recorder]:
    device = Recorder()
    await device.open(centre)
    await device.register()
    await centre.synced(recorder)
    yield device
    await device.close()


@pytest_asyncio.fixture(loop_scope="session")
async def channel(centre: Centre, nvr: Recorder, recorder: Device) -> str:
    assert nvr.account == NVR
    return await centre.channel_id(recorder, CAMERAS[0])


def live(channel: str, grade: Grade = Grade.MAIN, transport: Transport = Transport.UDP) -> Wanted:
    return Wanted(channel, Purpose.LIVE, grade, transport, 40_010)


async def test_a_live_stream_is_agreed_and_ended(centre: Centre, nvr: Recorder, channel: str, db: Database) -> None:
    agreed = await centre.door.invite(live(channel))
    offer = nvr.offers[0]
    assert (offer.session, offer.host, offer.port, offer.direction) == ("Play", "127.0.0.1", 40_010, "recvonly")
    assert offer.ssrc.startswith("080200")
    assert nvr.subjects == [f"{CAMERAS[0]}:{offer.ssrc},{PLATFORM}:0"]
    assert (agreed.host, agreed.port, agreed.ssrc, agreed.payloads) == (
        "127.0.0.1",
        30_000,
        int(offer.ssrc),
        {96: "PS"},
    )
    assert len(await sip_registrations.open_dialogs(db)) == 1
    await centre.door.end(agreed.call_id)
    await until(lambda: _has(nvr.ended))
    assert await sip_registrations.open_dialogs(db) == []
    assert centre.over == []


async def _has(found: list[str]) -> bool:
    return bool(found)


async def test_the_device_may_choose_its_own_ssrc(centre: Centre, nvr: Recorder, channel: str) -> None:
    nvr.described = replace(nvr.described, ssrc="0999900017")
    assert (await centre.door.invite(live(channel))).ssrc == 999_900_017


@pytest.mark.parametrize(("transport", "setup"), [(Transport.TCP_PASSIVE, "passive"), (Transport.TCP_ACTIVE, "active")])
async def test_media_over_tcp(centre: Centre, nvr: Recorder, channel: str, transport: Transport, setup: str) -> None:
    await centre.door.invite(live(channel, transport=transport))
    assert (nvr.offers[0].tcp, nvr.offers[0].setup, nvr.offers[0].connection) == (True, setup, "new")


async def test_the_sub_stream_is_asked_for_as_the_device_wants(centre: Centre, nvr: Recorder, channel: str) -> None:
    await centre.door.invite(live(channel, Grade.SUB))
    assert nvr.offers[0].stream_number == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "not_found"),
        (486, "busy"),
        (503, "busy"),
        (488, "media_refused"),
        (480, "offline"),
        (400, "refused"),
        (403, "refused"),
        (500, "device_error"),
    ],
)
async def test_a_refusal_has_its_word(centre: Centre, nvr: Recorder, channel: str, status: int, code: str) -> None:
    nvr.refuses = status
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(live(channel))
    assert refused.value.code == code


async def test_an_answer_that_opens_no_port_is_no_stream(centre: Centre, nvr: Recorder, channel: str) -> None:
    nvr.described = replace(nvr.described, port=0)
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(live(channel))
    assert refused.value.code == "media_refused"
    await until(lambda: _has(nvr.ended))


async def test_why_a_device_that_is_away_gives_no_picture(
    centre: Centre, nvr: Recorder, channel: str, recorder: Device
) -> None:
    await nvr.register(expires=0)
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(live(channel))
    assert refused.value.code == "device_offline"
    await nvr.register(password="guess")
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(live(channel))
    assert refused.value.code == "wrong_password"
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(live("c-nothing"))
    assert refused.value.code == "not_found"
    assert not centre.door.presence.online(recorder.id)


async def test_a_playback_is_asked_for_and_steered(centre: Centre, nvr: Recorder, channel: str) -> None:
    wanted = replace(live(channel), purpose=Purpose.PLAYBACK, start=START, end=START + timedelta(hours=1))
    agreed = await centre.door.invite(wanted)
    offer = nvr.offers[0]
    assert (offer.session, offer.uri) == ("Playback", f"{CAMERAS[0]}:0")
    assert (offer.start, offer.end, offer.ssrc[0]) == (1_772_294_400, 1_772_298_000, "1")
    for act, value in ((PlayAct.PAUSE, 0), (PlayAct.RESUME, 0), (PlayAct.SEEK, 95), (PlayAct.SPEED, 2.0)):
        await centre.door.control(agreed.call_id, PlayControl(act, value))
    steps = [mansrtsp.read(each.request.body) for each in nvr.requests if each.request.method == "INFO"]
    assert [(each.method, each.start, each.scale) for each in steps] == [
        ("PAUSE", None, None),
        ("PLAY", None, None),
        ("PLAY", 95.0, None),
        ("PLAY", None, 2.0),
    ]


async def test_a_download_tells_its_size(centre: Centre, nvr: Recorder, channel: str) -> None:
    nvr.described = replace(nvr.described, file_size=812_646_400)
    wanted = replace(live(channel), purpose=Purpose.DOWNLOAD, start=START, end=START + timedelta(hours=1), speed=4)
    assert (await centre.door.invite(wanted)).size == 812_646_400
    assert (nvr.offers[0].session, nvr.offers[0].download_speed) == ("Download", 4.0)


async def test_no_recording_of_that_time(centre: Centre, nvr: Recorder, channel: str) -> None:
    nvr.refuses = 404
    wanted = replace(live(channel), purpose=Purpose.PLAYBACK, start=START, end=START + timedelta(hours=1))
    with pytest.raises(Conflict) as refused:
        await centre.door.invite(wanted)
    assert refused.value.code == "no_recording"


async def test_a_playback_that_was_sent_to_its_end_is_ended(centre: Centre, nvr: Recorder, channel: str) -> None:
    wanted = replace(live(channel), purpose=Purpose.PLAYBACK, start=START, end=START + timedelta(hours=1))
    agreed = await centre.door.invite(wanted)
    told = media_status(8, CAMERAS[0])
    response = await nvr.tell(told, from_="sip:somebody@10.0.0.1", call_id=agreed.call_id, cseq=77)
    assert response.status == 200
    await until(lambda: _has(nvr.ended))
    assert centre.over == [(agreed.call_id, "finished")]


async def test_a_stream_that_its_device_ends_is_told(centre: Centre, nvr: Recorder, channel: str) -> None:
    agreed = await centre.door.invite(live(channel))
    assert await nvr.dialogs[0].bye()
    await until(lambda: _told(centre))
    assert centre.over == [(agreed.call_id, "ended_by_device")]


async def _told(centre: Centre) -> bool:
    return bool(centre.over)


async def test_a_device_that_starts_anew_has_no_streams(centre: Centre, nvr: Recorder, channel: str) -> None:
    agreed = await centre.door.invite(live(channel))
    nvr.call_id, nvr.cseq = "after-a-reboot", 0
    await nvr.register()
    await until(lambda: _told(centre))
    assert centre.over == [(agreed.call_id, "device_offline")]


async def test_a_restart_ends_the_streams_it_finds(
    centre: Centre, nvr: Recorder, channel: str, db: Database, node: NodeId, clock: FrozenClock
) -> None:
    await centre.door.invite(live(channel))
    await centre.door.presence.flush()
    port = centre.port
    await centre.kill()
    again = await Centre(db, node, clock).open(port)
    try:
        await until(lambda: _has(nvr.ended))
        assert nvr.ended == ["bye"]
        await until(lambda: _none_open(db))
    finally:
        await again.close()


async def _none_open(db: Database) -> bool:
    return not await sip_registrations.open_dialogs(db)


def test_a_number_in_use_is_never_given_again() -> None:
    ssrcs = Ssrcs(PLATFORM)
    taken = {ssrcs.take(history=False) for _ in range(10_000)}
    assert len(taken) == 10_000
    with pytest.raises(Conflict):
        ssrcs.take(history=False)
    ssrcs.free("0802000017")
    assert ssrcs.take(history=False) == "0802000017"


# --- orders and questions


async def test_a_stop_is_sent_twice(centre: Centre, nvr: Recorder, channel: str) -> None:
    await centre.door.orders.ptz(channel, Ptz(PtzAct.MOVE, pan=0x80))
    await centre.door.orders.ptz(channel, Ptz(PtzAct.MOVE))
    told = await nvr.wait_for("DeviceControl", 3)
    assert [read_order(each) for each in told] == [
        PtzCommand("A50F010180000036"),
        PtzCommand("A50F0100000000B5"),
        PtzCommand("A50F0100000000B5"),
    ]
    assert {each.device_id for each in told} == {CAMERAS[0]}


async def test_a_platform_above_steers_over_a_guard_and_not_over_the_police(
    centre: Centre, nvr: Recorder, channel: str, db: Database, clock: FrozenClock
) -> None:
    async def held_by(name: str, priority: int) -> None:
        async with db.transaction() as tx:
            await ptz_locks.take(tx, channel, (name, name), priority, at=clock())

    county = ("upper-1", "利州区平台")
    await held_by("guard", 1)
    await centre.door.orders.ptz(channel, Ptz(PtzAct.MOVE, pan=1), holder=county)
    await nvr.wait_for("DeviceControl")
    await held_by("police", 5)
    with pytest.raises(Conflict) as refused:
        await centre.door.orders.ptz(channel, Ptz(PtzAct.MOVE, pan=1), holder=county)
    assert refused.value.code == "ptz_locked"


async def test_an_order_that_is_answered_waits_for_its_answer(centre: Centre, nvr: Recorder, channel: str) -> None:
    results = [True, False]

    async def control(device: Scripted, told: Message) -> None:
        await device.tell(order_answer(told, ok=results.pop(0)))

    nvr.answers["DeviceControl"] = control
    await centre.door.orders.ptz(channel, Ptz(PtzAct.GUARD, value=1))
    with pytest.raises(Conflict):
        await centre.door.orders.ptz(channel, Ptz(PtzAct.GUARD, value=1))
    told = await nvr.wait_for("DeviceControl", 2)
    assert (read_order(told[0]), told[0].device_id) == (Guard(True), NVR)


async def test_a_command_of_the_corridor_reaches_its_own_device_only(
    centre: Centre, nvr: Recorder, channel: str, recorder: Device, db: Database, node: NodeId, clock: FrozenClock,
    estate: Estate,
) -> None:  # fmt: skip
    other = await add_device(db, node, estate, clock(), account=CAMERAS[9], kind="camera")
    await centre.registry.load()
    body = ptz_body(channel, Ptz(PtzAct.KEY_FRAME))
    where = ("device", recorder.id, recorder.site_id, recorder.place_path, "", node.id)
    command = Command(uuid7(), "u1", "张三", node.id, "ptz", *where, body, clock(), clock())
    await centre.door.orders.perform(command)
    assert read_order((await nvr.wait_for("DeviceControl"))[0]) == KeyFrame()
    with pytest.raises(Invalid):
        await centre.door.orders.perform(replace(command, target_id=other.id))
    with pytest.raises(Conflict) as refused:
        await centre.door.orders.perform(replace(command, action="arm"))
    assert refused.value.code == "no_driver"


async def test_presets_come_in_several_messages(centre: Centre, nvr: Recorder, channel: str) -> None:
    async def presets(device: Scripted, told: Message) -> None:
        for number in (2, 1, 3):
            await device.tell(preset_answer(told, [Preset(number, f"位{number}")], 3))

    nvr.answers["PresetQuery"] = presets
    found = await centre.door.orders.presets(channel)
    assert [(each.number, each.name) for each in found] == [(1, "位1"), (2, "位2"), (3, "位3")]
    told = await centre.door.orders.command({"query": "presets", "channel_id": channel})
    assert told == {"ok": [{"number": n, "name": f"位{n}"} for n in (1, 2, 3)]}


def recording(hour: int) -> RecordItem:
    start = START + timedelta(hours=hour)
    return RecordItem(CAMERAS[0], start, start + timedelta(hours=1), kind="time")


@pytest.mark.parametrize("missing", [0, 1])
async def test_recordings_are_listed_and_what_is_missing_is_said(
    centre: Centre, nvr: Recorder, channel: str, missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju.devices.gb28181_orders.RECORDS_S", 0.5)

    async def records(device: Scripted, told: Message) -> None:
        asked = read_record_query(told)
        assert asked is not None
        assert (asked.start, asked.kind) == (START, "all")
        for hour in (1, 0, 2, 1):
            await device.tell(record_answer(told, 3 + missing, [recording(hour)]))

    nvr.answers["RecordInfo"] = records
    found = await centre.door.orders.records(channel, START, START + timedelta(days=1))
    assert ([each.start for each in found.items], found.partial) == (
        [START + timedelta(hours=hour) for hour in range(3)],
        bool(missing),
    )


async def test_nothing_found_is_no_failure(centre: Centre, nvr: Recorder, channel: str) -> None:
    async def records(device: Scripted, told: Message) -> None:
        await device.tell(record_answer(told, 0, []))

    nvr.answers["RecordInfo"] = records
    found = await centre.door.orders.records(channel, START, START + timedelta(days=1))
    assert (list(found.items), found.partial) == ([], False)


async def test_a_device_that_does_not_answer_is_told_so(
    centre: Centre, nvr: Recorder, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nvr.account
    monkeypatch.setattr("anju.devices.gb28181_orders.ANSWER_S", 0.2)
    with pytest.raises(DeviceSilent):
        await centre.door.orders.presets(channel)
    told = await centre.door.orders.command({"query": "presets", "channel_id": channel})
    assert told["error"] == "no_answer"
    assert (await centre.door.orders.command({"query": "dance", "device_id": "d"}))["error"] == "not_registered"
    assert (await centre.door.orders.command({}))["error"] == "query"


async def test_a_voice_is_fetched_by_the_device(centre: Centre, nvr: Recorder, channel: str) -> None:
    answers: list[Description] = []

    async def fetched(device: Scripted) -> None:
        offer = Description(
            owner=NVR, host="127.0.0.1", port=31_000, media="audio", payloads=(8,), direction=sdp.RECVONLY,
            ssrc="0802000099",
        )  # fmt: skip
        dialog = await device.endpoint.invite(
            device.centre, f"sip:{PLATFORM}@5108020001", from_=device.me, to=f"sip:{PLATFORM}@5108020001",
            sdp=offer.encode(),
        )  # fmt: skip
        answers.append(sdp.read(dialog.sdp))

    waiting: list[asyncio.Task[None]] = []

    async def announced(device: Scripted, told: Message) -> None:
        await device.tell(broadcast_answer(told, CAMERAS[0]))
        waiting.append(asyncio.create_task(fetched(device)))

    nvr.answers["Broadcast"] = announced
    agreed = await centre.door.talk(channel, port=40_020)
    await waiting[0]
    assert (agreed.host, agreed.port, agreed.payloads) == ("127.0.0.1", 31_000, {8: "PCMA"})
    assert (answers[0].port, answers[0].direction, answers[0].ssrc) == (40_020, "sendonly", "0802000099")
    await centre.door.end(agreed.call_id)


async def test_a_device_without_voice_says_so(centre: Centre, nvr: Recorder, channel: str) -> None:
    async def refused(device: Scripted, told: Message) -> None:
        await device.tell(broadcast_answer(told, CAMERAS[0], ok=False))

    nvr.answers["Broadcast"] = refused
    with pytest.raises(Conflict) as told:
        await centre.door.talk(channel, port=40_020)
    assert told.value.code == "talk_unsupported"
