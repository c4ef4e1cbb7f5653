"""How what a device says of its catalog becomes channels: all forms of parents, statuses, types and positions.

A channel's state follows from its device's and from what that device says of it; its place from what is registered.
Source: 5.4.1, 5.4.3 (GB/T 28181 catalog), 4.2.1.7 (device states).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from anju.domain.devices import DeviceState, Words, state_words
from anju.domain.video import ChannelState

CODE_MOST, NAME_MOST, PARENTS_MOST = 64, 100, 16
INFO_MOST, INFO_VALUE_MOST = 60, 200
"""How much of an item is kept: a catalog is written by whoever stands at the other end."""


class ChannelKind(StrEnum):
    """What an item of a catalog is."""

    CAMERA = "camera"
    GROUP = "group"  # a division, a business group, a virtual organisation
    DEVICE = "device"  # a recorder or platform that holds others
    ALARM_INPUT = "alarm_input"
    ALARM_OUTPUT = "alarm_output"
    SPEAKER = "speaker"
    MICROPHONE = "microphone"


class Status(StrEnum):
    """What its device says of a channel."""

    ON = "on"
    OFF = "off"
    FAULT = "fault"


class ItemEvent(StrEnum):
    """What a notified item says happened."""

    ON = "ON"
    OFF = "OFF"
    LOST = "VLOST"
    DEFECT = "DEFECT"
    ADD = "ADD"
    DELETE = "DEL"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a catalog, in our words; ``info`` holds what else was told of it."""

    code: str
    kind: ChannelKind
    name: str
    status: Status = Status.ON
    reason: str = "catalog-on"
    parents: tuple[str, ...] = ()
    civil_code: str = ""
    ptz_type: str = ""
    longitude: float | None = None
    latitude: float | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parent(self) -> str:
        """Return the parent it hangs under: of several the last, which is the one nearest to it."""
        return self.parents[-1] if self.parents else ""


PTZ_TYPES = {
    "1": Words("球机", "dome"),
    "2": Words("半球", "half dome"),
    "3": Words("固定枪机", "fixed camera"),
    "4": Words("遥控枪机", "camera with remote control"),
    "5": Words("遥控半球", "half dome with remote control"),
    "6": Words("多目设备全景通道", "panorama of a multi-lens camera"),
    "7": Words("多目设备细节通道", "detail of a multi-lens camera"),
}
MOVES = frozenset({"1", "4", "5", "7"})
"""PTZ types that turn; one that is not told may turn too: it is offered, and the device decides."""

_TYPES = {
    "134": ChannelKind.ALARM_INPUT,
    "135": ChannelKind.ALARM_OUTPUT,
    "140": ChannelKind.ALARM_OUTPUT,
    "136": ChannelKind.MICROPHONE,
    "137": ChannelKind.SPEAKER,
    "215": ChannelKind.GROUP,
    "216": ChannelKind.GROUP,
    **{str(code): ChannelKind.DEVICE for code in (*range(111, 120), 130, *range(200, 215))},
}
_DIVISION = re.compile(r"[0-9]{2,8}")
_DOMAIN = re.compile(r"[0-9]{10}")
_LEAVES = frozenset({"111", "112", "113", "117", "118", "119", "130"})
"""Types of whole devices; without children, some cameras use them for their only channel."""


def kind_of(code: str, *, account: str, holds: bool) -> ChannelKind:
    """Return what ``code`` stands for behind the device ``account``; ``holds``: it says it has children."""
    if _DIVISION.fullmatch(code) or _DOMAIN.fullmatch(code):
        return ChannelKind.GROUP
    kind = _TYPES.get(code[10:13], ChannelKind.CAMERA) if len(code) == 20 else ChannelKind.CAMERA
    if kind is ChannelKind.DEVICE and code != account and code[10:13] in _LEAVES and not holds:
        return ChannelKind.CAMERA
    return kind


_EVENTS = {
    ItemEvent.ON: (Status.ON, "notify-on"),
    ItemEvent.OFF: (Status.OFF, "notify-off"),
    ItemEvent.LOST: (Status.FAULT, "video-lost"),
    ItemEvent.DEFECT: (Status.FAULT, "defect"),
}


