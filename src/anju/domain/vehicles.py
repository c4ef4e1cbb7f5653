"""Passages of vehicles: from what a plate camera told to what is kept, shown, searched and sent up.

Source: 5.2.2.1 (where, when, in or out, plate, type, colour, resident kind, pictures), 4.2.2 (uniform cleaning).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from anju.domain import plates
from anju.domain.captures import WAYS, Captured, Picture, check_lengths, chosen, new_id, number, text, way, when
from anju.domain.cleaning import Reporter

KINDS = {"motor_vehicle": "motor", "non_motor_vehicle": "non_motor"}
NEAR = timedelta(seconds=10)
"""The same plate, lane and direction again within this is linked with the first, not left out."""
NEAR_DUPLICATE, KEY_REUSED, CORRECTED = "near_duplicate", "key_reused", "corrected"
_GA_24_8 = dict(zip("ABCDEFGHIJ", ("2", "3", "6", "12", "4", "10", "9", "5", "8", "1"), strict=True))
COLORS = frozenset((*map(str, range(1, 14)), "99"))
"""ColorType of GA/T 1400: 1 black, 2 white, 3 grey, 4 red, 5 blue, 6 yellow, 7 orange, 8 brown, 9 green, 99 other."""
_DETAIL = frozenset(
    {
        *("Direction", "DrivingStatusCode", "UsingPropertiesCode", "VehicleStyles", "VehicleLength", "VehicleWidth"),
        *("VehicleHeight", "VehicleColorDepth", "PlateNoAttach", "PlateDescribe", "IsDecked", "IsAltered"),
        *("IsCovered", "IsModified", "HitMarkInfo", "NumOfPassenger", "NameOfPassedRoad", "Sunvisor", "SafetyBelt"),
        *("Calling", "PlateCharReliability", "BrandReliability", "HasPlate", "InfoKind", "SourceID", "TollgateID"),
        *("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY", "VehicleType", "FilmColor"),
    }
)


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle that passed one device. Codes are those of GA/T 1400 part 3.

    ``id`` tells the millisecond of ``received_at``. ``plate`` is in normal form, None where none was read;
    ``plate_text`` is what the device wrote. ``speed`` is km/h, ``reliability`` 0 to 100. ``direction`` is in, out or
    nothing. ``near_id`` is the passage this one most likely repeats. ``reading`` holds what the device said of each
    field that a person corrected since.
    """

    id: UUID
    received_at: datetime
    site_id: str
    place_id: str
    place_path: str
    place_name: str
    jurisdiction: str
    device_id: str
    device_name: str
    lane: str
    kind: str
    object_id: str
    passed_at: datetime
    clock_offset_ms: int | None
    direction: str
    plate: str | None
    plate_text: str
    plate_kind: str
    plate_class: str
    plate_color: str
    vehicle_class: str
    vehicle_color: str
    brand: str
    model: str
    speed: float | None
    reliability: int | None
    resident_kind: str
    resident_id: str
    flags: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    near_id: UUID | None = None
    version: int = 1
    reading: dict[str, Any] = field(default_factory=dict)

    def flagged(self, *flags: str) -> "Passage":
        """Return the same passage with ``flags`` added once."""
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *flags))))


def body(passage: Passage) -> dict[str, Any]:
    """Return ``passage`` as the log, the tiers above and the console see it: JSON only."""
    found: dict[str, Any] = msgspec.to_builtins(passage)
    return found


written = msgspec.json.Encoder().encode
"""Returns the JSON text of ``body`` without making it first."""


def read_body(stored: Mapping[str, Any]) -> Passage:
    """Return the passage that ``body`` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(stored, Passage, strict=False)


def check(passage: Passage) -> None:
    """Raise ValueError where a passage told by another node cannot be one of ours."""
    lengths = {"plate": 32, "device_id": 64, "lane": 16, "object_id": 128, "resident_id": 64, "resident_kind": 32}
    check_lengths(passage, lengths)
    if passage.kind not in KINDS.values() or passage.direction not in WAYS:
        raise ValueError("no kind or direction of a passage")


def passage(
    told: Captured, reporter: Reporter, *, at: datetime, pictures: tuple[Picture, ...] = (), passes: str = ""
) -> Passage:
    """Return the passage that ``told`` by the device ``reporter``, received at ``at``, stands for.

    ``passes`` is the direction registered for the lane or the device: it counts where the object says none. An odd
    plate, colour or clock is a flag; no passage is lost to it. Source: 5.2.2.1.
    """
    members, timed = told.members, when(told.at, at=at)
    plate_text = text(members, "PlateNo", 64)
    plate = plates.normalise(plate_text)
    plate_class = _two_digits(text(members, "PlateClass", 8))
    plate_color, odd = color(text(members, "PlateColor", 8))
    vehicle_color, odd_too = color(text(members, "VehicleColor", 8))
    against = plates.contradictions(plate.kind, plate_class, plate_color)
    flags = (*told.flags, *timed.flags, *plate.flags, *against, *(("code_unknown",) if odd or odd_too else ()))
    return Passage(
        new_id(at),
        at,
        reporter.site_id,
        reporter.place_id,
        reporter.place_path,
        reporter.place_name,
        reporter.jurisdiction,
        reporter.device_id,
        reporter.device_name,
        text(members, "LaneNo", 16),
        KINDS[told.kind],
        told.object_id[:128],
        timed.at,
        timed.offset_ms,
        way(members.get("InOut")) or passes,
        plate.plate,
        plate_text,
        plate.kind,
        plate_class,
        plate_color,
        text(members, "VehicleClass", 8),
        vehicle_color,
        text(members, "VehicleBrand", 32),
        text(members, "VehicleModel", 64),
        number(members, "Speed"),
        _percent(number(members, "PlateReliability")),
        text(members, "ResidentKind", 32),
        text(members, "ResidentID", 64),
        tuple(dict.fromkeys(flags)),
        pictures,
        chosen(members, _DETAIL),
    )


def color(told: str) -> tuple[str, bool]:
    """Return the ColorType that ``told`` means, and whether it is in no table; GA 24.8 letters are mapped (C04)."""
    found = _GA_24_8.get(told) or told.lstrip("0")
    return (found, False) if not found or found in COLORS else ("99", True)


def _two_digits(told: str) -> str:
    return told.zfill(2) if told.isdigit() else told


def _percent(told: float | None) -> int | None:
    return int(told) if told is not None and 0 <= told <= 100 else None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says a passage's fields should have been; None leaves a field as it is. ``reason`` is why."""

    reason: str
    plate: str | None = None
    plate_class: str | None = None
    plate_color: str | None = None
    vehicle_class: str | None = None
    vehicle_color: str | None = None
    direction: str | None = None

    def changed(self) -> dict[str, str]:
        """Return the fields it sets."""
        told = {name: getattr(self, name) for name in CORRECTABLE}
        return {name: value for name, value in told.items() if value is not None}


CORRECTABLE = ("plate", "plate_class", "plate_color", "vehicle_class", "vehicle_color", "direction")


def corrected(passage: Passage, correction: Correction) -> Passage:
    """Return the next version of ``passage``. What the device read stays beside it in ``reading``.

    An empty plate says that there was none. Source: 5.2.2.2 (feeds the accuracy figure).
    """
    changed: dict[str, Any] = correction.changed()
    if "plate" in changed:
        found = plates.normalise(changed["plate"])
        changed |= {"plate": found.plate, "plate_kind": found.kind}
    reading = {name: getattr(passage, name) for name in changed} | passage.reading
    return replace(passage, **changed, reading=reading, version=passage.version + 1).flagged(CORRECTED)
