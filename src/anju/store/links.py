"""Links of this node: the one tier above it, the nodes below it, and the codes by which they pair."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.changes import Change
from anju.domain.docking import AWAY_AFTER, Beat, Lower, LowerState, Standing, Upper, UpperState
from anju.domain.rights import Scope
from anju.store.database import IN_SCOPE, Executor, Transaction
from anju.store.versions import Subject, bump

_LOWER = "node, name, tier, public_key, fingerprint, state, epoch, region"
_UPPER = "url, certificate, node, name, fingerprint, state, reason"


async def lower(db: Executor, node: str) -> Lower | None:
    """Return the node below of that id, approved or not."""
    row = await db.fetch_one(f"SELECT {_LOWER} FROM lower_node WHERE node = %(node)s", node=node)
    return _lower(row) if row else None


async def ask_in(tx: Transaction, asking: Lower, *, at: datetime) -> bool:
    """Note a node that asks to be taken in; return False where that id is approved under another key."""
    done = await tx.execute(
        """INSERT INTO lower_node (node, name, tier, public_key, fingerprint, state, asked_at)
           VALUES (%(node)s, %(name)s, %(tier)s, %(public_key)s, %(fingerprint)s, 'pending', %(at)s)
           ON CONFLICT (node) DO UPDATE SET name = EXCLUDED.name, tier = EXCLUDED.tier,
               public_key = EXCLUDED.public_key, fingerprint = EXCLUDED.fingerprint, asked_at = EXCLUDED.asked_at,
               state = CASE WHEN lower_node.state = 'approved' THEN 'approved' ELSE 'pending' END
           WHERE lower_node.state <> 'approved' OR lower_node.public_key = EXCLUDED.public_key""",
        **{name: getattr(asking, name) for name in ("node", "name", "tier", "public_key", "fingerprint")},
        at=at,
    )
    await bump(tx, Subject.LINKS)
    return done == 1


async def approve(tx: Transaction, node: str, *, region: str, by: str) -> bool:
    """Take a node in, everything of it to lie under the place path ``region``; return False where nobody asked."""
    done = await tx.execute(
        """UPDATE lower_node SET state = 'approved', region = %(region)s, approved_by = %(by)s
           WHERE node = %(node)s""",
        node=node,
        region=region,
        by=by,
    )
    await tx.execute(
        """INSERT INTO lower_route (node, via) SELECT %(node)s, %(node)s WHERE %(done)s = 1
           ON CONFLICT (node) DO UPDATE SET via = EXCLUDED.via""",
        node=node,
        done=done,
    )
    await bump(tx, Subject.LINKS)
    return done == 1


async def revoke(tx: Transaction, node: str) -> bool:
    """Take nothing more from a node; return False where there is none."""
    done = await tx.execute("UPDATE lower_node SET state = 'revoked' WHERE node = %(node)s", node=node)
    await bump(tx, Subject.LINKS)
    return done == 1


TELL_EVERY = timedelta(minutes=1)


async def note_beat(tx: Transaction, sender: Lower, beat: Beat, *, epoch: int, at: datetime) -> Change | None:
    """Write what a node below says of itself; return what the tier above must hear of it, at most once a minute."""
    row = await tx.fetch_one(
        """UPDATE lower_node SET last_seen = %(at)s, epoch = %(epoch)s, delay_ms = %(delay)s, backlog = %(backlog)s,
               name = %(name)s, told_at = CASE WHEN told_at > %(due)s THEN told_at ELSE %(at)s END
           WHERE node = %(node)s RETURNING told_at = %(at)s""",
        node=sender.node,
        at=at,
        epoch=epoch,
        delay=beat.delay_ms,
        backlog=Jsonb({lane.value: count for lane, count in beat.backlog.items()}),
        name=beat.name,
        due=at - TELL_EVERY,
    )
    if not row or not row[0]:
        return None
    return standing_change(Standing(sender.node, beat.name, sender.tier, at, beat.delay_ms, beat.backlog))


def standing_change(standing: Standing) -> Change:
    """Return what the tiers above are told of a node; later word of it wins."""
    version = int(standing.last_seen.timestamp() * 1000)
    return Change("node", standing.node, version, "", "/", "", body=msgspec.to_builtins(asdict(standing)))


async def apply_standing(tx: Transaction, told: Change) -> bool:
    """Take in how a node further down stands; return False where newer word is here. Raises msgspec errors."""
    standing = msgspec.convert(told.body, Standing, strict=False)
    if standing.node != told.object_id:
        raise ValueError(f"node {told.object_id} contradicts itself")
    done = await tx.execute(
        """UPDATE lower_route SET name = %(name)s, tier = %(tier)s, last_seen = %(last_seen)s, delay_ms = %(delay_ms)s,
               backlog = %(backlog)s, version = %(version)s WHERE node = %(node)s AND version < %(version)s""",
        **{**asdict(standing), "backlog": Jsonb(standing.backlog), "version": told.version},
    )
    return done == 1


async def silence_due(db: Executor, *, at: datetime) -> list[tuple[Lower, bool]]:
    """Return the nodes below that fell silent, and with False those heard again, where nobody was told yet."""
    rows = await db.fetch(
        f"""SELECT {_LOWER}, NOT silent FROM lower_node
            WHERE silent <> (state = 'approved' AND coalesce(last_seen < %(since)s, false)) ORDER BY node""",
        since=at - AWAY_AFTER,
    )
    return [(_lower(row), row[-1]) for row in rows]


async def note_silence(db: Executor, node: str, *, silent: bool) -> None:
    """Note that the silence of a node below, or its end, was told."""
    await db.execute("UPDATE lower_node SET silent = %(silent)s WHERE node = %(node)s", node=node, silent=silent)


async def upper(db: Executor) -> Upper | None:
    """Return the tier above, None where this node was never paired."""
    row = await db.fetch_one(f"SELECT {_UPPER} FROM upper_link")
    return Upper(row[0], row[1], row[2], row[3], row[4], UpperState(row[5]), row[6]) if row else None


async def upper_times(db: Executor) -> dict[str, datetime | None]:
    """Return when this node was paired with the tier above, and when that last acknowledged a row."""
    row = await db.fetch_one("SELECT paired_at, last_ack_at FROM upper_link")
    return dict(zip(("paired_at", "last_ack_at"), row or (None, None), strict=True))


async def put_upper(tx: Transaction, link: Upper, *, at: datetime) -> None:
    """Write the tier above; it replaces another."""
    await tx.execute(
        f"""INSERT INTO upper_link ({_UPPER}, paired_at) VALUES (%(url)s, %(certificate)s, %(node)s, %(name)s,
                %(fingerprint)s, %(state)s, %(reason)s, %(at)s)
            ON CONFLICT (one) DO UPDATE SET url = EXCLUDED.url, certificate = EXCLUDED.certificate,
                node = EXCLUDED.node, name = EXCLUDED.name, fingerprint = EXCLUDED.fingerprint,
                state = EXCLUDED.state, reason = EXCLUDED.reason, paired_at = EXCLUDED.paired_at""",
        **asdict(link),
        at=at,
    )
    await bump(tx, Subject.LINKS)


async def confirm_upper(tx: Transaction) -> None:
    """Start to use the tier above: a person compared its fingerprint."""
    await tx.execute("UPDATE upper_link SET state = 'waiting', reason = '' WHERE state = 'unconfirmed'")
    await bump(tx, Subject.LINKS)


async def drop_upper(tx: Transaction) -> bool:
    """Forget the tier above; return False where there was none."""
    done = await tx.execute("DELETE FROM upper_link")
    await bump(tx, Subject.LINKS)
    return done == 1


async def note_upper(
    db: Executor, node: str, state: UpperState, reason: str, *, acked_at: datetime | None, delay_ms: int | None
) -> None:
    """Write how the link stands, unless a person changed it meanwhile."""
    await db.execute(
        """UPDATE upper_link SET state = %(state)s, reason = %(reason)s, delay_ms = coalesce(%(delay)s, delay_ms),
               last_ack_at = coalesce(%(acked)s, last_ack_at) WHERE node = %(node)s AND state <> 'unconfirmed'""",
        node=node,
        state=state,
        reason=reason[:500],
        delay=delay_ms,
        acked=acked_at,
    )


async def add_code(db: Executor, digest: bytes, *, by: str, expires_at: datetime) -> None:
    """Write a one-time code by its digest."""
    await db.execute(
        "INSERT INTO pairing_code (hash, made_by, expires_at) VALUES (%(hash)s, %(by)s, %(until)s)",
        hash=digest,
        by=by,
        until=expires_at,
    )


async def valid_codes(db: Executor, *, at: datetime) -> Sequence[bytes]:
    """Return the digests of all codes that may still be used."""
    rows = await db.fetch("SELECT hash FROM pairing_code WHERE used_at IS NULL AND expires_at > %(at)s", at=at)
    return [bytes(row[0]) for row in rows]


async def use_code(tx: Transaction, digest: bytes, *, at: datetime) -> bool:
    """Use a code up; return False where another was faster."""
    query = "UPDATE pairing_code SET used_at = %(at)s WHERE hash = %(hash)s AND used_at IS NULL"
    return await tx.execute(query, hash=digest, at=at) == 1


async def lower_nodes(db: Executor, scope: Scope) -> list[dict[str, Any]]:
    """Return the nodes below with their marks and today's fates; with less than everything, those with places there."""
    names = ("node", "name", "tier", "state", "last_seen_at", "delay_ms", "fingerprint", "backlog", "epoch", "asked_at")
    rows = await db.fetch(
        f"""SELECT node, name, tier, state, last_seen, delay_ms, fingerprint, backlog, epoch, asked_at, region,
               coalesce((SELECT p.name FROM place p WHERE p.place_path = n.region), ''),
               (SELECT coalesce(jsonb_agg(jsonb_build_object('epoch', m.epoch, 'lane', m.lane, 'mark', m.mark)), '[]')
                FROM lower_mark m WHERE m.node = n.node),
               (SELECT jsonb_build_object('kept', coalesce(sum(kept), 0), 'duplicate', coalesce(sum(duplicate), 0),
                    'held', coalesce(sum(held), 0), 'dropped', coalesce(sum(dropped), 0))
                FROM fate_day f WHERE f.node = n.node AND f.day = (now() AT TIME ZONE 'UTC')::date)
           FROM lower_node n WHERE {_NODE_IN_SCOPE} ORDER BY name, node""",
        **scope.bounds(),
    )
    return [dict(zip((*names, "region", "region_name", "marks", "fates"), row, strict=True)) for row in rows]


