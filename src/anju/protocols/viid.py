"""GA/T 1400 (视图库) bodies, bytes <-> objects. No socket, no clock, no database; nothing is ever fetched.

Senders differ: one object for a list, numbers as texts, GBK, byte order marks, broken base64, misspelt members.
All of it is read, and each leniency leaves a flag; ``strict`` refuses what has one. One bad object loses no other.
Source: 4.3 (data items and interface of GA/T 1400.3 and .4); 4.2.1.4, 5.2.2.1 (vehicles), 5.2.2.3 (people).
"""

from dataclasses import dataclass
from typing import Any

from anju.errors import ViidError
from anju.protocols.viid_answers import (
    BUSY,
    DEVICE_ERROR,
    INVALID_OPERATION,
    OK,
    OTHER_ERROR,
    answer,
    collection,
    parse_sender,
    parse_statuses,
    parse_time,
    status,
    system_time,
)
from anju.protocols.viid_ids import JSON_CONTENT, JSON_FORMAT
from anju.protocols.viid_json import decoded, without_mark
from anju.protocols.viid_kinds import KINDS, STANDING, Kind
from anju.protocols.viid_members import PERSONAL
from anju.protocols.viid_objects import QUALITY, Bad, Limits, ObjectReader, SubImage, ViidObject
from anju.protocols.viid_pictures import lift, raw_without_pictures

__all__ = [
    "BUSY",
    "DEVICE_ERROR",
    "INVALID_OPERATION",
    "JSON_CONTENT",
    "JSON_FORMAT",
    "KINDS",
    "LIMITS",
    "OK",
    "OTHER_ERROR",
    "PERSONAL",
    "QUALITY",
    "STANDING",
    "Bad",
    "Limits",
    "Request",
    "SubImage",
    "ViidError",
    "ViidObject",
    "answer",
    "collection",
    "parse_batch",
    "parse_sender",
    "parse_statuses",
    "parse_time",
    "raw_without_pictures",
    "read_request",
    "status",
    "system_time",
]
LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Request:
    """A whole submission: its objects in order, and its bytes as they may be kept."""

    objects: list[ViidObject | Bad]
    raw: bytes


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
    body, marked = without_mark(body)
    lifted = lift(body, largest=limits.picture)
    value, odd = decoded(lifted.text, most_values=limits.values)
    items, wrapped = _submitted(KINDS[kind], value)
    if len(items) > limits.objects:
        raise ViidError(JSON_CONTENT, f"more than {limits.objects} objects", data=body[:64])
    reader = ObjectReader(kind, lifted.pictures, (*marked, *odd, *wrapped), limits, strict=strict)
    return Request([reader.read(index, each) for index, each in enumerate(items)], lifted.raw)


def _submitted(spec: Kind, body: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Return the objects in ``body``, and what was odd about their wrapping."""
    inner = body.get(spec.wrapper) if isinstance(body, dict) else None
    items = inner.get(spec.item) if isinstance(inner, dict) else None
    return (items, ()) if isinstance(items, list) else _searched(spec, body)


def _searched(spec: Kind, value: Any) -> tuple[list[Any], tuple[str, ...]]:
    path = list[str]()
    while len(path) <= 3 and isinstance(value, dict):
        name = next((each for each in value if each.lower() in spec.wrappers), None)
        if name is None:
            break
        path.append(name)
        value = value[name]
    flags = () if path == [spec.wrapper, spec.item] else ("wrapper",)
    if isinstance(value, list):
        return value, flags
    if isinstance(value, dict) and value and (path or spec.id in value):
        return [value], (*flags, "single_object")
    raise ViidError(JSON_CONTENT, f"no {spec.wrapper} with {spec.item}")
