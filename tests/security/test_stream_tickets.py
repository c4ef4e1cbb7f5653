"""A ticket opens one stream once, within a minute, and only as long as the account may look."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.domain.identity import AccountClass
from anju.domain.recording import Source
from anju.domain.rights import Located, Principal
from anju.domain.video import Grade, Purpose
from anju.domain.viewing import Viewing
from anju.errors import Forbidden
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.policies import Policies
from anju.security.rights import Rights
from anju.security.sessions import Sessions
from anju.security.stream_tickets import StreamGate, StreamTickets
from anju.security.tickets import Tickets
from anju.store import accounts, roles
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.versions import Subject, bump
from tests.conftest import FrozenClock

WALL = Located("/510800/510802/site/wall/", "510802000000")
GUARD = Principal("u1", "李刚")
EIGHT, NINE = datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2026, 11, 22, 9, tzinfo=UTC)
LIVE = Viewing("c1", grade=Grade.SUB)
PLAYED = Viewing("c1", Purpose.PLAYBACK, Grade.MAIN, EIGHT, NINE, Source.DEVICE)
Sign = Callable[..., str]


@pytest.fixture
def tickets(tmp_path: Path, clock: FrozenClock) -> StreamTickets:
    return StreamTickets(tmp_path, clock=clock)


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(db: Database, node: NodeId, clock: FrozenClock) -> Sessions:
    assert node
    async with db.transaction() as tx:
        await roles.put_builtin(tx)
        given = {"account_class": AccountClass.OPERATOR, "password_hash": "", "must_change": False, "at": clock()}
        await accounts.put(tx, account_id="u1", username="ligang", name="李刚", **given)  # type: ignore[arg-type]
        await roles.set_grants(tx, "u1", [("shift_leader", "place", "/510800/510802/site/", None)])
    return Sessions(db, Policies(db, timer=lambda: clock().timestamp()), clock=clock)


@pytest_asyncio.fixture(loop_scope="session")
async def gate(
    db: Database, sessions: Sessions, tickets: StreamTickets, clock: FrozenClock, tmp_path: Path
) -> StreamGate:
    rights = Rights(db, clock=clock, timer=lambda: clock().timestamp())
    log = OperatorLog(db, NodeKeys.load_or_make(tmp_path), node="n")
    return StreamGate(tickets, rights, sessions, log, clock=clock)


@pytest_asyncio.fixture(loop_scope="session")
async def sign(sessions: Sessions, tickets: StreamTickets) -> Sign:
    token = await sessions.open("u1", proved=True)
    found = await sessions.find(token)
    assert found
    session = found[0]

    def make(viewing: Viewing = LIVE, at: Located = WALL) -> str:
        return tickets.sign(viewing, GUARD, session.id, at)[0]

    return make


@pytest.mark.parametrize("viewing", [LIVE, PLAYED])
def test_a_ticket_says_what_its_maker_said(tickets: StreamTickets, viewing: Viewing) -> None:
    ticket = tickets.open(tickets.sign(viewing, GUARD, "ab", WALL)[0])
    assert (ticket.viewing, ticket.account, ticket.session_id, ticket.at) == (viewing, GUARD, "ab", WALL)


def test_it_opens_for_a_minute(tickets: StreamTickets, clock: FrozenClock) -> None:
    signed, until = tickets.sign(LIVE, GUARD, "ab", WALL)
    clock.forward(59.9)
    assert tickets.open(signed).expires_at == until
    clock.forward(0.2)
    with pytest.raises(Forbidden) as refusal:
        tickets.open(signed)
    assert refusal.value.code == "ticket_over"


@pytest.mark.parametrize("text", ["", "A", "=", "安居", "x" * 5_000, "\0", "A" * 44])
def test_nonsense_is_refused(tickets: StreamTickets, text: str) -> None:
    with pytest.raises(Forbidden):
        tickets.open(text)


def test_a_ticket_for_a_picture_opens_no_stream(tickets: StreamTickets, tmp_path: Path, clock: FrozenClock) -> None:

    with pytest.raises(Forbidden):
        tickets.open(Tickets(tmp_path, clock=clock).sign(uuid4(), "u1", "video.live", WALL))


async def test_it_lets_in_once(gate: StreamGate, sign: Sign) -> None:
    signed = sign()
    assert (await gate.admit(signed, "10.0.0.9")).viewing == LIVE
    with pytest.raises(Forbidden) as refusal:
        await gate.admit(signed, "10.0.0.9")
    assert refusal.value.code == "ticket_over"


async def test_it_lets_nobody_in_where_the_account_has_no_right(gate: StreamGate, sign: Sign) -> None:
    with pytest.raises(Forbidden) as refusal:
        await gate.admit(sign(at=Located("/510800/510802/other/")), "")
    assert refusal.value.code == "forbidden"


async def test_who_looks_must_go_when_the_right_is_taken(
    gate: StreamGate, sign: Sign, db: Database, clock: FrozenClock
) -> None:
    admitted = await gate.admit(sign(), "")
    assert await admitted.why_over() == ""
    async with db.transaction() as tx:
        await roles.set_grants(tx, "u1", [])
        await bump(tx, Subject.RIGHTS)
    clock.forward(2.1)
    assert await admitted.why_over() == "forbidden"


@pytest.mark.parametrize(("query", "code"), [("locked = true", "locked"), ("ended_at = now()", "session_over")])
async def test_who_looks_must_go_with_the_session(
    gate: StreamGate, sign: Sign, db: Database, query: str, code: str
) -> None:
    admitted = await gate.admit(sign(), "")
    await db.execute(f"UPDATE session SET {query}")
    assert await admitted.why_over() == code


async def test_every_viewing_is_written_down(gate: StreamGate, sign: Sign, db: Database) -> None:
    admitted = await gate.admit(sign(), "10.0.0.9")
    await admitted.began()
    await admitted.ended("left", 61.04)
    rows = await db.fetch("SELECT principal_id, action, target, outcome, peer FROM operator_log ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("u1", "video.live", "c1", "intent", "10.0.0.9"),
        ("u1", "video.live", "c1", "done", "10.0.0.9"),
    ]
