"""A drill covers what it names, for as long as it says; a real fire breaks through."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from anju.domain.drills import Drill, DrillKind, Source, check, in_drill
from anju.domain.events import EventKind
from anju.errors import Invalid
from tests.domain.test_alarms import NOW

DRILL = Drill(
    UUID(int=1),
    "site",
    "/510800/510802/site/",
    "",
    DrillKind.WALK_TEST,
    (Source("p1", "01/003"), Source("p2"), Source("p3", "01/001", (EventKind.FIRE,))),
    NOW,
    NOW + timedelta(hours=1),
    "u1",
    "每月步行测试",
)


@pytest.mark.parametrize(
    ("device", "zone", "kind", "after_s", "covered"),
    [
        ("p1", "01/003", EventKind.INTRUSION, 0, True),
        ("p1", "01/004", EventKind.INTRUSION, 0, False),
        ("p2", "02/099", EventKind.TAMPER, 0, True),
        ("p9", "", EventKind.INTRUSION, 0, False),
        ("p2", "02/099", EventKind.FIRE, 0, False),
        ("p2", "02/099", EventKind.PANIC, 0, False),
        ("p3", "01/001", EventKind.FIRE, 0, True),
        ("p3", "01/001", EventKind.PANIC, 0, False),
        ("p1", "01/003", EventKind.INTRUSION, -1, False),
        ("p1", "01/003", EventKind.INTRUSION, 3600, False),
    ],
)
def test_it_covers_what_it_names(device: str, zone: str, kind: EventKind, after_s: int, covered: bool) -> None:  # noqa: FBT001
    assert in_drill([DRILL], device, zone, kind, NOW + timedelta(seconds=after_s)) is covered


def test_an_ended_drill_covers_nothing() -> None:
    ended = replace(DRILL, ended_at=NOW + timedelta(minutes=1))
    assert not ended.covers("p2", "", EventKind.TAMPER, NOW + timedelta(minutes=2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sources": ()},
        {"sources": (Source(""),)},
        {"sources": (Source("p1"),) * 201},
        {"ends_at": NOW},
        {"ends_at": NOW + timedelta(hours=2, seconds=1)},
        {"reason": " "},
    ],
)
def test_a_drill_without_name_end_or_reason_does_not_begin(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        check(replace(DRILL, **wrong))


def test_a_whole_drill_begins() -> None:
    assert check(DRILL) is DRILL
