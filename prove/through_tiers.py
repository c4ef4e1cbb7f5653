"""A camera of the community seen and steered at the city, through GB/T 28181 at each tier.

Two viewers in Chromium at every tier look at one camera: the camera and each tier are asked for one stream. The city's
operator turns it. Then the camera restarts, and processes on the way are killed: every page says why, and shows the
camera again by itself.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Browser, Page

from anju.control.seed import registry_seed, upper_seed
from anju.demo_cameras import with_video
from anju.demo_site import spec
from anju.domain.cascade import Upper
from anju.process import clock
from anju.security.sealing import Sealer
from anju.simulators.gb28181_device import Device
from anju.store.cascade import new_upper_id
from anju.store.log import this_node
from prove.filming import channels, figures, filming, platform_of, playing, wall
from prove.pages import chromium, opened
from prove.tiers import PASSWORD, Tier, checked, three_tiers

VIEWERS = 2
BACK_S, STEADY_S, TURN_S = 90.0, 8.0, 5.0
Tiers = dict[str, Tier]


async def prove() -> bool:
    """Return whether everything was seen."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        async with AsyncExitStack() as stack:
            tiers = await stack.enter_async_context(three_tiers(Path(name), panels=3, video=True))
            await cascaded(tiers["community"], tiers["county"])
            await cascaded(tiers["county"], tiers["city"])
            (camera,) = await stack.enter_async_context(filming(tiers["community"], 1))
            found = {each: (await channels(tier, 1))[0] for each, tier in tiers.items()}
            browser = await stack.enter_async_context(chromium())
            pages = {each: await looking(stack, browser, tier, found[each]) for each, tier in tiers.items()}
            return await judged(tiers, camera, found, pages)


async def judged(tiers: Tiers, camera: Device, found: dict[str, str], pages: dict[str, list[Page]]) -> bool:
    """Look, steer, break; print each finding and return whether all were good."""
    asked = [len(camera.calls.running), *[await streams(tiers[each]) for each in ("county", "city")]]
    print(f"{VIEWERS} viewers at each tier: the camera, the community and the county were asked for {asked} streams")
    everybody = [page for each in pages.values() for page in each]
    turned = await steered(tiers["city"], found["city"], camera)

    async def county_killed() -> None:
        await tiers["county"].kill("run")

    async def dead(role: str) -> None:
        await tiers["community"].kill(role)

    breaks: dict[str, Callable[[], Awaitable[object]]] = {
        "the camera restarts": camera.reboot,
        "kill -9 of the community's media worker": lambda: dead("media"),
        "kill -9 of the community's gateway": lambda: dead("gateway"),
        "kill -9 of the whole county": county_killed,
    }
    back = [await broken(what, act, everybody) for what, act in breaks.items()]
    return asked == [1, 1, 1] and turned and all(back)


async def cascaded(lower: Tier, upper: Tier) -> None:
    """Register ``lower`` as a platform at ``upper`` and share all of its cameras, as both administrators would."""
    below, above = platform_of(lower), platform_of(upper)
    async with upper.opened() as db, db.transaction() as tx:
        told = with_video(spec(upper.name, 3), PASSWORD, (lower.name, below.server))
        seal = Sealer(upper.folder / "data" / "keys").seal
        await registry_seed(tx, told, node=await this_node(tx), at=clock(), seal=seal)
    share = Upper(
        *(new_upper_id(), upper.name, above.server, above.server[:10], "127.0.0.1", below.server),
        port=above.port,
        username=below.server,
        ptz=True,
        playback=True,
        mode="places",
    )
    async with lower.opened() as db, db.transaction() as tx:
        seal = Sealer(lower.folder / "data" / "keys").seal
        await upper_seed(tx, share, password=PASSWORD, node=await this_node(tx), seal=seal)


async def looking(stack: AsyncExitStack, browser: Browser, tier: Tier, channel: str) -> list[Page]:
    """Return pages of ``tier`` that show the camera."""
    pages = [await stack.enter_async_context(opened(browser, tier, "home")) for _ in range(VIEWERS)]
    for page in pages:
        await wall(tier, page, [channel], 4)  # a small pane: six large ones are more than two cores decode
        (pane,) = await playing(page, 1, within_s=30.0)
        print(f"{tier.name}: first picture after {pane['firstFrameMs']} ms")
    return pages


async def streams(tier: Tier) -> int:
    """Return for how many streams ``tier`` asked the platform below it."""
    return int(await tier.count("SELECT count(*) FROM sip_exchange WHERE direction = 'out' AND title LIKE 'INVITE%'"))


async def steered(tier: Tier, channel: str, camera: Device) -> bool:
    """Turn the camera from ``tier``; return whether it turned in time."""
    eye, begin = camera.channels[camera.code], time.monotonic()
    before = eye.position
    async with tier.as_("guard") as guard:
        checked(await guard.post(f"/api/video/channels/{channel}/ptz", json={"act": "move", "pan": 120}))
        while eye.position == before and time.monotonic() - begin < TURN_S:
            await asyncio.sleep(0.02)
        took = time.monotonic() - begin
        checked(await guard.post(f"/api/video/channels/{channel}/ptz", json={"act": "move"}))
    print(f"{tier.name} turned the camera from {before} to {eye.position} within {took * 1000:.0f} ms")
    return eye.position != before


async def broken(what: str, act: Callable[[], Awaitable[object]], pages: list[Page]) -> bool:
    """Break something; return whether all pages show the camera again, and those that did not for a while said why."""
    begin, steady = time.monotonic(), float("inf")
    why, dark = [set[str]() for _ in pages], [False for _ in pages]
    acting = asyncio.ensure_future(act())
    while time.monotonic() - begin < BACK_S and time.monotonic() - steady < STEADY_S:
        states = [(await figures(page))[0] for page in pages]
        for at, each in enumerate(states):
            dark[at] |= each["state"] != "playing"
            why[at] |= {each["why"]} - {""}
        well = acting.done() and all(each["state"] == "playing" for each in states)
        steady = min(steady, time.monotonic()) if well else float("inf")
        await asyncio.sleep(0.2)
    await acting
    told = [sorted(reasons) for reasons in why]
    print(f"{what}: shown again after {min(steady, time.monotonic()) - begin:.1f} s; said {told}")
    return steady < float("inf") and all(reasons or not was for reasons, was in zip(why, dark, strict=True))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    raise SystemExit(0 if asyncio.run(prove()) else 1)
