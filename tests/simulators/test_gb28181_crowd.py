"""Many simulated devices by one command, against a hand-written platform."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from anju.protocols.manscdp_alarms import read_alarm
from anju.simulators.gb28181_crowd import Wanted, crowd, play
from anju.simulators.gb28181_device import Platform, Timing
from tests.simulators.gb28181_server import PASSWORD, SERVER, now, serving

FIRST = "51080200011320000001"


def wanted(port: int, **how: object) -> Wanted:
    return Wanted(Platform("127.0.0.1", port, SERVER), PASSWORD, FIRST, timing=Timing(heartbeat_s=0.3), **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loops")


async def test_a_crowd_registers_tells_alarms_and_leaves(folder: Path) -> None:
    async with serving() as server:
        devices = crowd(wanted(server.endpoint.port, cameras=3, recorders=1, channels=5), folder)
        done = await play(devices, 1.5, alarms_a_minute=600)
        assert (done["registered"], len(server.peers)) == (4, 4)
        assert done["keepalives"] >= 4
        told = [read_alarm(each) for each in server.heard["Notify", "Alarm"]]
        assert {each.meaning for each in told} == {"intrusion", "tamper"}
        assert set(server.expires.values()) == {0}


def test_codes_and_gaps_are_as_they_were_asked_for(folder: Path) -> None:
    gap = (now() - timedelta(hours=2), now() - timedelta(hours=1))
    devices = crowd(wanted(1, cameras=2, recorders=1, channels=3, gaps=[gap]), folder)
    assert [each.code for each in devices] == [FIRST, "51080200011320000002", "51080200011180000001"]
    channels = [channel for each in devices for channel in each.channels.values()]
    assert len({each.code for each in channels}) == 5
    assert all(each.archive.gaps == [gap] for each in channels)


@pytest.mark.parametrize(
    "how", [{"habits": ["nonsense"]}, {"faults": {"nonsense": 1.0}}, {"recorders": 1, "channels": 5_001}]
)
def test_unknown_words_are_refused(folder: Path, how: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        crowd(wanted(1, **how), folder)


async def test_the_command_does_it(folder: Path) -> None:
    async with serving() as server:
        command = [sys.executable, "-m", "anju", "simulate", "cameras", "--port", str(server.endpoint.port)]
        command += ["--password", PASSWORD, "--cameras", "2", "--seconds", "2", "--loops", str(folder)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0
        assert "2 registered" in out.decode()
        assert set(server.expires.values()) == {0}
