"""What a simulated recorder claims to have, and what it plays of it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from anju.simulators.gb28181_archive import HOUR, Archive
from anju.simulators.gb28181_played import Played

NOW = datetime(2026, 3, 1, 8, 30, 20, tzinfo=UTC)
MOMENTS = st.integers(-40 * 86_400, 3_600).map(lambda seconds: NOW + timedelta(seconds=seconds))
SPANS = st.tuples(MOMENTS, st.integers(1, 90_000)).map(lambda each: (each[0], each[0] + timedelta(seconds=each[1])))


def test_files_are_of_an_hour_and_whole() -> None:
    start = NOW - timedelta(hours=2)
    found = list(Archive().files(start, NOW, NOW))
    six, seven, eight = (NOW.replace(hour=hour, minute=0, second=0) for hour in (6, 7, 8))
    assert found == [(six, seven), (seven, eight), (eight, NOW)]
    assert Archive().spans(start, NOW, NOW) == [(start, NOW)]


def test_nothing_is_of_the_future_or_older_than_its_days() -> None:
    assert not list(Archive(days=30).files(NOW - timedelta(days=32), NOW - timedelta(days=31), NOW))
    assert not list(Archive().files(NOW + HOUR, NOW + 2 * HOUR, NOW))


@given(SPANS, st.lists(SPANS, max_size=4))
def test_no_file_lies_in_a_gap_and_none_overlap(
    asked: tuple[datetime, datetime], gaps: list[tuple[datetime, datetime]]
) -> None:
    found = list(Archive(gaps=gaps).files(*asked, NOW))
    assert all(last <= start or first >= end for first, last in found for start, end in gaps)
    assert all(one[1] <= two[0] for one, two in pairwise(found))
    assert all(first < last <= NOW for first, last in found)


@given(st.lists(SPANS, max_size=3), st.floats(0, 7_200))
def test_every_picture_has_its_second_and_every_second_its_picture(
    gaps: list[tuple[datetime, datetime]], offset: float
) -> None:
    start = NOW - 2 * HOUR
    played = Played(start, Archive(gaps=gaps).spans(start, NOW, NOW))
    frame = played.frame(offset)
    assert 0 <= frame <= played.frames
    if frame < played.frames:
        shown = played.second(frame) - start.timestamp()
        assert shown >= offset - 0.05
