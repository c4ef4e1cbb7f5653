"""Plans of recording: thirty days are the floor, and who gives way first when a disk is nearly full."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from anju.domain.recording import (
    DAY,
    By,
    Kept,
    Plan,
    Source,
    begins,
    day_of,
    days_between,
    may_record,
    projected_days,
    read_plan,
    threshold,
    written,
)
from anju.errors import Invalid

GB = 10**9
NIGHTS = [[[0, 360], [1320, 1440]]] * 7  # from 22:00 to 6:00


def test_an_nvr_is_never_doubled_by_default() -> None:
    assert read_plan({}) == Plan()
    assert Plan().sources() == (Source.DEVICE,)
    assert not Plan().here


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"days": 29}, "plan_days"),
        ({"days": 7, "kept": "fall"}, "plan_reason"),
        ({"days": 7, "kept": "fall", "reason": "  "}, "plan_reason"),
        ({"days": 2, "kept": "fall", "reason": "x"}, "plan"),
        ({"by": "nobody"}, "plan"),
        ({"week": [[]] * 6}, "plan"),
        ({"week": [[[60, 60]]] * 7}, "plan"),
        ({"week": [[[0, 1441]]] * 7}, "plan"),
        ({"week": [[["0", 5]]] * 7}, "plan"),
        ({"priority": 0}, "plan"),
        ({"priority": True}, "plan"),
    ],
)
def test_a_plan_that_is_off_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_plan(given)
    assert refused.value.code == code


def test_a_fall_finder_may_keep_less_with_a_reason() -> None:
    plan = read_plan({"by": "platform", "days": 7, "kept": "fall", "reason": "高空抛物摄像机，5.4.2.7"})
    assert (plan.days, plan.floor_days, plan.kept) == (7, 7, Kept.FALL)


def test_the_floor_of_a_camera_that_keeps_more_is_thirty_days() -> None:
    assert read_plan({"days": 90}).floor_days == 30


def test_a_plan_reads_what_it_wrote() -> None:
    plan = read_plan({"by": "both", "week": NIGHTS, "events": True, "priority": 9})
    assert read_plan(written(plan)) == plan


def test_a_time_table_is_of_the_local_clock() -> None:
    plan = read_plan({"by": "platform", "week": NIGHTS})
    assert plan.wants(datetime(2026, 11, 24, 14, 0, tzinfo=UTC))  # 22:00 in the community
    assert not plan.wants(datetime(2026, 11, 24, 13, 59, tzinfo=UTC))
    assert sum(plan.wanted(date(2026, 11, 24))) == 480


def test_nothing_is_wanted_of_a_camera_nobody_records() -> None:
    assert not any(Plan(By.NONE).wanted(date(2026, 11, 24)))
    assert not Plan(By.NONE, events=True).here


def test_events_alone_keep_the_platform_recording() -> None:
    assert Plan(By.NVR, events=True).here


def test_a_day_begins_at_local_midnight() -> None:
    assert day_of(datetime(2026, 11, 24, 16, 0, tzinfo=UTC)) == date(2026, 11, 25)
    assert begins(date(2026, 11, 25)) == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    midnight = begins(date(2026, 11, 25))
    assert days_between(midnight - timedelta(hours=1), midnight) == [date(2026, 11, 24)]
    assert len(Plan().wanted(date(2026, 11, 25))) == DAY


def test_the_least_important_camera_gives_way_first() -> None:
    assert [threshold(each, 8 * GB) // GB for each in (1, 5, 9)] == [8, 12, 16]
    assert [may_record(each, 13 * GB, 8 * GB, recording=True) for each in (1, 5, 9)] == [True, True, False]
    assert not may_record(1, 8 * GB - 1, 8 * GB, recording=True)


def test_who_stopped_begins_again_only_with_room_to_spare() -> None:
    assert may_record(1, 8 * GB, 8 * GB, recording=True)
    assert not may_record(1, 8 * GB, 8 * GB, recording=False)
    assert may_record(1, 9 * GB, 8 * GB, recording=False)


def test_projected_days() -> None:
    assert projected_days(1_296 * GB, 43.2 * GB) == pytest.approx(30)
    assert projected_days(1, 0) == float("inf")
