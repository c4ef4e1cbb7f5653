"""The ledger: each minute has one code, gaps have a class, and the rate is seconds over seconds."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain import recorded
from anju.domain.recorded import GONE, LACKING, NOT_WANTED, Gap, Lack, Minute, blank, completeness, count, settle
from anju.domain.recording import DAY, begins
from anju.domain.video import NO_PICTURE

TODAY = date(2026, 11, 24)
MIDNIGHT = begins(TODAY)
ALL = b"\1" * DAY
OFFLINE = [Lack.DEVICE_OFFLINE] * DAY
IDLE = [Lack.NOT_RECORDING] * DAY


def at(hour: int, minute: int = 0, second: float = 0) -> datetime:
    return MIDNIGHT + timedelta(hours=hour, minutes=minute, seconds=second)


def looked(*spans: tuple[datetime, datetime], why: list[Lack] = OFFLINE) -> bytes:
    return settle(blank(), recorded.seconds_of(TODAY, spans), ALL, why)


def test_a_gap_of_seven_minutes_is_found_classed_and_sharp_to_the_second() -> None:
    codes = looked((at(0), at(10, 0, 20)), (at(10, 7, 20), at(24)))
    assert recorded.gaps(TODAY, codes) == [Gap(at(10, 0, 20), at(10, 7, 20), Lack.DEVICE_OFFLINE)]


def test_a_few_seconds_beside_a_gap_belong_to_it() -> None:
    codes = looked((at(0), at(10, 0, 58)), (at(10, 7, 58), at(20)), (at(20, 5, 2), at(24)))
    assert [(each.start, each.end) for each in recorded.gaps(TODAY, codes)] == [
        (at(10, 0, 58), at(10, 7, 58)),
        (at(20), at(20, 5, 2)),
    ]


def test_gaps_of_two_classes_are_two() -> None:
    codes = looked((at(0), at(10)), (at(10, 7), at(24)))
    mixed = settle(codes, bytes(DAY), ALL, IDLE, first=603, last=607)
    found = recorded.gaps(TODAY, mixed)
    assert [(each.why, each.end - each.start) for each in found] == [
        (Lack.DEVICE_OFFLINE, timedelta(minutes=3)),
        (Lack.NOT_RECORDING, timedelta(minutes=4)),
    ]


def test_a_lonely_minute_with_a_part_missing_is_a_gap_of_its_own() -> None:
    codes = looked((at(0), at(10, 0, 10)), (at(10, 0, 40), at(24)))
    assert recorded.gaps(TODAY, codes) == [Gap(at(10), at(10, 1), Lack.PARTIAL)]


def test_seams_between_files_are_no_gap() -> None:
    minutes = [(at(0, n), at(0, n, 58.8)) for n in range(60)]
    assert recorded.gaps(TODAY, settle(looked(*minutes), bytes(DAY), bytes(DAY), IDLE, first=60)) == []


def test_what_overlaps_counts_once() -> None:
    assert sum(recorded.seconds_of(TODAY, [(at(1), at(2)), (at(1, 30), at(2)), (at(2), at(1))])) == 3600


def test_spans_beyond_the_day_are_cut() -> None:
    assert sum(recorded.seconds_of(TODAY, [(at(-1), at(0, 1)), (at(23, 59), at(25))])) == 120


def test_what_was_recorded_and_is_not_found_any_more_has_expired() -> None:
    first = looked((at(0), at(24)))
    later = settle(first, recorded.seconds_of(TODAY, [(at(1), at(24))]), ALL, IDLE)
    assert recorded.gaps(TODAY, later) == [Gap(at(0), at(1), Lack.EXPIRED)]
    assert completeness([count(later)]) == 1.0
    assert count(later).kept_s == 23 * 3600
    again = settle(later, recorded.seconds_of(TODAY, [(at(1), at(24))]), ALL, IDLE)
    assert again == later


def test_outside_the_plan_nothing_lacks() -> None:
    codes = settle(blank(), bytes(DAY), bytes(DAY), IDLE)
    assert set(codes) == {NOT_WANTED}
    assert completeness([count(codes)]) == 1.0


def test_six_hours_of_a_day_are_a_quarter() -> None:
    assert completeness([count(looked((at(6), at(12))))]) == 0.25


def test_minutes_nobody_looked_at_count_nowhere() -> None:
    assert completeness([count(settle(blank(), b"\x3c" * DAY, ALL, IDLE, first=0, last=10))]) == 1.0


def test_either_source_serves_a_minute() -> None:
    ours, theirs = looked((at(0), at(12))), looked((at(11), at(23)), why=IDLE)
    both = recorded.merged(ours, theirs)
    assert completeness([count(both)]) == pytest.approx(23 / 24)
    assert [each.why for each in recorded.gaps(TODAY, both)] == [Lack.DEVICE_OFFLINE]
    assert recorded.merged(blank(), ours) == ours


def test_segments_lie_between_the_gaps() -> None:
    spans = [(at(0, 0, 20), at(10, 0, 20)), (at(10, 7, 20), at(24))]
    assert recorded.segments(TODAY, looked(*spans)) == spans


def test_every_reason_for_no_picture_has_a_class() -> None:
    of_viewers = {"no_recording", "forbidden", "ticket_over", "session_over", "locked", "too_many_viewers"}
    of_viewers |= {"no_decoder", "talk_unsupported"}
    assert {each for each in NO_PICTURE if recorded.lack_of(each) is Lack.UNKNOWN} <= of_viewers


@given(st.binary(min_size=DAY, max_size=DAY), st.binary(min_size=DAY, max_size=DAY))
def test_any_seconds_settle_to_codes(before: bytes, found: bytes) -> None:
    codes = settle(bytes(each % 61 for each in before), bytes(each % 61 for each in found), ALL, IDLE)
    recorded.gaps(TODAY, codes)
    numbers = count(codes)
    assert 0 <= numbers.recorded_s <= numbers.wanted_s == 60 * DAY


@given(st.sampled_from(sorted({0, *range(1, 61), *range(GONE + 1, GONE + 61), *LACKING.values(), NOT_WANTED})))
def test_every_code_says_something(code: int) -> None:
    assert recorded.minute(code) in Minute
