"""Which time figures are asked for, and the answer that says it again: read in one place for all statistics.

Source: 4.2.1.4 (statistics).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from anju.errors import Invalid
from anju.store.statistics import By, Period
from anju.web.context import Here
from anju.web.words import Name, Time

MOST: Mapping[By, timedelta] = {"hour": timedelta(days=32), "day": timedelta(days=400)}
Zone = Annotated[Name, Query()]
Given = Annotated[Name, Query()]


@dataclass(frozen=True, slots=True)
class Asked:
    """A series that is asked for: of which period, in which steps, below which place (any where it is empty)."""

    period: Period
    by: By
    place: str

    def answer(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the answer of a series."""
        return {"by": self.by, **bounds(self.period), "items": items}


def series(
    here: Here,
    by: By = "hour",
    since: Time | None = None,
    until: Time | None = None,
    place: Given = "",
    zone: Zone = "Asia/Shanghai",
) -> Asked:
    """Return the series a query asks for, the last 24 hours where it says nothing. Raises Invalid."""
    return Asked(period(here.clock(), since, until, zone, most=MOST[by]), by, place)


Series = Annotated[Asked, Depends(series)]


def bounds(asked: Period) -> dict[str, str]:
    """Return the period as answers say it."""
    return {"since": asked.since.isoformat(), "until": asked.until.isoformat()}


def period(
    now: datetime, since: datetime | None, until: datetime | None, zone: str, *, most: timedelta = MOST["day"]
) -> Period:
    """Return the period widened to full hours. Raises Invalid for one that is empty or longer than ``most``."""
    zone_of(zone)
    end = _full_hour((until or now).astimezone(UTC) + timedelta(hours=1) - timedelta(microseconds=1))
    begin = _full_hour(since.astimezone(UTC) if since else end - timedelta(days=1))
    if not timedelta(0) < end - begin <= most:
        raise Invalid("period", f"a period of at most {most.days} days, its beginning before its end")
    return Period(begin, end, zone)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Invalid("zone", "no such time zone") from error


def _full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
