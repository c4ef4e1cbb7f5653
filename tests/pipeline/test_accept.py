"""From a panel's wire through the registry to the database: who may report, what is held, what a device's state is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.devices.alarm_panel import AlarmPanels
from anju.domain.changes import Fate, Lane
from anju.domain.devices import Zone, sealed_for
from anju.domain.drills import Drill, DrillKind, Source
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE
from anju.domain.supervision import Supervision
from anju.errors import Conflict
from anju.pipeline.accept import Acceptor, Bound, hour_of, run_again
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.protocols.dc09 import framed
from anju.simulators.alarm_panel import Panel
from anju.store import drills, log, quarantine
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.registry import Estate, add_panel, make_estate

KEY = bytes(range(16))


@dataclass(slots=True)
class Gate:
    """A gateway at work: the front door, the acceptor, the keeper."""

    db: Database
    node: NodeId
    clock: FrozenClock
    estate: Estate
    registry: Registry
    keeper: Keeper
    acceptor: Acceptor
    supervision: Supervision
    panels: AlarmPanels
    port: int
    lanes: list[frozenset[Lane]] = field(default_factory=list)
    made: list[Panel] = field(default_factory=list)

    def panel(self, account: str = "1234", key: bytes | None = None) -> Panel:
        self.made.append(Panel("127.0.0.1", self.port, account, clock=self.clock, key=key, retry_s=0.5))
        return self.made[-1]

    async def close(self) -> None:
        for panel in self.made:
            await panel.cut()
        await self.panels.close()

    async def settle(self) -> None:
        await self.registry.refresh()
        await self.acceptor.flush()

    async def give_up(self, panel: Panel, code: str = "130", zone: str = "003") -> None:
        """Let ``panel`` report in vain."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await panel.report(code, zone)
        await panel.cut()

    async def say(self, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def column(self, query: str) -> list[object]:
        return [row[0] for row in await self.db.fetch(query)]


async def open_gate(db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> Gate:
    lanes: list[frozenset[Lane]] = []

    async def told(grown: frozenset[Lane]) -> None:
        lanes.append(grown)

    async def ignore(_: object) -> None: ...

    keeper = Keeper(db, node, clock=clock, on_committed=told, on_unsaved=ignore)
    registry = Registry(db, node, clock=clock, open_sealed=lambda sealed, about: sealed.removeprefix(about.encode()))
    supervision = Supervision("dc09", since=clock())
    acceptor = Acceptor(db, node, registry, keeper, clock=clock, told=told, supervision=supervision)
    panels = AlarmPanels(
        emit=acceptor.emit,
        heard=acceptor.heard,
        key_for=lambda account: registry.key("dc09", account),
        clock=clock,
        wrong=acceptor.wrong,
        supervision=supervision,
    )
    await registry.load()
    await acceptor.restore()
    port = await panels.open("127.0.0.1", 0)
    return Gate(db, node, clock, estate, registry, keeper, acceptor, supervision, panels, port, lanes)


@pytest_asyncio.fixture(loop_scope="session")
async def gate(db: Database, node: NodeId, clock: FrozenClock) -> AsyncIterator[Gate]:
    estate = await make_estate(db, node, clock())
    await add_panel(db, node, estate, clock())
    gate = await open_gate(db, node, clock, estate)
    running = asyncio.create_task(gate.keeper.run())
    yield gate
    await gate.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_registered_panel_raises_an_alarm_where_its_zone_is(gate: Gate) -> None:
    await gate.panel().report("130", "003")
    (alarm,) = await gate.column("SELECT body FROM alarm")
    assert isinstance(alarm, dict)
    assert (alarm["zone_name"], alarm["place_name"], alarm["place_path"]) == (
        "西墙 3 号",
        "西围墙",
        gate.estate.wall.place_path,
    )


async def test_a_sia_panel_names_the_same_zone_in_fewer_digits(gate: Gate) -> None:
    await gate.panel().report_sia("Nri1/BA3")
    assert await gate.column("SELECT body->>'zone_name' FROM alarm") == ["西墙 3 号"]


async def test_what_is_heard_makes_a_device_online_once(gate: Gate) -> None:
    panel = gate.panel()
    await panel.supervise()
    await panel.report("130", "003")
    await gate.settle()
    await gate.settle()
    assert await gate.column("SELECT state || ' ' || state_reason FROM device") == ["online heard"]
    rows = await log.read(gate.db, Lane.BULK, gate.node.epoch, 0, 100)
    assert [row.change.body["state"] for row in rows if row.change.kind == "device"] == ["unknown", "unknown", "online"]


async def test_a_silent_panel_is_offline_until_it_is_heard_again(gate: Gate) -> None:
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="5678", supervision_s=60)
    await gate.settle()
    gate.clock.forward(200)
    await gate.panels.tell_silence()
    await gate.settle()
    state = "SELECT state || ' ' || silent FROM device WHERE account = '0/5678'"
    assert await gate.column(state) == ["offline true"]
    await gate.panel("5678").supervise()
    await gate.panels.tell_silence()
    await gate.settle()
    assert await gate.column(state) == ["online false"]
    assert await gate.column("SELECT body->>'returned' FROM alarm WHERE kind = 'communication'") == ["true"]


async def test_a_change_elsewhere_in_the_registry_disturbs_no_state(gate: Gate) -> None:
    await gate.panel().supervise()
    await gate.settle()
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="5678", supervision_s=60)
    await gate.settle()
    gate.clock.forward(200)
    await gate.panels.tell_silence()
    await gate.settle()
    await gate.db.execute("UPDATE place SET name = '西墙' WHERE name = '西围墙'")
    await gate.db.execute("UPDATE version SET value = value + 1 WHERE name = 'registry'")
    await gate.settle()
    await gate.panel("5678").report("130", "003")
    await gate.settle()
    assert await gate.column("SELECT state FROM device WHERE account = '0/5678'") == ["online"]
    assert await gate.column("SELECT body->>'place_name' FROM alarm WHERE kind = 'intrusion'") == ["西墙"]


