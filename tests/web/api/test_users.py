"""Accounts and grants: three administrators, none of whom can become another."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from anju.security.accounts import ANJU
from anju.store.database import Database
from tests.conftest import FrozenClock
from tests.web.conftest import ADMINISTRATORS, PASSWORD, Web, everywhere

SYSTEM, SECURITY, AUDIT = ADMINISTRATORS
NEW = {"username": "ligang", "name": "李刚", "class": "operator", "password": "Tall-Bamboo-52"}
GUARD = {"role": "guard", "scope_kind": "everything"}


@pytest_asyncio.fixture(loop_scope="session")
async def system(web: Web) -> httpx2.AsyncClient:
    return await web.login(SYSTEM.username, SYSTEM.password)


@pytest_asyncio.fixture(loop_scope="session")
async def security(web: Web) -> httpx2.AsyncClient:
    return await web.login(SECURITY.username, SECURITY.password)


@pytest_asyncio.fixture(loop_scope="session")
async def audit(web: Web) -> httpx2.AsyncClient:
    return await web.login(AUDIT.username, AUDIT.password)


async def id_of(db: Database, username: str) -> str:
    row = await db.fetch_one("SELECT id FROM account WHERE username = %(username)s", username=username)
    return str(row[0]) if row else ""


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_one_makes_the_account_another_grants_then_it_may(
    web: Web, system: httpx2.AsyncClient, security: httpx2.AsyncClient
) -> None:
    made = (await system.post("/api/users", json=NEW)).json()
    assert (made["grants"], made["must_change"]) == ([], True)
    granted = await security.put(f"/api/users/{made['id']}/grants", json={"grants": [GUARD]})
    assert granted.json()["grants"][0]["role_name"] == "值班员"
    browser = await web.login("ligang", NEW["password"])
    assert (await browser.get("/api/session")).json()["account"]["actions"] == []
    await browser.post("/api/session/password", json={"old": NEW["password"], "new": "Own-Choice-77"})
    assert "alarms.handle" in (await browser.get("/api/session")).json()["account"]["actions"]


async def test_the_system_administrator_does_not_grant(system: httpx2.AsyncClient, db: Database) -> None:
    assert code_of(await system.post("/api/users", json={**NEW, "grants": [GUARD]})) == (403, "separated")
    made = (await system.post("/api/users", json=NEW)).json()
    assert code_of(await system.put(f"/api/users/{made['id']}/grants", json={"grants": [GUARD]})) == (403, "forbidden")
    own = await system.put(f"/api/users/{await id_of(db, 'wangxt')}/grants", json={"grants": []})
    assert own.status_code == 403


async def test_the_security_administrator_makes_no_accounts_and_grants_himself_nothing(
    security: httpx2.AsyncClient, db: Database
) -> None:
    assert code_of(await security.post("/api/users", json=NEW)) == (403, "forbidden")
    own = await security.put(f"/api/users/{await id_of(db, 'zhaoaq')}/grants", json={"grants": [GUARD]})
    assert code_of(own) == (403, "yourself")


@pytest.mark.parametrize("role", ["guard", "security_admin", "audit_admin"])
async def test_nobody_holds_two_classes(security: httpx2.AsyncClient, db: Database, role: str) -> None:
    grants = [{"role": each, "scope_kind": "everything"} for each in ("system_admin", role)]
    answer = await security.put(f"/api/users/{await id_of(db, 'wangxt')}/grants", json={"grants": grants})
    assert code_of(answer) == (403, "separated")


async def test_the_audit_administrator_sees_accounts_and_changes_none(audit: httpx2.AsyncClient, db: Database) -> None:
    assert len((await audit.get("/api/users")).json()["items"]) == 3
    assert (await audit.post("/api/users", json=NEW)).status_code == 403
    assert (await audit.post(f"/api/users/{await id_of(db, 'wangxt')}/disable")).status_code == 403


async def test_a_guard_sees_no_account(web: Web) -> None:
    await web.account("chenhua", everywhere("guard"))
    browser = await web.login("chenhua")
    for path in ("/api/users", "/api/users/report", "/api/roles", "/api/policies", "/api/operator_log"):
        assert code_of(await browser.get(path)) == (403, "forbidden")


@pytest.mark.parametrize("act", ["disable", "enable", "unlock", "reset_password"])
async def test_nobody_acts_on_himself(system: httpx2.AsyncClient, db: Database, act: str) -> None:
    answer = await system.post(f"/api/users/{await id_of(db, 'wangxt')}/{act}", json={})
    assert code_of(answer) == (403, "yourself")


@pytest.mark.parametrize("username", ["zhaoaq", "sunsj"])
async def test_no_password_is_reset_across_classes(system: httpx2.AsyncClient, db: Database, username: str) -> None:
    answer = await system.post(f"/api/users/{await id_of(db, username)}/reset_password", json={})
    assert code_of(answer) == (403, "separated")


async def test_the_last_administrator_of_a_class_stays(
    web: Web, system: httpx2.AsyncClient, security: httpx2.AsyncClient, db: Database, clock: FrozenClock
) -> None:
    audit_id = await id_of(db, "sunsj")
    assert code_of(await system.post(f"/api/users/{audit_id}/disable")) == (409, "last_administrator")
    taken = await security.put(f"/api/users/{audit_id}/grants", json={"grants": []})
    assert code_of(taken) == (409, "last_administrator")
    soon = (clock() + timedelta(hours=1)).isoformat()
    ends = await system.patch(f"/api/users/{audit_id}", json={"expires_at": soon})
    assert code_of(ends) == (409, "last_administrator")
    second = (await system.post("/api/users", json={**NEW, "class": "audit", "username": "second"})).json()
    await security.put(f"/api/users/{second['id']}/grants", json={"grants": [{**GUARD, "role": "audit_admin"}]})
    assert (await system.post(f"/api/users/{audit_id}/disable")).status_code == 200


async def test_a_disabled_account_is_out_at_once(web: Web, system: httpx2.AsyncClient) -> None:
    account_id = await web.account("chenhua", everywhere("guard"))
    browser = await web.login("chenhua")
    answer = await system.post(f"/api/users/{account_id}/disable")
    assert (answer.json()["state"], answer.json()["sessions"]) == ("disabled", 0)
    assert code_of(await browser.get("/api/session")) == (401, "no_session")
    login = {"username": "chenhua", "password": PASSWORD}
    assert code_of(await browser.post("/api/session", json=login)) == (401, "bad_login")
    await system.post(f"/api/users/{account_id}/enable")
    assert (await browser.post("/api/session", json=login)).status_code == 200


async def test_a_reset_password_is_told_once_and_must_be_changed(web: Web, system: httpx2.AsyncClient) -> None:
    account_id = await web.account("chenhua", everywhere("guard"))
    browser = await web.login("chenhua")
    password = (await system.post(f"/api/users/{account_id}/reset_password", json={})).json()["password"]
    assert len(password) == 16
    assert (await browser.get("/api/session")).status_code == 401
    assert (await (await web.login("chenhua", password)).get("/api/session")).json()["account"]["must_change"]
    assert "password" not in (await system.get(f"/api/users/{account_id}")).json()


async def test_anju_itself_may_reset_the_only_security_administrator(web: Web, db: Database) -> None:
    password = await web.identity.accounts.reset_password(ANJU, await id_of(db, "zhaoaq"))
    await web.login("zhaoaq", password)


async def test_a_lock_out_ends_before_its_time(web: Web, system: httpx2.AsyncClient) -> None:
    account_id = await web.account("chenhua", everywhere("guard"))
    browser = await web.client()
    for _ in range(5):
        await browser.post("/api/session", json={"username": "chenhua", "password": "x"})
    assert (await system.get(f"/api/users/{account_id}")).json()["locked_until"]
    await system.post(f"/api/users/{account_id}/unlock")
    await web.login("chenhua")


async def test_an_account_ends_at_its_time_with_its_sessions(
    web: Web, system: httpx2.AsyncClient, clock: FrozenClock
) -> None:
    account_id = await web.account("chenhua", everywhere("guard"))
    browser = await web.login("chenhua")
    ends = (clock() + timedelta(minutes=5)).isoformat()
    assert (await system.patch(f"/api/users/{account_id}", json={"expires_at": ends})).status_code == 200
    clock.forward(300)
    assert (await browser.get("/api/session")).status_code == 401
    answer = await browser.post("/api/session", json={"username": "chenhua", "password": PASSWORD})
    assert code_of(answer) == (401, "bad_login")


async def test_a_phone_is_sealed_masked_and_shown_to_nobody_without_the_right(
    system: httpx2.AsyncClient, db: Database
) -> None:
    made = (await system.post("/api/users", json={**NEW, "phone": "13812345678"})).json()
    assert made["phone"] == "138****5678"
    (row,) = await db.fetch("SELECT phone FROM account WHERE id = %(id)s", id=made["id"])
    assert b"13812345678" not in bytes(row[0])
    answer = await system.post(f"/api/users/{made['id']}/phone", json={"reason": "夜间联系"})
    assert code_of(answer) == (403, "forbidden")
    logged = await db.fetch("SELECT detail FROM operator_log")
    assert "13812345678" not in str(logged)
    assert NEW["password"] not in str(logged)


@pytest.mark.parametrize(
    ("grant", "code"),
    [
        ({"role": "guard", "scope_kind": "place", "scope_value": "/nowhere/"}, (422, "no_place")),
        ({"role": "guard", "scope_kind": "place", "scope_value": "510802"}, (422, "bad_scope")),
        ({"role": "guard", "scope_kind": "jurisdiction", "scope_value": "51080"}, (422, "bad_scope")),
        ({"role": "guard", "scope_kind": "everything", "scope_value": "/x/"}, (422, "bad_scope")),
        ({"role": "guard", "scope_kind": "moon"}, (422, "invalid")),
        ({"role": "no such role", "scope_kind": "everything"}, (404, "no_role")),
        ({**GUARD, "expires_at": "2026-11-22T08:15:30Z"}, (422, "in_the_past")),
        ({**GUARD, "expires_at": "2026-11-23T08:15:30"}, (422, "invalid")),
    ],
)
async def test_a_bad_grant_changes_nothing(
    web: Web, security: httpx2.AsyncClient, grant: dict[str, Any], code: tuple[int, str]
) -> None:
    account_id = await web.account("chenhua", everywhere("inspector"))
    answer = await security.put(f"/api/users/{account_id}/grants", json={"grants": [GUARD, grant]})
    assert code_of(answer) == code
    grants = (await security.get(f"/api/users/{account_id}")).json()["grants"]
    assert [each["role"] for each in grants] == ["inspector"]


async def test_grants_are_settings_and_ask_the_password_again(
    web: Web, security: httpx2.AsyncClient, clock: FrozenClock
) -> None:
    account_id = await web.account("chenhua")
    clock.forward(5 * 60)
    answer = await security.put(f"/api/users/{account_id}/grants", json={"grants": [GUARD]})
    assert code_of(answer) == (403, "reauthenticate")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": "wangxt"}, (409, "username_taken")),
        ({"username": "a"}, (422, "bad_username")),
        ({"username": "x'; DROP TABLE account; --"}, (422, "bad_username")),
        ({"password": "ligang-Pass-1"}, (422, "weak_password")),
        ({"password": "Short-1"}, (422, "weak_password")),
        ({"class": "root"}, (422, "invalid")),
        ({"phone": "<script>"}, (422, "invalid")),
        ({"name": " "}, (422, "invalid")),
        ({"admin": True}, (422, "invalid")),
        ({"expires_at": "2026-11-22T08:15:30Z"}, (422, "in_the_past")),
        ({"name": "李\x00刚"}, (422, "bad_value")),
    ],
)
async def test_a_bad_account_is_not_made(
    system: httpx2.AsyncClient, change: dict[str, Any], code: tuple[int, str]
) -> None:
    assert code_of(await system.post("/api/users", json={**NEW, **change})) == code
    assert len((await system.get("/api/users")).json()["items"]) == 3


async def test_the_list_goes_on_where_it_stopped_and_finds_pieces_of_names(
    web: Web, system: httpx2.AsyncClient
) -> None:
    await web.account("chenhua", name="陈华")
    seen, cursor = list[str](), ""
    for _ in range(3):
        page = (await system.get("/api/users", params={"limit": 2, "cursor": cursor})).json()
        seen, cursor = seen + [each["username"] for each in page["items"]], page["next"] or ""
    assert seen[:4] == ["chenhua", "sunsj", "wangxt", "zhaoaq"]
    found = (await system.get("/api/users", params={"q": "陈"})).json()["items"]
    assert [each["username"] for each in found] == ["chenhua"]


async def test_stale_shared_and_useless_accounts_are_reported_with_reasons(
    web: Web, system: httpx2.AsyncClient, db: Database, clock: FrozenClock
) -> None:
    await web.account("guard1", name="保安岗")
    await web.account("chenhua", everywhere("guard"))
    await web.login("chenhua")
    await db.execute("UPDATE session SET seen_at = created_at + interval '1 minute'")
    await web.login("chenhua")
    await db.execute(
        """UPDATE session SET peer = '10.0.0.9', created_at = created_at + interval '10 s',
               seen_at = created_at + interval '2 minutes' WHERE seen_at = created_at"""
    )
    reasons = {each["username"]: each["reasons"] for each in (await system.get("/api/users/report")).json()["items"]}
    assert reasons["guard1"] == ["shared_name", "no_grants"]
    assert reasons["chenhua"] == ["shared"]
    clock.forward(100 * 24 * 3600)
    system = await web.login(SYSTEM.username, SYSTEM.password)
    await system.post("/api/session/password", json={"old": SYSTEM.password, "new": "Fresh-Water-19"})
    later = {each["username"]: each["reasons"] for each in (await system.get("/api/users/report")).json()["items"]}
    assert later["guard1"] == ["never_used", "shared_name", "no_grants"]
    assert "stale" in later["chenhua"]
    assert "wangxt" not in later
