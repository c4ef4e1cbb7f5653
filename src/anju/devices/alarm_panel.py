"""Alarm panels that report by SIA DC-09, over TCP or UDP: wire telegrams become reports, answers follow the commit.

An ACK means "on disk". An account nobody registered, a broken frame and a database that is away get no answer: the
panel repeats. What is well formed and cannot be understood gets DUH: the panel must not repeat it.
Source: 5.1.2.4-e (signal, time, place, event type), 5.1.3-a (third-party alarm devices join).
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

from anju.domain.changes import Fate
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.domain.supervision import Supervision
from anju.errors import DatabaseAway, WireError
from anju.protocols.contact_id import meaning as word
from anju.protocols.dc09 import ANSWERS, NULL, Frame, FrameReader, Signal, Telegram, nak
from anju.wire.listener import TcpListener, UdpListener

Emit = Callable[[DeviceReport], Awaitable[Fate | None]]
"""Keeps a report; returns after the commit. None: nobody registered that account."""
KeyFor = Callable[[str], bytes | None]
Heard = Callable[[str, str], Awaitable[bool | None]]
Wrong = Callable[[WireError, str], Awaitable[None]]

IDLE_S = 3600.0  # panels keep a line open between supervision messages
SEND_S = 10.0
PER_ADDRESS = 1_000  # lines: the panels of a whole community may stand behind one router

_EXACT = {
    EventKind.FIRE_MANUAL: "115",
    EventKind.DURESS: "121 124 125",
    EventKind.TAMPER: "137 141 142 144 145 341 383",
    EventKind.FAULT: "143 147 344",
    EventKind.INTRUSION: "155",
    EventKind.GAS: "151 162",
    EventKind.WATER: "154",
    EventKind.POWER: "301 302 308 309 311 338 384",
    EventKind.INFO: "305 306 406 422 425 465",
    EventKind.ACCESS_DENIED: "421 424 461",
    EventKind.DOOR_FORCED: "423",
    EventKind.DOOR_HELD: "426",
}
_GROUP = {
    EventKind.HELP: "10",
    EventKind.FIRE: "11",
    EventKind.PANIC: "12",
    EventKind.INTRUSION: "13 14",
    EventKind.ENVIRONMENT: "15 16",
    EventKind.FIRE_SUPERVISORY: "20 21",
    EventKind.FAULT: "30 31 32 33 34 36 37 38 39",
    EventKind.COMMUNICATION: "35",
    EventKind.INFO: "45 62",
    EventKind.BYPASS: "57",
    EventKind.TEST: "60",
}
_SIA_ACTIVE = {
    EventKind.INTRUSION: "BA BV UA",
    EventKind.PANIC: "PA",
    EventKind.DURESS: "HA",
    EventKind.HELP: "MA QA",
    EventKind.FIRE: "FA KA",
    EventKind.FIRE_SUPERVISORY: "FS",
    EventKind.TAMPER: "TA",
    EventKind.GAS: "GA",
    EventKind.WATER: "WA",
    EventKind.ENVIRONMENT: "ZA",
    EventKind.DOOR_FORCED: "DF",
    EventKind.DOOR_HELD: "DN",
    EventKind.POWER: "AT YT YM XT",
    EventKind.FAULT: "BT FT ET",
    EventKind.COMMUNICATION: "YC LT",
    EventKind.BYPASS: "BB FB",
}
_SIA_CLEARED = {
    EventKind.INTRUSION: "BH BR UH UR",
    EventKind.PANIC: "PH PR",
    EventKind.DURESS: "HH HR",
    EventKind.HELP: "MH MR QH QR",
    EventKind.FIRE: "FH FR KH KR",
    EventKind.FIRE_SUPERVISORY: "FV",
    EventKind.TAMPER: "TH TR",
    EventKind.GAS: "GH GR",
    EventKind.WATER: "WH WR",
    EventKind.ENVIRONMENT: "ZH ZR",
    EventKind.DOOR_FORCED: "DR",
    EventKind.POWER: "AR YR XR",
    EventKind.FAULT: "FJ ER",
    EventKind.COMMUNICATION: "YK LR",
    EventKind.BYPASS: "BU FU",
}
_SIA_TOLD = {
    EventKind.DISARM: "OP OA OR",
    EventKind.ARM: "CL CA CF CP",
    EventKind.ACCESS_DENIED: "DD DK JA",
    EventKind.TEST: "RP RX TS TE",
    EventKind.INFO: "BC DG JT LB LX RR",
}


def _by_code(table: dict[EventKind, str]) -> dict[str, EventKind]:
    return {code: kind for kind, codes in table.items() for code in codes.split()}


_CODES, _GROUPS = _by_code(_EXACT), _by_code(_GROUP)
_SIA = {
    code: (kind, state)
    for state, table in (
        (EventState.ACTIVE, _SIA_ACTIVE),
        (EventState.CLEARED, _SIA_CLEARED),
        (EventState.INFO, _SIA_TOLD),
    )
    for code, kind in _by_code(table).items()
}
_QUALIFIER = {"1": EventState.ACTIVE, "3": EventState.CLEARED, "6": EventState.ACTIVE}
_MOMENTARY = frozenset({EventKind.INFO, EventKind.ACCESS_DENIED, EventKind.TEST})  # they begin and do not last
_SETTINGS = frozenset({"400", "401", "402", "403", "404", "407", "408", "409", "441", "442", "456"})
_SIA_USERS = frozenset({"OP", "CL", "CF", "OR", "BC", "DD", "DG", "JA"})


def meaning(signal: Signal) -> tuple[EventKind, EventState, tuple[str, ...]]:
    """Return what a panel's code says in Anju's words; an unknown code is told as INFO and flagged, never refused.

    A code we have no word for, in a group we know, keeps the group's kind: an unknown 11x is still a fire.
    """
    flags = () if word(signal.code_space, signal.code) else ("code_unknown",)
    if signal.code_space == "sia":
        return (*_SIA.get(signal.code, (EventKind.INFO, EventState.INFO)), flags)
    if signal.code in _SETTINGS:  # 1 opens (disarms), 3 closes (arms)
        return (EventKind.ARM if signal.qualifier == "3" else EventKind.DISARM), EventState.INFO, flags
    kind = _CODES.get(signal.code) or _GROUPS.get(signal.code[:2], EventKind.INFO)
    lasting = kind not in _MOMENTARY or signal.code == "607"  # a walk test begins and ends
    return kind, _QUALIFIER[signal.qualifier] if lasting else EventState.INFO, flags


def names_user(signal: Signal) -> bool:
    """Tell whether the last number is a user, not a zone: the two share numbers and must not be mixed up."""
    if signal.code_space == "sia":
        return signal.code in _SIA_USERS
    return signal.code[0] == "4" and signal.code not in {"423", "426"}


def reports(frame: Frame, telegram: Telegram, peer: str) -> list[DeviceReport]:
    """Return the reports of one frame; one that holds several events gives each a key of its own."""
    found = []
    for number, signal in enumerate(frame.signals()):
        kind, state, flags = meaning(signal)
        user = names_user(signal)
        found.append(
            DeviceReport(
                protocol="dc09",
                account=frame.source,
                kind=kind,
                state=state,
                code_space=signal.code_space,
                code=signal.code,
                area=signal.area,
                zone="" if user else signal.zone,
                occurred_at=frame.timestamp,
                dedup_key=frame.dedup_key if number == 0 else f"{frame.dedup_key}|{number}",
                dedup_window_s=frame.dedup_window_s,
                frame=telegram.raw,
                peer=peer,
                flags=(*flags, "time_unreadable") if frame.timed_badly else flags,
                detail={
                    "qualifier": signal.qualifier,
                    "user": signal.zone if user else "",
                    "text": signal.text,
                    "extensions": list(frame.extensions),
                },
            )
        )
    return found


class AlarmPanels:
    """The front door of all DC-09 panels of a node. ``rejected`` counts what was not understood, by reason.

    ``key_for`` gives the key agreed with ``line/account``; a panel that has one is never believed in clear.
    ``heard`` notes a supervision message; False where nobody registered that account. ``wrong`` gets what the
    protocol forbids, with its bytes. With ``supervision``, ``watch`` tells panels that fell silent.
    """

    def __init__(
        self,
        *,
        emit: Emit,
        heard: Heard,
        key_for: KeyFor,
        clock: Callable[[], datetime],
        wrong: Wrong | None = None,
        supervision: Supervision | None = None,
    ) -> None:
        self._emit, self._heard, self._key_for, self._clock, self._wrong = emit, heard, key_for, clock, wrong
        self._supervision = supervision
        self._tcp = TcpListener(self._talk, most_per_peer=PER_ADDRESS)
        self._udp = UdpListener(self._datagram)
        self.rejected: Counter[str] = Counter()

    async def open(self, host: str, port: int) -> int:
        """Listen on TCP and UDP on the same port; return it."""
        found = await self._tcp.open(host, port)
        await self._udp.open(host, found)
        return found

    async def close(self) -> None:
        """Stop listening; panels repeat what was not answered."""
        await self._tcp.close()
        await self._udp.close()

    async def watch(self, every_s: float = 1.0) -> None:
        """Look for silence until cancelled."""
        while True:
            await self.tell_silence()
            await asyncio.sleep(every_s)

    async def tell_silence(self) -> None:
        """Report the panels that fell silent and those heard again; what cannot be kept now is told next time."""
        if self._supervision is None:
            return
        for each in self._supervision.due(self._clock()):
            try:
                await self._emit(each)
            except DatabaseAway:
                return
            self._supervision.told(each)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        frames = FrameReader()
        while data := await _read(reader):
            for each in frames.feed(data):
                answer = await self._answer(each, peer)
                if answer:
                    writer.write(answer)
                    async with asyncio.timeout(SEND_S):
                        await writer.drain()
        if rest := frames.rest():
            await self._reject(rest, peer)

    async def _datagram(self, data: bytes, peer: str) -> list[bytes]:
        frames = FrameReader()
        found: list[Telegram | WireError] = [*frames.feed(data)]
        if rest := frames.rest():
            found.append(rest)
        return [answer for each in found if (answer := await self._answer(each, peer))]

    async def _answer(self, each: Telegram | WireError, peer: str) -> bytes | None:
        """Return the answer on the wire, None for silence."""
        if isinstance(each, WireError):
            return await self._reject(each, peer)
        key = self._key_for(each.source)
        if each.token in ANSWERS:
            return await self._reject(_wrong("answer to no question", each), peer)
        if key is not None and not each.encrypted:
            return await self._reject(_wrong("clear where encryption is agreed", each), peer)
        try:
            frame = each.open(key)
        except WireError as error:  # a wrong key can be mended and the panel shall repeat; a wrong grammar can not
            return await self._reject(_wrong(error.reason, each), peer, None if each.encrypted else each.bare().duh())
        now = self._clock()
        if frame.encrypted and not frame.timely(now):
            return await self._reject(_wrong("outside the time window", each), peer, nak(now))
        return await self._keep(frame, each, peer, key)

    async def _keep(self, frame: Frame, telegram: Telegram, peer: str, key: bytes | None) -> bytes | None:
        try:
            if frame.token == NULL:
                known = await self._heard(frame.source, peer) is not False
            else:
                known = None not in [await self._emit(each) for each in reports(frame, telegram, peer)]
        except DatabaseAway:
            self.rejected["database away"] += 1
            return None
        except WireError as error:
            return await self._reject(_wrong(error.reason, telegram), peer, frame.duh())
        if not known:
            self.rejected["unknown account"] += 1
            return None
        if self._supervision:
            self._supervision.heard(frame.source, self._clock(), sign=frame.token == NULL)
        return frame.ack(self._clock()).encode(key, filler=secrets.token_hex(8))

    async def _reject(self, error: WireError, peer: str, answer: Frame | None = None) -> bytes | None:
        self.rejected[error.reason] += 1
        if self._wrong:
            try:
                await self._wrong(error, peer)
            except DatabaseAway:
                return None
        return answer.encode() if answer else None


def _wrong(reason: str, telegram: Telegram) -> WireError:
    return WireError(reason, data=telegram.raw, account=telegram.source)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(IDLE_S):
            return await reader.read(4096)
    except TimeoutError:
        return b""
