"""An answer of any size comes whole over a bus that carries little at once, or is said not to come."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio

from anju.bus import pieces
from anju.bus.nats import Bus
from anju.bus.pieces import PIECE, Answers
from anju.engines import NatsServer
from anju.errors import Silent


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        found = NatsServer(Path(folder))
        await found.start()
        yield found
        await found.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def bus(server: NatsServer) -> AsyncIterator[Bus]:
    found = Bus([server.url], node="n")
    await found.open()
    yield found
    await found.close()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5_000_000])
async def test_an_answer_comes_as_it_was_given_and_nothing_of_it_stays(bus: Bus, size: int) -> None:
    data = os.urandom(size)

    async def reply(asked: bytes) -> bytes:
        return data + asked

    answers = Answers(bus, "big", reply)
    await answers.serve()
    assert await pieces.ask(bus, "big", b"?", within_s=10) == data + b"?"
    assert answers.held == 0


async def test_nobody_there_is_said_in_time(bus: Bus) -> None:
    begin = monotonic()
    with pytest.raises(Silent):
        await pieces.ask(bus, "nobody", b"?", within_s=0.5)
    assert monotonic() - begin < 2


async def test_what_has_no_room_is_not_given_in_part(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROOM", PIECE)

    async def reply(_: bytes) -> bytes:
        return bytes(3 * PIECE)

    await Answers(bus, "huge", reply).serve()
    with pytest.raises(Silent, match="rest"):
        await pieces.ask(bus, "huge", b"?", within_s=5)
