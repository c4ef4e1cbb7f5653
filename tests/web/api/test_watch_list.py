"""The watch list by the API: kept by whom may, names sealed, masked and shown only for a reason."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from anju.domain.events import MASK
from tests.web.api.passing import Gate, gates, role
from tests.web.conftest import Web, at_place, everywhere

LIST = "/api/watch-list"


@pytest_asyncio.fixture(loop_scope="session")
async def both(web: Web) -> list[Gate]:
    return await gates(web)


@pytest_asyncio.fixture(loop_scope="session")
async def gate(both: list[Gate]) -> Gate:
    return both[0]


@pytest_asyncio.fixture(loop_scope="session")
async def leader(web: Web, gate: Gate) -> httpx2.AsyncClient:
    """A shift leader of the first community only."""
    await web.account("banzhang", at_place("shift_leader", gate.place_path.rsplit("/", 2)[0] + "/"))
    return await web.login("banzhang")


def asked(gate: Gate, **more: Any) -> dict[str, Any]:
    """A vehicle to wait for at a community, for a week."""
    ends = gate.web.services.clock() + timedelta(days=7)
    return {
        "kind": "vehicle",
        "place_id": gate.site_id,
        "plate": "川h·12345",
        "reason": "多次逃费",
        "expires_at": ends.isoformat(),
        **more,
    }


VISITOR = {"kind": "visitor", "plate": "", "name": "张三", "phone": "13800001234", "document": "510802199001011234"}


async def test_a_vehicle_is_waited_for_and_marked_where_it_passes(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    made = await leader.post(LIST, json=asked(gate))
    assert (made.status_code, made.json()["plate"], made.json()["owner_name"]) == (201, "川H12345", "操作员banzhang")
    await gate.passes("川H54321", "川H12345")
    rows = (await leader.get("/api/vehicles/passages")).json()["items"]
    assert [each["watched"] for each in rows] == [True, False]
    told = await web.services.db.fetch_one("SELECT body FROM log WHERE kind = 'watch_entry'")
    assert told is not None
    assert told[0]["plate"] == "川H12345"


async def test_a_visitors_name_is_sealed_and_masked(web: Web, leader: httpx2.AsyncClient, gate: Gate) -> None:
    made = (await leader.post(LIST, json=asked(gate, **VISITOR))).json()
    (row,) = (await leader.get(LIST)).json()["items"]
    assert (row["name"], row["phone"], row["document"]) == (MASK, "", "")
    assert (await leader.get(f"{LIST}/{made['id']}?reason=核对")).status_code == 403
    dumped = await web.services.db.fetch(
        """SELECT w::text FROM watch_entry w UNION ALL SELECT l::text FROM log l
           UNION ALL SELECT o::text FROM operator_log o"""
    )
    assert not any(secret in str(dumped) for secret in ("张三", "13800001234", "510802199001011234"))


async def test_a_name_is_shown_for_a_reason_that_is_written_down(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    made = (await leader.post(LIST, json=asked(gate, **VISITOR))).json()
    await role(web, "revealer", "watch.read", "personal.reveal")
    await web.account("hecha", everywhere("revealer"))
    checker = await web.login("hecha")
    assert (await checker.get(f"{LIST}/{made['id']}")).json()["name"] == MASK
    found = (await checker.get(f"{LIST}/{made['id']}?reason=门岗核对")).json()
    assert (found["name"], found["phone"]) == ("张三", "13800001234")
    logged = await web.services.db.fetch("SELECT detail FROM operator_log WHERE action = 'personal.reveal'")
    assert "门岗核对" in str(logged)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"plate": ""}, "plate_needed"),
        ({"kind": "visitor", "plate": ""}, "name_needed"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "bad_expiry"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "bad_expiry"),
        ({"level": 4}, "invalid"),
        ({"reason": ""}, "invalid"),
        ({"place_id": "510802"}, "no_place"),
    ],
)
async def test_an_entry_is_refused(leader: httpx2.AsyncClient, gate: Gate, told: dict[str, Any], code: str) -> None:
    assert (await leader.post(LIST, json=asked(gate, **told))).json()["code"] == code


async def test_nobody_keeps_the_list_of_another_community(
    web: Web, leader: httpx2.AsyncClient, both: list[Gate]
) -> None:
    assert (await leader.post(LIST, json=asked(both[1]))).status_code == 404
    await web.account("all", everywhere("shift_leader"))
    made = (await (await web.login("all")).post(LIST, json=asked(both[1]))).json()
    assert (await leader.get(LIST)).json()["items"] == []
    assert (await leader.get(f"{LIST}/{made['id']}")).status_code == 404
    assert (await leader.post(f"{LIST}/{made['id']}/end", json={"note": "x"})).status_code == 404


async def test_an_entry_ends_once_and_stays_readable(leader: httpx2.AsyncClient, gate: Gate) -> None:
    made = (await leader.post(LIST, json=asked(gate))).json()
    assert (await leader.post(f"{LIST}/{made['id']}/end", json={"note": " "})).json()["code"] == "reason_needed"
    ended = (await leader.post(f"{LIST}/{made['id']}/end", json={"note": "已处理"})).json()
    assert (ended["ended_by"], ended["version"]) == ("操作员banzhang", 2)
    again = await leader.post(f"{LIST}/{made['id']}/end", json={"note": "x"})
    assert again.json()["code"] == "ended_already"
    assert (await leader.get(LIST)).json()["items"] == []
    assert len((await leader.get(f"{LIST}?state=all")).json()["items"]) == 1


async def test_a_guard_sees_the_list_and_does_not_keep_it(web: Web, leader: httpx2.AsyncClient, gate: Gate) -> None:
    await leader.post(LIST, json=asked(gate))
    await web.account("baoan", everywhere("guard"))
    guard = await web.login("baoan")
    assert [each["plate"] for each in (await guard.get(f"{LIST}?q=123")).json()["items"]] == ["川H12345"]
    assert (await guard.post(LIST, json=asked(gate))).status_code == 403
