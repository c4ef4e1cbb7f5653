"""Words of the way back down: what somebody wants done, by when, by which node, and what became of it.

wanted → sent → confirmed | refused | unknown. A time-out is ``unknown``: the tier above never claims what the owner of
the thing has not said; what the owner says later replaces it.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from anju.domain.alarms import NAME_MOST, NOTE_MOST, Act, Instruction, Person, Step
from anju.domain.rights import Located
from anju.domain.video import Ptz, PtzAct
from anju.errors import Invalid


class CommandState(StrEnum):
    """How far a command came."""

    WANTED = "wanted"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class DeviceAction(StrEnum):
    """What may be done to a device."""

    ARM = "arm"
    DISARM = "disarm"
    OUTPUT = "output"
    PTZ = "ptz"


_RANK = {
    CommandState.WANTED: 1,
    CommandState.SENT: 2,
    CommandState.UNKNOWN: 3,
    CommandState.REFUSED: 4,
    CommandState.CONFIRMED: 4,
}
STEP_WITHIN = timedelta(seconds=30)
"""How long a step on an alarm of a node below may travel."""
DEADLINE_MOST = timedelta(minutes=5)
ALARM_STEP = "alarm."
"""Actions of this prefix are steps on an alarm; its home node does them in its own database."""


OUTPUT_SECONDS_MOST = 600
GRANT_MOST = timedelta(days=30)
UNREACHABLE = frozenset({"meter"})
"""Kinds of devices that no command reaches: metering is read."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing wanted. ``owner_node`` does it, once by ``id``, and not after ``deadline``.

    ``outcome`` is a stable code of why, ``done`` where it was done. ``fencing`` numbers the lease it was done under.
    """

    id: UUID
    principal_id: str
    principal_name: str
    principal_node: str
    action: str
    target_kind: str
    target_id: str
    site_id: str
    place_path: str
    jurisdiction: str
    owner_node: str
    body: dict[str, Any]
    wanted_at: datetime
    deadline: datetime
    state: CommandState = CommandState.WANTED
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    fencing: int | None = None

    @property
    def version(self) -> int:
        """Return how much is known: it only grows, so two tiers agree whichever word comes first."""
        return _RANK[self.state]

    @property
    def located(self) -> Located:
        """Return where its target is."""
        return Located(self.place_path, self.jurisdiction)

    @property
    def is_step(self) -> bool:
        """Return whether it is a step on an alarm."""
        return self.action.startswith(ALARM_STEP)

    @property
    def is_over(self) -> bool:
        """Return whether its owner has spoken."""
        return self.state in {CommandState.CONFIRMED, CommandState.REFUSED}

    def sent(self, at: datetime, fencing: int | None = None) -> "Command":
        """Return it on its way."""
        return replace(self, state=CommandState.SENT, sent_at=at, fencing=fencing)

    def ended(self, state: CommandState, outcome: str, at: datetime) -> "Command":
        """Return it with what became of it."""
        return replace(self, state=state, outcome=outcome, ended_at=at)


_PTZ_MOST = {"pan": 255, "tilt": 255, "zoom": 255, "value": 4_095, "number": 255, "extra": 4_095}
_PTZ_TEXT = re.compile(r"[0-9A-Za-z_-]{1,64}")


def ptz_body(channel_id: str, wanted: Ptz) -> dict[str, Any]:
    """Return the body of a command to a camera: JSON only, without what says nothing."""
    told = {name: getattr(wanted, name) for name in (*_PTZ_MOST, "name") if getattr(wanted, name)}
    box = {} if wanted.box is None else {"box": list(wanted.box)}
    return {"channel_id": channel_id, "act": wanted.act.value, **told, **box}


def read_ptz(body: dict[str, Any]) -> tuple[str, Ptz]:
    """Return the channel a command is for, and what it shall do. Raises Invalid.

    Source: 5.1.2.4 (control of cameras), GB/T 28181 A.3.
    """
    try:
        channel, act = body["channel_id"], PtzAct(body["act"])
        numbers = {name: _whole(body.get(name, 0), most) for name, most in _PTZ_MOST.items()}
        name, box = body.get("name", ""), body.get("box")
        known = {"channel_id", "act", "name", "box", *_PTZ_MOST}
        if not isinstance(channel, str) or not _PTZ_TEXT.fullmatch(channel) or set(body) - known:
            raise ValueError("channel")
        if not isinstance(name, str) or len(name) > 32 or "\0" in name:
            raise ValueError("name")
        return channel, Ptz(act, **numbers, name=name, box=None if box is None else _box(box))
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("ptz", f"this moves no camera: {error!r}"[:200]) from error


def _whole(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > most:
        raise ValueError(value)
    return value


def _box(value: Any) -> tuple[float, float, float, float]:
    x, y, width, height = (float(each) for each in value)
    inside = all(0 <= each <= 1.000_001 for each in (x, y, width, height, x + width, y + height))
    if not inside or width == 0 or height == 0:
        raise ValueError(value)
    return x, y, width, height


def step_body(instruction: Instruction, by: Person, expected_version: int | None) -> dict[str, Any]:
    """Return the body of a step's command: JSON only."""
    return {
        "finding": instruction.finding,
        "note": instruction.note,
        "until": instruction.until.isoformat() if instruction.until else None,
        "person_on_site": instruction.person_on_site,
        "expected_version": expected_version,
        "by": {"id": by.id, "name": by.name, "node": by.node, "tier": by.tier},
    }


