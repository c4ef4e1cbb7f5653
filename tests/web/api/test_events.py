"""Events by the API: what may name a person is hidden, and whoever looks at it is written down."""

import httpx2
import pytest_asyncio

from anju.store.events import RawFrame, insert_frames
from tests.web.api.test_alarms import Town, leader, town
from tests.web.conftest import Web

__all__ = ["leader", "town"]
FRAME = '"ADM-CID"0001L0#1234[#1234|1401 01 007][张三]'.encode()
DETAIL = {"qualifier": "1", "user": "007", "text": "张三", "extensions": []}


@pytest_asyncio.fixture(loop_scope="session")
async def filed(town: Town) -> str:
    """Keep an event with its frame."""
    event_id = await town.heard(detail=DETAIL)
    at = town.web.services.clock()
    async with town.db.transaction() as tx:
        await insert_frames(tx, [RawFrame(event_id, at, "site", "p1", "dc09", "10.0.0.9:1", FRAME, "kept")])
    return str(event_id)


async def test_the_list_hides_persons(filed: str, leader: httpx2.AsyncClient) -> None:
    (row,) = (await leader.get("/api/events?kind=intrusion&device=p1&place=wall")).json()["items"]
    assert (row["id"], row["raw_id"], row["site_name"]) == (filed, filed, "东坝一号院")
    assert row["detail"] == {"qualifier": "1", "user": "•••", "text": "•••", "extensions": []}
    assert (await leader.get("/api/events?kind=fire")).json()["items"] == []


async def test_persons_are_shown_for_a_reason_that_is_written_down(web: Web, town: Town, filed: str) -> None:
    await town.db.execute(
        """INSERT INTO role (id, name, class, actions)
           VALUES ('revealer', '核查', 'operator', '{events.read, personal.reveal}')"""
    )
    checker = await town.person("hecha", "revealer")
    assert (await checker.get(f"/api/events/{filed}")).json()["detail"]["user"] == "•••"
    shown = await checker.get(f"/api/events/{filed}", params={"reason": "核对布防人"})
    assert shown.json()["detail"] == DETAIL
    logged = await web.services.db.fetch("SELECT detail FROM operator_log WHERE action = 'personal.reveal'")
    assert "核对布防人" in str(logged)


async def test_a_guard_does_not_reveal_persons(town: Town, filed: str) -> None:
    guard = await town.person("libaoan", "guard")
    assert (await guard.get(f"/api/events/{filed}", params={"reason": "好奇"})).status_code == 403


async def test_the_raw_frame_needs_a_right_and_is_logged(town: Town, filed: str) -> None:
    guard = await town.person("libaoan", "guard")
    assert (await guard.get(f"/api/events/{filed}/raw")).status_code == 403
    installer = await town.person("anzhuang", "installer")
    found = (await installer.get(f"/api/events/{filed}/raw")).json()
    assert (found["masked"], found["text"]) == (True, '"ADM-CID"0001L0#1234[#1234|1401 01 ***][******]')
    logged = await town.db.fetch("SELECT outcome FROM operator_log WHERE action = 'events.raw' ORDER BY seq")
    assert logged == [("intent",), ("done",)]
