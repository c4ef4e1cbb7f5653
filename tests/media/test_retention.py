"""Thirty days are kept, whatever happens; the oldest that may go goes first; evidence never goes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.recording import Plan, read_plan
from anju.domain.recording_trouble import Told, Trouble
from anju.media.retention import Ended, Retention
from anju.store import recording_locks as locks
from anju.store import recordings
from anju.store.database import Database
from anju.store.recordings import Flag, Recording, name_of
from anju.store.volumes import Volume, pair

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FALL = read_plan({"by": "platform", "kept": "fall", "days": 7, "reason": "5.4.2.7"})
SIXTY = read_plan({"by": "platform", "days": 60})


@pytest_asyncio.fixture
async def volume(db: Database, tmp_path: Path) -> Volume:
    (found,) = await pair(db, [tmp_path / "v"], node="n", reserve=0, at=NOW)
    return found


def start(days: float) -> int:
    return round((NOW - timedelta(days=days)).timestamp() * 1000)


async def keep(db: Database, volume: Volume, days: float, channel: str = "c1") -> Path:
    """Write a file that began so many days ago, and its row."""
    path = volume.path / name_of(channel, start(days))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 1000)
    shape = ("avc1.640028", Flag(0), ((0, 700),))
    await recordings.add(db, [Recording(channel, start(days), 60_000, volume.number, 1000, *shape)])
    return path


async def round_(
    db: Database, volume: Volume, plan: Plan, told: list[Told] | None = None, *, overwrite: bool = False
) -> Ended:
    tell = (told if told is not None else []).append
    plans = {"c1": plan}
    retention = Retention(db, [volume], lambda: plans, tell=tell, overwrite=overwrite, pause_s=0)
    return await retention.round(now=NOW)


def starve(volume: Volume) -> None:
    """Let the volume be below its reserve, whatever is unlinked."""
    volume.look()
    volume.reserve = volume.total


async def test_what_is_past_its_days_goes_with_its_file(db: Database, volume: Volume) -> None:
    old, young = await keep(db, volume, 31.1), await keep(db, volume, 29.9)
    assert await round_(db, volume, Plan()) == Ended(by_age=1, unlinked=1)
    assert (old.exists(), old.parent.exists(), young.exists()) == (False, False, True)
    assert len(await recordings.between(db, "c1", 0, 2**52, limit=9)) == 1


async def test_a_camera_keeps_as_long_as_its_plan_says(db: Database, volume: Volume) -> None:
    kept = await keep(db, volume, 45)
    assert await round_(db, volume, SIXTY) == Ended()
    assert kept.exists()


async def test_what_is_left_of_a_retired_camera_ends_after_thirty_days(db: Database, volume: Volume) -> None:
    gone, kept = await keep(db, volume, 31.1, "retired"), await keep(db, volume, 29, "retired")
    assert (await round_(db, volume, SIXTY)).by_age == 1
    assert (gone.exists(), kept.exists()) == (False, True)
    assert (await db.fetch_one("SELECT count(*) FROM recording_day")) == (1,)


async def test_a_fall_finder_keeps_less(db: Database, volume: Volume) -> None:
    gone = await keep(db, volume, 8)
    assert (await round_(db, volume, FALL)).by_age == 1
    assert not gone.exists()


async def test_evidence_stays(db: Database, volume: Volume) -> None:
    kept = await keep(db, volume, 45)
    await locks.lock(db, "c1", start(46), start(44), reason="案", by="甲", at=NOW)
    starve(volume)
    assert await round_(db, volume, Plan(), overwrite=True) == Ended()
    assert kept.exists()


async def test_short_of_space_the_oldest_beyond_the_floor_goes_and_none_younger(db: Database, volume: Volume) -> None:
    gone, kept = await keep(db, volume, 45), await keep(db, volume, 29)
    starve(volume)
    told = list[Told]()
    assert await round_(db, volume, SIXTY, told) == Ended(for_space=1, unlinked=1)
    assert (gone.exists(), kept.exists()) == (False, True)
    assert told == []


async def test_below_the_floor_only_by_choice_and_never_silently(db: Database, volume: Volume) -> None:
    gone, kept = await keep(db, volume, 29), await keep(db, volume, 0.01)
    starve(volume)
    told = list[Told]()
    assert (await round_(db, volume, Plan(), told, overwrite=True)).below_floor == 1
    assert (gone.exists(), kept.exists()) == (False, True)
    assert [each.trouble for each in told] == [Trouble.FLOOR_BROKEN]


async def test_a_disk_that_is_away_is_left_alone(db: Database, volume: Volume) -> None:
    path = await keep(db, volume, 45)
    (volume.path / ".anju-volume").unlink()
    volume.look()
    done = await round_(db, volume, Plan())
    assert (done.by_age, done.unlinked, path.exists()) == (1, 0, True)


@pytest.mark.parametrize("count", [120])
async def test_many_go_in_bites(db: Database, volume: Volume, count: int) -> None:
    for each in range(count):
        await keep(db, volume, 31 + each / 1440)
    assert await round_(db, volume, Plan()) == Ended(by_age=count, unlinked=count)
