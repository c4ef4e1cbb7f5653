"""The way from a media worker to the gateway, which alone speaks SIP: questions over the bus.

Source: 5.4.1 (GB/T 28181).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from anju.bus.nats import Bus
from anju.domain.video import Agreed, PlayAct, PlayControl, Purpose, Wanted
from anju.errors import DatabaseAway, DeviceSilent, Refused, Silent
from anju.media.streams import NoPicture

INVITE_S, CONTROL_S, END_S = 12.0, 6.0, 6.0
RECORDED_S = 32.0  # disks of a recorder spin up
BEGUN, BEGUN_S = "sip.begun", 4.0
INVITE, END, CONTROL, ENDED = "sip.invite", "sip.end", "sip.control", "media.ended"
TURNED = "media.turned"
"""Tells that devices came or went: who waits for one may ask again."""
_log = structlog.get_logger(__name__)


class Control(msgspec.Struct, frozen=True):
    """A step on a running playback, as it is asked for."""

    call_id: str
    act: PlayAct
    value: float = 0.0


class Ended(msgspec.Struct, frozen=True):
    """A call that is over."""

    call_id: str
    reason: str = ""


class BusSignalling:
    """Asks the gateway for streams."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def invite(self, wanted: Wanted) -> Agreed:
        """Ask for a stream. Raises NoPicture."""
        answer = await self._asked(INVITE, wanted, INVITE_S if wanted.purpose is Purpose.LIVE else RECORDED_S)
        return msgspec.convert(answer, Agreed, strict=False)

    async def end(self, call_id: str) -> None:
        """End it. Never raises: a camera out of reach ends by itself."""
        try:
            await self._asked(END, Ended(call_id), END_S)
        except NoPicture as reason:
            _log.info("end of a call not confirmed", call_id=call_id, reason=reason.code)

    async def control(self, call_id: str, control: PlayControl) -> None:
        """Steer a playback. Raises NoPicture."""
        await self._asked(CONTROL, Control(call_id, control.act, control.value), CONTROL_S)

    async def begun(self, number: int) -> None:
        """Tell that media worker ``number`` begins: calls of the one before it are over, or cameras send to nobody.

        Never raises: a gateway that is away begins anew itself.
        """
        try:
            await self._bus.ask(BEGUN, msgspec.json.encode(number), within_s=BEGUN_S)
        except Silent as silent:
            _log.info("nobody knows of calls before", reason=str(silent))

    async def _asked(self, topic: str, question: Any, within_s: float) -> Any:
        try:
            answer = msgspec.json.decode(await self._bus.ask(topic, msgspec.json.encode(question), within_s=within_s))
        except Silent as silent:
            raise NoPicture("signalling_away") from silent
        if "error" in answer:
            raise NoPicture(str(answer["error"]))
        return answer["ok"]


Invite = Callable[[Wanted], Awaitable[Agreed]]
End = Callable[[str], Awaitable[None]]
Steer = Callable[[str, PlayControl], Awaitable[None]]
"""What the gateway does. All raise Refused with a code of NO_PICTURE, DeviceSilent or DatabaseAway."""


async def answer_media(bus: Bus, invite: Invite, end: End, control: Steer) -> None:
    """Answer the questions of ``BusSignalling`` from now on, in the process that speaks SIP."""

    async def invited(data: bytes) -> bytes:
        return await _said(invite(msgspec.json.decode(data, type=Wanted)))

    async def ended(data: bytes) -> bytes:
        return await _said(end(msgspec.json.decode(data, type=Ended).call_id))

    async def steered(data: bytes) -> bytes:
        asked = msgspec.json.decode(data, type=Control)
        return await _said(control(asked.call_id, PlayControl(asked.act, asked.value)))

    for topic, reply in ((INVITE, invited), (END, ended), (CONTROL, steered)):
        await bus.answer(topic, reply)


async def _said(act: Awaitable[Any]) -> bytes:
    try:
        return msgspec.json.encode({"ok": await act})
    except Refused as refusal:
        return msgspec.json.encode({"error": refusal.code})
    except DeviceSilent:
        return msgspec.json.encode({"error": "no_answer"})
    except DatabaseAway:
        return msgspec.json.encode({"error": "signalling_away"})
