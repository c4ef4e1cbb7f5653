"""What an upper sees of us, as items of a catalog: groups, organisations, cameras; packed into messages it can take.

Source: GB/T 28181-2016 annexes A.2.6.3, D, N; 5.4.3.
"""

from collections.abc import Iterable, Iterator, Sequence

from anju.domain.cascade import Directory, Shared, Tree, Turn, Upper
from anju.protocols.manscdp_catalog import CatalogItem, item_element
from anju.protocols.manscdp_xml import print_xml

UDP_BYTES, UDP_ITEMS = 900, 4
TCP_BYTES, TCP_ITEMS = 7_000, 20
"""How much of a list goes into one message: a datagram shall not be split on its way."""
NOTICE_ITEMS = 10
_INFO = (
    *("PositionType", "RoomType", "UseType", "SupplyLightType", "DirectionType", "Resolution", "DownloadSpeed"),
    "StreamNumberList",
)


def items_of(upper: Upper, tree: Tree) -> list[CatalogItem]:
    """Return every node of ``tree``, parents before children."""
    groups = tree.groups()
    directories = [_directory(upper, each, groups) for each in tree.directories]
    return [*directories, *(_camera(upper, each, groups) for each in tree.cameras)]


def notices(upper: Upper, tree: Tree, changed: Iterable[Turn]) -> Iterator[CatalogItem]:
    """Yield what changed; what is new or other is described whole."""
    known = {each.device_id: each for each in items_of(upper, tree)}
    for turn in changed:
        found = known.get(turn.code)
        if turn.event in {"ADD", "UPDATE"} and found:
            yield _with(found, turn.event)
        else:
            online = {"ON": True, "OFF": False}.get(turn.event)
            yield CatalogItem(turn.code, event=turn.event, online=online)


def pages(items: Sequence[CatalogItem], *, tcp: bool) -> list[list[CatalogItem]]:
    """Return ``items`` parted into messages."""
    most_bytes, most_items = (TCP_BYTES, TCP_ITEMS) if tcp else (UDP_BYTES, UDP_ITEMS)
    found, size = list[list[CatalogItem]](), 0
    for item in items:
        more = len(print_xml(item_element(item)).encode("gb18030", "replace"))
        if not found or size + more > most_bytes or len(found[-1]) == most_items:
            found.append([])
            size = 0
        found[-1].append(item)
        size += more
    return found


def _directory(upper: Upper, directory: Directory, groups: dict[str, str]) -> CatalogItem:
    group = "" if directory.is_group else groups.get(directory.code, "")
    top = directory.parent == group  # directly under its group it names no other parent
    return CatalogItem(
        directory.code,
        name=directory.name,
        parents=() if group and top else (directory.parent,),
        business_group=group,
        civil_code=upper.own_code[:6],
    )


def _camera(upper: Upper, shared: Shared, groups: dict[str, str]) -> CatalogItem:
    camera, told = shared.camera, shared.camera.info
    return CatalogItem(
        shared.code,
        name=camera.name,
        online=shared.online,
        manufacturer=str(told.get("Manufacturer") or "Anju"),
        model=str(told.get("Model") or "Camera"),
        owner="0",
        civil_code=camera.civil_code or upper.own_code[:6],
        address=str(told.get("Address") or camera.name),
        parents=(shared.directory or upper.own_code,),
        business_group=groups.get(shared.directory, ""),
        longitude=camera.longitude,
        latitude=camera.latitude,
        ptz_type=int(camera.ptz_type) if camera.ptz_type.isdigit() else 0,
        info={name: str(told[name]) for name in _INFO if told.get(name)},
    )


def _with(item: CatalogItem, event: str) -> CatalogItem:
    values = {name: getattr(item, name) for name in CatalogItem.__slots__}
    return CatalogItem(**{**values, "event": event})
