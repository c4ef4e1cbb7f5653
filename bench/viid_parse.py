"""How many GA/T 1400 objects a second are read on one core, in batches of 20, plain and with two pictures (60 + 10 kB).

The reference is a bare JSON decoder over the same bytes, which keeps no promise.
"""

import base64
import json
import random
import time
from collections.abc import Callable
from functools import partial

import msgspec
from bench.figures import Figure, keep

from anju.protocols.viid import ViidObject, parse_batch, read_request

BATCH = 20
_DEVICE = "51080200011190000002"


def body(*sizes: int) -> bytes:
    """Return a batch of passages, each with pictures of ``sizes`` bytes."""
    return json.dumps(
        {"MotorVehicleListObject": {"MotorVehicleObject": [_passage(n, sizes) for n in range(BATCH)]}},
        ensure_ascii=False,
    ).encode()


def _passage(number: int, sizes: tuple[int, ...]) -> dict[str, object]:
    source = f"{_DEVICE}0220261122081530{number:05}"
    return {
        "MotorVehicleID": f"{source}0200001", "InfoKind": 1, "SourceID": source, "TollgateID": "51080200011210000001",
        "DeviceID": _DEVICE, "StorageUrl1": "/p/1.jpg", "LeftTopX": 120, "LeftTopY": 90,
        "RightBtmX": 1650, "RightBtmY": 1010, "LaneNo": 1, "HasPlate": True, "PlateClass": "02", "PlateColor": "5",
        "PlateNo": f"川H{number:05}", "Speed": 8.5, "Direction": "3", "VehicleClass": "K33", "VehicleBrand": "1",
        "VehicleColor": "2", "PassTime": f"202611220815{number:02}", "PlateReliability": "98",
        "SubImageList": {"SubImageInfoObject": [_picture(source, each, size) for each, size in enumerate(sizes)]},
    }  # fmt: skip


def _picture(source: str, number: int, size: int) -> dict[str, object]:
    data = base64.b64encode(random.Random(f"{source}/{number}").randbytes(size)).decode()
    return {
        "ImageID": source, "EventSort": 1, "DeviceID": _DEVICE, "Type": f"{number + 1:02}", "FileFormat": "Jpeg",
        "ShotTime": "20261122081530", "Width": 1920, "Height": 1080, "Data": data,
    }  # fmt: skip


def rate(work: Callable[[], object], seconds: float = 2.0) -> float:
    """Return objects per second of CPU while ``work`` reads a batch again and again for ``seconds``."""
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        work()
        count += BATCH
    return count / spent


def main() -> None:
    """Measure, print and keep: objects per CPU second of one core, against bare JSON reading of the same bytes."""
    found = []
    for name, sizes in (("plain", ()), ("pictures", (60_000, 10_000))):
        wire = body(*sizes)
        assert all(isinstance(each, ViidObject) and not each.flags for each in parse_batch("motor_vehicle", wire))
        bare = rate(partial(msgspec.json.decode, wire))
        read = rate(partial(read_request, "motor_vehicle", wire))
        found.append(Figure.against(f"parse.{name}_objects_per_cpu_s", read, "1/s", bare))
    keep(found)


if __name__ == "__main__":
    main()
