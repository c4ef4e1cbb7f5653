"""Spreadsheets in and out: what was exported changes nothing, mistakes are named by row and column, scopes hold."""

import io
import zipfile
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from openpyxl import Workbook, load_workbook

from anju.domain.rights import EVERYWHERE
from anju.store import devices
from tests.registry import Estate, add_panel, make_estate
from tests.web.conftest import PASSWORD, Web, at_place, everywhere

SYSTEM = PASSWORD + "a"


@pytest_asyncio.fixture(loop_scope="session")
async def estate(web: Web) -> Estate:
    here = web.services
    found = await make_estate(here.db, here.node, here.clock())
    await add_panel(here.db, here.node, found, here.clock())
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def client(web: Web, estate: Estate) -> httpx2.AsyncClient:
    found = await web.login("wangxt", SYSTEM)
    await found.post("/api/session/reauthenticate", json={"password": SYSTEM})
    return found


async def exported(client: httpx2.AsyncClient) -> Workbook:
    answer = await client.get("/api/site-sheets/export.xlsx")
    assert answer.status_code == 200, answer.text
    return load_workbook(io.BytesIO(answer.content))


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def checked(client: httpx2.AsyncClient, content: bytes, name: str = "site.xlsx") -> dict[str, Any]:
    answer = await client.post(f"/api/site-sheets/check?name={name}", content=content)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_was_exported_changes_nothing_when_it_comes_back(client: httpx2.AsyncClient) -> None:
    book = await exported(client)
    assert book.sheetnames == ["说明 Help", "场所 Places", "设备 Devices", "防区 Zones", "lists"]
    seen = await checked(client, saved(book))
    assert (seen["problems"], seen["total"], seen["rows"]) == ([], 0, {"place": 7, "device": 1, "zone": 1})


async def test_cells_have_drop_downs_and_are_text(client: httpx2.AsyncClient) -> None:
    book = await exported(client)
    rules = book["设备 Devices"].data_validations.dataValidation
    assert {rule.formula1.startswith("=lists!") for rule in rules} == {True}
    assert book["lists"].sheet_state == "hidden"
    assert book["设备 Devices"]["F3"].value == "0/1234"
    assert book["设备 Devices"]["D3"].value == "东坝一号院"
    assert book["防区 Zones"]["E3"].value == "东坝一号院/西围墙"
    template = await client.get("/api/site-sheets/export.xlsx?empty=true")
    assert load_workbook(io.BytesIO(template.content))["场所 Places"].max_row == 2


async def test_new_rows_may_name_each_other_and_are_taken_in(web: Web, client: httpx2.AsyncClient) -> None:
    book = await exported(client)
    book["场所 Places"].append([None, "单元", "1 单元", "东坝一号院/1 栋"])
    book["场所 Places"].append([None, "房屋", "101", "东坝一号院/1 栋/1 单元"])
    book["设备 Devices"].append([None, "报警主机", "单元主机", "东坝一号院/1 栋/1 单元", "dc09", "0042"])
    book["防区 Zones"].append(["单元主机", "1", "7", "101 门磁", "东坝一号院/1 栋/1 单元/101", "入侵"])
    content = saved(book)
    seen = await checked(client, content)
    assert [(each["what"], each["title"], each["row"]) for each in seen["differences"]] == [
        ("add", "1 单元", 10), ("add", "101", 11), ("add", "单元主机", 4),
    ]  # fmt: skip
    begun = await client.post("/api/site-sheets/import?name=site.xlsx", content=content)
    job = (await client.get(f"/api/jobs/{begun.json()['id']}?wait_s=20")).json()
    assert job["state"] == "done", job
    found = await devices.page(web.services.db, EVERYWHERE, devices.Filter(text="0042"), after="", limit=2)
    assert [(each.name, each.zones[0].name, each.zones[0].number) for each in found] == [
        ("单元主机", "101 门磁", "007")
    ]
    again = await checked(client, content)
    assert (again["problems"], again["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "code", "where"),
    [
        ("场所 Places", "B8", "宫殿", "bad_choice", ("place", 8, "B")),
        ("场所 Places", "D8", "别处", "unknown_reference", ("place", 8, "D")),
        ("场所 Places", "C8", None, "missing", ("place", 8, "C")),
        ("场所 Places", "G8", "东经", "no_number", ("place", 8, "G")),
        ("场所 Places", "B8", "车道", "wrong_parent", ("place", 8, "D")),
        ("设备 Devices", "F3", "zz", "bad_account", ("device", 3, "")),
        ("设备 Devices", "G3", 51080200011178000001, "code_as_number", ("device", 3, "G")),
        ("防区 Zones", "A3", "没有的设备", "unknown_reference", ("zone", 3, "A")),
    ],
)
async def test_every_mistake_is_named_by_sheet_row_and_column(
    client: httpx2.AsyncClient, sheet: str, cell: str, value: Any, code: str, where: tuple[str, int, str]
) -> None:
    book = await exported(client)
    book[sheet][cell] = value
    seen = await checked(client, saved(book))
    first = seen["problems"][0]
    assert (first["code"], (first["sheet"], first["row"], first["column"])) == (code, where)
    assert not seen["ok"]


async def test_gbk_csv_is_read_and_a_formula_is_text(web: Web, client: httpx2.AsyncClient) -> None:
    text = "类型,名称,上级场所\n区域,'=东墙,东坝一号院\n出入口,东门,东坝一号院\n"
    seen = await checked(client, text.encode("gb18030"), "places.csv")
    assert [each["title"] for each in seen["differences"]] == ["=东墙", "东门"]
    assert (await checked(client, text.encode("utf-8-sig"), "places.csv"))["total"] == 2


def bomb() -> bytes:
    """A few kilobytes that unpack to more than a workbook may have."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/sharedStrings.xml", bytes(40 * 1024 * 1024))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bomb(), "too_large"),
        (b"PK\x03\x04 no zip", "no_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),
        ("姓名,电话\n张三,1\n".encode(), "no_sheet"),
        (b"\xff\xfe\x00\xd8", "bad_text"),
    ],
)
async def test_what_is_no_sheet_is_refused_in_words(client: httpx2.AsyncClient, content: bytes, code: str) -> None:
    answer = await client.post("/api/site-sheets/check", content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_an_installer_changes_what_lies_in_his_scope_only(web: Web, estate: Estate) -> None:
    await web.account("anzhuang", at_place("installer", estate.wall.place_path))
    installer = await web.login("anzhuang")
    await installer.post("/api/session/reauthenticate", json={"password": PASSWORD})
    book = await exported(installer)
    assert book["场所 Places"].max_row == 3
    heads = [cell.value for cell in book["设备 Devices"][1]]
    book["设备 Devices"].append([None, "报警主机", "墙机", "东坝一号院/西围墙", "dc09", "0077"])
    book["设备 Devices"].append([None, "报警主机", "院机", estate.site.id, "dc09", "0078"])
    assert heads[3] == "安装场所*"
    seen = await checked(installer, saved(book))
    assert [each["title"] for each in seen["differences"]] == ["墙机"]
    assert seen["left_out"]["device"]["add"] == 1


async def test_it_needs_the_right(web: Web, estate: Estate) -> None:
    await web.account("zhiban", everywhere("guard"))
    guard = await web.login("zhiban")
    assert (await guard.get("/api/site-sheets/export.xlsx")).status_code == 403
    assert (await guard.post("/api/site-sheets/check", content=b"x")).status_code == 403
