"""Three nodes over real sockets and real TLS: what the community keeps is at the city, and nobody else gets in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from anju.devices.lower_platform import Doors, LowerPlatforms, serve
from anju.domain import docking as words
from anju.domain.changes import Lane
from anju.domain.commands import Command
from anju.domain.docking import Expired, Lower, LowerState, Upper, UpperState
from anju.domain.far_pictures import Asked, Given
from anju.pipeline.remote import Receiver
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.store import links
from anju.upward.docking import Hands, Uplink
from anju.wire import signing, tls
from anju.wire.http import HttpServer, SignedClient
from tests.flows.test_tiers import HOME, Tier, tiers

__all__ = ["tiers"]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Station:
    """A tier with its key, its certificate, its door for those below and its link upward."""

    tier: Tier
    keys: NodeKeys
    certificate: Path
    key: Path
    waiting: list[Command] = field(default_factory=list)
    done: list[Command] = field(default_factory=list)
    grown: set[Lane] = field(default_factory=set)
    reported: list[tuple[Expired, bool]] = field(default_factory=list)
    port: int = 0
    picture: Callable[[Asked], Awaitable[Given]] | None = None
    door: LowerPlatforms = field(init=False)
    server: HttpServer = field(init=False)

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    async def take(self, _: str) -> list[Command]:
        taken, self.waiting = self.waiting, []
        return taken

    async def perform(self, command: Command) -> None:
        self.done.append(command)

    async def report(self, gone: Expired, active: bool) -> None:  # noqa: FBT001 - the link's signature
        self.reported.append((gone, active))

    async def told(self, lanes: frozenset[Lane]) -> None:
        self.grown |= lanes

    async def open(self) -> None:
        receiver = Receiver(self.tier.db, self.tier.node, told=self.told, clock=now)

        async def pair(_: words.PairAsk) -> words.PairAnswer:
            raise AssertionError

        doors = Doors(receiver.receive, receiver.resync, pair, self.take)
        self.door = LowerPlatforms(self.tier.db, self.tier.node, doors, clock=now)
        self.server = await serve(self.door, "127.0.0.1", self.port, self.certificate, self.key)
        self.port = self.server.port

    async def close(self) -> None:
        self.door.stop()
        await self.server.close()

    @asynccontextmanager
    async def linked(self) -> AsyncIterator[Uplink]:
        """Run the link upward while the block runs."""
        log = OperatorLog(self.tier.db, self.keys, node=self.tier.node.id)

        async def head() -> words.Head | None:
            found = await log.anchor()
            return words.Head(found.node, found.seq, found.sha256, found.sm3, found.signature) if found else None

        hands = Hands(self.keys.sign, self.perform, head, self.report, self.picture)
        link = Uplink(self.tier.db, self.tier.node, hands, clock=now)
        running = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def client(self, upper: "Station", **changed: object) -> SignedClient:
        """Return a hand to knock at the door of ``upper`` with."""
        told = {"sign": self.keys.sign, "node": self.tier.node.id, "epoch": self.tier.node.epoch, "clock": now}
        url = f"https://127.0.0.1:{upper.port}"
        return SignedClient(url, tls.pinned(upper.pem), **(told | changed))  # type: ignore[arg-type]


async def know(upper: Station, lower: Station) -> None:
    """Let the two be paired already."""
    node = lower.tier.node
    asking = Lower(node.id, node.name, node.tier, lower.keys.public, "", LowerState.PENDING)
    link = Upper(
        f"https://127.0.0.1:{upper.port}", upper.pem, upper.tier.node.id, upper.tier.node.name, "", UpperState.WAITING
    )
    async with upper.tier.db.transaction() as tx:
        await links.ask_in(tx, asking, at=now())
        await links.approve(tx, node.id, region="/510800/", by="tester")
    async with lower.tier.db.transaction() as tx:
        await links.put_upper(tx, link, at=now())


@pytest_asyncio.fixture(loop_scope="session")
async def stations(tiers: list[Tier], tmp_path: Path) -> AsyncIterator[list[Station]]:
    found = []
    for tier in tiers:
        folder = tmp_path / tier.node.id
        tier.clock.now = now()
        certificate, key = tls.make_certificate(tier.node.name, folder, now=now())
        found.append(Station(tier, NodeKeys.load_or_make(folder), certificate, key))
    for upper, lower in zip(found[1:], found[:-1], strict=True):
        await upper.open()
        await know(upper, lower)
    yield found
    for upper in found[1:]:
        await upper.close()


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 15) -> None:
    """Return once ``true``; fail after ``within_s``."""
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110 - another process's commit sets no event here
            await asyncio.sleep(0.02)


def has(station: Station, table: str, count: int) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return await station.tier.count(table) == count

    return looked


def stands(station: Station, state: UpperState) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        link = await links.upper(station.tier.db)
        return link is not None and link.state is state

    return looked


async def test_an_alarm_goes_over_two_tls_links_to_the_city(stations: list[Station]) -> None:
    community, county, city = stations
    async with community.linked(), county.linked():
        await community.tier.keep(3)
        await until(has(city, "alarm_step", 3))
        await until(has(city, "event", 3))
    assert city.grown == {Lane.ALARMS, Lane.BULK}


async def test_the_link_says_that_it_lives_and_both_sides_see_it(stations: list[Station]) -> None:
    community, county, _ = stations
    async with community.linked():
        await until(stands(community, UpperState.LIVE))
    row = await county.tier.db.fetch_one("SELECT last_seen, backlog, delay_ms FROM lower_node")
    assert row
    assert row[0]
    assert row[1:] == ({"alarms": 0, "bulk": 0}, 0)


async def test_the_tier_above_hears_the_name_that_set_up_gave(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.db.execute("UPDATE node SET name = '东坝二号院'")

    async def heard() -> bool:
        row = await county.tier.db.fetch_one("SELECT name FROM lower_node")
        return row == ("东坝二号院",)

    async with community.linked():
        await until(heard)


async def test_a_door_that_shuts_and_opens_again_costs_nothing(stations: list[Station]) -> None:
    community, county, _ = stations
    async with community.linked():
        await community.tier.keep(5)
        await until(has(county, "event", 5))
        await county.close()
        await community.tier.keep(5)
        await until(stands(community, UpperState.AWAY))
        await county.open()
        await until(has(county, "event", 10))
        await until(stands(community, UpperState.LIVE))


async def test_both_lanes_leave_a_dead_line_once_anything_is_heard_again(stations: list[Station]) -> None:
    community, county, _ = stations
    greeted: set[asyncio.StreamWriter] = set()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.add(writer)
        with contextlib.suppress(OSError):
            while await reader.read(4096):
                pass
        writer.close()

    async def both_wait() -> bool:
        return len(greeted) >= 2

    await county.close()
    dead = await asyncio.start_server(mute, "127.0.0.1", county.port)
    async with community.linked():
        await community.tier.keep(2)
        await until(both_wait)
        dead.close()
        await county.open()
        await until(has(county, "alarm", 2))
        await until(has(county, "event", 2))
    for writer in greeted:
        writer.close()


async def test_a_command_goes_down_while_the_lower_tier_waits(stations: list[Station]) -> None:
    community, county, _ = stations
    async with community.linked():
        await until(stands(community, UpperState.LIVE))
        county.waiting.append(COMMAND)
        county.door.wake()
        await until(done(community, 1))
    assert community.done == [COMMAND]


def done(station: Station, count: int) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return len(station.done) == count

    return looked


async def test_who_polls_is_answered_at_once_when_the_door_shuts(stations: list[Station]) -> None:
    community, county, _ = stations
    client = community.client(county)
    poll = asyncio.create_task(client.send("POST", words.COMMANDS, wait_s=30))
    await until(polling(county))
    county.door.stop()
    async with asyncio.timeout(2):
        assert await poll == (200, b'{"commands":[],"asked":[]}')
    await client.close()


def polling(station: Station) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return bool(await station.tier.count("replay_nonce"))

    return looked


async def test_a_node_that_falls_silent_is_told_once_and_its_return_too(stations: list[Station]) -> None:
    community, county, _ = stations
    told: list[tuple[str, bool]] = []

    async def tell(node: Lower, silent: bool) -> None:  # noqa: FBT001 - the door's signature
        told.append((node.node, silent))

    client = community.client(county)
    for ago in ("2 minutes", "2 minutes", "0"):
        await client.send("POST", words.HEARTBEAT, BEAT)
        await county.tier.db.execute("UPDATE lower_node SET last_seen = last_seen - %(ago)s::interval", ago=ago)
        await county.door.tell_silence(tell)
    await client.close()
    assert told == [("community", True), ("community", False)]


BEAT = msgspec.json.encode(words.Beat("c", "community", {}, 0))
COMMAND = msgspec.convert(
    {
        "id": "0198f000-0000-7000-8000-000000000001",
        **dict.fromkeys(("principal_id", "principal_name", "principal_node", "target_id", "jurisdiction"), "x"),
        "action": "arm",
        "target_kind": "device",
        "site_id": "site",
        "place_path": HOME,
        "owner_node": "community",
        "body": {},
        "wanted_at": "2026-11-22T08:15:30Z",
        "deadline": "2026-11-22T08:16:30Z",
    },
    Command,
)


async def refusal(client: SignedClient, path: str = words.HEARTBEAT, body: bytes = BEAT) -> tuple[int, str]:
    status, answer = await client.send("POST", path, body)
    await client.close()
    return status, msgspec.json.decode(answer, type=words.Refusal).code


async def test_an_unknown_node_is_refused(stations: list[Station]) -> None:
    community, county, _ = stations
    assert await refusal(community.client(county, node="stranger")) == (401, "unknown")


async def test_another_key_is_refused(stations: list[Station]) -> None:
    community, county, city = stations
    assert await refusal(community.client(county, sign=city.keys.sign)) == (401, "bad_signature")


async def test_a_clock_too_far_off_is_told_so(stations: list[Station]) -> None:
    community, county, _ = stations
    past = datetime(2020, 1, 1, tzinfo=UTC)
    assert await refusal(community.client(county, clock=lambda: past)) == (401, "clock")


async def test_a_request_sent_twice_is_refused(stations: list[Station]) -> None:
    community, county, _ = stations
    request = head(words.HEARTBEAT, signed(community, words.HEARTBEAT, BEAT), len(BEAT)) + BEAT
    assert b" 200 " in await knock(county, request)
    assert b" 401 " in await knock(county, request)
    assert county.door.rejected["replayed"] == 1


def signed(station: Station, path: str, body: bytes) -> dict[str, str]:
    node = station.tier.node
    sender = {"node": node.id, "epoch": node.epoch, "at": now()}
    return signing.headers(station.keys.sign, method="POST", path=path, body=body, **sender)  # type: ignore[arg-type]


async def knock(station: Station, request: bytes) -> bytes:
    """Send raw bytes; return the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", station.port, ssl=tls.pinned(station.pem))
    writer.write(request)
    try:
        return await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(("state", "code"), [("pending", "pending"), ("revoked", "revoked")])
