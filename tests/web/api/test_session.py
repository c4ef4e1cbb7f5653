"""Log-in and what follows from it: lock-out, time-outs, the locked desk, the change of guard."""

import asyncio
import base64
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from anju.domain import policies as keys
from anju.security.passwords import STEP_S, totp_code
from anju.store import policies
from anju.store.database import Database
from tests.conftest import FrozenClock
from tests.web.conftest import ADMINISTRATORS, PASSWORD, Web, everywhere

BAD = {"username": "ligang", "password": "wrong"}


@pytest_asyncio.fixture(loop_scope="session")
async def guard(web: Web) -> str:
    return await web.account("ligang", everywhere("guard"), name="李刚")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(web: Web, guard: str) -> httpx2.AsyncClient:
    assert guard
    browser = await web.login("ligang")
    await browser.post("/api/session/pin", json={"password": PASSWORD, "pin": "739251"})
    return browser


async def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_who_logs_in_is_told_what_he_may(web: Web, desk: httpx2.AsyncClient) -> None:
    view = (await desk.get("/api/session")).json()
    assert view["account"]["roles"] == ["值班员"]
    assert "alarms.handle" in view["account"]["actions"]
    assert "users.read" not in view["account"]["actions"]
    assert view["node"]["tier"] == "community"
    assert (view["locked"], view["reauthenticated"]) == (False, True)


