"""The list of events lives by push, and holds still while somebody reads it."""

from playwright.async_api import Browser, Page, expect
from prove.pages import opened
from prove.tiers import Tier

from anju.simulators.alarm_panel import Panel


async def tops(page: Page) -> list[float]:
    """Return where on the screen each row begins."""
    found: list[float] = await page.eval_on_selector_all(
        "[data-row]", "(rows) => rows.map((row) => row.getBoundingClientRect().top)"
    )
    return found


async def test_an_event_comes_on_top_by_itself(node: Tier, chromium: Browser, panels: list[Panel]) -> None:
    async with opened(chromium, node, "events?kind=arm") as page:
        await panels[3].report("401", "017", qualifier="3")
        await expect(page.locator("[data-row]").first).to_contain_text("南围墙报警主机")


async def test_rows_stay_under_a_moving_hand_and_come_at_a_click(
    node: Tier, chromium: Browser, panels: list[Panel]
) -> None:
    await panels[3].report("401", "018", qualifier="3")
    async with opened(chromium, node, "events?kind=arm") as page:
        rows = page.locator("[data-row]")
        await expect(rows.first).to_be_visible()
        first, before = await rows.first.get_attribute("data-row"), await tops(page)
        await rows.first.hover(position={"x": 20, "y": 10})
        await panels[3].report("401", "019", qualifier="3")
        await rows.first.hover(position={"x": 60, "y": 10})
        more = page.get_by_role("button", name="1 条新记录")
        await expect(more).to_be_visible()
        assert (await rows.first.get_attribute("data-row"), await tops(page)) == (first, before)
        await more.click()
        await expect(rows.nth(1)).to_have_attribute("data-row", first or "")
        await expect(more).to_have_count(0)
