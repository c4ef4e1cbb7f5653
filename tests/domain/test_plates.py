"""Plates as readers tell them: kinds by GA 36, gaps, separators, words that mean none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain.plates import (
    LETTERS,
    LONGEST,
    PROVINCES,
    Plate,
    contradictions,
    distance,
    masked,
    normalise,
    shown,
    suggested,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("川HA5Q68", "ordinary"),
        ("川A12345", "ordinary"),
        ("川AD12345", "small_new_energy"),
        ("川AF12345", "small_new_energy"),
        ("川ADA2345", "small_new_energy"),
        ("川AK12345", "small_new_energy"),
        ("川A12345D", "large_new_energy"),
        ("川A12345F", "large_new_energy"),
        ("川H1234警", "police"),
        ("川H1234挂", "trailer"),
        ("川H1234学", "learner"),
        ("川H1234试", "test"),
        ("粤Z1234港", "hong_kong"),
        ("粤ZAB12澳", "macau"),
        ("使123456", "embassy"),
        ("123456使", "embassy"),
        ("川A1234领", "consulate"),
        ("领123456", "consulate"),
        ("川H1234应急", "emergency"),
        ("民航B12345", ""),
        ("民航BA123", "aviation"),
        ("WJ川1234H", "armed_police"),
        ("WJ12345", "armed_police"),
        ("VA12345", "military"),
        ("12345", "local"),
    ],
)
def test_the_kinds_of_plates(text: str, kind: str) -> None:
    expected = Plate(text, kind) if kind else Plate(text, flags=("plate_format",))
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "text", ["川H·A5Q68", "川H A5Q68", "川h-a5q68", "川H•A5Q68", "　川Ｈ．Ａ５Ｑ６８ ", "川H_A5Q68", "川-HA5Q68"]
)
def test_separators_width_and_case_do_not_count(text: str) -> None:
    assert normalise(text) == Plate("川HA5Q68", "ordinary")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "无车牌",
        "未识别",
        "无牌车",
        "车牌",
        "unknown",
        "00000000",
        "0",
        "-",
        "--------",
        "无",
        "未知",
        "无牌",
        "NULL",
        "*",
    ],
)
def test_words_for_no_plate(text: str) -> None:
    assert normalise(text) == Plate(None, flags=("no_plate",))


@pytest.mark.parametrize(
    ("text", "plate", "kind"),
    [
        ("川H-5Q68", "川H-5Q68", ""),
        ("川HA-Q68", "川HA-Q68", "ordinary"),
        ("川HA?Q6*", "川HA-Q6-", "ordinary"),
        ("-HA5Q68", "-HA5Q68", "ordinary"),
        ("川AD1-345", "川AD1-345", "small_new_energy"),
    ],
)
def test_unread_characters_stay_and_make_a_plate_partial(text: str, plate: str, kind: str) -> None:
    found = normalise(text)
    assert (found.plate, found.flags) == (plate, ("plate_partial",))
    assert found.kind in {kind, "ordinary"}


@pytest.mark.parametrize("text", ["蓝川HA5Q68", "川HA5Q68蓝", "黄绿川A12345D"])
def test_the_word_of_a_colour_is_no_part_of_the_plate_and_leaves_a_flag(text: str) -> None:
    found = normalise(text)
    assert found.flags == ("plate_colour_word",)
    assert found.plate in {"川HA5Q68", "川A12345D"}


def test_what_fits_no_form_is_kept_and_flagged_or_dropped_where_it_is_no_word() -> None:
    assert normalise("川HO5Q6") == Plate("川HO5Q6", flags=("plate_format",))
    assert normalise("川" * 40) == Plate(None, flags=("plate_format",))
    assert normalise("<script>") == Plate(None, flags=("plate_format",))
    assert normalise("临川H12345") == Plate("临川H12345", "temporary")


def test_zero_and_one_are_suggested_and_never_put_in() -> None:
    assert normalise("川HO5QI8").plate == "川HO5QI8"
    assert suggested("川HO5QI8") == "川H05Q18"
    assert suggested("川HA5Q68") is None
    assert suggested("川HO") is None


@pytest.mark.parametrize(
    ("kind", "plate_class", "plate_color", "flags"),
    [
        ("ordinary", "02", "5", ()),
        ("ordinary", "01", "6", ()),
        ("ordinary", "06", "1", ()),
        ("ordinary", "", "", ()),
        ("ordinary", "99", "99", ()),
        ("ordinary", "02", "9", ("plate_colour",)),
        ("ordinary", "02", "6", ("plate_colour",)),
        ("ordinary", "52", "5", ("plate_colour", "plate_class")),
        ("small_new_energy", "52", "9", ()),
        ("small_new_energy", "02", "9", ("plate_colour", "plate_class")),
        ("small_new_energy", "", "5", ("plate_colour",)),
        ("large_new_energy", "51", "9", ()),
        ("police", "23", "2", ()),
        ("police", "02", "2", ("plate_colour", "plate_class")),
        ("military", "", "5", ("plate_colour",)),
        ("hong_kong", "26", "1", ()),
        ("", "02", "5", ()),
    ],
)
def test_kind_class_and_colour_must_agree(
    kind: str, plate_class: str, plate_color: str, flags: tuple[str, ...]
) -> None:
    assert contradictions(kind, plate_class, plate_color) == flags


def test_look_alikes_are_near_and_others_are_not() -> None:
    assert distance("川HA5Q68", "川HA5Q68") == 0
    assert distance("川HA5Q68", "川HA5D68") == pytest.approx(0.3)
    assert distance("川HA5Q68", "州HASQ6B") == pytest.approx(0.9)
    assert distance("川HA5Q68", "川HA5-68") == pytest.approx(0.1)
    assert distance("川HA5Q68", "川HA5Q6") == 1
    assert distance("", "川HA") == 3


def test_plates_are_shown_with_their_dot_and_hidden_in_the_middle() -> None:
    assert shown("川HA5Q68") == "川H·A5Q68"
    assert shown("WJ川1234H") == "WJ川1234H"
    assert masked("川HA5Q68") == "川H***68"
    assert masked("川H") == "**"


ORDINARY = st.tuples(
    st.sampled_from(PROVINCES), st.sampled_from(LETTERS), st.text(LETTERS + "0123456789", min_size=5, max_size=5)
).map("".join)


@given(ORDINARY)
def test_every_ordinary_plate_is_its_own_normal_form(plate: str) -> None:
    found = normalise(plate)
    assert (found.plate, found.flags) == (plate, ())
    assert normalise(shown(plate)).plate == plate


@given(st.text(max_size=80))
def test_any_text_is_read_and_reading_again_changes_nothing(text: str) -> None:
    found = normalise(text)
    assert found.plate is None or 1 < len(found.plate) <= LONGEST
    assert found.plate is None or normalise(found.plate).plate == found.plate


@given(st.text(LETTERS + "0123456789-", max_size=8), st.text(LETTERS + "0123456789-", max_size=8))
def test_distance_is_the_same_both_ways_and_at_most_the_longer_length(one: str, other: str) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert distance(one, other) <= max(len(one), len(other))
