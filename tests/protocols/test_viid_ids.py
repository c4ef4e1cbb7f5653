"""Identifiers of GA/T 1400, by the worked example of an image, a face and a subscription."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import ViidError
from anju.protocols.viid_ids import (
    IMAGE,
    SEEN,
    SUBSCRIPTION,
    BasicId,
    DealingId,
    SeenId,
    made_at,
    read_basic,
    read_dealing,
    read_seen,
    safe,
    stamp,
)

AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)
PICTURE = BasicId("51080200011190000001", IMAGE, AT, 1)
FACE = SeenId(PICTURE, SEEN["face"], 1)
ORDER = DealingId("510802000000", SUBSCRIPTION, datetime(2026, 11, 22, tzinfo=UTC), 1)


def test_the_worked_example_is_built() -> None:
    assert str(PICTURE) == "51080200011190000001022026112208153000001"
    assert str(FACE) == "510802000111900000010220261122081530000010600001"
    assert str(ORDER) == "510802000000032026112208000000001"


def test_the_worked_example_is_read() -> None:
    assert read_basic("51080200011190000001022026112208153000001") == PICTURE
    assert read_seen("510802000111900000010220261122081530000010600001") == FACE
    assert read_dealing("510802000000032026112208000000001") == ORDER


@pytest.mark.parametrize(
    "text", ["", "1", "5" * 40, "5" * 41, "５" * 41, "x" * 41, "51080200011190000001022026132208153000001"]
)
def test_anything_else_is_refused(text: str) -> None:
    for read in (read_basic, read_seen, read_dealing):
        with pytest.raises(ViidError):
            read(text)


def test_the_moment_is_found_in_41_and_48_digits_only() -> None:
    assert made_at(str(PICTURE)) == made_at(str(FACE)) == AT
    assert made_at(str(ORDER)) is None
    assert made_at("free text") is None
    assert made_at("5" * 41) is None


def test_the_year_of_a_stamp_is_the_calendar_year_and_its_hour_counts_to_24() -> None:
    assert stamp(datetime(2026, 12, 31, 10, 30, tzinfo=UTC)) == "20261231183000"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)), st.integers(0, 99_999), st.integers(0, 99_999))  # noqa: DTZ001
def test_what_is_built_is_read(at: datetime, first: int, second: int) -> None:
    built = SeenId(BasicId("5" * 20, IMAGE, at.replace(tzinfo=UTC, microsecond=0), first), "02", second)
    assert read_seen(str(built)) == built


@pytest.mark.parametrize("text", ["../x", "a/b", "a\\b", "%2e%2e", "a..b", "a\0b"])
def test_what_could_be_a_path_is_not_safe(text: str) -> None:
    assert not safe(text)


def test_odd_names_are_safe() -> None:
    assert all(map(safe, ["10086", "cam-1.left", "门口 3", ""]))
