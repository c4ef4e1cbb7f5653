"""Places, devices and zones as rows of a spreadsheet: what its columns are, how rows become a site.

A sheet adds and changes; what it does not name stays as it is, and nothing goes out of use by it.
Source: 4.3 (data of places and devices in one form).
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from anju.domain.devices import KINDS as DEVICE_KINDS
from anju.domain.devices import canonical_account, canonical_zone
from anju.domain.events import EventKind
from anju.domain.places import REGIONS, Era, Form, PlaceKind
from anju.domain.site_file import DeviceEntry, Entry, PlaceEntry, Problem, Site, ZoneEntry
from anju.errors import Invalid, Refused

MOST_ROWS = 20_000
_ROW, _SHEET = 1_000, 1_000_000_000


class Words(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


NOTHING = Words("", "")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``choices`` are codes with their words; ``refers`` names the sheet whose rows are meant."""

    name: str
    words: Words
    hint: Words = NOTHING
    number: bool = False
    choices: Mapping[Any, Words] = field(default_factory=dict)
    refers: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of rows."""

    name: str
    words: Words
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        """Return the name of its tab."""
        return f"{self.words.zh} {self.words.en}"

    def column(self, name: str) -> int:
        """Return the number of a column, counted from 1; 0 where there is none of that name."""
        names = [each.name for each in self.columns]
        return names.index(name) + 1 if name in names else 0


_PLACE_WORDS = {
    PlaceKind.CITY: Words("市", "city"),
    PlaceKind.COUNTY: Words("县区", "county"),
    PlaceKind.STREET: Words("街道乡镇", "street"),
    PlaceKind.COMMUNITY: Words("社区村", "community"),
    PlaceKind.GRID: Words("网格", "grid"),
    PlaceKind.SITE: Words("小区", "site"),
    PlaceKind.AREA: Words("区域", "area"),
    PlaceKind.BUILDING: Words("楼栋", "building"),
    PlaceKind.UNIT: Words("单元", "unit"),
    PlaceKind.FLOOR: Words("楼层", "floor"),
    PlaceKind.ROOM: Words("房屋", "room"),
    PlaceKind.GATE: Words("出入口", "gate"),
    PlaceKind.LANE: Words("车道", "lane"),
}
_ZONE_WORDS = {
    EventKind.FIRE: Words("火灾", "fire"),
    EventKind.FIRE_MANUAL: Words("手动火警", "fire_manual"),
    EventKind.PANIC: Words("紧急求助", "panic"),
    EventKind.DURESS: Words("胁迫", "duress"),
    EventKind.HELP: Words("呼救", "help"),
    EventKind.INTRUSION: Words("入侵", "intrusion"),
    EventKind.TAMPER: Words("防拆", "tamper"),
    EventKind.GAS: Words("燃气", "gas"),
    EventKind.WATER: Words("漏水", "water"),
}
_ID = Column("id", Words("编号", "id"), Words("新增留空，修改勿动", "leave empty for a new one"))
_LONGITUDE = Column("longitude", Words("经度", "longitude"), Words("度，CGCS2000", "degrees, CGCS2000"), number=True)
_LATITUDE = Column("latitude", Words("纬度", "latitude"), Words("度", "degrees"), number=True)
_PROTOCOLS = {each: Words(each, each) for kind in DEVICE_KINDS.values() for each in kind.protocols}
SHEETS = (
    Sheet(
        "place",
        Words("场所", "Places"),
        (
            _ID,
            Column("kind", Words("类型*", "kind*"), Words("从列表选", "choose"), choices=_PLACE_WORDS),
            Column("name", Words("名称*", "name*")),
            Column(
                "parent", Words("上级场所*", "stands in*"), Words("从列表选，或写本表新行", "choose"), refers="place"
            ),
            Column("code", Words("标准地址编码", "address code")),
            Column("jurisdiction", Words("管辖机构", "police body"), Words("12位，空随上级", "12 digits")),
            _LONGITUDE,
            _LATITUDE,
            Column("sort", Words("排序", "order"), number=True),
            Column(
                "era",
                Words("新建或已建", "new or built"),
                Words("小区必填", "of a site"),
                choices={Era.NEW: Words("新建", "new"), Era.BUILT: Words("已建", "built")},
            ),
            Column(
                "form",
                Words("封闭或开放", "closed or open"),
                Words("小区必填", "of a site"),
                choices={Form.CLOSED: Words("封闭", "closed"), Form.OPEN: Words("开放", "open")},
            ),
            Column("households", Words("户数", "households"), number=True),
            Column("buildings", Words("楼栋数", "buildings"), number=True),
            Column("built_year", Words("建成年份", "year built"), number=True),
            Column("parking", Words("车位数", "parking"), number=True),
            Column("manager", Words("物业单位", "manager")),
            Column("phone", Words("物业电话", "phone")),
        ),
    ),
    Sheet(
        "device",
        Words("设备", "Devices"),
        (
            _ID,
            Column(
                "kind",
                Words("类型*", "kind*"),
                Words("从列表选", "choose"),
                choices={name: Words(each.zh, each.en) for name, each in DEVICE_KINDS.items()},
            ),
            Column("name", Words("名称*", "name*")),
            Column("place", Words("安装场所*", "installed at*"), Words("从列表选", "choose"), refers="place"),
            Column("protocol", Words("协议*", "protocol*"), Words("从列表选", "choose"), choices=_PROTOCOLS),
            Column("account", Words("账号", "account"), Words("DC-09：线路/账号", "DC-09: line/account")),
            Column("code", Words("国标编码", "code"), Words("20位，单元格设为文本", "20 digits, as text")),
            _LONGITUDE,
            _LATITUDE,
            Column("address", Words("网络地址", "address")),
            Column("maker", Words("厂商", "maker")),
            Column("model", Words("型号", "model")),
            Column("serial", Words("序列号", "serial number")),
            Column("unit", Words("管理单位", "unit")),
            Column("contact", Words("联系人", "contact")),
            Column("supervision_s", Words("巡检周期", "heard every"), Words("秒", "seconds"), number=True),
            Column("note", Words("备注", "note")),
        ),
    ),
    Sheet(
        "zone",
        Words("防区", "Zones"),
        (
            Column("device", Words("设备*", "device*"), Words("从列表选，或写本表新行", "choose"), refers="device"),
            Column("area", Words("分区", "area")),
            Column("number", Words("防区号*", "number*")),
            Column("name", Words("名称*", "name*")),
            Column("place", Words("所在场所", "stands in"), Words("空则同设备", "or as the device"), refers="place"),
            Column("kind", Words("报警类型", "alarm kind"), Words("空则按设备上报", "or as told"), choices=_ZONE_WORDS),
        ),
    ),
)
BY_NAME: Mapping[str, Sheet] = {each.name: each for each in SHEETS}


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it was read: its number in the sheet, and the cells that are there, blank ones as None."""

    number: int
    cells: Mapping[str, Any]


