"""GA/T 1400 bodies written by hand, as senders of several makes write them."""

import base64
import hashlib
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.protocols.viid import (
    KINDS,
    Bad,
    Limits,
    ViidError,
    ViidObject,
    answer,
    collection,
    parse_batch,
    parse_sender,
    parse_statuses,
    parse_time,
    raw_without_pictures,
    status,
    system_time,
)
from anju.protocols.viid_members import instant

FACE = """{"FaceListObject": {"FaceObject": [{
  "FaceID": "510802000111900000010220261122081530000010600001", "InfoKind": 1,
  "SourceID": "51080200011190000001022026112208153000001", "DeviceID": "51080200011190000001",
  "ShotTime": "20261122081530", "LeftTopX": 412, "LeftTopY": 188, "RightBtmX": 506, "RightBtmY": 301,
  "FaceAppearTime": "20261122081529", "GenderCode": "1", "AgeUpLimit": 45, "AgeLowerLimit": 35,
  "IsDriver": 2, "IsForeigner": 2, "IsSuspectedTerrorist": 2, "IsCriminalInvolved": 2,
  "IsDetainees": 2, "IsVictim": 2, "IsSuspiciousPerson": 2, "Similaritydegree": 0,
  "SubImageList": {"SubImageInfoObject": [
    {"ImageID": "51080200011190000001022026112208153000001", "EventSort": 10, "DeviceID": "51080200011190000001",
     "Type": "11", "FileFormat": "Jpeg", "ShotTime": "20261122081530", "Width": 94, "Height": 113, "Data": "/9j/4AAQ"},
    {"ImageID": "51080200011190000001022026112208153000002", "EventSort": 10, "DeviceID": "51080200011190000001",
     "Type": "14", "FileFormat": "Jpeg", "ShotTime": "20261122081530", "Width": 1920, "Height": 1080,
     "Data": "/9j/4AAR"}]}}]}}"""
VEHICLE = """{"MotorVehicleListObject": {"MotorVehicleObject": [{
  "MotorVehicleID": "510802000111900000020220261122081530000010200001", "InfoKind": 1,
  "SourceID": "51080200011190000002022026112208153000001", "TollgateID": "51080200011210000001",
  "DeviceID": "51080200011190000002", "StorageUrl1": "/p/1.jpg",
  "LeftTopX": 120, "LeftTopY": 90, "RightBtmX": 1650, "RightBtmY": 1010, "LaneNo": 1, "HasPlate": true,
  "PlateClass": "02", "PlateColor": "5", "PlateNo": "川HA5Q68", "Speed": 8.5, "Direction": "3", "VehicleClass": "K33",
  "VehicleBrand": "1", "VehicleColor": "2", "PassTime": "20261122081530", "PlateReliability": "98",
  "SubImageList": {"SubImageInfoObject": [{"ImageID": "51080200011190000002022026112208153000001", "EventSort": 1,
    "DeviceID": "51080200011190000002", "Type": "01", "FileFormat": "Jpeg", "ShotTime": "20261122081530",
    "Width": 1920, "Height": 1080, "Data": "/9j/4AAQ"}]}}]}}"""
AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)


def one(kind: str, body: bytes | str, **how: Any) -> ViidObject:
    (found,) = parse_batch(kind, body.encode() if isinstance(body, str) else body, **how)
    assert isinstance(found, ViidObject), found
    return found


def bad(kind: str, body: bytes | str, **how: Any) -> Bad:
    (found,) = parse_batch(kind, body.encode() if isinstance(body, str) else body, **how)
    assert isinstance(found, Bad), found
    return found


def refusal(kind: str, body: bytes, **how: Any) -> tuple[int, str]:
    with pytest.raises(ViidError) as caught:
        parse_batch(kind, body, **how)
    return caught.value.code, caught.value.reason


def vehicle(**changed: Any) -> str:
    """Return VEHICLE with members changed; None takes one away."""
    body = json.loads(VEHICLE)
    (item,) = body["MotorVehicleListObject"]["MotorVehicleObject"]
    item.update(changed)
    return json.dumps({"MotorVehicleListObject": {"MotorVehicleObject": [_without_none(item)]}}, ensure_ascii=False)


