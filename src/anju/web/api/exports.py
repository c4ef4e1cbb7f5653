"""Figures and the rows behind them as files: how many rows is said before, who took them is written down.

Vehicles have their own export beside their search. Source: 4.2.1.4 (statistics and export of records).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response

from anju.domain.events import EventKind
from anju.domain.rights import Action, Scope
from anju.domain.sightings import Sighting
from anju.errors import Invalid
from anju.store import alarms, sightings, statistics
from anju.store.statistics import By
from anju.web import tables
from anju.web.api import alarms as alarm_routes
from anju.web.api.alarms import Which
from anju.web.context import Here, Me, Services
from anju.web.paging import FIRST
from anju.web.periods import MOST, Zone, period
from anju.web.tables import Form, Table
from anju.web.words import Name, Time

router = APIRouter(prefix="/exports", tags=["exports"])
EXPORT_MOST = 20_000
Given = Annotated[Name, Query()]
Figures = Literal["alarms", "passages", "sightings"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file shall hold: rows or figures of one period and place; times are written in ``zone``."""

    since: Time | None = None
    until: Time | None = None
    place: Given = ""
    zone: Zone = "Asia/Shanghai"
    by: By = "hour"
    of: Figures = "alarms"
    kind: Given = ""
    level: Annotated[int | None, Query(ge=1, le=4)] = None


Wanted = Annotated[Asked, Depends()]
Rows = Callable[[Services, Scope, Asked, int], Awaitable[Table]]
"""Reads at most so many rows."""


def _local(at: datetime | None, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") if at else ""


async def _alarms(here: Services, scope: Scope, wanted: Asked, most: int) -> Table:
    kind = _event_kind(wanted.kind)
    filters = alarm_routes.wanted(
        Which.ALL, wanted.level, kind, wanted.place, since=wanted.since, until=wanted.until, drill=False
    )
    rows = await alarms.page(here.db, scope, filters, before=FIRST, limit=most)
    return Table("alarms", [*alarm_routes.COLUMNS, "owner"], [alarm_routes.cells(row) for row in rows])


def _event_kind(name: str) -> EventKind | None:
    if name and name not in set(EventKind):
        raise Invalid("kind", f"there is no kind {name}")
    return EventKind(name) if name else None


_SEEN = (
    *("seen_at 抓拍时间", "kind 类别", "direction 出入", "place 部位", "device 设备", "received_at 平台时间"),
    *("clock_offset_ms 时钟偏差", "pictures 图片数", "flags 标记", "id"),
)


async def _sightings(here: Services, scope: Scope, wanted: Asked, most: int) -> Table:
    """Nothing in these rows names anybody."""
    query = sightings.Query(wanted.kind, wanted.since, wanted.until, "", "", wanted.place, "")
    found = await sightings.search(here.db, scope, query, after=None, limit=most)
    return Table("sightings", _SEEN, [_seen(each, wanted.zone) for each in found])


def _seen(each: Sighting, zone: str) -> list[Any]:
    where = [each.direction, each.place_name, each.device_name, _local(each.received_at, zone)]
    tail = [each.clock_offset_ms, len(each.pictures), " ".join(each.flags), str(each.id)]
    return [_local(each.seen_at, zone), each.kind, *where, *tail]


async def _figures(here: Services, scope: Scope, wanted: Asked, most: int) -> Table:
    """One row for each hour or day and level, kind, or direction."""
    when = period(here.clock(), wanted.since, wanted.until, wanted.zone, most=MOST[wanted.by])
    told: dict[str, Any] = {"by": wanted.by, "place": wanted.place}
    if wanted.of == "alarms":
        found = await statistics.alarms(here.db, scope, when, **told)
        names = ["level", "kind"]
    else:
        found = await statistics.counted(here.db, scope, when, metric=wanted.of, **told)
        names = ["label"]
    times = [_local(datetime.fromisoformat(each["at"]), wanted.zone) for each in found]
    rows = [[at, *(each[name] for name in names), each["count"]] for at, each in zip(times, found, strict=True)]
    return Table(f"statistics-{wanted.of}", ["at 时间", *names, "count 数量"], rows[:most])


SUBJECTS: dict[str, tuple[Action, Rows]] = {
    "alarms": (Action.ALARMS_EXPORT, _alarms),
    "sightings": (Action.PEOPLE_READ, _sightings),
    "statistics": (Action.STATISTICS_READ, _figures),
}
Subject = Literal["alarms", "sightings", "statistics"]


@router.get("/{subject}.{form}")
async def export(subject: Subject, form: Form, wanted: Wanted, me: Me, here: Here) -> Response:
    """Send a file of at most 20,000 rows; ``X-Anju-Rows`` says how many, ``X-Anju-Cut`` whether there are more.

    403 ``reauthenticate``. The operator log says who took what.
    """
    action, read = SUBJECTS[subject]
    scope = await me.may(action)
    await here.sessions.fresh(me.session)
    table = await read(here, scope, wanted, EXPORT_MOST + 1)
    cut = Table(table.name, table.heading, table.rows[:EXPORT_MOST], cut=len(table.rows) > EXPORT_MOST)
    detail = {"rows": len(cut.rows), "form": form, "filters": repr(wanted)}
    async with me.acting(f"export.{subject}", cut.name, detail):
        return await tables.answer(cut, form, here.clock())


@router.get("/{subject}")
async def size(subject: Subject, wanted: Wanted, me: Me, here: Here) -> dict[str, int]:
    """How many rows the file would have; beyond ``most`` only the newest are in it."""
    action, read = SUBJECTS[subject]
    table = await read(here, await me.may(action), wanted, EXPORT_MOST + 1)
    return {"rows": len(table.rows), "most": EXPORT_MOST}
