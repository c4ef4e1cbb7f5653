"""Whether a site file can become a site: every rule of the registry asked before anything is written.

Source: 4.3 (codes and places in the form of the standards).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any
from uuid import UUID

import msgspec

from anju.domain.codes import Segment, check_segment
from anju.domain.devices import (
    Particulars,
    Zone,
    canonical_account,
    canonical_zone,
    check_kind,
)
from anju.domain.identity import AccountClass, check_actions
from anju.domain.linkage import OnlyIf, Rule, Then, When, check_reach
from anju.domain.linkage import check as check_rule
from anju.domain.places import (
    REGIONS,
    ROOT,
    Place,
    check_code,
    check_coordinates,
    check_jurisdiction,
    check_name,
    check_profile,
    check_under,
    path_under,
    site_of,
)
from anju.domain.policies import POLICIES
from anju.domain.rights import Located
from anju.domain.site_file import (
    MOST_PROBLEMS,
    DeviceEntry,
    Entry,
    JurisdictionEntry,
    LinkageEntry,
    PlaceEntry,
    Problem,
    RoleEntry,
    SegmentEntry,
    Site,
    WatchEntryEntry,
    ZoneEntry,
)
from anju.errors import Invalid, NotFound, Refused


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands on this node and is kept by others: places by id, devices by id with kind and path."""

    places: Mapping[str, Place] = field(default_factory=dict)
    devices: Mapping[str, tuple[str, Located]] = field(default_factory=dict)


@dataclass(slots=True)
class Checked:
    """A site with its places as they would stand; ``problems`` is empty where it can be applied."""

    site: Site
    places: dict[str, Place] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def checked(site: Site, outside: Outside, *, node: str, at: datetime) -> Checked:
    """Return ``site`` with every reason why it cannot be applied to ``node``, ``MOST_PROBLEMS`` at most."""
    found = Checked(site)
    for check in (_policies, _jurisdictions, _segments, _roles):
        found.problems += check(site)
    _Tree(found, outside, node, at).grow()
    found.problems += _devices(found, outside)
    found.problems += _linkage(found, outside)
    found.problems += _watch(found)
    found.problems = sorted(found.problems, key=lambda each: each.line)[:MOST_PROBLEMS]
    return found


_FIELDS = {
    "bad_account": "account",
    "bad_class": "class",
    "bad_code": "code",
    "bad_coordinates": "longitude",
    "bad_name": "name",
    "bad_profile": "profile",
    "no_action": "actions",
    "no_jurisdiction": "jurisdiction",
    "no_parent": "parent",
    "no_place": "place",
    "separated": "actions",
    "unknown_kind": "kind",
    "wrong_parent": "parent",
    "wrong_place": "place",
    "wrong_protocol": "protocol",
}
"""What a refusal is about: the line of that key is named."""


def _told(site: Site, entry: Entry, error: Refused, *rest: str | int) -> Problem:
    line = site.line(entry.SECTION, entry.key, *rest, _FIELDS.get(error.code, ""))
    return Problem(line, entry.SECTION, entry.key, error.code, str(error))


Steps = list[str | int]
Check = Callable[[Entry, Steps], object]
"""Raises Refused for an entry that must not be; writes into the list how deep inside it looked."""


def _each(site: Site, section: str, check: Check) -> Iterator[Problem]:
    for entry in site.entries[section]:
        inside: Steps = []
        try:
            check(entry, inside)
        except Refused as error:
            yield _told(site, entry, error, *inside)


def _policies(site: Site) -> Iterator[Problem]:
    for name, value in site.policies.items():
        try:
            if name not in POLICIES:
                raise NotFound("no_policy", f"there is no policy {name}")
            POLICIES[name].check(value)
        except Refused as error:
            yield Problem(site.line("policies", "", name), "policies", name, error.code, str(error))


def _jurisdictions(site: Site) -> Iterator[Problem]:
    def check(entry: Entry, _: Steps) -> None:
        assert isinstance(entry, JurisdictionEntry)  # noqa: S101 - of this section
        check_jurisdiction(entry.code)
        check_name(entry.name)

    return _each(site, "jurisdiction", check)


