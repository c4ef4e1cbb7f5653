"""RecordInfo (录像检索): which recordings a device has; MediaStatus: it has sent all of one.

Source: GB/T 28181-2016 A.2.4.5, A.2.6.7, A.2.5 (MediaStatus); 5.4.1 (recordings of 30 days), 4.2.1.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from anju.protocols.manscdp import Message, Root, code, message
from anju.protocols.manscdp_text import LONGEST, read_time, read_whole, write_time
from anju.protocols.manscdp_xml import Element, element, leaf

KINDS = ("all", "time", "alarm", "manual")
FINISHED = 121  # NotifyType: all of a recording was sent


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """What is asked of a recorder. ``kind`` is one of KINDS. ``fuzzy`` searches the centre too."""

    start: datetime
    end: datetime
    kind: str = "all"
    secrecy: int = 0
    path: str = ""
    address: str = ""
    recorder: str = ""
    fuzzy: bool | None = None
    stream: int | None = None


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One recording; ``end`` is after ``start``. ``size`` in bytes, None where it was not told."""

    device_id: str
    start: datetime
    end: datetime
    name: str = ""
    path: str = ""
    address: str = ""
    kind: str = ""
    secrecy: int = 0
    recorder: str = ""
    size: int | None = None

    @property
    def key(self) -> tuple[str, datetime, datetime, str, str]:
        """Return what tells this item from others of an answer: devices repeat items."""
        return self.device_id, self.start, self.end, self.path, self.kind


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One message of an answer; ``skipped`` items had no usable times."""

    items: tuple[RecordItem, ...]
    total: int | None = None
    skipped: int = 0
    name: str = ""


def record_query(sn: int, device_id: str, asked: RecordQuery) -> Message:
    """Return the question for recordings."""
    return message(
        Root.QUERY,
        "RecordInfo",
        sn,
        device_id,
        element("StartTime", write_time(asked.start)),
        element("EndTime", write_time(asked.end)),
        leaf("FilePath", asked.path),
        leaf("Address", asked.address),
        element("Secrecy", asked.secrecy),
        element("Type", asked.kind),
        leaf("RecorderID", asked.recorder),
        leaf("IndistinctQuery", None if asked.fuzzy is None else int(asked.fuzzy)),
        leaf("StreamNumber", asked.stream),
    )


def read_record_query(told: Message) -> RecordQuery | None:
    """Return what is asked, None where its times cannot be read."""
    values = {name: value[:LONGEST] for name, value in told.element.values().items()}
    start, end = read_time(values.get("starttime", "")), read_time(values.get("endtime", ""))
    if start is None or end is None:
        return None
    kind, fuzzy, stream = values.get("type", "").lower(), values.get("indistinctquery"), values.get("streamnumber")
    return RecordQuery(
        start,
        end,
        kind if kind in KINDS else "all",
        read_whole(values.get("secrecy", "")),
        values.get("filepath", ""),
        values.get("address", ""),
        code(values.get("recorderid", "")),
        fuzzy == "1" if fuzzy else None,
        read_whole(stream) if stream else None,
    )


def read_records(told: Message) -> RecordPage:
    """Return the recordings of one message. Ends that lie before starts are exchanged, as devices err so."""
    lists = list(told.element.all("RecordList"))
    found = [_item(each, told.device_id) for several in lists for each in several.all("Item")]
    items = tuple(each for each in found if each is not None)
    total = told.element.value("SumNum")
    name = told.element.value("Name")[:LONGEST]
    return RecordPage(items, max(0, read_whole(total)) if total else None, len(found) - len(items), name)


def record_answer(asked: Message, total: int, items: Iterable[RecordItem], name: str = "") -> Message:
    """Return one message of an answer whose messages hold ``total`` items together; no list where nothing was found."""
    inside = [_element(each) for each in items]
    held = element("RecordList", *inside, Num=len(inside)) if inside else None
    parts = (leaf("Name", name), element("SumNum", total), held)
    return message(Root.RESPONSE, "RecordInfo", asked.sn, asked.device_id, *parts)


def media_status(sn: int, device_id: str, kind: int = FINISHED) -> Message:
    """Return the notice that a recording was sent to its end."""
    return message(Root.NOTIFY, "MediaStatus", sn, device_id, element("NotifyType", kind))


def read_media_status(told: Message) -> int:
    """Return the NotifyType, 0 where there is none; FINISHED is the only one in use."""
    return read_whole(told.element.value("NotifyType"))


def _element(item: RecordItem) -> Element:
    return element(
        "Item",
        element("DeviceID", item.device_id),
        leaf("Name", item.name),
        leaf("FilePath", item.path),
        leaf("Address", item.address),
        element("StartTime", write_time(item.start)),
        element("EndTime", write_time(item.end)),
        element("Secrecy", item.secrecy),
        leaf("Type", item.kind),
        leaf("RecorderID", item.recorder),
        leaf("FileSize", item.size),
    )


def _item(found: Element, asked: str) -> RecordItem | None:
    values = {name: value[:LONGEST] for name, value in found.values().items()}
    start, end = read_time(values.get("starttime", "")), read_time(values.get("endtime", ""))
    if start is None or end is None or start == end:
        return None
    size = read_whole(values.get("filesize", ""), -1)
    return RecordItem(
        code(values.get("deviceid", "")) or asked,
        min(start, end),
        max(start, end),
        values.get("name", ""),
        values.get("filepath", ""),
        values.get("address", ""),
        values.get("type", "").lower(),
        read_whole(values.get("secrecy", "")),
        code(values.get("recorderid", "")),
        size if size >= 0 else None,
    )
