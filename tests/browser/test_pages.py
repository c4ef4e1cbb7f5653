"""Every page at two sizes, in both themes and languages: nothing overflows, is clipped, pale or without a glyph."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from prove.tiers import PASSWORD, Tier

from anju.simulators.alarm_panel import Panel
from anju.simulators.viid_camera import Camera
from tests.browser.conftest import SHOTS, log_in

LOOKS = (Path(__file__).parent / "looks.js").read_text()
PAGES = {
    "guard": (
        "home",
        "alarms",
        "events",
        "statistics",
        "map",
        "vehicles",
        "vehicles?view=table",
        "lanes",
        "watch_list",
        "sightings",
    ),
    "system": ("places", "devices", "users", "links", "quarantine", "site_files", "backups"),
    "security": ("roles", "policies"),
    "audit": ("operator_log",),
}
SIZES = ((1920, 1080), (1366, 768))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_can_be_read(
    node: Tier,
    chromium: Browser,
    panels: list[Panel],
    camera: Camera,
    size: tuple[int, int],
    theme: str,
    language: str,
) -> None:
    await panels[2].report("130", "006")
    SHOTS.mkdir(parents=True, exist_ok=True)
    wrong: dict[str, list[str]] = {}
    for who, names in PAGES.items():
        context = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
        address = f"{node.url}/api/session"
        headers = {"X-Anju": "1"}
        account = {"username": f"{who}1", "password": f"{PASSWORD}-{who}"}
        assert (await context.request.post(address, data=account, headers=headers)).ok
        chosen = {"theme": theme, "language": language}
        assert (await context.request.patch(f"{address}/preferences", data=chosen, headers=headers)).ok
        page = await context.new_page()
        for name in names:
            await page.goto(f"{node.url}/#/{name}")
            await page.wait_for_load_state("networkidle")
            await page.wait_for_timeout(300)
            await page.keyboard.press("Escape")  # the pop-up stands over what is behind it; it is looked at on its own
            await page.wait_for_timeout(200)
            await page.screenshot(path=SHOTS / f"{re.sub(r'[^a-z_]+', '-', name)}-{size[0]}-{theme}-{language}.png")
            if found := await page.evaluate(LOOKS):
                wrong[name] = found
        await context.close()
    assert wrong == {}


async def test_a_fresh_node_is_set_up_by_its_link_and_never_again(fresh: Tier, page: Page) -> None:
    token = await fresh.setup_token()
    await page.goto(f"{fresh.url}/#/setup?token={token}")
    await page.locator("[name=node_name]").fill("东坝社区平台")
    people = {"system": ("wangxt", "王系统"), "security": ("zhaoaq", "赵安全"), "audit": ("sunsj", "孙审计")}
    for which, (who, name) in people.items():
        await page.locator(f"[name='{which}.name']").fill(name)
        await page.locator(f"[name='{which}.username']").fill(who)
        for field in ("password", "again"):
            await page.locator(f"[name='{which}.{field}']").fill(f"{PASSWORD}-{which}")
    await page.screenshot(path=SHOTS / "setup.png", full_page=True)
    await page.locator("button[type=submit]").click()
    await expect(page).to_have_url(re.compile("#/login"))
    await page.get_by_label("用户名").fill("wangxt")
    await page.get_by_label("密码").fill(f"{PASSWORD}-system")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/#/home")
    again = {"token": token, "node_name": "x", "accounts": []}
    refused = await page.request.post(f"{fresh.url}/api/setup", data=again, headers={"X-Anju": "1"})
    assert refused.status in {403, 409, 422}


async def test_the_audit_administrator_verifies_the_log(node: Tier, page: Page) -> None:
    await log_in(page, node, "audit")
    await page.goto(f"{node.url}/#/operator_log")
    await page.get_by_role("button", name=re.compile("校验")).click()
    await expect(page.get_by_text(re.compile("日志完整"))).to_be_visible()


async def test_language_and_theme_follow_the_person(node: Tier, page: Page) -> None:
    await log_in(page, node, "guard")
    await page.request.patch(
        f"{node.url}/api/session/preferences", data={"theme": "light", "language": "en"}, headers={"X-Anju": "1"}
    )
    await page.goto(f"{node.url}/#/alarms")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await expect(page.get_by_text("Open", exact=True).first).to_be_visible()
