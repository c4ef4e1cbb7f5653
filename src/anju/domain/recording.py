"""What is recorded of a camera: by whom, when, how long it is kept, and who gives way when a disk is nearly full.

Thirty days are the floor for every camera; only the class that watches for falling objects may be kept shorter, and
then somebody wrote down why. What the standard leaves open is ours and shown as such.
Source: 5.4.1 (recorded, at least 30 days), 5.4.2.7 (falling objects may be kept shorter).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from anju.domain.video import Grade
from anju.errors import Invalid

ZONE = ZoneInfo("Asia/Shanghai")
"""The clock on the wall of a community: days of recording begin at its midnight, and plans are written in it."""
DAY = 1_440  # minutes
FLOOR_DAYS, MOST_DAYS = 30, 3_650
LEAST_FALL_DAYS = 3
PRE_S, POST_S, MOST_EVENT_S = 30, 60, 3_600
MOST_WINDOWS = 24  # of one day


class By(StrEnum):
    """Who records a camera. ``both`` doubles what an NVR does and is never the default."""

    NVR = "nvr"
    PLATFORM = "platform"
    BOTH = "both"
    NONE = "none"


class Kept(StrEnum):
    """Retention class of a camera's recordings."""

    STANDARD = "standard"
    FALL = "fall"  # watches for falling objects


class Source(StrEnum):
    """Where a recording lies."""

    PLATFORM = "platform"
    DEVICE = "device"


Window = tuple[int, int]
"""Minutes of a day, the first included and the last not: (480, 1080) is from 8:00 to 18:00."""
ALWAYS: tuple[tuple[Window, ...], ...] = (((0, DAY),),) * 7


@dataclass(frozen=True, slots=True)
class Plan:
    """How one camera is recorded.

    ``week`` has the windows of each day, Monday first, on the clock of ZONE. With ``events`` the platform records
    besides from ``pre_s`` before an event to ``post_s`` after its last report. ``days`` are kept; ``priority`` 1 is
    the last to give way when a disk is nearly full, 9 the first. ``reason`` says why a fall finder keeps less.
    """

    by: By = By.NVR
    week: tuple[tuple[Window, ...], ...] = ALWAYS
    events: bool = False
    pre_s: int = PRE_S
    post_s: int = POST_S
    days: int = FLOOR_DAYS
    kept: Kept = Kept.STANDARD
    reason: str = ""
    priority: int = 5
    grade: Grade = Grade.MAIN

    @property
    def here(self) -> bool:
        """Return whether the platform records, by time or by event."""
        return self.by in {By.PLATFORM, By.BOTH} or (self.events and self.by is not By.NONE)

    @property
    def floor_days(self) -> int:
        """Return the days below which nothing ends these recordings, not even a full disk. Source: 5.4.1, 5.4.2.7."""
        return self.days if self.kept is Kept.FALL else FLOOR_DAYS

    def sources(self) -> tuple[Source, ...]:
        """Return where recordings by the time table must be found."""
        found = {By.NVR: (Source.DEVICE,), By.PLATFORM: (Source.PLATFORM,), By.BOTH: (Source.PLATFORM, Source.DEVICE)}
        return found.get(self.by, ())

    def wants(self, at: datetime) -> bool:
        """Return whether the time table asks for recording at ``at``."""
        local = at.astimezone(ZONE)
        minute = local.hour * 60 + local.minute
        return self.by is not By.NONE and any(first <= minute < last for first, last in self.week[local.weekday()])

    def wanted(self, day: date) -> bytes:
        """Return for each minute of ``day`` 1 where the time table asks for recording, else 0."""
        mask = bytearray(DAY)
        for first, last in self.week[day.weekday()] if self.by is not By.NONE else ():
            mask[first:last] = b"\1" * (last - first)
        return bytes(mask)


