"""Simulated panels against our front door and against pysiaalarm, a receiver written by others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
import pytest_asyncio
from pysiaalarm.account import SIAAccount
from pysiaalarm.aio.server import SIAServerTCP
from pysiaalarm.utils.counter import Counter

from anju.devices.alarm_panel import AlarmPanels
from anju.domain.changes import Fate
from anju.domain.events import DeviceReport
from anju.simulators.alarm_panel import Acknowledged, Faults, Panel, drive, fleet

KEY = "0123456789ABCDEF"


def now() -> datetime:
    return datetime.now(UTC)


class Receiver:
    """Our front door over a set that recognises repeats."""

    def __init__(self, key: bytes | None) -> None:
        self.port = 0
        self.seen: dict[str, DeviceReport] = {}
        self.panels = AlarmPanels(emit=self._emit, heard=self._hear, key_for=lambda _: key, clock=now)

    async def _emit(self, report: DeviceReport) -> Fate:
        known = report.dedup_key in self.seen
        self.seen[report.dedup_key] = report
        return Fate.DUPLICATE if known else Fate.KEPT

    async def _hear(self, _account: str, _peer: str) -> bool:
        return True


@pytest_asyncio.fixture(loop_scope="session", params=[None, KEY.encode()], ids=["clear", "encrypted"])
async def receiver(request: pytest.FixtureRequest) -> AsyncIterator[Receiver]:
    found = Receiver(request.param)
    found.port = await found.panels.open("127.0.0.1", 0)
    yield found
    await found.panels.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_what_is_acknowledged_was_kept_whatever_went_wrong(
    receiver: Receiver, request: pytest.FixtureRequest, transport: Literal["tcp", "udp"]
) -> None:
    key = KEY.encode() if "encrypted" in request.node.name else None
    faults = Faults(duplicate=0.2, cut=0.2, garbage=0.2, split=0.3, joined=0.3, clock_off_s=3600)
    panels = fleet("127.0.0.1", receiver.port, 10, key=key, transport=transport, faults=faults, retry_s=0.2)
    done: list[Acknowledged] = []
    begun = await drive(panels, 400, 0.5, on_acknowledged=done.append, patience_s=20)
    kept = {(each.account, int(each.dedup_key.split("|")[1])) for each in receiver.seen.values()}
    assert (begun, len(done)) == (200, 200)
    assert {(each.source, each.sequence) for each in done} == kept


class Peer:
    """pysiaalarm's server. Its own context manager swallows errors, so it is not used."""

    def __init__(self, key: str | None) -> None:
        self.port, self.key, self.events = 0, key.encode() if key else None, list[Any]()
        self.server = SIAServerTCP({"1234": SIAAccount("1234", key)}, self._note, Counter())

    async def _note(self, event: Any) -> None:
        self.events.append(event)


@pytest_asyncio.fixture(loop_scope="session", params=[None, KEY], ids=["clear", "encrypted"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    found = Peer(request.param)
    async with await asyncio.start_server(found.server.handle_line, "127.0.0.1") as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


async def test_a_receiver_written_by_others_understands_the_panel(peer: Peer) -> None:
    panel = Panel("127.0.0.1", peer.port, "1234", key=peer.key, clock=now)
    async with asyncio.timeout(5):
        assert await panel.report("130", "003")
        assert await panel.report_sia("Nri1/BA003")
        await panel.supervise()
    await panel.cut()
    assert [(each.message_type.value, each.code, each.ri) for each in peer.events] == [
        ("ADM-CID", "BA", "003"),
        ("SIA-DCS", "BA", "1"),
        ("NULL", "RP", "0"),
    ]


async def test_a_panel_whose_clock_is_off_takes_the_time_of_the_answer(peer: Peer) -> None:
    slow = Panel("127.0.0.1", peer.port, "1234", key=peer.key, clock=lambda: now() - timedelta(hours=1))
    async with asyncio.timeout(5):
        assert await slow.report("130", "003")
    await slow.cut()
