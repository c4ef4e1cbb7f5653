"""The files FFmpeg reads of ours: nothing missing, nothing moved, of the right size and name."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import av
import pytest

from anju.errors import WireError
from anju.protocols.fmp4 import Track, fragment, init_segment, track_of
from anju.protocols.frames import Codec, Frame
from anju.protocols.pictures import Pictures
from tests.video_streams import STEP, clip, wanted

BOTH = pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])


def made(codec: Codec, count: int = 30, *, width: int = 320, height: int = 240) -> tuple[Track, list[Frame]]:
    pictures, frames = Pictures(), []
    for number, unit in enumerate(clip(codec, count, width=width, height=height).units):
        frame = pictures.take(nals(unit), codec)
        assert frame is not None
        frame.pts = number * STEP + 77
        frames.append(frame)
    assert pictures.track is not None
    return pictures.track, frames


def nals(unit: bytes) -> list[bytes]:
    return [part.rstrip(b"\0") for part in unit.split(b"\0\0\1")[1:]]


def packets_of(data: bytes) -> "list[av.Packet[av.VideoStream]]":
    with av.open(io.BytesIO(data), "r") as container:
        return [packet for packet in container.demux(video=0) if packet.size]


@BOTH
def test_a_fragment_for_each_group_is_read_back_bit_by_bit(codec: Codec) -> None:
    track, frames = made(codec)
    data = init_segment(track)
    for number, start in enumerate(range(0, 30, 10), 1):
        data += fragment(number, frames[start].pts - 77, frames[start : start + 10])
    samples = [b"".join(len(n).to_bytes(4, "big") + n for n in each) for each in wanted(clip(codec))]
    assert [bytes(packet) for packet in packets_of(data)] == samples
    assert [packet.dts for packet in packets_of(data)] == [number * STEP for number in range(30)]
    assert [packet.is_keyframe for packet in packets_of(data)] == [frame.key for frame in frames]


@BOTH
@pytest.mark.parametrize(("width", "height"), [(320, 240), (642, 362), (1920, 1080)])
def test_a_fragment_for_each_frame_is_decoded_whole(codec: Codec, width: int, height: int) -> None:
    track, frames = made(codec, 8, width=width, height=height)
    data = init_segment(track) + b"".join(fragment(n + 1, f.pts - 77, [f]) for n, f in enumerate(frames))
    with av.open(io.BytesIO(data), "r") as container:
        shown = list(container.decode(video=0))
    assert len(shown) == 8
    assert (shown[0].width, shown[0].height) == (track.width, track.height) == (width, height)


def test_frames_shown_out_of_order_keep_their_times() -> None:
    track, frames = made(Codec.H264)
    frames[4].shift = 2 * STEP
    found = packets_of(init_segment(track) + fragment(1, 0, frames, last=1800))
    assert [p.pts - p.dts for p in found[3:6]] == [0, 2 * STEP, 0]  # type: ignore[operator]
    assert found[-1].duration == 1800


@BOTH
@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")
def test_ffprobe_has_nothing_to_say_against_it(codec: Codec, tmp_path: Path) -> None:
    track, frames = made(codec)
    path = tmp_path / "one.mp4"
    path.write_bytes(init_segment(track) + fragment(1, 0, frames))
    ask = ["ffprobe", "-v", "warning", "-count_packets", "-show_streams", "-of", "json", str(path)]
    ran = subprocess.run(ask, capture_output=True, check=True, timeout=60)
    (stream,) = json.loads(ran.stdout)["streams"]
    assert ran.stderr == b""
    assert (stream["nb_read_packets"], stream["codec_tag_string"]) == ("30", track.codec[:4])


@pytest.mark.parametrize("sets", [{}, {7: (b"gB",), 8: (b"h",)}, {7: (b"g" + bytes(40),), 8: (b"h",)}])
def test_sets_that_say_nothing_make_no_track(sets: dict[int, tuple[bytes, ...]]) -> None:
    with pytest.raises(WireError):
        track_of(Codec.H264, sets)
