"""The tree of places: what stands under what, and how each level is coded.

市 → 县区 → 街道/乡镇 → 社区/村 → 网格 → 小区 → 区域 → 楼栋 → 单元 → 楼层 → 房屋, with gates and lanes;
the police bodies in charge (管辖机构) cross it.
Source: 4.3 (address data by GA/T 543), 3.1, 3.2, 3.3, 4.1.6 (profiles).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from anju.domain.cleaning import clean_text
from anju.domain.codes import read_code
from anju.errors import Conflict, Invalid

ROOT = "/"
SITE_TYPE = "216"  # the type digits of a 小区's 20-digit code
DEEPEST = 16  # places from root to leaf


class PlaceKind(StrEnum):
    """The levels, from above."""

    CITY = "city"
    COUNTY = "county"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    SITE = "site"
    AREA = "area"
    BUILDING = "building"
    UNIT = "unit"
    FLOOR = "floor"
    ROOM = "room"
    GATE = "gate"
    LANE = "lane"


P = PlaceKind
PARENTS: Mapping[PlaceKind, frozenset[PlaceKind]] = {
    P.CITY: frozenset(),
    P.COUNTY: frozenset({P.CITY}),
    P.STREET: frozenset({P.COUNTY}),
    P.COMMUNITY: frozenset({P.STREET}),
    P.GRID: frozenset({P.COMMUNITY}),
    P.SITE: frozenset({P.GRID, P.COMMUNITY, P.STREET, P.COUNTY}),
    P.AREA: frozenset({P.SITE, P.AREA}),
    P.BUILDING: frozenset({P.SITE, P.AREA}),
    P.UNIT: frozenset({P.BUILDING}),
    P.FLOOR: frozenset({P.UNIT, P.BUILDING}),
    P.ROOM: frozenset({P.FLOOR, P.UNIT, P.BUILDING}),
    P.GATE: frozenset({P.SITE, P.AREA, P.BUILDING, P.UNIT}),
    P.LANE: frozenset({P.GATE}),
}
"""Under which kinds each may stand; a city stands under nothing."""

REGIONS = frozenset({P.CITY, P.COUNTY, P.STREET, P.COMMUNITY})
"""Their administrative code is their id, the same at every node."""

_REGION_CODE = {
    P.CITY: re.compile(r"[1-8][0-9](?!00)[0-9]{2}00"),
    P.COUNTY: re.compile(r"[1-8][0-9]{3}(?!00)[0-9]{2}"),
    P.STREET: re.compile(r"[1-8][0-9]{5}(?!000)[0-9]{3}"),
    P.COMMUNITY: re.compile(r"[1-8][0-9]{8}(?!000)[0-9]{3}"),
}
_SHARED = {P.COUNTY: 4, P.STREET: 6, P.COMMUNITY: 9}  # digits a region has in common with its parent
_GRID_CODE = re.compile(r"[1-8][0-9]{14}")
_ADDRESS_CODE = re.compile(r"[0-9A-Z]+(-[0-9A-Z]+)*")
_JURISDICTION = re.compile(r"[1-8][0-9]{11}")


class Era(StrEnum):
    """新建 (also being built) or 已建."""

    NEW = "new"
    BUILT = "built"


class Form(StrEnum):
    """封闭式 or 开放式."""

    CLOSED = "closed"
    OPEN = "open"


PROFILE = ("era", "form", "households", "buildings", "built_year", "parking", "manager", "phone")


@dataclass(frozen=True, slots=True)
class Place:
    """One place, all of its public state. ``jurisdiction`` is inherited unless it was set here or between."""

    id: str
    parent_id: str | None
    kind: PlaceKind
    name: str
    code: str
    place_path: str
    site_id: str
    jurisdiction: str
    sort: int
    longitude: float | None
    latitude: float | None
    home_node: str
    version: int
    updated_at: datetime
    profile: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A 管辖机构: 12 digits by GA/T 380."""

    code: str
    name: str
    home_node: str
    version: int
    retired_at: datetime | None = None


