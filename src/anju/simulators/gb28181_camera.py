"""A simulated GB/T 28181 network camera: a device with one channel, and as many of them as wanted."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from random import Random
from typing import Any

from anju.protocols.manscdp_devices import DeviceInfo
from anju.simulators.gb28181_channel import Channel
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.gb28181_habits import HABITS
from anju.simulators.video_loops import Loops


def camera(platform: Platform, code: str, password: str, loops: Loops, *, name: str = "", **how: Any) -> Device:
    """Return a camera whose only channel has its own ``code``; ``how`` goes to the device."""
    called = name or f"摄像机{code[-4:]}"
    info = DeviceInfo(called, "Anju", "Simulated IPC", "1.0", 1)
    return Device(platform, code, password, [Channel(code, called, code)], loops, info=info, **how)


def codes(first: str) -> Iterator[str]:
    """Return 20-digit codes from ``first`` up."""
    for number in range(10**6):
        yield f"{first[:14]}{(int(first[14:]) + number) % 10**6:06}"


def fleet(
    platform: Platform,
    count: int,
    loops: Loops,
    *,
    first: str,
    password: str,
    habits: Sequence[str] = ("book",),
    seed: int = 1,
    **how: Any,
) -> list[Device]:
    """Return ``count`` cameras with codes from ``first`` up and ``habits`` in turn. Raises KeyError for unknown."""
    return [
        camera(
            platform,
            code,
            password,
            loops,
            habits=HABITS[named],
            chance=Random(f"{seed} {code}"),  # noqa: S311 - a dice, no secret
            **how,
        )
        for code, named in zip(islice(codes(first), count), cycle(habits), strict=False)
    ]
