"""Commands by the API: who may give them, to what, and who opens devices to the tiers above."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from tests.web.api.test_alarms import SITE, Town, leader, town
from tests.web.conftest import PASSWORD, at_place

__all__ = ["leader", "town"]
ARM = {"action": "arm", "target_id": "p1", "body": {"area": "01"}}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def panel(town: Town) -> None:
    await town.db.execute(
        f"""INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node) VALUES
            ('p1', 'site', 'site', '{SITE}', 'alarm_panel', '主机', 'dc09', '510802-1'),
            ('m1', 'site', 'site', '{SITE}', 'meter', '水表', 'cjt188', '510802-1')"""
    )


async def test_a_command_is_wanted_and_written_down(town: Town, leader: httpx2.AsyncClient) -> None:
    answer = await leader.post("/api/commands", json=ARM)
    assert (answer.status_code, answer.json()["state"]) == (202, "wanted"), answer.text
    assert (await leader.get(f"/api/commands/{answer.json()['id']}")).json() == answer.json()
    assert (await leader.get("/api/commands?state=wanted&target=p1")).json()["items"] == [answer.json()]
    assert (await leader.get("/api/commands?state=refused")).json()["items"] == []
    logged = await town.db.fetch("SELECT outcome FROM operator_log WHERE action = 'commands.arm' ORDER BY seq")
    assert logged == [("intent",), ("done",)]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"target_id": "p9"}, 404),
        ({"target_id": "m1"}, 422),
        ({"action": "open"}, 422),
        ({"target_kind": "person"}, 422),
        ({"deadline_s": 301}, 422),
        ({"body": {"area": "\0"}}, 422),
        ({"body": {"force": True}}, 422),
        ({"action": "output", "body": {"output": "1"}}, 422),
        ({"action": "output", "body": {"output": "1", "on": True, "seconds": 601}}, 422),
    ],
)
async def test_odd_commands_are_refused(leader: httpx2.AsyncClient, wrong: dict[str, Any], status: int) -> None:
    assert (await leader.post("/api/commands", json=ARM | wrong)).status_code == status


async def test_a_guard_arms_his_own_building_and_switches_nothing(town: Town) -> None:
    await town.web.account("libaoan", at_place("guard", f"{SITE}wall/"))
    guard = await town.web.login("libaoan")
    assert (await guard.post("/api/commands", json=ARM)).status_code == 404
    output = ARM | {"action": "output", "body": {"output": "1", "on": True}}
    assert (await guard.post("/api/commands", json=output)).status_code == 403
    assert (await guard.get(f"/api/commands/{uuid4()}")).status_code == 404


async def test_opening_devices_to_the_tiers_above_needs_a_reason_an_end_and_the_password(
    town: Town, leader: httpx2.AsyncClient
) -> None:
    until = town.web.services.clock() + timedelta(days=7)
    asked = {"action": "arm", "place_id": "site", "reason": "夜间无人值守", "expires_at": until.isoformat()}
    assert (await leader.post("/api/commands/grants", json=asked | {"reason": " "})).status_code == 422
    late = (until + timedelta(days=30)).isoformat()
    assert (await leader.post("/api/commands/grants", json=asked | {"expires_at": late})).status_code == 422
    town.web.services.clock.forward(400)  # type: ignore[attr-defined]
    assert (await leader.post("/api/commands/grants", json=asked)).json()["code"] == "reauthenticate"
    await leader.post("/api/session/reauthenticate", json={"password": PASSWORD})
    made = await leader.post("/api/commands/grants", json=asked)
    assert made.status_code == 201, made.text
    assert (await leader.get("/api/commands/grants")).json()["items"] == [made.json()]
    assert (await leader.post(f"/api/commands/grants/{made.json()['id']}/revoke")).status_code == 204
    assert (await leader.post(f"/api/commands/grants/{made.json()['id']}/revoke")).status_code == 404
