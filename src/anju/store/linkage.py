"""Linkage rules and what they decided, as kept. An action is told to the log when it is decided and when it is over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.changes import Change
from anju.domain.events import Event
from anju.domain.linkage import Action, ActionState, OnlyIf, Rule, Then, When, rank
from anju.domain.rights import Scope
from anju.errors import Conflict, NotFound
from anju.store.database import IN_SCOPE, Executor, Row, Transaction

_RULE = "id, site_id, place_path, jurisdiction, name, enabled, version, body"


def body(rule: Rule) -> dict[str, Any]:
    """Return ``rule`` as the console sees it: JSON only."""
    only_if = rule.only_if
    told = {
        "when": msgspec.to_builtins(asdict(rule.when)),
        "only_if": {
            "from": f"{only_if.begins:%H:%M}" if only_if.begins else "",
            "to": f"{only_if.ends:%H:%M}" if only_if.ends else "",
            "dark": only_if.dark,
            "armed": only_if.armed,
        },
        "then": [msgspec.to_builtins(asdict(each)) for each in rule.then],
    }
    plain = {
        name: getattr(rule, name) for name in ("site_id", "place_path", "jurisdiction", "name", "enabled", "version")
    }
    return {"id": str(rule.id), **plain, "body": told}


def read_body(told: dict[str, Any]) -> tuple[When, OnlyIf, tuple[Then, ...]]:
    """Return what ``body`` wrote as a rule's body. Raises msgspec.ValidationError or ValueError."""
    given = told["only_if"]
    begins, ends = (time.fromisoformat(given[name]) if given[name] else None for name in ("from", "to"))
    when = msgspec.convert(told["when"], When)
    return when, OnlyIf(begins, ends, given["dark"], given["armed"]), tuple(msgspec.convert(told["then"], list[Then]))


def _rule(row: Row) -> Rule:
    identity, site_id, place_path, jurisdiction, name, enabled, version, told = row
    return Rule(identity, site_id, place_path, jurisdiction, name, *read_body(told), enabled, version)


async def add(tx: Transaction, rule: Rule) -> None:
    """Write a new rule."""
    await tx.execute(
        f"""INSERT INTO linkage_rule ({_RULE}) VALUES (%(id)s, %(site_id)s, %(place_path)s, %(jurisdiction)s, %(name)s,
                %(enabled)s, %(version)s, %(body)s)""",
        **_written(rule),
    )


async def locked(tx: Transaction, scope: Scope, rule_id: UUID, *, version: int | None) -> Rule:
    """Return a rule inside ``scope`` and keep others from changing it until the commit.

    Raises NotFound, or Conflict where it is not ``version`` any more.
    """
    row = await tx.fetch_one(
        f"SELECT {_RULE} FROM linkage_rule WHERE id = %(id)s AND {IN_SCOPE} FOR UPDATE", id=rule_id, **scope.bounds()
    )
    if row is None:
        raise NotFound("no_rule", "there is no such rule here")
    if version is not None and row[6] != version:
        raise Conflict("changed_meanwhile", "somebody changed this rule meanwhile")
    return _rule(row)


async def change(tx: Transaction, rule: Rule) -> None:
    """Write a rule's next version; call ``locked`` first."""
    await tx.execute(
        """UPDATE linkage_rule SET name = %(name)s, enabled = %(enabled)s, version = %(version)s, body = %(body)s
           WHERE id = %(id)s""",
        **_written(rule),
    )


def _written(rule: Rule) -> dict[str, Any]:
    told = body(rule)
    return {**told, "id": rule.id, "body": Jsonb(told["body"])}


async def find(db: Executor, scope: Scope, rule_id: UUID) -> Rule:
    """Return one rule inside ``scope``. Raises NotFound."""
    query = f"SELECT {_RULE} FROM linkage_rule WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=rule_id, **scope.bounds())
    if row is None:
        raise NotFound("no_rule", "there is no such rule here")
    return _rule(row)


