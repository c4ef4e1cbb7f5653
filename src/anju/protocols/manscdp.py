"""MANSCDP (GB/T 28181) bodies, bytes <-> Message. No socket, no clock; nothing a body names is ever fetched.

What each command says is read and written by its own module: manscdp_catalog, manscdp_devices, manscdp_records,
manscdp_alarms, manscdp_control, manscdp_presets, manscdp_aims, manscdp_config, manscdp_positions, manscdp_voice,
manscdp_sessions.
Source: GB/T 28181-2016 annex A; 4.2.1.2 (interface of the video network), 5.4.3.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from anju.errors import WireError
from anju.protocols.manscdp_text import GB2312, decode_text, decoded, encode_text, read_whole
from anju.protocols.manscdp_xml import Element, element, parse_xml, print_xml

__all__ = ["CONTENT_TYPE", "Message", "Root", "answer", "decode_text", "message", "read", "result_of", "write"]

CONTENT_TYPE = "Application/MANSCDP+xml"
LARGEST = 1 << 20  # bytes of one body
COMMANDS = (
    *("Keepalive", "Catalog", "DeviceInfo", "DeviceStatus", "RecordInfo", "Alarm", "MobilePosition", "DeviceControl"),
    *("DeviceConfig", "ConfigDownload", "PresetQuery", "Broadcast", "MediaStatus"),
    *("HomePositionQuery", "CruiseTrackListQuery", "CruiseTrackQuery", "PTZPosition", "SDCardStatus"),
    *("UploadSnapShotFinished", "DeviceUpgradeResult", "VideoUploadNotify"),
)
_SPELT = {each.lower(): each for each in COMMANDS}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Root(StrEnum):
    """What a body is: asked, ordered, told, or the answer to one of these."""

    QUERY = "Query"
    CONTROL = "Control"
    NOTIFY = "Notify"
    RESPONSE = "Response"


_ROOTS = {each.value.lower(): each for each in Root}


@dataclass(frozen=True, slots=True)
class Message:
    """One body. ``sn`` ties an answer to its question, 0 where it is missing; ``device_id`` is '' where it is missing.

    ``charset`` is what its text was found in, '' for plain ASCII; ``repaired`` where it was no well-formed XML.
    """

    root: Root
    cmd_type: str
    sn: int
    device_id: str
    element: Element
    charset: str = ""
    repaired: bool = False


def read(body: bytes, charset: str | None = None) -> Message:
    """Return what ``body`` says; ``charset`` is an operator's choice for this device.

    Raises WireError for more than 1 MiB, a document type, no XML at all, an unknown root or no usable CmdType.
    """
    if len(body) > LARGEST:
        raise WireError("body too long", data=body[:32])
    text, found = decoded(body, charset)
    try:
        tree, repaired = parse_xml(text)
    except WireError as error:
        raise WireError(error.reason, data=body[:256]) from error
    values = tree.values()
    root, command = _ROOTS.get(tree.name.lower()), values.get("cmdtype", "")
    if root is None or not _WORD.fullmatch(command):
        raise WireError("no MANSCDP root" if root is None else "no CmdType", data=body[:256])
    spelt = _SPELT.get(command.lower(), command)
    return Message(
        root, spelt, read_whole(values.get("sn", "")), code(values.get("deviceid", "")), tree, found, repaired
    )


def write(told: Message, charset: str = GB2312) -> bytes:
    """Return the body of ``told`` with its declaration; in GB18030 where ``charset`` has not every character."""
    body, used = encode_text(print_xml(told.element), charset)
    return f'<?xml version="1.0" encoding="{used}"?>\r\n'.encode("ascii") + body


def message(root: Root, cmd_type: str, sn: int, device_id: str, *inside: Element | None) -> Message:
    """Return a message that holds ``inside``; None is left out, an empty ``device_id`` too."""
    head = [element("CmdType", cmd_type), element("SN", sn), element("DeviceID", device_id) if device_id else None]
    return Message(root, cmd_type, sn, device_id, element(root.value, *head, *inside))


def answer(asked: Message, *inside: Element | None, ok: bool | None = True) -> Message:
    """Return the Response to ``asked``, with a Result unless ``ok`` is None."""
    result = None if ok is None else element("Result", "OK" if ok else "ERROR")
    return message(Root.RESPONSE, asked.cmd_type, asked.sn, asked.device_id, result, *inside)


def result_of(told: Message) -> bool | None:
    """Return whether a Response says OK; None where it says neither."""
    return {"OK": True, "ERROR": False, "ERR": False, "FAIL": False}.get(told.element.value("Result").upper())


def code(text: str) -> str:
    """Return a code as it may be kept: without blanks and what no code holds, at most 64 characters.

    Codes of other lengths and with letters are let through: they are opaque texts.
    """
    return re.sub(r"[^0-9A-Za-z_.@:-]", "", text)[:64] if len(text) <= 1_024 else ""
