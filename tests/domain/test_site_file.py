"""A site file reads back as it was written, whatever names people give; what cannot be read is named by its line."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anju.domain import site_file as form
from anju.domain.events import EventKind
from anju.domain.linkage import Do
from anju.domain.places import PlaceKind
from anju.domain.site_file import (
    DeviceEntry,
    Head,
    LinkageEntry,
    PlaceEntry,
    Site,
    ThenEntry,
    WatchEntryEntry,
    WhenEntry,
    ZoneEntry,
)
from anju.errors import Invalid

WORDS = some.text(some.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = some.floats(-180, 180, allow_nan=False)
HEAD = Head(format=1, node="n", name="东坝", tier="community")


def site(**entries: list[Any]) -> Site:
    found = Site(HEAD)
    found.entries |= entries
    return found


def again(of: Site) -> dict[str, list[form.Entry]]:
    read, problems = form.read(form.write(of))
    assert problems == []
    return read.entries


@given(
    name=WORDS, detail=some.dictionaries(WORDS, WORDS | some.booleans() | some.integers(0, 9), max_size=3), x=NUMBERS
)
def test_any_words_come_back_as_they_were(name: str, detail: dict[str, Any], x: float) -> None:
    place = PlaceEntry(id="p1", parent="5108", kind=PlaceKind.SITE, name=name, detail=detail, longitude=x, latitude=1.5)
    assert again(site(place=[place]))["place"] == [place]


def test_everything_a_file_may_hold_comes_back() -> None:
    at = datetime(2026, 11, 25, 8, 0, 0, 500, tzinfo=UTC)
    zone = ZoneEntry(area="01", number="003", name="墙", place="p", kind=EventKind.PANIC, bypassed_until=at)
    page = {"maker": "海康", "save_days": 30, "certificate": {"expires_on": "2027-01-01"}}
    told: dict[str, Any] = {"id": "d1", "place": "p", "kind": "camera", "name": "一", "protocol": "none"}
    device = DeviceEntry(**told, particulars=page, zone=[zone, zone])
    then = [ThenEntry(do=Do.LAMP, target="d1", output="2", on=False, valid_s=10)]
    rule = LinkageEntry(id="r", name="夜", place="p", when=WhenEntry(kinds=[EventKind.FIRE], zones=["1/2"]), then=then)
    seen: dict[str, Any] = {"reason": "欠费", "level": 2, "owner_id": "u", "owner_name": "王", "created_at": at}
    watched = WatchEntryEntry(id="w", place="p", watched="vehicle", plate="川H12345", expires_at=at, **seen)
    whole = site(device=[device], linkage=[rule], watch=[watched])
    whole.policies = {"login.failures": 4, "pin.allowed": False}
    found, _ = form.read(form.write(whole))
    assert (found.entries["device"], found.entries["linkage"], found.entries["watch"]) == ([device], [rule], [watched])
    assert found.policies == whole.policies
    assert form.write(found) == form.write(whole)


def test_lines_are_those_of_the_file_in_nested_lists_too() -> None:
    zones = [ZoneEntry(number=str(number), name="墙", place="p") for number in range(2)]
    told: dict[str, Any] = {"place": "p", "kind": "camera", "name": "一", "protocol": "none", "zone": zones}
    text = form.write(site(device=[DeviceEntry(id="a", **told), DeviceEntry(id="b", **told)]))
    found, _ = form.read(text)
    lines = text.splitlines()
    headings = [number for number, line in enumerate(lines, start=1) if line == "[[device.zone]]"]
    assert [found.line("device", each, "zone", n) for each in "ab" for n in (0, 1)] == headings
    assert lines[found.line("device", "b", "name") - 1] == 'name = "一"'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[[place]]\nid = "p1"\nkind = "palace"\nname = "x"', "unreadable"),
        ('[[place]]\nid = "p1"\nkind = "site"\nname = "x"\nwindow = 1', "unreadable"),
        ('[[place]]\nid = "p1"\nkind = "site"', "unreadable"),
        ('[[place]]\nid = "p"\nkind = "site"\nname = "x"\n[[place]]\nid = "p"\nkind = "site"\nname = "y"', "twice"),
        ("[place]\nid = 1", "bad_section"),
        ("[policies]\nx = 1.5", "wrong_kind"),
        ("[[palace]]\nid = 1", "unknown_section"),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_the_rest_is_read(text: str, code: str) -> None:
    head = 'format = 1\n[node]\nnode = "n"\nname = "x"\ntier = "community"\n'
    _, problems = form.read(head + text)
    assert [each.code for each in problems] == [code]
    assert problems[0].line >= 6


@pytest.mark.parametrize("text", ["", "format = 2", "format = 1\n[node]\nnode = 7", "x = [", "\0"])
def test_what_is_no_site_file_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid):
        form.read(text)
