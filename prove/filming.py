"""Simulated cameras at a node that runs: registered as an installer does, found by the page of live pictures."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from anju.config import load
from anju.control.seed import registry_seed
from anju.process import clock
from anju.security.sealing import Sealer
from anju.simulators.gb28181_camera import fleet
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.video_loops import Loops
from anju.store.log import this_node
from prove.tiers import PASSWORD, Tier, checked

FIRST = "51080200001320000101"
LOOPS = Path("build/loops")
WITHIN_S = 60.0


def platform_of(tier: Tier) -> Platform:
    """Return the node as its cameras know it."""
    return Platform("127.0.0.1", tier.ports["sip"], load(tier.folder / "anju.toml").platform)


async def register(tier: Tier, codes: Sequence[str], *, media: str = "udp", site: int = 0) -> None:
    """Register cameras of these codes on the first community's wall."""
    from anju.demo_site import spec

    told = spec("community", 3)
    chosen: dict[str, Any] = told["sites"][site]
    wall = chosen["places"][0]["name"]
    about = {"kind": "camera", "place": wall, "protocol": "gb28181", "credential": PASSWORD}
    chosen["devices"] = [
        {**about, "name": f"摄像机 {code[-3:]}", "account": code, "code": code, "gb28181": {"media": media}}
        for code in codes
    ]
    seal = Sealer(tier.folder / "data" / "keys").seal
    async with tier.opened() as db, db.transaction() as tx:
        await registry_seed(tx, told, node=await this_node(tx), at=clock(), seal=seal)


@asynccontextmanager
async def filming(tier: Tier, count: int, *, media: str = "udp", **how: Any) -> AsyncIterator[list[Device]]:
    """Give ``count`` cameras that are registered at ``tier``, and online there."""
    cameras = fleet(platform_of(tier), count, Loops(LOOPS), first=FIRST, password=PASSWORD, **how)
    await register(tier, [each.code for each in cameras], media=media)
    try:
        for each in cameras:
            await each.prepare()
            await each.start()
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(each.registered.wait() for each in cameras))
        yield cameras
    finally:
        await asyncio.gather(*(each.stop() for each in cameras))


async def channels(tier: Tier, count: int) -> list[str]:
    """Return the ids of the node's channels once ``count`` of them are online."""
    async with tier.as_("guard") as guard, asyncio.timeout(WITHIN_S):
        while True:
            found = checked(await guard.get("/api/video/channels", params={"state": "online", "limit": 200}))["items"]
            if len(found) >= count:
                return [str(each["id"]) for each in found]
            await asyncio.sleep(0.1)


async def wall(tier: Tier, page: Page, panes: Sequence[str], shape: int) -> None:
    """Open the page of live pictures with ``panes`` in their places, as the account finds it again after a log-in."""
    shown = {"live": {"shape": shape, "panes": [*panes, *[None] * (shape - len(panes))], "tour": None}}
    answer = await page.request.patch(
        f"{tier.url}/api/session/preferences", data={"layout": shown}, headers={"X-Anju": "1"}
    )
    if not answer.ok:
        raise RuntimeError(await answer.text())
    await page.goto(f"{tier.url}/#/live")
    await page.reload()


async def figures(page: Page) -> list[dict[str, str]]:
    """Return what stands on each pane."""
    found: list[dict[str, str]] = await page.evaluate(
        "[...document.querySelectorAll('[data-channel]')].map((pane) => ({ ...pane.dataset }))"
    )
    return found


async def playing(page: Page, count: int, *, within_s: float = 20.0) -> list[dict[str, str]]:
    """Return what stands on the panes once ``count`` of them play. Raises RuntimeError with the panes' states."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                found = await figures(page)
                if sum(each["state"] == "playing" and bool(each.get("firstFrameMs")) for each in found) >= count:
                    return found
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise RuntimeError(f"panes do not play: {await figures(page)}") from None
