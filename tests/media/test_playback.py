"""Playback sends what lies on disk: any instant, across files and gaps, at any speed, while it is still written."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from anju.media.library import Library
from anju.media.playback import Piece, Playback
from anju.protocols.fmp4 import init_segment
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.store import volumes
from anju.store.database import Database
from anju.store.volumes import MARK, pair
from tests.media import pictures
from tests.media.test_record import T0, Site


@pytest_asyncio.fixture
async def site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    volumes = await pair(db, [tmp_path / "volume"], node="n", reserve=0, at=datetime.now(UTC))
    found = Site(db, volumes)
    task = asyncio.create_task(found.recorder.run())
    await asyncio.sleep(0)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def recorded(site: Site) -> Site:
    """Give two minutes, then a gap of seven, then a minute."""
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 120), pictures.sound(T0, 120))
    channel.state("stalled")
    await site.feed(channel, pictures.frames(T0 + 540, 60, pts=7_000 + 540 * CLOCK))
    channel.stop()
    await site.files()
    return site


def play(site: Site, start: float, end: float) -> Playback:
    return Playback(Library(site.db, clock=site.clock), "c1", T0 + start, T0 + end)


async def pieces(playback: Playback) -> list[Piece]:
    found = []
    while (piece := await playback.next()) is not None:
        found.append(piece)
    playback.close()
    return found


async def first(site: Site, start: float, end: float) -> Piece | None:
    playback = play(site, start, end)
    piece = await playback.next()
    playback.close()
    return piece


def played(found: list[Piece]) -> bytes:
    return found[0].init + b"".join(each.data for each in found)


async def test_a_whole_recording_plays_in_one_go(recorded: Site) -> None:
    found = await pieces(play(recorded, 0, 600))
    assert len(pictures.pictures_of(played(found))) == 180 * 25
    assert [round(each.gap) for each in found if each.gap] == [420]
    assert [bool(each.init) for each in found] == [True] + [False] * (len(found) - 1)
    assert sum(each.duration for each in found) == pytest.approx(180, abs=0.1)


async def test_the_pictures_are_those_that_came(recorded: Site) -> None:
    found = pictures.pictures_of(played(await pieces(play(recorded, 0, 4))))
    units, track = pictures.loop()
    assert found[3] == b"".join(len(each).to_bytes(4, "big") + each for each in units[3])
    assert (await first(recorded, 0, 4)).init == init_segment(track)  # type: ignore[union-attr]


async def test_each_piece_tells_when_it_was(recorded: Site) -> None:
    found = await pieces(play(recorded, 0, 600))
    assert [round(each.at - T0, 1) for each in found[:3]] == [0.0, 2.0, 4.0]
    assert round(next(each.at for each in found if each.gap) - T0, 1) == 540.0


@pytest.mark.parametrize(("at", "begins"), [(0.0, 0), (61.3, 60), (119.9, 118), (200.0, 540), (541.9, 540)])
async def test_a_seek_begins_at_the_key_frame_before(recorded: Site, at: float, begins: int) -> None:
    playback = play(recorded, 0, 600)
    await playback.next()
    playback.seek(T0 + at)
    piece = await playback.next()
    playback.close()
    assert piece is not None
    assert (round(piece.at - T0, 1), piece.key, bool(piece.init)) == (begins, True, True)


async def test_media_time_runs_on_over_seeks_and_gaps(recorded: Site) -> None:
    playback = play(recorded, 0, 600)
    begun = [await playback.next() for _ in range(3)]
    playback.seek(T0 + 540)
    data = b"".join(each.data for each in (*begun, await playback.next()) if each)
    playback.close()
    times = [int.from_bytes(part[4:12], "big") for part in data.split(b"tfdt")[1:]]
    assert times == [0, 2 * CLOCK, 4 * CLOCK, 6 * CLOCK]


async def test_beyond_four_times_only_key_frames_come(recorded: Site) -> None:
    playback = play(recorded, 0, 120)
    playback.speed(8)
    found = await pieces(playback)
    assert len(pictures.pictures_of(played(found))) == len(found) == 60
    assert {each.duration for each in found} == {2.0}
    assert not any(each.sound for each in found)


async def test_sound_comes_with_its_pictures(recorded: Site) -> None:
    piece = await first(recorded, 0, 120)
    assert piece is not None
    assert len(piece.sound) == 16_000
    assert piece.sound[320:322] == b"\1\1"


async def test_nothing_recorded_is_the_end_at_once(recorded: Site) -> None:
    assert await first(recorded, 200, 400) is None
    assert await first(recorded, 700, 800) is None


async def test_what_is_still_being_written_plays_already(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 12))
    await site.until(lambda: site.recorder.writers.waiting == 0)
    found = await pieces(play(site, 4, 60))
    assert [round(each.at - T0) for each in found] == [4, 6, 8]
    assert await site.files() == []


async def test_a_changed_camera_begins_the_player_anew(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 4))
    units, track = pictures.loop(Codec.H264, 640, 360)
    channel.track = lambda: track
    larger = (Frame(Codec.H264, 7_000 + (100 + n) * 3600, n == 0, units[n], T0 + 4 + n / 25) for n in range(50))
    await site.feed(channel, larger)
    channel.stop()
    await site.files()
    found = await pieces(play(site, 0, 60))
    assert [each.track.width if each.track else 0 for each in found] == [320, 0, 640]
    assert [each.gap for each in found] == [0, 0, 0]


async def test_files_of_a_disk_that_is_away_are_passed_over(recorded: Site) -> None:
    (recorded.volumes[0].path / MARK).unlink()
    async with asyncio.timeout(20):
        while (await volumes.all_of(recorded.db))[0].readable:  # noqa: ASYNC110 - the recorder notes it
            await asyncio.sleep(0.02)
    assert await first(recorded, 0, 600) is None


async def test_a_file_that_vanished_is_passed_over(recorded: Site) -> None:
    gone = (await recorded.files())[0]
    recorded.path(gone).unlink()
    piece = await first(recorded, 0, 600)
    assert piece is not None
    assert piece.at == pytest.approx(gone.end_ms / 1000, abs=0.01)
