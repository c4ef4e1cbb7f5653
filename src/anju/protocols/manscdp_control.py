"""DeviceControl (设备控制) with all its orders: what a platform has a device do.

Source: GB/T 28181-2016 A.2.3.1; GB/T 28181-2022 (precise PTZ, upgrade, card, tracking); 4.2.1.2, 5.4.1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anju.errors import WireError
from anju.protocols.manscdp import Message, Root, answer, code, message
from anju.protocols.manscdp_alarms import methods
from anju.protocols.manscdp_text import LONGEST, read_decimal, read_whole
from anju.protocols.manscdp_xml import Element, element, leaf

Parts = list[Element | None]


@dataclass(frozen=True, slots=True)
class PtzCommand:
    """PTZCmd as hexadecimal digits (see protocols.ptz); a higher ``priority`` wins, 0 tells none."""

    digits: str
    priority: int = 0
    name: str = ""  # 2022: of a preset or a cruise

    def parts(self) -> Parts:
        """Return this as XML."""
        named = element("PTZCmdParams", element("PresetName", self.name)) if self.name else None
        info = element("Info", element("ControlPriority", self.priority)) if self.priority else None
        return [element("PTZCmd", self.digits), named, info]


@dataclass(frozen=True, slots=True)
class Reboot:
    """TeleBoot; for the device, never for a channel."""

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("TeleBoot", "Boot")]


@dataclass(frozen=True, slots=True)
class Record:
    """Start or stop the device's own recording."""

    on: bool
    stream: int | None = None

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("RecordCmd", "Record" if self.on else "StopRecord"), leaf("StreamNumber", self.stream)]


@dataclass(frozen=True, slots=True)
class Guard:
    """Arm or disarm; some cameras tell no alarm before they were armed once."""

    on: bool

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("GuardCmd", "SetGuard" if self.on else "ResetGuard")]


@dataclass(frozen=True, slots=True)
class AlarmReset:
    """End alarms of ``methods`` (empty: all), of one type where ``kind`` is not 0."""

    methods: frozenset[int] = frozenset()
    kind: int = 0

    def parts(self) -> Parts:
        """Return this as XML."""
        joined = "".join(str(each) for each in sorted(self.methods)) or "0"
        kind = leaf("AlarmType", self.kind or None)
        return [element("AlarmCmd", "ResetAlarm"), element("Info", element("AlarmMethod", joined), kind)]


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """Send a key frame now. 2016 spells it IFameCmd, 2022 IFrameCmd: both are sent, both are read."""

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("IFameCmd", "Send"), element("IFrameCmd", "Send")]


@dataclass(frozen=True, slots=True)
class DragZoom:
    """Make a box of the picture fill it (``inward``), or the reverse; all in pixels of the player's window."""

    inward: bool
    width: int
    height: int
    middle_x: int
    middle_y: int
    box_width: int
    box_height: int

    def parts(self) -> Parts:
        """Return this as XML."""
        values = (self.width, self.height, self.middle_x, self.middle_y, self.box_width, self.box_height)
        inside = [element(name, value) for name, value in zip(_DRAG, values, strict=True)]
        return [element("DragZoomIn" if self.inward else "DragZoomOut", *inside)]


@dataclass(frozen=True, slots=True)
class HomePosition:
    """Watch position (看守位): return to ``preset`` after ``reset_s`` without an order."""

    on: bool
    reset_s: int | None = None
    preset: int | None = None

    def parts(self) -> Parts:
        """Return this as XML."""
        more = (leaf("ResetTime", self.reset_s), leaf("PresetIndex", self.preset))
        return [element("HomePosition", element("Enabled", int(self.on)), *more)]


