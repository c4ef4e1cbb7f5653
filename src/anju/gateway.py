"""The process where devices speak DC-09 and GB/T 28181.

Source: 4.2.1 (one management of all devices), 5.1.3-a, 5.4.3.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from anju.control.corridor import Perform, no_driver
from anju.devices.alarm_panel import AlarmPanels
from anju.domain.supervision import Supervision
from anju.pipeline.accept import Acceptor
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.process import Node, clock, together


async def gateway(node: Node) -> None:
    """The devices' process: alarm panels, which take no commands; cameras, which do."""
    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)
    registry = Registry(node.db, node.node, clock=clock, open_sealed=node.sealer.open)
    perform: Perform = no_driver
    async with AsyncExitStack() as stack:
        await registry.load()
        work: list[Callable[[], Coroutine[Any, Any, None]]] = [keeper.run, registry.run]
        work += await stack.enter_async_context(_panels(node, registry, keeper))
        if node.config.video:
            from anju.sip_side import sip_side  # a node without video does without what it loads

            side = await stack.enter_async_context(sip_side(node, registry, keeper))
            work += side.work
            perform = side.perform
        await together(*(each() for each in work), _commands(node, perform))


@asynccontextmanager
async def _panels(
    node: Node, registry: Registry, keeper: Keeper
) -> AsyncIterator[list[Callable[[], Coroutine[Any, Any, None]]]]:
    """Open the door for alarm panels; give what must run."""
    supervision = Supervision("dc09", since=clock())
    acceptor = Acceptor(node.db, node.node, registry, keeper, clock=clock, told=node.told, supervision=supervision)
    panels = AlarmPanels(
        emit=acceptor.emit,
        heard=acceptor.heard,
        key_for=lambda account: registry.key("dc09", account),
        clock=clock,
        wrong=acceptor.wrong,
        supervision=supervision,
    )
    await acceptor.restore()
    settings = node.config.gateway
    if settings and settings.dc09:
        await panels.open(settings.host, settings.dc09)
    try:
        yield [acceptor.run, panels.watch]
    finally:
        await panels.close()


async def _commands(node: Node, perform: Perform) -> None:
    """Do commands of devices as soon as somebody tells that there are any; look each half second."""
    some = asyncio.Event()

    async def told(_: bytes) -> None:
        some.set()

    await node.bus.listen("commands", told)
    await node.corridor.serve("gateway", perform, some)
