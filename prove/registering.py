"""300 GB/T 28181 devices register within two seconds and are all online within five; then a catalog of 5,000 channels.

While the recorder sends its catalog, one channel in each message, the other devices' keepalives are answered within a
second. Devices run in a process of their own, on real sockets; the gateway writes to a real database.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bench.figures import Figure, keep

from anju.devices.gb28181 import Behind, Directory, Gb28181Door
from anju.domain.channels import Sync
from anju.domain.devices import Gb28181Access, Particulars
from anju.domain.places import PlaceKind
from anju.domain.supervision import Supervision
from anju.engines import Postgres
from anju.errors import DeviceSilent
from anju.pipeline.accept import Acceptor
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.protocols.manscdp_devices import keepalive
from anju.simulators.gb28181_camera import fleet
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.gb28181_habits import Habits
from anju.simulators.gb28181_mouth import Mouth
from anju.simulators.gb28181_recorder import recorder
from anju.simulators.video_loops import Loops
from anju.store import channels, devices, places
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId, make_node
from anju.store.migrate import migrate
from anju.store.places import Editor, NewPlace
from anju.wire.sip import Incoming, Peer, SipEndpoint

PLATFORM, NVR, FIRST = "51080200012000000001", "51080201011180000001", "51080201011320100001"
PASSWORD = "prove-28181"
CAMERAS, CHANNELS, WITHIN_S = 300, 5_000, 2.0
ONLINE_S, CATALOG_S, KEEPALIVE_S = 5.0, 60.0, 1.0
WAIT_S = 180.0
PROFILE = {"era": "built", "form": "closed"}
BEAT_S, NEVER_S = 2.0, 99.0


# the process of the devices


async def child(port: int, cameras: int, count: int, items: int, folder: Path) -> None:
    """Register, say so; on a word from above start the recorder and keep alive, until the next word."""
    platform, loops = Platform("127.0.0.1", port, PLATFORM), Loops(folder)
    crowd = fleet(platform, cameras, loops, first=FIRST, password=PASSWORD)
    nvr = recorder(platform, NVR, PASSWORD, loops, channels=count, habits=Habits(items=items))
    say(began=time.time())
    await asyncio.gather(*(started(each, number * WITHIN_S / cameras) for number, each in enumerate(crowd)))
    say(started=time.time())
    await asyncio.gather(*(each.registered.wait() for each in crowd))
    say(registered=time.time())
    await word()
    await nvr.start()
    took: list[float] = []
    beating = [asyncio.create_task(beat(each, took)) for each in crowd]
    await word()
    for task in beating:
        task.cancel()
    await asyncio.gather(*beating, return_exceptions=True)
    say(keepalives=len(took), slowest=max(took, default=0.0), late=sum(each >= KEEPALIVE_S for each in took))
    await asyncio.gather(*(each.stop(unregister=False) for each in (*crowd, nvr)))


async def started(device: Device, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await device.start()


async def beat(device: Device, took: list[float]) -> None:
    """Keep alive every few seconds and note how long each answer takes."""
    peer = Peer("127.0.0.1", int(sys.argv[1]))
    domain = PLATFORM[:10]
    mouth = Mouth(device.endpoint, peer, code=device.code, server=PLATFORM, domain=domain, habits=Habits())
    while True:
        before = time.perf_counter()
        try:
            await mouth.tell(keepalive(mouth.serial(), device.code))
            took.append(time.perf_counter() - before)
        except DeviceSilent:
            took.append(NEVER_S)
        await asyncio.sleep(BEAT_S)


def say(**told: float) -> None:
    print(json.dumps(told), flush=True)


async def word() -> None:
    await asyncio.to_thread(sys.stdin.readline)


# the gateway


class Gateway:
    """The SIP side of a community, on a database."""

    def __init__(self, db: Database, node: NodeId) -> None:
        self.db = db
        self.registry = Registry(db, node, clock=clock, open_sealed=lambda sealed, _: sealed)
        keeper = Keeper(db, node, clock=clock, on_committed=quietly, on_unsaved=quietly)
        supervision = Supervision("gb28181", since=clock())
        acceptor = Acceptor(
            *(db, node, self.registry, keeper), clock=clock, told=quietly, supervision=supervision, turns=False
        )
        self.endpoint = SipEndpoint(self._handle, trace=self._trace)
        directory = Directory(lambda code: self.registry.find("gb28181", code), self.registry.by_id, self.registry.all)
        behind = Behind(acceptor.emit, acceptor.wrong, quietly, quietly)
        self.door = Gb28181Door(self.endpoint, directory, behind, db, node, platform=PLATFORM, clock=clock)
        self.work = (keeper.run, acceptor.run, self.door.run)

    async def _handle(self, incoming: Incoming) -> None:
        await self.door.handle(incoming)

    def _trace(self, direction: Literal["in", "out"], peer: Peer, data: bytes) -> None:
        self.door.trace(direction, peer, data)

    async def online(self) -> int:
        """Return how many devices the database says are online."""
        row = await self.db.fetch_one("SELECT count(*) FROM device WHERE state = 'online'")
        assert row
        return int(row[0])


def clock() -> datetime:
    return datetime.now(UTC)


async def quietly(*_: Any) -> None:
    return


async def registered(db: Database, node: NodeId, cameras: int) -> str:
    """Register the cameras and the recorder; return the recorder's id."""
    editor = Editor(node, "安装员", clock())
    quiet = Particulars(gb28181=Gb28181Access())
    async with db.transaction() as tx:
        parent: str | None = None
        for kind, name, code in (
            (PlaceKind.CITY, "广元市", "510800"),
            (PlaceKind.COUNTY, "利州区", "510802"),
            (PlaceKind.STREET, "东坝街道", "510802001"),
            (PlaceKind.COMMUNITY, "东坝社区", "510802001001"),
        ):
            parent = (await places.add(tx, NewPlace(parent, kind, name, code), editor)).id
        site = await places.add(tx, NewPlace(parent, PlaceKind.SITE, "东坝一号院", profile=PROFILE), editor)
        accounts = [(f"{FIRST[:14]}{int(FIRST[14:]) + number:06}", "camera") for number in range(cameras)]
        for account, what in (*accounts, (NVR, "recorder")):
            new = NewDevice(what, f"设备{account[-6:]}", "gb28181", account, particulars=quiet)
            device = await devices.add(tx, site, new, editor, sealed=lambda _: PASSWORD.encode())
    return device.id