def _without_none(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}


def test_a_passage_by_the_book_is_read_without_a_flag() -> None:
    found = one("motor_vehicle", VEHICLE, strict=True)
    assert found.object_id == "510802000111900000020220261122081530000010200001"
    assert (found.device_id, found.tollgate_id) == ("51080200011190000002", "51080200011210000001")
    assert (found.at, found.at_from, found.flags) == (AT, "PassTime", ())
    assert found.members["PlateNo"] == "川HA5Q68"
    assert (found.members["HasPlate"], found.members["Speed"], found.members["LaneNo"]) == (True, 8.5, 1)


def test_a_face_by_the_book_brings_both_pictures_and_nothing_for_the_police_only() -> None:
    found = one("face", FACE, strict=True)
    assert [(each.type, each.data, each.width) for each in found.images] == [
        ("11", b"\xff\xd8\xff\xe0\x00\x10", 94),
        ("14", b"\xff\xd8\xff\xe0\x00\x11", 1920),
    ]
    assert (found.at, found.at_from) == (AT, "ShotTime")
    assert not [name for name in found.members if name.startswith("IsS") or name in {"IsVictim", "IsDetainees"}]


def test_the_digest_beside_a_picture_is_that_of_its_bytes() -> None:
    (picture,) = one("motor_vehicle", VEHICLE).images
    assert picture.data is not None
    assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()


def test_what_is_kept_as_raw_has_digests_for_pictures_and_all_else_unchanged() -> None:
    raw = raw_without_pictures(VEHICLE.encode()).decode()
    digest = hashlib.sha256(base64.b64decode("/9j/4AAQ")).hexdigest()
    assert raw == VEHICLE.replace("/9j/4AAQ", f"sha256:{digest}")


def test_one_bad_object_loses_no_other() -> None:
    good = json.loads(VEHICLE)["MotorVehicleListObject"]["MotorVehicleObject"][0]
    body = {"MotorVehicleListObject": {"MotorVehicleObject": [good, {"InfoKind": 1}, 7, good]}}
    found = parse_batch("motor_vehicle", json.dumps(body).encode())
    assert [type(each) for each in found] == [ViidObject, Bad, Bad, ViidObject]
    assert [(each.index, each.code, each.reason) for each in found if isinstance(each, Bad)] == [
        (1, 8, "no_id"),
        (2, 8, "not_an_object"),
    ]


def test_more_objects_than_allowed_are_refused_whole() -> None:
    body = json.dumps({"MotorVehicleListObject": {"MotorVehicleObject": [{}] * 1001}}).encode()
    assert refusal("motor_vehicle", body) == (8, "more than 1000 objects")


def test_a_body_over_its_limit_is_refused_whole() -> None:
    assert refusal("motor_vehicle", b" " * 11, limits=Limits(body=10)) == (8, "more than 10 bytes")


def test_what_is_no_json_gets_code_7_and_a_wrong_wrapper_code_8() -> None:
    assert refusal("face", b"<xml/>") == (7, "no JSON")
    assert refusal("face", VEHICLE.encode()) == (8, "no FaceListObject with FaceObject")


