"""Linkage rules: written as one sentence, tried on past events before they are switched on, and what they did.

Source: 5.1.2.4 (linkage).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field
from uuid_utils.compat import uuid7

from anju.domain.events import Event, EventKind
from anju.domain.linkage import (
    ActionState,
    Around,
    Do,
    OnlyIf,
    Rule,
    Then,
    When,
    check,
    check_reach,
    decide,
    is_dark,
)
from anju.domain.rights import Action, Located, Scope
from anju.errors import Invalid
from anju.pipeline.link import GUANGYUAN
from anju.store import devices, events, linkage, places
from anju.web.context import Here, Me, Services
from anju.web.paging import FIRST, PageQuery
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/linkage", tags=["linkage"])
HourText = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")]
DRY_RUN_MOST, DRY_RUN_BACK = 5_000, timedelta(days=8)


class WhenBody(Body):
    """What sets the rule off; empty holds for all, no kinds for whatever raises alarms. ``level``: or worse."""

    kinds: list[EventKind] = Field(default=[], max_length=40)
    level: int | None = Field(None, ge=1, le=4)
    place_id: Name = ""
    device_id: Name = ""
    zones: list[Name] = Field(default=[], max_length=100)


class OnlyIfBody(Body):
    """Local times of day as HH:MM, perhaps over midnight; in the dark (or the light); while the area is armed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    begins: HourText = Field("", alias="from")
    ends: HourText = Field("", alias="to")
    dark: bool | None = None
    armed: bool = False


class ThenBody(Body):
    """One thing to do, not after ``valid_s`` seconds; an output goes back by itself after ``seconds`` (0: stays)."""

    do: Do
    target: Name = ""
    output: Annotated[Name, Field(max_length=20)] = ""
    on: bool = True
    seconds: int = Field(0, ge=0, le=600)
    words: Annotated[Note, Field(max_length=200)] = ""
    valid_s: int | None = Field(None, ge=1, le=300)


class RuleBody(Body):
    """When … if … then …"""

    when: WhenBody
    only_if: OnlyIfBody = OnlyIfBody()
    then: list[ThenBody] = Field(max_length=20)


class NewRule(Body):
    """A rule for a community or a place in it."""

    name: Name
    enabled: bool = True
    place_id: Name
    body: RuleBody


class ChangedRule(Body):
    """What changes of a rule; it stays where it is."""

    name: Name | None = None
    enabled: bool | None = None
    place_id: Name | None = None
    body: RuleBody | None = None
    expected_version: int | None = Field(None, ge=1)


class Trial(Body):
    """A rule's body, to be tried on events since then."""

    body: RuleBody
    since: Time


