"""What a GA/T 1400 sender may ask of this library: its own devices, and what they told; nobody's name.

Pictures come only where one is asked for by itself.

Source: 4.3 (GA/T 1400.4: queries on objects and devices), 6.3.2 (no more than is needed).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from anju.devices.viid import Asked, Result
from anju.devices.viid_gate import Registered
from anju.devices.viid_http import No
from anju.domain.changes import Lane
from anju.domain.devices import Device, DeviceState
from anju.domain.sightings import Sighting
from anju.domain.vehicles import Passage
from anju.errors import NotFound
from anju.protocols.viid import INVALID_OPERATION, KINDS, OK, collection
from anju.protocols.viid_ids import stamp
from anju.protocols.viid_kinds import STANDING
from anju.protocols.viid_query import Condition, Operator, Query, parse_query
from anju.store import devices, viid_kept
from anju.store.database import Database
from anju.store.log import NodeId

BehindOf = Callable[[Registered], Sequence[Registered]]
"""Gives the devices a sender may speak for, itself among them."""
Read = Callable[[UUID], Awaitable[tuple[bytes, str]]]
Told = Callable[[frozenset[Lane]], Awaitable[None]]
_ONLINE = {DeviceState.ONLINE: "1", DeviceState.OFFLINE: "2"}


class Library:
    """Answers questions and marks withdrawals for one intake process.

    ``read`` gives a kept picture and its media type. ``told`` hears that the log grew.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        behind: BehindOf,
        read: Read,
        *,
        told: Told,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._node, self._behind, self._read = db, node, behind, read
        self._told, self._clock = told, clock

    async def find(self, asked: Asked) -> bytes:
        """Return the page, or the one object, that answers ``asked``. Raises ViidError, No, DatabaseAway."""
        query = parse_query(asked.kind, asked.query)
        if asked.object_id:
            query = Query((*query.conditions, Condition(KINDS[asked.kind].id, Operator.EQUAL, (asked.object_id,))))
        mine = [each.device for each in self._behind(asked.sender)]
        found, total = (
            _standing(asked.kind, query, await devices.now(self._db, [each.id for each in mine]))
            if asked.kind in STANDING
            else await self._captured(asked.kind, query, mine)
        )
        if asked.object_id:
            return _single(asked, found)
        return collection(asked.kind, found, first=query.first, total=total)

    async def picture(self, asked: Asked) -> tuple[bytes, str]:
        """Return the picture of an Image the sender's devices told, and its media type. Raises No, DatabaseAway."""
        mine = [each.device.id for each in self._behind(asked.sender)]
        found = await viid_kept.find(self._db, asked.kind, Query(ids=(asked.object_id,)), mine, at=self._clock())
        pictures = [picture for each in found.records for picture in each.pictures]
        if not pictures:
            raise _nothing()
        try:
            return await self._read(pictures[0].blob_id)
        except NotFound as error:
            raise _nothing() from error

    async def _captured(self, kind: str, query: Query, asked: Sequence[Device]) -> tuple[list[dict[str, Any]], int]:
        mine = [each for each in query.conditions if each.attribute == "DeviceID"]
        rest = Query(
            tuple(each for each in query.conditions if each.attribute != "DeviceID"),
            *(query.first, query.count, query.sort, query.descending, query.ids),
        )
        codes = {each.id: each.account for each in asked if all(_holds(c, {"DeviceID": each.account}) for c in mine)}
        found = await viid_kept.find(self._db, kind, rest, list(codes), at=self._clock())
        return [_object(kind, each, codes[each.device_id]) for each in found.records], found.total

    async def withdraw(self, sender: Registered, kind: str, ids: Sequence[str]) -> list[Result]:
        """Mark kept objects as withdrawn; return what to answer for each id, after the commit. Raises DatabaseAway."""
        mine = [each.device.id for each in self._behind(sender)]
        async with self._db.transaction() as tx:
            marked = await viid_kept.withdraw(tx, self._node, kind, ids, mine, at=self._clock())
        if marked:
            await self._told(frozenset({Lane.BULK}))
        words = {True: (OK, "OK: marked as withdrawn, not destroyed"), False: (INVALID_OPERATION, "no such object")}
        return [(each, *words[each in marked]) for each in ids]


