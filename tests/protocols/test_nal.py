"""NAL units: cut apart, told apart, and sequence sets of real cameras read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols.frames import Codec
from anju.protocols.nal import guess, read_sps, split

# From public captures: x264 1920x1080 High 4.0, a 1280x720 Main sensor, x265 1920x1080 Main 4.0.
SPS_1080 = bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658")
SPS_720 = bytes.fromhex("674d001f95a814016e40")
SPS_H265 = bytes.fromhex("420101016000000300900000030000030078a003c08010e596566924caf010000003001000000301e080")


def test_start_codes_of_either_length_part_units_and_zeros_between_belong_to_none() -> None:
    assert split(b"junk\0\0\0\1\x67\1\0\0\0\0\1\x68\2\0\0\1\x65\3\0\0") == [b"\x67\1", b"\x68\2", b"\x65\3"]


@pytest.mark.parametrize(
    ("codec", "sps", "size", "name"),
    [
        (Codec.H264, SPS_1080, (1920, 1080), "avc1.640028"),
        (Codec.H264, SPS_720, (1280, 720), "avc1.4d001f"),
        (Codec.H265, SPS_H265, (1920, 1080), "hvc1.1.6.L120.90"),
    ],
)
def test_a_sequence_set_says_size_and_name(codec: Codec, sps: bytes, size: tuple[int, int], name: str) -> None:
    found = read_sps(codec, sps)
    assert ((found.width, found.height), found.name) == (size, name)


@pytest.mark.parametrize(
    ("nal", "codec"), [(SPS_1080, Codec.H264), (SPS_H265, Codec.H265), (b"\x41\x9a\x22\x11", None)]
)
def test_sequence_sets_tell_the_codec(nal: bytes, codec: Codec | None) -> None:
    assert guess([nal]) is codec


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@given(st.binary(max_size=200))
def test_any_bytes_are_a_set_or_an_error(codec: Codec, data: bytes) -> None:
    try:
        assert read_sps(codec, data).width > 0
    except WireError:
        return


@pytest.mark.parametrize("sps", [SPS_1080, SPS_720])
@given(st.data())
def test_a_cut_set_is_an_error_or_still_sensible(sps: bytes, data: st.DataObject) -> None:
    cut = sps[: data.draw(st.integers(0, len(sps)))]
    try:
        assert read_sps(Codec.H264, cut).height <= 16_384
    except WireError:
        return
