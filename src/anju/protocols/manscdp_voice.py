"""Broadcast (语音广播): a platform announces a voice, the device answers and then fetches it by INVITE.

Source: GB/T 28181-2016 9.12, A.2.5.5; 4.2.1.2, 5.4.1.
"""

from dataclasses import dataclass

from anju.protocols.manscdp import Message, Root, code, message
from anju.protocols.manscdp_xml import element


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Who speaks and who shall be heard from: a loudspeaker (type 137), a camera or a device."""

    source: str
    target: str


def broadcast(sn: int, told: Broadcast) -> Message:
    """Return the Notify that announces a voice."""
    parts = (element("SourceID", told.source), element("TargetID", told.target))
    return message(Root.NOTIFY, "Broadcast", sn, "", *parts)


def read_broadcast(told: Message) -> Broadcast:
    """Return who speaks to whom; '' for what was left out."""
    values = told.element.values()
    return Broadcast(code(values.get("sourceid", "")), code(values.get("targetid", "")) or told.device_id)


def broadcast_answer(told: Message, device_id: str, *, ok: bool = True) -> Message:
    """Return the answer of ``device_id``, after which it sends an INVITE."""
    result = element("Result", "OK" if ok else "ERROR")
    return message(Root.RESPONSE, "Broadcast", told.sn, device_id, result)