Rows = Mapping[str, Sequence[Line]]


class Spot(NamedTuple):
    """Where in a workbook something stands; ``column`` 0: the whole row."""

    sheet: str
    row: int
    column: int


def spot(line: int) -> Spot:
    """Return what a line number of ``merged`` stands for: sites know one number for a place in their source."""
    sheet, rest = divmod(line, _SHEET)
    return Spot(SHEETS[sheet - 1].name if 0 < sheet <= len(SHEETS) else "", *divmod(rest, _ROW))


def _line(sheet: str, row: int, column: int = 0) -> int:
    return ([each.name for each in SHEETS].index(sheet) + 1) * _SHEET + row * _ROW + column


def labels(site: Site) -> dict[str, str]:
    """Return for each place what people choose it by: the names from its 小区 down, its id where two agree."""
    places = {each.id: each for each in site.entries["place"] if isinstance(each, PlaceEntry)}
    plain = {key: _path(places, each) for key, each in places.items()}
    often = Counter(plain.values())
    return {key: f"{words} [{key}]" if often[words] > 1 else words for key, words in plain.items()}


def _path(places: Mapping[str, PlaceEntry], place: PlaceEntry) -> str:
    above = places.get(place.parent)
    if above is None or place.kind in REGIONS or place.kind is PlaceKind.SITE:
        return place.name
    return f"{_path(places, above)}/{place.name}"


