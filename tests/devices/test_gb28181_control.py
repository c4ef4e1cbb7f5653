"""What a guard does with a camera, in the bytes of the standard's own examples."""

import pytest

from anju.devices.gb28181_control import order_of, stops
from anju.domain.commands import ptz_body, read_ptz
from anju.domain.video import Ptz, PtzAct
from anju.errors import Invalid
from anju.protocols.manscdp_control import DragZoom, Guard, HomePosition, PtzCommand


@pytest.mark.parametrize(
    ("wanted", "digits"),
    [
        (Ptz(PtzAct.MOVE), "A50F0100000000B5"),
        (Ptz(PtzAct.MOVE, pan=0x80), "A50F010180000036"),
        (Ptz(PtzAct.MOVE, tilt=0x80), "A50F01080080003D"),
        (Ptz(PtzAct.MOVE, pan=-0x40, tilt=0x60), "A50F010A4060005F"),
        (Ptz(PtzAct.MOVE, zoom=136), "A50F011000008045"),
        (Ptz(PtzAct.MOVE, zoom=-136), "A50F012000008055"),
        (Ptz(PtzAct.FOCUS, value=-0x30), "A50F014230000027"),
        (Ptz(PtzAct.IRIS, value=0x20), "A50F014400200019"),
        (Ptz(PtzAct.FOCUS), "A50F0140000000F5"),
        (Ptz(PtzAct.PRESET_SET, number=3), "A50F018100030039"),
        (Ptz(PtzAct.PRESET_CALL, number=3), "A50F01820003003A"),
        (Ptz(PtzAct.CRUISE_ADD, number=1, extra=3), "A50F01840103003D"),
        (Ptz(PtzAct.CRUISE_DWELL, number=1, value=300), "A50F0187012C1079"),
        (Ptz(PtzAct.CRUISE_STOP, number=1), "A50F0100000000B5"),
        (Ptz(PtzAct.SCAN_LEFT, number=1), "A50F018901010040"),
        (Ptz(PtzAct.AUX, number=1, value=1), "A50F018C01000042"),
    ],
)
def test_orders_print_these_bytes(wanted: Ptz, digits: str) -> None:
    assert order_of(wanted) == PtzCommand(digits)


def test_the_slowest_zoom_still_moves() -> None:
    assert order_of(Ptz(PtzAct.MOVE, zoom=1)) == order_of(Ptz(PtzAct.MOVE, zoom=17))


def test_a_box_is_told_in_pixels() -> None:
    wanted = Ptz(PtzAct.DRAG_IN, box=(0.25, 0.25, 0.5, 0.5))
    assert order_of(wanted) == DragZoom(True, 1920, 1080, 960, 540, 960, 540)


def test_relatives_of_ptz() -> None:
    assert order_of(Ptz(PtzAct.HOME, value=60, number=1)) == HomePosition(True, 60, 1)
    assert order_of(Ptz(PtzAct.GUARD, value=1)) == Guard(True)


@pytest.mark.parametrize("wanted", [Ptz(PtzAct.PRESET_CALL), Ptz(PtzAct.MOVE, pan=256), Ptz(PtzAct.DRAG_IN)])
def test_what_no_camera_can_is_refused(wanted: Ptz) -> None:
    with pytest.raises(Invalid):
        order_of(wanted)


def test_what_stops() -> None:
    moves = [Ptz(PtzAct.MOVE), Ptz(PtzAct.MOVE, pan=1), Ptz(PtzAct.FOCUS), Ptz(PtzAct.PRESET_CALL, number=1)]
    assert [stops(each) for each in moves] == [True, False, True, False]


def test_a_command_survives_its_body() -> None:
    wanted = Ptz(PtzAct.DRAG_IN, name="大门", box=(0.0, 0.5, 1.0, 0.5))
    assert read_ptz(ptz_body("c1", wanted)) == ("c1", wanted)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channel_id": "c1", "act": "fly"},
        {"channel_id": "'; --", "act": "move"},
        {"channel_id": "c1", "act": "move", "pan": 256},
        {"channel_id": "c1", "act": "move", "pan": True},
        {"channel_id": "c1", "act": "move", "more": 1},
        {"channel_id": "c1", "act": "drag_in", "box": [0, 0, 2, 1]},
        {"channel_id": "c1", "act": "drag_in", "box": [0, 0, float("nan"), 1]},
        {"channel_id": "c1", "act": "drag_in", "box": "abcd"},
        {"channel_id": "c1", "act": "preset_set", "name": "x" * 33},
    ],
)
def test_a_malformed_body_moves_nothing(body: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        read_ptz(body)
