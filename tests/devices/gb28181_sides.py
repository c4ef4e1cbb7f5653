"""Both sides of GB/T 28181 for tests: a whole centre on a real database, and devices that do what a test writes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from anju.devices.gb28181 import Behind, Directory, Gb28181Door
from anju.domain.devices import Device, Gb28181Access, Particulars
from anju.domain.events import DeviceReport
from anju.domain.rights import EVERYWHERE
from anju.domain.supervision import Supervision
from anju.errors import DatabaseAway, WireError
from anju.pipeline.accept import Acceptor
from anju.pipeline.channel_zones import at_channel
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.protocols import manscdp
from anju.protocols.digest import Credentials, answered, authorization, read_challenge
from anju.protocols.manscdp import Message, Root
from anju.protocols.manscdp_catalog import CatalogItem, catalog_answer
from anju.protocols.manscdp_devices import DeviceInfo, info_answer, keepalive
from anju.protocols.sip import Response
from anju.store import channels, devices
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.wire.sip import Incoming, Peer, SipEndpoint
from tests.registry import Estate

PLATFORM = "51080200012000000001"
NVR = "51080201011180000001"
CAMERAS = [f"5108020101132{number:07}" for number in range(1, 41)]
PASSWORD = "Pw-8x"


class Centre:
    """A gateway of a community as it is composed, without NATS. ``away`` makes the keeping of reports fail."""

    def __init__(self, db: Database, node: NodeId, clock: Callable[[], datetime]) -> None:
        self.db, self.node, self.clock = db, node, clock
        self.away = False
        self.over: list[tuple[str, str]] = []
        self.wrongs: list[tuple[str, str]] = []
        self.stack = AsyncExitStack()
        self.registry = Registry(db, node, clock=clock, open_sealed=lambda sealed, _: sealed)
        self.keeper = Keeper(db, node, clock=clock, on_committed=self._told, on_unsaved=self._unsaved)
        supervision = Supervision("gb28181", since=clock())
        self.acceptor = Acceptor(
            *(db, node, self.registry, self.keeper),
            clock=clock,
            told=self._told,
            supervision=supervision,
            turns=False,
            closer=partial(at_channel, db),
        )
        self.endpoint = SipEndpoint(self._handle, trace=self._trace)
        directory = Directory(lambda code: self.registry.find("gb28181", code), self.registry.by_id, self.registry.all)
        behind = Behind(self._emit, self._wrong, self._over, self._told)
        self.door = Gb28181Door(self.endpoint, directory, behind, db, node, platform=PLATFORM, clock=clock)
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self, port: int = 0) -> "Centre":
        await self.registry.load()
        await self.acceptor.restore()
        await self.door.load()
        await self.endpoint.open("127.0.0.1", port)
        self._tasks = [asyncio.create_task(each) for each in (self.keeper.run(), self.door.run())]
        return self

    async def close(self) -> None:
        await self.door.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.endpoint.close()

    async def kill(self) -> None:
        """End as a process does that is killed: nothing is ended or told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.endpoint.close()

    @property
    def port(self) -> int:
        return self.endpoint.port

    async def _handle(self, incoming: Incoming) -> None:
        await self.door.handle(incoming)

    def _trace(self, direction: Literal["in", "out"], peer: Peer, data: bytes) -> None:
        self.door.trace(direction, peer, data)

    async def _told(self, _: object) -> None:
        return

    async def _unsaved(self, _: object) -> None:
        return

    async def _emit(self, report: DeviceReport) -> object:
        if self.away:
            raise DatabaseAway("gone")
        return await self.acceptor.emit(report)

    async def _wrong(self, error: WireError, peer: str) -> None:
        self.wrongs.append((error.reason, error.account))
        await self.acceptor.wrong(error, peer)

    async def _over(self, call_id: str, reason: str) -> None:
        self.over.append((call_id, reason))

    async def state(self, device: Device) -> tuple[str, str]:
        """What the registry's table says now, everything written."""
        await self.door.presence.flush()
        found = await devices.find(self.db, EVERYWHERE, device.id)
        return found.state.value, found.state_reason

    async def channel_codes(self, device: Device) -> list[str]:
        return sorted(await channels.codes(self.db, device.id))

    async def synced(self, device: Device, state: str = "complete") -> channels.Synced:
        """How the catalog of a device came in, once it came in so."""

        async def done() -> bool:
            found = await channels.synced(self.db, device.id)
            return found is not None and found.state.value == state

        await until(done)
        found = await channels.synced(self.db, device.id)
        assert found is not None
        return found

    async def channel_id(self, device: Device, code: str) -> str:
        return (await channels.codes(self.db, device.id))[code]


async def add_device(
    db: Database,
    node: NodeId,
    estate: Estate,
    at: datetime,
    *,
    account: str = NVR,
    kind: str = "recorder",
    password: str | None = PASSWORD,
    **access: Any,
) -> Device:
    """Register a device whose credential is sealed by nothing."""
    quiet = {"subscribe": False, **access}
    particulars = Particulars(gb28181=Gb28181Access(**quiet))
    new = NewDevice(kind, f"设备{account[-4:]}", "gb28181", account, particulars=particulars)
    sealed = None if password is None else lambda _: password.encode()
    async with db.transaction() as tx:
        return await devices.add(tx, estate.wall, new, Editor(node, "安装员", at), sealed=sealed)


