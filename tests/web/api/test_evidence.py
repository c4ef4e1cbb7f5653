"""Pictures kept as evidence and pictures erased: only with the right, for a reason, at home, and written down."""

from uuid import uuid4

import httpx2
import pytest

from anju.domain.far_pictures import Source
from anju.domain.rights import Action
from tests.web.api.test_pictures import GATE, SITE, Album, album
from tests.web.conftest import at_place

__all__ = ["album"]
REASON = "派出所调查 12 号案件"


async def as_(album: Album, role: str) -> httpx2.AsyncClient:
    """Log somebody in who has ``role`` at the community; the album's links are his from then on."""
    name = role.replace("_", "")
    album.account = await album.web.account(name, at_place(role, SITE))
    return await album.web.login(name)


async def do(album: Album, client: httpx2.AsyncClient, deed: str, reason: str = REASON) -> httpx2.Response:
    source = Source("passage", uuid4(), album.web.services.node.id, "")
    ticket = album.shown.tickets.sign(album.picture, album.account, Action.ALARMS_READ, GATE, source)
    if deed == "evidence":
        return await client.get(f"/api/pictures/{album.picture}/evidence", params={"ticket": ticket})
    body = {"ticket": ticket, "reason": reason}
    return await client.post(f"/api/pictures/{album.picture}/{deed}", json=body)


async def logged(album: Album) -> list[tuple[str, str, bool]]:
    query = """SELECT action, outcome, detail FROM operator_log WHERE target = %(id)s ORDER BY seq"""
    rows = await album.web.services.db.fetch(query, id=str(album.picture))
    return [(action, outcome, REASON in detail) for action, outcome, detail in rows]


async def test_a_picture_is_locked_with_its_reason_and_released(album: Album) -> None:
    leader = await as_(album, "shift_leader")
    locked = (await do(album, leader, "lock")).json()
    assert (locked["locked"]["reason"], locked["locked"]["by"]) == (REASON, "操作员shiftleader")
    assert (await do(album, leader, "lock", "noch einmal")).json() == locked
    assert (await do(album, leader, "release")).json() == {"locked": None, "erased_at": None}
    assert (await leader.get(album.link())).status_code == 200
    again = await do(album, leader, "release")
    assert (again.status_code, again.json()["code"]) == (404, "not_locked")
    assert await logged(album) == [
        ("pictures.lock", "intent", True),
        ("pictures.lock", "done", True),
        ("pictures.lock", "intent", False),
        ("pictures.lock", "done", False),
        ("pictures.release", "intent", True),
        ("pictures.release", "done", True),
        ("pictures.release", "intent", True),
        ("pictures.release", "refused", False),
    ]


async def test_an_erased_picture_is_gone_and_that_is_said(album: Album) -> None:
    manager = await as_(album, "property_manager")
    assert (await manager.get(album.link(thumbnail="1"))).status_code == 200
    erased = (await do(album, manager, "erase")).json()
    assert erased["erased_at"]
    for link in (album.link(), album.link(thumbnail="1")):
        assert (await manager.get(link)).json()["code"] == "erased"
    assert (await do(album, manager, "evidence")).json() == erased


async def test_evidence_is_not_erased_and_who_erases_does_not_release(album: Album) -> None:
    await do(album, await as_(album, "shift_leader"), "lock")
    manager = await as_(album, "property_manager")
    refused = await do(album, manager, "erase")
    assert (refused.status_code, refused.json()["code"]) == (409, "locked")
    for deed in ("lock", "release"):
        assert (await do(album, manager, deed)).status_code == 403


@pytest.mark.parametrize("deed", ["lock", "release", "erase"])
async def test_a_guard_does_nothing_of_it(album: Album, deed: str) -> None:
    assert (await do(album, album.guard, deed)).status_code == 403
    assert await logged(album) == []


@pytest.mark.parametrize("deed", ["lock", "release"])
async def test_nothing_is_done_without_a_reason(album: Album, deed: str) -> None:
    leader = await as_(album, "shift_leader")
    assert (await do(album, leader, deed, "  ")).json()["code"] == "reason_needed"


async def test_an_erasure_wants_the_password_again(album: Album) -> None:
    manager = await as_(album, "property_manager")
    album.web.services.clock.forward(700)  # type: ignore[attr-defined]
    assert (await do(album, manager, "erase")).json()["code"] == "reauthenticate"
    assert (await manager.get(album.link())).status_code == 200


async def test_what_lies_below_is_locked_there(album: Album) -> None:
    leader = await as_(album, "shift_leader")
    source = Source("passage", uuid4(), "below", "")
    ticket = album.shown.tickets.sign(album.picture, album.account, Action.ALARMS_READ, GATE, source)
    answer = await leader.post(f"/api/pictures/{album.picture}/lock", json={"ticket": ticket, "reason": REASON})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ours")