def read_step(command: Command, *, at: datetime) -> tuple[Act, int | None]:
    """Return the step a command asks for, and the version it was looked at. Raises Invalid for a malformed body."""
    told = command.body
    try:
        step = Step(command.action.removeprefix(ALARM_STEP))
        by = Person(*(_text(told["by"], name, NAME_MOST) for name in ("id", "name", "node", "tier")))
        until = datetime.fromisoformat(told["until"]) if told.get("until") else None
        finding, note, on_site = (_text(told, name, NOTE_MOST) for name in ("finding", "note", "person_on_site"))
        expected = told.get("expected_version")
        act = Act(step, by, at, finding, note, until, on_site)
        return act, None if expected is None else int(expected)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid("malformed", f"this is no step on an alarm: {error!r}"[:200]) from error


def _text(told: dict[str, Any], name: str, most: int) -> str:
    value = told[name]
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise ValueError(name)
    return value


def check_device_command(action: DeviceAction, body: dict[str, Any], device_kind: str) -> dict[str, Any]:
    """Return the body of a device's command as it is sent: ``area`` to arm or disarm, ``output`` and ``on`` to switch.

    An output goes back by itself after ``seconds`` (1 to 600; 0: it stays). Raises Invalid for anything else.
    """
    if device_kind in UNREACHABLE:
        raise Invalid("out_of_reach", "no command reaches a device of this kind")
    if action is DeviceAction.PTZ:
        return ptz_body(*read_ptz(body))
    if action is DeviceAction.OUTPUT:
        output, on, seconds = body.get("output"), body.get("on"), body.get("seconds", 0)
        named = isinstance(output, str) and 0 < len(output) <= 20 and "\0" not in output
        timed = isinstance(seconds, int) and 0 <= seconds <= OUTPUT_SECONDS_MOST
        if not named or not isinstance(on, bool) or not timed or set(body) - {"output", "on", "seconds"}:
            raise Invalid("output", "an output needs its name, on or off, and at most 600 seconds")
        return {"output": output, "on": on, "seconds": seconds}
    area = body.get("area", "")
    if not isinstance(area, str) or len(area) > 20 or "\0" in area or set(body) - {"area"}:
        raise Invalid("area", "arming needs the panel's area, or nothing for the whole panel")
    return {"area": area}
