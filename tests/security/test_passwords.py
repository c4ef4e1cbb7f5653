"""Argon2id, one-time passwords by their standard's own values."""

import asyncio
from datetime import UTC, datetime

import pytest

from anju.security.passwords import MOST_WAITING, Passwords, TooBusy, totp_code, totp_step, totp_uri

SECRET = b"12345678901234567890"


@pytest.fixture
def cheap() -> Passwords:
    return Passwords(memory_kib=8, rounds=1)


async def test_what_is_kept_is_argon2id_and_salted(cheap: Passwords) -> None:
    first, second = await cheap.hash("Quiet-River-71"), await cheap.hash("Quiet-River-71")
    assert first.startswith("$argon2id$")
    assert first != second
    assert await cheap.matches(first, "Quiet-River-71")
    assert not await cheap.matches(first, "quiet-river-71")


async def test_nobodys_password_matches_nothing(cheap: Passwords) -> None:
    assert not await cheap.matches("", "nobody's password")
    assert not await cheap.matches("not a hash", "x")


async def test_a_hash_of_other_costs_is_outdated(cheap: Passwords) -> None:
    dear = Passwords(memory_kib=16, rounds=1)
    assert dear.outdated(await cheap.hash("x"))
    assert not cheap.outdated(await cheap.hash("x"))


async def test_a_flood_is_told_to_come_back(cheap: Passwords) -> None:
    asked = (cheap.matches("", str(number)) for number in range(MOST_WAITING + 20))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert any(isinstance(each, TooBusy) for each in answers)
    assert not await cheap.matches("", "afterwards")


# RFC 6238, appendix B: eight digits there, the last six here
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_one_time_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp_code(SECRET, seconds // 30) == code[-6:]


def test_the_codes_of_half_a_minute_ago_and_ahead_count_and_no_others() -> None:
    at = datetime.fromtimestamp(1111111111, UTC)
    step = 1111111111 // 30
    found = {offset: totp_step(SECRET, totp_code(SECRET, step + offset), at) for offset in range(-3, 4)}
    assert found == {-3: None, -2: None, -1: step - 1, 0: step, 1: step + 1, 2: None, 3: None}


def test_no_code_works_twice() -> None:
    at, step = datetime.fromtimestamp(1111111111, UTC), 1111111111 // 30
    assert totp_step(SECRET, totp_code(SECRET, step), at, after=step) is None


def test_authenticator_apps_read_the_address() -> None:
    uri = totp_uri(SECRET, username="ligang", issuer="Anju")
    assert uri.startswith("otpauth://totp/Anju:ligang?")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in uri
