"""An intrusion is painted on the pages of community, county and city within two seconds, and so is its closing.

Twenty intrusions in zones of their own, each closed with three keys at the community before the next. Prints the
median and the worst for each tier, from the panel's frame to the painted row and from the last key to the row's end.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from playwright.async_api import Page, expect

from anju.demo_site import ZONES
from anju.simulators.alarm_panel import Panel, fleet
from prove.pages import chromium, gone_at, opened, painted_at
from prove.tiers import FIRST_PANEL, three_tiers

PANELS = 6
WITHIN_S = 2.0
SETTLED_MS = 500  # the pop-up ignores keys and clicks in its first 400 ms
Times = dict[str, list[float]]


async def prove(times: int) -> bool:
    """Return whether every intrusion and every closing was seen at the three tiers in time."""
    appeared, closed = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        async with three_tiers(Path(name), panels=PANELS) as tiers, chromium() as browser, AsyncExitStack() as stack:
            pages = {
                each: await stack.enter_async_context(opened(browser, tier, "alarms")) for each, tier in tiers.items()
            }
            panels = fleet("127.0.0.1", tiers["community"].ports["dc09"], PANELS, first=FIRST_PANEL)
            for number in range(times):
                await once(pages, panels[number // ZONES], f"{number % ZONES + 1:03}", appeared, closed)
    print(f"load average {os.getloadavg()[0]:.2f}")
    return told("painted", appeared) & told("closed", closed)


async def once(pages: dict[str, Page], panel: Panel, zone: str, appeared: Times, closed: Times) -> None:
    """Report an intrusion and close it at the community; wait for either on every page."""
    done = await panel.report("130", zone)
    assert done
    row = pages["community"].locator("[data-alarm]")
    await expect(row).to_have_count(1)
    alarm = await row.get_attribute("data-alarm") or ""
    for name, page in pages.items():
        appeared[name].append(await painted_at(page, alarm) - done.sent_at.timestamp())
    await pages["community"].wait_for_timeout(SETTLED_MS)
    for key in ("Space", "1", "Enter"):
        begin = time.time()
        await pages["community"].keyboard.press(key)
    for name, page in pages.items():
        closed[name].append(await gone_at(page, alarm) - begin)


def told(what: str, times: Times) -> bool:
    """Print what was measured; return whether the worst was within two seconds."""
    for name, each in times.items():
        print(f"{what} at {name}: {len(each)} times, median {median(each):.3f} s, worst {max(each):.3f} s")
    return all(max(each) <= WITHIN_S for each in times.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    raise SystemExit(0 if asyncio.run(prove(parser.parse_args().times)) else 1)
