"""After ``kill -9`` and after other mishaps files and rows agree, and what is lost is counted."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.recorded import Lack
from anju.domain.recording import Source, day_of
from anju.domain.recording_trouble import Told, Trouble
from anju.media.recover import Recovered, recover
from anju.store import recording_ends, recording_ledger, recordings
from anju.store.database import Database
from anju.store.recording_ends import Piece
from anju.store.recordings import Flag, Recording
from anju.store.volumes import MARK, Volume, pair
from tests.media import pictures
from tests.media.test_record import T0, Site, probed

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    volumes = await pair(db, [tmp_path / "volume"], node="n", reserve=0, at=datetime.now(UTC))
    found = Site(db, volumes)
    task = asyncio.create_task(found.recorder.run())
    await found.until(lambda: not found.recorder.unswept)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def recorded(site: Site, seconds: float = 150) -> list[Recording]:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, seconds), pictures.sound(T0, seconds))
    channel.stop()
    return await site.files()


async def again(site: Site, told: list[Told] | None = None) -> Recovered:
    return await recover(site.db, site.volumes[0], now=NOW, tell=(told if told is not None else []).append)


async def forgotten(site: Site, file: Recording) -> None:
    """Take a row away as if its commit never came."""
    await site.db.execute("DELETE FROM recording WHERE start_ms = %(start)s", start=file.start_ms)
    await site.db.execute("DELETE FROM recording_day")


async def agree(db: Database, volume: Volume) -> bool:
    """Return whether exactly the files with rows are there, each as long as its row says."""
    rows = await recordings.unfilled(db, volume.number, 0)
    sizes = {each.name: (volume.path / each.name).stat().st_size for each in rows}
    files = {str(each.relative_to(volume.path)) for each in volume.path.rglob("*.mp4*")}
    sound = {each.name: (volume.path / each.sound).stat().st_size if each.audio else 0 for each in rows}
    return files == set(sizes) and all(sizes[each.name] + sound[each.name] == each.bytes for each in rows)


async def test_a_file_without_a_row_gets_the_same_row_again(site: Site) -> None:
    files = await recorded(site)
    await forgotten(site, files[1])
    assert (await again(site)).rows == 1
    found = await site.files()
    assert found[1].flags == Flag.RECOVERED
    assert [(e.start_ms, e.duration_ms, e.gops, e.bytes, e.audio, e.codec, e.width) for e in found] == [
        (e.start_ms, e.duration_ms, e.gops, e.bytes, e.audio, e.codec, e.width) for e in files
    ]
    assert await again(site) == Recovered()


@pytest.mark.parametrize("cut", [1, 500, 4_000, 20_000])
async def test_a_file_cut_short_keeps_its_whole_fragments(site: Site, cut: int) -> None:
    files = await recorded(site, 30)
    last = files[-1]
    path = site.path(last)
    os.truncate(path, path.stat().st_size - cut)
    await forgotten(site, last)
    done = await again(site)
    assert (done.rows, done.cut_bytes > 0) == (1, True)
    (found,) = [each for each in await site.files() if each.start_ms == last.start_ms]
    assert last.duration_ms - found.duration_ms >= 1_900
    assert probed(path)[1] == round(found.duration_ms / 40)
    assert await agree(site.db, site.volumes[0])


@pytest.mark.parametrize("left", [0, 10, 300, 900])
async def test_a_file_without_a_picture_goes(site: Site, left: int) -> None:
    (file,) = await recorded(site, 10)
    os.truncate(site.path(file), left)
    await forgotten(site, file)
    assert (await again(site)).removed >= 1
    assert not list(site.volumes[0].path.rglob("*.mp4"))
    assert await site.files() == []


async def test_a_file_being_written_is_left_alone(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 10))
    await site.until(lambda: site.recorder.writers.waiting == 0)
    assert await again(site) == Recovered()
    await site.feed(channel, pictures.frames(T0 + 10, 4, pts=7_000 + 10 * 90_000))
    channel.stop()
    (file,) = await site.files()
    assert (file.flags, file.duration_ms) == (Flag(0), 14_000)


async def test_a_row_whose_file_is_gone_is_told_and_counted_as_the_stores_failure(site: Site) -> None:
    files = await recorded(site)
    day = day_of(datetime.fromtimestamp(T0, UTC))
    async with site.db.transaction() as tx:
        await recording_ledger.change(tx, "c1", day, Source.PLATFORM, lambda _: b"\x3c" * 1440, at=NOW)
    site.path(files[1]).unlink()
    told = list[Told]()
    assert (await again(site, told)).lost == 1
    assert [each.trouble for each in told] == [Trouble.ROWS_LOST]
    assert len(await site.files()) == len(files) - 1
    (found,) = await recording_ledger.sums(site.db, ["c1"], day, day)
    assert found.count.lacking[Lack.STORE_FAILED] == 1


async def test_a_disk_taken_out_meanwhile_has_lost_nothing(site: Site) -> None:
    files = await recorded(site)
    site.path(files[0]).unlink()
    (site.volumes[0].path / MARK).unlink()
    told = list[Told]()
    assert (await again(site, told)).lost == 0
    assert not told
    assert len(await site.files()) == len(files)


async def test_what_was_to_be_unlinked_is_unlinked(site: Site) -> None:
    files = await recorded(site)
    await recording_ends.discard(site.db, [Piece("c1", files[0].start_ms, 1)], why="age", at=NOW)
    assert site.path(files[0]).exists()
    assert (await again(site)).rows == 0
    assert not site.path(files[0]).exists()
    assert not (site.volumes[0].path / files[0].sound).exists()
    assert await agree(site.db, site.volumes[0])


async def test_leavings_of_a_crash_go(site: Site) -> None:
    (file,) = await recorded(site, 10)
    folder = site.path(file).parent
    (folder / "1.mp4.new").write_bytes(b"x")
    (folder / "1.alaw").write_bytes(b"x")
    assert (await again(site)).removed == 2
    assert await agree(site.db, site.volumes[0])


async def test_a_recorder_recovers_when_it_begins_and_when_a_disk_comes_back(site: Site) -> None:
    files = await recorded(site)
    await forgotten(site, files[0])
    path = site.volumes[0].path
    (path / MARK).rename(path / "away")
    await site.until(lambda: not site.volumes[0].readable)
    site.clock.now += 600
    (path / "away").rename(path / MARK)
    await site.until(lambda: site.volumes[0].readable)
    async with asyncio.timeout(20):
        while len(await site.files()) < len(files):  # noqa: ASYNC110 - the recorder makes it so
            await asyncio.sleep(0.02)
    assert (await site.files())[0].flags == Flag.RECOVERED


async def test_kill_9_loses_at_most_the_open_group_of_pictures(db: Database, tmp_path: Path) -> None:
    told, cameras = tmp_path / "told", 4
    command = (
        sys.executable,
        "-m",
        "tests.media.recording_child",
        db.url,
        str(tmp_path / "v"),
        str(told),
        str(cameras),
    )
    child = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
    async with asyncio.timeout(60):
        while await _rows(db) < 2 * cameras:  # noqa: ASYNC110 - another process makes it so
            await asyncio.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    reached = float(told.read_text())
    (volume,) = await pair(db, [tmp_path / "v"], node="n", reserve=0, at=NOW)
    done = await recover(db, volume, now=datetime.now(UTC), tell=lambda _: None)
    assert done.lost == 0
    assert await agree(db, volume)
    for camera in range(cameras):
        ((_, end),) = await recordings.spans(db, f"c{camera}", 0, 2**52)
        assert end / 1000 >= reached - 0.05  # all but the group of pictures that was open
    for each in await recordings.unfilled(db, volume.number, 0):
        assert pictures.decoded(str(volume.path / each.name)) == round(each.duration_ms / 40)


async def _rows(db: Database) -> int:
    row = await db.fetch_one("SELECT count(*) FROM recording")
    return int(row[0]) if row else 0
