"""The real console in Chromium, served by a real node that a simulated panel reports to."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from prove import pages
from prove.tiers import FIRST_PANEL, PASSWORD, Tier, checked, three_tiers

from anju.simulators.alarm_panel import Panel, fleet
from anju.simulators.viid_camera import Camera
from anju.web.server import STATIC

SHOTS = Path("build/screenshots")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser; without one, or without the built console, say what to install."""
    missing = [
        words
        for there, words in (
            (Path(pages.CHROMIUM).exists(), "chromium: apt-get install chromium"),
            ((STATIC / "index.html").exists(), "the built console: make console"),
        )
        if not there
    ]
    for item in items:
        if "browser" in Path(item.path).parts:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.xfail(reason=f"missing {missing}", run=False, strict=True))


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def fresh() -> AsyncIterator[Tier]:
    """A community that nobody set up yet."""
    with tempfile.TemporaryDirectory(prefix="anju-browser-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name), "single")
        tier.write()
        await tier.start()
        yield tier
        await tier.stop()


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def node() -> AsyncIterator[Tier]:
    """A community with two sites, panels, three administrators and a guard."""
    with tempfile.TemporaryDirectory(prefix="anju-browser-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name), "single")
        tier.write()
        await tier.start()
        await tier.set_up(panels=6)
        yield tier
        await tier.stop()


CAMERA, CAMERA_PASSWORD = "51080200001190000001", "Camera-Quiet-71"


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def camera(node: Tier) -> AsyncIterator[Camera]:
    """A plate camera at the first site's gate, through which eight vehicles came."""
    async with plate_camera(node, CAMERA, CAMERA_PASSWORD) as made:
        await made.deliver(made.see(8))
        yield made


@asynccontextmanager
async def plate_camera(node: Tier, code: str, password: str) -> AsyncIterator[Camera]:
    """Register a plate camera at a gate of the first site, and give it."""
    async with node.as_("system") as system:
        found = checked(await system.get("/api/sites"))["items"]
        gate = {"parent_id": found[0]["id"], "kind": "gate", "name": "东大门"}
        place = checked(await system.post("/api/places", json=gate))["id"]
        lane = {"kind": "lane", "name": "东大门抓拍机", "place_id": place, "protocol": "viid", "account": code}
        checked(await system.post("/api/devices", json=lane | {"credential": password}))
    made = Camera("127.0.0.1", node.ports["intake"], code, password)
    async with asyncio.timeout(20):  # intake learns of a new device within a second
        while not await made.register():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(1)
    yield made
    made.cut()


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def three() -> AsyncIterator[dict[str, Tier]]:
    """City, county and community, paired."""
    with tempfile.TemporaryDirectory(prefix="anju-browser-") as name:
        Path(name).chmod(0o755)
        async with three_tiers(Path(name), panels=6) as tiers:
            yield tiers


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def chromium() -> AsyncIterator[Browser]:
    async with pages.chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    found = await chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    found.set_default_timeout(10_000)
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def panels(node: Tier) -> AsyncIterator[list[Panel]]:
    """The panels of the node; what they raised is handled afterwards, so that nothing pops up over the next test."""
    found = fleet("127.0.0.1", node.ports["dc09"], 6, first=FIRST_PANEL)
    yield found
    for panel in found:
        await panel.cut()
    await handle_all(node)


async def handle_all(node: Tier) -> None:
    """Close every open alarm as a false one."""
    steps: tuple[tuple[str, dict[str, str]], ...]
    steps = (("acknowledge", {}), ("finding", {"finding": "other_false"}), ("close", {}))
    async with node.as_("guard") as guard:
        for alarm in checked(await guard.get("/api/alarms", params={"state": "open", "limit": 200}))["items"]:
            for step, how in steps:
                await guard.post(f"/api/alarms/{alarm['id']}/{step}", json=how)  # who acknowledged already is refused


async def log_in(page: Page, node: Tier, who: str) -> None:
    """Log in by hand as one of the accounts that ``Tier.set_up`` made, in Chinese whatever it chose before."""
    await page.goto(f"{node.url}/#/login")
    await page.get_by_label("用户名").fill(f"{who}1")
    await page.get_by_label("密码").fill(f"{PASSWORD}-{who}")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/#/home")
    chosen = {"theme": "dark", "language": "zh"}
    await page.request.patch(f"{node.url}/api/session/preferences", data=chosen, headers={"X-Anju": "1"})
    await page.goto("about:blank")  # so that the next address is a load of its own
