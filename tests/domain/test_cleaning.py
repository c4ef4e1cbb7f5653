"""Cleaning flags what is odd and loses nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain.cleaning import Reporter, ZoneName, clean, clean_text, judge_time
from anju.domain.events import DeviceReport, Event, EventKind, EventState

AT = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
WALL = ZoneName("西墙 3 号", "wall", "/510800/510802/site/wall/", "西围墙")
PANEL = Reporter(
    "p1", "周界主机", "site", "site", "/510800/510802/site/", "东坝一号院", "510802530000", {("01", "003"): WALL}
)
REPORT = DeviceReport(
    protocol="dc09",
    account="0/1234",
    kind=EventKind.INTRUSION,
    state=EventState.ACTIVE,
    code_space="contact_id",
    code="130",
    area="01",
    zone="003",
    occurred_at=AT,
    dedup_key="0001|08:15:30",
    dedup_window_s=60,
    frame=b"",
    peer="127.0.0.1",
)


def event(report: DeviceReport = REPORT, reporter: Reporter = PANEL) -> Event:
    return clean(report, reporter, event_id=UUID(int=1), at=AT)


def test_a_known_zone_names_its_place() -> None:
    assert (event().place_name, event().zone_name, event().level, event().flags) == ("西围墙", "西墙 3 号", 2, ())


def test_an_unknown_zone_is_flagged_and_stands_where_the_panel_stands() -> None:
    found = event(replace(REPORT, zone="099"))
    assert (found.place_name, found.flags) == ("东坝一号院", ("zone_unknown",))


def test_the_whole_panel_is_no_unknown_zone() -> None:
    assert event(replace(REPORT, zone="000")).flags == ()


def test_a_zone_may_know_better_what_its_signal_means() -> None:
    button = replace(PANEL, zones={("01", "003"): replace(WALL, kind=EventKind.PANIC)})
    assert (event(reporter=button).kind, event(reporter=button).level) == (EventKind.PANIC, 1)


@pytest.mark.parametrize("kind", [EventKind.POWER, EventKind.TAMPER, EventKind.BYPASS])
def test_a_low_battery_in_a_panic_button_is_no_panic(kind: EventKind) -> None:
    button = replace(PANEL, zones={("01", "003"): replace(WALL, kind=EventKind.PANIC)})
    assert event(replace(REPORT, kind=kind), button).kind is kind


@pytest.mark.parametrize(
    ("offset", "flags"),
    [
        (timedelta(minutes=5), ()),
        (timedelta(minutes=6), ("clock_future",)),
        (-timedelta(hours=24), ()),
        (-timedelta(hours=25), ("late",)),
    ],
)
def test_odd_clocks_are_flagged(offset: timedelta, flags: tuple[str, ...]) -> None:
    assert judge_time(AT + offset, at=AT) == (AT + offset, flags)


def test_an_impossible_time_is_no_time() -> None:
    assert judge_time(datetime(1970, 1, 1, tzinfo=UTC), at=AT) == (None, ("time_invalid",))


def test_the_offset_is_device_minus_platform() -> None:
    assert event(replace(REPORT, occurred_at=AT - timedelta(seconds=2))).clock_offset_ms == -2000


@given(st.text(st.characters()))
def test_cleaned_text_can_be_stored_and_cleaning_again_changes_nothing(text: str) -> None:
    assert "\0" not in clean_text(text)
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_whatever_a_device_tells_becomes_an_event(detail: dict[str, str | int]) -> None:
    assert event(replace(REPORT, detail=detail)).kind is EventKind.INTRUSION
