"""A simulated GB/T 28181 recorder (NVR): one device with up to 5,000 channels, each with recordings of 30 days."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from anju.protocols.manscdp_codes import CAMERA
from anju.protocols.manscdp_devices import DeviceInfo
from anju.simulators.gb28181_archive import Archive
from anju.simulators.gb28181_camera import codes
from anju.simulators.gb28181_channel import Channel
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.video_loops import Loops

MOST_CHANNELS = 5_000


def recorder(
    platform: Platform,
    code: str,
    password: str,
    loops: Loops,
    *,
    channels: int = 16,
    first: str = "",
    days: float = 30.0,
    gaps: Sequence[tuple[datetime, datetime]] = (),
    **how: Any,
) -> Device:
    """Return a recorder. Its channels have codes from ``first`` up, by default its own with the type of a camera.

    All have recordings of the last ``days`` but for ``gaps``; ``how`` goes to the device. Raises ValueError for more
    than 5,000 channels.
    """
    if not 0 <= channels <= MOST_CHANNELS:
        raise ValueError(f"a recorder has at most {MOST_CHANNELS} channels")
    begin = first or f"{code[:10]}{CAMERA}{code[13:14]}{int(code[14:]) * MOST_CHANNELS % 10**6:06}"
    found = [
        Channel(each, f"{number + 1}号通道", code, turns=number % 4 == 0, archive=Archive(days, list(gaps)))
        for number, each in enumerate(islice(codes(begin), channels))
    ]
    info = DeviceInfo(f"录像机{code[-4:]}", "Anju", "Simulated NVR", "1.0", channels)
    return Device(platform, code, password, found, loops, info=info, **how)
