"""One state machine for the alarms of all subsystems: what raises one, who may move it how, what is refused in words.

new → acknowledged → handling → to_review → closed. Beside it: ``returned`` (the condition ended; nobody has handled it
by that), ``shelved_until``, ``drill``. Nothing deletes an alarm.
Source: 4.2.1.3 (visual prompt and handling), 5.1.2.3 (review), 5.5.2.2-a (fire).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from anju.domain.events import Event, EventKind, EventState
from anju.errors import Conflict, Invalid, Refused


class AlarmState(StrEnum):
    """Where an alarm stands."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    HANDLING = "handling"
    TO_REVIEW = "to_review"
    CLOSED = "closed"


class Step(StrEnum):
    """What a person, or Anju itself, does to an alarm."""

    RAISE = "raise"
    REPEAT = "repeat"
    RETURN = "return"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    TAKE_OVER = "take_over"
    JOIN = "join"
    HANDLE = "handle"
    FINDING = "finding"
    NOTE = "note"
    CLOSE = "close"
    UNDO_CLOSE = "undo_close"
    REVIEW = "review"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


RAISING = frozenset(EventKind) - {
    EventKind.ARM,
    EventKind.DISARM,
    EventKind.BYPASS,
    EventKind.TEST,
    EventKind.INFO,
    EventKind.ACCESS_DENIED,
}
LIFE = frozenset({EventKind.FIRE, EventKind.FIRE_MANUAL, EventKind.PANIC, EventKind.DURESS, EventKind.HELP})
"""Design's safety rules that no setting turns off hold for these."""

BYPASSED = "bypassed"
"""Flag of an event from a zone that is bypassed; it never stands on a life kind."""
TRUE = "true"
FINDINGS: Mapping[str, tuple[str, ...]] = {
    "intrusion": (
        "animal",
        "weather",
        "resident",
        "test",
        "device_fault",
        "authorised_work",
        "other_false",
        "unknown",
        TRUE,
    ),
    "life": (
        "cooking",
        "dust_or_steam",
        "pressed_by_mistake",
        "test",
        "device_fault",
        "",
        "other_false",
        "unknown",
        TRUE,
    ),
    "watch": (
        "misread",
        "checked_let_in",
        "entry_wrong",
        "test",
        "device_fault",
        "",
        "other_false",
        "unknown",
        TRUE,
    ),
    "fault": (
        "repaired",
        "power_cut",
        "network",
        "test",
        "device_fault",
        "maintenance",
        "other_false",
        "unknown",
        TRUE,
    ),
}
"""Findings of each class in the order of the digits 1 to 9; an empty place is no finding."""

REPEAT_WITHIN = timedelta(seconds=30)
UNDO_WITHIN = timedelta(seconds=10)
SHELVE_MOST = timedelta(hours=4)
ACKNOWLEDGE_WITHIN = {1: timedelta(seconds=30), 2: timedelta(seconds=60), 3: timedelta(minutes=5)}
MAX_ESCALATION = 4
NOTE_MOST, NAME_MOST = 2_000, 100
"""Characters of a note and of a name."""
STORM_COUNT, STORM_WITHIN = 10, timedelta(minutes=10)
"""More than so many new alarms in this time is a flood: the list shows groups."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who did a step, and from which node and tier."""

    id: str
    name: str
    node: str
    tier: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition that somebody must handle. ``version`` grows with every step."""

    id: UUID
    event: Event  # the first report
    home_node: str
    level: int
    state: AlarmState = AlarmState.NEW
    version: int = 1
    active: bool = True
    returned: bool = False
    ended_by: str | None = None  # device | timeout | operator
    count: int = 1
    last_at: datetime | None = None
    owner: Person | None = None
    joined: tuple[Person, ...] = ()
    finding: str = ""
    note: str = ""
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    closed_from: AlarmState | None = None
    shelved_until: datetime | None = None
    escalation: int = 0
    waits_since: datetime | None = None  # from when the next circle's time counts; None: since it was raised
    review: Mapping[str, Any] | None = None

    @property
    def life(self) -> bool:
        """Return whether somebody's life may hang on it: fire, panic, duress, help."""
        return self.event.kind in LIFE

    @property
    def raised_at(self) -> datetime:
        """Return the platform's time of the first report."""
        return self.event.received_at

    @property
    def storm_key(self) -> str:
        """Return what groups it in a flood: its device and kind."""
        return f"{self.event.device_id}|{self.event.kind}"

    def escalate_at(self) -> datetime | None:
        """Return when the next level of people must hear of it, None once somebody has acknowledged."""
        wait = ACKNOWLEDGE_WITHIN.get(self.level)
        if self.state is not AlarmState.NEW or wait is None or self.escalation >= MAX_ESCALATION or self.shelved_until:
            return None
        return (self.waits_since or self.raised_at) + wait


@dataclass(frozen=True, slots=True)
class Act:
    """A step somebody wants: what, who, when, and the words that come with it."""

    step: Step
    by: Person
    at: datetime
    finding: str = ""
    note: str = ""
    until: datetime | None = None
    person_on_site: str = ""  # who was there: asked for when a life alarm is closed