_NODE_IN_SCOPE = f"""(%(scope_everything)s OR EXISTS (SELECT FROM place p WHERE (p.home_node = n.node
    OR p.home_node IN (SELECT r.node FROM lower_route r WHERE r.via = n.node)) AND p.kind = 'site' AND {IN_SCOPE}))"""


async def nodes_in(db: Executor, scope: Scope) -> set[str]:
    """Return the nodes below with a 小区 inside ``scope``, and the tier above for who may see everything."""
    rows = await db.fetch(f"SELECT node FROM lower_node n WHERE {_NODE_IN_SCOPE}", **scope.bounds())
    above = await upper(db) if scope.everything else None
    return {row[0] for row in rows} | ({above.node} if above else set())


async def root_path(db: Executor, node: str) -> str:
    """Return the path of the topmost place kept by ``node``, ``/`` where it keeps none."""
    row = await db.fetch_one(
        """SELECT place_path FROM place WHERE home_node = %(node)s AND retired_at IS NULL
           ORDER BY length(place_path), place_path LIMIT 1""",
        node=node,
    )
    return row[0] if row else "/"


async def sites(db: Executor, node: str) -> frozenset[str]:
    """Return the paths of the 小区 that ``node``, or a node reached through it, announced."""
    rows = await db.fetch(
        """SELECT place_path FROM place WHERE kind = 'site' AND (home_node = %(node)s
               OR home_node IN (SELECT r.node FROM lower_route r WHERE r.via = %(node)s))""",
        node=node,
    )
    return frozenset(row[0] for row in rows)


def _lower(row: Sequence[Any]) -> Lower:
    return Lower(row[0], row[1], row[2], bytes(row[3]), row[4], LowerState(row[5]), row[6], row[7])