@pytest.mark.parametrize(
    ("changed", "member", "value", "flag"),
    [
        ({"InfoKind": "1"}, "InfoKind", 1, "number_text"),
        ({"LaneNo": "2.0"}, "LaneNo", 2, "number_text"),
        ({"LaneNo": "two"}, "LaneNo", None, "number_bad"),
        ({"LaneNo": 2**40}, "LaneNo", None, "number_bad"),
        ({"Speed": "40.5"}, "Speed", 40.5, "number_text"),
        ({"PlateColor": 5}, "PlateColor", "5", "text_number"),
        ({"PlateColor": "05"}, "PlateColor", "5", "colour_form"),
        ({"PlateColor": "H"}, "PlateColor", "5", "colour_form"),
        ({"PlateClass": "2"}, "PlateClass", "02", "code_short"),
        ({"PlateClass": 2}, "PlateClass", "02", "text_number"),
        ({"VehicleClass": "NULL"}, "VehicleClass", None, "absent_word"),
        ({"HasPlate": "1"}, "HasPlate", True, "boolean_form"),
        ({"HasPlate": 0}, "HasPlate", False, "boolean_form"),
        ({"HasPlate": "FALSE"}, "HasPlate", False, "boolean_form"),
        ({"HasPlate": "否"}, "HasPlate", False, "boolean_form"),
        ({"HasPlate": "perhaps"}, "HasPlate", None, "boolean_bad"),
        ({"PlateNo": "川H\u0000A5Q68\n"}, "PlateNo", "川HA5Q68", "text_cleaned"),
        ({"PlateNo": "川H" + "1" * 18}, "PlateNo", "川H" + "1" * 18, "text_long"),
        ({"PlateNo": ["川HA5Q68"]}, "PlateNo", None, "value_type"),
        ({"PlateNo": None, "PlatgeNo": "川HA5Q68"}, "PlateNo", "川HA5Q68", "alias"),
        ({"PlateNo": None, "plateNo": "川HA5Q68"}, "PlateNo", "川HA5Q68", "alias"),
        ({"PassTime": "2026-11-22 08:15:30"}, "PassTime", "2026-11-22 08:15:30", "time_format"),
        ({"PassTime": 20261122081530}, "PassTime", "20261122081530", "text_number"),
        ({"SourceID": 51080200011190000002022026112208153000001}, "SourceID",
         "51080200011190000002022026112208153000001", "text_number"),
        ({"SourceID": "gate 3, picture 7"}, "SourceID", "gate 3, picture 7", "id_format"),
        ({"DeviceID": "10086"}, "DeviceID", "10086", "id_format"),
        ({"VehicleColor": None}, "VehicleColor", None, "incomplete"),
    ],
)  # fmt: skip
def test_each_leniency_is_read_and_leaves_a_flag(changed: dict[str, Any], member: str, value: Any, flag: str) -> None:
    found = one("motor_vehicle", vehicle(**changed))
    assert found.members.get(member) == value
    assert flag in found.flags


@pytest.mark.parametrize(
    "changed", [{"InfoKind": "1"}, {"PlateColor": 5}, {"HasPlate": "1"}, {"LaneNo": None, "laneno": 1}]
)
def test_strict_refuses_what_leaves_a_flag(changed: dict[str, Any]) -> None:
    found = bad("motor_vehicle", vehicle(**changed), strict=True)
    assert (found.code, found.reason) == (8, "strict")


def test_empty_texts_and_nulls_count_as_absent_without_a_flag() -> None:
    found = one("motor_vehicle", vehicle(Speed="", HasPlate="", PlateNoAttach="", LaneNo="").replace("8.5", "null"))
    assert not {"Speed", "HasPlate", "PlateNoAttach", "LaneNo"} & found.members.keys()
    assert found.flags == ()


def test_members_outside_the_standard_are_kept() -> None:
    found = one("motor_vehicle", vehicle(OwnerName="张三", Vendor={"Data": "AAAA", "Depth": [1, {"Password": "x"}]}))
    assert found.members["OwnerName"] == "张三"
    assert found.members["Vendor"] == {"Depth": [1, {}]}


def test_the_password_of_a_camera_is_nowhere() -> None:
    body = b'{"APEListObject":{"APEObject":[{"ApeID":"51080200011190000001","Name":"x","Password":"hunter2"}]}}'
    assert "Password" not in one("ape", body).members
    assert b"hunter2" not in raw_without_pictures(body)