@asynccontextmanager
async def gateway(root: Path, cameras: int) -> AsyncIterator[tuple[Gateway, str]]:
    """Give an open gateway and the id of its recorder."""
    server = Postgres(root / "data")
    await server.start()
    try:
        await server.create_database("prove")
        migrate(server.owner_url("prove"))
        db = Database(server.app_url("prove"))
        await db.open()
        async with db.transaction() as tx:
            node = await make_node(tx, node_id="510802-1", name="东坝一号院", tier="community")
        nvr = await registered(db, node, cameras)
        here = Gateway(db, node)
        await here.registry.load()
        await here.door.load()
        await here.endpoint.open("127.0.0.1", 0)
        running = [asyncio.create_task(each()) for each in here.work]
        yield here, nvr
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await here.door.close()
        await here.endpoint.close()
        await db.close()
    finally:
        await server.stop()


class Devices:
    """The other process, by its words."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self) -> dict[str, float]:
        """Return its next word."""
        assert self._process.stdout
        async with asyncio.timeout(WAIT_S):
            line = await self._process.stdout.readline()
        assert line, "the devices' process ended"
        return dict(json.loads(line))

    def go_on(self) -> None:
        """Let it go on."""
        assert self._process.stdin
        self._process.stdin.write(b"\n")


async def all_online(here: Gateway, told: Devices, cameras: int) -> bool:
    """Print how long it took until all were online in the database; return whether that is soon enough."""
    began = (await told.hear())["began"]
    async with asyncio.timeout(WAIT_S):
        while await here.online() < cameras:
            await asyncio.sleep(0.02)
    took = time.time() - began
    spread = (await told.hear())["started"] - began
    await told.hear()
    print(f"{cameras} devices began to register within {spread:.1f} s; all online after {took:.2f} s")
    return took <= ONLINE_S


async def catalogued(here: Gateway, told: Devices, nvr: str, count: int) -> tuple[bool, float]:
    """Print how long the catalog took and how keepalives fared meanwhile; return whether both are soon enough."""
    before = time.monotonic()
    told.go_on()
    async with asyncio.timeout(WAIT_S):
        while (synced := await channels.synced(here.db, nvr)) is None or synced.state in {Sync.RUNNING, Sync.NONE}:
            await asyncio.sleep(0.05)
    took, kept = time.monotonic() - before, len(await channels.codes(here.db, nvr))
    told.go_on()
    beats = await told.hear()
    print(f"catalog of {count} channels: {synced.state}, {kept} kept, {took:.1f} s from the recorder's start")
    print(f"meanwhile {beats['keepalives']:.0f} keepalives, slowest answer {beats['slowest'] * 1000:.0f} ms")
    held = synced.state is Sync.COMPLETE and kept == count and took <= CATALOG_S and beats["keepalives"] > 0
    return held and not beats["late"], took


async def prove(cameras: int, count: int, items: int, *, keeps: bool) -> bool:
    """Return whether everything held."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        root = Path(name)
        root.chmod(0o755)
        async with gateway(root, cameras) as (here, nvr):
            words = [str(each) for each in (here.endpoint.port, cameras, count, items, root / "loops")]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "prove.registering", "--child", *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            told = Devices(process)
            held = await all_online(here, told, cameras)
            whole, took = await catalogued(here, told, nvr, count)
            await asyncio.wait_for(process.wait(), WAIT_S)
    if keeps:
        keep([Figure.against("catalog.5000_s", took, "s", CATALOG_S)])
    return held and whole


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.argv.pop(1)
        numbers = [int(each) for each in sys.argv[1:5]]
        asyncio.run(child(numbers[0], numbers[1], numbers[2], numbers[3], Path(sys.argv[5])))
        raise SystemExit(0)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--items", type=int, default=1, help="channels in one message")
    parser.add_argument("--keep", action="store_true", help="keep the figure in build/bench.json")
    options = parser.parse_args()
    asked = (options.cameras, options.channels, options.items)
    raise SystemExit(0 if asyncio.run(prove(*asked, keeps=options.keep)) else 1)
