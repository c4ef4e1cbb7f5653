"""``anju run`` as an operating system sees it: it starts, is killed in parts and as a whole, and comes back."""

import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from prove.tiers import Tier

ROLES = ("web", "worker", "gateway", "intake", "postgres", "nats")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def node() -> AsyncIterator[Tier]:
    with tempfile.TemporaryDirectory(prefix="anju-run-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        tier = Tier("community", folder, "separate")
        tier.write()
        await tier.start()
        yield tier
        await tier.stop()


async def test_every_process_runs_once(node: Tier) -> None:
    assert sorted(node.pids()) == sorted((*ROLES, "run"))


async def test_a_second_run_on_the_same_folder_is_refused_in_one_sentence(node: Tier) -> None:
    command = [sys.executable, "-m", "anju", "run", "--config", str(node.folder / "anju.toml")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 77
    assert done.stderr.strip().endswith("is in use by another `anju run`: stop it first.")


@pytest.mark.parametrize("seed", [random.randrange(2**32)])
async def test_three_processes_killed_at_random_are_back(node: Tier, seed: int) -> None:
    for name in random.Random(seed).sample(ROLES, 3):
        before = node.pids()[name]
        await node.kill(name)
        assert node.pids()[name] != before


async def test_the_whole_node_killed_leaves_no_child_and_comes_back(node: Tier) -> None:
    children = [psutil.Process(pid) for name, pid in node.pids().items() if name != "run"]
    await node.kill("run")
    gone, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=10)
    assert (len(gone), alive) == (len(children), [])


async def test_a_stopped_node_leaves_nothing_running(node: Tier) -> None:
    children = [psutil.Process(pid) for pid in node.pids().values()]
    await node.stop()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=15)
    assert alive == []
