"""A mistake in the configuration is told with file, line, key and remedy."""

from pathlib import Path

import pytest

from anju.config import load
from anju.errors import ConfigError

RIGHT = """tier = "community"
data = "data"

[node]
id = "gy-dongba"
name = "东坝社区"

[gateway]
dc09 = 8707
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "anju.toml"


def wrong(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        load(path)
    return str(told.value).replace(str(path), "anju.toml")


def test_a_right_file_says_which_processes_run(path: Path) -> None:
    path.write_text(RIGHT)
    found = load(path)
    assert found.roles == ("web", "worker", "gateway")
    assert found.data == path.parent / "data"


def test_intake_may_be_several_processes_on_one_port(path: Path) -> None:
    path.write_text(RIGHT + "[intake]\nport = 8701\nprocesses = 3\n")
    assert load(path).roles == ("web", "worker", "gateway", "intake", "intake-2", "intake-3")


def test_several_intakes_are_not_one_process(path: Path) -> None:
    told = wrong(path, 'processes = "single"\n' + RIGHT + "[intake]\nprocesses = 2\n")
    assert told.endswith('intake.processes: one process cannot be several: write processes = "separate".')


def test_a_certificate_without_tls_is_named(path: Path) -> None:
    told = wrong(path, RIGHT + '[intake]\ncertificate = "a.crt"\nkey = "a.key"\n')
    assert "tls: a certificate is named" in told


@pytest.mark.parametrize(("tier", "code"), [("community", "51080000015030000001"), ("county", "51080000005030000001")])
def test_a_node_has_a_code_as_a_view_library(path: Path, tier: str, code: str) -> None:
    path.write_text(RIGHT.replace("community", tier) + "[docking]\n" * (tier == "county"))
    assert load(path).library == code


def test_a_misspelt_key_is_named_with_its_line(path: Path) -> None:
    told = wrong(path, RIGHT.replace("dc09 = 8707", "dc9 = 8707"))
    assert told == "anju.toml:9: gateway.dc9: there is no such key: remove it or mend its spelling."


def test_a_port_that_is_none_is_named_with_its_line(path: Path) -> None:
    told = wrong(path, RIGHT.replace("8707", "87070"))
    assert told == "anju.toml:9: gateway.dc09: input should be less than or equal to 65535."


def test_what_is_missing_is_named_under_its_table(path: Path) -> None:
    assert wrong(path, RIGHT.replace('name = "东坝社区"\n', "")) == "anju.toml:4: node.name: add it."


def test_a_county_without_docking_is_told_what_to_add(path: Path) -> None:
    told = wrong(path, RIGHT.replace("community", "county"))
    assert "docking: a county needs the table" in told


def test_every_mistake_is_told_at_once(path: Path) -> None:
    assert len(wrong(path, RIGHT.replace("8707", "0").replace("gy-dongba", "a b")).splitlines()) == 2


@pytest.mark.parametrize("text", ["tier = ", "\x00", "[node", ""])
def test_what_is_no_configuration_is_refused_in_words(path: Path, text: str) -> None:
    assert wrong(path, text).startswith("anju.toml")


def test_a_file_that_is_not_there_says_so(path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)


def test_listening_beyond_loopback_means_tls(path: Path) -> None:
    path.write_text(RIGHT + '[web]\nhost = "0.0.0.0"\n')
    assert load(path).web.tls


def test_video_runs_as_many_media_workers_as_wanted(path: Path) -> None:
    path.write_text(RIGHT + "[video]\nworkers = 2\n")
    assert load(path).roles == ("web", "worker", "gateway", "media", "media-2")


@pytest.mark.parametrize(
    ("video", "key"),
    [
        ("workers = 4\nrtp_first = 40000\nrtp_last = 40005", "video"),
        ("rtp_first = 40000\nrtp_last = 40000", "video"),
        ("viewers = 65535\nworkers = 2", "video"),
        ('code = "5108"', "video.code"),
        ("sip = 0", "video.sip"),
    ],
)
def test_what_video_cannot_be_is_told(path: Path, video: str, key: str) -> None:
    assert key in wrong(path, f"{RIGHT}[video]\n{video}\n")


def test_several_media_workers_need_processes_of_their_own(path: Path) -> None:
    told = wrong(path, 'processes = "single"\n' + RIGHT + "[video]\nworkers = 2\n")
    assert told.endswith('video.workers: one process cannot be several: write processes = "separate".')