def read_plan(given: Mapping[str, Any]) -> Plan:
    """Return the plan that a channel's JSON holds; what it does not name is as by default.

    Raises Invalid that names the word which is off. Source: 5.4.1 (not below 30 days), 5.4.2.7.
    """
    try:
        plan = Plan(
            by=By(given.get("by", By.NVR)),
            week=_week(given.get("week")),
            events=bool(given.get("events", False)),
            pre_s=_number(given, "pre_s", PRE_S, 0, PRE_S),
            post_s=_number(given, "post_s", POST_S, 5, MOST_EVENT_S),
            days=_number(given, "days", FLOOR_DAYS, LEAST_FALL_DAYS, MOST_DAYS),
            kept=Kept(given.get("kept", Kept.STANDARD)),
            reason=str(given.get("reason", ""))[:200].strip(),
            priority=_number(given, "priority", 5, 1, 9),
            grade=Grade(given.get("grade", Grade.MAIN)),
        )
    except ValueError as error:
        raise Invalid("plan", f"the recording plan is off: {error}") from None
    _check_days(plan)
    return plan


def written(plan: Plan) -> dict[str, Any]:
    """Return the JSON that ``read_plan`` reads."""
    week = None if plan.week == ALWAYS else [[list(each) for each in day] for day in plan.week]
    names = ("by", "events", "pre_s", "post_s", "days", "kept", "reason", "priority", "grade")
    return {name: getattr(plan, name) for name in names} | {"week": week}


def _check_days(plan: Plan) -> None:
    if plan.days >= FLOOR_DAYS:
        return
    if plan.kept is not Kept.FALL:
        raise Invalid("plan_days", f"recordings are kept {FLOOR_DAYS} days at least (5.4.1)")
    if not plan.reason:
        raise Invalid("plan_reason", "write down why this camera's recordings are kept shorter (5.4.2.7)")


def _number(given: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return value


def _week(given: Any) -> tuple[tuple[Window, ...], ...]:
    if given is None:
        return ALWAYS
    if not isinstance(given, Sequence) or len(given) != 7:
        raise ValueError("week has seven days, Monday first")
    return tuple(_windows(day) for day in given)


def _windows(day: Any) -> tuple[Window, ...]:
    if not isinstance(day, Sequence) or len(day) > MOST_WINDOWS:
        raise ValueError(f"a day of the week has at most {MOST_WINDOWS} windows")
    return tuple(sorted(_window(each) for each in day))


def _window(given: Any) -> Window:
    if not isinstance(given, Sequence) or len(given) != 2 or not all(type(each) is int for each in given):
        raise ValueError("a window is two minutes of the day: its first and the one after its last")
    first, last = given
    if not 0 <= first < last <= DAY:
        raise ValueError(f"a window begins before it ends, inside 0 and {DAY}")
    return first, last


def threshold(priority: int, reserve: int) -> int:
    """Return the free bytes below which a camera of ``priority`` gives way: ``reserve`` for 1, twice that for 9."""
    return reserve + reserve * (priority - 1) // 8


def may_record(priority: int, free: int, reserve: int, *, recording: bool) -> bool:
    """Return whether a camera goes on, or begins again, with ``free`` bytes on its volume.

    Who has stopped begins again only a tenth above where it stopped, so that nobody flaps.
    """
    limit = threshold(priority, reserve)
    return free >= limit if recording else free >= limit + limit // 10


def projected_days(room_bytes: int, bytes_per_day: float) -> float:
    """Return the days that ``room_bytes`` hold at ``bytes_per_day``; infinity where nothing comes in.

    Source: 5.4.1 (30 days must fit).
    """
    return room_bytes / bytes_per_day if bytes_per_day > 0 else float("inf")


def day_of(at: datetime) -> date:
    """Return the day of recording that ``at`` belongs to."""
    return at.astimezone(ZONE).date()


def begins(day: date) -> datetime:
    """Return when ``day`` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def days_between(since: datetime, until: datetime) -> list[date]:
    """Return the days that the span from ``since`` until before ``until`` touches."""
    first, last = day_of(since), day_of(until - timedelta(microseconds=1))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
