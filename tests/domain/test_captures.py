"""Ids tell when a record came."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from anju.domain.captures import first_id, media_type, moment, new_id

NOW = datetime(2026, 11, 22, 8, 15, 30, 123_456, tzinfo=UTC)


def test_an_id_tells_the_millisecond_it_was_made_for() -> None:
    found = new_id(NOW)
    assert moment(found) == NOW.replace(microsecond=123_000)
    assert (found.version, found.variant) == (7, "specified in RFC 4122")


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id(NOW) for _ in range(1_000)}) == 1_000


def test_ids_are_in_the_order_of_their_times() -> None:
    assert first_id(NOW) < new_id(NOW) < first_id(NOW + timedelta(milliseconds=1)) < new_id(NOW + timedelta(seconds=1))


@pytest.mark.parametrize("other", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)])
def test_other_ids_tell_no_time(other: UUID) -> None:
    with pytest.raises(ValueError, match="no time"):
        moment(other)


def test_a_picture_is_what_its_first_bytes_say() -> None:
    assert [media_type(each) for each in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM1", b"<html>", b"")] == [
        "image/jpeg",
        "image/png",
        "image/bmp",
        "application/octet-stream",
        "application/octet-stream",
    ]
