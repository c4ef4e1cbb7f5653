"""Alarm panels that report by SIA DC-09, over TCP or UDP: wire telegrams become reports, answers follow the commit.

An ACK means "on disk". An account nobody registered, a broken frame and a database that is away get no answer: the
panel repeats. What is well formed and cannot be understood gets DUH: the panel must not repeat it.
Source: 5.1.2.4-e (signal, time, place, event type), 5.1.3-a (third-party alarm devices join).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

from anju.domain.changes import Fate
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.errors import DatabaseAway, WireError
from anju.protocols.dc09 import NULL, Frame, FrameReader, Signal, Telegram, nak
from anju.wire.listener import TcpListener, UdpListener

Emit = Callable[[DeviceReport], Awaitable[Fate | None]]
"""Keeps a report; returns after the commit. None: nobody registered that account."""
KeyFor = Callable[[str], bytes | None]
Heard = Callable[[str, str], Awaitable[None]]

IDLE_S = 3600.0  # panels keep a line open between supervision messages
SEND_S = 10.0

_EXACT = {
    "115": EventKind.FIRE_MANUAL,
    "121": EventKind.DURESS,
    "124": EventKind.DURESS,
    "125": EventKind.DURESS,
    "137": EventKind.TAMPER,
    "144": EventKind.TAMPER,
    "145": EventKind.TAMPER,
    "383": EventKind.TAMPER,
    "143": EventKind.FAULT,
    "147": EventKind.FAULT,
    "151": EventKind.GAS,
    "162": EventKind.GAS,
    "154": EventKind.WATER,
    "301": EventKind.POWER,
    "302": EventKind.POWER,
    "309": EventKind.POWER,
    "311": EventKind.POWER,
    "384": EventKind.POWER,
    "421": EventKind.ACCESS_DENIED,
    "423": EventKind.DOOR_FORCED,
    "426": EventKind.DOOR_HELD,
    "422": EventKind.INFO,
    "461": EventKind.ACCESS_DENIED,
}
_GROUP = {
    "10": EventKind.HELP,
    "11": EventKind.FIRE,
    "12": EventKind.PANIC,
    "13": EventKind.INTRUSION,
    "14": EventKind.INTRUSION,
    "15": EventKind.ENVIRONMENT,
    "20": EventKind.FIRE_SUPERVISORY,
    "30": EventKind.FAULT,
    "31": EventKind.POWER,
    "32": EventKind.FAULT,
    "33": EventKind.FAULT,
    "34": EventKind.COMMUNICATION,
    "35": EventKind.COMMUNICATION,
    "37": EventKind.FAULT,
    "38": EventKind.FAULT,
    "57": EventKind.BYPASS,
    "60": EventKind.TEST,
}
_SIA = {
    "BA": (EventKind.INTRUSION, EventState.ACTIVE),
    "BH": (EventKind.INTRUSION, EventState.CLEARED),
    "BR": (EventKind.INTRUSION, EventState.CLEARED),
    "BB": (EventKind.BYPASS, EventState.ACTIVE),
    "BU": (EventKind.BYPASS, EventState.CLEARED),
    "PA": (EventKind.PANIC, EventState.ACTIVE),
    "HA": (EventKind.DURESS, EventState.ACTIVE),
    "TA": (EventKind.TAMPER, EventState.ACTIVE),
    "TR": (EventKind.TAMPER, EventState.CLEARED),
    "FA": (EventKind.FIRE, EventState.ACTIVE),
    "FH": (EventKind.FIRE, EventState.CLEARED),
    "GA": (EventKind.GAS, EventState.ACTIVE),
    "WA": (EventKind.WATER, EventState.ACTIVE),
    "KA": (EventKind.FIRE, EventState.ACTIVE),
    "MA": (EventKind.HELP, EventState.ACTIVE),
    "AT": (EventKind.POWER, EventState.ACTIVE),
    "AR": (EventKind.POWER, EventState.CLEARED),
    "YT": (EventKind.POWER, EventState.ACTIVE),
    "YR": (EventKind.POWER, EventState.CLEARED),
    "OP": (EventKind.DISARM, EventState.INFO),
    "OA": (EventKind.DISARM, EventState.INFO),
    "CL": (EventKind.ARM, EventState.INFO),
    "CA": (EventKind.ARM, EventState.INFO),
    "RP": (EventKind.TEST, EventState.INFO),
    "RX": (EventKind.TEST, EventState.INFO),
    "YC": (EventKind.COMMUNICATION, EventState.ACTIVE),
    "YK": (EventKind.COMMUNICATION, EventState.CLEARED),
}
_QUALIFIER = {"1": EventState.ACTIVE, "3": EventState.CLEARED, "6": EventState.ACTIVE}
_SETTINGS = frozenset({"400", "401", "403", "407", "408", "409", "441", "456"})


def meaning(signal: Signal) -> tuple[EventKind, EventState, tuple[str, ...]]:
    """Return what a panel's code says in Anju's words; an unknown code is told as INFO and flagged, never refused."""
    unknown = (EventKind.INFO, EventState.INFO, ("code_unknown",))
    if signal.code_space == "sia":
        known = _SIA.get(signal.code)
        return (*known, ()) if known else unknown
    if signal.code in _SETTINGS:  # 1 opens (disarms), 3 closes (arms)
        return (EventKind.ARM if signal.qualifier == "3" else EventKind.DISARM), EventState.INFO, ()
    kind = _EXACT.get(signal.code) or _GROUP.get(signal.code[:2])
    return (kind, _QUALIFIER[signal.qualifier], ()) if kind else unknown


def reports(frame: Frame, telegram: Telegram, peer: str) -> list[DeviceReport]:
    """Return the reports of one frame; one that holds several events gives each a key of its own."""
    found = []
    for number, signal in enumerate(frame.signals()):
        kind, state, flags = meaning(signal)
        found.append(
            DeviceReport(
                protocol="dc09",
                account=frame.source,
                kind=kind,
                state=state,
                code_space=signal.code_space,
                code=signal.code,
                area=signal.area,
                zone=signal.zone,
                occurred_at=frame.timestamp,
                dedup_key=frame.dedup_key if number == 0 else f"{frame.dedup_key}|{number}",
                dedup_window_s=frame.dedup_window_s,
                frame=telegram.raw,
                peer=peer,
                flags=(*flags, "time_unreadable") if frame.timed_badly else flags,
                detail={"qualifier": signal.qualifier, "text": signal.text, "extensions": list(frame.extensions)},
            )
        )
    return found


class AlarmPanels:
    """The front door of all DC-09 panels of a node. ``rejected`` counts what was not understood, by reason."""

    def __init__(self, *, emit: Emit, heard: Heard, key_for: KeyFor, clock: Callable[[], datetime]) -> None:
        self._emit, self._heard, self._key_for, self._clock = emit, heard, key_for, clock
        self._tcp, self._udp = TcpListener(self._talk), UdpListener(self._datagram)
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
            self.rejected[rest.reason] += 1

    async def _datagram(self, data: bytes, peer: str) -> list[bytes]:
        frames = FrameReader()
        found: list[Telegram | WireError] = [*frames.feed(data)]
        if rest := frames.rest():
            found.append(rest)
        return [answer for each in found if (answer := await self._answer(each, peer))]

    async def _answer(self, each: Telegram | WireError, peer: str) -> bytes | None:
        """Return the answer on the wire, None for silence."""
        if isinstance(each, WireError):
            self.rejected[each.reason] += 1
            return None
        key = self._key_for(each.source)
        try:
            frame = each.open(key)
        except WireError as error:
            self.rejected[error.reason] += 1
            return None
        now = self._clock()
        if frame.encrypted and not frame.timely(now):
            self.rejected["outside the time window"] += 1
            return nak(now).encode()
        return await self._keep(frame, each, peer, key)

    async def _keep(self, frame: Frame, telegram: Telegram, peer: str, key: bytes | None) -> bytes | None:
        try:
            if frame.token == NULL:
                await self._heard(frame.source, peer)
                return frame.ack(self._clock()).encode(key)
            fates = [await self._emit(each) for each in reports(frame, telegram, peer)]
        except DatabaseAway:
            self.rejected["database away"] += 1
            return None
        except WireError as error:
            self.rejected[error.reason] += 1
            return frame.duh().encode()
        if None in fates:
            self.rejected["unknown account"] += 1
            return None
        return frame.ack(self._clock()).encode(key)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(IDLE_S):
            return await reader.read(4096)
    except TimeoutError:
        return b""
