"""Pages of GB/T 28181 devices: how they are registered, why they do not get in, their quirks, their last messages.

Source: 4.2.1.5 (devices' faults), 5.4.3 (GB/T 28181), 8-g; 6.3.2 (no data without rights).
"""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Literal

import msgspec
from fastapi import APIRouter

from anju.domain import devices as words
from anju.domain.devices import Device
from anju.domain.rights import Action, Scope
from anju.errors import NotFound
from anju.store import channels, devices, events, sip_exchanges, sip_registrations
from anju.store.database import Executor
from anju.web.api.devices import GROWN, Gb28181In, findings_of
from anju.web.api.places import editor
from anju.web.api.video_channels import asked
from anju.web.context import Here, Me, Services
from anju.web.words import Body, Name

router = APIRouter(prefix="/video/devices", tags=["video"])
CLOCK_SINCE = timedelta(days=7)
QUERIES = {"DeviceInfo": "info", "DeviceStatus": "status", "Catalog": "catalog", "ConfigDownload": "config"}
OPTIONS = {
    "media": words.MEDIA,
    "sub_stream": words.SUB_STREAMS,
    "control": words.CONTROLS,
    "charset": words.CHARSETS,
}


class QuirksIn(Body):
    """Quirks that shall be different; those not named stay. ``version`` is what the editor saw."""

    quirks: Gb28181In
    version: int | None = None


class Question(Body):
    """What a device shall be asked."""

    what: Literal["DeviceInfo", "DeviceStatus", "Catalog", "ConfigDownload"]


@router.get("/{device_id}")
async def one(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """How a device is registered, what is expected beside what it sends, its clock, its catalog, its quirks."""
    scope = await me.may(Action.DEVICES_READ)
    return await _shown(here, await _found(here.db, scope, device_id), strangers=scope.everything)


@router.patch("/{device_id}")
async def change(device_id: Name, wanted: QuirksIn, me: Me, here: Here) -> dict[str, Any]:
    """Set quirks of a device."""
    scope = await me.may(Action.DEVICES_WRITE)
    told = wanted.quirks.model_dump(mode="json", exclude_unset=True)
    async with me.acting(Action.DEVICES_WRITE, device_id, {"quirks": told}), here.db.transaction() as tx:
        await _found(tx, scope, device_id)
        before = await devices.locked(tx, scope, device_id, editor(here, me), version=wanted.version)
        named = wanted.quirks.access()
        access = replace(before.particulars.gb28181, **{name: getattr(named, name) for name in told})
        particulars = replace(before.particulars, gb28181=access)
        device = await devices.edit(tx, before, {"particulars": particulars}, editor(here, me))
    await here.told(GROWN)
    return await _shown(here, device, strangers=False)


@router.get("/{device_id}/exchanges")
async def exchanges(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """The last messages of a device, newest first, without digests and passwords; that look is logged."""
    await _found(here.db, await me.may(Action.DEVICES_READ), device_id)
    device = await _found(here.db, await me.may(Action.EVENTS_RAW), device_id)
    async with me.acting(Action.EVENTS_RAW, device.id, {"messages": "sip"}):
        found = await sip_exchanges.last(here.db, device.id)
    return {"items": found, "next": None}


@router.post("/{device_id}/catalog", status_code=202)
async def refresh(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """Have a device asked for its catalog; how that stands is on its page."""
    device = await _found(here.db, await me.may(Action.VIDEO_WRITE), device_id)
    async with me.acting(Action.VIDEO_WRITE, device.id, {"catalog": "asked"}):
        await asked(here, {"query": "catalog", "device_id": device.id})
    return {"state": "asked"}


@router.post("/{device_id}/query", status_code=202)
async def query(device_id: Name, wanted: Question, me: Me, here: Here) -> dict[str, Any]:
    """Ask a device what it is, how it is, or how it is set; 409 with why it did not answer."""
    device = await _found(here.db, await me.may(Action.VIDEO_WRITE), device_id)
    async with me.acting(Action.VIDEO_WRITE, device.id, {"query": wanted.what}):
        told = await asked(here, {"query": QUERIES[wanted.what], "device_id": device.id})
    return {"answer": told}


async def _found(db: Executor, scope: Scope, device_id: str) -> Device:
    device = await devices.find(db, scope, device_id)
    if device.protocol != "gb28181" or device.retired_at is not None:
        raise NotFound("no_device", "there is no such device here")
    return device


async def _shown(here: Services, device: Device, *, strangers: bool) -> dict[str, Any]:
    registration = await sip_registrations.find(here.db, device.id)
    synced = await channels.synced(here.db, device.id)
    offsets = await events.clock_offsets(here.db, device.id, since=here.clock() - CLOCK_SINCE)
    return {
        "id": device.id,
        "registration": msgspec.to_builtins(asdict(registration)) if registration else None,
        "findings": await findings_of(here, device, strangers=strangers),
        "quirks": msgspec.to_builtins(asdict(device.particulars.gb28181)),
        "options": {name: list(each) for name, each in OPTIONS.items()},
        "clock": {"offset_ms": round(offsets[-1][1] / timedelta(milliseconds=1)), "at": offsets[-1][0].isoformat()}
        if offsets
        else None,
        "catalog": {
            "at": (synced.ended_at or synced.asked_at).isoformat(),
            "got": synced.received,
            "expected": synced.told or None,
            "state": synced.state.value,
        }
        if synced
        else None,
        "told": await sip_registrations.told_by(here.db, device.id),
        "version": device.version,
    }
