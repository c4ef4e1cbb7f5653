"""Streams made by FFmpeg's own encoders and muxers, which know nothing of ours, and the way through our readers."""

import io
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np

from anju.protocols import nal
from anju.protocols.frames import Codec, Frame
from anju.protocols.rtp_frames import FrameReader
from anju.protocols.rtp_units import UnitReader

ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}
STEP = 3600  # 25 pictures a second


@dataclass(frozen=True)
class Clip:
    """Pictures as an encoder gave them: Annex B access units, and the same without start codes."""

    codec: Codec
    units: tuple[bytes, ...]
    gop: int

    def nals(self, number: int) -> list[bytes]:
        return nal.split(self.units[number])

    def key(self, number: int) -> bool:
        return number % self.gop == 0


@cache
def clip(codec: Codec, count: int = 30, *, width: int = 320, height: int = 240, gop: int = 10, slices: int = 1) -> Clip:
    """Return ``count`` pictures of a moving pattern."""
    with av.open(io.BytesIO(), "w", format="h264" if codec is Codec.H264 else "hevc") as sink:
        stream = _stream(sink, codec, width, height, gop, slices)
        packets = [bytes(packet) for each in pictures(count, width, height) for packet in stream.encode(each)]
        packets += [bytes(packet) for packet in stream.encode(None)]
    return Clip(codec, tuple(packets), gop)


def _stream(
    sink: av.container.OutputContainer, codec: Codec, width: int, height: int, gop: int, slices: int
) -> av.VideoStream:
    stream = sink.add_stream(ENCODERS[codec], rate=25)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", gop
    if codec is Codec.H264:
        stream.options = {"bf": "0", "preset": "ultrafast", "sc_threshold": "0", "slices": str(slices), "crf": "18"}
    else:
        x265 = f"bframes=0:keyint={gop}:min-keyint={gop}:scenecut=0:log-level=none:repeat-headers=1:open-gop=0"
        stream.options = {"preset": "ultrafast", "x265-params": x265}
    return stream


def pictures(count: int, width: int, height: int) -> Iterable[av.VideoFrame]:
    """Give pictures of a pattern that moves, as an encoder takes them."""
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, 3 * number, axis=1), "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        yield frame


def muxed(kind: str, codec: Codec, count: int = 30, **options: str) -> bytes:
    """Return the pictures of ``clip`` in a container of FFmpeg's: 'mpeg' is a program stream, 'mpegts' the other."""
    made, sink = clip(codec, count), io.BytesIO()
    with av.open(sink, "w", format=kind, options=options) as container:
        _copy(container, made)
    return sink.getvalue()


def sent(url_options: str, kind: str, codec: Codec, count: int = 30, payload_type: int = 96) -> list[bytes]:
    """Return the datagrams FFmpeg sends for the pictures of ``clip``."""
    made = clip(codec, count)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(1)
        url = f"rtp://127.0.0.1:{heard.getsockname()[1]}{url_options}"
        options = {"payload_type": str(payload_type)} if kind == "rtp" else {}
        with av.open(url, "w", format=kind, options=options) as container:
            _copy(container, made)
        return _all(heard)


def _all(heard: socket.socket) -> list[bytes]:
    found = []
    heard.setblocking(False)  # loopback: what was sent is here
    while True:
        try:
            found.append(heard.recv(65536))
        except BlockingIOError:
            return found


def _copy(container: av.container.OutputContainer, made: Clip) -> None:
    stream = _stream(container, made.codec, 320, 240, made.gop, 1)
    for number, unit in enumerate(made.units):
        packet = av.Packet(unit)
        packet.stream, packet.time_base = stream, Fraction(1, 90_000)
        packet.pts = packet.dts = number * STEP
        packet.is_keyframe = made.key(number)
        container.mux(packet)


def frames_of(packets: Sequence[bytes], reader: FrameReader | None = None, *, ordered: bool = False) -> list[Frame]:
    """Return the frames in RTP packets that arrive 40 ms a time stamp."""
    reader = reader or FrameReader()
    units = UnitReader(ordered=ordered)
    found, now = [], 1000.0
    for packet in packets:
        now += 0.001
        found += [frame for unit in units.feed([packet], now) for frame in reader.feed(unit)]
    found += [frame for unit in units.feed([], now + 1) for frame in reader.feed(unit)]
    found += [frame for unit in units.feed([], now + 2) for frame in reader.feed(unit)]
    return found


def pictured(frames: Iterable[Frame]) -> list[list[bytes]]:
    """Return the NAL units that carry pictures, whole frames alone."""
    return [
        [each for each in frame.nals if each[0] not in nal.APART[frame.codec]]
        for frame in frames
        if frame.codec.video and not frame.broken
    ]


def wanted(made: Clip) -> list[list[bytes]]:
    """Return what ``pictured`` must give of ``made``."""
    return [[each for each in nal.split(unit) if each[0] not in nal.APART[made.codec]] for unit in made.units]
