"""The pictures of one record, whichever kind it is, and when it was kept.

Source: 5.2.2.1 (pictures of passages), 5.2.2.3 (an alarm shows its picture).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from anju.domain.rights import EVERYWHERE
from anju.store import events, passages, sightings
from anju.store.database import Executor


@dataclass(frozen=True, slots=True)
class Pictured:
    """A record with pictures: the ids of these, and where and when it was kept."""

    pictures: frozenset[UUID]
    kept_at: datetime
    place_path: str
    jurisdiction: str


async def find(db: Executor, kind: str, record_id: UUID) -> Pictured:
    """Return a record's pictures, whoever may see it. Raises NotFound."""
    return await _FIND[kind](db, record_id)


async def _passage(db: Executor, record_id: UUID) -> Pictured:
    kept = await passages.find(db, EVERYWHERE, record_id)
    found = kept.passage
    ids = frozenset(each.blob_id for each in found.pictures)
    return Pictured(ids, kept.kept_at, found.place_path, found.jurisdiction)


async def _sighting(db: Executor, record_id: UUID) -> Pictured:
    kept = await sightings.find(db, EVERYWHERE, record_id)
    found = kept.sighting
    ids = frozenset(each.blob_id for each in found.pictures)
    return Pictured(ids, kept.kept_at, found.place_path, found.jurisdiction)


async def _event(db: Executor, record_id: UUID) -> Pictured:
    body = await events.one(db, EVERYWHERE, record_id)
    kept_at = datetime.fromisoformat(body["kept_at"])
    return Pictured(_told(body["detail"]), kept_at, body["place_path"], body["jurisdiction"])


def _told(detail: Mapping[str, Any]) -> frozenset[UUID]:
    """Return what an event says are its pictures; what a device wrote there is no picture of ours."""
    told = detail.get("pictures")
    named = [each.get("blob_id") for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    try:
        return frozenset(UUID(str(each)) for each in named)
    except ValueError:
        return frozenset()


_FIND: Mapping[str, Callable[[Executor, UUID], Awaitable[Pictured]]] = {
    "passage": _passage,
    "sighting": _sighting,
    "event": _event,
}
