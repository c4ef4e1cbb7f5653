"""Embedded NATS starts, wants its password, and is followed when it comes back."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from anju.bus.nats import Bus
from anju.engines import NatsServer
from anju.errors import Silent


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        found = NatsServer(Path(folder))
        await found.start()
        yield found
        await found.stop()


async def until_heard(bus: Bus, heard: asyncio.Queue[bytes]) -> bytes:
    """Tell until somebody hears: a wake-up is a hint, and the first may come before the server knows the listener."""
    async with asyncio.timeout(20):
        while heard.empty():
            await bus.tell("log", b"alarms")
            await asyncio.sleep(0.05)
    return heard.get_nowait()


async def test_nobody_gets_in_without_the_password(server: NatsServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    async with asyncio.timeout(5):
        said = await reader.read()
    assert b"Authorization Violation" in said
    writer.close()
    await writer.wait_closed()


async def test_a_wake_up_is_heard_by_the_other_processes_of_the_node_only(server: NatsServer) -> None:
    here, there, elsewhere = (Bus([server.url], node=name) for name in ("a", "a", "b"))
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    wrong: asyncio.Queue[bytes] = asyncio.Queue()
    for bus in (here, there, elsewhere):
        await bus.open()
    await there.listen("log", heard.put)
    await elsewhere.listen("log", wrong.put)
    assert await until_heard(here, heard) == b"alarms"
    assert wrong.empty()
    for bus in (here, there, elsewhere):
        await bus.close()


async def test_wake_ups_go_on_after_the_server_was_killed_and_came_back(server: NatsServer) -> None:
    bus = Bus([server.url], node="a")
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    await bus.open()
    await bus.listen("log", heard.put)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    await server.ended()
    await server.start()
    assert await until_heard(bus, heard) == b"alarms"
    await bus.close()


async def test_a_question_is_answered_and_silence_is_told(server: NatsServer) -> None:
    asking, answering = Bus([server.url], node="n"), Bus([server.url], node="n")

    async def twice(data: bytes) -> bytes:
        return data * 2

    await answering.answer("double", twice)  # said before it is open: it takes effect then
    await answering.open()
    await asking.open()
    try:
        answers = await asyncio.gather(*(asking.ask("double", b"%d" % each, within_s=5.0) for each in range(20)))
        assert answers == [b"%d" % each * 2 for each in range(20)]
        with pytest.raises(Silent):
            await asking.ask("nobody", b"", within_s=0.2)
    finally:
        await asking.close()
        await answering.close()
