"""One rule decides who may do what where."""

from datetime import UTC, datetime, timedelta

import pytest

from anju.domain.rights import (
    EVERYWHERE,
    NOWHERE,
    Action,
    Grant,
    Located,
    Scope,
    ScopeKind,
    decide,
    jurisdiction_prefix,
)

NOW = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
GUARD = frozenset({Action.ALARMS_READ, Action.ALARMS_HANDLE})
BUILDING = "/510800/510802/site/b1/"
STATION = "510802530000"


def grant(kind: ScopeKind, value: str = "", expires_at: datetime | None = None) -> Grant:
    return Grant("guard", GUARD, kind, value, expires_at)


def test_nobody_may_anything_without_a_grant() -> None:
    assert decide([], Action.ALARMS_READ, now=NOW) == NOWHERE


def test_a_grant_gives_only_its_actions() -> None:
    assert not decide([grant(ScopeKind.EVERYTHING)], Action.USERS_WRITE, now=NOW)


def test_a_grant_everywhere_is_everywhere() -> None:
    assert decide([grant(ScopeKind.EVERYTHING)], Action.ALARMS_READ, now=NOW) == EVERYWHERE


def test_a_grant_ends_at_its_time() -> None:
    ended = grant(ScopeKind.EVERYTHING, expires_at=NOW)
    running = grant(ScopeKind.EVERYTHING, expires_at=NOW + timedelta(seconds=1))
    assert not decide([ended], Action.ALARMS_READ, now=NOW)
    assert decide([running], Action.ALARMS_READ, now=NOW)


def test_a_guard_of_one_building_reaches_its_rooms_and_not_the_next_building() -> None:
    scope = decide([grant(ScopeKind.PLACE, BUILDING)], Action.ALARMS_READ, now=NOW)
    assert scope.holds(Located(BUILDING + "u1/"))
    assert not scope.holds(Located("/510800/510802/site/b10/"))


def test_a_police_station_reaches_its_jurisdiction_wherever_it_lies() -> None:
    scope = decide([grant(ScopeKind.JURISDICTION, STATION)], Action.ALARMS_READ, now=NOW)
    assert scope.holds(Located("/510800/510802/other/", STATION))
    assert not scope.holds(Located("/510800/510802/other/", "510802540000"))


def test_a_thing_without_a_jurisdiction_is_in_none() -> None:
    assert not Scope(jurisdictions=("",)).holds(Located("/510800/"))


@pytest.mark.parametrize(
    ("code", "prefix"), [(STATION, "51080253"), ("510802000000", "510802"), ("510800000000", "5108")]
)
def test_bodies_below_share_the_prefix(code: str, prefix: str) -> None:
    assert jurisdiction_prefix(code) == prefix
