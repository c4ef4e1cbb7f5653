"""A county stays away for longer than the log is kept: its community says so, and brings it up to date by snapshot.

The line is cut, alarms are raised and handled, places change. Then the log is dated back 45 days, as the database's
superuser can, and the node itself drops it at its next start. Once the line is whole: the lost rows are an alarm at the
console, both sides list the resync, and county and city keep the same rows as the community.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psycopg

from anju.domain.changes import Lane
from anju.engines import Postgres
from anju.simulators.alarm_panel import Panel, fleet
from anju.store import cursors, log
from anju.store.log import this_node
from prove.line import cut_tiers
from prove.outage import drained
from prove.same import same
from prove.tiers import FIRST_PANEL, Tier, checked

BEFORE, DURING, AFTER = 40, 60, 20  # reports of each panel
PANELS = 6
AGE_DAYS, PART_DAYS = 45, (50, 40)
WAIT_S = 120.0


async def report(panels: list[Panel], numbers: range) -> None:
    """Have every panel send that many reports: intrusions, arming, tests."""
    codes = (("130", "1"), ("401", "3"), ("602", "1"))

    async def one(panel: Panel) -> None:
        for number in numbers:
            code, qualifier = codes[number % len(codes)]
            assert await panel.report(code, f"{number:03}", qualifier=qualifier)

    await asyncio.gather(*(one(each) for each in panels))


async def live_on(community: Tier) -> None:
    """Handle alarms, rename a building and build another, as people do."""
    async with community.as_("guard") as guard:
        alarms = checked(await guard.get("/api/alarms?state=new&kind=intrusion&limit=10"))["items"]
        for alarm in alarms:
            for step, told in (("acknowledge", {}), ("finding", {"finding": "animal"}), ("close", {})):
                checked(await guard.post(f"/api/alarms/{alarm['id']}/{step}", json=told))
    async with community.as_("system") as system:
        places = checked(await system.get("/api/places/tree"))["items"]
        building = next(each for each in places if each["kind"] == "building")
        checked(await system.patch(f"/api/places/{building['id']}", json={"name": "新一号楼"}))
        new = {"parent_id": building["parent_id"], "kind": "building", "name": "九号楼"}
        checked(await system.post("/api/places", json=new))
    print(f"while the line is cut: {len(alarms)} alarms closed, a building renamed, another built")


async def lose_log(community: Tier) -> dict[Lane, tuple[int, int]]:
    """Date the whole log back and let the node's own retention drop it; return the span lost of each lane."""
    root_url = Postgres(community.folder / "data", port=community.ports["postgres"]).root_url("anju")
    async with await psycopg.AsyncConnection.connect(root_url, autocommit=True) as root:
        await root.execute(
            f"""DO $$ BEGIN EXECUTE format('CREATE TABLE log_aged PARTITION OF log FOR VALUES FROM (%L) TO (%L)',
                current_date - {PART_DAYS[0]}, current_date - {PART_DAYS[1]}); END $$""".encode()
        )
        await root.execute(b"ALTER TABLE log_aged OWNER TO anju_owner")
        await root.execute(f"UPDATE log SET at = at - interval '{AGE_DAYS} days'".encode())
    await community.stop()
    await community.start()
    return await lost_spans(community)


async def lost_spans(community: Tier) -> dict[Lane, tuple[int, int]]:
    """Return of each lane the rows that are gone and that the county does not have, once retention ran."""
    async with community.opened() as db, asyncio.timeout(WAIT_S):
        node = await this_node(db)
        while not all(tails := {lane: await log.tail(db, lane, node.epoch) for lane in Lane}.values()):
            await asyncio.sleep(0.2)
        spans = {}
        for lane, tail in zip(Lane, tails, strict=True):
            at = await cursors.position(db, "upper:county", lane, epoch=node.epoch)
            spans[lane] = (at.seq + 1, tail)
        left = await db.fetch_one("SELECT to_regclass('log_aged') IS NULL, count(*) FROM log")
        assert left
        assert left[0], "retention left the aged partition"
        print(f"retention dropped the partition of the aged rows; {left[1]} rows of the log are left")
        return spans


async def resynced(tier: Tier, peer: str) -> list[dict[str, Any]]:
    """Return what the page of resyncs says once both lanes are through."""
    async with tier.as_("system") as client, asyncio.timeout(WAIT_S):
        while True:
            found = checked(await client.get("/api/links/resyncs"))["items"]
            ended = [each for each in found if each["node"] == peer and each["ended_at"]]
            if len(ended) == len(Lane):
                return ended
            await asyncio.sleep(0.5)


async def told(tier: Tier) -> list[dict[str, Any]]:
    """Return the alarms about lost rows that a guard sees at ``tier``."""
    async with tier.as_("guard") as guard, asyncio.timeout(WAIT_S):
        while True:
            found = checked(await guard.get("/api/alarms?state=all&kind=communication&limit=200"))["items"]
            lost = [each for each in found if each["code"] == "rows_expired" and not each["active"]]
            if len(lost) == len(Lane):
                return lost
            await asyncio.sleep(0.5)


async def prove() -> bool:
    """Return whether everything held."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-prove-")))
        folder.chmod(0o755)
        tiers, cut = await stack.enter_async_context(cut_tiers(folder, PANELS))
        panels = fleet("127.0.0.1", tiers["community"].ports["dc09"], PANELS, first=FIRST_PANEL, retry_s=10)
        await report(panels, range(BEFORE))
        await drained(tiers, time.monotonic())
        cut.cut()
        await report(panels, range(BEFORE, BEFORE + DURING))
        await live_on(tiers["community"])
        spans = await lose_log(tiers["community"])
        cut.mend()
        held = [await said(tiers, spans)]
        await report(panels, range(BEFORE + DURING, BEFORE + DURING + AFTER))
        await drained(tiers, time.monotonic())
        held.append(await same(tiers))
        for panel in panels:
            await panel.cut()
        return all(held)


async def said(tiers: dict[str, Tier], spans: dict[Lane, tuple[int, int]]) -> bool:
    """Print what the pages say of the resync and of the alarm; return whether it is what happened."""
    held = True
    for name, peer in (("community", "county"), ("county", "community")):
        for each in await resynced(tiers[name], peer):
            span = (each["first"], each["last"])
            held &= span == spans[Lane(each["lane"])]
            print(
                f"{name}: {each['lane']} {span[0]} to {span[1]} lost, {each['rows']} objects sent as they stand instead"
            )
    for name, tier in tiers.items():
        for each in await told(tier):
            print(f"{name}: alarm {each['code']} of {each['device_name']}, {each['zone']}, now over")
    return held


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    raise SystemExit(0 if asyncio.run(prove()) else 1)
