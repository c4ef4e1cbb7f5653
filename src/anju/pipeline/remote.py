"""The tier above: rows of a node below get their fate in the transaction that moves its mark.

What is kept is logged again with its origin, so it goes on to the next tier by the same road. A node speaks for its own
sites and for the nodes reached through it, for nothing else.
Source: 4.2.2, 4.2.3 (receive, clean, store, forward); 8-g.
"""

import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
import structlog
from uuid_utils.compat import uuid7

from anju.domain import sightings as seeing
from anju.domain import vehicles
from anju.domain.captures import MS, moment
from anju.domain.changes import Change, Fate, Lane
from anju.domain.docking import MAX_PATH, Batch, Bounds, Expired, Gap, Lower, Receipt, Snapshot
from anju.domain.events import Event
from anju.errors import Refused
from anju.store import (
    alarms,
    commands,
    devices,
    docking,
    events,
    linkage,
    links,
    log,
    passages,
    places,
    sightings,
    watch,
)
from anju.store.database import Database, Transaction
from anju.store.log import NodeId

_NUL = b"\\u0000"
ABOVE = "above_region"
MAX_NODE = 63  # characters of a node's id
_MOST = 2**53  # of a version: any JSON reader counts that far
_OWN_FAULT = (
    psycopg.DataError,
    psycopg.IntegrityError,
    msgspec.MsgspecError,
    struct.error,
    Refused,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What one bad row raises: it is held, and the rows beside it go on."""
Told = Callable[[frozenset[Lane]], Awaitable[None]]
Apply = Callable[[Transaction, Sequence[Change], datetime], Awaitable[list[bool]]]
"""Writes rows of one kind; returns for each whether it was new. Raises one of ``_OWN_FAULT`` for a bad row."""
_log = structlog.get_logger(__name__)


class Receiver:
    """Takes batches of approved nodes in, each in a transaction of its own. ``told`` hears of it after the commit."""

    def __init__(self, db: Database, node: NodeId, *, told: Told, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._told, self._clock = db, node, told, clock

    async def receive(self, batch: Batch, sender: Lower) -> Receipt:
        """Return the fates after the commit. Raises Gap, DatabaseAway."""
        async with self._db.transaction() as tx:
            receipt = await receive(tx, batch, region=sender.region, node=self._node, at=self._clock())
        if Fate.KEPT in receipt.fates:
            await self._told(frozenset({batch.lane}))
        return receipt

    async def resync(self, part: Snapshot, sender: Lower) -> Receipt:
        """Take part of a snapshot in; return where the mark is after the commit. Raises Gap, DatabaseAway."""
        async with self._db.transaction() as tx:
            receipt = await resync(tx, part, sender, node=self._node, at=self._clock())
        if Fate.KEPT in receipt.fates:
            await self._told(frozenset({part.lane}))
        return receipt


async def resync(tx: Transaction, part: Snapshot, sender: Lower, *, node: NodeId, at: datetime) -> Receipt:
    """Take objects in as they stand now; with the last part the mark moves over the rows that are gone.

    These are no rows of the sender's log: they have fates and are not counted among the day's.
    """
    source, region = sender.node, sender.region
    mark = await docking.lock_mark(tx, source, part.epoch, part.lane)
    if part.last and part.first > mark + 1:
        raise Gap(mark)
    fates = await take(tx, part.changes, source=source, region=region, node=node, at=at, holding=part.last > 0)
    if part.last:
        gone = Expired(part.lane, part.first, part.last)
        await docking.begin_resync(tx, source, gone, at=at)
        await docking.add_resynced(tx, source, gone, rows=len(fates), ended_at=at if part.done else None)
    if part.done and part.last > mark:
        mark = part.last
        await docking.move_mark(tx, source, part.epoch, part.lane, mark=mark)
    if kept := [change for change, fate in zip(part.changes, fates, strict=True) if fate is Fate.KEPT]:
        await log.append(tx, part.lane, kept, at=at, node=node)
    return Receipt(mark, tuple(fates))


async def receive(tx: Transaction, batch: Batch, *, region: str, node: NodeId, at: datetime) -> Receipt:
    """Take ``batch`` in. A repeat is answered with the mark; raises Gap where rows before it are missing.

    What lies outside the sites that the sender announced, or a place outside ``region``, is held.
    """
    mark = await docking.lock_mark(tx, batch.node, batch.epoch, batch.lane)
    if batch.first > mark + 1:
        raise Gap(mark)
    fresh = [sent for sent in batch.rows if sent.seq > mark]
    if not fresh:
        return Receipt(mark)
    changes = [sent.change for sent in fresh]
    fates = await take(tx, changes, source=batch.node, region=region, node=node, at=at)
    kept = [change for change, fate in zip(changes, fates, strict=True) if fate is Fate.KEPT]
    await docking.count_fates(tx, batch.node, batch.epoch, batch.lane, zip(fresh, fates, strict=True))
    await docking.move_mark(tx, batch.node, batch.epoch, batch.lane, mark=batch.last)
    if kept:
        await log.append(tx, batch.lane, kept, at=at, node=node)
    return Receipt(batch.last, tuple(fates))


async def take(
    tx: Transaction,
    changes: Sequence[Change],
    *,
    source: str,
    region: str,
    node: NodeId,
    at: datetime,
    holding: bool = True,
) -> list[Fate]:
    """Write ``changes`` of the node ``source``, kind by kind; return what became of each, in their order.

    Without ``holding`` what must be held is only said to be: its row comes by itself and is held then.
    """
    taking = _Taking(tx, source, region, node, at, holding)
    await taking.learn(changes)
    fates: dict[int, Fate] = {}
    for kind in (*_APPLY, None):
        chosen = [index for index, each in enumerate(changes) if (each.kind if each.kind in _APPLY else None) == kind]
        if chosen:
            found = await taking.apply([changes[index] for index in chosen], _APPLY.get(kind or ""))
            fates.update(zip(chosen, found, strict=True))
    return [fates[index] for index in range(len(changes))]


@dataclass(slots=True)
class _Taking:
    """One batch being taken in."""

    tx: Transaction
    source: str
    region: str
    node: NodeId
    at: datetime
    holding: bool
    nodes: frozenset[str] = frozenset()

    async def learn(self, changes: Sequence[Change]) -> None:
        """Find out for which nodes the sender speaks: itself, and those it was the first to bring word of."""
        origins = {each.origin.node for each in changes if each.origin}
        named = origins | {each.object_id for each in changes if each.kind == "node"}
        good = [each for each in named - {self.node.id} if 0 < len(each) <= MAX_NODE and "\0" not in each]
        self.nodes = await docking.learn_routes(self.tx, self.source, sorted(good))

    async def apply(self, changes: Sequence[Change], write: Apply | None) -> list[Fate]:
        """Write rows of one kind in one go; where one of them is bad, one by one."""
        bounds = Bounds(self.region, await links.sites(self.tx, self.source))
        reasons = [self._reason(each, bounds) or ("" if write else "kind_unknown") for each in changes]
        good = [each for each, reason in zip(changes, reasons, strict=True) if not reason]
        fates = iter(await self._write(good, write) if write and good else [])
        return [
            await self._hold(each, reason) if reason else next(fates)
            for each, reason in zip(changes, reasons, strict=True)
        ]

    def _reason(self, change: Change, bounds: Bounds) -> str:
        """Return why ``change`` must be held before it is even tried, or nothing."""
        if not _sound(change):
            return "malformed"
        if change.origin is None or change.origin.node not in self.nodes:
            return "foreign_origin"
        home = change.object_id if change.kind == "node" else change.body.get("home_node", self.source)
        if home not in self.nodes:
            return "foreign_home"
        if _NUL in msgspec.json.encode(change.body):
            return "nul_in_text"
        return ABOVE if bounds.above(change) else bounds.hold(change) or ""

    async def _write(self, changes: Sequence[Change], write: Apply) -> list[Fate]:
        try:
            async with self.tx.savepoint():
                return [_fate(new=new) for new in await write(self.tx, changes, self.at)]
        except _OWN_FAULT as error:
            if len(changes) == 1:
                _log.warning("row held", source=self.source, kind=changes[0].kind, reason=str(error)[:200])
                return [await self._hold(changes[0], _code(error))]
        return [fate for each in changes for fate in await self._write([each], write)]

    async def _hold(self, change: Change, reason: str) -> Fate:
        if reason == ABOVE:
            return Fate.DROPPED
        if not self.holding:
            return Fate.HELD
        told = msgspec.json.encode(change).replace(_NUL, b"\\ufffd")
        row = docking.Held(uuid7(), self.at, self.source, reason, change, told)
        try:
            async with self.tx.savepoint():
                await docking.hold(self.tx, row)
        except (psycopg.DataError, ValueError):  # JSON to us and not to PostgreSQL: keep the letters
            letters = msgspec.json.encode({"text": told.decode("utf-8", "replace")[:10_000]})
            bare = Change(change.kind[:40], "", 0, "", "/", "", {})
            await docking.hold(self.tx, docking.Held(uuid7(), self.at, self.source, reason, bare, letters))
        return Fate.HELD


def _fate(*, new: bool) -> Fate:
    return Fate.KEPT if new else Fate.DUPLICATE


def _code(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, psycopg.IntegrityError):
        return "collision"
    return "out_of_range" if isinstance(error, psycopg.Error) else "malformed"


def _sound(change: Change) -> bool:
    """Return whether the row's frame is within bounds and its body speaks of the same place and site."""
    path, body = change.place_path, change.body
    lengths = (change.kind, 40), (change.object_id, 100), (change.site_id, 64), (change.jurisdiction, 12)
    return (
        all(len(text) <= most and "\0" not in text for text, most in lengths)
        and 0 <= change.version <= _MOST
        and 1 <= len(path) <= MAX_PATH
        and path[0] == path[-1] == "/"
        and "\0" not in path
        and _agrees(change, body)
        and ("event" not in body or (isinstance(body["event"], dict) and _agrees(change, body["event"])))
    )


def _agrees(change: Change, body: dict[str, object]) -> bool:
    return all(
        body.get(name, own) == own for name, own in (("site_id", change.site_id), ("place_path", change.place_path))
    )


async def _events(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:
    told = [msgspec.convert(each.body, Event, strict=False) for each in changes]
    _must_be_named(changes, [event.id for event in told])
    return await events.insert_remote(tx, told, at=at)


async def _alarms(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:
    told = [alarms.read_body(each.body) for each in changes]
    _must_be_named(changes, [alarm.id for alarm in told])
    return await alarms.apply_many(tx, told, at=at)


async def _steps(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return await alarms.apply_steps(tx, changes)


async def _commands(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await commands.apply(tx, each) for each in changes]


async def _reactions(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await linkage.apply(tx, each) for each in changes]


async def _passages(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:
    told = [vehicles.read_body(each.body) for each in changes]
    _must_be_named(changes, [each.id for each in told])
    for each in told:
        _must_be_dated(each.id, each.received_at, each.version)
        vehicles.check(each)
    return await passages.insert_remote(tx, told, at=at)


async def _sightings(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:
    told = [seeing.read_body(each.body) for each in changes]
    _must_be_named(changes, [each.id for each in told])
    for each in told:
        _must_be_dated(each.id, each.received_at, each.version)
        seeing.check(each)
    return await sightings.insert_remote(tx, told, at=at)


async def _watch(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await watch.apply(tx, each) for each in changes]


def _must_be_dated(record_id: UUID, received_at: datetime, version: int) -> None:
    """Refuse a record that nobody would find again by its id."""
    if not timedelta() <= received_at - moment(record_id) < MS:
        raise ValueError("a record's id tells another time than its record")
    if not 1 <= version <= _MOST:
        raise ValueError("no version")


def _must_be_named(changes: Sequence[Change], ids: Sequence[object]) -> None:
    if [each.object_id for each in changes] != [str(each) for each in ids]:
        raise ValueError("a row's id is not its object's")


async def _places(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await places.apply(tx, each) for each in changes]


async def _jurisdictions(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await places.apply_jurisdiction(tx, each) for each in changes]


async def _devices(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await devices.apply(tx, each) for each in changes]


async def _nodes(tx: Transaction, changes: Sequence[Change], at: datetime) -> list[bool]:  # noqa: ARG001
    return [await links.apply_standing(tx, each) for each in changes]


_APPLY: dict[str, Apply] = {
    "node": _nodes,
    "place": _places,
    "jurisdiction": _jurisdictions,
    "device": _devices,
    "event": _events,
    "alarm": _alarms,
    "alarm_step": _steps,
    "command": _commands,
    "linkage_action": _reactions,
    "watch_entry": _watch,
    "passage": _passages,
    "sighting": _sightings,
}
"""In the order in which one batch is written: places before what lies in them."""
