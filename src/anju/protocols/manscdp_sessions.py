"""Ends of long orders (2022), by the session that the order named: snapshots were uploaded, firmware was changed.

Source: GB/T 28181-2022 (UploadSnapShotFinished, DeviceUpgradeResult); 4.2.1.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anju.protocols.manscdp import Message, Root, message
from anju.protocols.manscdp_text import LONGEST
from anju.protocols.manscdp_xml import element, leaf

_MOST = 100


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The pictures that a device posted for one snapshot order, by the names it gave them."""

    session: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What became of new firmware; ``reason`` says why it failed."""

    session: str
    ok: bool
    firmware: str = ""
    reason: str = ""


def uploaded_notice(sn: int, device_id: str, session: str, files: Sequence[str]) -> Message:
    """Return the notice that all pictures of an order were posted."""
    listed = element("SnapShotList", *(element("SnapShotFileID", each) for each in files))
    return message(Root.NOTIFY, "UploadSnapShotFinished", sn, device_id, element("SessionID", session), listed)


def read_uploaded(told: Message) -> Uploaded:
    """Return which pictures were posted, at most 100."""
    names = (each.text.strip() for several in told.element.all("SnapShotList") for each in several.children)
    files = tuple(each[:LONGEST] for each in names if each)
    return Uploaded(told.element.value("SessionID")[:128], files[:_MOST])


def upgraded_notice(sn: int, device_id: str, told: Upgraded) -> Message:
    """Return the notice how an upgrade ended."""
    parts = (element("SessionID", told.session), element("UpgradeResult", "OK" if told.ok else "ERROR"))
    more = (leaf("Firmware", told.firmware), leaf("UpgradeFailedReason", told.reason))
    return message(Root.NOTIFY, "DeviceUpgradeResult", sn, device_id, *parts, *more)


def read_upgraded(told: Message) -> Upgraded:
    """Return how an upgrade ended; without a result it failed."""
    values = {name: value[:LONGEST] for name, value in told.element.values().items()}
    ok = (values.get("upgraderesult") or values.get("result", "")).upper() == "OK"
    return Upgraded(
        values.get("sessionid", "")[:128], ok, values.get("firmware", ""), values.get("upgradefailedreason", "")
    )
