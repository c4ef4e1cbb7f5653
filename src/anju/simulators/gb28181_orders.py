"""What a simulated device does when it is ordered: turn, zoom, arm, record, change its settings.

Source: GB/T 28181-2016 A.2.3; 5.4.1.
"""

from anju.errors import WireError
from anju.protocols import ptz
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_config import read_config
from anju.protocols.manscdp_control import (
    DragZoom,
    Guard,
    HomePosition,
    Order,
    PrecisePtz,
    PtzCommand,
    Record,
    answered,
    order_answer,
    read_order,
)
from anju.simulators.gb28181_answers import Self
from anju.simulators.gb28181_channel import Channel


def obey(device: Self, told: Message) -> tuple[Order | None, Message | None]:
    """Do what a Control says; return the order, None where it is not understood, and the answer that is due to it."""
    if told.cmd_type == "DeviceConfig":
        return None, _configured(device, told)
    try:
        order = read_order(told)
    except WireError:
        return None, None
    channel = device.channels.get(told.device_id)
    for each in [channel] if channel else device.channels.values():
        _do(each, order)
    known = channel is not None or told.device_id == device.code
    return order, order_answer(told, ok=known) if answered(order) else None


def _do(channel: Channel, order: Order) -> None:
    match order:
        case PtzCommand(digits, _, name):
            _ptz(channel, digits, name)
        case DragZoom():
            channel.drag(order)
        case Record(on):
            channel.recording = on
        case Guard(on):
            channel.armed = on
        case HomePosition():
            channel.home = order
        case PrecisePtz(pan, tilt, zoom):
            _precise(channel, pan, tilt, zoom)
    if not isinstance(order, PtzCommand | DragZoom):
        channel.note(order)


def _ptz(channel: Channel, digits: str, name: str) -> None:
    try:
        channel.move(ptz.decode(digits), name)
    except WireError:
        return  # a bad frame is passed over: its SIP answer has gone


def _precise(channel: Channel, pan: float | None, tilt: float | None, zoom: float | None) -> None:
    """Turn to degrees, as far as there are loops for: a quarter to the right or left, 20 degrees up or down."""
    turned = 0 if pan is None else ((pan + 180) % 360 - 180)
    channel.position = (
        _sign(turned, 45),
        _sign(tilt or 0, 20),
        0 if zoom is None or zoom == 1 else 1,
    )


def _sign(value: float, least: float) -> int:
    return 0 if abs(value) < least else 1 if value > 0 else -1


def _configured(device: Self, told: Message) -> Message:
    wanted = read_config(told).basic
    if wanted is None or told.device_id != device.code:
        return order_answer(told, ok=False)
    device.basic = type(wanted)(
        wanted.name or device.basic.name,
        wanted.expiration_s or device.basic.expiration_s,
        wanted.heartbeat_s or device.basic.heartbeat_s,
        wanted.heartbeat_count or device.basic.heartbeat_count,
    )
    return order_answer(told)
