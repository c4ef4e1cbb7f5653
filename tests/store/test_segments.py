"""A segment can be walked without the database; what is not whole is told apart from what is."""

import os
import tempfile
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.store import segments
from anju.store.segments import Gap, Record, SegmentWriter

KEY, NONCE = bytes(range(32)), bytes(12)
NAME = "passage/2026-11-22/a.seg"


def written(folder: Path, *pictures: bytes) -> tuple[Path, list[UUID]]:
    writer = SegmentWriter.create(folder, NAME)
    ids = [uuid4() for _ in pictures]
    for blob_id, picture in zip(ids, pictures, strict=True):
        writer.append(segments.seal(blob_id, picture, KEY, NONCE))
    writer.close()
    return folder / NAME, ids


def test_a_walk_finds_every_record(tmp_path: Path) -> None:
    path, ids = written(tmp_path, b"one", b"", b"three" * 1000)
    found = list(segments.walk(path))
    assert [each.blob_id for each in found if isinstance(each, Record)] == ids
    assert [each.end for each in found][-1] == path.stat().st_size


def test_a_record_opens_only_as_itself(tmp_path: Path) -> None:
    path, (first, second) = written(tmp_path, b"one", b"two")
    record = path.read_bytes()[: segments.span(3)]
    assert segments.unseal(record, first, KEY) == b"one"
    for blob_id, key, data in ((second, KEY, record), (first, bytes(32), record), (first, KEY, record[:-1])):
        with pytest.raises(ValueError, match=r"header|written|short"):
            segments.unseal(data, blob_id, key)


@pytest.mark.parametrize("at", range(segments.span(5)))
def test_a_flipped_bit_costs_one_record_and_is_seen(tmp_path: Path, at: int) -> None:
    path, ids = written(tmp_path, b"first", b"other", b"third")
    data = bytearray(path.read_bytes())
    data[segments.span(5) + at] ^= 4
    path.write_bytes(data)
    found = list(segments.walk(path))
    assert [each.blob_id for each in found if isinstance(each, Record)] == [ids[0], ids[2]]
    assert [(each.offset, each.end) for each in found if isinstance(each, Gap)] == [
        (segments.span(5), 2 * segments.span(5))
    ]


@pytest.mark.parametrize("lost", [1, 5, segments.span(5) - 1])
def test_a_tail_cut_short_is_a_gap(tmp_path: Path, lost: int) -> None:
    path, ids = written(tmp_path, b"first", b"other")
    os.truncate(path, path.stat().st_size - lost)
    first, tail = segments.walk(path)
    assert isinstance(first, Record)
    assert first.blob_id == ids[0]
    assert isinstance(tail, Gap)
    assert tail.offset == first.end


def test_an_empty_segment_holds_nothing(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    assert list(segments.walk(path)) == []


def test_its_writer_locks_a_segment(tmp_path: Path) -> None:
    writer = SegmentWriter.create(tmp_path, NAME)
    assert segments.is_being_written(tmp_path / NAME)
    writer.close()
    assert not segments.is_being_written(tmp_path / NAME)


def test_segments_are_for_their_owner_only(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "blobs", b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "blobs").rglob("*") if each.is_dir()} == {0o700}


PIECES = st.one_of(
    st.binary(max_size=60), st.just(segments.MAGIC), st.just(segments.seal(UUID(int=7), b"x", KEY, NONCE))
)


@given(st.lists(PIECES, max_size=12))
def test_a_walk_covers_any_bytes_once_and_in_order(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.seg")
        path.write_bytes(b"".join(pieces))
        ends = [0]
        for each in segments.walk(path):
            assert each.offset == ends[-1]
            ends.append(each.end)
        assert ends[-1] == path.stat().st_size