@dataclass(frozen=True, slots=True)
class Instruction:
    """A step as asked for, before it is known who does it and when."""

    step: Step
    finding: str = ""
    note: str = ""
    until: datetime | None = None
    person_on_site: str = ""

    def act(self, by: Person, at: datetime) -> Act:
        """Return the step as ``by`` takes it."""
        return Act(self.step, by, at, self.finding, self.note, self.until, self.person_on_site)


def finding_class(kind: EventKind) -> str:
    """Return which list of findings fits ``kind``."""
    if kind in LIFE or kind in {EventKind.GAS, EventKind.FIRE_SUPERVISORY}:
        return "life"
    if kind is EventKind.WATCH_LIST:
        return "watch"
    return "fault" if kind in {EventKind.FAULT, EventKind.POWER, EventKind.COMMUNICATION} else "intrusion"


def source_key(event: Event) -> str:
    """Return what repeated reports of one condition have in common."""
    return f"{event.device_id}|{event.zone}|{event.kind}"


def on_event(alarm: Alarm | None, event: Event, *, home_node: str) -> tuple[Step, Alarm] | None:
    """Decide what ``event`` does, ``alarm`` being the latest of the same source: raise, count, return, or nothing.

    A trigger after somebody acknowledged is new unless it comes within 30 s: a second intruder is not a repeat.
    A bypassed zone raises nothing; the end of an older trigger, told late, ends no newer one.
    Source: 5.1.2.4 (every signal is shown).
    """
    if event.kind not in RAISING:
        return None
    is_open = alarm is not None and alarm.state is not AlarmState.CLOSED
    last = (alarm.last_at or alarm.raised_at) if alarm else event.received_at
    if event.state is EventState.CLEARED:
        ends = alarm and is_open and alarm.active and event.received_at >= last
        return (Step.RETURN, ended(alarm, "device")) if alarm and ends else None
    if event.state is not EventState.ACTIVE or BYPASSED in event.flags:
        return None
    if alarm and is_open and _is_repeat(alarm, event):
        seen = max(last, event.received_at)
        again = replace(alarm, count=alarm.count + 1, last_at=seen, active=True, returned=False)
        return Step.REPEAT, replace(again, ended_by=None, version=alarm.version + 1)
    return Step.RAISE, Alarm(event.id, event, home_node, event.level, last_at=event.received_at)


def _is_repeat(alarm: Alarm, event: Event) -> bool:
    waiting = alarm.state is AlarmState.NEW and alarm.shelved_until is None
    last = alarm.last_at or alarm.raised_at
    return alarm.event.drill == event.drill and (waiting or event.received_at - last <= REPEAT_WITHIN)


def ended(alarm: Alarm, by: str) -> Alarm:
    """Return ``alarm`` with its condition over: that is not an alarm that was handled."""
    return replace(alarm, active=False, returned=True, ended_by=by, version=alarm.version + 1)


def escalated(alarm: Alarm, at: datetime) -> Alarm:
    """Return ``alarm`` with one more circle of people told at ``at``; the circle after it gets its full time."""
    return replace(alarm, escalation=alarm.escalation + 1, waits_since=at, version=alarm.version + 1)


def decide(alarm: Alarm, act: Act) -> Alarm:
    """Return ``alarm`` after ``act``. Raises Refused, with a code and words, where the step must not be done.

    Source: 4.2.1.3; the rules for fire, panic, duress and help hold whatever is configured.
    """
    _must_fit(act)
    changed = _STEPS[act.step](alarm, act)
    return replace(changed, version=alarm.version + 1)


def _acknowledge(alarm: Alarm, act: Act) -> Alarm:
    _must(alarm, AlarmState.NEW, words="somebody acknowledged it already")
    return replace(alarm, state=AlarmState.ACKNOWLEDGED, owner=act.by, acknowledged_at=act.at, shelved_until=None)


def _take_over(alarm: Alarm, act: Act) -> Alarm:
    _must_be_open(alarm)
    if alarm.owner is None:
        raise Conflict("not_acknowledged", "nobody owns this alarm yet: acknowledge it")
    return replace(alarm, owner=act.by, joined=_with(alarm.joined, alarm.owner))


def _join(alarm: Alarm, act: Act) -> Alarm:
    _must_be_open(alarm)
    return replace(alarm, joined=_with(alarm.joined, act.by))


def _handle(alarm: Alarm, act: Act) -> Alarm:  # noqa: ARG001 - one signature for all steps
    _must(alarm, AlarmState.ACKNOWLEDGED, words="only an acknowledged alarm goes into handling")
    return replace(alarm, state=AlarmState.HANDLING)


def _finding(alarm: Alarm, act: Act) -> Alarm:
    _must(alarm, AlarmState.ACKNOWLEDGED, AlarmState.HANDLING, words="acknowledge it before you judge it")
    if not act.finding or act.finding not in FINDINGS[finding_class(alarm.event.kind)]:
        raise Invalid("unknown_finding", f"there is no finding {act.finding!r} for this kind of alarm")
    state = AlarmState.HANDLING if act.finding == TRUE else alarm.state
    return replace(alarm, finding=act.finding, note=act.note or alarm.note, state=state)


