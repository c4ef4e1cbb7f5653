"""How the console looks follows the person: language, theme and type change under the hand and the page stays."""

from playwright.async_api import Browser, Page, expect
from prove.pages import opened
from prove.tiers import Tier

from tests.browser.conftest import log_in


async def test_language_and_theme_change_and_the_page_stays_where_it_is(node: Tier, page: Page) -> None:
    await log_in(page, node, "guard")
    address = f"{node.url}/#/events?kind=arm"
    await page.goto(address)
    await page.get_by_role("button", name="账户").click()
    await page.get_by_role("menuitem", name="浅色").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.get_by_role("button", name="账户").click()
    await page.get_by_role("menuitem", name="English").click()
    await expect(page.get_by_role("heading", name="Events")).to_be_visible()
    assert page.url == address
    await page.reload()
    await expect(page.get_by_role("heading", name="Events")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.url == address


async def test_who_handles_alarms_reads_larger_type(node: Tier, chromium: Browser) -> None:
    async with opened(chromium, node, "home") as page:
        await expect(page.locator("html")).to_have_attribute("data-type", "guard")
        assert await page.evaluate("getComputedStyle(document.body).fontSize") == "16px"
    async with opened(chromium, node, "home", who="system") as page:
        await expect(page.locator("html")).to_have_attribute("data-type", "normal")
