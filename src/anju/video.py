"""Video as a node's configuration has it: the processes where pictures flow, and where the console finds them.

Source: 5.4.1, 5.4.2 (live video).
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from anju.config import Config, VideoConfig
from anju.process import Node, clock, console_certificate, every, together
from anju.web.streams import Doors

if TYPE_CHECKING:  # the console's process loads none of it
    from anju.media.ports import Ports
    from anju.security.stream_tickets import StreamGate

WAYS_S = 1.0


def viewers_of(config: Config) -> Doors | None:
    """Return where the console finds pictures; None on a node without video."""
    video = config.video
    return Doors(video.viewers, video.workers, config.web.tls) if video else None


async def media(node: Node) -> None:
    """Receive, record and show what cameras send: the part of them that is this worker's."""
    from anju.domain.viewing import worker_of
    from anju.media.library import Library
    from anju.media.our_playback import OurRecordings
    from anju.media.plane import Plane
    from anju.media.relay_desk import RelayDesk
    from anju.media.server import ViewerServer
    from anju.media.signalling import ENDED, BusSignalling, Ended
    from anju.media.snapshot import Decoder, Snapshots, answer_snapshots
    from anju.media.streams import Streams
    from anju.media.ways import Ways
    from anju.recordings import recording

    settings = node.config.video
    assert settings is not None  # noqa: S101 - a process of nodes that have the table
    ways, decoder = Ways(node.db), Decoder()
    await ways.refresh()
    streams = Streams(
        BusSignalling(node.bus),
        _ports(settings, node.number),
        clock=time.time,
        transport=ways.of,
        host=settings.media_host,
        bind=settings.host,
    )

    async def ended(data: bytes) -> None:
        told = msgspec.json.decode(data, type=Ended)
        streams.ended(told.call_id, told.reason)

    await node.bus.listen(ENDED, ended)
    await answer_snapshots(node.bus, Snapshots(streams, decoder), node.number)
    library = Library(node.db)
    desk = RelayDesk(node.bus, streams, library, node.number, host=settings.media_host, bind=settings.host)
    await desk.answer()
    plane = Plane(streams, OurRecordings(library).play, prepare=ways.refresh)
    server = ViewerServer(_gate(node).admit, plane.show)
    async with AsyncExitStack() as stack:
        stack.callback(decoder.close)
        stack.push_async_callback(streams.close)
        stack.callback(desk.close)
        recorded = await stack.enter_async_context(
            recording(node, streams, lambda channel_id: worker_of(channel_id, settings.workers) == node.number)
        )
        port = settings.viewers + node.number - 1
        await server.open(node.config.web.host, port, tls=console_certificate(node))
        stack.push_async_callback(server.close)
        await together(*(each() for each in recorded.work), every(WAYS_S, ways.refresh))


def _ports(settings: VideoConfig, number: int) -> Ports:
    from anju.media.ports import Ports

    return Ports(settings.rtp_first, settings.rtp_last, number=number - 1, of=settings.workers)


def _gate(node: Node) -> StreamGate:
    from anju.security.policies import Policies
    from anju.security.rights import Rights
    from anju.security.sessions import Sessions
    from anju.security.stream_tickets import StreamGate, StreamTickets

    return StreamGate(
        StreamTickets(node.config.data / "keys", clock=clock),
        Rights(node.db, clock=clock),
        Sessions(node.db, Policies(node.db), clock=clock),
        node.operator_log,
        clock=clock,
    )
