"""Proves the operator log against the anchors that the tier above holds.

Whoever owns the database can rewrite rows and recompute every hash; he cannot change anchors already sent. So we
promise detection up to the last anchor, and say how many rows came after it.
Source: 6.3.2-c.
"""

import hashlib
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from anju.security.keys import signed_by
from anju.security.operator_log import Anchor, sm3
from anju.store.operator_log import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``first_broken`` is the seq where the log stops agreeing; ``unanchored`` rows came after the last anchor."""

    checked: int
    unanchored: int
    first_broken: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Return whether every row agrees with the chain and every anchor with a row."""
        return self.first_broken is None


def seal(row: Row) -> bytes:
    """Return the hash that ``row`` must carry."""
    told = str((row.at - _EPOCH) // timedelta(microseconds=1))
    who = (row.principal_id, row.principal_name, row.principal_node)
    fields = (str(row.seq), told, *who, row.action, row.target, row.outcome, row.peer, row.detail)
    data = row.previous + b"".join(b"%d:%s" % (len(each.encode()), each.encode()) for each in fields)
    return hashlib.sha256(data).digest()


async def verify(rows: AsyncIterable[Row], anchors: Iterable[Anchor], *, public: bytes) -> Verdict:
    """Walk all ``rows`` in order against ``anchors`` of this node, whose key is ``public``."""
    due = {anchor.seq: anchor for anchor in anchors}
    last_anchor = max(due, default=0)
    previous, count = b"", 0
    for anchor in due.values():
        if not signed_by(public, anchor.signature, anchor.message()) or anchor.sm3 != sm3(anchor.sha256):
            return Verdict(0, 0, anchor.seq, "an anchor is not signed by this node")
    async for row in rows:
        broken = _broken(row, count + 1, previous, due.get(row.seq))
        if broken:
            return Verdict(count, 0, min(row.seq, count + 1), broken)
        previous, count = row.hash, count + 1
    if last_anchor > count:
        return Verdict(count, 0, count + 1, f"rows up to {last_anchor} were anchored, {count} are left")
    return Verdict(count, count - last_anchor)


def _broken(row: Row, expected: int, previous: bytes, anchor: Anchor | None) -> str:
    if row.seq != expected:
        return f"row {expected} is missing" if row.seq > expected else f"row {row.seq} was put in"
    if row.previous != previous:
        return "it does not follow from the row before it"
    if row.hash != seal(row):
        return "its content was changed"
    if anchor and anchor.sha256 != row.hash:
        return "the tier above holds another head: rows up to here were rewritten"
    return ""
