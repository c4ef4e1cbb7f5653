"""Devices: registered, changed, asked why they do not get in. Secrets go in and never come out.

Source: 4.2.1 (one management of all devices), 4.2.1.5, 4.1.3, 5.1.3-a.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from anju.domain import devices as words
from anju.domain.alarms import LIFE
from anju.domain.changes import Lane
from anju.domain.codes import Segment
from anju.domain.devices import (
    Certificate,
    Device,
    DeviceState,
    Finding,
    Gb28181Access,
    Particulars,
    Received,
    ViidAccess,
    Zone,
    diagnose,
)
from anju.domain.events import MASK, EventKind, masked
from anju.domain.rights import Action, Located, Scope
from anju.errors import Conflict, Forbidden, Invalid
from anju.security.sealing import Sealer
from anju.store import codes, devices, events, places, rejections, sip_registrations, zones
from anju.store.database import Transaction
from anju.store.devices import Filter, NewDevice
from anju.web.api.places import editor
from anju.web.context import Caller, Here, Me, Services
from anju.web.paging import MOST, PageQuery
from anju.web.words import Body, Name, Note, Time

router = APIRouter(tags=["devices"])
GROWN = frozenset({Lane.BULK})
ZONES_MOST = 1_000
BYPASS_MOST = timedelta(hours=24)
CLOCK_SINCE, FRAMES_SINCE = timedelta(days=30), timedelta(days=7)
FRAMES = 20
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
_DETAILS = frozenset(Particulars.__dataclass_fields__)


class CertificateIn(Body):
    """What allows a product to be used."""

    number: Name = ""
    issuer: Name = ""
    expires_on: date | None = None


class ViidIn(Body):
    """How a device speaks GA/T 1400: see ``ViidAccess``."""

    user: Annotated[str, Field(max_length=64, pattern=r'^[^:"\\\x00-\x1f]*$')] = ""
    addresses: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    every_request: bool = False
    strict: bool = False
    created: bool = False
    text_status: bool = False


class Gb28181In(Body):
    """How a device speaks GB/T 28181: see ``Gb28181Access``."""

    user: Annotated[str, Field(max_length=64, pattern=r'^[^:"\\\x00-\x1f]*$')] = ""
    addresses: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    media: Literal["udp", "tcp_passive", "tcp_active"] = "udp"
    media_host: Annotated[str, Field(max_length=45, pattern=r"^[0-9A-Fa-f.:]*$")] = ""
    charset: Literal["", "utf-8", "gb18030"] = ""
    set_clock: bool = True
    check_ssrc: bool = False
    sub_stream: Literal["streamnumber", "streamprofile", "stream", "streammode", "none"] = "streamnumber"
    control: Literal["RTSP", "MANSRTSP"] = "RTSP"
    to_contact: bool = False
    roams: bool = False
    guard: bool = False
    subscribe: bool = True
    position_s: Annotated[int, Field(ge=1, le=3_600)] | None = None
    talk_on_ack: bool = False
    talk_target: Annotated[str, Field(max_length=32, pattern=r"^[0-9A-Za-z_-]*$")] = ""
    keepalive_s: Annotated[float, Field(ge=5, le=3_600, allow_inf_nan=False)] | None = None
    missed: Annotated[int, Field(ge=1, le=255)] = 3

    def access(self) -> Gb28181Access:
        """Return it as it is kept. Raises Invalid for an address that is none."""
        told = self.model_dump()
        return Gb28181Access(**{**told, "addresses": words.check_addresses(self.addresses)})


class Details(Body):
    """What is written on a device's page."""

    name: Name | None = None
    place_id: Name | None = None
    account: Name | None = None
    code: Name | None = None
    credential: Annotated[str, Field(max_length=128)] | None = None
    longitude: Degrees | None = None
    latitude: Degrees | None = None
    capture_class: Name | None = None
    position: Name | None = None
    position_type: Name | None = None
    direction: Name | None = None
    unit: Name | None = None
    contact: Name | None = None
    maker: Name | None = None
    model: Name | None = None
    serial: Name | None = None
    address: Name | None = None
    certificate: CertificateIn | None = None
    save_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    supervision_s: Annotated[float, Field(ge=1, le=90_000, allow_inf_nan=False)] | None = None
    note: Note | None = None
    passes: Literal["", "in", "out"] | None = None
    viid: ViidIn | None = None
    gb28181: Gb28181In | None = None


class Alias(Body):
    """Another code of a device: ``space`` says whose, e.g. ``viid_ape``, ``serial``, ``police``."""

    space: Annotated[str, Field(pattern="^[a-z0-9_]{1,20}$")]
    code: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


