"""A node into a backup and out of it: the same rows, the same pictures, and every way it can fail in one sentence."""

import asyncio
import contextlib
import json
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from anju import upkeep
from anju.config import Config
from anju.engines import Postgres
from anju.errors import BackupError, Invalid
from anju.ops.backup import Manifest, check_space
from anju.security.blob_keys import BlobKeys
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.supervisor import Addresses
from tests.conftest import FrozenClock
from tests.registry import add_panel, make_estate

WORDS = "four quiet river stones"
PICTURES = [bytes([number]) * 40_000 for number in range(20)]


@dataclass(slots=True)
class Saved:
    """A node with a registry and pictures; ``ids`` are theirs, in the order of PICTURES."""

    config: Config
    addresses: Addresses
    db: Database
    ids: list[UUID]

    async def back_up(self, target: Path, words: str = WORDS) -> Manifest:
        return await upkeep.back_up(self.config, target, words, addresses=self.addresses)


def config_of(data: Path) -> Config:
    told = {"tier": "community", "data": data, "node": {"id": "510802-1", "name": "东坝一号院"}}
    return Config.model_validate(told)


@pytest_asyncio.fixture(loop_scope="session")
async def saved(
    tmp_path_factory: pytest.TempPathFactory, db: Database, node: NodeId, clock: FrozenClock
) -> AsyncIterator[Saved]:
    data = tmp_path_factory.mktemp("node")
    estate = await make_estate(db, node, clock())
    await add_panel(db, node, estate, clock())
    blobs = Blobs(db, data / "blobs", BlobKeys(data / "keys"), clock=clock)

    stored = await blobs.write([NewBlob(estate.site.id, each, "image/jpeg") for each in PICTURES])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, clock())
    yield Saved(config_of(data), Addresses(db.url, ()), db, [each.id for each in stored])
    await blobs.close()


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("empty")
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(0o755)  # PostgreSQL drops to another user where the tests run as root
    return config_of(folder / "data")


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
async def test_a_running_node_is_saved_and_restored_identical(
    saved: Saved, empty: Config, tmp_path: Path, clock: FrozenClock, name: str
) -> None:
    async def write_on() -> None:
        while True:
            await saved.db.execute("INSERT INTO replay_nonce VALUES (gen_random_uuid()::text::bytea, now())")

    writing = asyncio.create_task(write_on())
    manifest = await saved.back_up(tmp_path / name)
    writing.cancel()
    await asyncio.wait([writing])
    before = await this_node(saved.db)
    restored = await upkeep.restore(empty, tmp_path / name, WORDS)
    assert restored.tables == manifest.tables
    assert manifest.tables["place"].rows == 7
    assert sum(each.rows for table, each in manifest.tables.items() if table.startswith("blob")) == len(PICTURES)
    postgres = Postgres(empty.data)
    await postgres.start()
    again = Database(postgres.app_url("anju"))
    await again.open()
    blobs = Blobs(again, empty.data / "blobs", BlobKeys(empty.data / "keys"), clock=clock)
    try:
        here = await this_node(again)
        assert (here.id, here.epoch != before.epoch) == (before.id, True)
        assert await again.fetch("SELECT action FROM operator_log ORDER BY seq DESC LIMIT 1") == [("system.restore",)]
        assert [(await blobs.read(each))[0] for each in saved.ids] == PICTURES
    finally:
        await again.close()
        await postgres.stop()


async def test_a_backup_is_tried_without_touching_anything(saved: Saved, tmp_path: Path, empty: Config) -> None:
    await saved.back_up(tmp_path / "backup")
    steps: set[str] = set()
    room = empty.data / "backups"
    await upkeep.try_restore(tmp_path / "backup", WORDS, room, told=lambda step, *_: steps.add(step))
    assert steps >= {"check", "load", "count"}
    assert list(room.iterdir()) == []


