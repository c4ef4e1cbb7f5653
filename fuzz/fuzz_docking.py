"""Any message between tiers: one of the words of docking, or refused; what is sound stays within its bounds.

Messages are grown from the types of their own fields, with a wrong value now and then.
Run ``python fuzz/fuzz_docking.py -max_total_time=60``.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import atheris

with atheris.instrument_imports():
    import msgspec

    from anju.domain import docking, far_pictures
    from anju.domain.alarms import Alarm
    from anju.domain.changes import Change
    from anju.domain.commands import Command
    from anju.domain.devices import Device
    from anju.domain.events import Event
    from anju.domain.places import Place
    from anju.domain.sightings import Sighting
    from anju.domain.sightings import read_body as read_sighting
    from anju.domain.vehicles import Passage
    from anju.domain.vehicles import read_body as read_passage
    from anju.domain.watch import Entry
    from anju.domain.watch import read_body as read_entry
    from anju.pipeline import remote
    from anju.store import alarms, commands, devices, linkage

MESSAGES = [
    each
    for each in vars(docking).values()
    if is_dataclass(each) and getattr(each, "__module__", "") == docking.__name__
]
MESSAGES += [far_pictures.Asked, far_pictures.Given]
READ = (
    *(alarms.read_body, commands.read_body, devices.read_body, linkage.read_body),
    *(read_passage, read_sighting, read_entry),
)
BODIES = (Alarm, Command, Device, Event, Place, Passage, Sighting, Entry, docking.Standing)
KINDS = ("event", "alarm", "alarm_step", "place", "device", "node", "command", "passage", "sighting", "watch_entry", "")
BOUNDS = docking.Bounds("/510800/510802/", frozenset({"/510800/510802/s1/"}))
ODD = (None, True, -1, 2**63, 10**40, 1e308, "", "\0", "\ud800", [], {}, "9" * 5_000, "../", "/510800/")
PLAIN: dict[Any, Any] = {
    str: ["a", "n1", "s1", "/", "/510800/510802/s1/", "p", "川HA5Q68"],
    int: [0, 1, 2, 3, 2**31],
    float: [0.0, 1.5, -1e9],
    bool: [True, False],
    bytes: ["", "AAAA", "%"],
    datetime: ["2026-11-22T00:15:30Z", "2026-11-22T00:15:30", "9999-12-31T23:59:59-23:59"],
    date: ["2026-11-22", "0001-01-01"],
    time: ["08:00", "24:00"],
    timedelta: [0, 90, "PT5M"],
    UUID: ["019aa5a0-0000-7000-8000-000000000001", "x"],
    NoneType: [None],
    Any: [1, "x", None],
}


def one(data: bytes) -> None:
    """Read ``data``, or messages grown from it, as each message."""
    source = atheris.FuzzedDataProvider(data)
    if source.ConsumeBool():
        kind = source.PickValueInList(MESSAGES)
        _read(kind, json.dumps(_grown(kind, source, 6), default=str).encode())
    else:
        body = source.ConsumeBytes(20_000)
        for kind in MESSAGES:
            _read(kind, body)


def _read(kind: Any, body: bytes) -> None:
    with suppress(msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        found = msgspec.json.decode(body, type=kind)
        for change in getattr(found, "changes", ()):
            _change(change)
        if isinstance(found, docking.Batch) and found.sound():
            assert found.last - found.first == len(found.rows) - 1
            for each in found.rows:
                _change(each.change)


def _change(change: Change) -> None:
    remote._sound(change)
    above, held = BOUNDS.above(change), BOUNDS.hold(change)
    assert not (above and held is None)
    for read in READ:
        with suppress(*remote._OWN_FAULT):
            read(change.body)


def _grown(kind: Any, source: Any, depth: int) -> Any:  # noqa: PLR0911 - one for each sort of type
    """Return JSON that mostly fits ``kind``."""
    if depth <= 0 or source.ConsumeIntInRange(0, 40) == 0:
        return source.PickValueInList(list(ODD))
    if is_dataclass(kind):
        return _object(kind, source, depth)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return source.PickValueInList([each.value for each in kind])
    inner = get_args(kind)
    if get_origin(kind) in {Union, UnionType}:
        return _grown(source.PickValueInList(list(inner)), source, depth)
    if get_origin(kind) in {list, tuple, frozenset, Sequence}:
        return [_grown(inner[0], source, depth - 1) for _ in range(source.ConsumeIntInRange(0, 3))]
    if get_origin(kind) in {dict, Mapping}:
        return {str(_grown(inner[0], source, 1)): _grown(inner[1], source, depth - 1)}
    return source.PickValueInList(PLAIN.get(kind, list(inner) or list(ODD)))


def _object(kind: Any, source: Any, depth: int) -> dict[str, Any]:
    hints = get_type_hints(kind)
    found = {each.name: _grown(hints[each.name], source, depth - 1) for each in fields(kind) if each.init}
    if kind is Change:
        body = source.PickValueInList(list(BODIES))
        found |= {"kind": source.PickValueInList(list(KINDS)), "body": _grown(body, source, 4)}
        found |= {"version": 1, "operation": "put"} if source.ConsumeBool() else {}
    if kind is docking.Batch and isinstance(found["rows"], list):
        rows = [each for each in found["rows"] if isinstance(each, dict)]
        found["rows"] = [{**each, "seq": number} for number, each in enumerate(rows, 1)]
    return found


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