def _nothing() -> No:
    return No(404, INVALID_OPERATION, "there is no such object here")


def _single(asked: Asked, found: Sequence[dict[str, Any]]) -> bytes:
    if not found:
        raise _nothing()
    told = {"ImageInfoObject": found[0]["ImageInfo"]} if asked.part == "info" else {KINDS[asked.kind].item: found[0]}
    return msgspec.json.encode(told)


def _standing(kind: str, query: Query, mine: Sequence[Device]) -> tuple[list[dict[str, Any]], int]:
    describe = {"ape": _ape, "tollgate": _tollgate, "lane": _lane}[kind]
    told = [members for each in mine if (members := describe(each))]
    found = [each for each in told if all(_holds(c, each) for c in query.conditions)]
    if query.ids:
        found = [each for each in found if each[KINDS[kind].id] in query.ids]
    return found[query.first - 1 :][: query.count], len(found)


def _holds(condition: Condition, members: Mapping[str, Any]) -> bool:
    """Return whether ``members`` fit; texts are compared as texts."""
    found, told = str(members.get(condition.attribute, "")), [str(each) for each in condition.values]
    return {
        Operator.EQUAL: found == told[0],
        Operator.UNEQUAL: found != told[0],
        Operator.GREATER: found > told[0],
        Operator.LESS: found < told[0],
        Operator.AT_LEAST: found >= told[0],
        Operator.AT_MOST: found <= told[0],
        Operator.LIKE: told[0] in found,
        Operator.IN: found in told,
        Operator.BETWEEN: told[0] <= found <= told[-1],
    }[condition.operator]


def _alias(device: Device, space: str) -> str:
    return next((code for each, code in device.aliases if each == space), "")


def _stands(device: Device) -> dict[str, Any]:
    where = {"Longitude": device.longitude, "Latitude": device.latitude}
    return {"Name": device.name, **{name: each for name, each in where.items() if each is not None}}


def _ape(device: Device) -> dict[str, Any]:
    """No address and no password of a device is given out."""
    told = {"Model": device.particulars.model, "IsOnline": _ONLINE.get(device.state, "9")}
    return {"ApeID": _alias(device, "viid_ape") or device.account, **_stands(device), **told}


def _tollgate(device: Device) -> dict[str, Any]:
    code = _alias(device, "viid_tollgate") or (device.account if device.account[10:13] == "121" else "")
    return {"TollgateID": code, **_stands(device), "Status": "1", "TollgateCat": "99"} if code else {}


def _lane(device: Device) -> dict[str, Any]:
    if device.kind != "lane":
        return {}
    passes = {"in": 1, "out": 2}.get(device.particulars.passes, 4)
    tollgate = _alias(device, "viid_tollgate") or device.account
    return {
        "TollgateID": tollgate,
        "LaneId": 1,
        "LaneNo": 1,
        "Name": device.name,
        "Direction": "9",
        "CityPass": passes,
        "ApeID": device.account,
    }


def _object(kind: str, record: Passage | Sighting, code: str) -> dict[str, Any]:
    shots = [
        {"Type": each.type, "FileFormat": each.media_type.rpartition("/")[2].capitalize(), "Width": each.width,
         "Height": each.height} for each in record.pictures
    ]  # fmt: skip
    own = _vehicle(record) if isinstance(record, Passage) else {"ShotTime": stamp(record.seen_at)}
    told = {KINDS[kind].id: record.object_id, "DeviceID": code, **record.detail, **own}
    if kind == "image":
        return {"ImageInfo": {**told, **(shots[0] if shots else {})}}
    return {**told, "SubImageList": {"SubImageInfoObject": shots}}


def _vehicle(passage: Passage) -> dict[str, Any]:
    told = {
        "PassTime": stamp(passage.passed_at),
        "PlateNo": passage.plate or "无车牌",
        "PlateClass": passage.plate_class,
        "PlateColor": passage.plate_color,
        "VehicleClass": passage.vehicle_class,
        "VehicleColor": passage.vehicle_color,
        "VehicleBrand": passage.brand,
        "VehicleModel": passage.model,
        "LaneNo": int(passage.lane) if passage.lane.isdecimal() else passage.lane,
        "Speed": passage.speed,
    }
    return {name: each for name, each in told.items() if each not in {None, ""}}