def event_of(word: str) -> ItemEvent | None:
    """Return the event a notified item names, None for one without or unknown: it is then an item as any."""
    told = word.strip().upper()
    return ItemEvent(told) if told in set(ItemEvent) else {"DELETE": ItemEvent.DELETE}.get(told)


def status_after(event: ItemEvent) -> tuple[Status, str] | None:
    """Return the status an event puts a channel in, None where it tells none."""
    return _EVENTS.get(event)


def parents_of(told: Iterable[str], group: str = "", *, code: str = "") -> tuple[str, ...]:
    """Return all parents an item names, without itself and without repeats; else its business group, where it has one.

    A camera hangs under its recorder and under an organisation at once.
    """
    found = [each for each in told if each] or [group]
    return tuple(dict.fromkeys(each[:CODE_MOST] for each in found if each and each != code))[:PARENTS_MOST]


def kept(told: Mapping[str, object]) -> dict[str, str]:
    """Return what else is told of an item, as much of it as is kept."""
    texts = {name[:40]: str(value)[:INFO_VALUE_MOST] for name, value in told.items() if value not in {"", None}}
    return dict(sorted(texts.items())[:INFO_MOST])


@dataclass(frozen=True, slots=True)
class Merge:
    """What a catalog changes: items to write, codes that are no more."""

    put: tuple[Item, ...]
    gone: tuple[str, ...] = ()


def merged(known: Collection[str], told: Iterable[Item], *, whole: bool) -> Merge:
    """Return what to do with the items of an answer, given the codes known before.

    Only a ``whole`` catalog says what is no more: a partial one, and one item that nobody asked for, delete nothing.
    """
    put = {each.code: each for each in told}
    gone = tuple(sorted(set(known) - put.keys())) if whole and put else ()
    return Merge(tuple(put.values()), gone)


class Sync(StrEnum):
    """How the collecting of a catalog stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    NONE = "none"


def lone(code: str, name: str) -> Item:
    """Return the channel of a camera that names none of its own: itself."""
    return Item(code, ChannelKind.CAMERA, name, info={"lone": "1"})


CHANNEL_WORDS: Mapping[str, Words] = {
    "catalog-on": Words("设备目录报告在线", "its device's catalog says it is on"),
    "catalog-off": Words("设备目录报告离线", "its device's catalog says it is off"),
    "notify-on": Words("设备通知已上线", "its device told that it came on"),
    "notify-off": Words("设备通知已离线", "its device told that it went off"),
    "video-lost": Words("视频丢失", "its video is lost"),
    "defect": Words("设备报告通道故障", "its device reports a defect"),
    "device-offline": Words("所属设备离线", "the device behind it is offline"),
    "device-unknown": Words("所属设备从未注册", "the device behind it never registered"),
}


def state_of(device: DeviceState, status: Status, reason: str) -> tuple[ChannelState, str]:
    """Return whether the picture can be had, and why not: a device that is away takes its channels with it.

    Source: 4.2.1.7 (device states).
    """
    if device is DeviceState.UNKNOWN:
        return ChannelState.UNKNOWN, "device-unknown"
    if device is DeviceState.OFFLINE:
        return ChannelState.OFFLINE, "device-offline"
    return {
        Status.ON: ChannelState.ONLINE,
        Status.OFF: ChannelState.OFFLINE,
        Status.FAULT: ChannelState.FAULT,
    }[status], reason


def reason_words(reason: str, device_reason: str = "") -> Words:
    """Return why a channel is in its state; where its device is away, why that is."""
    found = CHANNEL_WORDS.get(reason) or Words(reason, reason)
    if reason != "device-offline" or not device_reason:
        return found
    why = state_words(device_reason)
    return Words(f"{found.zh}：{why.zh}", f"{found.en}: {why.en}")


def turns(ptz_type: str) -> bool:
    """Return whether a camera can be asked to turn."""
    return ptz_type in MOVES or not ptz_type
