"""accept for GA/T 1400: whose is each object of a request. What a device nobody registered sent waits in quarantine.

A sender reports for itself and for the devices behind it. Held objects are sealed with their pictures, bounded in
number and size; beyond the bound the sender hears that the device is unknown and keeps them.
Source: 4.2.2 (cleaning), 4.3, 5.2.2.1, 6.3.2 (personal data sealed).
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from uuid_utils.compat import uuid7

from anju.domain.changes import Fate
from anju.errors import Conflict, DatabaseAway, Invalid
from anju.pipeline.accept import STATION, Acceptor, Bound, hour_of
from anju.pipeline.registry import Known, Open, Registry
from anju.protocols.viid import INVALID_OPERATION, Bad, ViidObject
from anju.protocols.viid_kinds import STANDING
from anju.store import quarantine
from anju.store.database import Database

PROTOCOL = "viid"
UNKNOWN_DEVICE = "unknown_device"
HELD_EACH, HELD_ALL = 100, 2_000
"""Objects held each hour: of one unknown device, and of all."""
HELD_PIECES, _PIECE = 1_024, 64 * 1024
"""Pieces of so many bytes held each hour, pictures and all."""


@dataclass(frozen=True, slots=True)
class Owned:
    """An object and the registered device that saw it."""

    told: ViidObject
    known: Known


Keep = Callable[[Sequence[Owned], bytes, str], Awaitable[Sequence[Fate]]]
"""Keeps objects of one request, its raw bytes and its peer's address; returns after the commit. Raises DatabaseAway."""
Seal = Callable[[bytes, str], bytes]


class CaptureAcceptor:
    """The station between the door for GA/T 1400 and ``keep``, one for each intake process.

    ``heard`` notes a sign of life of a device behind a sender.
    """

    def __init__(
        self,
        db: Database,
        registry: Registry,
        acceptor: Acceptor,
        keep: Keep,
        *,
        seal: Seal,
        heard: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._registry, self._acceptor, self._keep = db, registry, acceptor, keep
        self._seal, self._heard, self._clock = seal, heard, clock
        self._strangers, self._bytes = Bound(HELD_EACH, HELD_ALL), Bound(HELD_PIECES, HELD_PIECES)

    async def emit(self, objects: Sequence[ViidObject], raw: bytes, sender: Known, peer: str) -> list[Fate | Bad]:
        """Keep what one request of ``sender`` submits; return, after the commit, what became of each object.

        Raises DatabaseAway: then nothing may be answered as kept.
        """
        whose = [self._whose(index, each, sender) for index, each in enumerate(objects)]
        owned = [Owned(each, known) for each, known in zip(objects, whose, strict=True) if isinstance(known, Known)]
        kept = iter(await self._kept(owned, raw, peer))
        strangers = [each for each, known in zip(objects, whose, strict=True) if known is None]
        held = iter(await self._hold(strangers) if strangers else ())
        return [next(kept) if isinstance(w, Known) else next(held) if w is None else w for w in whose]

    def _whose(self, index: int, told: ViidObject, sender: Known) -> Known | Bad | None:
        """Return the device that saw it, None where nobody registered that code; Bad where it is not the sender's."""
        code = told.device_id or told.tollgate_id
        found = self._registry.find(PROTOCOL, code) if code else sender
        if found is None or found is sender or sender.may_speak_for(found):
            return found
        words = f"{code} may not be used by this user"
        return Bad(index, told.object_id, INVALID_OPERATION, words, "identity not allowed")

    async def _kept(self, owned: Sequence[Owned], raw: bytes, peer: str) -> Sequence[Fate]:
        """A description of a registered device changes nothing: the registry is kept by people."""
        if owned and owned[0].told.kind in STANDING:
            return [Fate.DUPLICATE] * len(owned)
        fates = await self._keep(owned, raw, peer) if owned else ()
        for device_id in {each.known.device.id for each in owned}:
            self._heard(device_id)
        return fates

    async def _hold(self, strangers: Sequence[ViidObject]) -> list[Fate | Bad]:
        """Put into quarantine what the bound allows. Raises DatabaseAway."""
        at = self._clock()
        held = [self._held(each, at) for each in strangers]
        there = [each for each in held if each]
        try:
            async with self._db.transaction() as tx:
                for each in there:
                    await quarantine.hold(tx, each)
        except DatabaseAway:
            for each in there:
                self._strangers.give_back(each.source_id)
            raise
        for each in there:
            self._acceptor.held(each.source_id, UNKNOWN_DEVICE, 1)
        return [Fate.HELD if waits else _unknown(each) for each, waits in zip(strangers, held, strict=True)]

    def _held(self, told: ViidObject, at: datetime) -> quarantine.Held | None:
        if told.kind in STANDING:
            return None
        source, held_id, hour = f"{PROTOCOL}:{told.device_id or told.tollgate_id}"[:80], uuid7(), hour_of(at)
        plain = msgspec.msgpack.encode(told)
        pieces = len(plain) // _PIECE + 1
        if self._bytes.take_many("", hour, pieces) < pieces or not self._strangers.take(source, hour):
            return None
        sealed = base64.b64encode(self._seal(plain, held_about(source))).decode()
        value = {"viid": sealed, "kind": told.kind, "device": told.device_id[:64], "pictures": len(told.images)}
        return quarantine.Held(held_id, at, "", source, "/", "", STATION, UNKNOWN_DEVICE, None, value)


def held_about(source: str) -> str:
    """Return what a held object of ``source`` is sealed about."""
    return f"quarantine.value|{source}"


def _unknown(told: ViidObject) -> Bad:
    return Bad(0, told.object_id, INVALID_OPERATION, "nobody registered this device", UNKNOWN_DEVICE)


async def run_again(held: quarantine.Held, registry: Registry, keep: Keep, *, open_sealed: Open) -> Fate:
    """Keep a held object now that its device is registered, flagged; return what became of it.

    Raises Conflict where it is not, or the object cannot be opened. Source: 4.2.2.
    """
    try:
        plain = open_sealed(base64.b64decode(held.value["viid"], validate=True), held_about(held.source_id))
        told = msgspec.msgpack.decode(plain, type=ViidObject)
    except (KeyError, ValueError, Invalid, msgspec.MsgspecError) as error:
        raise Conflict("cannot_rerun", "this record does not hold all that is needed to run it again") from error
    code = told.device_id or told.tollgate_id
    known = registry.find(PROTOCOL, code)
    if known is None:
        raise Conflict("still_unknown", f"nobody registered {code} on {PROTOCOL} yet")
    again = replace(told, flags=(*told.flags, "late", "rerun"))
    (fate,) = await keep([Owned(again, known)], b"", "")
    return fate
