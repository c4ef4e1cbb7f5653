"""Members of GA/T 1400 objects: which there are, of what type and length, and how odd forms of them are read.

Every reader takes (value, limit, note) and returns the normal form, None for "absent". ``note`` takes the flag of each
leniency. Raises Unfit where the value makes the whole object unusable.
Source: 4.3 (data items conform to GA/T 1400.3); GA/T 1400.3 (members, lengths, code tables).
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from anju.protocols.viid_addresses import judge_address
from anju.protocols.viid_ids import JSON_CONTENT, safe, whole

Note = Callable[[str], None]
Reader = Callable[[Any, int, Note], Any]

_BIGGEST = 2**31
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160))) | dict.fromkeys(map(ord, "\r\n\t"), " ")
_ABSENT = frozenset({"null", "none", "n/a", "无", "-", "--", "/", "undefined"})
_TRUE = frozenset({"1", "true", "yes", "y", "是", "有"})
_FALSE = frozenset({"0", "false", "no", "n", "否"})
_COLOUR_LETTERS = dict(zip("ABCDEFGHIJ", ("2", "3", "6", "12", "4", "10", "9", "5", "8", "1"), strict=True))
_LOOSE_TIME = re.compile(
    r"(\d{4})[-/年]?(\d{1,2})[-/月]?(\d{1,2})(?:日[T ]*|[T ]+)(\d{1,2}):?(\d{1,2})(?::?(\d{1,2}))?(\.\d{1,6})?(.*)"
)


class Unfit(Exception):
    """This object cannot be used; ``code`` is its StatusCode and ``reason`` the word it is counted by."""

    def __init__(self, reason: str, message: str, code: int = JSON_CONTENT) -> None:
        super().__init__(message)
        self.reason, self.message, self.code = reason, message, code


@dataclass(frozen=True, slots=True)
class Member:
    """How one member is read; ``limit`` is its greatest length in characters, or the digits of an identifier."""

    read: Reader
    limit: int


def text(value: Any, limit: int, note: Note) -> str | None:
    """Read free text: trimmed, without control characters; refused when more than twice as long as it may be."""
    if value.__class__ is not str:
        value = _worded(value, note)
    found: str = value.strip()
    if len(found) > limit or not found.isprintable():
        found = _odd_text(found, limit, note)
    return found or None


def _worded(value: Any, note: Note) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        note("value_type")
        return str(value).lower() if isinstance(value, bool) else ""
    note("text_number")
    return str(value)


def _odd_text(found: str, limit: int, note: Note) -> str:
    if len(found) > 2 * limit:
        raise Unfit("too_long", f"longer than {2 * limit} characters")
    clean = cleaned(found)
    if clean != found:
        note("text_cleaned")
    if len(clean) > limit:
        note("text_long")
    return clean


def cleaned(found: str) -> str:
    """Return ``found`` without control characters, lone surrogates and the blanks around it."""
    if found.isprintable():
        return found.strip()
    return found.encode("utf-8", "replace").decode("utf-8").translate(_CONTROLS).strip()


def identity(value: Any, limit: int, note: Note) -> str | None:
    """Read an identifier of ``limit`` digits, exact even where it came as a number. Refuses path tricks."""
    if value.__class__ is str and whole(value, limit):
        return value
    if value.__class__ is float:
        raise Unfit("id_rounded", "an identifier written as a rounded number")
    found = text(value, max(limit, 41), note)
    if found is None:
        return None
    if not safe(found):
        raise Unfit("path_traversal", "an identifier that could be a path")
    if not whole(found, limit):
        note("id_format")
    return found


def address(value: Any, limit: int, note: Note) -> str | None:
    """Read a path or URL as text only: nothing is ever fetched. Refuses paths that climb."""
    found = text(value, limit, note)
    if found and (verdict := judge_address(found)):
        if verdict == "path_traversal":
            raise Unfit(verdict, "an address that climbs out of its folder")
        note("url_refused")
    return found


def code(value: Any, limit: int, note: Note) -> str | None:
    """Read a value of a code table, kept as text."""
    found = text(value, limit, note)
    if found and found.lower() in _ABSENT:
        note("absent_word")
        return None
    return found


def two_digits(value: Any, limit: int, note: Note) -> str | None:
    """Read a code of two digits: ``2`` is ``02``."""
    found = code(value, limit, note)
    if found and len(found) == 1 and found.isascii() and found.isdigit():
        note("code_short")
        return f"0{found}"
    return found


def colour(value: Any, limit: int, note: Note) -> str | None:
    """Read a ColorType: ``05`` is ``5``, and the letters of GA 24.8 are mapped."""
    found = code(value, limit, note)
    normal = _COLOUR_LETTERS.get(found, found.lstrip("0") or "0") if found else None
    if normal != found:
        note("colour_form")
    return normal


def integer(value: Any, limit: int, note: Note) -> int | None:
    """Read a whole number, also from text."""
    if value.__class__ is int and -_BIGGEST <= value < _BIGGEST:
        return value
    found = number(value, limit, note)
    return None if found is None else round(found)


def number(value: Any, _limit: int, note: Note) -> int | float | None:
    """Read a number, also from text; what is none counts as absent and is flagged."""
    if value.__class__ in {str, bool}:
        value = _numbered(value, note)
    if value is None:
        return None
    if value.__class__ not in {int, float} or not math.isfinite(value) or not -_BIGGEST <= value < _BIGGEST:
        note("number_bad")
        return None
    return value


def _numbered(value: Any, note: Note) -> float | None:
    if value == "":
        return None
    note("number_text")
    found = str(value).strip().lower() if value.__class__ is str else str(int(value))
    if found in _ABSENT or not found:
        return None
    try:
        return int(found) if len(found) < 12 and found.lstrip("+-").isdigit() else float(found[:40])
    except ValueError:
        return math.nan


def boolean(value: Any, _limit: int, note: Note) -> bool | None:
    """Read true or false in all its forms; what is neither counts as absent and is flagged."""
    if value.__class__ is bool:
        return value
    found = str(value).strip().lower() if isinstance(value, str | int) else "?"
    if not found:
        return None
    note("boolean_form")
    if found in _TRUE:
        return True
    if found not in _FALSE and found not in _ABSENT:
        note("boolean_bad")
    return False if found in _FALSE else None


def moment(value: Any, limit: int, note: Note) -> str | None:
    """Read a time and keep it as it was written; flagged where it is not ``yyyyMMddHHmmss``, with or without ms."""
    found = code(value, limit, note)
    if found and (instant(found) is None or not (whole(found, 14) or whole(found, 17))):
        note("time_format")
    return found


@lru_cache(maxsize=4096)
def instant(found: str) -> datetime | None:
    """Return the UTC moment that a time of the wire names, None if it names none; Beijing time unless it says so."""
    try:
        if whole(found, 14) or whole(found, 17):
            part = f".{found[14:]}" if len(found) == 17 else ""
            return datetime.fromisoformat(f"{found[:8]}T{found[8:14]}{part}+08:00").astimezone(UTC)
        return _loose_instant(found)
    except (ValueError, OverflowError):
        return None


def _loose_instant(found: str) -> datetime | None:
    if whole(found, 10) or whole(found, 13):  # seconds or milliseconds since 1970
        return datetime.fromtimestamp(int(found) / (1 if len(found) == 10 else 1000), UTC)
    parts = _LOOSE_TIME.fullmatch(found)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in parts.groups()[:6])
    date, time = f"{year:04}-{month:02}-{day:02}", f"{hour:02}:{minute:02}:{second:02}"
    return datetime.fromisoformat(f"{date}T{time}{parts[7] or ''}{parts[8].strip() or '+08:00'}").astimezone(UTC)


_READERS: dict[str, Reader] = {
    "s": text, "id": identity, "url": address, "code": code, "two": two_digits, "colour": colour, "int": integer,
    "num": number, "bool": boolean, "time": moment,
}  # fmt: skip
_SPEC = re.compile(r"(\w+):([a-z]+)(\d*)")


def table(words: str) -> dict[str, Member]:
    """Return the members that ``Name:type(length) …`` lists."""
    return {name: Member(_READERS[kind], int(size or 64)) for name, kind, size in _SPEC.findall(words)}


_HEAD = """InfoKind:int SourceID:id41 DeviceID:id20 LeftTopX:int LeftTopY:int RightBtmX:int RightBtmY:int ShotTime:time
    LocationMarkTime:time NationalityCode:s3 TabID:s41 CommunityID:s20 InOut:s16 StoragePath:url256 """
_IDENTITY = """IDType:code3 IDNumber:s30 Name:s50 UsedName:s50 Alias:s50 GenderCode:code2 AgeUpLimit:int
    AgeLowerLimit:int EthicCode:s2 NativeCityCode:s6 ResidenceAdminDivision:s6 ChineseAccentCode:s6 JobCategory:s3
    AccompanyNumber:int SkinColor:s16 HairStyle:code2 HairColor:colour2 FaceStyle:s4 FacialFeature:s40
    PhysicalFeature:s200 RespiratorColor:colour2 CapStyle:code2 CapColor:colour2 GlassStyle:code2 GlassColor:colour2
    IsDriver:int IsForeigner:int PassportType:s2 ImmigrantTypeCode:s2 """
_VEHICLE = """HasPlate:bool PlateClass:two2 PlateColor:colour2 PlateNo:s15 PlateNoAttach:s15 PlateDescribe:s64
    IsDecked:bool IsAltered:bool IsCovered:bool Speed:num DrivingStatusCode:s4 UsingPropertiesCode:code4
    VehicleLength:int VehicleWidth:int VehicleHeight:int VehicleColor:colour2 VehicleColorDepth:code2
    VehicleHood:s64 VehicleTrunk:s64 VehicleWheel:s64 WheelPrintedPattern:s2 VehicleWindow:s64 VehicleRoof:s64
    VehicleDoor:s64 SideOfVehicle:s64 CarOfVehicle:s64 RearviewMirror:s64 VehicleChassis:s64 VehicleShielding:s64
    FilmColor:code2 IsModified:bool MarkTime:time AppearTime:time DisappearTime:time PassTime:time """
FACE = table(
    _HEAD
    + _IDENTITY
    + """FaceID:id48 FaceAppearTime:time FaceDisAppearTime:time Attitude:int Similaritydegree:num
    EyebrowStyle:s32 NoseStyle:s32 MustacheStyle:s32 LipStyle:s32 WrinklePouch:s32 AcneStain:s32 FreckleBirthmark:s32
    ScarDimple:s32 OtherFeature:s32"""
)
PERSON = table(
    _HEAD
    + _IDENTITY
    + """PersonID:id48 PersonAppearTime:time PersonDisAppearTime:time PersonOrg:s100
    HeightUpLimit:int HeightLowerLimit:int BodyType:s16 Gesture:s16 Status:s16 BodyFeature:s70 HabitualMovement:s64
    Behavior:s64 BehaviorDescription:s256 Appendant:s128 AppendantDescription:s256 UmbrellaColor:colour2
    ScarfColor:colour2 BagStyle:code2 BagColor:colour2 CoatStyle:code2 CoatLength:code2 CoatColor:colour2
    TrousersStyle:code2 TrousersColor:colour2 TrousersLen:code2 ShoesStyle:code2 ShoesColor:colour2"""
)
MOTOR_VEHICLE = table(
    _HEAD
    + _VEHICLE
    + """MotorVehicleID:id48 TollgateID:id20 StorageUrl1:url256 StorageUrl2:url256 StorageUrl3:url256
    StorageUrl4:url256 StorageUrl5:url256 LaneNo:int Direction:code2 VehicleClass:code3 VehicleBrand:code3
    VehicleModel:s32 VehicleStyles:s16 HitMarkInfo:code2 VehicleBodyDesc:s128 VehicleFrontItem:s128
    DescOfFrontItem:s256 VehicleRearItem:s128 DescOfRearItem:s256 NumOfPassenger:int NameOfPassedRoad:s64
    IsSuspicious:bool Sunvisor:int SafetyBelt:int Calling:int PlateReliability:s3 PlateCharReliability:s64
    BrandReliability:s3"""
)
NON_MOTOR_VEHICLE = table(
    _HEAD
    + _VEHICLE
    + """NonMotorVehicleID:id48 TollgateID:id20 LaneNo:int Direction:code2 VehicleBrand:s32
    VehicleType:s64"""
)
IMAGE = table(
    """ImageID:id41 InfoKind:int ImageSource:code2 SourceVideoID:id41 OriginImageID:id41 EventSort:int DeviceID:id20
    SourceID:id41 StoragePath:url256 FileHash:s64 FileFormat:s6 ShotTime:time Title:s128 TitleNote:s128
    SpecialIName:s128 Keyword:s200 ContentDescription:s256 SubjectCharacter:s256 ShotPlaceCode:s6
    ShotPlaceFullAdress:s100 ShotPlaceLongitude:num ShotPlaceLatitude:num HorizontalShotDirection:code2
    VerticalShotDirection:code2 SecurityLevel:code2 Width:int Height:int CameraManufacturer:s64 CameraVersion:s64
    ApertureValue:s16 ISOSensitivity:s16 FocalLength:s16 QualityGrade:code2 CollectorName:s50 CollectorOrg:s100
    CollectorIDType:code3 CollectorID:s30 EntryClerk:s50 EntryClerkOrg:s100 EntryClerkIDType:code3 EntryClerkID:s30
    EntryTime:time ImageProcFlag:int FileSize:int"""
)
APE = table(
    """ApeID:id20 Name:s100 Model:s100 IPAddr:s30 IPV6Addr:s64 Port:int Longitude:num Latitude:num PlaceCode:s6
    Place:s256 OrgCode:s12 CapDirection:int MonitorDirection:code2 MonitorAreaDesc:s256 IsOnline:code2 OwnerApsID:id20
    UserId:s64 FunctionType:s30 PositionType:s50"""
)
TOLLGATE = table(
    """TollgateID:id20 Name:s100 Longitude:num Latitude:num PlaceCode:s6 Place:s256 Status:code2 TollgateCat:code2
    TollgateUsage:code2 LaneNum:int OrgCode:s12 ActiveTime:time"""
)
LANE = table(
    """TollgateID:id20 LaneId:int LaneNo:int Name:s100 Direction:code2 Desc:s256 MaxSpeed:num CityPass:int
    ApeID:id20"""
)
SUB_IMAGE = table(
    """ImageID:id41 EventSort:int DeviceID:id20 StoragePath:url256 Type:two3 FileFormat:s6 ShotTime:time Width:int
    Height:int"""
)

POLICE_ONLY = frozenset(
    re.findall(
        r"\w+",
        """IsSuspectedTerrorist SuspectedTerroristNumber IsCriminalInvolved CriminalInvolvedSpecilisationCode
        BodySpeciallMark CrimeMethod CrimeCharacterCode EscapedCriminalNumber IsDetainees DetentionHouseCode
        DetaineesIdentity DetaineesSpecialIdentity MemberTypeCode IsVictim VictimType InjuredDegree CorpseConditionCode
        IsSuspiciousPerson""",
    )
)
"""Members that a residential platform neither keeps nor shows: they are left out."""
PERSONAL = frozenset(
    re.findall(
        r"\w+",
        """IDType IDNumber Name UsedName Alias GenderCode AgeUpLimit AgeLowerLimit EthicCode NativeCityCode
        ResidenceAdminDivision ChineseAccentCode JobCategory PassportType ImmigrantTypeCode PersonOrg NationalityCode
        CollectorName CollectorID CollectorIDType EntryClerk EntryClerkID EntryClerkIDType""",
    )
)
"""Members that name or describe a person: they are sealed before they are stored."""
