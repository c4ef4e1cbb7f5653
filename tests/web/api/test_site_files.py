"""The site file by the API: by rights, after the password, logged, applied as a job that can be stopped."""

import asyncio

import httpx2
import pytest_asyncio

from anju.domain.rights import EVERYWHERE
from anju.store import places
from anju.web.jobs import Job, Jobs
from tests.conftest import FrozenClock
from tests.registry import Estate, add_panel, make_estate
from tests.web.conftest import PASSWORD, Web, everywhere

SYSTEM, SECURITY = PASSWORD + "a", PASSWORD + "b"


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    here = web.services
    found = await make_estate(here.db, here.node, here.clock())
    await add_panel(here.db, here.node, found, here.clock())
    return found


async def administrator(web: Web, username: str, password: str) -> httpx2.AsyncClient:
    client = await web.login(username, password)
    answer = await client.post("/api/session/reauthenticate", json={"password": password})
    assert answer.status_code in {200, 204}, answer.text
    return client


async def ended(client: httpx2.AsyncClient, job: dict[str, str]) -> dict[str, object]:
    found = (await client.get(f"/api/jobs/{job['id']}?wait_s=20")).json()
    assert isinstance(found, dict)
    return found


async def test_the_file_is_exported_checked_and_imported(web: Web, estate: Estate) -> None:
    client = await administrator(web, "wangxt", SYSTEM)
    out = await client.post("/api/site-file/export", json={})
    assert (out.status_code, out.headers["X-Anju-Rows"]) == (200, "8")
    body = {"text": out.text.replace('"西围墙"', '"西墙"')}
    seen = (await client.post("/api/site-file/check", json=body)).json()
    assert (seen["ok"], seen["total"], seen["counts"]["place"]["change"]) == (True, 1, 1)
    assert seen["differences"][0]["fields"] == [{"name": "name", "before": "西围墙", "after": "西墙"}]
    begun = await client.post("/api/site-file/import", json=body)
    assert begun.status_code == 202
    done = await ended(client, begun.json())
    assert (done["state"], done["done"], done["total"]) == ("done", 1, 1)
    assert (await places.find(web.services.db, EVERYWHERE, estate.wall.id)).name == "西墙"
    audit = await web.login("sunsj", PASSWORD + "c")
    rows = (await audit.get("/api/operator_log?action=site.import")).json()["items"]
    assert [each["outcome"] for each in rows] == ["done", "intent"]


async def test_it_needs_the_right_over_everything_and_the_password_anew(web: Web, estate: Estate) -> None:
    await web.account("zhiban", everywhere("guard"))
    guard = await web.login("zhiban")
    assert (await guard.post("/api/site-file/export", json={})).status_code == 403
    assert (await guard.post("/api/site-file/check", json={"text": ""})).status_code == 403
    client = await web.login("wangxt", SYSTEM)
    web.services.clock.forward(3600)  # type: ignore[attr-defined]
    client = await web.login("wangxt", SYSTEM)
    web.services.clock.forward(301)  # type: ignore[attr-defined]
    answer = await client.post("/api/site-file/export", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthenticate")


async def test_each_administrator_imports_his_own_sections(web: Web, estate: Estate) -> None:
    client = await administrator(web, "wangxt", SYSTEM)
    out = (await client.post("/api/site-file/export", json={})).text
    role = '\n[[role]]\nid = "rnight000001"\nname = "夜班"\nclass = "operator"\nactions = ["alarms.read"]\n'
    body = {"text": out.replace("[[jurisdiction]]", "") + role + '\n[policies]\n"login.failures" = 4\n'}
    seen = (await client.post("/api/site-file/check", json=body)).json()
    assert (seen["total"], seen["left_out_total"]) == (0, 2)
    security = await administrator(web, "zhaoaq", SECURITY)
    assert (await security.post("/api/site-file/check", json=body)).json()["total"] == 2
    done = await ended(security, (await security.post("/api/site-file/import", json=body)).json())
    assert done["state"] == "done"
    roles = (await security.get("/api/roles")).json()["items"]
    assert "夜班" in {each["name"] for each in roles}


async def test_nobody_changes_a_role_of_his_own_by_a_file(web: Web, estate: Estate) -> None:
    here = web.services
    await here.db.execute(
        "INSERT INTO role (id, name, class, actions) VALUES ('rown0000001', '安全助理', 'security', '{}')"
    )
    await here.db.execute(
        """INSERT INTO role_grant (account_id, role_id, scope_kind)
           SELECT id, 'rown0000001', 'everything' FROM account WHERE username = 'zhaoaq'"""
    )
    security = await administrator(web, "zhaoaq", SECURITY)
    text = (await security.post("/api/site-file/export", json={})).text
    wider = text.replace('class = "security"\nactions = []', 'class = "security"\nactions = ["roles.write"]')
    assert wider != text
    seen = (await security.post("/api/site-file/check", json={"text": wider})).json()
    assert (seen["total"], seen["left_out"]["role"]["change"]) == (0, 1)


async def test_a_stopped_job_says_so_and_only_its_owner_sees_it(clock: FrozenClock) -> None:
    jobs, begun = Jobs(clock), asyncio.Event()

    async def work(job: Job) -> dict[str, str]:
        job.told("apply", 1, 2)
        begun.set()
        await asyncio.Event().wait()
        return {}

    job = jobs.start("site.import", "u1", work)
    await begun.wait()
    assert [each.id for each in jobs.of("u1")] == [job.id]
    assert jobs.of("u2") == []
    assert (await jobs.cancel("u1", job.id)).body()["state"] == "cancelled"
