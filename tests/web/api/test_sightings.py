"""Sightings by the API: only for whom may see persons; names only for a reason."""

import httpx2
import pytest_asyncio

from anju.store.sightings import sealed_for
from anju.web.sealed import seal
from tests.web.api.passing import Gate, gates, ids, role
from tests.web.conftest import Web, everywhere

LIST = "/api/sightings"


@pytest_asyncio.fixture(loop_scope="session")
async def gate(web: Web) -> Gate:
    return (await gates(web))[0]


@pytest_asyncio.fixture(loop_scope="session")
async def leader(web: Web, gate: Gate) -> httpx2.AsyncClient:
    await web.account("banzhang", everywhere("shift_leader"))
    return await web.login("banzhang")


async def test_sightings_are_listed_with_tickets_and_filtered(leader: httpx2.AsyncClient, gate: Gate) -> None:
    face, person = await gate.sees("face"), await gate.sees("person")
    assert set(ids((await leader.get(LIST)).json())) == {face.id, person.id}
    (row,) = (await leader.get(f"{LIST}?kind=person")).json()["items"]
    assert (row["site_name"], row["named"]) == ("明院", False)
    assert row["pictures"][0]["ticket"]


async def test_a_guard_sees_no_persons(web: Web, gate: Gate) -> None:
    seen = await gate.sees()
    await web.account("baoan", everywhere("guard"))
    guard = await web.login("baoan")
    for address in (LIST, f"{LIST}/{seen.id}"):
        assert (await guard.get(address)).status_code == 403


async def test_who_was_seen_is_told_for_a_reason_that_is_written_down(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    told = await gate.sees()
    sealed = seal(web.services, {"Name": "张三"}, sealed_for(told.id))
    await web.services.db.execute("UPDATE sighting SET personal = %(sealed)s", sealed=sealed)
    assert (await leader.get(f"{LIST}/{told.id}")).json()["personal"] == {}
    assert (await leader.get(f"{LIST}/{told.id}?reason=x")).status_code == 403
    await role(web, "revealer", "people.read", "personal.reveal")
    await web.account("hecha", everywhere("revealer"))
    found = await (await web.login("hecha")).get(f"{LIST}/{told.id}?reason=寻人")
    assert found.json()["personal"] == {"Name": "张三"}
    logged = await web.services.db.fetch("SELECT detail FROM operator_log WHERE action = 'personal.reveal'")
    assert "寻人" in str(logged)
