"""Bytes of any charset become the text that was meant; times of every spelling become moments."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.protocols.manscdp_text import (
    GB2312,
    GB18030,
    UTF_8,
    decode_text,
    decoded,
    encode_text,
    read_decimal,
    read_time,
    read_whole,
    write_date,
    write_time,
)

EIGHT = datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC)  # 08:00 in Beijing


@pytest.mark.parametrize(
    ("data", "text", "charset"),
    [
        (b"plain", "plain", ""),
        ("东门人行通道".encode("gb2312"), "东门人行通道", GB18030),
        ("东门人行通道".encode(), "东门人行通道", UTF_8),
        ("龘㙍𠮷门".encode("gb18030"), "龘㙍𠮷门", GB18030),
        ("镕".encode("gbk"), "镕", GB18030),
    ],
)
def test_text_is_found_whatever_its_charset(data: bytes, text: str, charset: str) -> None:
    assert decoded(data) == (text, charset)


def test_an_operators_choice_comes_first() -> None:
    assert decode_text("联通".encode("gbk"), "GB2312") == "联通"
    assert decode_text("门".encode(), "utf-8") == "门"


def test_half_a_character_loses_only_itself() -> None:
    assert decode_text("东门".encode("gb2312")[:-1] + b"</Name>") == "东\ufffd</Name>"
    assert decode_text("东门".encode()[:-1] + b"</Name>") == "东\ufffd</Name>"


def test_rare_characters_leave_as_gb18030() -> None:
    assert encode_text("东门", GB2312) == ("东门".encode("gb2312"), GB2312)
    assert encode_text("㙍", GB2312) == ("㙍".encode("gb18030"), GB18030)


@given(st.binary(max_size=200))
def test_any_bytes_are_text(data: bytes) -> None:
    assert isinstance(decode_text(data), str)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_gb18030_text_survives_a_chosen_charset(text: str) -> None:
    assert decode_text(text.encode("gb18030"), GB18030) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T08:00:00",
        "2026-3-1T8:0:0",
        "2026-03-01 08:00:00",
        "2026-03-01T08:00:00.000",
        "2026-03-01T00:00:00Z",
        "2026-03-01T08:00:00+08:00",
        "2026-03-01T03:00:00+0300",
        " 2026-03-01T08:00 ",
    ],
)
def test_every_spelling_of_a_time_is_read(text: str) -> None:
    assert read_time(text) == EIGHT


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00", "0001-01-01T00:00:00", "2026-02-30T25:00:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_time(text) is None


def test_times_are_written_in_beijing_without_a_zone() -> None:
    assert write_time(EIGHT) == "2026-03-01T08:00:00"
    assert write_date(EIGHT.replace(microsecond=42_000)) == "2026-03-01T08:00:00.042"


@given(st.text(max_size=30))
def test_any_text_is_a_time_and_a_number_or_none(text: str) -> None:
    found = read_time(text)
    assert found is None or found.tzinfo is UTC
    assert isinstance(read_whole(text), int)
    assert read_decimal(text) is None or abs(read_decimal(text) or 0) < 1e19


def test_long_serial_numbers_are_kept() -> None:
    assert read_whole("1772294400123") == 1_772_294_400_123
    assert read_decimal("1e9999") is None
    assert read_decimal("nan") is None
