"""From a device's report to an event: times judged, zones named, levels given. Flags, never silent repairs.

Source: 4.2.2 (uniform cleaning), 8-g (accurate, fresh, complete).
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from anju.domain.events import DeviceReport, Event, EventKind

FUTURE = timedelta(minutes=5)
LATE = timedelta(hours=24)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

LEVEL = {
    EventKind.FIRE: 1,
    EventKind.FIRE_MANUAL: 1,
    EventKind.PANIC: 1,
    EventKind.DURESS: 1,
    EventKind.HELP: 1,
    EventKind.GAS: 1,
    EventKind.INTRUSION: 2,
    EventKind.WATCH_LIST: 2,
    EventKind.DOOR_FORCED: 2,
    EventKind.FIRE_SUPERVISORY: 3,
    EventKind.TAMPER: 3,
    EventKind.WATER: 3,
    EventKind.ENVIRONMENT: 3,
    EventKind.DOOR_HELD: 3,
    EventKind.POWER: 3,
    EventKind.FAULT: 3,
    EventKind.COMMUNICATION: 3,
}
"""Level of each kind; what is not named is 4, 提示."""

ABOUT_THE_DEVICE = frozenset(
    {
        EventKind.TAMPER,
        EventKind.POWER,
        EventKind.FAULT,
        EventKind.COMMUNICATION,
        EventKind.ARM,
        EventKind.DISARM,
        EventKind.BYPASS,
        EventKind.TEST,
        EventKind.INFO,
    }
)
"""What a panel tells of itself or of a detector: a low battery in a panic button is no panic."""


@dataclass(frozen=True, slots=True)
class ZoneName:
    """A zone as the registry knows it. ``kind`` overrides the panel's code, e.g. for a panic button on a 24 h zone."""

    name: str
    place_id: str
    place_path: str
    place_name: str
    kind: EventKind | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """The registered device behind a report: where it stands and its zones by (area, zone)."""

    device_id: str
    device_name: str
    site_id: str
    place_id: str
    place_path: str
    place_name: str
    jurisdiction: str = ""
    zones: Mapping[tuple[str, str], ZoneName] = field(default_factory=dict)


def clean(report: DeviceReport, reporter: Reporter, *, event_id: UUID, at: datetime) -> Event:
    """Return the event that ``report`` of ``reporter``, received at ``at``, stands for.

    An unknown zone, an odd clock or unreadable text is a flag: no alarm is ever lost to it.
    Source: 5.1.2.4-e (signal, time, place and event type).
    """
    zone = reporter.zones.get((report.area, report.zone)) or reporter.zones.get(("", report.zone))
    place = zone or reporter
    kind = zone.kind if zone and zone.kind and report.kind not in ABOUT_THE_DEVICE else report.kind
    occurred_at, flags = judge_time(report.occurred_at, at=at)
    detail, odd = clean_json(report.detail)
    if zone is None and report.zone.strip("0"):
        flags = (*flags, "zone_unknown")
    return Event(
        id=event_id,
        received_at=at,
        site_id=reporter.site_id,
        place_id=place.place_id,
        place_path=place.place_path,
        place_name=place.place_name,
        jurisdiction=reporter.jurisdiction,
        device_id=reporter.device_id,
        device_name=reporter.device_name,
        zone=f"{report.area}/{report.zone}",
        zone_name=zone.name if zone else "",
        kind=kind,
        state=report.state,
        level=LEVEL.get(kind, 4),
        code_space=report.code_space,
        code=report.code,
        occurred_at=occurred_at,
        clock_offset_ms=None if occurred_at is None else round((occurred_at - at) / timedelta(milliseconds=1)),
        flags=(),
        late="late" in flags,
        drill=False,
        detail=detail,
    ).flagged(*report.flags, *flags, *(("text_cleaned",) if odd else ()))


def judge_time(occurred_at: datetime | None, *, at: datetime) -> tuple[datetime | None, tuple[str, ...]]:
    """Return the device's time as it may be kept, and what is odd about it (rules C10, C11)."""
    if occurred_at is None:
        return None, ()
    if occurred_at < EARLIEST:
        return None, ("time_invalid",)
    if occurred_at > at + FUTURE:
        return occurred_at, ("clock_future",)
    return occurred_at, ("late",) if occurred_at < at - LATE else ()


def clean_text(text: str) -> str:
    """Return ``text`` in NFC without control characters and lone surrogates (rule C01)."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in unicodedata.normalize("NFC", whole) if unicodedata.category(c) != "Cc").strip()


def clean_json(detail: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return ``detail`` with its texts cleaned, and whether anything had to be."""
    found = {clean_text(key): clean_text(each) if isinstance(each, str) else each for key, each in detail.items()}
    return found, found != dict(detail)
