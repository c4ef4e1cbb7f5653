"""The alarm list, every step on an alarm, floods by groups, drills, the export.

Source: 4.2.1.3 (prompt and handling), 5.1.2.4 (alarms shown with place and type).
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from anju.control.desk import GROUP_MOST
from anju.domain.alarms import FINDINGS, Alarm, AlarmState, Instruction, Step, finding_class
from anju.domain.drills import DRILL_MOST, DrillKind, Plan, Source
from anju.domain.events import EventKind
from anju.domain.rights import Action
from anju.errors import Forbidden, NotFound
from anju.store import alarms, commands, drills, events
from anju.store.alarms import Wanted
from anju.web import tables, ticketed
from anju.web.context import Here, Me
from anju.web.paging import FIRST, PageQuery
from anju.web.tables import Form, Table
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/alarms", tags=["alarms"])
EXPORT_MOST = 20_000
Given = Annotated[Name, Query()]


class ByHand(StrEnum):
    """The steps that persons take."""

    ACKNOWLEDGE = Step.ACKNOWLEDGE
    TAKE_OVER = Step.TAKE_OVER
    JOIN = Step.JOIN
    HANDLE = Step.HANDLE
    FINDING = Step.FINDING
    NOTE = Step.NOTE
    CLOSE = Step.CLOSE
    UNDO_CLOSE = Step.UNDO_CLOSE
    REVIEW = Step.REVIEW
    SHELVE = Step.SHELVE
    UNSHELVE = Step.UNSHELVE


NEEDS = {
    ByHand.REVIEW: Action.ALARMS_REVIEW,
    ByHand.SHELVE: Action.ALARMS_SHELVE,
    ByHand.UNSHELVE: Action.ALARMS_SHELVE,
}
"""What a step needs; all others need ``alarms.handle``."""


class Which(StrEnum):
    """Which states a list shows."""

    OPEN = "open"
    ALL = "all"
    NEW = AlarmState.NEW
    ACKNOWLEDGED = AlarmState.ACKNOWLEDGED
    HANDLING = AlarmState.HANDLING
    TO_REVIEW = AlarmState.TO_REVIEW
    CLOSED = AlarmState.CLOSED

    def states(self) -> tuple[AlarmState, ...]:
        """Return them."""
        if self is Which.OPEN:
            return tuple(each for each in AlarmState if each is not AlarmState.CLOSED)
        return tuple(AlarmState) if self is Which.ALL else (AlarmState(self),)


class How(Body):
    """The words that come with a step."""

    finding: Name = ""
    note: Note = ""
    until: Time | None = None
    person_on_site: Name = ""
    expected_version: int | None = Field(None, ge=1)


class SourceBody(Body):
    """A device, or one of its zones, and the life kinds that take part there."""

    device_id: Name
    zone: Name = ""
    kinds: list[EventKind] = Field(default=[], max_length=20)


class DrillBody(Body):
    """A drill: what takes part, why, until when."""

    kind: DrillKind = DrillKind.DRILL
    sources: list[SourceBody] = Field(max_length=200)
    reason: Note
    ends_at: Time | None = None
    minutes: int | None = Field(None, ge=1, le=int(DRILL_MOST.total_seconds()) // 60)


def wanted(
    state: Which = Which.OPEN,
    level: Annotated[int | None, Query(ge=1, le=4)] = None,
    kind: EventKind | None = None,
    place: Given = "",
    site: Given = "",
    device: Given = "",
    q: Given = "",
    since: Time | None = None,
    until: Time | None = None,
    drill: bool | None = None,  # noqa: FBT001 - a query's word
) -> Wanted:
    """Return which alarms a query asks for."""
    return Wanted(state.states(), level, kind, place, site, device, q, since, until, drill)


Filters = Annotated[Wanted, Depends(wanted)]


@router.get("")
async def list_alarms(filters: Filters, page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """Alarms, newest first."""
    scope = await me.may(Action.ALARMS_READ)
    rows = await alarms.page(here.db, scope, filters, before=page.before, limit=page.limit)
    return page.answer([ticketed.alarm(me, row) for row in rows], lambda row: (row["raised_at"], row["id"]))


@router.get("/counters")
async def counters(me: Me, here: Here) -> dict[int, int]:
    """How many wait for somebody, by level; drills are not counted."""
    return await alarms.counters(here.db, await me.may(Action.ALARMS_READ))


@router.get("/findings")
async def findings(kind: EventKind, me: Me) -> dict[str, Any]:
    """Findings that fit a kind of alarm, each with its digit."""
    await me.may(Action.ALARMS_READ)
    named = enumerate(FINDINGS[finding_class(kind)], start=1)
    items = [{"digit": digit, "finding": finding} for digit, finding in named if finding]
    return {"class": finding_class(kind), "items": items}


@router.get("/groups")
async def groups(me: Me, here: Here) -> dict[str, Any]:
    """What waits, by device and kind; ``storm`` says that more came than anybody reads one by one."""
    scope = await me.may(Action.ALARMS_READ)
    items = await alarms.groups(here.db, scope, limit=GROUP_MOST)
    return {"items": items, "next": None, "storm": await alarms.is_storm(here.db, scope, at=here.clock())}


@router.post("/groups/{key}/acknowledge")
async def acknowledge_group(key: Name, me: Me, here: Here) -> dict[str, int]:
    """Acknowledge a group at once; fire, panic, duress and help are skipped, and counted."""
    scope = await me.may(Action.ALARMS_HANDLE)
    return await here.desk.acknowledge_group(me.principal, scope, key, peer=me.peer)


@router.get("/drills")
async def list_drills(page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """Drills and walk tests, newest first."""
    scope = await me.may(Action.ALARMS_READ)
    rows = await drills.page(here.db, scope, before=page.before, limit=page.limit)
    return page.answer(rows, lambda row: (row["begins_at"], row["id"]))


@router.post("/drills", status_code=201)
async def start_drill(told: DrillBody, me: Me, here: Here) -> dict[str, Any]:
    """Begin a drill on named sources; it ends by itself within two hours."""
    scope = await me.may(Action.ALARMS_DRILL)
    ends_at = told.ends_at or here.clock() + timedelta(minutes=told.minutes or 60)
    sources = tuple(Source(each.device_id, each.zone, tuple(each.kinds)) for each in told.sources)
    plan = Plan(told.kind, sources, ends_at, told.reason)
    return drills.body(await here.desk.start_drill(me.principal, scope, plan, peer=me.peer))


@router.post("/drills/{drill_id}/end")
async def end_drill(drill_id: UUID, me: Me, here: Here) -> dict[str, Any]:
    """End a drill now."""
    scope = await me.may(Action.ALARMS_DRILL)
    return drills.body(await here.desk.end_drill(me.principal, scope, drill_id, peer=me.peer))


@router.get("/export.csv")
async def export(filters: Filters, me: Me, here: Here) -> Response:
    """All alarms of a filter as CSV; ``X-Anju-Rows`` says how many, ``X-Anju-Cut`` whether there are more."""
    scope = await me.may(Action.ALARMS_EXPORT)
    await here.sessions.fresh(me.session)
    rows = await alarms.page(here.db, scope, filters, before=FIRST, limit=EXPORT_MOST + 1)
    kept = rows[:EXPORT_MOST]
    table = Table("alarms", [*COLUMNS, "owner"], [cells(row) for row in kept], cut=len(rows) > len(kept))
    async with me.acting(Action.ALARMS_EXPORT, "alarms", {"rows": len(kept), "filters": repr(filters)}):
        return await tables.answer(table, Form.CSV, here.clock())


@router.get("/{alarm_id}")
async def one(alarm_id: UUID, me: Me, here: Here) -> dict[str, Any]:
    """One alarm with its steps, its first event, and the commands about it."""
    scope = await me.may(Action.ALARMS_READ)
    alarm = await alarms.one(here.db, scope, alarm_id)
    steps = await alarms.steps(here.db, scope, alarm_id)
    try:
        found = await events.one(here.db, scope, UUID(alarm["event_id"]))
        event = ticketed.of_alarm(me, found, home_node=alarm["home_node"])
    except NotFound:  # dropped by retention before its alarm, or still on its way up
        event = None
    sent = await commands.page(here.db, scope, target_id=str(alarm_id), before=FIRST, limit=50)
    return {
        **ticketed.alarm(me, alarm),
        "steps": steps,
        "event": event,
        "commands": [commands.body(each) for each in sent],
    }


@router.post("/{alarm_id}/{step}", responses={202: {"description": "sent to the node that raised the alarm"}})
async def act(alarm_id: UUID, step: ByHand, how: How, me: Me, here: Here) -> Any:
    """Take a step: 200 with the alarm after it where it was raised here, 202 where it was sent down."""
    if me.session.locked and step is not ByHand.ACKNOWLEDGE:
        raise Forbidden("locked", "the desk is locked: it acknowledges, nothing else")
    scope = await me.may(NEEDS.get(step, Action.ALARMS_HANDLE))
    words = Instruction(Step(step), how.finding, how.note, how.until, how.person_on_site)
    after = await here.desk.act(
        me.principal, scope, alarm_id, words, expected_version=how.expected_version, peer=me.peer
    )
    if isinstance(after, Alarm):
        return ticketed.alarm(me, await alarms.one(here.db, scope, alarm_id))
    return JSONResponse({"state": "sent", "command_id": str(after.id)}, 202)


COLUMNS = (
    *("id", "raised_at", "level", "state", "kind", "code", "site_name", "place_name", "device_name", "zone"),
    *("zone_name", "count", "active", "returned", "ended_by", "drill", "finding", "note", "acknowledged_at"),
    *("closed_at", "escalation", "home_node"),
)


def cells(row: dict[str, Any]) -> list[Any]:
    """Return an alarm as a line of a file: ``COLUMNS``, then who handles it."""
    return [*(row[name] for name in COLUMNS), row["owner"]["name"] if row["owner"] else ""]
