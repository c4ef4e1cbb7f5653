"""The cameras of the demo: ten each that send H.264 over UDP, over TCP, and H.265, and ten behind a recorder.

They register with one password, made on first use. Source: 5.4.1, 5.4.3 (GB/T 28181).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EACH = 10
RECORDER, BEHIND = "51080200001180000001", "51080200001320000031"
"""The recorder and the first of its channels."""
RECORDED = 2
"""So many of the first cameras the platform records; the demo stays light."""
SPOTS = ("东大门", "南门", "西围墙", "北围墙", "东围墙", "南围墙", "管理中心", "1 号楼", "2 号楼", "3 号楼")


@dataclass(frozen=True, slots=True)
class Make:
    """One kind of camera: what it is called, its first code, how it sends and what."""

    name: str
    first: str
    media: str
    codec: str


MAKES = (
    Make("枪机", "51080200001320000001", "udp", "h264"),
    Make("球机", "51080200001320000011", "tcp_passive", "h264"),
    Make("高清枪机", "51080200001320000021", "udp", "h265"),
)


def codes(first: str, count: int = EACH) -> list[str]:
    """Return ``count`` codes from ``first`` on."""
    return [f"{int(first) + number:020}" for number in range(count)]


def with_video(told: dict[str, Any], credential: str, below: tuple[str, str] | None) -> dict[str, Any]:
    """Return what ``registry_seed`` reads with the community's cameras, or with the platform ``below``: name, code."""
    if below is not None:
        return {**told, "devices": [_device("platform", *below, "", credential, "udp")]}
    closed, *others = told["sites"]
    return {**told, "sites": [{**closed, "devices": [*closed["devices"], *specs(credential)]}, *others]}


def specs(credential: str) -> Iterator[dict[str, Any]]:
    """Give the cameras and the recorder as ``registry_seed`` reads them."""
    for make in MAKES:
        for spot, code in zip(SPOTS, codes(make.first), strict=True):
            yield _device("camera", f"{spot}{make.name}", code, spot, credential, make.media)
    yield _device("recorder", "管理中心录像机", RECORDER, "管理中心", credential, "udp")


def _device(kind: str, name: str, code: str, place: str, credential: str, media: str) -> dict[str, Any]:
    about = {"kind": kind, "name": name, "place": place, "account": code, "code": code}
    return {**about, "protocol": "gb28181", "credential": credential, "gb28181": {"media": media}}
