"""Passages by the API: found by whom they may be found by, told with what is known, corrected beside the reading."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from openpyxl import load_workbook

from anju.domain.changes import Change, Lane, Origin
from anju.domain.events import MASK
from anju.domain.rights import Action
from anju.domain.vehicles import body
from anju.store import log, passages
from anju.web.pictures import pictures
from tests.web.api.passing import PICTURE, Gate, gates, ids, keep, role
from tests.web.conftest import PASSWORD, Web, at_place, everywhere

LIST = "/api/vehicles/passages"


async def newest(web: Web) -> int:
    """Return the last seq of the lane that passages travel in."""
    return await log.head(web.services.db, Lane.BULK, web.services.node.epoch)


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


async def test_the_newest_is_first_and_whose_car_it_is_hidden(leader: httpx2.AsyncClient, gate: Gate) -> None:
    old, new = await gate.passes("川H12345", "川HD54321")
    found = (await leader.get(LIST)).json()
    assert ids(found) == [new.id, old.id]
    row = found["items"][0]
    assert (row["plate"], row["site_name"], row["resident_kind"], row["resident_id"]) == (
        "川HD54321",
        "明院",
        "owner",
        MASK,
    )


async def test_what_another_community_saw_is_not_found(leader: httpx2.AsyncClient, both: list[Gate]) -> None:
    (hidden,) = await both[1].passes("川H88888")
    assert (await leader.get(LIST)).json()["items"] == []
    assert (await leader.get(f"{LIST}?plate=川H88888")).json()["items"] == []
    for path in ("", "/raw"):
        assert (await leader.get(f"{LIST}/{hidden.id}{path}")).status_code in {403, 404}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("plate=川h·12345", ["川H12345"]),
        ("fragment=123", ["川H12345"]),
        ("fragment=h12", ["川H12345"]),
        ("fragment=999", []),
        ("direction=out", []),
        ("direction=in&resident=owner", ["川HD54321", "川H12345"]),
        ("color=5&flag=late", []),
        ("resident=visitor", []),
        ("until=2020-01-01T00:00:00Z", []),
    ],
)
async def test_passages_are_found_by(leader: httpx2.AsyncClient, gate: Gate, query: str, found: list[str]) -> None:
    await gate.passes("川H12345", "川HD54321")
    rows = (await leader.get(f"{LIST}?{query}")).json()["items"]
    assert [each["plate"] for each in rows] == found
    assert (await leader.get(f"/api/vehicles/export?{query}")).json()["rows"] == len(found)


async def test_one_letter_is_no_fragment(leader: httpx2.AsyncClient) -> None:
    assert (await leader.get(f"{LIST}?fragment=1")).json()["code"] == "short_fragment"


async def test_nobody_looks_for_one_residents_vehicles_without_the_right(leader: httpx2.AsyncClient) -> None:
    assert (await leader.get(f"{LIST}?resident_id=r1")).status_code == 403


async def test_pages_follow_each_other(leader: httpx2.AsyncClient, gate: Gate) -> None:
    kept = await gate.passes("川H10001", "川H10002", "川H10003")
    first = (await leader.get(f"{LIST}?limit=2")).json()
    second = (await leader.get(LIST, params={"limit": 2, "cursor": first["next"]})).json()
    assert ids(first) + ids(second) == [each.id for each in reversed(kept)]
    assert second["next"] is None


async def test_a_picture_comes_with_the_ticket_that_opens_it(web: Web, leader: httpx2.AsyncClient, gate: Gate) -> None:
    await gate.passes("川H12345")
    picture = (await leader.get(LIST)).json()["items"][0]["pictures"][0]
    account = (await leader.get("/api/session")).json()["account"]["id"]
    opened = pictures(web.services).tickets.open(picture["ticket"], blob_id=PICTURE.blob_id, account_id=account)
    assert (opened.action, opened.at.place_path) == (Action.VEHICLES_READ, gate.place_path)


async def test_a_passage_tells_its_clock_its_way_and_what_repeats_it(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    now = web.services.clock()
    first, again = (gate.passage("川H12345", now + timedelta(seconds=n)) for n in (-3, 0))
    await keep(web, [first, again])
    found = (await leader.get(f"{LIST}/{again.id}")).json()
    assert [UUID(each["id"]) for each in found["near"]] == [first.id]
    assert [each["what"] for each in found["path"]] == ["captured", "received", "kept"]
    assert found["path"][-1]["seq"] == await newest(web)
    assert (found["clock_offset_ms"], found["corrections"]) == (-1000, [])


async def test_the_way_of_a_passage_says_what_the_tier_above_has(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    (passage,) = await gate.passes("川H12345")
    await web.services.db.execute(
        """INSERT INTO upper_link (url, certificate, node, name, fingerprint, state)
           VALUES ('https://up', '', 'county', '利州区', '', 'live')"""
    )
    assert (await leader.get(f"{LIST}/{passage.id}")).json()["path"][-1]["what"] == "waiting"
    await web.services.db.execute(
        """INSERT INTO cursor (consumer, lane, epoch, seq) VALUES ('upper:county', 'bulk', %(epoch)s, %(seq)s)""",
        epoch=web.services.node.epoch,
        seq=await newest(web),
    )
    last = (await leader.get(f"{LIST}/{passage.id}")).json()["path"][-1]
    assert (last["what"], last["node"], last["tier"]) == ("acknowledged", "利州区", "county")


async def test_a_row_is_found_in_a_long_log(web: Web, leader: httpx2.AsyncClient, gate: Gate) -> None:
    clock = web.services.clock
    kept, before = [], await newest(web)
    for _ in range(40):
        clock.forward(10)  # type: ignore[attr-defined]
        kept += await gate.passes("川H12345")
    found = (await leader.get(f"{LIST}/{kept[16].id}")).json()["path"]
    assert found[-1]["seq"] == before + 17


async def test_the_raw_request_shows_its_own_vehicle_only_and_is_logged(web: Web, gate: Gate) -> None:
    now = web.services.clock()
    passage = gate.passage("川H12345", now)
    objects = [
        {"MotorVehicleID": passage.object_id, "PlateNo": "川H12345"},
        {"MotorVehicleID": "other", "PlateNo": "川H99999"},
    ]
    raw = json.dumps({"MotorVehicleListObject": {"MotorVehicleObject": objects}}).encode()
    await keep(web, [passage], raw)
    await web.account("anzhuang", everywhere("installer"))
    answer = await (await web.login("anzhuang")).get(f"{LIST}/{passage.id}/raw")
    assert json.loads(answer.json()["text"]) == objects[0]
    logged = await web.services.db.fetch("SELECT outcome FROM operator_log WHERE action = 'vehicles.raw' ORDER BY seq")
    assert [row[0] for row in logged] == ["intent", "done"]


async def test_a_guard_sees_no_raw_request(web: Web, gate: Gate) -> None:
    (passage,) = await gate.passes("川H12345")
    await web.account("baoan", everywhere("guard"))
    assert (await (await web.login("baoan")).get(f"{LIST}/{passage.id}/raw")).status_code == 403


async def corrected(client: httpx2.AsyncClient, passage_id: UUID, **told: Any) -> httpx2.Response:
    return await client.post(f"{LIST}/{passage_id}/correct", json={"reason": "看图片为 8", **told})


async def test_a_correction_stands_beside_the_reading_and_travels_up(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    (passage,) = await gate.passes("川H1234B")
    found = (await corrected(leader, passage.id, plate="川H12348")).json()
    assert (found["plate"], found["reading"]["plate"], found["version"]) == ("川H12348", "川H1234B", 2)
    assert found["corrections"][0]["by_name"] == "操作员banzhang"
    row = await web.services.db.fetch_one("SELECT version, body FROM log WHERE kind = 'passage' ORDER BY seq DESC")
    assert row is not None
    assert (row[0], row[1]["plate"]) == (2, "川H12348")
    assert (await leader.get(f"{LIST}?fragment=12348")).json()["items"][0]["id"] == str(passage.id)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"reason": " "}, "reason_needed"),
        ({"plate_color": "blue"}, "invalid"),
        ({"direction": "up"}, "invalid"),
        ({"plate": "川H12345", "expected_version": 9}, "changed_meanwhile"),
        ({"site_id": "x"}, "invalid"),
    ],
)
async def test_a_correction_is_refused(leader: httpx2.AsyncClient, gate: Gate, told: dict[str, Any], code: str) -> None:
    (passage,) = await gate.passes("川H12345")
    assert (await corrected(leader, passage.id, **told)).json()["code"] == code


async def test_a_passage_of_a_node_below_is_corrected_there(web: Web, leader: httpx2.AsyncClient, gate: Gate) -> None:
    (passage,) = await gate.passes("川H12345")
    await web.services.db.execute("UPDATE device SET home_node = 'below'")
    assert (await corrected(leader, passage.id, plate="川H12346")).json()["code"] == "not_ours"
    picture = (await leader.get(LIST)).json()["items"][0]["pictures"][0]
    answer = await leader.get(f"/api/pictures/{picture['blob_id']}", params={"ticket": picture["ticket"]})
    assert answer.json()["code"] == "silent", "and its picture is fetched there, by a bus that is not here"


async def test_judgements_make_the_rate_by_day_and_night(leader: httpx2.AsyncClient, gate: Gate) -> None:
    day = await gate.passes(*[f"川H1000{n}" for n in range(4)])  # 16:15 in Guangyuan
    await keep(gate.web, [night := gate.passage("川H20000", gate.web.services.clock() - timedelta(hours=9))])
    for each in day[:3]:
        await corrected(leader, each.id, plate=each.plate)
    await corrected(leader, day[3].id, plate="川H99999")
    await corrected(leader, day[3].id, plate="川H88888")
    await corrected(leader, night.id, vehicle_color="1")
    found = {each["light"]: each for each in (await leader.get("/api/vehicles/accuracy")).json()["items"]}
    assert (found["day"]["n"], found["day"]["wrong"], found["day"]["rate"]) == (4, 1, 0.75)
    assert 0.2 < found["day"]["bound"] < 0.75
    assert (found["night"]["n"], found["night"]["rate"], found["night"]["target"]) == (0, None, 0.985)


async def test_each_lane_shows_the_last_vehicle_it_saw(leader: httpx2.AsyncClient, gate: Gate) -> None:
    (lane,) = (await leader.get("/api/vehicles/lanes")).json()["items"]
    assert (lane["device_name"], lane["site_name"], lane["last"]) == ("明院抓拍机", "明院", None)
    _, last = await gate.passes("川H12345", "川H54321")
    (lane,) = (await leader.get("/api/vehicles/lanes")).json()["items"]
    assert lane["last"]["id"] == str(last.id)


async def test_vehicles_are_counted_by_the_hour(leader: httpx2.AsyncClient, gate: Gate) -> None:
    await gate.passes("川H10001", "川H10002")
    await gate.passes("川H10003", direction="out")
    found = (await leader.get("/api/vehicles/counts")).json()
    assert [(each["direction"], each["count"]) for each in found["items"]] == [("in", 2), ("out", 1)]


async def test_whose_vehicle_it_is_is_told_for_a_reason_that_is_written_down(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    (passage,) = await gate.passes("川H12345")
    assert (await leader.get(f"{LIST}/{passage.id}?reason=x")).status_code == 403
    await role(web, "revealer", "vehicles.read", "personal.reveal")
    await web.account("hecha", everywhere("revealer"))
    checker = await web.login("hecha")
    assert (await checker.get(f"{LIST}/{passage.id}")).json()["resident_id"] == MASK
    assert (await checker.get(f"{LIST}/{passage.id}?reason=寻车主")).json()["resident_id"] == "r1"
    logged = await web.services.db.fetch("SELECT detail FROM operator_log WHERE action = 'personal.reveal'")
    assert "寻车主" in str(logged)


async def test_a_passage_of_a_node_below_tells_where_it_came_from(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    here = web.services
    passage = gate.passage("川H12345", here.clock())
    await here.db.execute(
        """INSERT INTO lower_node (node, name, tier, public_key, fingerprint, asked_at)
           VALUES ('below', '东坝一号院平台', 'community', '', '', now())"""
    )
    async with here.db.transaction() as tx:
        await passages.insert_remote(tx, [passage], at=here.clock())
        where = (passage.site_id, passage.place_path, passage.jurisdiction)
        told = Change("passage", str(passage.id), 1, *where, body(passage), origin=Origin("below", 7, 42))
        await log.append(tx, Lane.BULK, [told], at=here.clock(), node=here.node)
    path = (await leader.get(f"{LIST}/{passage.id}")).json()["path"]
    assert [(each["what"], each["node"]) for each in path[1:]] == [
        ("received", "东坝一号院平台"),
        ("came", here.node.name),
    ]
    assert (path[1]["seq"], path[1]["tier"]) == (42, "community")


async def export(client: httpx2.AsyncClient, form: str, **query: str) -> httpx2.Response:
    await client.post("/api/session/reauthenticate", json={"password": PASSWORD})
    return await client.get(f"/api/vehicles/export.{form}", params=query)


async def test_an_export_says_its_size_before_and_asks_for_the_password(
    web: Web, leader: httpx2.AsyncClient, gate: Gate
) -> None:
    await gate.passes("川H12345", "川H54321")
    assert (await leader.get("/api/vehicles/export")).json() == {"rows": 2, "most": 20_000}
    web.services.clock.forward(3600)  # type: ignore[attr-defined]
    await leader.post("/api/session", json={"username": "banzhang", "password": PASSWORD})
    web.services.clock.forward(600)  # type: ignore[attr-defined]
    assert (await leader.get("/api/vehicles/export.csv")).json()["code"] == "reauthenticate"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_an_export_hides_half_of_each_plate_and_is_logged(
    web: Web, leader: httpx2.AsyncClient, gate: Gate, form: str
) -> None:
    await gate.passes("川H12345", None)
    answer = await export(leader, form)
    assert (answer.status_code, answer.headers["X-Anju-Rows"], answer.headers["X-Anju-Cut"]) == (200, "2", "no")
    assert "川H12345" not in str(rows_of(form, answer.content))
    plate = rows_of(form, answer.content)[2][1]
    assert "*" in plate
    logged = await web.services.db.fetch_one("SELECT detail FROM operator_log WHERE action = 'vehicles.export'")
    assert logged is not None
    assert '"rows": 2' in str(logged[0]) or '"rows":2' in str(logged[0])


async def test_whole_plates_leave_only_with_the_right_and_a_reason(web: Web, gate: Gate) -> None:
    await gate.passes("川H12345")
    await role(web, "revealer", "vehicles.read", "vehicles.export", "personal.reveal")
    await web.account("hecha", everywhere("revealer"))
    checker = await web.login("hecha")
    assert rows_of("csv", (await export(checker, "csv", reason="报案 1 号")).content)[1][1] == "川H12345"
    assert "*" in rows_of("csv", (await export(checker, "csv")).content)[1][1]


def rows_of(form: str, content: bytes) -> list[list[Any]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("path", ["", "/lanes", "/counts", "/accuracy", "/export", "/export.csv"])
async def test_without_the_right_nothing_is_told(web: Web, path: str) -> None:
    await role(web, "nothing", "places.read")
    await web.account("wuguan", everywhere("nothing"))
    address = f"/api/vehicles{path}" if path else LIST
    assert (await (await web.login("wuguan")).get(address)).status_code == 403
