"""A whole site out of the database, and into it: what this node keeps, and nothing that tiers below told.

Source: 4.3, 4.2.1.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from anju.domain.changes import Change, Lane
from anju.domain.devices import NEVER, Device, DeviceState, Particulars, canonical_account
from anju.domain.devices import sealed_for as devices_sealed_for
from anju.domain.linkage import Rule
from anju.domain.places import Place
from anju.domain.rights import EVERYWHERE, Located
from anju.domain.site_check import Checked, Outside, filled, next_version, particulars_of, zones_of
from anju.domain.site_file import (
    AGAIN,
    FORMAT,
    KINDS,
    AliasEntry,
    DeviceEntry,
    Difference,
    Entry,
    Head,
    JurisdictionEntry,
    LinkageEntry,
    OnlyIfEntry,
    PlaceEntry,
    RoleEntry,
    SegmentEntry,
    Site,
    ThenEntry,
    WatchEntryEntry,
    WhenEntry,
    ZoneEntry,
)
from anju.domain.watch import Entry as Watched
from anju.errors import Conflict
from anju.store import codes, devices, linkage, log, places, policies, roles, watch, zones
from anju.store.database import Executor, Transaction
from anju.store.log import NodeId
from anju.store.moves import check_quiet
from anju.store.places import Editor
from anju.store.versions import Subject, bump

_EVER, _LAST = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)
_MOST = 100_000  # rules, or entries of the watch list, of one node
Progress = Callable[[int], None]
"""Told how many changes are done."""


async def read(db: Executor, node: NodeId) -> Site:
    """Return all that ``node`` keeps of its site, in the order of a file."""
    site = Site(Head(format=FORMAT, node=node.id, name=node.name, tier=node.tier))
    site.policies = {key: each.value for key, each in (await policies.settings(db)).items()}
    found: list[Entry] = [
        JurisdictionEntry(code=each.code, name=each.name, version=each.version)
        for each in await places.jurisdictions(db)
        if each.home_node == node.id
    ]
    found += await _places(db, node.id)
    found += [
        SegmentEntry(prefix=each.prefix, first=each.first, last=each.last, node=each.node, used=each.used)
        for each in await codes.segments(db)
    ]
    found += await _roles(db)
    found += await _devices(db, node.id)
    found += await _linkage(db)
    found += await _watch(db, node.id)
    for each in found:
        site.at[each.SECTION, each.key] = len(site.entries[each.SECTION])
        site.entries[each.SECTION].append(each)
    return site


async def standing(db: Executor) -> dict[str, Place]:
    """Return every place in use, by id."""
    return {each.id: each for each in await places.listed(db, EVERYWHERE)}


async def outside(db: Executor, node: NodeId) -> Outside:
    """Return what other nodes keep."""
    others = {key: each for key, each in (await standing(db)).items() if each.home_node != node.id}
    rows = await db.fetch(
        "SELECT id, kind, place_path, jurisdiction FROM device WHERE home_node <> %(node)s AND retired_at IS NULL",
        node=node.id,
    )
    return Outside(others, {row[0]: (row[1], Located(row[2], row[3])) for row in rows})


async def _places(db: Executor, node_id: str) -> list[PlaceEntry]:
    there = await standing(db)
    ours = sorted((each for each in there.values() if each.home_node == node_id), key=lambda each: each.place_path)
    return [_place_entry(each, there.get(each.parent_id or "")) for each in ours]


def _place_entry(place: Place, parent: Place | None) -> PlaceEntry:
    inherits = place.jurisdiction == (parent.jurisdiction if parent else "")
    names = ("id", "kind", "name", "code", "sort", "longitude", "latitude", "version")
    return PlaceEntry(
        **{name: getattr(place, name) for name in names},
        parent=place.parent_id or "",
        jurisdiction=None if inherits else place.jurisdiction,
        profile=dict(place.profile),
        detail=dict(place.detail),
    )


async def _roles(db: Executor) -> list[RoleEntry]:
    own = [each for each in await roles.all_roles(db) if not each.builtin and each.retired_at is None]
    return [
        RoleEntry(
            id=each.id,
            name=each.name,
            name_en=each.name_en,
            account_class=each.account_class.value,
            actions=sorted(each.actions),
            version=each.version,
        )
        for each in sorted(own, key=lambda each: each.id)
    ]


async def kept(db: Executor, node_id: str) -> list[Device]:
    """Return the devices in use that this node keeps, by id."""
    rows = await db.fetch(
        "SELECT id FROM device WHERE home_node = %(node)s AND retired_at IS NULL ORDER BY id", node=node_id
    )
    served = await devices.served(db, [row[0] for row in rows])
    return sorted((each for each, _, _ in served), key=lambda each: each.id)


async def _devices(db: Executor, node_id: str) -> list[DeviceEntry]:
    return [_device_entry(each) for each in await kept(db, node_id)]


def _device_entry(device: Device) -> DeviceEntry:
    names = ("id", "kind", "name", "protocol", "account", "code", "longitude", "latitude", "version")
    return DeviceEntry(
        **{name: getattr(device, name) for name in names},
        place=device.place_id,
        particulars=filled(device.particulars),
        aliases=[AliasEntry(space=space, code=code) for space, code in sorted(device.aliases)],
        credential=AGAIN if device.keyed else "",
        zone=[
            ZoneEntry(
                area=each.area,
                number=each.number,
                name=each.name,
                place=each.place_id,
                kind=each.kind,
                bypassed_until=each.bypassed_until,
                bypass_reason=each.bypass_reason,
            )
            for each in device.zones
        ],
    )


async def secrets(db: Executor, node_id: str) -> dict[tuple[str, str], bytes]:
    """Return what is sealed by the node's own key, by section and id: credentials of devices, names of visitors."""
    rows = await db.fetch(
        """SELECT 'device', id, credential FROM device WHERE home_node = %(node)s AND retired_at IS NULL
               AND credential IS NOT NULL
           UNION ALL SELECT 'watch', id::text, personal FROM watch_entry WHERE home_node = %(node)s
               AND ended_at IS NULL AND personal IS NOT NULL""",
        node=node_id,
    )
    return {(section, key): value for section, key, value in rows}


