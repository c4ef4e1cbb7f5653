"""Panels over real sockets: answered in DC-09's words, and only after the commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from anju.devices.alarm_panel import AlarmPanels, meaning
from anju.domain.changes import Fate
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.errors import DatabaseAway
from anju.protocols.dc09 import Signal, framed
from tests.protocols.test_dc09 import C1, C2, C5, C6, C7, KEY

NOW = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
NO_EVENT = framed(b'"ADM-CID"0009R1L0#1234[#1234|nothing]')


class Door:
    """An open front door with its answers to hand."""

    def __init__(self) -> None:
        self.port = 0
        self.kept: list[DeviceReport] = []
        self.heard: list[str] = []
        self.away = False
        self.now = NOW
        self.panels = AlarmPanels(emit=self._emit, heard=self._hear, key_for=lambda _: KEY, clock=lambda: self.now)

    async def _emit(self, report: DeviceReport) -> Fate | None:
        if self.away:
            raise DatabaseAway("gone")
        if report.account not in {"0/1234", "0/ABCD"}:
            return None
        self.kept.append(report)
        return Fate.KEPT

    async def _hear(self, account: str, _peer: str) -> None:
        self.heard.append(account)

    async def say(self, *pieces: bytes) -> bytes:
        """Send ``pieces`` one by one, hang up, and return all that was answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest_asyncio.fixture(loop_scope="session")
async def door() -> AsyncIterator[Door]:
    door = Door()
    door.port = await door.panels.open("127.0.0.1", 0)
    yield door
    await door.panels.close()


async def test_a_report_is_kept_and_acknowledged(door: Door) -> None:
    assert await door.say(C1) == C7
    assert [(each.kind, each.state, each.area, each.zone) for each in door.kept] == [
        (EventKind.INTRUSION, EventState.ACTIVE, "01", "003")
    ]


async def test_joined_and_split_frames_are_all_kept(door: Door) -> None:
    await door.say(C1 + C2[:20], C2[20:])
    assert [each.state for each in door.kept] == [EventState.ACTIVE, EventState.CLEARED]


async def test_supervision_is_heard_and_answered(door: Door) -> None:
    assert b'"ACK"0000R1L0#1234[]' in await door.say(C5)
    assert door.heard == ["0/1234"]


async def test_an_encrypted_report_gets_an_encrypted_answer(door: Door) -> None:
    assert b'"*ACK"0005R1L0#ABCD[' in await door.say(C6)


async def test_an_old_encrypted_report_is_told_our_time(door: Door) -> None:
    door.now = NOW + timedelta(minutes=1)
    assert b'"NAK"0000R0L0A0[]_08:16:31,11-22-2026' in await door.say(C6)
    assert door.kept == []


async def test_nothing_is_answered_while_the_database_is_away(door: Door) -> None:
    door.away = True
    assert await door.say(C1) == b""


async def test_a_frame_without_an_event_is_not_to_be_repeated(door: Door) -> None:
    assert b'"DUH"0009R1L0#1234[]' in await door.say(NO_EVENT)
    assert door.panels.rejected["no Contact ID event"] == 1


async def test_an_unknown_account_gets_no_answer(door: Door) -> None:
    foreign = b'\n1787003D"ADM-CID"0001R1L0#9999[#9999|1130 01 003]_08:15:30,11-22-2026\r'
    assert await door.say(foreign) == b""


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", C1[:-5], b"\n" * 5000, bytes(range(256)) * 20])
async def test_garbage_gets_no_answer_and_does_not_stop_the_next(door: Door, garbage: bytes) -> None:
    assert await door.say(garbage + bytes(1100) + C1 + C1) in {C7, C7 + C7}


async def test_udp_panels_are_answered_too(door: Door) -> None:
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _addr: tuple[str, int]) -> None:
            answered.set_result(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", door.port))
    transport.sendto(C1)
    async with asyncio.timeout(5):
        assert await answered == C7
    transport.close()


@pytest.mark.parametrize(
    ("code", "qualifier", "kind", "state"),
    [
        ("110", "1", EventKind.FIRE, EventState.ACTIVE),
        ("115", "1", EventKind.FIRE_MANUAL, EventState.ACTIVE),
        ("121", "1", EventKind.DURESS, EventState.ACTIVE),
        ("120", "3", EventKind.PANIC, EventState.CLEARED),
        ("131", "6", EventKind.INTRUSION, EventState.ACTIVE),
        ("144", "1", EventKind.TAMPER, EventState.ACTIVE),
        ("401", "1", EventKind.DISARM, EventState.INFO),
        ("401", "3", EventKind.ARM, EventState.INFO),
        ("999", "1", EventKind.INFO, EventState.INFO),
    ],
)
def test_contact_id_codes_mean(code: str, qualifier: str, kind: EventKind, state: EventState) -> None:
    found = meaning(Signal("contact_id", code, qualifier, "01", "003"))
    assert found == (kind, state, ("code_unknown",) if code == "999" else ())