class DeviceIn(Details):
    """A device to be. The code ``auto`` takes the next one of this node's segments."""

    kind: Name
    protocol: Name
    name: Name
    place_id: Name
    aliases: Annotated[tuple[Alias, ...], Field(max_length=20)] = ()


class DevicePatch(Details):
    """What shall be different; an empty ``credential`` ends it. ``version`` is what the editor saw."""

    kind: Name | None = None
    protocol: Name | None = None
    aliases: Annotated[list[Alias], Field(max_length=20)] | None = None
    version: int | None = None


class Why(Body):
    """A reason."""

    note: Note = ""


class ZoneIn(Body):
    """One detector or loop; ``kind`` overrides what the panel's code says of an alarm from here."""

    area: Annotated[str, Field(max_length=8, pattern="^[0-9A-Za-z]*$")] = ""
    number: Annotated[str, Field(min_length=1, max_length=8, pattern="^[0-9A-Za-z]+$")]
    name: Name
    place_id: Name
    kind: EventKind | None = None


class ZonesIn(Body):
    """All zones of a panel."""

    zones: Annotated[list[ZoneIn], Field(max_length=ZONES_MOST)]


class BypassIn(Body):
    """A zone that shall keep quiet ``until`` a time; None ends that now."""

    area: Name = ""
    number: Name
    until: Time | None = None
    reason: Note = ""


class SegmentIn(Body):
    """Serials ``first`` to ``last`` of a 14-digit prefix, for a node."""

    prefix: Name
    first: int
    last: int
    node: Name


