"""Places by the API: the tree with its counts, moves, history, police bodies, and nothing outside one's scope."""

import httpx2
import pytest_asyncio

from anju.domain.changes import Lane
from anju.domain.rights import ScopeKind
from anju.security.accounts import AskedGrant
from tests.registry import Estate, add_panel, make_estate
from tests.web.conftest import Web, at_place, everywhere

STATION = "510802530000"


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    here = web.services
    found = await make_estate(here.db, here.node, here.clock())
    await add_panel(here.db, here.node, found, here.clock())
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(web: Web, estate: Estate) -> httpx2.AsyncClient:
    await web.account("weihu", everywhere("property_manager"))
    return await web.login("weihu")


async def test_the_tree_has_parents_first_and_counts_what_is_inside(keeper: httpx2.AsyncClient, estate: Estate) -> None:
    items = (await keeper.get("/api/places/tree")).json()["items"]
    assert [each["name"] for each in items[:4]] == ["广元市", "利州区", "东坝街道", "东坝社区"]
    site = next(each for each in items if each["kind"] == "site")
    assert (site["devices_total"], site["devices_online"], site["open_alarms"]) == (1, 0, 0)
    assert items[0]["devices_total"] == 1
    assert (await keeper.get("/api/places/tree?deepest=site")).json()["items"][-1]["kind"] == "site"


async def test_a_place_is_made_changed_moved_and_retired(web: Web, keeper: httpx2.AsyncClient, estate: Estate) -> None:
    unit = await keeper.post("/api/places", json={"parent_id": estate.building.id, "kind": "unit", "name": "1 单元"})
    assert unit.status_code == 201
    area = (await keeper.post("/api/places", json={"parent_id": estate.site.id, "kind": "area", "name": "北区"})).json()
    moved = await keeper.patch(f"/api/places/{estate.building.id}", json={"parent_id": area["id"], "name": "一栋"})
    assert (moved.json()["name"], moved.json()["place_path"]) == ("一栋", f"{area['place_path']}{estate.building.id}/")
    found = (await keeper.get(f"/api/places/{unit.json()['id']}")).json()
    assert [each["name"] for each in found["above"]][-3:] == ["东坝一号院", "北区", "一栋"]
    gone = await keeper.post(f"/api/places/{found['id']}/retire", json={"note": "拆除"})
    assert gone.json()["retired_at"]
    history = (await keeper.get(f"/api/places/{found['id']}/history")).json()["items"]
    assert [each["by_name"] for each in history] == ["操作员weihu"] * 3
    assert web.woken[-1] == frozenset({Lane.ALARMS, Lane.BULK})


async def test_what_the_tree_does_not_allow_is_refused_in_words(keeper: httpx2.AsyncClient, estate: Estate) -> None:
    wrong = await keeper.post("/api/places", json={"parent_id": estate.building.id, "kind": "site", "name": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_parent")
    full = await keeper.post(f"/api/places/{estate.site.id}/retire", json={})
    assert (full.status_code, full.json()["code"]) == (409, "not_empty")
    stale = await keeper.patch(f"/api/places/{estate.wall.id}", json={"name": "y", "version": 9})
    assert stale.json()["code"] == "changed_meanwhile"
    odd = await keeper.patch(f"/api/places/{estate.wall.id}", json={"longitude": 500, "latitude": 1})
    assert odd.status_code == 422


async def test_a_profile_is_that_of_a_community(keeper: httpx2.AsyncClient, estate: Estate) -> None:
    profile = {"era": "new", "form": "open", "households": 96, "built_year": None, "manager": ""}
    changed = await keeper.patch(f"/api/places/{estate.site.id}", json={"profile": profile})
    assert changed.json()["profile"] == {"era": "new", "form": "open", "households": 96}
    assert (await keeper.get("/api/sites")).json()["items"][0]["profile"]["form"] == "open"


async def test_a_police_body_is_put_in_charge_and_taken_back(keeper: httpx2.AsyncClient, estate: Estate) -> None:
    made = await keeper.post("/api/jurisdictions", json={"code": STATION, "name": "东坝派出所"})
    assert made.status_code == 201
    again = await keeper.post("/api/jurisdictions", json={"code": STATION, "name": "x"})
    assert again.status_code == 409
    renamed = await keeper.patch(f"/api/jurisdictions/{STATION}", json={"name": "东坝所"})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("东坝所", 2)
    await keeper.patch(f"/api/places/{estate.site.id}", json={"jurisdiction": STATION})
    assert (await keeper.get(f"/api/places/{estate.wall.id}")).json()["jurisdiction"] == STATION
    await keeper.patch(f"/api/places/{estate.site.id}", json={"jurisdiction": ""})
    assert (await keeper.get(f"/api/places/{estate.wall.id}")).json()["jurisdiction"] == ""


async def test_who_keeps_one_building_keeps_nothing_else(web: Web, estate: Estate) -> None:
    await web.account("louzhang", at_place("property_manager", estate.building.place_path))
    builder = await web.login("louzhang")
    items = (await builder.get("/api/places/tree")).json()["items"]
    assert [each["id"] for each in items] == [estate.building.id]
    assert (await builder.get(f"/api/places/{estate.wall.id}")).status_code == 404
    here = {"parent_id": estate.building.id, "kind": "unit", "name": "1 单元"}
    assert (await builder.post("/api/places", json=here)).status_code == 201
    outside = {"parent_id": estate.wall.id, "kind": "area", "name": "墙根"}
    assert (await builder.post("/api/places", json=outside)).status_code == 404
    root = {"kind": "city", "name": "绵阳市", "code": "510700"}
    assert (await builder.post("/api/places", json=root)).status_code == 403
    assert (
        await builder.patch(f"/api/places/{estate.building.id}", json={"parent_id": estate.wall.id})
    ).status_code == 404
    assert (await builder.post("/api/jurisdictions", json={"code": STATION, "name": "x"})).status_code == 403


async def test_who_only_reads_changes_nothing(web: Web, estate: Estate) -> None:
    await web.account("minjing", AskedGrant("police_station", ScopeKind.JURISDICTION, STATION))
    police = await web.login("minjing")
    assert (await police.get("/api/places/tree")).json()["items"] == []
    assert (await police.patch(f"/api/places/{estate.wall.id}", json={"name": "x"})).status_code == 403
