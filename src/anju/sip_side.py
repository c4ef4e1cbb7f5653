"""The side of the gateway that speaks GB/T 28181: devices below, platforms above, questions of the media workers.

Source: 5.4.1, 5.4.3 (GB/T 28181).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import msgspec

from anju.cascade import cascade_of, follow
from anju.control.corridor import Perform
from anju.devices.gb28181 import Behind, Directory, Gb28181Door
from anju.domain.changes import Lane
from anju.domain.supervision import Supervision
from anju.domain.viewing import worker_of
from anju.media.signalling import BEGUN, ENDED, TURNED, Ended, answer_media
from anju.pipeline.accept import Acceptor
from anju.pipeline.channel_zones import at_channel
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.process import Node, clock
from anju.wire.sip import Incoming, Peer, SipEndpoint

END_WITHIN_S = 3.0
Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class SipSide:
    """What the gateway runs for video, and who does the commands of cameras."""

    work: list[Work]
    perform: Perform


@asynccontextmanager
async def sip_side(node: Node, registry: Registry, keeper: Keeper) -> AsyncIterator[SipSide]:
    """Open the door for GB/T 28181."""
    settings = node.config.video
    assert settings is not None  # noqa: S101 - only nodes with the table have this side
    supervision = Supervision("gb28181", since=clock())
    acceptor = Acceptor(
        *(node.db, node.node, registry, keeper),
        clock=clock,
        told=node.told,
        supervision=supervision,
        turns=False,
        closer=partial(at_channel, node.db),
    )

    async def ended(call_id: str, reason: str) -> None:
        await node.bus.tell(ENDED, msgspec.json.encode(Ended(call_id, reason)))

    async def turned(lanes: frozenset[Lane]) -> None:
        await node.told(lanes)
        await node.bus.tell(TURNED)

    async def handle(incoming: Incoming) -> None:
        if cascade.mine(incoming):
            await cascade.handle(incoming)
        else:
            await door.handle(incoming)

    def trace(direction: Literal["in", "out"], peer: Peer, data: bytes) -> None:
        door.trace(direction, peer, data)

    endpoint = SipEndpoint(handle, trace=trace)
    door = Gb28181Door(
        endpoint,
        Directory(lambda code: registry.find("gb28181", code), registry.by_id, registry.all),
        Behind(acceptor.emit, acceptor.wrong, ended, turned),
        node.db,
        node.node,
        platform=node.config.platform,
        clock=clock,
    )
    cascade = cascade_of(node, endpoint, door)
    await acceptor.restore()
    await door.load()
    await _answer(node, door)
    await follow(node, cascade)
    await endpoint.open(settings.host, settings.sip)
    try:
        yield SipSide([acceptor.run, door.run, cascade.run], door.orders.perform)
    finally:
        await door.close()
        await endpoint.close()


async def _answer(node: Node, door: Gb28181Door) -> None:
    """Answer the other processes of the node."""

    async def command(data: bytes) -> bytes:
        return msgspec.json.encode(await door.orders.command(msgspec.json.decode(data)))

    async def begun(data: bytes) -> bytes:
        await _end_calls(node, door, msgspec.json.decode(data, type=int))
        return b"null"

    await answer_media(node.bus, door.invite, door.end, door.control)
    await node.bus.answer(BEGUN, begun)
    await node.bus.answer("sip.command", command)


async def _end_calls(node: Node, door: Gb28181Door, number: int) -> None:
    """End what a media worker that is no more had asked for; cameras that do not answer are not waited for."""
    assert node.config.video is not None  # noqa: S101 - as above
    workers = node.config.video.workers
    stale = [each.dialog.call_id for each in door.streams.running if worker_of(each.channel_id, workers) == number]
    with suppress(TimeoutError):
        async with asyncio.timeout(END_WITHIN_S):
            await asyncio.gather(*(door.end(each) for each in stale))