def sealed_for(section: str, key: str) -> str:
    """Return what such a secret is sealed about."""
    return devices_sealed_for(key) if section == "device" else watch.sealed_for(UUID(key))


async def _watch(db: Executor, node_id: str) -> list[WatchEntryEntry]:
    every: dict[str, Any] = {"at": _EVER, "until": _EVER, "before": _LAST, "limit": _MOST, "in_force": False}
    ours = [each for each in await watch.page(db, EVERYWHERE, **every) if each.home_node == node_id]
    sealed = {key for section, key in await secrets(db, node_id) if section == "watch"}
    found = [_watch_entry(each, sealed=str(each.id) in sealed) for each in ours if each.ended_at is None]
    return sorted(found, key=lambda each: each.id)


_WATCHED = ("plate", "reason", "level", "owner_id", "owner_name", "created_at", "expires_at", "version")


def _watch_entry(each: Watched, *, sealed: bool) -> WatchEntryEntry:
    return WatchEntryEntry(
        **{name: getattr(each, name) for name in _WATCHED},
        id=str(each.id),
        place=each.place_path.strip("/").rpartition("/")[2],
        watched=each.kind,
        personal=AGAIN if sealed else "",
    )


async def _linkage(db: Executor) -> list[LinkageEntry]:
    found = await linkage.page(db, EVERYWHERE, before=_LAST, limit=_MOST)
    return [_linkage_entry(each) for each in reversed(found)]


