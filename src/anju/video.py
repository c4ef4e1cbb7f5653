"""Video as a node's configuration has it: the processes where pictures flow, and where the console finds them.

Source: 5.4.1, 5.4.2 (live video).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from anju.config import Config, VideoConfig
from anju.process import Node, clock, console_certificate, every, together
from anju.web.streams import Doors

if TYPE_CHECKING:  # the console's process loads none of it
    from anju.media.library import Located
    from anju.media.ports import Ports
    from anju.security.stream_tickets import StreamGate
    from anju.store.recordings import Recording
    from anju.store.video_exports import Entry
    from anju.web.video_exports import VideoExports

WAYS_S = 1.0


def viewers_of(config: Config) -> Doors | None:
    """Return where the console finds pictures; None on a node without video."""
    video = config.video
    return Doors(video.viewers, video.workers, config.web.tls) if video else None


def exports(node: Node) -> VideoExports | None:
    """Return what takes recordings out in the console's process; None on a node without video."""
    from anju.domain.viewing import worker_of
    from anju.media.fetch import Fetched, fetching
    from anju.media.library import Located
    from anju.media.recover import look_into
    from anju.web.video_exports import VideoExports

    settings = node.config.video
    if settings is None:
        return None
    ask = fetching(node.bus, lambda channel_id: worker_of(channel_id, settings.workers))

    def files(folder: Path, channel_id: str) -> list[Located]:
        found = [(each, look_into(each, channel_id, 0)) for each in sorted(folder.glob(f"{channel_id}/*/*.mp4"))]
        return [Located(file, path, _sound(folder, file)) for path, file in found if file is not None]

    async def fetch(entry: Entry, folder: Path) -> Sequence[Located]:
        await ask(Fetched(entry.channel_id, entry.start_at, entry.end_at, str(folder)))
        return await asyncio.to_thread(files, folder, entry.channel_id)

    return VideoExports(node.db, node.config.data / "exports", clock=clock, fetch=fetch)


def _sound(folder: Path, file: Recording) -> Path | None:
    return folder / file.sound if file.audio else None


async def media(node: Node) -> None:
    """Receive, record and show what cameras send: the part of them that is this worker's."""
    from anju.domain.viewing import worker_of
    from anju.media.fetch import answer_fetches
    from anju.media.library import Library
    from anju.media.our_playback import OurRecordings
    from anju.media.plane import Again, Plane
    from anju.media.relay_desk import RelayDesk
    from anju.media.server import ViewerServer
    from anju.media.signalling import ENDED, TURNED, BusSignalling, Ended
    from anju.media.snapshot import Decoder, Snapshots, answer_snapshots
    from anju.media.streams import Streams
    from anju.media.ways import Ways
    from anju.recordings import recording

    settings = node.config.video
    assert settings is not None  # noqa: S101 - a process of nodes that have the table
    ways, decoder = Ways(node.db), Decoder()
    await ways.refresh()
    signalling = BusSignalling(node.bus)
    await signalling.begun(node.number)
    streams = Streams(
        signalling,
        _ports(settings, node.number),
        clock=time.time,
        transport=ways.of,
        host=settings.media_host,
        bind=settings.host,
    )

    async def ended(data: bytes) -> None:
        told = msgspec.json.decode(data, type=Ended)
        streams.ended(told.call_id, told.reason)

    again = Again(streams)
    await node.bus.listen(ENDED, ended)
    await node.bus.listen(TURNED, again.tell)
    await answer_fetches(node.bus, streams, node.number)
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
        await together(*(each() for each in recorded.work), every(WAYS_S, ways.refresh), again.run())


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
