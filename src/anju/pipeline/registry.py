"""Who is registered here, in memory: a report is accepted without asking the database.

Source: 4.2.1, 5.1.3-a (one management of all alarm devices).
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from anju.domain.cleaning import Reporter, ZoneName
from anju.domain.devices import Device, Zone, sealed_for, zone_names
from anju.domain.drills import Drill
from anju.errors import DatabaseAway
from anju.store import devices, drills
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.versions import Subject, current

Open = Callable[[bytes, str], bytes]
"""Opens what was sealed, about what it was sealed for."""

LOOK_S = 0.5
AT_ONCE = 50  # devices read in one go
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """A registered device as the gateway needs it; ``zones`` by every way the panel may write (area, number)."""

    device: Device
    reporter: Reporter
    key: bytes | None
    zones: Mapping[tuple[str, str], Zone] = field(default_factory=dict)

    def zone(self, area: str, number: str) -> Zone | None:
        """Return the zone a report names; one that names no area is found by its number alone."""
        return self.zones.get((area, number)) or self.zones.get(("", number))

    def may_speak_for(self, other: "Known") -> bool:
        """Return whether this GA/T 1400 device may report for ``other``: it has the same user name, and the same
        password or none of its own, as a camera behind a gateway has.
        """
        if other.device.id == self.device.id:
            return True
        return user_of(self.device) == user_of(other.device) and other.key in {None, self.key}


class Registry:
    """The devices this node talks to and the drills that run, as of the last ``refresh``.

    ``open_sealed`` opens their credentials. A restart of the database changes nothing: the last copy stays.
    """

    def __init__(
        self, db: Database, node: NodeId, *, clock: Callable[[], datetime], open_sealed: Open | None = None
    ) -> None:
        self._db, self._node, self._clock, self._open = db, node, clock, open_sealed
        self._known: dict[tuple[str, str], Known] = {}
        self._ids: dict[str, Known] = {}
        self._coded: dict[tuple[str, str], Known] = {}  # by the other codes of a device
        self._users: dict[str, tuple[Known, ...]] = {}  # by GA/T 1400 user name
        self._marks: dict[str, int] = {}
        self._version = -1
        self.drills: tuple[Drill, ...] = ()
        self.generation = 0  # grows with every reload

    async def run(self, every_s: float = LOOK_S) -> None:
        """Follow what is registered, until cancelled."""
        while True:
            try:
                await self.refresh()
            except DatabaseAway as away:
                _log.warning("registry not compared", reason=str(away))
            await asyncio.sleep(every_s)

    async def load(self) -> None:
        """Load everything. Raises DatabaseAway."""
        self._version, self._marks = -1, {}
        await self.refresh()

    async def refresh(self) -> None:
        """Load again if something changed. Raises DatabaseAway: then everything stays as it was."""
        version = await current(self._db, Subject.REGISTRY)
        if version == self._version:
            return
        running, marks = await drills.running(self._db), await devices.marks(self._db, self._node.id)
        changed = [device_id for device_id, mark in marks.items() if self._marks.get(device_id) != mark]
        kept = [each for each in self._known.values() if marks.get(each.device.id) == self._marks.get(each.device.id)]
        for start in range(0, len(changed), AT_ONCE):  # reports go on between
            kept += [self._read(*each) for each in await devices.served(self._db, changed[start : start + AT_ONCE])]
        self._known = {(each.device.protocol, each.device.account): each for each in kept}
        self._coded = {(each.device.protocol, code): each for each in kept for code in _codes(each.device)}
        self._ids = {each.device.id: each for each in kept}
        self._users = _by_user(kept)
        self._marks, self.drills = marks, tuple(running)
        self._version, self.generation = version, self.generation + 1

    def _read(self, device: Device, place_name: str, credential: bytes | None) -> Known:
        names = {name: each for each in device.zones for name in zone_names(each.area, each.number)}
        reporter = Reporter(
            device.id,
            device.name,
            device.site_id,
            device.place_id,
            device.place_path,
            place_name,
            device.jurisdiction,
            {name: ZoneName(z.name, z.place_id, z.place_path, z.place_name, z.kind) for name, z in names.items()},
        )
        return Known(device, reporter, self._key(device, credential), names)

    def _key(self, device: Device, credential: bytes | None) -> bytes | None:
        if credential is None:
            return None
        if self._open is None:
            return secrets.token_bytes(32)
        try:
            return self._open(credential, sealed_for(device.id))
        except Exception as error:  # noqa: BLE001 - whatever fails: a device with a key is never believed in clear
            _log.error("credential does not open", device=device.id, reason=type(error).__name__)
            return secrets.token_bytes(32)

    def find(self, protocol: str, account: str) -> Known | None:
        """Return the device that calls itself ``account`` on that wire, None where nobody registered it.

        A camera is known by its other codes too: GA/T 1400 has one for the capture device, the tollgate, the lane.
        """
        return self._known.get((protocol, account)) or self._coded.get((protocol, account))

    def of_user(self, user: str) -> tuple[Known, ...]:
        """Return the GA/T 1400 devices that log in as ``user``: all that user may report for."""
        return self._users.get(user, ())

    def by_id(self, device_id: str) -> Known | None:
        """Return the device with this id, None where it is not served here."""
        return self._ids.get(device_id)

    def spoken_for(self, sender: Known) -> list[Known]:
        """Return the GA/T 1400 devices ``sender`` may report for, itself among them."""
        return [each for each in self.of_user(user_of(sender.device)) if sender.may_speak_for(each)]

    def all(self) -> list[Known]:
        """Return every device this node talks to."""
        return list(self._known.values())

    def reporter(self, protocol: str, account: str) -> Reporter | None:
        """Return where the device stands and its zones, None where nobody registered it."""
        found = self.find(protocol, account)
        return found.reporter if found else None

    def key(self, protocol: str, account: str) -> bytes | None:
        """Return the key agreed with the device, None where it speaks in clear."""
        found = self.find(protocol, account)
        return found.key if found else None


def user_of(device: Device) -> str:
    """Return the digest user name of a GA/T 1400 device: its code where no other is agreed."""
    return device.particulars.viid.user or device.account


def _codes(device: Device) -> set[str]:
    if device.protocol != "viid":
        return set()
    return {code for code in (device.code, *(code for _, code in device.aliases)) if code}


def _by_user(known: list[Known]) -> dict[str, tuple[Known, ...]]:
    found: dict[str, list[Known]] = {}
    for each in known:
        if each.device.protocol == "viid":
            found.setdefault(user_of(each.device), []).append(each)
    return {user: tuple(sorted(each, key=lambda k: k.device.account)) for user, each in found.items()}
