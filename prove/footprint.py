"""A community without cameras: how soon its log-in page answers, and what all its processes hold in memory.

Seconds from ``anju run`` to the page, on a new folder and again on the same one; then, after a minute with one page of
alarms open, the sum of PSS over every process (memory shared by several is shared out among them), by program. Where
other programs of this machine use the same libraries their share is theirs, so the sum of RSS is printed as well.
"""

import argparse
import asyncio
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import httpx2
import psutil
from bench.figures import Figure, keep

from prove.pages import chromium, opened
from prove.tiers import Tier

READY_S, MOST_MB = 8.0, 450.0
PANELS = 6
KB = 1024


async def prove(wait_s: float) -> bool:
    """Return whether the community was ready in time and small enough."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name), "separate")
        tier.write()
        first = await ready(tier)
        await tier.set_up(PANELS)
        await tier.stop()
        again = await ready(tier)
        try:
            async with chromium() as browser, opened(browser, tier, "alarms"):
                await asyncio.sleep(wait_s)
                held = memory(tier)
        finally:
            await tier.stop()
    print(f"log-in page after {first:.1f} s on a new folder, {again:.1f} s on the same; load {os.getloadavg()[0]:.2f}")
    for program, (count, pss, rss) in sorted(held.items()):
        print(f"{program}: {count} processes, PSS {pss:.0f} MB, RSS {rss:.0f} MB")
    total = sum(pss for _, pss, _ in held.values())
    print(f"all: PSS {total:.0f} MB, RSS {sum(rss for *_, rss in held.values()):.0f} MB")
    keep(
        [
            Figure.against("memory.community_idle_mb", total, "MB", held["postgres"][1]),
            Figure.against("start.community_s", first, "s", again),
        ]
    )
    return max(first, again) <= READY_S and total <= MOST_MB


async def ready(tier: Tier) -> float:
    """Start ``tier``; return after how many seconds its log-in page and its API answered."""
    seconds = await tier.start()
    async with httpx2.AsyncClient(trust_env=False) as client:
        page = await client.get(f"{tier.url}/")
    assert page.status_code == 200, page.text
    assert '<div id="app">' in page.text
    return seconds


def memory(tier: Tier) -> dict[str, tuple[int, float, float]]:
    """Return how many processes each program of ``tier`` has, with the sums of their PSS and RSS in MB."""
    held = defaultdict[str, list[tuple[float, float]]](list)
    assert tier.child
    top = psutil.Process(tier.child.pid)
    for each in (top, *top.children(recursive=True)):
        rollup = Path(f"/proc/{each.pid}/smaps_rollup").read_text()
        sizes = {line.split(":")[0]: float(line.split()[1]) / KB for line in rollup.splitlines()[1:]}
        held[program(each)].append((sizes["Pss"], sizes["Rss"]))
    return {name: (len(all_), sum(p for p, _ in all_), sum(r for _, r in all_)) for name, all_ in held.items()}


def program(process: psutil.Process) -> str:
    """Return what ``process`` is to a reader: the role of one of ours, else the program's name."""
    name, words = str(process.name()), process.cmdline()
    if not name.startswith("python"):
        return name
    return f"anju {words[words.index('role') + 1]}" if "role" in words else "anju run"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    raise SystemExit(0 if asyncio.run(prove(parser.parse_args().seconds)) else 1)
