"""A node with video for tests: gateway, media worker and console as they run in the field, on real sockets."""

import asyncio
import io
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import httpx2
import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, connect

from anju.app import ROLES
from anju.config import Config, load
from anju.domain.devices import Gb28181Access, Particulars, sealed_for
from anju.domain.identity import AccountClass
from anju.domain.rights import EVERYWHERE
from anju.engines.child import free_port
from anju.process import Node, opened
from anju.security.passwords import Passwords
from anju.store import accounts, channels, devices, places, roles
from anju.store.channels import Filter, Placed
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.store.versions import Subject, bump
from anju.supervisor import Addresses
from tests.registry import Estate, make_estate

_log = structlog.get_logger(__name__)
PASSWORD = "camera-7"
ACCOUNT = "u1"
EVERYTHING = [(role, "everything", "", None) for role in ("property_manager", "shift_leader")]


@dataclass(slots=True)
class Seen:
    """What one viewer was sent."""

    words: list[dict[str, Any]] = field(default_factory=list)
    init: bytes = b""
    fragments: list[bytes] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """Return the states it was told, in order."""
        return [each["code"] for each in self.words if each["type"] == "state"]

    @property
    def end(self) -> str:
        """Return why it ended, '' while it has not."""
        return next((each["code"] for each in self.words if each["type"] == "end"), "")

    def pictures(self) -> list[tuple[int, int]]:
        """Decode everything; return the size of each picture."""
        with av.open(io.BytesIO(self.init + b"".join(self.fragments)), "r", format="mp4") as container:
            return [(frame.width, frame.height) for frame in container.decode(video=0)]


@dataclass(slots=True)
class Viewer:
    """The other end of a viewer's socket, read as it comes."""

    line: ClientConnection
    seen: Seen = field(default_factory=Seen)

    async def until(self, enough: Callable[[Seen], bool], *, within_s: float = 10.0) -> Seen:
        """Read until it is enough, or the line ends. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not enough(self.seen) and not self.seen.end:
                self._take(await self.line.recv())
        return self.seen

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self.seen.words.append(msgspec.json.decode(message))
            return
        kind, moment = struct.unpack_from(">Bd", message)
        if kind == 0:
            self.seen.init, self.seen.fragments = message[9:], []
        elif kind == 1:
            self.seen.fragments.append(message[9:])
            self.seen.moments.append(moment / 1000)

    async def say(self, **words: Any) -> None:
        await self.line.send(msgspec.json.encode(words).decode())


@dataclass(slots=True)
class Filmed:
    """A running node with video."""

    config: Config
    db: Database
    node: NodeId
    opened: Node
    estate: Estate
    client: httpx2.AsyncClient
    stack: AsyncExitStack

    @property
    def sip(self) -> int:
        """Return the port of GB/T 28181."""
        assert self.config.video
        return self.config.video.sip

    async def register(self, code: str, *, kind: str = "camera", media: str = "udp") -> str:
        """Register a device by its code and PASSWORD; return its id. A platform stands for the region."""
        particulars = Particulars(gb28181=Gb28181Access(media=media))
        new = NewDevice(kind, f"摄像机 {code[-2:]}", "gb28181", code, particulars=particulars)
        seal = self.opened.sealer.seal
        async with self.db.transaction() as tx:
            editor = Editor(self.node, "安装员", datetime.now(UTC))
            sealed: Callable[[str], bytes] = lambda name: seal(PASSWORD.encode(), sealed_for(name))  # noqa: E731
            where = self.estate.wall
            if kind == "platform":
                where = await places.find(tx, EVERYWHERE, "510802")
            return (await devices.add(tx, where, new, editor, sealed=sealed)).id

    async def channel(self, device_id: str, code: str, *, within_s: float = 15.0) -> Placed:
        """Return a channel once its device told of it and it is online."""
        async with asyncio.timeout(within_s):
            while True:
                found = await channels.of_code(self.db, device_id, code)
                if found and found.channel.state == "online":
                    return found
                await asyncio.sleep(0.05)

    async def only_channel(self, code: str, *, within_s: float = 20.0) -> Placed:
        """Return the channel with that code, whatever stands before it, once it is online."""
        async with asyncio.timeout(within_s):
            while True:
                found = await channels.page(self.db, EVERYWHERE, Filter(text=code), after="", limit=2)
                if found and found[0].channel.state == "online":
                    return found[0]
                await asyncio.sleep(0.1)

    async def watch(self, channel_id: str, grade: str = "main") -> Viewer:
        """Watch live with a ticket of the API."""
        return await self._seen(f"/api/video/channels/{channel_id}/live", {"grade": grade})

    async def play(self, channel_id: str, start: datetime, end: datetime, source: str = "platform") -> Viewer:
        """Play a recording with a ticket of the API."""
        span = {"start": start.isoformat(), "end": end.isoformat(), "source": source}
        return await self._seen(f"/api/video/channels/{channel_id}/playback", span)

    async def _seen(self, address: str, body: dict[str, Any]) -> Viewer:
        answer = await self.client.post(address, json=body)
        assert answer.status_code == 200, answer.text
        return Viewer(await self.stack.enter_async_context(connect(answer.json()["url"], proxy=None, max_size=2**22)))


def configuration(folder: Path, node: NodeId, **video: Any) -> Config:
    """Return a node's configuration on free ports."""
    docking = "" if node.tier == "community" else f"[docking]\nport = {free_port()}\n"
    rtp = random.randrange(20_000, 28_000, 200)
    words = {"sip": free_port(), "viewers": free_port(), "rtp_first": rtp, "rtp_last": rtp + 199, "reserve_gb": 0.1}
    path = folder / "anju.toml"
    path.write_text(
        f'tier = "{node.tier}"\ndata = "data"\n[node]\nid = "{node.id}"\nname = "{node.name}"\nregion = "510802"\n'
        f"{docking}[web]\nport = {free_port()}\n[video]\n"
        + "\n".join(f"{name} = {value}" for name, value in {**words, **video}.items())
    )
    return load(path)


