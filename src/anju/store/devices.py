"""Devices as kept: registered, changed, heard, silent, retired; every change is a row of the log. Secrets never are."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from anju.domain.changes import Change, Lane, Operation
from anju.domain.codes import new_id
from anju.domain.devices import (
    KINDS,
    NEVER,
    Device,
    DeviceState,
    Particulars,
    Zone,
    canonical_account,
    canonical_zone,
    check_kind,
    state_words,
)
from anju.domain.places import Place, check_coordinates, check_name
from anju.domain.rights import Scope
from anju.domain.supervision import Seen
from anju.errors import Conflict, Invalid, NotFound
from anju.store import codes, log, zones
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.places import Editor
from anju.store.versions import Subject, bump

Sealed = Callable[[str], bytes]
"""Gives a device's credential, sealed for its id."""
AUTO = "auto"
GB28181 = "gb28181"  # the space of 20-digit codes
_MANY = 500  # rows a snapshot reads at a time
_APART = {"particulars", "zones", "aliases", "keyed"}
_NAMES = tuple(each.name for each in fields(Device) if each.name not in _APART)
_COLUMNS = ", ".join(_NAMES)
_SELECT = f"SELECT {_COLUMNS}, credential IS NOT NULL, body FROM device"


def body(device: Device) -> dict[str, Any]:
    """Return ``device`` as the log, the tiers above and the console see it: flat, JSON only, without secrets."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(device))
    return {**plain, **plain.pop("particulars")}


def change(device: Device) -> Change:
    """Return ``device`` as a row of the log."""
    operation = Operation.REMOVE if device.retired_at else Operation.PUT
    where = (device.site_id, device.place_path, device.jurisdiction)
    return Change("device", device.id, device.version, *where, body=body(device), operation=operation)


def _device(row: Row) -> Device:
    *known, keyed, particulars = row
    values = dict(zip(_NAMES, known, strict=True))
    values |= {"state": DeviceState(values["state"]), "keyed": keyed}
    return Device(**values, particulars=msgspec.convert(particulars, Particulars, strict=False))


async def whole(db: Executor, devices: Sequence[Device]) -> list[Device]:
    """Return ``devices`` with their zones and other codes."""
    ids = [each.id for each in devices]
    of = await zones.of(db, ids)
    aliases: dict[str, list[tuple[str, str]]] = {}
    rows = await db.fetch(
        "SELECT device_id, space, code FROM device_alias WHERE device_id = ANY(%(ids)s) ORDER BY since, space, code",
        ids=ids,
    )
    for device_id, space, code in rows:
        aliases.setdefault(device_id, []).append((space, code))
    return [replace(each, zones=of.get(each.id, ()), aliases=tuple(aliases.get(each.id, ()))) for each in devices]


async def find(db: Executor, scope: Scope, device_id: str) -> Device:
    """Return a device inside ``scope`` with its zones, retired ones too. Raises NotFound."""
    row = await db.fetch_one(f"{_SELECT} WHERE id = %(id)s AND {IN_SCOPE}", id=device_id, **scope.bounds())
    if row is None:
        raise NotFound("no_device", "there is no such device here")
    return (await whole(db, [_device(row)]))[0]


_WRITE = f"""
    INSERT INTO device ({_COLUMNS}, credential, body)
    VALUES ({", ".join(f"%({name})s" for name in _NAMES)}, %(credential)s, %(body)s)
    ON CONFLICT (id) DO UPDATE SET
        {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES if name not in {"id", "home_node"})},
        credential = coalesce(EXCLUDED.credential, device.credential), body = EXCLUDED.body
    WHERE device.version < EXCLUDED.version AND device.home_node = EXCLUDED.home_node
"""


async def write(tx: Transaction, device: Device, credential: bytes | None = None) -> bool:
    """Write ``device``; return False where this version or a newer one is here. Raises Conflict for a taken name."""
    row = {name: getattr(device, name) for name in _NAMES}
    particulars = Jsonb(msgspec.to_builtins(device.particulars))
    try:
        return await tx.execute(_WRITE, **row, credential=credential, body=particulars) == 1
    except psycopg.errors.UniqueViolation as error:
        taken = "account" if error.diag.constraint_name == "device_account" else "code"
        raise Conflict(f"{taken}_taken", f"another device has this {taken} already") from error


async def _record(tx: Transaction, device: Device, editor: Editor) -> Device:
    """Tell the registry and the log: the last act of a transaction."""
    (found,) = await whole(tx, [device])
    await bump(tx, Subject.REGISTRY)
    await log.append(tx, Lane.BULK, [change(found)], at=editor.at, node=editor.node)
    return found


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What is told of a device to be."""

    kind: str
    name: str
    protocol: str
    account: str = ""
    code: str = ""
    particulars: Particulars = field(default_factory=Particulars)
    longitude: float | None = None
    latitude: float | None = None
    aliases: tuple[tuple[str, str], ...] = ()  # (space, code)


