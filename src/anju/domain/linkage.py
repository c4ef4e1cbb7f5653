"""Linkage rules: when this is reported, if the hour and the light are so, then do that, and not later.

Rules turn events into actions; somebody else does them. What a rule decides too late is only written down as expired.
No meter, valve or power switch is within reach, whatever a rule says.
Source: 5.1.2.4 (pictures and lamps follow an intrusion).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from anju.domain.alarms import RAISING
from anju.domain.events import Event, EventKind, EventState
from anju.domain.rights import Located
from anju.errors import Conflict, Invalid


class Do(StrEnum):
    """What a rule may set off."""

    POP_UP = "pop_up"
    RECORD_MARK = "record_mark"
    LAMP = "lamp"
    SIREN = "siren"
    VOICE = "voice"
    OUTPUT = "output"
    ARM = "arm"
    PUSH = "push"


class ActionState(StrEnum):
    """What became of an action. ``sent`` is on its way by a command, or was begun and never heard of again."""

    WANTED = "wanted"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


_RANK = {ActionState.WANTED: 1, ActionState.SENT: 2, ActionState.UNKNOWN: 3}
PHYSICAL = frozenset({Do.LAMP, Do.SIREN, Do.VOICE, Do.OUTPUT, Do.ARM})
"""Done to a device, by the node that owns it, and never in a drill."""
VALID: dict[Do, timedelta | None] = {
    Do.POP_UP: timedelta(seconds=60),
    Do.RECORD_MARK: None,
    Do.LAMP: timedelta(seconds=10),
    Do.SIREN: timedelta(seconds=10),
    Do.VOICE: timedelta(seconds=10),
    Do.OUTPUT: timedelta(seconds=10),
    Do.ARM: timedelta(seconds=60),
    Do.PUSH: timedelta(minutes=10),
}
"""For how long after the report was received an action makes sense; a rule may ask for less or up to VALID_MOST."""
VALID_MOST = timedelta(minutes=5)
REACHABLE = frozenset({"alarm_panel", "perimeter", "siren", "intercom"})
"""Kinds of devices that rules may switch."""
THEN_MOST = 8


@dataclass(frozen=True, slots=True)
class When:
    """What sets a rule off; what is empty or None holds for all. ``level``: this one or worse."""

    kinds: tuple[EventKind, ...] = ()  # empty: whatever raises alarms
    level: int | None = None
    place_id: str = ""
    device_id: str = ""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OnlyIf:
    """The circumstances: local times of day (over midnight where ``ends`` is before ``begins``), light, arming."""

    begins: time | None = None
    ends: time | None = None
    dark: bool | None = None
    armed: bool = False


@dataclass(frozen=True, slots=True)
class Then:
    """One thing to do. ``target`` is a device; an output goes back by itself after ``seconds``, 0: it stays."""

    do: Do
    target: str = ""
    output: str = ""
    on: bool = True
    seconds: int = 0
    words: str = ""  # to be spoken or pushed
    valid_s: int | None = None

    @property
    def key(self) -> str:
        """Return what tells it from the other actions of its rule."""
        return f"{self.do}:{self.target}:{self.output}"

    def command(self) -> tuple[str, dict[str, Any]]:
        """Return the action and body of the device command that does it."""
        if self.do is Do.ARM:
            return "arm", {"area": self.output}
        return "output", {"output": self.output, "on": self.on, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a community or of a place in it. Actions name the ``version`` that decided them."""

    id: UUID
    site_id: str
    place_path: str
    jurisdiction: str
    name: str
    when: When
    only_if: OnlyIf
    then: tuple[Then, ...]
    enabled: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class Around:
    """The circumstances of an event: the local time, whether it is dark, whether its area is armed (None: untold)."""

    local: time
    dark: bool
    armed: bool | None


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule decided about one event."""

    rule: Rule
    then: Then
    record_id: str
    decided_at: datetime
    valid_until: datetime | None
    state: ActionState

    @property
    def id(self) -> UUID:
        """Return an id that the same decision always has."""
        return uuid5(self.rule.id, f"{self.rule.version}|{self.record_id}|{self.then.key}")


def rank(state: ActionState) -> int:
    """Return how much ``state`` says: it only grows."""
    return _RANK.get(state, 4)


def check(rule: Rule) -> Rule:
    """Return ``rule`` as it may be kept. Raises Invalid with words for what it lacks."""
    if not rule.name.strip():
        raise Invalid("name", "a rule needs a name")
    if not 0 < len(rule.then) <= THEN_MOST:
        raise Invalid("then", f"a rule does one to {THEN_MOST} things")
    if len({each.key for each in rule.then}) < len(rule.then):
        raise Invalid("then", "a rule does each thing once")
    if (rule.only_if.begins is None) != (rule.only_if.ends is None):
        raise Invalid("only_if", "times of day come in pairs")
    for each in rule.then:
        _check_then(each)
    return rule


def _check_then(then: Then) -> None:
    if then.do in PHYSICAL and (not then.target or (then.do is not Do.ARM and not then.output)):
        raise Invalid("target", "say which device, and which of its outputs")
    if then.do is Do.RECORD_MARK and not then.target:
        raise Invalid("target", "say whose recording")
    if then.valid_s is not None and not timedelta(0) < timedelta(seconds=then.valid_s) <= VALID_MOST:
        raise Invalid("valid_s", f"valid for 1 to {VALID_MOST.seconds} seconds")


def check_reach(rule: Rule, then: Then, *, kind: str, at: Located) -> None:
    """Raise Conflict where ``then``'s device, of ``kind`` and standing ``at``, is out of the rule's reach."""
    if then.do in PHYSICAL and kind not in REACHABLE:
        raise Conflict("out_of_reach", "rules switch no device of this kind")
    site = rule.place_path.partition(f"/{rule.site_id}/")[0] + f"/{rule.site_id}/" if rule.site_id else rule.place_path
    if not at.place_path.startswith(site):
        raise Conflict("outside_rule", "the device does not stand in the rule's community")


def decide(rules: Iterable[Rule], event: Event, around: Around, *, now: datetime) -> list[Action]:
    """Return what ``rules`` set off for ``event``, in their order.

    Source: 5.1.2.4.
    """
    return [
        _action(rule, then, event, now)
        for rule in rules
        if rule.enabled and fits(rule, event) and _holds(rule.only_if, around)
        for then in rule.then
        if not (event.drill and then.do in PHYSICAL | {Do.PUSH})
    ]


def fits(rule: Rule, event: Event) -> bool:
    """Return whether ``event`` is what ``rule`` waits for, circumstances aside."""
    when = rule.when
    return (
        event.state is not EventState.CLEARED
        and event.kind in (when.kinds or RAISING)
        and (when.level is None or event.level <= when.level)
        and event.place_path.startswith(rule.place_path)
        and (not when.place_id or f"/{when.place_id}/" in event.place_path)
        and when.device_id in {"", event.device_id}
        and (not when.zones or event.zone in when.zones)
    )


def _holds(only_if: OnlyIf, around: Around) -> bool:
    if only_if.dark is not None and only_if.dark is not around.dark:
        return False
    if only_if.armed and not around.armed:
        return False
    begins, ends, local = only_if.begins, only_if.ends, around.local
    if begins is None or ends is None or begins == ends:
        return True
    return begins <= local < ends if begins < ends else local >= begins or local < ends


def _action(rule: Rule, then: Then, event: Event, now: datetime) -> Action:
    lasts = timedelta(seconds=then.valid_s) if then.valid_s is not None else VALID[then.do]
    until = None if VALID[then.do] is None or lasts is None else event.received_at + lasts
    late = until is not None and (event.late or now >= until)
    at_once = ActionState.DONE if then.do in {Do.RECORD_MARK, Do.POP_UP} else ActionState.WANTED
    return Action(rule, then, str(event.id), now, until, ActionState.EXPIRED if late else at_once)


def needs_arming(rules: Sequence[Rule]) -> bool:
    """Return whether any of ``rules`` asks if an area is armed."""
    return any(rule.only_if.armed for rule in rules)


def is_dark(at: datetime, *, latitude: float, longitude: float) -> bool:
    """Return whether the sun is below the horizon, degrees north and east; right to about half a degree."""
    days = (at.astimezone(UTC) - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1)
    anomaly = math.radians(357.529 + 0.98560028 * days)
    ecliptic = 280.459 + 0.98564736 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    tilt, ecliptic = math.radians(23.439), math.radians(ecliptic)
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    hour_angle = math.radians((18.697374558 + 24.06570982441908 * days) * 15 + longitude) - ascension
    north = math.radians(latitude)
    height = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour_angle)
    return height < 0.0
