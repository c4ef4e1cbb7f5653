"""The line to the county is cut while the community makes 200,000 changes, as many as 8 busy hours bring.

Real panels report by DC-09; nobody above is asked. When the line is whole again: nothing missing, nothing double at
county and city, alarms of during and after the outage before the bulk, accounts even on all sides.
Prints rates, times and counts.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anju.domain.changes import Lane
from anju.simulators.alarm_panel import Panel, fleet
from anju.store import cursors, log
from anju.store.log import this_node
from prove.line import Line, cut_tiers
from prove.same import same
from prove.tiers import FIRST_PANEL, Tier, checked

PANELS = 60
ALARMS = 1_000  # intrusions among the reports
HANDLED = 20  # of them closed by the guard while the line is cut
AFTERWARDS = 20  # intrusions while the bulk drains
REACH_S = 600.0  # the first alarm waits for those of the outage
DRAIN_S = 3_000.0
FEW = 20  # rows on their way: a lane with no more is empty
SILENT_S = 150.0
WARM = 600  # reports before the line is cut
HOURS = 8


@dataclass(slots=True)
class Outage:
    """The run: what was acknowledged to the panels, by how often."""

    tiers: dict[str, Tier]
    cut: Line
    panels: list[Panel]
    acknowledged: Counter[str] = field(default_factory=Counter)

    async def report(self, number: int, code: str, qualifier: str) -> str:
        """Have one panel send the ``number``-th report; return how it is known once it is acknowledged."""
        index, turn = number % len(self.panels), number // len(self.panels)
        area, zone = f"{turn // 1000 % 99 + 1:02}", f"{turn % 1000:03}"
        while await self.panels[index].report(code, zone, area=area, qualifier=qualifier) is None:
            raise RuntimeError("a registered panel was refused")
        known = f"0/{FIRST_PANEL + index:04X}|{code}|{area}/{zone}"
        self.acknowledged[known] += 1
        return known

    async def keep_busy(self, numbers: range) -> None:
        """Send these reports as fast as they are acknowledged, each panel one after the other."""
        every = max(1, len(numbers) // ALARMS)

        async def panel(index: int) -> None:
            for number in numbers[index :: len(self.panels)]:
                code, qualifier = (
                    ("130", "1") if number % every == 0 else (("401", "3") if number % 2 else ("602", "1"))
                )
                await self.report(number, code, qualifier)

        await asyncio.gather(*(panel(index) for index in range(len(self.panels))))


async def waiting(tier: Tier, upper: str) -> dict[Lane, int]:
    """Return how many rows of each lane wait for the tier above."""
    async with tier.opened() as db:
        node = await this_node(db)
        found = {}
        for lane in Lane:
            at = await cursors.position(db, f"upper:{upper}", lane, epoch=node.epoch)
            found[lane] = await log.head(db, lane, node.epoch) - at.seq
        return found


async def handle(community: Tier, count: int) -> None:
    """Close ``count`` alarms as the guard does."""
    async with community.as_("guard") as guard:
        found = checked(await guard.get(f"/api/alarms?state=new&limit={count}"))["items"]
        for alarm in found:
            for step, told in (("acknowledge", {}), ("finding", {"finding": "animal"}), ("close", {})):
                checked(await guard.post(f"/api/alarms/{alarm['id']}/{step}", json=told))
    print(f"{len(found)} alarms were closed by the guard meanwhile")


_ALARM = "SELECT count(*) FROM alarm WHERE zone = %(zone)s AND body->>'code' = '133'"


async def alarm_reaches(run: Outage, number: int) -> tuple[dict[str, float], int]:
    """Raise an alarm; return after how many seconds each tier had it, and how much bulk still waited then."""
    begin = time.monotonic()
    zone = (await run.report(number, "133", "1")).rsplit("|", 1)[1]
    took: dict[str, float] = {}
    async with AsyncExitStack() as stack, asyncio.timeout(REACH_S):
        opened = {name: await stack.enter_async_context(tier.opened()) for name, tier in run.tiers.items()}
        while len(took) < len(opened):
            for name, db in opened.items():
                row = None if name in took else await db.fetch_one(_ALARM, zone=zone)
                if row and row[0]:
                    took[name] = time.monotonic() - begin
            await asyncio.sleep(0.02)
    return took, (await waiting(run.tiers["community"], "county"))[Lane.BULK]


async def overtaken(run: Outage, first: int) -> bool:
    """Raise alarms while the bulk drains; return whether each was at the city before bulk that is older than it.

    The first of them also waits until the link notices that the line is whole, and for the alarms of the outage: where
    it passes bulk, they all did.
    """
    passed, slowest = True, 0.0
    for number in range(first, first + (AFTERWARDS + 1) * PANELS, PANELS):
        took, bulk = await alarm_reaches(run, number)
        passed &= bulk > 0
        slowest = max(slowest, took["city"]) if number > first else 0.0
        each = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
        which = "first alarm, the line just whole:" if number == first else "alarm:"
        print(f"{which} {each}, past {bulk} rows of older bulk that still wait", flush=True)
    print(f"slowest alarm after the first {slowest:.2f} s")
    return passed


async def drained(tiers: dict[str, Tier], begin: float) -> dict[str, float]:
    """Wait until nothing waits any more; return after how many seconds each lane of each link became empty."""
    found: dict[str, float] = {}
    links = [(tiers["community"], "county"), (tiers["county"], "city")]
    async with asyncio.timeout(DRAIN_S):
        while True:
            rests = {f"{tier.name} {lane}": n for tier, up in links for lane, n in (await waiting(tier, up)).items()}
            for name in [name for name, rest in rests.items() if rest > FEW]:
                found.pop(name, None)
            for name in [name for name, rest in rests.items() if rest <= FEW]:
                found.setdefault(name, time.monotonic() - begin)
            if not any(rests.values()):
                return found
            await asyncio.sleep(0.2)


async def silence_told(county: Tier, *, active: bool) -> None:
    """Return once the county raised, or ended, the alarm about its silent community."""
    query = f"SELECT count(*) FROM event WHERE code = 'lower_silent' AND state = '{'active' if active else 'cleared'}'"
    async with asyncio.timeout(SILENT_S):
        while not await county.count(query):
            await asyncio.sleep(1)


async def reconciled(tier: Tier, upper: Tier) -> bool:
    """Compare today's accounts as an operator would; print them, return whether they are even and cover everything."""
    async with tier.as_("system") as below, upper.as_("system") as above:
        days = checked(await below.post("/api/links/reconciliation/run", json={}))["days"]
        shown = [await _accounts(client, days, peer) for client, peer in ((below, upper.name), (above, tier.name))]
    for each in shown[0]:
        lost, more = max(0, each["sent"] - each["received"]), max(0, each["received"] - each["sent"])
        print(
            f"{tier.name} to {upper.name}, {each['day']}, {each['kind']}: sent {each['sent']}, kept {each['kept']}, "
            f"duplicate {each['duplicate']}, held {each['held']}, dropped {each['dropped']}; {lost}/{more}"
        )
    held = sum(each["held"] for each in shown[0])
    return shown[0] == shown[1] and not held and all(each["sent"] == each["received"] for each in shown[0])


