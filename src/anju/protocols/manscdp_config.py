"""ConfigDownload and DeviceConfig (设备配置): BasicParam typed, other kinds as the elements they are.

Source: GB/T 28181-2016 A.2.3.2, A.2.4.7; GB/T 28181-2022 (snapshots by SnapShotConfig); 4.2.1.2.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from anju.protocols.manscdp import Message, Root, answer, message
from anju.protocols.manscdp_text import LONGEST, read_whole
from anju.protocols.manscdp_xml import Element, element, leaf

BASIC = "BasicParam"
KINDS = (
    *(BASIC, "VideoParamOpt", "SVACEncodeConfig", "SVACDecodeConfig"),
    *("VideoParamAttribute", "VideoRecordPlan", "VideoAlarmRecord", "PictureMask", "FrameMirror", "AlarmReport"),
    *("OSDConfig", "SnapShotConfig"),
)
_SPELT = {each.lower(): each for each in KINDS}
_SANE_INTERVAL_S, _SANE_COUNT = range(5, 3_601), range(1, 256)
_SESSION = re.compile(r"[0-9A-Za-z_-]{32,128}")


@dataclass(frozen=True, slots=True)
class BasicParam:
    """A device's registration and keep-alive settings, seconds and counts; None where they are not told or set."""

    name: str = ""
    expiration_s: int | None = None
    heartbeat_s: int | None = None
    heartbeat_count: int | None = None

    @property
    def silence_s(self) -> int | None:
        """Return after how many seconds without keep-alive the device is off; None where its settings are absurd."""
        if self.heartbeat_s not in _SANE_INTERVAL_S or self.heartbeat_count not in _SANE_COUNT:
            return None
        return (self.heartbeat_s or 0) * (self.heartbeat_count or 0)

    def element(self) -> Element:
        """Return this as XML, without what is None."""
        return element(
            BASIC,
            leaf("Name", self.name),
            leaf("Expiration", self.expiration_s),
            leaf("HeartBeatInterval", self.heartbeat_s),
            leaf("HeartBeatCount", self.heartbeat_count),
        )


@dataclass(frozen=True, slots=True)
class SnapShot:
    """An order to a 2022 device to take ``count`` (1..10) pictures, every ``interval_s``, and post them to ``url``."""

    url: str
    session: str  # 32..128 characters
    count: int = 1
    interval_s: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 10 or self.interval_s < 1 or not _SESSION.fullmatch(self.session):
            raise ValueError("a snapshot order takes 1 to 10 pictures, 1 s apart or more, by a session of 32 or more")

    def element(self) -> Element:
        """Return this as XML."""
        return element(
            "SnapShotConfig",
            element("SnapNum", self.count),
            element("Interval", self.interval_s),
            element("UploadURL", self.url),
            element("SessionID", self.session),
        )


@dataclass(frozen=True, slots=True)
class Config:
    """Settings in one message: ``others`` by kind as they came."""

    basic: BasicParam | None = None
    others: Mapping[str, Element] = field(default_factory=dict)


def config_query(sn: int, device_id: str, kinds: Iterable[str] = (BASIC,)) -> Message:
    """Return the question for settings of ``kinds``; it belongs to the device, channels refuse it."""
    return message(Root.QUERY, "ConfigDownload", sn, device_id, element("ConfigType", "/".join(kinds)))


def read_config_query(told: Message) -> tuple[str, ...]:
    """Return the kinds that are asked for, at most 16, with the standard's spelling where it has one."""
    named = told.element.value("ConfigType")[:LONGEST].split("/")[:16]
    return tuple(_SPELT.get(each.strip().lower(), each.strip()) for each in named if each.strip())


def config_answer(asked: Message, found: Config, *, ok: bool = True) -> Message:
    """Return the answer to a question for settings."""
    return answer(asked, found.basic.element() if found.basic else None, *found.others.values(), ok=ok)


def config_order(sn: int, device_id: str, wanted: BasicParam | SnapShot | Element) -> Message:
    """Return the order to change settings."""
    inside = wanted if isinstance(wanted, Element) else wanted.element()
    return message(Root.CONTROL, "DeviceConfig", sn, device_id, inside)


def read_config(told: Message) -> Config:
    """Return the settings in an answer or an order."""
    found = {_SPELT[name]: each for each in told.element.children if (name := each.name.lower()) in _SPELT}
    basic = found.pop(BASIC, None)
    return Config(_read_basic(basic) if basic else None, found)


def _read_basic(found: Element) -> BasicParam:
    values = found.values()
    return BasicParam(
        values.get("name", "")[:LONGEST],
        _seconds(values.get("expiration", "")),
        _seconds(values.get("heartbeatinterval", "")),
        _seconds(values.get("heartbeatcount", "")),
    )


def _seconds(text: str) -> int | None:
    found = read_whole(text, -1)
    return found if found >= 0 else None