async def add(tx: Transaction, place: Place, new: NewDevice, editor: Editor, *, sealed: Sealed | None = None) -> Device:
    """Register a device at ``place``. Raises Invalid or Conflict.

    ``sealed`` gives its credential, sealed for its id; the code ``AUTO`` takes the next one of this node's segments.
    Source: 4.2.1 (one management of all devices), 5.1.3-a.
    """
    check_kind(new.kind, new.protocol)
    check_coordinates(new.longitude, new.latitude)
    _check_place(new.kind, place)
    device = Device(
        id=new_id("d"),
        site_id=place.site_id,
        place_id=place.id,
        place_path=place.place_path,
        jurisdiction=place.jurisdiction,
        kind=new.kind,
        name=check_name(new.name),
        protocol=new.protocol,
        account=canonical_account(new.protocol, new.account) if new.account else "",
        code="",
        state=DeviceState.UNKNOWN,
        state_reason=NEVER,
        state_at=editor.at,
        heard_at=None,
        interval_s=None,
        silent=False,
        longitude=new.longitude,
        latitude=new.latitude,
        particulars=new.particulars,
        home_node=editor.node.id,
        version=1,
        updated_at=editor.at,
        retired_at=None,
        keyed=sealed is not None,
    )
    device = replace(device, code=await _code(tx, device, new.code, editor))
    await write(tx, device, sealed(device.id) if sealed else None)
    await put_aliases(tx, device.id, new.aliases)
    return await _record(tx, device, editor)


_PREFIXED = ", ".join(f"d.{name}" for name in _NAMES)


_MARKS = """
    SELECT d.id, concat_ws('|', d.name, d.site_id, d.place_path, d.jurisdiction, d.protocol, d.account, d.code, d.body,
        (SELECT string_agg(a.space || ' ' || a.code, ',' ORDER BY a.space, a.code) FROM device_alias a
         WHERE a.device_id = d.id), encode(d.credential, 'hex'), (SELECT p.name FROM place p WHERE p.id = d.place_id),
        (SELECT sum(hashtextextended(concat_ws('|', z.area, z.number, z.name, z.place_path, z.kind, z.bypassed_until,
            q.name), 0)) FROM zone z LEFT JOIN place q ON q.id = z.place_id
         WHERE z.device_id = d.id AND z.retired_at IS NULL))
    FROM device d WHERE d.home_node = %(node)s AND d.account <> '' AND d.retired_at IS NULL
"""


async def marks(db: Executor, node_id: str) -> dict[str, int]:
    """Return for each device in use that node talks to itself a mark that moves with all a report's place hangs on.

    A device that comes or goes keeps its mark: thousands of them do so at once.
    """
    rows = await db.fetch(f"SELECT m.id, hashtextextended(m.told, 0) FROM ({_MARKS}) AS m (id, told)", node=node_id)
    return dict(rows)


async def served(db: Executor, ids: Sequence[str]) -> list[tuple[Device, str, bytes | None]]:
    """Return devices with their places' names and sealed credentials."""
    rows = await db.fetch(
        f"""SELECT {_PREFIXED}, d.credential IS NOT NULL, d.body, coalesce(p.name, ''), d.credential
            FROM device d LEFT JOIN place p ON p.id = d.place_id WHERE d.id = ANY(%(ids)s)""",
        ids=list(ids),
    )
    found = await whole(db, [_device(row[:-2]) for row in rows])
    return [(device, row[-2], row[-1]) for device, row in zip(found, rows, strict=True)]


async def now(db: Executor, ids: Sequence[str]) -> list[Device]:
    """Return devices as they stand this moment, in the order of their ids."""
    rows = await db.fetch(f"{_SELECT} WHERE id = ANY(%(ids)s) ORDER BY id", ids=list(ids))
    return await whole(db, [_device(row) for row in rows])


