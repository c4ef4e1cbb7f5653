"""Signed requests between tiers: Ed25519 over method, path, body digest, node, epoch, time and a number used once.

Source: 6.3.3 (only known platforms exchange data).
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from anju.errors import WireError

WINDOW = timedelta(minutes=5)
NODE, EPOCH, TIME, SIGNATURE = "x-anju-node", "x-anju-epoch", "x-anju-time", "x-anju-signature"
NONCE = "x-anju-nonce"
_LONGEST = 200  # characters of one header
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims about its sender, not yet checked."""

    node: str
    epoch: int
    at: datetime
    nonce: str
    signature: bytes

    @property
    def once(self) -> bytes:
        """Return what no second request may carry: 16 bytes for the caller to remember for two windows."""
        return hashlib.sha256(f"{self.node}\n{self.nonce}".encode()).digest()[:16]

    def timely(self, now: datetime) -> bool:
        """Return whether it was made within five minutes of ``now``."""
        return abs(now - self.at) <= WINDOW

    def check(self, public_key: bytes, *, method: str, path: str, body: bytes, now: datetime) -> None:
        """Raise WireError unless ``public_key`` signed this very request within five minutes of ``now``.

        Repeats are the caller's to refuse, by ``once``.
        """
        if not self.timely(now):
            raise WireError("clock too far off", data=self.signature)
        told = (self.node, str(self.epoch), _time(self.at), self.nonce)
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, _message(method, path, body, *told))
        except (InvalidSignature, ValueError) as error:
            raise WireError("bad signature", data=self.signature) from error


def headers(sign: Sign, *, method: str, path: str, body: bytes, node: str, epoch: int, at: datetime) -> dict[str, str]:
    """Return the headers that sign one request; ``path`` includes the query."""
    time, nonce = _time(at), secrets.token_hex(16)
    signature = sign(_message(method, path, body, node, str(epoch), time, nonce))
    return {NODE: node, EPOCH: str(epoch), TIME: time, NONCE: nonce, SIGNATURE: signature.hex()}


def read(given: Mapping[str, str]) -> Signed:
    """Return what the headers claim, before a byte of the body is read. Raises WireError where they claim nothing."""
    try:
        node, epoch, time, nonce, signature = (given[name] for name in (NODE, EPOCH, TIME, NONCE, SIGNATURE))
        if max(map(len, (node, epoch, time, nonce, signature))) > _LONGEST or not 0 <= int(epoch) < 2**63:
            raise ValueError(epoch)
        at = datetime.fromisoformat(time)
        if at.tzinfo is None:
            raise ValueError(time)
        return Signed(node, int(epoch), at, nonce, bytes.fromhex(signature))
    except (KeyError, ValueError, OverflowError) as error:
        raise WireError("unsigned request", data=b"") from error


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _message(method: str, path: str, body: bytes, *told: str) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(("anju docking 1", method.upper(), path, digest, *told)).encode()
