"""Platforms above by the API: added with a password nobody reads again, what each sees, who may change it."""

from typing import Any

import httpx2
import pytest_asyncio

from anju.store import cascade
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.registry import make_estate
from tests.upward.cascading import OWN, UPPER, add_cameras, code
from tests.web.conftest import PASSWORD, Web, everywhere

SYSTEM, AUDIT = ("wangxt", PASSWORD + "a"), ("sunsj", PASSWORD + "c")
NEW = {"name": "市级视频平台", "code": UPPER, "host": "10.0.0.1", "own_code": OWN, "password": "Pw-8x"}


@pytest_asyncio.fixture(loop_scope="session")
async def system(web: Web) -> httpx2.AsyncClient:
    return await web.login(*SYSTEM)


async def add(client: httpx2.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/video/uppers", json=NEW | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_one_is_added_and_shown_without_its_password(system: httpx2.AsyncClient, web: Web) -> None:
    made = await add(system)
    (listed,) = (await system.get("/api/video/uppers")).json()["items"]
    assert listed == (await system.get(f"/api/video/uppers/{made['id']}")).json()
    assert (listed["domain"], listed["port"], listed["state"], listed["has_password"]) == (
        "5108000000",
        5060,
        "connecting",
        True,
    )
    assert listed["reason_words"]["zh"] == "正在注册"
    assert "Pw-8x" not in str(listed)
    (kept,) = await cascade.uppers(web.services.db)
    assert kept.password is not None
    assert b"Pw-8x" not in kept.password


async def test_it_is_changed_by_who_saw_its_last_version(system: httpx2.AsyncClient) -> None:
    made = await add(system)
    path = f"/api/video/uppers/{made['id']}"
    changed = await system.patch(path, json={"ptz": True, "transport": "tcp", "version": 1})
    assert (changed.json()["ptz"], changed.json()["transport"], changed.json()["version"]) == (True, "tcp", 2)
    assert (await system.patch(path, json={"ptz": False, "version": 1})).status_code == 409
    assert (await system.delete(path)).status_code == 204
    assert (await system.get(path)).status_code == 404
    await add(system)


async def test_twice_at_the_same_platform_is_a_conflict(system: httpx2.AsyncClient) -> None:
    await add(system)
    assert (await system.post("/api/video/uppers", json=NEW)).status_code == 409


async def test_bad_words_are_refused(system: httpx2.AsyncClient) -> None:
    for wrong in ({"code": "123"}, {"host": "a b"}, {"port": 0}, {"charset": "latin-1"}, {"keepalive_s": 1}, {"x": 1}):
        answer = await system.post("/api/video/uppers", json=NEW | wrong)
        assert answer.status_code == 422, wrong


async def test_only_who_may_do_so_everywhere_changes_them(web: Web, system: httpx2.AsyncClient) -> None:
    await web.account("wangbaoan", everywhere("guard"))
    guard = await web.login("wangbaoan")
    made = await add(system)
    assert (await guard.post("/api/video/uppers", json=NEW)).status_code == 403
    assert (await guard.put(f"/api/video/uppers/{made['id']}/shares", json={"mode": "places"})).status_code == 403
    log = (await (await web.login(*AUDIT)).get("/api/operator_log", params={"action": "uppers.add"})).json()["items"]
    assert log
    assert "Pw-8x" not in str(log)


async def test_what_it_sees_is_chosen(
    system: httpx2.AsyncClient, web: Web, db: Database, node: NodeId, clock: FrozenClock
) -> None:
    estate = await make_estate(db, node, clock())
    await add_cameras(db, node, estate, clock(), 3)
    path = f"/api/video/uppers/{(await add(system))['id']}/shares"
    assert (await system.get(path)).json()["channels"] == []
    everything = (await system.put(path, json={"mode": "places", "places": []})).json()
    assert [each["own_code"] for each in everything["channels"]] == [code(1), code(2), code(3)]
    assert [each["name"] for each in everything["directories"]] == ["东坝一号院", "西围墙"]
    building = (await system.put(path, json={"mode": "places", "places": [estate.building.id]})).json()
    assert building["channels"] == []
    group, mapped = f"{OWN[:10]}2158000001", f"{OWN[:10]}1318000077"
    first = everything["channels"][0]["channel_id"]
    drawn = [{"code": group, "parent": OWN, "name": "重点部位"}]
    chosen = {"mode": "chosen", "directories": drawn}
    channels = [{"channel_id": first, "code": mapped, "directory": group}]
    told = (await system.put(path, json={**chosen, "channels": channels})).json()
    assert [(each["code"], each["directory"]) for each in told["channels"]] == [(mapped, group)]
    assert (await system.get(path)).json() == told
    in_the_air = [{"code": group, "parent": f"{OWN[:10]}2158000009", "name": "悬空"}]
    assert (await system.put(path, json={"mode": "chosen", "directories": in_the_air})).status_code == 422
    unknown = [{"channel_id": "nobody"}]
    assert (await system.put(path, json={"mode": "chosen", "channels": unknown})).status_code == 404
