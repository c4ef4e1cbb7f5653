"""Records as pages see them: what may name a person hidden, each picture with the ticket that opens it.

Source: 5.2.2.1 (pictures of passages), 5.2.2.3 (an alarm shows its picture), 6.3.2 (no data without rights).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from anju.domain import events
from anju.domain.events import MASK
from anju.domain.far_pictures import Source
from anju.domain.rights import Action, Located
from anju.web.context import Caller, Services
from anju.web.pictures import pictures


@dataclass(frozen=True, slots=True)
class Record:
    """Which record pictures belong to, and at which node it is at home; nothing where nobody knows."""

    kind: str  # passage, sighting or event
    id: str
    home: str

    @classmethod
    def of(cls, kind: str, body: Mapping[str, Any], home: str) -> "Record":
        """Return the record whose ``body`` is shown; the pictures of an alarm are those of its event."""
        if kind == "alarm":
            return cls("event", str(body.get("event", {}).get("id", "")), home)
        return cls(kind, str(body["id"]), home)


def ticketed(here: Services, account_id: str, body: Mapping[str, Any], action: str, record: Record) -> dict[str, Any]:
    """Return ``body`` with a ``ticket`` beside each of its pictures, wherever in a record they stand.

    The ticket is empty where nobody knows at which node they lie.
    """
    at = Located(str(body.get("place_path", "")), str(body.get("jurisdiction", "")))

    def sign(picture: dict[str, Any]) -> dict[str, Any]:
        source = Source(record.kind, UUID(record.id), record.home, str(picture.get("sha256", "")))
        blob_id = UUID(picture["blob_id"])
        ticket = pictures(here).tickets.sign(blob_id, account_id, action, at, source) if record.home else ""
        return {**picture, "ticket": ticket}

    return _with_pictures(body, sign)


def _with_pictures(body: Mapping[str, Any], sign: Any) -> dict[str, Any]:
    """Pictures stand in a passage itself, in the detail of an event, and in the event of an alarm."""
    inner: dict[str, Any] = {
        name: _with_pictures(body[name], sign) for name in ("event", "detail") if isinstance(body.get(name), Mapping)
    }
    if isinstance(body.get("pictures"), list | tuple):
        inner["pictures"] = [sign(each) for each in body["pictures"]]
    return {**body, **inner}


def event(me: Caller, row: Mapping[str, Any], *, home: str, plain: bool = False) -> dict[str, Any]:
    """Return an event of a list or page; ``plain`` shows what may name a person."""
    shown = dict(row) if plain else events.masked(dict(row))
    return ticketed(me.services, me.principal.id, shown, Action.EVENTS_READ, Record.of("event", row, home))


def of_alarm(me: Caller, row: Mapping[str, Any], *, home_node: str) -> dict[str, Any]:
    """Return the event of an alarm of ``home_node``: who may see the alarm sees its picture, also at a locked desk."""
    record = Record.of("event", row, home_node)
    return ticketed(me.services, me.principal.id, events.masked(dict(row)), Action.ALARMS_READ, record)


def alarm(me: Caller, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alarm of a list or page."""
    record = Record.of("alarm", row, str(row.get("home_node", "")))
    return ticketed(me.services, me.principal.id, row, Action.ALARMS_READ, record)


def passage(me: Caller, row: Mapping[str, Any], *, home: str, plain: bool = False) -> dict[str, Any]:
    """Return a passage of a list or page; ``plain`` shows whose the vehicle is."""
    shown = dict(row) if plain else masked_passage(row)
    return ticketed(me.services, me.principal.id, shown, Action.VEHICLES_READ, Record.of("passage", row, home))


def sighting(me: Caller, row: Mapping[str, Any], *, home: str) -> dict[str, Any]:
    """Return a sighting of a list or page; nothing in it names anybody."""
    return ticketed(me.services, me.principal.id, row, Action.PEOPLE_READ, Record.of("sighting", row, home))


def masked_passage(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a passage's body without whose the vehicle is; what kind of resident stays.

    Source: 6 (personal information is not disclosed).
    """
    return {**body, "resident_id": MASK if body.get("resident_id") else ""}
