"""A platform above by GB/T 28181 that is not Anju: takes a lower one in, asks it, watches it, orders it, by script.

It knows what the standard says and has the habits of real platforms by switch; nothing of our server is in it.
Source: GB/T 28181-2016 chapter 9, annex A; 5.4.3.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from anju.errors import SipRefused, WireError
from anju.protocols import digest, ptz, sdp
from anju.protocols.manscdp import CONTENT_TYPE, Message, Root, read, write
from anju.protocols.manscdp_alarms import AlarmNotice, AlarmQuery, alarm_answer, alarm_query, read_alarm
from anju.protocols.manscdp_catalog import CatalogItem, catalog_query, read_catalog
from anju.protocols.manscdp_control import Order, PtzCommand, order
from anju.protocols.manscdp_devices import DeviceInfo, DeviceStatus, info_query, read_info, read_status, status_query
from anju.protocols.manscdp_pages import Gathered
from anju.protocols.manscdp_presets import Preset, preset_query, read_presets
from anju.protocols.manscdp_records import RecordItem, RecordQuery, read_media_status, read_records, record_query
from anju.protocols.sdp import Description
from anju.wire.sip import Dialog, Incoming, Peer, SipEndpoint

T = TypeVar("T")
Take = Callable[[Message], bool]
SILENCE_S = 5.0  # an answer of many messages ends after so long a pause


@dataclass(slots=True)
class Habits:
    """How this platform deviates; each is met in the field.

    ``to_tag``: its answers name the dialog. ``charset`` is what it writes. ``silent``: it hears and says nothing.
    ``forgetful``: it answers keepalives 403 until the lower registers again. ``ssrc``: its offers hold ``y=``.
    ``subject``: its INVITEs have a Subject. ``refuses_alarms`` answers them 500, as it does the first ``busy`` notices
    of changes.
    """

    to_tag: bool = True
    charset: str = "GB2312"
    silent: bool = False
    forgetful: bool = False
    ssrc: bool = True
    subject: bool = True
    refuses_alarms: bool = False
    busy: int = 0


class UpperPlatform:
    """One platform above. It takes in the lower platform ``lower`` that knows ``password``; both are 20-digit codes."""

    def __init__(self, code: str, lower: str, password: str, *, habits: Habits | None = None) -> None:
        self.code, self.lower, self.domain = code, lower, code[:10]
        self.habits = habits or Habits()
        self._ha1 = digest.ha1(lower, self.domain, password)
        self._digests = digest.Digests(secrets.token_bytes(16), realm=self.domain, plain=True)
        self._endpoint = SipEndpoint(self._handle, agent="Upper", to_tags=self.habits.to_tag)
        self._waiting = dict[tuple[str, int], asyncio.Queue[Message]]()
        self._sn = 0
        self._peer: Peer | None = None
        self.registered, self.changed = asyncio.Event(), asyncio.Condition()
        self.counts = Counter[str]()
        self.alarms, self.notices, self.finished = list[AlarmNotice](), list[CatalogItem](), list[str]()

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; return the port."""
        return await self._endpoint.open(host, port)

    async def close(self) -> None:
        """Go away without a word."""
        await self._endpoint.close()

    async def until(self, right: Callable[[], bool], *, within_s: float = 10.0) -> None:
        """Wait until ``right`` holds; it is asked after everything that comes in. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self.changed:
            await self.changed.wait_for(right)

    def forget(self) -> None:
        """Lose all registrations, as after a restart."""
        self._peer = None
        self.registered.clear()

    def hang_up(self) -> None:
        """Close the TCP connection of the lower platform, as a firewall does."""
        if self._peer:
            self._endpoint.hang_up(self._peer)

    # --- what it asks

    async def info(self, code: str = "") -> DeviceInfo:
        """Ask what the lower platform, or something of it, is. Raises TimeoutError, SipRefused, DeviceSilent."""
        return read_info(await self._one("DeviceInfo", lambda sn: info_query(sn, code or self.lower)))

    async def status(self, code: str = "") -> DeviceStatus:
        """Ask how it is."""
        return read_status(await self._one("DeviceStatus", lambda sn: status_query(sn, code or self.lower)))

    async def catalog(self, code: str = "") -> list[CatalogItem]:
        """Ask for all that is there, or for what lies under ``code``."""
        gathered = Gathered[CatalogItem]()

        def take(told: Message) -> bool:
            page = read_catalog(told)
            return gathered.add(((each.device_id, each) for each in page.items), page.total)

        await self._many("Catalog", lambda sn: catalog_query(sn, code or self.lower), take)
        return list(gathered.items.values())

    async def records(self, code: str, start: datetime, end: datetime) -> list[RecordItem]:
        """Ask a camera for its recordings."""
        gathered = Gathered[RecordItem]()

        def take(told: Message) -> bool:
            page = read_records(told)
            return gathered.add(((each.key, each) for each in page.items), page.total)

        await self._many("RecordInfo", lambda sn: record_query(sn, code, RecordQuery(start, end)), take)
        return list(gathered.items.values())

    async def presets(self, code: str) -> list[Preset]:
        """Ask a camera for its presets."""
        gathered = Gathered[Preset]()

        def take(told: Message) -> bool:
            page = read_presets(told)
            keyed: Iterable[tuple[Hashable, Preset]] = ((each.number, each) for each in page.items)
            return gathered.add(keyed, page.total if page.total is not None else len(page.items))

        await self._many("PresetQuery", lambda sn: preset_query(sn, code), take)
        return list(gathered.items.values())

    async def turn(self, code: str, wanted: ptz.Instruction) -> int:
        """Have a camera move; return the SIP status."""
        return await self.order(code, PtzCommand(ptz.encode(wanted)))

    async def order(self, code: str, wanted: Order) -> int:
        """Order something of a camera; return the SIP status."""
        return await self._send(order(self._next(), code, wanted))

    async def watch_catalog(self, expires_s: int = 3_600) -> Dialog:
        """Subscribe to changes of the catalog; they come into ``notices``."""
        return await self._subscribe(f"Catalog;id={self._next()}", catalog_query(self._next(), self.lower), expires_s)

    async def watch_alarms(self, expires_s: int = 3_600) -> Dialog:
        """Subscribe to alarms; they come into ``alarms``, as they do without."""
        return await self._subscribe("presence", alarm_query(self._next(), self.lower, AlarmQuery()), expires_s)

    async def invite(
        self,
        code: str,
        port: int,
        *,
        host: str = "127.0.0.1",
        session: str = sdp.PLAY,
        span: tuple[datetime, datetime] | None = None,
        setup: str = "",
        attributes: tuple[str, ...] = (),
        within_s: float = 10.0,
    ) -> Dialog:
        """Ask a camera for a stream to ``port``; ``setup`` is our role on TCP. Raises SipRefused, DeviceSilent."""
        history = session != sdp.PLAY
        ssrc = sdp.ssrc(self.code, secrets.randbelow(10_000), history=history) if self.habits.ssrc else ""
        offer = Description(
            owner=self.code,
            session=session,
            host=host,
            port=port,
            transport=sdp.TCP if setup else sdp.UDP,
            payloads=tuple(sdp.VIDEO_MAPS),
            rtpmap=sdp.VIDEO_MAPS,
            direction=sdp.RECVONLY,
            setup=setup,
            connection="new" if setup else "",
            start=int(span[0].timestamp()) if span else 0,
            end=int(span[1].timestamp()) if span else 0,
            uri=f"{code}:0" if history else "",
            ssrc=ssrc,
            attributes=attributes,
        )
        subject = [("Subject", f"{code}:{ssrc or 0},{self.code}:0")] if self.habits.subject else []
        return await self._endpoint.invite(
            self._lower(),
            self._uri(code),
            from_=self._uri(self.code),
            to=self._uri(code),
            sdp=offer.encode(),
            headers=subject,
            within_s=within_s,
        )

    # --- what it hears

    async def _handle(self, incoming: Incoming) -> None:
        method = incoming.request.method
        self.counts[method] += 1
        if self.habits.silent:
            await asyncio.sleep(60)
        elif method == "REGISTER":
            await self._register(incoming)
        elif method in {"MESSAGE", "NOTIFY"}:
            await self._told(incoming)
        else:
            await incoming.reply(200)
        async with self.changed:
            self.changed.notify_all()

    async def _register(self, incoming: Incoming) -> None:
        request, at = incoming.request, datetime.now(UTC)
        try:
            given = digest.read_authorization(request.headers.get("Authorization"))
            verdict = self._digests.judge(given, self._ha1, method="REGISTER", target=None, at=at)
        except WireError:
            await incoming.reply(401, headers=[("WWW-Authenticate", self._digests.challenge(at))])
            return
        if verdict is not digest.Verdict.RIGHT or request.from_user != self.lower:
            await incoming.reply(403)
            return
        expires = request.expires or 0
        self._peer = incoming.peer if expires else None
        self.counts["registered"] += bool(expires)
        await incoming.reply(200, headers=[("Expires", str(expires))])
        self.registered.set() if expires else self.registered.clear()

    async def _told(self, incoming: Incoming) -> None:
        try:
            told = read(incoming.request.body)
        except WireError:
            await incoming.reply(400)
            return
        self.counts[told.cmd_type] += 1
        if self._peer is None and incoming.request.method == "MESSAGE":
            await incoming.reply(403)
        elif told.cmd_type == "Keepalive" and self.habits.forgetful:
            self.habits.forgetful = False
            self.forget()
            await incoming.reply(403)
        elif told.cmd_type == "Alarm" and told.root is Root.NOTIFY:
            await self._alarmed(incoming, told)
        elif incoming.request.method == "NOTIFY" and self.habits.busy:
            self.habits.busy -= 1
            await incoming.reply(500)
        else:
            await incoming.reply(200)
            self._take(told)

    def _take(self, told: Message) -> None:
        if told.root is Root.RESPONSE and (waiting := self._waiting.get((told.cmd_type, told.sn))):
            waiting.put_nowait(told)
        elif told.cmd_type == "Catalog":
            self.notices += read_catalog(told).items
        elif told.cmd_type == "MediaStatus" and read_media_status(told):
            self.finished.append(told.device_id)

    async def _alarmed(self, incoming: Incoming, told: Message) -> None:
        if self.habits.refuses_alarms:
            await incoming.reply(500)
            return
        self.alarms.append(read_alarm(told))
        await incoming.reply(200)
        await self._send(alarm_answer(told))

    # --- how it speaks

    def _next(self) -> int:
        self._sn += 1
        return self._sn

    def _lower(self) -> Peer:
        if self._peer is None:
            raise SipRefused(480, "the lower platform is not registered")
        return self._peer

    def _uri(self, code: str) -> str:
        return f"sip:{code}@{self.domain}"

    async def _send(self, told: Message) -> int:
        given = await self._endpoint.request(
            self._lower(),
            "MESSAGE",
            self._uri(told.device_id or self.lower),
            from_=self._uri(self.code),
            to=self._uri(told.device_id or self.lower),
            body=write(told, self.habits.charset),
            content_type=CONTENT_TYPE,
            within_s=5.0,
        )
        return given.status

    async def _subscribe(self, event: str, told: Message, expires_s: int) -> Dialog:
        return await self._endpoint.subscribe(
            self._lower(),
            self._uri(self.lower),
            from_=self._uri(self.code),
            to=self._uri(self.lower),
            headers=[("Event", event), ("Expires", str(expires_s))],
            body=write(told, self.habits.charset),
            content_type=CONTENT_TYPE,
        )

    async def _one(self, command: str, build: Callable[[int], Message]) -> Message:
        found = list[Message]()

        def take(told: Message) -> bool:
            found.append(told)
            return True

        await self._many(command, build, take)
        return found[0]

    async def _many(self, command: str, build: Callable[[int], Message], take: Take) -> None:
        """Ask and give each message of the answer to ``take`` until it says that was all. Raises TimeoutError."""
        sn = self._next()
        waiting = self._waiting[command, sn] = asyncio.Queue[Message]()
        try:
            if (status := await self._send(build(sn))) >= 300:
                raise SipRefused(status)
            whole = False
            while not whole:
                async with asyncio.timeout(SILENCE_S):
                    whole = take(await waiting.get())
        finally:
            del self._waiting[command, sn]
