"""keep, for what capture devices see: whole requests of vehicles, faces, persons and images, committed together.

Pictures are on disk before the rows that name them; one transaction holds the rows, the raw record, plates, roll-ups,
the clock ledger, alarms of the watch list and, last, the log.
Source: 5.2.2.1 (passages), 5.2.2.3 (watch list), 4.3; 8-g (complete, no record lost or doubled).
"""

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
import structlog
from uuid_utils.compat import uuid7

from anju.domain import sightings as seeing
from anju.domain import vehicles, watch
from anju.domain.captures import Captured, Picture, media_type
from anju.domain.changes import Fate, Lane
from anju.domain.cleaning import clean_text
from anju.domain.sightings import Sighting
from anju.domain.vehicles import KEY_REUSED, NEAR, NEAR_DUPLICATE, Passage
from anju.domain.watch import WatchList
from anju.errors import DatabaseAway
from anju.pipeline.captures import Owned, Seal, held_about
from anju.pipeline.commit import POISON, GroupCommit
from anju.pipeline.keep import Grown, Told, Unsaved, tell, write_events
from anju.pipeline.registry import Registry
from anju.store import events, log, passages, quarantine, seen, sightings
from anju.store import watch as watching
from anju.store.blobs import NewBlob, Stored
from anju.store.database import Database, Transaction
from anju.store.log import NodeId
from anju.store.seen import Mark

PROTOCOL = "viid"
MOST_ROWS, MOST_WAITING = 1_000, 20_000
RAW_BYTES = 1024 * 1024
"""The raw record of one request is kept up to this size, sealed: it may name persons."""
WINDOW_S = 90 * 86_400
NOTED_AGAIN = timedelta(days=1)
RECENT, PLATES, NEARS = 50_000, 200_000, 50_000
_log = structlog.get_logger(__name__)
K = TypeVar("K")
V = TypeVar("V")


class Pictures(Protocol):
    """Where pictures go: ``write`` returns once they are on disk, ``record`` names them in a transaction."""

    async def write(self, items: Sequence[NewBlob]) -> list[Stored]: ...
    async def record(self, tx: Transaction, stored: Sequence[Stored], at: datetime) -> None: ...


@dataclass(slots=True)
class _Request:
    """One request of a device: ``raw`` are its bytes without pictures, ``source_id`` the device that sent it."""

    at: datetime
    site_id: str
    source_id: str
    peer: str
    raw: bytes
    id: UUID = field(default_factory=uuid7)
    kept: bool = False

    @property
    def raw_id(self) -> UUID | None:
        """Return the id of the raw record, None where there is none."""
        return self.id if self.raw else None


@dataclass(slots=True)
class _Ready:
    """An object ready to be written: its record, the record's JSON text, and its row."""

    owned: Owned
    request: _Request
    mark: Mark
    record: Passage | Sighting
    stored: tuple[Stored, ...]
    personal: bytes | None
    text: bytes
    row: bytes


class Latest(Generic[K, V]):
    """What was told last, by key, of the ``most`` newest keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what was told of ``key``."""
        return self._found.get(key)

    def put(self, key: K, value: V) -> None:
        """Note ``value``; the oldest key is forgotten where they are too many."""
        self._found.pop(key, None)
        self._found[key] = value
        if len(self._found) > self._most:
            del self._found[next(iter(self._found))]


_Keep = Callable[[Sequence[_Ready]], Awaitable[list[Fate]]]
_NearKey = tuple[str, str, str, str]  # device, lane, direction, plate


