"""What is sealed opens with this node's key, at its own place, unchanged; else not at all."""

from pathlib import Path

import pytest

from anju.errors import ConfigError, Invalid
from anju.security.sealing import Sealer

ABOUT = "account/u1/phone"


def test_what_was_sealed_opens_after_a_restart(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "keys").seal(b"13812345678", ABOUT)
    assert b"138" not in sealed
    assert Sealer(tmp_path / "keys").open(sealed, ABOUT) == b"13812345678"


def test_the_same_value_is_sealed_differently_each_time(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path)
    assert sealer.seal(b"x", ABOUT) != sealer.seal(b"x", ABOUT)


@pytest.mark.parametrize("at", range(31))
def test_a_changed_byte_is_noticed(tmp_path: Path, at: int) -> None:
    sealer = Sealer(tmp_path)
    sealed = bytearray(sealer.seal(b"13", ABOUT))
    sealed[at] ^= 1
    with pytest.raises(Invalid):
        sealer.open(bytes(sealed), ABOUT)


@pytest.mark.parametrize("sealed", [b"", b"\x01", bytes(12), bytes(40)])
def test_what_was_never_sealed_does_not_open(tmp_path: Path, sealed: bytes) -> None:
    with pytest.raises(Invalid):
        Sealer(tmp_path).open(sealed, ABOUT)


def test_a_value_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path)
    with pytest.raises(Invalid):
        sealer.open(sealer.seal(b"x", ABOUT), "account/u2/phone")


def test_another_nodes_key_does_not_open_it(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "a").seal(b"x", ABOUT)
    with pytest.raises(Invalid):
        Sealer(tmp_path / "b").open(sealed, ABOUT)


def test_only_the_owner_reads_the_key_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    Sealer(tmp_path / "keys")
    key = tmp_path / "keys" / "fields.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in key.parent.iterdir()] == ["fields.key"]
    key.write_bytes(b"short")
    with pytest.raises(ConfigError, match="restore it from a backup"):
        Sealer(tmp_path / "keys")
