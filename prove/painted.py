"""From a panel's frame to the painted row: real reports at 200 a second into a running community with open pages.

A page of events and a page of alarms are open in Chromium. The clock of a report starts when its frame is written to
the socket, and stops just after the first animation frame with its row in the page; both clocks are this machine's.
The page of events lists the newest fifty; a report that came and went between two frames counts as never painted.
The page of alarms lists those of level 2 one by one: a filtered list is never grouped, not in a flood either.
Prints what was measured of each.
"""

import argparse
import asyncio
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import psutil
from bench.figures import Figure, keep
from playwright.async_api import Page

from anju.demo_site import ZONES
from anju.simulators.alarm_panel import Acknowledged, Panel, fleet
from prove.footprint import program
from prove.pages import chromium, opened
from prove.tiers import FIRST_PANEL, Tier

PANELS = 48
QUIET = PANELS // 3  # the panels of the second site: none of them stands for a life, so their alarms keep one order
WITHIN_MS = 300.0
SETTLE_S = 3.0
_FRAME = re.compile(rb'"ADM-CID"(\d{4})R?[0-9A-F]*L0#([0-9A-F]+)\[')
Sent = dict[tuple[str, int], Acknowledged]


class Turns:
    """Panels that report in turn at an even rate: openings and closings, and each second one intrusion."""

    def __init__(self, panels: Sequence[Panel], *, alarms_a_second: float) -> None:
        self._panels, self._alarms = panels, alarms_a_second
        self._queues = [asyncio.Queue[tuple[str, str, str]]() for _ in panels]
        self._quiet = [(panel, zone + 1) for zone in range(ZONES) for panel in range(PANELS - QUIET, PANELS)]
        self.sent: Sent = {}

    async def run(self, rate: float, seconds: float) -> float:
        """Send ``rate`` reports a second for ``seconds``; return how many a second were acknowledged."""
        workers = [asyncio.create_task(self._work(*each)) for each in zip(self._panels, self._queues, strict=True)]
        begin, every = monotonic(), max(1, round(rate / self._alarms))
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - monotonic()))
            if number % every == 0 and self._quiet:
                self.intrude()
            else:
                self._queues[number % len(self._panels)].put_nowait(("401", f"{number % 900 + 1:03}", "13"[number % 2]))
        await asyncio.gather(*(queue.join() for queue in self._queues))
        took = monotonic() - begin
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return rate * seconds / took

    def intrude(self) -> None:
        """Let the next panel of the second site report an intrusion in a zone of its own."""
        panel, zone = self._quiet.pop(0)
        self._queues[panel].put_nowait(("130", f"{zone:03}", "1"))

    async def _work(self, panel: Panel, queue: asyncio.Queue[tuple[str, str, str]]) -> None:
        while True:
            code, zone, qualifier = await queue.get()
            if done := await panel.report(code, zone, qualifier=qualifier):
                self.sent[done.source, done.sequence] = done
            queue.task_done()


async def prove(rate: float, seconds: float) -> bool:
    """Return whether 99 of 100 events and alarms were painted in time."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name), "separate")
        tier.write()
        await tier.start()
        try:
            await tier.set_up(PANELS)
            async with (
                chromium() as browser,
                opened(browser, tier, "events", width=1920) as events,
                opened(browser, tier, "alarms?level=2", width=1920) as alarms,
            ):
                return await measured(tier, events, alarms, rate, seconds)
        finally:
            await tier.stop()


async def measured(tier: Tier, events: Page, alarms: Page, rate: float, seconds: float) -> bool:
    """Send and measure, after a second for warming up; print everything."""
    turns = Turns(fleet("127.0.0.1", tier.ports["dc09"], PANELS, first=FIRST_PANEL), alarms_a_second=1.0)
    await turns.run(rate, 1.0)
    turns.sent.clear()
    used, begin = cpu_seconds(), monotonic()
    reached = await turns.run(rate, seconds)
    busy = {name: (spent - used.get(name, 0.0)) / (monotonic() - begin) for name, spent in cpu_seconds().items()}
    await asyncio.sleep(SETTLE_S)
    print(f"{len(turns.sent)} reports acknowledged, {reached:.0f} a second; load average {os.getloadavg()[0]:.2f}")
    print("cores used: " + ", ".join(f"{name} {each:.2f}" for name, each in sorted(busy.items())))
    ids = await kept(tier, turns.sent)
    events_held = told("events", ids, turns.sent, await events.evaluate("window.painted"))
    raised = await alarms_of(tier, ids)
    return told("alarms", raised, turns.sent, await alarms.evaluate("window.painted")) and events_held


async def kept(tier: Tier, sent: Sent) -> dict[str, tuple[str, int]]:
    """Return of each kept event which report it was."""
    async with tier.opened() as db:
        rows = await db.fetch("SELECT e.id::text, r.bytes FROM event AS e JOIN raw_frame AS r ON r.id = e.raw_id")
    found = {row[0]: _FRAME.search(bytes(row[1])) for row in rows}
    ids = {event: (f"0/{match[2].decode()}", int(match[1])) for event, match in found.items() if match}
    return {event: report for event, report in ids.items() if report in sent}


async def alarms_of(tier: Tier, ids: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """Return of each alarm which report raised it."""
    async with tier.opened() as db:
        rows = await db.fetch("SELECT id::text, body->>'event_id' FROM alarm")
    return {alarm: ids[event] for alarm, event in rows if event in ids}


def told(what: str, ids: dict[str, tuple[str, int]], sent: Sent, painted: dict[str, float]) -> bool:
    """Print how long painting took; return whether 99 of 100 were in time."""
    took = [painted.get(row, float("inf")) - sent[report].sent_at.timestamp() * 1000 for row, report in ids.items()]
    took.sort()
    never = sum(each == float("inf") for each in took)
    at = {
        name: took[min(len(took) - 1, int(len(took) * share))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    print(
        f"{what}: {len(took)} kept, {never} never painted; ms: "
        + ", ".join(f"{k} {v:.0f}" for k, v in at.items())
        + f", max {took[-1]:.0f}"
    )
    if what == "events":
        keep([Figure.against("console.p99_ms", at["p99"], "ms", at["p50"])])
    return at["p99"] <= WITHIN_MS


def cpu_seconds() -> dict[str, float]:
    """Return the processor seconds of everything this proof started, by program."""
    spent = defaultdict[str, float](float, {"proof": sum(psutil.Process().cpu_times()[:2])})
    for each in psutil.Process().children(recursive=True):
        try:
            name, times = program(each), each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent[name] += times.user + times.system
    return spent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    raise SystemExit(0 if asyncio.run(prove(given.rate, given.seconds)) else 1)
