"""The alarm routes on the real services: who may what, what is shown, what is refused and in which words."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.alarms import FINDINGS
from anju.domain.changes import Lane
from anju.domain.events import Event, EventKind
from anju.store import alarms, events, log
from anju.store.database import Database
from tests.domain.test_alarms import event
from tests.web.conftest import PASSWORD, Web, everywhere

SITE = "/510800/510802/site/"


async def put_place(db: Database, place_path: str, name: str) -> None:
    """Write a place as the registry does."""
    *_, parent, place_id = place_path.strip("/").split("/")
    await db.execute(
        """INSERT INTO place (id, parent_id, kind, name, place_path, site_id, home_node)
           VALUES (%(id)s, %(parent)s, 'area', %(name)s, %(path)s, 'site', '510802-1')""",
        id=place_id,
        parent=parent,
        name=name,
        path=place_path,
    )


class Town:
    """A node with alarms, and people who handle them."""

    def __init__(self, web: Web) -> None:
        self.web, self.db = web, web.services.db

    async def heard(self, kind: EventKind = EventKind.INTRUSION, *, home: str = "510802-1", **more: Any) -> UUID:
        """Keep an event with its alarm, as the road does; return the alarm's id."""
        node, at = self.web.services.node, self.web.services.clock()
        told: Event = replace(event(kind), **{"id": uuid7(), "received_at": at, **more})
        async with self.db.transaction() as tx:
            await events.insert(tx, [(told, told.id)], at=at)
            await log.append(
                tx, Lane.ALARMS, await alarms.on_events(tx, [told], home_node=home, at=at), at=at, node=node
            )
        return told.id

    async def person(self, username: str, role: str) -> httpx2.AsyncClient:
        await self.web.account(username, everywhere(role))
        return await self.web.login(username)


@pytest_asyncio.fixture(loop_scope="session")
async def town(web: Web) -> Town:
    await put_place(web.services.db, SITE, "东坝一号院")
    await put_place(web.services.db, f"{SITE}wall/", "西围墙")
    return Town(web)


@pytest_asyncio.fixture(loop_scope="session")
async def leader(town: Town) -> httpx2.AsyncClient:
    return await town.person("wangdz", "shift_leader")


async def test_three_keys_close_a_false_alarm(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard()
    for step, how in (("acknowledge", {}), ("finding", {"finding": "animal"}), ("close", {})):
        answer = await leader.post(f"/api/alarms/{alarm}/{step}", json=how)
        assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["site_name"]) == ("closed", "东坝一号院")
    assert (await leader.get("/api/alarms")).json() == {"items": [], "next": None}
    shown = (await leader.get(f"/api/alarms/{alarm}")).json()
    assert [each["action"] for each in shown["steps"]] == ["raise", "acknowledge", "finding", "close"]
    assert shown["event"]["code"] == "130"


