"""Devices as kept: registered, changed, heard, silent, retired; every change is a row of the log. Secrets never are."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from anju.domain.changes import Change, Lane, Operation
from anju.domain.codes import new_id
from anju.domain.devices import (
    NEVER,
    Device,
    DeviceState,
    Particulars,
    Zone,
    canonical_account,
    canonical_zone,
    check_kind,
)
from anju.domain.places import Place, check_coordinates, check_name
from anju.domain.rights import Scope
from anju.domain.supervision import Seen
from anju.errors import Conflict, Invalid, NotFound
from anju.store import log, zones
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.places import Editor
from anju.store.versions import Subject, bump

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


async def _write(tx: Transaction, device: Device, credential: bytes | None = None) -> bool:
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


async def add(
    tx: Transaction, place: Place, new: NewDevice, editor: Editor, *, credential: bytes | None = None
) -> Device:
    """Register a device at ``place``; ``credential`` is sealed already. Raises Invalid or Conflict.

    Source: 4.2.1 (one management of all devices), 5.1.3-a.
    """
    check_kind(new.kind, new.protocol)
    check_coordinates(new.longitude, new.latitude)
    if place.retired_at is not None or not place.site_id:
        raise Invalid("wrong_place", "a device stands in a residential community that is in use")
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
        code=new.code,
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
        keyed=credential is not None,
    )
    await _write(tx, device, credential)
    return await _record(tx, device, editor)


async def served(db: Executor, node_id: str) -> list[tuple[Device, str, bytes | None]]:
    """Return the devices in use that node talks to itself, each with its place's name and sealed credential."""
    rows = await db.fetch(
        f"""SELECT {", ".join(f"d.{name}" for name in _NAMES)}, d.credential IS NOT NULL, d.body,
               coalesce(p.name, ''), d.credential
            FROM device d LEFT JOIN place p ON p.id = d.place_id
            WHERE d.home_node = %(node)s AND d.account <> '' AND d.retired_at IS NULL""",
        node=node_id,
    )
    devices = await whole(db, [_device(row[:-2]) for row in rows])
    return [(device, row[-2], row[-1]) for device, row in zip(devices, rows, strict=True)]


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
    turned: list[Device] = []
    for device_id, (state, reason) in sorted(states.items()):
        row = await tx.fetch_one(
            f"""UPDATE device SET state = %(state)s, state_reason = %(reason)s, state_at = %(at)s, updated_at = %(at)s,
                   version = version + 1
                WHERE id = %(id)s AND retired_at IS NULL AND (state, state_reason) <> (%(state)s, %(reason)s)
                RETURNING {_COLUMNS}, credential IS NOT NULL, body""",
            id=device_id,
            state=state,
            reason=reason,
            at=at,
        )
        if row:
            turned.append(_device(row))
    return [change(each) for each in await whole(tx, turned)] if turned else []


async def set_zones(tx: Transaction, device: Device, found: Sequence[Zone], editor: Editor) -> Device:
    """Make ``found`` the zones of ``device``; those left out are retired. Raises Invalid for one named twice."""
    named = [replace(each, **_zone_names(device.protocol, each)) for each in found]
    if len({(each.area, each.number) for each in named}) < len(named):
        raise Invalid("zone_twice", "a panel has each zone once")
    await zones.put(tx, device.id, named, at=editor.at)
    after = replace(device, version=device.version + 1, updated_at=editor.at)
    await _write(tx, after)
    return await _record(tx, after, editor)


def _zone_names(protocol: str, zone: Zone) -> dict[str, str]:
    area, number = canonical_zone(protocol, zone.area, zone.number)
    return {"area": area, "number": number, "name": check_name(zone.name)}
