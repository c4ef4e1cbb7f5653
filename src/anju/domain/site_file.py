"""A whole site as one text file: what it holds, how it is written and read, what would change by it.

TOML, as the configuration: every value says what it is (a DC-09 account ``0012`` stays text, ``no`` is no switch),
Python reads it without another library, and one key to a line under a heading for each object makes it diff well.
Objects are in the order of their ids, so a changed name moves nothing. Secrets are never in clear.
Source: 4.3 (data of places and devices in one form), 4.2.1 (one management of all devices).
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, TypeAlias

import msgspec

from anju.domain.events import EventKind
from anju.domain.linkage import Do
from anju.domain.places import PlaceKind
from anju.errors import Invalid

FORMAT = 1
AGAIN = "must be given again"
SEALED = "sealed:"
WHOLE = ""  # a problem of the file itself
MOST_PROBLEMS = 200


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One object of a section. ``version`` is written so that a tier above takes later changes for later ones."""

    SECTION: ClassVar[str] = ""

    @property
    def key(self) -> str:
        """Return what tells it from the others of its section."""
        return str(getattr(self, "id", ""))

    @property
    def title(self) -> str:
        """Return what a person calls it."""
        return str(getattr(self, "name", "")) or self.key


class JurisdictionEntry(Entry, kw_only=True):
    """A police body."""

    SECTION: ClassVar[str] = "jurisdiction"
    code: str
    name: str
    version: int = 1

    @property
    def key(self) -> str:
        """Return its code."""
        return self.code


class PlaceEntry(Entry, kw_only=True):
    """A place. Without ``jurisdiction`` it has its parent's."""

    SECTION: ClassVar[str] = "place"
    id: str
    parent: str = ""
    kind: PlaceKind
    name: str
    code: str = ""
    jurisdiction: str | None = None
    sort: int = 0
    longitude: float | None = None
    latitude: float | None = None
    profile: dict[str, str | int] = {}
    detail: dict[str, Any] = {}
    version: int = 1


class SegmentEntry(Entry, kw_only=True):
    """A segment of the 20-digit space."""

    SECTION: ClassVar[str] = "code_segment"
    prefix: str
    first: int
    last: int
    node: str
    used: int = 0

    @property
    def key(self) -> str:
        """Return prefix and first serial."""
        return f"{self.prefix}/{self.first:06}"

    @property
    def title(self) -> str:
        """Return its range in words."""
        return f"{self.prefix} {self.first:06}..{self.last:06}"


class RoleEntry(Entry, kw_only=True, rename={"account_class": "class"}):
    """A role that was made here; the built-in ones come with the program."""

    SECTION: ClassVar[str] = "role"
    id: str
    name: str
    name_en: str = ""
    account_class: str
    actions: list[str]
    version: int = 1


class ZoneEntry(Entry, kw_only=True):
    """A zone of a panel."""

    area: str = ""
    number: str
    name: str
    place: str
    kind: EventKind | None = None
    bypassed_until: datetime | None = None
    bypass_reason: str = ""


class AliasEntry(Entry, kw_only=True):
    """Another code of a device."""

    space: str
    code: str


class Secretive(Entry, kw_only=True):
    """An object with something that never leaves in clear; it stands in the field ``HIDDEN``."""

    HIDDEN: ClassVar[str] = ""

    @property
    def secret(self) -> str:
        """Return nothing, ``AGAIN``, or what a passphrase sealed."""
        return str(getattr(self, self.HIDDEN))

    @secret.setter
    def secret(self, value: str) -> None:
        setattr(self, self.HIDDEN, value)


class DeviceEntry(Secretive, kw_only=True):
    """A device with its zones. ``credential``: nothing, ``AGAIN``, or sealed by a passphrase.

    ``particulars`` holds what is written on its page, without what nobody filled in.
    """

    SECTION: ClassVar[str] = "device"
    HIDDEN: ClassVar[str] = "credential"
    id: str
    place: str
    kind: str
    name: str
    protocol: str
    account: str = ""
    code: str = ""
    aliases: list[AliasEntry] = []
    longitude: float | None = None
    latitude: float | None = None
    credential: str = ""
    version: int = 1
    particulars: dict[str, Any] = {}
    zone: list[ZoneEntry] = []


class WhenEntry(Entry, kw_only=True):
    """What sets a rule off."""

    kinds: list[EventKind] = []
    level: int | None = None
    place_id: str = ""
    device_id: str = ""
    zones: list[str] = []


class OnlyIfEntry(Entry, kw_only=True, rename={"begins": "from", "ends": "to"}):
    """Its circumstances; times of day as ``22:00``."""

    begins: str = ""
    ends: str = ""
    dark: bool | None = None
    armed: bool = False


