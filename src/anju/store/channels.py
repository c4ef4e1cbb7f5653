"""Channels as kept: what each device's catalog says, where somebody put them, what they are called here.

Where a channel stands and whether it is online follow from its device and are asked of the view ``channel_placed``.
Source: 5.4.1, 5.4.3 (GB/T 28181 catalog).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.channels import ChannelKind, Item, Merge, Status, Sync, reason_words, state_of, turns
from anju.domain.codes import new_id
from anju.domain.devices import DeviceState
from anju.domain.places import check_name
from anju.domain.rights import EVERYWHERE, Scope
from anju.domain.video import Channel
from anju.errors import Conflict, NotFound
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.versions import Subject, bump

AT_ONCE = 250
"""Items written by one statement: others are answered between."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A channel with the names around it. ``device_reason`` says why its device is in its state."""

    channel: Channel
    kind: ChannelKind
    given_name: str
    device_name: str
    device_kind: str
    device_reason: str
    place_name: str
    site_name: str


_COLUMNS = """id, device_id, site_id, at_place, place_path, jurisdiction, code, name, parent_code, device_state, status,
    status_reason, greatest(status_at, device_state_at), ptz_type, longitude, latitude, info, plan, version, kind,
    given_name, device_name, device_kind, device_reason, place_name, site_name"""
_SELECT = f"SELECT {_COLUMNS} FROM channel_placed"


def _placed(row: Row) -> Placed:
    device_state, status, told = row[9:12]
    state, reason = state_of(DeviceState(device_state), Status(status), told)
    values: tuple[Any, ...] = (*row[:9], state, reason, *row[12:19])
    channel = Channel(*values)
    return Placed(channel, ChannelKind(row[19]), *row[20:])


def body(placed: Placed) -> dict[str, Any]:
    """Return a channel as lists and pages show it: JSON only."""
    channel = placed.channel
    plain: dict[str, Any] = msgspec.to_builtins(asdict(channel))
    plain.pop("retired_at")
    names = ("kind", "given_name", "device_name", "place_name", "site_name")
    return {
        **plain,
        **{name: getattr(placed, name) for name in names},
        "ptz": turns(channel.ptz_type),
        "reason_words": reason_words(channel.reason, placed.device_reason)._asdict(),
        "grades": ["main", "sub"],
    }


_SYNC = """
    INSERT INTO channel (id, device_id, kind, code, told_name, parent_code, parents, civil_code, status, status_reason,
        status_at, ptz_type, longitude, latitude, info, updated_at)
    SELECT t.id, %(device)s, t.kind, t.code, t.name, t.parent, t.parents, t.civil_code, t.status, t.reason, %(at)s,
        t.ptz_type, t.longitude, t.latitude, t.info, %(at)s
    FROM jsonb_to_recordset(%(items)s) AS t (id text, kind text, code text, name text, parent text, parents text[],
        civil_code text, status text, reason text, ptz_type text, longitude float8, latitude float8, info jsonb)
    ON CONFLICT (device_id, code) DO UPDATE SET kind = EXCLUDED.kind, told_name = EXCLUDED.told_name,
        parent_code = EXCLUDED.parent_code, parents = EXCLUDED.parents, civil_code = EXCLUDED.civil_code,
        status = EXCLUDED.status, ptz_type = EXCLUDED.ptz_type, longitude = EXCLUDED.longitude,
        latitude = EXCLUDED.latitude, info = EXCLUDED.info, retired_at = NULL, version = channel.version + 1,
        updated_at = EXCLUDED.updated_at,
        status_reason = CASE WHEN channel.status = EXCLUDED.status THEN channel.status_reason
                             ELSE EXCLUDED.status_reason END,
        status_at = CASE WHEN channel.status = EXCLUDED.status THEN channel.status_at ELSE EXCLUDED.status_at END
    WHERE (channel.kind, channel.told_name, channel.parents, channel.civil_code, channel.status, channel.ptz_type,
            channel.longitude, channel.latitude, channel.info, channel.retired_at)
        IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.told_name, EXCLUDED.parents, EXCLUDED.civil_code, EXCLUDED.status,
            EXCLUDED.ptz_type, EXCLUDED.longitude, EXCLUDED.latitude, EXCLUDED.info, NULL::timestamptz)
"""


