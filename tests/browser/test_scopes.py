"""Who may see one building sees that building on every page; who is shut out is out of every open page at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from prove.pages import opened
from prove.tiers import Tier

from anju.simulators.alarm_panel import Panel

OURS, FOREIGN = "3 号楼报警主机", ("西围墙", "北围墙", "东围墙", "南围墙", "东坝一号院", "2 号楼报警主机")
SEEN = ("home", "alarms?state=all", "events", "map", "places", "devices", "statistics", "vehicles")
NOT_FOR_GUARDS = ("users", "roles", "policies", "operator_log", "links", "quarantine", "linkage")
OUT_WITHIN_S = 3.0
ENDED = "登录已结束,请重新登录。"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def confined(node: Tier) -> str:
    """The account of a guard whose scope is one building."""
    path = await node.count("SELECT place_path FROM device WHERE name = '3 号楼报警主机'")
    return await node.operator("building", {"role": "guard", "scope_kind": "place", "scope_value": path})


@pytest_asyncio.fixture(loop_scope="session")
async def building(node: Tier, chromium: Browser, confined: str) -> AsyncIterator[Page]:
    """A page of that guard."""
    async with opened(chromium, node, "home", who="building") as page:
        yield page


async def test_a_guard_of_one_building_sees_it_and_nothing_else_on_every_page(
    node: Tier, building: Page, panels: list[Panel]
) -> None:
    await panels[5].report("130", "001")
    await panels[0].report("130", "007")
    found: dict[str, str] = {}
    for name in SEEN:
        await building.goto("about:blank")
        await building.goto(f"{node.url}/#/{name}")
        await building.wait_for_load_state("networkidle")
        await expect(building.locator("main .page")).to_be_visible()
        found[name] = await building.locator("body").inner_text()
    foreign = {name: [each for each in FOREIGN if each in text] for name, text in found.items()}
    assert {name: each for name, each in foreign.items() if each} == {}
    assert [name for name in ("alarms?state=all", "events", "devices") if OURS not in found[name]] == []


async def test_what_happens_elsewhere_is_not_pushed_to_a_guard_of_one_building(
    node: Tier, building: Page, panels: list[Panel]
) -> None:
    await building.goto(f"{node.url}/#/events")
    rows = building.locator("[data-row]")
    await panels[5].report("130", "002")
    await expect(rows.filter(has_text="3 号楼 2 号防区")).to_have_count(1)
    await panels[1].report("130", "007")
    await panels[5].report("130", "003")
    await expect(rows.filter(has_text="3 号楼 3 号防区")).to_have_count(1)
    await expect(rows.filter(has_text="北围墙")).to_have_count(0)


@pytest.mark.parametrize("name", NOT_FOR_GUARDS)
async def test_pages_that_are_not_for_guards_say_so(node: Tier, building: Page, name: str) -> None:
    await building.goto(f"{node.url}/#/{name}")
    await expect(building.locator("main").get_by_text("没有权限", exact=True)).to_be_visible()


async def test_the_address_of_a_foreign_record_finds_nothing(node: Tier, building: Page, panels: list[Panel]) -> None:
    await panels[0].report("130", "008")
    alarm = await node.count("SELECT id FROM alarm WHERE zone = '01/008' LIMIT 1")
    device = await node.count(
        "SELECT id FROM device WHERE place_path NOT LIKE '%' || (SELECT place_id FROM device "
        "WHERE name = '3 号楼报警主机') || '%' LIMIT 1"
    )
    for address in (f"alarms/{alarm}", f"devices/{device}"):
        await building.goto(f"{node.url}/#/{address}")
        await expect(building.get_by_text("找不到").first).to_be_visible()
        await building.goto("about:blank")


async def test_a_page_shows_nothing_that_rights_taken_away_would_not(
    node: Tier, chromium: Browser, confined: str, panels: list[Panel]
) -> None:
    await panels[5].report("130", "004")
    path = await node.count("SELECT place_path FROM device WHERE name = '2 号楼报警主机'")
    async with opened(chromium, node, "alarms", who="building") as page:
        rows = page.locator("[data-alarm]")
        await expect(rows.filter(has_text="3 号楼 4 号防区")).to_have_count(1)
        await node.grant(confined, {"role": "guard", "scope_kind": "place", "scope_value": path})
        await expect(page.get_by_text("您的权限刚刚变更")).to_be_visible()
        await expect(rows.filter(has_text="3 号楼 4 号防区")).to_have_count(0)
        await node.grant(confined)
        await expect(page.locator("main").get_by_text("没有权限", exact=True)).to_be_visible()


async def test_every_open_page_of_a_revoked_user_is_closed_with_a_sentence(
    node: Tier, chromium: Browser, confined: str
) -> None:
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(opened(chromium, node, name, who="building"))
            for name in ("home", "alarms", "events", "devices")
        ]
        async with node.as_("system") as system:
            begin = time.monotonic()
            assert (await system.post(f"/api/users/{confined}/disable")).status_code < 300
        await asyncio.gather(*(expect(page.get_by_text(ENDED)).to_be_visible() for page in pages))
        took = time.monotonic() - begin
        assert [page.url.split("#")[1].split("?")[0] for page in pages] == ["/login"] * len(pages)
    print(f"closed after {took:.2f} s")  # noqa: T201 - what one wants to know
    assert took <= OUT_WITHIN_S
