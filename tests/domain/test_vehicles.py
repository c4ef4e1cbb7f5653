"""What a plate camera told becomes a passage: flags, never silent repairs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from anju.domain import vehicles
from anju.domain.captures import Picture, new_id
from anju.domain.cleaning import Reporter
from anju.domain.vehicles import Correction, Passage
from anju.protocols.viid import ViidObject

NOW = datetime(2026, 11, 22, 8, 15, 30, 123_456, tzinfo=UTC)
LANE = Reporter("d1", "南门进口", "site", "gate", "/510800/site/gate/", "南门", "510802010000")


def seen(at: datetime | None = NOW, kind: str = "motor_vehicle", passes: str = "", **members: Any) -> Passage:
    told = ViidObject(kind, "0" * 48, "d1", "", "", at, "PassTime", {"PlateNo": "川HA5Q68", **members}, (), ("alias",))
    return vehicles.passage(told, LANE, at=NOW, passes=passes)


def test_a_passage_says_where_when_and_what() -> None:
    found = seen(LaneNo=2, PlateColor="5", VehicleClass="K33", VehicleColor="2", Speed=8.5, ResidentKind="业主")
    assert (found.place_name, found.lane, found.kind, found.plate) == ("南门", "2", "motor", "川HA5Q68")
    assert (found.plate_color, found.vehicle_class, found.vehicle_color) == ("5", "K33", "2")
    assert (found.speed, found.resident_kind, found.flags) == (8.5, "业主", ("alias",))


def test_a_bicycle_is_no_motor_vehicle() -> None:
    assert seen(kind="non_motor_vehicle").kind == "non_motor"


@pytest.mark.parametrize(
    ("told", "registered", "direction"),
    [
        ("in", "", "in"),
        ("2", "in", "out"),
        ("出", "in", "out"),
        ("up", "in", "in"),
        ("", "out", "out"),
        ("", "", ""),
    ],
)
def test_the_object_says_its_direction_or_else_the_registry(told: str, registered: str, direction: str) -> None:
    assert seen(passes=registered, InOut=told).direction == direction


@pytest.mark.parametrize(
    ("at", "passed_at", "offset_ms", "flag"),
    [
        (NOW - timedelta(seconds=3), NOW - timedelta(seconds=3), -3_000, None),
        (None, NOW, None, "no_time"),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW, None, "time_invalid"),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=1), 3_600_000, "clock_future"),
        (NOW - timedelta(days=2), NOW - timedelta(days=2), -172_800_000, "late"),
    ],
)
def test_the_devices_clock_is_judged(at: datetime, passed_at: datetime, offset_ms: int, flag: str | None) -> None:
    found = seen(at)
    assert (found.passed_at, found.clock_offset_ms) == (passed_at, offset_ms)
    assert found.flags == ("alias", *((flag,) if flag else ()))


@pytest.mark.parametrize(
    ("told", "color", "flagged"), [("5", "5", False), ("05", "5", False), ("H", "5", False), ("47", "99", True)]
)
def test_colours_are_those_of_the_table(told: str, color: str, flagged: bool) -> None:  # noqa: FBT001
    found = seen(VehicleColor=told)
    assert (found.vehicle_color, "code_unknown" in found.flags) == (color, flagged)


def test_no_plate_is_none_and_what_was_read_stays() -> None:
    found = seen(PlateNo="无车牌")
    assert (found.plate, found.plate_text, "no_plate" in found.flags) == (None, "无车牌", True)


def test_a_green_plate_of_the_wrong_colour_is_flagged() -> None:
    assert "plate_colour" in seen(PlateNo="川AD12345", PlateColor="5").flags


@pytest.mark.parametrize("told", ["99", 99, "99.5"])
def test_how_sure_the_reader_was_is_a_number(told: object) -> None:
    assert seen(PlateReliability=told).reliability == 99


@pytest.mark.parametrize("told", ["high", "101", -1, True, [], 1e300])
def test_how_sure_the_reader_was_is_nothing_where_it_is_no_percentage(told: object) -> None:
    assert seen(PlateReliability=told).reliability is None


def test_only_known_members_are_kept_beside_the_columns() -> None:
    found = seen(TollgateID="51080200011210000001", OwnerName="张三", SafetyBelt=1, HasPlate={"a": 1})
    assert found.detail == {"TollgateID": "51080200011210000001", "SafetyBelt": 1}


def test_texts_are_clean_and_bounded() -> None:
    assert seen(VehicleModel=" \x07帕\u0308 " + "x" * 500).model.startswith("帕")
    assert len(seen(VehicleModel="x" * 500).model) == 64


def test_its_body_is_read_back_as_it_was() -> None:
    picture = Picture("01", new_id(NOW), "ab" * 32, 640, 480, "image/jpeg", 60_000)
    told = replace(seen(), pictures=(picture,), near_id=new_id(NOW))
    assert vehicles.read_body(vehicles.body(told)) == told
    assert vehicles.read_body(msgspec.json.decode(vehicles.written(told))) == told


def test_a_correction_keeps_what_the_device_read() -> None:
    first = seen(PlateColor="5")
    second = vehicles.corrected(first, Correction("看错", plate="川ha5q69"))
    third = vehicles.corrected(second, Correction("又看错", plate="", plate_color="6"))
    assert (second.plate, second.version, second.reading["plate"]) == ("川HA5Q69", 2, "川HA5Q68")
    assert (third.plate, third.plate_color, third.version) == (None, "6", 3)
    assert third.reading == {"plate": "川HA5Q68", "plate_kind": "ordinary", "plate_color": "5"}
    assert third.flags.count("corrected") == 1
