"""Signed requests between tiers: Ed25519 over method, path, body digest, node, epoch, time.

Source: 6.3.3 (only known platforms exchange data).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from anju.errors import WireError

WINDOW = timedelta(minutes=5)
NODE, EPOCH, TIME, SIGNATURE = "x-anju-node", "x-anju-epoch", "x-anju-time", "x-anju-signature"
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims about its sender, not yet checked."""

    node: str
    epoch: int
    at: datetime
    signature: bytes
    message: bytes

    def check(self, public_key: bytes, *, now: datetime) -> None:
        """Raise WireError unless ``public_key`` made the signature within five minutes of ``now``.

        Repeats are the caller's to refuse: ``signature`` is unique to each request.
        """
        if abs(now - self.at) > WINDOW:
            raise WireError("clock too far off", data=self.signature)
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.message)
        except (InvalidSignature, ValueError) as error:
            raise WireError("bad signature", data=self.signature) from error


def headers(sign: Sign, *, method: str, path: str, body: bytes, node: str, epoch: int, at: datetime) -> dict[str, str]:
    """Return the headers that sign one request; ``path`` includes the query."""
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    signature = sign(_message(method, path, body, node, str(epoch), time))
    return {NODE: node, EPOCH: str(epoch), TIME: time, SIGNATURE: signature.hex()}


def read(given: Mapping[str, str], *, method: str, path: str, body: bytes) -> Signed:
    """Return what the headers claim. Raises WireError where one is missing or malformed."""
    try:
        node, epoch, time = given[NODE], given[EPOCH], given[TIME]
        at, signature = datetime.fromisoformat(time), bytes.fromhex(given[SIGNATURE])
        if at.tzinfo is None:
            raise ValueError(time)
        return Signed(node, int(epoch), at, signature, _message(method, path, body, node, epoch, time))
    except (KeyError, ValueError) as error:
        raise WireError("unsigned request", data=body) from error


def _message(method: str, path: str, body: bytes, node: str, epoch: str, time: str) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    return f"anju docking 1\n{method.upper()}\n{path}\n{digest}\n{node}\n{epoch}\n{time}".encode()