async def test_a_restart_forgets_no_silence(gate: Gate) -> None:
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="5678", supervision_s=60)
    await gate.settle()
    gate.clock.forward(200)
    await gate.panels.tell_silence()
    await gate.settle()
    again = await open_gate(gate.db, gate.node, gate.clock, gate.estate)
    await again.panels.tell_silence()
    await again.close()
    assert await gate.column("SELECT count(*) FROM event WHERE kind = 'communication'") == [1]


async def test_a_retired_panel_is_not_missed(gate: Gate) -> None:
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="5678", supervision_s=60)
    await gate.settle()
    await gate.db.execute("UPDATE device SET retired_at = now() WHERE account = '0/5678'")
    await gate.db.execute("UPDATE version SET value = value + 1 WHERE name = 'registry'")
    await gate.settle()
    gate.clock.forward(200)
    assert gate.supervision.due(gate.clock()) == []


async def test_arming_is_known_by_area(gate: Gate) -> None:
    panel = gate.panel()
    await panel.report("401", "007", qualifier="3")
    await panel.report("441", "007", area="02", qualifier="3")
    await panel.report("401", "008", qualifier="1")
    rows = await gate.db.fetch("SELECT area, armed, mode, by_user FROM arming ORDER BY area")
    assert rows == [("01", False, "", "008"), ("02", True, "stay", "007")]


async def test_a_repeated_arming_report_undoes_no_newer_one(gate: Gate) -> None:
    armed = framed(b'"ADM-CID"0001L0#1234[3401 01 007]')
    disarmed = framed(b'"ADM-CID"0002L0#1234[1401 01 007]')
    await gate.say(armed + disarmed + armed)
    assert await gate.column("SELECT armed FROM arming") == [False]


async def test_a_bypassed_zone_is_kept_and_raises_nothing(gate: Gate) -> None:
    await rezone(gate, bypassed_until=gate.clock() + timedelta(hours=1))
    await gate.panel().report("130", "003")
    assert await gate.column("SELECT flags FROM event") == [["bypassed"]]
    assert await gate.column("SELECT count(*) FROM alarm") == [0]


async def test_panic_breaks_through_a_bypass(gate: Gate) -> None:
    await rezone(gate, bypassed_until=gate.clock() + timedelta(hours=1), kind=EventKind.PANIC)
    await gate.panel().report("130", "003")
    assert await gate.column("SELECT kind FROM alarm") == ["panic"]


async def test_a_bypass_ends_by_itself(gate: Gate) -> None:
    await rezone(gate, bypassed_until=gate.clock() + timedelta(hours=1))
    gate.clock.forward(3601)
    await gate.panel().report("130", "003")
    assert await gate.column("SELECT kind FROM alarm") == ["intrusion"]


async def rezone(gate: Gate, **more: object) -> None:
    wall = gate.estate.wall
    zone = replace(Zone("01", "003", "西墙 3 号", wall.id, wall.place_path), **more)  # type: ignore[arg-type]
    await gate.db.execute("UPDATE device SET retired_at = now()")
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), zones=(zone,))
    await gate.settle()


async def test_a_drill_marks_its_sources_and_a_panic_breaks_through(gate: Gate) -> None:
    (device,) = await gate.column("SELECT id FROM device")
    now, site = gate.clock(), gate.estate.site
    drill = Drill(
        uuid4(),
        site.id,
        site.place_path,
        "",
        DrillKind.DRILL,
        (Source(str(device), "01/003"),),
        now,
        now + timedelta(hours=1),
        "u1",
        "演练",
    )
    async with gate.db.transaction() as tx:
        await drills.start(tx, drill)
    await gate.settle()
    panel = gate.panel()
    await panel.report("130", "003")
    await panel.report("120", "003")
    await panel.report("130", "004")
    rows = await gate.db.fetch("SELECT kind, zone, drill FROM event ORDER BY id")
    assert rows == [("intrusion", "01/003", True), ("panic", "01/003", False), ("intrusion", "01/004", False)]