async def test_who_is_not_approved_sends_nothing(stations: list[Station], state: str, code: str) -> None:
    community, county, _ = stations
    await county.tier.db.execute("UPDATE lower_node SET state = %(state)s", state=state)
    assert await refusal(community.client(county)) == (403, code)


async def test_a_revoked_node_stops_and_says_why(stations: list[Station]) -> None:
    community, county, _ = stations
    async with community.linked():
        await until(stands(community, UpperState.LIVE))
        async with county.tier.db.transaction() as tx:
            await links.revoke(tx, "community")
        await until(stands(community, UpperState.REFUSED))
    link = await links.upper(community.tier.db)
    assert link
    assert link.reason == "revoked"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"node":',
        b"\xff" * 100,
        b"[" * 100_000,
        b'{"node":"other","epoch":1,"lane":"alarms","rows":[]}',
        b'{"node":"community","epoch":1,"lane":"../x","rows":[]}',
    ],
)
async def test_nonsense_is_refused_and_the_door_stays_open(stations: list[Station], body: bytes) -> None:
    community, county, _ = stations
    assert await refusal(community.client(county), words.ROWS, body) == (422, "malformed")
    assert county.door.rejected["malformed"] == 1


async def test_a_body_over_8_mib_is_refused_unread(stations: list[Station]) -> None:
    community, county, _ = stations
    request = head(words.ROWS, signed(community, words.ROWS, b""), 9 * 1024 * 1024)
    assert b" 413 " in await knock(county, request)


async def test_a_node_cut_off_in_mid_body_disturbs_nobody(stations: list[Station]) -> None:
    community, county, _ = stations
    _, writer = await asyncio.open_connection("127.0.0.1", county.port, ssl=tls.pinned(county.pem))
    writer.write(head(words.ROWS, signed(community, words.ROWS, b""), 1000) + b"half of it")
    await writer.drain()
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    await until(rejected(county, "cut_off"))
    async with community.linked():
        await community.tier.keep(1)
        await until(has(county, "event", 1))


def rejected(station: Station, reason: str) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return station.door.rejected[reason] > 0

    return looked


def head(path: str, told: dict[str, str], length: int) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: county", f"content-length: {length}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in told.items()), "", ""]).encode()


async def test_another_certificate_is_not_the_tier_above(stations: list[Station]) -> None:
    community, county, city = stations
    async with community.tier.db.transaction() as tx:
        link = Upper(f"https://127.0.0.1:{county.port}", city.pem, "county", "county", "", UpperState.WAITING)
        await links.put_upper(tx, link, at=now())
    async with community.linked():
        await community.tier.keep(1)
        await until(stands(community, UpperState.AWAY))
    assert await county.tier.count("event") == 0
