"""One GA/T 1400 object at a time: from decoded JSON to members, pictures and a moment, with a flag for every oddity.

Source: 4.3 (data items conform to GA/T 1400.3); 5.2.2.1 (vehicles), 5.2.2.3 (people).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anju.protocols import viid_members as members
from anju.protocols.viid_ids import JSON_CONTENT, made_at, whole
from anju.protocols.viid_kinds import KINDS, MISSPELT, STANDING, Kind
from anju.protocols.viid_members import SUB_IMAGE, Member, Note, Unfit, cleaned, instant
from anju.protocols.viid_pictures import MARK, TOO_LARGE, Picture

QUALITY = frozenset({"url_refused", "no_time", "incomplete", "id_format", "device_from_id", "nested_objects"})
"""Flags that speak of the content, not of how it was written: ``strict`` lets them pass."""

_IMAGE_NAMES = {each.lower(): each for each in (*SUB_IMAGE, "Data")}
_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_EXTRA_TEXT = 1_024  # characters
_FEATURES = frozenset({"FeatureInfoObject", "FeatureList", "FeatureObject", "FeatureData"})
_LEFT_OUT = frozenset(each.lower() for each in (*members.POLICE_ONLY, *_FEATURES, "Password", "Data"))
_NESTED = re.compile(r"(Face|Person|MotorVehicle|NonMotorVehicle|Thing|Scene|File)(Object)?List(Object)?")


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

    ``members`` have the standard's names and plain values: no pictures, no passwords, nothing that is for the police
    only. Those in PERSONAL, and those outside the standard, may name a person. ``flags`` tell every oddity once.
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


class ObjectReader:
    """Reads the objects of one request; ``flags`` are what was odd about the request as a whole."""

    def __init__(
        self, kind: str, pictures: dict[str, Picture], flags: tuple[str, ...], limits: Limits, *, strict: bool
    ) -> None:
        self._kind, self._spec = kind, KINDS[kind]
        self._pictures, self._flags, self._limits, self._strict = pictures, flags, limits, strict

    def read(self, index: int, raw: Any) -> ViidObject | Bad:
        """Return the object, or why it cannot be used."""
        flags = list(self._flags)
        try:
            found = self._object(raw, flags)
        except Unfit as error:
            return Bad(index, _id_of(raw, self._spec.id), error.code, error.message, error.reason)
        if self._strict and (odd := set(found.flags) - QUALITY):
            return Bad(index, found.object_id, JSON_CONTENT, "strict: " + ", ".join(sorted(odd)), "strict")
        return found

    def _object(self, raw: Any, flags: list[str]) -> ViidObject:
        if not isinstance(raw, dict):
            raise Unfit("not_an_object", "not an object")
        found, images = self._members(_flat_image(raw, flags) if self._kind == "image" else raw, flags)
        object_id = _object_id(self._kind, self._spec, found)
        self._few(images)
        if any(each not in found for each in self._spec.needed):
            flags.append("incomplete")
        at, at_from = (None, "") if self._kind in STANDING else _dated(self._spec, found, images, object_id, flags)
        return ViidObject(
            kind=self._kind,
            object_id=object_id,
            device_id=found.get("DeviceID") or _device(self._kind, found, object_id, flags),
            tollgate_id=found.get("TollgateID", ""),
            source_id=found.get("SourceID", ""),
            at=at,
            at_from=at_from,
            members=found,
            images=images,
            flags=tuple(dict.fromkeys(flags)) if flags else (),
        )

    def _members(self, raw: dict[str, Any], flags: list[str]) -> tuple[dict[str, Any], tuple[SubImage, ...]]:
        """Read the members that are named as the standard names them; leave the others to ``_extras``."""
        found, extras = dict[str, Any](), dict[str, Any]()
        images: tuple[SubImage, ...] = ()
        table, note = self._spec.table, flags.append
        for name, value in raw.items():
            if value is None or value == "":
                continue
            if (member := table.get(name)) is not None:
                if (read := _read(name, member, value, note)) is not None:
                    found[name] = read
            elif name == "SubImageList":
                images = self._images(value, flags)
            else:
                extras[name] = value
        if extras:
            images = self._extras(extras, found, images, flags)
        return found, images

    def _extras(
        self, extras: dict[str, Any], found: dict[str, Any], images: tuple[SubImage, ...], flags: list[str]
    ) -> tuple[SubImage, ...]:
        """Read misspelt members under their right name, keep those outside the standard as they are."""
        for name, value in extras.items():
            right = self._spec.names.get(name.lower()) or MISSPELT.get(name.lower(), name)
            if right in {"SubImageList", "Data"}:
                flags.append("alias")
                images += self._images([{"Data": value}] if right == "Data" else value, flags)
            elif right in self._spec.table and right not in found:
                flags.append("alias")
                if (read := _read(name, self._spec.table[right], value, flags.append)) is not None:
                    found[right] = read
            elif name.lower() not in _LEFT_OUT and name not in _FEATURES:
                self._extra(found, name, value, flags)
        return images

    def _extra(self, found: dict[str, Any], name: str, value: Any, flags: list[str]) -> None:
        most = len(self._spec.table) + self._limits.extras
        fits = len(found) < most and _EXTRA_NAME.fullmatch(name)
        if fits and (kept := _plain(value, self._limits.depth)) is not None:
            found[name] = kept
        else:
            flags.append("extra_dropped")

    def _images(self, value: Any, flags: list[str]) -> tuple[SubImage, ...]:
        items = _listed(value, flags)
        self._few(items)
        return tuple(self._image(each, flags) for each in items if isinstance(each, dict) and each)

    def _few(self, images: Sequence[Any]) -> None:
        if len(images) > self._limits.images:
            raise Unfit("too_many_images", f"more than {self._limits.images} pictures")

    def _image(self, raw: dict[str, Any], flags: list[str]) -> SubImage:
        found, mark, feature, note = dict[str, Any](), None, False, flags.append
        for given, value in raw.items():
            if value is None or value == "":
                continue
            name = given if given in SUB_IMAGE else _image_name(given, note)
            if name in SUB_IMAGE:
                found[name] = _read(name, SUB_IMAGE[name], value, note)
            elif name == "Data":
                mark = value
            elif name in _FEATURES:
                feature = True
        return self._sub_image(found, mark, flags, feature=feature)

    def _sub_image(self, found: dict[str, Any], mark: Any, flags: list[str], *, feature: bool) -> SubImage:
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
            raise Unfit("picture_odd", "a picture that is no text, or whose name is written in escapes")
        if picture.data is None:
            flags.append("picture_bad")
        elif picture.loose:
            flags.append("base64_loose")
        return picture.data or None


def _read(name: str, member: Member, value: Any, note: Note) -> Any:
    try:
        return member.read(value, member.limit, note)
    except Unfit as error:
        raise Unfit(error.reason, f"{cleaned(name[:64])}: {error.message}", error.code) from error


def _image_name(given: str, note: Note) -> str:
    name = _IMAGE_NAMES.get(given.lower()) or MISSPELT.get(given.lower(), given)
    if name != given:
        note("alias")
    return name


def _id_of(raw: Any, name: str) -> str:
    """Return the identifier of an object that cannot be used, as far as it may be repeated in an answer."""
    for each in (raw, raw.get("ImageInfo") if isinstance(raw, dict) else None):
        if isinstance(each, dict) and isinstance(found := each.get(name), str | int):
            return cleaned(str(found)[:64]) if isinstance(found, str) or abs(found) < 10**50 else ""
    return ""


def _object_id(kind: str, spec: Kind, found: dict[str, Any]) -> str:
    object_id = found.get(spec.id)
    if object_id is None:
        raise Unfit("no_id", f"{spec.id} missing")
    return f"{object_id}-{found.get('LaneId', found.get('LaneNo', ''))}" if kind == "lane" else str(object_id)


def _device(kind: str, found: dict[str, Any], object_id: str, flags: list[str]) -> str:
    """Return the device that is not named: what stands there itself, or who made the identifier."""
    if kind in STANDING:
        return str(found.get("ApeID", ""))
    if whole(object_id, 48) or whole(object_id, 41):
        flags.append("device_from_id")
        return object_id[:20]
    return ""


def _flat_image(raw: dict[str, Any], flags: list[str]) -> dict[str, Any]:
    """Return an Image like the other kinds: its members in one object, its picture as its only SubImage."""
    if any(value and _NESTED.fullmatch(name) for name, value in raw.items()):
        flags.append("nested_objects")
    inner = raw.get("ImageInfo")
    info = {**(inner if isinstance(inner, dict) else raw)}
    picture = raw.get("Data") or info.get("Data")
    info = {name: value for name, value in info.items() if name != "Data" and not _NESTED.fullmatch(name)}
    own = {name: info[name] for name in SUB_IMAGE if name in info and name != "StoragePath"}
    return {**info, "SubImageList": {"SubImageInfoObject": [{"Type": "100", **own, "Data": picture}]}}


def _listed(value: Any, flags: list[str]) -> list[Any]:
    """Return the pictures of a SubImageList in any of its forms."""
    if isinstance(value, dict):
        inner = value.get("SubImageInfoObject")
        return inner if isinstance(inner, list) else _listed_oddly(value, inner, flags)
    if isinstance(value, list):
        flags.append("wrapper")
        return value
    flags.append("value_type")
    return []


def _listed_oddly(value: dict[str, Any], inner: Any, flags: list[str]) -> list[Any]:
    if isinstance(inner, dict):
        flags.append("single_object")
        return [inner]
    for name, each in value.items():
        if name.lower().startswith("subimage") and isinstance(each, list | dict):
            flags.append("wrapper")
            return each if isinstance(each, list) else [each]
    if "Data" in value or "ImageID" in value:
        flags.append("wrapper")
        return [value]
    return []


def _plain(value: Any, depth: int) -> Any:
    """Return a value outside the standard as it may be stored, None where it may not. Raises Unfit beyond ``depth``."""
    if depth <= 0:
        raise Unfit("too_deep", "nested too deep")
    if isinstance(value, str):
        return cleaned(value) if len(value) <= _EXTRA_TEXT else None
    if isinstance(value, dict):
        pairs = [(name, _plain(each, depth - 1)) for name, each in value.items() if name.lower() not in _LEFT_OUT]
        return {name: each for name, each in pairs if each is not None and _EXTRA_NAME.fullmatch(name)}
    if isinstance(value, list):
        return [_plain(each, depth - 1) for each in value]
    return str(value) if isinstance(value, int) and not -(2**53) <= value <= 2**53 else value


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