class ThenEntry(Entry, kw_only=True):
    """One thing it does."""

    do: Do
    target: str = ""
    output: str = ""
    on: bool = True
    seconds: int = 0
    words: str = ""
    valid_s: int | None = None


class LinkageEntry(Entry, kw_only=True):
    """A linkage rule."""

    SECTION: ClassVar[str] = "linkage"
    id: str
    name: str
    place: str
    enabled: bool = True
    when: WhenEntry = msgspec.field(default_factory=WhenEntry)
    only_if: OnlyIfEntry = msgspec.field(default_factory=OnlyIfEntry)
    version: int = 1
    then: list[ThenEntry]


class WatchEntryEntry(Secretive, kw_only=True, rename={"watched": "kind"}):
    """A vehicle or visitor on the watch list. ``personal``: nothing, ``AGAIN``, or sealed by a passphrase."""

    SECTION: ClassVar[str] = "watch"
    HIDDEN: ClassVar[str] = "personal"
    id: str
    place: str
    watched: str
    plate: str | None = None
    personal: str = ""
    reason: str
    level: int
    owner_id: str
    owner_name: str
    created_at: datetime
    expires_at: datetime
    version: int = 1

    @property
    def title(self) -> str:
        """Return the plate, or who it is by the reason only."""
        return self.plate or self.reason


KINDS: Mapping[str, type[Entry]] = {
    each.SECTION: each
    for each in (
        JurisdictionEntry,
        PlaceEntry,
        SegmentEntry,
        RoleEntry,
        DeviceEntry,
        LinkageEntry,
        WatchEntryEntry,
    )
}
"""The sections in the order in which they are written: what is referred to comes first."""
POLICIES = "policies"
SECTIONS = (POLICIES, *KINDS)
PolicyValue: TypeAlias = int | bool


class Sealing(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a passphrase becomes the key of the sealed values. ``check`` opens under the right one only."""

    salt: str
    check: str


class Head(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """Whose site it is."""

    format: int = msgspec.field(default=0)
    node: str
    name: str
    tier: str
    sealing: Sealing | None = None


@dataclass(slots=True)
class Site:
    """All of a file, or all of a node. ``lines`` says where each thing stands, by its path in the file."""

    head: Head
    policies: dict[str, PolicyValue] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in KINDS})
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    at: dict[tuple[str, str], int] = field(default_factory=dict)  # (section, key): position in its section

    def line(self, section: str, key: str = "", *rest: str | int) -> int:
        """Return the line of an object, or of what is inside it, the nearest there is; 0 where it stands nowhere."""
        path = (section, self.at.get((section, key), 0), *rest) if key else (section, *rest)
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 0

    def of(self, section: str) -> dict[str, Entry]:
        """Return the objects of a section by key."""
        return {each.key: each for each in self.entries[section]}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file cannot be applied: where, and in words. ``code`` is stable and translated at the glass."""

    line: int
    section: str
    key: str
    code: str
    message: str


def write(site: Site) -> str:
    """Return the text of ``site``: the same bytes for the same site, whoever writes it and when."""
    parts = [_head(site.head)]
    if site.policies:
        parts.append("\n".join(["[policies]", *(_pair(name, site.policies[name]) for name in sorted(site.policies))]))
    for name in KINDS:
        parts.extend(_entry(name, each) for each in site.entries[name])
    return "\n\n".join(parts) + "\n"


def _head(head: Head) -> str:
    lines = [
        "# Anju 安居: a whole site. Change it, then look at the dry run before it is applied.",
        _pair("format", FORMAT),
        "",
        "[node]",
        *(_pair(name, getattr(head, name)) for name in ("node", "name", "tier")),
    ]
    if head.sealing:
        lines += ["", "[sealing]", _pair("salt", head.sealing.salt), _pair("check", head.sealing.check)]
    return "\n".join(lines)


def _entry(name: str, entry: Entry) -> str:
    plain: dict[str, Any] = msgspec.to_builtins(entry, builtin_types=(datetime, date))
    nested = {each: plain.pop(each) for each in ("zone", "then") if each in plain}
    page = plain.pop("particulars", {})
    lines = [f"[[{name}]]", *(_pair(*each) for each in plain.items())]
    if page:
        lines += ["", f"[{name}.particulars]", *(_pair(*each) for each in page.items())]
    for part, items in nested.items():
        for each in items:
            lines += ["", f"[[{name}.{part}]]", *(_pair(*pair) for pair in each.items())]
    return "\n".join(lines)


_BARE = re.compile(r"[A-Za-z0-9_-]+")


def _pair(name: str, value: Any) -> str:
    return f"{name if _BARE.fullmatch(name) else _text(name)} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pair(*each) for each in sorted(value.items())) + " }" if value else "{}"
    return "[" + ", ".join(_value(each) for each in value) + "]"


