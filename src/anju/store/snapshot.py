"""Things as they stand now, for a tier above that missed rows which are gone: a resync instead of a silent jump."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from anju.domain.changes import Change, Lane, Origin
from anju.domain.places import REGIONS, PlaceKind
from anju.domain.rights import EVERYWHERE
from anju.store import alarms, devices, events, passages, places, sightings, watch
from anju.store.database import Executor
from anju.store.log import NodeId

EVER = datetime(1, 1, 1, tzinfo=UTC)
MARGIN = timedelta(minutes=10)  # a step is taken a little before it is logged
ANNOUNCED = (*REGIONS, PlaceKind.GRID, PlaceKind.SITE)
"""Kinds of places that tell where a node's rows may lie."""


async def changes(db: Executor, lane: Lane, node: NodeId, *, since: datetime | None) -> AsyncIterator[Change]:
    """Yield what replaces the lost rows of ``lane``, each with an origin whose seq is 0.

    Alarms: those open, and those that somebody did something to since ``since``, with their steps, and the events that
    raise alarms since then. Bulk: police bodies, places, devices, watch lists, and since ``since`` what was seen and
    all other events.
    """
    start = since - MARGIN if since else EVER
    urgent = (events.all_changes(db, since=start, urgent=True), alarms.all_changes(db, since=start))
    bulk = (
        places.all_changes(db),
        devices.all_changes(db),
        watch.all_changes(db),
        events.all_changes(db, since=start, urgent=False),
        passages.all_changes(db, since=start),
        sightings.all_changes(db, since=start),
    )
    for found in urgent if lane is Lane.ALARMS else bulk:
        async for each in found:
            yield _from(each, node)


async def sites(db: Executor, node: NodeId) -> list[Change]:
    """Return the places that say where this node's rows may lie, parents before children."""
    found = await places.listed(db, EVERYWHERE, kinds=ANNOUNCED)
    return [_from(places.change(each), node) for each in found]


def _from(change: Change, node: NodeId) -> Change:
    home = change.origin.node if change.origin else str(change.body.get("home_node", node.id))
    return replace(change, origin=Origin(home, node.epoch, 0))