@router.get("/devices")
async def list_devices(
    me: Me,
    here: Here,
    q: Annotated[Name, Query()] = "",
    kind: Annotated[Name, Query()] = "",
    place: Annotated[Name, Query()] = "",
    state: DeviceState | None = None,
    protocol: Annotated[Name, Query()] = "",
    cursor: Annotated[Name, Query()] = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Devices in use, by id. ``place`` is the id of any place above them, ``q`` part of a name, account or code."""
    scope = await me.may(Action.DEVICES_READ)
    wanted = Filter(q.strip(), kind, state or "", protocol, place)
    found = await devices.page(here.db, scope, wanted, after=cursor, limit=limit)
    last = found[-1].id if len(found) == limit else None
    return {"items": await devices.named(here.db, found), "next": last}


@router.get("/devices/kinds")
async def kinds(me: Me) -> dict[str, Any]:
    """The words of the registry: kinds of devices with their protocols, and the coded particulars."""
    await me.may(Action.DEVICES_READ)
    coded = {
        "capture_classes": words.CAPTURE_CLASSES,
        "position_types": words.POSITION_TYPES,
        "directions": words.DIRECTIONS,
    }
    return {
        "kinds": [
            {"kind": name, "zh": each.zh, "en": each.en, "protocols": list(each.protocols), "type_code": each.type_code}
            for name, each in words.KINDS.items()
        ],
        **{name: [{"code": code, **each._asdict()} for code, each in table.items()] for name, table in coded.items()},
    }


@router.post("/devices", status_code=201)
async def add(wanted: DeviceIn, me: Me, here: Here) -> dict[str, Any]:
    """Register a device. 409 for an account or code that another device has."""
    scope = await me.may(Action.DEVICES_WRITE)
    new = NewDevice(
        wanted.kind,
        wanted.name,
        wanted.protocol,
        wanted.account or "",
        wanted.code or "",
        _particulars(Particulars(), wanted),
        wanted.longitude,
        wanted.latitude,
        tuple((each.space, each.code) for each in wanted.aliases),
    )
    sealed = _sealing(here, wanted.protocol, wanted.credential) if wanted.credential else None
    async with me.acting(Action.DEVICES_WRITE, wanted.place_id, _logged(wanted)), here.db.transaction() as tx:
        place = await places.find(tx, scope, wanted.place_id)
        device = await devices.add(tx, place, new, editor(here, me), sealed=sealed)
    await here.told(GROWN)
    return await _shown(here, device)


def _particulars(before: Particulars, wanted: Details) -> Particulars:
    """Return ``before`` with what ``wanted`` says. Raises Invalid for a code that is in no table."""
    told = wanted.model_dump(exclude_unset=True, include=set(_DETAILS))
    for name, table in (
        ("capture_class", words.CAPTURE_CLASSES),
        ("position_type", words.POSITION_TYPES),
        ("direction", words.DIRECTIONS),
    ):
        if told.get(name) and told[name] not in table:
            raise Invalid(f"bad_{name}", f"{told[name]!r} is no {name.replace('_', ' ')}")
    if "certificate" in told:
        told["certificate"] = Certificate(**(told["certificate"] or {}))
    if "viid" in told:
        access = ViidAccess(**(told["viid"] or {}))
        told["viid"] = replace(access, addresses=words.check_addresses(access.addresses))
    if "gb28181" in told:
        told["gb28181"] = (wanted.gb28181 or Gb28181In()).access()
    emptied = dict.fromkeys(_DETAILS - {"certificate", "save_days", "supervision_s", "viid", "gb28181"}, "")
    filled: dict[str, Any] = {name: emptied.get(name) if each is None else each for name, each in told.items()}
    return replace(before, **filled)


def _sealing(here: Services, protocol: str, credential: str) -> Callable[[str], bytes]:
    """Return what seals a credential for a device's id. Raises Invalid for one the protocol cannot use."""
    key, sealer = words.read_key(protocol, credential), here.more.get("sealer")
    if not isinstance(sealer, Sealer):
        sealer = here.more["sealer"] = Sealer(here.data / "keys")
    return lambda device_id: sealer.seal(key, words.sealed_for(device_id))


def _logged(wanted: Details) -> dict[str, Any]:
    """Return what the operator log may hold: that there was a credential, not which."""
    told = wanted.model_dump(mode="json", exclude_unset=True, exclude={"credential"})
    return told | ({"credential": "given" if wanted.credential else "ended"} if wanted.credential is not None else {})


async def _shown(here: Services, device: Device) -> dict[str, Any]:
    (shown,) = await devices.named(here.db, [device])
    arming = [
        {
            "area": each.area,
            "armed": each.armed,
            "mode": each.mode,
            "at": each.at,
            "by_user": MASK if each.by_user else "",
        }
        for each in await zones.armed(here.db, device.id)
    ]
    return {**shown, "arming": arming}


@router.get("/devices/{device_id}")
async def one(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """One device with its zones, codes and arming."""
    scope = await me.may(Action.DEVICES_READ)
    return await _shown(here, await devices.find(here.db, scope, device_id))


@router.patch("/devices/{device_id}")
async def change(device_id: Name, wanted: DevicePatch, me: Me, here: Here) -> dict[str, Any]:
    """Change a device; a new code leaves the old one as an alias."""
    scope = await me.may(Action.DEVICES_WRITE)
    async with me.acting(Action.DEVICES_WRITE, device_id, _logged(wanted)), here.db.transaction() as tx:
        before = await devices.locked(tx, scope, device_id, editor(here, me), version=wanted.version)
        place = await places.find(tx, scope, wanted.place_id) if wanted.place_id else None
        credential = wanted.credential and _sealing(here, before.protocol, wanted.credential)(device_id)
        if wanted.aliases is not None:
            await devices.put_aliases(tx, device_id, [(each.space, each.code) for each in wanted.aliases])
        device = await devices.edit(
            tx,
            before,
            _different(before, wanted),
            editor(here, me),
            place=place,
            credential=credential if isinstance(credential, bytes) else b"" if credential == "" else None,
        )
    await here.told(GROWN)
    return await _shown(here, device)


def _different(before: Device, wanted: DevicePatch) -> dict[str, Any]:
    plain = {"kind", "protocol", "name", "account", "code", "longitude", "latitude"}
    told = wanted.model_dump(exclude_unset=True, include=plain)
    told = {name: each for name, each in told.items() if each is not None or name in {"longitude", "latitude"}}
    return {**told, "particulars": _particulars(before.particulars, wanted)}


@router.post("/devices/{device_id}/retire")
async def retire(device_id: Name, why: Why, me: Me, here: Here) -> dict[str, Any]:
    """Take a device out of use: its account is free, its records stay."""
    scope = await me.may(Action.DEVICES_WRITE)
    async with me.acting(Action.DEVICES_WRITE, device_id, {"retire": why.note}), here.db.transaction() as tx:
        before = await devices.locked(tx, scope, device_id, editor(here, me))
        device = await devices.retire(tx, before, editor(here, me))
    await here.told(GROWN)
    return await _shown(here, device)


@router.put("/devices/{device_id}/zones")
async def put_zones(device_id: Name, wanted: ZonesIn, me: Me, here: Here) -> dict[str, Any]:
    """Make these the zones of a panel; those left out are retired, a running bypass stays."""
    scope = await me.may(Action.DEVICES_WRITE)
    acting = me.acting(Action.DEVICES_WRITE, device_id, {"zones": len(wanted.zones)})
    async with acting, here.db.transaction() as tx:
        device = await devices.locked(tx, scope, device_id, editor(here, me))
        known = {(z.area, z.number): z for z in (await zones.of(tx, [device_id])).get(device_id, ())}
        found = [await _zone(tx, scope, device, each, known) for each in wanted.zones]
        device = await devices.set_zones(tx, device, found, editor(here, me))
    await here.told(GROWN)
    return await _shown(here, device)


async def _zone(
    tx: Transaction, scope: Scope, device: Device, wanted: ZoneIn, known: dict[tuple[str, str], Zone]
) -> Zone:
    place = await places.find(tx, scope, wanted.place_id)
    if place.site_id != device.site_id or place.retired_at is not None:
        raise Invalid("foreign_place", f"{place.name} is no place in use of the device's community")
    named = words.canonical_zone(device.protocol, wanted.area, wanted.number)
    zone = Zone(*named, wanted.name, place.id, place.place_path, place.name, wanted.kind)
    before = known.get(named)
    return words.still_bypassed(zone, before) if before else zone


@router.post("/devices/{device_id}/zones/bypass")
async def bypass(device_id: Name, wanted: BypassIn, me: Me, here: Here) -> dict[str, Any]:
    """Let a zone keep quiet until a time within 24 h, with a reason. Fire, panic, duress and help never do."""
    scope = await me.may(Action.ALARMS_SHELVE)
    acting = me.acting(Action.ALARMS_SHELVE, device_id, wanted.model_dump(mode="json"))
    async with acting, here.db.transaction() as tx:
        device = await devices.locked(tx, scope, device_id, editor(here, me))
        found = list((await zones.of(tx, [device_id])).get(device_id, ()))
        named = words.canonical_zone(device.protocol, wanted.area, wanted.number)
        _check_bypass(here, wanted, next((z for z in found if (z.area, z.number) == named), None))
        after = [_bypassed(z, wanted) if (z.area, z.number) == named else z for z in found]
        device = await devices.set_zones(tx, device, after, editor(here, me))
    await here.told(GROWN)
    return await _shown(here, device)


def _check_bypass(here: Services, wanted: BypassIn, zone: Zone | None) -> None:
    if zone is None:
        raise Invalid("no_zone", "this panel has no such zone")
    if wanted.until is None:
        return
    if zone.kind in LIFE:
        raise Conflict("never_bypassed", "fire, panic, duress and help are never bypassed")
    if not here.clock() < wanted.until <= here.clock() + BYPASS_MOST:
        raise Invalid("bypass_until", "a bypass ends within 24 hours")
    if not wanted.reason.strip():
        raise Invalid("reason_needed", "a bypass needs a reason")


def _bypassed(zone: Zone, wanted: BypassIn) -> Zone:
    return words.with_bypass(zone, wanted.until, wanted.reason.strip() if wanted.until else "")


@router.get("/devices/{device_id}/why")
async def why(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """What is expected of a device beside what it sends, with the likely cause in words.

    The bytes of frames that were refused are shown to those who may see raw frames; that look is logged.
    """
    scope = await me.may(Action.DEVICES_READ)
    device = await devices.find(here.db, scope, device_id)
    frames = await devices.last_frames(here.db, [device.id], since=here.clock() - FRAMES_SINCE, limit=FRAMES)
    received = await _received(here, device, frames, strangers=scope.everything)
    findings = diagnose(device, received, port=_port(here, device), realm=_realm(here, device))
    return {
        "expected": {each.field: each.expected for each in findings},
        "received": {each.field: each.received for each in findings} if _arrived(received) else None,
        "findings": [_finding(each) for each in findings],
        "frames": await _frames(me, device, frames),
    }


def _finding(each: Finding) -> dict[str, Any]:
    told = {"field": each.field, "expected": each.expected, "received": each.received, "ok": each.ok}
    return told | (each.words._asdict() if each.words else {})


async def findings_of(here: Services, device: Device, *, strangers: bool) -> list[dict[str, Any]]:
    """Return what is expected of a device beside what it sends; ``strangers``: accounts nobody registered as well."""
    frames = await devices.last_frames(here.db, [device.id], since=here.clock() - FRAMES_SINCE, limit=FRAMES)
    received = await _received(here, device, frames, strangers=strangers)
    found = diagnose(device, received, port=_port(here, device), realm=_realm(here, device))
    return [_finding(each) for each in found]


def _realm(here: Services, device: Device) -> str:
    """Return the SIP domain a device must name, nothing for one that speaks no SIP here."""
    if device.protocol != "gb28181" or device.home_node != here.node.id:
        return ""
    return str(getattr(here.more.get("config"), "platform", ""))[:10]


def _port(here: Services, device: Device) -> int | None:
    """Return where the device must call in, None where another node waits for it."""
    config = here.more.get("config")
    if device.home_node != here.node.id:
        return None
    if device.protocol == "viid":
        return getattr(getattr(config, "intake", None), "port", None)
    if device.protocol == "gb28181":
        return getattr(getattr(config, "video", None), "sip", None)
    return getattr(getattr(config, "gateway", None), device.protocol, None)


def _arrived(received: Received) -> bool:
    return bool(received.heard_at or received.kept or received.reasons or received.strangers)


async def _received(here: Services, device: Device, frames: list[dict[str, Any]], *, strangers: bool) -> Received:
    kept = next((index for index, each in enumerate(frames) if each["outcome"] == "kept"), len(frames))
    registered = await sip_registrations.find(here.db, device.id) if device.protocol == "gb28181" else None
    if registered is not None:  # who got in since then is not refused any more
        newer = [each for each in frames if each["received_at"] > registered.registered_at]
        frames, kept = [*newer, *frames[: 1 if not newer else 0]], len(newer)
    offsets = await events.clock_offsets(here.db, device.id, since=here.clock() - FRAMES_SINCE)
    called: list[str] = []
    if strangers and device.heard_at is None:
        called = await rejections.strangers(here.db, device.protocol, since=here.clock() - timedelta(days=1), limit=5)
    return Received(
        device.heard_at,
        frames[0]["peer"] if frames else "",
        kept < len(frames) or registered is not None,
        tuple(dict.fromkeys(each["reason"] for each in frames[:kept] if each["reason"])),
        round(offsets[-1][1] / timedelta(milliseconds=1)) if offsets else None,
        device.interval_s,
        tuple(called),
    )


async def _frames(me: Caller, device: Device, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the frames; bytes only of refused ones, and only for those who may see them."""
    refused = [each for each in frames if each["outcome"] != "kept"]
    at = Located(device.place_path, device.jurisdiction)
    sees = bool(refused) and await me.services.rights.holds(me.principal, Action.EVENTS_RAW, at)
    told = [{**each, "hex": each["hex"] if sees and each["outcome"] != "kept" else None} for each in frames]
    if sees:
        async with me.acting(Action.EVENTS_RAW, device.id, {"frames": [str(each["id"]) for each in refused]}):
            return told
    return told


@router.get("/devices/{device_id}/events")
async def device_events(device_id: Name, page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """What a device reported, newest first, with what may name a person hidden."""
    device = await devices.find(here.db, await me.may(Action.DEVICES_READ), device_id)
    scope = await me.may(Action.EVENTS_READ)
    rows = await events.page(here.db, scope, before=page.before, limit=page.limit, device=device.id)
    return page.answer([masked(row) for row in rows], lambda row: (row["received_at"], row["id"]))


@router.get("/devices/{device_id}/clock")
async def clock(device_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """How far the device's clock ran from ours in the last 30 days (校时台账), oldest first, at most 2,000 contacts."""
    device = await devices.find(here.db, await me.may(Action.DEVICES_READ), device_id)
    found = await events.clock_offsets(here.db, device.id, since=here.clock() - CLOCK_SINCE)
    items = [
        {"at": at, "device_time": at + offset, "offset_ms": round(offset / timedelta(milliseconds=1))}
        for at, offset in found[-2_000:]
    ]
    return {"items": items, "next": None}


@router.get("/code-segments")
async def segments(me: Me, here: Here) -> dict[str, Any]:
    """Which serials of the 20-digit space were given to which node."""
    _everywhere(await me.may(Action.DEVICES_READ))
    return {"items": [_segment(each) for each in await codes.segments(here.db)], "next": None}


@router.post("/code-segments", status_code=201)
async def allocate(wanted: SegmentIn, me: Me, here: Here) -> dict[str, Any]:
    """Give serials to a node, or enter at that node what the county gave it. 409 where some are given already."""
    _everywhere(await me.may(Action.DEVICES_WRITE))
    segment = Segment(wanted.prefix, wanted.first, wanted.last, wanted.node)
    acting = me.acting(Action.DEVICES_WRITE, f"code segment {wanted.prefix}", wanted.model_dump())
    async with acting, here.db.transaction() as tx:
        return _segment(await codes.allocate(tx, segment))


def _everywhere(scope: Scope) -> None:
    if not scope.everything:
        raise Forbidden("forbidden", "code segments belong to the node: they need a grant over everything")


def _segment(each: Segment) -> dict[str, Any]:
    return {"prefix": each.prefix, "first": each.first, "last": each.last, "node": each.node, "left": each.left}
