"""How devices are named, keyed and judged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from anju.domain.devices import (
    KINDS,
    ViidAccess,
    arming,
    bypassed,
    canonical_account,
    canonical_zone,
    check_addresses,
    check_kind,
    read_key,
    state_words,
    zone_names,
)
from anju.domain.events import EventKind
from anju.errors import Invalid
from tests.domain.test_cleaning import AT, event

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("told", "account"), [("1234", "0/1234"), (" abcd ", "0/ABCD"), ("2/00ab", "2/00AB")])
def test_an_account_is_written_as_the_wire_tells_it(told: str, account: str) -> None:
    assert canonical_account("dc09", told) == account


@pytest.mark.parametrize("told", ["", "12", "XYZ", "1/2/3", "1234; --"])
def test_what_no_panel_can_say_is_no_account(told: str) -> None:
    with pytest.raises(Invalid):
        canonical_account("dc09", told)


@pytest.mark.parametrize("told", ["51080200011190000001", " 51080200011190000001 ", "CAM-01", "12345"])
def test_a_registered_camera_may_have_an_old_code(told: str) -> None:
    assert canonical_account("viid", told) == told.strip()


@pytest.mark.parametrize("told", ["1234", "5108020001119000000 1", "相机一号机", "a" * 33, "../../etc"])
def test_what_is_no_code_is_no_camera(told: str) -> None:
    with pytest.raises(Invalid):
        canonical_account("viid", told)


def test_a_camera_comes_from_the_addresses_it_may_come_from() -> None:
    access = ViidAccess(addresses=check_addresses(["192.0.2.10", "198.51.100.7/24", "2001:db8::/32"]))
    assert [access.admits(each) for each in ("192.0.2.10", "198.51.100.99", "2001:db8::7")] == [True] * 3
    assert [access.admits(each) for each in ("192.0.2.11", "", "unix")] == [False] * 3
    assert ViidAccess().admits("203.0.113.1")


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(Invalid, match=r"192\.0\.2\.0/24"):
        check_addresses(["gate"])


def test_a_key_is_hex_of_a_length_aes_takes() -> None:
    assert read_key("dc09", "00" * 16) == bytes(16)
    with pytest.raises(Invalid):
        read_key("dc09", "00" * 15)
    with pytest.raises(Invalid):
        read_key("dc09", "secret")


def test_one_zone_has_one_name_here_and_several_on_the_wire() -> None:
    assert canonical_zone("dc09", "1", "3") == ("01", "003")
    assert {("1", "3"), ("01", "003"), ("1", "003")} <= zone_names("01", "003")


def test_a_bypass_has_an_end_and_never_quiets_a_life_kind() -> None:
    assert bypassed(EventKind.INTRUSION, AT + HOUR, at=AT)
    assert not bypassed(EventKind.INTRUSION, AT, at=AT)
    assert not bypassed(EventKind.FIRE, AT + HOUR, at=AT)


def test_arming_is_what_arming_reports_say() -> None:
    told = replace(event(), kind=EventKind.ARM, code="441", zone="02/", detail={"user": "007"})
    found = arming(told)
    assert found is not None
    assert (found.area, found.armed, found.mode, found.by_user) == ("02", True, "stay", "007")
    assert arming(event()) is None


def test_every_kind_has_a_type_and_speaks_something() -> None:
    assert all(len(kind.type_code) == 3 and kind.protocols for kind in KINDS.values())


def test_a_device_speaks_what_its_kind_can() -> None:
    check_kind("alarm_panel", "dc09")
    with pytest.raises(Invalid):
        check_kind("alarm_panel", "gb28181")
    with pytest.raises(Invalid):
        check_kind("toaster", "dc09")


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    assert state_words("link cut").zh == "link cut"
    assert "失联" in state_words("silent").zh
