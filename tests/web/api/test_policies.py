"""Policies are visible, bounded, set by the security administrator, and in force at once."""

from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.conftest import FrozenClock
from tests.web.conftest import ADMINISTRATORS, Web

SECURITY = ADMINISTRATORS[1]


@pytest_asyncio.fixture(loop_scope="session")
async def security(web: Web) -> httpx2.AsyncClient:
    return await web.login(SECURITY.username, SECURITY.password)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_all_are_listed_with_words_and_bounds(security: httpx2.AsyncClient) -> None:
    found = {each["key"]: each for each in (await security.get("/api/policies")).json()}
    idle = found["session.idle_minutes"]
    assert (idle["value"], idle["default"], idle["kind"], idle["least"], idle["most"]) == (15, 15, "integer", 1, 120)
    assert all(each["zh"] and each["en"] for each in found.values())


async def test_a_policy_is_in_force_at_once_and_says_who_set_it(web: Web, security: httpx2.AsyncClient) -> None:
    answer = await security.put("/api/policies/login.failures", json={"value": 3})
    assert (answer.json()["value"], answer.json()["updated_by"]) == (3, "赵安全")
    browser = await web.client()
    tries = [await browser.post("/api/session", json={"username": "wangxt", "password": "x"}) for _ in range(3)]
    assert [each.status_code for each in tries] == [401, 401, 423]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("login.failures", 2, (422, "out_of_bounds")),
        ("login.failures", 11, (422, "out_of_bounds")),
        ("login.failures", True, (422, "wrong_kind")),
        ("login.failures", "5", (422, "invalid")),
        ("login.failures", 10**30, (422, "out_of_bounds")),
        ("pin.allowed", 1, (422, "wrong_kind")),
        ("no.such", 1, (404, "no_policy")),
    ],
)
async def test_a_bad_value_changes_nothing(
    security: httpx2.AsyncClient, key: str, value: Any, code: tuple[int, str]
) -> None:
    before = (await security.get("/api/policies")).json()
    assert code_of(await security.put(f"/api/policies/{key}", json={"value": value})) == code
    assert (await security.get("/api/policies")).json() == before


async def test_settings_ask_the_password_again(security: httpx2.AsyncClient, clock: FrozenClock) -> None:
    clock.forward(300)
    answer = await security.put("/api/policies/login.failures", json={"value": 4})
    assert code_of(answer) == (403, "reauthenticate")
    await security.post("/api/session/reauthenticate", json={"password": SECURITY.password})
    assert (await security.put("/api/policies/login.failures", json={"value": 4})).status_code == 200


async def test_only_the_security_administrator_sets_them(web: Web) -> None:
    for each in (ADMINISTRATORS[0], ADMINISTRATORS[2]):
        browser = await web.login(each.username, each.password)
        assert (await browser.get("/api/policies")).status_code == 200
        answer = await browser.put("/api/policies/login.failures", json={"value": 4})
        assert code_of(answer) == (403, "forbidden")