async def test_a_close_can_be_undone_and_says_until_when(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard()
    for step, how in (("acknowledge", {}), ("finding", {"finding": "animal"})):
        await leader.post(f"/api/alarms/{alarm}/{step}", json=how)
    closed = (await leader.post(f"/api/alarms/{alarm}/close", json={})).json()
    assert closed["undo_until"] == (town.web.services.clock() + timedelta(seconds=10)).isoformat()
    back = (await leader.post(f"/api/alarms/{alarm}/undo_close", json={})).json()
    assert (back["state"], back["undo_until"]) == ("acknowledged", None)


async def test_what_the_machine_refuses_is_said_with_a_code(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard()
    answer = await leader.post(f"/api/alarms/{alarm}/close", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "is_new")


async def test_a_step_on_an_older_view_is_refused(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard()
    answer = await leader.post(f"/api/alarms/{alarm}/acknowledge", json={"expected_version": 7})
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")


async def test_a_step_on_an_alarm_of_a_node_below_is_sent(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard(home="hamlet")
    answer = await leader.post(f"/api/alarms/{alarm}/acknowledge", json={})
    assert (answer.status_code, answer.json()["state"]) == (202, "sent")
    shown = (await leader.get(f"/api/alarms/{alarm}")).json()
    assert shown["state"] == "new"
    assert [(each["id"], each["state"]) for each in shown["commands"]] == [(answer.json()["command_id"], "wanted")]


async def test_a_locked_desk_acknowledges_and_nothing_else(town: Town, leader: httpx2.AsyncClient) -> None:
    alarm = await town.heard()
    await leader.post("/api/session/lock")
    assert (await leader.get("/api/alarms")).status_code == 200
    assert (await leader.post(f"/api/alarms/{alarm}/join", json={})).status_code == 403
    assert (await leader.post(f"/api/alarms/{alarm}/acknowledge", json={})).status_code == 200
    assert (await leader.post(f"/api/alarms/{alarm}/note", json={"note": "看"})).json()["code"] == "locked"


async def test_shelving_needs_more_than_handling(town: Town) -> None:
    alarm = await town.heard()
    guard = await town.person("libaoan", "guard")
    until = (town.web.services.clock() + timedelta(hours=1)).isoformat()
    answer = await guard.post(f"/api/alarms/{alarm}/shelve", json={"note": "施工", "until": until})
    assert answer.status_code == 403


async def test_whoever_has_no_right_sees_nothing(town: Town) -> None:
    await town.heard()
    auditor = await town.web.login("sunsj", PASSWORD + "c")
    for address in ("", "/counters", "/groups", "/drills", f"/{uuid4()}", "/findings?kind=fire", "/export.csv"):
        assert (await auditor.get(f"/api/alarms{address}")).status_code == 403, address


async def test_without_a_session_there_is_nothing(town: Town) -> None:
    stranger = await town.web.client()
    assert (await stranger.get("/api/alarms")).status_code == 401


async def test_an_unknown_alarm_is_not_there(leader: httpx2.AsyncClient) -> None:
    assert (await leader.get(f"/api/alarms/{uuid4()}")).status_code == 404
    assert (await leader.post(f"/api/alarms/{uuid4()}/acknowledge", json={})).status_code == 404


@pytest.mark.parametrize(
    ("step", "how"),
    [
        ("acknowledge", {"by": "root"}),
        ("note", {"note": "x" * 2001}),
        ("note", {"note": "\0"}),
        ("shelve", {"until": "2026-11-22T08:00:00"}),
        ("raise", {}),
        ("escalate", {}),
        ("delete", {}),
    ],
)
async def test_odd_words_are_refused(town: Town, leader: httpx2.AsyncClient, step: str, how: dict[str, Any]) -> None:
    alarm = await town.heard()
    assert (await leader.post(f"/api/alarms/{alarm}/{step}", json=how)).status_code == 422


@pytest.mark.parametrize(
    "query", ["q=%00", "level=9", "cursor=zz", "cursor=%ff", "limit=0", "since=yesterday", "kind=x"]
)
async def test_odd_queries_are_refused(leader: httpx2.AsyncClient, query: str) -> None:
    assert (await leader.get(f"/api/alarms?{query}")).status_code == 422


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("level=1", 1),
        ("kind=fire", 1),
        ("place=wall", 3),
        ("place=510802", 3),
        ("place=all", 0),
        ("site=site", 3),
        ("device=p2", 1),
        ("q=西围墙", 3),
        ("q=%25", 0),
        ("q=' OR true --", 0),
        ("state=new", 3),
        ("state=closed", 0),
        ("state=all", 3),
        ("drill=true", 1),
        ("drill=false", 2),
        ("since=2026-11-22T08:15:30Z", 3),
        ("until=2026-11-22T08:15:30Z", 0),
    ],
)
async def test_filters(town: Town, leader: httpx2.AsyncClient, query: str, count: int) -> None:
    await town.heard()
    await town.heard(EventKind.FIRE, level=1)
    await town.heard(device_id="p2", drill=True)
    assert len((await leader.get(f"/api/alarms?{query}")).json()["items"]) == count


async def test_pages_follow_each_other_without_gap_or_double(town: Town, leader: httpx2.AsyncClient) -> None:
    made = [str(await town.heard(zone=f"01/{number:03}")) for number in range(5)]
    seen, cursor = [], ""
    for _ in range(3):
        found = (await leader.get("/api/alarms", params={"limit": 2, "cursor": cursor})).json()
        seen += [each["id"] for each in found["items"]]
        cursor = found["next"] or ""
    assert seen == made[::-1]
    assert not cursor


async def test_findings_have_the_digits_of_the_keys(leader: httpx2.AsyncClient) -> None:
    found = (await leader.get("/api/alarms/findings?kind=fire")).json()
    assert found["class"] == "life"
    assert {each["digit"]: each["finding"] for each in found["items"]} == {
        digit: name for digit, name in enumerate(FINDINGS["life"], start=1) if name
    }


async def test_counters_count_what_waits(town: Town, leader: httpx2.AsyncClient) -> None:
    await town.heard()
    await town.heard(EventKind.FIRE, level=1)
    assert (await leader.get("/api/alarms/counters")).json() == {"1": 1, "2": 1, "3": 0, "4": 0}


async def test_a_flood_is_grouped_and_acknowledged_but_no_fire(town: Town, leader: httpx2.AsyncClient) -> None:
    for number in range(11):
        await town.heard(zone=f"01/{number:03}")
    await town.heard(EventKind.FIRE, level=1)
    found = (await leader.get("/api/alarms/groups")).json()
    assert found["storm"] is True
    assert [(each["kind"], each["count"], each["life"]) for each in found["items"]] == [
        ("fire", 1, True),
        ("intrusion", 11, False),
    ]
    done = [await leader.post(f"/api/alarms/groups/{quote(each['storm_key'])}/acknowledge") for each in found["items"]]
    assert [(each.json()["acknowledged"], each.json()["skipped"]) for each in done] == [(0, 1), (11, 0)]


async def test_the_export_needs_the_password_again_and_says_how_many(town: Town, leader: httpx2.AsyncClient) -> None:
    await town.heard(zone_name="=1+1")
    town.web.services.clock.forward(400)  # type: ignore[attr-defined]
    assert (await leader.get("/api/alarms/export.csv")).json()["code"] == "reauthenticate"
    await leader.post("/api/session/reauthenticate", json={"password": PASSWORD})
    answer = await leader.get("/api/alarms/export.csv")
    assert (answer.status_code, answer.headers["X-Anju-Rows"], answer.headers["X-Anju-Cut"]) == (200, "1", "no")
    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["place_name"], row["zone_name"]) == ("西围墙", "'=1+1")
    logged = await town.db.fetch("SELECT outcome FROM operator_log WHERE action = 'alarms.export' ORDER BY seq")
    assert logged == [("intent",), ("done",)]


async def test_a_drill_names_its_sources_and_ends(town: Town, leader: httpx2.AsyncClient) -> None:
    await town.db.execute(
        f"""INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node)
            VALUES ('p1', 'site', 'site', '{SITE}', 'alarm_panel', '主机', 'dc09', '510802-1')"""
    )
    plan = {"sources": [{"device_id": "p1", "zone": "01/003"}], "reason": "消防演练", "minutes": 30}
    begun = await leader.post("/api/alarms/drills", json=plan)
    assert begun.status_code == 201, begun.text
    assert [each["id"] for each in (await leader.get("/api/alarms/drills")).json()["items"]] == [begun.json()["id"]]
    ended = await leader.post(f"/api/alarms/drills/{begun.json()['id']}/end")
    assert ended.json()["ended_at"] is not None


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"minutes": 121}, 422), ({"sources": []}, 422), ({"reason": ""}, 422), ({"sources": [{"device_id": "x"}]}, 404)],
)
async def test_no_drill_without_sources_reason_or_end(
    leader: httpx2.AsyncClient, wrong: dict[str, Any], status: int
) -> None:
    plan = {"sources": [{"device_id": "p1"}], "reason": "消防演练", "minutes": 30}
    assert (await leader.post("/api/alarms/drills", json=plan | wrong)).status_code in {status, 404}