def _row(item: Item) -> dict[str, Any]:
    plain = {name: getattr(item, name) for name in ("code", "name", "civil_code", "ptz_type", "longitude", "latitude")}
    more = {"kind": item.kind.value, "status": item.status.value, "reason": item.reason, "info": dict(item.info)}
    return {**plain, **more, "id": new_id("c"), "parent": item.parent, "parents": list(item.parents)}


async def merge(tx: Transaction, device_id: str, change: Merge, *, at: datetime) -> int:
    """Write what a catalog changes; return how many rows that was. A name or place given here stays."""
    count = 0
    for start in range(0, len(change.put), AT_ONCE):
        items = Jsonb([_row(each) for each in change.put[start : start + AT_ONCE]])
        count += await tx.execute(_SYNC, device=device_id, items=items, at=at)
    if change.gone:
        count += await tx.execute(
            """UPDATE channel SET retired_at = %(at)s, updated_at = %(at)s, version = version + 1
               WHERE device_id = %(device)s AND code = ANY(%(codes)s) AND retired_at IS NULL""",
            device=device_id,
            codes=list(change.gone),
            at=at,
        )
    if count:
        await bump(tx, Subject.CHANNELS)
    return count


async def codes(db: Executor, device_id: str) -> dict[str, str]:
    """Return the ids of a device's channels in use, by their codes."""
    rows = await db.fetch(
        "SELECT code, id FROM channel WHERE device_id = %(device)s AND retired_at IS NULL", device=device_id
    )
    return dict(rows)


class Turned(NamedTuple):
    """A channel whose device says something else of it now."""

    code: str
    before: Status
    after: Status


async def statuses(tx: Transaction, device_id: str) -> dict[str, Status]:
    """Return what a device says of each of its channels, kept from others until the commit."""
    rows = await tx.fetch(
        """SELECT code, status FROM channel WHERE device_id = %(device)s AND retired_at IS NULL
           ORDER BY code FOR UPDATE""",
        device=device_id,
    )
    return {row[0]: Status(row[1]) for row in rows}


async def turn(
    tx: Transaction, device_id: str, told: Mapping[str, tuple[Status, str]], *, at: datetime
) -> list[Turned]:
    """Put channels, by code, into the statuses their device told; return those known whose status changed by it."""
    before = await statuses(tx, device_id)
    changed = await tx.execute(
        """UPDATE channel c SET status = t.status, status_reason = t.reason, status_at = %(at)s, updated_at = %(at)s,
               version = c.version + 1
           FROM unnest(%(codes)s::text[], %(statuses)s::text[], %(reasons)s::text[]) AS t (code, status, reason)
           WHERE c.device_id = %(device)s AND c.code = t.code AND c.retired_at IS NULL
               AND (c.status, c.status_reason) <> (t.status, t.reason)""",
        device=device_id,
        codes=list(told),
        statuses=[status.value for status, _ in told.values()],
        reasons=[reason for _, reason in told.values()],
        at=at,
    )
    if changed:
        await bump(tx, Subject.CHANNELS)
    return turned(before, {code: status for code, (status, _) in told.items()})


def turned(before: Mapping[str, Status], after: Mapping[str, Status]) -> list[Turned]:
    """Return the channels that both know and that differ."""
    return [Turned(code, before[code], now) for code, now in after.items() if before.get(code, now) is not now]


async def move(tx: Transaction, device_id: str, told: Sequence[tuple[str, float, float]], *, at: datetime) -> None:
    """Note where channels, by code, are now: longitude and latitude in WGS-84."""
    await tx.execute(
        """UPDATE channel c SET longitude = t.x, latitude = t.y, version = c.version + 1, updated_at = %(at)s
           FROM unnest(%(codes)s::text[], %(x)s::float8[], %(y)s::float8[]) AS t (code, x, y)
           WHERE c.device_id = %(device)s AND c.code = t.code
               AND (c.longitude, c.latitude) IS DISTINCT FROM (t.x, t.y)""",
        device=device_id,
        codes=[code for code, _, _ in told],
        x=[x for _, x, _ in told],
        y=[y for _, _, y in told],
        at=at,
    )


