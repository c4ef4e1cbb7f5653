"""Real pictures for tests: two seconds of moving bars, encoded once, repeated for as long as is wanted."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from io import BytesIO

import av
import numpy as np

from anju.protocols import nal
from anju.protocols.fmp4 import Track, track_of
from anju.protocols.frames import CLOCK, Codec, Frame

FPS, GOP = 25, 50
STEP = CLOCK // FPS
ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}
OPTIONS = {
    Codec.H264: {"preset": "ultrafast", "tune": "zerolatency", "g": str(GOP), "x264-params": "scenecut=0"},
    Codec.H265: {"preset": "ultrafast", "tune": "zerolatency", "x265-params": f"keyint={GOP}:scenecut=0:log-level=0"},
}


@cache
def loop(codec: Codec = Codec.H264, width: int = 320, height: int = 180) -> tuple[list[list[bytes]], Track]:
    """Return the NAL units of each picture of the two seconds, and their track."""
    encoder = av.CodecContext.create(ENCODERS[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuv420p", FPS  # type: ignore[attr-defined]
    encoder.options = OPTIONS[codec]
    pictures = [each for number in range(GOP) for each in encoder.encode(_picture(number, width, height))]  # type: ignore[attr-defined]
    pictures += encoder.encode(None)  # type: ignore[attr-defined]
    units = [nal.split(bytes(each)) for each in pictures]
    wanted = nal.PARAMETERS[codec]
    sets = {number: tuple(n for n in units[0] if nal.kind(codec, n) == number) for number in wanted}
    return units, track_of(codec, sets)


def _picture(number: int, width: int, height: int) -> av.VideoFrame:
    columns = np.arange(width, dtype=np.uint8)
    luma = np.broadcast_to(columns + number * 5, (height, width))
    return av.VideoFrame.from_ndarray(np.vstack([luma, np.full((height // 2, width), 128, np.uint8)]), format="yuv420p")


def frames(start: float, seconds: float, codec: Codec = Codec.H264, *, pts: int = 7_000) -> Iterator[Frame]:
    """Yield the pictures of a camera that begins at ``start`` (Unix seconds) and sends for ``seconds``."""
    units, _ = loop(codec)
    for number in range(round(seconds * FPS)):
        at = number % GOP
        yield Frame(codec, pts + number * STEP, at == 0, units[at], start + number / FPS)


def sound(start: float, seconds: float) -> Iterator[Frame]:
    """Yield A-law sound, 40 ms each, that counts."""
    for number in range(round(seconds * 25)):
        yield Frame(Codec.G711A, number * STEP, True, [], start + number / 25, data=bytes([number % 250]) * 320)


def pictures_of(data: bytes) -> list[bytes]:
    """Return all coded pictures of an MP4 file, as an independent reader finds them."""
    with av.open(BytesIO(data), "r") as opened:
        return [bytes(each) for each in opened.demux(video=0) if each.size]


def decoded(path: str) -> int:
    """Return how many pictures an independent decoder makes of a file. Raises where it finds a mistake."""
    with av.open(path, "r") as opened:
        opened.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return sum(1 for _ in opened.decode(video=0))


def broken(frame: Frame) -> Frame:
    """Return the frame as one that lost a part on its way."""
    return replace(frame, broken=True)
