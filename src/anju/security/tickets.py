"""Tickets for pictures: a link that one account may open for some minutes, and that tells where to ask for its right.

A ticket is no right. Whoever serves the picture asks for the right again, at the place the ticket names.
Source: 6.3.2 (no data without rights), 6.3.1 (no link works unsigned).
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from anju.domain.rights import Located
from anju.errors import Forbidden
from anju.security.sealing import key_in

LASTS_S = 600  # the longest any ticket lives
STEP_S = 300  # tickets of the same five minutes are the same, so that a browser may know the picture already
MOST_CHARACTERS = 2_048
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says: this account may ask for this picture, with ``action`` at ``at``, until ``expires_at``."""

    blob_id: UUID
    account_id: str
    action: str
    at: Located
    expires_at: datetime


class Tickets:
    """Signs and opens tickets with a key that all processes of the node share (HMAC-SHA256)."""

    def __init__(self, keys: Path, *, clock: Callable[[], datetime]) -> None:
        """Take the key from folder ``keys``; made there on first use. Raises ConfigError."""
        self._key = key_in(keys / "tickets.key")
        self._clock = clock

    def sign(self, blob_id: UUID, account_id: str, action: str, at: Located) -> str:
        """Return a ticket of at most ten minutes, at least five, fit for an address."""
        expires = int(self._clock().timestamp()) // STEP_S * STEP_S + LASTS_S
        words = (blob_id.bytes, account_id, action, at.place_path, at.jurisdiction, expires)
        body = msgspec.msgpack.encode(words)
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def open(self, text: str, *, blob_id: UUID, account_id: str) -> Ticket:
        """Return what ``text`` says. Raises Forbidden where it is forged, over, or of another account or picture."""
        ticket = self._read(text)
        if ticket is None or ticket.account_id != account_id or ticket.blob_id != blob_id:
            raise Forbidden("bad_ticket", "this link is not for you: open the record again")
        if ticket.expires_at <= self._clock():
            raise Forbidden("ticket_over", "this link is over: open the record again")
        return ticket

    def _read(self, text: str) -> Ticket | None:
        try:
            data = base64.b64decode(text[:MOST_CHARACTERS] + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, body = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        blob, account, action, path, jurisdiction, expires = msgspec.msgpack.decode(body)
        at = Located(path, jurisdiction)
        return Ticket(UUID(bytes=blob), account, action, at, datetime.fromtimestamp(expires, UTC))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"picture ticket 1\0" + body, "sha256")
