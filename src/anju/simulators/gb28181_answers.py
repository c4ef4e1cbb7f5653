"""What a simulated device answers to questions: catalog, device, state, recordings, presets, settings, position.

Source: GB/T 28181-2016 A.2.4, A.2.6; 5.4.1.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import TypeVar

from anju.protocols.manscdp import Message, answer
from anju.protocols.manscdp_aims import Aim, aim_answer, home_answer
from anju.protocols.manscdp_catalog import catalog_answer
from anju.protocols.manscdp_config import BASIC, BasicParam, Config, config_answer, read_config_query
from anju.protocols.manscdp_control import HomePosition
from anju.protocols.manscdp_devices import DeviceInfo, DeviceStatus, info_answer, status_answer
from anju.protocols.manscdp_positions import MobilePosition, position_notice
from anju.protocols.manscdp_presets import preset_answer
from anju.protocols.manscdp_records import RecordItem, read_record_query, record_answer
from anju.simulators.gb28181_channel import Channel
from anju.simulators.gb28181_habits import Habits

BYTES_A_SECOND = 500_000
Item = TypeVar("Item")


@dataclass(slots=True)
class Self:
    """What a device knows of itself. ``clock`` is its own, right or wrong."""

    code: str
    info: DeviceInfo
    basic: BasicParam
    channels: dict[str, Channel]
    habits: Habits
    clock: Callable[[], datetime]
    chance: Random


def answers(device: Self, asked: Message) -> Iterable[Message]:
    """Return the messages that answer a question; none for what the device has not."""
    how = _ANSWERS.get(asked.cmd_type)
    return how(device, asked) if how else ()


def _catalog(device: Self, asked: Message) -> Iterable[Message]:
    whole = asked.device_id in {device.code, ""}
    found = [each.item() for each in device.channels.values() if whole or each.code == asked.device_id]
    if device.habits.shuffled:
        device.chance.shuffle(found)
    total = max(0, len(found) + (device.habits.sum_off if found else 0))
    for part in _parts(found, device.habits.items):
        yield catalog_answer(asked.sn, asked.device_id, total, part)


def _info(device: Self, asked: Message) -> Iterable[Message]:
    yield info_answer(asked, device.info)


def _status(device: Self, asked: Message) -> Iterable[Message]:
    channels = device.channels.values()
    duty = {each.code: "ONDUTY" if each.armed else "OFFDUTY" for each in islice(channels, 16)}
    recording = any(each.recording for each in channels)
    told = DeviceStatus(online=True, ok=True, encoding=True, recording=recording, time=device.clock(), duty=duty)
    yield status_answer(asked, told)


def _records(device: Self, asked: Message) -> Iterable[Message]:
    channel, query = device.channels.get(asked.device_id), read_record_query(asked)
    if channel is None or query is None:
        yield record_answer(asked, 0, [])
        return
    files = channel.archive.files(query.start, query.end, device.clock())
    wanted = query.kind in {"all", channel.archive.kind}
    found = [_record(device, channel, start, end) for start, end in files] if wanted else []
    for part in _parts(found, device.habits.items):
        yield record_answer(asked, len(found), part, channel.name)


def _record(device: Self, channel: Channel, start: datetime, end: datetime) -> RecordItem:
    path = f"{int(start.timestamp())}_{int(end.timestamp())}"
    size = round((end - start).total_seconds() * BYTES_A_SECOND)
    return RecordItem(channel.code, start, end, channel.name, path, "D1", channel.archive.kind, 0, device.code, size)


def _presets(device: Self, asked: Message) -> Iterable[Message]:
    channel = device.channels.get(asked.device_id)
    if channel is None:
        yield answer(asked, ok=False)
        return
    kept = channel.kept()
    parts = list(_parts(kept, 50))
    for part in parts:
        yield preset_answer(asked, part, len(kept) if len(parts) > 1 else None)


def _config(device: Self, asked: Message) -> Iterable[Message]:
    known = BASIC in read_config_query(asked) and asked.device_id == device.code
    yield config_answer(asked, Config(device.basic if known else None), ok=known)


def _position(device: Self, asked: Message) -> Iterable[Message]:
    channel = device.channels.get(asked.device_id) or next(iter(device.channels.values()), None)
    if channel:
        yield position_notice(asked.sn, position_of(channel, device.clock()))


def _aim(device: Self, asked: Message) -> Iterable[Message]:
    if channel := device.channels.get(asked.device_id):
        pan, tilt, zoom = channel.position
        yield aim_answer(asked, Aim(pan * 90.0 % 360, tilt * 30.0, 2.0 if zoom > 0 else 1.0))


def _home(device: Self, asked: Message) -> Iterable[Message]:
    if channel := device.channels.get(asked.device_id):
        yield home_answer(asked, channel.home or HomePosition(on=False))


def position_of(channel: Channel, at: datetime) -> MobilePosition:
    """Return where a channel is: it drives slowly to the east and back, once a minute."""
    moved = abs(at.second - 30) / 30 / 1_000
    longitude = round(channel.longitude + moved, 6)
    return MobilePosition(channel.code, at, longitude, channel.latitude, 12.5, 90.0 if at.second >= 30 else 270.0)


def _parts(items: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    """Return the parts of an answer; one that is empty where nothing was found."""
    return (items[at : at + size] for at in range(0, max(1, len(items)), size))


_ANSWERS: dict[str, Callable[[Self, Message], Iterable[Message]]] = {
    "Catalog": _catalog,
    "DeviceInfo": _info,
    "DeviceStatus": _status,
    "RecordInfo": _records,
    "PresetQuery": _presets,
    "ConfigDownload": _config,
    "MobilePosition": _position,
    "PTZPosition": _aim,
    "HomePositionQuery": _home,
}
