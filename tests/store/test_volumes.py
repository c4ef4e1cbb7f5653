"""A volume is known by its identity: a missing disk, another's disk, a disk that moved are told apart."""

import shutil
from pathlib import Path
from uuid import uuid4

from anju.store import volumes
from anju.store.database import Database
from anju.store.volumes import MARK, Volume, VolumeState, pair
from tests.conftest import FrozenClock

NODE = "510802-1"


async def paired(db: Database, *paths: Path, reserve: int = 0) -> list[Volume]:
    return await pair(db, paths, node=NODE, reserve=reserve, at=FrozenClock()())


async def test_a_new_folder_becomes_a_volume_and_stays_it(db: Database, tmp_path: Path) -> None:
    (first,) = await paired(db, tmp_path / "a")
    (again,) = await paired(db, tmp_path / "a")
    assert first.state is VolumeState.OK
    assert first.total >= first.free > 0
    assert (first.number, first.id) == (again.number, again.id)


async def test_a_disk_that_is_not_mounted_is_missing_and_nothing_is_made_in_its_place(
    db: Database, tmp_path: Path
) -> None:
    (before,) = await paired(db, tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    (tmp_path / "a").mkdir()
    (found,) = await paired(db, tmp_path / "a")
    assert (found.state, found.number) == (VolumeState.MISSING, before.number)
    assert not list((tmp_path / "a").iterdir())


async def test_another_nodes_disk_is_wrong(db: Database, tmp_path: Path) -> None:
    volumes.write_mark(tmp_path / "a", uuid4(), "another")
    (found,) = await paired(db, tmp_path / "a")
    assert found.state is VolumeState.WRONG
    assert not found.readable
    assert "another" in found.reason


async def test_a_wrong_disk_in_a_known_place_stays_wrong_until_the_right_one_is_back(
    db: Database, tmp_path: Path
) -> None:
    (right,) = await paired(db, tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "right")
    volumes.write_mark(tmp_path / "a", uuid4(), "another")
    (found,) = await paired(db, tmp_path / "a")
    assert (found.number, found.state, seen(found)) == (right.number, VolumeState.WRONG, VolumeState.WRONG)
    shutil.rmtree(tmp_path / "a")
    (tmp_path / "right").rename(tmp_path / "a")
    assert seen(found) is VolumeState.OK


async def test_a_disk_of_this_node_that_the_database_forgot_is_taken_back(db: Database, tmp_path: Path) -> None:
    known = uuid4()
    volumes.write_mark(tmp_path / "a", known, NODE)
    (found,) = await paired(db, tmp_path / "a")
    assert (found.state, found.id) == (VolumeState.OK, known)


async def test_disks_that_changed_places_are_the_same_volumes(db: Database, tmp_path: Path) -> None:
    a, b = await paired(db, tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").rename(tmp_path / "x")
    (tmp_path / "b").rename(tmp_path / "a")
    (tmp_path / "x").rename(tmp_path / "b")
    found = await paired(db, tmp_path / "a", tmp_path / "b")
    assert [each.number for each in found] == [b.number, a.number]
    assert {each.state for each in found} == {VolumeState.OK}


async def test_a_garbled_identity_is_a_failure(db: Database, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / MARK).write_bytes(b"\xff")
    (found,) = await paired(db, tmp_path / "a")
    assert found.state is VolumeState.FAILED
    assert MARK in found.reason


async def test_a_folder_that_cannot_be_made_is_a_failure(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (found,) = await paired(db, tmp_path / "file" / "a")
    assert found.state is VolumeState.FAILED


def seen(volume: Volume) -> VolumeState:
    volume.look()
    return volume.state


async def test_a_running_volume_notices_its_disk_going_and_another_coming(db: Database, tmp_path: Path) -> None:
    (volume,) = await paired(db, tmp_path / "a")
    (tmp_path / "a" / MARK).rename(tmp_path / "kept")
    assert seen(volume) is VolumeState.MISSING
    volumes.write_mark(tmp_path / "a", uuid4(), NODE)
    assert seen(volume) is VolumeState.WRONG
    (tmp_path / "kept").replace(tmp_path / "a" / MARK)
    assert seen(volume) is VolumeState.OK


async def test_below_its_reserve_a_volume_is_full(db: Database, tmp_path: Path) -> None:
    (volume,) = await paired(db, tmp_path / "a", reserve=10**18)
    assert volume.state is VolumeState.FULL
    (written,) = await volumes.all_of(db)
    assert (written.state, written.free, written.reserve) == (VolumeState.FULL, volume.free, 10**18)
