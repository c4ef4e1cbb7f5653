"""The community's own watch list: which vehicles and visitors somebody waits for, why and until when.

An entry is an alarm the moment its plate passes inside the entry's place. Source: 5.2.2.3 (特定车辆自动报警).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from anju.domain.captures import new_id
from anju.domain.events import Event, EventKind, EventState
from anju.domain.vehicles import Passage

VEHICLE, VISITOR = "vehicle", "visitor"
CODE_SPACE = "anju"


@dataclass(frozen=True, slots=True)
class Entry:
    """One vehicle or banned visitor that is waited for below ``place_path``, until ``expires_at``.

    ``plate`` is in normal form. ``level`` is the alarm's, 1 to 3. The owner is who asked for it; only ``home_node``
    changes an entry and heeds it.
    """

    id: UUID
    site_id: str
    place_path: str
    jurisdiction: str
    kind: str
    plate: str | None
    reason: str
    level: int
    owner_id: str
    owner_name: str
    created_at: datetime
    expires_at: datetime
    home_node: str
    ended_at: datetime | None = None
    ended_by: str = ""
    version: int = 1

    def holds(self, at: datetime) -> bool:
        """Return whether it is in force at ``at``."""
        return self.created_at <= at < self.expires_at and (self.ended_at is None or at < self.ended_at)


def body(entry: Entry) -> dict[str, Any]:
    """Return ``entry`` as the log, the tiers above and the console see it: JSON only, without what names a visitor."""
    found: dict[str, Any] = msgspec.to_builtins(entry)
    return found


def read_body(stored: Mapping[str, Any]) -> Entry:
    """Return the entry that ``body`` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(stored, Entry, strict=False)


@dataclass(frozen=True, slots=True)
class WatchList:
    """Entries by plate, as of ``version`` of the list."""

    version: int = -1
    by_plate: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    def hits(self, passage: Passage, at: datetime) -> list[Entry]:
        """Return the entries in force at ``at`` whose plate and place ``passage`` meets."""
        found = self.by_plate.get(passage.plate or "", ())
        return [each for each in found if each.holds(at) and passage.place_path.startswith(each.place_path)]


def watch_list(version: int, entries: Iterable[Entry]) -> WatchList:
    """Return ``entries`` that name a plate, ready to be looked up: vehicles, and visitors whose vehicle is known."""
    by_plate: dict[str, tuple[Entry, ...]] = {}
    for each in entries:
        if each.plate:
            by_plate[each.plate] = (*by_plate.get(each.plate, ()), each)
    return WatchList(version, by_plate)


def event(entry: Entry, passage: Passage) -> Event:
    """Return the event that ``passage`` is because of ``entry``; what came late is an alarm all the same, flagged.

    Each entry at each device is a condition of its own: a second watched car is no repeat of the first.
    """
    detail = {
        "plate": passage.plate,
        "entry_kind": entry.kind,
        "reason": entry.reason,
        "entry_id": str(entry.id),
        "passage_id": str(passage.id),
        "direction": passage.direction,
        "pictures": msgspec.to_builtins(passage.pictures),
    }
    return Event(
        new_id(passage.received_at),
        passage.received_at,
        passage.site_id,
        passage.place_id,
        passage.place_path,
        passage.place_name,
        passage.jurisdiction,
        passage.device_id,
        passage.device_name,
        zone=f"watch/{entry.id}",
        zone_name=passage.plate or "",
        kind=EventKind.WATCH_LIST,
        state=EventState.ACTIVE,
        level=entry.level,
        code_space=CODE_SPACE,
        code="watch_list",
        occurred_at=None if passage.clock_offset_ms is None else passage.passed_at,
        clock_offset_ms=passage.clock_offset_ms,
        flags=passage.flags,
        late="late" in passage.flags,
        drill=False,
        detail=detail,
    )
