"""Orders from above in our words: what one Anju orders, the one below understands; the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.devices.gb28181_control import order_of
from anju.domain.video import Ptz, PtzAct
from anju.errors import WireError
from anju.protocols.manscdp import read, write
from anju.protocols.manscdp_control import AlarmReset, DragZoom, Guard, PtzCommand, Reboot, Record, order, read_order
from anju.upward.gb28181_cascade_orders import ptz_of

CODE = "51080201011320000001"


def below(wanted: Ptz) -> Ptz | None:
    """Return what the platform below makes of ``wanted``, over the wire."""
    return ptz_of(read_order(read(write(order(1, CODE, order_of(wanted))))))


@pytest.mark.parametrize(
    "wanted",
    [
        Ptz(PtzAct.MOVE, pan=-255, tilt=17),
        Ptz(PtzAct.MOVE, zoom=255),
        Ptz(PtzAct.MOVE),
        Ptz(PtzAct.FOCUS, value=-30),
        Ptz(PtzAct.IRIS, value=20),
        Ptz(PtzAct.PRESET_SET, number=3, name="大门"),
        Ptz(PtzAct.PRESET_CALL, number=255),
        Ptz(PtzAct.PRESET_DELETE, number=1),
        Ptz(PtzAct.CRUISE_ADD, number=1, extra=3),
        Ptz(PtzAct.CRUISE_DWELL, number=1, extra=300),
        Ptz(PtzAct.CRUISE_START, number=1),
        Ptz(PtzAct.SCAN_SPEED, number=1, extra=0x40),
        Ptz(PtzAct.AUX, number=1, value=1),
        Ptz(PtzAct.HOME, number=2, value=60),
        Ptz(PtzAct.HOME),
        Ptz(PtzAct.KEY_FRAME),
    ],
)
def test_what_is_ordered_above_is_what_is_done_below(wanted: Ptz) -> None:
    assert below(wanted) == wanted


@given(st.integers(-255, 255), st.integers(-255, 255), st.integers(-15, 15))
def test_every_movement_passes(pan: int, tilt: int, zoom: int) -> None:
    assert below(Ptz(PtzAct.MOVE, pan=pan, tilt=tilt, zoom=zoom * 17)) == Ptz(
        PtzAct.MOVE, pan=pan, tilt=tilt, zoom=zoom * 17
    )


def test_a_box_passes_to_the_pixel() -> None:
    found = below(Ptz(PtzAct.DRAG_IN, box=(0.25, 0.5, 0.125, 0.25)))
    assert found is not None
    assert found.box == pytest.approx((0.25, 0.5, 0.125, 0.25), abs=1e-3)


@pytest.mark.parametrize("wanted", [Reboot(), Guard(on=False), Guard(on=True), AlarmReset(), Record(on=False)])
def test_arming_alarms_recording_and_restarts_are_nobodys_business_above(
    wanted: Reboot | Guard | AlarmReset | Record,
) -> None:
    assert ptz_of(wanted) is None


def test_bad_digits_and_boxes_are_errors() -> None:
    with pytest.raises(WireError):
        ptz_of(PtzCommand("A50F010180000000"))
    with pytest.raises(WireError):
        ptz_of(DragZoom(True, 100, 100, 500, 500, 10, 10))
