"""Simulated GB/T 28181 cameras and recorders against a hand-written platform on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import av
import pytest
import pytest_asyncio

from anju.errors import SipRefused
from anju.protocols import manscdp_aims as aims
from anju.protocols import manscdp_alarms as alarms
from anju.protocols import manscdp_catalog as catalog
from anju.protocols import manscdp_config as config
from anju.protocols import manscdp_control as control
from anju.protocols import manscdp_devices as devices
from anju.protocols import manscdp_positions as positions
from anju.protocols import manscdp_presets as presets
from anju.protocols import manscdp_records as records
from anju.protocols import manscdp_voice as voice
from anju.protocols import mansrtsp, nal, ptz, sdp
from anju.protocols.frames import Codec
from anju.protocols.manscdp import read, result_of
from anju.protocols.rtp import Packetiser
from anju.simulators.gb28181_camera import camera, codes, fleet
from anju.simulators.gb28181_device import Device, Platform, Timing
from anju.simulators.gb28181_habits import HABITS, Faults, Habits
from anju.simulators.gb28181_recorder import recorder
from anju.simulators.video_loops import Loops
from anju.simulators.video_scene import View
from anju.simulators.video_stamp import stamped
from tests.simulators.gb28181_server import (
    DOMAIN,
    PASSWORD,
    SERVER,
    Packets,
    Server,
    UdpReceiver,
    now,
    serving,
    take_framed,
)

CAMERA, NVR = "51080200011320000001", "51080200011180000001"
QUICK = Timing(heartbeat_s=0.2, retry_s=0.2, boot_s=0.1)
Begin = Callable[..., Awaitable[Device]]


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Loops:
    return Loops(tmp_path_factory.mktemp("loops"))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as found:
        yield found


@pytest_asyncio.fixture
async def begin(server: Server, loops: Loops) -> AsyncIterator[Begin]:
    """Start a device and wait until it is registered."""
    started = list[Device]()

    async def start(make: Callable[..., Device] = camera, code: str = CAMERA, **how: Any) -> Device:
        platform = Platform("127.0.0.1", server.endpoint.port, SERVER)
        device = make(platform, code, PASSWORD, loops, **({"timing": QUICK} | how))
        started.append(device)
        await device.start()
        async with asyncio.timeout(10):
            await device.registered.wait()
        return device

    yield start
    for each in started:
        await each.stop()


@pytest.fixture
def receiver() -> Any:
    found = UdpReceiver()
    yield found
    found.close()


def offer(port: int, **more: Any) -> bytes:
    told = sdp.Description(
        owner=SERVER,
        host="127.0.0.1",
        port=port,
        rtpmap=sdp.VIDEO_MAPS,
        payloads=(96, 98, 99),
        direction=sdp.RECVONLY,
        ssrc="0802000017",
        stream_number=1,
    )
    changed = {name: getattr(told, name) for name in told.__slots__} | more
    return sdp.Description(**changed).encode()


def whole(packets: Packets, codec: Codec = Codec.H264) -> int:
    """Return how many pictures an independent decoder makes of what came."""
    reader = av.CodecContext.create("h264" if codec is Codec.H264 else "hevc", "r")
    data = b"".join(b"\0\0\0\1" + unit for units in packets.pictures()[:-1] for unit in units)
    found = [frame for each in [*reader.parse(data), *reader.parse(None)] for frame in reader.decode(each)]
    return len([*found, *reader.decode(None)])


async def test_a_camera_registers_keeps_alive_and_says_good_bye(server: Server, begin: Begin) -> None:
    device = await begin()
    assert server.registers[CAMERA] == 2  # asked for the password once
    await server.until(lambda: len(server.heard["Notify", "Keepalive"]) >= 2)
    await device.stop()
    assert server.expires[CAMERA] == 0


async def test_a_camera_registers_over_tcp(server: Server, begin: Begin) -> None:
    device = await begin(habits=HABITS["tcp"])
    assert server.peers[device.code].transport == "tcp"
    [info] = await server.answered(CAMERA, "DeviceInfo", lambda sn: devices.info_query(sn, CAMERA))
    assert devices.read_info(info).manufacturer == "Anju"


async def test_a_wrong_password_never_gets_in(server: Server, loops: Loops) -> None:
    platform = Platform("127.0.0.1", server.endpoint.port, SERVER)
    device = camera(platform, CAMERA, PASSWORD, loops, faults=Faults(wrong_password=1), timing=QUICK)
    await device.start()
    await server.until(lambda: server.registers[CAMERA] >= 4)
    assert not device.registered.is_set()
    await device.stop()


async def test_a_refused_keepalive_makes_it_register_again(server: Server, begin: Begin) -> None:
    await begin()
    server.keepalive_status = 403
    await server.until(lambda: server.registers[CAMERA] >= 3)


async def test_its_clock_is_set_by_the_date_of_the_registration(server: Server, begin: Begin) -> None:
    server.date = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    device = await begin(faults=Faults(clock_off_s=500))
    [told] = await server.answered(CAMERA, "DeviceStatus", lambda sn: devices.status_query(sn, CAMERA))
    shown = devices.read_status(told).time
    assert shown is not None
    assert abs((shown - server.date).total_seconds()) < 5
    stubborn = await begin(code=CAMERA[:-1] + "2", habits=Habits(sets_clock=False), faults=Faults(clock_off_s=500))
    assert abs((stubborn.clock() - now()).total_seconds() - 500) < 5
    assert abs((device.clock() - server.date).total_seconds()) < 10


async def test_a_recorders_catalog_comes_whole(server: Server, begin: Begin) -> None:
    await begin(recorder, NVR, channels=10)
    found = await server.answered(NVR, "Catalog", lambda sn: catalog.catalog_query(sn, NVR), 3)
    pages = [catalog.read_catalog(each) for each in found]
    assert [each.total for each in pages] == [10, 10, 10]
    assert len({item.device_id for each in pages for item in each.items}) == 10
    assert all(item.parents == (NVR,) and item.online for each in pages for item in each.items)


async def test_a_recorder_with_habits_tells_its_catalog_one_by_one(server: Server, begin: Begin) -> None:
    await begin(recorder, NVR, channels=9, habits=HABITS["one_by_one"])
    found = await server.answered(NVR, "Catalog", lambda sn: catalog.catalog_query(sn, NVR), 9)
    pages = [catalog.read_catalog(each) for each in found]
    assert {(each.total, len(each.items)) for each in pages} == {(12, 1)}
    told = [each.items[0].device_id for each in pages]
    assert sorted(told) != told


async def test_a_large_catalog_is_told_within_a_minute(server: Server, begin: Begin) -> None:
    await begin(recorder, NVR, channels=2_000)
    found = await asyncio.wait_for(
        server.answered(NVR, "Catalog", lambda sn: catalog.catalog_query(sn, NVR), 500), timeout=60
    )
    assert len({item.device_id for each in found for item in catalog.read_catalog(each).items}) == 2_000


async def test_text_may_be_in_another_charset_than_it_declares(server: Server, begin: Begin) -> None:
    await begin(habits=HABITS["utf8"], name="东门㙍")
    await server.answered(CAMERA, "DeviceInfo", lambda sn: devices.info_query(sn, CAMERA))
    body = server.bodies[-1]
    assert body.startswith(b'<?xml version="1.0" encoding="GB2312"?>')
    assert "东门㙍".encode() in body
    assert devices.read_info(read(body)).name == "东门㙍"


async def test_recordings_have_a_gap_where_one_was_made(server: Server, begin: Begin) -> None:
    hour = now().replace(minute=0, second=0, microsecond=0)
    gap = (hour - timedelta(hours=3, minutes=40), hour - timedelta(hours=3, minutes=33))
    device = await begin(recorder, NVR, channels=1, gaps=[gap])
    [channel] = device.channels
    query = records.RecordQuery(hour - timedelta(hours=5), hour)
    found = await server.answered(NVR, "RecordInfo", lambda sn: records.record_query(sn, channel, query), 2)
    items = sorted((each for told in found for each in records.read_records(told).items), key=lambda each: each.start)
    assert [each.start for each in items][:1] == [hour - timedelta(hours=5)]
    holes = [(one.end, two.start) for one, two in pairwise(items) if one.end != two.start]
    assert holes == [gap]


async def test_nothing_found_is_an_answer(server: Server, begin: Begin) -> None:
    await begin()
    old = records.RecordQuery(now() - timedelta(days=60), now() - timedelta(days=50))
    [told] = await server.answered(CAMERA, "RecordInfo", lambda sn: records.record_query(sn, CAMERA, old))
    assert records.read_records(told).total == 0


async def test_settings_and_presets_are_told_and_changed(server: Server, begin: Begin) -> None:
    device = await begin()
    [told] = await server.answered(CAMERA, "ConfigDownload", lambda sn: config.config_query(sn, CAMERA))
    basic = config.read_config(told).basic
    assert basic is not None
    assert basic.heartbeat_count == 3
    wanted = config.BasicParam(heartbeat_s=30)
    [done] = await server.answered(CAMERA, "DeviceConfig", lambda sn: config.config_order(sn, CAMERA, wanted))
    assert result_of(done) is True
    assert device.me.basic.heartbeat_s == 30
    order = control.PtzCommand(ptz.encode(ptz.PresetOrder(ptz.PresetAct.SET, 7)), name="侧门")
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, order))
    [told] = await server.answered(CAMERA, "PresetQuery", lambda sn: presets.preset_query(sn, CAMERA))
    assert presets.read_presets(told).items == (presets.Preset(1, "大门"), presets.Preset(7, "侧门"))


async def test_orders_are_done_and_answered_where_an_answer_is_due(server: Server, begin: Begin) -> None:
    device = await begin()
    channel = device.channels[CAMERA]
    [told] = await server.answered(
        CAMERA, "DeviceControl", lambda sn: control.order(sn, CAMERA, control.Guard(on=True))
    )
    assert result_of(told) is True
    assert channel.armed
    await server.answered(CAMERA, "DeviceControl", lambda sn: control.order(sn, CAMERA, control.Record(on=False)))
    [status] = await server.answered(CAMERA, "DeviceStatus", lambda sn: devices.status_query(sn, CAMERA))
    assert devices.read_status(status).recording is False
    assert devices.read_status(status).duty == {CAMERA: "ONDUTY"}
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, control.PtzCommand("A50F0102800000FF")))  # bad sum
    assert channel.position == (0, 0, 0)
    box = control.DragZoom(True, 1920, 1080, 960, 400, 320, 180)
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, box))
    assert channel.position == (0, 0, 1)


async def test_it_tells_where_it_looks(server: Server, begin: Begin) -> None:
    await begin()
    turned = control.PrecisePtz(pan=90, tilt=0, zoom=1)
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, turned))
    [told] = await server.answered(CAMERA, "PTZPosition", lambda sn: aims.aim_query(sn, CAMERA))
    assert aims.read_aim(told) == aims.Aim(90, 0, 1)
    home = control.HomePosition(on=True, reset_s=60, preset=1)
    await server.answered(CAMERA, "DeviceControl", lambda sn: control.order(sn, CAMERA, home))
    [told] = await server.answered(CAMERA, "HomePositionQuery", lambda sn: aims.home_query(sn, CAMERA))
    assert aims.read_home_answer(told) == home


async def test_a_reboot_registers_anew(server: Server, begin: Begin) -> None:
    device = await begin()
    before = server.registers[CAMERA]
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, control.Reboot()))
    await server.until(lambda: server.registers[CAMERA] >= before + 2)
    assert device.tally["reboots"] == 1


async def test_an_intrusion_is_told_until_it_is_taken(server: Server, begin: Begin) -> None:
    device = await begin()
    server.alarm_statuses = [500, 200]
    told = alarms.AlarmNotice(CAMERA, alarms.VIDEO, now().replace(microsecond=0), 1, alarms.INTRUSION, 1, "周界入侵")
    assert await device.alarm(told) == 200
    found = [alarms.read_alarm(each) for each in server.heard["Notify", "Alarm"]]
    assert found == [told, told]
    assert {each.sn for each in server.heard["Notify", "Alarm"]} == {server.heard["Notify", "Alarm"][0].sn}


async def test_some_cameras_tell_alarms_only_once_they_are_armed(server: Server, begin: Begin) -> None:
    device = await begin(habits=HABITS["guard_first"])
    told = alarms.AlarmNotice(CAMERA, alarms.VIDEO, now(), 1, alarms.INTRUSION)
    assert await device.alarm(told) == 0
    await server.answered(CAMERA, "DeviceControl", lambda sn: control.order(sn, CAMERA, control.Guard(on=True)))
    assert await device.alarm(told) == 200


async def test_who_subscribed_hears_of_alarms_changes_and_places(server: Server, begin: Begin) -> None:
    device = await begin()
    dialogs = []
    asked = (
        ("Catalog", catalog.catalog_query(1, CAMERA)),
        ("presence", alarms.alarm_query(2, CAMERA, alarms.AlarmQuery())),
        ("presence", positions.position_query(3, CAMERA, 1)),
    )
    for event, query in asked:
        dialogs.append(await subscribed(server, event, query))
    assert await device.change(CAMERA, "VLOST") == 200
    assert await device.alarm(alarms.AlarmNotice(CAMERA, alarms.DEVICE, now(), kind=2)) == 200
    await server.until(lambda: server.heard["Notify", "MobilePosition"])
    told = {each.request.headers.get("Event") for each in server.notified}
    assert told == {"Catalog", "presence"}
    assert positions.read_positions(server.heard["Notify", "MobilePosition"][0])[0].device_id == CAMERA
    [change] = server.heard["Notify", "Catalog"]
    assert catalog.read_catalog(change).items == (catalog.CatalogItem(CAMERA, event="VLOST"),)


async def subscribed(server: Server, event: str, query: Any) -> Any:
    from anju.protocols.manscdp import write

    to = f"sip:{CAMERA}@{DOMAIN}"
    return await server.endpoint.subscribe(
        server.peers[CAMERA],
        to,
        from_=f"sip:{SERVER}@{DOMAIN}",
        to=to,
        headers=[("Event", event), ("Expires", "600")],
        body=write(query),
        content_type="Application/MANSCDP+xml",
    )


async def test_live_pictures_come_over_udp(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    device = await begin()
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    answer = sdp.read(dialog.sdp)
    assert (answer.direction, answer.ssrc, answer.rtpmap) == (sdp.SENDONLY, "0802000017", {96: "PS/90000"})
    packets = await receiver.take(2.0)
    assert {(each.ssrc, each.payload_type) for each in packets.found} == {(802_000_017, 96)}
    assert 40 <= whole(packets) <= 55
    first = packets.pictures()[0]
    assert nal.guess(first) is Codec.H264
    sent = stamped(Codec.H264, first)
    assert sent is not None
    assert abs(sent / 1000 - now().timestamp()) < 5
    assert await dialog.bye()
    await receiver.take(0.2)
    assert not (await receiver.take(0.3)).found
    assert not device.calls.running


async def test_live_pictures_come_over_tcp_that_the_camera_opens(server: Server, begin: Begin) -> None:
    await begin()
    came = asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    async with await asyncio.start_server(lambda *both: came.put_nowait(both), "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        tcp = {"transport": sdp.TCP, "setup": "passive", "connection": "new"}
        dialog = await server.invite(CAMERA, CAMERA, offer(port, **tcp))
        assert sdp.read(dialog.sdp).setup == "active"
        reader, writer = await asyncio.wait_for(came.get(), 5)
        assert whole(await take_framed(reader, 1.0)) >= 20
        writer.close()
        await asyncio.wait_for(dialog.ended.wait(), 10)  # the camera notices and says good-bye


async def test_live_pictures_come_over_tcp_that_the_platform_opens(server: Server, begin: Begin) -> None:
    await begin()
    tcp = {"transport": sdp.TCP, "setup": "active", "connection": "new"}
    dialog = await server.invite(CAMERA, CAMERA, offer(9, **tcp))
    answer = sdp.read(dialog.sdp)
    assert answer.setup == "passive"
    reader, writer = await asyncio.open_connection(answer.host, answer.port)
    assert whole(await take_framed(reader, 1.0)) >= 20
    writer.close()
    await dialog.bye()


async def test_h265_is_sent_where_the_camera_is_such(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin(habits=Habits(sub_codec=Codec.H265, stream_map=False, sound=False))
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    packets = await receiver.take(1.5)
    assert nal.guess(packets.pictures()[0]) is Codec.H265
    assert whole(packets, Codec.H265) >= 25
    assert not any(b"\0\0\1\xbc" in each for each in packets.units())
    await dialog.bye()


async def test_a_number_of_its_own_is_in_answer_and_packets(
    server: Server, begin: Begin, receiver: UdpReceiver
) -> None:
    await begin(habits=HABITS["own_ssrc"])
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    told = sdp.read(dialog.sdp).ssrc_number
    assert told != 802_000_017
    assert {each.ssrc for each in (await receiver.take(0.5)).found} == {told}
    await dialog.bye()


async def test_a_turn_is_seen_in_the_picture(server: Server, begin: Begin, receiver: UdpReceiver, loops: Loops) -> None:
    device = await begin()
    left = await loops.loop(Codec.H264, "sub", View.LEFT)
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    before = await receiver.take(1.0)
    order = control.PtzCommand(ptz.encode(ptz.Move(pan=-0x80)))
    await server.ask(CAMERA, lambda sn: control.order(sn, CAMERA, order))
    after = await receiver.take(1.0)
    assert device.channels[CAMERA].view is View.LEFT
    shown = {each.rest[-64:] for each in left.stills}
    assert not any(unit.endswith(tail) for unit in before.units() for tail in shown)
    assert any(tail in unit for unit in after.units() for tail in shown)
    await dialog.bye()


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"faults": Faults(busy=1)}, 486),
        ({"faults": Faults(refuses=1)}, 403),
        ({"habits": Habits(most_streams=0)}, 486),
    ],
)
async def test_a_refusal_has_its_status(server: Server, begin: Begin, how: dict[str, Any], status: int) -> None:
    await begin(**how)
    with pytest.raises(SipRefused) as refused:
        await server.invite(CAMERA, CAMERA, offer(9))
    assert refused.value.status == status


async def test_unknown_channels_and_unwanted_transports_are_refused(server: Server, begin: Begin) -> None:
    await begin(habits=HABITS["udp_only"])
    with pytest.raises(SipRefused) as unknown:
        await server.invite(CAMERA, NVR, offer(9))
    with pytest.raises(SipRefused) as unwanted:
        await server.invite(CAMERA, CAMERA, offer(9, transport=sdp.TCP, setup="passive"))
    assert (unknown.value.status, unwanted.value.status) == (404, 488)


async def test_a_silent_stream_sends_nothing(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin(faults=Faults(no_rtp=1))
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    assert not (await receiver.take(0.5)).found
    await dialog.bye()


async def test_a_stream_may_stop_without_a_word(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin(faults=Faults(mute_after_s=0.5))
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    assert 8 <= len((await receiver.take(1.0)).pictures()) <= 18
    assert not (await receiver.take(0.3)).found
    assert not dialog.ended.is_set()
    await dialog.bye()


async def test_late_keepalives_are_fewer(server: Server, begin: Begin) -> None:
    device = await begin(faults=Faults(keepalive_late_s=30))
    await begin(code=CAMERA[:-1] + "2")
    await server.until(lambda: len(server.heard["Notify", "Keepalive"]) >= 3)
    assert device.tally["keepalives"] == 0


async def test_a_slow_receiver_on_tcp_gets_all_of_a_download(server: Server, begin: Begin) -> None:
    await begin()
    tcp = {"transport": sdp.TCP, "setup": "active", "connection": "new"}
    wanted = recorded(9, now() - timedelta(hours=2), 20, session=sdp.DOWNLOAD, download_speed=8, **tcp)
    dialog = await server.invite(CAMERA, CAMERA, wanted)
    answer = sdp.read(dialog.sdp)
    reader, writer = await asyncio.open_connection(answer.host, answer.port, limit=4_096)
    await asyncio.sleep(1.0)  # it reads nothing at first
    assert len((await take_framed(reader, 4.0)).pictures()) == 500
    writer.close()
    await dialog.bye()


async def test_a_dropped_dialog_ends_with_good_bye(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin(faults=Faults(drops_after_s=0.3))
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    await asyncio.wait_for(dialog.ended.wait(), 5)


async def test_a_bad_line_loses_repeats_and_disorders_packets(
    server: Server, begin: Begin, receiver: UdpReceiver
) -> None:
    await begin(faults=Faults(loss=0.1, reorder=0.1, duplicate=0.1))
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port))
    numbers = [each.sequence for each in (await receiver.take(2.0)).found]
    steps = {(two - one) & 0xFFFF for one, two in pairwise(numbers)}
    assert {0, 1, 2, 0xFFFF} <= steps
    await dialog.bye()


def recorded(port: int, start: datetime, seconds: int, **more: Any) -> bytes:
    first = int(start.timestamp())
    wanted = {
        "session": sdp.PLAYBACK,
        "start": first,
        "end": first + seconds,
        "uri": f"{CAMERA}:0",
        "ssrc": "1802000017",
    }
    return offer(port, **(wanted | more))


async def test_a_playback_is_steered(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    device = await begin()
    dialog = await server.invite(CAMERA, CAMERA, recorded(receiver.port, now() - timedelta(hours=2), 600))
    assert whole(await receiver.take(0.6)) >= 8
    [call] = device.calls.running.values()
    assert (await dialog.info(mansrtsp.Control(mansrtsp.PAUSE, 1).encode())).status == 200
    await receiver.take(0.2)
    assert not (await receiver.take(0.3)).found
    assert (await dialog.info(mansrtsp.Control(mansrtsp.PLAY, 2, start=300.0).encode())).status == 200
    await receiver.take(0.2)
    assert 7_500 <= call.stream.film.frame < 7_600
    await dialog.info(mansrtsp.Control(mansrtsp.PLAY, 3, scale=4.0).encode())
    before = call.stream.film.frame
    assert len((await receiver.take(1.0)).pictures()) >= 60
    assert call.stream.film.frame - before >= 70
    await dialog.bye()


async def test_a_recorder_without_steering_plays_on(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin(habits=HABITS["no_steering"])
    dialog = await server.invite(CAMERA, CAMERA, recorded(receiver.port, now() - timedelta(hours=2), 600))
    assert (await dialog.info(mansrtsp.Control(mansrtsp.PAUSE, 1).encode())).status == 200
    await receiver.take(0.2)
    assert (await receiver.take(0.3)).found
    await dialog.bye()


async def test_a_download_tells_its_size_runs_fast_and_tells_its_end(
    server: Server, begin: Begin, receiver: UdpReceiver
) -> None:
    await begin()
    wanted = {"session": sdp.DOWNLOAD, "download_speed": 8}
    dialog = await server.invite(CAMERA, CAMERA, recorded(receiver.port, now() - timedelta(hours=2), 8, **wanted))
    size = sdp.read(dialog.sdp).file_size
    packets = await receiver.take(2.5)
    await server.until(lambda: server.heard["Notify", "MediaStatus"])
    assert records.read_media_status(server.heard["Notify", "MediaStatus"][0]) == records.FINISHED
    assert len(packets.pictures()) == 200
    sent = sum(len(each) for each in packets.units())
    assert size is not None
    assert 0.7 < sent / size < 1.5
    await dialog.bye()


async def test_a_playback_of_what_is_not_there_is_refused(server: Server, begin: Begin) -> None:
    await begin()
    with pytest.raises(SipRefused) as refused:
        await server.invite(CAMERA, CAMERA, recorded(9, now() - timedelta(days=60), 600))
    assert refused.value.status == 404


async def test_a_playback_passes_over_a_gap(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    start = (now() - timedelta(hours=2)).replace(microsecond=0)
    gap = (start + timedelta(seconds=60), start + timedelta(seconds=120))
    device = await begin(recorder, NVR, channels=1, gaps=[gap])
    [channel] = device.channels
    dialog = await server.invite(NVR, channel, recorded(receiver.port, start, 180))
    [call] = device.calls.running.values()
    assert call.played is not None
    assert call.played.frames == 120 * 25
    assert call.played.second(60 * 25) == gap[1].timestamp()
    assert call.played.frame(90.0) == 60 * 25
    await dialog.bye()


async def test_a_voice_is_fetched_and_heard(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    device = await begin()
    told = voice.Broadcast(SERVER, CAMERA)
    await server.ask(CAMERA, lambda sn: voice.broadcast(sn, told))
    incoming = await asyncio.wait_for(server.invites.get(), 5)
    wanted = sdp.read(incoming.request.body)
    assert (wanted.media, wanted.payloads, wanted.direction) == ("audio", (8,), sdp.RECVONLY)
    incoming.dialog()
    mine = sdp.Description(host="127.0.0.1", port=receiver.port, media="audio", payloads=(8,), direction=sdp.SENDONLY)
    await incoming.reply(200, headers=[("Content-Type", "APPLICATION/SDP")], body=mine.encode())
    await server.until(lambda: server.heard["Response", "Broadcast"])
    packets = Packetiser(5, 8)
    for number in range(10):
        receiver.socket.sendto(packets.packets(b"\xd5" * 160, number * 160)[0], (wanted.host, wanted.port))
    assert await heard(device, 10)


async def heard(device: Device, count: int) -> bool:
    async with asyncio.timeout(5):
        while sum(each.heard.packets for each in device.talks.voices.values()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return True


async def test_talk_goes_both_ways(server: Server, begin: Begin, receiver: UdpReceiver) -> None:
    await begin()
    talk = {"session": sdp.TALK, "media": "audio", "payloads": (8,), "direction": sdp.SENDRECV, "stream_number": None}
    dialog = await server.invite(CAMERA, CAMERA, offer(receiver.port, **talk))
    packets = await receiver.take(0.5)
    assert {(each.payload_type, len(each.payload)) for each in packets.found} == {(8, 160)}
    assert 15 <= len(packets.found) <= 30
    await dialog.bye()


async def test_a_tag_that_does_not_belong_is_refused_by_some(server: Server, begin: Begin) -> None:
    await begin(habits=HABITS["to_tag"])
    to = f"<sip:{CAMERA}@{DOMAIN}>;tag=17"
    given = await server.endpoint.request(
        server.peers[CAMERA], "MESSAGE", f"sip:{CAMERA}@{DOMAIN}", from_=f"sip:{SERVER}@{DOMAIN}", to=to, body=b"x"
    )
    assert given.status == 481


async def test_a_fleet_registers_together(server: Server, loops: Loops) -> None:
    platform = Platform("127.0.0.1", server.endpoint.port, SERVER)
    found = fleet(platform, 40, loops, first=CAMERA, password=PASSWORD, habits=["book", "tcp"], timing=QUICK)
    await asyncio.gather(*(each.start() for each in found))
    await asyncio.gather(*(asyncio.wait_for(each.registered.wait(), 10) for each in found))
    assert len(server.peers) == 40
    assert [each.code for each in found[:2]] == [CAMERA, CAMERA[:-1] + "2"]
    assert next(codes("51080200011320999999")) == "51080200011320999999"
    await asyncio.gather(*(each.stop() for each in found))
    assert set(server.expires.values()) == {0}
