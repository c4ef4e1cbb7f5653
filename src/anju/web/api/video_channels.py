"""Cameras: lists, the tree by place, names and places given here, steering with one hand at a time.

Source: 5.4.1, 5.4.2 (video resources), 5.1.2.4 (control of cameras), 6.3.2 (no data without rights).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from anju.bus.nats import Bus
from anju.control.corridor import Target
from anju.domain.commands import DeviceAction, ptz_body, read_ptz
from anju.domain.recording import day_of, read_plan, written
from anju.domain.rights import Action, Located, Principal
from anju.domain.video import ChannelState, Ptz, PtzAct
from anju.errors import Conflict
from anju.store import channels, places, ptz_locks, recordings
from anju.store.channels import Filter, Placed
from anju.store.ptz_locks import Lock
from anju.web.api.commands import corridor
from anju.web.context import Caller, Here, Me, Services
from anju.web.paging import MOST
from anju.web.words import Body, Name

router = APIRouter(prefix="/video", tags=["video"])
Limit = Annotated[int, Query(ge=1, le=MOST)]
Axis = Annotated[int, Field(ge=-255, le=255)]
WITHIN = timedelta(seconds=5)
"""A camera that moves later than this surprises somebody."""
ASK_S = 12.0
FRESH_MS = 90_000
"""A file that ended less long ago is one of a recording that runs."""
_PRIORITIES = {"shift_leader": 2, "property_manager": 2, "county_operator": 4, "city_operator": 5, "police_station": 5}


class ChannelPatch(Body):
    """What shall be different; '' for a name or place goes back to what its device tells. ``version``: as seen."""

    name: Name | None = None
    place_id: Name | None = None
    plan: Annotated[dict[str, Any], Field(max_length=20)] | None = None
    version: int | None = None


class PtzIn(Body):
    """One step on a camera: see ``domain.video.Ptz``."""

    act: PtzAct
    pan: Axis = 0
    tilt: Axis = 0
    zoom: Axis = 0
    value: Annotated[int, Field(ge=-4_095, le=4_095)] = 0
    number: Annotated[int, Field(ge=0, le=255)] = 0
    extra: Annotated[int, Field(ge=0, le=4_095)] = 0
    name: Annotated[str, Field(max_length=32)] = ""
    box: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=4, max_length=4)] | None = None

    def ptz(self) -> Ptz:
        """Return it in the words of the domain."""
        told = self.model_dump(exclude={"box"})
        x, y, width, height = self.box or (0.0, 0.0, 0.0, 0.0)
        return Ptz(**told, box=(x, y, width, height) if self.box else None)


@router.get("/channels")
async def list_channels(
    me: Me,
    here: Here,
    q: Annotated[Name, Query()] = "",
    place: Annotated[Name, Query()] = "",
    device: Annotated[Name, Query()] = "",
    state: ChannelState | None = None,
    cursor: Annotated[Name, Query()] = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Cameras, by id. ``place`` is the id of any place above them, ``q`` part of a name or code."""
    scope = await me.may(Action.VIDEO_READ)
    wanted = Filter(q.strip(), place, device, state or "")
    found = await channels.page(here.db, scope, wanted, after=cursor, limit=limit)
    last = found[-1].channel.id if len(found) == limit else None
    return {"items": await _shown(here, found), "next": last}


