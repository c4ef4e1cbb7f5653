"""Loops are decoded by an independent decoder: whole, of the right size, with the clock and the time of sending."""

from itertools import islice
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops

from anju.protocols import nal
from anju.protocols.frames import Codec
from anju.simulators.video_coder import GROUP, SHAPES, code_clock
from anju.simulators.video_loops import Loop, Loops
from anju.simulators.video_scene import PERIOD, View
from anju.simulators.video_stamp import stamp, stamped

SECOND = 1_772_294_400  # 2026-03-01 00:00 in Beijing
SHAPED = [*SHAPES]


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Loops:
    return Loops(tmp_path_factory.mktemp("loops"))


def decoded(codec: Codec, data: bytes) -> list[Image.Image]:
    reader = av.CodecContext.create(codec.value if codec is Codec.H264 else "hevc", "r")
    assert isinstance(reader, av.VideoCodecContext)
    packets = [*reader.parse(data), *reader.parse(None)]
    frames = [frame for packet in [*packets, None] for frame in reader.decode(packet)]
    return [frame.to_image() for frame in frames]  # type: ignore[no-untyped-call]


async def group(loops: Loops, loop: Loop, number: int, second: int) -> list[bytes]:
    tops = await loops.clock(loop.shape, second)
    return [loop.unit(number + each, top, SECOND * 1000 + each) for each, top in enumerate(tops)]


@pytest.mark.parametrize(("codec", "grade"), SHAPED)
async def test_any_group_follows_any_other(loops: Loops, codec: Codec, grade: str) -> None:
    loop = await loops.loop(codec, grade)
    units = [*await group(loops, loop, GROUP, SECOND), *await group(loops, loop, 0, SECOND + 2)]
    pictures = decoded(codec, b"".join(units))
    assert len(pictures) == 2 * GROUP
    assert {each.size for each in pictures} == {(loop.shape.width, loop.shape.height)}


@pytest.mark.parametrize(("codec", "grade"), SHAPED)
async def test_the_clock_in_the_picture_is_the_one_that_was_asked_for(loops: Loops, codec: Codec, grade: str) -> None:
    loop = await loops.loop(codec, grade)
    pictures = decoded(codec, b"".join(await group(loops, loop, 0, SECOND)))
    bars = [each.crop((0, 0, loop.shape.width, loop.shape.bar)).convert("L") for each in pictures]
    assert difference(bars[0], bars[GROUP // 2 - 1]) < 1
    assert difference(bars[0], bars[GROUP // 2]) > 1  # a second later
    later = decoded(codec, b"".join(await group(loops, loop, 0, SECOND + 86_400)))[0]
    assert difference(bars[0], later.crop((0, 0, loop.shape.width, loop.shape.bar)).convert("L")) > 1


@pytest.mark.parametrize(("codec", "grade"), SHAPED)
async def test_what_lies_under_the_bar_is_never_seen(loops: Loops, codec: Codec, grade: str) -> None:
    loop = await loops.loop(codec, grade)
    last = decoded(codec, b"".join(await group(loops, loop, 0, SECOND)))[-1].convert("L")
    low = last.crop((0, loop.shape.bar * 3 // 4, loop.shape.width, loop.shape.bar - 2))
    assert not any(low.histogram()[40:])  # black


def difference(one: Image.Image, other: Image.Image) -> float:
    counts = ImageChops.difference(one, other).histogram()
    return 1000 * sum(counts[64:]) / sum(counts)


async def test_groups_begin_with_key_pictures_and_their_parameters(loops: Loops) -> None:
    loop = await loops.loop(Codec.H264, "sub")
    assert len(loop.stills) == PERIOD
    assert [number for number, each in enumerate(loop.stills) if each.key] == [*range(0, PERIOD, GROUP)]
    units = nal.split(loop.unit(0, b"\x65top", 5))
    assert nal.guess(units) is Codec.H264
    assert stamped(Codec.H264, units) == 5


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_the_time_of_sending_is_read_back(codec: Codec) -> None:
    assert stamped(codec, [b"\x67sps", stamp(codec, 1_772_294_400_123)]) == 1_772_294_400_123
    assert stamped(codec, [b"\x67sps"]) is None
    assert b"\0\0" not in stamp(codec, 0)


async def test_loops_are_made_once(loops: Loops, tmp_path: Path) -> None:
    first = await Loops(tmp_path).loop(Codec.H264, "sub", View.NEAR)
    made = [(each.name, each.stat().st_mtime_ns) for each in tmp_path.iterdir()]
    assert await Loops(tmp_path).loop(Codec.H264, "sub", View.NEAR) == first
    assert [(each.name, each.stat().st_mtime_ns) for each in tmp_path.iterdir()] == made
    home = await loops.loop(Codec.H264, "sub")
    assert home.stills != first.stills


async def test_cameras_share_the_clock_of_one_second(loops: Loops) -> None:
    shape = SHAPES[Codec.H264, "sub"]
    first = await loops.clock(shape, SECOND + 7)
    assert await loops.clock(shape, SECOND + 7) is first
    assert [*islice(code_clock(shape, ("a", "b")), 2)] != [*first[:2]]