def _segments(site: Site) -> Iterator[Problem]:
    before: list[Segment] = []

    def check(entry: Entry, _: Steps) -> None:
        assert isinstance(entry, SegmentEntry)  # noqa: S101 - of this section
        segment = Segment(entry.prefix, entry.first, entry.last, entry.node, entry.used)
        check_segment(segment, before)
        if not 0 <= entry.used <= entry.last - entry.first + 1:
            raise Invalid("bad_segment", "more codes were used than the segment has")
        before.append(segment)

    return _each(site, "code_segment", check)


def _roles(site: Site) -> Iterator[Problem]:
    def check(entry: Entry, _: Steps) -> None:
        assert isinstance(entry, RoleEntry)  # noqa: S101 - of this section
        check_name(entry.name)
        if entry.account_class not in set(AccountClass):
            raise Invalid("bad_class", f"there is no class {entry.account_class}")
        check_actions(entry.actions, AccountClass(entry.account_class))

    return _each(site, "role", check)


class _Tree:
    """The places of a file, each under its parent, whatever their order in the file."""

    def __init__(self, found: Checked, outside: Outside, node: str, at: datetime) -> None:
        self._found, self._outside, self._node, self._at = found, outside, node, at
        self._bodies = set(found.site.of("jurisdiction"))
        self._bodies |= {each.jurisdiction for each in outside.places.values() if each.jurisdiction}

    def grow(self) -> None:
        """Stand all places that can stand; tell why the others cannot."""
        waiting = {each.key: each for each in self._found.site.entries["place"] if isinstance(each, PlaceEntry)}
        while ready := [each for each in waiting.values() if each.parent not in waiting]:
            for each in ready:
                del waiting[each.id]
                self._stand(each)
        for each in waiting.values():
            error = Invalid("inside_itself", f"{each.name} stands inside itself")
            self._found.problems.append(_told(self._found.site, each, error, "parent"))

    def _stand(self, entry: PlaceEntry) -> None:
        try:
            self._found.places[entry.id] = self._place(entry)
        except Refused as error:
            self._found.problems.append(_told(self._found.site, entry, error))

    def _place(self, entry: PlaceEntry) -> Place:
        parent = self._parent(entry)
        check_under(entry.kind, parent)
        check_coordinates(entry.longitude, entry.latitude)
        if check_code(entry.kind, entry.code, parent) != entry.id and entry.kind in REGIONS:
            raise Invalid("bad_code", "a region's id is its code")
        return Place(
            id=entry.id,
            parent_id=entry.parent or None,
            kind=entry.kind,
            name=check_name(entry.name),
            code=entry.code,
            place_path=path_under(parent.place_path if parent else ROOT, entry.id),
            site_id=site_of(entry.kind, entry.id, parent),
            jurisdiction=self._body(entry, parent),
            sort=entry.sort,
            longitude=entry.longitude,
            latitude=entry.latitude,
            home_node=self._node,
            version=entry.version,
            updated_at=self._at,
            profile=check_profile(entry.kind, entry.profile),
            detail=entry.detail,
        )

    def _parent(self, entry: PlaceEntry) -> Place | None:
        if not entry.parent:
            return None
        if entry.id in self._outside.places:
            raise Invalid("not_ours", f"{entry.id} is kept by node {self._outside.places[entry.id].home_node}")
        parent = self._found.places.get(entry.parent) or self._outside.places.get(entry.parent)
        if parent is None:
            raise NotFound("no_parent", f"there is no place {entry.parent} to stand under")
        return parent

    def _body(self, entry: PlaceEntry, parent: Place | None) -> str:
        if entry.jurisdiction is None:
            return parent.jurisdiction if parent else ""
        if entry.jurisdiction and entry.jurisdiction not in self._bodies:
            raise NotFound("no_jurisdiction", f"{entry.jurisdiction} is no police body of this file")
        return entry.jurisdiction


