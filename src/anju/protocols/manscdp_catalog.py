"""Catalog (目录): what is behind a device or platform, in answers of many messages, and the changes of it.

Source: GB/T 28181-2016 A.2.4.3, A.2.6.3, N; 4.2.1.2, 5.4.3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from anju.protocols.manscdp import Message, Root, code, message
from anju.protocols.manscdp_text import LONGEST, read_decimal, read_whole, write_time
from anju.protocols.manscdp_xml import Element, element, leaf

MOST_PARENTS = 8
_OFF = {"OFF", "OFFLINE", "0", "NO", "ERROR", "FALSE"}
_EVENTS = {"ON", "OFF", "VLOST", "DEFECT", "ADD", "DEL", "UPDATE"}
_MORE = (
    *("PositionType", "RoomType", "UseType", "SupplyLightType", "DirectionType", "Resolution", "DownloadSpeed"),
    *("SVCSpaceSupportMode", "SVCTimeSupportMode", "SafetyWay", "CertNum", "Certifiable", "ErrCode", "EndTime"),
    *(
        "SecurityLevelCode",
        "PhotoelectricImagingType",
        "CapturePositionType",
        "StreamNumberList",
        "MAC",
        "FunctionType",
    ),
    *("EncodeType", "InstallTime", "ManagementUnit", "ContactInfo", "RecordSaveDays", "IndustrialClassification"),
    *("PointType", "GrassrootsCode", "HorizontalFieldAngle", "VerticalFieldAngle", "MaxViewDistance"),
)
_SPELT = {each.lower(): each for each in _MORE}
_OWN = {
    *("deviceid", "name", "event", "manufacturer", "model", "owner", "civilcode", "block", "address", "parental"),
    *("parentid", "registerway", "secrecy", "ipaddress", "port", "status", "longitude", "latitude"),
    *("businessgroupid", "ptztype", "info", "password"),
}


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """One node of a catalog. ``event`` is '' in an answer; in a notice ON, OFF, VLOST, DEFECT, ADD, DEL or UPDATE.

    ``online`` is None where nothing was said, which counts as on in an answer. ``parents`` are all that are named:
    a camera hangs under its recorder and under an organisation at once. ``info`` holds every other value by its name,
    those of the Info element included; names that the standard has not are in lower case. Passwords are never kept.
    """

    device_id: str
    name: str = ""
    event: str = ""
    online: bool | None = None
    manufacturer: str = ""
    model: str = ""
    owner: str = ""
    civil_code: str = ""
    block: str = ""
    address: str = ""
    parental: bool = False
    parents: tuple[str, ...] = ()
    business_group: str = ""
    register_way: int = 1
    secrecy: int = 0
    host: str = ""
    port: int = 0
    longitude: float | None = None
    latitude: float | None = None
    ptz_type: int = 0  # 1 dome 球机, 2 half-dome, 3 fixed, 4 fixed with remote control; 0 not told
    info: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Return whether this describes the node, not only what happened to it."""
        return bool(self.name or self.parents or self.civil_code or self.manufacturer or self.info)


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """One message of a catalog. ``total`` is what SumNum claims, None without one; ``skipped`` items had no code."""

    items: tuple[CatalogItem, ...]
    total: int | None = None
    skipped: int = 0


def read_catalog(told: Message) -> CatalogPage:
    """Return the items of one Response or Notify; an item without a code is skipped and counted."""
    lists = list(told.element.all("DeviceList"))
    found = [_item(each) for several in lists for each in several.all("Item")]
    items = tuple(each for each in found if each is not None)
    total = told.element.value("SumNum")
    return CatalogPage(items, max(0, read_whole(total)) if total else None, len(found) - len(items))


def catalog_query(sn: int, device_id: str, start: datetime | None = None, end: datetime | None = None) -> Message:
    """Return the question for a catalog, or for what was added between ``start`` and ``end``."""
    times = (leaf("StartTime", write_time(start) if start else None), leaf("EndTime", write_time(end) if end else None))
    return message(Root.QUERY, "Catalog", sn, device_id, *times)


def catalog_answer(sn: int, device_id: str, total: int, items: Iterable[CatalogItem]) -> Message:
    """Return one message of an answer whose messages hold ``total`` items together."""
    return message(Root.RESPONSE, "Catalog", sn, device_id, element("SumNum", total), _list(items))


