"""A ticket opens one picture, for one account, for some minutes."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from anju.domain.rights import Located
from anju.errors import Forbidden
from anju.security.tickets import LASTS_S, Tickets
from tests.conftest import FrozenClock

PICTURE = UUID("0192a000-0000-7000-8000-000000000001")
WALL = Located("/510800/510802/site/", "510802000000")


@pytest.fixture
def tickets(tmp_path: Path, clock: FrozenClock) -> Tickets:
    return Tickets(tmp_path, clock=clock)


def test_a_ticket_tells_where_to_ask_for_the_right(tickets: Tickets) -> None:
    ticket = tickets.open(tickets.sign(PICTURE, "u1", "vehicles.read", WALL), blob_id=PICTURE, account_id="u1")
    assert (ticket.action, ticket.at) == ("vehicles.read", WALL)


def test_another_process_of_the_node_opens_it(tickets: Tickets, tmp_path: Path, clock: FrozenClock) -> None:
    signed = Tickets(tmp_path, clock=clock).sign(PICTURE, "u1", "a", WALL)
    assert tickets.open(signed, blob_id=PICTURE, account_id="u1")


def test_it_lives_at_most_ten_minutes_and_at_least_five(tickets: Tickets, clock: FrozenClock) -> None:
    signed = tickets.sign(PICTURE, "u1", "a", WALL)
    clock.forward(LASTS_S / 2 - 1)
    assert tickets.open(signed, blob_id=PICTURE, account_id="u1")
    clock.forward(LASTS_S / 2 + 1)
    with pytest.raises(Forbidden, match="over"):
        tickets.open(signed, blob_id=PICTURE, account_id="u1")


def test_the_same_minutes_give_the_same_link(tickets: Tickets, clock: FrozenClock) -> None:
    signed = tickets.sign(PICTURE, "u1", "a", WALL)
    clock.forward(1)
    assert tickets.sign(PICTURE, "u1", "a", WALL) == signed


def test_it_is_of_no_use_to_others_or_for_others(tickets: Tickets) -> None:
    signed = tickets.sign(PICTURE, "u1", "a", WALL)
    for blob_id, account in ((PICTURE, "u2"), (uuid4(), "u1")):
        with pytest.raises(Forbidden):
            tickets.open(signed, blob_id=blob_id, account_id=account)


def test_another_node_does_not_open_it(tickets: Tickets, tmp_path: Path, clock: FrozenClock) -> None:
    signed = Tickets(tmp_path / "other", clock=clock).sign(PICTURE, "u1", "a", WALL)
    with pytest.raises(Forbidden):
        tickets.open(signed, blob_id=PICTURE, account_id="u1")


def test_no_changed_character_passes(tickets: Tickets) -> None:
    signed = tickets.sign(PICTURE, "u1", "a", WALL)
    for at in range(len(signed) - 1):
        changed = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
        with pytest.raises(Forbidden):
            tickets.open(changed, blob_id=PICTURE, account_id="u1")


@pytest.mark.parametrize("text", ["", "A", "=", "安居", "x" * 5_000, "\0", "A" * 44])
def test_nonsense_is_refused(tickets: Tickets, text: str) -> None:
    with pytest.raises(Forbidden):
        tickets.open(text, blob_id=PICTURE, account_id="u1")
