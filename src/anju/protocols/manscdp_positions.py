"""MobilePosition (移动设备位置): where a moving camera is, in WGS-84.

Source: GB/T 28181-2016 A.2.4.10, A.2.5.6; 4.2.1.2.
"""

from dataclasses import dataclass
from datetime import datetime

from anju.protocols.manscdp import Message, Root, code, message
from anju.protocols.manscdp_text import read_decimal, read_time, read_whole, write_time
from anju.protocols.manscdp_xml import Element, element, leaf

_MOST = 1_000
_SHORTEST_S, _LONGEST_S = 1, 86_400


@dataclass(frozen=True, slots=True)
class MobilePosition:
    """Where ``device_id`` was ``at``: degrees, km/h, degrees from north, metres; None where it was not told."""

    device_id: str
    at: datetime | None
    longitude: float
    latitude: float
    speed: float | None = None
    direction: float | None = None
    altitude: float | None = None


def position_query(sn: int, device_id: str, interval_s: int = 5) -> Message:
    """Return the question for positions, which as a rule is the body of a subscription."""
    return message(Root.QUERY, "MobilePosition", sn, device_id, element("Interval", interval_s))


def read_interval(told: Message) -> int:
    """Return how many seconds shall lie between two positions, 1 to 86,400; 5 where it is not told."""
    return min(max(read_whole(told.element.value("Interval"), 5), _SHORTEST_S), _LONGEST_S)


def position_notice(sn: int, told: MobilePosition) -> Message:
    """Return the Notify that tells one position."""
    return message(
        Root.NOTIFY,
        "MobilePosition",
        sn,
        told.device_id,
        leaf("Time", write_time(told.at) if told.at else None),
        element("Longitude", told.longitude),
        element("Latitude", told.latitude),
        leaf("Speed", told.speed),
        leaf("Direction", told.direction),
        leaf("Altitude", told.altitude),
    )


def read_positions(told: Message) -> tuple[MobilePosition, ...]:
    """Return the positions in a Notify: one, or a list of several; those off the earth are left out."""
    items = [each for several in told.element.all("DeviceList") for each in several.all("Item")]
    found = (_position(each, told.device_id) for each in (items or [told.element])[:_MOST])
    return tuple(each for each in found if each is not None)


def _position(found: Element, default: str) -> MobilePosition | None:
    values = found.values()
    longitude, latitude = read_decimal(values.get("longitude", "")), read_decimal(values.get("latitude", ""))
    if longitude is None or latitude is None or abs(longitude) > 180 or abs(latitude) > 90:
        return None
    return MobilePosition(
        code(values.get("deviceid", "")) or default,
        read_time(values.get("time") or values.get("capturetime", "")),
        longitude,
        latitude,
        read_decimal(values.get("speed", "")),
        read_decimal(values.get("direction", "")),
        read_decimal(values.get("altitude", "")),
    )
