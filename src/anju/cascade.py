"""The cascade upward as a node composes it: what platforms above ask is done by the neighbours.

Source: GB/T 28181-2016 annex N (cascade); 4.2.1, 5.4.3.
"""

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from anju.devices.gb28181 import Gb28181Door
from anju.domain.cascade import Recorded, Upper
from anju.domain.changes import Lane
from anju.domain.rights import Principal
from anju.domain.video import Ptz
from anju.errors import Conflict, DeviceSilent, Refused, SipRefused
from anju.media.relays import RELAY_ENDED, BusRelays
from anju.media.signalling import Ended
from anju.process import Node, clock
from anju.store import recordings
from anju.store.bell import lanes_of
from anju.upward.gb28181_cascade import Cascade
from anju.upward.gb28181_cascade_hands import Hands
from anju.wire.sip import SipEndpoint


def cascade_of(node: Node, endpoint: SipEndpoint, door: Gb28181Door) -> Cascade:
    """Return the cascade of a node, served by its devices' ``door`` and its media workers."""
    assert node.config.video is not None  # noqa: S101 - only nodes with the table have this side
    media = BusRelays(node.bus, node.config.video.workers)
    hands = Hands(media, _move(node, door), _records(node, door), _presets(door), node.sealer.open)
    return Cascade(node.db, node.node, endpoint, hands, clock=clock)


async def follow(node: Node, cascade: Cascade) -> None:
    """Let the cascade hear of copies that are over and of new alarms."""

    async def over(data: bytes) -> None:
        told = msgspec.json.decode(data, type=Ended)
        await cascade.relay_ended(told.call_id, told.reason)

    async def grown(data: bytes) -> None:
        if Lane.ALARMS in lanes_of(data):
            cascade.wake()

    await node.bus.listen(RELAY_ENDED, over)
    await node.bus.listen("log", grown)


def _move(node: Node, door: Gb28181Door) -> Callable[[Upper, str, Ptz], Coroutine[Any, Any, None]]:
    async def move(upper: Upper, channel_id: str, wanted: Ptz) -> None:
        who = Principal(upper.id, upper.name, "node", node=upper.code)
        detail = {"act": wanted.act.value, "number": wanted.number}
        async with node.operator_log.acting(who, "video.ptz", channel_id, detail, peer=upper.host):
            await _refusing(door.orders.ptz(channel_id, wanted, holder=(upper.id, upper.name)))

    return move


def _records(
    node: Node, door: Gb28181Door
) -> Callable[[str, datetime, datetime], Coroutine[Any, Any, Sequence[Recorded]]]:
    async def records(channel_id: str, start: datetime, end: datetime) -> Sequence[Recorded]:
        first, last = (round(each.timestamp() * 1000) for each in (start, end))
        ours = [Recorded(_at(a), _at(b)) for a, b in await recordings.spans(node.db, channel_id, first, last)]
        if ours:  # who records here is played from here
            return ours
        found = await _refusing(door.orders.records(channel_id, start, end))
        return [Recorded(each.start, each.end, each.kind or "time", each.size) for each in found.items]

    return records


def _presets(door: Gb28181Door) -> Callable[[str], Coroutine[Any, Any, Sequence[tuple[int, str]]]]:
    async def presets(channel_id: str) -> Sequence[tuple[int, str]]:
        return [(each.number, each.name) for each in await _refusing(door.orders.presets(channel_id))]

    return presets


async def _refusing(work: Coroutine[Any, Any, Any]) -> Any:
    """Return what ``work`` returns. Raises Refused whatever went wrong with the device."""
    try:
        return await work
    except Refused:
        raise
    except DeviceSilent as silent:
        raise Conflict("no_answer", str(silent)) from silent
    except SipRefused as error:
        raise Conflict("refused", str(error)) from error


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
