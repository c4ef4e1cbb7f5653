"""GA/T 1400 bodies written by hand, as senders of several makes write them."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from anju.protocols.viid import Bad, Limits, ViidError, ViidObject, parse_batch, raw_without_pictures

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
