"""Streams of FFmpeg's making and of ours, as they come over a network: whole, cut, lossy, out of order, lying."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anju.protocols import rtp_nal
from anju.protocols.frames import Codec, Frame
from anju.protocols.ps import PsMuxer
from anju.protocols.ps_demux import PsDemuxer
from anju.protocols.rtp import Packetiser
from anju.protocols.rtp_frames import FrameReader
from anju.protocols.rtp_units import UnitReader
from anju.protocols.ts import TsDemuxer
from tests.video_streams import STEP, Clip, clip, frames_of, muxed, pictured, sent, wanted

BOTH = pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])


def packets(made: Clip, *, first: int = 0, start: int = 0, said: Codec | None = None, maps: bool = True) -> list[bytes]:
    """Return ``made`` as a camera sends it: PS over RTP."""
    muxer, to = PsMuxer(said or made.codec, maps=maps), Packetiser(0x2FCD8C91, sequence=first)
    times = [start + number * STEP for number in range(len(made.units))]
    return [
        packet
        for number, (unit, time) in enumerate(zip(made.units, times, strict=True))
        for packet in to.packets(muxer.video(unit, time, key=made.key(number)), time)
    ]


@BOTH
def test_a_program_stream_gives_back_the_pictures(codec: Codec) -> None:
    made, reader = clip(codec), FrameReader()
    frames = frames_of(packets(made), reader)
    assert pictured(frames) == wanted(made)
    assert [frame.key for frame in frames] == [made.key(number) for number in range(30)]
    assert [frame.pts for frame in frames] == [number * STEP for number in range(30)]
    assert reader.kind == "ps"


@BOTH
@pytest.mark.parametrize(("kind", "name"), [("rtp", ""), ("rtp_mpegts", "ts")])
def test_what_ffmpeg_sends_is_told_by_its_bytes(codec: Codec, kind: str, name: str) -> None:
    made, reader = clip(codec), FrameReader({96: "PS"})
    frames = frames_of(sent("", kind, codec), reader)
    assert reader.kind == (name or codec)
    assert pictured(frames) == wanted(made)[: len(frames)]
    assert len(frames) >= 29  # the last of a transport stream ends with the next


@BOTH
def test_the_track_says_what_a_player_needs(codec: Codec) -> None:
    reader = FrameReader()
    frames_of(packets(clip(codec)), reader)
    assert reader.track is not None
    assert (reader.track.coding, reader.track.width, reader.track.height) == (codec, 320, 240)


@BOTH
@pytest.mark.parametrize("kind", ["vob", "dvd"])
@pytest.mark.parametrize("cut", [1, 188, 1400, 65536])
def test_no_byte_of_a_program_stream_of_ffmpeg_is_lost(codec: Codec, kind: str, cut: int) -> None:
    data, demuxer = muxed(kind, codec, 6), PsDemuxer()
    pieces = [piece for at in range(0, len(data), cut) for piece in demuxer.feed(data[at : at + cut])]
    pieces += demuxer.feed(b"", ends=True)
    assert b"".join(piece.data for piece in pieces) == b"".join(clip(codec, 6).units)
    assert not demuxer.odd


@BOTH
@pytest.mark.parametrize("cut", [1, 187, 188, 1316])
def test_a_transport_stream_survives_any_cut(codec: Codec, cut: int) -> None:
    data, demuxer = muxed("mpegts", codec, 6), TsDemuxer()
    pieces = [piece for at in range(0, len(data), cut) for piece in demuxer.feed(data[at : at + cut])]
    assert [piece.codec for piece in pieces] == [codec] * 5
    assert [piece.pts for piece in pieces] == [pieces[0].pts + STEP * number for number in range(5)]  # type: ignore[operator]


@BOTH
def test_a_map_that_lies_about_the_codec_is_not_believed(codec: Codec) -> None:
    other = Codec.H265 if codec is Codec.H264 else Codec.H264
    frames = frames_of(packets(clip(codec), said=other))
    assert {frame.codec for frame in frames} == {codec}
    assert pictured(frames) == wanted(clip(codec))


@BOTH
def test_no_map_at_all_is_no_hindrance(codec: Codec) -> None:
    assert pictured(frames_of(packets(clip(codec), maps=False))) == wanted(clip(codec))


@BOTH
def test_who_joins_late_waits_for_the_next_parameter_sets(codec: Codec) -> None:
    late = [p for p in packets(clip(codec), maps=False) if int.from_bytes(p[4:8], "big") >= 3 * STEP]
    frames = frames_of(late)
    assert frames[0].key
    assert pictured(frames) == wanted(clip(codec))[10:]


@pytest.mark.parametrize("first", [65_530, 65_500, 0])
def test_sequence_numbers_and_time_stamps_wrap(first: int) -> None:
    frames = frames_of(packets(clip(Codec.H264), first=first, start=(1 << 33) - 5 * STEP))
    assert pictured(frames) == wanted(clip(Codec.H264))
    assert {after.pts - before.pts for before, after in pairwise(frames)} == {STEP}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1 << 30), share=st.floats(0, 0.3))
def test_neighbours_that_change_places_break_nothing(seed: int, share: float) -> None:
    chance, sent_packets = random.Random(seed), packets(clip(Codec.H264))
    for at in range(1, len(sent_packets) - 1):
        if chance.random() < share:
            sent_packets[at], sent_packets[at + 1] = sent_packets[at + 1], sent_packets[at]
    assert pictured(frames_of(sent_packets)) == wanted(clip(Codec.H264))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1 << 30), share=st.floats(0, 0.3))
def test_what_comes_twice_counts_once(seed: int, share: float) -> None:
    chance = random.Random(seed)
    twice = [each for p in packets(clip(Codec.H264)) for each in ([p, p] if chance.random() < share else [p])]
    assert pictured(frames_of(twice)) == wanted(clip(Codec.H264))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1 << 30), share=st.floats(0.0, 0.1))
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_every_frame_that_is_not_marked_broken_is_whole(codec: Codec, seed: int, share: float) -> None:
    chance = random.Random(seed)
    kept = [p for p in packets(clip(codec)) if chance.random() >= share]
    whole = [tuple(each) for each in wanted(clip(codec))]
    assert all(tuple(each) in whole for each in pictured(frames_of(kept)))


def test_the_frame_after_a_whole_one_was_lost_is_marked() -> None:
    kept = [p for p in packets(clip(Codec.H264)) if int.from_bytes(p[4:8], "big") != 4 * STEP]
    assert [frame.broken for frame in frames_of(kept)][3:6] == [False, True, False]


def test_a_lost_packet_breaks_its_frame_alone() -> None:
    sent_packets = packets(clip(Codec.H264))
    of_five = [at for at, p in enumerate(sent_packets) if int.from_bytes(p[4:8], "big") == 5 * STEP]
    del sent_packets[of_five[3]]
    assert [number for number, frame in enumerate(frames_of(sent_packets)) if frame.broken] == [5]


def changed(made: Clip, change: Callable[[int, bytes], bytes]) -> list[Frame]:
    """Return the frames of ``made`` after ``change`` was done to each pack."""
    muxer, to = PsMuxer(made.codec), Packetiser(7)
    return frames_of(
        [
            packet
            for number, unit in enumerate(made.units)
            for packet in to.packets(
                change(number, muxer.video(unit, number * STEP, key=made.key(number))), number * STEP
            )
        ]
    )


def _length_zero(_: int, pack: bytes) -> bytes:
    at = pack.index(b"\0\0\1\xe0")
    return pack[: at + 4] + b"\0\0" + pack[at + 6 :] if pack.count(b"\0\0\1\xe0") == 1 else pack


def _too_short(_: int, pack: bytes) -> bytes:
    at = pack.index(b"\0\0\1\xe0")
    return pack[: at + 4] + (200).to_bytes(2, "big") + pack[at + 6 :]


def _too_long(_: int, pack: bytes) -> bytes:
    at = pack.rindex(b"\0\0\1\xe0")
    size = int.from_bytes(pack[at + 4 : at + 6], "big")
    return pack[: at + 4] + min(size + 300, 65_535).to_bytes(2, "big") + pack[at + 6 :]


def _stuffed(_: int, pack: bytes) -> bytes:
    return pack[:13] + b"\xfd" + b"\xff\xff\0\0\0" + pack[14:]


def _private(number: int, pack: bytes) -> bytes:
    return pack + b"\0\0\1\xbd" + (300).to_bytes(2, "big") + bytes([number % 256, 0, 0, 1, 0xBA]) * 60


def _padded(_: int, pack: bytes) -> bytes:
    return pack + bytes(37)


def _clocks_still(_: int, pack: bytes) -> bytes:
    at = pack.index(b"\0\0\1\xe0")
    return pack[: at + 9] + b"\x21\0\1\0\1" + pack[at + 14 :]


@BOTH
@pytest.mark.parametrize(
    "change",
    [_length_zero, _too_short, _too_long, _stuffed, _private, _padded, _clocks_still],
    ids=lambda f: f.__name__,
)
def test_odd_program_streams_give_their_pictures(codec: Codec, change: Callable[[int, bytes], bytes]) -> None:
    frames = changed(clip(codec), change)
    assert pictured(frames) == wanted(clip(codec))[: len(frames)]
    assert len(frames) >= 29
    assert all(after.pts > before.pts for before, after in pairwise(frames))


def test_time_stamps_of_rtp_that_never_move_are_no_hindrance() -> None:
    made = clip(Codec.H264)
    muxer, to = PsMuxer(made.codec), Packetiser(7)
    still = [
        packet
        for number, unit in enumerate(made.units)
        for packet in to.packets(muxer.video(unit, number * STEP, key=made.key(number)), 0, marker=False)
    ]
    assert pictured(frames_of(still))[:29] == wanted(made)[:29]


def test_a_stamp_for_every_packet_is_no_hindrance() -> None:
    made = clip(Codec.H264)
    muxer, to = PsMuxer(made.codec), Packetiser(7)
    data = b"".join(muxer.video(unit, n * STEP, key=made.key(n)) for n, unit in enumerate(made.units))
    each = [to.packet(data[at : at + 1400], at, marker=False) for at in range(0, len(data), 1400)]
    assert pictured(frames_of(each)) == wanted(made)[:29]


def test_a_marker_behind_every_packet_of_a_picture_costs_the_first_picture_at_most() -> None:
    made = clip(Codec.H264, width=640, height=480)
    muxer, to, wire = PsMuxer(made.codec), Packetiser(7), []
    for number, unit in enumerate(made.units):
        first, *more = muxer.video(unit, number * STEP, key=made.key(number)).split(b"\0\0\1\xe0")
        parts = [first + b"\0\0\1\xe0" + more[0], *(b"\0\0\1\xe0" + each for each in more[1:])]
        wire += [packet for part in parts for packet in to.packets(part, number * STEP)]
    assert pictured(frames_of(wire))[-28:] == wanted(made)[1:29]


def test_extension_and_padding_are_skipped() -> None:
    plain = packets(clip(Codec.H264))
    dressed = [
        bytes((p[0] | 0x31,)) + p[1:12] + b"CSRC" + b"\xbe\xde\0\1" + b"ext!" + p[12:] + b"\0\0\3" for p in plain
    ]
    assert pictured(frames_of(dressed)) == wanted(clip(Codec.H264))


def test_sound_beside_the_picture_keeps_its_own_clock() -> None:
    made, to, sound = clip(Codec.H264), Packetiser(7), Packetiser(9, payload_type=8)
    muxer = PsMuxer(made.codec)
    mixed = []
    for number, unit in enumerate(made.units):
        mixed += to.packets(muxer.video(unit, number * STEP, key=made.key(number)), number * STEP)
        mixed += sound.packets(b"\xd5" * 320, number * 320, marker=False)
    frames = frames_of(mixed)
    heard = [frame for frame in frames if frame.codec is Codec.G711A]
    assert pictured(frames) == wanted(made)
    assert {after.pts - before.pts for before, after in pairwise(heard)} == {STEP}


def test_sound_in_the_program_stream_is_sound() -> None:
    muxer, to = PsMuxer(Codec.H264, Codec.G711A), Packetiser(7)
    made = clip(Codec.H264)
    mixed = [
        packet
        for number, unit in enumerate(made.units)
        for packet in to.packets(
            muxer.video(unit, number * STEP, key=made.key(number)) + muxer.audio(b"\xd5" * 320, number * STEP),
            number * STEP,
        )
    ]
    frames = frames_of(mixed)
    assert pictured(frames) == wanted(made)
    assert [frame.data for frame in frames if frame.codec is Codec.G711A] == [b"\xd5" * 320] * 30


def test_a_clock_that_goes_back_is_counted_and_time_still_rises() -> None:
    made, reader = clip(Codec.H264), FrameReader()
    frames = frames_of(packets(made, start=90_000 * 500) + packets(made, first=700), reader)
    assert all(after.pts > before.pts for before, after in pairwise(frames))
    assert reader.odd["time stamps that jump"] == 1


def test_a_new_parameter_set_makes_a_new_track() -> None:
    small, big, reader = clip(Codec.H264), clip(Codec.H264, width=640, height=360), FrameReader()
    frames_of(packets(small), reader)
    before = reader.track
    frames_of(packets(big), reader)
    assert before is not None
    assert reader.track is not None
    assert (before.width, reader.track.width) == (320, 640)


def test_the_codec_may_change_under_way() -> None:
    reader = FrameReader()
    frames_of(packets(clip(Codec.H264)), reader)
    frames = frames_of(packets(clip(Codec.H265)), reader)
    assert {frame.codec for frame in frames} == {Codec.H265}
    assert reader.track is not None
    assert reader.track.coding is Codec.H265


def test_several_slices_are_one_picture() -> None:
    made = clip(Codec.H264, slices=4)
    frames = frames_of(packets(made))
    assert len(frames) == 30
    assert pictured(frames) == wanted(made)


@BOTH
def test_nal_units_in_rtp_come_back_whole(codec: Codec) -> None:
    made, to = clip(codec), Packetiser(7, sequence=65_000)
    wire = [p for n in range(30) for p in rtp_nal.packets(to, codec, made.nals(n), n * STEP)]
    assert max(map(len, wire)) <= 1412
    assert pictured(frames_of(wire)) == wanted(made)


def test_annex_b_in_rtp_is_understood() -> None:
    made, to = clip(Codec.H264), Packetiser(7)
    wire = [p for n, unit in enumerate(made.units) for p in to.packets(unit, n * STEP)]
    assert pictured(frames_of(wire)) == wanted(made)


def test_another_source_is_refused_while_the_first_one_sends() -> None:
    units = UnitReader()
    good, other = Packetiser(1), Packetiser(2)
    found = [
        unit.data
        for number in range(20)
        for unit in units.feed(good.packets(b"good", number) + other.packets(b"other", number), 10 + number / 25)
    ]
    assert set(found) == {b"good"}
    assert units.counts.refused == 20


def test_another_source_is_followed_once_the_first_is_silent() -> None:
    units = UnitReader()
    units.feed(Packetiser(1).packets(b"old", 1), 10.0)
    assert [unit.data for unit in units.feed(Packetiser(2).packets(b"new", 1), 10.6)] == [b"new"]


def test_the_source_agreed_on_is_followed_at_once() -> None:
    units = UnitReader(2)
    units.feed(Packetiser(1).packets(b"stray", 1), 10.0)
    assert [unit.data for unit in units.feed(Packetiser(2).packets(b"ours", 1), 10.01)] == [b"ours"]


def test_control_packets_are_not_taken_for_media() -> None:
    units = UnitReader()
    report = bytes.fromhex("80c80006") + bytes(24)
    assert units.feed([report], 10.0) == []
    assert units.source is None


def test_a_recorder_that_counts_anew_is_followed() -> None:
    units, old, new = UnitReader(), Packetiser(1, sequence=30_000), Packetiser(1, sequence=0)
    found = units.feed(old.packets(bytes(5000), 1), 10.0)
    found += units.feed(new.packets(bytes(5000), 2), 10.1)
    assert [(len(unit.data), unit.broken) for unit in found] == [(5000, False), (5000, False)]
    assert units.counts.lost == 0


def test_a_gap_is_given_up_in_time() -> None:
    units, to = UnitReader(), Packetiser(1)
    wire = to.packets(bytes(7000), 1)
    assert units.feed(wire[:2] + wire[3:], 10.0) == []
    (unit,) = units.feed([], 10.2)
    assert unit.broken
    assert units.counts.lost == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=60))
def test_any_bytes_are_taken(found: list[bytes]) -> None:
    units, reader = UnitReader(), FrameReader()
    for number, data in enumerate(found):
        for unit in units.feed([data], number / 10):
            reader.feed(unit)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_program_streams_with_any_damage_end_in_order(data: st.DataObject) -> None:
    made = clip(Codec.H264, 12)
    muxer = PsMuxer(Codec.H264)
    whole = b"".join(muxer.video(unit, n * STEP, key=made.key(n))[:3000] for n, unit in enumerate(made.units[:8]))
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=40))
    cut = data.draw(st.integers(1, 4000))
    good = b"".join(muxer.video(made.units[10], (90 + n) * STEP, key=True) for n in range(3))  # beyond any false length
    wire = whole[:at] + junk + whole[at + data.draw(st.integers(0, 40)) :] + good
    demuxer = PsDemuxer()
    pieces = [piece for start in range(0, len(wire), cut) for piece in demuxer.feed(wire[start : start + cut])]
    pieces += demuxer.feed(b"", ends=True)
    assert pieces[-1].data.endswith(made.units[10])
