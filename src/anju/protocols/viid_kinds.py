"""Kinds of GA/T 1400 objects: how they are wrapped, named and dated, and how their members are misspelt in the field.

Source: GA/T 1400.4 (wrappers), GA/T 1400.3 (objects).
"""

from dataclasses import dataclass, field

from anju.protocols import viid_members as members
from anju.protocols.viid_members import Member

_SEEN_LAST = ("LocationMarkTime", "MarkTime")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. Times of ``first`` count before those of the pictures, times of ``last`` after.

    Objects that lack one of ``needed`` are flagged; only a missing ``id`` refuses them.
    """

    wrapper: str
    item: str
    id: str
    table: dict[str, Member]
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    names: dict[str, str] = field(init=False)  # every member by its name in small letters
    wrappers: frozenset[str] = field(init=False)  # where objects may lie, in small letters

    def __post_init__(self) -> None:
        stem, ends = self.item.removesuffix("Object"), ("Object", "ListObject", "ObjectList", "List", "s", "Info", "")
        object.__setattr__(self, "names", {each.lower(): each for each in (*self.table, "SubImageList", "Data")})
        object.__setattr__(self, "wrappers", frozenset(f"{stem}{end}".lower() for end in ends))


_SEEN = ("InfoKind", "SourceID", "DeviceID")
_PASSING = ("ShotTime", "PassTime", "AppearTime")
KINDS = {
    "motor_vehicle": Kind(
        "MotorVehicleListObject",
        "MotorVehicleObject",
        "MotorVehicleID",
        members.MOTOR_VEHICLE,
        _PASSING,
        _SEEN_LAST,
        (*_SEEN, "VehicleColor"),
    ),
    "non_motor_vehicle": Kind(
        "NonMotorVehicleListObject",
        "NonMotorVehicleObject",
        "NonMotorVehicleID",
        members.NON_MOTOR_VEHICLE,
        _PASSING,
        _SEEN_LAST,
        (*_SEEN, "VehicleColor"),
    ),
    "face": Kind(
        "FaceListObject", "FaceObject", "FaceID", members.FACE, ("ShotTime", "FaceAppearTime"), _SEEN_LAST, _SEEN
    ),
    "person": Kind(
        "PersonListObject",
        "PersonObject",
        "PersonID",
        members.PERSON,
        ("ShotTime", "PersonAppearTime"),
        _SEEN_LAST,
        _SEEN,
    ),
    "image": Kind("ImageListObject", "Image", "ImageID", members.IMAGE, ("ShotTime",), (), ("InfoKind", "DeviceID")),
    "ape": Kind("APEListObject", "APEObject", "ApeID", members.APE, needed=("Name",)),
    "tollgate": Kind("TollgateListObject", "TollgateObject", "TollgateID", members.TOLLGATE, needed=("Name",)),
    "lane": Kind("LaneListObject", "LaneObject", "TollgateID", members.LANE, needed=("LaneId", "LaneNo")),
}
STANDING = frozenset({"ape", "tollgate", "lane"})
"""Kinds that stand somewhere and have no moment."""

MISSPELT = {
    "apeld": "ApeID",
    "deviceld": "DeviceID",
    "evensort": "EventSort",
    "facedisapeartime": "FaceDisAppearTime",
    "imagelist": "SubImageList",
    "leftopx": "LeftTopX",
    "leftopy": "LeftTopY",
    "passtme": "PassTime",
    "platecolour": "PlateColor",
    "plateno.": "PlateNo",
    "platenumber": "PlateNo",
    "platgeclass": "PlateClass",
    "platgecolor": "PlateColor",
    "platgeno": "PlateNo",
    "rightbtomx": "RightBtmX",
    "rightbtomy": "RightBtmY",
    "righttbtmx": "RightBtmX",
    "righttbtmy": "RightBtmY",
    "shotplacefulladdress": "ShotPlaceFullAdress",
    "sourceld": "SourceID",
    "subimageinfolist": "SubImageList",
    "subimagelistobject": "SubImageList",
    "subimages": "SubImageList",
    "vehiclecolour": "VehicleColor",
    "wriklepouch": "WrinklePouch",
}
"""Members as some senders write them, in small letters, and what they mean."""
