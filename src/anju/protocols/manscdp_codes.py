"""What a code in a catalog names: a division, a platform, a group, an organisation, a device or one of its channels.

Source: GB/T 28181-2016 annex D (rule A); 4.2.1.2.
"""

import re
from enum import StrEnum

NVR, CAMERA, NETWORK_CAMERA, ALARM_INPUT, ALARM_OUTPUT, LOUDSPEAKER = "118", "131", "132", "134", "135", "137"
PLATFORM, BUSINESS_GROUP, ORGANISATION = "200", "215", "216"

_WHOLE = re.compile(r"[0-9]{20}")
_DIVISION = re.compile(r"(?:[0-9]{2}){1,4}")
_DOMAIN = re.compile(r"[0-9]{10}")


class Node(StrEnum):
    """What a code names."""

    DIVISION = "division"  # 行政区划: 2, 4, 6 or 8 digits
    DOMAIN = "domain"  # 10 digits
    PLATFORM = "platform"
    GROUP = "group"  # 业务分组
    ORGANISATION = "organisation"  # 虚拟组织
    DEVICE = "device"  # DVR, NVR, encoder, alarm controller …
    CAMERA = "camera"
    ALARM_INPUT = "alarm_input"
    ALARM_OUTPUT = "alarm_output"
    AUDIO = "audio"
    OTHER = "other"


_TYPES = {
    BUSINESS_GROUP: Node.GROUP,
    ORGANISATION: Node.ORGANISATION,
    ALARM_INPUT: Node.ALARM_INPUT,
    ALARM_OUTPUT: Node.ALARM_OUTPUT,
    "140": Node.ALARM_OUTPUT,
    "136": Node.AUDIO,
    LOUDSPEAKER: Node.AUDIO,
    CAMERA: Node.CAMERA,
    NETWORK_CAMERA: Node.CAMERA,
}


def whole(text: str) -> bool:
    """Return whether ``text`` is a code of 20 digits; others occur and are opaque."""
    return bool(_WHOLE.fullmatch(text))


def type_of(text: str) -> str:
    """Return the three digits that tell the type (类型编码), '' for other codes than of 20 digits."""
    return text[10:13] if whole(text) else ""


def domain_of(text: str) -> str:
    """Return the SIP domain of a platform: the first ten digits of its code."""
    return text[:10]


def node_of(text: str) -> Node:
    """Return what ``text`` names. An opaque code is OTHER: a peer that uses it means a camera as a rule."""
    if _DIVISION.fullmatch(text):
        return Node.DIVISION
    if _DOMAIN.fullmatch(text):
        return Node.DOMAIN
    kind = type_of(text)
    if found := _TYPES.get(kind):
        return found
    if "200" <= kind <= "214" or kind in {"500", "501", "502", "503"}:
        return Node.PLATFORM
    return Node.DEVICE if "111" <= kind <= "130" else Node.OTHER
