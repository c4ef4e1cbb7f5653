"""The door for GB/T 28181: cameras, recorders and platforms below register, tell, are asked and steered.

Who has not registered from where it comes changes nothing.
Source: 5.4.1, 5.4.3 (GB/T 28181), 4.2.1.2, 5.1.2.4, 6.3.3 (only known devices exchange data).
"""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from anju.devices.gb28181_catalog import Catalogs
from anju.devices.gb28181_exchanges import Exchanges, masked
from anju.devices.gb28181_invite import Streams
from anju.devices.gb28181_line import Line
from anju.devices.gb28181_notices import Beside, Notices
from anju.devices.gb28181_orders import Orders
from anju.devices.gb28181_presence import Emit, SipPresence, Told
from anju.devices.gb28181_questions import Questions
from anju.devices.gb28181_register import Denied, Listed, Proved, RegisterGate
from anju.devices.gb28181_talk import Talks
from anju.devices.gb28181_tend import Tending
from anju.domain.devices import Device
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.domain.video import Agreed, PlayControl, Wanted
from anju.errors import DatabaseAway, WireError
from anju.protocols.manscdp_text import write_date
from anju.protocols.sip import Request
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.sip_registrations import Registration
from anju.wire.sip import Incoming, Peer, SipEndpoint

REFUSED_FRESH = timedelta(minutes=10)
_DIGESTS = frozenset({"bad digest", "wrong realm", "wrong user", "no credential", "locked out"})
_FROM = re.compile(rb"^(?:from|f)[ \t]*:[^\r\n]*?sip:([0-9A-Za-z_-]{1,64})[@>;]", re.IGNORECASE | re.MULTILINE)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is known: by code, by id, and all."""

    find: Callable[[str], Listed | None]
    by_id: Callable[[str], Listed | None]
    all: Callable[[], Sequence[Listed]]


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the door.

    ``emit`` keeps a report and returns after the commit; reports of accounts nobody registered wait in quarantine.
    ``wrong`` counts what is refused, with a bounded copy. ``ended`` hears of streams, by Call-ID, that their device
    ended, and why. ``told`` wakes who follows the log. All that await may raise DatabaseAway.
    """

    emit: Emit
    wrong: Callable[[WireError, str], Awaitable[None]]
    ended: Callable[[str, str], Awaitable[None]]
    told: Told