def check_under(kind: PlaceKind, parent: Place | None) -> None:
    """Raise Conflict where a place of ``kind`` cannot stand under ``parent``."""
    if parent is None and kind is not P.CITY:
        raise Conflict("needs_parent", f"a {kind} stands under one of: {', '.join(sorted(PARENTS[kind]))}")
    if parent is not None and parent.kind not in PARENTS[kind]:
        raise Conflict("wrong_parent", f"a {kind} cannot stand under a {parent.kind}")
    if parent is not None and parent.retired_at is not None:
        raise Conflict("retired_parent", f"{parent.name} is retired")
    if parent is not None and parent.place_path.count("/") > DEEPEST:
        raise Conflict("too_deep", f"places are at most {DEEPEST} deep")


def check_code(kind: PlaceKind, code: str, parent: Place | None) -> str:
    """Return the standard address code of a place of ``kind`` if it is well formed. Raises Invalid.

    Regions need theirs (GB/T 2260 and the 9- and 12-digit codes below it) and share the parent's first digits;
    a 小区 has 20 digits of type 216, or none; what stands below has digits and capitals joined by hyphens, or none.
    Source: 4.3 (address elements of GA/T 543).
    """
    if kind in REGIONS:
        return _region_code(kind, code, parent)
    if not code:
        return ""
    if kind is P.SITE:
        if read_code(code).type != SITE_TYPE:
            raise Invalid("bad_code", f"the code of a residential community is of type {SITE_TYPE}")
        return code
    grammar, words = (_GRID_CODE, "15 digits") if kind is P.GRID else (_ADDRESS_CODE, "digits, capitals and hyphens")
    if grammar.fullmatch(code) is None or len(code) > 50:
        raise Invalid("bad_code", f"the address code of a {kind} is made of {words}")
    return code


def _region_code(kind: PlaceKind, code: str, parent: Place | None) -> str:
    if _REGION_CODE[kind].fullmatch(code) is None:
        raise Invalid("bad_code", f"{code!r} is no administrative code of a {kind}")
    if parent is not None and code[: _SHARED[kind]] != parent.id[: _SHARED[kind]]:
        raise Invalid("foreign_code", f"{code} does not lie in {parent.id}")
    return code


def check_jurisdiction(code: str) -> str:
    """Return the 12-digit code of a police body (GA/T 380, DE00060) if it is one. Raises Invalid."""
    if _JURISDICTION.fullmatch(code) is None:
        raise Invalid("bad_jurisdiction", "a police body has a code of 12 digits")
    return code


def check_name(name: str) -> str:
    """Return ``name`` cleaned. Raises Invalid where nothing, or too much, is left."""
    found = clean_text(name)
    if not 1 <= len(found) <= 100:
        raise Invalid("bad_name", "a name has 1 to 100 characters")
    return found


def check_profile(kind: PlaceKind, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a 小区; era and form decide which subsystems it must have (Table 1). Raises Invalid.

    Source: 3.2, 3.3, 4.1.6.
    """
    if kind is not P.SITE:
        if profile:
            raise Invalid("no_profile", "only a residential community has a profile")
        return {}
    if profile.get("era") not in set(Era) or profile.get("form") not in set(Form):
        raise Invalid("bad_profile", "say whether it is new or built, closed or open")
    if unknown := set(profile) - set(PROFILE):
        raise Invalid("bad_profile", f"a profile has no {', '.join(sorted(unknown))}")
    return {name: profile[name] for name in PROFILE if profile.get(name) not in {None, ""}}


def check_coordinates(longitude: float | None, latitude: float | None) -> None:
    """Raise Invalid for one without the other, for what is not on earth, and for 0, 0 (rule C13)."""
    if (longitude is None) != (latitude is None):
        raise Invalid("half_coordinates", "a point has a longitude and a latitude")
    if longitude is None or latitude is None:
        return
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90) or (longitude == 0 and latitude == 0):
        raise Invalid("bad_coordinates", "longitude and latitude are degrees, CGCS2000; 0, 0 is no place")


def path_under(parent_path: str, place_id: str) -> str:
    """Return the path of ``place_id`` under ``parent_path``."""
    return f"{parent_path}{place_id}/"


def site_of(kind: PlaceKind, place_id: str, parent: Place | None) -> str:
    """Return the 小区 a place belongs to: itself, the parent's, or none."""
    return place_id if kind is P.SITE else (parent.site_id if parent else "")


def totals(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return for each place id the sum over all that is below it, of ``counts`` by place path."""
    found: Counter[str] = Counter()
    for path, count in counts:
        for place_id in path.strip("/").split("/"):
            found[place_id] += count
    return dict(found)