@router.get("/channels/{channel_id}")
async def one(channel_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """One camera."""
    found = await channels.find(here.db, await me.may(Action.VIDEO_READ), channel_id)
    return (await _shown(here, [found]))[0]


@router.patch("/channels/{channel_id}")
async def change(channel_id: Name, wanted: ChannelPatch, me: Me, here: Here) -> dict[str, Any]:
    """Name a camera, put it at a place, plan its recording. 409 where somebody else changed it meanwhile."""
    scope = await me.may(Action.VIDEO_WRITE)
    plan = None if wanted.plan is None else written(read_plan(wanted.plan))
    acting = me.acting(Action.VIDEO_WRITE, channel_id, wanted.model_dump(mode="json", exclude_unset=True))
    async with acting, here.db.transaction() as tx:
        await channels.find(tx, scope, channel_id)
        if wanted.place_id:
            await places.find(tx, scope, wanted.place_id)
        found = await channels.edit(
            tx,
            channel_id,
            name=wanted.name,
            place_id=wanted.place_id,
            plan=plan,
            version=wanted.version,
            at=here.clock(),
        )
        await channels.find(tx, scope, channel_id)  # nobody moves a camera out of his own sight
    return (await _shown(here, [found]))[0]


@router.get("/tree")
async def tree(me: Me, here: Here) -> dict[str, Any]:
    """All cameras with the places above them, for the resource tree; ``online`` and ``total`` count what is below."""
    scope = await me.may(Action.VIDEO_READ)
    found = await channels.tree(here.db, scope)
    above = await channels.above(here.db, [each["place_path"] for each in found])
    counted: dict[str, list[int]] = {each["id"]: [0, 0] for each in above}
    for each in found:
        for place_id in each["place_path"].strip("/").split("/"):
            counted[place_id][0] += each["state"] == ChannelState.ONLINE
            counted[place_id][1] += 1
    now = await _recordings(here, [each["id"] for each in found], {each["id"]: each["by"] for each in found})
    shown = ("id", "parent_id", "name", "kind")
    return {
        "places": [
            {**{name: each[name] for name in shown}, "online": counted[each["id"]][0], "total": counted[each["id"]][1]}
            for each in above
        ],
        "channels": [
            {
                **{name: each[name] for name in ("id", "name", "place_id", "state", "ptz", "code", "device_id")},
                "recording": now[each["id"]]["recording"],
            }
            for each in found
        ],
    }


async def _shown(here: Services, found: Sequence[Placed]) -> list[dict[str, Any]]:
    bodies = [channels.body(each) for each in found]
    by = {each["id"]: each["plan"].get("by") for each in bodies}
    kept = await _recordings(here, [each["id"] for each in bodies], by)
    return [each | kept[each["id"]] for each in bodies]


async def _recordings(here: Services, ids: Sequence[str], by: Mapping[str, str | None]) -> dict[str, dict[str, Any]]:
    """Return what is recorded of each camera, and its picture as recorded last."""
    at = here.clock()
    now_ms, found = round(at.timestamp() * 1000), await recordings.held(here.db, list(ids), today=day_of(at))
    return {
        each.channel_id: {
            "recording": {
                "mode": by.get(each.channel_id) or "nvr",
                "now": each.newest_ms is not None and now_ms - each.newest_ms < FRESH_MS,
                "days": each.days if each.oldest_ms is not None else None,
                "oldest_at": _time(each.oldest_ms),
            },
            "codec": "",
            "width": each.width or None,
            "height": each.height or None,
        }
        for each in found
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat()


@router.post("/channels/{channel_id}/ptz", status_code=202)
async def ptz(channel_id: Name, wanted: PtzIn, me: Me, here: Here) -> dict[str, Any]:
    """Steer a camera: the lock is taken or renewed, and the command goes down at once. 409 ``ptz_locked``."""
    found = await channels.find(here.db, await me.may(Action.VIDEO_PTZ), channel_id)
    channel, body = found.channel, ptz_body(channel_id, wanted.ptz())
    read_ptz(body)
    await me.may(Action.VIDEO_PTZ, Located(channel.place_path, channel.jurisdiction))
    lock = await _locked(me, here, channel_id)
    target = Target(
        "device", channel.device_id, channel.site_id, channel.place_path, channel.jurisdiction, here.node.id
    )
    async with me.acting("video.ptz", channel_id, body):
        command = await corridor(here).want(me.principal, DeviceAction.PTZ, target, body, within=WITHIN)
    bus = here.more.get("bus")
    if isinstance(bus, Bus):
        await bus.tell("commands")
    return {"command_id": str(command.id), "lock": _lock(lock)}


async def _locked(me: Caller, here: Services, channel_id: str) -> Lock:
    who = (me.principal.id, me.principal.name)
    async with here.db.transaction() as tx:
        lock = await ptz_locks.take(tx, channel_id, who, priority_of(me.principal), at=here.clock())
    if lock.holder_id != me.principal.id:
        raise Conflict("ptz_locked", f"{lock.holder} steers this camera until {lock.until.isoformat()}")
    return lock


def priority_of(principal: Principal) -> int:
    """Return who takes a camera over from whom: a shift leader from a guard, the police from both."""
    return max((_PRIORITIES.get(each.role, 1) for each in principal.grants), default=1)


@router.get("/channels/{channel_id}/ptz")
async def who_steers(channel_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """Who steers a camera now, and until when."""
    await channels.find(here.db, await me.may(Action.VIDEO_READ), channel_id)
    return _lock(await ptz_locks.held(here.db, channel_id, at=here.clock()))


def _lock(lock: Lock | None) -> dict[str, Any]:
    if lock is None:
        return {"holder": None, "until": None}
    return {
        "holder": {"id": lock.holder_id, "name": lock.holder, "level": lock.priority},
        "until": lock.until.isoformat(),
    }


@router.get("/channels/{channel_id}/presets")
async def presets(channel_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """The presets a camera has kept, asked of it now. 409 with why there are none to be had."""
    await channels.find(here.db, await me.may(Action.VIDEO_PTZ), channel_id)
    return {"items": await asked(here, {"query": "presets", "channel_id": channel_id}), "next": None}


async def asked(here: Services, question: Mapping[str, Any]) -> Any:
    """Return what the gateway answers to a question to a device. Raises Conflict with why not, Silent."""
    bus = here.more.get("bus")
    if not isinstance(bus, Bus):
        raise Conflict("signalling_away", "no bus here")
    answer = msgspec.json.decode(await bus.ask("sip.command", msgspec.json.encode(question), within_s=ASK_S))
    if "error" in answer:
        raise Conflict(str(answer["error"]), str(answer.get("message", "")))
    return answer.get("ok")
