"""Alarms of GB/T 28181 devices become reports in Anju's words. None is lost to a type that nobody knows.

Source: 5.1.2.3, 5.1.2.4-e (signal, time, place, event type); GB/T 28181-2016 A.2.5.3.
"""

from collections.abc import Sequence
from datetime import datetime

from anju.domain.channels import Status
from anju.domain.devices import Device
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_alarms import DEVICE, FAULT, VIDEO, AlarmNotice, read_alarm
from anju.store.channels import Turned

WINDOW_S = 86_400
EACH_MOST = 64
"""So many cameras that turn at once are reported each: what a recorder has."""
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


_LOST = {
    Status.OFF: ("channel_off", EventKind.COMMUNICATION),
    Status.FAULT: ("channel_fault", EventKind.FAULT),
}


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


def channel_reports(device: Device, turned: Sequence[Turned], at: datetime) -> list[DeviceReport]:
    """Return what is reported of cameras behind ``device`` that were lost or broke, or are back.

    Where very many turn at once, as behind a platform whose line was cut, one report speaks for all of them.
    Source: 4.2.1.5 (devices' faults), 4.2.1.7.
    """
    if len(turned) > EACH_MOST:
        lost = sum(each.after is not Status.ON for each in turned)
        return [_of_channel(device, "", "channels_turned", EventKind.COMMUNICATION, at, detail={"lost": lost})]
    found = []
    for each in turned:
        for status, active in ((each.before, False), (each.after, True)):
            if (told := _LOST.get(status)) is not None:
                found.append(_of_channel(device, each.code, *told, at, active=active))
    return found


def _of_channel(
    device: Device,
    channel: str,
    code: str,
    kind: EventKind,
    at: datetime,
    *,
    active: bool | None = None,
    detail: dict[str, object] | None = None,
) -> DeviceReport:
    area, zone = zone_of(device, channel)
    states = {True: EventState.ACTIVE, False: EventState.CLEARED, None: EventState.INFO}
    return DeviceReport(
        protocol="gb28181",
        account=device.account,
        kind=kind,
        state=states[active],
        code_space="anju",
        code=code,
        area=area,
        zone=zone,
        occurred_at=None,
        dedup_key=f"{device.account}|{channel}|{code}|{active}|{at.isoformat()}",
        dedup_window_s=WINDOW_S,
        frame=b"",
        peer="",
        detail={"channel": channel, **(detail or {})},
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
