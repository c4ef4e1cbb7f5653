"""Composes a node: opens what all of its processes share, and hands each floor the callables it needs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from anju.config import Config
from anju.process import Node, clock, console_certificate, every, of_itself, opened, together
from anju.security.keys import NodeKeys
from anju.security.operator_log import Anchor
from anju.store.bell import lanes_of
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.supervisor import Addresses, Supervisor, running

if TYPE_CHECKING:  # each process loads only what it needs
    from anju.domain.docking import Expired, Lower
    from anju.security.audit import Proof


async def run_role(name: str, config: Config, addresses: Addresses) -> None:
    """Run one process of a node until cancelled."""
    async with opened(config, addresses, role=name) as node:
        await ROLES[name.partition("-")[0]](node)


async def run_node(config: Config, path: Path) -> None:
    """Run a whole node until cancelled."""

    async def ready(addresses: Addresses) -> None:
        await tell_address(config, addresses)

    await Supervisor(config, path, run_role).run(ready)


async def tell_address(config: Config, addresses: Addresses) -> None:
    """Say where the console is and, on a node that nobody set up yet, its one-time link."""
    from anju.security import setup

    url = await console_answers(config)
    db = Database(addresses.database, application="anju run")
    await db.open()
    try:
        needed = await setup.needed(db)
        token = await setup.make_link(db) if needed else ""
    finally:
        await db.close()
    print(f"{config.node.name}: {url}", flush=True)  # noqa: T201 - the one thing its user must read
    if token:
        print(f"{config.node.name}: set-up link, once, for 24 h: {url}#/setup?token={token}", flush=True)  # noqa: T201


async def console_answers(config: Config) -> str:
    """Return the console's address once something listens there."""
    host = "127.0.0.1" if config.web.host in {"0.0.0.0", "::"} else config.web.host  # noqa: S104 - compared only
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, config.web.port)
            writer.close()
            await writer.wait_closed()
            return f"{'https' if config.web.tls else 'http'}://{host}:{config.web.port}/"
        await asyncio.sleep(0.1)


def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until it ends or the program gets SIGTERM or SIGINT."""

    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_told())


async def web(node: Node) -> None:
    """The console's process: management API and live push."""
    from anju.pictures import picture_store
    from anju.security.policies import Policies
    from anju.security.rights import Rights
    from anju.security.sessions import Sessions
    from anju.upkeep import backups_of
    from anju.video import exports, viewers_of
    from anju.web.context import Services
    from anju.web.live import Live, LogTail
    from anju.web.server import make_app
    from anju.web.status import Status
    from anju.wire.asgi import serving

    rights = Rights(node.db, clock=clock)
    sessions = Sessions(node.db, Policies(node.db), clock=clock)
    taking_out = exports(node)
    services = Services(
        db=node.db,
        node=node.node,
        data=node.config.data,
        keys=node.keys,
        clock=clock,
        told=node.told,
        rights=rights,
        sessions=sessions,
        operator_log=node.operator_log,
        desk=node.desk,
        more={
            "corridor": node.corridor,
            "sealer": node.sealer,
            "config": node.config,
            "bus": node.bus,
            "viewers": viewers_of(node.config),
            "video_exports": taking_out,
            "blobs": picture_store(node.db, node.config),
            "anchors": lambda: anchors_above(node.db, node.node, node.keys),
            "backups": backups_of(node.config, None, Addresses(node.db.url, ())),
        },
    )
    tail = LogTail(node.db, node.node)
    live = Live(services, tail, Status(services).of)
    await node.bus.listen("log", tail.wake)
    await node.bus.listen("unsaved", live.unsaved)
    await node.bus.listen("rights", lambda _: rights.refresh())
    settings = node.config.web
    tls = console_certificate(node)
    async with serving(make_app(services, live), settings.host, settings.port, tls=tls):
        await together(tail.run(), *((taking_out.run(),) if taking_out else ()))


