"""Alarms of GB/T 28181 devices become reports in Anju's words. None is lost to a type that nobody knows.

Source: 5.1.2.3, 5.1.2.4-e (signal, time, place, event type); GB/T 28181-2016 A.2.5.3.
"""

from anju.domain.devices import Device
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_alarms import DEVICE, FAULT, VIDEO, AlarmNotice, read_alarm

WINDOW_S = 86_400
ALARM_INPUT = "134"
_KINDS = {
    "video_loss": EventKind.FAULT,
    "tamper": EventKind.TAMPER,
    "disk_full": EventKind.FAULT,
    "over_temperature": EventKind.FAULT,
    "under_temperature": EventKind.FAULT,
    "manual": EventKind.INTRUSION,
    "left_object": EventKind.INTRUSION,
    "removed_object": EventKind.INTRUSION,
    "tripwire": EventKind.INTRUSION,
    "intrusion": EventKind.INTRUSION,
    "loitering": EventKind.INTRUSION,
    "abnormal_video": EventKind.FAULT,
    "occlusion": EventKind.TAMPER,
    "disk_fault": EventKind.FAULT,
    "fan_fault": EventKind.FAULT,
    "motion": EventKind.INFO,
    "wrong_way": EventKind.INFO,
    "flow": EventKind.INFO,
    "density": EventKind.INFO,
    "fast_movement": EventKind.INFO,
}
_METHODS = {VIDEO: EventKind.INTRUSION, FAULT: EventKind.FAULT}
"""What an alarm of a type that is not known counts as; a method not known is told, and flagged."""


def report_of(device: Device, told: Message, frame: bytes, peer: str) -> DeviceReport:
    """Return the report that an alarm notice of ``device`` stands for.

    A channel or an alarm input is its zone: the type digits of its code are the area, its serial the number.
    """
    alarm = read_alarm(told)
    kind, known = _kind(alarm)
    area, zone = zone_of(device, alarm.device_id)
    at = alarm.at.isoformat() if alarm.at else f"sn{told.sn}"
    return DeviceReport(
        protocol="gb28181",
        account=device.account,
        kind=kind,
        state=EventState.INFO if kind is EventKind.INFO else EventState.ACTIVE,
        code_space="gb28181",
        code=f"{alarm.method}.{alarm.kind}" + (f".{alarm.event}" if alarm.event else ""),
        area=area,
        zone=zone,
        occurred_at=alarm.at,
        dedup_key=f"{device.account}|alarm|{alarm.device_id}|{alarm.method}|{alarm.kind}|{alarm.event}|{at}",
        dedup_window_s=WINDOW_S,
        frame=frame,
        peer=peer,
        flags=() if known else ("code_unknown",),
        detail=_detail(alarm),
    )


def zone_of(device: Device, code: str) -> tuple[str, str]:
    """Return area and number of the zone that ``code`` is; the device itself has none."""
    if code in {"", device.account}:
        return "", ""
    return (code[10:13], code[14:20]) if len(code) == 20 else ("", code[-8:])


def _kind(alarm: AlarmNotice) -> tuple[EventKind, bool]:
    if found := _KINDS.get(alarm.meaning):
        return found, True
    if alarm.method == DEVICE:
        wired = alarm.device_id[10:13] == ALARM_INPUT
        return EventKind.INTRUSION if wired else EventKind.FAULT, alarm.kind == 0
    return _METHODS.get(alarm.method, EventKind.INFO), False


def _detail(alarm: AlarmNotice) -> dict[str, object]:
    told: dict[str, object] = {
        "channel": alarm.device_id,
        "priority": alarm.priority,
        "method": alarm.method,
        "type": alarm.kind,
        "meaning": alarm.meaning,
        "text": alarm.description[:500],
    }
    place = {"longitude": alarm.longitude, "latitude": alarm.latitude}
    more = {name[:40]: value[:200] for name, value in list(alarm.more.items())[:10]}
    return {
        **told,
        **{name: each for name, each in place.items() if each is not None},
        **({"more": more} if more else {}),
    }