async def keep_seen(tx: Transaction, node_id: str, protocol: str, seen: Mapping[str, Seen]) -> None:
    """Write when each account of ``protocol`` was last heard, and its rhythm: what a restart must know."""
    await tx.execute_many(
        """UPDATE device SET heard_at = %(last)s, interval_s = %(interval_s)s, silent = %(silent)s
           WHERE home_node = %(node)s AND protocol = %(protocol)s AND account = %(account)s AND retired_at IS NULL""",
        [
            {"node": node_id, "protocol": protocol, "account": account, **asdict(each)}
            for account, each in sorted(seen.items())
        ],
    )


async def turn(tx: Transaction, states: Mapping[str, tuple[DeviceState, str]], *, at: datetime) -> list[Change]:
    """Put devices into ``states`` with their reasons; return the change of each that was in another one.

    Source: 4.2.1.7 (device states).
    """
    rows = await tx.fetch(
        f"""UPDATE device d SET state = t.state, state_reason = t.reason, state_at = %(at)s, updated_at = %(at)s,
               version = d.version + 1
            FROM unnest(%(ids)s::text[], %(states)s::text[], %(reasons)s::text[]) AS t (id, state, reason)
            WHERE d.id = t.id AND d.retired_at IS NULL AND (d.state, d.state_reason) <> (t.state, t.reason)
            RETURNING {_PREFIXED}, d.credential IS NOT NULL, d.body""",
        ids=list(states),
        states=[state.value for state, _ in states.values()],
        reasons=[reason for _, reason in states.values()],
        at=at,
    )
    return [change(each) for each in await whole(tx, [_device(row) for row in rows])] if rows else []


async def turned_over(tx: Transaction, ids: Sequence[str], *, at: datetime) -> list[Change]:
    """Give each of ``ids`` a new version, because what surrounds it changed; return the changes."""
    rows = await tx.fetch(
        f"""UPDATE device SET version = version + 1, updated_at = %(at)s WHERE id = ANY(%(ids)s)
            RETURNING {_COLUMNS}, credential IS NOT NULL, body""",
        ids=list(ids),
        at=at,
    )
    return [change(each) for each in await whole(tx, [_device(row) for row in rows])]


async def set_zones(tx: Transaction, device: Device, found: Sequence[Zone], editor: Editor) -> Device:
    """Make ``found`` the zones of ``device``; those left out are retired. Raises Invalid for one named twice."""
    named = [_canonical(device.protocol, each) for each in found]
    if len({(each.area, each.number) for each in named}) < len(named):
        raise Invalid("zone_twice", "a panel has each zone once")
    await zones.put(tx, device.id, named, at=editor.at)
    after = replace(device, version=device.version + 1, updated_at=editor.at)
    await write(tx, after)
    return await _record(tx, after, editor)


def _canonical(protocol: str, zone: Zone) -> Zone:
    area, number = canonical_zone(protocol, zone.area, zone.number)
    return replace(zone, area=area, number=number, name=check_name(zone.name))


async def locked(
    tx: Transaction, scope: Scope, device_id: str, editor: Editor, *, version: int | None = None
) -> Device:
    """Return a device in use that ``editor`` may change, kept from others until the commit. Raises NotFound, Conflict.

    ``version``: what the editor saw; somebody else's change in between is a Conflict.
    """
    query = f"{_SELECT} WHERE id = %(id)s AND retired_at IS NULL AND {IN_SCOPE} FOR UPDATE"
    row = await tx.fetch_one(query, id=device_id, **scope.bounds())
    if row is None:
        raise NotFound("no_device", "there is no such device here")
    device = _device(row)
    if device.home_node != editor.node.id:
        raise Conflict("not_ours", f"{device.name} is kept by node {device.home_node}: change it there")
    if version is not None and version != device.version:
        raise Conflict("changed_meanwhile", "somebody changed this device meanwhile")
    return device


async def edit(
    tx: Transaction,
    before: Device,
    what: dict[str, Any],
    editor: Editor,
    *,
    place: Place | None = None,
    credential: bytes | None = None,
) -> Device:
    """Change a device that is ``locked``: what is told, where it stands, its sealed credential. Raises Refused.

    A code that is replaced stays as an alias: records made under it are still found. An empty ``credential`` ends
    the agreement on one.
    """
    after = replace(before, **what, version=before.version + 1, updated_at=editor.at)
    check_kind(after.kind, after.protocol)
    check_coordinates(after.longitude, after.latitude)
    account = canonical_account(after.protocol, after.account) if after.account else ""
    after = replace(after, name=check_name(after.name), account=account)
    if after.particulars.supervision_s != before.particulars.supervision_s:
        after = replace(after, interval_s=after.particulars.supervision_s)
    if place is not None:
        after = _stands(after, place)
    after = replace(after, code=await _code(tx, before, after.code, editor))
    if before.code and after.code != before.code:
        await put_aliases(tx, after.id, [(GB28181, before.code)])
    await write(tx, after, credential or None)
    if credential == b"":
        await tx.execute("UPDATE device SET credential = NULL WHERE id = %(id)s", id=after.id)
    keyed = before.keyed if credential is None else bool(credential)
    return await _record(tx, replace(after, keyed=keyed), editor)


