"""What a device reports, in Anju's own words: one value for every kind of door, panel and sensor.

Source: 5.1.2.4-e (signal, time, place, event type reach the platform).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventKind(StrEnum):
    """What happened, for all subsystems."""

    FIRE = "fire"
    FIRE_MANUAL = "fire_manual"
    FIRE_SUPERVISORY = "fire_supervisory"
    PANIC = "panic"
    DURESS = "duress"
    HELP = "help"
    INTRUSION = "intrusion"
    TAMPER = "tamper"
    WATCH_LIST = "watch_list"
    GAS = "gas"
    WATER = "water"
    ENVIRONMENT = "environment"
    ACCESS_DENIED = "access_denied"
    DOOR_FORCED = "door_forced"
    DOOR_HELD = "door_held"
    POWER = "power"
    FAULT = "fault"
    COMMUNICATION = "communication"
    ARM = "arm"
    DISARM = "disarm"
    BYPASS = "bypass"
    TEST = "test"
    INFO = "info"


class EventState(StrEnum):
    """Whether the condition began, ended, or is only told."""

    ACTIVE = "active"
    CLEARED = "cleared"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What a driver hands on: the device's words in Anju's terms, not yet accepted.

    ``account`` is how the device names itself on that wire (DC-09: ``line/account``, e.g. ``0/1234``);
    ``dedup_key`` and ``dedup_window_s`` come from the codec; ``occurred_at`` is the device's own clock, None if untold.
    ``frame`` is the raw frame, ``peer`` the far address. ``area`` is the panel's partition, ``zone`` its zone number.
    """

    protocol: str
    account: str
    kind: EventKind
    state: EventState
    code_space: str
    code: str
    area: str
    zone: str
    occurred_at: datetime | None
    dedup_key: str
    dedup_window_s: int
    frame: bytes
    peer: str
    flags: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A report that was accepted: it has an identity, a place and the platform's time.

    ``clock_offset_ms`` is device clock minus platform clock, None where the device told no time.
    """

    id: UUID
    received_at: datetime
    site_id: str
    place_id: str
    place_path: str
    place_name: str
    jurisdiction: str
    device_id: str
    device_name: str
    zone: str
    zone_name: str
    kind: EventKind
    state: EventState
    level: int
    code_space: str
    code: str
    occurred_at: datetime | None
    clock_offset_ms: int | None
    flags: tuple[str, ...]
    late: bool
    drill: bool
    detail: dict[str, Any]

    def flagged(self, *flags: str) -> "Event":
        """Return the same event with ``flags`` added once."""
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *flags))))


PERSONAL = ("user", "text", "extensions")
"""Parts of a report's detail that may name a person."""
MASK = "•••"


def masked(stored: dict[str, Any]) -> dict[str, Any]:
    """Return an event's body, or an alarm's with its event, with what may name a person hidden.

    Source: 6 (personal information is not disclosed).
    """
    if isinstance(inner := stored.get("event"), dict):
        stored = {**stored, "event": masked(inner)}
    detail = stored.get("detail")
    if not isinstance(detail, dict):
        return stored
    hidden = {name: MASK for name in PERSONAL if detail.get(name)}
    return {**stored, "detail": {**detail, **hidden}}


def masked_frame(data: bytes, detail: dict[str, Any]) -> bytes:
    """Return a raw frame with every text that ``masked`` hides starred out; rather too much than too little."""
    told = [each for name in PERSONAL for each in _texts(detail.get(name))]
    for text in sorted(told, key=len, reverse=True):
        for form in {text.encode("utf-8", "replace"), text.encode("gbk", "replace")}:
            data = data.replace(form, b"*" * len(form))
    return data


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) and value else []
