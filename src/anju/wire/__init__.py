"""asyncio endpoints over the protocols. They own sockets and decide nothing."""
