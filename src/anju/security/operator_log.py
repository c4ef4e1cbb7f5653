"""Who did what: written before the effect as intent, after it as outcome; its heads are anchored at the tier above.

The chain is SHA-256, made inside PostgreSQL, where SM3 does not exist; each anchor carries the SM3 of the head as well.
Source: 6.3.2-c (operator actions logged, unalterable).
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes

from anju.domain.rights import Principal
from anju.errors import Refused
from anju.security.keys import NodeKeys
from anju.store import operator_log as store
from anju.store.database import Database


@dataclass(frozen=True, slots=True)
class Anchor:
    """A signed head: the tier above keeps it where this node's database administrator does not reach."""

    node: str
    seq: int
    sha256: bytes
    sm3: bytes
    signature: bytes

    def message(self) -> bytes:
        """Return what is signed."""
        return f"anju operator log\n{self.node}\n{self.seq}\n{self.sha256.hex()}\n{self.sm3.hex()}".encode()


class OperatorLog:
    """Writes the log and signs its heads."""

    def __init__(self, db: Database, keys: NodeKeys, *, node: str) -> None:
        self._db, self._keys, self._node = db, keys, node

    async def write(
        self,
        principal: Principal,
        action: str,
        target: str,
        detail: dict[str, Any] | None = None,
        *,
        outcome: str,
        peer: str = "",
    ) -> int:
        """Seal one row in a transaction of its own and return its seq.

        ``outcome`` is ``intent`` before the effect, then ``done``, ``refused`` or ``failed``.
        Raises DatabaseAway: then the act must not happen.
        """
        return await store.append(
            self._db,
            principal_id=principal.id,
            principal_name=principal.name,
            principal_node=principal.node or self._node,
            action=action,
            target=target,
            outcome=outcome,
            peer=peer,
            detail=json.dumps(detail or {}, ensure_ascii=False, sort_keys=True).replace("\\u0000", ""),
        )

    @asynccontextmanager
    async def acting(
        self, principal: Principal, action: str, target: str, detail: dict[str, Any] | None = None, *, peer: str = ""
    ) -> AsyncIterator[None]:
        """Write the intent, let the block act, write the outcome: done, refused (a Refused was raised) or failed."""
        await self.write(principal, action, target, detail, outcome="intent", peer=peer)
        try:
            yield
        except BaseException as error:
            outcome = "refused" if isinstance(error, Refused) else "failed"
            await self.write(principal, action, target, {"reason": str(error)[:500]}, outcome=outcome, peer=peer)
            raise
        await self.write(principal, action, target, detail, outcome="done", peer=peer)

    async def anchor(self) -> Anchor | None:
        """Return the newest head, signed; None for an empty log."""
        head = await store.last(self._db)
        if head is None:
            return None
        bare = Anchor(self._node, *head, sm3(head[1]), b"")
        return Anchor(self._node, *head, bare.sm3, self._keys.sign(bare.message()))

    async def keep_head(self, at: datetime) -> None:
        """Keep the newest head, signed, in this node's own database: a node without a tier above has no other place.

        Whoever owns the database can remove it there, and still cannot make another.
        """
        if head := await self.anchor():
            kept = (head.node, f"{at:%Y-%m}", head.seq, head.sha256, head.sm3, head.signature, at)
            await store.keep_head(self._db, store.Head(*kept))


def sm3(data: bytes) -> bytes:
    """Return the 32 bytes of SM3 (GB/T 32905)."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()
