"""Any message between tiers: one of the words of docking, or refused; what is sound stays within its bounds.

Run ``python fuzz/fuzz_docking.py -max_total_time=60``.
"""

import json
import sys
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any

import atheris

with atheris.instrument_imports():
    import msgspec

    from anju.domain import docking
    from anju.domain.changes import Change
    from anju.domain.vehicles import read_body as read_passage
    from anju.pipeline import remote
    from anju.store import alarms, commands, devices, linkage

MESSAGES = tuple(
    each
    for each in vars(docking).values()
    if is_dataclass(each) and getattr(each, "__module__", "") == docking.__name__
)
BODIES = (alarms.read_body, commands.read_body, devices.read_body, linkage.read_body, read_passage)
KINDS = ("event", "alarm", "alarm_step", "place", "device", "node", "command", "passage", "")
BOUNDS = docking.Bounds("/510800/510802/", frozenset({"/510800/510802/s1/"}))


def one(data: bytes) -> None:
    """Read ``data``, or a batch grown from it, as each message."""
    source = atheris.FuzzedDataProvider(data)
    body = json.dumps(_batch(source)).encode() if source.ConsumeBool() else source.ConsumeBytes(20_000)
    for kind in MESSAGES:
        with suppress(msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            _judge(msgspec.json.decode(body, type=kind))


def _judge(found: Any) -> None:
    if isinstance(found, docking.Batch) and found.sound():
        assert found.last - found.first == len(found.rows) - 1
        for each in found.rows:
            _change(each.change)


def _change(change: Change) -> None:
    remote._sound(change)
    above, held = BOUNDS.above(change), BOUNDS.hold(change)
    assert not (above and held is None)
    for read in BODIES:
        with suppress(*remote._OWN_FAULT):
            read(change.body)


def _batch(source: Any) -> dict[str, Any]:
    first = source.ConsumeIntInRange(0, 3)
    rows = [_row(source, first + number) for number in range(source.ConsumeIntInRange(0, 4))]
    return {"node": source.ConsumeUnicode(8), "epoch": source.ConsumeInt(8), "lane": "bulk", "rows": rows}


def _row(source: Any, seq: int) -> dict[str, Any]:
    change = {
        "kind": source.PickValueInList(list(KINDS)),
        "object_id": source.ConsumeUnicode(8),
        "version": source.ConsumeInt(4),
        "site_id": source.ConsumeUnicode(4),
        "place_path": source.PickValueInList(["/", "/510800/510802/s1/", "/510800/", "", source.ConsumeUnicode(12)]),
        "jurisdiction": "",
        "body": {source.ConsumeUnicode(8): source.ConsumeUnicode(8) for _ in range(source.ConsumeIntInRange(0, 4))},
    }
    return {
        "seq": seq,
        "logged_at": source.PickValueInList(["2026-11-22T00:00:00Z", "2026-11-22T00:00:00"]),
        "change": change,
    }


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
