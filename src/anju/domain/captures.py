"""What a capture device says it saw, whatever it saw: how its words are read, and the identity of what is kept.

Source: 4.3 (GA/T 1400 objects), 5.2.2.1, 8-g (accurate, complete).
"""

import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from anju.domain.cleaning import clean_text, judge_time

MS = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WAYS = {"in": "in", "1": "in", "进": "in", "入": "in", "out": "out", "2": "out", "出": "out"}
WAYS = ("in", "out", "")
_LONGEST = 256  # letters of any one text that is kept


class Shot(Protocol):
    """One picture of an object, as the wire brought it; ``data`` None where none came with it.

    ``sha256`` is its hexadecimal digest.
    """

    @property
    def image_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def data(self) -> bytes | None: ...
    @property
    def sha256(self) -> str: ...


class Captured(Protocol):
    """One object as the wire brought it. ``members`` are the standard's, without pictures; what is absent is left out.

    ``at`` is the time of capture by the device's clock, ``flags`` say what was odd about the object's form.
    """

    @property
    def kind(self) -> str: ...
    @property
    def object_id(self) -> str: ...
    @property
    def tollgate_id(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def members(self) -> Mapping[str, Any]: ...
    @property
    def images(self) -> Sequence[Shot]: ...
    @property
    def flags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that is kept: where (``blob_id``, at its own node), what it shows and what it is.

    ``type`` is an ImageType of GA/T 1400: ``01`` vehicle, ``02`` plate, ``11`` face, ``14`` scene and so on.
    ``width`` and ``height`` are pixels, 0 where they could not be measured; ``bytes`` is its size.
    """

    type: str
    blob_id: UUID
    sha256: str  # hex
    width: int
    height: int
    media_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class When:
    """The time of a capture as it is kept. ``offset_ms`` is device clock minus ours, None where none was told."""

    at: datetime
    offset_ms: int | None
    flags: tuple[str, ...] = ()


def new_id(at: datetime) -> UUID:
    """Return a fresh id (UUID version 7) of a record received at ``at``; ``moment`` reads the millisecond back."""
    head = ((at - EPOCH) // MS) << 80 | 0x7 << 76 | 0x2 << 62
    noise = secrets.randbits(74)
    return UUID(int=head | noise >> 62 << 64 | noise & (1 << 62) - 1)


def first_id(at: datetime) -> UUID:
    """Return an id that no record received at ``at`` or later has, and before which all earlier ones are."""
    return UUID(int=max(0, (at - EPOCH) // MS) << 80)


def moment(record_id: UUID) -> datetime:
    """Return the millisecond in which the record that ``new_id`` named was received. Raises ValueError for others."""
    if record_id.version != 7:
        raise ValueError("the id tells no time")
    try:
        return EPOCH + (record_id.int >> 80) * MS
    except OverflowError as error:
        raise ValueError("the id tells no time of ours") from error


def when(told: datetime | None, *, at: datetime) -> When:
    """Return the time to keep for what a device dated ``told`` and we received at ``at`` (rules C10, C11)."""
    found, flags = judge_time(told, at=at)
    if found is None:
        return When(at, None, flags or ("no_time",))
    return When(found, round((found - at) / MS), flags)


def text(members: Mapping[str, Any], name: str, longest: int = _LONGEST) -> str:
    """Return a member as clean text of at most ``longest`` letters, nothing where it is absent or no plain value."""
    told = members.get(name)
    if isinstance(told, str):
        return tidy(told)[:longest]
    return str(told)[:longest] if isinstance(told, int | float) else ""


def tidy(told: str) -> str:
    """Return ``told`` clean (rule C01); what is clean already costs little."""
    if told.isprintable() and (told.isascii() or unicodedata.is_normalized("NFC", told)):
        return told.strip()
    return clean_text(told)


def number(members: Mapping[str, Any], name: str) -> float | None:
    """Return a member as a number, None where it is absent or none."""
    told = members.get(name)
    if told is None or isinstance(told, bool):
        return None
    try:
        found = float(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if -1e9 < found < 1e9 else None


def check_lengths(record: object, longest: Mapping[str, int]) -> None:
    """Raise ValueError where a text of ``record`` is longer than it may be: an index holds no more."""
    for name, most in longest.items():
        if len(getattr(record, name) or "") > most:
            raise ValueError(f"{name} has more than {most} letters")


_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n", "image/png"), (b"BM", "image/bmp"), (b"GIF8", "image/gif"))


def media_type(data: bytes) -> str:
    """Return what a picture is by its first bytes, never by what the sender calls it."""
    return next((found for magic, found in _MAGIC if data.startswith(magic)), "application/octet-stream")


def way(told: object) -> str:
    """Return ``in``, ``out`` or nothing for what an ``InOut`` member says."""
    return _WAYS.get(str(told).strip().lower(), "") if told is not None else ""


def chosen(members: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the members called ``names`` that are plain texts and numbers, clean and bounded."""
    return {
        name: tidy(told)[:_LONGEST] if isinstance(told, str) else told
        for name, told in members.items()
        if name in names and isinstance(told, str | int | float) and _bounded(told)
    }


def _bounded(told: str | float) -> bool:
    return isinstance(told, str) or -1e9 < told < 1e9