async def test_a_backup_says_what_is_missing_and_what_lies_elsewhere(saved: Saved, tmp_path: Path) -> None:
    assert (await saved.back_up(tmp_path / "whole")).missing == []
    await saved.db.execute("UPDATE segment SET place = 's3'")
    (segment,) = (each for each in (saved.config.data / "blobs").rglob("*") if each.is_file())
    name = str(segment.relative_to(saved.config.data / "blobs"))
    segment.rename(tmp_path / "gone")
    found = await saved.back_up(tmp_path / "away")
    assert (found.missing, found.elsewhere) == ([], [name])
    await saved.db.execute("UPDATE segment SET place = 'file'")
    assert (await saved.back_up(tmp_path / "missing")).missing == [name]


async def test_a_wrong_passphrase_changes_nothing(saved: Saved, empty: Config, tmp_path: Path) -> None:
    await saved.back_up(tmp_path / "backup.tar")
    with pytest.raises(BackupError, match="not the passphrase") as caught:
        await upkeep.restore(empty, tmp_path / "backup.tar", "another passphrase")
    assert caught.value.exit_code == 81
    assert not empty.data.exists()


@pytest.mark.parametrize("member", ["database.dump", "manifest.json", "keys.sealed", "blobs"])
async def test_a_damaged_backup_is_named_and_changes_nothing(
    saved: Saved, empty: Config, tmp_path: Path, member: str
) -> None:
    await saved.back_up(tmp_path / "backup")
    path = tmp_path / "backup" / member
    path = path if path.is_file() else next(each for each in path.rglob("*") if each.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupError, match="damaged") as caught:
        await upkeep.restore(empty, tmp_path / "backup", WORDS)
    assert (caught.value.code, caught.value.exit_code) == ("damaged", 82)
    assert not empty.data.exists()


async def test_a_backup_cut_short_is_damaged(saved: Saved, empty: Config, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    await saved.back_up(target)
    with target.open("r+b") as file:
        file.truncate(target.stat().st_size // 2)
    with pytest.raises(BackupError, match="damaged"):
        await upkeep.restore(empty, target, WORDS)


async def test_a_backup_of_a_newer_program_is_refused(saved: Saved, empty: Config, tmp_path: Path) -> None:
    await saved.back_up(tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": "9999", "program": "9.0"}))
    with pytest.raises(BackupError, match=r"made by Anju 9\.0 with schema 9999.*install that version") as caught:
        await upkeep.restore(empty, tmp_path / "backup", WORDS)
    assert caught.value.exit_code == 83


async def test_it_goes_into_an_empty_folder_of_its_own_node_only(saved: Saved, empty: Config, tmp_path: Path) -> None:
    await saved.back_up(tmp_path / "backup")
    with pytest.raises(BackupError, match="is not empty"):
        await upkeep.restore(saved.config, tmp_path / "backup", WORDS)
    other = empty.model_copy(update={"node": empty.node.model_copy(update={"id": "510802-2"})})
    with pytest.raises(BackupError, match="510802-1"):
        await upkeep.restore(other, tmp_path / "backup", WORDS)
    with pytest.raises(BackupError, match="no backup at"):
        await upkeep.restore(empty, tmp_path / "nothing", WORDS)


async def test_a_stopped_or_refused_backup_leaves_nothing(saved: Saved, tmp_path: Path) -> None:
    counted = asyncio.Event()
    work = asyncio.create_task(
        upkeep.back_up(
            saved.config, tmp_path / "b" / "backup", WORDS, told=lambda *_: counted.set(), addresses=saved.addresses
        )
    )
    await counted.wait()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert list((tmp_path / "b").iterdir()) == []
    with pytest.raises(Invalid, match="at least 12"):
        await saved.back_up(tmp_path / "b" / "backup", "short")
    with pytest.raises(BackupError, match="MB free"):
        check_space(tmp_path / "b" / "backup", 2**60)


async def test_keys_leave_sealed_only(saved: Saved, tmp_path: Path) -> None:
    await saved.back_up(tmp_path / "backup.tar")
    keys = [each.read_bytes() for each in (saved.config.data / "keys").iterdir()]
    whole = (tmp_path / "backup.tar").read_bytes()
    assert keys
    assert not any(each in whole for each in keys)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        assert {each.mode for each in tar.getmembers()} == {0o600}
