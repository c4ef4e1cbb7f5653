"""GA/T 1400 (视图库) bodies, bytes <-> objects. No socket, no clock, no database; nothing is ever fetched.

Senders differ: one object for a list, numbers as texts, GBK, byte order marks, broken base64, misspelt members.
All of it is read, and each leniency leaves a flag; ``strict`` refuses what has one. One bad object loses no other.
Source: 4.3 (data items and interface of GA/T 1400.3 and .4); 4.2.1.4, 5.2.2.1 (vehicles), 5.2.2.3 (people).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from anju.errors import ViidError as ViidError  # noqa: PLC0414 - callers find it here
from anju.protocols import viid_members as members
from anju.protocols.viid_ids import JSON_CONTENT, JSON_FORMAT, made_at, stamp, whole
from anju.protocols.viid_members import PERSONAL as PERSONAL  # noqa: PLC0414
from anju.protocols.viid_members import Member, Unfit, identity, instant, text
from anju.protocols.viid_pictures import MARK, TOO_LARGE, Picture, lift
from anju.protocols.viid_pictures import raw_without_pictures as raw_without_pictures  # noqa: PLC0414

OK, OTHER_ERROR, BUSY, DEVICE_ERROR, INVALID_OPERATION = 0, 1, 2, 3, 4
QUALITY = frozenset({"url_refused", "no_time", "incomplete", "id_format", "device_from_id", "nested_objects"})
"""Flags that speak of the content, not of how it was written: ``strict`` lets them pass."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold. Sizes are bytes, ``extras`` are members outside the standard in one object."""

    body: int = 16 * 1024 * 1024
    picture: int = 10 * 1024 * 1024
    objects: int = 1_000
    values: int = 400_000
    depth: int = 64
    images: int = 32  # of one object
    extras: int = 100


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class SubImage:
    """One picture of an object. ``data`` is None where it came without; ``sha256`` is the hexadecimal digest of it.

    ``feature`` tells that a face template came along; the template itself is not kept.
    """

    image_id: str
    type: str
    file_format: str
    shot_at: datetime | None
    width: int
    height: int
    event_sort: int | None
    storage_path: str
    data: bytes | None
    feature: bool
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ViidObject:
    """One object as it was submitted. ``at`` is when it was, from the member ``at_from``; None with flag ``no_time``.

    ``members`` have the standard's names and plain values; no pictures, no passwords, nothing that is for the police
    only. Those in PERSONAL must be sealed before they are stored. ``flags`` tell every oddity once.
    """

    kind: str
    object_id: str
    device_id: str
    tollgate_id: str
    source_id: str
    at: datetime | None
    at_from: str
    members: dict[str, Any]
    images: tuple[SubImage, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bad:
    """An object that cannot be used: the ``index``-th of its request, to be answered with ``code`` and ``message``.

    ``reason`` is the word it is counted by.
    """

    index: int
    object_id: str
    code: int
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """A whole submission: its objects in order, and its bytes as they may be kept."""

    objects: list[ViidObject | Bad]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """How objects of one kind are wrapped, named and dated. Times of ``first`` go before those of the pictures."""

    wrapper: str
    item: str
    id: str
    digits: int
    table: dict[str, Member]
    first: tuple[str, ...] = ("ShotTime",)
    last: tuple[str, ...] = ("LocationMarkTime", "MarkTime")
    needed: tuple[str, ...] = ("InfoKind", "SourceID", "DeviceID")

    @property
    def names(self) -> frozenset[str]:
        """Return every name, in small letters, under which the objects may lie."""
        stem = self.item.removesuffix("Object")
        return frozenset(
            f"{stem}{end}".lower() for end in ("Object", "ListObject", "ObjectList", "List", "s", "Info", "")
        )


KINDS = {
    "motor_vehicle": Kind(
        "MotorVehicleListObject", "MotorVehicleObject", "MotorVehicleID", 48, members.MOTOR_VEHICLE,
        ("ShotTime", "PassTime", "AppearTime"),
    ),
    "non_motor_vehicle": Kind(
        "NonMotorVehicleListObject", "NonMotorVehicleObject", "NonMotorVehicleID", 48, members.NON_MOTOR_VEHICLE,
        ("ShotTime", "PassTime", "AppearTime"),
    ),
    "face": Kind("FaceListObject", "FaceObject", "FaceID", 48, members.FACE, ("ShotTime", "FaceAppearTime")),
    "person": Kind(
        "PersonListObject", "PersonObject", "PersonID", 48, members.PERSON, ("ShotTime", "PersonAppearTime")
    ),
    "image": Kind(
        "ImageListObject", "Image", "ImageID", 41, members.IMAGE, needed=("InfoKind", "ShotTime", "DeviceID")
    ),
    "ape": Kind("APEListObject", "APEObject", "ApeID", 20, members.APE, (), (), ("Name",)),
    "tollgate": Kind("TollgateListObject", "TollgateObject", "TollgateID", 20, members.TOLLGATE, (), (), ("Name",)),
    "lane": Kind("LaneListObject", "LaneObject", "TollgateID", 20, members.LANE, (), (), ("LaneNo",)),
}  # fmt: skip
THINGS = frozenset({"ape", "tollgate", "lane"})  # they stand somewhere and have no moment
_NAMES = {kind: {each.lower(): each for each in (*spec.table, "SubImageList")} for kind, spec in KINDS.items()}
_MISSPELT = {
    "platgeno": "PlateNo", "platenumber": "PlateNo", "plateno.": "PlateNo", "platgecolor": "PlateColor",
    "platgeclass": "PlateClass", "platecolour": "PlateColor", "vehiclecolour": "VehicleColor", "evensort": "EventSort",
    "wriklepouch": "WrinklePouch", "leftopx": "LeftTopX", "leftopy": "LeftTopY", "righttbtmx": "RightBtmX",
    "rightbtomx": "RightBtmX", "rightbtomy": "RightBtmY", "facedisapeartime": "FaceDisAppearTime",
    "subimageinfolist": "SubImageList", "subimagelistobject": "SubImageList", "subimages": "SubImageList",
    "imagelist": "SubImageList", "deviceld": "DeviceID", "sourceld": "SourceID", "apeld": "ApeID",
    "passtme": "PassTime",    "shotplacefulladdress": "ShotPlaceFullAdress",
}  # fmt: skip
_SUB_NAMES = {each.lower(): each for each in (*members.SUB_IMAGE, "Data")}
_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_EXTRA_TEXT = 1_024  # characters
_FEATURES = frozenset({"FeatureInfoObject", "FeatureList", "FeatureObject", "FeatureData"})
_NO_CONTENT = frozenset({"Password", "Data"})
_NESTED = re.compile(r"(Face|Person|MotorVehicle|NonMotorVehicle|Thing|Scene|File)(Object)?List(Object)?")
_AROUND = b" \r\n\t\0"


def parse_batch(kind: str, body: bytes, *, strict: bool = False, limits: Limits = LIMITS) -> list[ViidObject | Bad]:
    """Return what ``body`` submits of ``kind``, in order; ``kind`` is a key of KINDS.

    Raises ViidError, with the StatusCode to answer, where the whole body is unusable or beyond ``limits``.
    """
    return read_request(kind, body, strict=strict, limits=limits).objects


def read_request(kind: str, body: bytes, *, strict: bool = False, limits: Limits = LIMITS) -> Request:
    """Return the objects like parse_batch together with the raw record: one pass over the pictures serves both.

    Source: 4.3 (GA/T 1400 objects); 7-d (bounded, refused, counted).
    """
    if len(body) > limits.body:
        raise ViidError(JSON_CONTENT, f"more than {limits.body} bytes", data=body[:64])
    body, around = _unwrapped(body)
    lifted = lift(body, largest=limits.picture)
    value, odd = _decoded(lifted.text, limits)
    items, wrapped = _submitted(KINDS[kind], value)
    if len(items) > limits.objects:
        raise ViidError(JSON_CONTENT, f"more than {limits.objects} objects", data=body[:64])
    flags = (*around, *odd, *wrapped)
    reader = _Objects(kind, lifted.pictures, flags, limits, strict=strict)
    return Request([reader.read(index, each) for index, each in enumerate(items)], lifted.text)


def _unwrapped(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Take off a byte order mark, and turn UTF-16 into UTF-8."""
    if body.startswith(b"\xef\xbb\xbf"):
        return body[3:].strip(_AROUND), ("bom",)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").encode(), ("bom", "charset")
    return body, ()


def _decoded(text: bytes, limits: Limits) -> tuple[Any, tuple[str, ...]]:
    if sum(map(text.count, (b",", b"{", b"["))) > limits.values:
        raise ViidError(JSON_CONTENT, f"more than {limits.values} values", data=text[:64])
    try:
        return msgspec.json.decode(text), ()
    except RecursionError as error:
        raise ViidError(JSON_FORMAT, "nested too deep", data=text[:64]) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decoded_loosely(text)


def _decoded_loosely(text: bytes) -> tuple[Any, tuple[str, ...]]:
    flags = list[str]()
    try:
        words = _charset(text, flags)
        value = json.loads(
            words.strip("\ufeff \r\n\t\0"), strict=False, parse_int=_whole, parse_float=_real, parse_constant=_nothing
        )
    except (ValueError, RecursionError) as error:
        raise ViidError(JSON_FORMAT, "no JSON", data=text[:64]) from error
    return value, tuple(flags or ("json_loose",))


def _charset(text: bytes, flags: list[str]) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        flags.append("charset")
        return text.decode("gb18030")


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < 64 else digits


def _real(digits: str) -> float | None:
    found = float(digits)
    return found if abs(found) < 1e300 else None


def _nothing(_word: str) -> None:
    return None


def _submitted(spec: Kind, body: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Return the list of objects in ``body``, whatever lies around it."""
    if isinstance(body, dict) and isinstance(inner := body.get(spec.wrapper), dict):
        items = inner.get(spec.item)
        if isinstance(items, list):
            return items, ()
    return _found(spec, body)


def _found(spec: Kind, value: Any) -> tuple[list[Any], tuple[str, ...]]:
    path, exact = list[str](), [spec.wrapper, spec.item]
    while len(path) <= 3 and isinstance(value, dict):
        name = next((each for each in value if each.lower() in spec.names), None)
        if name is None:
            break
        path.append(name)
        value = value[name]
    flags = ("wrapper",) if path != exact else ()
    if isinstance(value, list):
        return value, flags
    if isinstance(value, dict) and value and (path or spec.id in value):
        return [value], (*flags, "single_object")
    raise ViidError(JSON_CONTENT, f"no {spec.wrapper} with {spec.item}")


class _Objects:
    """Reads the objects of one request."""

    def __init__(
        self, kind: str, pictures: dict[str, Picture], flags: tuple[str, ...], limits: Limits, *, strict: bool
    ) -> None:
        self._kind, self._spec, self._names = kind, KINDS[kind], _NAMES[kind]
        self._pictures, self._flags, self._limits, self._strict = pictures, flags, limits, strict

    def read(self, index: int, raw: Any) -> ViidObject | Bad:
        """Return the object, or why it cannot be used."""
        flags = list(self._flags)
        try:
            found = self._object(raw, flags)
        except Unfit as error:
            return Bad(index, _name_of(raw, self._spec.id), error.code, error.message, error.reason)
        if self._strict and (odd := set(found.flags) - QUALITY):
            return Bad(index, found.object_id, JSON_CONTENT, "strict: " + ", ".join(sorted(odd)), "strict")
        return found

    def _object(self, raw: Any, flags: list[str]) -> ViidObject:
        if not isinstance(raw, dict):
            raise Unfit("not_an_object", "not an object")
        if self._kind == "image":
            raw = _flat_image(raw, flags)
        found, images = self._members(raw, flags)
        return self._whole(found, images, flags)

    def _whole(self, found: dict[str, Any], images: tuple[SubImage, ...], flags: list[str]) -> ViidObject:
        spec, object_id = self._spec, found.get(self._spec.id)
        if object_id is None:
            raise Unfit("no_id", f"{spec.id} missing")
        if any(each not in found for each in spec.needed):
            flags.append("incomplete")
        at, at_from = (None, "") if self._kind in THINGS else _dated(spec, found, images, object_id, flags)
        return ViidObject(
            kind=self._kind,
            object_id=object_id,
            device_id=found.get("DeviceID") or _device(self._kind, object_id, flags),
            tollgate_id=found.get("TollgateID", ""),
            source_id=found.get("SourceID", ""),
            at=at,
            at_from=at_from,
            members=found,
            images=images,
            flags=tuple(dict.fromkeys(flags)) if flags else (),
        )

    def _members(self, raw: dict[str, Any], flags: list[str]) -> tuple[dict[str, Any], tuple[SubImage, ...]]:
        found, extras = dict[str, Any](), dict[str, Any]()
        images: tuple[SubImage, ...] = ()
        table, note = self._spec.table, flags.append
        for name, value in raw.items():
            member = table.get(name)
            if member is not None:
                if value is not None and value != "" and (read := _read(name, member, value, note)) is not None:
                    found[name] = read
            elif name == "SubImageList":
                images = self._images(value, flags)
            elif value is not None and name not in members.POLICE_ONLY:
                extras[name] = value
        if extras:
            images = self._extras(extras, found, images, flags)
        return found, images

    def _extras(
        self, extras: dict[str, Any], found: dict[str, Any], images: tuple[SubImage, ...], flags: list[str]
    ) -> tuple[SubImage, ...]:
        """Read what has no name of the standard: misspelt members under their right one, others as they are."""
        for name, value in extras.items():
            right = self._names.get(name.lower()) or _MISSPELT.get(name.lower())
            if right == "SubImageList" and not images:
                flags.append("alias")
                images = self._images(value, flags)
            elif right in self._spec.table and right not in found:
                flags.append("alias")
                read = _read(name, self._spec.table[right], value, flags.append) if value != "" else None
                found.update({} if read is None else {right: read})
            else:
                _keep_extra(found, name, value, flags, self._limits)
        return images

    def _images(self, value: Any, flags: list[str]) -> tuple[SubImage, ...]:
        items = _listed(value, flags)
        if len(items) > self._limits.images:
            raise Unfit("too_many_images", f"more than {self._limits.images} pictures")
        return tuple(self._image(each, flags) for each in items if isinstance(each, dict) and each)

    def _image(self, raw: dict[str, Any], flags: list[str]) -> SubImage:
        found, data, feature, note = dict[str, Any](), None, False, flags.append
        for given, value in raw.items():
            name = given if given in members.SUB_IMAGE else _SUB_NAMES.get(given.lower(), given)
            if name in members.SUB_IMAGE:
                if value is not None and value != "":
                    found[name] = _read(name, members.SUB_IMAGE[name], value, note)
            elif name == "Data" and value:
                data = value
            elif name in _FEATURES:
                feature = feature or bool(value)
        return self._picture(found, data, flags, feature=feature)

    def _picture(self, found: dict[str, Any], mark: Any, flags: list[str], *, feature: bool) -> SubImage:
        data = self._data(mark, flags) if mark else None
        return SubImage(
            image_id=found.get("ImageID") or "",
            type=found.get("Type") or "",
            file_format=found.get("FileFormat") or "",
            shot_at=instant(found["ShotTime"]) if found.get("ShotTime") else None,
            width=max(0, found.get("Width") or 0),
            height=max(0, found.get("Height") or 0),
            event_sort=found.get("EventSort"),
            storage_path=found.get("StoragePath") or "",
            data=data,
            feature=feature,
            sha256=mark.removeprefix(MARK) if data is not None else "",
        )

    def _data(self, mark: Any, flags: list[str]) -> bytes | None:
        if mark == TOO_LARGE:
            raise Unfit("picture_too_large", f"a picture of more than {self._limits.picture} bytes")
        picture = self._pictures.get(mark) if isinstance(mark, str) else None
        if picture is None:
            raise Unfit("picture_odd", "a picture that is no text or whose name is written oddly")
        if picture.data is None:
            flags.append("picture_bad")
        elif picture.loose:
            flags.append("base64_loose")
        return picture.data or None


def _read(name: str, member: Member, value: Any, note: members.Note) -> Any:
    try:
        return member.read(value, member.limit, note)
    except Unfit as error:
        raise Unfit(error.reason, f"{name[:64]}: {error.message}", error.code) from error


def _name_of(raw: Any, name: str) -> str:
    """Return the identifier of an object that cannot be used, as far as it may be repeated in an answer."""
    found = raw.get(name) if isinstance(raw, dict) else None
    found = raw.get("ImageInfo", {}).get(name) if found is None and name == "ImageID" and _has_info(raw) else found
    return members.cleaned(found)[:64] if isinstance(found, str) else ""


def _has_info(raw: Any) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("ImageInfo"), dict)


def _flat_image(raw: dict[str, Any], flags: list[str]) -> dict[str, Any]:
    """Return an Image like the other kinds: its members in one object, its picture as its only SubImage."""
    info = raw["ImageInfo"] if _has_info(raw) else {name: value for name, value in raw.items() if name != "Data"}
    if any(_NESTED.fullmatch(name) and value for name, value in raw.items()):
        flags.append("nested_objects")
    info = {name: value for name, value in info.items() if not _NESTED.fullmatch(name)}
    own = {name: info[name] for name in members.SUB_IMAGE if name in info}
    picture = raw.get("Data") or info.pop("Data", None)
    return {**info, "SubImageList": {"SubImageInfoObject": [{"Type": "100", **own, "Data": picture}]}}


def _listed(value: Any, flags: list[str]) -> list[Any]:
    """Return the pictures of a SubImageList in any of its forms."""
    if isinstance(value, dict):
        inner = value.get("SubImageInfoObject")
        if isinstance(inner, list):
            return inner
        if not value or (inner is None and len(value) == 1 and not any(value.values())):
            return []
        return _listed_oddly(value, inner, flags)
    if isinstance(value, list):
        flags.append("wrapper")
        return value
    return []


def _listed_oddly(value: dict[str, Any], inner: Any, flags: list[str]) -> list[Any]:
    if isinstance(inner, dict):
        flags.append("single_object")
        return [inner]
    for name in ("SubImageInfo", "SubImageObject", "SubImageInfoObjects", "SubImage"):
        if isinstance(found := value.get(name), list | dict):
            flags.append("wrapper")
            return found if isinstance(found, list) else [found]
    return [value] if "Data" in value or "ImageID" in value else []


def _keep_extra(found: dict[str, Any], name: str, value: Any, flags: list[str], limits: Limits) -> None:
    if name in _FEATURES or name in _NO_CONTENT or value == "":
        return
    kept = _extra(value, limits.depth)
    if kept is None or len(found) > limits.extras or not _EXTRA_NAME.fullmatch(name):
        flags.append("extra_dropped")
    else:
        found[name] = kept


def _extra(value: Any, depth: int) -> Any:
    """Return a value outside the standard as it may be stored, None where it may not. Raises Unfit beyond ``depth``."""
    if depth <= 0:
        raise Unfit("too_deep", "nested too deep")
    if isinstance(value, str):
        return members.cleaned(value) if len(value) <= _EXTRA_TEXT else None
    if isinstance(value, dict):
        pairs = ((name, _extra(each, depth - 1)) for name, each in value.items() if name not in _NO_CONTENT)
        return {name: each for name, each in pairs if each is not None and _EXTRA_NAME.fullmatch(name)}
    if isinstance(value, list):
        return [_extra(each, depth - 1) for each in value]
    return str(value) if isinstance(value, int) and not -(2**53) <= value <= 2**53 else value


def _device(kind: str, object_id: str, flags: list[str]) -> str:
    if kind in THINGS:
        return object_id
    if whole(object_id, 48) or whole(object_id, 41):
        flags.append("device_from_id")
        return object_id[:20]
    return ""


def _dated(
    spec: Kind, found: dict[str, Any], images: tuple[SubImage, ...], object_id: str, flags: list[str]
) -> tuple[datetime | None, str]:
    """Say when it was and how that is known: the first that can be read, in the order of practice."""
    for at, source in _times(spec, found, images, object_id):
        if at is not None:
            return at, source
    flags.append("no_time")
    return None, ""


def _times(
    spec: Kind, found: dict[str, Any], images: tuple[SubImage, ...], object_id: str
) -> Iterator[tuple[datetime | None, str]]:
    yield from ((instant(found[name]), name) for name in spec.first if name in found)
    yield from ((each.shot_at, "SubImage.ShotTime") for each in images)
    yield from ((instant(found[name]), name) for name in spec.last if name in found)
    yield made_at(found.get("SourceID", "")), "SourceID"
    yield made_at(object_id), spec.id


def parse_sender(body: bytes) -> str:
    """Return the DeviceID of a Register, UnRegister or Keepalive body; "" for an empty body or one without.

    Raises ViidError where it is no JSON or the identifier could be a path.
    Source: GA/T 1400.4 (registration, keep-alive).
    """
    if not body.strip(_AROUND) or len(body) > 64 * 1024:
        return ""
    value, _ = _decoded(_unwrapped(body)[0], LIMITS)
    while isinstance(value, dict) and "DeviceID" not in value:
        value = next((each for name, each in value.items() if name.lower().endswith("object")), None)
    try:
        found = value.get("DeviceID") if isinstance(value, dict) else None
        return (identity(found, 20, _unnoted) or "") if found is not None else ""
    except Unfit as error:
        raise ViidError(error.code, error.message, data=body[:64]) from error


def _unnoted(_flag: str) -> None:
    """Let a flag go where nobody keeps it."""


def answer(url: str, results: Sequence[tuple[str, int, str]], at: datetime, *, text_codes: bool = False) -> bytes:
    """Return the answer to a batch: one (id, StatusCode, StatusString) per submitted object, in order.

    ``text_codes`` writes StatusCode as text, as some senders want it. Source: GA/T 1400.4 (ResponseStatusList).
    """
    entries = [_status(url, code, words, name, at, text_codes=text_codes) for name, code, words in results]
    return msgspec.json.encode({"ResponseStatusListObject": {"ResponseStatusObject": entries}})


def status(url: str, code: int, words: str, name: str, at: datetime, *, text_codes: bool = False) -> bytes:
    """Return the answer to a single operation. Source: GA/T 1400.4 (ResponseStatus)."""
    return msgspec.json.encode({"ResponseStatusObject": _status(url, code, words, name, at, text_codes=text_codes)})


def _status(url: str, code: int, words: str, name: str, at: datetime, *, text_codes: bool) -> dict[str, Any]:
    return {
        "RequestURL": members.cleaned(url)[:256],
        "StatusCode": str(code) if text_codes else code,
        "StatusString": words[:256],
        "Id": name[:64],
        "LocalTime": stamp(at),
    }


def system_time(server_id: str, at: datetime, *, mode: str = "1") -> bytes:
    """Return the answer to ``/VIID/System/Time``; ``mode`` 1 is network time, 2 set by hand. Source: GA/T 1400.4."""
    told = {"VIIDServerID": server_id, "TimeMode": mode, "LocalTime": stamp(at), "TimeZone": "UTC+08:00"}
    return msgspec.json.encode({"SystemTimeObject": told})


def parse_time(body: bytes) -> datetime | None:
    """Return the time in the answer of any server to ``/VIID/System/Time``; None where none can be read."""
    try:
        value, _ = _decoded(_unwrapped(body[: 64 * 1024])[0], LIMITS)
    except ViidError:
        return None
    for _ in range(3):
        if isinstance(value, dict) and "LocalTime" in value:
            return instant(text(value["LocalTime"], 64, _unnoted) or "")
        value = next(iter(value.values()), None) if isinstance(value, dict) else None
    return None


def collection(kind: str, objects: Sequence[dict[str, Any]], *, first: int, total: int) -> bytes:
    """Return the answer to a GET on the collection of ``kind``: the page from the 1-based ``first`` of ``total``."""
    spec = KINDS[kind]
    page = {"RecordStartNo": first, "PageRecordNum": len(objects), "TotalNum": total}
    return msgspec.json.encode({spec.wrapper: {**page, spec.item: list(objects)}})
