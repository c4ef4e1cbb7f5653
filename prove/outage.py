"""The county is away while the community keeps 200,000 reports: nothing missing, nothing double, alarms first.

Prints how long each lane took to drain, the counts on both sides, and the day's accounts.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from uuid_utils.compat import uuid7

from anju.app import clock
from anju.domain.changes import Lane
from anju.domain.cleaning import Reporter, clean
from anju.domain.events import DeviceReport, Event, EventKind, EventState
from anju.pipeline.keep import Accepted, Keeper
from anju.store import cursors, log
from anju.store.database import Database
from anju.store.log import this_node
from prove.tiers import Tier, checked, three_tiers

ALARMS = 1_000
AT_ONCE = 400
DRAIN_S = 1_800.0
BARE = DeviceReport(
    "dc09", "", EventKind.ARM, EventState.INFO, "contact_id", "401", "01", "", None, "", 180, b"x" * 60, "127.0.0.1"
)


async def panel_of(db: Database) -> tuple[Reporter, str]:
    """Return one registered panel and its account."""
    row = await db.fetch_one(
        "SELECT id, name, site_id, place_id, place_path, account, jurisdiction FROM device ORDER BY account LIMIT 1"
    )
    assert row
    return Reporter(row[0], row[1], row[2], row[3], row[4], row[1], row[6]), row[5]


def reports(panel: Reporter, account: str, count: int) -> Iterator[Accepted]:
    """Yield ``count`` reports; ALARMS of them, spread evenly, are intrusions in zones of their own."""
    every = max(1, count // ALARMS)
    for number in range(count):
        is_alarm = number % every == 0
        zone = f"{number // every:04}" if is_alarm else ""
        told = replace(BARE, account=account, zone=zone, dedup_key=f"outage|{number}")
        if is_alarm:
            told = replace(told, kind=EventKind.INTRUSION, state=EventState.ACTIVE, code="130")
        yield Accepted(told, clean(told, panel, event_id=uuid7(), at=clock()))


async def keep_all(tier: Tier, count: int) -> float:
    """Keep ``count`` reports at ``tier`` beside its own processes; return how many a second."""

    async def ignore(_: frozenset[Lane] | Event) -> None: ...

    async with tier.opened() as db:
        panel, account = await panel_of(db)
        keeper = Keeper(db, await this_node(db), clock=clock, on_committed=ignore, on_unsaved=ignore)
        running = asyncio.create_task(keeper.run())
        waiting, begin = reports(panel, account, count), time.monotonic()

        async def sender() -> None:
            for item in waiting:
                await keeper.keep(item)

        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return count / (time.monotonic() - begin)


async def drained(tier: Tier, upper: str) -> dict[Lane, float]:
    """Return after how many seconds each lane of ``tier`` was empty."""
    begin, found = time.monotonic(), dict[Lane, float]()
    async with tier.opened() as db:
        node = await this_node(db)
        while len(found) < len(Lane) and time.monotonic() - begin < DRAIN_S:
            for lane in set(Lane) - found.keys():
                at = await cursors.position(db, f"upper:{upper}", lane, epoch=node.epoch)
                if at.seq == await log.head(db, lane, node.epoch):
                    found[lane] = time.monotonic() - begin
            await asyncio.sleep(0.2)
    return found


async def counts(tier: Tier) -> dict[str, tuple[int, int]]:
    """Return rows and different ids of every table that travels."""
    found = {}
    for table in ("event", "alarm", "alarm_step", "place", "device"):
        row = await tier.count(f"SELECT ARRAY[count(*), count(DISTINCT id)] FROM {table}")
        found[table] = (row[0], row[1])
    return found


async def prove(count: int) -> bool:
    """Return whether everything held."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        async with three_tiers(Path(name), panels=6) as tiers:
            community, county, city = tiers["community"], tiers["county"], tiers["city"]
            await county.stop()
            print(f"county away; kept {count} reports at {await keep_all(community, count):.0f} a second")
            await county.start()
            lanes = await drained(community, "county")
            print({lane.value: f"{seconds:.1f} s" for lane, seconds in lanes.items()})
            onward = await drained(county, "city")
            print("county to city", {lane.value: f"{seconds:.1f} s" for lane, seconds in onward.items()})
            below, above, top = [await counts(tier) for tier in (community, county, city)]
            for table in below:
                print(f"{table}: community {below[table]}, county {above[table]}, city {top[table]}")
            held = all(
                below[table][0] == below[table][1] == above[table][0] == top[table][0]
                for table in ("event", "alarm", "alarm_step", "device")
            )
            first = len(lanes) == len(Lane) and lanes[Lane.ALARMS] < lanes[Lane.BULK]
            return held and first and await reconciled(community)


async def reconciled(tier: Tier) -> bool:
    """Reconcile the day as an operator would; print both sides."""
    async with tier.as_("system") as client:
        checked(await client.post("/api/links/reconciliation/run", json={}))
        found = checked(await client.get("/api/links/reconciliation"))["items"]
    for each in found:
        print(f"reconciliation {each['day']} {each['kind']}: sent {each['sent']}, received {each['received']}")
    return bool(found) and all(each["sent"] == each["received"] for each in found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200_000)
    raise SystemExit(0 if asyncio.run(prove(parser.parse_args().reports)) else 1)