async def page(db: Executor, scope: Scope, *, before: UUID, limit: int) -> list[Rule]:
    """Return rules inside ``scope``, the newest first; go on with the last one's id."""
    rows = await db.fetch(
        f"SELECT {_RULE} FROM linkage_rule WHERE {IN_SCOPE} AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s",
        before=before,
        limit=limit,
        **scope.bounds(),
    )
    return [_rule(row) for row in rows]


async def enabled(db: Executor) -> list[Rule]:
    """Return every rule that is switched on, oldest first."""
    return [_rule(row) for row in await db.fetch(f"SELECT {_RULE} FROM linkage_rule WHERE enabled ORDER BY id")]


_NAMES = (
    *("rule_id", "rule_version", "record_id", "target", "site_id", "place_path", "jurisdiction", "decided_at"),
    *("valid_until", "state", "command_id", "body", "id"),
)
_COLUMNS = ", ".join(_NAMES)
_INSERT = f"""
    INSERT INTO linkage_action ({_COLUMNS}) VALUES ({", ".join(f"%({name})s" for name in _NAMES)})
    ON CONFLICT DO NOTHING RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """An action with where its event was and what became of it. ``body`` holds what is done, and the ``outcome``."""

    rule_id: UUID
    rule_version: int
    record_id: str
    target: str
    site_id: str
    place_path: str
    jurisdiction: str
    decided_at: datetime
    valid_until: datetime | None
    state: ActionState
    command_id: UUID | None
    body: dict[str, Any]
    id: UUID

    @property
    def then(self) -> Then:
        """Return what is done."""
        return msgspec.convert({name: self.body[name] for name in _THEN if name in self.body}, Then)


_THEN = ("do", "target", "output", "on", "seconds", "words", "valid_s")


def decided(action: Action, event: Event) -> Decided:
    """Return ``action`` as it is kept."""
    rule, told = action.rule, msgspec.to_builtins(asdict(action.then))
    what = (rule.id, rule.version, action.record_id, action.then.key)
    where = (event.site_id, event.place_path, event.jurisdiction)
    told |= {"rule_name": rule.name, "rule_path": rule.place_path, "outcome": "", "kind": event.kind.value}
    return Decided(*what, *where, action.decided_at, action.valid_until, action.state, None, told, action.id)


def action_body(action: Decided) -> dict[str, Any]:
    """Return ``action`` as the log and the console see it: JSON only."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(action))
    return {**plain, "rule_name": action.body.get("rule_name", "")}


def action_change(action: Decided) -> Change:
    """Return ``action`` as a row of the log."""
    where = (action.site_id, action.place_path, action.jurisdiction)
    return Change("linkage_action", str(action.id), rank(action.state), *where, body=action_body(action))


async def insert(tx: Transaction, actions: Sequence[Decided]) -> list[Decided]:
    """Write decisions; return those that are new: the same rule decides once about the same event."""
    written = await tx.fetch_each(_INSERT, [_action_row(each) for each in actions])
    return [action for action, found in zip(actions, written, strict=True) if found]


async def apply(tx: Transaction, told: Change) -> bool:
    """Take in what a node below did by its rules; return False where as much is known already.

    It is a record only: nothing is done here by it, and of our own rules a node below can say nothing.
    Raises msgspec.ValidationError for a malformed body.
    """
    action = msgspec.convert(told.body, Decided, strict=False)
    if await tx.fetch("SELECT 1 FROM linkage_rule WHERE id = %(id)s", id=action.rule_id):
        return False
    if await insert(tx, [action]):
        return True
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM linkage_action WHERE {_KEY} FOR UPDATE", **_action_row(action))
    here = _decided(row) if row else None
    if here is None or here.site_id != told.site_id or rank(action.state) <= rank(here.state):
        return False
    await finish(tx, action)
    return True


_OURS = "rule_id IN (SELECT id FROM linkage_rule)"
_KEY = """rule_id = %(rule_id)s AND rule_version = %(rule_version)s AND record_id = %(record_id)s
    AND target = %(target)s"""


