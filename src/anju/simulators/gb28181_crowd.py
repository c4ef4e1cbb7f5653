"""Many simulated GB/T 28181 devices: made by words, started together, telling alarms in turn, ended together."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from anju.protocols.manscdp_alarms import DEVICE, INTRUSION, VIDEO, AlarmNotice
from anju.protocols.manscdp_codes import NVR, whole
from anju.simulators.gb28181_camera import codes, fleet
from anju.simulators.gb28181_device import Device, Platform, Timing
from anju.simulators.gb28181_habits import HABITS, Faults
from anju.simulators.gb28181_recorder import recorder
from anju.simulators.video_loops import Loops

_AT_ONCE = 50  # devices that start together
_ALARMS = ((VIDEO, INTRUSION, 1, "周界入侵"), (DEVICE, 2, 0, "设备防拆报警"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which devices: ``cameras`` with codes from ``first`` up, ``recorders`` with ``channels`` each from the same up.

    ``habits`` are names out of HABITS, taken in turn, ``faults`` those of Faults.
    """

    platform: Platform
    password: str
    first: str
    cameras: int = 1
    recorders: int = 0
    channels: int = 16
    habits: Sequence[str] = ("book",)
    faults: Mapping[str, float] = field(default_factory=dict)
    gaps: Sequence[tuple[datetime, datetime]] = ()
    timing: Timing = field(default_factory=Timing)
    local: str = "127.0.0.1"
    seed: int = 1


def crowd(wanted: Wanted, folder: Path) -> list[Device]:
    """Return the devices, not yet started; their loops are in ``folder``.

    Raises ValueError for a code of another length or too many channels, KeyError for unknown habits, TypeError for
    unknown faults.
    """
    if not whole(wanted.first):
        raise ValueError("a code has 20 digits")
    loops, faults = Loops(folder), Faults(**wanted.faults)
    how: dict[str, Any] = {"faults": faults, "timing": wanted.timing, "local": wanted.local}
    platform, password = wanted.platform, wanted.password
    cameras = fleet(
        platform,
        wanted.cameras,
        loops,
        first=wanted.first,
        password=password,
        habits=wanted.habits,
        seed=wanted.seed,
        **how,
    )
    for each in cameras:
        for channel in each.channels.values():
            channel.archive.gaps = list(wanted.gaps)
    begin = f"{wanted.first[:10]}{NVR}{wanted.first[13:]}"
    recorders = [
        recorder(
            platform, code, password, loops, channels=wanted.channels, gaps=wanted.gaps, habits=HABITS[named], **how
        )
        for code, named in zip(islice(codes(begin), wanted.recorders), cycle(wanted.habits), strict=False)
    ]
    return [*cameras, *recorders]


async def prepared(devices: Sequence[Device]) -> None:
    """Have the loops made that ``devices`` show at first, each once."""
    for each in {(each.habits.codec, each.habits.sub_codec): each for each in devices}.values():
        await each.prepare()


async def play(devices: Sequence[Device], seconds: float, *, alarms_a_minute: float = 0.0) -> Counter[str]:
    """Start ``devices``, let them tell alarms in turn for ``seconds``, stop them; return what they did, summed up.

    The first start of all draws and codes the loops, which takes a minute where none are there yet.
    """
    await prepared(devices)
    try:
        await _in_turn(devices, lambda each: each.start())
        await _told(devices, seconds, alarms_a_minute)
        return _summed(devices)
    finally:
        await _in_turn(devices, lambda each: each.stop())


async def _told(devices: Sequence[Device], seconds: float, alarms_a_minute: float) -> None:
    telling = asyncio.ensure_future(_tell(devices, alarms_a_minute)) if alarms_a_minute else None
    try:
        await asyncio.sleep(seconds)
    finally:
        if telling:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling


async def _tell(devices: Sequence[Device], alarms_a_minute: float) -> None:
    for device, (method, kind, event, words) in zip(cycle(devices), cycle(_ALARMS), strict=False):
        await asyncio.sleep(60 / alarms_a_minute)
        code = next(iter(device.channels), device.code)
        at = datetime.now(UTC).replace(microsecond=0)
        await device.alarm(AlarmNotice(code, method, at, 1 if method == VIDEO else 2, kind, event, words))


def _summed(devices: Sequence[Device]) -> Counter[str]:
    found = Counter[str]()
    for each in devices:
        found.update(each.tally)
        found["registered"] += each.registered.is_set()
        found["streams"] += len(each.calls.running)
    return found


async def _in_turn(devices: Sequence[Device], act: Callable[[Device], Awaitable[None]]) -> None:
    for at in range(0, len(devices), _AT_ONCE):
        await asyncio.gather(*(act(each) for each in devices[at : at + _AT_ONCE]))
