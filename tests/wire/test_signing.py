"""Signed requests: only the named node, only this request, only now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anju.errors import WireError
from anju.wire import signing

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)


GIVEN: dict[str, Any] = {"method": "POST", "path": "/docking/push", "body": b"{}"}
HEADERS = signing.headers(KEY.sign, **GIVEN, node="c1", epoch=7, at=NOW)


def claim(**changed: Any) -> signing.Signed:
    return signing.read(HEADERS | {f"x-anju-{name}": value for name, value in changed.items()})


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_signature_holds_within_five_minutes(minutes: int) -> None:
    claim().check(PUBLIC, **GIVEN, now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_outside_five_minutes_is_refused(seconds: int) -> None:
    with pytest.raises(WireError, match="clock too far off"):
        claim().check(PUBLIC, **GIVEN, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("changed", [{"body": b"[]"}, {"method": "GET"}, {"path": "/docking/mark"}])
def test_no_other_request_carries_the_signature(changed: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="bad signature"):
        claim().check(PUBLIC, **(GIVEN | changed), now=NOW)


@pytest.mark.parametrize(
    "changed", [{"node": "c2"}, {"epoch": "8"}, {"nonce": "00"}, {"time": "2026-11-22T08:15:31+00:00"}]
)
def test_nothing_signed_can_be_changed(changed: dict[str, str]) -> None:
    with pytest.raises(WireError, match="bad signature"):
        claim(**changed).check(PUBLIC, **GIVEN, now=NOW)


def test_two_signatures_of_one_request_differ_in_what_is_used_once() -> None:
    again = signing.headers(KEY.sign, **GIVEN, node="c1", epoch=7, at=NOW)
    assert signing.read(again).once != claim().once


@pytest.mark.parametrize(
    "changed",
    [
        {"time": "soon"},
        {"time": "2026-11-22T08:15:30"},
        {"signature": "zz"},
        {"epoch": "9" * 30},
        {"epoch": "-1"},
        {"node": "n" * 201},
    ],
)
def test_malformed_headers_are_an_unsigned_request(changed: dict[str, str]) -> None:
    with pytest.raises(WireError, match="unsigned request"):
        claim(**changed)


def test_missing_headers_are_an_unsigned_request() -> None:
    with pytest.raises(WireError, match="unsigned request"):
        signing.read({})
