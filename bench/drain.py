"""How fast a backlog of passages goes up to the county while new ones keep arriving: real processes, TLS, fsync on.

A community that could not reach its county has so many passages in its log. Its worker starts, and the county's docking
door takes them in; meanwhile ARRIVING new passages a second are kept. One PostgreSQL serves both. The reference is a
bare COPY of the same rows into the county's table of passages.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, keep
from bench.passages import told

from anju.app import docking_certificate
from anju.config import Config, load
from anju.domain import vehicles
from anju.domain.changes import Lane
from anju.domain.cleaning import Reporter
from anju.domain.docking import Lower, LowerState, Upper, UpperState
from anju.domain.vehicles import Passage
from anju.engines import NatsServer, Postgres
from anju.engines.child import free_port
from anju.security.keys import NodeKeys
from anju.security.pairing import key_fingerprint
from anju.store import links, log, passages
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.supervisor import Addresses, prepare
from anju.wire.tls import fingerprint

ARRIVING, AT_ONCE = 200, 1_000
HOME = "/510800/510802/site/"
CODE = "51080200011210000001"
LANE = Reporter("d1", "东门入口", "site", "site", HOME, "小区")
PLACE = """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
           VALUES ('site', 'site', '小区', %(path)s, 'site', 'community')"""


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def seen(first: int, count: int) -> list[Passage]:
    """Return different passages of one lane."""
    return [vehicles.passage(told(CODE, number), LANE, at=now()) for number in range(first, first + count)]


async def kept(db: Database, node: NodeId, found: list[Passage]) -> None:
    """Keep passages as the intake does: facts, then the log, in one commit."""
    texts = [vehicles.written(each) for each in found]
    rows = [passages.row(each, text, None) for each, text in zip(found, texts, strict=True)]
    changes = [passages.change(each, text) for each, text in zip(found, texts, strict=True)]
    async with db.transaction() as tx:
        await passages.insert(tx, rows, at=now())
        await log.append(tx, Lane.BULK, changes, at=now(), node=node)


def configured(folder: Path, tier: str, postgres: Postgres, nats: NatsServer) -> Path:
    """Write the configuration of ``tier``; return its file."""
    path = folder / tier / "anju.toml"
    path.parent.mkdir(mode=0o755)
    door = f"[docking]\nport = {free_port()}\n" if tier == "county" else ""
    path.write_text(
        f'tier = "{tier}"\ndata = "."\n[node]\nid = "{tier}"\nname = "{tier}"\nregion = "510802"\n'
        f'[database]\nurl = "{postgres.app_url(tier)}"\nowner_url = "{postgres.owner_url(tier)}"\n'
        f'[bus]\nurls = ["{nats.url}"]\n{door}'
    )
    return path


async def paired(community: Config, county: Config, below: Database, above: Database) -> None:
    """Pair the two as their administrators would."""
    pem = docking_certificate(county)[0].read_text()
    public = NodeKeys.load_or_make(community.data).public
    asking = Lower("community", "community", "community", public, key_fingerprint(public), LowerState.PENDING)
    port = county.docking.port if county.docking else 0
    link = Upper(f"https://127.0.0.1:{port}", pem, "county", "county", fingerprint(pem), UpperState.LIVE)
    async with above.transaction() as tx:
        await links.ask_in(tx, asking, at=now())
        await links.approve(tx, "community", region="/510800/510802/", by="bench")
        await tx.execute(PLACE, path=HOME)
    async with below.transaction() as tx:
        await links.put_upper(tx, link, at=now())


@asynccontextmanager
async def running(role: str, path: Path, addresses: Addresses) -> AsyncIterator[None]:
    """Run one process of a node."""
    words = (sys.executable, "-m", "anju", "role", role, "--config", str(path))
    child = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(addresses.line())
    await child.stdin.drain()
    try:
        yield
    finally:
        child.terminate()
        await child.wait()


async def arrive(db: Database, node: NodeId, first: int) -> None:
    """Keep ARRIVING new passages a second, for ever."""
    begin, number = time.perf_counter(), 0
    while True:
        await asyncio.sleep(max(0.0, begin + number / ARRIVING - time.perf_counter()))
        await kept(db, node, seen(first + number, ARRIVING // 10))
        number += ARRIVING // 10


async def drained(above: Database, count: int) -> float:
    """Return after how many seconds the county keeps ``count`` passages, from the first that came."""
    begin = 0.0
    while True:
        row = await above.fetch_one("SELECT coalesce(sum(kept), 0) FROM fate_day WHERE kind = 'passage'")
        there = int(row[0]) if row else 0
        begin = begin or (time.perf_counter() if there else 0.0)
        if there >= count:
            return time.perf_counter() - begin
        await asyncio.sleep(0.1)


async def bare_copy(db: Database, count: int) -> float:
    """Return passages a second written by COPY alone, AT_ONCE to a transaction."""
    at, took = now(), 0.0
    for first in range(0, count, AT_ONCE):
        found = seen(10_000_000 + first, AT_ONCE)
        rows = [passages.row(each, vehicles.written(each), None) for each in found]
        begin = time.perf_counter()
        async with db.transaction() as tx:
            await passages.insert(tx, rows, at=at)
        took += time.perf_counter() - begin
    return count / took


async def measure(folder: Path, backlog: int) -> list[Figure]:
    """Fill, drain, and measure the reference."""
    postgres, nats = Postgres(folder), NatsServer(folder)
    await postgres.start()
    await nats.start()
    try:
        for name in ("community", "county"):
            await postgres.create_database(name)
        paths = [configured(folder, name, postgres, nats) for name in ("community", "county")]
        configs = [load(path) for path in paths]
        addresses = [await prepare(config, {}) for config in configs]
        below, above = (Database(each.database) for each in addresses)
        await below.open()
        await above.open()
        await paired(configs[0], configs[1], below, above)
        node = await this_node(below)
        begin = time.perf_counter()
        for first in range(0, backlog, AT_ONCE):
            await kept(below, node, seen(first, AT_ONCE))
        print(f"{backlog:,} passages in the log after {time.perf_counter() - begin:.0f} s", flush=True)
        arriving = asyncio.create_task(arrive(below, node, backlog))
        async with running("docking", paths[1], addresses[1]), running("worker", paths[0], addresses[0]):
            took = await drained(above, backlog)
        arriving.cancel()
        print(f"drained in {took:.1f} s while {ARRIVING} new ones a second arrived", flush=True)
        reference = await bare_copy(above, 50_000)
        await below.close()
        await above.close()
    finally:
        await nats.stop()
        await postgres.stop()
    return [Figure.against("push.drain_per_s", backlog / took, "1/s", reference)]


def main() -> None:
    """Measure, print and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--backlog", type=int, default=500_000)
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name), asked.parse_args().backlog)))


if __name__ == "__main__":
    main()
