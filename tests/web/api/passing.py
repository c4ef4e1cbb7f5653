"""Two communities with a plate camera each, and vehicles that pass them, kept by the stores as intake keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from anju.control.seed import registry_seed
from anju.domain import plates
from anju.domain.captures import Picture, new_id
from anju.domain.changes import Lane
from anju.domain.sightings import Sighting
from anju.domain.sightings import written as sighting_text
from anju.domain.vehicles import Passage, written
from anju.store import events, log, passages, sightings
from anju.store.events import RawFrame
from tests.web.conftest import Web

PICTURE = Picture("01", uuid7(), "ab" * 32, 1920, 1080, "image/jpeg", 61_440)
REGIONS = [
    {"code": "510800", "kind": "city", "name": "广元市"},
    {"code": "510802", "kind": "county", "name": "利州区"},
    {"code": "510802001", "kind": "street", "name": "东坝街道"},
    {"code": "510802001001", "kind": "community", "name": "天成社区"},
]


def site(name: str, account: str) -> dict[str, Any]:
    """A community with a gate and a camera over it."""
    camera = {"kind": "lane", "name": f"{name}抓拍机", "place": f"{name}大门", "protocol": "viid", "account": account}
    return {
        "name": name,
        "profile": {"era": "new", "form": "closed"},
        "places": [{"kind": "gate", "name": f"{name}大门"}],
        "devices": [camera],
    }


SPEC = {
    "jurisdictions": [],
    "regions": REGIONS,
    "sites": [site("明院", "51080200001190000001"), site("暗院", "51080200001190000002")],
}


@dataclass(slots=True)
class Gate:
    """One camera as the registry knows it."""

    web: Web
    device_id: str
    device_name: str
    site_id: str
    place_id: str
    place_path: str
    place_name: str

    def passage(self, plate: str | None, at: datetime, **more: Any) -> Passage:
        """Return a vehicle that passes now."""
        found = plates.normalise(plate or "")
        told: dict[str, Any] = {
            "id": new_id(at),
            "received_at": at,
            "jurisdiction": "",
            "lane": "1",
            "kind": "motor",
            "object_id": f"5108020000119000000102{at:%Y%m%d%H%M%S}00001",
            "passed_at": at - timedelta(seconds=1),
            "clock_offset_ms": -1000,
            "direction": "in",
            "plate": found.plate,
            "plate_text": plate or "无车牌",
            "plate_kind": found.kind,
            "plate_class": "02",
            "plate_color": "5",
            "vehicle_class": "K33",
            "vehicle_color": "2",
            "brand": "1",
            "model": "",
            "speed": 12.0,
            "reliability": 98,
            "resident_kind": "owner",
            "resident_id": "r1",
            "flags": (),
            "pictures": (PICTURE,),
        }
        names = ("device_id", "device_name", "site_id", "place_id", "place_path", "place_name")
        return Passage(**told | {name: getattr(self, name) for name in names} | more)

    async def passes(self, *plates_: str | None, minutes_apart: int = 1, **more: Any) -> list[Passage]:
        """Keep vehicles, oldest first, the last of them now."""
        now = self.web.services.clock()
        last = len(plates_) - 1
        found = [
            self.passage(plate, now - timedelta(minutes=minutes_apart * (last - n)), **more)
            for n, plate in enumerate(plates_)
        ]
        await keep(self.web, found)
        return found

    async def sees(self, kind: str = "face", personal: bytes | None = None, *, jurisdiction: str = "") -> Sighting:
        """Keep a sighting."""
        at = self.web.services.clock()
        where = (
            self.site_id,
            self.place_id,
            self.place_path,
            self.place_name,
            jurisdiction,
            self.device_id,
            self.device_name,
        )
        told = Sighting(new_id(at), at, *where, kind, "o1", at, 0, "in", (), (PICTURE,), named=personal is not None)
        here = self.web.services
        async with here.db.transaction() as tx:
            await sightings.insert(tx, [sightings.row(told, sighting_text(told), None, personal)], at=at)
        return told


async def keep(web: Web, found: Sequence[Passage], raw: bytes = b"{}") -> None:
    """Keep passages as intake does: rows, plates, hours, the raw request, the log."""
    here = web.services
    frame = RawFrame(uuid7(), here.clock(), found[0].site_id, found[0].device_id, "viid", "10.0.0.9:1", raw, "kept")
    texts = [written(each) for each in found]
    async with here.db.transaction() as tx:
        await events.insert_frames(tx, [frame])
        rows = [passages.row(each, text, frame.id) for each, text in zip(found, texts, strict=True)]
        await passages.insert(tx, rows, at=here.clock())
        await passages.note_plates(tx, found, at=here.clock())
        await events.count_hour(tx, passages.counts(found))
        changes = [passages.change(each, text) for each, text in zip(found, texts, strict=True)]
        await log.append(tx, Lane.BULK, changes, at=here.clock(), node=here.node)


async def gates(web: Web) -> list[Gate]:
    """Make the two communities; return their gates."""
    here = web.services
    async with here.db.transaction() as tx:
        await registry_seed(tx, SPEC, node=here.node, at=here.clock())
    rows = await here.db.fetch(
        """SELECT d.id, d.name, d.site_id, d.place_id, d.place_path, p.name FROM device d JOIN place p
           ON p.id = d.place_id ORDER BY d.account"""
    )
    return [Gate(web, *row) for row in rows]


async def role(web: Web, name: str, *actions: str) -> None:
    """Make a role of one's own."""
    await web.services.db.execute(
        "INSERT INTO role (id, name, class, actions) VALUES (%(id)s, %(id)s, 'operator', %(actions)s)",
        id=name,
        actions=list(actions),
    )


def ids(answer: dict[str, Any]) -> list[UUID]:
    """Return the ids of a list."""
    return [UUID(each["id"]) for each in answer["items"]]
