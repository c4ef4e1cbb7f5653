"""Words between tiers: what may come from whom, and what no bytes can do to us."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain.changes import Change, Lane
from anju.domain.docking import MAX_ROWS, Account, Batch, Beat, Bounds, Day, DayAsked, Head, PairAsk, Sent, Snapshot

SITE = "/510800/510802/site/"
BOUNDS = Bounds("/510800/510802/", frozenset({SITE}))


def change(kind: str, path: str, site: str = "site") -> Change:
    return Change(kind, "x", 1, site, path, "", {})


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("event", SITE),
        ("alarm", SITE + "wall/"),
        ("device", SITE + "b1/u1/"),
        ("command", SITE),
        ("place", "/510800/510802/new/"),
        ("jurisdiction", "/"),
        ("node", "/"),
    ],
)
def test_what_is_the_senders_own_is_taken(kind: str, path: str) -> None:
    assert BOUNDS.hold(change(kind, path)) is None


@pytest.mark.parametrize(
    ("kind", "path", "reason"),
    [
        ("event", "/510800/510802/other/", "outside_sender"),
        ("alarm", "/510800/510802/site2/", "outside_sender"),
        ("alarm", "/510800/510802/", "outside_sender"),
        ("alarm", "/", "outside_sender"),
        ("device", "/", "outside_sender"),
        ("place", "/510800/510812/", "outside_region"),
        ("place", "/510800/510802/", "outside_region"),
    ],
)
def test_what_is_not_is_held(kind: str, path: str, reason: str) -> None:
    assert BOUNDS.hold(change(kind, path)) == reason


def test_a_node_speaks_of_itself_at_the_root_in_no_community() -> None:
    assert BOUNDS.hold(change("alarm", "/", site="")) is None


@pytest.mark.parametrize(("path", "above"), [("/510800/", True), ("/510800/510802/", True), (SITE, False)])
def test_places_above_the_region_are_ours(path: str, above: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert BOUNDS.above(change("place", path)) is above


def batch(*seqs: int) -> Batch:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Batch("n", 1, Lane.BULK, tuple(Sent(seq, at, change("event", SITE)) for seq in seqs))


@pytest.mark.parametrize("seqs", [(1,), (5, 6, 7), tuple(range(1, MAX_ROWS + 1))])
def test_consecutive_rows_are_sound(seqs: tuple[int, ...]) -> None:
    assert batch(*seqs).sound()


@pytest.mark.parametrize(
    "seqs", [(), (0,), (-1, 0), (1, 3), (2, 1), (1, 1), (2**63 - 1, 2**63), tuple(range(1, MAX_ROWS + 2))]
)
def test_other_rows_are_not(seqs: tuple[int, ...]) -> None:
    assert not batch(*seqs).sound()


NAMES = st.sampled_from(["node", "epoch", "lane", "rows", "seq", "logged_at", "change", "kind", "body", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)
KINDS = st.sampled_from([Account, Batch, Beat, Day, DayAsked, Head, PairAsk, Snapshot])


@given(st.binary(max_size=200), KINDS)
def test_any_bytes_are_a_message_or_an_error(data: bytes, kind: type[object]) -> None:
    assert isinstance(read(data, kind), (kind, msgspec.MsgspecError, ValueError))


@given(JSON, KINDS)
def test_any_json_is_a_message_or_an_error(value: object, kind: type[object]) -> None:
    assert isinstance(read(msgspec.json.encode(value), kind), (kind, msgspec.MsgspecError, ValueError))


def read(data: bytes, kind: type[object]) -> object:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        return error