async def _accounts(client: Any, days: list[str], peer: str) -> list[dict[str, Any]]:
    found = [checked(await client.get(f"/api/links/reconciliation?day={day}"))["items"] for day in days]
    names = ("day", "kind", "sent", "received", "kept", "duplicate", "held", "dropped", "marks")
    return [
        {name: each[name] for name in names} for day in found for each in day if each["node"] == peer and each["sent"]
    ]


async def all_there(run: Outage) -> bool:
    """Return whether the community kept everything it acknowledged, each report once."""
    async with run.tiers["community"].opened() as db:
        rows = await db.fetch(
            """SELECT d.account || '|' || e.code || '|' || e.zone || u
               FROM event e JOIN device d ON d.id = e.device_id, coalesce(e.body->'detail'->>'user', '') u
               WHERE e.code_space = 'contact_id'"""
        )
    kept = Counter(row[0] for row in rows)
    missing, double = run.acknowledged - kept, kept - run.acknowledged
    print(f"{run.acknowledged.total()} reports acknowledged to panels: {len(missing)} missing, {len(double)} double")
    return not missing and not double


async def prove(count: int) -> bool:
    """Return whether everything held."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-prove-")))
        folder.chmod(0o755)
        tiers, cut = await stack.enter_async_context(cut_tiers(folder, PANELS))
        port = tiers["community"].ports["dc09"]
        run = Outage(tiers, cut, fleet("127.0.0.1", port, PANELS, first=FIRST_PANEL, retry_s=10))
        try:
            return await _outage(run, count)
        finally:
            for panel in run.panels:
                await panel.cut()


async def _outage(run: Outage, count: int) -> bool:
    await run.keep_busy(range(WARM))
    await drained(run.tiers, time.monotonic())
    run.cut.cut()
    begin = time.monotonic()
    await run.keep_busy(range(WARM, WARM + count))
    took = time.monotonic() - begin
    print(f"line cut; {count} reports of {PANELS} panels kept in {took:.0f} s, {count / took:.0f} a second")
    print(f"spread over {HOURS} h that would be {count / HOURS / 3600:.1f} a second")
    await handle(run.tiers["community"], HANDLED)
    await silence_told(run.tiers["county"], active=True)
    rest = await waiting(run.tiers["community"], "county")
    print(f"the county told the silence as an alarm; waiting: {', '.join(f'{n} {lane}' for lane, n in rest.items())}")
    begin = time.monotonic()
    run.cut.mend()
    draining = asyncio.create_task(drained(run.tiers, begin))
    passed = await overtaken(run, (WARM + count) // PANELS * PANELS + PANELS)
    times = await draining
    print("line whole; empty after: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items()))
    await silence_told(run.tiers["county"], active=False)
    await drained(run.tiers, begin)
    held = [await all_there(run), await same(run.tiers), passed]
    held += [
        await reconciled(run.tiers[low], run.tiers[up]) for low, up in (("community", "county"), ("county", "city"))
    ]
    return all(held)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200_000)
    raise SystemExit(0 if asyncio.run(prove(parser.parse_args().reports)) else 1)