def device_labels(site: Site) -> dict[str, str]:
    """Return for each device of ``site`` what people choose it by: its name, with its id where two agree."""
    devices = [each for each in site.entries["device"] if isinstance(each, DeviceEntry)]
    often = Counter(each.name for each in devices)
    return {each.id: f"{each.name} [{each.id}]" if often[each.name] > 1 else each.name for each in devices}


def rows_of(site: Site, places: Mapping[str, str], devices: Mapping[str, str]) -> dict[str, list[list[Any]]]:
    """Return ``site`` as the cells of each sheet, in the order of its columns.

    ``places`` and ``devices`` are the labels of the whole site, of which ``site`` may be a part.
    """
    found: dict[str, list[list[Any]]] = {each.name: [] for each in SHEETS}
    for each in site.entries["place"]:
        if isinstance(each, PlaceEntry):
            told = {**each.profile, "parent": places.get(each.parent, each.parent)}
            found["place"].append(_cells("place", each, told))
    for device in site.entries["device"]:
        if isinstance(device, DeviceEntry):
            told = {**device.particulars, "place": places.get(device.place, device.place)}
            found["device"].append(_cells("device", device, told))
            for zone in device.zone:
                names = {"device": devices[device.id], "place": places.get(zone.place, zone.place)}
                found["zone"].append(_cells("zone", zone, names))
    return found


def _cells(sheet: str, entry: Entry, told: Mapping[str, Any]) -> list[Any]:
    return [_cell(each, told.get(each.name, getattr(entry, each.name, None))) for each in BY_NAME[sheet].columns]


def _cell(column: Column, value: Any) -> Any:
    if column.choices and value in column.choices:
        return column.choices[value].zh
    return None if value in {"", None} else value


Report = Callable[[str, Line, str, Refused], None]


def merged(now: Site, rows: Rows, fresh: Callable[[str], str]) -> tuple[Site, list[Problem]]:
    """Return ``now`` as ``rows`` would have it, with a problem for each cell that cannot be meant.

    Lines of the site and of the problems are read by ``spot``. ``fresh`` makes ids for a section.
    """
    site = Site(now.head, dict(now.policies), {name: copy.deepcopy(each) for name, each in now.entries.items()})
    for section, entries in site.entries.items():
        site.at |= {(section, each.key): number for number, each in enumerate(entries)}
    work = _Merge(site, fresh)
    for line in rows.get("place", ()):
        work.attempt("place", line, work.place)
    for line in rows.get("device", ()):
        work.attempt("device", line, work.device)
    for line in rows.get("zone", ()):
        work.attempt("zone", line, work.zone)
    return site, work.problems


class _Cell(Invalid):
    """A cell that cannot be meant."""

    def __init__(self, code: str, message: str, column: str) -> None:
        super().__init__(code, message)
        self.column = column