@dataclass(frozen=True, slots=True)
class PrecisePtz:
    """2022: turn to degrees (pan 0..360, tilt -30..90) and a zoom of 1 or more; None leaves an axis as it is."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None

    def parts(self) -> Parts:
        """Return this as XML."""
        axes = (leaf("Pan", self.pan), leaf("Tilt", self.tilt), leaf("Zoom", self.zoom))
        return [element("PTZPreciseCtrl", *axes)]


@dataclass(frozen=True, slots=True)
class TargetTrack:
    """2022: follow what moves: Auto, Manual or Stop."""

    mode: str

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("TargetTrack", self.mode)]


@dataclass(frozen=True, slots=True)
class FormatCard:
    """2022: erase memory card ``number``, 0 for all."""

    number: int

    def parts(self) -> Parts:
        """Return this as XML."""
        return [element("FormatSDCard", self.number)]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """2022: fetch new firmware."""

    firmware: str
    url: str
    manufacturer: str
    session: str

    def parts(self) -> Parts:
        """Return this as XML."""
        values = (self.firmware, self.url, self.manufacturer, self.session)
        names = ("Firmware", "FileURL", "Manufacturer", "SessionID")
        return [element("DeviceUpgrade", *(element(*each) for each in zip(names, values, strict=True)))]


Order = (
    PtzCommand
    | Reboot
    | Record
    | Guard
    | AlarmReset
    | KeyFrame
    | DragZoom
    | HomePosition
    | PrecisePtz
    | TargetTrack
    | FormatCard
    | Upgrade
)
_ANSWERED = (Record, Guard, AlarmReset, HomePosition, Upgrade)
_DRAG = ("Length", "Width", "MidPointX", "MidPointY", "LengthX", "LengthY")


def order(sn: int, device_id: str, wanted: Order) -> Message:
    """Return the Control that has ``device_id`` do what is ``wanted``."""
    return message(Root.CONTROL, "DeviceControl", sn, device_id, *wanted.parts())


def answered(wanted: Order) -> bool:
    """Return whether a Response is due to ``wanted``; one that does not come means unknown, not failed."""
    return isinstance(wanted, _ANSWERED)


def read_order(told: Message) -> Order:
    """Return what a Control orders. Raises WireError for an order that is not known, or that cannot be read."""
    for name, reader in _READERS.items():
        if (found := told.element.first(name)) is not None:
            return reader(found, told.element)
    raise WireError("unknown order", data=",".join(each.name for each in told.element.children)[:200].encode())


def read_home(found: Element) -> HomePosition:
    """Return the watch position in its element."""
    values = found.values()
    reset, preset = values.get("resettime"), values.get("presetindex")
    on = values.get("enabled", "").lower() in {"1", "true"}
    return HomePosition(on, read_whole(reset) if reset else None, read_whole(preset) if preset else None)


def order_answer(told: Message, *, ok: bool = True) -> Message:
    """Return the Response to an order."""
    return answer(told, ok=ok)


def _ptz(found: Element, root: Element) -> Order:
    priority = next((each.value("ControlPriority") for each in root.all("Info")), "")
    params = root.first("PTZCmdParams")
    name = (params.value("PresetName") or params.value("CruiseTrackName"))[:LONGEST] if params else ""
    return PtzCommand(code(found.text), read_whole(priority), name)


def _record(found: Element, root: Element) -> Order:
    stream = root.value("StreamNumber")
    return Record(_one_of(found, "Record", "StopRecord"), read_whole(stream) if stream else None)


def _reset(_: Element, root: Element) -> Order:
    info = root.first("Info") or root
    return AlarmReset(methods(info.value("AlarmMethod")), read_whole(info.value("AlarmType")))


def _drag(found: Element, *, inward: bool) -> Order:
    values = [read_whole(found.value(name), -1) for name in _DRAG]
    if min(values) < 0 or max(values) > 100_000 or 0 in values[:2]:
        raise WireError("unreadable box", data=str(values).encode())
    return DragZoom(inward, *values)


def _precise(found: Element, _: Element) -> Order:
    values = found.values()
    return PrecisePtz(*(read_decimal(values.get(each, "")) for each in ("pan", "tilt", "zoom")))


def _upgrade(found: Element, _: Element) -> Order:
    values = {name: value[:LONGEST] for name, value in found.values().items()}
    return Upgrade(*(values.get(each, "") for each in ("firmware", "fileurl", "manufacturer", "sessionid")))


def _one_of(found: Element, yes: str, no: str) -> bool:
    text = found.text.strip().lower()
    if text not in {yes.lower(), no.lower()}:
        raise WireError("unknown order", data=f"{found.name} {text}"[:200].encode("utf-8", "replace"))
    return text == yes.lower()


_READERS: Mapping[str, Callable[[Element, Element], Order]] = MappingProxyType(
    {
        "PTZCmd": _ptz,
        "TeleBoot": lambda *_: Reboot(),
        "RecordCmd": _record,
        "GuardCmd": lambda found, _: Guard(_one_of(found, "SetGuard", "ResetGuard")),
        "AlarmCmd": _reset,
        "IFameCmd": lambda *_: KeyFrame(),
        "IFrameCmd": lambda *_: KeyFrame(),
        "DragZoomIn": lambda found, _: _drag(found, inward=True),
        "DragZoomOut": lambda found, _: _drag(found, inward=False),
        "HomePosition": lambda found, _: read_home(found),
        "PTZPreciseCtrl": _precise,
        "TargetTrack": lambda found, _: TargetTrack(found.text.strip()[:32]),
        "FormatSDCard": lambda found, _: FormatCard(read_whole(found.text)),
        "DeviceUpgrade": _upgrade,
    }
)