def standing(places: Mapping[str, Place], place_id: str) -> Place:
    """Return a place where devices may stand. Raises NotFound or Invalid."""
    if place_id not in places:
        raise NotFound("no_place", f"there is no place {place_id} in this file")
    if not places[place_id].site_id:
        raise Invalid("wrong_place", "a device stands in a residential community")
    return places[place_id]


def _devices(found: Checked, outside: Outside) -> Iterator[Problem]:
    names: dict[tuple[str, str], str] = {}

    def check(entry: Entry, inside: Steps) -> None:
        assert isinstance(entry, DeviceEntry)  # noqa: S101 - of this section
        if entry.id in outside.devices:
            raise Invalid("not_ours", f"{entry.id} is kept by another node")
        standing(found.places, entry.place)
        check_kind(entry.kind, entry.protocol)
        _write_as_kept(entry)
        check_coordinates(entry.longitude, entry.latitude)
        for name in _names_of(entry):
            if names.setdefault(name, entry.id) != entry.id:
                raise Invalid("taken", f"{name[0]} {name[1]} is another device's")
        _check_zones(entry, found.places, inside)
        particulars_of(entry)

    return _each(found.site, "device", check)


def _write_as_kept(entry: DeviceEntry) -> None:
    """Give ``entry`` names and numbers as the registry writes them, so that it compares equal to what is kept."""
    entry.name = check_name(entry.name)
    entry.account = canonical_account(entry.protocol, entry.account) if entry.account else ""
    for each in entry.zone:
        each.area, each.number = canonical_zone(entry.protocol, each.area, each.number)


def _names_of(entry: DeviceEntry) -> Iterator[tuple[str, str]]:
    """Yield all names that no other device may have."""
    if entry.account:
        yield entry.protocol, entry.account
    if entry.code:
        yield "gb28181", entry.code
    yield from ((each.space, each.code) for each in entry.aliases)


def _check_zones(entry: DeviceEntry, places: Mapping[str, Place], inside: Steps) -> None:
    seen: set[tuple[str, str]] = set()
    for number, each in enumerate(entry.zone):
        inside[:] = ["zone", number]
        zone = _zone(entry.protocol, each, places)
        if (zone.area, zone.number) in seen:
            raise Invalid("zone_twice", f"zone {zone.area}/{zone.number}: a panel has each zone once")
        seen.add((zone.area, zone.number))
    inside.clear()


def zones_of(entry: DeviceEntry, places: Mapping[str, Place]) -> list[Zone]:
    """Return the zones of a device as the registry keeps them. Raises Invalid or NotFound."""
    return [_zone(entry.protocol, each, places) for each in entry.zone]


def _zone(protocol: str, entry: ZoneEntry, places: Mapping[str, Place]) -> Zone:
    area, number = canonical_zone(protocol, entry.area, entry.number)
    place = standing(places, entry.place)
    bypass = (entry.bypassed_until, entry.bypass_reason)
    return Zone(area, number, check_name(entry.name), place.id, place.place_path, place.name, entry.kind, *bypass)


def particulars_of(entry: DeviceEntry) -> Particulars:
    """Return what is written on the device's page. Raises Invalid for what no page has."""
    if unknown := _unknown(entry.particulars, _UNFILLED):
        raise Invalid("unreadable", f"a device's page has no {unknown}")
    try:
        return msgspec.convert(entry.particulars, Particulars)
    except msgspec.ValidationError as error:
        raise Invalid("unreadable", f"particulars: {error}") from error


def filled(particulars: Particulars) -> dict[str, Any]:
    """Return what somebody filled in: the other way of ``particulars_of``."""
    return _without(msgspec.to_builtins(particulars), _UNFILLED)


_UNFILLED: dict[str, Any] = msgspec.to_builtins(Particulars())


