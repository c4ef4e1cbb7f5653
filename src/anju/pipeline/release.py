"""What waits in quarantine is run again once its cause is mended, by the same stations as everything else.

Source: 4.2.2 (uniform cleaning).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import msgspec

from anju.domain.changes import Change, Fate, Lane, Origin
from anju.domain.events import Event
from anju.errors import Conflict, Refused
from anju.pipeline import captures, remote
from anju.pipeline.accept import run_again
from anju.pipeline.keep import Keeper, Told
from anju.pipeline.passages import PassageKeeper, Pictures
from anju.pipeline.registry import Registry
from anju.store import links, log, quarantine
from anju.store.database import Database
from anju.store.log import NodeId

RECEIVE = "receive"
RELEASED, DISCARDED = "released", "discarded"
_OF_ALARMS = frozenset({"event", "alarm", "alarm_step", "place", "jurisdiction", "command"})


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a group."""

    released: int = 0
    refused: int = 0
    reason: str = ""  # of the last one refused


class Sealing(Protocol):
    """Seals bytes about a name, and opens them."""

    def seal(self, value: bytes, about: str) -> bytes: ...
    def open(self, sealed: bytes, about: str) -> bytes: ...


class Releaser:
    """Runs held records again. It has a registry and a keeper of its own: any process may release.

    ``pictures`` and ``sealing`` are needed for what capture devices saw.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        *,
        clock: Callable[[], datetime],
        told: Told,
        pictures: Pictures | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        self._db, self._node, self._clock, self._told = db, node, clock, told
        self._pictures, self._sealing = pictures, sealing
        self._registry = Registry(db, node, clock=clock)
        self._keeper = Keeper(db, node, clock=clock, on_committed=told, on_unsaved=_unsaved)

    async def run(self, held: quarantine.Held, *, by: str, note: str) -> Fate:
        """Run one record again and write who did that; return what became of it.

        Raises Conflict where it was decided before, or its cause is not mended: then it waits on.
        """
        if held.state != "held":
            raise Conflict("already_decided", f"{held.decided_by} decided on this record before")
        fate = await (self._receive(held) if held.station == RECEIVE else self._report(held))
        await quarantine.decide(self._db, held.id, RELEASED, by=by, note=note, at=self._clock())
        return fate

    async def run_all(self, found: list[quarantine.Held], *, by: str, note: str) -> Tally:
        """Run records of one cause again; those whose cause is not mended wait on."""
        released, refused, reason = 0, 0, ""
        for each in found:
            try:
                await self.run(each, by=by, note=note)
                released += 1
            except Refused as error:
                refused, reason = refused + 1, str(error)
        return Tally(released, refused, reason)

    async def _report(self, held: quarantine.Held) -> Fate:
        await self._registry.refresh()
        if "viid" in held.value:
            fate = await self._capture(held)
        else:
            fate = await run_again(held, self._registry, self._keeper, at=self._clock())
        if fate is Fate.HELD:
            raise Conflict("held_again", "it could not be kept this time either: see the newest record in quarantine")
        return fate

    async def _capture(self, held: quarantine.Held) -> Fate:
        """Keep a vehicle or a person that a device saw. Raises Conflict where this process cannot keep pictures."""
        if self._pictures is None or self._sealing is None:
            raise Conflict("cannot_rerun", "this process cannot keep pictures: run it again on the node's console")
        keeper = PassageKeeper(
            *(self._db, self._node, self._registry, self._pictures),
            seal=self._sealing.seal,
            clock=self._clock,
            on_committed=self._told,
            on_unsaved=_unsaved,
        )
        return await captures.run_again(held, self._registry, keeper.keep_alone, open_sealed=self._sealing.open)

    async def _receive(self, held: quarantine.Held) -> Fate:
        sender = await links.lower(self._db, held.source_id)
        if sender is None:
            raise Conflict("sender_unknown", f"{held.source_id} is no node below any more")
        change = _read(held)
        async with self._db.transaction() as tx:
            (fate,) = await remote.take(
                tx, [change], source=held.source_id, region=sender.region, node=self._node, at=self._clock()
            )
            if fate is Fate.HELD:
                raise Conflict("not_mended", f"{held.reason}: the cause is still there")
            lane = Lane.ALARMS if change.kind in _OF_ALARMS else Lane.BULK
            if fate is Fate.KEPT:
                await log.append(tx, lane, [change], at=self._clock(), node=self._node)
        if fate is Fate.KEPT:
            await self._told(frozenset({lane}))
        return fate


def _read(held: quarantine.Held) -> Change:
    """Return the row that was held, as its sender told it. Raises Conflict where not all of it is there."""
    value: dict[str, Any] = held.value
    try:
        change = msgspec.convert(value, Change, strict=False)
    except msgspec.ValidationError as error:
        raise Conflict("cannot_rerun", "this record does not hold all that is needed to run it again") from error
    home = str(change.body.get("home_node", held.source_id))
    return change if change.origin else replace(change, origin=Origin(home, 0, 0))


async def _unsaved(_: Event) -> None:
    """The caller hears of it by DatabaseAway; the desk knows the alarm already."""
