"""``kill -9`` of any one process, at random times under load: nothing acknowledged is lost, nothing is there twice.

Panels report alarms, cameras post vehicles and faces with pictures; each picture is read back byte for byte.
Prints the seed, each kill with the time to recover, and the counts at the three tiers.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from anju.simulators.alarm_panel import Acknowledged, Panel, fleet
from anju.simulators.viid_camera import Faults
from prove import cameras as passing
from prove.cameras import Cameras, Name
from prove.tiers import FIRST_PANEL, Tier, three_tiers

PANELS = 6
RATE = 30.0  # reports a second, all panels together
CAMERAS, EVERY_S, BATCH = 8, 2.0, 5  # so many cameras, each so many objects with two pictures every so often
FAULTS = Faults(duplicate=0.05, cut=0.05)
DRAIN_S = 180.0
VICTIMS = {
    "community": ("run", "web", "gateway", "intake", "worker", "postgres", "nats"),
    "county": ("run", "postgres", "nats"),
    "city": ("run", "postgres", "nats"),
}


async def report_for_ever(panel: Panel, account: str, every_s: float, done: list[Name]) -> None:
    """Send reports that can be told apart by area and zone; note each that was acknowledged."""
    number = 0
    while True:
        number += 1
        area, zone = f"{number // 1000 % 100:02}", f"{number % 1000:03}"
        answer: Acknowledged | None = await panel.report("130", zone, area=area)
        if answer:
            done.append((account, f"{area}/{zone}"))
        await asyncio.sleep(every_s)


_THERE = """
    SELECT d.account, e.zone FROM event e JOIN device d ON d.id = e.device_id
    WHERE e.code = '130' AND e.state = 'active'
"""


async def there(tier: Tier) -> Counter[Name]:
    """Return how often each report is kept at ``tier``."""
    async with tier.opened() as db:
        return Counter((row[0], row[1]) for row in await db.fetch(_THERE))


async def drained(
    tiers: dict[str, Tier], look: Callable[[Tier], Awaitable[Counter[Name]]], acknowledged: set[Name]
) -> dict[str, Counter[Name]]:
    """Wait until everything acknowledged is at the city, or for DRAIN_S; return what is where."""
    end = time.monotonic() + DRAIN_S
    while True:
        found = {name: await look(tier) for name, tier in tiers.items()}
        if (acknowledged <= found["city"].keys() and found["city"] == found["community"]) or time.monotonic() > end:
            return found
        await asyncio.sleep(1)


async def prove(kills: int, seed: int) -> bool:
    """Kill ``kills`` times; return whether everything held."""
    chance = random.Random(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        async with three_tiers(Path(name), panels=PANELS) as tiers:
            told: list[Name] = []
            seen = await passing.cameras(tiers["community"], CAMERAS, FAULTS)
            load = [*_reporting(tiers["community"], told), asyncio.create_task(seen.run(EVERY_S, BATCH))]
            slowest = await _kill(tiers, kills, chance)
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)
            held = _verdict("reports", set(told), await drained(tiers, there, set(told)))
            print(f"slowest recovery {slowest:.2f} s")
            return await _passed(tiers, seen) and held and slowest <= 5.0


def _reporting(tier: Tier, told: list[Name]) -> list[asyncio.Task[None]]:
    panels = fleet("127.0.0.1", tier.ports["dc09"], PANELS, first=FIRST_PANEL)
    accounts = (f"0/{FIRST_PANEL + n:04X}" for n in range(PANELS))
    return [
        asyncio.create_task(report_for_ever(panel, account, PANELS / RATE, told))
        for panel, account in zip(panels, accounts, strict=True)
    ]


async def _passed(tiers: dict[str, Tier], seen: Cameras) -> bool:
    held = _verdict("objects", seen.names, await drained(tiers, passing.there, seen.names))
    unlike, pictures = await seen.unlike(), sum(len(each.pictures) for each in seen.done)
    print(f"community: {pictures} pictures acknowledged, {unlike} of them not there byte for byte")
    return await passing.tidy(tiers["community"]) and held and not unlike


async def _kill(tiers: dict[str, Tier], kills: int, chance: random.Random) -> float:
    slowest, victims = 0.0, [(tier, each) for tier, names in VICTIMS.items() for each in names]
    for number in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        tier, victim = victims[number % len(victims)] if number < len(victims) else chance.choice(victims)
        back = await tiers[tier].kill(victim)
        slowest = max(slowest, back)
        print(f"{number + 1:3} kill -9 {tier}/{victim}: back in {back:.2f} s", flush=True)
    return slowest


def _verdict(what: str, acknowledged: set[Name], found: dict[str, Counter[Name]]) -> bool:
    held = True
    for name, kept in found.items():
        missing, double = acknowledged - kept.keys(), sum(count > 1 for count in kept.values())
        held &= not missing and not double
        print(f"{name}: {len(acknowledged)} {what} acknowledged, {len(missing)} missing, {double} double")
    return held


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    raise SystemExit(0 if asyncio.run(prove(given.kills, given.seed)) else 1)
