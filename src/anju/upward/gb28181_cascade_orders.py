"""Orders from a platform above in our words: what it may have a camera do by PTZCmd and its relatives.

Source: GB/T 28181-2016 A.2.3.1, A.3; 5.1.2.4.
"""

from anju.domain.video import Ptz, PtzAct
from anju.errors import WireError
from anju.protocols import ptz
from anju.protocols.manscdp_control import DragZoom, HomePosition, KeyFrame, Order, PtzCommand
from anju.protocols.ptz import Aux, Cruise, CruiseAct, Lens, Move, PresetAct, PresetOrder, Scan, ScanAct

_PRESETS = {
    PresetAct.SET: PtzAct.PRESET_SET,
    PresetAct.CALL: PtzAct.PRESET_CALL,
    PresetAct.DELETE: PtzAct.PRESET_DELETE,
}
_CRUISES = {
    CruiseAct.ADD: PtzAct.CRUISE_ADD,
    CruiseAct.REMOVE: PtzAct.CRUISE_REMOVE,
    CruiseAct.SPEED: PtzAct.CRUISE_SPEED,
    CruiseAct.DWELL: PtzAct.CRUISE_DWELL,
    CruiseAct.START: PtzAct.CRUISE_START,
}
_SCANS = {
    ScanAct.START: PtzAct.SCAN_START,
    ScanAct.LEFT: PtzAct.SCAN_LEFT,
    ScanAct.RIGHT: PtzAct.SCAN_RIGHT,
    ScanAct.SPEED: PtzAct.SCAN_SPEED,
}
ZOOM_STEP = 17
"""PTZCmd zooms in 15 steps, we in 255."""


def ptz_of(order: Order) -> Ptz | None:
    """Return what ``order`` has a camera do; None for what no upper may order: arming, alarms, recording, restarts.

    Raises WireError where its digits cannot be read. Source: design, commands from above.
    """
    match order:
        case PtzCommand(digits, _, name):
            return _instructed(ptz.decode(digits), name)
        case DragZoom(inward=inward):
            return Ptz(PtzAct.DRAG_IN if inward else PtzAct.DRAG_OUT, box=_box(order))
        case HomePosition(on, reset_s, preset):
            return Ptz(PtzAct.HOME, number=preset or 0, value=(reset_s or 60) if on else 0)
        case KeyFrame():
            return Ptz(PtzAct.KEY_FRAME)
    return None


def _instructed(wanted: ptz.Instruction, name: str) -> Ptz:
    match wanted:
        case Move(pan, tilt, zoom):
            return Ptz(PtzAct.MOVE, pan=pan, tilt=tilt, zoom=zoom * ZOOM_STEP)
        case Lens(focus, iris):
            return Ptz(PtzAct.IRIS, value=iris) if iris else Ptz(PtzAct.FOCUS, value=focus)
        case PresetOrder(act, number):
            return Ptz(_PRESETS[act], number=number, name=name[:32])
        case Cruise(act, group, value):
            return Ptz(_CRUISES[act], number=group, extra=value)
        case Scan(act, group, value):
            return Ptz(_SCANS[act], number=group, extra=value)
        case Aux(number, on):
            return Ptz(PtzAct.AUX, number=number, value=int(on))


def _box(order: DragZoom) -> tuple[float, float, float, float]:
    """Return the box in parts of the picture, cut to its edges."""
    across, down = order.box_width / order.width, order.box_height / order.height
    x, y = order.middle_x / order.width - across / 2, order.middle_y / order.height - down / 2
    left, top = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
    right, bottom = min(max(x + across, 0.0), 1.0), min(max(y + down, 0.0), 1.0)
    if right <= left or bottom <= top:
        raise WireError("box outside the picture", data=str(order).encode()[:200])
    return left, top, right - left, bottom - top
