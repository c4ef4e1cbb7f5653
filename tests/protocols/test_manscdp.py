"""Bodies written by hand, as devices send them; what we write is what the standard's examples show."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols import manscdp_aims as aims
from anju.protocols import manscdp_alarms as alarms
from anju.protocols import manscdp_catalog as catalog
from anju.protocols import manscdp_config as config
from anju.protocols import manscdp_control as control
from anju.protocols import manscdp_devices as devices
from anju.protocols import manscdp_positions as positions
from anju.protocols import manscdp_presets as presets
from anju.protocols import manscdp_records as records
from anju.protocols import manscdp_sessions as sessions
from anju.protocols import manscdp_voice as voice
from anju.protocols.manscdp import Message, Root, answer, read, result_of, write
from anju.protocols.manscdp_codes import Node, node_of, type_of
from anju.protocols.manscdp_pages import Gathered

NVR, CAMERA, INPUT = "51080201011180000001", "51080201011320000001", "51080201011340000003"
EIGHT = datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC)  # 08:00 in Beijing
ITEM = f"""<Item>
<DeviceID>{CAMERA}</DeviceID><Name>东门人行通道</Name>
<Manufacturer>Hikvision</Manufacturer><Model>DS-2CD3T47</Model><Owner>0</Owner>
<CivilCode>510802</CivilCode><Block>5108020101</Block><Address>东门岗亭</Address>
<Parental>0</Parental><ParentID>{NVR}</ParentID>
<SafetyWay>0</SafetyWay><RegisterWay>1</RegisterWay><Secrecy>0</Secrecy>
<IPAddress>192.168.10.71</IPAddress><Port>5060</Port><Status>ON</Status><Password>secret</Password>
<Longitude>105.843120</Longitude><Latitude>32.435510</Latitude>
<Info><PTZType>3</PTZType><Resolution>6</Resolution><DownloadSpeed>1/2/4</DownloadSpeed></Info>
</Item>"""


def told(root: str, command: str, inside: str, *, charset: str = "gb2312", device: str = NVR) -> Message:
    head = f"<CmdType>{command}</CmdType><SN>43</SN><DeviceID>{device}</DeviceID>"
    return read(f'<?xml version="1.0" encoding="GB2312"?>\n<{root}>{head}{inside}</{root}>'.encode(charset))


def again(message: Message) -> Message:
    return read(write(message))


def body(message: Message) -> str:
    text = write(message).decode("gb18030")
    return text.split("?>", 1)[1].replace("\r\n", "")


def test_the_envelope_is_read() -> None:
    found = told("Response", "Catalog", "<SumNum>0</SumNum>")
    assert (found.root, found.cmd_type, found.sn, found.device_id) == (Root.RESPONSE, "Catalog", 43, NVR)
    assert not found.repaired


def test_names_in_another_case_are_set_right() -> None:
    found = read(
        f"<notify><cmdType>keepalive</cmdType><sn>1772294400123</sn><deviceid>{NVR}</deviceid></notify>".encode()
    )
    assert (found.root, found.cmd_type, found.sn, found.device_id) == (Root.NOTIFY, "Keepalive", 1772294400123, NVR)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<Query><SN>1</SN></Query>",
        b"<Order><CmdType>Catalog</CmdType></Order>",
        b"<Query><CmdType>../x</CmdType></Query>",
        b"<!DOCTYPE Query><Query><CmdType>Catalog</CmdType></Query>",
        b" " * (1 << 20) + b"<Query/>",
    ],
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        read(data)


def test_codes_never_hold_what_a_path_or_a_query_could_trip_over() -> None:
    assert told("Notify", "Keepalive", "", device="../../5108'; DROP\0").device_id == "....5108DROP"


def test_the_declaration_names_the_charset_that_is_used() -> None:
    plain = devices.info_answer(told("Query", "DeviceInfo", ""), devices.DeviceInfo(name="东门"))
    rare = devices.info_answer(told("Query", "DeviceInfo", ""), devices.DeviceInfo(name="㙍门"))
    assert write(plain).startswith(b'<?xml version="1.0" encoding="GB2312"?>\r\n')
    assert write(rare).startswith(b'<?xml version="1.0" encoding="GB18030"?>\r\n')
    assert devices.read_info(again(rare)).name == "㙍门"


def test_a_keepalive_names_its_faulty_children() -> None:
    found = devices.read_keepalive(
        told("Notify", "Keepalive", f"<Status>OK</Status><Info><DeviceID>{CAMERA}</DeviceID></Info>")
    )
    assert found == devices.Keepalive(ok=True, faulty=(CAMERA,))
    assert devices.read_keepalive(again(devices.keepalive(7, NVR, found))) == found


def test_a_catalog_item_is_read() -> None:
    found = catalog.read_catalog(
        told("Response", "Catalog", f"<SumNum>17</SumNum><DeviceList Num='1'>{ITEM}</DeviceList>")
    )
    item = found.items[0]
    assert (found.total, found.skipped) == (17, 0)
    assert (item.device_id, item.name, item.online, item.parents) == (CAMERA, "东门人行通道", True, (NVR,))
    assert (item.longitude, item.latitude, item.ptz_type) == (105.84312, 32.43551, 3)
    assert item.info == {"SafetyWay": "0", "Resolution": "6", "DownloadSpeed": "1/2/4"}
    assert (item.civil_code, item.port, item.parental) == ("510802", 5060, False)


def test_passwords_in_a_catalog_are_not_kept() -> None:
    found = catalog.read_catalog(told("Response", "Catalog", f"<SumNum>1</SumNum><DeviceList>{ITEM}</DeviceList>"))
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("inside", "want"),
    [
        ("<Status>ON</Status>", True),
        ("<Status>Online</Status>", True),
        ("<Status>OK</Status>", True),
        ("<Status>OFF</Status>", False),
        ("<Status>OFFLINE</Status>", False),
        ("<Status></Status>", None),
        ("", None),
        ("<Event>OFF</Event>", False),
        ("<Event>VLOST</Event>", None),
    ],
)
def test_every_word_for_on_and_off_is_understood(inside: str, want: bool | None) -> None:  # noqa: FBT001
    item = f"<DeviceList Num='9'><Item><DeviceID>{CAMERA}</DeviceID>{inside}</Item></DeviceList>"
    assert catalog.read_catalog(told("Notify", "Catalog", item)).items[0].online is want


def test_odd_items_lose_no_others() -> None:
    division = "<Item><DeviceID>510802</DeviceID><Name>利州区</Name><Parental>65535</Parental></Item>"
    odd = f"<Item><Name>no code</Name></Item>{division}"
    found = catalog.read_catalog(told("Response", "Catalog", f"<DeviceList>{odd}{ITEM}</DeviceList>"))
    assert [each.device_id for each in found.items] == ["510802", CAMERA]
    assert (found.skipped, found.total, found.items[0].parental) == (1, None, True)


def test_a_camera_keeps_all_its_parents() -> None:
    both = f"<Item><DeviceID>{CAMERA}</DeviceID><ParentID>{NVR}/51080201012160000001</ParentID></Item>"
    item = catalog.read_catalog(told("Response", "Catalog", f"<DeviceList>{both}</DeviceList>")).items[0]
    assert item.parents == (NVR, "51080201012160000001")


def test_a_catalog_is_written_as_it_reads() -> None:
    item = catalog.CatalogItem(
        CAMERA,
        "东门 & 西门",
        online=True,
        manufacturer="Anju",
        parents=(NVR,),
        business_group="51080201012150000001",
        longitude=105.8,
        latitude=32.4,
        ptz_type=1,
        info={"Resolution": "6", "DownloadSpeed": "1/2/4"},
    )
    found = catalog.read_catalog(again(catalog.catalog_answer(43, NVR, 5, [item])))
    assert found.total == 5
    assert found.items[0].info.pop("SafetyWay") == "0"  # type: ignore[attr-defined]
    assert found.items == (item,)


def test_a_change_tells_code_and_event_alone() -> None:
    notice = catalog.catalog_notice(305, NVR, [catalog.CatalogItem(CAMERA, event="VLOST")])
    item = f"<Item><DeviceID>{CAMERA}</DeviceID><Event>VLOST</Event></Item>"
    assert f'<SumNum>1</SumNum><DeviceList Num="1">{item}</DeviceList>' in body(notice)


def test_a_catalog_query_is_the_examples() -> None:
    want = f"<Query><CmdType>Catalog</CmdType><SN>1001</SN><DeviceID>{NVR}</DeviceID></Query>"
    assert body(catalog.catalog_query(1001, NVR)) == want


def test_pages_are_whole_when_all_distinct_items_came() -> None:
    pages = Gathered[str]()
    assert not pages.add([("a", "1")], 2)
    assert not pages.add([("a", "1")], 2)
    assert not pages.add([("c", "3")], 3)
    assert pages.add([("b", "2")], 2)
    assert pages.items == {"a": "1", "b": "2", "c": "3"}
    assert Gathered[str]().add([], 0)
    assert not Gathered[str]().add([("a", "1")], None)


def test_device_info_is_read_and_written() -> None:
    made = "<Manufacturer>Dahua</Manufacturer><Channel>16</Channel><X>y</X>"
    inside = f"<DeviceName>1期NVR</DeviceName><Result>OK</Result>{made}"
    found = devices.read_info(told("Response", "DeviceInfo", inside))
    assert (found.name, found.manufacturer, found.channels, found.ok, found.more) == (
        "1期NVR",
        "Dahua",
        16,
        True,
        {"x": "y"},
    )
    asked = devices.info_query(43, NVR)
    assert (
        devices.read_info(again(devices.info_answer(asked, devices.DeviceInfo("名", "M", "T", "1.0", 4)))).channels == 4
    )


def test_device_status_is_read_and_written() -> None:
    duty = (
        f"<Alarmstatus Num='1'><Item><DeviceID>{INPUT}</DeviceID><DutyStatus>onduty</DutyStatus></Item></Alarmstatus>"
    )
    state = "<Online>ONLINE</Online><Status>ERROR</Status><Reason>disk</Reason><Record>OFF</Record>"
    inside = f"<Result>OK</Result>{state}{duty}"
    found = devices.read_status(
        told("Response", "DeviceStatus", inside + "<DeviceTime>2026-03-01T08:00:00</DeviceTime>")
    )
    want = devices.DeviceStatus(
        online=True, ok=False, reason="disk", recording=False, time=EIGHT, duty={INPUT: "ONDUTY"}
    )
    assert found == want
    assert devices.read_status(again(devices.status_answer(devices.status_query(43, NVR), want))) == want


def test_recordings_are_read() -> None:
    item = (
        f"<Item><DeviceID>{CAMERA}</DeviceID><Name>东门</Name><FilePath>1_2</FilePath><StartTime>2026-03-01T08:00:00</StartTime>"
        "<EndTime>2026-03-01T09:00:00</EndTime><Type>Time</Type><FileSize>812646400</FileSize></Item>"
    )
    bad = "<Item><StartTime>never</StartTime></Item>"
    page = records.read_records(
        told("Response", "RecordInfo", f"<SumNum>31</SumNum><RecordList Num='1'>{item}{bad}</RecordList>")
    )
    found = page.items[0]
    assert (page.total, page.skipped, found.start, found.kind, found.size) == (31, 1, EIGHT, "time", 812_646_400)
    assert (found.end - found.start).total_seconds() == 3_600


def test_no_recordings_is_an_answer() -> None:
    page = records.read_records(told("Response", "RecordInfo", "<SumNum>0</SumNum>"))
    assert (page.items, page.total) == ((), 0)


def test_ends_before_starts_are_exchanged() -> None:
    item = "<Item><StartTime>2026-03-01T09:00:00</StartTime><EndTime>2026-03-01T08:00:00</EndTime></Item>"
    found = records.read_records(
        told("Response", "RecordInfo", f"<RecordList>{item}</RecordList>", device=CAMERA)
    ).items[0]
    assert (found.device_id, found.start) == (CAMERA, EIGHT)


def test_a_record_query_is_written_as_it_reads() -> None:
    asked = records.RecordQuery(EIGHT, EIGHT.replace(hour=5), "alarm", path="/d", fuzzy=True, stream=1)
    query = records.record_query(9, CAMERA, asked)
    assert records.read_record_query(again(query)) == asked
    assert "<StartTime>2026-03-01T08:00:00</StartTime><EndTime>2026-03-01T13:00:00</EndTime>" in body(query)
    item = records.RecordItem(CAMERA, EIGHT, EIGHT.replace(hour=1), "门", "p", "a", "time", 0, NVR, 5)
    assert records.read_records(again(records.record_answer(query, 1, [item]))).items == (item,)
    assert records.read_record_query(told("Query", "RecordInfo", "")) is None


def test_an_intrusion_is_read() -> None:
    inside = (
        "<AlarmPriority>1</AlarmPriority><AlarmMethod>5</AlarmMethod><AlarmTime>2026-03-01T08:00:00</AlarmTime>"
        "<AlarmDescription>周界3号防区入侵</AlarmDescription><Longitude>105.843</Longitude><Latitude>32.435</Latitude>"
        "<Info><AlarmType>6</AlarmType><AlarmTypeParam><EventType>1</EventType></AlarmTypeParam></Info>"
    )
    found = alarms.read_alarm(told("Notify", "Alarm", inside, device=INPUT))
    want = alarms.AlarmNotice(INPUT, alarms.VIDEO, EIGHT, 1, alarms.INTRUSION, 1, "周界3号防区入侵", 105.843, 32.435)
    assert found == want
    assert found.meaning == "intrusion"
    assert alarms.read_alarm(again(alarms.alarm_notice(77, want))) == want


def test_a_bare_alarm_is_an_alarm() -> None:
    found = alarms.read_alarm(
        told("Notify", "Alarm", "<AlarmMethod>2</AlarmMethod><info><AlarmInfo>IO3</AlarmInfo></info>")
    )
    assert (found.meaning, found.at, found.priority, found.more) == ("device", None, 0, {"alarminfo": "IO3"})


def test_alarm_queries_take_both_spellings_of_times() -> None:
    inside = (
        "<AlarmMethod>12</AlarmMethod><StartTime>2026-03-01T08:00:00</StartTime><EndAlarmPriority>2</EndAlarmPriority>"
    )
    found = alarms.read_alarm_query(told("Query", "Alarm", inside))
    assert found == alarms.AlarmQuery(0, 2, frozenset({1, 2}), 0, EIGHT)
    assert alarms.read_alarm_query(again(alarms.alarm_query(5, NVR, found))) == found
    assert found.covers(alarms.AlarmNotice(INPUT, 2, EIGHT, 1))
    assert not found.covers(alarms.AlarmNotice(INPUT, 5, EIGHT, 1))
    assert not found.covers(alarms.AlarmNotice(INPUT, 2, EIGHT, 3))
    assert alarms.methods("0") == frozenset()


def test_an_alarm_is_answered() -> None:
    found = alarms.alarm_answer(alarms.alarm_notice(77, alarms.AlarmNotice(INPUT, 5, EIGHT)))
    want = f"<CmdType>Alarm</CmdType><SN>77</SN><DeviceID>{INPUT}</DeviceID><Result>OK</Result>"
    assert body(found) == f"<Response>{want}</Response>"
    assert result_of(again(found)) is True
    assert result_of(again(answer(found, ok=False))) is False


@pytest.mark.parametrize(
    ("order", "inside"),
    [
        (
            control.PtzCommand("A50F0100000000B5", 5),
            "<PTZCmd>A50F0100000000B5</PTZCmd><Info><ControlPriority>5</ControlPriority></Info>",
        ),
        (control.Reboot(), "<TeleBoot>Boot</TeleBoot>"),
        (control.Record(on=True), "<RecordCmd>Record</RecordCmd>"),
        (control.Record(on=False, stream=1), "<RecordCmd>StopRecord</RecordCmd><StreamNumber>1</StreamNumber>"),
        (control.Guard(on=True), "<GuardCmd>SetGuard</GuardCmd>"),
        (control.Guard(on=False), "<GuardCmd>ResetGuard</GuardCmd>"),
        (
            control.AlarmReset(frozenset({5}), 6),
            "<AlarmCmd>ResetAlarm</AlarmCmd><Info><AlarmMethod>5</AlarmMethod><AlarmType>6</AlarmType></Info>",
        ),
        (control.KeyFrame(), "<IFameCmd>Send</IFameCmd><IFrameCmd>Send</IFrameCmd>"),
        (
            control.DragZoom(True, 1920, 1080, 960, 400, 320, 180),
            (
                "<DragZoomIn><Length>1920</Length><Width>1080</Width><MidPointX>960</MidPointX><MidPointY>400</MidPointY>"
                "<LengthX>320</LengthX><LengthY>180</LengthY></DragZoomIn>"
            ),
        ),
        (
            control.HomePosition(on=True, reset_s=60, preset=1),
            "<HomePosition><Enabled>1</Enabled><ResetTime>60</ResetTime><PresetIndex>1</PresetIndex></HomePosition>",
        ),
        (control.PrecisePtz(90.5, -10.0, 2.0), None),
        (control.TargetTrack("Auto"), "<TargetTrack>Auto</TargetTrack>"),
        (control.FormatCard(0), "<FormatSDCard>0</FormatSDCard>"),
        (control.Upgrade("V2", "http://192.0.2.1/f", "Anju", "s" * 32), None),
    ],
)
def test_orders_are_written_as_they_read(order: control.Order, inside: str | None) -> None:
    found = control.order(43, CAMERA, order)
    assert control.read_order(again(found)) == order
    assert inside is None or f"<DeviceID>{CAMERA}</DeviceID>{inside}</Control>" in body(found)


def test_either_spelling_asks_for_a_key_frame() -> None:
    for spelling in ("IFameCmd", "IFrameCmd", "iframecmd"):
        assert (
            control.read_order(told("Control", "DeviceControl", f"<{spelling}>Send</{spelling}>")) == control.KeyFrame()
        )


def test_only_some_orders_are_answered() -> None:
    assert control.answered(control.Guard(on=True))
    assert not control.answered(control.PtzCommand("A50F0100000000B5"))


@pytest.mark.parametrize(
    "inside", ["", "<Fly>up</Fly>", "<GuardCmd>Sing</GuardCmd>", "<DragZoomIn><Length>0</Length></DragZoomIn>"]
)
def test_unknown_orders_are_errors(inside: str) -> None:
    with pytest.raises(WireError):
        control.read_order(told("Control", "DeviceControl", inside))


def test_presets_are_read_and_written() -> None:
    item = "<Item><PresetID>1</PresetID><PresetName>大门</PresetName></Item><Item><PresetID>x</PresetID></Item>"
    page = presets.read_presets(told("Response", "PresetQuery", f"<PresetList Num='2'>{item}</PresetList>"))
    assert page == presets.PresetPage((presets.Preset(1, "大门"),))
    several = presets.preset_answer(presets.preset_query(43, CAMERA), page.items, total=200)
    assert presets.read_presets(again(several)) == presets.PresetPage(page.items, 200)


def test_a_camera_tells_where_it_looks() -> None:
    aim = aims.Aim(271.5, -3.0, 2.0)
    asked = aims.aim_query(7, CAMERA)
    assert aims.read_aim(again(aims.aim_answer(asked, aim))) == aim
    assert aims.read_aim(again(aims.aim_notice(8, CAMERA, aim))) == aim
    home = control.HomePosition(on=True, reset_s=60, preset=1)
    assert aims.read_home_answer(again(aims.home_answer(aims.home_query(9, CAMERA), home))) == home
    assert aims.read_home_answer(told("Response", "HomePositionQuery", "")) is None


def test_ends_of_long_orders_name_their_session() -> None:
    session = "0" * 32
    notice = sessions.uploaded_notice(5, CAMERA, session, ["a.jpg", "b.jpg"])
    files = "<SnapShotList><SnapShotFileID>a.jpg</SnapShotFileID><SnapShotFileID>b.jpg</SnapShotFileID></SnapShotList>"
    assert f"<SessionID>{session}</SessionID>{files}" in body(notice)
    assert sessions.read_uploaded(again(notice)) == sessions.Uploaded(session, ("a.jpg", "b.jpg"))
    failed = sessions.Upgraded(session, ok=False, firmware="V2", reason="checksum")
    assert sessions.read_upgraded(again(sessions.upgraded_notice(6, NVR, failed))) == failed


def test_settings_are_read_and_written() -> None:
    basic = (
        "<BasicParam><Name>1期NVR</Name><Expiration>3600</Expiration><HeartBeatInterval>60</HeartBeatInterval>"
        "<HeartBeatCount>3</HeartBeatCount></BasicParam><VideoParamOpt><Resolution>5/6</Resolution></VideoParamOpt>"
    )
    found = config.read_config(told("Response", "ConfigDownload", f"<Result>OK</Result>{basic}"))
    assert found.basic == config.BasicParam("1期NVR", 3600, 60, 3)
    assert found.basic.silence_s == 180
    assert found.others["VideoParamOpt"].value("Resolution") == "5/6"
    query = config.config_query(43, NVR, ["BasicParam", "videoparamopt"])
    assert config.read_config_query(again(query)) == ("BasicParam", "VideoParamOpt")
    assert config.read_config(again(config.config_answer(query, found))) == found
    wanted = config.BasicParam(heartbeat_s=30)
    assert config.read_config(again(config.config_order(44, NVR, wanted))).basic == wanted


@pytest.mark.parametrize(
    "param", [config.BasicParam(), config.BasicParam("", 0, 0, 3), config.BasicParam("", 0, 60, 0)]
)
def test_absurd_settings_say_nothing_of_silence(param: config.BasicParam) -> None:
    assert param.silence_s is None


def test_a_snapshot_order_keeps_within_the_standard() -> None:
    order = config.config_order(1, CAMERA, config.SnapShot("http://192.0.2.1/up", "0" * 32, 3, 2))
    assert "<SnapShotConfig><SnapNum>3</SnapNum><Interval>2</Interval>" in body(order)
    with pytest.raises(ValueError, match="snapshot"):
        config.SnapShot("http://192.0.2.1/up", "short")


def test_positions_are_read_and_written() -> None:
    told_one = positions.MobilePosition(CAMERA, EIGHT, 105.84, 32.43, 12.5, 270.0, 480.0)
    assert positions.read_positions(again(positions.position_notice(61, told_one))) == (told_one,)
    item = "<Item><DeviceID>{}</DeviceID><CaptureTime>2026-03-01T08:00:00</CaptureTime>{}<Latitude>3</Latitude></Item>"
    both = item.format(CAMERA, "<Longitude>5</Longitude>") + item.format(NVR, "<Longitude>500</Longitude>")
    several = f"<DeviceList Num='2'>{both}</DeviceList>"
    found = positions.read_positions(told("Notify", "MobilePosition", several))
    assert found == (positions.MobilePosition(CAMERA, EIGHT, 5.0, 3.0),)
    assert positions.read_interval(again(positions.position_query(1, CAMERA, 15))) == 15


def test_the_end_of_a_recording_is_told() -> None:
    assert records.read_media_status(again(records.media_status(8, CAMERA))) == records.FINISHED


def test_a_voice_is_announced_and_answered() -> None:
    told_voice = voice.Broadcast("51080200012000000001", "51080201011370000001")
    notice = voice.broadcast(5, told_voice)
    inside = "<SourceID>51080200012000000001</SourceID><TargetID>51080201011370000001</TargetID>"
    assert body(notice) == f"<Notify><CmdType>Broadcast</CmdType><SN>5</SN>{inside}</Notify>"
    assert voice.read_broadcast(again(notice)) == told_voice
    assert result_of(again(voice.broadcast_answer(notice, told_voice.target))) is True


@pytest.mark.parametrize(
    ("code", "node"),
    [
        ("51", Node.DIVISION),
        ("510802", Node.DIVISION),
        ("5108020001", Node.DOMAIN),
        ("51080200012000000001", Node.PLATFORM),
        ("51080200012150000001", Node.GROUP),
        ("51080200012160000001", Node.ORGANISATION),
        (NVR, Node.DEVICE),
        (CAMERA, Node.CAMERA),
        (INPUT, Node.ALARM_INPUT),
        ("51080200011370000001", Node.AUDIO),
        ("ABC", Node.OTHER),
        ("", Node.OTHER),
    ],
)
def test_a_code_tells_what_it_names(code: str, node: Node) -> None:
    assert node_of(code) is node


def test_the_type_is_in_the_middle() -> None:
    assert type_of(NVR) == "118"
    assert type_of("x" * 20) == ""


READERS = (
    devices.read_keepalive,
    devices.read_info,
    devices.read_status,
    catalog.read_catalog,
    records.read_records,
    records.read_record_query,
    records.read_media_status,
    alarms.read_alarm,
    alarms.read_alarm_query,
    presets.read_presets,
    config.read_config,
    config.read_config_query,
    positions.read_positions,
    positions.read_interval,
    voice.read_broadcast,
    aims.read_aim,
    aims.read_home_answer,
    sessions.read_uploaded,
    sessions.read_upgraded,
)
NAMES = (
    *("DeviceID", "Item", "DeviceList", "RecordList", "PresetList", "SumNum", "Info", "Status", "Event", "Port"),
    *("Longitude", "StartTime", "EndTime", "BasicParam", "HeartBeatInterval", "ParentID", "Alarmstatus", "PTZType"),
    "AlarmTypeParam",
)


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.text("0123456789.-:T/OFN<>&门", max_size=12), st.booleans()), max_size=30
    )
)
def test_any_body_is_read_by_any_reader(parts: list[tuple[str, str, bool]]) -> None:
    inside = "".join(f"<{name}>{text}" + (f"</{name}>" if shut else "") for name, text, shut in parts)
    found = told("Response", "Catalog", inside, charset="gb18030")
    for each in READERS:
        each(found)