async def test_the_cookie_is_for_this_site_and_no_script(web: Web, guard: str) -> None:
    browser = await web.client()
    answer = await browser.post("/api/session", json={"username": "ligang", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


async def test_the_database_does_not_hold_the_token(web: Web, db: Database, desk: httpx2.AsyncClient) -> None:
    token = desk.cookies["anju_session"].encode()
    (row,) = await db.fetch("SELECT id_hash FROM session")
    assert token not in bytes(row[0])


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(web: Web, guard: str) -> None:
    browser = await web.client()
    wrong = await browser.post("/api/session", json=BAD)
    unknown = await browser.post("/api/session", json={**BAD, "username": "nobody"})
    assert await code_of(wrong) == (401, "bad_login")
    assert unknown.content == wrong.content


@pytest.mark.parametrize("username", ["ligang", "nobody"])
async def test_the_fifth_failure_locks_out_whether_the_name_exists_or_not(
    web: Web, guard: str, clock: FrozenClock, username: str
) -> None:
    browser = await web.client()
    answers = [await browser.post("/api/session", json={**BAD, "username": username}) for _ in range(6)]
    assert [each.status_code for each in answers] == [401] * 4 + [423] * 2
    until = answers[-1].json()["until"]
    assert until == "2026-11-22T08:30:30+00:00"
    clock.forward(15 * 60)
    assert await code_of(await browser.post("/api/session", json={**BAD, "username": username})) == (401, "bad_login")


async def test_the_right_password_does_not_open_a_locked_out_account(web: Web, guard: str, clock: FrozenClock) -> None:
    browser, right = await web.client(), {"username": "ligang", "password": PASSWORD}
    for _ in range(5):
        await browser.post("/api/session", json=BAD)
    assert await code_of(await browser.post("/api/session", json=right)) == (423, "locked_out")
    clock.forward(15 * 60)
    assert (await browser.post("/api/session", json=right)).status_code == 200


async def test_guesses_at_the_same_moment_do_not_slip_past_the_lock_out(web: Web, guard: str) -> None:
    browser = await web.client()
    answers = await asyncio.gather(*(browser.post("/api/session", json=BAD) for _ in range(12)))
    told = [answer.status_code for answer in answers]
    assert (told.count(401), told.count(423)) == (4, 8)
    right = await browser.post("/api/session", json={"username": "ligang", "password": PASSWORD})
    assert right.status_code == 423


async def test_a_success_forgives_the_failures_before_it(web: Web, guard: str) -> None:
    for _ in range(2):
        browser = await web.client()
        for _ in range(4):
            await browser.post("/api/session", json=BAD)
        await web.login("ligang")


async def test_every_log_in_and_every_failure_is_in_the_operator_log(web: Web, db: Database, guard: str) -> None:
    await (await web.client()).post("/api/session", json=BAD)
    browser = await web.login("ligang")
    await browser.delete("/api/session")
    rows = await db.fetch(
        "SELECT action, target, outcome, peer <> '' FROM operator_log WHERE action LIKE 'session.log%%' ORDER BY seq"
    )
    assert rows[:2] == [("session.login", "ligang", "refused", True), ("session.login", "ligang", "done", True)]
    assert [row[2] for row in rows[2:]] == ["intent", "done"]


async def test_who_logged_out_is_out(web: Web, desk: httpx2.AsyncClient) -> None:
    token = desk.cookies["anju_session"]
    await desk.delete("/api/session")
    stolen = await web.client()
    stolen.cookies.set("anju_session", token)
    assert await code_of(await stolen.get("/api/session")) == (401, "no_session")


async def test_an_idle_administrator_is_logged_out(web: Web, clock: FrozenClock) -> None:
    browser = await web.login(ADMINISTRATORS[0].username, ADMINISTRATORS[0].password)
    clock.forward(14 * 60)
    assert (await browser.get("/api/session")).status_code == 200
    clock.forward(14 * 60)
    assert (await browser.get("/api/session")).status_code == 200
    clock.forward(15 * 60)
    assert (await browser.get("/api/session")).status_code == 401


async def test_an_idle_guards_desk_is_locked_and_his_pin_opens_it(desk: httpx2.AsyncClient, clock: FrozenClock) -> None:
    clock.forward(15 * 60)
    assert (await desk.get("/api/session")).json()["locked"] is True
    refused = await desk.post("/api/session/reauthenticate", json={"password": PASSWORD})
    assert await code_of(refused) == (403, "locked")
    wrong = await desk.post("/api/session/unlock", json={"pin_or_password": "111111"})
    assert await code_of(wrong) == (401, "bad_login")
    assert (await desk.post("/api/session/unlock", json={"pin_or_password": "739251"})).status_code == 204
    assert (await desk.get("/api/session")).json()["locked"] is False


async def test_a_locked_desk_is_left_with_its_alarms(web: Web, desk: httpx2.AsyncClient) -> None:
    await desk.post("/api/session/lock")
    found = await web.services.sessions.find(desk.cookies["anju_session"])
    assert found is not None
    assert found[0].locked
    assert web.services.sessions.allowed_while_locked == {"alarms.read", "alarms.handle"}


async def test_pin_guesses_lock_out_too(desk: httpx2.AsyncClient) -> None:
    await desk.post("/api/session/lock")
    answers = [await desk.post("/api/session/unlock", json={"pin_or_password": "000001"}) for _ in range(5)]
    assert answers[-1].status_code == 423
    assert (await desk.post("/api/session/unlock", json={"pin_or_password": "739251"})).status_code == 423


async def test_no_session_outlives_its_absolute_time(desk: httpx2.AsyncClient, clock: FrozenClock) -> None:
    for _ in range(71):
        clock.forward(10 * 60)
        assert (await desk.get("/api/session")).status_code == 200
    clock.forward(10 * 60)
    assert (await desk.get("/api/session")).status_code == 401


async def test_a_stricter_policy_reaches_sessions_that_are_open(
    desk: httpx2.AsyncClient, db: Database, clock: FrozenClock
) -> None:
    async with db.transaction() as tx:
        await policies.put(tx, keys.ABSOLUTE_HOURS, 1, by="赵安全", at=clock())
    for _ in range(5):
        clock.forward(10 * 60)
        assert (await desk.get("/api/session")).status_code == 200
    clock.forward(10 * 60)
    assert (await desk.get("/api/session")).status_code == 401


async def test_change_of_guard_keeps_the_layout_and_ends_the_old_session(web: Web, desk: httpx2.AsyncClient) -> None:
    await web.account("chenhua", everywhere("guard"), name="陈华")
    await (await web.login("chenhua")).post("/api/session/pin", json={"password": PASSWORD, "pin": "804613"})
    await desk.patch("/api/session/preferences", json={"layout": {"panes": ["map", "alarms"]}})
    await desk.post("/api/session/lock")
    old = desk.cookies["anju_session"]
    view = await desk.post("/api/session/switch", json={"username": "chenhua", "pin_or_password": "804613"})
    assert view.json()["account"]["name"] == "陈华"
    assert view.json()["account"]["layout"] == {"panes": ["map", "alarms"]}
    assert (view.json()["locked"], view.json()["reauthenticated"]) == (False, False)
    assert await web.services.sessions.find(old) is None


async def test_a_desk_is_not_handed_to_a_wrong_pin_and_stays_with_its_guard(web: Web, desk: httpx2.AsyncClient) -> None:
    await web.account("chenhua", everywhere("guard"))
    answer = await desk.post("/api/session/switch", json={"username": "chenhua", "pin_or_password": "804613"})
    assert await code_of(answer) == (401, "bad_login")
    assert (await desk.get("/api/session")).json()["account"]["username"] == "ligang"


async def test_without_a_session_no_pin_opens_anything(web: Web, guard: str, desk: httpx2.AsyncClient) -> None:
    browser = await web.client()
    assert (await browser.post("/api/session", json={"username": "ligang", "password": "739251"})).status_code == 401
    answer = await browser.post("/api/session/switch", json={"username": "ligang", "pin_or_password": "739251"})
    assert await code_of(answer) == (401, "no_session")


async def test_an_administrator_has_no_pin(web: Web) -> None:
    who = ADMINISTRATORS[0]
    browser = await web.login(who.username, who.password)
    answer = await browser.post("/api/session/pin", json={"password": who.password, "pin": "739251"})
    assert await code_of(answer) == (403, "no_pin")


@pytest.mark.parametrize("pin", ["123456", "111111", "12", "12ab56", "121212"])
async def test_a_pin_that_is_guessed_first_is_refused(desk: httpx2.AsyncClient, pin: str) -> None:
    answer = await desk.post("/api/session/pin", json={"password": PASSWORD, "pin": pin})
    assert await code_of(answer) == (422, "weak_pin")


async def test_the_fourth_session_of_an_account_ends_its_first(web: Web, guard: str, clock: FrozenClock) -> None:
    browsers = []
    for _ in range(4):
        browsers.append(await web.login("ligang"))
        clock.forward(1)
    assert [(await each.get("/api/session")).status_code for each in browsers] == [401, 200, 200, 200]


async def test_a_re_authentication_holds_for_five_minutes(desk: httpx2.AsyncClient, clock: FrozenClock) -> None:
    clock.forward(5 * 60)
    assert (await desk.get("/api/session")).json()["reauthenticated"] is False
    assert await code_of(await desk.post("/api/session/totp")) == (403, "reauthenticate")
    await desk.post("/api/session/reauthenticate", json={"password": PASSWORD})
    assert (await desk.get("/api/session")).json()["reauthenticated"] is True


async def with_totp(web: Web, desk: httpx2.AsyncClient, db: Database, clock: FrozenClock) -> bytes:
    """Turn one-time codes on for 李刚 and return his secret."""
    secret = base64.b32decode((await desk.post("/api/session/totp")).json()["secret"])
    code = totp_code(secret, int(clock().timestamp()) // STEP_S)
    assert (await desk.post("/api/session/totp/confirm", json={"code": code})).status_code == 204
    (sealed,) = await db.fetch("SELECT totp_secret FROM account WHERE username = 'ligang'")
    assert secret not in bytes(sealed[0])
    return secret


async def test_with_one_time_codes_a_password_alone_is_not_enough(
    web: Web, desk: httpx2.AsyncClient, db: Database, clock: FrozenClock
) -> None:
    secret, browser = await with_totp(web, desk, db, clock), await web.client()
    right: dict[str, Any] = {"username": "ligang", "password": PASSWORD}
    code = totp_code(secret, int(clock().timestamp()) // STEP_S)
    assert await code_of(await browser.post("/api/session", json=right)) == (401, "totp_needed")
    wrong = await browser.post("/api/session", json={**right, "totp": f"{(int(code) + 1) % 1_000_000:06}"})
    assert await code_of(wrong) == (401, "bad_login")
    assert (await browser.post("/api/session", json={**right, "totp": code})).status_code == 200
    again = await browser.post("/api/session", json={**right, "totp": code})
    assert await code_of(again) == (401, "bad_login")


async def test_a_password_is_not_used_again_and_its_change_ends_the_other_sessions(
    web: Web, desk: httpx2.AsyncClient
) -> None:
    other = await web.login("ligang")
    new = "Bright-Meadow-38"
    same = await desk.post("/api/session/password", json={"old": PASSWORD, "new": PASSWORD})
    assert await code_of(same) == (409, "used_before")
    assert (await desk.post("/api/session/password", json={"old": PASSWORD, "new": new})).status_code == 204
    back = await desk.post("/api/session/password", json={"old": new, "new": PASSWORD})
    assert await code_of(back) == (409, "used_before")
    assert (await other.get("/api/session")).status_code == 401
    assert (await desk.get("/api/session")).status_code == 200


async def test_an_old_password_must_be_changed_before_anything_else(web: Web, guard: str, clock: FrozenClock) -> None:
    clock.forward(90 * 24 * 3600)
    browser = await web.login("ligang")
    view = (await browser.get("/api/session")).json()
    assert (view["account"]["must_change"], view["account"]["actions"]) == (True, [])
    await browser.post("/api/session/password", json={"old": PASSWORD, "new": "Bright-Meadow-38"})
    assert "alarms.read" in (await browser.get("/api/session")).json()["account"]["actions"]


async def test_preferences_are_kept_and_bounded(desk: httpx2.AsyncClient) -> None:
    await desk.patch("/api/session/preferences", json={"language": "en", "theme": "dark"})
    account = (await desk.get("/api/session")).json()["account"]
    assert (account["language"], account["theme"]) == ("en", "dark")
    huge = await desk.patch("/api/session/preferences", json={"layout": {"x": "y" * 20_000}})
    assert await code_of(huge) == (422, "invalid")


@pytest.mark.parametrize("username", ["' OR 1=1 --", "../../etc/passwd", "<script>", "李\u202e刚", "a" * 64, "\x00"])
async def test_a_hostile_name_is_just_a_wrong_one(web: Web, username: str) -> None:
    answer = await (await web.client()).post("/api/session", json={"username": username, "password": "x"})
    assert await code_of(answer) == (401, "bad_login")


async def test_half_a_character_is_invalid(web: Web) -> None:
    body = b'{"username": "wang\\ud800", "password": "x"}'
    answer = await (await web.client()).post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert await code_of(answer) == (422, "invalid")
