"""The command line says in one sentence why something was not done, and each reason has its own exit code."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju.cli import main

CONFIG = 'tier = "community"\ndata = "data"\n[node]\nid = "510802-1"\nname = "东坝"\n'
WORDS = {"ANJU_PASSPHRASE": "four quiet river stones"}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "anju.toml"
    path.write_text(CONFIG)
    return str(path)


def said(arguments: list[str], env: dict[str, str] | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments, env=env or {"ANJU_PASSPHRASE": ""})
    return done.exit_code, done.output.strip()


def test_a_backup_that_is_not_there(config: str, tmp_path: Path) -> None:
    code, words = said(["restore", str(tmp_path / "none.tar"), "--config", config], WORDS)
    assert (code, words) == (85, f"There is no backup at {tmp_path / 'none.tar'}.")


def test_a_file_that_is_no_backup(config: str, tmp_path: Path) -> None:
    (tmp_path / "odd.tar").write_bytes(b"no tar at all")
    code, words = said(["restore", str(tmp_path / "odd.tar"), "--config", config], WORDS)
    assert (code, words) == (82, "odd.tar is damaged: manifest.json is missing or cannot be read. Use another backup.")


@pytest.mark.parametrize("arguments", [["backup", "b.tar"], ["site", "export", "-"], ["site", "import", "site.toml"]])
def test_a_node_that_does_not_run(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text("format = 1\n")
    code, words = said([*arguments, "--config", config], WORDS)
    assert (code, words) == (77, "510802-1 does not run: start it with `anju run` first.")


def test_a_passphrase_that_nobody_can_type(config: str) -> None:
    code, words = said(["backup", "b.tar", "--config", config])
    assert (code, words) == (78, "Put the passphrase into the environment as ANJU_PASSPHRASE.")


def test_a_passphrase_that_is_too_short(config: str) -> None:
    code, words = said(["backup", "b.tar", "--config", config], {"ANJU_PASSPHRASE": "short"})
    assert (code, words) == (1, "a passphrase has at least 12 characters")
