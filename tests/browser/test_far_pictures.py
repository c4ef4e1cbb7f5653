"""A picture of a community at county and city: shown while its node is there, named with its node while it is away."""

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect
from prove.pages import opened
from prove.tiers import Tier, checked

from anju.simulators.viid_camera import Camera
from tests.browser.conftest import CAMERA, CAMERA_PASSWORD, SHOTS, plate_camera
from tests.browser.test_vehicles import LOOKS

FETCHED_MS = 15_000  # over two links on a machine that does other things too


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def seen(three: dict[str, Tier]) -> AsyncIterator[str]:
    """A vehicle at the community's gate; its passage's id."""
    async with plate_camera(three["community"], CAMERA, CAMERA_PASSWORD) as camera:
        yield await passed(three["community"], camera)


async def passed(tier: Tier, camera: Camera) -> str:
    await camera.deliver(camera.see(3))
    async with tier.as_("guard") as guard:
        return str(checked(await guard.get("/api/vehicles/passages"))["items"][0]["id"])


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def pages(three: dict[str, Tier], chromium: Browser, seen: str) -> AsyncIterator[dict[str, Page]]:
    """The passage's page at each tier, and the list of passages at the city."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(opened(chromium, tier, f"vehicles/{seen}"))
            for name, tier in three.items()
        }


def main_picture(page: Page) -> Locator:
    return page.locator(".main .box")


async def shows(page: Page, *, within_ms: int = FETCHED_MS) -> None:
    """Wait until the passage's picture is painted."""
    await page.wait_for_function(
        "() => { const img = document.querySelector('.main .box img'); return img && img.naturalWidth > 0 }",
        timeout=within_ms,
    )


@pytest.mark.parametrize("name", ["county", "city"])
async def test_county_and_city_show_the_pictures_of_a_passage(pages: dict[str, Page], name: str) -> None:
    page = pages[name]
    await page.reload()
    await shows(page)
    await expect(page.locator(".thumbs img").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"passage-{name}.png")
    assert await page.evaluate(LOOKS) == []


async def test_the_city_lists_small_pictures(three: dict[str, Tier], chromium: Browser, seen: str) -> None:
    async with opened(chromium, three["city"], "vehicles") as page:
        small = page.locator(f"[data-passage='{seen}'] img").first
        await expect(small).to_be_visible(timeout=FETCHED_MS)
        await expect(small).to_have_attribute("src", re.compile("thumbnail"))
        await page.screenshot(path=SHOTS / "vehicles-city.png")


async def test_a_node_that_is_away_is_named_and_the_picture_comes_when_it_is_back(
    three: dict[str, Tier], pages: dict[str, Page]
) -> None:
    community, page = three["community"], pages["city"]
    os.kill(community.pids()["run"], signal.SIGKILL)
    assert community.child
    await community.child.wait()
    await page.reload()
    await expect(main_picture(page)).to_contain_text("该平台现在连不上", timeout=FETCHED_MS)
    await expect(main_picture(page)).to_contain_text("community")
    await page.screenshot(path=SHOTS / "passage-away.png")
    assert await page.evaluate(LOOKS) == []
    await page.get_by_role("button", name="再取一次").click()
    await expect(main_picture(page)).to_contain_text("该平台现在连不上", timeout=FETCHED_MS)
    await community.start()
    await shows(page, within_ms=4 * FETCHED_MS)  # by itself: the page asks again every 15 s


async def test_a_picture_is_kept_as_evidence_where_it_lies_and_nowhere_else(pages: dict[str, Page]) -> None:
    page = pages["community"]
    await page.reload()
    await shows(page)
    await page.get_by_role("button", name="固证", exact=True).click()
    await page.get_by_role("textbox", name="理由").fill("派出所调查 12 号案件")
    await page.screenshot(path=SHOTS / "passage-lock.png")
    await page.get_by_role("dialog").get_by_role("button", name="固证").click()
    await expect(page.locator(".evidence")).to_contain_text("派出所调查 12 号案件")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.screenshot(path=SHOTS / "passage-evidence.png")
    assert await page.evaluate(LOOKS) == []
    await expect(pages["city"].locator(".evidence")).to_have_count(0)


async def test_an_erased_picture_is_gone_at_every_tier(
    three: dict[str, Tier], pages: dict[str, Page], chromium: Browser, seen: str
) -> None:
    community = three["community"]
    await community.operator("manager", {"role": "property_manager", "scope_kind": "everything", "scope_value": ""})
    async with opened(chromium, community, f"vehicles/{seen}", who="manager") as page:
        await page.locator(".thumb").nth(1).click()
        await page.get_by_role("button", name="抹除图片").click()
        await page.get_by_role("textbox", name="理由").fill("业主要求删除")
        await page.get_by_role("dialog").get_by_role("button", name="抹除图片").click()
        await expect(main_picture(page)).to_contain_text("图片已抹除")
        await expect(page.locator(".evidence")).to_contain_text("抹除")
    for name in ("county", "city"):
        await pages[name].reload()
        await pages[name].locator(".thumb").nth(1).click()
        await expect(main_picture(pages[name])).to_contain_text("图片已抹除", timeout=FETCHED_MS)
        await pages[name].locator(".thumb").nth(0).click()
        await shows(pages[name])
    await pages["city"].screenshot(path=SHOTS / "passage-erased.png")
