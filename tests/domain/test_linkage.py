"""When, if, then, and not later; nothing that must not be reached is reached."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from anju.domain.events import Event, EventKind, EventState
from anju.domain.linkage import (
    VALID,
    ActionState,
    Around,
    Do,
    OnlyIf,
    Rule,
    Then,
    When,
    check,
    check_reach,
    decide,
    is_dark,
)
from anju.domain.rights import Located
from anju.errors import Conflict, Invalid
from tests.domain.test_alarms import NOW, event

SITE = "/510800/510802/site/"
LAMP = Then(Do.LAMP, "siren-1", "1", seconds=120)
RULE = Rule(UUID(int=7), "site", SITE, "", "西墙亮灯", When(), OnlyIf(), (LAMP,))
NIGHT = Around(time(23, 0), dark=True, armed=True)
DAY = Around(time(12, 0), dark=False, armed=False)


def done(rule: Rule, heard: Event | None = None, *, around: Around = NIGHT, after_s: float = 1) -> list[ActionState]:
    found = decide([rule], heard or event(), around, now=NOW + timedelta(seconds=after_s))
    return [each.state for each in found]


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (When(), True),
        (When(kinds=(EventKind.INTRUSION, EventKind.FIRE)), True),
        (When(kinds=(EventKind.FIRE,)), False),
        (When(level=2), True),
        (When(level=1), False),
        (When(place_id="wall"), True),
        (When(place_id="al"), False),
        (When(device_id="p1"), True),
        (When(device_id="p2"), False),
        (When(zones=("01/003", "01/004")), True),
        (When(zones=("01/004",)), False),
    ],
)
def test_when(when: When, fits: bool) -> None:  # noqa: FBT001
    assert bool(done(replace(RULE, when=when))) is fits


@pytest.mark.parametrize(
    ("only_if", "around", "holds"),
    [
        (OnlyIf(dark=True), NIGHT, True),
        (OnlyIf(dark=True), DAY, False),
        (OnlyIf(dark=False), NIGHT, False),
        (OnlyIf(armed=True), NIGHT, True),
        (OnlyIf(armed=True), DAY, False),
        (OnlyIf(armed=True), replace(NIGHT, armed=None), False),
        (OnlyIf(time(22), time(6)), NIGHT, True),
        (OnlyIf(time(22), time(6)), replace(NIGHT, local=time(5, 59)), True),
        (OnlyIf(time(22), time(6)), replace(NIGHT, local=time(6)), False),
        (OnlyIf(time(8), time(18)), DAY, True),
        (OnlyIf(time(8), time(18)), NIGHT, False),
    ],
)
def test_if(only_if: OnlyIf, around: Around, holds: bool) -> None:  # noqa: FBT001
    assert bool(done(replace(RULE, only_if=only_if), around=around)) is holds


def test_a_rule_elsewhere_a_rule_switched_off_and_an_end_set_nothing_off() -> None:
    assert done(replace(RULE, place_path="/510800/510802/other/")) == []
    assert done(replace(RULE, enabled=False)) == []
    assert done(RULE, event(state=EventState.CLEARED)) == []


def test_without_kinds_a_rule_waits_for_alarms_only() -> None:
    assert done(RULE, event(EventKind.ARM)) == []
    assert done(replace(RULE, when=When(kinds=(EventKind.ARM,))), event(EventKind.ARM, EventState.INFO)) != []


@pytest.mark.parametrize("do", [each for each in Do if VALID[each]])
def test_what_comes_too_late_is_only_written_down(do: Do) -> None:
    lasts = VALID[do]
    assert lasts is not None
    rule = replace(RULE, then=(replace(LAMP, do=do),))
    assert done(rule, after_s=lasts.total_seconds() - 0.001) != [ActionState.EXPIRED]
    assert done(rule, after_s=lasts.total_seconds()) == [ActionState.EXPIRED]
    assert done(rule, replace(event(), late=True)) == [ActionState.EXPIRED]


def test_a_mark_in_the_recording_is_never_too_late() -> None:
    rule = replace(RULE, then=(Then(Do.RECORD_MARK, "cam-1"),))
    assert done(rule, replace(event(), late=True), after_s=9_000_000) == [ActionState.DONE]


def test_a_rule_may_ask_for_less_time() -> None:
    assert done(replace(RULE, then=(replace(LAMP, valid_s=3),)), after_s=3) == [ActionState.EXPIRED]


def test_a_drill_pops_up_and_switches_nothing() -> None:
    rule = replace(RULE, then=(LAMP, Then(Do.POP_UP), Then(Do.PUSH, words="x"), Then(Do.SIREN, "s", "2")))
    found = decide([rule], replace(event(), drill=True), NIGHT, now=NOW)
    assert [each.then.do for each in found] == [Do.POP_UP]


def test_the_same_decision_has_the_same_id() -> None:
    first, again = (decide([RULE], event(), NIGHT, now=NOW + timedelta(seconds=n))[0].id for n in (1, 2))
    other = decide([replace(RULE, version=2)], event(), NIGHT, now=NOW)[0].id
    assert first == again != other


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"then": ()},
        {"then": (LAMP,) * 2},
        {"then": tuple(replace(LAMP, output=str(n)) for n in range(9))},
        {"then": (Then(Do.LAMP, "siren-1"),)},
        {"then": (Then(Do.LAMP, output="1"),)},
        {"then": (Then(Do.RECORD_MARK),)},
        {"then": (replace(LAMP, valid_s=0),)},
        {"then": (replace(LAMP, valid_s=301),)},
        {"only_if": OnlyIf(begins=time(8))},
    ],
)
def test_an_unfinished_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        check(replace(RULE, **wrong))


@pytest.mark.parametrize("kind", ["meter", "gateway", "door_controller", "barrier", "lane"])
def test_no_meter_valve_door_or_barrier_is_within_reach(kind: str) -> None:
    with pytest.raises(Conflict, match="this kind"):
        check_reach(RULE, LAMP, kind=kind, at=Located(SITE))


def test_a_rule_reaches_its_own_community_only() -> None:
    building = replace(RULE, place_path=f"{SITE}b1/")
    check_reach(building, LAMP, kind="siren", at=Located(f"{SITE}wall/"))
    with pytest.raises(Conflict, match="community"):
        check_reach(building, LAMP, kind="siren", at=Located("/510800/510802/other/"))


@pytest.mark.parametrize(
    ("at", "dark"),
    [  # Guangyuan, 22 November 2026: sunrise about 07:38, sunset about 18:00 local; 21 June: 05:59 and 20:13
        (datetime(2026, 11, 21, 23, 20, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 23, 55, tzinfo=UTC), False),
        (datetime(2026, 11, 22, 9, 45, tzinfo=UTC), False),
        (datetime(2026, 11, 22, 10, 15, tzinfo=UTC), True),
        (datetime(2026, 6, 21, 12, 0, tzinfo=UTC), False),
        (datetime(2026, 6, 21, 12, 30, tzinfo=UTC), True),
        (datetime(2026, 6, 21, 16, 0, tzinfo=UTC), True),
    ],
)
def test_the_sun_says_when_it_is_dark(at: datetime, dark: bool) -> None:  # noqa: FBT001
    assert is_dark(at, latitude=32.44, longitude=105.84) is dark