class _Merge:
    """Takes rows in, one after the other: a later row may refer to an earlier one."""

    def __init__(self, site: Site, fresh: Callable[[str], str]) -> None:
        self._site, self._fresh = site, fresh
        self.problems: list[Problem] = []
        self._places = {words: key for key, words in labels(site).items()}
        self._devices = {words: key for key, words in device_labels(site).items()}
        self._seen: dict[tuple[str, str], int] = {}

    def attempt(self, sheet: str, line: Line, act: Callable[[Line], None]) -> None:
        """Take one row in; what is wrong with it is remembered."""
        try:
            act(line)
        except Refused as error:
            column = BY_NAME[sheet].column(getattr(error, "column", ""))
            at = _line(sheet, line.number, column)
            self.problems.append(Problem(at, sheet, "", error.code, str(error)))

    def place(self, line: Line) -> None:
        """Add or change a place."""
        told = _read("place", line)
        parent = self._refer(self._places, told.get("parent"), "parent", "place")
        kind, name = PlaceKind(_needed(told, "kind")), str(_needed(told, "name"))
        key = self._key("place", told, kind, parent, name)
        entry = self._existing("place", key) or PlaceEntry(id=key, kind=kind, name=name)
        assert isinstance(entry, PlaceEntry)  # noqa: S101 - of this section
        entry.parent = parent if "parent" in told else entry.parent
        entry.kind = kind
        _set(entry, told, ("name", "code", "longitude", "latitude", "sort"), numbers={"sort": 0})
        if "jurisdiction" in told:
            entry.jurisdiction = told["jurisdiction"] or None
        if kind is PlaceKind.SITE:
            entry.profile = _with(entry.profile, told, _PROFILE)
        self._put("place", entry, line)
        self._places[self._label(parent, entry)] = key

    def _key(self, section: str, told: Mapping[str, Any], kind: PlaceKind, parent: str, name: str) -> str:
        """Return the id of a row: its own, a region's code, that of the sibling of the same name, or a fresh one."""
        if told.get("id"):
            return str(told["id"])
        if kind in REGIONS:
            return str(told.get("code") or "")
        for each in self._site.entries[section]:
            if isinstance(each, PlaceEntry) and (each.parent, each.kind, each.name) == (parent, kind, name):
                return each.id
        return self._fresh(section)

    def _label(self, parent: str, entry: PlaceEntry) -> str:
        above = next((words for words, key in self._places.items() if key == parent), "")
        top = entry.kind in REGIONS or entry.kind is PlaceKind.SITE or not above
        return entry.name if top else f"{above.partition(' [')[0]}/{entry.name}"

    def device(self, line: Line) -> None:
        """Add or change a device."""
        told = _read("device", line)
        place = self._refer(self._places, _needed(told, "place"), "place", "place")
        kind, name, protocol = (str(_needed(told, each)) for each in ("kind", "name", "protocol"))
        account = str(told.get("account") or "")
        account = canonical_account(protocol, account) if account else ""
        key = str(told.get("id") or "") or self._by_account(protocol, account) or self._fresh("device")
        entry = self._existing("device", key)
        if entry is None:
            entry = DeviceEntry(id=key, place=place, kind=kind, name=name, protocol=protocol)
        assert isinstance(entry, DeviceEntry)  # noqa: S101 - of this section
        entry.place, entry.kind, entry.protocol = place, kind, protocol
        _set(entry, {**told, **({"account": account} if "account" in told else {})}, _DEVICE)
        entry.particulars = _with(entry.particulars, told, _PARTICULARS)
        self._put("device", entry, line)
        self._devices[name] = key

    def _by_account(self, protocol: str, account: str) -> str:
        found = (each for each in self._site.entries["device"] if isinstance(each, DeviceEntry) and account)
        return next((each.id for each in found if (each.protocol, each.account) == (protocol, account)), "")

    def zone(self, line: Line) -> None:
        """Add or change a zone; those of its device that no row names stay."""
        told = _read("zone", line)
        key = self._refer(self._devices, _needed(told, "device"), "device", "device")
        device = self._existing("device", key)
        assert isinstance(device, DeviceEntry)  # noqa: S101 - found by its label
        number, name = str(_needed(told, "number")), str(_needed(told, "name"))
        place = self._refer(self._places, told.get("place"), "place", "place") or device.place
        area, number = canonical_zone(device.protocol, str(told.get("area") or ""), number)
        at = next((i for i, each in enumerate(device.zone) if (each.area, each.number) == (area, number)), -1)
        if at < 0:
            device.zone.append(ZoneEntry(area=area, number=number, name=name, place=place))
        entry = device.zone[at]
        entry.name, entry.place = name, place
        if "kind" in told:
            entry.kind = EventKind(told["kind"]) if told["kind"] else None
        self._twice("zone", f"{key} {area}/{number}", line)
        steps = ("device", self._site.at["device", key], "zone", at if at >= 0 else len(device.zone) - 1)
        self._site.lines[steps] = _line("zone", line.number)

    def _refer(self, known: Mapping[str, str], told: Any, column: str, sheet: str) -> str:
        """Return the id that a cell names by its label or by itself; '' for a blank cell."""
        words = str(told or "").strip()
        if not words:
            return ""
        found = known.get(words) or (words if words in known.values() else "")
        if not found:
            title = BY_NAME[sheet].words
            raise _Cell("unknown_reference", f"{words!r} is none of {title.en}: choose one from the list", column)
        return found

    def _existing(self, section: str, key: str) -> Entry | None:
        position = self._site.at.get((section, key))
        return None if position is None else self._site.entries[section][position]

    def _put(self, section: str, entry: Entry, line: Line) -> None:
        self._twice(section, entry.key, line)
        if (section, entry.key) not in self._site.at:
            self._site.at[section, entry.key] = len(self._site.entries[section])
            self._site.entries[section].append(entry)
        position = self._site.at[section, entry.key]
        self._site.lines[section, position] = _line(section, line.number)
        for number, column in enumerate(BY_NAME[section].columns, start=1):
            self._site.lines[section, position, column.name] = _line(section, line.number, number)

    def _twice(self, sheet: str, key: str, line: Line) -> None:
        before = self._seen.setdefault((sheet, key), line.number)
        if before != line.number:
            raise _Cell("twice", f"row {before} is the same one", "")


