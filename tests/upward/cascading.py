"""A community with a recorder of many cameras, cascaded to simulated platforms above, all on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from anju.domain.cascade import Recorded, Relay, Relaying, Upper
from anju.domain.channels import ChannelKind, Item, Merge, Status
from anju.domain.devices import Device, DeviceState
from anju.domain.video import PlayControl, Ptz, Transport
from anju.errors import Conflict, NotFound
from anju.simulators.gb28181_upper import UpperPlatform
from anju.store import cascade, channels, devices
from anju.store.cascade import new_upper_id
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.upward.gb28181_cascade import Cascade
from anju.upward.gb28181_cascade_hands import Hands
from anju.upward.gb28181_cascade_link import Times
from anju.wire.sip import Incoming, SipEndpoint
from tests.registry import Estate

OWN, UPPER = "51080200012000000001", "51080000002000000001"
NVR = "51080201011180000001"
PASSWORD = "Pw-8x"
QUICK = Times(answer=2.0, retry=(0.1,), look=0.1, reload=0.3)


def code(number: int) -> str:
    return f"510802010113200{number:05}"


@dataclass(slots=True)
class Sending:
    """A media plane of the test's own: it sends real packets, and notes what it was asked."""

    relays: dict[str, Relay] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    steered: list[tuple[str, PlayControl]] = field(default_factory=list)
    refuse: str = ""
    held: asyncio.Event | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def relay(self, wanted: Relay) -> Relaying:
        if self.refuse:
            raise Conflict(self.refuse, "the test says so")
        if self.held:
            await self.held.wait()
        relay_id = f"r{len(self.relays)}"
        self.relays[relay_id] = wanted
        packet = b"\x80\x60\0\1\0\0\0\0" + wanted.ssrc.to_bytes(4, "big") + b"\0\0\1\xba"
        if wanted.transport is Transport.UDP:
            loop = asyncio.get_running_loop()
            sock, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(wanted.host, wanted.port)
            )
            sock.sendto(packet)
            sock.close()
        return Relaying(relay_id, "127.0.0.1", 42_000)

    async def end(self, relay_id: str) -> None:
        async with self.changed:
            self.ended.append(relay_id)
            self.changed.notify_all()

    async def control(self, relay_id: str, control: PlayControl) -> None:
        async with self.changed:
            self.steered.append((relay_id, control))
            self.changed.notify_all()


@dataclass(slots=True)
class Community:
    """The node below with its cascade."""

    db: Database
    node: NodeId
    device: Device
    endpoint: SipEndpoint
    cascade: Cascade
    media: Sending
    moved: list[tuple[str, Ptz]]
    others: list[Incoming]
    recorded: list[Recorded] = field(default_factory=list)

    async def stand(self) -> Upper:
        return (await cascade.uppers(self.db))[0].upper

    async def channel(self, number: int) -> str:
        return (await channels.codes(self.db, self.device.id))[code(number)]


async def add_cameras(db: Database, node: NodeId, estate: Estate, at: datetime, count: int) -> Device:
    new = NewDevice("recorder", "1 期录像机", "gb28181", NVR, "")
    async with db.transaction() as tx:
        device = await devices.add(tx, estate.wall, new, Editor(node, "安装员", at))
        await devices.turn(tx, {device.id: (DeviceState.ONLINE, "registered")}, at=at)
        items = tuple(
            Item(code(n), ChannelKind.CAMERA, f"西围墙 {n} 号", Status.ON, parents=(NVR,), ptz_type="1")
            for n in range(1, count + 1)
        )
        await channels.merge(tx, device.id, Merge(items), at=at)
    return device


def upper_at(port: int, **more: object) -> Upper:
    plain = Upper(
        new_upper_id(), "市级视频平台", UPPER, UPPER[:10], "127.0.0.1", OWN, port=port, mode="places", keepalive_s=60
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def keep(db: Database, node: NodeId, upper: Upper) -> Upper:
    async with db.transaction() as tx:
        return await cascade.add(tx, upper, b"sealed " + PASSWORD.encode(), node=node)


@asynccontextmanager
async def community(db: Database, node: NodeId, device: Device) -> AsyncIterator[Community]:
    """Run a cascade on its own SIP port until the block ends."""
    media, moved, others = Sending(), list[tuple[str, Ptz]](), list[Incoming]()
    recorded = list[Recorded]()

    async def move(_: Upper, channel_id: str, wanted: Ptz) -> None:
        moved.append((channel_id, wanted))

    async def records(_: str, start: datetime, end: datetime) -> Sequence[Recorded]:
        return [each for each in recorded if each.start < end and each.end > start]

    async def presets(_: str) -> Sequence[tuple[int, str]]:
        return [(1, "大门"), (2, "车库")]

    def opened(sealed: bytes, about: str) -> bytes:
        if not about.startswith("upper_platform.password "):
            raise NotFound("about", about)
        return sealed.removeprefix(b"sealed ")

    async def handle(incoming: Incoming) -> None:
        if made.mine(incoming):
            await made.handle(incoming)
            return
        others.append(incoming)
        await incoming.reply(403)

    endpoint = SipEndpoint(handle)
    hands = Hands(media, move, records, presets, opened)
    made = Cascade(db, node, endpoint, hands, clock=lambda: datetime.now(UTC), times=QUICK)
    await endpoint.open("127.0.0.1", 0)
    running = asyncio.ensure_future(made.run())
    try:
        yield Community(db, node, device, endpoint, made, media, moved, others, recorded)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await endpoint.close()


async def registered(upper: UpperPlatform, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        await upper.registered.wait()
