"""The tier above: rows of a node below get their fate in the transaction that moves its mark.

What is kept is logged again with its origin, so it goes on to the next tier by the same road.
Source: 4.2.2, 4.2.3 (receive, clean, store, forward); 8-g.
"""

from dataclasses import replace
from datetime import datetime

import msgspec
import structlog
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from anju.domain.changes import Change, Fate
from anju.domain.docking import Batch, Gap, Receipt, Sent
from anju.domain.events import Event
from anju.store import alarms, docking, events, log
from anju.store.database import Transaction
from anju.store.log import NodeId

_NUL = b"\\u0000"
_log = structlog.get_logger(__name__)


async def receive(tx: Transaction, batch: Batch, *, node: NodeId, at: datetime) -> Receipt:
    """Take ``batch`` in. A repeat is answered with the mark; raises Gap where rows before it are missing."""
    mark = await docking.lock_mark(tx, batch.node, batch.epoch, batch.lane)
    if batch.first > mark + 1:
        raise Gap(mark)
    fresh = [sent for sent in batch.rows if sent.seq > mark]
    if not fresh:
        return Receipt(mark)
    fates = [await _take(tx, sent, batch.node, at) for sent in fresh]
    kept = [sent.change for sent, fate in zip(fresh, fates, strict=True) if fate is Fate.KEPT]
    await docking.count_fates(tx, batch.node, batch.epoch, batch.lane, zip(fresh, fates, strict=True))
    await docking.move_mark(tx, batch.node, batch.epoch, batch.lane, mark=batch.last)
    if kept:
        await log.append(tx, batch.lane, kept, at=at, node=node)
    return Receipt(batch.last, tuple(fates))


async def _take(tx: Transaction, sent: Sent, source: str, at: datetime) -> Fate:
    change = sent.change
    if _NUL in msgspec.json.encode(change.body):
        return await _hold(tx, change, source, "nul_in_text", at)
    try:
        if change.kind == "event":
            event = msgspec.convert(change.body, Event, strict=False)
            return _fate(new=await events.insert_remote(tx, event, at=at))
        if change.kind == "alarm":
            return _fate(new=await alarms.apply(tx, alarms.read_body(change.body), at=at))
        if change.kind == "alarm_step":
            return _fate(new=await alarms.apply_step(tx, change))
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        _log.warning("row held", source=source, kind=change.kind, reason=str(error))
        return await _hold(tx, change, source, "malformed", at)
    return await _hold(tx, change, source, "kind_unknown", at)


def _fate(*, new: bool) -> Fate:
    return Fate.KEPT if new else Fate.DUPLICATE


async def _hold(tx: Transaction, change: Change, source: str, reason: str, at: datetime) -> Fate:
    told = msgspec.json.encode(replace(change, origin=None)).replace(_NUL, b"\\ufffd")
    await tx.execute(
        """INSERT INTO quarantine (id, held_at, site_id, source_id, place_path, jurisdiction, station, reason, value)
           VALUES (%(id)s, %(at)s, %(site)s, %(source)s, %(path)s, %(jurisdiction)s, 'receive', %(reason)s,
               %(value)s)""",
        id=uuid7(),
        at=at,
        site=change.site_id,
        source=source,
        path=change.place_path,
        jurisdiction=change.jurisdiction,
        reason=reason,
        value=Jsonb(msgspec.json.decode(told)),
    )
    return Fate.HELD
