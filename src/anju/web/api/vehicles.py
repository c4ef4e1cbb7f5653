"""Passages of vehicles: as they come, searched, one by one, corrected, counted by the hour, exported.

Source: 5.2.2.1 (what is told of a passage), 5.2.2.2 (rates), 5.2.2.4 (passages now and before), 4.2.1.4 (statistics).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from anju.domain import plates, vehicles
from anju.domain.accuracy import TARGET
from anju.domain.changes import Lane
from anju.domain.rights import NOWHERE, Action, Located, Scope
from anju.domain.vehicles import COLORS, Correction, Passage
from anju.errors import Conflict, Forbidden, Invalid
from anju.store import events, log, passage_marks, passages, places
from anju.store.passages import Kept
from anju.web import tables, ticketed, traced
from anju.web.context import Caller, Here, Me, Services
from anju.web.paging import FIRST, PageQuery
from anju.web.periods import Series, Zone, bounds, period, zone_of
from anju.web.tables import Form, Table
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/vehicles", tags=["vehicles"])
EXPORT_MOST, EXPORT_STEP = 20_000, 1_000
FRAGMENT_LEAST = 2  # letters
JUDGED_WITHIN = timedelta(days=90)
Given = Annotated[Name, Query()]
Direction = Literal["", "in", "out"]
Color = Annotated[str, Field(pattern=f"^({'|'.join(sorted(COLORS))})?$")]
Code = Annotated[str, Field(pattern="^[0-9A-Z]{0,8}$")]


class CorrectionBody(Body):
    """What a person judged a reading to be, and why; what is left out stays. An empty plate says there was none."""

    reason: Note
    plate: Annotated[str, Field(max_length=15)] | None = None
    plate_class: Code | None = None
    plate_color: Color | None = None
    vehicle_class: Code | None = None
    vehicle_color: Color | None = None
    direction: Direction | None = None
    expected_version: int | None = Field(None, ge=1)


def wanted(
    plate: Given = "",
    fragment: Given = "",
    color: Given = "",
    vehicle_color: Given = "",
    since: Time | None = None,
    until: Time | None = None,
    device: Given = "",
    lane: Given = "",
    site: Given = "",
    place: Given = "",
    direction: Direction = "",
    resident: Given = "",
    resident_id: Given = "",
    kind: Given = "",
    flag: Given = "",
) -> passages.Query:
    """Return which passages a query asks for. Raises Invalid for a fragment that is too short."""
    whole = plates.normalise(plate).plate or plate if plate else ""
    part = "".join(fragment.split()).replace("·", "").upper()
    if part and len(part) < FRAGMENT_LEAST:
        raise Invalid("short_fragment", f"a part of a plate has at least {FRAGMENT_LEAST} letters")
    where = {"device": device, "lane": lane, "site": site, "place": place, "direction": direction}
    whose = {"resident_kind": resident, "resident": resident_id, "kind": kind, "flag": flag}
    look = {"color": color, "vehicle_color": vehicle_color}
    return passages.Query(plate=whole, fragment=part, since=since, until=until, **look, **where, **whose)


Wanted = Annotated[passages.Query, Depends(wanted)]


@router.get("/passages")
async def list_passages(query: Wanted, page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """Passages, newest first. ``plate`` is looked up whole, ``fragment`` anywhere in a plate."""
    scope = await me.may(Action.VEHICLES_READ)
    await _may_ask(me, query)
    after = None if page.before == FIRST else page.before
    found = await passages.search(here.db, scope, query, after=after, limit=page.limit)
    rows = await shown(me, found)
    return page.answer(rows, lambda row: (row["received_at"], row["id"]))


async def _may_ask(me: Caller, query: passages.Query) -> None:
    """Raise Forbidden where somebody looks for one resident's vehicles without the right to know whose they are."""
    if query.resident:
        await me.may(Action.PERSONAL_REVEAL)


async def shown(me: Caller, found: Sequence[Passage]) -> list[dict[str, Any]]:
    """Return passages as lists show them: whose they are hidden, pictures with tickets, who is waited for marked."""
    here = me.services
    names, home = await places.site_names(here.db), await passage_marks.homes(here.db, (p.device_id for p in found))
    waited = await passage_marks.watched(
        here.db, await _may_watch(me), (p.plate for p in found if p.plate), here.clock()
    )
    return [
        ticketed.passage(me, vehicles.body(each), home=home.get(each.device_id, ""))
        | {"site_name": names.get(each.site_id, ""), "watched": passage_marks.is_watched(each, waited)}
        for each in found
    ]


async def _may_watch(me: Caller) -> Scope:
    """Return where the caller may know who is waited for; nowhere is no error."""
    try:
        return await me.may(Action.WATCH_READ)
    except Forbidden:
        return NOWHERE


