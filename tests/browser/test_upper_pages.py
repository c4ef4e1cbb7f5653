"""What county and city show, at two sizes, in both themes: nothing overflows, is clipped, pale or without a glyph."""

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect
from prove.tiers import FIRST_PANEL, PASSWORD, Tier

from anju.simulators.alarm_panel import fleet
from tests.browser.conftest import SHOTS
from tests.browser.test_pages import LOOKS, SIZES

PAGES = ("home", "ranking", "map", "alarms", "links", "events", "statistics")
COMMUNITIES = ("东坝一号院", "利州老街小区")


async def logged_in(browser: Browser, tier: Tier, size: tuple[int, int], chosen: dict[str, str]) -> BrowserContext:
    """Log the operator of ``tier`` in, who likes ``chosen``."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    address, headers = f"{tier.url}/api/session", {"X-Anju": "1"}
    account = {"username": "guard1", "password": f"{PASSWORD}-guard"}
    assert (await context.request.post(address, data=account, headers=headers)).ok
    assert (await context.request.patch(f"{address}/preferences", data=chosen, headers=headers)).ok
    return context


async def happened(three: dict[str, Tier]) -> None:
    """Let each community have an alarm, one of them for a life, and wait until the city has them."""
    panels = fleet("127.0.0.1", three["community"].ports["dc09"], 6, first=FIRST_PANEL)
    for panel, code, zone in ((0, "130", "006"), (5, "120", "001"), (4, "301", "000")):
        await panels[panel].report(code, zone)
        await panels[panel].cut()


async def put_away(popup: Locator) -> None:
    """Put away the pop-ups over the page, one after the other: the page is what is looked at."""
    while await popup.count():
        await popup.page.keyboard.press("Escape")
        await popup.page.wait_for_timeout(100)


async def shot(page: Page, tier: Tier, name: str, title: str) -> list[str]:
    """Open a page of ``tier``, keep its picture as ``title`` and return what is wrong with its looks."""
    await page.goto(f"{tier.url}/#/{name}")
    await page.wait_for_load_state("networkidle")
    await expect(page.locator("main .page")).to_be_visible()
    await put_away(page.locator("section.alarm"))
    await page.wait_for_timeout(400)  # charts and maps are drawn after their data came
    await page.screenshot(path=SHOTS / f"{tier.name}-{name}-{title}.png")
    found: list[str] = await page.evaluate(LOOKS)
    return found


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["county", "city"])
async def test_every_page_of_county_and_city_can_be_read(
    three: dict[str, Tier], chromium: Browser, name: str, size: tuple[int, int], theme: str
) -> None:
    await happened(three)
    SHOTS.mkdir(parents=True, exist_ok=True)
    language = "zh" if size == SIZES[0] else "en"
    context = await logged_in(chromium, three[name], size, {"theme": theme, "language": language})
    page = await context.new_page()
    wrong = {each: await shot(page, three[name], each, f"{size[0]}-{theme}-{language}") for each in PAGES}
    await context.close()
    assert {each: found for each, found in wrong.items() if found} == {}


async def test_the_home_of_the_city_lays_its_communities_side_by_side(
    three: dict[str, Tier], chromium: Browser
) -> None:
    await happened(three)
    context = await logged_in(chromium, three["city"], SIZES[0], {"theme": "dark", "language": "zh"})
    page = await context.new_page()
    await page.goto(f"{three['city'].url}/#/home")
    table = page.get_by_role("region", name="各小区现状")
    for community in COMMUNITIES:
        await expect(table.get_by_role("row").filter(has_text=community)).to_contain_text("正常")
    await table.get_by_role("link", name=COMMUNITIES[0]).click()
    await expect(page.locator("[data-alarm]").first).to_contain_text(COMMUNITIES[0])
    await expect(page.locator("[data-alarm]").filter(has_text=COMMUNITIES[1])).to_have_count(0)
    await context.close()