@pytest.mark.parametrize(
    ("body", "flags"),
    [
        ('{"MotorVehicleListObject": {"MotorVehicleObject": %s}}', {"single_object"}),
        ('{"MotorVehicleObjectList": {"MotorVehicleObject": [%s]}}', {"wrapper"}),
        ('{"MotorVehicleListObject": [%s]}', {"wrapper"}),
        ('{"MotorVehicleObject": %s}', {"wrapper", "single_object"}),
        ('{"motorvehiclelistobject": {"MotorVehicleObject": [%s]}}', {"wrapper"}),
        ("[%s]", {"wrapper"}),
        ("%s", {"wrapper", "single_object"}),
        ('\ufeff{"MotorVehicleListObject": {"MotorVehicleObject": [%s]}}', {"bom"}),
        ('{"MotorVehicleListObject": {"MotorVehicleObject": [%s]}}\0', {"json_loose"}),
        ('{"MotorVehicleListObject": {"MotorVehicleObject": [%s]}, "x": NaN}', {"json_loose"}),
    ],
)
def test_every_wrapping_in_the_field_is_opened(body: str, flags: set[str]) -> None:
    (item,) = json.loads(VEHICLE)["MotorVehicleListObject"]["MotorVehicleObject"]
    found = one("motor_vehicle", body.replace("%s", json.dumps(item)))
    assert found.members["PlateNo"] == "川HA5Q68"
    assert set(found.flags) == flags


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "utf-16"])
def test_other_charsets_are_read_and_flagged(charset: str) -> None:
    found = one("motor_vehicle", VEHICLE.encode(charset))
    assert found.members["PlateNo"] == "川HA5Q68"
    assert "charset" in found.flags
    assert found.images[0].data == b"\xff\xd8\xff\xe0\x00\x10"


PICTURE = bytes(range(256)) * 3
BASE64 = base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (json.dumps(BASE64), None),
        (json.dumps(BASE64).replace("/", "\\/"), None),
        (json.dumps(BASE64).replace("+", "\\u002B"), None),
        (json.dumps(BASE64[:76] + "\r\n" + BASE64[76:]), "base64_loose"),
        (f'"{BASE64[:76]}\n{BASE64[76:]}"', "base64_loose"),
        (json.dumps(BASE64.replace("+", "-").replace("/", "_")), "base64_loose"),
        (json.dumps("data:image/jpeg;base64," + BASE64), "base64_loose"),
        (json.dumps(base64.b64encode(PICTURE[:-1]).decode().rstrip("=")), "base64_loose"),
        (json.dumps("no picture at all!"), "picture_bad"),
        (json.dumps("A"), "picture_bad"),
    ],
)
def test_base64_of_every_kind_is_read(text: str, flag: str | None) -> None:
    found = one("motor_vehicle", VEHICLE.replace('"/9j/4AAQ"', text))
    (image,) = found.images
    assert image.data == {None: PICTURE, "base64_loose": image.data, "picture_bad": None}[flag]
    assert (image.data or PICTURE)[:500] == PICTURE[:500]
    assert flag is None or flag in found.flags


@pytest.mark.parametrize(
    "images",
    [
        '{"SubImageInfoObject": {"Type": "01", "Data": "/9j/4AAQ"}}',
        '{"SubImageInfo": [{"Type": "01", "Data": "/9j/4AAQ"}]}',
        '[{"Type": "01", "Data": "/9j/4AAQ"}]',
        '{"Type": "01", "Data": "/9j/4AAQ"}',
        '{"SubImageInfoObject": [{"Type": 1, "data": "/9j/4AAQ"}]}',
    ],
)
def test_pictures_are_found_in_every_form_of_their_list(images: str) -> None:
    body = '{"FaceListObject":{"FaceObject":[{"FaceID":"1","SubImageList":%s}]}}'
    (image,) = one("face", body.replace("%s", images)).images
    assert (image.type, image.data) == ("01", b"\xff\xd8\xff\xe0\x00\x10")


def test_a_face_template_leaves_a_mark_and_nothing_else() -> None:
    body = FACE.replace(
        '"Type": "11",', '"Type": "11", "FeatureInfoObject": {"Vendor": "v", "FeatureData": "U0VDUkVU"},'
    )
    first, second = one("face", body).images
    assert (first.feature, second.feature) == (True, False)
    assert b"U0VDUkVU" not in raw_without_pictures(body.encode())