def _check_place(kind: str, place: Place) -> None:
    """A platform below stands for the region it serves, everything else in a residential community."""
    if place.retired_at is not None or not (place.site_id or kind == "platform"):
        raise Invalid("wrong_place", "a device stands in a residential community that is in use")


def _stands(device: Device, place: Place) -> Device:
    _check_place(device.kind, place)
    return replace(
        device,
        place_id=place.id,
        place_path=place.place_path,
        site_id=place.site_id,
        jurisdiction=place.jurisdiction,
    )


async def _code(tx: Transaction, device: Device, wanted: str, editor: Editor) -> str:
    """Return the 20-digit code a device shall carry. Raises Invalid or Conflict where it may not."""
    if wanted == AUTO:
        return await codes.take(tx, editor.node.id, KINDS[device.kind].type_code)
    if not wanted or wanted == device.code:
        return wanted
    await codes.check_own(tx, editor.node.id, wanted)
    owner = await tx.fetch_one(
        "SELECT device_id FROM device_alias WHERE space = %(space)s AND code = %(code)s", space=GB28181, code=wanted
    )
    if owner and owner[0] != device.id:
        raise Conflict("code_taken", f"{wanted} was the code of another device")
    return wanted


async def put_aliases(tx: Transaction, device_id: str, aliases: Sequence[tuple[str, str]]) -> None:
    """Give a device more codes, each (space, code). Raises Conflict where another device has one."""
    for space, code in sorted(set(aliases)):
        await tx.execute(
            """INSERT INTO device_alias (device_id, space, code) VALUES (%(device)s, %(space)s, %(code)s)
               ON CONFLICT DO NOTHING""",
            device=device_id,
            space=space,
            code=code,
        )
        row = await tx.fetch_one(
            "SELECT device_id FROM device_alias WHERE space = %(space)s AND code = %(code)s", space=space, code=code
        )
        if row and row[0] != device_id:
            raise Conflict("alias_taken", f"{space} {code} is another device's")


async def retire(tx: Transaction, before: Device, editor: Editor) -> Device:
    """Take a device that is ``locked`` out of use; its records stay, its account is free again."""
    return await _record(tx, await leave(tx, before, editor), editor)


async def leave(tx: Transaction, before: Device, editor: Editor) -> Device:
    """Write that a device that is ``locked`` is out of use; telling registry and log is the caller's."""
    after = replace(before, retired_at=editor.at, updated_at=editor.at, version=before.version + 1)
    await write(tx, after)
    await zones.put(tx, after.id, [], at=editor.at)
    await tx.execute("UPDATE device SET credential = NULL WHERE id = %(id)s", id=after.id)
    return replace(after, keyed=False)


async def row_of(tx: Transaction, device_id: str) -> Device | None:
    """Return a device by its id, out of use or not, kept from others until the commit."""
    row = await tx.fetch_one(f"{_SELECT} WHERE id = %(id)s FOR UPDATE", id=device_id)
    return _device(row) if row else None


async def apply(tx: Transaction, change: Change) -> bool:
    """Take in a device of a node below; return False where it is here already.

    Raises ValueError where the row contradicts itself, Conflict where its code is another device's.
    Source: 4.2.2 (devices of all communities at the county).
    """
    device = read_body(change.body)
    if (device.id, device.version, device.place_path) != (change.object_id, change.version, change.place_path):
        raise ValueError(f"device {change.object_id} contradicts itself")
    await _check_free(tx, device)
    if not await write(tx, device):
        return False
    await zones.put(tx, device.id, device.zones, at=device.updated_at)
    await put_aliases(tx, device.id, device.aliases)
    await bump(tx, Subject.REGISTRY)
    return True


