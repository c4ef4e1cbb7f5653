"""What a device tells about itself: keep-alive, DeviceInfo and DeviceStatus.

Source: GB/T 28181-2016 A.2.5, A.2.6; 4.2.1.2, 5.4.1 (device state).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from anju.protocols.manscdp import Message, Root, answer, code, message, result_of
from anju.protocols.manscdp_text import LONGEST, read_time, read_whole, write_time
from anju.protocols.manscdp_xml import Element, element, leaf

_MOST = 1_000  # children in one list


@dataclass(frozen=True, slots=True)
class Keepalive:
    """A sign of life: whether the device finds itself in order, and which of its children are faulty."""

    ok: bool = True
    faulty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device is. ``channels`` is None where it was not told; ``more`` has all other values, lower-case names."""

    name: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    channels: int | None = None
    ok: bool | None = True
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """How a device is. None where it was not told. ``duty``: ONDUTY 布防, OFFDUTY 撤防 or ALARM by alarm input."""

    online: bool | None = None
    ok: bool | None = None
    reason: str = ""
    encoding: bool | None = None
    recording: bool | None = None
    time: datetime | None = None
    duty: Mapping[str, str] = field(default_factory=dict)


def read_keepalive(told: Message) -> Keepalive:
    """Return the sign of life in ``told``; a missing Status counts as OK."""
    named = (code(each.text.strip()) for info in told.element.all("Info") for each in info.all("DeviceID"))
    faulty = tuple(each for each in dict.fromkeys(named) if each)
    return Keepalive(told.element.value("Status").upper() in {"", "OK", "ON"}, faulty[:_MOST])


def keepalive(sn: int, device_id: str, told: Keepalive | None = None) -> Message:
    """Return a sign of life."""
    told = told or Keepalive()
    info = element("Info", *(element("DeviceID", each) for each in told.faulty)) if told.faulty else None
    return message(Root.NOTIFY, "Keepalive", sn, device_id, element("Status", "OK" if told.ok else "ERROR"), info)


def info_query(sn: int, device_id: str) -> Message:
    """Return the question for DeviceInfo."""
    return message(Root.QUERY, "DeviceInfo", sn, device_id)


def read_info(told: Message) -> DeviceInfo:
    """Return what a device says it is."""
    values = {name: value[:LONGEST] for name, value in told.element.values().items()}
    known = {"cmdtype", "sn", "deviceid", "devicename", "result", "manufacturer", "model", "firmware", "channel"}
    channels = read_whole(values.get("channel", ""), -1)
    return DeviceInfo(
        name=values.get("devicename", ""),
        manufacturer=values.get("manufacturer", ""),
        model=values.get("model", ""),
        firmware=values.get("firmware", ""),
        channels=channels if channels >= 0 else None,
        ok=result_of(told),
        more={name: value for name, value in values.items() if name not in known and value},
    )


def info_answer(asked: Message, told: DeviceInfo) -> Message:
    """Return the answer to a question for DeviceInfo."""
    return answer(
        asked,
        leaf("DeviceName", told.name),
        leaf("Manufacturer", told.manufacturer),
        leaf("Model", told.model),
        leaf("Firmware", told.firmware),
        leaf("Channel", told.channels),
        ok=told.ok,
    )


def status_query(sn: int, device_id: str) -> Message:
    """Return the question for DeviceStatus."""
    return message(Root.QUERY, "DeviceStatus", sn, device_id)


def read_status(told: Message) -> DeviceStatus:
    """Return how a device says it is."""
    values = told.element.values()
    return DeviceStatus(
        online=_flag(values.get("online", "")),
        ok=_flag(values.get("status", "")),
        reason=values.get("reason", "")[:LONGEST],
        encoding=_flag(values.get("encode", "")),
        recording=_flag(values.get("record", "")),
        time=read_time(values.get("devicetime", "")),
        duty=dict(_duty(told.element)),
    )


def status_answer(asked: Message, told: DeviceStatus) -> Message:
    """Return the answer to a question for DeviceStatus."""
    duty = [element("Item", element("DeviceID", each), element("DutyStatus", how)) for each, how in told.duty.items()]
    return answer(
        asked,
        element("Online", "OFFLINE" if told.online is False else "ONLINE"),
        element("Status", "ERROR" if told.ok is False else "OK"),
        leaf("Reason", told.reason),
        _switch("Encode", on=told.encoding),
        _switch("Record", on=told.recording),
        leaf("DeviceTime", write_time(told.time) if told.time else None),
        element("Alarmstatus", *duty, Num=len(duty)) if duty else None,
    )


def _flag(text: str) -> bool | None:
    return {"ON": True, "OK": True, "ONLINE": True, "OFF": False, "ERROR": False, "OFFLINE": False}.get(text.upper())


def _switch(name: str, *, on: bool | None) -> Element | None:
    return None if on is None else element(name, "ON" if on else "OFF")


def _duty(root: Element) -> Iterable[tuple[str, str]]:
    items = [each for several in root.all("Alarmstatus") for each in several.all("Item")][:_MOST]
    for values in (each.values() for each in items):
        if device := code(values.get("deviceid", "")):
            yield device, values.get("dutystatus", "").upper()[:16]