@router.get("")
async def list_rules(page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """Rules, newest first."""
    scope = await me.may(Action.LINKAGE_READ)
    rules = await linkage.page(here.db, scope, before=page.before[1], limit=page.limit)
    return page.answer([linkage.body(each) for each in rules], lambda row: ("2000-01-01T00:00:00+00:00", row["id"]))


@router.post("", status_code=201)
async def create(told: NewRule, me: Me, here: Here) -> dict[str, Any]:
    """Write a rule; the password is asked again."""
    scope = await me.may(Action.LINKAGE_WRITE)
    await here.sessions.fresh(me.session)
    place = await places.find(here.db, scope, told.place_id)
    where = (place.site_id, place.place_path, place.jurisdiction)
    rule = check(Rule(uuid7(), *where, told.name, *_read(told.body), told.enabled))
    await _check_reach(here, scope, rule)
    async with me.acting(Action.LINKAGE_WRITE, str(rule.id), linkage.body(rule)), here.db.transaction() as tx:
        await linkage.add(tx, rule)
    return linkage.body(rule)


@router.get("/actions")
async def list_actions(
    page: PageQuery, me: Me, here: Here, rule: UUID | None = None, state: ActionState | None = None
) -> dict[str, Any]:
    """What rules decided and what became of it, newest first."""
    scope = await me.may(Action.LINKAGE_READ)
    rows = await linkage.actions(here.db, scope, rule_id=rule, state=state, before=page.before, limit=page.limit)
    return page.answer(rows, lambda row: (row["decided_at"], row["id"]))


@router.post("/dry-run")
async def dry_run(told: Trial, me: Me, here: Here) -> dict[str, Any]:
    """What a rule would have done with the events since then that the caller may see; nothing is really done.

    Whether an area was armed then is not known any more: it counts as armed.
    """
    await me.may(Action.LINKAGE_READ)
    scope = await me.may(Action.EVENTS_READ)
    since = max(told.since, here.clock() - DRY_RUN_BACK)
    rule = check(Rule(UUID(int=0), "", "/", "", "-", *_read(told.body)))
    rows = await events.page(here.db, scope, since=since, before=FIRST, limit=DRY_RUN_MOST)
    found = [_foreseen(rule, row) for row in rows]
    return {"items": [each for each in found if each["actions"]], "checked": len(rows), "next": None}


@router.get("/{rule_id}")
async def one(rule_id: UUID, me: Me, here: Here) -> dict[str, Any]:
    """One rule."""
    return linkage.body(await linkage.find(here.db, await me.may(Action.LINKAGE_READ), rule_id))


@router.patch("/{rule_id}")
async def change(rule_id: UUID, told: ChangedRule, me: Me, here: Here) -> dict[str, Any]:
    """Change a rule, or switch it on or off; the password is asked again."""
    scope = await me.may(Action.LINKAGE_WRITE)
    await here.sessions.fresh(me.session)
    detail = told.model_dump(mode="json", exclude_unset=True, by_alias=True)
    acting = me.acting(Action.LINKAGE_WRITE, str(rule_id), detail)
    async with acting, here.db.transaction() as tx:
        before = await linkage.locked(tx, scope, rule_id, version=told.expected_version)
        after = check(_changed(before, told))
        await _check_reach(here, scope, after)
        await linkage.change(tx, after)
    return linkage.body(after)


def _read(told: RuleBody) -> tuple[When, OnlyIf, tuple[Then, ...]]:
    return linkage.read_body(told.model_dump(mode="json", by_alias=True))


def _changed(before: Rule, told: ChangedRule) -> Rule:
    if told.place_id is not None and not before.place_path.endswith(f"/{told.place_id}/"):
        raise Invalid("place_id", "a rule stays where it is: write a new one there")
    when, only_if, then = _read(told.body) if told.body else (before.when, before.only_if, before.then)
    after = replace(before, when=when, only_if=only_if, then=then, version=before.version + 1)
    name = before.name if told.name is None else told.name
    return replace(after, name=name, enabled=before.enabled if told.enabled is None else told.enabled)


async def _check_reach(here: Services, scope: Scope, rule: Rule) -> None:
    """Raise NotFound or Conflict for a target that the writer cannot reach, or that no rule may."""
    for each in rule.then:
        if each.target:
            device = await devices.find(here.db, scope, each.target)
            check_reach(rule, each, kind=device.kind, at=Located(device.place_path, device.jurisdiction))


def _foreseen(rule: Rule, row: dict[str, Any]) -> dict[str, Any]:
    event = msgspec.convert(row, Event, strict=False)
    latitude, longitude = GUANGYUAN
    local = event.received_at.astimezone(ZoneInfo("Asia/Shanghai")).time()
    dark = is_dark(event.received_at, latitude=latitude, longitude=longitude)
    found = decide([rule], event, Around(local, dark, armed=True), now=event.received_at)
    names = ("kind", "level", "place_name", "device_name", "zone_name")
    told = {"event_id": row["id"], "at": row["received_at"], **{name: row[name] for name in names}}
    return {**told, "actions": [msgspec.to_builtins(each.then) for each in found]}