Answer = Callable[["Scripted", Message], Awaitable[None]]


class Scripted:
    """A device that answers what ``answers`` names by command; ``heard`` holds what came, ``invites`` open INVITEs."""

    def __init__(self, account: str = NVR, password: str = PASSWORD, *, transport: str = "udp") -> None:
        self.account, self.password, self.transport = account, password, transport
        self.endpoint = SipEndpoint(self._handle)
        self.answers: dict[str, Answer] = {"DeviceInfo": _info}
        self.heard: list[Message] = []
        self.news = asyncio.Condition()
        self.on_invite: Callable[[Incoming], Awaitable[None]] | None = None
        self.requests: list[Incoming] = []
        self.centre = Peer("127.0.0.1", 0)
        self.call_id, self.cseq = "", 0
        self._sn = 0

    async def open(self, centre: Centre) -> "Scripted":
        await self.endpoint.open("127.0.0.1", 0)
        self.centre = Peer("127.0.0.1", centre.port, "tcp" if self.transport == "tcp" else "udp")
        self.call_id = f"{self.account}-{self.endpoint.port}"
        return self

    async def close(self) -> None:
        await self.endpoint.close()

    @property
    def me(self) -> str:
        return f"sip:{self.account}@5108020001"

    async def send_register(self, authorization_: str = "", expires: int = 3600, *, fresh: bool = True) -> Response:
        self.cseq += 1
        headers = [("Expires", str(expires))]
        if authorization_:
            headers.append(("Authorization", authorization_))
        return await self.endpoint.request(
            self.centre,
            "REGISTER",
            f"sip:{PLATFORM}@5108020001",
            from_=self.me,
            to=self.me,
            headers=headers,
            call_id=self.call_id if fresh else "",
            cseq=self.cseq,
            within_s=5.0,
        )

    async def register(self, expires: int = 3600, **wrong: str) -> Response:
        """Register as devices do: asked for a digest first."""
        first = await self.send_register(expires=expires)
        assert first.status == 401
        return await self.send_register(self.digest(first, **wrong), expires)

    def digest(self, challenge: Response, **wrong: str) -> str:
        asked = read_challenge(challenge.headers.get("WWW-Authenticate"))
        uri = f"sip:{PLATFORM}@5108020001"
        password = wrong.pop("password", self.password)
        user = wrong.pop("user", self.account)
        asked = replace(asked, realm=wrong.get("realm", asked.realm), nonce=wrong.get("nonce", asked.nonce))
        given: Credentials = answered(asked, user, password, method="REGISTER", uri=uri)
        return authorization(given)

    async def tell(self, told: Message, **more: Any) -> Response:
        return await self.endpoint.request(
            self.centre,
            more.pop("method", "MESSAGE"),
            f"sip:{PLATFORM}@5108020001",
            from_=more.pop("from_", self.me),
            to=f"sip:{PLATFORM}@5108020001",
            body=more.pop("body", None) or manscdp.write(told),
            content_type=manscdp.CONTENT_TYPE,
            within_s=5.0,
            **more,
        )

    async def alive(self) -> Response:
        self._sn += 1
        return await self.tell(keepalive(self._sn, self.account))

    async def wait_for(self, command: str, count: int = 1, *, root: Root | None = None) -> list[Message]:
        """Return the messages of ``command`` once there are ``count``."""

        def found() -> list[Message]:
            return [each for each in self.heard if each.cmd_type == command and root in {None, each.root}]

        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: len(found()) >= count)
        return found()

    async def _handle(self, incoming: Incoming) -> None:
        self.requests.append(incoming)
        method = incoming.request.method
        if method == "INVITE" and self.on_invite:
            await self.on_invite(incoming)
        elif method == "MESSAGE":
            await incoming.reply(200)
            told = manscdp.read(incoming.request.body)
            if told.cmd_type in self.answers:
                await self.answers[told.cmd_type](self, told)
            async with self.news:
                self.heard.append(told)
                self.news.notify_all()
        else:
            await incoming.reply(200)
            async with self.news:
                self.news.notify_all()


async def _info(device: Scripted, told: Message) -> None:
    await device.tell(info_answer(told, DeviceInfo("1期NVR", "Dahua", "NVR5216", "V4.003", 16)))


def pages(codes: Sequence[str], *, size: int = 2, total: int | None = None, name: str = "通道") -> Answer:
    """Answer a catalog with ``codes``, so many at a time."""

    async def answer(device: Scripted, told: Message) -> None:
        for start in range(0, len(codes), size):
            items = [item(each, name) for each in codes[start : start + size]]
            number = len(codes) if total is None else total
            await device.tell(catalog_answer(told.sn, device.account, number, items))

    return answer


def item(code: str, name: str = "通道", **more: Any) -> CatalogItem:
    return CatalogItem(code, f"{name}{code[-2:]}", online=True, manufacturer="Anju", parents=(NVR,), **more)


async def until(check: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> None:
    """Return once ``check`` says so."""
    async with asyncio.timeout(within_s):
        while not await check():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)
