"""The operator log by the API: read, filtered, verified, exported; each of it by the audit administrator alone."""

from collections.abc import Awaitable, Callable

import httpx2
import psycopg
import pytest
import pytest_asyncio

from anju.engines import Postgres
from anju.errors import UpperAway
from anju.security.operator_log import Anchor
from anju.store.database import Database
from tests.conftest import FrozenClock
from tests.web.conftest import ADMINISTRATORS, Web, everywhere

SYSTEM, _, AUDIT = ADMINISTRATORS
Upper = Callable[[], Awaitable[tuple[list[Anchor], bytes, str]]]


@pytest_asyncio.fixture(loop_scope="session")
async def audit(web: Web) -> httpx2.AsyncClient:
    await web.login(SYSTEM.username, SYSTEM.password)
    return await web.login(AUDIT.username, AUDIT.password)


async def upper_of(web: Web) -> Upper:
    """Give the head of now to a tier above, and return how that tier is asked."""
    head = await web.services.operator_log.anchor()

    async def ask() -> tuple[list[Anchor], bytes, str]:
        return [head] if head else [], web.services.keys.public, "county 利州区"

    return ask


def forge(postgres: Postgres, db: Database, statement: str) -> None:
    with psycopg.connect(postgres.root_url(db.url.rsplit("/", 1)[1]), autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_rows_come_newest_first_and_go_on(audit: httpx2.AsyncClient) -> None:
    first = (await audit.get("/api/operator_log", params={"limit": 1})).json()
    second = (await audit.get("/api/operator_log", params={"limit": 1, "cursor": first["next"]})).json()
    rows = [first["items"][0], second["items"][0]]
    assert [row["principal_name"] for row in rows] == ["孙审计", "王系统"]
    assert [row["action"] for row in rows] == ["session.login"] * 2
    assert rows[0]["detail"] == {"by": "password"}


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"principal": "王系"}, 1),
        ({"action": "session"}, 2),
        ({"action": "log"}, 0),
        ({"outcome": "done"}, 2),
        ({"outcome": "refused"}, 0),
        ({"q": "WANGXT"}, 1),
        ({"q": "%"}, 0),
        ({"since": "2200-01-01T00:00:00Z"}, 0),
        ({"until": "2200-01-01T00:00:00Z"}, 2),
    ],
)
async def test_rows_are_found_by_what_was_done(audit: httpx2.AsyncClient, filters: dict[str, str], count: int) -> None:
    assert len((await audit.get("/api/operator_log", params=filters)).json()["items"]) == count


@pytest.mark.parametrize("filters", [{"cursor": "x"}, {"cursor": "9" * 20}, {"outcome": "x"}, {"since": "yesterday"}])
async def test_words_that_are_no_filter_are_invalid(audit: httpx2.AsyncClient, filters: dict[str, str]) -> None:
    assert (await audit.get("/api/operator_log", params=filters)).status_code == 422


async def test_other_administrators_do_not_read_it(web: Web) -> None:
    system = await web.login(SYSTEM.username, SYSTEM.password)
    for answer in (
        await system.get("/api/operator_log"),
        await system.post("/api/operator_log/verify"),
        await system.get("/api/operator_log/export.csv"),
        await system.get("/api/operator_log/anchors"),
    ):
        assert answer.status_code == 403


async def test_with_a_tier_above_the_rows_after_its_last_anchor_are_named(web: Web, audit: httpx2.AsyncClient) -> None:
    web.services.more["anchors"] = await upper_of(web)
    found = (await audit.post("/api/operator_log/verify")).json()
    assert (found["ok"], found["checked"], found["unanchored_rows"], found["anchors"]) == (True, 3, 1, 1)
    assert "county 利州区" in found["message"]
    (anchor,) = (await audit.get("/api/operator_log/anchors")).json()["items"]
    assert (anchor["seq"], anchor["outside"]) == (2, True)


async def test_without_a_tier_above_it_says_that_nobody_vouches(web: Web, audit: httpx2.AsyncClient) -> None:
    first = (await audit.post("/api/operator_log/verify")).json()
    assert (first["ok"], first["unanchored_rows"]) == (True, first["checked"])
    assert "no tier above" in first["message"]
    second = (await audit.post("/api/operator_log/verify")).json()
    assert (second["ok"], second["anchors"], second["outside"]) == (True, 1, False)


async def test_a_tier_above_that_is_silent_is_said_to_be(web: Web, audit: httpx2.AsyncClient) -> None:
    async def silent() -> tuple[list[Anchor], bytes, str]:
        raise UpperAway("timed out")

    web.services.more["anchors"] = silent
    found = (await audit.post("/api/operator_log/verify")).json()
    assert "does not answer (timed out)" in found["message"]


async def test_a_forgery_is_found_and_its_row_named(
    web: Web, audit: httpx2.AsyncClient, postgres: Postgres, db: Database
) -> None:
    web.services.more["anchors"] = await upper_of(web)
    forge(postgres, db, "UPDATE operator_log SET target = 'nobody' WHERE seq = 1")
    found = (await audit.post("/api/operator_log/verify")).json()
    assert (found["ok"], found["first_broken"]) == (False, 1)
    assert found["message"].startswith("Broken at row 1")


async def test_the_export_says_how_many_rows_and_is_itself_logged(
    audit: httpx2.AsyncClient, clock: FrozenClock
) -> None:
    answer = await audit.get("/api/operator_log/export.csv", params={"action": "session"})
    lines = answer.text.splitlines()
    assert answer.headers["x-anju-rows"] == "2"
    assert lines[0].startswith("\ufeffseq,at,principal")
    assert len(lines) == 3
    logged = (await audit.get("/api/operator_log", params={"action": "operator_log.export"})).json()["items"]
    assert [row["outcome"] for row in logged] == ["done", "intent"]
    clock.forward(300)
    late = await audit.get("/api/operator_log/export.csv")
    assert late.json()["code"] == "reauthenticate"


async def test_no_exported_cell_is_a_formula(web: Web, audit: httpx2.AsyncClient) -> None:
    browser = await web.client()
    await browser.post("/api/session", json={"username": "=1+1", "password": "x"})
    answer = await audit.get("/api/operator_log/export.csv", params={"outcome": "refused"})
    assert ",'=1+1," in answer.text


async def test_every_way_to_change_something_leaves_its_line(web: Web, audit: httpx2.AsyncClient) -> None:
    account_id = await web.account("chenhua", everywhere("guard"))
    system = await web.login(SYSTEM.username, SYSTEM.password)
    for act in ("unlock", "end_sessions", "reset_password", "disable", "enable"):
        assert (await system.post(f"/api/users/{account_id}/{act}", json={})).status_code == 200
    await system.post(f"/api/users/{account_id}nobody/disable")
    rows = (await audit.get("/api/operator_log", params={"action": "users."})).json()["items"]
    told = [(row["action"], row["outcome"]) for row in reversed(rows)]
    expected = ["unlock", "end_sessions", "reset_password", "disable", "enable"]
    assert told[:10] == [(f"users.{act}", outcome) for act in expected for outcome in ("intent", "done")]
    assert told[10:] == [("users.disable", "intent"), ("users.disable", "refused")]