async def find(db: Executor, scope: Scope, channel_id: str) -> Placed:
    """Return one channel inside ``scope``. Raises NotFound."""
    row = await db.fetch_one(f"{_SELECT} WHERE id = %(id)s AND {IN_SCOPE}", id=channel_id, **scope.bounds())
    if row is None:
        raise NotFound("no_channel", "there is no such camera here")
    return _placed(row)


async def inside(db: Executor, scope: Scope, ids: Collection[str]) -> set[str]:
    """Return those of ``ids`` that are channels inside ``scope``."""
    query = f"SELECT id FROM channel_placed WHERE id = ANY(%(ids)s) AND {IN_SCOPE}"
    return {row[0] for row in await db.fetch(query, ids=list(ids), **scope.bounds())}


async def plans(db: Executor) -> dict[str, Any]:
    """Return the plans of recording of all cameras; of those behind a platform below only where one was given."""
    query = """SELECT id, plan FROM channel_placed
               WHERE kind = 'camera' AND (device_kind <> 'platform' OR plan <> '{}'::jsonb)"""
    return dict(await db.fetch(query))


async def standing(db: Executor, place_path: str) -> list[str]:
    """Return the cameras that stand at a place or inside it."""
    query = "SELECT id FROM channel_placed WHERE kind = 'camera' AND place_path ^@ %(path)s ORDER BY id LIMIT 50"
    return [row[0] for row in await db.fetch(query, path=place_path)]


async def ways(db: Executor) -> dict[str, str]:
    """Return how the devices of all channels send (``Gb28181Access.media``), where that is not over UDP."""
    query = """SELECT c.id, d.body #>> '{gb28181,media}' FROM channel c JOIN device d ON d.id = c.device_id
               WHERE c.retired_at IS NULL AND d.body #>> '{gb28181,media}' IN ('tcp_passive', 'tcp_active')"""
    return dict(await db.fetch(query))


async def of_code(db: Executor, device_id: str, code: str) -> Placed | None:
    """Return the channel that a device calls ``code``, None where its catalog has none."""
    row = await db.fetch_one(f"{_SELECT} WHERE device_id = %(device)s AND code = %(code)s", device=device_id, code=code)
    return _placed(row) if row else None


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of cameras is asked for; an empty word asks for nothing. ``place`` is any place above them."""

    text: str = ""
    place: str = ""
    device: str = ""
    state: str = ""
    kind: str = ChannelKind.CAMERA.value


_STATE = """CASE WHEN device_state = 'unknown' THEN 'unknown' WHEN device_state = 'offline' THEN 'offline'
    WHEN status = 'on' THEN 'online' WHEN status = 'fault' THEN 'fault' ELSE 'offline' END"""
"""``domain.channels.state_of`` for a WHERE clause."""
_PAGE = f"""
    {_SELECT} WHERE {IN_SCOPE} AND id > %(after)s AND (%(kind)s = '' OR kind = %(kind)s)
      AND (%(place)s = '' OR strpos(place_path, '/' || %(place)s || '/') > 0)
      AND (%(device)s = '' OR device_id = %(device)s) AND (%(state)s = '' OR {_STATE} = %(state)s)
      AND (%(text)s = '' OR strpos(lower(name), lower(%(text)s)) > 0 OR strpos(code, %(text)s) > 0)
    ORDER BY id LIMIT %(limit)s
"""


async def page(db: Executor, scope: Scope, wanted: Filter, *, after: str, limit: int) -> list[Placed]:
    """Return channels inside ``scope`` in the order of their ids; go on after the last one's."""
    rows = await db.fetch(_PAGE, after=after, limit=limit, **asdict(wanted), **scope.bounds())
    return [_placed(row) for row in rows]


