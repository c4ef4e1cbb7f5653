"""Quarantine by the API: by cause, run again once it is mended, discarded with a word."""

from dataclasses import replace
from uuid import UUID

import httpx2
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.store import quarantine, rejections
from anju.store.quarantine import Held, written
from tests.domain.test_cleaning import REPORT
from tests.registry import Estate, add_panel, make_estate
from tests.web.conftest import Web, at_place, everywhere


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    return await make_estate(web.services.db, web.services.node, web.services.clock())


@pytest_asyncio.fixture(loop_scope="session")
async def installer(web: Web, estate: Estate) -> httpx2.AsyncClient:
    await web.account("anzhuang", everywhere("installer"))
    return await web.login("anzhuang")


async def hold(web: Web, account: str = "0/9999", number: int = 1) -> UUID:
    report = replace(
        REPORT, account=account, dedup_key=f"{account}|{number:04}|-", frame=b"secret", detail={"text": "张三"}
    )
    held = Held(
        uuid7(),
        web.services.clock(),
        "",
        f"dc09:{account}",
        "/",
        "",
        "accept",
        "unknown_account",
        None,
        {"report": written(report)},
    )
    async with web.services.db.transaction() as tx:
        await quarantine.hold(tx, held)
    return held.id


async def test_a_held_capture_shows_whose_it_is_and_nothing_it_saw(web: Web, installer: httpx2.AsyncClient) -> None:
    value = {"viid": "sealed-bytes", "kind": "motor_vehicle", "device": "51080200011210000001", "pictures": 2}
    at = web.services.clock()
    held = Held(uuid7(), at, "", "viid:51080200011210000001", "/", "", "accept", "unknown_device", None, value)
    async with web.services.db.transaction() as tx:
        await quarantine.hold(tx, held)
    (row,) = (await installer.get("/api/quarantine?reason=unknown_device")).json()["items"]
    assert row["value"] == {"protocol": "viid", **{name: value[name] for name in ("kind", "device", "pictures")}}


async def test_what_waits_is_listed_by_cause_without_what_names_a_person(
    web: Web, installer: httpx2.AsyncClient
) -> None:
    await hold(web)
    await hold(web, "0/8888")
    (group,) = (await installer.get("/api/quarantine/groups")).json()["items"]
    assert (group["reason"], group["count"], group["sources"]) == ("unknown_account", 2, 2)
    listed = await installer.get("/api/quarantine?reason=unknown_account&station=accept")
    assert [each["value"]["account"] for each in listed.json()["items"]] == ["0/8888", "0/9999"]
    assert "张三" not in listed.text
    assert "frame" not in listed.text


async def test_a_record_runs_again_once_its_panel_is_registered(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    held = await hold(web)
    early = await installer.post(f"/api/quarantine/{held}/rerun", json={"note": ""})
    assert (early.status_code, early.json()["code"]) == (409, "still_unknown")
    await add_panel(web.services.db, web.services.node, estate, web.services.clock(), account="9999")
    done = (await installer.post(f"/api/quarantine/{held}/rerun", json={"note": "已登记"})).json()
    assert (done["fate"], done["state"], done["decided_by"]) == ("kept", "released", "操作员anzhuang")
    assert await web.services.db.fetch("SELECT flags FROM event") == [(["late", "rerun"],)]
    again = await installer.post(f"/api/quarantine/{held}/rerun", json={"note": ""})
    assert again.json()["code"] == "already_decided"


async def test_a_group_runs_again_as_far_as_it_is_mended(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    for number in (1, 2, 3):
        await hold(web, number=number)
    await hold(web, "0/8888")
    await add_panel(web.services.db, web.services.node, estate, web.services.clock(), account="9999")
    body = {"reason": "unknown_account", "station": "accept", "note": "已登记"}
    done = (await installer.post("/api/quarantine/groups/rerun", json=body)).json()
    assert (done["released"], done["refused"]) == (3, 1)
    assert "0/8888" in done["reason"]


async def test_a_record_is_discarded_with_a_reason_and_stays(web: Web, installer: httpx2.AsyncClient) -> None:
    held = await hold(web)
    assert (await installer.post(f"/api/quarantine/{held}/discard", json={"note": " "})).status_code == 409
    done = await installer.post(f"/api/quarantine/{held}/discard", json={"note": "外来设备"})
    assert (done.json()["state"], done.json()["note"]) == ("discarded", "外来设备")
    assert (await installer.get("/api/quarantine")).json()["items"] == []
    assert len((await installer.get("/api/quarantine?state=all")).json()["items"]) == 1


async def test_what_holds_not_enough_waits_on(web: Web, installer: httpx2.AsyncClient) -> None:
    held = Held(uuid7(), web.services.clock(), "", "d1", "/", "", "keep", "DataError", None, {"error": "odd"})
    async with web.services.db.transaction() as tx:
        await quarantine.hold(tx, held)
    answer = await installer.post(f"/api/quarantine/{held.id}/rerun", json={"note": ""})
    assert answer.json()["code"] == "cannot_rerun"


async def test_a_row_from_a_node_below_that_is_gone_waits_on(web: Web, installer: httpx2.AsyncClient) -> None:
    held = Held(uuid7(), web.services.clock(), "", "510802-9", "/", "", "receive", "foreign_home", None, {})
    async with web.services.db.transaction() as tx:
        await quarantine.hold(tx, held)
    answer = await installer.post(f"/api/quarantine/{held.id}/rerun", json={"note": ""})
    assert answer.json()["code"] == "sender_unknown"


async def test_strangers_belong_to_nobody(web: Web, installer: httpx2.AsyncClient, estate: Estate) -> None:
    held = await hold(web)
    key = rejections.Key(web.services.clock(), "accept", "dc09:0/9999", "held", "unknown_account")
    async with web.services.db.transaction() as tx:
        await rejections.count(tx, {key: 3}, at=web.services.clock())
    (line,) = (await installer.get("/api/rejections")).json()["items"]
    assert (line["source_id"], line["count"]) == ("dc09:0/9999", 3)
    await web.account("louzhang", at_place("installer", estate.building.place_path))
    builder = await web.login("louzhang")
    assert (await builder.get("/api/rejections")).json()["items"] == []
    assert (await builder.get("/api/quarantine")).json()["items"] == []
    assert (await builder.post(f"/api/quarantine/{held}/discard", json={"note": "x"})).status_code == 404
