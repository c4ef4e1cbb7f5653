"""Devices by the API: registered, coded, asked why they do not get in; secrets go in and never come out."""

from datetime import timedelta

import httpx2
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.devices import sealed_for
from anju.security.sealing import Sealer
from anju.store import events, rejections
from anju.store.events import RawFrame
from tests.registry import Estate, make_estate
from tests.web.conftest import Web, at_place, everywhere

KEY = "00112233445566778899aabbccddeeff"
PREFIX = "51080200011178"


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    return await make_estate(web.services.db, web.services.node, web.services.clock())


@pytest_asyncio.fixture(loop_scope="session")
async def installer(web: Web, estate: Estate) -> httpx2.AsyncClient:
    await web.account("anzhuang", everywhere("installer"))
    return await web.login("anzhuang")


def panel(estate: Estate, **more: object) -> dict[str, object]:
    told = {
        "kind": "alarm_panel",
        "name": "周界主机",
        "protocol": "dc09",
        "place_id": estate.wall.id,
        "account": "1234",
    }
    return {**told, **more}


async def test_a_device_is_registered_shown_found_and_retired(installer: httpx2.AsyncClient, estate: Estate) -> None:
    certificate = {"number": "A-1", "issuer": "公安部", "expires_on": "2029-01-31"}
    wanted = panel(estate, capture_class="2", direction="4", certificate=certificate, save_days=30, supervision_s=60)
    made = await installer.post("/api/devices", json=wanted)
    assert made.status_code == 201
    device = made.json()
    assert (device["account"], device["place_name"], device["site_name"]) == ("0/1234", "西围墙", "东坝一号院")
    assert (device["certificate"]["expires_on"], device["state"]) == ("2029-01-31", "unknown")
    assert device["state_words"]["zh"] == "登记后从未收到过信号"
    for query in ("?q=周界", "?q=0/12", f"?place={estate.site.id}", "?kind=alarm_panel&state=unknown&protocol=dc09"):
        assert [each["id"] for each in (await installer.get(f"/api/devices{query}")).json()["items"]] == [device["id"]]
    assert (await installer.get(f"/api/devices?place={estate.building.id}")).json()["items"] == []
    await installer.post(f"/api/devices/{device['id']}/retire", json={"note": "更换"})
    assert (await installer.get("/api/devices")).json() == {"items": [], "next": None}
    assert (await installer.get(f"/api/devices/{device['id']}")).json()["retired_at"]


async def test_lists_go_on_after_the_last_one(installer: httpx2.AsyncClient, estate: Estate) -> None:
    for account in ("1001", "1002", "1003"):
        await installer.post("/api/devices", json=panel(estate, account=account))
    first = (await installer.get("/api/devices?limit=2")).json()
    second = (await installer.get("/api/devices", params={"limit": 2, "cursor": first["next"]})).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