def _unknown(told: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    for name, value in told.items():
        if name not in known:
            return name
        if isinstance(known[name], dict) and isinstance(value, dict) and (inner := _unknown(value, known[name])):
            return f"{name}.{inner}"
    return ""


def _without(told: Mapping[str, Any], unfilled: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        name: _without(value, unfilled[name]) if isinstance(value, dict) else value
        for name, value in told.items()
        if value != unfilled[name]
    }
    return {name: value for name, value in found.items() if value is not None}


def _linkage(found: Checked, outside: Outside) -> Iterator[Problem]:
    devices = dict(outside.devices)
    for each in found.site.entries["device"]:
        if isinstance(each, DeviceEntry) and each.place in found.places:
            place = found.places[each.place]
            devices[each.id] = (each.kind, Located(place.place_path, place.jurisdiction))

    def check(entry: Entry, inside: Steps) -> None:
        assert isinstance(entry, LinkageEntry)  # noqa: S101 - of this section
        rule = check_rule(_rule(entry, {**outside.places, **found.places}))
        for number, then in enumerate(rule.then):
            inside[:] = ["then", number]
            if then.target and then.target not in devices:
                raise NotFound("no_device", f"there is no device {then.target} to act on")
            if then.target:
                kind, at = devices[then.target]
                check_reach(rule, then, kind=kind, at=at)
        found.rules[entry.id] = rule

    return _each(found.site, "linkage", check)


def _rule(entry: LinkageEntry, places: Mapping[str, Place]) -> Rule:
    place = places.get(entry.place)
    if place is None:
        raise NotFound("no_place", f"there is no place {entry.place} in this file")
    when, hours = entry.when, [_hour(each) for each in (entry.only_if.begins, entry.only_if.ends)]
    return Rule(
        _uuid(entry.id),
        place.site_id,
        place.place_path,
        place.jurisdiction,
        entry.name,
        When(tuple(when.kinds), when.level, when.place_id, when.device_id, tuple(when.zones)),
        OnlyIf(hours[0], hours[1], entry.only_if.dark, entry.only_if.armed),
        tuple(
            Then(each.do, each.target, each.output, each.on, each.seconds, each.words, each.valid_s)
            for each in entry.then
        ),
        entry.enabled,
        entry.version,
    )


def _hour(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("bad_hour", f"{text!r} is no time of day: write it as 22:00") from error


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("bad_id", f"{text!r} is no id of this section") from error


def _watch(found: Checked) -> Iterator[Problem]:
    def check(entry: Entry, _: Steps) -> None:
        assert isinstance(entry, WatchEntryEntry)  # noqa: S101 - of this section
        standing(found.places, entry.place)
        _uuid(entry.id)
        if entry.watched not in {"vehicle", "visitor"}:
            raise Invalid("bad_kind", "a watch list holds vehicles and visitors")
        if entry.watched == "vehicle" and not entry.plate:
            raise Invalid("no_plate", "a vehicle is watched by its plate")
        if entry.level not in {1, 2, 3}:
            raise Invalid("bad_level", "the alarm of a watched plate has level 1, 2 or 3")
        if entry.expires_at.tzinfo is None or entry.created_at.tzinfo is None:
            raise Invalid("bad_time", "a time has its offset: 2026-11-25T08:00:00+08:00")

    return _each(found.site, "watch", check)


def moved(now: Mapping[str, Place], wanted: Checked) -> dict[tuple[str, str], str]:
    """Return the objects that would stand elsewhere, or under another police body, though nothing of them is told so.

    Source: 4.3 (a move keeps history).
    """
    gone = {key for key, place in wanted.places.items() if key in now and _where(now[key]) != _where(place)}
    found = {("place", key): wanted.places[key].place_path for key in gone}
    for section in ("device", "linkage", "watch"):
        for each in wanted.site.entries[section]:
            place_id = str(getattr(each, "place", ""))
            if place_id in gone:
                found[section, each.key] = wanted.places[place_id].place_path
    return found


def _where(place: Place) -> tuple[str, str, str]:
    return place.place_path, place.site_id, place.jurisdiction


def next_version(place: Place, before: int) -> Place:
    """Return ``place`` as a later change of a row that has version ``before``; 0: there is none."""
    return replace(place, version=max(place.version, before + 1) if before else place.version)
