"""Silence of a panel: learned or declared rhythm, two misses and 30 s, told once, ended when heard."""

from datetime import UTC, datetime, timedelta

import pytest

from anju.domain.events import EventState
from anju.domain.supervision import Supervision

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(supervision: Supervision, seconds: float) -> list[EventState]:
    found = supervision.due(after(seconds))
    for each in found:
        supervision.told(each)
    return [each.state for each in found]


@pytest.fixture
def lines() -> Supervision:
    found = Supervision("dc09", since=START)
    found.restore("0/1234", interval_s=60)
    return found


def test_two_missed_intervals_and_half_a_minute_are_an_alarm_once(lines: Supervision) -> None:
    lines.heard("0/1234", after(60), sign=True)
    assert [told(lines, at) for at in (209, 210, 211)] == [[], [EventState.ACTIVE], []]


def test_the_alarm_ends_when_the_panel_is_heard_again(lines: Supervision) -> None:
    assert told(lines, 150) == [EventState.ACTIVE]
    lines.heard("0/1234", after(200), sign=False)
    assert [told(lines, at) for at in (200, 201)] == [[EventState.CLEARED], []]


def test_what_was_not_kept_is_told_again(lines: Supervision) -> None:
    assert lines.due(after(150)) == lines.due(after(150)) != []


def test_any_frame_is_a_sign_of_life(lines: Supervision) -> None:
    lines.heard("0/1234", after(149), sign=False)
    assert told(lines, 150) == []


def test_our_own_absence_is_not_the_panels_silence() -> None:
    lines = Supervision("dc09", since=START)
    lines.restore("0/1234", interval_s=60, last=after(-9999))
    assert [told(lines, at) for at in (149, 150)] == [[], [EventState.ACTIVE]]


def test_a_panel_told_silent_before_the_restart_is_told_back_and_not_silent_again() -> None:
    lines = Supervision("dc09", since=START)
    lines.restore("0/1234", interval_s=60, last=after(-9999), silent=True)
    assert told(lines, 999) == []
    lines.heard("0/1234", after(1000), sign=True)
    assert told(lines, 1000) == [EventState.CLEARED]


def test_the_interval_is_learned_from_two_gaps_and_repeats_do_not_count() -> None:
    lines = Supervision("dc09", since=START)
    for at in (0, 60, 61, 120):
        lines.heard("0/5678", after(at), sign=True)
    assert lines.fresh()["0/5678"].interval_s == 60
    assert [told(lines, at) for at in (269, 270)] == [[], [EventState.ACTIVE]]


def test_a_panel_without_rhythm_is_never_overdue() -> None:
    lines = Supervision("dc09", since=START)
    lines.heard("0/5678", START, sign=False)
    assert told(lines, 999_999) == []


def test_what_is_fresh_is_taken_once(lines: Supervision) -> None:
    lines.heard("0/1234", after(5), sign=True)
    assert [list(lines.fresh()), list(lines.fresh())] == [["0/1234"], []]