async def test_a_credential_is_sealed_and_comes_out_nowhere(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    made = await installer.post("/api/devices", json=panel(estate, credential=KEY))
    device = made.json()
    assert device["keyed"] is True
    row = await web.services.db.fetch_one("SELECT credential FROM device")
    assert row
    sealer = web.services.more["sealer"]
    assert isinstance(sealer, Sealer)
    assert sealer.open(bytes(row[0]), sealed_for(device["id"])) == bytes.fromhex(KEY)
    dump = str(await web.services.db.fetch("SELECT body::text FROM log UNION ALL SELECT detail FROM operator_log"))
    assert KEY not in dump + made.text
    ended = await installer.patch(f"/api/devices/{device['id']}", json={"credential": ""})
    assert ended.json()["keyed"] is False


async def test_what_cannot_be_is_refused_in_words(installer: httpx2.AsyncClient, estate: Estate) -> None:
    refused: dict[str, dict[str, object]] = {
        "bad_account": {"account": "x'; DROP TABLE device"},
        "bad_key": {"credential": "secret"},
        "wrong_protocol": {"protocol": "gb28181"},
        "unknown_kind": {"kind": "toaster"},
        "bad_direction": {"direction": "9"},
        "bad_code": {"code": "123"},
        "half_coordinates": {"longitude": 105.8},
        "no_codes_left": {"code": "auto"},
        "no_place": {"place_id": "p404"},
    }
    codes = [
        (await installer.post("/api/devices", json=panel(estate, **odd))).json()["code"] for odd in refused.values()
    ]
    assert codes == list(refused)
    await installer.post("/api/devices", json=panel(estate))
    assert (await installer.post("/api/devices", json=panel(estate))).json()["code"] == "account_taken"


async def test_codes_come_from_a_segment_and_leave_aliases(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    segment = {"prefix": PREFIX, "first": 1, "last": 2, "node": web.services.node.id}
    assert (await installer.post("/api/code-segments", json=segment)).json()["left"] == 2
    assert (await installer.post("/api/code-segments", json=segment)).status_code == 409
    aliases = [{"space": "serial", "code": "SN-77"}]
    device = (await installer.post("/api/devices", json=panel(estate, code="auto", aliases=aliases))).json()
    assert device["code"] == f"{PREFIX}000001"
    changed = (await installer.patch(f"/api/devices/{device['id']}", json={"code": "auto"})).json()
    assert changed["code"] == f"{PREFIX}000002"
    assert sorted(changed["aliases"]) == [["gb28181", f"{PREFIX}000001"], ["serial", "SN-77"]]
    assert (await installer.get("/api/code-segments")).json()["items"][0]["left"] == 0


async def test_zones_are_named_and_bypassed_for_a_time(web: Web, installer: httpx2.AsyncClient, estate: Estate) -> None:
    device = (await installer.post("/api/devices", json=panel(estate))).json()
    zones = [
        {"area": "1", "number": "3", "name": "西墙 3 号", "place_id": estate.wall.id},
        {"area": "1", "number": "9", "name": "按钮", "place_id": estate.wall.id, "kind": "panic"},
    ]
    address = f"/api/devices/{device['id']}/zones"
    found = (await installer.put(address, json={"zones": zones})).json()["zones"]
    assert [(each["area"], each["number"], each["kind"]) for each in found] == [
        ("01", "003", None),
        ("01", "009", "panic"),
    ]
    await web.account("banzhang", everywhere("shift_leader"))
    leader = await web.login("banzhang")
    until = (web.services.clock() + timedelta(hours=2)).isoformat()
    ask = {"area": "01", "number": "003", "until": until, "reason": "墙面施工"}
    quiet = (await leader.post(f"{address}/bypass", json=ask)).json()["zones"][0]
    assert (quiet["bypass_reason"], quiet["bypassed_until"] is None) == ("墙面施工", False)
    kept = (await installer.put(address, json={"zones": zones})).json()["zones"][0]
    assert kept["bypassed_until"] == quiet["bypassed_until"]
    refused = {"never_bypassed": {"number": "9"}, "reason_needed": {"reason": " "}, "no_zone": {"number": "77"}}
    answers = [await leader.post(f"{address}/bypass", json={**ask, **odd}) for odd in refused.values()]
    assert [each.json()["code"] for each in answers] == list(refused)
    over = (await leader.post(f"{address}/bypass", json={**ask, "until": None})).json()["zones"][0]
    assert over["bypassed_until"] is None


async def test_a_device_nobody_ever_heard_says_what_to_look_at(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    device = (await installer.post("/api/devices", json=panel(estate))).json()
    silent = (await installer.get(f"/api/devices/{device['id']}/why")).json()
    assert silent["received"] is None
    assert "检查设备上的平台地址" in silent["findings"][0]["zh"]
    key = rejections.Key(web.services.clock(), "accept", "dc09:0/4321", "held", "unknown_account")
    async with web.services.db.transaction() as tx:
        await rejections.count(tx, {key: 3}, at=web.services.clock())
    finding = (await installer.get(f"/api/devices/{device['id']}/why")).json()["findings"][0]
    assert (finding["field"], finding["received"], finding["ok"]) == ("account", "0/4321", False)
    assert "0/4321" in finding["en"]


async def test_a_panel_with_the_wrong_key_says_so(web: Web, installer: httpx2.AsyncClient, estate: Estate) -> None:
    device = (await installer.post("/api/devices", json=panel(estate, credential=KEY))).json()
    now = web.services.clock()
    frames = [
        RawFrame(uuid7(), now - timedelta(hours=2), "", device["id"], "dc09", "10.0.0.7", b"old", "kept"),
        RawFrame(uuid7(), now, "", device["id"], "dc09", "10.0.0.7", b"bad", "dropped", "does not decrypt"),
    ]
    async with web.services.db.transaction() as tx:
        await events.insert_frames(tx, frames)
    why = (await installer.get(f"/api/devices/{device['id']}/why")).json()
    key = next(each for each in why["findings"] if each["field"] == "key")
    assert (key["ok"], key["expected"], key["received"]) == (False, "encrypted", "another key")
    assert [(each["outcome"], each["hex"]) for each in why["frames"]] == [("dropped", b"bad".hex()), ("kept", None)]
    logged = await web.services.db.fetch("SELECT outcome FROM operator_log WHERE action = 'events.raw'")
    assert logged == [("intent",), ("done",)]


async def test_the_clock_ledger_is_shown_with_the_device(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    device = (await installer.post("/api/devices", json=panel(estate))).json()
    now = web.services.clock()
    await web.services.db.execute(
        "INSERT INTO clock_ledger VALUES (%(id)s, %(at)s, %(told)s, 90000, '')",
        id=device["id"],
        at=now,
        told=now + timedelta(seconds=90),
    )
    (point,) = (await installer.get(f"/api/devices/{device['id']}/clock")).json()["items"]
    assert point["offset_ms"] == 90_000
    why = (await installer.get(f"/api/devices/{device['id']}/why")).json()
    assert next(each for each in why["findings"] if each["field"] == "offset_ms")["ok"] is False
    assert (await installer.get(f"/api/devices/{device['id']}/events")).json() == {"items": [], "next": None}


async def test_who_keeps_one_building_sees_no_device_elsewhere(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    device = (await installer.post("/api/devices", json=panel(estate))).json()
    await web.account("louzhang", at_place("installer", estate.building.place_path))
    builder = await web.login("louzhang")
    assert (await builder.get("/api/devices")).json()["items"] == []
    for address in ("", "/why", "/clock", "/events"):
        assert (await builder.get(f"/api/devices/{device['id']}{address}")).status_code == 404
    assert (await builder.patch(f"/api/devices/{device['id']}", json={"name": "x"})).status_code == 404
    assert (await builder.post("/api/devices", json=panel(estate, account="99AA"))).status_code == 404
    assert (await builder.get("/api/code-segments")).status_code == 403


async def test_the_words_of_the_registry_are_told(installer: httpx2.AsyncClient) -> None:
    found = (await installer.get("/api/devices/kinds")).json()
    assert found["kinds"][0] == {
        "kind": "alarm_panel",
        "zh": "报警主机",
        "en": "alarm panel",
        "protocols": ["dc09"],
        "type_code": "117",
    }
    assert found["directions"][0] == {"code": "1", "zh": "东", "en": "east"}


def camera(estate: Estate, **more: object) -> dict[str, object]:
    told = {"kind": "lane", "name": "东门车道", "protocol": "viid", "place_id": estate.wall.id}
    return {**told, "account": "51080200011210000001", **more}


async def test_how_a_camera_speaks_is_kept_and_shown(installer: httpx2.AsyncClient, estate: Estate) -> None:
    viid = {"user": "gateway", "addresses": ["192.0.2.10", "198.51.100.0/24"], "every_request": True, "created": True}
    wanted = camera(estate, credential="gate-7", viid=viid, passes="in")
    made = (await installer.post("/api/devices", json=wanted)).json()
    assert (made["keyed"], made["passes"]) == (True, "in")
    assert made["viid"] == {
        **viid,
        "addresses": ["192.0.2.10/32", "198.51.100.0/24"],
        "strict": False,
        "text_status": False,
    }
    changed = await installer.patch(f"/api/devices/{made['id']}", json={"viid": {"strict": True}})
    assert (changed.json()["viid"]["strict"], changed.json()["viid"]["user"]) == (True, "")


async def test_what_no_camera_can_have_is_refused(installer: httpx2.AsyncClient, estate: Estate) -> None:
    for wrong in ({"account": "1234"}, {"viid": {"addresses": ["gate"]}}, {"viid": {"user": "a:b"}}, {"passes": "up"}):
        assert (await installer.post("/api/devices", json=camera(estate, **wrong))).status_code == 422


async def test_a_camera_that_does_not_get_in_is_told_why(
    web: Web, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    made = (await installer.post("/api/devices", json=camera(estate))).json()
    found = {each["field"]: each for each in (await installer.get(f"/api/devices/{made['id']}/why")).json()["findings"]}
    assert (found["key"]["expected"], found["key"]["ok"]) == ("digest", False)
    async with web.services.db.transaction() as tx:
        names = (uuid7(), web.services.clock(), made["site_id"], made["id"], "viid", "192.0.2.10")
        await events.insert_frames(tx, [RawFrame(*names, b"POST", "dropped", "bad digest")])
    await installer.patch(f"/api/devices/{made['id']}", json={"credential": "gate-7"})
    found = {each["field"]: each for each in (await installer.get(f"/api/devices/{made['id']}/why")).json()["findings"]}
    assert (found["key"]["ok"], found["key"]["received"]) == (False, "another password")
    assert "摘要认证不通过" in found["key"]["zh"]
