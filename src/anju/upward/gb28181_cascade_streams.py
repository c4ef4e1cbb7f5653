"""Streams for platforms above: an INVITE becomes a copy that the media plane sends; whoever ends it, both sides know.

Source: GB/T 28181-2016 9.2, 9.8, 9.9, annexes C, F, L (live, playback, download through a platform); 5.4.1, 5.4.3.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from anju.domain.cascade import Relay, Relaying, Shared
from anju.domain.video import Grade, PlayAct, PlayControl, Purpose, Transport
from anju.errors import DatabaseAway, DeviceSilent, Refused, SipRefused, WireError
from anju.protocols import mansrtsp, sdp
from anju.protocols.manscdp_records import media_status
from anju.protocols.sdp import Description
from anju.protocols.sip import user_of
from anju.store import cascade
from anju.store.cascade import OpenCopy
from anju.store.database import Database
from anju.upward.gb28181_cascade_hands import Media
from anju.upward.gb28181_cascade_link import Link
from anju.wire.sip import Dialog, Incoming, Peer, SipEndpoint

STREAMS_MOST = 2_000
FINISHED = "finished"  # why a copy of a recording ends when all of it was sent
_SESSIONS = {
    sdp.PLAY: Purpose.LIVE,
    sdp.PLAYBACK: Purpose.PLAYBACK,
    sdp.DOWNLOAD: Purpose.DOWNLOAD,
}
_STATUS: Mapping[str, int] = {
    "offline": 480,
    "device_offline": 480,
    "not_registered": 480,
    "not_found": 404,
    "no_recording": 404,
    "no_answer": 408,
    "busy": 486,
    "no_ports": 486,
    "media_refused": 488,
    "refused": 403,
    "forbidden": 403,
    "media_away": 503,
    "signalling_away": 503,
}
_SUB = ("streamprofile:1", "stream:1", "streammode:sub", "streamnumber:1")
_log = structlog.get_logger(__name__)


class CascadeStreams:
    """Copies that are being sent, by the id the media plane gave them. They are written down for a restart."""

    def __init__(self, db: Database, endpoint: SipEndpoint, media: Media, *, clock: Callable[[], datetime]) -> None:
        self._db, self._endpoint, self._media, self._clock = db, endpoint, media, clock
        self._sent = dict[str, tuple[Dialog, Link, Shared]]()

    def __len__(self) -> int:
        return len(self._sent)

    def owns(self, dialog: Dialog | None) -> str:
        """Return the id of the copy that ``dialog`` belongs to, '' where it is none of ours."""
        return next((relay_id for relay_id, (each, _, _) in self._sent.items() if each is dialog), "")

    async def invite(self, link: Link, incoming: Incoming) -> None:
        """Answer an INVITE for a camera: with a stream, or with why not."""
        try:
            shared = _named(link, incoming)
            offer = sdp.read(incoming.request.body)
            wanted = _wanted(link, shared, offer)
        except WireError:
            await incoming.reply(488)
            return
        except SipRefused as refused:
            await incoming.reply(refused.status)
            return
        if len(self._sent) >= STREAMS_MOST:
            await incoming.reply(486)
            return
        try:
            relaying = await self._media.relay(wanted)
        except Refused as refused:
            await incoming.reply(_STATUS.get(refused.code, 500), headers=[("Warning", f'399 anju "{refused.code}"')])
            return
        await self._agree(link, incoming, shared, (offer, wanted, relaying))

    async def _agree(
        self, link: Link, incoming: Incoming, shared: Shared, agreed: tuple[Description, Relay, Relaying]
    ) -> None:
        offer, wanted, relaying = agreed

        async def ended(_: str) -> None:
            self._sent.pop(relaying.id, None)
            await self._end(relaying.id)

        try:
            dialog = incoming.dialog()
        except SipRefused as refused:
            await incoming.reply(refused.status)
            await ended("")
            return
        dialog.on_bye = ended
        self._sent[relaying.id] = (dialog, link, shared)
        body = _answer(shared, offer, wanted, relaying).encode()
        if not await incoming.reply(200, headers=[("Content-Type", "APPLICATION/SDP")], body=body):
            dialog.forget()  # it was taken back meanwhile
            await ended("")
            return
        with contextlib.suppress(DatabaseAway):
            await cascade.opened(self._db, _kept(relaying.id, link, dialog), at=self._clock())
            if dialog.ended.is_set():  # it was over before it was written down
                await cascade.closed(self._db, relaying.id)

    async def info(self, incoming: Incoming) -> None:
        """Steer a recording as the upper asks."""
        relay_id = self.owns(incoming.in_dialog)
        try:
            told = mansrtsp.read(incoming.request.body)
        except WireError:
            await incoming.reply(400)
            return
        await incoming.reply(200)
        for each in _controls(told):
            try:
                await self._media.control(relay_id, each)
            except Refused as refused:
                _log.info("a playback was not steered", reason=refused.code)
        if told.method == mansrtsp.TEARDOWN:
            await self.over(relay_id, "")

    async def over(self, relay_id: str, reason: str) -> None:
        """End a copy towards its upper: the media plane says that it is over. FINISHED tells that all was sent."""
        found = self._sent.pop(relay_id, None)
        if found is None:
            return
        dialog, link, shared = found
        if reason == FINISHED:
            try:
                await link.send(media_status(link.next_sn(), shared.code), within=dialog)
            except (DeviceSilent, SipRefused) as error:
                _log.info("the end of a recording was not taken", upper=link.upper.id, reason=str(error))
        await dialog.bye()
        await self._end(relay_id)

    async def close(self, link: Link) -> None:
        """End all copies of one upper."""
        ending = [key for key, (_, each, _) in self._sent.items() if each is link]
        await asyncio.gather(*(self.over(relay_id, "") for relay_id in ending))

    async def clear(self) -> None:
        """End what a process before this one left behind, on both sides. Raises DatabaseAway."""
        left = [each for each in await cascade.open_copies(self._db) if each.relay_id not in self._sent]
        await asyncio.gather(*(self._end_left(each) for each in left))

    async def _end_left(self, copy: OpenCopy) -> None:
        peer = Peer(copy.host, copy.port, "tcp" if copy.transport == "tcp" else "udp")
        names = {name: getattr(copy, name) for name in ("call_id", "local", "remote", "target", "cseq")}
        await Dialog(self._endpoint, peer, **names).bye()
        await self._end(copy.relay_id)

    async def _end(self, relay_id: str) -> None:
        try:
            await self._media.end(relay_id)
        except Refused as refused:
            _log.info("the end of a copy was not confirmed", reason=refused.code)
        with contextlib.suppress(DatabaseAway):
            await cascade.closed(self._db, relay_id)


def _kept(relay_id: str, link: Link, dialog: Dialog) -> OpenCopy:
    names = (dialog.call_id, dialog.local, dialog.remote, dialog.target, dialog.cseq)
    return OpenCopy(relay_id, link.upper.id, *names, dialog.peer.host, dialog.peer.port, dialog.peer.transport)


def _named(link: Link, incoming: Incoming) -> Shared:
    """Return the camera an INVITE names: in its line, else in To, else in Subject. Raises SipRefused."""
    request = incoming.request
    subject = request.headers.get("Subject").partition(":")[0].strip()
    for code in (user_of(request.uri), request.to_user, subject):
        if found := link.tree.camera(code):
            return found
    raise SipRefused(404)


def _wanted(link: Link, shared: Shared, offer: Description) -> Relay:
    """Return the copy an offer asks for. Raises SipRefused."""
    purpose = _SESSIONS.get(offer.session)
    if purpose is None or offer.media != "video" or not offer.port or not offer.host:
        raise SipRefused(488)
    recorded = purpose is not Purpose.LIVE
    if recorded and (not link.upper.playback or offer.end <= offer.start):
        raise SipRefused(400 if link.upper.playback else 403)
    if not recorded and not shared.online:
        raise SipRefused(480)
    return Relay(
        channel_id=shared.camera.channel_id,
        purpose=purpose,
        grade=Grade.SUB if _sub(offer) else Grade.MAIN,
        transport=_transport(offer),
        host=offer.host,
        port=offer.port,
        ssrc=offer.ssrc_number if offer.ssrc_number is not None else _own_ssrc(link, recorded=recorded),
        start=_time(offer.start) if recorded else None,
        end=_time(offer.end) if recorded else None,
        speed=max(1, min(int(offer.download_speed or 1), 16)),
    )


def _transport(offer: Description) -> Transport:
    """Return who connects: an upper that is passive waits for us."""
    if not offer.tcp:
        return Transport.UDP
    return Transport.TCP_PASSIVE if offer.setup == "active" else Transport.TCP_ACTIVE


def _sub(offer: Description) -> bool:
    return bool(offer.stream_number) or any(each.lower().replace(" ", "") in _SUB for each in offer.attributes)


def _own_ssrc(link: Link, *, recorded: bool) -> int:
    return int(sdp.ssrc(link.upper.own_code, secrets.randbelow(10_000), history=recorded))


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise SipRefused(400) from error


def _answer(shared: Shared, offer: Description, wanted: Relay, relaying: Relaying) -> Description:
    setup = {Transport.TCP_ACTIVE: "active", Transport.TCP_PASSIVE: "passive"}.get(wanted.transport, "")
    return replace(
        offer,
        owner=shared.code,
        host=relaying.host,
        port=relaying.port,
        payloads=(wanted.payload,),
        rtpmap={wanted.payload: "PS/90000"},
        direction=sdp.SENDONLY,
        setup=setup,
        connection="new" if setup else "",
        ssrc=f"{wanted.ssrc:010}",
        file_size=relaying.size,
        attributes=(),
    )


def _controls(told: mansrtsp.Control) -> list[PlayControl]:
    """Return the steps that one INFO asks for."""
    if told.method == mansrtsp.PAUSE:
        return [PlayControl(PlayAct.PAUSE)]
    if told.method != mansrtsp.PLAY:
        return []
    steps = [] if told.start is None else [PlayControl(PlayAct.SEEK, told.start)]
    steps += [] if told.scale is None else [PlayControl(PlayAct.SPEED, told.scale)]
    return steps or [PlayControl(PlayAct.RESUME)]