class PassageKeeper:
    """Group commit of captures, one for each intake process. Run ``run``.

    ``seal`` seals what names persons. ``on_committed`` hears which lanes grew, ``on_unsaved`` hears of alarms of the
    watch list that could not be written.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        registry: Registry,
        pictures: Pictures,
        *,
        seal: Seal,
        clock: Callable[[], datetime],
        on_committed: Told,
        on_unsaved: Unsaved,
        most: int = MOST_ROWS,
    ) -> None:
        self._db, self._node, self._registry, self._pictures = db, node, registry, pictures
        self._seal, self._clock = seal, clock
        self._on_committed, self._on_unsaved = on_committed, on_unsaved
        self._group = GroupCommit(self._commit, hold=self._hold, lost=self._lost, most=most, most_waiting=MOST_WAITING)
        self._watch = WatchList()
        self._recent: Latest[tuple[str, str, str], bytes] = Latest(RECENT)
        self._plates: Latest[tuple[str, str], datetime] = Latest(PLATES)
        self._near: Latest[_NearKey, tuple[datetime, UUID]] = Latest(NEARS)

    async def run(self) -> None:
        """Commit what waits, for ever."""
        with suppress(DatabaseAway):  # so that it sounds even where the first commit fails
            self._watch = await watching.refreshed(self._db, self._watch, node=self._node.id)
        await self._group.run()

    async def keep(self, owned: Sequence[Owned], raw: bytes, peer: str) -> list[Fate]:
        """Return once what one request brought is on disk, with what became of each object.

        ``raw`` are the request's bytes without pictures. Raises DatabaseAway and PicturesAway: then the sender must
        send all again; what was kept is a repeat then.
        """
        return await self._kept(owned, raw, peer, self._group.keep)

    async def keep_alone(self, owned: Sequence[Owned], raw: bytes, peer: str) -> list[Fate]:
        """Like ``keep``, at once and in a commit of their own: ``run`` need not run."""
        return await self._kept(owned, raw, peer, self._group.keep_alone)

    async def _kept(self, owned: Sequence[Owned], raw: bytes, peer: str, keep: _Keep) -> list[Fate]:
        sender = owned[0].known.device
        request = _Request(self._clock(), sender.site_id, sender.id, peer, raw)
        marks = [_mark(each) for each in owned]
        new = [index for index, mark in enumerate(marks) if self._recent.get(mark.name) != mark.body_hash]
        fates = [Fate.DUPLICATE] * len(owned)
        ready: dict[int, _Ready] = {}
        for index, stored in zip(new, await self._written([owned[each] for each in new]), strict=True):
            try:
                ready[index] = self._ready(owned[index], request, marks[index], stored)
            except POISON as error:
                fates[index] = await self._put_aside(owned[index], request, error)
        for index, fate in zip(ready, await keep(list(ready.values())) if ready else (), strict=True):
            fates[index] = fate
        return fates

    async def _written(self, owned: Sequence[Owned]) -> list[tuple[Stored, ...]]:
        """Put the pictures of ``owned`` on disk, all with one sync; return those of each."""
        blobs = [_blobs(each) for each in owned]
        if not any(blobs):
            return [()] * len(owned)
        try:
            stored = iter(await self._pictures.write([blob for each in blobs for blob in each]))
        except DatabaseAway:
            for each in owned:
                await self._sound_unkept(each)
            raise
        return [tuple(next(stored) for _ in each) for each in blobs]

    def _ready(self, owned: Owned, request: _Request, mark: Mark, stored: tuple[Stored, ...]) -> _Ready:
        told, known = owned.told, owned.known
        pictures, passes = _pictures(told, stored), self._passes(owned)
        if told.kind in vehicles.KINDS:
            passage = vehicles.passage(told, known.reporter, at=request.at, pictures=pictures, passes=passes)
            text = vehicles.written(passage)
            row = passages.row(passage, text, request.raw_id)
            return _Ready(owned, request, mark, passage, stored, None, text, row)
        sighting = seeing.sighting(told, known.reporter, at=request.at, pictures=pictures, passes=passes)
        personal = self._personal(sighting, told)
        text = seeing.written(sighting)
        row = sightings.row(sighting, text, request.raw_id, personal)
        return _Ready(owned, request, mark, sighting, stored, personal, text, row)

    def _personal(self, sighting: Sighting, told: Captured) -> bytes | None:
        if not sighting.named:
            return None
        return self._seal(msgspec.json.encode(seeing.personal(told)), sightings.sealed_for(sighting.id))

    def _passes(self, owned: Owned) -> str:
        """Return the direction registered for the lane, else for the device."""
        lane = self._registry.find(PROTOCOL, owned.told.tollgate_id) if owned.told.tollgate_id else None
        return (lane.device.particulars.passes if lane else "") or owned.known.device.particulars.passes

    async def _commit(self, batch: Sequence[_Ready]) -> list[Fate]:
        at = self._clock()
        lanes: frozenset[Lane] = frozenset()
        fresh: list[_Ready] = []
        async with self._db.transaction() as tx:
            sights = await seen.look(tx, [each.mark for each in batch], at=at)
            found = zip(batch, sights, strict=True)
            fresh = self._linked([_as_seen(each, sight) for each, sight in found if sight is not seen.REPEAT])
            if fresh:
                lanes = await self._write(tx, fresh, at)
        self._remember(batch, fresh, at)
        if lanes:
            await self._on_committed(lanes)
        return [Fate.DUPLICATE if sight is seen.REPEAT else Fate.KEPT for sight in sights]

    async def _write(self, tx: Transaction, fresh: Sequence[_Ready], at: datetime) -> frozenset[Lane]:
        passed = [each.record for each in fresh if isinstance(each.record, Passage)]
        seen_too = [each.record for each in fresh if isinstance(each.record, Sighting)]
        await self._pictures.record(tx, [blob for each in fresh for blob in each.stored], at)
        await self._frames(tx, fresh)
        if passed:
            await passages.insert(tx, [each.row for each in fresh if isinstance(each.record, Passage)], at=at)
            await passages.note_plates(tx, self._unknown_plates(passed, at), at=at)
        if seen_too:
            await sightings.insert(tx, [each.row for each in fresh if isinstance(each.record, Sighting)], at=at)
        await events.count_hour(tx, {**passages.counts(passed), **sightings.counts(seen_too)})
        await events.note_times(tx, _clocks(fresh))
        grown = await self._alarms(tx, passed, at)
        grown[Lane.BULK] = [*grown.get(Lane.BULK, ()), *map(_change, fresh)]
        return await tell(tx, grown, at=at, node=self._node)

    async def _frames(self, tx: Transaction, fresh: Sequence[_Ready]) -> None:
        requests = {each.request.id: each.request for each in fresh if each.request.raw and not each.request.kept}
        frames = [self._frame(each, Fate.KEPT) for each in requests.values()]
        if frames:
            await events.insert_frames(tx, frames, longest=2 * RAW_BYTES)

    def _frame(self, request: _Request, outcome: Fate, reason: str = "") -> events.RawFrame:
        sealed = self._seal(request.raw[:RAW_BYTES], raw_sealed_for(request.id))
        names = (request.id, request.at, request.site_id, request.source_id, PROTOCOL, request.peer)
        return events.RawFrame(*names, sealed, outcome.value, reason)

    async def _alarms(self, tx: Transaction, passed: Sequence[Passage], at: datetime) -> Grown:
        """Make alarms of what the watch list waits for, by the list as it stands in this transaction."""
        if not passed:
            return {}
        self._watch = await watching.refreshed(tx, self._watch, node=self._node.id)
        hits = [watch.event(entry, each) for each in passed for entry in self._watch.hits(each, at)]
        if not hits:
            return {}
        return await write_events(tx, [(event, None) for event in hits], home_node=self._node.id, at=at)

    def _unknown_plates(self, passed: Iterable[Passage], at: datetime) -> list[Passage]:
        return [each for each in passed if each.plate and not self._noted(each.site_id, each.plate, at)]

    def _noted(self, site_id: str, plate: str, at: datetime) -> bool:
        """Return whether a plate was written down lately: after a long time it may have been forgotten."""
        noted = self._plates.get((site_id, plate))
        return noted is not None and at - noted < NOTED_AGAIN

    def _linked(self, fresh: list[_Ready]) -> list[_Ready]:
        """Link each passage with the one it most likely repeats: same lane, plate and direction within 10 s."""
        here: dict[_NearKey, tuple[datetime, UUID]] = {}
        for index, each in enumerate(fresh):
            passage = each.record
            if not isinstance(passage, Passage) or passage.plate is None:
                continue
            key = _near_key(passage, passage.plate)
            before = here.get(key) or self._near.get(key)
            if before and abs(passage.passed_at - before[0]) <= NEAR:
                linked = replace(passage, near_id=before[1]).flagged(NEAR_DUPLICATE)
                fresh[index] = _again(each, linked)
            here[key] = (passage.passed_at, passage.id)
        return fresh

    def _remember(self, batch: Sequence[_Ready], fresh: Sequence[_Ready], at: datetime) -> None:
        """Note what was committed: it need not be asked for again."""
        for each in batch:
            self._recent.put(each.mark.name, each.mark.body_hash)
        for each in fresh:
            each.request.kept = True
            passage = each.record
            if isinstance(passage, Passage) and passage.plate:
                if not self._noted(passage.site_id, passage.plate, at):
                    self._plates.put((passage.site_id, passage.plate), at)
                self._near.put(_near_key(passage, passage.plate), (passage.passed_at, passage.id))

    async def _lost(self, ready: _Ready) -> None:
        if isinstance(ready.record, Passage):
            await self._sound(ready.record)

    async def _sound(self, passage: Passage) -> None:
        """Sound what the watch list waits for though it could not be written (未保存)."""
        for entry in self._watch.hits(passage, self._clock()):
            await self._on_unsaved(watch.event(entry, passage))

    async def _sound_unkept(self, owned: Owned) -> None:
        if owned.told.kind in vehicles.KINDS:
            with suppress(*POISON):
                at, passes = self._clock(), self._passes(owned)
                await self._sound(vehicles.passage(owned.told, owned.known.reporter, at=at, passes=passes))

    async def _hold(self, ready: _Ready, error: Exception) -> None:
        await self._put_aside(ready.owned, ready.request, error)

    async def _put_aside(self, owned: Owned, request: _Request, error: Exception) -> Fate:
        """Put an object that cannot be written into quarantine, sealed with its pictures. Raises DatabaseAway."""
        device, reason = owned.known.device, type(error).__name__
        _log.error("capture held", device=device.id, reason=reason, error=str(error)[:500])
        value = {"error": clean_text(str(error))[:500], **self._put_away(owned)}
        where = (device.site_id, device.id, device.place_path, device.jurisdiction)
        held = quarantine.Held(uuid7(), request.at, *where, "keep", reason, request.raw_id, value)
        async with self._db.transaction() as tx:
            if request.raw and not request.kept:
                await events.insert_frames(tx, [self._frame(request, Fate.HELD, reason)], longest=2 * RAW_BYTES)
            await quarantine.hold(tx, held)
        request.kept = True
        return Fate.HELD

    def _put_away(self, owned: Owned) -> dict[str, str]:
        name = clean_text(owned.told.object_id)
        told = replace(owned.told, object_id=name, device_id=owned.known.device.account)
        try:
            plain = msgspec.msgpack.encode(told)
        except (msgspec.MsgspecError, TypeError, ValueError):  # half a character: the raw record has it all
            return {"kind": told.kind}
        sealed = self._seal(plain, held_about(owned.known.device.id))
        return {"kind": told.kind, "viid": b64encode(sealed).decode()}


def raw_sealed_for(raw_id: UUID) -> str:
    """Return what the raw record of a request is sealed about."""
    return f"raw_frame.bytes|{raw_id}"


def _mark(owned: Owned) -> Mark:
    """Return how a repeat of an object is recognised: by its id, for as long as keys are remembered."""
    told, device = owned.told, owned.known.device
    digest = hashlib.blake2b(_members(told), digest_size=16)
    for each in told.images:
        digest.update((each.sha256 or each.image_id).encode("utf-8", "replace"))
    key = f"{told.kind}|{told.object_id}"
    return Mark(device.site_id, device.id, key, digest.digest(), WINDOW_S)


def _members(told: Captured) -> bytes:
    try:
        return msgspec.json.encode(told.members)
    except (msgspec.MsgspecError, TypeError, ValueError):
        return repr(told.members).encode("utf-8", "backslashreplace")


def _blobs(owned: Owned) -> list[NewBlob]:
    told, site_id = owned.told, owned.known.device.site_id
    retention = "face" if told.kind in {"face", "person"} else "passage"
    return [
        NewBlob(site_id, each.data, media_type(each.data), retention, bytes.fromhex(each.sha256))
        for each in told.images
        if each.data is not None
    ]


def _pictures(told: Captured, stored: Sequence[Stored]) -> tuple[Picture, ...]:
    if not stored:
        return ()
    shots = (each for each in told.images if each.data is not None)
    return tuple(
        Picture(shot.type[:8], s.id, s.sha256.hex(), shot.width, shot.height, s.media_type, s.length)
        for shot, s in zip(shots, stored, strict=True)
    )


def _near_key(passage: Passage, plate: str) -> _NearKey:
    return (passage.device_id, passage.lane, passage.direction, plate)


def _as_seen(ready: _Ready, version: int) -> _Ready:
    """Return ``ready`` as the so many-th body under its key: a new version, flagged, where it is not the first."""
    if version == seen.NEW:
        return ready
    return _again(ready, replace(ready.record, version=version).flagged(KEY_REUSED))


def _again(ready: _Ready, record: Passage | Sighting) -> _Ready:
    """Return ``ready`` with another record."""
    raw_id = ready.request.raw_id
    if isinstance(record, Passage):
        text = vehicles.written(record)
        return replace(ready, record=record, text=text, row=passages.row(record, text, raw_id))
    text = seeing.written(record)
    return replace(ready, record=record, text=text, row=sightings.row(record, text, raw_id, ready.personal))


def _change(ready: _Ready) -> log.Written:
    record = ready.record
    if isinstance(record, Passage):
        return passages.change(record, ready.text)
    return sightings.change(record, ready.text)


def _clocks(fresh: Iterable[_Ready]) -> list[events.Told]:
    """Return what the batch told of clocks, once for each device."""
    told: dict[str, events.Told] = {}
    for each in fresh:
        record = each.record
        offset = record.clock_offset_ms
        if offset is not None:
            device_time = record.passed_at if isinstance(record, Passage) else record.seen_at
            told[record.device_id] = events.Told(
                record.device_id, record.received_at, device_time, offset, record.site_id
            )
    return list(told.values())
