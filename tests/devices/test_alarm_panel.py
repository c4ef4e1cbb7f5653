"""Panels over real sockets: answered in DC-09's words, and only after the commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from anju.devices.alarm_panel import AlarmPanels, meaning, reports
from anju.domain.changes import Fate
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.domain.supervision import Supervision
from anju.errors import DatabaseAway, WireError
from anju.protocols.contact_id import SIA
from anju.protocols.dc09 import Frame, FrameReader, Signal, Telegram, framed
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
        self.wrong: list[bytes] = []
        self.supervision = Supervision("dc09", since=NOW)
        self.panels = AlarmPanels(
            emit=self._emit,
            heard=self._hear,
            key_for={"0/ABCD": KEY}.get,
            clock=lambda: self.now,
            wrong=self._note,
            supervision=self.supervision,
        )

    async def _emit(self, report: DeviceReport) -> Fate | None:
        if self.away:
            raise DatabaseAway("gone")
        if report.account not in {"0/1234", "0/ABCD"}:
            return None
        self.kept.append(report)
        return Fate.KEPT

    async def _hear(self, account: str, _peer: str) -> bool:
        self.heard.append(account)
        return account == "0/1234"

    async def _note(self, error: WireError, _peer: str) -> None:
        self.wrong.append(error.data)

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


async def test_a_panel_with_a_key_is_not_believed_in_clear(door: Door) -> None:
    assert await door.say(framed(b'"ADM-CID"0001L0#ABCD[1401 01 003]')) == b""
    assert door.panels.rejected["clear where encryption is agreed"] == 1


async def test_a_panel_with_another_key_repeats_until_the_key_is_mended(door: Door) -> None:
    assert await door.say(Frame("NULL", 1, account="ABCD", encrypted=True, timestamp=NOW).encode(KEY[::-1])) == b""


async def test_a_clear_frame_that_says_nothing_is_not_to_be_repeated(door: Door) -> None:
    assert b'"DUH"0007L0#1234[]' in await door.say(framed(b'"ADM-CID"0007L0#1234[[['))


async def test_supervision_of_an_unknown_account_gets_no_answer(door: Door) -> None:
    assert await door.say(framed(b'"NULL"0000L0#9999[]')) == b""


async def test_answers_nobody_asked_for_get_none(door: Door) -> None:
    assert await door.say(C7 + framed(b'"RSP"0001L0#1234[]')) == b""
    assert door.panels.rejected["answer to no question"] == 2


async def test_the_bytes_of_what_was_wrong_are_handed_on(door: Door) -> None:
    bad = C1.replace(b"130", b"131")
    await door.say(bad)
    assert door.wrong == [bad]


async def test_a_panel_that_falls_silent_is_reported_until_it_is_back(door: Door) -> None:
    door.supervision.restore("0/1234", interval_s=60)
    door.now += timedelta(seconds=150)
    await door.panels.tell_silence()
    await door.panels.tell_silence()
    await door.say(C5)
    await door.panels.tell_silence()
    found = [(each.kind, each.state, each.code) for each in door.kept]
    assert found == [(EventKind.COMMUNICATION, state, "silent") for state in (EventState.ACTIVE, EventState.CLEARED)]


async def test_a_silence_nobody_could_keep_is_told_later(door: Door) -> None:
    door.supervision.restore("0/1234", interval_s=60)
    door.now, door.away = NOW + timedelta(seconds=150), True
    await door.panels.tell_silence()
    door.away = False
    await door.panels.tell_silence()
    assert [each.state for each in door.kept] == [EventState.ACTIVE]


async def test_a_user_number_is_not_a_zone(door: Door) -> None:
    await door.say(framed(b'"ADM-CID"0001L0#1234[3401 01 003]'))
    assert [(each.kind, each.zone, each.detail["user"]) for each in door.kept] == [(EventKind.ARM, "", "003")]


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
        ("155", "1", EventKind.INTRUSION, EventState.ACTIVE),
        ("302", "3", EventKind.POWER, EventState.CLEARED),
        ("305", "1", EventKind.INFO, EventState.INFO),
        ("373", "1", EventKind.FAULT, EventState.ACTIVE),
        ("421", "1", EventKind.ACCESS_DENIED, EventState.INFO),
        ("570", "1", EventKind.BYPASS, EventState.ACTIVE),
        ("602", "1", EventKind.TEST, EventState.INFO),
        ("607", "3", EventKind.TEST, EventState.CLEARED),
        ("999", "1", EventKind.INFO, EventState.INFO),
    ],
)
def test_contact_id_codes_mean(code: str, qualifier: str, kind: EventKind, state: EventState) -> None:
    found = meaning(Signal("contact_id", code, qualifier, "01", "003"))
    assert found == (kind, state, ("code_unknown",) if code == "999" else ())


def test_an_unknown_code_of_a_known_group_keeps_its_danger() -> None:
    assert meaning(Signal("contact_id", "119", "1", "01", "003")) == (
        EventKind.FIRE,
        EventState.ACTIVE,
        ("code_unknown",),
    )


@pytest.mark.parametrize("code", SIA)
def test_every_sia_code_we_have_a_word_for_means_something(code: str) -> None:
    kind, state, flags = meaning(Signal("sia", code, "N", "1", "003"))
    assert flags == ()
    assert (kind is EventKind.INFO) <= (state is EventState.INFO)


def test_every_event_of_a_frame_has_a_key_of_its_own() -> None:
    (telegram,) = FrameReader().feed(framed(b'"SIA-DCS"0001L0#1234[Nri1/BA003/TA004]'))
    assert isinstance(telegram, Telegram)
    found = reports(telegram.open(), telegram, "127.0.0.1")
    assert [each.dedup_key for each in found] == ["0/1234|0001|-", "0/1234|0001|-|1"]