_PROFILE = ("era", "form", "households", "buildings", "built_year", "parking", "manager", "phone")
_DEVICE = ("name", "account", "code", "longitude", "latitude")
_PARTICULARS = ("address", "maker", "model", "serial", "unit", "contact", "supervision_s", "note")


def _set(entry: Entry, told: Mapping[str, Any], names: Iterable[str], numbers: Mapping[str, Any] | None = None) -> None:
    """Give ``entry`` what a row says; a blank cell empties, a column that is not there changes nothing."""
    empty = {"longitude": None, "latitude": None, **(numbers or {})}
    for name in names:
        if name in told:
            setattr(entry, name, empty.get(name, "") if told[name] is None else told[name])


def _with(before: Mapping[str, Any], told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    found = {**before, **{name: told[name] for name in names if name in told}}
    return {name: value for name, value in found.items() if value not in {None, ""}}


def _needed(told: Mapping[str, Any], name: str) -> Any:
    if told.get(name) in {None, ""}:
        raise _Cell("missing", "this cell must be filled in", name)
    return told[name]


def _read(sheet: str, line: Line) -> dict[str, Any]:
    """Return the cells of a row as values. Raises _Cell for the first that cannot be meant."""
    return dict(_values(BY_NAME[sheet], line))


def _values(sheet: Sheet, line: Line) -> Iterator[tuple[str, Any]]:
    for column in sheet.columns:
        if column.name in line.cells:
            yield column.name, _value(column, line.cells[column.name])


def _value(column: Column, cell: Any) -> Any:
    text = str(cell).strip() if cell is not None else ""
    if not text:
        return None
    if column.choices:
        return _choice(column, text)
    if column.number:
        return _number(column, cell, text)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if column.name == "code" and isinstance(cell, int) and cell >= 10**15:
        raise _Cell("code_as_number", "a long code must be text: as a number its last digits are lost", column.name)
    return str(cell).strip()


def _choice(column: Column, text: str) -> str:
    for code, words in column.choices.items():
        if text.lower() in {code.lower(), words.zh, words.en.lower()}:
            return str(code)
    some = ", ".join(each.zh for each in list(column.choices.values())[:8])
    raise _Cell("bad_choice", f"{text!r} is none of the choices: {some} …", column.name)


def _number(column: Column, cell: Any, text: str) -> int | float:
    try:
        found = float(cell if isinstance(cell, int | float) else text)
    except ValueError:
        raise _Cell("no_number", f"{text!r} is no number", column.name) from None
    return int(found) if found.is_integer() and column.name not in {"longitude", "latitude"} else found
