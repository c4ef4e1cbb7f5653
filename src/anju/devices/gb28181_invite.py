"""Streams of GB/T 28181 devices: asked for by INVITE, steered by INFO, ended by BYE; a restart ends what it finds.

Source: GB/T 28181-2016 9.2, 9.8, 9.9; 5.4.1, 5.4.2.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from anju.devices.gb28181_line import Line
from anju.devices.gb28181_offer import LIVE_S, RECORDED_S, Offered, Ssrcs, agreed, refusal
from anju.domain.devices import Device
from anju.domain.rights import EVERYWHERE
from anju.domain.video import Agreed, PlayAct, PlayControl, Purpose, Wanted
from anju.errors import Conflict, DatabaseAway, DeviceSilent, NotFound, SipRefused
from anju.protocols.mansrtsp import PAUSE, PLAY, Control
from anju.store import channels, sip_registrations
from anju.store.database import Database
from anju.store.sip_registrations import OpenDialog
from anju.wire.sip import Dialog, Peer

INFO_S = 5.0
ENDS_AT_ONCE = 20
_log = structlog.get_logger(__name__)

Ended = Callable[[str, str], Awaitable[None]]
"""Hears of a stream, by its Call-ID, that its device ended, and why."""


@dataclass(slots=True)
class Running:
    """One stream. ``ssrc`` is what we offered."""

    device_id: str
    channel_id: str
    code: str
    purpose: Purpose
    ssrc: str
    dialog: Dialog
    access_control: str
    cseq: int = 0


class Streams:
    """All streams of a node that devices send. ``wrong`` tells why a device that is not there may be away."""

    def __init__(
        self,
        db: Database,
        line: Line,
        device: Callable[[str], Device | None],
        *,
        clock: Callable[[], datetime],
        ended: Ended,
        wrong: Callable[[Device], str],
    ) -> None:
        self._db, self._line, self._device, self._clock = db, line, device, clock
        self._ended, self._wrong = ended, wrong
        self._ssrcs = Ssrcs(line.platform)
        self._running: dict[str, Running] = {}

    async def end_old(self) -> None:
        """End what a process before this one left running. Raises DatabaseAway."""
        found = await sip_registrations.open_dialogs(self._db)
        limit = asyncio.Semaphore(ENDS_AT_ONCE)

        async def end(each: OpenDialog) -> None:
            async with limit:
                await self._end_old(each)

        await asyncio.gather(*(end(each) for each in found))

    async def _end_old(self, each: OpenDialog) -> None:
        told = each.state
        peer = Peer(told["host"], told["port"], told["transport"], told["local_host"])
        dialog = self._line.dialog(
            peer, call_id=each.call_id, **{n: told[n] for n in ("local", "remote", "target", "cseq")}
        )
        answered = await dialog.bye(within_s=2.0)
        _log.info("old stream ended", channel=each.channel_id, answered=answered)
        with suppress(DatabaseAway):
            await sip_registrations.close_dialog(self._db, each.call_id)

    async def invite(self, wanted: Wanted) -> Agreed:
        """Ask a channel for a stream. Raises Conflict with a code of ``domain.video.NO_PICTURE``."""
        device, code = await self._found(wanted.channel_id)
        access = device.particulars.gb28181
        self._check(device)
        offered = Offered(
            code,
            self._line.platform,
            self._ssrcs.take(history=wanted.purpose is not Purpose.LIVE),
            wanted.host or access.media_host or self._line.host(device),
        )
        try:
            return await self._invited(device, offered, wanted)
        except BaseException:
            self._ssrcs.free(offered.ssrc)
            raise

    async def _found(self, channel_id: str) -> tuple[Device, str]:
        try:
            placed = await channels.find(self._db, EVERYWHERE, channel_id)
        except NotFound as error:
            raise Conflict("not_found", "there is no such camera") from error
        except DatabaseAway as error:
            raise Conflict("signalling_away", "the database is away") from error
        device = self._device(placed.channel.device_id)
        if device is None:
            raise Conflict("not_registered", "its device is not served here")
        return device, placed.channel.code

    def _check(self, device: Device) -> None:
        try:
            self._line.registration(device)
        except Conflict as error:
            raise Conflict(self._wrong(device) or error.code, str(error)) from error

    async def _invited(self, device: Device, offered: Offered, wanted: Wanted) -> Agreed:
        access = device.particulars.gb28181
        body = offered.describe(wanted, access).encode()
        within = LIVE_S if wanted.purpose is Purpose.LIVE else RECORDED_S
        try:
            dialog = await self._line.invite(device, offered.code, body, subject=offered.subject, within_s=within)
        except SipRefused as error:
            raise Conflict(refusal(error.status, wanted.purpose), str(error)) from error
        except DeviceSilent as error:
            raise Conflict("no_answer", str(error)) from error
        try:
            found = agreed(dialog.call_id, dialog.sdp, offered.ssrc)
        except Conflict:
            await dialog.bye()
            raise
        running = Running(
            device.id, wanted.channel_id, offered.code, wanted.purpose, offered.ssrc, dialog, access.control
        )
        await self._begun(running)
        return found

    async def _begun(self, running: Running) -> None:
        dialog = running.dialog
        self._running[dialog.call_id] = running

        async def over(_: str) -> None:
            await self._over(dialog.call_id, "ended_by_device")

        dialog.on_bye = over
        if dialog.ended.is_set():
            await over("")
        with suppress(DatabaseAway):
            told = OpenDialog(
                dialog.call_id, running.device_id, running.channel_id, running.purpose, self._clock(), _state(dialog)
            )
            await sip_registrations.open_dialog(self._db, told)

    async def end(self, call_id: str) -> None:
        """End a stream; one that is over already is no error."""
        running = await self._forget(call_id)
        if running is not None:
            await running.dialog.bye()

    async def control(self, call_id: str, wanted: PlayControl) -> None:
        """Steer a playback. Raises Conflict with a code where there is none, or its device cannot."""
        running = self._running.get(call_id)
        if running is None:
            raise Conflict("ended_by_device", "this playback is over")
        running.cseq += 1
        try:
            answer = await running.dialog.info(
                _step(wanted, running.cseq).encode(f"{running.access_control}/1.0"), within_s=INFO_S
            )
        except DeviceSilent as error:
            raise Conflict("no_answer", str(error)) from error
        if answer.status >= 300:
            raise Conflict("refused", f"{answer.status} {answer.reason}")

    async def finished(self, call_id: str, device_id: str, code: str) -> bool:
        """A device sent all of a recording: end its stream, found by Call-ID, else by channel; return whether any."""
        found = self._running.get(call_id)
        if found is None:
            named = [
                each
                for each in self._running.values()
                if each.device_id == device_id and each.purpose is not Purpose.LIVE and code in {each.code, ""}
            ]
            found = named[0] if len(named) == 1 else None
        if found is None:
            return False
        await self._over(found.dialog.call_id, "finished", bye=True)
        return True

    async def gone(self, device_id: str, reason: str = "device_offline") -> None:
        """A device went away or began anew: its streams are over."""
        for each in [each for each in self._running.values() if each.device_id == device_id]:
            each.dialog.forget()
            await self._over(each.dialog.call_id, reason)

    async def close(self) -> None:
        """End every stream."""
        await asyncio.gather(*(self.end(each) for each in list(self._running)))

    def of_call(self, call_id: str) -> Running | None:
        """Return the stream of this Call-ID."""
        return self._running.get(call_id)

    @property
    def running(self) -> Sequence[Running]:
        """Return what runs."""
        return list(self._running.values())

    async def _over(self, call_id: str, reason: str, *, bye: bool = False) -> None:
        running = await self._forget(call_id)
        if running is None:
            return
        if bye:
            await running.dialog.bye()
        await self._ended(call_id, reason)

    async def _forget(self, call_id: str) -> Running | None:
        running = self._running.pop(call_id, None)
        if running is not None:
            self._ssrcs.free(running.ssrc)
            with suppress(DatabaseAway):
                await sip_registrations.close_dialog(self._db, call_id)
        return running


def _state(dialog: Dialog) -> dict[str, Any]:
    peer = dialog.peer
    where = {"host": peer.host, "port": peer.port, "transport": peer.transport, "local_host": peer.local}
    named = {"local": dialog.local, "remote": dialog.remote, "target": dialog.target}
    return {**where, **named, "cseq": dialog.cseq + 1_000}  # beyond what steers a playback meanwhile


def _step(wanted: PlayControl, cseq: int) -> Control:
    match wanted.act:
        case PlayAct.PAUSE:
            return Control(PAUSE, cseq)
        case PlayAct.SEEK:
            return Control(PLAY, cseq, start=max(0.0, wanted.value))
        case PlayAct.SPEED:
            return Control(PLAY, cseq, scale=wanted.value)
    return Control(PLAY, cseq)
