"""`anju blobs` on a node's pictures: what it says, with which exit code, and that it can be stopped."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from anju.config import load
from anju.errors import ConfigError
from anju.pictures import picture_places, picture_store, tend_pictures
from anju.store import segments
from anju.store.blobs import Blobs, NewBlob, Stored
from anju.store.database import Database
from anju.store.log import NodeId
from anju.supervisor import EXIT_LOCKED

TOML = """
tier = "community"
data = "{data}"
[node]
id = "510802-1"
name = "东坝一号院"
[database]
url = "{url}"
owner_url = "{url}"
"""


@dataclass(slots=True)
class Kept:
    """A node's configuration and what its store keeps."""

    db: Database
    file: Path
    blobs: Blobs
    stored: list[Stored]

    async def anju(self, *words: str) -> tuple[int, str]:
        """Run `anju blobs` as a program; return its exit code and all it said."""
        child = await self.started(*words)
        said, _ = await child.communicate()
        return child.returncode or 0, said.decode()

    async def started(self, *words: str) -> asyncio.subprocess.Process:
        command = ("-m", "anju", "blobs", *words, "--config", str(self.file))
        return await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, stderr=STDOUT)

    def path(self, stored: Stored) -> Path:
        return self.blobs.folder / stored.segment


@pytest_asyncio.fixture(loop_scope="session")
async def kept(db: Database, node: NodeId, tmp_path: Path) -> AsyncIterator[Kept]:
    file = tmp_path / "anju.toml"
    file.write_text(TOML.format(data=tmp_path / "data", url=db.url), encoding="utf-8")
    blobs = picture_store(db, load(file))
    stored = await blobs.write([NewBlob("site", each, "image/jpeg") for each in (b"one" * 50, b"two" * 50)])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, datetime.now(UTC))
    yield Kept(db, file, blobs, stored)
    await blobs.close()


async def test_whole_pictures_are_said_to_be_whole(kept: Kept) -> None:
    code, said = await kept.anju("check")
    assert code == 0, said
    assert said.startswith("2 pictures (0.0 MB, 0 erased) in 1 segments: all whole.")


async def test_a_damaged_picture_is_named_and_the_exit_code_tells(kept: Kept) -> None:
    data = bytearray(kept.path(kept.stored[1]).read_bytes())
    data[-1] ^= 1
    kept.path(kept.stored[1]).write_bytes(data)
    code, said = await kept.anju("check")
    assert code == 2, said
    assert f"damaged: {kept.stored[1].segment} picture {kept.stored[1].id} of no known record" in said
    assert str(kept.stored[0].id) not in said
    assert "2 pictures" in said
    assert "1 damaged" in said


async def test_repair_tells_its_deeds_then_checks(kept: Kept) -> None:
    await kept.blobs.close()
    whole = kept.path(kept.stored[0]).read_bytes()
    kept.path(kept.stored[0]).write_bytes(whole + b"torn tail")
    code, said = await kept.anju("repair")
    assert code == 0, said
    assert said.startswith(f"{kept.stored[0].segment}: sealed.\n2 pictures")
    assert kept.path(kept.stored[0]).read_bytes() == whole


async def test_a_node_that_does_not_run_is_told_so(kept: Kept, tmp_path: Path) -> None:
    kept.file.write_text(TOML.format(data=tmp_path / "none", url="").replace('url = ""\nowner_url = ""', ""))
    code, said = await kept.anju("check")
    assert (code, "does not run" in said) == (EXIT_LOCKED, True), (code, said)


async def test_a_check_can_be_stopped(kept: Kept) -> None:
    async with kept.db.transaction() as tx:
        await tx.execute("LOCK TABLE segment IN ACCESS EXCLUSIVE MODE")
        child = await kept.started("check")
        await waits_for_a_lock(kept.db)
        child.send_signal(signal.SIGINT)
        said, _ = await child.communicate()
    assert (child.returncode, said.decode()) == (130, "Stopped: the rest was not looked at.\n")


async def waits_for_a_lock(db: Database) -> None:
    """Return once somebody waits for a lock in this database."""
    async with asyncio.timeout(30):
        while True:
            if await db.fetch("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'segment'::regclass"):
                return
            await asyncio.sleep(0.02)


async def test_the_worker_seals_what_is_finished(kept: Kept) -> None:
    await kept.blobs.close()
    config = load(kept.file)
    await tend_pictures(kept.db, picture_places(config), config)
    row = await kept.db.fetch_one("SELECT state, bytes FROM segment")
    assert row == ("sealed", 2 * segments.span(150))


def test_no_configuration_shortens_what_pictures_must_live(tmp_path: Path) -> None:
    (tmp_path / "anju.toml").write_text(TOML.format(data="d", url="x") + "[pictures]\npassage_days = 30\n")
    with pytest.raises(ConfigError, match=r"anju.toml:\d+: pictures.passage_days: "):
        load(tmp_path / "anju.toml")


def test_an_object_store_comes_from_the_configuration(tmp_path: Path) -> None:
    s3 = (
        '[pictures.s3]\nendpoint = "https://s3.example.net"\nbucket = "anju"\naccess_key = "a"\nsecret_key = "hidden"\n'
    )
    (tmp_path / "anju.toml").write_text(TOML.format(data="d", url="x") + s3)
    config = load(tmp_path / "anju.toml")
    assert picture_places(config).objects is not None
    assert "hidden" not in repr(config)
