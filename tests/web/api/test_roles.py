"""Roles of one's own: one class each, changed for everybody who has them."""

import httpx2
import pytest
import pytest_asyncio

from anju.domain.rights import Action
from tests.web.conftest import ADMINISTRATORS, Web, everywhere

SECURITY = ADMINISTRATORS[1]
PATROL = {"name": "巡逻员", "name_en": "Patrol", "class": "operator", "actions": ["alarms.read", "places.read"]}


@pytest_asyncio.fixture(loop_scope="session")
async def security(web: Web) -> httpx2.AsyncClient:
    return await web.login(SECURITY.username, SECURITY.password)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_every_action_has_words(security: httpx2.AsyncClient) -> None:
    found = (await security.get("/api/roles/actions")).json()
    assert {each["action"] for each in found} == set(Action)
    assert all(each["zh"] and each["en"] and each["classes"] for each in found)


async def test_a_role_gives_takes_and_ends_for_everybody_who_has_it(web: Web, security: httpx2.AsyncClient) -> None:
    role = (await security.post("/api/roles", json=PATROL)).json()
    await web.account("chenhua", everywhere(role["id"]))
    browser = await web.login("chenhua")

    async def may() -> list[str]:
        return list((await browser.get("/api/session")).json()["account"]["actions"])

    assert await may() == ["places.read", "alarms.read"]
    await security.patch(f"/api/roles/{role['id']}", json={"actions": ["alarms.read", "alarms.handle"]})
    assert await may() == ["alarms.read", "alarms.handle"]
    assert (await security.post(f"/api/roles/{role['id']}/retire")).json()["retired_at"]
    assert await may() == []
    again = await security.patch(f"/api/roles/{role['id']}", json={"name": "x"})
    assert code_of(again) == (409, "retired")


@pytest.mark.parametrize(
    ("account_class", "action"),
    [
        ("operator", "users.write"),
        ("operator", "roles.write"),
        ("operator", "operator_log.read"),
        ("system", "roles.write"),
        ("system", "policies.write"),
        ("system", "operator_log.verify"),
        ("security", "users.write"),
        ("security", "operator_log.read"),
        ("audit", "users.write"),
        ("audit", "roles.write"),
        ("audit", "alarms.handle"),
    ],
)
async def test_no_role_mixes_what_is_kept_apart(security: httpx2.AsyncClient, account_class: str, action: str) -> None:
    answer = await security.post("/api/roles", json={**PATROL, "class": account_class, "actions": [action]})
    assert code_of(answer) == (422, "separated")


async def test_there_are_no_other_actions(security: httpx2.AsyncClient) -> None:
    answer = await security.post("/api/roles", json={**PATROL, "actions": ["everything"]})
    assert code_of(answer) == (422, "no_action")


async def test_built_in_roles_stay_as_they_are(security: httpx2.AsyncClient) -> None:
    roles = (await security.get("/api/roles")).json()["items"]
    assert len([each for each in roles if each["builtin"]]) == 11
    assert code_of(await security.patch("/api/roles/guard", json={"actions": []})) == (403, "builtin")
    assert code_of(await security.post("/api/roles/security_admin/retire")) == (403, "builtin")


async def test_the_system_administrator_makes_no_roles(web: Web) -> None:
    system = await web.login(ADMINISTRATORS[0].username, ADMINISTRATORS[0].password)
    assert code_of(await system.post("/api/roles", json=PATROL)) == (403, "forbidden")
    assert (await system.get("/api/roles")).status_code == 200
