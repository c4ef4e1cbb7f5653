"""Drills and walk tests: named sources, a reason, an end. What no drill names is real.

A real fire, panic, duress or help breaks through: such kinds are part of a drill only where a source names them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from anju.domain.alarms import LIFE, NAME_MOST, NOTE_MOST
from anju.domain.events import EventKind
from anju.errors import Invalid

DRILL_MOST = timedelta(hours=2)
SOURCES_MOST = 200


class DrillKind(StrEnum):
    """What it is held for."""

    DRILL = "drill"  # people are trained
    WALK_TEST = "walk_test"  # detectors are tried one by one


@dataclass(frozen=True, slots=True)
class Source:
    """A device, or one of its zones (``""``: all), and the life kinds that are part of the drill there."""

    device_id: str
    zone: str = ""
    kinds: tuple[EventKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A drill as asked for."""

    kind: DrillKind
    sources: tuple[Source, ...]
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill of one community, from its start to ``ends_at`` at the latest."""

    id: UUID
    site_id: str
    place_path: str
    jurisdiction: str
    kind: DrillKind
    sources: tuple[Source, ...]
    begins_at: datetime
    ends_at: datetime
    started_by: str
    reason: str
    ended_at: datetime | None = None

    def covers(self, device_id: str, zone: str, kind: EventKind, at: datetime) -> bool:
        """Return whether what this source reports at ``at`` belongs to the drill."""
        if not self.begins_at <= at < (self.ended_at or self.ends_at):
            return False
        return any(
            each.device_id == device_id and each.zone in {"", zone} and (kind not in LIFE or kind in each.kinds)
            for each in self.sources
        )


def check(drill: Drill) -> Drill:
    """Return ``drill`` as it may begin. Raises Invalid without named sources, a reason or an end within two hours.

    Source: 5.1.2.3 (tests), our safety rule: a drill covers named sources for a limited time.
    """
    if not 0 < len(drill.sources) <= SOURCES_MOST:
        raise Invalid("no_sources", f"name what takes part: 1 to {SOURCES_MOST} sources")
    if any(
        not each.device_id or len(each.device_id) > NAME_MOST or len(each.zone) > NAME_MOST for each in drill.sources
    ):
        raise Invalid("no_sources", "a source is a device, perhaps with one of its zones")
    if not timedelta(0) < drill.ends_at - drill.begins_at <= DRILL_MOST:
        raise Invalid("drill_end", "a drill ends within two hours")
    if not drill.reason.strip() or len(drill.reason) > NOTE_MOST:
        raise Invalid("reason_needed", "a drill needs a reason")
    return drill


def in_drill(drills: Iterable[Drill], device_id: str, zone: str, kind: EventKind, at: datetime) -> bool:
    """Return whether any of ``drills`` covers this report."""
    return any(each.covers(device_id, zone, kind, at) for each in drills)
