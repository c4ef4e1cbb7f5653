"""Files are read box by box; whatever was cut off or damaged, what is whole before it is found and nothing else."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols.fmp4 import fragment, init_segment
from anju.protocols.frames import Codec, Frame
from anju.protocols.mp4_boxes import Fragment, Read, at_time, fragments, read_init
from tests.media import pictures


def made(codec: Codec = Codec.H264, *, shift: int = 0) -> tuple[bytes, list[bytes]]:
    """Return an init segment and three fragments of two, three and one pictures."""
    units, track = pictures.loop(codec)
    frames = [Frame(codec, n * 3600, n in {0, 2, 5}, units[n], shift=shift * (n % 2)) for n in range(6)]
    parts = [frames[:2], frames[2:5], frames[5:]]
    return init_segment(track), [fragment(n + 1, part[0].pts, part, last=3600) for n, part in enumerate(parts)]


def reader(data: bytes) -> Read:
    return lambda offset, size: data[offset : offset + size]


def found(data: bytes) -> list[Fragment]:
    return list(fragments(reader(data), read_init(reader(data), len(data)).size, len(data)))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_track_is_read_as_it_was_written(codec: Codec) -> None:
    init, _ = made(codec)
    read = read_init(reader(init), len(init))
    assert (read.size, read.track) == (len(init), pictures.loop(codec)[1])
    assert read.entry in init


def test_samples_are_found_where_they_are() -> None:
    init, parts = made()
    whole = init + b"".join(parts)
    first, second, third = found(whole)
    assert [each.base_time for each in (first, second, third)] == [0, 7200, 18_000]
    assert [len(each.samples) for each in (first, second, third)] == [2, 3, 1]
    assert [each.duration for each in (first, second, third)] == [7200, 10_800, 3600]
    assert (first.end, third.end) == (second.offset, len(whole))
    units, _ = pictures.loop()
    at = second.offsets()[1]
    assert whole[at : at + second.samples[1].size] == b"".join(len(n).to_bytes(4, "big") + n for n in units[3])
    assert [each.key for each in second.samples] == [True, False, False]


def test_pictures_shown_later_keep_how_much() -> None:
    init, parts = made(shift=-3600)
    assert [each.shift for each in found(init + parts[0])[0].samples] == [0, -3600]


def test_another_time_changes_nothing_else() -> None:
    init, parts = made()
    (first,) = found(init + parts[0])
    moved = at_time(parts[0], first, 2**40)
    (again,) = found(init + moved)
    assert (again.base_time, again.samples, len(moved)) == (2**40, first.samples, len(parts[0]))


def test_any_cut_leaves_the_whole_fragments_before_it() -> None:
    init, parts = made()
    whole, ends = init + b"".join(parts), [0, 0, 0]
    for number in range(3):
        ends[number] = len(init) + sum(map(len, parts[: number + 1]))
    for cut in range(len(init), len(whole) + 1, 7):
        assert [each.end for each in found(whole[:cut])] == [end for end in ends if end <= cut]


@pytest.mark.parametrize("cut", [0, 7, 27, 200, 500])
def test_without_a_whole_head_there_is_no_file(cut: int) -> None:
    init, _ = made()
    with pytest.raises(WireError):
        read_init(reader(init[:cut]), cut)


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_flipped_byte_never_breaks_the_reader(at: int, byte: int) -> None:
    init, parts = made()
    data = bytearray(init + b"".join(parts))
    data[at % len(data)] = byte
    assert_reads(bytes(data))


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\0\0\0\x08moof", b"\0\0\0\1mdat" + bytes(8)]))))
def test_any_bytes_are_read_without_harm(pieces: Sequence[bytes]) -> None:
    assert_reads(made()[0] + b"".join(pieces))


def assert_reads(data: bytes) -> None:
    """Read, and see that what is found lies inside."""
    try:
        parts = found(data)
    except WireError:
        return
    assert all(each.first + sum(one.size for one in each.samples) <= each.end <= len(data) for each in parts)
