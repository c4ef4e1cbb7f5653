"""Alarms (报警): told by devices, asked for, subscribed to.

Source: GB/T 28181-2016 A.2.5.3, A.2.4.6; 5.1.2.3, 5.1.2.4 (alarms with pictures), 4.2.1.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from anju.protocols.manscdp import Message, Root, answer, message
from anju.protocols.manscdp_text import LONGEST, read_decimal, read_time, read_whole, write_time
from anju.protocols.manscdp_xml import element, leaf

PHONE, DEVICE, SHORT_MESSAGE, GPS, VIDEO, FAULT, OTHER = 1, 2, 3, 4, 5, 6, 7
INTRUSION = 6  # AlarmType of VIDEO; EventType 1 enters, 2 leaves
KINDS: Mapping[tuple[int, int], str] = MappingProxyType(
    {
        (DEVICE, 0): "device",
        (DEVICE, 1): "video_loss",
        (DEVICE, 2): "tamper",
        (DEVICE, 3): "disk_full",
        (DEVICE, 4): "over_temperature",
        (DEVICE, 5): "under_temperature",
        (VIDEO, 1): "manual",
        (VIDEO, 2): "motion",
        (VIDEO, 3): "left_object",
        (VIDEO, 4): "removed_object",
        (VIDEO, 5): "tripwire",
        (VIDEO, INTRUSION): "intrusion",
        (VIDEO, 7): "wrong_way",
        (VIDEO, 8): "loitering",
        (VIDEO, 9): "flow",
        (VIDEO, 10): "density",
        (VIDEO, 11): "abnormal_video",
        (VIDEO, 12): "fast_movement",
        (VIDEO, 13): "occlusion",
        (FAULT, 1): "disk_fault",
        (FAULT, 2): "fan_fault",
    }
)
"""What a method and a type mean together."""
_KNOWN = {
    *("cmdtype", "sn", "deviceid", "alarmpriority", "alarmmethod", "alarmtime", "alarmdescription"),
    *("longitude", "latitude", "alarmtype", "alarmtypeparam", "info"),
}


@dataclass(frozen=True, slots=True)
class AlarmNotice:
    """One alarm. ``priority`` 1 highest to 4, 0 not told. ``kind`` and ``event`` are AlarmType and EventType, 0 none.

    ``device_id`` may be the device, a channel or an alarm input. ``at`` is None where the device told no usable time.
    """

    device_id: str
    method: int
    at: datetime | None
    priority: int = 0
    kind: int = 0
    event: int = 0
    description: str = ""
    longitude: float | None = None
    latitude: float | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def meaning(self) -> str:
        """Return the word of KINDS for method and type, 'other' where there is none."""
        return KINDS.get((self.method, self.kind), "other")

    @property
    def key(self) -> tuple[str, int, int, datetime | None]:
        """Return what a repeated notice of the same alarm shares with it."""
        return self.device_id, self.method, self.kind, self.at


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Which alarms are asked for or subscribed to. ``methods`` empty: all; priorities 0: all."""

    first_priority: int = 0
    last_priority: int = 0
    methods: frozenset[int] = frozenset()
    kind: int = 0
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, told: AlarmNotice) -> bool:
        """Return whether ``told`` is among what is asked for."""
        first, last = self.first_priority or 1, self.last_priority or 4
        return (
            (not self.methods or told.method in self.methods)
            and (not told.priority or first <= told.priority <= last)
            and self.kind in {0, told.kind}
        )


def read_alarm(told: Message) -> AlarmNotice:
    """Return the alarm in a Notify; what it leaves out is 0, '' or None."""
    own = {name: value[:LONGEST] for name, value in told.element.values().items()}
    infos = list(told.element.all("Info"))
    inner = {name: value[:LONGEST] for each in infos for name, value in each.values().items()}
    events = [each.value("EventType") for info in (told.element, *infos) for each in info.all("AlarmTypeParam")]
    both = own | inner
    return AlarmNotice(
        told.device_id,
        read_whole(own.get("alarmmethod", "")),
        read_time(own.get("alarmtime", "")),
        _priority(own.get("alarmpriority", "")),
        read_whole(both.get("alarmtype", "")),
        read_whole(next((each for each in events if each), "")),
        own.get("alarmdescription", ""),
        read_decimal(own.get("longitude", "")),
        read_decimal(own.get("latitude", "")),
        {name: value for name, value in both.items() if value and name not in _KNOWN},
    )


def alarm_notice(sn: int, told: AlarmNotice) -> Message:
    """Return the Notify that tells ``told``."""
    param = element("AlarmTypeParam", element("EventType", told.event)) if told.event else None
    info = element("Info", element("AlarmType", told.kind), param) if told.kind else None
    return message(
        Root.NOTIFY,
        "Alarm",
        sn,
        told.device_id,
        element("AlarmPriority", told.priority or 4),
        element("AlarmMethod", told.method),
        leaf("AlarmTime", write_time(told.at) if told.at else None),
        leaf("AlarmDescription", told.description),
        leaf("Longitude", told.longitude),
        leaf("Latitude", told.latitude),
        info,
    )


def alarm_answer(told: Message, *, ok: bool = True) -> Message:
    """Return the Response that a notice of an alarm is due besides the SIP answer."""
    return answer(told, ok=ok)


def alarm_query(sn: int, device_id: str, asked: AlarmQuery) -> Message:
    """Return the question for alarms, which is also the body of a subscription."""
    methods = "".join(str(each) for each in sorted(asked.methods)) or "0"
    return message(
        Root.QUERY,
        "Alarm",
        sn,
        device_id,
        element("StartAlarmPriority", asked.first_priority),
        element("EndAlarmPriority", asked.last_priority),
        element("AlarmMethod", methods),
        leaf("AlarmType", asked.kind or None),
        leaf("StartAlarmTime", write_time(asked.start) if asked.start else None),
        leaf("EndAlarmTime", write_time(asked.end) if asked.end else None),
    )


def read_alarm_query(told: Message) -> AlarmQuery:
    """Return which alarms are asked for; times are called StartAlarmTime or StartTime, methods are joined digits."""
    values = told.element.values()
    return AlarmQuery(
        _priority(values.get("startalarmpriority", "")),
        _priority(values.get("endalarmpriority", "")),
        methods(values.get("alarmmethod", "")),
        read_whole(values.get("alarmtype", "")),
        read_time(values.get("startalarmtime") or values.get("starttime", "")),
        read_time(values.get("endalarmtime") or values.get("endtime", "")),
    )


def methods(text: str) -> frozenset[int]:
    """Return the methods that joined digits name: ``12`` is 1 or 2; empty for all, which 0 means."""
    found = {int(each) for each in text[:16] if each in "01234567"}
    return frozenset() if 0 in found else frozenset(found)


def _priority(text: str) -> int:
    found = read_whole(text)
    return found if 0 <= found <= 4 else 0
