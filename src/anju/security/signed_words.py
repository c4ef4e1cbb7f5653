"""Words that a node signs for itself: handed out in an address, and believed when they come back."""

import base64
import binascii
import hmac
from pathlib import Path
from typing import Any

import msgspec

from anju.security.sealing import key_in

MOST_CHARACTERS = 2_048
_MAC_BYTES = 32


class SignedWords:
    """Signs and reads with a key that all processes of the node share (HMAC-SHA256).

    ``purpose`` is signed as well: words of one purpose are nothing for another.
    """

    def __init__(self, keys: Path, purpose: str) -> None:
        """Take the key from folder ``keys``; made there on first use. Raises ConfigError."""
        self._key, self._purpose = key_in(keys / "tickets.key"), purpose.encode()

    def sign(self, *words: Any) -> str:
        """Return ``words`` signed, fit for an address."""
        body = msgspec.msgpack.encode(words)
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def read(self, text: str) -> list[Any] | None:
        """Return the words in ``text``; None where this node did not sign them for this purpose."""
        try:
            data = base64.b64decode(text[:MOST_CHARACTERS] + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, body = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        words: list[Any] = msgspec.msgpack.decode(body)
        return words

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._purpose + b"\0" + body, "sha256")