@router.get("/lanes")
async def lanes(me: Me, here: Here) -> dict[str, Any]:
    """Every lane with the last vehicle it saw."""
    found = await passage_marks.lanes(here.db, await me.may(Action.VEHICLES_READ))
    last = {row["id"]: row for row in await shown(me, [each.last for each in found if each.last])}
    names = await places.site_names(here.db)
    items = [
        {
            **{name: value for name, value in _flat(each).items() if name != "last"},
            "site_name": names.get(each.site_id, ""),
            "last": last[str(each.last.id)] if each.last else None,
        }
        for each in found
    ]
    return {"items": items, "next": None}


def _flat(lane: passage_marks.Lane) -> dict[str, Any]:
    return {name: getattr(lane, name) for name in lane.__slots__}


@router.get("/counts")
async def counts(asked: Series, me: Me, here: Here) -> dict[str, Any]:
    """How many vehicles passed, by hour or day and direction; the last 24 hours where nothing is said."""
    scope = await me.may(Action.VEHICLES_READ)
    return asked.answer(await passages.hourly(here.db, scope, asked.period, by=asked.by, place=asked.place))


@router.get("/accuracy")
async def accuracy(
    me: Me,
    here: Here,
    since: Time | None = None,
    until: Time | None = None,
    place: Given = "",
    zone: Zone = "Asia/Shanghai",
) -> dict[str, Any]:
    """How well plates are read, by day and by night, from what persons judged; the last 90 days unless asked.

    ``bound`` is what the rate is at least with 95 % confidence (one-sided), ``target`` what is asked for.
    Source: 5.2.2.2.
    """
    scope = await me.may(Action.VEHICLES_READ)
    begin = since or here.clock() - JUDGED_WITHIN
    asked = period(here.clock(), begin, until, zone)
    found = await passage_marks.accuracy(here.db, scope, asked, place=place)
    items = [
        {"light": light, **asdict(each), "rate": each.rate, "bound": each.bound, "target": TARGET[light]}
        for light, each in found.items()
    ]
    return {**bounds(asked), "items": items}


@router.get("/export")
async def export_size(query: Wanted, me: Me, here: Here) -> dict[str, int]:
    """How many rows an export of this filter has; beyond ``most`` only the newest are in it."""
    scope = await me.may(Action.VEHICLES_EXPORT)
    await _may_ask(me, query)
    rows = await passages.count(here.db, scope, query, most=EXPORT_MOST + 1)
    return {"rows": rows, "most": EXPORT_MOST}


async def _newest(here: Services, scope: Scope, query: passages.Query, most: int) -> list[Passage]:
    """Return up to ``most`` passages, read in steps between which others get their turn."""
    found: list[Passage] = []
    while len(found) < most:
        after = (found[-1].received_at, found[-1].id) if found else None
        step = min(EXPORT_STEP, most - len(found))
        part = await passages.search(here.db, scope, query, after=after, limit=step)
        found += part
        if len(part) < step:
            break
    return found


@router.get("/export.{form}")
async def export(
    form: Form, query: Wanted, me: Me, here: Here, reason: Given = "", zone: Zone = "Asia/Shanghai"
) -> Response:
    """The passages of a filter as CSV or XLSX, plates half hidden; whole ones need a reason and the right to them.

    ``X-Anju-Rows`` says how many, ``X-Anju-Cut`` whether there are more. 403 ``reauthenticate``.
    """
    scope = await me.may(Action.VEHICLES_EXPORT)
    await _may_ask(me, query)
    await here.sessions.fresh(me.session)
    plain = await me.may(Action.PERSONAL_REVEAL) if reason.strip() else NOWHERE
    found = await _newest(here, scope, query, EXPORT_MOST + 1)
    kept = found[:EXPORT_MOST]
    local = zone_of(zone)
    lines = Lines(local, await places.site_names(here.db), plain)
    table = Table("passages", HEADING, [lines.of(each) for each in kept], cut=len(found) > len(kept))
    detail = {"rows": len(kept), "form": form, "reason": reason, "filters": repr(query)}
    async with me.acting(Action.VEHICLES_EXPORT, "passages", detail):
        return await tables.answer(table, form, here.clock())


HEADING = (
    *("passed_at 通过时间", "plate 号牌", "plate_color 号牌颜色", "plate_class 号牌种类", "direction 出入"),
    *("site 小区", "place 部位", "device 设备", "lane 车道", "vehicle_class 车型", "vehicle_color 车身颜色"),
    *("brand 品牌", "resident_kind 住户类型", "received_at 平台时间", "clock_offset_ms 时钟偏差", "flags 标记", "id"),
)


