"""Twenty digits say who, what and where; segments never overlap."""

import pytest

from anju.domain.codes import Segment, check_segment, code_at, new_id, prefix, read_code
from anju.errors import Conflict, Invalid

PREFIX = "51080200011178"


def test_a_code_comes_apart_and_together() -> None:
    code = read_code("51080200011178000042")
    assert (code.centre, code.industry, code.type, code.network, code.serial) == (
        "51080200",
        "01",
        "117",
        "8",
        "000042",
    )
    assert str(code) == "51080200011178000042"


@pytest.mark.parametrize(
    "text", ["", "5108020001117800004", "5108020001117800004２", "0" * 20, "51080200011178000042 "]
)
def test_anything_else_is_no_code(text: str) -> None:
    with pytest.raises(Invalid):
        read_code(text)


def test_a_prefix_is_made_of_county_and_type() -> None:
    assert prefix("510802", "117") == PREFIX


def test_a_segment_gives_its_codes_in_order() -> None:
    segment = Segment(PREFIX, 100, 199, "n1", used=98)
    assert (code_at(segment, 98), segment.left) == ("51080200011178000198", 2)
    assert segment.holds(read_code("51080200011178000199"))
    assert not segment.holds(read_code("51080200011178000200"))


@pytest.mark.parametrize(("first", "last"), [(0, 99), (50, 60), (199, 300)])
def test_segments_never_overlap(first: int, last: int) -> None:
    with pytest.raises(Conflict):
        check_segment(Segment(PREFIX, first, last, "n2"), [Segment(PREFIX, 50, 200, "n1")])


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 4), (0, 1_000_000)])
def test_a_segment_is_a_range_of_serials(first: int, last: int) -> None:
    with pytest.raises(Invalid):
        check_segment(Segment(PREFIX, first, last, "n2"), [])


def test_ids_say_their_kind_and_do_not_repeat() -> None:
    ids = {new_id("d") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(each) == 13 and each[0] == "d" for each in ids)
