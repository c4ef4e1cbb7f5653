"""Where a camera looks (2022): PTZPosition in degrees, told, asked for or subscribed to, and its watch position.

Source: GB/T 28181-2022 (PTZPosition, HomePositionQuery); 5.4.1 (control of cameras).
"""

from dataclasses import dataclass

from anju.protocols.manscdp import Message, Root, answer, message
from anju.protocols.manscdp_control import HomePosition, read_home
from anju.protocols.manscdp_text import read_decimal
from anju.protocols.manscdp_xml import Element, leaf


@dataclass(frozen=True, slots=True)
class Aim:
    """``pan`` 0 to 360 and ``tilt`` about -30 to 90 degrees, ``zoom`` 1 or more; None where it was not told."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


def aim_query(sn: int, device_id: str) -> Message:
    """Return the question where a camera looks, which is also the body of a subscription."""
    return message(Root.QUERY, "PTZPosition", sn, device_id)


def aim_answer(asked: Message, told: Aim) -> Message:
    """Return the answer."""
    return answer(asked, *_axes(told))


def aim_notice(sn: int, device_id: str, told: Aim) -> Message:
    """Return the notice that a camera was turned."""
    return message(Root.NOTIFY, "PTZPosition", sn, device_id, *_axes(told))


def read_aim(told: Message) -> Aim:
    """Return where a camera looks."""
    values = told.element.values()
    return Aim(*(read_decimal(values.get(each, "")) for each in ("pan", "tilt", "zoom")))


def home_query(sn: int, device_id: str) -> Message:
    """Return the question for the watch position (看守位)."""
    return message(Root.QUERY, "HomePositionQuery", sn, device_id)


def home_answer(asked: Message, told: HomePosition) -> Message:
    """Return the answer."""
    return answer(asked, *told.parts())


def read_home_answer(told: Message) -> HomePosition | None:
    """Return the watch position, None where the answer holds none."""
    found = told.element.first("HomePosition")
    return read_home(found) if found else None


def _axes(told: Aim) -> tuple[Element | None, ...]:
    return leaf("Pan", told.pan), leaf("Tilt", told.tilt), leaf("Zoom", told.zoom)
