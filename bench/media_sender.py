"""Plays cameras for the benchmarks of the media plane: one process that sends a loop of 4 Mbit/s to many ports.

``python -m bench.media_sender udp|tcp SECONDS PORT…``; the loop is encoded once and kept in ``build``.
"""

import io
import pickle
import socket
import sys
import time
from fractions import Fraction
from pathlib import Path

from anju.protocols.frames import Codec
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import Packetiser
from anju.protocols.rtp_tcp import framed

LOOP = Path("build/bench-1080p25-4M.pickle")
FPS, GOP, BITRATE = 25, 50, 4_000_000
STEP = 90_000 // FPS


def loop() -> list[bytes]:
    """Return one group of pictures, 1920×1080, of 4 Mbit/s, as Annex B access units."""
    if not LOOP.is_file():
        LOOP.parent.mkdir(exist_ok=True)
        LOOP.write_bytes(pickle.dumps(_encoded()))
    found: list[bytes] = pickle.loads(LOOP.read_bytes())
    return found


def _encoded() -> list[bytes]:
    import av
    import numpy as np

    noise = np.random.default_rng(7).integers(60, 200, (135, 240, 3), dtype=np.uint8)
    picture = np.kron(noise, np.ones((8, 8, 1), dtype=np.uint8))
    with av.open(io.BytesIO(), "w", format="h264") as sink:
        stream = sink.add_stream("libx264", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 1920, 1080, "yuv420p", GOP
        stream.bit_rate = BITRATE
        rate = "vbv-maxrate=4000:vbv-bufsize=4000:nal-hrd=cbr:force-cfr=1"
        stream.options = {"bf": "0", "preset": "ultrafast", "sc_threshold": "0", "x264-params": rate}
        packets: list[bytes] = []
        for number in range(3 * GOP):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, 5 * number, axis=1), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += [bytes(packet) for packet in stream.encode(frame)]
        packets += [bytes(packet) for packet in stream.encode(None)]
    return packets[GOP : 2 * GOP]


class Packets:
    """The packets of every picture; cameras that are a few pictures apart share them."""

    def __init__(self) -> None:
        self._units = loop()
        self._muxer, self._to = PsMuxer(Codec.H264), Packetiser(0x2FCD8C91)
        self._kept: dict[int, list[bytes]] = {}
        self._next = 0

    def of(self, number: int) -> list[bytes]:
        """Return those of picture ``number``; at most two groups are kept."""
        while self._next <= number:
            unit = self._units[self._next % GOP]
            pack = self._muxer.video(unit, self._next * STEP, key=self._next % GOP == 0)
            self._kept[self._next] = self._to.packets(pack, self._next * STEP)
            self._kept.pop(self._next - 2 * GOP, None)
            self._next += 1
        return self._kept[number]


def send(transport: str, seconds: float, ports: list[int]) -> None:
    """Send to ``ports``, each camera at its own moment of the 40 ms and its own picture of the group."""
    packets, kind = Packets(), socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    lines = [socket.socket(socket.AF_INET, kind) for _ in ports]
    for line, port in zip(lines, ports, strict=True):
        line.connect(("127.0.0.1", port))
    begin, late = time.perf_counter(), 0.0
    for number in range(int(seconds * FPS)):
        for index, line in enumerate(lines):
            due = begin + (number + index / len(lines)) / FPS
            if (wait := due - time.perf_counter()) > 0:
                time.sleep(wait)
            late = max(late, -wait)
            _send_one(line, packets.of(number + index * GOP // len(lines)), transport)
    print(f"{late:.3f}")


def _send_one(line: socket.socket, packets: list[bytes], transport: str) -> None:
    if transport == "tcp":
        line.sendall(framed(packets))
        return
    for packet in packets:
        line.send(packet)


if __name__ == "__main__":
    send(sys.argv[1], float(sys.argv[2]), [int(each) for each in sys.argv[3:]])