def _text(value: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(text: str) -> tuple[Site, list[Problem]]:
    """Return the site in ``text`` as far as it can be read, with a problem for each thing that cannot.

    Raises Invalid where the text is no site file at all; the message names the line.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("not_toml", f"this is not TOML: {error}") from error
    if told.pop("format", None) != FORMAT:
        raise Invalid("wrong_format", f"this is no site file of format {FORMAT}")
    head = _read_head(told)
    site = Site(head, lines=_lines(text))
    problems = list(_read_policies(site, told.pop(POLICIES, {})))
    for name, kind in KINDS.items():
        problems += _read_section(site, name, kind, told.pop(name, []))
    for name in told:
        problems.append(Problem(site.line(name, "", 0), name, "", "unknown_section", f"there is no section {name}"))
    return site, problems[:MOST_PROBLEMS]


def _read_head(told: dict[str, Any]) -> Head:
    try:
        sealing = told.pop("sealing", None)
        return msgspec.convert({"format": FORMAT, **told.pop("node", {}), "sealing": sealing}, Head)
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid("wrong_format", f"[node] or [sealing]: {error}") from error


def _read_policies(site: Site, told: Any) -> Iterator[Problem]:
    if not isinstance(told, dict):
        yield _problem(site, POLICIES, "", "bad_section", "policies is a table")
        return
    for name, value in told.items():
        if isinstance(value, int | bool):
            site.policies[name] = value
        else:
            yield Problem(site.line(POLICIES, "", name), POLICIES, name, "wrong_kind", f"{name}: a number or a switch")


def _read_section(site: Site, name: str, kind: type[Entry], told: Any) -> Iterator[Problem]:
    if not isinstance(told, list):
        yield _problem(site, name, "", "bad_section", f"write [[{name}]], once for each")
        return
    for position, each in enumerate(told):
        try:
            entry = msgspec.convert(each, kind)
        except msgspec.ValidationError as error:
            yield _unreadable(site, (name, position), str(error))
            continue
        if (name, entry.key) in site.at:
            yield Problem(site.line(name, "", position), name, entry.key, "twice", f"{entry.key} is in the file twice")
            continue
        site.at[name, entry.key] = position
        site.entries[name].append(entry)


_AT = re.compile(r"(.*) - at `\$\.?(.*)`")


def _unreadable(site: Site, path: tuple[str | int, ...], message: str) -> Problem:
    words, inner = message, ""
    if found := _AT.fullmatch(message):
        words, inner = found[1], found[2]
    elif (missing := re.search(r"unknown field `(.*?)`", message)) is not None:
        inner = missing[1]
    parts = re.findall(r"[^.\[\]]+", inner)
    steps = tuple(int(each) if each.isdigit() else each for each in parts)
    place = f"{inner}: " if inner else ""
    return Problem(site.line(str(path[0]), "", *path[1:], *steps), str(path[0]), "", "unreadable", f"{place}{words}")


def _problem(site: Site, section: str, key: str, code: str, message: str) -> Problem:
    return Problem(site.line(section, key), section, key, code, message)


_TABLE = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|([A-Za-z0-9_-]+))\s*=")


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line of each heading and key. Text over several lines may hide one; then its heading is named."""
    found: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    path: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.fullmatch(line):
            names = table[1].split(".")
            path = _open(names, counts) if line.strip().startswith("[[") else _inside(names, counts)
            found.setdefault(path, number)
        elif key := _KEY.match(line):
            found.setdefault((*path, key[1] or key[2]), number)
    return found


def _inside(names: Sequence[str], counts: Mapping[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """Return the path of a plain table, inside the last element of an array of tables if it belongs to one."""
    first, rest = (names[0],), names[1:]
    return (*first, counts[first] - 1, *rest) if rest and first in counts else tuple(names)


def _open(names: Sequence[str], counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """Return the path of the next element of an array of tables, counted inside the last one above it."""
    path: tuple[str | int, ...] = (names[0],)
    for name in names[1:]:
        path = (*path, max(counts.get(path, 1) - 1, 0), name)
    counts[path] = counts.get(path, 0) + 1
    for deeper in [each for each in counts if len(each) > len(path) and each[: len(path)] == path]:
        if deeper[len(path)] == counts[path] - 1:
            del counts[deeper]
    return (*path, counts[path] - 1)


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that would be added, changed or retired; ``fields`` holds (name, before, after) of a change."""

    section: str
    key: str
    title: str
    what: str  # add, change, retire
    line: int
    fields: tuple[tuple[str, Any, Any], ...] = ()


def differences(now: Site, wanted: Site, *, retire: bool, moved: Mapping[tuple[str, str], str]) -> list[Difference]:
    """Return what would make ``now`` into ``wanted``, in the order in which it is done.

    With ``retire``, what the file does not name goes out of use. ``moved`` names objects whose surroundings change,
    with words for it: a device goes with its place.
    """
    found = list(_policies(now, wanted, retire=retire))
    for name in KINDS:
        before, after = now.of(name), wanted.of(name)
        found += [_compare(wanted, before.get(key), each, moved.get((name, key), "")) for key, each in after.items()]
        if retire:
            gone = (each for key, each in before.items() if key not in after)
            found += [Difference(name, each.key, each.title, "retire", 0) for each in gone]
    return [each for each in found if each.what]


def _policies(now: Site, wanted: Site, *, retire: bool) -> Iterator[Difference]:
    for name, value in wanted.policies.items():
        line, before = wanted.line(POLICIES, "", name), now.policies.get(name)
        if before is None:
            yield Difference(POLICIES, name, name, "add", line, (("value", None, value),))
        elif before != value:
            yield Difference(POLICIES, name, name, "change", line, (("value", before, value),))
    if retire:
        for name in now.policies.keys() - wanted.policies.keys():
            yield Difference(POLICIES, name, name, "retire", 0)


def _compare(site: Site, before: Entry | None, after: Entry, moved: str) -> Difference:
    section, key = after.SECTION, after.key
    line = site.line(section, key)
    if before is None:
        return Difference(section, key, after.title, "add", line)
    changed = tuple(_fields(before, after))
    if moved:
        changed += (("stands", "", moved),)
    return Difference(section, key, after.title, "change" if changed else "", line, changed)


def _fields(before: Entry, after: Entry) -> Iterator[tuple[str, Any, Any]]:
    for name in before.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name == "version" or old == new or (new == AGAIN and name in {"credential", "personal"}):
            continue
        yield name, *(msgspec.to_builtins(each) for each in _hidden(name, old, new))


def _hidden(name: str, old: Any, new: Any) -> tuple[Any, Any]:
    """Nobody sees a sealed value in a comparison."""
    if name not in {"credential", "personal"}:
        return old, new
    return tuple("***" if each else "" for each in (old, new))  # type: ignore[return-value]


def secretive(site: Site) -> Iterator[Secretive]:
    """Yield the objects that may have a secret."""
    for section in ("device", "watch"):
        yield from (each for each in site.entries[section] if isinstance(each, Secretive))


def stands_in(entry: Entry) -> set[str]:
    """Return the ids of all places that an object stands in; a place stands in itself and its parent."""
    names = {str(getattr(entry, name, "")) for name in ("place", "parent")}
    names |= {each.place for each in entry.zone} if isinstance(entry, DeviceEntry) else set()
    return (names | ({entry.key} if isinstance(entry, PlaceEntry) else set())) - {""}


def counts(found: Iterable[Difference]) -> dict[str, dict[str, int]]:
    """Return for each section how many would be added, changed and retired."""
    told = {name: {"add": 0, "change": 0, "retire": 0} for name in SECTIONS}
    for each in found:
        told[each.section][each.what] += 1
    return told


def renamed(site: Site, fresh: Callable[[str], str]) -> Site:
    """Return a copy of ``site`` for another node: fresh ids below the regions, without codes and credentials.

    ``fresh`` makes an id for a section. Regions keep theirs: they are the same at every node.
    """
    names = {
        each.key: fresh(section)
        for section, entries in site.entries.items()
        if section in {"place", "device", "linkage", "watch"}
        for each in entries
        if not each.key.isdigit()
    }
    entries = {section: [_renamed(each, names) for each in items] for section, items in site.entries.items()}
    entries["code_segment"] = []
    at = {(name, names.get(key, key)): position for (name, key), position in site.at.items()}
    return Site(site.head, dict(site.policies), entries, site.lines, at)


def _renamed(entry: Entry, names: Mapping[str, str]) -> Entry:
    plain = msgspec.to_builtins(entry, builtin_types=(datetime, date))
    told = _replaced(plain, names)
    if isinstance(entry, PlaceEntry | DeviceEntry) and not entry.key.isdigit():
        told |= {"code": ""} | ({"aliases": []} if isinstance(entry, DeviceEntry) else {})
    for name in {"credential", "personal"} & told.keys():
        told[name] = AGAIN
    return msgspec.convert({**told, "version": 1} if "version" in entry.__struct_fields__ else told, type(entry))


_REFERENCES = frozenset({"id", "parent", "place", "place_id", "device_id", "target"})


def _replaced(told: Any, names: Mapping[str, str]) -> Any:
    if isinstance(told, dict):
        return {
            name: names.get(value, value) if name in _REFERENCES and isinstance(value, str) else _replaced(value, names)
            for name, value in told.items()
        }
    return [_replaced(each, names) for each in told] if isinstance(told, list) else told
