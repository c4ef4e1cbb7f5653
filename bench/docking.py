"""How many rows a second go from one tier to the next: over TLS, signed, from log to log, with fsync on as in use.

The reference is how many rows a second the community writes into its own log in the same run.
"""

import asyncio
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, keep
from uuid_utils.compat import uuid7

from anju.devices.lower_platform import Doors, LowerPlatforms, serve
from anju.domain.changes import Change, Lane
from anju.domain.cleaning import Reporter, clean
from anju.domain.commands import Command
from anju.domain.docking import Lower, LowerState, PairAnswer, PairAsk, Upper, UpperState
from anju.domain.events import DeviceReport, Event, EventKind, EventState
from anju.engines import Postgres
from anju.pipeline.remote import Receiver
from anju.security.keys import NodeKeys
from anju.store import alarms, events, links, log
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.store.migrate import migrate
from anju.upward.docking import upper_tier
from anju.upward.push import Pusher
from anju.wire import tls

COUNT = 20_000
HOME = "/510800/510802/site/"
PANEL = Reporter("p1", "panel", "site", "site", HOME, "site")


def now() -> datetime:
    return datetime.now(UTC)


async def database(server: Postgres, name: str, tier: str) -> tuple[Database, NodeId]:
    """Return a fresh node's database."""
    await server.create_database(name)
    migrate(server.owner_url(name))
    db = Database(server.app_url(name))
    await db.open()
    async with db.transaction() as tx:
        return db, await make_node(tx, node_id=name, name=name, tier=tier)


def heard(kind: EventKind, count: int) -> list[Event]:
    """Return different events of ``kind``, each from a zone of its own."""
    bare = DeviceReport(
        "dc09", "0/1", kind, EventState.ACTIVE, "contact_id", "130", "01", "", now(), "", 180, b"x" * 80, ""
    )
    return [
        clean(replace(bare, zone=f"{n:05}", dedup_key=f"{n}"), PANEL, event_id=uuid7(), at=now()) for n in range(count)
    ]


async def fill(db: Database, node: NodeId) -> None:
    """Write COUNT rows into each lane."""
    for start in range(0, COUNT, 500):
        told = heard(EventKind.INFO, 500)
        changes = [Change("event", str(e.id), 1, e.site_id, e.place_path, "", events.body(e)) for e in told]
        raised = [replace(each, zone=f"{start + n:06}") for n, each in enumerate(heard(EventKind.INTRUSION, 250))]
        async with db.transaction() as tx:
            both = await alarms.on_events(tx, raised, home_node=node.id, at=now())
            await log.append(tx, Lane.ALARMS, both, at=now(), node=node)
            await log.append(tx, Lane.BULK, changes, at=now(), node=node)


async def measure(folder: Path) -> list[Figure]:
    """Return rows a second of each lane alone, against the rows a second that the community wrote."""
    server = Postgres(folder)
    await server.start()
    lower_db, lower = await database(server, "community", "community")
    upper_db, upper = await database(server, "county", "county")
    begin = time.perf_counter()
    await fill(lower_db, lower)
    filling = time.perf_counter() - begin
    keys = NodeKeys.load_or_make(folder / "keys")
    certificate, key = tls.make_certificate("county", folder / "docking", now=now())

    async def told(_: frozenset[Lane]) -> None: ...

    async def pair(_: PairAsk) -> PairAnswer:
        raise NotImplementedError

    async def none(_: str) -> list[Command]:
        return []

    receiver = Receiver(upper_db, upper, told=told, clock=now)
    door = LowerPlatforms(upper_db, upper, Doors(receiver.receive, receiver.resync, pair, none), clock=now)
    listener = await serve(door, "127.0.0.1", 0, certificate, key)
    asking = Lower(lower.id, lower.name, "community", keys.public, "", LowerState.PENDING)
    async with upper_db.transaction() as tx:
        await links.ask_in(tx, asking, at=now())
        await links.approve(tx, lower.id, region="/", by="bench")
    await upper_db.execute(
        """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
           VALUES ('site', 'site', '', %(p)s, '', 'community')""",
        p=HOME,
    )
    link = Upper(f"https://127.0.0.1:{listener.port}", certificate.read_text(), "county", "", "", UpperState.LIVE)
    rates, rows = dict[Lane, float](), 0
    async with upper_tier(link, lower, keys.sign, now) as tier:
        pusher = Pusher(lower_db, lower, tier.push, upper="county")
        for lane in Lane:
            begin, moved = time.perf_counter(), 0
            while count := await pusher.push(lane):
                moved += count
            rates[lane] = moved / (time.perf_counter() - begin)
            rows += moved
    door.stop()
    await listener.close()
    await lower_db.close()
    await upper_db.close()
    await server.stop()
    return [Figure.against(f"docking.{lane}_per_s", rate, "1/s", rows / filling) for lane, rate in rates.items()]


def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name))))


if __name__ == "__main__":
    main()