@asynccontextmanager
async def filmed(config: Config, db: Database, node: NodeId, bus: str, **runs: Any) -> AsyncIterator[Filmed]:
    """Run a node's gateway, media worker and console on ``db`` and the NATS at ``bus``, an operator logged in."""
    addresses = Addresses(db.url, (bus,))
    async with AsyncExitStack() as stack:
        first = await _running(stack, config, addresses)
        estate = await make_estate(db, node, datetime.now(UTC))
        await _operator(db)
        base = f"http://127.0.0.1:{config.web.port}"
        client = httpx2.AsyncClient(base_url=base, headers={"X-Anju": "1"}, trust_env=False, timeout=20)
        await stack.enter_async_context(client)
        await _logged_in(client)
        yield Filmed(config, db, node, first, estate, client, stack, **runs)


async def _running(stack: AsyncExitStack, config: Config, addresses: Addresses) -> Node:
    tasks = []
    for role in ("gateway", "media", "web"):
        made = await stack.enter_async_context(opened(config, addresses, role=role))
        tasks.append(asyncio.create_task(_told(role, ROLES[role](made))))
    stack.push_async_callback(_cancelled, tasks)
    return made


async def _told(role: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        _log.exception("a role ended", role=role)
        raise


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _operator(db: Database) -> None:
    cheap = await Passwords(memory_kib=8, rounds=1).hash(PASSWORD)
    given = {"account_class": AccountClass.OPERATOR, "password_hash": cheap, "must_change": False}
    async with db.transaction() as tx:
        await roles.put_builtin(tx)
        await accounts.put(tx, account_id=ACCOUNT, username="liming", name="李明", at=datetime.now(UTC), **given)  # type: ignore[arg-type]
        await roles.set_grants(tx, ACCOUNT, EVERYTHING)
        await bump(tx, Subject.RIGHTS)


async def _logged_in(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(httpx2.HTTPError):
                answer = await client.post("/api/session", json={"username": "liming", "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                return
            await asyncio.sleep(0.05)
