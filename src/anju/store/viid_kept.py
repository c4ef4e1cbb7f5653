"""Kept vehicles, faces, persons and images as GA/T 1400 asks for them, and marked where their device withdraws them.

Who asks sees what its own devices told and nothing else; what names a person is not given out.
Source: 4.3 (GA/T 1400.4: queries), 8-g (nothing acknowledged is destroyed).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from anju.domain import sightings, vehicles
from anju.domain.changes import Lane
from anju.domain.sightings import Sighting
from anju.domain.vehicles import Passage
from anju.errors import ViidError
from anju.protocols.viid_ids import JSON_CONTENT, made_at
from anju.protocols.viid_query import Condition, Operator, Query
from anju.store import log, passages
from anju.store import sightings as seen
from anju.store.database import Executor, Transaction
from anju.store.log import NodeId, Written

WITHDRAWN = "withdrawn"
"""Flag of a record whose device asked for its deletion: it stays."""
LATELY, SLACK = timedelta(days=30), timedelta(days=2)
COUNTED = 10_000
"""Records that are counted and paged through; more of them need a narrower question."""
_PASSAGE = {
    **dict.fromkeys(("MotorVehicleID", "NonMotorVehicleID"), "object_id"),
    **dict.fromkeys(("PassTime", "ShotTime", "AppearTime", "MarkTime"), "passed_at"),
    "PlateNo": "plate",
    "PlateClass": "plate_class",
    "PlateColor": "plate_color",
    "VehicleClass": "vehicle_class",
    "VehicleColor": "vehicle_color",
    "LaneNo": "lane",
    "VehicleBrand": "body->>'brand'",
    "VehicleModel": "body->>'model'",
    "Speed": "(body->>'speed')::float8",
    **{name: f"body->'detail'->>'{name}'" for name in ("TollgateID", "SourceID", "Direction", "InfoKind")},
}
_SIGHTING = {
    **dict.fromkeys(("FaceID", "PersonID", "ImageID"), "object_id"),
    **dict.fromkeys(("ShotTime", "FaceAppearTime", "PersonAppearTime", "LocationMarkTime"), "seen_at"),
    **{name: f"body->'detail'->>'{name}'" for name in ("TollgateID", "SourceID", "InfoKind", "EventSort")},
}
_TIMES = frozenset({"passed_at", "seen_at"})


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records, the newest first; ``total`` counts to COUNTED."""

    records: Sequence[Passage | Sighting]
    total: int


async def find(db: Executor, kind: str, query: Query, device_ids: Sequence[str], *, at: datetime) -> Found:
    """Return what ``device_ids`` told of ``kind`` that fits ``query``. Raises ViidError for what cannot be searched.

    Without a time or an identifier the last 30 days are asked for.
    """
    if query.first > COUNTED:
        raise ViidError(JSON_CONTENT, f"more than {COUNTED} records: ask for less")
    table, columns = ("passage", _PASSAGE) if kind in vehicles.KINDS else ("sighting", _SIGHTING)
    where, values = _where(columns, query)
    bounds = {"devices": list(device_ids), "kind": vehicles.KINDS.get(kind, kind), "since": _since(columns, query, at)}
    rows = f"FROM {table} WHERE device_id = ANY(%(devices)s) AND kind = %(kind)s AND received_at >= %(since)s {where}"
    (total,) = await db.fetch(f"SELECT count(*) FROM (SELECT 1 {rows} LIMIT {COUNTED}) AS c", **bounds, **values)
    way = "ASC" if query.sort and not query.descending else "DESC"
    page = f"SELECT body {rows} ORDER BY received_at {way}, id {way} LIMIT %(count)s OFFSET %(skip)s"
    found = await db.fetch(page, **bounds, **values, count=query.count, skip=query.first - 1)
    read = vehicles.read_body if table == "passage" else sightings.read_body
    return Found([read(row[0]) for row in found], int(total[0]))


def _where(columns: dict[str, str], query: Query) -> tuple[str, dict[str, Any]]:
    parts, values = [""], dict[str, Any]()
    for number, each in enumerate(query.conditions):
        column = columns.get(each.attribute)
        if column is None:
            raise ViidError(JSON_CONTENT, f"{each.attribute} cannot be searched")
        parts.append(_compared(column, each, f"v{number}", values))
    if query.ids:
        parts.append("object_id = ANY(%(ids)s)")
        values["ids"] = list(query.ids)
    return " AND ".join(parts), values


def _compared(column: str, condition: Condition, name: str, values: dict[str, Any]) -> str:
    told = [_as_stored(column, each) for each in condition.values]
    values[name] = told if condition.operator is Operator.IN else told[0]
    if condition.operator is Operator.LIKE:
        return f"strpos({column}, %({name})s) > 0"
    if condition.operator is Operator.IN:
        return f"{column} = ANY(%({name})s)"
    if condition.operator is Operator.BETWEEN:
        values[f"{name}b"] = told[1]
        return f"{column} BETWEEN %({name})s AND %({name}b)s"
    return f"{column} {condition.operator.value} %({name})s"


def _as_stored(column: str, value: object) -> Any:
    return value if column in _TIMES or "::float8" in column else str(value)


def _since(columns: dict[str, str], query: Query, at: datetime) -> datetime:
    """Return from when on records may have been received: devices date them, and may be wrong by a little."""
    earliest = [each for each in (made_at(name) for name in (*query.ids, *_named(columns, query))) if each]
    for each in query.conditions:
        if columns.get(each.attribute) in _TIMES and each.operator not in {Operator.LESS, Operator.AT_MOST}:
            earliest += [value for value in each.values if isinstance(value, datetime)]
    return min(earliest) - SLACK if earliest else at - LATELY


def _named(columns: dict[str, str], query: Query) -> list[str]:
    whole = {Operator.EQUAL, Operator.IN}
    found = (each for each in query.conditions if columns.get(each.attribute) == "object_id" and each.operator in whole)
    return [str(value) for each in found for value in each.values]


async def withdraw(
    tx: Transaction, node: NodeId, kind: str, ids: Sequence[str], device_ids: Sequence[str], *, at: datetime
) -> set[str]:
    """Mark what ``device_ids`` told under ``ids`` as withdrawn: a new version of each, told upward. Return the ids."""
    found = await find(tx, kind, Query(count=len(ids) * 2, ids=tuple(ids)), device_ids, at=at)
    fresh = [each for each in found.records if WITHDRAWN not in each.flags]
    marked = [replace(each, version=each.version + 1).flagged(WITHDRAWN) for each in fresh]
    changes = [await _write(tx, each) for each in marked]
    if changes:
        await log.append(tx, Lane.BULK, changes, at=at, node=node)
    return {each.object_id for each in found.records}


async def _write(tx: Transaction, record: Passage | Sighting) -> Written:
    vehicle = isinstance(record, Passage)
    text = vehicles.written(record) if vehicle else sightings.written(record)
    await tx.execute(
        f"""UPDATE {"passage" if vehicle else "sighting"} SET flags = %(flags)s, version = %(version)s,
            body = %(body)s::json WHERE received_at = %(at)s AND id = %(id)s""",
        flags=list(record.flags),
        version=record.version,
        body=text.decode(),
        at=record.received_at,
        id=record.id,
    )
    return passages.change(record, text) if isinstance(record, Passage) else seen.change(record, text)
