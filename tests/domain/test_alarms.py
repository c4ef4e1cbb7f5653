"""One machine for all alarms: three keys close a false one, no path closes a burning one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain.alarms import TRUE, Act, Alarm, AlarmState, Person, Step, decide, ended, escalated, on_event
from anju.domain.events import Event, EventKind, EventState
from anju.errors import Refused

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
GUARD = Person("g1", "李保安", "community-1", "community")
OTHER = Person("g2", "王队长", "community-1", "community")
COUNTY = Person("o1", "县操作员", "county-1", "county")
BY_HAND = [step for step in Step if step not in {Step.RAISE, Step.REPEAT, Step.RETURN, Step.ESCALATE}]


def event(
    kind: EventKind = EventKind.INTRUSION, state: EventState = EventState.ACTIVE, *, after_s: float = 0, level: int = 2
) -> Event:
    return Event(
        id=UUID(int=1),
        received_at=NOW + timedelta(seconds=after_s),
        site_id="site",
        place_id="wall",
        place_path="/510800/510802/site/wall/",
        place_name="西围墙",
        jurisdiction="",
        device_id="p1",
        device_name="周界主机",
        zone="01/003",
        zone_name="西墙 3 号",
        kind=kind,
        state=state,
        level=level,
        code_space="contact_id",
        code="130",
        occurred_at=None,
        clock_offset_ms=None,
        flags=(),
        late=False,
        drill=False,
        detail={},
    )


def raised(kind: EventKind = EventKind.INTRUSION, level: int = 2) -> Alarm:
    return Alarm(UUID(int=1), event(kind, level=level), "community-1", level, last_at=NOW)


def act(
    step: Step, *, by: Person = GUARD, after_s: float = 1, finding: str = "", note: str = "", site: str = ""
) -> Act:
    return Act(step, by, NOW + timedelta(seconds=after_s), finding, note, person_on_site=site)


def walk(alarm: Alarm, *acts: Act) -> Alarm:
    for each in acts:
        alarm = decide(alarm, each)
    return alarm


def refusal(alarm: Alarm, wanted: Act) -> str:
    with pytest.raises(Refused) as caught:
        decide(alarm, wanted)
    return caught.value.code


def judged(finding: str, kind: EventKind = EventKind.INTRUSION) -> Alarm:
    return walk(raised(kind), act(Step.ACKNOWLEDGE), act(Step.FINDING, finding=finding))


def test_three_keys_close_a_false_alarm() -> None:
    closed = walk(judged("animal"), act(Step.CLOSE))
    assert (closed.state, closed.finding, closed.version) == (AlarmState.CLOSED, "animal", 4)


def test_it_is_judged_only_after_somebody_owns_it() -> None:
    assert refusal(raised(), act(Step.FINDING, finding="animal")) == "is_new"


def test_it_is_not_closed_without_a_finding() -> None:
    assert refusal(walk(raised(), act(Step.ACKNOWLEDGE)), act(Step.CLOSE)) == "no_finding"


def test_a_true_alarm_needs_a_note_and_goes_to_another_person() -> None:
    assert refusal(judged(TRUE), act(Step.CLOSE)) == "note_needed"
    waiting = walk(judged(TRUE), act(Step.CLOSE, note="翻墙一人，已报警"))
    assert waiting.state is AlarmState.TO_REVIEW
    assert refusal(waiting, act(Step.REVIEW)) == "same_person"
    assert walk(waiting, act(Step.REVIEW, by=OTHER)).state is AlarmState.CLOSED


def test_a_fire_is_closed_only_when_it_ended_and_somebody_was_there() -> None:
    burning = judged("cooking", EventKind.FIRE)
    assert refusal(burning, act(Step.CLOSE, site="李保安")) == "still_active"
    assert refusal(ended(burning, "device"), act(Step.CLOSE)) == "person_needed"
    assert walk(ended(burning, "device"), act(Step.CLOSE, site="李保安")).state is AlarmState.TO_REVIEW


@pytest.mark.parametrize("kind", [EventKind.FIRE, EventKind.PANIC, EventKind.DURESS, EventKind.HELP])
def test_what_life_hangs_on_is_never_shelved(kind: EventKind) -> None:
    wanted = replace(act(Step.SHELVE, note="吵"), until=NOW + timedelta(hours=1))
    assert refusal(raised(kind), wanted) == "never_shelved"


@pytest.mark.parametrize("hours", [0, 5])
def test_shelving_has_an_end_within_four_hours(hours: int) -> None:
    wanted = replace(act(Step.SHELVE, note="园丁"), until=NOW + timedelta(hours=hours))
    assert refusal(raised(), wanted) == "shelve_until"


def test_closing_can_be_undone_for_ten_seconds_by_who_did_it() -> None:
    closed = walk(judged("animal"), act(Step.CLOSE, after_s=5))
    assert walk(closed, act(Step.UNDO_CLOSE, after_s=15)).state is AlarmState.ACKNOWLEDGED
    assert walk(closed, act(Step.UNDO_CLOSE, after_s=15)).active
    assert refusal(closed, act(Step.UNDO_CLOSE, after_s=16)) == "undo_over"
    assert refusal(closed, act(Step.UNDO_CLOSE, by=OTHER, after_s=6)) == "undo_over"


def test_the_tier_above_takes_over_and_both_names_stay() -> None:
    taken = walk(raised(), act(Step.ACKNOWLEDGE), act(Step.TAKE_OVER, by=COUNTY))
    assert (taken.owner, taken.joined) == (COUNTY, (GUARD,))


def test_a_second_acknowledge_says_who_was_faster() -> None:
    assert refusal(walk(raised(), act(Step.ACKNOWLEDGE)), act(Step.ACKNOWLEDGE, by=OTHER)) == "is_acknowledged"


def test_an_intrusion_raises_and_a_setting_does_not() -> None:
    found = on_event(None, event(), home_node="community-1")
    assert found is not None
    assert found[0] is Step.RAISE
    assert on_event(None, event(EventKind.ARM), home_node="community-1") is None


def test_repeats_of_a_waiting_alarm_are_counted() -> None:
    found = on_event(raised(), event(after_s=600), home_node="community-1")
    assert found is not None
    assert (found[0], found[1].count) == (Step.REPEAT, 2)


@pytest.mark.parametrize(("after_s", "step"), [(30, Step.REPEAT), (31, Step.RAISE)])
def test_a_trigger_after_the_acknowledge_is_new_beyond_thirty_seconds(after_s: float, step: Step) -> None:
    owned = walk(raised(), act(Step.ACKNOWLEDGE))
    found = on_event(owned, event(after_s=after_s), home_node="community-1")
    assert found is not None
    assert found[0] is step


def test_an_ended_condition_is_not_a_handled_one() -> None:
    found = on_event(raised(), event(state=EventState.CLEARED, after_s=5), home_node="community-1")
    assert found is not None
    assert (found[0], found[1].state, found[1].returned) == (Step.RETURN, AlarmState.NEW, True)


def test_a_drill_does_not_swallow_a_real_trigger() -> None:
    drill = replace(raised(), event=replace(event(), drill=True))
    found = on_event(drill, event(after_s=1), home_node="community-1")
    assert found is not None
    assert found[0] is Step.RAISE


def test_nobody_acknowledging_goes_round_louder_until_somebody_does() -> None:
    assert raised().escalate_at() == NOW + timedelta(seconds=60)
    assert escalated(raised(), NOW + timedelta(seconds=61)).escalate_at() == NOW + timedelta(seconds=121)
    assert walk(raised(), act(Step.ACKNOWLEDGE)).escalate_at() is None


def any_act(step: Step, by: Person, after_s: int, words: str) -> Act:
    until = NOW + timedelta(seconds=after_s + 60)
    return Act(step, by, NOW + timedelta(seconds=after_s), words, words, until, words)


acts = st.builds(
    any_act,
    st.sampled_from(list(Step)),
    st.sampled_from([GUARD, OTHER, COUNTY]),
    st.integers(0, 20),
    st.sampled_from(["", TRUE, "cooking", "test"]),
)


def stroll(alarm: Alarm, steps: list[Act]) -> list[Alarm]:
    seen = [alarm]
    for each in steps:
        try:
            seen.append(decide(seen[-1], each))
        except Refused:
            seen.append(seen[-1])
    return seen


@given(st.lists(acts, max_size=12))
def test_no_path_of_steps_closes_or_shelves_an_active_fire(steps: list[Act]) -> None:
    seen = stroll(raised(EventKind.FIRE, 1), steps)
    assert all(each.active and each.shelved_until is None for each in seen)
    assert not {AlarmState.CLOSED, AlarmState.TO_REVIEW} & {each.state for each in seen}


@given(st.lists(acts, max_size=12))
def test_every_step_that_is_done_grows_the_version(steps: list[Act]) -> None:
    seen = stroll(raised(), steps)
    assert all(after is before or after.version == before.version + 1 for before, after in pairwise(seen))


def test_a_vehicle_that_was_waited_for_has_findings_of_its_own() -> None:
    assert judged("misread", EventKind.WATCH_LIST).finding == "misread"
    assert (
        refusal(walk(raised(EventKind.WATCH_LIST), act(Step.ACKNOWLEDGE)), act(Step.FINDING, finding="animal"))
        == "unknown_finding"
    )
