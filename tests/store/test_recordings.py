"""Files of recordings are found by time, end oldest first, and stay while they are evidence."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.domain.recording import day_of
from anju.errors import NotFound
from anju.store import recording_ends as ends
from anju.store import recording_locks as locks
from anju.store import recordings
from anju.store.database import Database
from anju.store.recording_ends import Piece
from anju.store.recordings import Flag, Recording

T0 = int(datetime(2026, 11, 22, 8, 0, tzinfo=UTC).timestamp() * 1000)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
M = 60_000


def file(minute: int, channel: str = "c1", duration: int = M, volume: int = 1) -> Recording:
    gops = ((0, 700), (2_000, 400_000), (4_000, 812_345))
    return Recording(channel, T0 + minute * M, duration, volume, 1_000_000, "avc1.640028", Flag.GAP, gops, 1920, 1080)


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 2**40)), max_size=40))
def test_groups_of_pictures_survive_packing(steps: list[tuple[int, int]]) -> None:
    gops, at, offset = [], 0, 0
    for step, more in steps:
        at, offset = at + step, offset + more
        gops.append((at, offset))
    assert recordings.unpack(recordings.pack(gops)) == tuple(gops)


def test_a_group_of_pictures_takes_about_five_bytes() -> None:
    gops = [(each * 2_000, 700 + each * 1_000_000) for each in range(30)]
    assert len(recordings.pack(gops)) <= 5 * 30


@pytest.mark.parametrize("name", ["", "../x", "a/b", "通道"])
def test_a_channel_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        recordings.name_of(name, T0)


def test_a_file_lies_by_channel_and_day() -> None:
    assert file(0).name == f"c1/20261122/{T0}.mp4"
    assert recordings.sound_of("c1", T0, "g711a") == f"c1/20261122/{T0}.alaw"


async def test_a_file_is_found_by_any_of_its_instants(db: Database) -> None:
    await recordings.add(db, [file(0), file(1), file(9), file(1, "c2")])
    assert await recordings.at(db, "c1", T0 + 61_000) == [file(1)]
    assert await recordings.at(db, "c1", T0 + 3 * M, limit=5) == [file(9)]
    assert await recordings.at(db, "c1", T0 + 59_999, limit=5) == [file(0), file(1), file(9)]
    assert await recordings.at(db, "c1", T0 + 10 * M) == []


async def test_what_is_written_down_again_counts_once(db: Database) -> None:
    await recordings.add(db, [file(0)])
    await recordings.add(db, [file(0), file(1)])
    (held,) = await recordings.held(db, ["c1"], today=day_of(NOW))
    assert (held.bytes, held.days, held.oldest_ms, held.newest_ms) == (2_000_000, 1, T0, T0 + 2 * M)
    assert held.per_day == pytest.approx(1_000_000 * 1440)
    assert (held.width, held.height) == (1920, 1080)


async def test_a_camera_of_which_nothing_is_held(db: Database) -> None:
    (held,) = await recordings.held(db, ["c9"], today=day_of(NOW))
    assert (held.bytes, held.days, held.oldest_ms, held.per_day) == (0, 0, None, 0.0)


async def test_spans_close_seams_and_show_gaps(db: Database) -> None:
    files = [file(0, duration=M - 1_500), file(1), file(2, duration=M - 2_500), file(3), file(10)]
    await recordings.add(db, files)
    assert await recordings.spans(db, "c1", T0 + 1, T0 + 11 * M - 1) == [
        (T0 + 1, T0 + 3 * M - 2_500),
        (T0 + 3 * M, T0 + 4 * M),
        (T0 + 10 * M, T0 + 11 * M - 1),
    ]
    assert await recordings.pieces(db, ["c1", "c2"], T0 + 3 * M, T0 + 4 * M) == {
        "c1": [(T0 + 3 * M, T0 + 4 * M)],
        "c2": [],
    }


async def test_evidence_outlives_what_ends_its_neighbours(db: Database) -> None:
    await recordings.add(db, [file(each) for each in range(5)])
    lock = await locks.lock(db, "c1", T0 + M, T0 + 2 * M, reason="盗窃案", by="民警甲", at=NOW)
    free = [T0, T0 + 2 * M, T0 + 3 * M]
    assert [each.start_ms for each in await ends.over(db, {"c1": T0 + 4 * M}, limit=9)] == free
    assert [each.start_ms for each in await ends.oldest(db, 1, {"c1": T0 + 4 * M}, usual_ms=0, limit=9)] == free
    assert await locks.locks(db, "c1", T0, T0 + 9 * M) == [lock]
    await locks.release(db, lock.id, by="民警甲", at=NOW)
    assert len(await ends.over(db, {"c1": T0 + 4 * M}, limit=9)) == 4
    with pytest.raises(NotFound):
        await locks.release(db, lock.id, by="民警甲", at=NOW)


async def test_the_oldest_of_a_volume_go_first_and_no_floor_is_broken(db: Database) -> None:
    await recordings.add(db, [file(0, "c2"), file(1), file(2, "c3"), file(3, volume=2)])
    found = await ends.oldest(db, 1, {"c2": 0}, usual_ms=T0 + 9 * M, limit=9)
    assert [each.channel_id for each in found] == ["c1", "c3"]


async def test_a_row_goes_before_its_file(db: Database) -> None:
    await recordings.add(db, [file(0), file(1)])
    assert await ends.discard(db, [Piece("c1", T0, M), Piece("c1", 5, M)], why="age", at=NOW) == 1
    assert await recordings.at(db, "c1", T0) == [file(1)]
    (held,) = await recordings.held(db, ["c1"], today=day_of(NOW))
    assert held.bytes == 1_000_000
    (garbage,) = await ends.garbage(db, [1], limit=9)
    assert garbage.names() == [file(0).name]
    assert await recordings.known(db, 1, "c1", T0, T0 + 9 * M) == {T0, T0 + M}
    await ends.unlinked(db, [garbage])
    assert await ends.garbage(db, [1], limit=9) == []


async def test_a_file_belongs_to_the_local_day_of_its_start(db: Database) -> None:
    before_midnight = Recording("c1", T0 + 8 * 60 * M - M, M, 1, 5, "avc1", Flag(0), ((0, 9),))
    await recordings.add(db, [before_midnight, file(8 * 60)])
    rows = await db.fetch("SELECT day, files FROM recording_day ORDER BY day")
    assert rows == [(date(2026, 11, 22), 1), (date(2026, 11, 23), 1)]
    assert recordings.local_day(T0) == (NOW - timedelta(days=2)).date()
