"""Cameras and GB/T 28181 devices over the API: by rights, by place, one hand at a time, and why one does not get in."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.config import Config
from anju.domain.channels import ChannelKind, Item, Merge
from anju.domain.devices import Device, DeviceState, Gb28181Access, Particulars
from anju.domain.rights import EVERYWHERE
from anju.store import channels, commands, devices, events, sip_exchanges, sip_registrations
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.events import RawFrame
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.store.sip_exchanges import Exchange
from anju.store.sip_registrations import Registration
from tests.conftest import FrozenClock
from tests.registry import Estate, make_estate
from tests.web.conftest import MakeWeb, Web, at_place, everywhere

NVR = "51080201011180000001"
CODES = [f"5108020101132000000{n}" for n in range(1, 4)]


@pytest_asyncio.fixture(loop_scope="session")
async def web(client_for: MakeWeb, db: Database, node: NodeId, clock: FrozenClock) -> AsyncIterator[Web]:
    config = Config.model_validate(
        {"tier": "community", "data": "/nowhere", "node": {"id": node.id, "name": "x", "region": "510802"}, "video": {}}
    )
    found = await client_for(db, node, clock, config=config)
    await found.set_up()
    yield found


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    return await make_estate(web.services.db, web.services.node, web.services.clock())


@pytest_asyncio.fixture(loop_scope="session")
async def recorder(web: Web, estate: Estate) -> Device:
    here = web.services
    new = NewDevice("recorder", "录像机", "gb28181", NVR, particulars=Particulars(gb28181=Gb28181Access()))
    items = tuple(Item(each, ChannelKind.CAMERA, f"通道{each[-1]}", ptz_type="1") for each in CODES)
    async with here.db.transaction() as tx:
        device = await devices.add(
            tx, estate.wall, new, Editor(here.node, "安装员", here.clock()), sealed=lambda _: b"x"
        )
        await devices.turn(tx, {device.id: (DeviceState.ONLINE, "registered")}, at=here.clock())
        await channels.merge(tx, device.id, Merge(items), at=here.clock())
        ids = await channels.codes(tx, device.id)
        await channels.edit(
            tx, ids[CODES[2]], name=None, place_id=estate.building.id, plan=None, version=None, at=here.clock()
        )
    return device


@pytest_asyncio.fixture(loop_scope="session")
async def leader(web: Web, recorder: Device) -> httpx2.AsyncClient:
    assert recorder.id
    await web.account("wangbz", everywhere("shift_leader"), name="王班长")
    return await web.login("wangbz")


@pytest_asyncio.fixture(loop_scope="session")
async def guard(web: Web, recorder: Device, estate: Estate) -> httpx2.AsyncClient:
    assert recorder.id
    await web.account("zhangs", at_place("guard", estate.wall.place_path), name="张三")
    return await web.login("zhangs")


@pytest_asyncio.fixture(loop_scope="session")
async def installer(web: Web, recorder: Device) -> httpx2.AsyncClient:
    assert recorder.id
    await web.account("liaz", everywhere("installer"), name="李安装")
    return await web.login("liaz")


async def listed(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/api/video/channels", params=query)
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["items"], key=lambda each: each["code"])


async def test_cameras_are_listed_by_rights_and_by_place(
    leader: httpx2.AsyncClient, guard: httpx2.AsyncClient, estate: Estate
) -> None:
    assert [each["code"] for each in await listed(leader)] == CODES
    assert [each["code"] for each in await listed(guard)] == CODES[:2]
    assert [each["code"] for each in await listed(leader, place=estate.building.id)] == CODES[2:]
    assert await listed(leader, state="offline") == []
    (first, *_) = await listed(leader, q="通道1")
    names = {"name": "通道1", "device_name": "录像机", "place_name": "西围墙", "site_name": "东坝一号院", "ptz": True}
    assert {name: first[name] for name in names} == names
    assert first["recording"] == {"mode": "nvr", "now": False, "days": None, "oldest_at": None}
    assert first["reason_words"]["zh"] == "设备目录报告在线"


async def test_the_tree_counts_below_each_place(
    leader: httpx2.AsyncClient, guard: httpx2.AsyncClient, estate: Estate
) -> None:
    told = (await leader.get("/api/video/tree")).json()
    counts = {each["id"]: (each["online"], each["total"]) for each in told["places"]}
    assert [counts[each.id] for each in (estate.site, estate.wall, estate.building)] == [(3, 3), (2, 2), (1, 1)]
    assert len((await guard.get("/api/video/tree")).json()["channels"]) == 2


async def test_a_camera_is_named_and_put_somewhere_by_who_may(
    leader: httpx2.AsyncClient, guard: httpx2.AsyncClient, installer: httpx2.AsyncClient, estate: Estate
) -> None:
    (first, *_) = await listed(leader)
    address = f"/api/video/channels/{first['id']}"
    assert (await guard.patch(address, json={"name": "甲"})).status_code == 403
    told = {"name": "东门", "place_id": estate.site.id, "plan": {"by": "platform"}, "version": first["version"]}
    changed = await installer.patch(address, json=told)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["place_id"]) == ("东门", estate.site.id)
    assert changed.json()["recording"]["mode"] == "platform"
    assert (await installer.patch(address, json=told)).status_code == 409
    assert (await installer.patch(address, json={"place_id": "p-nowhere"})).status_code == 404
    assert (await installer.patch(address, json={"plan": {"days": 3}})).status_code == 422
    assert (await guard.get(address)).status_code == 404  # it stands elsewhere now


async def test_one_hand_at_a_time_and_the_leader_takes_over(
    web: Web, leader: httpx2.AsyncClient, guard: httpx2.AsyncClient, db: Database
) -> None:
    (first, *_) = await listed(guard)
    address = f"/api/video/channels/{first['id']}/ptz"
    steered = await guard.post(address, json={"act": "move", "pan": 80})
    assert steered.status_code == 202, steered.text
    assert steered.json()["lock"]["holder"]["name"] == "张三"
    found = await commands.page(db, EVERYWHERE, before=(web.services.clock() + timedelta(1), uuid7()), limit=5)
    assert [(each.action, each.target_id, each.body["pan"]) for each in found] == [("ptz", first["device_id"], 80)]
    assert (await leader.post(address, json={"act": "move"})).json()["lock"]["holder"]["name"] == "王班长"
    refused = await guard.post(address, json={"act": "move"})
    assert (refused.status_code, refused.json()["code"]) == (409, "ptz_locked")
    assert (await guard.get(address)).json()["holder"]["level"] == 2


@pytest.mark.parametrize(
    "body",
    [{"act": "fly"}, {"act": "move", "pan": 300}, {"act": "drag_in", "box": [0, 0, 0, 0]}, {"act": "move", "x": 1}],
)
async def test_what_no_camera_does_is_refused(guard: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    (first, *_) = await listed(guard)
    assert (await guard.post(f"/api/video/channels/{first['id']}/ptz", json=body)).status_code == 422


async def test_a_camera_is_turned_at_its_own_address_only(
    web: Web, leader: httpx2.AsyncClient, recorder: Device
) -> None:
    told = {"action": "ptz", "target_id": recorder.id, "body": {"channel_id": "c1", "act": "move"}}
    assert (await leader.post("/api/commands", json=told)).status_code == 422
    assert web.services.node.id


async def test_without_a_gateway_a_question_says_so(leader: httpx2.AsyncClient, installer: httpx2.AsyncClient) -> None:
    (first, *_) = await listed(leader)
    answer = await leader.get(f"/api/video/channels/{first['id']}/presets")
    assert (answer.status_code, answer.json()["code"]) == (409, "signalling_away")
    asked = await installer.post(f"/api/video/devices/{first['device_id']}/query", json={"what": "DeviceStatus"})
    assert (asked.status_code, asked.json()["code"]) == (409, "signalling_away")


async def frame(web: Web, device: Device, reason: str) -> None:
    here = web.services
    told = RawFrame(uuid7(), here.clock(), device.site_id, device.id, "gb28181", "10.0.0.9", b"x", "dropped", reason)
    async with here.db.transaction() as tx:
        await events.insert_frames(tx, [told])


@pytest.mark.parametrize(
    ("reason", "field"),
    [("bad digest", "key"), ("wrong realm", "realm"), ("wrong user", "account"), ("address not allowed", "address")],
)
async def test_a_device_page_says_why_it_does_not_get_in(
    web: Web, installer: httpx2.AsyncClient, recorder: Device, reason: str, field: str
) -> None:
    await frame(web, recorder, reason)
    told = (await installer.get(f"/api/video/devices/{recorder.id}")).json()
    findings = {each["field"]: each for each in told["findings"]}
    assert findings[field]["ok"] is False
    assert findings[field]["zh"]
    assert (findings["realm"]["expected"], findings["port"]["expected"]) == ("5108020001", 8706)
    assert told["registration"] is None


async def test_who_got_in_since_is_not_accused_any_more(
    web: Web, installer: httpx2.AsyncClient, recorder: Device, clock: FrozenClock
) -> None:
    await frame(web, recorder, "bad digest")
    clock.forward(60)
    at = web.services.clock()
    told = ("10.0.0.9", 5060, "udp", "10.0.0.5", "sip:x@10.0.0.9", "c1", "2.0", "IPC", at, at, at + timedelta(hours=1))
    async with web.services.db.transaction() as tx:
        await sip_registrations.put(tx, [Registration(recorder.id, *told)])
    page = (await installer.get(f"/api/video/devices/{recorder.id}")).json()
    assert {each["field"]: each["ok"] for each in page["findings"]}["key"] is True
    assert page["registration"]["host"] == "10.0.0.9"


async def test_quirks_are_set_one_by_one(
    installer: httpx2.AsyncClient, guard: httpx2.AsyncClient, recorder: Device
) -> None:
    address = f"/api/video/devices/{recorder.id}"
    before = (await installer.get(address)).json()
    assert before["options"]["media"] == ["udp", "tcp_passive", "tcp_active"]
    told = {"quirks": {"media": "tcp_passive", "addresses": ["10.0.0.9"]}, "version": before["version"]}
    after = await installer.patch(address, json=told)
    assert after.status_code == 200, after.text
    quirks = after.json()["quirks"]
    assert (quirks["media"], quirks["addresses"], quirks["set_clock"]) == ("tcp_passive", ["10.0.0.9/32"], True)
    await installer.patch(address, json={"quirks": {"guard": True}})
    quirks = (await installer.get(address)).json()["quirks"]
    assert (quirks["media"], quirks["guard"]) == ("tcp_passive", True)
    assert (await installer.patch(address, json=told)).status_code == 409
    assert (await installer.patch(address, json={"quirks": {"media": "pigeon"}})).status_code == 422
    assert (await installer.patch(address, json={"quirks": {"addresses": ["x"]}})).status_code == 422
    assert (await guard.patch(address, json={"quirks": {"guard": False}})).status_code == 403


async def test_last_messages_are_for_who_may_see_raw_frames(
    web: Web, installer: httpx2.AsyncClient, guard: httpx2.AsyncClient, recorder: Device
) -> None:
    told = Exchange(recorder.id, 0, web.services.clock(), "in", "10.0.0.9:5060", "REGISTER", b"REGISTER sip:x SIP/2.0")
    async with web.services.db.transaction() as tx:
        await sip_exchanges.put(tx, [told])
    address = f"/api/video/devices/{recorder.id}/exchanges"
    assert [each["title"] for each in (await installer.get(address)).json()["items"]] == ["REGISTER"]
    assert (await guard.get(address)).status_code == 403
