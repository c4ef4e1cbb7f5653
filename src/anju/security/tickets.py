"""Tickets for pictures: a link that one account may open for some minutes, and that tells where to ask for its right.

A ticket is no right. Whoever serves the picture asks for the right again, at the place the ticket names.
Source: 6.3.2 (no data without rights), 6.3.1 (no link works unsigned).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from anju.domain.far_pictures import Source
from anju.domain.rights import Located
from anju.errors import Forbidden
from anju.security.signed_words import SignedWords

LASTS_S = 600  # the longest any ticket lives
STEP_S = 300  # tickets of the same five minutes are the same, so that a browser may know the picture already


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says: this account may ask for this picture, with ``action`` at ``at``, until ``expires_at``.

    ``source`` is the record it belongs to, where that was said.
    """

    blob_id: UUID
    account_id: str
    action: str
    at: Located
    expires_at: datetime
    source: Source | None = None


class Tickets:
    """Signs and opens tickets with a key that all processes of the node share (HMAC-SHA256)."""

    def __init__(self, keys: Path, *, clock: Callable[[], datetime]) -> None:
        """Take the key from folder ``keys``; made there on first use. Raises ConfigError."""
        self._words = SignedWords(keys, "picture ticket 1")
        self._clock = clock

    def sign(self, blob_id: UUID, account_id: str, action: str, at: Located, source: Source | None = None) -> str:
        """Return a ticket of at most ten minutes, at least five, fit for an address."""
        expires = int(self._clock().timestamp()) // STEP_S * STEP_S + LASTS_S
        told = (source.kind, source.record_id.bytes, source.home, source.sha256) if source else None
        return self._words.sign(blob_id.bytes, account_id, action, at.place_path, at.jurisdiction, expires, told)

    def open(self, text: str, *, blob_id: UUID, account_id: str) -> Ticket:
        """Return what ``text`` says. Raises Forbidden where it is forged, over, or of another account or picture."""
        ticket = self._read(text)
        if ticket is None or ticket.account_id != account_id or ticket.blob_id != blob_id:
            raise Forbidden("bad_ticket", "this link is not for you: open the record again")
        if ticket.expires_at <= self._clock():
            raise Forbidden("ticket_over", "this link is over: open the record again")
        return ticket

    def _read(self, text: str) -> Ticket | None:
        words = self._words.read(text)
        if words is None:
            return None
        blob, account, action, path, jurisdiction, expires, told = words
        at, until = Located(path, jurisdiction), datetime.fromtimestamp(expires, UTC)
        source = Source(told[0], UUID(bytes=told[1]), told[2], told[3]) if told else None
        return Ticket(UUID(bytes=blob), account, action, at, until, source)
