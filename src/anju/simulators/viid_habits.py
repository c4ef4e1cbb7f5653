"""How cameras of several makes write GA/T 1400 bodies: by the book, and with the habits met in the field.

Source: GA/T 1400.3 and .4 (objects, wrappers); field samples (object for list, numbers as texts, GBK, odd base64).
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from anju.protocols.viid_ids import IMAGE, SEEN, BasicId, SeenId, stamp
from anju.protocols.viid_kinds import KINDS
from anju.simulators.viid_line import Dialect

Base64 = Literal["plain", "lines", "url", "uri", "unpadded"]
PATHS = {
    "motor_vehicle": "/VIID/MotorVehicles",
    "non_motor_vehicle": "/VIID/NonMotorVehicles",
    "face": "/VIID/Faces",
    "person": "/VIID/Persons",
}
_TEXTS = frozenset({"PlateClass", "PlateColor", "VehicleColor", "VehicleBrand", "Direction", "Type", "GenderCode"})
_MISSPELT = {"PlateNo": "PlatgeNo", "EventSort": "EvenSort", "PassTime": "passTime"}


@dataclass(frozen=True, slots=True)
class Habits:
    """What a make does otherwise than the standard says."""

    single: bool = False  # one object instead of a list of one
    swapped: bool = False  # FaceObjectList for FaceListObject
    text_numbers: bool = False  # "1" for 1
    number_codes: bool = False  # 5 for "5"
    long_numbers: bool = False  # identifiers of 41 digits without quotes
    empty_members: bool = False  # every member of the standard, most of them ""
    misspelt: bool = False
    milliseconds: bool = False  # times of 17 digits
    charset: Literal["utf-8", "gbk"] = "utf-8"
    mark: bool = False  # a byte order mark in front
    base64: Base64 = "plain"
    digest: Dialect = "auth"
    content_type: str = "application/VIID+JSON"
    lower_paths: bool = False
    empty_keepalive: bool = False


HABITS = {
    "book": Habits(),
    "face terminal": Habits(base64="lines", content_type="application/json", empty_keepalive=True),
    "gateway": Habits(single=True, text_numbers=True, long_numbers=True, digest="old"),
    "integrator": Habits(empty_members=True, text_numbers=True, charset="gbk", base64="uri", content_type="text/plain"),
    "java": Habits(digest="unpadded", milliseconds=True, number_codes=True, base64="url"),
    "careless": Habits(swapped=True, misspelt=True, mark=True, base64="unpadded", digest="upper", lower_paths=True),
}
"""Makes by what they are known for; ``book`` does nothing odd."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture that goes along: its ImageType and its file."""

    type: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera saw, before any habit. ``members`` are those of the standard for its kind."""

    kind: str
    device: str
    at: datetime
    serial: int  # 0..99999, of that second
    members: dict[str, Any]
    pictures: tuple[Shown, ...] = ()

    @property
    def image(self) -> BasicId:
        """Return the identifier of the picture it was seen in."""
        return BasicId(self.device, IMAGE, self.at, self.serial)

    @property
    def object_id(self) -> str:
        """Return the 48 digits that name it."""
        return str(SeenId(self.image, SEEN[self.kind], 1))


def written(kind: str, seen: Sequence[Seen], habits: Habits, *, spoiled: bool = False) -> bytes:
    """Return the body that tells of ``seen``; ``spoiled`` breaks the base64 of every picture."""
    spec = KINDS[kind]
    items = [_object(each, habits, spoiled=spoiled) for each in seen]
    inner = {spec.item: items[0] if habits.single and len(items) == 1 else items}
    wrapper = spec.wrapper.replace("ListObject", "ObjectList") if habits.swapped else spec.wrapper
    body = msgspec.json.encode({wrapper: inner})
    if habits.charset != "utf-8":
        body = body.decode().encode(habits.charset)
    return b"\xef\xbb\xbf" + body if habits.mark else body


def _object(seen: Seen, habits: Habits, *, spoiled: bool) -> dict[str, Any]:
    spec = KINDS[seen.kind]
    found: dict[str, Any] = dict.fromkeys(spec.table, "") if habits.empty_members else {}
    found |= {
        spec.id: seen.object_id,
        "InfoKind": 1,
        "SourceID": str(seen.image),
        "DeviceID": seen.device,
        **seen.members,
    }
    if seen.pictures:
        images = [_image(seen, each, habits, spoiled=spoiled) for each in seen.pictures]
        found["SubImageList"] = {"SubImageInfoObject": images[0] if habits.single and len(images) == 1 else images}
    return _bent(found, habits)


def _image(seen: Seen, shown: Shown, habits: Habits, *, spoiled: bool) -> dict[str, Any]:
    found = {
        "ImageID": str(seen.image),
        "EventSort": 10 if seen.kind == "face" else 1,
        "DeviceID": seen.device,
        "Type": shown.type,
        "FileFormat": "Jpeg",
        "ShotTime": stamp(seen.at),
        "Width": shown.width,
        "Height": shown.height,
        "Data": "!" + coded(shown.data, "plain")[:40] if spoiled else coded(shown.data, habits.base64),
    }
    return _bent(found, habits)


def _bent(found: dict[str, Any], habits: Habits) -> dict[str, Any]:
    return {
        _MISSPELT.get(name, name) if habits.misspelt else name: _value(name, value, habits)
        for name, value in found.items()
    }


def _value(name: str, value: Any, habits: Habits) -> Any:
    if habits.text_numbers and isinstance(value, int | float):
        return str(int(value)) if isinstance(value, bool) else str(value)
    if habits.number_codes and name in _TEXTS and str(value).isdigit():
        return int(value)
    if habits.long_numbers and name in {"SourceID", "ImageID"}:
        return int(value)
    if habits.milliseconds and name in {"PassTime", "ShotTime"} and value:
        return f"{value}000"
    return value


def coded(data: bytes, form: Base64) -> str:
    """Return ``data`` in base64 of one of the forms met in the field."""
    plain = base64.b64encode(data).decode()
    if form == "lines":
        return "\r\n".join(plain[start : start + 76] for start in range(0, len(plain), 76))
    if form == "url":
        return plain.replace("+", "-").replace("/", "_")
    if form == "uri":
        return f"data:image/jpeg;base64,{plain}"
    return plain.rstrip("=") if form == "unpadded" else plain