async def _check_free(tx: Transaction, device: Device) -> None:
    """Look before the write: a unique index that says no would end the whole batch."""
    taken = await tx.fetch_one(
        """SELECT code = %(code)s FROM device WHERE id <> %(id)s AND retired_at IS NULL
           AND ((%(code)s <> '' AND code = %(code)s)
                OR (%(account)s <> '' AND (home_node, protocol, account) = (%(node)s, %(protocol)s, %(account)s)))""",
        id=device.id,
        code=device.code,
        account=device.account,
        node=device.home_node,
        protocol=device.protocol,
    )
    if taken and device.retired_at is None:
        raise Conflict("code_taken" if taken[0] else "account_taken", f"{device.name}: another device has it already")


def read_body(stored: Mapping[str, Any]) -> Device:
    """Return the device that ``body`` wrote. Raises ValueError."""
    names = {each.name for each in fields(Particulars)}
    nested = {name: stored[name] for name in names & stored.keys()}
    rest = {name: each for name, each in stored.items() if name not in names}
    return msgspec.convert({**rest, "particulars": nested}, Device, strict=False)


async def all_changes(db: Executor) -> AsyncIterator[Change]:
    """Yield every device, those out of use first: a snapshot for a tier that lost its way."""
    query = f"""{_SELECT} WHERE (retired_at IS NULL, id) > (%(used)s, %(id)s)
        ORDER BY retired_at IS NULL, id LIMIT {_MANY}"""
    used, last = False, ""
    while rows := await db.fetch(query, used=used, id=last):
        for device in await whole(db, [_device(row) for row in rows]):
            yield change(device)
            used, last = device.retired_at is None, device.id


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of devices is asked for; an empty word asks for nothing. ``place`` is any place above them."""

    text: str = ""
    kind: str = ""
    state: str = ""
    protocol: str = ""
    place: str = ""


_PAGE = f"""
    {_SELECT} WHERE retired_at IS NULL AND {IN_SCOPE} AND id > %(after)s
      AND (%(place)s = '' OR strpos(place_path, '/' || %(place)s || '/') > 0)
      AND (%(kind)s = '' OR kind = %(kind)s) AND (%(state)s = '' OR state = %(state)s)
      AND (%(protocol)s = '' OR protocol = %(protocol)s)
      AND (%(text)s = '' OR strpos(lower(name), lower(%(text)s)) > 0 OR strpos(lower(account), lower(%(text)s)) > 0
           OR strpos(code, %(text)s) > 0
           OR EXISTS (SELECT FROM device_alias a WHERE a.device_id = device.id AND strpos(a.code, %(text)s) > 0))
    ORDER BY id LIMIT %(limit)s
"""


async def page(db: Executor, scope: Scope, wanted: Filter, *, after: str, limit: int) -> list[Device]:
    """Return devices in use inside ``scope`` in the order of their ids; go on after the last one's."""
    rows = await db.fetch(_PAGE, after=after, limit=limit, **asdict(wanted), **scope.bounds())
    return await whole(db, [_device(row) for row in rows])


async def counts(db: Executor, scope: Scope) -> list[tuple[str, int, int]]:
    """Return for each path with devices inside ``scope`` how many stand there and how many of them are online."""
    query = f"""SELECT place_path, count(*), count(*) FILTER (WHERE state = 'online') FROM device
        WHERE retired_at IS NULL AND {IN_SCOPE} GROUP BY place_path"""
    return [(row[0], int(row[1]), int(row[2])) for row in await db.fetch(query, **scope.bounds())]


_FRAMES = """
    SELECT id, received_at, peer, outcome, reason, encode(bytes, 'hex') FROM raw_frame
    WHERE source_id = ANY(%(sources)s) AND received_at >= %(since)s ORDER BY received_at DESC, id DESC LIMIT %(limit)s
"""


async def last_frames(db: Executor, sources: Sequence[str], *, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Return the newest raw frames of ``sources`` (device ids, or names of strangers), with what became of them."""
    names = ("id", "received_at", "peer", "outcome", "reason", "hex")
    rows = await db.fetch(_FRAMES, sources=list(sources), since=since, limit=limit)
    return [dict(zip(names, row, strict=True)) for row in rows]


async def named(db: Executor, found: Sequence[Device]) -> list[dict[str, Any]]:
    """Return devices as lists and pages show them: with the names of where they stand, and their states in words."""
    ids = {name for each in found for name in (each.place_id, each.site_id)}
    rows = await db.fetch("SELECT id, name FROM place WHERE id = ANY(%(ids)s)", ids=list(ids))
    names: dict[str, str] = dict(rows)
    return [
        {
            **body(each),
            "place_name": names.get(each.place_id, ""),
            "site_name": names.get(each.site_id, ""),
            "state_words": state_words(each.state_reason)._asdict(),
        }
        for each in found
    ]
