"""Makes the pictures of simulated cameras into H.264 and H.265: groups that decode alone, cut into slices.

Each group is coded by a coder of its own, so that any group may follow any other. The uppermost slice holds only the
black bar with the clock: it is coded apart, from a picture as small as that slice, and takes the place of the first.
Needs PyAV.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
from PIL import Image, ImageDraw, ImageFont

from anju.protocols import nal
from anju.protocols.frames import Codec
from anju.simulators.video_scene import RATE

GROUP = 50  # pictures of one group: 2 s
_BOTH = "scenecut=0:bframes=0:ref=1:rc-lookahead=0:no-deblock=1"
_H264 = f"{_BOTH}:keyint=infinite:threads=1:sliced-threads=0:stitchable=1:weightp=0:mbtree=0"
_H265 = (
    f"{_BOTH}:keyint=-1:pools=1:frame-threads=1:wpp=1:no-sao=1:no-weightp=1:no-temporal-mvp=1"
    ":repeat-headers=1:log-level=0:info=0"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of stream: its size, its bits a second, its slices and how high the uppermost is."""

    codec: Codec
    width: int
    height: int
    bit_rate: int
    slices: int
    bar: int  # pixels


SHAPES = {
    (Codec.H264, "main"): Shape(Codec.H264, 1920, 1080, 4_100_000, 8, 144),
    (Codec.H264, "sub"): Shape(Codec.H264, 640, 360, 500_000, 8, 48),
    (Codec.H265, "main"): Shape(Codec.H265, 1920, 1080, 3_000_000, 8, 128),
    (Codec.H265, "sub"): Shape(Codec.H265, 640, 360, 400_000, 6, 64),
}


def code_group(shape: Shape, pictures: Iterable[Image.Image]) -> list[list[bytes]]:
    """Return one group: the NAL units of each picture, parameter sets before the first, no messages."""
    frames = (_frame(_covered(shape, each)) for each in pictures)
    return _coded(shape, shape.height, shape.bit_rate, shape.slices, frames)


def code_clock(shape: Shape, texts: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the uppermost slice for each picture of a group, which shows each of ``texts`` equally long.

    It takes some 30 ms for large pictures, 90 ms for H.265.
    """
    frames = [_frame(_bar(shape, each)).reformat(format="yuv420p") for each in texts]
    shown = (frames[number * len(texts) // GROUP] for number in range(GROUP))
    coded = _coded(shape, shape.bar, shape.bit_rate // 10, 1, shown)
    return tuple(next(each for each in units if each[0] in nal.SLICE[shape.codec]) for units in coded)


def _coded(shape: Shape, height: int, rate: int, slices: int, frames: Iterable[av.VideoFrame]) -> list[list[bytes]]:
    coder = _coder(shape, height, rate, slices)
    packets = list[bytes]()
    for number, frame in enumerate(frames):
        small = frame.reformat(shape.width, height, "yuv420p")
        small.pts = number
        packets += [bytes(each) for each in coder.encode(small)]
    packets += [bytes(each) for each in coder.encode(None)]
    kept = nal.SLICE[shape.codec] | nal.PARAMETER[shape.codec]
    return [[unit for unit in nal.split(each) if unit[0] in kept] for each in packets]


def _coder(shape: Shape, height: int, rate: int, slices: int) -> av.VideoCodecContext:
    h264 = shape.codec is Codec.H264
    coder = av.CodecContext.create("libx264" if h264 else "libx265", "w")
    assert isinstance(coder, av.VideoCodecContext)  # noqa: S101 - both are of pictures
    coder.width, coder.height, coder.pix_fmt = shape.width, height, "yuv420p"
    coder.framerate, coder.time_base = Fraction(RATE), Fraction(1, RATE)
    coder.bit_rate, coder.thread_count = rate, 1
    bounds = f"slices={slices}:vbv-maxrate={rate // 1000}:vbv-bufsize={rate // 1000}"
    options = f"{_H264 if h264 else _H265}:{bounds}"
    preset = "superfast" if h264 else "ultrafast"
    coder.options = {"preset": preset, "tune": "zerolatency", "x264-params" if h264 else "x265-params": options}
    return coder


def _frame(picture: Image.Image) -> av.VideoFrame:
    return av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call, no-any-return]


def _covered(shape: Shape, picture: Image.Image) -> Image.Image:
    """Blacken what the bar will cover: pictures that follow must not be predicted from what nobody sees."""
    bar = shape.bar * picture.height // shape.height
    picture.paste((0, 0, 0), (0, 0, picture.width, bar))
    return picture


def _bar(shape: Shape, text: str) -> Image.Image:
    image = Image.new("RGB", (shape.width, shape.bar), "black")
    font = ImageFont.load_default(size=shape.height * 5 // 108)
    ImageDraw.Draw(image).text((shape.width // 80, shape.bar // 16), text, font=font, fill="white")
    return image
