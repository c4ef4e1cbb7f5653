"""Rules follow the log: decided once, done once, in time, whatever dies in between."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.changes import Change, Lane
from anju.domain.events import Event, EventKind
from anju.domain.linkage import ActionState, Do, OnlyIf, Rule, Then, When
from anju.domain.rights import EVERYWHERE
from anju.pipeline.link import Linker, Outcome
from anju.store import events, linkage, log
from anju.store.database import Database
from anju.store.linkage import Decided
from anju.store.log import NodeId
from anju.web.paging import FIRST
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event
from tests.domain.test_linkage import LAMP, RULE


@dataclass
class Bench:
    """A linker on a log, and a hand that does what it is given."""

    db: Database
    node: NodeId
    clock: FrozenClock
    performed: list[Decided] = field(default_factory=list)
    trouble: Exception | None = None
    woken: int = 0

    @property
    def linker(self) -> Linker:
        return Linker(self.db, self.node, self.perform, clock=self.clock, told=self.told)

    async def told(self, _: frozenset[Lane]) -> None:
        self.woken += 1

    async def perform(self, action: Decided) -> Outcome:
        if self.trouble:
            raise self.trouble
        self.performed.append(action)
        return Outcome(ActionState.DONE, "done")

    async def rule(self, *then: Then, when: When = When(), only_if: OnlyIf = OnlyIf()) -> Rule:
        rule = replace(RULE, id=uuid7(), then=then or (LAMP,), when=when, only_if=only_if)
        async with self.db.transaction() as tx:
            await linkage.add(tx, rule)
        return rule

    async def heard(self, *more: Event, lane: Lane = Lane.ALARMS) -> list[Event]:
        told = [replace(each, id=uuid7(), received_at=self.clock()) for each in more or (event(),)]
        changes = [Change("event", str(e.id), 1, e.site_id, e.place_path, "", events.body(e)) for e in told]
        async with self.db.transaction() as tx:
            await log.append(tx, lane, changes, at=self.clock(), node=self.node)
        return told

    async def states(self) -> list[tuple[str, str]]:
        rows = await linkage.actions(self.db, EVERYWHERE, rule_id=None, state=None, before=FIRST, limit=200)
        return sorted((row["body"]["do"], row["state"]) for row in rows)

    async def logged(self) -> Sequence[tuple[str, int]]:
        rows = await log.read(self.db, Lane.ALARMS, self.node.epoch, 0, 1000)
        told = [row.change for row in rows if row.change.kind == "linkage_action"]
        return [(each.body["state"], each.version) for each in told]


@pytest_asyncio.fixture(loop_scope="session")
async def bench(db: Database, node: NodeId, clock: FrozenClock) -> Bench:
    return Bench(db, node, clock)


async def test_an_event_sets_off_what_the_rule_says(bench: Bench) -> None:
    rule = await bench.rule(LAMP, Then(Do.POP_UP), Then(Do.RECORD_MARK, "cam-1"))
    (heard,) = await bench.heard()
    await bench.linker.drain()
    assert [(each.rule_id, each.record_id, each.then) for each in bench.performed] == [(rule.id, str(heard.id), LAMP)]
    assert await bench.states() == [("lamp", "done"), ("pop_up", "done"), ("record_mark", "done")]
    assert await bench.logged() == [("wanted", 1), ("done", 4), ("done", 4), ("done", 4)]


async def test_both_lanes_are_followed(bench: Bench) -> None:
    await bench.rule(when=When(kinds=(EventKind.DISARM, EventKind.INTRUSION)))
    await bench.heard(event(EventKind.DISARM), lane=Lane.BULK)
    await bench.heard()
    await bench.linker.drain()
    assert len(bench.performed) == 2


async def test_what_was_read_is_not_decided_again(bench: Bench) -> None:
    await bench.rule()
    await bench.heard()
    for _ in range(3):
        await bench.linker.drain()
    assert len(bench.performed) == 1


async def test_two_processes_decide_once(bench: Bench) -> None:
    await bench.rule()
    await bench.heard()
    await bench.linker.read(Lane.ALARMS)
    await bench.db.execute("DELETE FROM cursor")  # the other one read the same rows at the same time
    await bench.linker.drain()
    assert len(bench.performed) == 1
    assert await bench.logged() == [("wanted", 1), ("done", 4)]


async def test_a_late_linker_only_writes_down_what_expired(bench: Bench) -> None:
    await bench.rule(LAMP, Then(Do.RECORD_MARK, "cam-1"))
    await bench.heard()
    bench.clock.forward(10)
    await bench.linker.drain()
    assert bench.performed == []
    assert await bench.states() == [("lamp", "expired"), ("record_mark", "done")]


async def test_what_waited_too_long_for_a_hand_is_not_done(bench: Bench) -> None:
    await bench.rule()
    await bench.heard()
    await bench.linker.read(Lane.ALARMS)
    bench.clock.forward(10)
    await bench.linker.drain()
    assert bench.performed == []
    assert await bench.states() == [("lamp", "expired")]


async def test_a_crash_in_the_middle_is_unknown_and_not_done_again(bench: Bench) -> None:
    await bench.rule()
    await bench.heard()
    bench.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await bench.linker.drain()
    bench.trouble = None
    await bench.linker.drain()
    bench.clock.forward(601)
    await bench.linker.drain()
    assert bench.performed == []
    assert await bench.states() == [("lamp", "unknown")]


async def test_a_changed_rule_decides_anew_about_new_events_only(bench: Bench) -> None:
    rule = await bench.rule()
    await bench.heard()
    await bench.linker.drain()
    async with bench.db.transaction() as tx:
        await linkage.change(tx, replace(rule, version=2))
    await bench.heard()
    await bench.linker.drain()
    assert [each.rule_version for each in bench.performed] == [1, 2]


async def test_an_armed_area_and_a_dark_hour_are_looked_up(bench: Bench) -> None:
    await bench.rule(only_if=OnlyIf(armed=True))
    await bench.rule(Then(Do.POP_UP), only_if=OnlyIf(dark=True))
    await bench.heard()  # at 16:15 local: light, and nobody ever told of arming
    await bench.linker.drain()
    assert await bench.states() == []
    await bench.db.execute(
        "INSERT INTO arming (device_id, area, armed, at) VALUES ('p1', '01', true, now()), ('p1', '', false, now())"
    )
    bench.clock.forward(3 * 3600)
    await bench.heard()
    await bench.linker.drain()
    assert await bench.states() == [("lamp", "done"), ("pop_up", "done")]


async def test_an_event_that_cannot_be_read_stops_nothing(bench: Bench) -> None:
    await bench.rule()
    async with bench.db.transaction() as tx:
        odd = Change("event", "x", 1, "site", "/", "", {"id": "no uuid"})
        await log.append(tx, Lane.ALARMS, [odd], at=bench.clock(), node=bench.node)
    await bench.heard()
    await bench.linker.drain()
    assert len(bench.performed) == 1


async def told_below(bench: Bench) -> list[Change]:
    """Return what a community's log says of a rule that is none of ours."""
    rule = await bench.rule()
    await bench.heard()
    await bench.linker.drain()
    rows = await log.read(bench.db, Lane.ALARMS, bench.node.epoch, 0, 100)
    for table in ("linkage_action", "linkage_rule"):
        await bench.db.execute(f"DELETE FROM {table} WHERE %(id)s IS NOT NULL", id=rule.id)
    bench.performed.clear()
    return [row.change for row in rows if row.change.kind == "linkage_action"]


async def test_a_tier_above_sees_what_was_done_below_once(bench: Bench) -> None:
    told = await told_below(bench)
    async with bench.db.transaction() as tx:
        assert [await linkage.apply(tx, each) for each in (*told, *told)] == [True, True, False, False]
    assert await bench.states() == [("lamp", "done")]


async def test_what_a_node_below_wants_is_not_done_here(bench: Bench) -> None:
    wanted, _ = await told_below(bench)
    async with bench.db.transaction() as tx:
        await linkage.apply(tx, wanted)
    await bench.linker.drain()
    assert bench.performed == []
    assert await bench.states() == [("lamp", "wanted")]


async def test_of_our_own_rules_a_node_below_can_say_nothing(bench: Bench) -> None:
    wanted, _ = await told_below(bench)
    rule = await bench.rule()
    lie = replace(wanted, body={**wanted.body, "rule_id": str(rule.id)})
    async with bench.db.transaction() as tx:
        assert not await linkage.apply(tx, lie)
