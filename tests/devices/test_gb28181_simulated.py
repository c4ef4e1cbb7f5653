"""The centre and the simulated devices of every habit: they come in, are listed whole, answer, obey, tell alarms."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.video import Ptz, PtzAct
from anju.protocols.manscdp_alarms import VIDEO, AlarmNotice
from anju.simulators.gb28181_device import Device as Simulated
from anju.simulators.gb28181_device import Platform
from anju.simulators.gb28181_habits import HABITS, Faults
from anju.simulators.gb28181_recorder import recorder
from anju.simulators.video_loops import Loops
from anju.store import channels
from anju.store.database import Database
from anju.store.log import NodeId
from tests.devices.gb28181_sides import NVR, PASSWORD, PLATFORM, Centre, add_device, until
from tests.registry import Estate, make_estate


def now() -> datetime:
    return datetime.now(UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId) -> Estate:
    return await make_estate(db, node, now())


@pytest_asyncio.fixture(loop_scope="session")
async def centre(db: Database, node: NodeId, estate: Estate) -> AsyncIterator[Centre]:
    await add_device(db, node, estate, now(), guard=True, subscribe=True)
    found = await Centre(db, node, now).open()
    yield found
    await found.close()


async def simulated(centre: Centre, folder: Path, habit: str = "book", **faults: float) -> Simulated:
    platform = Platform("127.0.0.1", centre.port, PLATFORM)
    device = recorder(platform, NVR, PASSWORD, Loops(folder), channels=9, habits=HABITS[habit], faults=Faults(**faults))
    await device.start()
    return device


@pytest.mark.parametrize("habit", sorted(HABITS))
async def test_devices_of_every_habit_are_understood(centre: Centre, tmp_path: Path, habit: str) -> None:
    device = await simulated(centre, tmp_path, habit)
    try:
        listed = centre.registry.find("gb28181", NVR)
        assert listed is not None
        synced = await centre.synced(listed.device, "partial" if HABITS[habit].sum_off else "complete")
        assert synced.received == 9
        codes = await channels.codes(centre.db, listed.device.id)
        assert sorted(codes) == sorted(device.channels)
        first = min(codes)
        placed = await channels.of_code(centre.db, listed.device.id, first)
        assert placed is not None
        assert placed.channel.name == "1号通道"
        await centre.door.orders.ptz(codes[first], Ptz(PtzAct.PRESET_SET, number=3, name="大门"))
        assert 3 in [each.number for each in await centre.door.orders.presets(codes[first])]
        until_ = now() - timedelta(hours=1)
        records = await centre.door.orders.records(codes[first], until_ - timedelta(hours=3), until_)
        assert records.items
        await until(lambda: _armed(device, first))
        assert await device.alarm(AlarmNotice(first, VIDEO, now(), 1, 6, 1, "入侵")) == 200
        rows = await centre.db.fetch("SELECT kind, body->'detail'->>'text' FROM event WHERE code_space = 'gb28181'")
        assert [tuple(row) for row in rows] == [("intrusion", "入侵")]
    finally:
        await device.stop()


async def _armed(device: Simulated, code: str) -> bool:
    return not device.habits.guard_first or device.channels[code].armed


async def test_a_wrong_password_is_told_and_keeps_trying(centre: Centre, tmp_path: Path) -> None:
    device = await simulated(centre, tmp_path, wrong_password=1.0)
    try:
        await until(lambda: _refused(centre))
        assert not device.registered.is_set()
    finally:
        await device.stop(unregister=False)


async def _refused(centre: Centre) -> bool:
    return ("bad digest", NVR) in centre.wrongs


async def test_a_clock_that_is_off_is_a_fault_unless_the_device_takes_ours(
    centre: Centre, tmp_path: Path, db: Database
) -> None:
    device = await simulated(centre, tmp_path, clock_off_s=300)
    try:
        await until(lambda: _clocked(db))
        row = await db.fetch_one("SELECT offset_ms FROM clock_ledger ORDER BY at LIMIT 1")
        assert row is not None
        taken = abs(row[0]) < 5_000
        rows = await db.fetch("SELECT 1 FROM event WHERE code = 'clock_off'")
        assert bool(rows) is not taken
    finally:
        await device.stop()


async def _clocked(db: Database) -> bool:
    return bool(await db.fetch("SELECT 1 FROM clock_ledger"))