def test_a_picture_under_an_odd_name_does_not_stay_in_the_raw_record() -> None:
    body = vehicle(FacePhoto="A" * 5_000)
    found = one("motor_vehicle", body)
    assert "extra_dropped" in found.flags
    assert "A" * 100 not in raw_without_pictures(body.encode()).decode()


def test_an_image_is_read_like_the_others() -> None:
    body = """{"ImageListObject": {"Image": [{"ImageInfo": {"ImageID": "51080200011190000001022026112208153000001",
      "InfoKind": 1, "ImageSource": "2", "EventSort": 10, "DeviceID": "51080200011190000001", "FileFormat": "Jpeg",
      "ShotTime": "20261122081530", "Title": "t", "Width": 1920, "Height": 1080}, "FaceList": {"FaceObject": []},
      "PersonList": {}, "Data": "/9j/4AAQ"}]}}"""
    found = one("image", body)
    assert (found.object_id, found.at) == ("51080200011190000001022026112208153000001", AT)
    assert [(each.type, each.width, each.data) for each in found.images] == [("100", 1920, b"\xff\xd8\xff\xe0\x00\x10")]


def test_things_that_stand_have_no_moment() -> None:
    lane = (
        b'{"LaneListObject":{"LaneObject":[{"TollgateID":"51080200011210000001","LaneId":2,"LaneNo":1,"CityPass":1}]}}'
    )
    found = one("lane", lane, strict=True)
    assert (found.object_id, found.at, found.flags) == ("51080200011210000001-2", None, ())


TIMES = {"PassTime": "20261122081530", "ShotTime": "20261122081531", "AppearTime": "20261122081532",
         "LocationMarkTime": "20261122081534", "MarkTime": "20261122081535"}  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "source", "second"),
    [
        ([], "ShotTime", 31),
        (["ShotTime"], "PassTime", 30),
        (["ShotTime", "PassTime"], "AppearTime", 32),
        (["ShotTime", "PassTime", "AppearTime"], "SubImage.ShotTime", 33),
    ],
)
def test_the_time_is_the_first_in_the_order_of_practice(missing: list[str], source: str, second: int) -> None:
    body = vehicle(**TIMES | dict.fromkeys(missing)).replace(
        '"ShotTime": "20261122081530"', '"ShotTime": "20261122081533"'
    )
    found = one("motor_vehicle", body)
    assert (found.at_from, found.at) == (source, AT.replace(second=second))


@pytest.mark.parametrize(
    ("changed", "source"),
    [
        ({"LocationMarkTime": "20261122081530"}, "LocationMarkTime"),
        ({"MarkTime": "20261122081530"}, "MarkTime"),
        ({}, "SourceID"),
        ({"SourceID": None}, "MotorVehicleID"),
    ],
)
def test_without_pictures_and_passing_the_time_comes_from_marks_or_the_source(
    changed: dict[str, Any], source: str
) -> None:
    found = one("motor_vehicle", vehicle(**{"PassTime": None, "SubImageList": None} | changed))
    assert (found.at, found.at_from) == (AT, source)


def test_without_any_time_the_object_says_so() -> None:
    found = one("face", b'{"FaceListObject":{"FaceObject":[{"FaceID":"F1","ShotTime":"20261322081530"}]}}')
    assert (found.at, found.at_from) == (None, "")
    assert {"no_time", "time_format"} <= set(found.flags)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20261122081530", AT),
        ("20261122081530250", AT.replace(microsecond=250_000)),
        ("2026-11-22 08:15:30", AT),
        ("2026/11/22 8:15:30", AT),
        ("2026-11-22T08:15:30+08:00", AT),
        ("2026-11-22T00:15:30Z", AT),
        ("2026-11-22T08:15:30.25", AT.replace(microsecond=250_000)),
        ("20261122T081530", AT),
        ("20261122 081530", AT),
        ("20261122T081530Z", AT.replace(hour=8)),
        ("2026年11月22日 08:15:30", AT),
        ("2026年11月22日08:15:30", AT),
        ("1795306530", AT),
        ("1795306530000", AT),
        ("00010101000000", None),
        ("20261122246060", None),
        ("yesterday", None),
    ],
)
def test_times_are_of_beijing_unless_they_say_otherwise(text: str, at: datetime | None) -> None:
    assert instant(text) == at


