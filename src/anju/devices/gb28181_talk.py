"""Voice to a GB/T 28181 device (语音广播): announced, then fetched by the device's own INVITE.

Source: GB/T 28181-2016 9.12; 5.2.2.4.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from anju.devices.gb28181_line import Line
from anju.domain.devices import Device
from anju.domain.video import Agreed
from anju.errors import Conflict, DeviceSilent, SipRefused, WireError
from anju.protocols import sdp
from anju.protocols.manscdp import result_of
from anju.protocols.manscdp_voice import Broadcast, broadcast
from anju.protocols.sdp import Description
from anju.wire.sip import Dialog, Incoming

ANSWER_S, INVITE_S, ACK_S = 5.0, 10.0, 5.0
PCMA = 8
_SETUP = {"passive": "active", "active": "passive"}


@dataclass(slots=True)
class _Pending:
    code: str
    came: asyncio.Future[Incoming] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Talks:
    """Voices of a node. ``ended`` hears of one that its device ended."""

    def __init__(self, line: Line, *, ended: Callable[[str, str], Awaitable[None]]) -> None:
        self._line, self._ended = line, ended
        self._pending: dict[str, _Pending] = {}
        self._running: dict[str, Dialog] = {}

    async def begin(self, device: Device, code: str, *, host: str, port: int) -> Agreed:
        """Announce a voice to a channel; return where to send G.711 A-law once the device fetches it from our port.

        Raises Conflict with a code of ``domain.video.NO_PICTURE``: ``busy``, ``talk_unsupported``.
        """
        if device.id in self._pending:
            raise Conflict("busy", "somebody speaks to this device already")
        pending = self._pending[device.id] = _Pending(code)
        try:
            await self._announced(device, code)
            async with asyncio.timeout(INVITE_S):
                incoming = await pending.came
            return await self._answered(device, incoming, host or self._line.host(device), port)
        except (DeviceSilent, SipRefused, TimeoutError, WireError) as error:
            raise Conflict("talk_unsupported", str(error) or "no INVITE came") from error
        finally:
            del self._pending[device.id]

    async def _announced(self, device: Device, code: str) -> None:
        told = Broadcast(self._line.platform, device.particulars.gb28181.talk_target or code)
        answer = await self._line.ask(
            device, "Broadcast", lambda sn: broadcast(sn, told), to=told.target, within_s=ANSWER_S
        )
        if result_of(answer) is False:
            raise Conflict("talk_unsupported", "the device refuses")

    async def _answered(self, device: Device, incoming: Incoming, host: str, port: int) -> Agreed:
        offer = sdp.read(incoming.request.body)
        dialog = incoming.dialog()
        answer = Description(
            owner=self._line.platform,
            host=host,
            port=port,
            media="audio",
            transport=offer.transport,
            payloads=(PCMA,),
            rtpmap={PCMA: "PCMA/8000"},
            direction=sdp.SENDONLY,
            setup=_SETUP.get(offer.setup, ""),
            ssrc=offer.ssrc or sdp.ssrc(self._line.platform, port % 10_000, history=False),
            format="v/////a/1/8/1",
        )
        await incoming.reply(200, headers=[("Content-Type", "APPLICATION/SDP")], body=answer.encode())
        if device.particulars.gb28181.talk_on_ack:
            async with asyncio.timeout(ACK_S):
                await dialog.acked.wait()
        self._begun(dialog)
        return Agreed(dialog.call_id, answer.ssrc_number, offer.host, offer.port, {PCMA: "PCMA"})

    def _begun(self, dialog: Dialog) -> None:
        async def over(_: str) -> None:
            if self._running.pop(dialog.call_id, None) is not None:
                await self._ended(dialog.call_id, "ended_by_device")

        self._running[dialog.call_id], dialog.on_bye = dialog, over

    async def take(self, device_id: str, incoming: Incoming) -> bool:
        """Take an INVITE of a device that a voice was announced to; return whether that is so."""
        pending = self._pending.get(device_id)
        if pending is None or pending.came.done():
            return False
        await incoming.reply(100)
        pending.came.set_result(incoming)
        return True

    async def end(self, call_id: str) -> bool:
        """End a voice; return whether there was one."""
        dialog = self._running.pop(call_id, None)
        return dialog is not None and await dialog.bye()
