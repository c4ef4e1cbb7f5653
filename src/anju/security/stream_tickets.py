"""Tickets for streams: one account, one camera, one act, one place; opened once, within a minute.

A ticket is no right: whoever serves the stream asks for the right when it opens and every two seconds as long as
somebody looks, and closes it with a reason once the right or the session is gone.
Source: 6.3.2 (no data without rights), 6.3.2-c (who looked is written down), 6.3.1 (no link works unsigned).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from anju.domain.recording import Source
from anju.domain.rights import Action, Located, Principal
from anju.domain.video import Grade, Purpose
from anju.domain.viewing import Viewing
from anju.errors import DatabaseAway, Forbidden
from anju.security.operator_log import OperatorLog
from anju.security.rights import Rights
from anju.security.sessions import Sessions
from anju.security.signed_words import SignedWords

OPENS_WITHIN = timedelta(seconds=60)
ACTION = {Purpose.LIVE: Action.VIDEO_LIVE, Purpose.PLAYBACK: Action.VIDEO_PLAYBACK}


@dataclass(frozen=True, slots=True)
class StreamTicket:
    """What a ticket says: this account, in this session, may ask for this stream of a camera that stands ``at``."""

    number: bytes
    viewing: Viewing
    account: Principal
    session_id: str
    at: Located
    expires_at: datetime


class StreamTickets:
    """Signs and opens them with the key all processes of the node share."""

    def __init__(self, keys: Path, *, clock: Callable[[], datetime]) -> None:
        """Take the key from folder ``keys``; made there on first use. Raises ConfigError."""
        self._words = SignedWords(keys, "stream ticket 1")
        self._clock = clock

    def sign(self, viewing: Viewing, account: Principal, session_id: str, at: Located) -> tuple[str, datetime]:
        """Return a ticket fit for an address, and until when it opens."""
        expires = self._clock() + OPENS_WITHIN
        who, where = (account.id, account.name, session_id), (at.place_path, at.jurisdiction)
        text = self._words.sign(secrets.token_bytes(12), _spelled(viewing), who, where, expires.timestamp())
        return text, expires

    def open(self, text: str) -> StreamTicket:
        """Return what ``text`` says. Raises Forbidden where it is forged or over."""
        words = self._words.read(text)
        if words is None:
            raise Forbidden("forbidden", "this is no ticket of ours")
        number, viewing, who, where, expires = words
        ticket = StreamTicket(
            number, _read(viewing), Principal(*who[:2]), who[2], Located(*where), datetime.fromtimestamp(expires, UTC)
        )
        if ticket.expires_at <= self._clock():
            raise Forbidden("ticket_over", "the ticket is over: ask for another")
        return ticket


class StreamGate:
    """Lets viewers in, and says when they must go. The codes are those of ``NO_PICTURE``."""

    def __init__(
        self,
        tickets: StreamTickets,
        rights: Rights,
        sessions: Sessions,
        operator_log: OperatorLog,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._tickets, self._rights, self._sessions = tickets, rights, sessions
        self._operator_log, self._clock = operator_log, clock
        self._used: dict[bytes, datetime] = {}

    async def admit(self, text: str, peer: str) -> "Admitted":
        """Return the right to look that a ticket gives now. Raises Forbidden with why not, DatabaseAway."""
        ticket = self._tickets.open(text)
        self._once(ticket)
        admitted = Admitted(self, ticket, peer)
        if code := await self.why_over(ticket):
            raise Forbidden(code, "the account may not see this now")
        return admitted

    async def why_over(self, ticket: StreamTicket) -> str:
        """Return why the account may not look any more, '' while it may. Raises DatabaseAway for a moment at most."""
        found = await self._sessions.still(ticket.session_id)
        if found is None or found[0].account_id != ticket.account.id:
            return "session_over"
        session, who = found
        action = ACTION[ticket.viewing.purpose]
        if session.locked and action not in self._sessions.allowed_while_locked:
            return "locked"
        return "" if await self._rights.holds(who, action, ticket.at) else "forbidden"

    async def note(self, ticket: StreamTicket, peer: str, outcome: str, detail: dict[str, Any]) -> None:
        """Write a viewing's begin (``intent``) or end (``done``) into the operator log. Raises DatabaseAway."""
        viewing, action = ticket.viewing, ACTION[ticket.viewing.purpose]
        what = {"grade": viewing.grade.value, "source": viewing.source.value, **_times(viewing), **detail}
        log = self._operator_log
        await log.write(ticket.account, action, viewing.channel_id, what, outcome=outcome, peer=peer)

    def _once(self, ticket: StreamTicket) -> None:
        now = self._clock()
        self._used = {number: until for number, until in self._used.items() if until > now}
        if ticket.number in self._used:
            raise Forbidden("ticket_over", "the ticket was used: ask for another")
        self._used[ticket.number] = ticket.expires_at


@dataclass(frozen=True, slots=True)
class Admitted:
    """One viewer that was let in."""

    gate: StreamGate
    ticket: StreamTicket
    peer: str

    @property
    def viewing(self) -> Viewing:
        """Return what it may see."""
        return self.ticket.viewing

    async def why_over(self) -> str:
        """Return why it must go, '' while it may stay; a database that is away for a moment ends nothing."""
        try:
            return await self.gate.why_over(self.ticket)
        except DatabaseAway:
            return ""

    async def began(self) -> None:
        """Write down that it looks now. Raises DatabaseAway: then it must not."""
        await self.gate.note(self.ticket, self.peer, "intent", {})

    async def ended(self, code: str, seconds: float) -> None:
        """Write down that it looked so long, and why it ended. Raises DatabaseAway."""
        await self.gate.note(self.ticket, self.peer, "done", {"end": code, "seconds": round(seconds, 1)})


def _spelled(viewing: Viewing) -> tuple[Any, ...]:
    times = (each.timestamp() if each else None for each in (viewing.start, viewing.end))
    return (viewing.channel_id, viewing.purpose.value, viewing.grade.value, *times, viewing.source.value)


def _read(words: list[Any]) -> Viewing:
    channel, purpose, grade, start, end, source = words
    return Viewing(channel, Purpose(purpose), Grade(grade), _time(start), _time(end), Source(source))


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _times(viewing: Viewing) -> dict[str, str]:
    return {name: at.isoformat() for name, at in (("start", viewing.start), ("end", viewing.end)) if at}
