"""Passages are found by plate, part of one, lane, time, place, colour, resident: only inside the scope, in order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.domain.captures import new_id
from anju.domain.rights import EVERYWHERE, NOWHERE, Scope
from anju.domain.vehicles import Correction, Passage, written
from anju.errors import Conflict, NotFound
from anju.store import events, passages
from anju.store.database import Database
from anju.store.passages import Query
from anju.store.recent import After
from anju.store.statistics import Period
from tests.conftest import FrozenClock
from tests.domain.test_vehicles import seen

ONE, TWO = "/510800/510802/one/", "/510800/510802/two/"


class Book:
    """Passages of two communities."""

    def __init__(self, db: Database, clock: FrozenClock) -> None:
        self.db, self.clock = db, clock

    async def keep(self, plate: str = "川HA5Q68", path: str = ONE, **changed: Any) -> Passage:
        """Keep one passage, a second after the last."""
        self.clock.forward(1)
        site, at = path.split("/")[-2], self.clock()
        told = replace(seen(at, PlateNo=plate), id=new_id(at), received_at=at, site_id=site, place_path=path)
        told = replace(told, **{"passed_at": at, "flags": (), **changed})
        async with self.db.transaction() as tx:
            await passages.insert(tx, [passages.row(told, written(told), None)], at=at)
            await passages.note_plates(tx, [told], at=at)
            await events.count_hour(tx, passages.counts([told]))
        return told

    async def find(
        self, scope: Scope = EVERYWHERE, limit: int = 50, after: After | None = None, **query: Any
    ) -> list[Passage]:
        return await passages.search(self.db, scope, Query(**query), limit=limit, after=after)


@pytest_asyncio.fixture(loop_scope="session")
async def book(db: Database, clock: FrozenClock) -> Book:
    for name, path in (("one", ONE), ("two", TWO)):
        await db.execute(
            """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
               VALUES (%(n)s, 'site', %(n)s, %(p)s, %(n)s, '')""",
            n=name,
            p=path,
        )
    return Book(db, clock)


async def test_the_newest_come_first_and_pages_follow_one_another(book: Book) -> None:
    kept = [await book.keep() for _ in range(5)]
    first = await book.find(limit=2)
    second = await book.find(limit=9, after=(first[-1].received_at, first[-1].id))
    assert [*first, *second] == kept[::-1]


@pytest.mark.parametrize("days", [0, 1, 20, 400])
async def test_the_newest_are_found_however_long_ago_they_were(book: Book, days: int) -> None:
    book.clock.forward(-86_400 * days)
    kept = [await book.keep() for _ in range(3)]
    assert await book.find(limit=3) == await book.find(limit=50) == kept[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"plate": "川HA5Q68"},
        {"fragment": "A5Q"},
        {"fragment": "68"},
        {"fragment": "川H"},
        {"device": "d1"},
        {"lane": "1"},
        {"color": "5"},
        {"vehicle_color": "2"},
        {"direction": "in"},
        {"resident": "r1"},
        {"resident_kind": "owner"},
        {"kind": "motor"},
        {"flag": "late"},
        {"place": "one"},
        {"site": "one"},
    ],
    ids="-".join,
)
async def test_every_question_finds_what_it_asks_for_and_nothing_else(book: Book, query: dict[str, Any]) -> None:
    wanted = {"device_id": "d1", "lane": "1", "plate_color": "5", "vehicle_color": "2", "direction": "in"}
    right = await book.keep(**wanted, resident_id="r1", resident_kind="owner", flags=("late",))
    await book.keep("粤B12345", TWO, device_id="d2", lane="2", plate_color="6", direction="out", kind="non_motor")
    assert await book.find(**query) == [right]


async def test_nobody_finds_what_lies_outside_his_scope(book: Book) -> None:
    mine, other = await book.keep(), await book.keep(path=TWO)
    scope = Scope(paths=(ONE,))
    asked: tuple[dict[str, Any], ...] = (
        *({}, {"plate": "川HA5Q68"}, {"fragment": "A5Q"}, {"device": "d1"}),
        *({"site": "two"}, {"place": "two"}),
    )
    for query in asked:
        assert {each.id for each in await book.find(scope, **query)} <= {mine.id}
    assert await book.find(scope) == [mine]
    assert await book.find(NOWHERE) == []
    with pytest.raises(NotFound):
        await passages.find(book.db, scope, other.id)


async def test_a_jurisdiction_is_a_scope_too(book: Book) -> None:
    mine = await book.keep(jurisdiction="510802010000")
    await book.keep(path=TWO, jurisdiction="510803010000")
    await book.db.execute("UPDATE place SET jurisdiction = '510802010000' WHERE id = 'one'")
    assert await book.find(Scope(jurisdictions=("51080201",))) == [mine]


async def test_a_range_holds_its_start_and_not_its_end(book: Book) -> None:
    kept = [await book.keep() for _ in range(3)]
    since, until = kept[0].received_at, kept[2].received_at
    assert await book.find(since=since, until=until) == [kept[1], kept[0]]
    assert await book.find(since=since, until=until, fragment="A5Q") == [kept[1], kept[0]]


@pytest.mark.parametrize("fragment", ["%", "_A5", "\\", "A%Q"])
async def test_a_fragment_is_letters_and_no_pattern(book: Book, fragment: str) -> None:
    await book.keep()
    assert await book.find(fragment=fragment) == []


async def test_an_id_of_nothing_is_not_found(book: Book) -> None:
    for other in (uuid4(), new_id(book.clock())):
        with pytest.raises(NotFound):
            await passages.find(book.db, EVERYWHERE, other)


async def test_a_correction_is_found_by_its_plate_and_says_who_and_why(book: Book) -> None:
    kept = await book.keep()
    async with book.db.transaction() as tx:
        told = Correction("看错一位", plate="川HA5Q69", direction="out")
        await passages.correct(tx, EVERYWHERE, kept.id, told, by=("u1", "李四"), at=book.clock())
    (found,) = await book.find(fragment="5Q69")
    assert (found.plate, found.direction, found.version) == ("川HA5Q69", "out", 2)
    (said,) = await passages.corrections(book.db, kept.id)
    assert (said["reason"], said["by"], said["version"]) == ("看错一位", {"id": "u1", "name": "李四"}, 2)
    assert said["was"] == {"plate": "川HA5Q68", "direction": kept.direction}


async def test_two_who_correct_at_once_do_not_overwrite_each_other(book: Book) -> None:
    kept = await book.keep()
    how: dict[str, Any] = {"by": ("u1", "李四"), "at": book.clock(), "expected_version": 1}
    async with book.db.transaction() as tx:
        await passages.correct(tx, EVERYWHERE, kept.id, Correction("a", plate="川HA5Q69"), **how)
    with pytest.raises(Conflict):
        async with book.db.transaction() as tx:
            await passages.correct(tx, EVERYWHERE, kept.id, Correction("b", plate="川HA5Q60"), **how)


async def test_hours_count_what_passed_in_whole_communities_of_the_scope(book: Book) -> None:
    for path, direction in ((ONE, "in"), (ONE, "in"), (ONE, "out"), (TWO, "in")):
        await book.keep(path=path, direction=direction)
    hour = book.clock().replace(minute=0, second=0)
    period = Period(hour, hour + timedelta(hours=1))
    found = await passages.hourly(book.db, Scope(paths=(ONE,)), period)
    assert [(each["direction"], each["count"]) for each in found] == [("in", 2), ("out", 1)]
    assert await passages.hourly(book.db, Scope(paths=(f"{ONE}gate/",)), period) == []
