"""Two tiers meet: a one-time code made above, typed in below, both fingerprints shown, a person's yes on each side.

The code itself never travels. Each side proves that it knows it, over the certificate it sees and the key it brings:
who stands between the two has another certificate, and his proof fails.
Source: 6.3.3 (only known platforms exchange data).
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from anju.domain import docking as words
from anju.domain.docking import CODE_MINUTES, Lower, LowerState, PairAnswer, PairAsk, Upper, UpperState
from anju.errors import Conflict, Forbidden, Invalid, UpperAway
from anju.security.keys import NodeKeys
from anju.store import links
from anju.store.database import Database
from anju.store.log import NodeId
from anju.wire import tls
from anju.wire.http import SignedClient

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # no two of them look alike
_LENGTH = 12  # 58 bits
TIERS = ("community", "county", "city")


@dataclass(frozen=True, slots=True)
class Code:
    """What a person carries to the tier below. ``fingerprint`` is what he must see there."""

    code: str
    fingerprint: str
    expires_at: datetime


def digest(code: str) -> bytes:
    """Return what is kept of a code; case, dashes and blanks do not count."""
    bare = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(f"anju pairing 1\n{bare}".encode()).digest()


def proof(secret: bytes, side: str, certificate: str, node: str, public_key: bytes) -> bytes:
    """Return what only who knows the code can say of this certificate (its fingerprint) and this key."""
    told = f"{side}\n{certificate}\n{node}\n{public_key.hex()}"
    return hmac.digest(secret, told.encode(), "sha256")


class UpperSide:
    """The tier above: makes codes and takes askers in, for a person to approve."""

    def __init__(self, db: Database, node: NodeId, certificate: str, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._clock = db, node, clock
        self._fingerprint = tls.fingerprint(certificate)

    async def new_code(self, by: str) -> Code:
        """Return a code for one node, good for ten minutes."""
        letters = "".join(secrets.choice(LETTERS) for _ in range(_LENGTH))
        until = self._clock() + timedelta(minutes=CODE_MINUTES)
        await links.add_code(self._db, digest(letters), by=by, expires_at=until)
        return Code(f"{letters[:4]}-{letters[4:8]}-{letters[8:]}", self._fingerprint, until)

    async def pair(self, ask: PairAsk) -> PairAnswer:
        """Note who asks, if he knows a valid code. Raises Forbidden, Invalid, Conflict; then the code stays good."""
        self._check(ask)
        secret = await self._secret(ask)
        asking = Lower(
            ask.node, ask.name, ask.tier, ask.public_key, key_fingerprint(ask.public_key), LowerState.PENDING
        )
        async with self._db.transaction() as tx:
            if not await links.use_code(tx, secret, at=self._clock()):
                raise Forbidden("code_wrong", "that code is not valid")
            if not await links.ask_in(tx, asking, at=self._clock()):
                raise Conflict("node_taken", "a node of that id is linked under another key: revoke it first")
        told = proof(secret, "upper", self._fingerprint, ask.node, ask.public_key)
        return PairAnswer(self._node.id, self._node.name, told)

    def _check(self, ask: PairAsk) -> None:
        if ask.node == self._node.id or not 1 <= len(ask.node) <= 63 or not 1 <= len(ask.name) <= 64:
            raise Invalid("node_name", "that is no name of another node")
        ranks = [TIERS.index(tier) if tier in TIERS else -1 for tier in (ask.tier, self._node.tier)]
        if not 0 <= ranks[0] < ranks[1]:
            raise Invalid("not_below", f"a {ask.tier[:20]} is not below a {self._node.tier}")

    async def _secret(self, ask: PairAsk) -> bytes:
        for secret in await links.valid_codes(self._db, at=self._clock()):
            if hmac.compare_digest(proof(secret, "lower", self._fingerprint, ask.node, ask.public_key), ask.proof):
                return secret
        raise Forbidden("code_wrong", "that code is not valid")


class LowerSide:
    """The tier below: asks with a code, and links once a person has compared the fingerprint."""

    def __init__(self, db: Database, node: NodeId, keys: NodeKeys, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._keys, self._clock = db, node, keys, clock

    async def ask(self, url: str, code: str) -> Upper:
        """Ask the tier above at ``url`` (https://host:port) to take this node in; return it, unconfirmed.

        Raises Invalid for an address that is none, Forbidden where the code does not fit, UpperAway, and Conflict where
        this node is linked already.
        """
        host, port = _address(url)
        present = await links.upper(self._db)
        if present and present.state is not UpperState.UNCONFIRMED:
            raise Conflict("linked", "this node has a tier above: end that link first")
        certificate = await tls.shown_certificate(host, port)
        answer = await self._send(url, certificate, digest(code))
        link = Upper(
            url.rstrip("/"),
            certificate,
            answer.node,
            answer.name,
            tls.fingerprint(certificate),
            UpperState.UNCONFIRMED,
        )
        async with self._db.transaction() as tx:
            await links.put_upper(tx, link, at=self._clock())
        return link

    async def confirm(self, fingerprint: str) -> Upper:
        """Link to the asked tier, whose ``fingerprint`` a person has compared. Raises Conflict where it is another."""
        link = await links.upper(self._db)
        if link is None or link.state is not UpperState.UNCONFIRMED or link.fingerprint != fingerprint.strip().upper():
            raise Conflict("fingerprint", "that is not the fingerprint of the tier that was asked")
        async with self._db.transaction() as tx:
            await links.confirm_upper(tx)
        return Upper(link.url, link.certificate, link.node, link.name, link.fingerprint, UpperState.WAITING)

    async def _send(self, url: str, certificate: str, secret: bytes) -> PairAnswer:
        node, key, print_ = self._node, self._keys.public, tls.fingerprint(certificate)
        ask = PairAsk(node.id, node.name, node.tier, key, proof(secret, "lower", print_, node.id, key))
        context, sign = tls.pinned(certificate), self._keys.sign
        client = SignedClient(url, context, sign=sign, node=node.id, epoch=node.epoch, clock=self._clock)
        try:
            status, body = await client.send("POST", words.PAIR, msgspec.json.encode(ask))
        finally:
            await client.close()
        answer = _answered(status, body)
        if not hmac.compare_digest(answer.proof, proof(secret, "upper", print_, node.id, key)):
            raise Forbidden("code_wrong", "who answers there does not know that code")
        return answer


def key_fingerprint(public_key: bytes) -> str:
    """Return the SHA-256 of a node's key as upper-case hex pairs, as both screens show it."""
    return hashlib.sha256(public_key).digest().hex(":").upper()


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname and parts.port and parts.path in {"", "/"} and not parts.query:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise Invalid("url", "write the address of the tier above as https://host:port")


def _answered(status: int, body: bytes) -> PairAnswer:
    try:
        if status == 200:
            return msgspec.json.decode(body, type=PairAnswer)
        code = msgspec.json.decode(body, type=words.Refusal).code
    except (msgspec.MsgspecError, ValueError) as error:
        raise UpperAway(f"no tier above answers there: {status}") from error
    if code == "code_wrong":
        raise Forbidden(code, "that code is not valid: ask for a new one above")
    raise Conflict(code[:40], f"the tier above does not take this node in: {code[:40]}")
