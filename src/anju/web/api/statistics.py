"""Figures over time, within what the caller may see.

Source: 4.2.1.4 (statistics).
"""

from datetime import UTC, timedelta
from typing import Any, Literal

from fastapi import APIRouter

from anju.domain.rights import Action
from anju.store import statistics
from anju.store.statistics import Period
from anju.web.context import Here, Me
from anju.web.periods import Given, Series, Zone, bounds, period, zone_of
from anju.web.words import Time

router = APIRouter(prefix="/statistics", tags=["statistics"])
Subject = Literal["passages", "sightings"]


@router.get("/alarms")
async def alarms(asked: Series, me: Me, here: Here) -> dict[str, Any]:
    """How many alarms were raised, by hour or day, level and kind; the last 24 hours where nothing is said."""
    scope = await me.may(Action.STATISTICS_READ)
    return asked.answer(await statistics.alarms(here.db, scope, asked.period, by=asked.by, place=asked.place))


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
    asked = period(here.clock(), since, until, "UTC")
    items = await statistics.handling(here.db, scope, asked, place=place)
    return {**bounds(asked), "items": items}


@router.get("/summary")
async def summary(me: Me, here: Here, zone: Zone = "Asia/Shanghai") -> dict[str, Any]:
    """The figures of the front page."""
    scope = await me.may(Action.STATISTICS_READ)
    now = here.clock()
    midnight = now.astimezone(zone_of(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Period(midnight.astimezone(UTC), now + timedelta(hours=1), zone)
    return await statistics.summary(here.db, scope, today)


@router.get("/{subject}")
async def series(subject: Subject, asked: Series, me: Me, here: Here) -> dict[str, Any]:
    """How many vehicles passed (by direction) or persons were seen (by kind), by hour or day, from the roll-ups."""
    scope = await me.may(Action.STATISTICS_READ)
    items = await statistics.counted(here.db, scope, asked.period, metric=subject, by=asked.by, place=asked.place)
    return asked.answer(items)
