"""Faces, persons and images that a device saw. What names a person is kept apart; crime-related members never are.

Source: 4.3 (GA/T 1400 faces and persons), 6 and 7-d (personal information).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from anju.domain.captures import WAYS, Captured, Picture, check_lengths, chosen, new_id, text, tidy, way, when
from anju.domain.cleaning import Reporter

KINDS = ("face", "person", "image")
_DETAIL = frozenset(
    {
        *("GenderCode", "AgeUpLimit", "AgeLowerLimit", "HairStyle", "HairColor", "RespiratorColor", "CapStyle"),
        *("CapColor", "GlassStyle", "GlassColor", "HeightUpLimit", "HeightLowerLimit", "UmbrellaColor", "ScarfColor"),
        *("BagStyle", "BagColor", "CoatStyle", "CoatLength", "CoatColor", "TrousersStyle", "TrousersColor"),
        *("TrousersLen", "ShoesStyle", "ShoesColor", "AccompanyNumber", "Attitude", "Similaritydegree", "IsDriver"),
        *("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY", "SourceID", "InfoKind", "TollgateID", "EventSort"),
        *("ImageSource", "Width", "Height", "FileFormat", "FileSize"),
    }
)
_PERSONAL = frozenset(
    {
        *("Name", "UsedName", "Alias", "IDType", "IDNumber", "PassportType", "ImmigrantTypeCode", "PersonOrg"),
        *("EthicCode", "NationalityCode", "NativeCityCode", "ResidenceAdminDivision", "ChineseAccentCode"),
        *("JobCategory", "PhysicalFeature", "FacialFeature", "BodyFeature", "FaceStyle", "SkinColor", "Title"),
        *("ContentDescription", "CollectorName", "CollectorIDType", "CollectorID", "Phone", "PhoneNumber", "Tel"),
    }
)
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Sighting:
    """One face, person or image that one device saw; nothing in it names anybody. ``id`` tells when it was received."""

    id: UUID
    received_at: datetime
    site_id: str
    place_id: str
    place_path: str
    place_name: str
    jurisdiction: str
    device_id: str
    device_name: str
    kind: str
    object_id: str
    seen_at: datetime
    clock_offset_ms: int | None
    direction: str
    flags: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    named: bool = False  # what names the person is kept, sealed, at the sighting's own node
    version: int = 1

    def flagged(self, *flags: str) -> "Sighting":
        """Return the same sighting with ``flags`` added once."""
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *flags))))


def body(sighting: Sighting) -> dict[str, Any]:
    """Return ``sighting`` as the log, the tiers above and the console see it: JSON only."""
    found: dict[str, Any] = msgspec.to_builtins(sighting)
    return found


written = msgspec.json.Encoder().encode
"""Returns the JSON text of ``body`` without making it first."""


def read_body(stored: Mapping[str, Any]) -> Sighting:
    """Return the sighting that ``body`` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(stored, Sighting, strict=False)


def check(sighting: Sighting) -> None:
    """Raise ValueError where a sighting told by another node cannot be one of ours."""
    check_lengths(sighting, {"device_id": 64, "object_id": 128})
    if sighting.kind not in KINDS or sighting.direction not in WAYS:
        raise ValueError("no kind or direction of a sighting")


def sighting(
    told: Captured, reporter: Reporter, *, at: datetime, pictures: tuple[Picture, ...] = (), passes: str = ""
) -> Sighting:
    """Return the sighting that ``told`` by the device ``reporter``, received at ``at``, stands for."""
    timed = when(told.at, at=at)
    return Sighting(
        new_id(at),
        at,
        reporter.site_id,
        reporter.place_id,
        reporter.place_path,
        reporter.place_name,
        reporter.jurisdiction,
        reporter.device_id,
        reporter.device_name,
        told.kind,
        told.object_id[:128],
        timed.at,
        timed.offset_ms,
        way(told.members.get("InOut")) or passes,
        tuple(dict.fromkeys((*told.flags, *timed.flags))),
        pictures,
        chosen(told.members, _DETAIL),
        bool(personal(told)),
    )


def personal(told: Captured) -> dict[str, str]:
    """Return the members of ``told`` that name or describe a person, to be sealed; members about crimes are left out.

    Source: 7-d (sensitive personal information).
    """
    members = told.members
    found = {name: text(members, name, _LONGEST) for name in members if name in _PERSONAL and _plain(members[name])}
    return {tidy(name): value for name, value in found.items() if value}


def _plain(told: object) -> bool:
    return isinstance(told, str | int | float)
