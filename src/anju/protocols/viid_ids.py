"""Identifiers of GA/T 1400: 20 digits name a device, 41 an image or file, 48 what was seen in it, 33 a dealing.

They are text everywhere and go out as they came in; what does not fit is flagged, never mended.
Source: 4.3 (data items conform to GA/T 1400.3 and .4).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from anju.errors import ViidError

JSON_FORMAT, JSON_CONTENT = 7, 8  # StatusCode: does not parse; parses, but says nothing usable
BEIJING = timezone(timedelta(hours=8))
VIDEO, IMAGE, FILE, OTHER = "01", "02", "03", "99"
SEEN = {"person": "01", "motor_vehicle": "02", "non_motor_vehicle": "03", "thing": "04", "scene": "05", "face": "06"}
DISPOSITION, ALARM, SUBSCRIPTION, NOTIFICATION = "01", "02", "03", "04"

_UNSAFE = re.compile(r"[/\\%\0]|\.\.")
_STAMP = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class BasicId:
    """41 digits: who made it, what it is (VIDEO, IMAGE, FILE, OTHER), when, and its number within that second."""

    device: str
    kind: str
    made_at: datetime
    serial: int  # 0..99999

    def __str__(self) -> str:
        return f"{self.device}{self.kind}{stamp(self.made_at)}{self.serial:05}"


@dataclass(frozen=True, slots=True)
class SeenId:
    """48 digits: something seen, by the image it was seen in, its kind (a value of SEEN), its number in there."""

    image: BasicId
    kind: str
    serial: int  # 0..99999

    def __str__(self) -> str:
        return f"{self.image}{self.kind}{self.serial:05}"


@dataclass(frozen=True, slots=True)
class DealingId:
    """33 digits: a disposition, alarm, subscription or notification of the police organisation with 12 digits."""

    organisation: str
    kind: str
    made_at: datetime
    serial: int  # 0..99999

    def __str__(self) -> str:
        return f"{self.organisation}{self.kind}{stamp(self.made_at)}{self.serial:05}"


def stamp(at: datetime) -> str:
    """Return ``at`` as the standard writes it: ``yyyyMMddHHmmss`` of Beijing."""
    return at.astimezone(BEIJING).strftime(_STAMP).rjust(14, "0")


def read_basic(text: str) -> BasicId:
    """Return the parts of 41 digits. Raises ViidError with code 8 for anything else."""
    if not whole(text, 41):
        raise ViidError(JSON_CONTENT, "not 41 digits", data=text.encode())
    return BasicId(text[:20], text[20:22], _instant(text[22:36]), int(text[36:]))


def read_seen(text: str) -> SeenId:
    """Return the parts of 48 digits. Raises ViidError with code 8 for anything else."""
    if not whole(text, 48):
        raise ViidError(JSON_CONTENT, "not 48 digits", data=text.encode())
    return SeenId(read_basic(text[:41]), text[41:43], int(text[43:]))


def read_dealing(text: str) -> DealingId:
    """Return the parts of 33 digits. Raises ViidError with code 8 for anything else."""
    if not whole(text, 33):
        raise ViidError(JSON_CONTENT, "not 33 digits", data=text.encode())
    return DealingId(text[:12], text[12:14], _instant(text[14:28]), int(text[28:]))


def whole(text: str, digits: int) -> bool:
    """Return whether ``text`` is exactly so many ASCII digits."""
    return len(text) == digits and text.isascii() and text.isdigit()


def safe(text: str) -> bool:
    """Return whether ``text`` can be a name without leading out of a folder: no slash, no percent sign, no dots."""
    return _UNSAFE.search(text) is None


def made_at(text: str) -> datetime | None:
    """Return when the source named by 41 or 48 digits was made (digits 23 to 36), None where they tell no time."""
    if not (whole(text, 41) or whole(text, 48)):
        return None
    try:
        return _instant(text[22:36])
    except ViidError:
        return None


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ViidError(JSON_CONTENT, "no time in the identifier", data=text.encode()) from error