@dataclass(frozen=True, slots=True)
class Lines:
    """How passages are written in a file: times of ``zone``, whole plates only inside ``plain``."""

    zone: ZoneInfo
    names: dict[str, str]
    plain: Scope

    def of(self, p: Passage) -> list[Any]:
        """Return one line, in the order of ``HEADING``."""
        whole = self.plain.holds(Located(p.place_path, p.jurisdiction))
        plate = "" if p.plate is None else p.plate if whole else plates.masked(p.plate)
        where = [self.names.get(p.site_id, ""), p.place_name, p.device_name, p.lane]
        what = [p.vehicle_class, p.vehicle_color, p.brand, p.resident_kind]
        tail = [self._time(p.received_at), p.clock_offset_ms, " ".join(p.flags), str(p.id)]
        return [self._time(p.passed_at), plate, p.plate_color, p.plate_class, p.direction, *where, *what, *tail]

    def _time(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")


@router.get("/passages/{passage_id}")
async def one(passage_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """One passage: with what persons judged, what most likely repeats it, its clock and its way through the tiers.

    With ``reason`` and the right to it, whose vehicle it is is shown, and that is logged.
    """
    scope = await me.may(Action.VEHICLES_READ)
    kept = await passages.find(here.db, scope, passage_id)
    found = kept.passage
    body, *near = await shown(me, [found, *await passages.near(here.db, found)])
    return {
        **body,
        **({"resident_id": found.resident_id} if await _reveals(me, found, reason) else {}),
        "raw_id": str(kept.raw_id) if kept.raw_id else None,
        "kept_at": kept.kept_at.isoformat(),
        "corrections": [_correction(each) for each in await passages.corrections(here.db, passage_id)],
        "near": near,
        "clock": await traced.clock(here.db, found),
        "path": await traced.path(here, kept),
    }


async def _reveals(me: Caller, found: Passage, reason: str) -> bool:
    """Return whether it is shown whose the vehicle is: only for a reason, which goes into the operator log."""
    if not reason.strip():
        return False
    await me.may(Action.PERSONAL_REVEAL, Located(found.place_path, found.jurisdiction))
    async with me.acting(Action.PERSONAL_REVEAL, str(found.id), {"reason": reason}):
        return True


def _correction(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("at", "version", "reason")}
    return {**told, "by_id": row["by"]["id"], "by_name": row["by"]["name"], "changed": row["became"]}


@router.get("/passages/{passage_id}/raw")
async def raw(passage_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """The request a passage came in, as the device sent it, pictures replaced by hashes; every look is logged."""
    scope = await me.may(Action.EVENTS_RAW)
    kept = await passages.find(here.db, scope, passage_id)
    async with me.acting("vehicles.raw", str(passage_id), {"reason": reason}):
        frame = await events.frame(here.db, kept.raw_id or passage_id)
    text = traced.own_object(frame.data, kept.passage.object_id)
    told = {name: getattr(frame, name) for name in ("protocol", "peer", "outcome", "reason")}
    return {**told, "id": str(frame.id), "received_at": frame.received_at.isoformat(), "text": text}


@router.post("/passages/{passage_id}/correct")
async def correct(passage_id: UUID, told: CorrectionBody, me: Me, here: Here) -> dict[str, Any]:
    """Judge a reading: the device's stays beside it, the new version travels up, and the accuracy counts it.

    409 ``changed_meanwhile`` where somebody was faster, ``not_ours`` for a passage of a node below.
    """
    scope = await me.may(Action.VEHICLES_CORRECT)
    if not told.reason.strip():
        raise Invalid("reason_needed", "say what the judgement rests on")
    kept = await passages.find(here.db, scope, passage_id)
    await _check_ours(here, kept)
    correction = Correction(**told.model_dump(exclude={"expected_version"}))
    detail = {"reason": correction.reason, **correction.changed()}
    async with me.acting(Action.VEHICLES_CORRECT, str(passage_id), detail):
        await _correct(me, here, scope, passage_id, correction, told.expected_version)
    await here.told(frozenset({Lane.BULK}))
    return await one(passage_id, me, here)


async def _check_ours(here: Services, kept: Kept) -> None:
    home = await passage_marks.homes(here.db, [kept.passage.device_id])
    if home.get(kept.passage.device_id, here.node.id) != here.node.id:
        raise Conflict("not_ours", "this passage belongs to a node below: correct it there")


async def _correct(
    me: Caller, here: Services, scope: Scope, passage_id: UUID, correction: Correction, expected: int | None
) -> None:
    by, at = (me.principal.id, me.principal.name), here.clock()
    async with here.db.transaction() as tx:
        _, change = await passages.correct(tx, scope, passage_id, correction, by=by, at=at, expected_version=expected)
        await log.append(tx, Lane.BULK, [change], at=at, node=here.node)