@pytest.mark.parametrize(
    "changed",
    [
        {"MotorVehicleID": "../../etc/passwd"},
        {"DeviceID": "a\\b"},
        {"SourceID": "x%2f..%2fy"},
        {"StorageUrl1": "/p/../../etc/passwd"},
        {"StorageUrl1": "http://example.com/a/%2e%2e/b"},
        {"StorageUrl1": "..\\..\\x"},
    ],
)
def test_paths_that_climb_are_refused(changed: dict[str, Any]) -> None:
    found = bad("motor_vehicle", vehicle(**changed))
    assert (found.code, found.reason) == (8, "path_traversal")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:6379/",
        "http://localhost/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.5/x",
        "http://192.168.1.64/pic.jpg",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://printer/x",
        "http://a.internal/x",
        "http://user:pw@example.com/x",
        "file:///etc/passwd",
        "gopher://example.com/x",
        "FTP://example.com/x",
        "//example.com/x",
        "\\\\server\\share",
        "http://[broken/x",
    ],
)
def test_addresses_that_aim_inside_are_kept_as_text_and_flagged(address: str) -> None:
    found = one("motor_vehicle", vehicle(StorageUrl1=address))
    assert found.members["StorageUrl1"] == address
    assert found.flags == ("url_refused",)


@pytest.mark.parametrize("address", ["/p/1.jpg", "p/1.jpg", "http://example.com/a.jpg?x=..", "https://203.0.114.9/a"])
def test_plain_paths_and_public_addresses_leave_no_flag(address: str) -> None:
    assert one("motor_vehicle", vehicle(StorageUrl1=address)).flags == ()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"PlateNo": "川" * 31}, "too_long"),
        ({"MotorVehicleID": None}, "no_id"),
        ({"MotorVehicleID": 5.1e47}, "id_rounded"),
        ({"SubImageList": {"SubImageInfoObject": [{"Type": "01"}] * 33}}, "too_many_images"),
        ({"SubImageList": {"SubImageInfoObject": [{"Data": 7}]}}, "picture_odd"),
        ({"Deep": json.loads("[" * 70 + "]" * 70)}, "too_deep"),
    ],
)
def test_what_makes_an_object_unusable_is_named(changed: dict[str, Any], reason: str) -> None:
    assert bad("motor_vehicle", vehicle(**changed)).reason == reason


def test_a_picture_over_the_limit_refuses_its_object_only() -> None:
    found = bad("motor_vehicle", vehicle(), limits=Limits(picture=5))
    assert (found.reason, found.code) == ("picture_too_large", 8)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 100_000, 7),
        (b'{"a":' * 100_000, 7),
        (b"[" + b"[]," * 200_000 + b"[]]", 8),
        (b'{"FaceListObject":{"FaceObject":[{"FaceID":"1","Data":"' + b"A" * 1000, 7),
        (b"\xff\xff\xff", 7),
        (b"", 7),
        (b'{"FaceListObject":{}}', 8),
        (b'{"FaceListObject":{"FaceObject":null}}', 8),
        (b"9" * 5_000, 8),
    ],
)
def test_bombs_and_wrecks_are_refused_whole(body: bytes, code: int) -> None:
    assert refusal("face", body)[0] == code


@pytest.mark.parametrize(
    "body",
    [
        b'{"Data":"' + b'\\"' * 2_000_000,
        b'{"Data":"' + b"\\\\" * 2_000_000 + b'"}',
        b'{"Data":"' + b" " * 4_000_000 + b'!"}',
        b'{"Data":"data:' + b"a/" * 2_000_000 + b'"}',
        b'"Data":' + b" " * 4_000_000,
        b'{"Data":"A"},' * 300_000,
        b"\xff\xfe" + b"\x00\xd8" * 2_000_000,
    ],
)
def test_bodies_made_to_cost_much_are_refused_in_no_time(body: bytes) -> None:
    begun = time.process_time()
    refusal("face", body)
    assert time.process_time() - begun < 1.5