async def tree(db: Executor, scope: Scope) -> list[dict[str, Any]]:
    """Return all cameras inside ``scope`` with as much as a tree shows, by name."""
    rows = await db.fetch(
        f"""SELECT id, name, at_place, place_path, {_STATE}, ptz_type, code, device_id, plan->>'by'
            FROM channel_placed WHERE kind = 'camera' AND {IN_SCOPE} ORDER BY name, id""",
        **scope.bounds(),
    )
    names = ("id", "name", "place_id", "place_path", "state", "ptz", "code", "device_id", "by")
    return [{**dict(zip(names, row, strict=True)), "ptz": turns(row[5])} for row in rows]


async def above(db: Executor, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return the places that ``paths`` lead through, upper ones first."""
    ids = {each for path in paths for each in path.strip("/").split("/") if each}
    rows = await db.fetch(
        """SELECT id, parent_id, name, kind, place_path FROM place WHERE id = ANY(%(ids)s)
           ORDER BY length(place_path), name, id""",
        ids=list(ids),
    )
    return [dict(zip(("id", "parent_id", "name", "kind", "place_path"), row, strict=True)) for row in rows]


async def edit(
    tx: Transaction,
    channel_id: str,
    *,
    name: str | None,
    place_id: str | None,
    plan: Mapping[str, Any] | None,
    version: int | None,
    at: datetime,
) -> Placed:
    """Give a channel a name, a place, a plan of recording; '' for a name or place goes back to what is told.

    None leaves as it is. Raises NotFound, or Conflict where somebody changed it since ``version``.
    """
    here = await tx.fetch_one("SELECT version FROM channel WHERE id = %(id)s FOR UPDATE", id=channel_id)
    if here is None:
        raise NotFound("no_channel", "there is no such camera here")
    if version is not None and version != here[0]:
        raise Conflict("changed_meanwhile", "somebody changed this camera meanwhile")
    await tx.execute(
        """UPDATE channel SET given_name = coalesce(%(name)s, given_name), plan = coalesce(%(plan)s, plan),
               place_id = CASE WHEN %(place)s::text IS NULL THEN place_id ELSE nullif(%(place)s, '') END,
               version = version + 1, updated_at = %(at)s WHERE id = %(id)s""",
        id=channel_id,
        name=check_name(name) if name else name,
        place=place_id,
        plan=None if plan is None else Jsonb(dict(plan)),
        at=at,
    )
    await bump(tx, Subject.CHANNELS)
    return await find(tx, EVERYWHERE, channel_id)


@dataclass(frozen=True, slots=True)
class Synced:
    """How the last catalog of a device came in: ``received`` of ``told`` items."""

    device_id: str
    asked_at: datetime
    ended_at: datetime | None
    state: Sync
    told: int = 0
    received: int = 0


async def note_sync(tx: Executor, synced: Synced) -> None:
    """Write how the collecting of a catalog stands."""
    await tx.execute(
        """INSERT INTO sip_sync (device_id, asked_at, ended_at, state, told, received)
           VALUES (%(device_id)s, %(asked_at)s, %(ended_at)s, %(state)s, %(told)s, %(received)s)
           ON CONFLICT (device_id) DO UPDATE SET asked_at = EXCLUDED.asked_at, ended_at = EXCLUDED.ended_at,
               state = EXCLUDED.state, told = EXCLUDED.told, received = EXCLUDED.received""",
        **{**asdict(synced), "state": synced.state.value},
    )


async def whole_since(db: Executor) -> list[tuple[str, datetime]]:
    """Return the devices whose last catalog came in whole, and when it was asked for."""
    rows = await db.fetch("SELECT device_id, asked_at FROM sip_sync WHERE state = %(whole)s", whole=Sync.COMPLETE.value)
    return [(row[0], row[1]) for row in rows]


async def synced(db: Executor, device_id: str) -> Synced | None:
    """Return how the last catalog of a device came in."""
    row = await db.fetch_one(
        "SELECT device_id, asked_at, ended_at, state, told, received FROM sip_sync WHERE device_id = %(id)s",
        id=device_id,
    )
    return Synced(row[0], row[1], row[2], Sync(row[3]), row[4], row[5]) if row else None