def catalog_notice(sn: int, device_id: str, items: Iterable[CatalogItem]) -> Message:
    """Return a notice of changes: each item carries its ``event``."""
    inside = _list(items)
    return message(Root.NOTIFY, "Catalog", sn, device_id, element("SumNum", len(inside.children)), inside)


def item_element(item: CatalogItem) -> Element:
    """Return ``item`` as XML: the 20 digits and the event alone where there is nothing more to tell."""
    if not item.whole:
        return element("Item", element("DeviceID", item.device_id), leaf("Event", item.event), _status(item))
    inner = [leaf("PTZType", item.ptz_type or None), *(leaf(name, value) for name, value in item.info.items())]
    held = [each for each in inner if each is not None]
    return element("Item", *_plain(item), element("Info", *held) if held else None)


def _plain(item: CatalogItem) -> list[Element | None]:
    return [
        element("DeviceID", item.device_id),
        leaf("Event", item.event),
        element("Name", item.name),
        *(leaf(name, value) for name, value in (("Manufacturer", item.manufacturer), ("Model", item.model))),
        *(leaf(name, value) for name, value in (("Owner", item.owner), ("CivilCode", item.civil_code))),
        *(leaf(name, value) for name, value in (("Block", item.block), ("Address", item.address))),
        element("Parental", int(item.parental)),
        leaf("ParentID", "/".join(item.parents)),
        leaf("BusinessGroupID", item.business_group),
        element("SafetyWay", 0),
        element("RegisterWay", item.register_way),
        element("Secrecy", item.secrecy),
        leaf("IPAddress", item.host),
        leaf("Port", item.port or None),
        _status(item),
        leaf("Longitude", item.longitude),
        leaf("Latitude", item.latitude),
    ]


def _status(item: CatalogItem) -> Element | None:
    return None if item.online is None else element("Status", "ON" if item.online else "OFF")


def _list(items: Iterable[CatalogItem]) -> Element:
    inside = [item_element(each) for each in items]
    return element("DeviceList", *inside, Num=len(inside))


def _item(found: Element) -> CatalogItem | None:
    own = {name: value[:LONGEST] for name, value in found.values().items()}
    device_id = code(own.get("deviceid", ""))
    if not device_id:
        return None
    inner = {name: value[:LONGEST] for each in found.all("Info") for name, value in each.values().items()}
    more = {_SPELT.get(name, name): value for name, value in (own | inner).items() if value and name not in _OWN}
    event = own.get("event", "").upper()
    return CatalogItem(
        device_id=device_id,
        name=own.get("name", ""),
        event=event if event in _EVENTS else "",
        online=_online(own.get("status"), event),
        manufacturer=own.get("manufacturer", ""),
        model=own.get("model", ""),
        owner=own.get("owner", ""),
        civil_code=code(own.get("civilcode", "")),
        block=own.get("block", ""),
        address=own.get("address", ""),
        parental=read_whole(own.get("parental", "")) != 0,
        parents=_parents(own.get("parentid", "")),
        business_group=code(own.get("businessgroupid") or inner.get("businessgroupid", "")),
        register_way=read_whole(own.get("registerway", ""), 1),
        secrecy=read_whole(own.get("secrecy", "")),
        host=own.get("ipaddress", "")[:64],
        port=_port(own.get("port", "")),
        longitude=_degrees(own.get("longitude", ""), 180.0),
        latitude=_degrees(own.get("latitude", ""), 90.0),
        ptz_type=read_whole(inner.get("ptztype") or own.get("ptztype", "")),
        info=more,
    )


def _online(status: str | None, event: str) -> bool | None:
    if status:
        return status.upper() not in _OFF
    return {"ON": True, "OFF": False}.get(event)


def _parents(text: str) -> tuple[str, ...]:
    found = (code(each) for each in text.split("/"))
    return tuple(each for each in dict.fromkeys(found) if each)[:MOST_PARENTS]


def _port(text: str) -> int:
    port = read_whole(text)
    return port if 0 < port < 65_536 else 0


def _degrees(text: str, most: float) -> float | None:
    """Return an angle, or None for what lies outside the earth; many devices write 0 or nothing for unknown."""
    found = read_decimal(text)
    return found if found is not None and 0 < abs(found) <= most else None
