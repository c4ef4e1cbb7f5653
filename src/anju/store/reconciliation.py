"""Accounts between two tiers: what one sent of a UTC day against what became of it at the other, up to marks both name.

Source: 4.2.1, 4.2.2 (nothing lost on the way up).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from anju.domain.changes import Fate, Lane
from anju.domain.docking import Account, Day
from anju.store import docking
from anju.store.database import Executor, Transaction

WHOLE = "*"
"""The kind under which a compared day has its totals, so that a day without rows is known to be compared too."""
MOST_OPEN = 20  # accounts of one node that were given out and may still be answered
_FATES = (Fate.KEPT, Fate.DUPLICATE, Fate.HELD, Fate.DROPPED)


async def received(db: Executor, node: str, epoch: int, day: date) -> dict[str, dict[Fate, int]]:
    """Return the fates of ``node``'s rows of ``day`` by kind."""
    rows = await db.fetch(
        """SELECT kind, sum(kept)::bigint, sum(duplicate)::bigint, sum(held)::bigint, sum(dropped)::bigint
           FROM fate_day WHERE node = %(node)s AND epoch = %(epoch)s AND day = %(day)s GROUP BY kind""",
        node=node,
        epoch=epoch,
        day=day,
    )
    return {row[0]: dict(zip(_FATES, row[1:], strict=True)) for row in rows}


async def open_account(tx: Transaction, node: str, epoch: int, day: date, *, at: datetime) -> Account:
    """Count the fates of ``node``'s rows of ``day`` up to marks that nothing moves meanwhile; remember what was told.

    Bulk is locked first: waiting for a batch of it must not hold up alarms.
    """
    marks = {lane: await docking.lock_mark(tx, node, epoch, lane) for lane in (Lane.BULK, Lane.ALARMS)}
    account = Account(uuid7(), await received(tx, node, epoch, day), marks)
    told = Jsonb({"fates": account.fates, "marks": marks})
    await tx.execute(
        "INSERT INTO account_open (id, node, day, at, told) VALUES (%(id)s, %(node)s, %(day)s, %(at)s, %(told)s)",
        id=account.id,
        node=node,
        day=day,
        at=at,
        told=told,
    )
    await tx.execute(
        """DELETE FROM account_open WHERE node = %(node)s AND id NOT IN (
               SELECT id FROM account_open WHERE node = %(node)s ORDER BY id DESC LIMIT %(most)s)""",
        node=node,
        most=MOST_OPEN,
    )
    return account


async def opened(tx: Transaction, node: str, day: date, account: UUID) -> Account | None:
    """Return what ``node`` was told of ``day`` under that id, None where that is unknown or long ago."""
    query = "DELETE FROM account_open WHERE id = %(id)s AND node = %(node)s AND day = %(day)s RETURNING told"
    row = await tx.fetch_one(query, id=account, node=node, day=day)
    return msgspec.convert({"id": account, **row[0]}, Account) if row else None


async def sent(db: Executor, epoch: int, day: date, *, up_to: Mapping[Lane, int]) -> dict[str, int]:
    """Return how many rows of ``day`` this node's log holds up to a seq of each lane, by kind."""
    rows = await db.fetch(
        """SELECT kind, count(*) FROM log WHERE epoch = %(epoch)s AND at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
               AND at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
               AND seq <= CASE lane WHEN 'alarms' THEN %(alarms)s ELSE %(bulk)s END GROUP BY kind""",
        epoch=epoch,
        day=day,
        alarms=up_to.get(Lane.ALARMS, 0),
        bulk=up_to.get(Lane.BULK, 0),
    )
    return {row[0]: int(row[1]) for row in rows}


async def note(tx: Transaction, peer: str, told: Day, account: Account, *, at: datetime) -> None:
    """Write how a day's accounts stand between this node and ``peer``, by kind and as a whole."""
    same = {"node": peer, "day": told.day, "marks": Jsonb(account.marks), "whole": told.whole, "at": at}
    rows = [
        {**same, "kind": kind, "sent": sent, "received": sum(found.values()), "fates": Jsonb(found)}
        for kind, (sent, found) in _lines(told, account).items()
    ]
    await tx.execute("DELETE FROM reconciliation_day WHERE node = %(node)s AND day = %(day)s", node=peer, day=told.day)
    await tx.execute_many(
        """INSERT INTO reconciliation_day (node, day, kind, sent, received, fates, marks, whole, checked_at)
           VALUES (%(node)s, %(day)s, %(kind)s, %(sent)s, %(received)s, %(fates)s, %(marks)s, %(whole)s, %(at)s)
           ON CONFLICT (node, day, kind) DO UPDATE SET sent = EXCLUDED.sent, received = EXCLUDED.received,
               fates = EXCLUDED.fates, marks = EXCLUDED.marks, whole = EXCLUDED.whole,
               checked_at = EXCLUDED.checked_at""",
        rows,
    )


def _lines(told: Day, account: Account) -> dict[str, tuple[int, dict[Fate, int]]]:
    whole = {fate: sum(found.get(fate, 0) for found in account.fates.values()) for fate in _FATES}
    kinds = sorted(set(told.sent) | set(account.fates))
    by_kind = {kind: (told.sent.get(kind, 0), account.fates.get(kind, {})) for kind in kinds}
    return {WHOLE: (sum(told.sent.values()), whole), **by_kind}


async def reconciled(db: Executor, peer: str, *, since: date) -> set[date]:
    """Return the days since ``since`` whose accounts with ``peer`` were compared once they were over."""
    rows = await db.fetch(
        """SELECT day FROM reconciliation_day WHERE node = %(node)s AND kind = %(whole)s AND day >= %(since)s
               AND whole""",
        node=peer,
        whole=WHOLE,
        since=since,
    )
    return {row[0] for row in rows}


async def accounts(db: Executor, nodes: Sequence[str], *, day: date | None, limit: int) -> list[dict[str, Any]]:
    """Return the compared accounts with ``nodes``, newest day first; kind ``*`` is all of a day.

    ``marks`` are the last rows both sides counted; ``whole`` is False while more of the day may come after them.
    """
    names = ("node", "day", "kind", "sent", "received", "fates", "marks", "whole", "checked_at")
    rows = await db.fetch(
        f"""SELECT {", ".join(names)} FROM reconciliation_day WHERE node = ANY(%(nodes)s)
               AND (%(day)s::date IS NULL OR day = %(day)s) ORDER BY day DESC, node, kind LIMIT %(limit)s""",
        nodes=list(nodes),
        day=day,
        limit=limit,
    )
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**each, **each.pop("fates")} for each in found]
