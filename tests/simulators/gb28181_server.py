"""A platform for tests: it registers, asks and counts, in the words of the standard, and decides nothing."""

import asyncio
import socket
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from anju.protocols import manscdp, nal, rtp
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_text import write_date
from anju.wire.sip import Dialog, Incoming, Peer, SipEndpoint

SERVER, DOMAIN, PASSWORD = "51080200012000000001", "5108020001", "Kamera-2026"
NONCE = "6b2f0c9e41d7a358"


class Server:
    """Takes whoever knows the password; ``heard`` keeps every body by (root, CmdType)."""

    def __init__(self) -> None:
        self.endpoint = SipEndpoint(self._asked)
        self.date: datetime | None = None
        self.keepalive_status = 200
        self.alarm_statuses = [200]
        self.peers = dict[str, Peer]()
        self.expires = dict[str, int]()
        self.registers = defaultdict[str, int](int)
        self.heard = defaultdict[tuple[str, str], list[Message]](list)
        self.bodies = list[bytes]()
        self.invites = asyncio.Queue[Incoming]()
        self.notified = list[Incoming]()
        self._news = asyncio.Condition()
        self._serial = 100

    async def until(self, true: Callable[[], Any], within_s: float = 15.0) -> None:
        """Wait until something heard makes it true."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(true)

    async def ask(self, code: str, build: Callable[[int], Message], *, to: str = "") -> int:
        """Send a question or order; return the SIP status."""
        self._serial += 1
        target = f"sip:{to or code}@{DOMAIN}"
        given = await self.endpoint.request(
            self.peers[code],
            "MESSAGE",
            target,
            from_=f"sip:{SERVER}@{DOMAIN}",
            to=target,
            body=manscdp.write(build(self._serial)),
            content_type="Application/MANSCDP+xml",
        )
        return given.status

    async def answered(self, code: str, command: str, build: Callable[[int], Message], count: int = 1) -> list[Message]:
        """Ask; return the answers with our number once there are ``count``."""
        await self.ask(code, build)
        number = self._serial

        def mine() -> list[Message]:
            return [each for each in self.heard["Response", command] if each.sn == number]

        await self.until(lambda: len(mine()) >= count)
        return mine()

    async def invite(self, code: str, channel: str, sdp: bytes, within_s: float = 15.0) -> Dialog:
        """Ask a channel for a stream."""
        to = f"sip:{channel}@{DOMAIN}"
        subject = ("Subject", f"{channel}:0802000017,{SERVER}:0")
        return await self.endpoint.invite(
            self.peers[code], to, from_=f"sip:{SERVER}@{DOMAIN}", to=to, sdp=sdp, headers=[subject], within_s=within_s
        )

    async def _asked(self, incoming: Incoming) -> None:
        async with self._news:
            await self._dealt(incoming)
            self._news.notify_all()

    async def _dealt(self, incoming: Incoming) -> None:
        request = incoming.request
        if request.method == "REGISTER":
            await self._register(incoming)
        elif request.method == "INVITE":
            self.invites.put_nowait(incoming)
        elif request.method in {"MESSAGE", "NOTIFY"}:
            told = manscdp.read(request.body)
            self.bodies.append(request.body)
            await incoming.reply(self._status(told))
            self.heard[told.root.value, told.cmd_type].append(told)
            if request.method == "NOTIFY":
                self.notified.append(incoming)
        else:
            await incoming.reply(200)

    def _status(self, told: Message) -> int:
        if told.cmd_type == "Keepalive":
            return self.keepalive_status
        if told.cmd_type == "Alarm" and len(self.alarm_statuses) > 1:
            return self.alarm_statuses.pop(0)
        return 200

    async def _register(self, incoming: Incoming) -> None:
        request, code = incoming.request, incoming.request.from_user
        self.registers[code] += 1
        if not _proved(request.headers.get("Authorization"), code):
            challenge = f'Digest realm="{DOMAIN}",nonce="{NONCE}",algorithm=MD5'
            given = "Authorization" in request.headers
            await incoming.reply(403 if given else 401, headers=[("WWW-Authenticate", challenge)])
            return
        self.peers[code], self.expires[code] = incoming.peer, request.expires or 0
        headers = [("Expires", str(request.expires))]
        if self.date:
            headers.append(("Date", write_date(self.date)))
        await incoming.reply(200, headers=headers)


def _proved(header: str, code: str) -> bool:
    told = parse_keqv_list(parse_http_list(header.removeprefix("Digest "))) if header else {}
    first = _md5(f"{code}:{DOMAIN}:{PASSWORD}")
    second = _md5(f"REGISTER:{told.get('uri')}")
    return told.get("response") == _md5(f"{first}:{NONCE}:{second}")


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Run a server on a free port of loopback."""
    server = Server()
    await server.endpoint.open("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.endpoint.close()


@dataclass(slots=True)
class Packets:
    """RTP that came, with the time of each, taken apart by hand."""

    found: list[rtp.Packet] = field(default_factory=list)

    def units(self) -> list[bytes]:
        """Return the payloads of each time stamp, in the order these came."""
        joined = dict[int, bytearray]()
        for each in self.found:
            joined.setdefault(each.timestamp, bytearray()).extend(each.payload)
        return [bytes(each) for each in joined.values()]

    def pictures(self) -> list[list[bytes]]:
        """Return the NAL units of each picture, without help from the reader of PS."""
        found = [_video(unit) for unit in self.units()]
        return [nal.split(each) for each in found if each]


def _video(unit: bytes) -> bytes:
    """Return what the video PES packets of a pack carry, by their lengths."""
    at, found = unit.find(b"\0\0\1\xba"), b""
    if at < 0:
        return b""
    at += 14 + (unit[at + 13] & 7)
    while at + 6 <= len(unit) and unit[at : at + 3] == b"\0\0\1":
        (size,) = struct.unpack_from("!H", unit, at + 4)
        if unit[at + 3] == 0xE0:
            found += unit[at + 9 + unit[at + 8] : at + 6 + size]
        at += 6 + size
    return found


class UdpReceiver:
    """A port that takes datagrams."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    async def take(self, seconds: float) -> Packets:
        """Return what comes in ``seconds``."""
        return await _until_over(seconds, lambda: asyncio.get_running_loop().sock_recv(self.socket, 65_536))

    def close(self) -> None:
        """Close it."""
        self.socket.close()


async def take_framed(reader: asyncio.StreamReader, seconds: float) -> Packets:
    """Return the packets that come on a connection in ``seconds``, each behind its length."""

    async def next_one() -> bytes:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(size)

    return await _until_over(seconds, next_one)


async def _until_over(seconds: float, receive: Callable[[], Any]) -> Packets:
    found = Packets()
    try:
        async with asyncio.timeout(seconds):
            while True:
                found.found.append(rtp.parse(await receive()))
    except (TimeoutError, asyncio.IncompleteReadError):
        return found


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