@pytest.mark.parametrize(
    ("body", "device"),
    [
        (b'{"RegisterObject":{"DeviceID":"51080200011190000001"}}', "51080200011190000001"),
        (b'{"KeepaliveObject":{"DeviceID":51080200011190000001}}', "51080200011190000001"),
        (b'{"DeviceID":"cam-1"}', "cam-1"),
        (b"", ""),
        (b" \r\n", ""),
        (b"{}", ""),
    ],
)
def test_registration_and_keepalive_tell_their_device(body: bytes, device: str) -> None:
    assert parse_sender(body) == device


def test_a_registration_that_climbs_is_refused() -> None:
    with pytest.raises(ViidError):
        parse_sender(b'{"RegisterObject":{"DeviceID":"../x"}}')


def test_answers_are_written_as_the_standard_shows_them() -> None:
    told = answer("/VIID/Faces", [("5108", 0, "OK"), ("", 8, "FaceID missing")], AT)
    assert json.loads(told) == {
        "ResponseStatusListObject": {
            "ResponseStatusObject": [
                {"RequestURL": "/VIID/Faces", "StatusCode": 0, "StatusString": "OK", "Id": "5108",
                 "LocalTime": "20261122081530"},
                {"RequestURL": "/VIID/Faces", "StatusCode": 8, "StatusString": "FaceID missing", "Id": "",
                 "LocalTime": "20261122081530"},
            ]
        }
    }  # fmt: skip
    single = json.loads(status("/VIID/System/Keepalive", 0, "OK", "5108", AT, text_codes=True))
    assert single["ResponseStatusObject"]["StatusCode"] == "0"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"ResponseStatusListObject":{"ResponseStatusObject":[{"Id":"a","StatusCode":0},{"Id":"b","StatusCode":8}]}}',
         [("a", 0), ("b", 8)]),
        (b'{"ResponseStatusList":{"ResponseStatus":{"Id":"a","StatusCode":"0"}}}', [("a", 0)]),
        (b'{"ResponseStatusObject":{"StatusCode":"4"}}', [("", 4)]),
        (b"", []),
    ],
)  # fmt: skip
def test_answers_of_other_servers_are_read(body: bytes, told: list[tuple[str, int]]) -> None:
    assert parse_statuses(body) == told


def test_the_time_goes_out_and_comes_back() -> None:
    told = system_time("51080200005030000001", AT)
    assert json.loads(told)["SystemTimeObject"]["LocalTime"] == "20261122081530"
    assert parse_time(told) == AT
    assert parse_time(b'{"LocalTime":"2026-11-22 08:15:30"}') == AT
    assert parse_time(b"<html>") is None


def test_a_page_of_a_collection_tells_where_it_begins_and_of_how_many() -> None:
    told = json.loads(collection("face", [{"FaceID": "F1"}], first=21, total=400))
    assert told == {
        "FaceListObject": {
            "RecordStartNo": 21, "PageRecordNum": 1, "TotalNum": 400, "FaceObject": [{"FaceID": "F1"}]
        }
    }  # fmt: skip


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    with suppress(ViidError):
        parse_batch("face", body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(KINDS["face"].names.values())), inner)
    ),
    max_leaves=20,
)


NAMES = st.sampled_from(sorted({each for spec in KINDS.values() for each in spec.names.values()}))


@given(st.sampled_from(sorted(KINDS)), st.lists(st.dictionaries(NAMES, JSON), max_size=3))
def test_any_values_under_known_names_lose_no_object(kind: str, items: list[dict[str, Any]]) -> None:
    spec = KINDS[kind]
    body = json.dumps({spec.wrapper: {spec.item: items}}).encode()
    found = parse_batch(kind, body)
    assert len(found) == len(items)
    for each in found:
        if isinstance(each, ViidObject):
            json.dumps(each.members, allow_nan=False).encode()
            assert all(name.isprintable() for name in each.members)
