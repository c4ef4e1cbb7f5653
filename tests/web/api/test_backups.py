"""Backups from the console: made, listed, tried; by the system administrator only, after his password."""

import json
from pathlib import Path

import httpx2
import pytest_asyncio

from anju.config import Config
from anju.supervisor import Addresses
from anju.upkeep import backups_of
from tests.conftest import FrozenClock
from tests.registry import make_estate
from tests.web.conftest import PASSWORD, Web, everywhere

WORDS = {"passphrase": "four quiet river stones"}


@pytest_asyncio.fixture(loop_scope="session")
async def folder(web: Web, tmp_path: Path) -> Path:
    here = web.services
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        each.chmod(0o755)  # PostgreSQL drops to another user where the tests run as root
    node = {"id": here.node.id, "name": here.node.name}
    config = Config.model_validate(
        {"tier": "community", "data": here.data, "node": node, "backups": tmp_path / "backups"}
    )
    here.more["backups"] = backups_of(config, None, Addresses(here.db.url, ()))
    await make_estate(here.db, here.node, here.clock())
    return tmp_path / "backups"


async def administrator(web: Web) -> httpx2.AsyncClient:
    client = await web.login("wangxt", PASSWORD + "a")
    await client.post("/api/session/reauthenticate", json={"password": PASSWORD + "a"})
    return client


async def ended(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, object]:
    assert answer.status_code == 202, answer.text
    found = (await client.get(f"/api/jobs/{answer.json()['id']}?wait_s=20")).json()
    assert isinstance(found, dict)
    return found


async def test_a_backup_is_made_listed_and_tried(web: Web, folder: Path, clock: FrozenClock) -> None:
    client = await administrator(web)
    before = (await client.get("/api/backups")).json()
    assert (before["items"], before["same_disk"]) == ([], True)
    assert before["free_bytes"] > before["needed_bytes"] > 0
    made = await ended(client, await client.post("/api/backups", json=WORDS))
    assert made["state"] == "done", made
    (item,) = (await client.get("/api/backups")).json()["items"]
    assert (item["node"], item["trial"], item["rows"] > 20) == ("510802-1", None, True)
    tried = await ended(client, await client.post(f"/api/backups/{item['name']}/test", json=WORDS))
    assert (tried["state"], tried["result"]["ok"]) == ("done", True)  # type: ignore[index]
    (item,) = (await client.get("/api/backups")).json()["items"]
    assert item["trial"] == {"at": clock().isoformat(), "ok": True, "code": "", "message": ""}


async def test_a_trial_of_a_damaged_backup_says_so_and_a_wrong_passphrase_is_no_verdict(web: Web, folder: Path) -> None:
    client = await administrator(web)
    await ended(client, await client.post("/api/backups", json=WORDS))
    (path,) = folder.glob("*.tar")
    wrong = await ended(client, await client.post(f"/api/backups/{path.name}/test", json={"passphrase": "x" * 12}))
    assert wrong["result"]["code"] == "wrong_passphrase"  # type: ignore[index]
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)
    broken = await ended(client, await client.post(f"/api/backups/{path.name}/test", json=WORDS))
    assert "damaged" in json.dumps(broken)
    (item,) = (await client.get("/api/backups")).json()["items"]
    assert item["code"] == "damaged"


async def test_it_needs_the_right_the_password_and_a_long_passphrase(web: Web, folder: Path) -> None:
    await web.account("zhiban", everywhere("shift_leader"))
    leader = await web.login("zhiban")
    assert (await leader.get("/api/backups")).status_code == 403
    client = await administrator(web)
    short = await ended(client, await client.post("/api/backups", json={"passphrase": "short"}))
    assert (short["state"], short["code"]) == ("failed", "short_passphrase")
    assert (await client.post("/api/backups/none.tar/test", json=WORDS)).status_code == 404
    web.services.clock.forward(301)  # type: ignore[attr-defined]
    assert (await client.post("/api/backups", json=WORDS)).json()["code"] == "reauthenticate"