async def finish(tx: Transaction, action: Decided) -> None:
    """Write how far an action came."""
    await tx.execute(
        f"UPDATE linkage_action SET state = %(state)s, command_id = %(command_id)s, body = %(body)s WHERE {_KEY}",
        **_action_row(action),
    )


async def begin(tx: Transaction, *, limit: int) -> list[Decided]:
    """Return what waits to be done, marked as sent before anything is done: it is never done twice."""
    rows = await tx.fetch(
        f"""UPDATE linkage_action SET state = 'sent' WHERE (rule_id, rule_version, record_id, target) IN (
                SELECT rule_id, rule_version, record_id, target FROM linkage_action
                WHERE state = 'wanted' AND {_OURS} ORDER BY decided_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
            RETURNING {_COLUMNS}""",
        limit=limit,
    )
    return [_decided(row) for row in rows]


async def lost(tx: Transaction, *, at: datetime) -> list[Decided]:
    """Mark as unknown what was begun long ago and never heard of again: a process died in the middle; return it."""
    rows = await tx.fetch(
        f"""UPDATE linkage_action SET state = 'unknown'
            WHERE state = 'sent' AND command_id IS NULL AND decided_at < %(before)s AND {_OURS} RETURNING {_COLUMNS}""",
        before=at - timedelta(minutes=10),
    )
    return [_decided(row) for row in rows]


_SHOWN = f"""SELECT {_COLUMNS}, (SELECT c.state FROM command c WHERE c.id = command_id),
    (SELECT c.outcome FROM command c WHERE c.id = command_id) FROM linkage_action"""


async def actions(
    db: Executor, scope: Scope, *, rule_id: UUID | None, state: str | None, before: tuple[datetime, UUID], limit: int
) -> list[dict[str, Any]]:
    """Return what rules decided inside ``scope``, newest first, with what became of the commands they gave."""
    rows = await db.fetch(
        f"""{_SHOWN} WHERE {IN_SCOPE} AND (decided_at, id) < (%(before_at)s, %(before_id)s)
                AND (%(rule)s::uuid IS NULL OR rule_id = %(rule)s) AND (%(state)s::text IS NULL OR state = %(state)s)
            ORDER BY decided_at DESC, id DESC LIMIT %(limit)s""",
        rule=rule_id,
        state=state,
        before_at=before[0],
        before_id=before[1],
        limit=limit,
        **scope.bounds(),
    )
    return [_with_command(action_body(_decided(row[:-2])), *row[-2:]) for row in rows]


def _with_command(told: dict[str, Any], state: str | None, outcome: str | None) -> dict[str, Any]:
    if state is None:
        return told
    return {**told, "state": state, "body": {**told["body"], "outcome": outcome}}


def _action_row(action: Decided) -> dict[str, Any]:
    row = {name: getattr(action, name) for name in _NAMES}
    return {**row, "state": action.state.value, "body": Jsonb(action.body)}


def _decided(row: Row) -> Decided:
    named = dict(zip(_NAMES, row, strict=True))
    return Decided(**{**named, "state": ActionState(named["state"])})


async def sites(db: Executor) -> dict[str, tuple[float, float]]:
    """Return latitude and longitude of every community that has them."""
    rows = await db.fetch(
        """SELECT id, latitude, longitude FROM place
           WHERE kind = 'site' AND latitude IS NOT NULL AND longitude IS NOT NULL"""
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def armed(db: Executor, sources: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Return whether each (device, area) is armed; what never told is not among them.

    An area without a word of its own goes by the whole panel's.
    """
    rows = await db.fetch(
        "SELECT device_id, area, armed FROM arming WHERE device_id = ANY(%(ids)s)", ids=sorted({d for d, _ in sources})
    )
    told = {(device, area): state for device, area, state in rows}
    found = {source: told.get(source, told.get((source[0], ""))) for source in sources}
    return {source: state for source, state in found.items() if state is not None}
