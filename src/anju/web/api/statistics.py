"""Figures over time, within what the caller may see.

Source: 4.2.1.4 (statistics).
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from anju.domain.rights import Action
from anju.errors import Invalid
from anju.store import statistics
from anju.store.statistics import By, Period
from anju.web.context import Here, Me
from anju.web.words import Name, Time

router = APIRouter(prefix="/statistics", tags=["statistics"])
MOST: dict[By, timedelta] = {"hour": timedelta(days=32), "day": timedelta(days=400)}
Zone = Annotated[Name, Query()]
Given = Annotated[Name, Query()]
Subject = Literal["passages", "sightings"]


@router.get("/alarms")
async def alarms(
    me: Me,
    here: Here,
    by: By = "hour",
    since: Time | None = None,
    until: Time | None = None,
    place: Given = "",
    zone: Zone = "Asia/Shanghai",
) -> dict[str, Any]:
    """How many alarms were raised, by hour or day, level and kind; the last 24 hours where nothing is said."""
    scope = await me.may(Action.STATISTICS_READ)
    period = asked(here.clock(), since, until, zone, most=MOST[by])
    items = await statistics.alarms(here.db, scope, period, by=by, place=place)
    return {"by": by, "since": period.since.isoformat(), "until": period.until.isoformat(), "items": items}


@router.get("/handling")
async def handling(
    me: Me,
    here: Here,
    since: Time | None = None,
    until: Time | None = None,
    place: Given = "",
) -> dict[str, Any]:
    """How fast alarms were acknowledged and closed, and what they were found to be, by level."""
    scope = await me.may(Action.STATISTICS_READ)
    period = asked(here.clock(), since, until, "UTC", most=MOST["day"])
    items = await statistics.handling(here.db, scope, period, place=place)
    return {"since": period.since.isoformat(), "until": period.until.isoformat(), "items": items}


@router.get("/summary")
async def summary(me: Me, here: Here, zone: Zone = "Asia/Shanghai") -> dict[str, Any]:
    """The figures of the front page."""
    scope = await me.may(Action.STATISTICS_READ)
    now = here.clock()
    midnight = now.astimezone(_zone(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Period(midnight.astimezone(UTC), now + timedelta(hours=1), zone)
    return await statistics.summary(here.db, scope, today)


@router.get("/{subject}")
async def series(
    subject: Subject,
    me: Me,
    here: Here,
    by: By = "hour",
    since: Time | None = None,
    until: Time | None = None,
    place: Given = "",
    zone: Zone = "Asia/Shanghai",
) -> dict[str, Any]:
    """How many vehicles passed (by direction) or persons were seen (by kind), by hour or day, from the roll-ups."""
    scope = await me.may(Action.STATISTICS_READ)
    period = asked(here.clock(), since, until, zone, most=MOST[by])
    items = await statistics.counted(here.db, scope, period, metric=subject, by=by, place=place)
    return {"by": by, "since": period.since.isoformat(), "until": period.until.isoformat(), "items": items}


def asked(now: datetime, since: datetime | None, until: datetime | None, zone: str, *, most: timedelta) -> Period:
    """Return the period widened to full hours. Raises Invalid for one that is empty or longer than ``most``."""
    _zone(zone)
    end = _full_hour((until or now).astimezone(UTC) + timedelta(hours=1) - timedelta(microseconds=1))
    begin = _full_hour(since.astimezone(UTC) if since else end - timedelta(days=1))
    if not timedelta(0) < end - begin <= most:
        raise Invalid("period", f"a period of at most {most.days} days, its beginning before its end")
    return Period(begin, end, zone)


def _full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Invalid("zone", "no such time zone") from error
