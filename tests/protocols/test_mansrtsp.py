"""Steps of a playback, by hand-made bodies in both spellings of the version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols import mansrtsp
from anju.protocols.mansrtsp import PAUSE, PLAY, TEARDOWN, Answer, Control


@pytest.mark.parametrize(
    ("control", "wire"),
    [
        (Control(PLAY, 3, scale=2.0), b"PLAY RTSP/1.0\r\nCSeq: 3\r\nScale: 2.0\r\n\r\n"),
        (Control(PLAY, 3, scale=0.25), b"PLAY RTSP/1.0\r\nCSeq: 3\r\nScale: 0.25\r\n\r\n"),
        (Control(PLAY, 4, start=95), b"PLAY RTSP/1.0\r\nCSeq: 4\r\nRange: npt=95-\r\n\r\n"),
        (Control(PLAY, 5), b"PLAY RTSP/1.0\r\nCSeq: 5\r\nRange: npt=now-\r\n\r\n"),
        (Control(PAUSE, 6), b"PAUSE RTSP/1.0\r\nCSeq: 6\r\nPauseTime: now\r\n\r\n"),
        (Control(TEARDOWN, 7), b"TEARDOWN RTSP/1.0\r\nCSeq: 7\r\n\r\n"),
    ],
)
def test_steps_print_these_bytes_and_are_read_back(control: Control, wire: bytes) -> None:
    assert (control.encode(), mansrtsp.read(wire)) == (wire, control)


def test_the_spelling_of_the_standard_is_read() -> None:
    told = mansrtsp.read(b"PLAY MANSRTSP/1.0\nCSeq:3\nScale:-1.0\nRange: npt=now-\n")
    assert told == Control(PLAY, 3, scale=-1.0)


def test_a_request_with_an_address_is_read() -> None:
    assert mansrtsp.read(b"PAUSE rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\nPauseTime: now\r\n\r\n") == Control(PAUSE, 1)


def test_an_answer_is_read() -> None:
    told = mansrtsp.read_answer(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nRTP-Info: seq=1;rtptime=2\r\n\r\n")
    assert told == Answer(200, 3, "seq=1;rtptime=2")
    assert mansrtsp.read_answer(told.encode()) == told


@given(st.binary(max_size=200))
def test_any_bytes_are_a_step_or_an_error(data: bytes) -> None:
    try:
        mansrtsp.read(b"PLAY RTSP/1.0\r\n" + data)
        mansrtsp.read(data)
    except WireError:
        return
