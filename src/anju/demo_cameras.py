"""The cameras of the demo: ten each that send H.264 over UDP, over TCP, and H.265, and ten behind a recorder.

They register with one password, made on first use. Source: 5.4.1, 5.4.3 (GB/T 28181).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anju.config import Config
from anju.simulators.gb28181_camera import camera
from anju.simulators.gb28181_crowd import prepared
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.gb28181_habits import HABITS
from anju.simulators.gb28181_recorder import recorder
from anju.simulators.video_loops import Loops
from anju.store import channels
from anju.store.database import Database

EACH = 10
RECORDER, BEHIND = "51080200001180000001", "51080200001320000031"
"""The recorder and the first of its channels."""
RECORDED = 2
"""So many of the first cameras the platform records; the demo stays light."""
SPOTS = ("东大门", "南门", "西围墙", "北围墙", "东围墙", "南围墙", "管理中心", "1 号楼", "2 号楼", "3 号楼")


@dataclass(frozen=True, slots=True)
class Make:
    """One kind of camera: what it is called, its first code, how it sends, and its habits as a simulator."""

    name: str
    first: str
    media: str
    habits: str


MAKES = (
    Make("枪机", "51080200001320000001", "udp", "book"),
    Make("球机", "51080200001320000011", "tcp_passive", "book"),
    Make("高清枪机", "51080200001320000021", "udp", "2022"),
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


@asynccontextmanager
async def filming(config: Config, credential: str, loops: Path) -> AsyncIterator[list[Device]]:
    """Be all of the cameras while the block runs; they show what they see to whoever asks."""
    assert config.video is not None  # noqa: S101 - the demo has it at all tiers
    platform, shared = Platform("127.0.0.1", config.video.sip, config.platform), Loops(loops)
    async with AsyncExitStack() as stack:
        made = _devices(platform, credential, shared)
        stack.callback(asyncio.ensure_future(prepared(made)).cancel)
        for each in made:
            await each.start()
            stack.push_async_callback(each.stop)
        yield made


def _devices(platform: Platform, credential: str, loops: Loops) -> list[Device]:
    found = [
        camera(platform, code, credential, loops, name=f"{spot}{make.name}", habits=HABITS[make.habits])
        for make in MAKES
        for spot, code in zip(SPOTS, codes(make.first), strict=True)
    ]
    return [*found, recorder(platform, RECORDER, credential, loops, channels=EACH, first=BEHIND)]


async def record_some(db: Database) -> None:
    """Let the platform record the first cameras once they are known; what somebody planned stays."""
    wanted = set(codes(MAKES[0].first, RECORDED))
    while wanted:
        rows = await db.fetch("SELECT id, code, plan FROM channel WHERE code = ANY(%(codes)s)", codes=list(wanted))
        for channel, code, plan in rows:
            wanted.discard(code)
            if not plan:
                async with db.transaction() as tx:
                    words: dict[str, Any] = {"name": None, "place_id": None, "version": None, "at": datetime.now(UTC)}
                    await channels.edit(tx, channel, plan={"by": "platform"}, **words)
        await asyncio.sleep(1.0)
