"""The process where devices speak DC-09.

Source: 4.2.1 (one management of all devices), 5.1.3-a.
"""

from contextlib import AsyncExitStack

from anju.process import Node, clock, every, together


async def gateway(node: Node) -> None:
    """The devices' process: alarm panels, which take no commands."""
    from anju.control.corridor import no_driver
    from anju.devices.alarm_panel import AlarmPanels
    from anju.domain.supervision import Supervision
    from anju.pipeline.accept import Acceptor
    from anju.pipeline.keep import Keeper
    from anju.pipeline.registry import Registry

    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)
    registry = Registry(node.db, node.node, clock=clock, open_sealed=node.sealer.open)
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
    settings = node.config.gateway
    async with AsyncExitStack() as stack:
        await registry.load()
        await acceptor.restore()
        if settings and settings.dc09:
            await panels.open(settings.host, settings.dc09)
        stack.push_async_callback(panels.close)
        commands = every(0.5, lambda: node.corridor.work("gateway", no_driver))
        await together(keeper.run(), registry.run(), acceptor.run(), panels.watch(), commands)
