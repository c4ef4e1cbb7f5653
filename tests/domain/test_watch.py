"""Whom the watch list waits for, where and how long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from anju.domain import watch
from anju.domain.captures import new_id
from anju.domain.events import EventKind
from anju.domain.watch import Entry, watch_list
from tests.domain.test_vehicles import NOW, seen

ENTRY = Entry(
    *(new_id(NOW), "site", "/510800/site/", "", "vehicle", "川HA5Q68", "拖欠停车费", 2, "u1", "李四"),
    *(NOW - timedelta(days=1), NOW + timedelta(days=1), "node"),
)


def hits(*entries: Entry) -> list[Entry]:
    return watch_list(1, entries).hits(seen(), NOW)


def test_a_plate_inside_the_entrys_place_is_a_hit() -> None:
    assert hits(ENTRY, replace(ENTRY, plate="川HA5Q69")) == [ENTRY]


@pytest.mark.parametrize(
    "changed",
    [
        {"place_path": "/510800/other/"},
        {"expires_at": NOW},
        {"created_at": NOW + timedelta(seconds=1)},
        {"ended_at": NOW},
        {"plate": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_over_or_elsewhere_or_has_no_plate_is_none(changed: dict[str, object]) -> None:
    assert hits(replace(ENTRY, **changed)) == []  # type: ignore[arg-type]


def test_a_banned_visitors_vehicle_is_a_hit_and_its_event_says_so() -> None:
    banned = replace(ENTRY, kind="visitor")
    assert hits(banned) == [banned]
    assert watch.event(banned, seen()).detail["entry_kind"] == "visitor"


def test_two_who_wait_for_one_plate_both_hear() -> None:
    other = replace(ENTRY, id=new_id(NOW))
    assert hits(ENTRY, other) == [ENTRY, other]


def test_its_event_names_plate_reason_and_passage() -> None:
    passage = seen()
    event = watch.event(ENTRY, passage)
    assert (event.kind, event.level, event.zone_name, event.place_id) == (EventKind.WATCH_LIST, 2, "川HA5Q68", "gate")
    assert (event.detail["reason"], event.detail["passage_id"]) == ("拖欠停车费", str(passage.id))
    assert event.received_at == passage.received_at


def test_its_body_is_read_back_as_it_was() -> None:
    assert watch.read_body(watch.body(ENTRY)) == ENTRY