async def worker(node: Node) -> None:
    """What nobody waits for: the link upward, linkage, escalation, time limits, retention."""
    from anju.control.reactions import Reactions
    from anju.domain.docking import Head
    from anju.picture_check import prove_next
    from anju.pictures import picture_desk, picture_places, tend_pictures
    from anju.pipeline.keep import Keeper
    from anju.pipeline.link import Linker
    from anju.store import retention
    from anju.upward.docking import Hands, Uplink

    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)

    async def head() -> Head | None:
        anchor = await node.operator_log.anchor()
        return Head(anchor.node, anchor.seq, anchor.sha256, anchor.sm3, anchor.signature) if anchor else None

    async def report(lost: Expired, active: bool) -> None:  # noqa: FBT001 - the link's signature
        lane = lost.lane.value
        key, detail = f"{lane}|{lost.first}|{lost.last}|{active}", {"first": lost.first, "last": lost.last}
        here = await this_node(node.db)  # by the name it has now
        await keeper.keep(of_itself(here, "rows_expired", lane, key, detail, active=active, at=clock()))

    pictures = picture_desk(node.db, node.config, node.node, node.operator_log, node.bus)
    hands = Hands(node.keys.sign, node.corridor.execute, head=head, report=report, picture=pictures.answer)
    uplink = Uplink(node.db, node.node, hands, clock=clock)

    reactions = Reactions(node.db, node.node, node.corridor, node.operator_log, clock)
    linker = Linker(node.db, node.node, reactions.perform, clock=clock, told=node.told)

    async def grown(data: bytes) -> None:
        lanes = lanes_of(data)
        uplink.wake(lanes)
        linker.wake(lanes)

    places = picture_places(node.config)
    await node.bus.listen("log", grown)
    await together(
        keeper.run(),
        uplink.run(),
        linker.run(),
        every(1.0, lambda: node.desk.tick(clock())),
        every(1.0, lambda: node.corridor.expire(clock())),
        every(60.0, lambda: node.operator_log.keep_head(clock())),
        every(3600.0, lambda: retention.sweep(node.db, now=clock())),
        every(60.0, lambda: tend_pictures(node.db, places, node.config)),
        every(600.0, lambda: prove_next(node.db, node.config, keeper.keep)),
    )


async def docking(node: Node) -> None:
    """Where the tier below comes in."""
    from anju.control.pictures_below import answer_below
    from anju.devices.lower_platform import Doors, LowerPlatforms, serve
    from anju.pipeline.keep import Keeper
    from anju.pipeline.remote import Receiver
    from anju.security.pairing import UpperSide

    settings = node.config.docking
    assert settings is not None  # noqa: S101 - a process of nodes that have the table
    certificate, key = docking_certificate(node.config)
    receiver = Receiver(node.db, node.node, told=node.told, clock=clock)
    pairing = UpperSide(node.db, node.node, certificate.read_text(), clock=clock)
    doors = Doors(receiver.receive, receiver.resync, pairing.pair, node.corridor.take)
    platforms = LowerPlatforms(node.db, node.node, doors, clock=clock)

    async def news(_: bytes) -> None:
        platforms.wake()

    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)

    async def tell(lower: Lower, active: bool) -> None:  # noqa: FBT001 - the door's signature
        key, detail = f"silent|{lower.node}|{active}|{clock():%Y%m%d%H%M}", {"node": lower.node, "name": lower.name}
        code = "lower_silent"
        here = await this_node(node.db)
        await keeper.keep(of_itself(here, code, lower.node, key, detail, active=active, at=clock()))

    await node.bus.listen("log", news)
    await answer_below(node.bus, node.db, platforms.questions)
    server = await serve(platforms, settings.host, settings.port, certificate, key)
    try:
        await together(keeper.run(), every(5.0, lambda: platforms.tell_silence(tell)))
    finally:
        platforms.stop()
        await server.close()


async def anchors_above(db: Database, node: NodeId, keys: NodeKeys) -> tuple[list[Anchor], bytes, str]:
    """Return what the tier above keeps of this node's operator log. Raises UpperAway."""
    from anju.errors import UpperAway
    from anju.store import links
    from anju.upward.docking import upper_tier

    link = await links.upper(db)
    if link is None:
        raise UpperAway("this node has no tier above")
    async with upper_tier(link, node, keys.sign, clock) as tier:
        heads = await tier.anchors()
    return [Anchor(h.node, h.seq, h.sha256, h.sm3, h.signature) for h in heads], keys.public, link.name


async def verify_log(config: Config) -> Proof:
    """Prove the operator log of a running node against the anchors above. Raises EngineError where it does not run."""
    from anju.security import audit

    db = Database(running(config).database, application="anju audit")
    await db.open()
    try:
        node, keys = await this_node(db), NodeKeys.load_or_make(config.data)
        return await audit.prove(db, await audit.held(db, keys, node.id, lambda: anchors_above(db, node, keys)))
    finally:
        await db.close()


def docking_certificate(config: Config) -> tuple[Path, Path]:
    """Return (certificate, key) files of the docking listener, made on first use."""
    from anju.wire.tls import make_certificate

    return make_certificate(config.node.name, config.data / "docking", now=clock())


async def intake(node: Node) -> None:
    """Where devices speak GA/T 1400."""
    from anju.intake import intake as run

    await run(node)


async def gateway(node: Node) -> None:
    """Where devices speak other protocols."""
    from anju.gateway import gateway as run

    await run(node)


async def media(node: Node) -> None:
    """Where pictures flow."""
    from anju.video import media as run

    await run(node)


ROLES: dict[str, Callable[[Node], Coroutine[Any, Any, None]]] = {
    "web": web,
    "worker": worker,
    "gateway": gateway,
    "docking": docking,
    "intake": intake,
    "media": media,
}
