"""A small community for tests: its region, one 小区 with a wall and a building, and panels."""

from dataclasses import dataclass
from datetime import datetime

from anju.domain.devices import Device, Particulars, Zone
from anju.domain.places import Place, PlaceKind
from anju.store import devices, places
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor, NewPlace

REGION = (
    (PlaceKind.CITY, "广元市", "510800"),
    (PlaceKind.COUNTY, "利州区", "510802"),
    (PlaceKind.STREET, "东坝街道", "510802001"),
    (PlaceKind.COMMUNITY, "东坝社区", "510802001001"),
)


@dataclass(frozen=True, slots=True)
class Estate:
    """The places of one 小区."""

    site: Place
    wall: Place
    building: Place


async def make_estate(db: Database, node: NodeId, at: datetime) -> Estate:
    editor = Editor(node, "安装员", at)
    async with db.transaction() as tx:
        parent: str | None = None
        for kind, name, code in REGION:
            parent = (await places.add(tx, NewPlace(parent, kind, name, code), editor)).id
        profile = {"era": "built", "form": "closed"}
        site = await places.add(tx, NewPlace(parent, PlaceKind.SITE, "东坝一号院", profile=profile), editor)
        wall = await places.add(tx, NewPlace(site.id, PlaceKind.AREA, "西围墙"), editor)
        building = await places.add(tx, NewPlace(site.id, PlaceKind.BUILDING, "1 栋"), editor)
    return Estate(site, wall, building)


async def add_panel(
    db: Database,
    node: NodeId,
    estate: Estate,
    at: datetime,
    *,
    account: str = "1234",
    zones: tuple[Zone, ...] | None = None,
    supervision_s: float | None = None,
    credential: bytes | None = None,
) -> Device:
    editor = Editor(node, "安装员", at)
    new = NewDevice("alarm_panel", "周界主机", "dc09", account, particulars=Particulars(supervision_s=supervision_s))
    wall = estate.wall
    sealed = None if credential is None else lambda _: credential
    async with db.transaction() as tx:
        panel = await devices.add(tx, estate.site, new, editor, sealed=sealed)
        found = zones if zones is not None else (Zone("01", "003", "西墙 3 号", wall.id, wall.place_path),)
        return await devices.set_zones(tx, panel, found, editor)