def _linkage_entry(rule: Rule) -> LinkageEntry:
    told = linkage.body(rule)["body"]
    return LinkageEntry(
        id=str(rule.id),
        name=rule.name,
        place=rule.place_path.strip("/").rpartition("/")[2],
        enabled=rule.enabled,
        when=msgspec.convert(told["when"], WhenEntry),
        only_if=msgspec.convert(told["only_if"], OnlyIfEntry),
        version=rule.version,
        then=[msgspec.convert(each, ThenEntry) for each in told["then"]],
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What shall be done: the differences that count, the site they lead to, credentials in this node's own seal."""

    checked: Checked
    differences: Sequence[Difference]
    secrets: Mapping[tuple[str, str], bytes]


async def apply(tx: Transaction, work: Work, editor: Editor, *, done: Progress = lambda _: None) -> None:
    """Make every change of ``work``; the log is written last. Raises Refused: then nothing of it is kept.

    The order is that of the sections, and what goes out of use goes after all that comes in.
    """
    hand = _Hand(tx, work, editor, done)
    for section in ("policies", "jurisdiction", "place", "code_segment", "role", "device", "linkage"):
        await hand.section(section, "add", "change")
    for section in ("linkage", "device", "role", "code_segment", "place", "jurisdiction", "policies"):
        await hand.section(section, "retire")
    await hand.finish()


class _Hand:
    """Does the changes one after the other and remembers what the log must be told."""

    def __init__(self, tx: Transaction, work: Work, editor: Editor, done: Progress) -> None:
        self._tx, self._work, self._editor, self._told = tx, work, editor, done
        self._done = 0
        self._changes: dict[Lane, list[Change]] = {Lane.ALARMS: [], Lane.BULK: []}
        self._places: list[Place] = []
        self._touched: set[Subject] = set()
        self._site = work.checked.site

    async def section(self, section: str, *what: str) -> None:
        """Do all of one section and kind; a place goes out of use after what stands in it."""
        wanted = [each for each in self._work.differences if each.section == section and each.what in what]
        if section == "place":
            wanted = await self._in_order(wanted, leaving=what == ("retire",))
        act = getattr(self, f"_{section}")
        entries = self._site.of(section) if section in KINDS else {}
        for each in wanted:
            await act(each, entries.get(each.key))
            self._done += 1
            self._told(self._done)
            if not self._done % 50:
                await asyncio.sleep(0)  # whoever wants to stop it must be heard

    async def _in_order(self, wanted: list[Difference], *, leaving: bool) -> list[Difference]:
        """Return places parents first, or last where they leave."""
        paths = {key: each.place_path for key, each in self._work.checked.places.items()}
        if leaving:
            rows = await self._tx.fetch("SELECT id, place_path FROM place")
            paths = dict(rows)
        return sorted(wanted, key=lambda each: len(paths[each.key]), reverse=leaving)

    async def finish(self) -> None:
        """Write history, versions and the log."""
        await places.remember(self._tx, self._places, self._editor.name)
        for subject in sorted(self._touched):
            await bump(self._tx, subject)
        for lane, changes in self._changes.items():  # ALARMS before BULK, as everywhere
            if changes:
                await log.append(self._tx, lane, changes, at=self._editor.at, node=self._editor.node)
        await self.section("watch", "add", "change", "retire")  # it writes its own rows of the log

    async def _policies(self, each: Difference, _: Entry | None) -> None:
        self._touched.add(Subject.POLICIES)
        if each.what == "retire":
            await self._tx.execute("DELETE FROM policy WHERE key = %(key)s", key=each.key)
            return
        value = self._site.policies[each.key]
        await policies.put(self._tx, each.key, value, by=self._editor.name, at=self._editor.at)

    async def _jurisdiction(self, each: Difference, entry: Entry | None) -> None:
        self._touched.add(Subject.REGISTRY)
        if not isinstance(entry, JurisdictionEntry):
            body = await places.turn_jurisdiction(self._tx, each.key, each.title, self._editor, retired=True)
        else:
            body = await places.turn_jurisdiction(self._tx, entry.code, entry.name, self._editor, least=entry.version)
        self._changes[Lane.ALARMS].append(places.jurisdiction_change(body))

    async def _place(self, each: Difference, entry: Entry | None) -> None:
        self._touched.add(Subject.REGISTRY)
        before = await self._before("place", each.key)
        if entry is None:
            after = replace(await self._leaving(each.key), version=before + 1, updated_at=self._editor.at)
        else:
            after = next_version(self._work.checked.places[each.key], before)
            await self._carry(after)
        if not await places.put(self._tx, after):
            raise Conflict("not_ours", f"{after.name} is kept by another node: change it there")
        self._places.append(after)
        self._changes[Lane.ALARMS].append(places.change(after))

    async def _leaving(self, place_id: str) -> Place:
        """Return a place as it goes out of use. Raises Conflict while something of another node stands in it."""
        place = await places.find(self._tx, EVERYWHERE, place_id)
        if any(await places.inside(self._tx, place)):
            raise Conflict("not_empty", f"{place.name} cannot go: something that others keep stands in it")
        return replace(place, retired_at=self._editor.at)

    async def _carry(self, after: Place) -> None:
        """Let grants follow a place that moves. Raises Conflict while alarms are open there."""
        row = await self._tx.fetch_one("SELECT place_path FROM place WHERE id = %(id)s FOR UPDATE", id=after.id)
        if row is None or row[0] == after.place_path:
            return
        await check_quiet(self._tx, row[0], after.name)
        moved = await self._tx.execute(
            "UPDATE role_grant SET scope_value = %(new)s WHERE scope_kind = 'place' AND scope_value = %(old)s",
            new=after.place_path,
            old=row[0],
        )
        if moved:
            self._touched.add(Subject.RIGHTS)

    async def _code_segment(self, each: Difference, entry: Entry | None) -> None:
        prefix, _, first = each.key.partition("/")
        await self._tx.execute(
            "DELETE FROM code_segment WHERE prefix = %(prefix)s AND first = %(first)s", prefix=prefix, first=int(first)
        )
        if entry is not None:
            await self._tx.execute(
                """INSERT INTO code_segment (prefix, first, last, node, used)
                   VALUES (%(prefix)s, %(first)s, %(last)s, %(node)s, %(used)s)""",
                **msgspec.structs.asdict(entry),
            )

    async def _role(self, each: Difference, entry: Entry | None) -> None:
        self._touched.add(Subject.RIGHTS)
        if not isinstance(entry, RoleEntry):
            await roles.retire(self._tx, each.key, self._editor.at)
            return
        done = await self._tx.execute(
            """INSERT INTO role (id, name, name_en, class, actions, version)
               VALUES (%(id)s, %(name)s, %(name_en)s, %(account_class)s, %(actions)s, %(version)s)
               ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, name_en = EXCLUDED.name_en,
                   actions = EXCLUDED.actions, version = greatest(EXCLUDED.version, role.version + 1),
                   retired_at = NULL
               WHERE NOT role.builtin AND role.class = EXCLUDED.class""",
            **msgspec.structs.asdict(entry),
        )
        if not done:
            raise Conflict("builtin", f"{each.key}: a built-in role, or one of another class, stays as it is")

    async def _device(self, each: Difference, entry: Entry | None) -> None:
        self._touched.add(Subject.REGISTRY)
        if not isinstance(entry, DeviceEntry):
            device = await devices.locked(self._tx, EVERYWHERE, each.key, self._editor)
            gone = await devices.leave(self._tx, device, self._editor)
            self._changes[Lane.BULK].append(devices.change(gone))
            return
        before = await devices.row_of(self._tx, each.key)
        after = self._device_of(entry, before)
        if not await devices.write(self._tx, after, self._work.secrets.get(("device", entry.id))):
            raise Conflict("not_ours", f"{after.name} is kept by another node: change it there")
        if not entry.credential:
            await self._tx.execute("UPDATE device SET credential = NULL WHERE id = %(id)s", id=entry.id)
        await zones.put(self._tx, after.id, after.zones, at=self._editor.at)
        await self._aliases(entry)
        (found,) = await devices.whole(self._tx, [await devices.find(self._tx, EVERYWHERE, after.id)])
        self._changes[Lane.BULK].append(devices.change(found))

    async def _aliases(self, entry: DeviceEntry) -> None:
        wanted = [(each.space, each.code) for each in entry.aliases]
        await self._tx.execute(
            """DELETE FROM device_alias WHERE device_id = %(id)s
               AND (space, code) NOT IN (SELECT * FROM unnest(%(spaces)s::text[], %(codes)s::text[]))""",
            id=entry.id,
            spaces=[each[0] for each in wanted],
            codes=[each[1] for each in wanted],
        )
        await devices.put_aliases(self._tx, entry.id, wanted)

    def _device_of(self, entry: DeviceEntry, before: Device | None) -> Device:
        place = self._work.checked.places[entry.place]
        version = max(entry.version, before.version + 1) if before else entry.version
        told, page = before or _unheard(entry, self._editor), particulars_of(entry)
        if told.particulars.supervision_s != page.supervision_s:
            told = replace(told, interval_s=page.supervision_s)
        return replace(
            told,
            site_id=place.site_id,
            place_id=place.id,
            place_path=place.place_path,
            jurisdiction=place.jurisdiction,
            kind=entry.kind,
            name=entry.name,
            protocol=entry.protocol,
            account=entry.account and canonical_account(entry.protocol, entry.account),
            code=entry.code,
            longitude=entry.longitude,
            latitude=entry.latitude,
            particulars=page,
            version=version,
            updated_at=self._editor.at,
            retired_at=None,
            zones=tuple(zones_of(entry, self._work.checked.places)),
        )

    async def _linkage(self, each: Difference, entry: Entry | None) -> None:
        if entry is None:
            await self._tx.execute("DELETE FROM linkage_rule WHERE id = %(id)s", id=UUID(each.key))
            return
        rule = self._work.checked.rules[each.key]
        row = await self._tx.fetch_one("SELECT version FROM linkage_rule WHERE id = %(id)s FOR UPDATE", id=rule.id)
        if row is None:
            await linkage.add(self._tx, rule)
            return
        await linkage.change(self._tx, replace(rule, version=max(rule.version, row[0] + 1)))
        await self._tx.execute(
            """UPDATE linkage_rule SET site_id = %(site)s, place_path = %(path)s, jurisdiction = %(body)s
               WHERE id = %(id)s""",
            site=rule.site_id,
            path=rule.place_path,
            body=rule.jurisdiction,
            id=rule.id,
        )

    async def _watch(self, each: Difference, entry: Entry | None) -> None:
        if not isinstance(entry, WatchEntryEntry):
            await watch.end(self._tx, EVERYWHERE, UUID(each.key), self._editor)
            return
        version = max(entry.version, await self._before("watch_entry", each.key) + 1)
        place, personal = self._work.checked.places[entry.place], self._work.secrets.get(("watch", each.key))
        told = {name: getattr(entry, name) for name in _WATCHED}
        where = {"site_id": place.site_id, "place_path": place.place_path, "jurisdiction": place.jurisdiction}
        told |= {**where, "version": version, "kind": entry.watched, "home_node": self._editor.node.id}
        await watch.add(self._tx, Watched(id=UUID(entry.id), **told), self._editor, personal=personal)
        if personal is not None:
            query = "UPDATE watch_entry SET personal = %(personal)s WHERE id = %(id)s"
            await self._tx.execute(query, personal=personal, id=UUID(entry.id))

    async def _before(self, table: str, key: str) -> int:
        """Return the version of a row, out of use or not; 0 where there is none."""
        row = await self._tx.fetch_one(f"SELECT version FROM {table} WHERE id::text = %(id)s FOR UPDATE", id=key)
        return int(row[0]) if row else 0


def _unheard(entry: DeviceEntry, editor: Editor) -> Device:
    """Return a device that nobody heard yet."""
    return Device(
        id=entry.id,
        site_id="",
        place_id="",
        place_path="",
        jurisdiction="",
        kind=entry.kind,
        name=entry.name,
        protocol=entry.protocol,
        account="",
        code="",
        state=DeviceState.UNKNOWN,
        state_reason=NEVER,
        state_at=editor.at,
        heard_at=None,
        interval_s=None,
        silent=False,
        longitude=None,
        latitude=None,
        particulars=Particulars(),
        home_node=editor.node.id,
        version=entry.version,
        updated_at=editor.at,
        retired_at=None,
        keyed=False,
    )
