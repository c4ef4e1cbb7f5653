"""The tree says what stands under what, and codes say where."""

from datetime import UTC, datetime

import pytest

from anju.domain.places import (
    PARENTS,
    Place,
    PlaceKind,
    check_code,
    check_coordinates,
    check_jurisdiction,
    check_name,
    check_profile,
    check_under,
)
from anju.errors import Conflict, Invalid

AT = datetime(2026, 11, 22, tzinfo=UTC)


def place(kind: PlaceKind, place_id: str = "p1", depth: int = 1) -> Place:
    path = "/" + "x/" * depth
    return Place(place_id, None, kind, "somewhere", "", path, "", "", 0, None, None, "n1", 1, AT)


def test_every_level_hangs_below_the_city() -> None:
    assert [kind for kind in PlaceKind if not PARENTS[kind]] == [PlaceKind.CITY]


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (PlaceKind.SITE, PlaceKind.COMMUNITY),
        (PlaceKind.BUILDING, PlaceKind.SITE),
        (PlaceKind.ROOM, PlaceKind.FLOOR),
        (PlaceKind.LANE, PlaceKind.GATE),
    ],
)
def test_what_may_stand_there_may(kind: PlaceKind, parent: PlaceKind) -> None:
    check_under(kind, place(parent))


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (PlaceKind.SITE, PlaceKind.BUILDING),
        (PlaceKind.ROOM, PlaceKind.SITE),
        (PlaceKind.CITY, PlaceKind.CITY),
        (PlaceKind.LANE, PlaceKind.SITE),
    ],
)
def test_what_may_not_is_refused(kind: PlaceKind, parent: PlaceKind) -> None:
    with pytest.raises(Conflict, match="cannot stand"):
        check_under(kind, place(parent))


def test_only_a_city_stands_under_nothing() -> None:
    check_under(PlaceKind.CITY, None)
    with pytest.raises(Conflict):
        check_under(PlaceKind.SITE, None)


def test_a_tree_has_an_end() -> None:
    with pytest.raises(Conflict, match="deep"):
        check_under(PlaceKind.AREA, place(PlaceKind.AREA, depth=17))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (PlaceKind.CITY, "510800"),
        (PlaceKind.COUNTY, "510802"),
        (PlaceKind.STREET, "510802001"),
        (PlaceKind.COMMUNITY, "510802001001"),
        (PlaceKind.GRID, "510802001001003"),
        (PlaceKind.SITE, "51080200012168000001"),
        (PlaceKind.BUILDING, "3-1-0301"),
        (PlaceKind.ROOM, ""),
    ],
)
def test_well_formed_codes_pass(kind: PlaceKind, code: str) -> None:
    assert check_code(kind, code, None) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (PlaceKind.CITY, "510802"),
        (PlaceKind.COUNTY, "510800"),
        (PlaceKind.COUNTY, ""),
        (PlaceKind.STREET, "510802000"),
        (PlaceKind.COMMUNITY, "51080200100１"),
        (PlaceKind.SITE, "51080200011328000001"),
        (PlaceKind.BUILDING, "3/../1"),
        (PlaceKind.BUILDING, "A" * 51),
    ],
)
def test_malformed_codes_are_refused(kind: PlaceKind, code: str) -> None:
    with pytest.raises(Invalid):
        check_code(kind, code, None)


def test_a_region_lies_in_its_parent() -> None:
    with pytest.raises(Invalid, match="does not lie in"):
        check_code(PlaceKind.STREET, "510821001", place(PlaceKind.COUNTY, "510802"))


def test_a_profile_says_era_and_form() -> None:
    told = {"era": "new", "form": "open", "households": 320, "manager": ""}
    assert check_profile(PlaceKind.SITE, told) == {"era": "new", "form": "open", "households": 320}


@pytest.mark.parametrize("told", [{}, {"era": "old", "form": "open"}, {"era": "new", "form": "open", "password": "x"}])
def test_an_odd_profile_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        check_profile(PlaceKind.SITE, told)


@pytest.mark.parametrize("pair", [(105.8, None), (0.0, 0.0), (32.4, 105.8)])
def test_odd_coordinates_are_refused(pair: tuple[float, float | None]) -> None:
    with pytest.raises(Invalid):
        check_coordinates(*pair)


def test_names_are_cleaned_and_never_empty() -> None:
    assert check_name(" 西\x00围墙 ") == "西围墙"
    with pytest.raises(Invalid):
        check_name(" \x07 ")


@pytest.mark.parametrize("code", ["510802530000x", "5108025300", "'; DROP", ""])
def test_a_police_body_has_twelve_digits(code: str) -> None:
    with pytest.raises(Invalid):
        check_jurisdiction(code)
