"""PTZCmd: eight bytes as 16 hexadecimal digits <-> what a camera shall do.

Source: GB/T 28181-2016 A.3; 5.4.1 (control of cameras).
"""

from dataclasses import dataclass
from enum import StrEnum

from anju.errors import WireError

_FIRST, _SECOND = 0xA5, 0x0F
_RIGHT, _LEFT, _DOWN, _UP, _IN, _OUT = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_LENS, _FAR, _NEAR, _OPEN, _CLOSE = 0x40, 0x01, 0x02, 0x04, 0x08


@dataclass(frozen=True, slots=True)
class Move:
    """Turn and zoom: ``pan`` -255 left to 255 right, ``tilt`` -255 down to 255 up, ``zoom`` -15 out to 15 in.

    All zero stops, a cruise and a scan too; whoever moves must send it.
    """

    pan: int = 0
    tilt: int = 0
    zoom: int = 0


@dataclass(frozen=True, slots=True)
class Lens:
    """``focus`` -255 near to 255 far, ``iris`` -255 close to 255 open; both zero stops."""

    focus: int = 0
    iris: int = 0


class PresetAct(StrEnum):
    """What is done with a preset."""

    SET = "set"
    CALL = "call"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PresetOrder:
    """Keep, take or forget a position."""

    act: PresetAct
    number: int  # 1..255


class CruiseAct(StrEnum):
    """What is done with a cruise, a round of presets."""

    ADD = "add"
    REMOVE = "remove"  # preset 0 removes all
    SPEED = "speed"
    DWELL = "dwell"  # seconds at each preset
    START = "start"


@dataclass(frozen=True, slots=True)
class Cruise:
    """Change or start cruise ``group``. ``value`` is a preset, a speed or seconds (0..4095)."""

    act: CruiseAct
    group: int  # 0..255
    value: int = 0


class ScanAct(StrEnum):
    """What is done with a scan from edge to edge."""

    START = "start"
    LEFT = "left"  # here is its left edge
    RIGHT = "right"
    SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Scan:
    """Change or start scan ``group``; ``value`` is a speed (0..4095)."""

    act: ScanAct
    group: int  # 0..255
    value: int = 0


@dataclass(frozen=True, slots=True)
class Aux:
    """Switch something at the camera; 1 is the wiper."""

    number: int  # 0..255
    on: bool


Instruction = Move | Lens | PresetOrder | Cruise | Scan | Aux
_PRESET = {PresetAct.SET: 0x81, PresetAct.CALL: 0x82, PresetAct.DELETE: 0x83}
_CRUISE = {
    CruiseAct.ADD: 0x84,
    CruiseAct.REMOVE: 0x85,
    CruiseAct.SPEED: 0x86,
    CruiseAct.DWELL: 0x87,
    CruiseAct.START: 0x88,
}
_WIDE = (CruiseAct.SPEED, CruiseAct.DWELL)  # twelve bits
_SCAN, _SCAN_SPEED, _AUX_ON, _AUX_OFF = 0x89, 0x8A, 0x8C, 0x8D
_EDGES = {ScanAct.START: 0, ScanAct.LEFT: 1, ScanAct.RIGHT: 2}


def encode(wanted: Instruction, address: int = 1) -> str:
    """Return the digits for ``wanted``, sent to a camera's ``address`` (0..4095, in practice 1).

    Raises ValueError for numbers out of range.
    """
    code, first, second, third = _parts(wanted)
    if not all(0 <= each <= 255 for each in (code, first, second)) or not 0 <= third <= 15 or not 0 <= address <= 4095:
        raise ValueError(f"out of range: {wanted}")
    body = bytes([_FIRST, _SECOND, address & 0xFF, code, first, second, third << 4 | address >> 8])
    return (body + bytes([sum(body) & 0xFF])).hex().upper()


def decode(digits: str) -> Instruction:
    """Return what ``digits`` order. A direction without speed means the slowest; opposite directions are an error.

    Raises WireError for other lengths, a wrong first byte or sum, and instructions that are not known.
    """
    try:
        body = bytes.fromhex(digits.strip())
    except ValueError:
        body = b""
    if len(body) != 8 or body[0] != _FIRST or body[7] != sum(body[:7]) & 0xFF:
        raise WireError("bad PTZCmd", data=digits[:32].encode("utf-8", "replace"))
    code, first, second, third = body[3], body[4], body[5], body[6] >> 4
    found = _moved(code, first, second, third) if code < 0x80 else _ordered(code, first, second, third)
    if found is None:
        raise WireError("unknown PTZCmd", data=body)
    return found


def _parts(wanted: Instruction) -> tuple[int, int, int, int]:
    match wanted:
        case Move(pan, tilt, zoom):
            code = _bit(pan, _LEFT, _RIGHT) | _bit(tilt, _DOWN, _UP) | _bit(zoom, _OUT, _IN)
            found = code, abs(pan), abs(tilt), abs(zoom)
        case Lens(focus, iris):
            found = _LENS | _bit(focus, _NEAR, _FAR) | _bit(iris, _CLOSE, _OPEN), abs(focus), abs(iris), 0
        case PresetOrder(act, number):
            found = _PRESET[act], 0, number or -1, 0
        case Cruise(act, group, value):
            found = _CRUISE[act], group, *(_wide(value) if act in _WIDE else (value, 0))
        case Scan(ScanAct.SPEED, group, value):
            found = _SCAN_SPEED, group, *_wide(value)
        case Scan(act, group):
            found = _SCAN, group, _EDGES[act], 0
        case Aux(number, on):
            found = _AUX_ON if on else _AUX_OFF, number, 0, 0
    return found


def _wide(value: int) -> tuple[int, int]:
    return value & 0xFF, value >> 8


def _bit(value: int, below: int, above: int) -> int:
    return 0 if value == 0 else (above if value > 0 else below)


def _moved(code: int, first: int, second: int, third: int) -> Instruction | None:
    if code < _LENS:
        axes = (_axis(code, _LEFT, _RIGHT, first), _axis(code, _DOWN, _UP, second), _axis(code, _OUT, _IN, third))
        return None if None in axes else Move(*(each or 0 for each in axes))
    lens = (_axis(code, _NEAR, _FAR, first), _axis(code, _CLOSE, _OPEN, second))
    return None if None in lens or code & 0x30 else Lens(*(each or 0 for each in lens))


def _axis(code: int, below: int, above: int, speed: int) -> int | None:
    """Return the signed speed of one axis, None where both directions are ordered at once."""
    if code & below and code & above:
        return None
    if code & above:
        return speed or 1
    return -(speed or 1) if code & below else 0


def _ordered(code: int, first: int, second: int, third: int) -> Instruction | None:
    for preset, number in _PRESET.items():
        if number == code:
            return PresetOrder(preset, second) if second else None
    for cruise, number in _CRUISE.items():
        if number == code:
            return Cruise(cruise, first, second | third << 8 if cruise in _WIDE else second)
    if code == _SCAN:
        return next((Scan(act, first) for act, edge in _EDGES.items() if edge == second), None)
    if code == _SCAN_SPEED:
        return Scan(ScanAct.SPEED, first, second | third << 8)
    return Aux(first, code == _AUX_ON) if code in {_AUX_ON, _AUX_OFF} else None
