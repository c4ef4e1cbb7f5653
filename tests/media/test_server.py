"""The viewers' door: in by ticket, bounded, out with a reason, and every viewing is told from begin to end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect

from anju.domain.viewing import Viewing
from anju.errors import Conflict, DatabaseAway, Forbidden
from anju.media.server import ViewerServer, Watch
from anju.media.viewers import Viewer, said


@dataclass(slots=True)
class Hall:
    """Lets in whoever has the ticket ``good``, and shows one message."""

    why: str = ""
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    book: list[tuple[Any, ...]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False
    refusal: str = ""

    async def admit(self, ticket: str, peer: str) -> "Guest":
        if ticket != "good":
            raise Forbidden("ticket_over", "no")
        return Guest(self, Viewing("c1"), peer)

    @asynccontextmanager
    async def show(self, viewing: Viewing, viewer: Viewer) -> AsyncIterator[Watch]:
        if self.refusal:
            raise Conflict(self.refusal, "no")
        assert viewing.channel_id == "c1"
        viewer.say(said("state", "playing"))
        yield Screen(self)


@dataclass(slots=True)
class Guest:
    hall: Hall
    viewing: Viewing
    peer: str

    async def why_over(self) -> str:
        return self.hall.why

    async def began(self) -> None:
        if self.hall.away:
            raise DatabaseAway("gone")
        self.hall.book.append(("began", self.viewing.channel_id, self.peer))

    async def ended(self, code: str, seconds: float) -> None:
        self.hall.book.append(("ended", code, seconds < 10))


@dataclass(slots=True)
class Screen:
    hall: Hall

    async def hear(self, message: dict[str, Any]) -> None:
        self.hall.heard.append(message)

    async def over(self) -> str:
        await self.hall.ends.wait()
        return "finished"


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest_asyncio.fixture(loop_scope="session")
async def door(hall: Hall) -> AsyncIterator[Callable[..., Any]]:
    server = ViewerServer(hall.admit, hall.show, most=4, most_of_one=3)
    port = await server.open("127.0.0.1", 0)

    def at(path: str = "/stream?ticket=good") -> Any:
        return connect(f"ws://127.0.0.1:{port}{path}", proxy=None)

    yield at
    await server.close()


async def word(line: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        found: dict[str, Any] = msgspec.json.decode(await line.recv())
        return found


@pytest.mark.parametrize("path", ["/stream", "/stream?ticket=bad", "/else?ticket=good", "/stream?ticket="])
async def test_nobody_comes_in_without_a_ticket(door: Callable[..., Any], hall: Hall, path: str) -> None:
    async with door(path) as line:
        told = await word(line)
    assert (told["type"], told["code"], hall.book) == ("end", "ticket_over", [])


async def test_a_viewing_is_written_down_from_begin_to_end(door: Callable[..., Any], hall: Hall) -> None:
    async with door() as line:
        assert (await word(line))["code"] == "playing"
        hall.ends.set()
        assert (await word(line))["code"] == "finished"
    assert hall.book == [("began", "c1", "127.0.0.1"), ("ended", "finished", True)]


async def test_who_leaves_is_noticed(door: Callable[..., Any], hall: Hall) -> None:
    async with door() as line:
        await word(line)
    async with asyncio.timeout(5):
        while len(hall.book) < 2:  # noqa: ASYNC110 - the other side of a socket
            await asyncio.sleep(0.01)
    assert hall.book[-1] == ("ended", "left", True)


async def test_who_may_no_more_is_sent_away_with_the_reason(door: Callable[..., Any], hall: Hall) -> None:
    async with door() as line:
        await word(line)
        hall.why = "forbidden"
        told = await word(line)
    assert (told["type"], told["code"]) == ("end", "forbidden")


async def test_nobody_looks_while_it_cannot_be_written_down(door: Callable[..., Any], hall: Hall) -> None:
    hall.away = True
    async with door() as line:
        assert (await word(line))["code"] == "media_away"


async def test_what_cannot_be_shown_says_why(door: Callable[..., Any], hall: Hall) -> None:
    hall.refusal = "no_recording"
    async with door() as line:
        assert (await word(line))["code"] == "no_recording"


async def test_one_address_does_not_take_all_places(door: Callable[..., Any]) -> None:
    async with door() as first, door() as second, door() as third, door() as fourth:
        codes = [(await word(line))["code"] for line in (first, second, third, fourth)]
    assert sorted(codes) == ["playing", "playing", "playing", "too_many_viewers"]


async def test_nonsense_from_a_viewer_is_left(door: Callable[..., Any], hall: Hall) -> None:
    async with door() as line:
        await word(line)
        for text in ("", "[", "[1]", b"\xff\xfe", '{"type":"pause"}'):
            await line.send(text)
        async with asyncio.timeout(5):
            while not hall.heard:  # noqa: ASYNC110 - the other side of a socket
                await asyncio.sleep(0.01)
        hall.ends.set()
        assert (await word(line))["code"] == "finished"
    assert hall.heard == [{"type": "pause"}]
