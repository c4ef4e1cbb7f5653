"""Catalogs of GB/T 28181 devices: asked for, gathered from many messages, merged; notices change single channels.

Source: 5.4.1, 5.4.3 (GB/T 28181 catalog), 4.2.1.7 (states).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from anju.devices.gb28181_alarms import channel_reports
from anju.devices.gb28181_line import Line
from anju.devices.gb28181_presence import Emit
from anju.domain.channels import (
    ChannelKind,
    Item,
    ItemEvent,
    Merge,
    Status,
    Sync,
    event_of,
    kept,
    kind_of,
    lone,
    merged,
    parents_of,
    status_after,
)
from anju.domain.devices import Device
from anju.domain.events import DeviceReport
from anju.errors import DeviceSilent, Refused, SipRefused
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_catalog import CatalogItem, catalog_query, read_catalog
from anju.protocols.manscdp_pages import Gathered
from anju.store import channels
from anju.store.channels import Synced, Turned
from anju.store.database import Database

FIRST_S, THEN_S = 120.0, 5.0
"""How long the first message of a catalog may take, and each further one."""
_log = structlog.get_logger(__name__)


def item_of(told: CatalogItem, account: str) -> Item:
    """Return one item of a catalog of the device ``account`` in our words."""
    status, reason = (Status.OFF, "catalog-off") if told.online is False else (Status.ON, "catalog-on")
    more = {
        "Manufacturer": told.manufacturer,
        "Model": told.model,
        "Address": told.address,
        "Block": told.block,
        "Owner": told.owner,
        "IPAddress": told.host,
        "BusinessGroupID": told.business_group,
        **told.info,
    }
    return Item(
        told.device_id,
        kind_of(told.device_id, account=account, holds=told.parental),
        told.name[:100] or told.device_id,
        status,
        reason,
        parents_of(told.parents, told.business_group, code=told.device_id),
        told.civil_code[:20],
        str(told.ptz_type) if 0 < told.ptz_type < 100 else "",
        told.longitude if told.latitude is not None else None,
        told.latitude if told.longitude is not None else None,
        kept(more),
    )


class Catalogs:
    """Asks for catalogs and keeps them; one at a time of each device."""

    def __init__(self, db: Database, line: Line, emit: Emit, *, clock: Callable[[], datetime]) -> None:
        self._db, self._line, self._emit, self._clock = db, line, emit, clock
        self._running: set[str] = set()

    async def sync(self, device: Device, *, first_s: float = FIRST_S, then_s: float = THEN_S) -> Synced | None:
        """Ask a device for its catalog and keep what comes; None where one is being asked for already.

        What did not come whole deletes nothing and is marked partial. Raises DatabaseAway.
        """
        if device.id in self._running:
            return None
        self._running.add(device.id)
        gathered = Gathered[Item]()
        asked_at = self._clock()
        try:
            await channels.note_sync(self._db, Synced(device.id, asked_at, None, Sync.RUNNING))
            state = await self._gather(device, gathered, first_s, then_s)
            return await self._kept(device, gathered, state, asked_at)
        finally:
            self._running.discard(device.id)

    async def _gather(self, device: Device, gathered: Gathered[Item], first_s: float, then_s: float) -> Sync:
        def take(told: Message) -> bool:
            page = read_catalog(told)
            items = (item_of(each, device.account) for each in page.items)
            return gathered.add(((each.code, each) for each in items), page.total)

        try:
            whole = await self._line.gather(
                device, "Catalog", lambda sn: catalog_query(sn, device.account), take, first_s=first_s, then_s=then_s
            )
        except (DeviceSilent, Refused, SipRefused) as error:
            _log.info("no catalog", device=device.id, reason=str(error))
            return Sync.NONE
        return Sync.COMPLETE if whole else Sync.PARTIAL

    async def _kept(self, device: Device, gathered: Gathered[Item], state: Sync, asked_at: datetime) -> Synced:
        at, items = self._clock(), list(gathered.items.values())
        if state is Sync.COMPLETE:
            items = _with_itself(device, items)
        synced = Synced(device.id, asked_at, at, state, gathered.total or 0, len(gathered.items))
        async with self._db.transaction() as tx:
            known = await channels.statuses(tx, device.id)
            change = merged(known, items, whole=state is Sync.COMPLETE)
            await channels.merge(tx, device.id, change, at=at)
            await channels.note_sync(tx, synced)
        await self._tell(device, _turned(known, change))
        return synced

    async def _tell(self, device: Device, turned: Sequence[Turned]) -> None:
        """Report cameras that were lost, or are back. Raises DatabaseAway."""
        for report in channel_reports(device, turned, self._clock()):
            await self._emit(report)

    async def answered(self, device: Device, told: Message) -> None:
        """Take an answer nobody waits for: it updates what it names and replaces nothing. Raises DatabaseAway."""
        change = merged((), [item_of(each, device.account) for each in read_catalog(told).items], whole=False)
        async with self._db.transaction() as tx:
            known = await channels.statuses(tx, device.id)
            await channels.merge(tx, device.id, change, at=self._clock())
        await self._tell(device, _turned(known, change))

    async def noticed(self, device: Device, told: Message) -> tuple[bool, list[DeviceReport]]:
        """Take a notice of changes; return whether it names channels that are not known, and what is to be reported.

        Raises DatabaseAway.
        """
        items, at = read_catalog(told).items, self._clock()
        statuses = dict(_statuses(items))
        whole = [item_of(each, device.account) for each in items if _describes(each)]
        gone = tuple(each.device_id for each in items if event_of(each.event) is ItemEvent.DELETE)
        async with self._db.transaction() as tx:
            before = await channels.statuses(tx, device.id)
            change = merged((), whole, whole=False)
            await channels.merge(tx, device.id, Merge(change.put, gone), at=at)
            turned = [*_turned(before, change), *await channels.turn(tx, device.id, statuses, at=at)]
            known = await channels.codes(tx, device.id)
        return bool(statuses.keys() - known.keys()), channel_reports(device, turned, at)

    async def position(self, device: Device, told: Iterable[tuple[str, float, float]]) -> None:
        """Put channels where they say they are now. Raises DatabaseAway."""
        async with self._db.transaction() as tx:
            await channels.move(tx, device.id, list(told), at=self._clock())


def _turned(known: Mapping[str, Status], change: Merge) -> list[Turned]:
    return channels.turned(known, {each.code: each.status for each in change.put})


def _with_itself(device: Device, items: Sequence[Item]) -> list[Item]:
    """A camera that names no camera is one itself."""
    alone = device.kind in {"camera", "intercom", "face_camera"}
    if alone and not any(each.kind is ChannelKind.CAMERA for each in items):
        return [*(each for each in items if each.code != device.account), lone(device.account, device.name)]
    return list(items)


def _describes(item: CatalogItem) -> bool:
    event = event_of(item.event)
    return event in {ItemEvent.ADD, ItemEvent.UPDATE, None} and item.whole


def _statuses(items: Iterable[CatalogItem]) -> Iterable[tuple[str, tuple[Status, str]]]:
    for each in items:
        event = event_of(each.event)
        if event is not None and (status := status_after(event)) is not None:
            yield each.device_id, status
