"""The guard's desk in a browser: three keys close a false alarm, typing is never disturbed, an alarm shows itself."""

from playwright.async_api import Page, expect
from prove.tiers import Tier

from anju.simulators.alarm_panel import Panel
from tests.browser.conftest import log_in


async def test_an_intrusion_shows_itself_and_three_keys_close_it(node: Tier, page: Page, panels: list[Panel]) -> None:
    await log_in(page, node, "guard")
    await page.goto(f"{node.url}/#/alarms")
    await panels[0].report("130", "003")
    row = page.locator("[data-alarm]").filter(has_text="西围墙 3 号防区")
    await expect(row).to_have_count(1)
    await page.wait_for_timeout(500)  # the pop-up ignores what comes in its first 400 ms
    for key in ("Space", "1", "Enter"):
        await page.keyboard.press(key)
    await expect(row).to_have_count(0)
    assert await node.count("SELECT body->>'finding' || state FROM alarm WHERE zone = '01/003'") == "animalclosed"


async def test_typing_elsewhere_is_not_disturbed(node: Tier, page: Page, panels: list[Panel]) -> None:
    await log_in(page, node, "guard")
    await page.goto(f"{node.url}/#/alarms")
    field = page.get_by_placeholder("地点、设备、防区").first
    await field.click()
    await panels[1].report("130", "004")
    await expect(page.locator("[data-alarm]").filter(has_text="北围墙 4 号防区")).to_have_count(1)
    await page.keyboard.type("1 2 9")
    await expect(field).to_have_value("1 2 9")
    assert await node.count("SELECT state FROM alarm WHERE zone = '01/004'") == "new"
