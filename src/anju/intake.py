"""The process where devices speak GA/T 1400.

Source: 4.3 (GA/T 1400).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anju.config import Config
from anju.process import Node, clock, together

if TYPE_CHECKING:
    from anju.domain.changes import Fate
    from anju.protocols.viid import Bad


async def intake(node: Node) -> None:
    """Where devices speak GA/T 1400: what they see is kept; while the database is away they hear so and come again."""
    from anju.devices.viid import Behind, Posted, ViidDoor, serve
    from anju.devices.viid_gate import Directory, Registered
    from anju.devices.viid_library import Library
    from anju.domain.supervision import Supervision
    from anju.pictures import picture_store
    from anju.pipeline.accept import Acceptor
    from anju.pipeline.captures import CaptureAcceptor
    from anju.pipeline.keep import Keeper
    from anju.pipeline.passages import PassageKeeper
    from anju.pipeline.presence import Presence
    from anju.pipeline.registry import Known, Registry

    config, settings = node.config, node.config.intake
    assert settings is not None  # noqa: S101 - a process of nodes that have the table
    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)
    registry = Registry(node.db, node.node, clock=clock, open_sealed=node.sealer.open)
    blobs = picture_store(node.db, config)
    passages = PassageKeeper(
        *(node.db, node.node, registry, blobs),
        seal=node.sealer.seal,
        clock=clock,
        on_committed=node.told,
        on_unsaved=node.unsaved,
    )
    supervision = Supervision("viid", since=clock())
    acceptor = Acceptor(node.db, node.node, registry, keeper, clock=clock, told=node.told, supervision=supervision)
    presence = Presence(node.db, node.node, registry, keeper, clock=clock, told=node.told)
    captures = CaptureAcceptor(
        node.db, registry, acceptor, passages.keep, seal=node.sealer.seal, heard=presence.heard, clock=clock
    )

    def spoken_for(sender: Registered) -> Sequence[Registered]:
        return registry.spoken_for(sender) if isinstance(sender, Known) else ()

    async def emit(posted: Posted) -> list[Fate | Bad]:
        assert isinstance(posted.sender, Known)  # noqa: S101 - the directory below gives no others
        return await captures.emit(posted.objects, posted.raw, posted.sender, posted.peer)

    async def healthy() -> None:
        await node.db.fetch_one("SELECT 1")

    library = Library(node.db, node.node, spoken_for, blobs.read, told=node.told, clock=clock)
    door = ViidDoor(
        Directory(lambda code: registry.find("viid", code), registry.of_user, presence.session),
        presence,
        Behind(*(emit, library.withdraw, library.find, library.picture, acceptor.refused, acceptor.wrong, healthy)),
        library=config.library,
        clock=clock,
        nonce_key=hashlib.sha256(node.keys.sign(b"nonces of GA/T 1400")).digest(),
    )
    await registry.load()
    await acceptor.restore()
    await presence.load()
    shared = settings.processes > 1
    server = await serve(door, settings.host, settings.port, tls=intake_certificate(config), shared=shared)
    work = asyncio.create_task(
        together(keeper.run(), passages.run(), registry.run(), acceptor.run(), presence.run(), server.wait())
    )
    try:
        await asyncio.shield(work)
    finally:  # what is being kept is answered before anything stops
        await server.close()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await blobs.close()


def intake_certificate(config: Config) -> tuple[Path, Path] | None:
    """Return (certificate, key) of the listener for GA/T 1400, made on first use; None where it is plain."""
    from anju.wire.tls import make_certificate

    settings = config.intake
    if settings is None or not settings.tls:
        return None
    if settings.certificate and settings.key:
        return settings.certificate, settings.key
    return make_certificate(config.node.name, config.data / "intake", now=clock())
