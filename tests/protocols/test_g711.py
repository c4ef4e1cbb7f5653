"""A-law by the values of ITU-T G.711 and by FFmpeg's own codec."""

from fractions import Fraction

import av
import numpy as np

from anju.protocols import g711

EVERY = bytes(range(256))


def _decoded(name: str) -> bytes:
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 8000, "mono"
    packet = av.Packet(EVERY)
    packet.time_base = Fraction(1, 8000)
    return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in decoder.decode(packet))


def test_every_byte_means_what_ffmpeg_says() -> None:
    assert g711.decode(EVERY) == _decoded("pcm_alaw")


def test_every_byte_comes_back() -> None:
    assert g711.encode(g711.decode(EVERY)) == EVERY


def test_silence_is_the_smallest_step() -> None:
    assert g711.encode(bytes(4)) == g711.SILENCE * 2


def test_the_other_law_turns_into_this_one_within_half_a_step() -> None:
    turned = np.frombuffer(g711.decode(g711.alaw_of_ulaw(EVERY)), "<i2").astype(int)
    meant = np.frombuffer(_decoded("pcm_mulaw"), "<i2").astype(int)
    assert (abs(turned - meant) <= np.maximum(8, abs(meant) // 16)).all()