class Gb28181Door:
    """All GB/T 28181 devices of a node, on one SIP endpoint; ``platform`` is our own 20-digit code.

    Compose it so: make the endpoint with ``handle`` and ``trace`` (an upper platform's requests are another's to
    answer: ask that one first), ``await load()``, open the endpoint, ``run()`` until cancelled, ``await close()``,
    close the endpoint. ``emit`` belongs to an Acceptor with ``turns=False``: whether devices are there is judged here.

    ``invite``, ``control``, ``end`` serve the media plane, ``talk`` a voice; ``orders`` has ``records``, ``ptz``,
    ``query``, ``command`` (questions of other processes, as JSON) and ``perform`` (commands of the corridor). All of
    them raise Conflict with a code of ``domain.video.NO_PICTURE``, or DeviceSilent. ``rejected`` counts by reason.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        directory: Directory,
        behind: Behind,
        db: Database,
        node: NodeId,
        *,
        platform: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._endpoint, self._directory, self._behind, self._db, self._clock = endpoint, directory, behind, db, clock
        self.presence = SipPresence(db, node, self._device, behind.emit, clock=clock, told=behind.told)
        self.questions = Questions()
        self.line = Line(endpoint, self.presence, self.questions, platform=platform)
        self.catalogs = Catalogs(db, self.line, behind.emit, clock=clock)
        self.streams = Streams(db, self.line, self._device, clock=clock, ended=behind.ended, wrong=self._why_away)
        self.talks = Talks(self.line, ended=behind.ended)
        self.tending = Tending(db, self.line, self.presence, self.catalogs, behind.emit, self._devices, clock=clock)
        self.orders = Orders(db, self.line, self._device, self.tending, clock=clock)
        self.exchanges = Exchanges(db, self._who, clock=clock)
        self.gate = RegisterGate(directory.find, realm=self.line.domain, key=secrets.token_bytes(32), clock=clock)
        self.rejected: Counter[str] = Counter()
        self._refused: dict[str, tuple[str, datetime]] = {}  # device id: why it was not let in, and when
        beside = Beside(self.presence, self.questions, self.catalogs, self.streams, self.tending)
        self.notices = Notices(db, self.line, beside, behind.emit, self._reject, clock=clock)

    async def load(self) -> None:
        """Take up what a restart must know. Raises DatabaseAway."""
        await self.presence.load()
        await self.tending.load()

    async def run(self) -> None:
        """End the streams of a process before this one, then watch over devices, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_old())
            for each in (self.presence, self.tending, self.exchanges):
                group.create_task(each.run())

    async def close(self) -> None:
        """End what runs."""
        await self.streams.close()
        await self.notices.close()

    async def invite(self, wanted: Wanted) -> Agreed:
        """Ask a channel for a stream. Raises Conflict with a code of ``domain.video.NO_PICTURE``."""
        return await self.streams.invite(wanted)

    async def control(self, call_id: str, wanted: PlayControl) -> None:
        """Steer a playback. Raises Conflict as ``invite``."""
        await self.streams.control(call_id, wanted)

    async def talk(self, channel_id: str, *, host: str = "", port: int) -> Agreed:
        """Let a voice be fetched from our ``port``. Raises Conflict as ``invite``."""
        device, code = await self.orders.channel(channel_id)
        return await self.talks.begin(device, code, host=host, port=port)

    async def end(self, call_id: str) -> None:
        """End a stream or a voice."""
        if not await self.talks.end(call_id):
            await self.streams.end(call_id)

    def trace(self, direction: Literal["in", "out"], peer: Peer, data: bytes) -> None:
        """See a message on the wire; for the endpoint's ``trace``."""
        self.exchanges.trace(direction, peer, data)

    async def handle(self, incoming: Incoming) -> None:
        """Answer one request of a device; for the endpoint's ``handle``."""
        if incoming.request.method == "REGISTER":
            await self._register(incoming)
            return
        device = self._sender(incoming)
        if isinstance(device, str):
            await incoming.reply(403)
            await self._reject(device, incoming.request, incoming.peer)
            return
        await self._of_device(device, incoming)

    async def _of_device(self, device: Device, incoming: Incoming) -> None:
        method = incoming.request.method
        if method in {"MESSAGE", "NOTIFY"}:
            await self.notices.told(device, incoming)
        elif method == "INVITE":
            if not await self.talks.take(device.id, incoming):
                await incoming.reply(488)
        elif method in {"BYE", "INFO"}:
            await incoming.reply(200)
        else:
            await incoming.reply(405)

    # --- who is it

    def _device(self, device_id: str) -> Device | None:
        found = self._directory.by_id(device_id)
        return found.device if found and found.device.protocol == "gb28181" else None

    def _devices(self) -> Sequence[Device]:
        return [each.device for each in self._directory.all() if each.device.protocol == "gb28181"]

    def _sender(self, incoming: Incoming) -> Device | str:
        """Return the registered device a request is from, or why it is nobody: an id alone proves nothing."""
        request, peer = incoming.request, incoming.peer
        listed = self._directory.find(request.from_user)
        found = self.presence.find(listed.device.id) if listed else None
        if listed and found and (found.host == peer.host or _roams(listed.device, request)):
            return listed.device
        running = self.streams.of_call(request.call_id)
        at = self.presence.at(peer.host, peer.port) or (running.device_id if running else None)
        known = self.presence.find(at) if at else None
        if known and known.host == peer.host and (device := self._device(known.device_id)):
            return device
        return "unknown_account" if listed is None else "not registered" if found is None else "foreign address"

    def _who(self, peer: Peer, data: bytes) -> str | None:
        """Return whose message on the wire this is, for the record of messages."""
        if device_id := self.presence.at(peer.host, peer.port):
            return device_id
        named = _FROM.search(data[:2_048])
        listed = self._directory.find(named[1].decode()) if named else None
        return listed.device.id if listed else None

    def _why_away(self, device: Device) -> str:
        """Return the code of why a device is not there, where it was seen to fail."""
        reason, at = self._refused.get(device.id, ("", self._clock()))
        return "wrong_password" if reason in _DIGESTS and self._clock() - at < REFUSED_FRESH else ""

    async def _reject(self, reason: str, request: Request, peer: Peer) -> None:
        self.rejected[reason] += 1
        copy = masked(request.encode())
        with suppress(DatabaseAway):
            await self._behind.wrong(WireError(reason, data=copy, account=request.from_user[:64]), peer.host)

    # --- registration

    async def _register(self, incoming: Incoming) -> None:
        request, peer = incoming.request, incoming.peer
        judged = self.gate.judge(request, peer.host)
        if isinstance(judged, Denied):
            await self._deny(incoming, judged)
            return
        device = judged.listed.device
        self._refused.pop(device.id, None)
        if judged.expires_s == 0:
            self.presence.unregister(device)
            self.tending.left(device.id)
            await incoming.reply(200, headers=[("Expires", "0"), *self._date(device)])
            await self.streams.gone(device.id)
            return
        anew = self.presence.register(device, self._registration(device, judged, request, peer))
        contact = request.headers.get("Contact")
        told = [("Contact", contact)] if contact else []
        await incoming.reply(200, headers=[*told, ("Expires", str(judged.expires_s)), *self._date(device)])
        if anew:
            await self.streams.gone(device.id)
            self.tending.began(device)

    def _registration(self, device: Device, proved: Proved, request: Request, peer: Peer) -> Registration:
        at, headers = self._clock(), request.headers
        return Registration(
            device_id=device.id,
            host=peer.host,
            port=peer.port,
            transport=peer.transport,
            local_host=peer.local,
            contact=headers.get("Contact")[:300],
            call_id=request.call_id[:200],
            gb_version=headers.get("X-GB-Ver").strip()[:8],
            user_agent=headers.get("User-Agent")[:100],
            registered_at=at,
            heard_at=at,
            expires_at=at + timedelta(seconds=proved.expires_s),
        )

    def _date(self, device: Device) -> list[tuple[str, str]]:
        """Devices set their clocks by this (校时)."""
        return [("Date", write_date(self._clock()))] if device.particulars.gb28181.set_clock else []

    async def _deny(self, incoming: Incoming, denied: Denied) -> None:
        headers = [("WWW-Authenticate", denied.challenge)] if denied.challenge else []
        if denied.retry_after_s:
            headers.append(("Retry-After", str(denied.retry_after_s)))
        await incoming.reply(denied.status, headers=headers)
        if not denied.reason:
            return
        if (listed := self._directory.find(denied.account)) is not None:
            self._refused[listed.device.id] = (denied.reason, self._clock())
        elif denied.reason == "unknown_account":
            await self._stranger(incoming)
        await self._reject(denied.reason, incoming.request, incoming.peer)

    async def _stranger(self, incoming: Incoming) -> None:
        """Let somebody nobody registered be seen in quarantine: once an hour each, bounded."""
        request, peer = incoming.request, incoming.peer
        account = request.from_user or request.to_user
        if not re.fullmatch(r"[0-9A-Za-z_-]{5,32}", account):
            return
        report = DeviceReport(
            protocol="gb28181",
            account=account,
            kind=EventKind.INFO,
            state=EventState.INFO,
            code_space="gb28181",
            code="REGISTER",
            area="",
            zone="",
            occurred_at=None,
            dedup_key=f"{account}|register",
            dedup_window_s=3_600,
            frame=masked(request.encode()),
            peer=peer.host,
        )
        with suppress(DatabaseAway):
            await self._behind.emit(report)

    # --- beside

    async def _end_old(self) -> None:
        while True:
            try:
                await self.streams.end_old()
            except DatabaseAway:
                await asyncio.sleep(2.0)
            else:
                return


def _roams(device: Device, request: Request) -> bool:
    """Return whether a keepalive moves its device here."""
    return device.particulars.gb28181.roams and b"Keepalive" in request.body
