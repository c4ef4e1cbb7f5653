"""Proves the operator log against the anchors that the tier above holds.

Whoever owns the database can rewrite rows and recompute every hash; he cannot change anchors already sent. So we
promise detection up to the last anchor, and say how many rows came after it.
Source: 6.3.2-c.
"""

import hashlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from anju.errors import UpperAway
from anju.security.keys import NodeKeys, signed_by
from anju.security.operator_log import Anchor, sm3
from anju.store import operator_log as store
from anju.store.database import Executor
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
    previous, count, good = b"", 0, 0
    for anchor in due.values():
        if not signed_by(public, anchor.signature, anchor.message()) or anchor.sm3 != sm3(anchor.sha256):
            return Verdict(0, 0, anchor.seq, "an anchor is not signed by this node")
    async for row in rows:
        broken = _broken(row, count + 1, previous, due.get(row.seq), good)
        if broken:
            return Verdict(count, 0, min(row.seq, count + 1), broken)
        previous, count = row.hash, count + 1
        good = row.seq if row.seq in due else good
    if last_anchor > count:
        return Verdict(count, 0, count + 1, f"rows up to {last_anchor} were anchored, {count} are left")
    return Verdict(count, count - last_anchor)


def _broken(row: Row, expected: int, previous: bytes, anchor: Anchor | None, good: int) -> str:
    """Return what is wrong with ``row``, nothing where it is whole; ``good`` is the last row an anchor agreed with."""
    if row.seq != expected:
        return f"row {expected} is missing" if row.seq > expected else f"row {row.seq} was put in"
    if row.previous != previous:
        return "it does not follow from the row before it"
    if row.hash != seal(row):
        return "its content was changed"
    if anchor and anchor.sha256 != row.hash:
        return f"the tier above holds another head: something from row {good + 1} to here was rewritten"
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """Anchors that somebody holds of this node: ``outside`` it, or only in its own database; ``source`` in words."""

    anchors: Sequence[Anchor]
    public: bytes
    source: str
    outside: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verification found, in words for whoever asked; ``anchors`` is how many it was checked against."""

    verdict: Verdict
    anchors: int
    source: str
    message: str

    @property
    def ok(self) -> bool:
        """Return whether the log is whole."""
        return self.verdict.ok


Ask = Callable[[], Awaitable[tuple[list[Anchor], bytes, str]]]
"""Asks the tier above for (its anchors of this node, the key it knows us by, who it is). Raises UpperAway."""


async def held(db: Executor, keys: NodeKeys, node: str, ask: Ask | None) -> Held:
    """Return the anchors to verify by: the tier above's, or this node's own signed heads where there is none."""
    why = "no tier above holds anchors"
    if ask is not None:
        try:
            anchors, public, source = await ask()
        except UpperAway as error:
            why = f"the tier above does not answer ({error})"
        else:
            if anchors:
                return Held(anchors, public, source, outside=True)
            why = f"{source} holds no anchor of this node yet"
    own = [Anchor(each.node, each.seq, each.sha256, each.sm3, each.signature) for each in await store.heads(db, node)]
    return Held(own, keys.public, f"{why}; checked against heads signed here", outside=False)


async def prove(db: Executor, by: Held) -> Proof:
    """Verify the whole log against ``by`` and say what was found, and how much nobody outside vouches for."""
    verdict = await verify(store.rows(db), by.anchors, public=by.public)
    if not by.outside and verdict.ok:
        verdict = replace(verdict, unanchored=verdict.checked)
    count = len(by.anchors)
    if not verdict.ok:
        found = f"Broken at row {verdict.first_broken}: {verdict.reason}."
    else:
        found = (
            f"{verdict.checked} rows are whole; the last {verdict.unanchored} are vouched for by nobody outside yet."
        )
    return Proof(verdict, count, by.source, f"{found} Anchors: {count}, {by.source}.")
