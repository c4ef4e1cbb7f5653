"""A node has one key, however many of its processes start at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from anju.security.key_files import keep_first
from anju.security.keys import NodeKeys
from anju.security.sealing import Sealer

AT_ONCE = 8


@pytest.mark.parametrize("turn", range(20))
def test_all_who_start_at_once_sign_with_the_same_key(tmp_path: Path, turn: int) -> None:
    data, together = tmp_path / str(turn), Barrier(AT_ONCE)

    def start() -> bytes:
        together.wait()
        return NodeKeys.load_or_make(data).public

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = {each.result() for each in [pool.submit(start) for _ in range(AT_ONCE)]}
    assert found == {NodeKeys.load_or_make(data).public}
    assert [each.name for each in (data / "keys").iterdir()] == ["node.pem"]


def test_a_key_file_is_for_its_owner_only_and_is_never_written_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    assert keep_first(path, b"first") == b"first"
    assert keep_first(path, b"second") == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_one_process_sealed_another_opens(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path).seal(b"secret", "device d1")
    assert Sealer(tmp_path).open(sealed, "device d1") == b"secret"
