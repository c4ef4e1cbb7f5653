"""Program streams of ours as FFmpeg reads them, and their headers by hand."""

import io

import av
import pytest

from anju.protocols import nal
from anju.protocols.frames import Codec, Frame
from anju.protocols.ps import PsMuxer, crc32, pack_header, time_stamp
from tests.video_streams import STEP, clip


def test_a_pack_header_prints_these_bytes() -> None:
    assert pack_header(0) == bytes.fromhex("000001ba 44 00 04 00 04 01 03 0d 43 f8")


def test_a_time_stamp_prints_these_bytes() -> None:
    assert time_stamp(2, 0x1FFFFFFFF) == bytes.fromhex("2f ff ff ff ff")
    assert time_stamp(2, 90_000) == bytes.fromhex("21 00 05 bf 21")


def test_the_checksum_of_tables_is_that_of_mpeg() -> None:
    assert crc32(b"123456789") == 0x0376E6E7


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_ffmpeg_shows_every_picture_at_its_time(codec: Codec) -> None:
    made, muxer = clip(codec, width=640, height=360), PsMuxer(codec, Codec.G711A)
    data = b"".join(
        muxer.frame(Frame(codec, n * STEP, made.key(n), made.nals(n)))
        + muxer.frame(Frame(Codec.G711A, n * STEP, key=False, data=b"\xd5" * 320))
        for n in range(30)
    )
    with av.open(io.BytesIO(data), "r", format="mpeg") as container:
        shown = list(container.decode(video=0))
        assert {stream.codec_context.name for stream in container.streams} == {
            "h264" if codec is Codec.H264 else "hevc",
            "pcm_alaw",
        }
    times = [frame.pts or 0 for frame in shown]
    assert [time - times[0] for time in times] == [n * STEP for n in range(30)]


def test_a_picture_beyond_64_kilobytes_goes_into_several_packets() -> None:
    data = PsMuxer(Codec.H264).video(b"\0\0\0\1\x65" + b"\x55" * 200_000, 0, key=False)
    assert data.count(b"\0\0\1\xe0") == 4
    assert nal.split(data)[-1].endswith(b"\x55" * 5000)