def _note(alarm: Alarm, act: Act) -> Alarm:
    if not act.note.strip():
        raise Invalid("empty_note", "a note needs words")
    return replace(alarm, note=act.note)


def _close(alarm: Alarm, act: Act) -> Alarm:
    _must(alarm, AlarmState.ACKNOWLEDGED, AlarmState.HANDLING, words="acknowledge and judge it before you close it")
    if alarm.life and alarm.active:
        raise Conflict("still_active", "the source still signals: fire, panic and duress are not closed while active")
    if not alarm.finding:
        raise Conflict("no_finding", "say what it was before you close it")
    note = act.note or alarm.note
    if alarm.finding == TRUE and not note.strip():
        raise Invalid("note_needed", "a true alarm needs a note")
    if alarm.life and not act.person_on_site.strip():
        raise Invalid("person_needed", "name the person who was on site")
    review = alarm.life or (alarm.finding == TRUE and alarm.level <= 2)
    state = AlarmState.TO_REVIEW if review else AlarmState.CLOSED
    closed = replace(alarm, state=state, note=note, closed_at=act.at, closed_by=act.by.id, closed_from=alarm.state)
    return replace(closed, active=False, ended_by=alarm.ended_by or "operator")


def _undo_close(alarm: Alarm, act: Act) -> Alarm:
    if alarm.closed_at is None or alarm.closed_from is None or alarm.review:
        raise Conflict("not_closed", "there is nothing to undo")
    if act.at - alarm.closed_at > UNDO_WITHIN or act.by.id != alarm.closed_by:
        raise Conflict("undo_over", "only who closed it can undo that, within 10 seconds")
    back = replace(alarm, state=alarm.closed_from, closed_at=None, closed_by="", closed_from=None)
    return replace(
        back, active=alarm.ended_by == "operator", ended_by=None if alarm.ended_by == "operator" else alarm.ended_by
    )


def _review(alarm: Alarm, act: Act) -> Alarm:
    _must(alarm, AlarmState.TO_REVIEW, words="only a closed alarm that waits for review is reviewed")
    if act.by.id == alarm.closed_by:
        raise Conflict("same_person", "another person than the one who closed it reviews it")
    verdict = {"by": act.by.name, "note": act.note, "at": act.at.isoformat()}
    return replace(alarm, state=AlarmState.CLOSED, review=verdict)


def _shelve(alarm: Alarm, act: Act) -> Alarm:
    _must_be_open(alarm)
    if alarm.life:
        raise Conflict("never_shelved", "fire, panic, duress and help alarms are never shelved")
    if act.until is None or not act.at < act.until <= act.at + SHELVE_MOST:
        raise Invalid("shelve_until", "shelving needs an end within four hours")
    if not act.note.strip():
        raise Invalid("reason_needed", "shelving needs a reason")
    return replace(alarm, shelved_until=act.until, note=act.note)


def _unshelve(alarm: Alarm, act: Act) -> Alarm:
    if alarm.shelved_until is None:
        raise Conflict("not_shelved", "it is not shelved")
    return replace(alarm, shelved_until=None, waits_since=act.at)


def _never(alarm: Alarm, act: Act) -> Alarm:  # noqa: ARG001 - one signature for all steps
    raise Refused("not_a_persons_step", f"{act.step} is not done by hand")


_STEPS = {
    **dict.fromkeys((Step.RAISE, Step.REPEAT, Step.RETURN, Step.ESCALATE), _never),
    Step.ACKNOWLEDGE: _acknowledge,
    Step.TAKE_OVER: _take_over,
    Step.JOIN: _join,
    Step.HANDLE: _handle,
    Step.FINDING: _finding,
    Step.NOTE: _note,
    Step.CLOSE: _close,
    Step.UNDO_CLOSE: _undo_close,
    Step.REVIEW: _review,
    Step.SHELVE: _shelve,
    Step.UNSHELVE: _unshelve,
}


def _must_fit(act: Act) -> None:
    if len(act.note) > NOTE_MOST or len(act.person_on_site) > NAME_MOST or len(act.finding) > NAME_MOST:
        raise Invalid("too_long", f"a note holds {NOTE_MOST} characters, a name {NAME_MOST}")
    if any("\0" in words for words in (act.note, act.person_on_site, act.finding)):
        raise Invalid("bad_text", "text cannot hold the character NUL")
    if act.until is not None and act.until.tzinfo is None:
        raise Invalid("no_zone", "a time needs its offset from UTC")


def _must(alarm: Alarm, *states: AlarmState, words: str) -> None:
    if alarm.state not in states:
        raise Conflict(f"is_{alarm.state}", words)


def _must_be_open(alarm: Alarm) -> None:
    if alarm.state in {AlarmState.CLOSED, AlarmState.TO_REVIEW}:
        raise Conflict("is_closed", "it is closed")


def _with(people: tuple[Person, ...], one: Person) -> tuple[Person, ...]:
    return people if any(each.id == one.id for each in people) else (*people, one)