async def test_a_stranger_waits_in_quarantine_once_an_hour_and_is_not_answered(gate: Gate) -> None:
    for _ in range(2):
        await gate.give_up(gate.panel("9999"))
    again = await open_gate(gate.db, gate.node, gate.clock, gate.estate)
    await gate.give_up(again.panel("9999"))
    await again.close()
    gate.clock.forward(3600)
    await gate.give_up(gate.panel("9999"))
    await gate.settle()
    assert await gate.column("SELECT count(*) FROM quarantine WHERE source_id = 'dc09:0/9999'") == [2]
    assert await gate.column("SELECT count(*) FROM raw_frame WHERE outcome = 'held'") == [2]
    assert await gate.column("SELECT sum(count) FROM rejection_hour WHERE reason = 'unknown_account'") == [3]


async def test_a_held_report_becomes_a_late_event_after_its_panel_was_registered(gate: Gate) -> None:
    await gate.give_up(gate.panel("9999"))
    received = gate.clock()
    gate.clock.forward(600)
    with pytest.raises(Conflict):
        await rerun(gate)
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="9999")
    await gate.settle()
    assert await rerun(gate) is Fate.KEPT
    rows = await gate.db.fetch("SELECT received_at, late, flags, body->>'zone_name' FROM event")
    assert rows == [(received, True, ["late", "rerun"], "西墙 3 号")]


async def test_a_report_the_panel_repeated_meanwhile_is_not_kept_twice(gate: Gate) -> None:
    data = framed(b'"ADM-CID"0001L0#9999[1130 01 003]')
    await gate.say(data)
    gate.clock.forward(900)
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="9999")
    await gate.settle()
    assert b'"ACK"' in await gate.say(data)
    gate.clock.forward(900)
    assert await rerun(gate) is Fate.DUPLICATE


async def rerun(gate: Gate) -> Fate:
    (held,) = await quarantine.waiting(gate.db, EVERYWHERE, reason="unknown_account", station="accept", limit=5)
    return await run_again(held, gate.registry, gate.keeper, at=gate.clock())


async def test_bad_frames_are_counted_and_some_are_kept(gate: Gate) -> None:
    await gate.say(framed(b'"ADM-CID"0001L0#1234[nothing]') * 30)
    await gate.say(b"\n" + b"GET / HTTP/1.1\r\n")
    await gate.settle()
    rows = await gate.db.fetch(
        """SELECT r.reason, r.count, d.account, (SELECT count(*) FROM raw_frame f WHERE f.source_id = r.source_id)
           FROM rejection_hour r LEFT JOIN device d ON d.id = r.source_id ORDER BY r.count DESC"""
    )
    assert rows == [("no Contact ID event", 30, "0/1234", 20), ("bad head", 1, None, 1)]


async def test_a_panel_with_a_sealed_key_speaks_encrypted_only(gate: Gate) -> None:
    panel = await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="ABCD", credential=b"x")
    await gate.db.execute("UPDATE device SET credential = %(c)s WHERE id = %(i)s", c=seal(panel.id), i=panel.id)
    await gate.db.execute("UPDATE version SET value = value + 1 WHERE name = 'registry'")
    await gate.settle()
    await gate.panel("ABCD", KEY).report("130", "003")
    assert await gate.say(framed(b'"ADM-CID"0001L0#ABCD[1130 01 003]')) == b""


def seal(device_id: str) -> bytes:
    return sealed_for(device_id).encode() + KEY


async def test_a_key_that_does_not_open_lets_nobody_in_clear(gate: Gate) -> None:
    await add_panel(gate.db, gate.node, gate.estate, gate.clock(), account="ABCD", credential=b"sealed elsewhere")
    closed = Registry(gate.db, gate.node, clock=gate.clock, open_sealed=nothing_opens)
    await closed.load()
    assert closed.key("dc09", "0/ABCD") is not None
    assert closed.key("dc09", "0/1234") is None


def nothing_opens(_sealed: bytes, about: str) -> bytes:
    raise ValueError(about)


def test_a_bound_is_for_each_and_for_all_and_for_an_hour(clock: FrozenClock) -> None:
    bound, hour = Bound(2, 3), hour_of(clock())
    assert [bound.take(key, hour) for key in "aaabb"] == [True, True, False, True, False]
    assert bound.take("a", hour + timedelta(hours=1))


async def test_accounts_without_number_fill_no_table(gate: Gate) -> None:
    await gate.say(
        b"".join(framed(b'"ADM-CID"0001L0#%04X[1130 01 003]' % account) for account in range(0x8000, 0x8080))
    )
    await gate.settle()
    assert await gate.column("SELECT count(*) FROM quarantine") == [50]
    assert await gate.column("SELECT sum(count)::int FROM rejection_hour") == [128]
