"""Rules by the API: written with the password, within reach, tried before they are switched on."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from anju.domain.events import EventKind
from tests.web.api.test_alarms import SITE, Town, leader, put_place, town
from tests.web.conftest import PASSWORD, at_place

__all__ = ["leader", "town"]
BODY: dict[str, Any] = {
    "when": {"kinds": ["intrusion"], "level": 2, "place_id": "wall", "device_id": "", "zones": []},
    "only_if": {"from": "", "to": "", "armed": False},
    "then": [{"do": "output", "target": "siren-1", "output": "1", "on": True, "valid_s": 10}],
}
RULE = {"name": "西墙亮灯", "enabled": True, "place_id": "site", "body": BODY}


@pytest_asyncio.fixture(loop_scope="session")
async def installer(town: Town) -> httpx2.AsyncClient:
    await town.db.execute(
        f"""INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node) VALUES
            ('siren-1', 'site', 'site', '{SITE}', 'siren', '警号', 'mqtt', '510802-1'),
            ('m1', 'site', 'site', '{SITE}', 'meter', '水表', 'cjt188', '510802-1')"""
    )
    return await town.person("anzhuang", "installer")


async def test_a_rule_is_written_read_and_changed(town: Town, installer: httpx2.AsyncClient) -> None:
    made = await installer.post("/api/linkage", json=RULE)
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["place_path"], rule["version"], rule["body"]["then"][0]["output"]) == (SITE, 1, "1")
    assert (await installer.get(f"/api/linkage/{rule['id']}")).json() == rule
    assert (await installer.get("/api/linkage")).json()["items"] == [rule]
    off = await installer.patch(f"/api/linkage/{rule['id']}", json={"enabled": False, "expected_version": 1})
    assert (off.json()["enabled"], off.json()["version"], off.json()["body"]) == (False, 2, rule["body"])
    stale = await installer.patch(f"/api/linkage/{rule['id']}", json={"name": "x", "expected_version": 1})
    assert stale.json()["code"] == "changed_meanwhile"
    night = BODY | {"only_if": {"from": "22:00", "to": "06:00", "dark": True, "armed": True}}
    changed = await installer.patch(f"/api/linkage/{rule['id']}", json={"body": night})
    assert changed.json()["body"]["only_if"] == night["only_if"]
    logged = await town.db.fetch("SELECT outcome FROM operator_log WHERE action = 'linkage.write' ORDER BY seq")
    assert [row[0] for row in logged] == ["intent", "done", "intent", "done", "intent", "refused", "intent", "done"]


async def test_writing_needs_the_password_again(town: Town, installer: httpx2.AsyncClient) -> None:
    town.web.services.clock.forward(400)  # type: ignore[attr-defined]
    assert (await installer.post("/api/linkage", json=RULE)).json()["code"] == "reauthenticate"
    await installer.post("/api/session/reauthenticate", json={"password": PASSWORD})
    assert (await installer.post("/api/linkage", json=RULE)).status_code == 201


async def test_a_leader_reads_and_does_not_write(leader: httpx2.AsyncClient) -> None:
    assert (await leader.get("/api/linkage")).status_code == 200
    assert (await leader.post("/api/linkage", json=RULE)).status_code == 403


async def test_rules_of_other_places_are_not_there(town: Town, installer: httpx2.AsyncClient) -> None:
    rule = (await installer.post("/api/linkage", json=RULE)).json()
    await put_place(town.db, f"{SITE}gate/", "东门")
    await town.web.account("libie", at_place("installer", f"{SITE}gate/"))
    other = await town.web.login("libie")
    assert (await other.get("/api/linkage")).json()["items"] == []
    assert (await other.get(f"/api/linkage/{rule['id']}")).status_code == 404
    assert (await other.patch(f"/api/linkage/{rule['id']}", json={"enabled": False})).status_code == 404
    assert (await other.post("/api/linkage", json=RULE)).status_code == 404
    assert (await other.post("/api/linkage", json=RULE | {"place_id": "gate"})).status_code == 404, "nor its siren"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": ""}, 422),
        ({"place_id": "nowhere"}, 404),
        ({"body": BODY | {"then": []}}, 422),
        ({"body": BODY | {"then": [{"do": "explode"}]}}, 422),
        ({"body": BODY | {"then": [{"do": "lamp", "target": "siren-1"}]}}, 422),
        ({"body": BODY | {"then": [{"do": "lamp", "target": "m1", "output": "1"}]}}, 409),
        ({"body": BODY | {"then": [{"do": "lamp", "target": "d9", "output": "1"}]}}, 404),
        ({"body": BODY | {"only_if": {"from": "25:00", "to": "06:00"}}}, 422),
        ({"body": BODY | {"only_if": {"from": "22:00", "to": ""}}}, 422),
        ({"body": BODY | {"when": {"kinds": ["earthquake"]}}}, 422),
        ({"body": BODY | {"when": {"zones": ["\0"]}}}, 422),
    ],
)
async def test_odd_rules_are_refused(installer: httpx2.AsyncClient, wrong: dict[str, Any], status: int) -> None:
    answer = await installer.post("/api/linkage", json=RULE | wrong)
    assert answer.status_code == status, answer.text


async def test_a_dry_run_says_what_would_have_been_done_and_does_nothing(
    town: Town, installer: httpx2.AsyncClient
) -> None:
    hit = await town.heard()
    await town.heard(EventKind.FAULT, level=3)
    since = (town.web.services.clock() - timedelta(hours=1)).isoformat()
    found = (await installer.post("/api/linkage/dry-run", json={"body": BODY, "since": since})).json()
    assert found["checked"] == 2
    ((event_id, actions),) = [(each["event_id"], each["actions"]) for each in found["items"]]
    assert (event_id, [each["do"] for each in actions]) == (str(hit), ["output"])
    assert (await installer.get("/api/linkage/actions")).json()["items"] == []


async def test_odd_addresses(installer: httpx2.AsyncClient) -> None:
    assert (await installer.get(f"/api/linkage/{uuid4()}")).status_code == 404
    assert (await installer.get("/api/linkage/actions?state=lost")).status_code == 422
