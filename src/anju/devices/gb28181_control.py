"""What somebody wants of a camera, in GB/T 28181's orders: PTZCmd and its relatives.

Source: 5.1.2.4 (control of devices); GB/T 28181-2016 A.2.3.1, A.3.
"""

from anju.domain.video import Ptz, PtzAct
from anju.errors import Invalid
from anju.protocols import ptz
from anju.protocols.manscdp_control import (
    AlarmReset,
    DragZoom,
    Guard,
    HomePosition,
    KeyFrame,
    Order,
    PtzCommand,
    Reboot,
    Record,
)
from anju.protocols.ptz import Aux, Cruise, CruiseAct, Lens, Move, PresetAct, PresetOrder, Scan, ScanAct

WINDOW = (1_920, 1_080)
"""Pixels of the window a box is told in: cameras want whole numbers."""
AGAIN_S = 0.1
"""A stop that got lost leaves a camera turning: it is sent twice."""
TO_DEVICE = frozenset({PtzAct.REBOOT, PtzAct.GUARD, PtzAct.ALARM_RESET})
"""What is ordered of the whole device where the channel's own has no meaning of its own."""
_PRESETS = {
    PtzAct.PRESET_SET: PresetAct.SET,
    PtzAct.PRESET_CALL: PresetAct.CALL,
    PtzAct.PRESET_DELETE: PresetAct.DELETE,
}
_CRUISES = {
    PtzAct.CRUISE_ADD: CruiseAct.ADD,
    PtzAct.CRUISE_REMOVE: CruiseAct.REMOVE,
    PtzAct.CRUISE_SPEED: CruiseAct.SPEED,
    PtzAct.CRUISE_DWELL: CruiseAct.DWELL,
    PtzAct.CRUISE_START: CruiseAct.START,
}
_SCANS = {
    PtzAct.SCAN_START: ScanAct.START,
    PtzAct.SCAN_LEFT: ScanAct.LEFT,
    PtzAct.SCAN_RIGHT: ScanAct.RIGHT,
    PtzAct.SCAN_SPEED: ScanAct.SPEED,
}


def stops(wanted: Ptz) -> bool:
    """Return whether this ends a movement."""
    still = not (wanted.pan or wanted.tilt or wanted.zoom)
    lens = {PtzAct.FOCUS, PtzAct.IRIS}
    return (wanted.act is PtzAct.MOVE and still) or (wanted.act in lens and not wanted.value)


def order_of(wanted: Ptz) -> Order:
    """Return the order for ``wanted``. Raises Invalid for numbers no camera has."""
    instruction = _instruction(wanted)
    if instruction is None:
        return _other(wanted)
    try:
        return PtzCommand(ptz.encode(instruction), name=wanted.name)
    except ValueError as error:
        raise Invalid("ptz", str(error)[:200]) from error


def _instruction(wanted: Ptz) -> ptz.Instruction | None:
    act, number, more = wanted.act, wanted.number, wanted.extra or wanted.value
    if act in {PtzAct.MOVE, PtzAct.CRUISE_STOP, PtzAct.SCAN_STOP}:
        return Move(wanted.pan, wanted.tilt, _zoom(wanted.zoom)) if act is PtzAct.MOVE else Move()
    if act in {PtzAct.FOCUS, PtzAct.IRIS}:
        return Lens(focus=wanted.value) if act is PtzAct.FOCUS else Lens(iris=wanted.value)
    if act in _PRESETS:
        return PresetOrder(_PRESETS[act], number)
    if act in _CRUISES:
        return Cruise(_CRUISES[act], number, more)
    if act in _SCANS:
        return Scan(_SCANS[act], number, more)
    return Aux(number or 1, bool(wanted.value)) if act is PtzAct.AUX else None


def _zoom(speed: int) -> int:
    """Return a speed of 255 steps in the 15 that there are; a slow one still moves."""
    steps = -(-abs(speed) * 15 // 255)
    return steps if speed > 0 else -steps


def _other(wanted: Ptz) -> Order:
    match wanted.act:
        case PtzAct.HOME:
            on = wanted.value > 0
            return HomePosition(on, wanted.value if on else None, wanted.number if on else None)
        case PtzAct.RECORD:
            return Record(bool(wanted.value))
        case PtzAct.GUARD:
            return Guard(bool(wanted.value))
        case PtzAct.DRAG_IN | PtzAct.DRAG_OUT:
            return _drag(wanted)
        case PtzAct.KEY_FRAME:
            return KeyFrame()
    return Reboot() if wanted.act is PtzAct.REBOOT else AlarmReset()


def _drag(wanted: Ptz) -> DragZoom:
    if wanted.box is None:
        raise Invalid("ptz", "a box of the picture is needed")
    x, y, width, height = wanted.box
    across, down = WINDOW
    middle = (round((x + width / 2) * across), round((y + height / 2) * down))
    size = (max(1, round(width * across)), max(1, round(height * down)))
    return DragZoom(wanted.act is PtzAct.DRAG_IN, across, down, *middle, *size)
