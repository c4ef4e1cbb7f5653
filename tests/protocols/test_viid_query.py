"""Queries as senders write them: the same conditions in many dresses, and what is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import ViidError
from anju.protocols.viid_query import Condition, Operator, Query, parse_query

SINCE, UNTIL = datetime(2026, 11, 21, 16, tzinfo=UTC), datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
DEVICE = Condition("DeviceID", Operator.EQUAL, ("51080200011190000001",))


def test_the_long_example_is_read() -> None:
    query = (
        "(Face.DeviceID=51080200011190000001)&(Face.ShotTime>=20261122000000)&(Face.ShotTime<=20261122235959)"
        "&RecordStartNo=21&PageRecordNum=50"
    )
    conditions = (
        DEVICE,
        Condition("ShotTime", Operator.AT_LEAST, (SINCE,)),
        Condition("ShotTime", Operator.AT_MOST, (UNTIL,)),
    )
    assert parse_query("face", query) == Query(conditions, first=21, count=50)


@pytest.mark.parametrize(
    "query",
    [
        "DeviceID=51080200011190000001",
        "(DeviceID='51080200011190000001')",
        '((FaceObject.DeviceID == "51080200011190000001"))',
        "face.deviceid=51080200011190000001",
        "Face.DeviceID%3D51080200011190000001",
        "%28Face.DeviceID%3D%2751080200011190000001%27%29",
        "&&Face.DeviceID=51080200011190000001&",
        "(Face.DeviceID=51080200011190000001",
    ],
)
def test_one_condition_in_every_dress(query: str) -> None:
    assert parse_query("face", query).conditions == (DEVICE,)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("(MotorVehicle.PlateNo Like 川HA5)", Condition("PlateNo", Operator.LIKE, ("川HA5",))),
        ("PlateNo+like+'%25川HA5%25'", Condition("PlateNo", Operator.LIKE, ("川HA5",))),
        ("PlateNo Like " + quote("川HA5", encoding="gbk"), Condition("PlateNo", Operator.LIKE, ("川HA5",))),
        ("PassTime Between '20261122000000','20261122235959'", Condition("PassTime", Operator.BETWEEN, (SINCE, UNTIL))),
        ("PassTime between 20261122000000 and 20261122235959", Condition("PassTime", Operator.BETWEEN, (SINCE, UNTIL))),
        ("(PlateColor In ('5','6'))", Condition("PlateColor", Operator.IN, ("5", "6"))),
        ("PlateColor in 5,6", Condition("PlateColor", Operator.IN, ("5", "6"))),
        ("LaneNo<>2", Condition("LaneNo", Operator.UNEQUAL, (2,))),
        ("Speed > 40.5", Condition("Speed", Operator.GREATER, (40.5,))),
        ("HasPlate=true", Condition("HasPlate", Operator.EQUAL, (True,))),
    ],
)
def test_operators_and_types(query: str, condition: Condition) -> None:
    assert parse_query("motor_vehicle", query).conditions == (condition,)


def test_pages_are_capped_and_begin_at_one() -> None:
    assert parse_query("face", "") == Query()
    assert (Query().first, Query().count) == (1, 20)
    assert parse_query("face", "PageRecordNum=9999").count == 500


@pytest.mark.parametrize(
    ("query", "sort", "descending"),
    [
        ("Sort=ShotTime", "ShotTime", False),
        ("Sort=ShotTime&Order=desc", "ShotTime", True),
        ("sort=-Face.ShotTime", "ShotTime", True),
        ("Sort=ShotTime DESC", "ShotTime", True),
    ],
)
def test_order(query: str, sort: str, *, descending: bool) -> None:
    found = parse_query("face", query)
    assert (found.sort, found.descending) == (sort, descending)


def test_a_list_of_identifiers_is_taken() -> None:
    assert parse_query("face", "IDList=F1,F2;F3").ids == ("F1", "F2", "F3")


@pytest.mark.parametrize(
    "query",
    [
        "Colour=5",
        "Face.Colour=5",
        "Person.DeviceID=1",
        "DeviceID",
        "DeviceID~1",
        "ShotTime>=yesterday",
        "LeftTopX=two",
        "ShotTime between 20261122000000",
        "DeviceID in ()",
        "PageRecordNum=0",
        "PageRecordNum=many",
        "RecordStartNo=-1",
        "Sort=Colour",
        "DeviceID=../../x",
        "SubImageList=1",
        "DeviceID like %25",
        "%FF%FF=1",
        "DeviceID=1&" * 40,
        "DeviceID=" + "1" * 20_000,
    ],
)
def test_what_is_not_understood_is_refused_with_code_8(query: str) -> None:
    with pytest.raises(ViidError) as caught:
        parse_query("face", query)
    assert caught.value.code == 8


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_anything_is_read_or_refused(query: str | bytes) -> None:
    with suppress(ViidError):
        parse_query("motor_vehicle", query)
