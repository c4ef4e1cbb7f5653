"""Live pictures in Chromium: how soon the first one stands, how old it is, and how many are dropped in many panes.

Cameras replay pictures coded before, over UDP on loopback, with groups of two seconds. Latency runs from when the
first packet of a picture arrived until the picture is shown. Sixteen small panes and four large ones follow, one after
the other, each for a minute.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, keep
from playwright.async_api import Page

from prove.filming import channels, figures, filming, playing, wall
from prove.pages import chromium, opened
from prove.tiers import Tier

CAMERAS = 16
SETTLED_S = 5.0
FIRST_MS, LATE_MS, DROPPED = 500.0, 250.0, 0.02


async def prove(rounds: int, seconds: float) -> bool:
    """Return whether all of it was soon enough."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name), "separate", video=True)
        tier.write()
        await tier.start()
        try:
            await tier.set_up(3)
            async with filming(tier, CAMERAS), chromium() as browser, opened(browser, tier, "home", width=1920) as page:
                shown = await channels(tier, CAMERAS)
                soon = await single(tier, page, shown[:10], rounds)
                many = await dropped(tier, page, shown, 16, "sub", seconds)
                large = await dropped(tier, page, shown[:4], 4, "main", seconds)
                return soon and many and large
        finally:
            await tier.stop()


async def single(tier: Tier, page: Page, shown: Sequence[str], rounds: int) -> bool:
    """Open one pane after the other; return whether first pictures came soon and later ones are young."""
    first, late = list[float](), list[float]()
    for turn in range(rounds):
        for channel in shown:
            await wall(tier, page, [channel], 1)
            (pane,) = await playing(page, 1)
            first.append(float(pane["firstFrameMs"]))
            if turn == 0:
                await asyncio.sleep(SETTLED_S)
                late += [float(each["latencyMs"]) for each in await figures(page) if each.get("latencyMs")]
    print(f"first picture of {len(first)}: {spread(first)} ms; latency of {len(late)}: {spread(late)} ms")
    soon, young = statistics.median(first), statistics.median(late)
    keep([Figure.against("live.first_frame_p50_ms", soon, "ms", FIRST_MS)])
    keep([Figure.against("live.latency_p50_ms", young, "ms", LATE_MS)])
    return soon <= FIRST_MS and young <= LATE_MS


async def dropped(tier: Tier, page: Page, shown: Sequence[str], shape: int, grade: str, seconds: float) -> bool:
    """Show all of ``shown`` at once; return whether at most DROPPED of their pictures were dropped."""
    await wall(tier, page, shown, shape)
    await playing(page, len(shown))
    if grade == "main":
        for choice in await page.query_selector_all("[data-channel] select.grade"):
            await choice.select_option("main")
        await asyncio.sleep(SETTLED_S)
    before = await playing(page, len(shown))
    await asyncio.sleep(seconds)
    after = await figures(page)
    frames = sum(int(now["frames"]) - int(was["frames"]) for was, now in zip(before, after, strict=True))
    lost = sum(int(now["dropped"]) - int(was["dropped"]) for was, now in zip(before, after, strict=True))
    grades = {each.get("grade") for each in after}
    wanted = len(shown) * 25 * seconds
    print(f"{len(shown)} panes ({grades}), {seconds:.0f} s: {frames} pictures of {wanted:.0f}, {lost} dropped")
    return frames >= wanted * (1 - DROPPED) and lost <= DROPPED * frames and grades == {grade}


def spread(found: Sequence[float]) -> str:
    """Return the middle and the ends of ``found``."""
    return f"p50 {statistics.median(found):.0f}, least {min(found):.0f}, most {max(found):.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    raise SystemExit(0 if asyncio.run(prove(given.rounds, given.seconds)) else 1)
