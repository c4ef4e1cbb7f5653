"""The alarm desk: a person's step is done here where the alarm was raised here, else it travels down as a command.

Source: 4.2.1.3 (handling), 4.2.2 (what is done above is seen below, and the other way round).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from anju.control.corridor import Clock, Corridor, Target, Told
from anju.domain.alarms import Alarm, Instruction, Person, Step
from anju.domain.changes import Change, Lane
from anju.domain.commands import ALARM_STEP, STEP_WITHIN, Command, step_body
from anju.domain.drills import Drill, Plan, check
from anju.domain.rights import Principal, Scope
from anju.errors import Conflict
from anju.security.operator_log import OperatorLog
from anju.store import alarms, drills, log
from anju.store.database import Database, Transaction
from anju.store.log import NodeId

GROUP_MOST = 500


class AlarmDesk:
    """Steps on alarms, by persons and by the clock."""

    def __init__(
        self, db: Database, node: NodeId, corridor: Corridor, operator_log: OperatorLog, told: Told, clock: Clock
    ) -> None:
        self._db, self._node, self._corridor = db, node, corridor
        self._operator_log, self._told, self._clock = operator_log, told, clock

    async def act(
        self,
        principal: Principal,
        scope: Scope,
        alarm_id: UUID,
        wanted: Instruction,
        *,
        expected_version: int | None = None,
        peer: str = "",
    ) -> Alarm | Command:
        """Do one step to an alarm inside ``scope``: the alarm after it, or the command that carries it to its home.

        Raises NotFound outside the scope, Conflict where somebody was faster, and what ``domain.alarms`` refuses.
        Every step is in the operator log, the refused ones too.
        """
        alarm = await alarms.find(self._db, scope, alarm_id)
        by = Person(principal.id, principal.name, principal.node or self._node.id, self._node.tier)
        action, body = f"{ALARM_STEP}{wanted.step}", step_body(wanted, by, expected_version)
        async with self._operator_log.acting(principal, action, str(alarm_id), body, peer=peer):
            if alarm.home_node != self._node.id:
                target = _target(alarm)
                return await self._corridor.want(principal, action, target, body, within=STEP_WITHIN)
            act = wanted.act(by, self._clock())
            async with self._db.transaction() as tx:
                after, changes = await alarms.do(tx, scope, alarm_id, act, expected_version=expected_version)
                await self._append(tx, changes)
            await self._told(frozenset({Lane.ALARMS}))
            return after

    async def acknowledge_group(
        self, principal: Principal, scope: Scope, storm_key: str, *, peer: str = ""
    ) -> dict[str, int]:
        """Acknowledge what waits of one device and kind; return how many were acknowledged, sent down, skipped, late.

        Fire, panic, duress and help are acknowledged one by one: of them all are skipped. At most GROUP_MOST at once.
        """
        waiting = await alarms.of_group(self._db, scope, storm_key, limit=GROUP_MOST)
        skipped = [alarm for alarm in waiting if alarm.life]
        done = {"acknowledged": 0, "sent": 0, "skipped": len(skipped), "late": 0}
        wanted = Instruction(Step.ACKNOWLEDGE)
        for alarm in waiting:
            if alarm.life:
                continue
            try:
                after = await self.act(principal, scope, alarm.id, wanted, peer=peer)
            except Conflict:  # somebody else was faster with this one
                done["late"] += 1
            else:
                done["acknowledged" if isinstance(after, Alarm) else "sent"] += 1
        return done

    async def start_drill(self, principal: Principal, scope: Scope, plan: Plan, *, peer: str = "") -> Drill:
        """Begin the drill that ``plan`` describes on devices inside ``scope``.

        Raises NotFound for a device outside, Conflict for one of another node or communities mixed, Invalid for what
        is no drill.
        """
        at = self._clock()
        place = await drills.place_of(self._db, scope, [each.device_id for each in plan.sources], node=self._node.id)
        drill = check(Drill(uuid7(), *place, plan.kind, plan.sources, at, plan.ends_at, principal.id, plan.reason))
        acting = self._operator_log.acting(principal, "drill.start", str(drill.id), drills.body(drill), peer=peer)
        async with acting, self._db.transaction() as tx:
            await drills.start(tx, drill)
        return drill

    async def end_drill(self, principal: Principal, scope: Scope, drill_id: UUID, *, peer: str = "") -> Drill:
        """End a drill inside ``scope`` now. Raises NotFound, or Conflict where it is over."""
        acting = self._operator_log.acting(principal, "drill.end", str(drill_id), peer=peer)
        async with acting, self._db.transaction() as tx:
            return await drills.end(tx, scope, drill_id, by=principal.id, at=self._clock())

    async def tick(self, at: datetime) -> int:
        """Do what time does: tell the next circle, end shelving and drills. Return how many alarms changed.

        Call it every second. Only alarms raised here change; those of nodes below change at their homes.
        """
        async with self._db.transaction() as tx:
            changes = await alarms.escalate_due(tx, home_node=self._node.id, at=at)
            changes += await alarms.unshelve_due(tx, home_node=self._node.id, at=at)
            await drills.end_due(tx, at=at)
            await self._append(tx, changes)
        if changes:
            await self._told(frozenset({Lane.ALARMS}))
        return sum(change.kind == "alarm" for change in changes)

    async def _append(self, tx: Transaction, changes: Sequence[Change]) -> None:
        if changes:
            await log.append(tx, Lane.ALARMS, changes, at=self._clock(), node=self._node)


def _target(alarm: Alarm) -> Target:
    event = alarm.event
    where = (event.site_id, event.place_path, event.jurisdiction)
    return Target("alarm", str(alarm.id), *where, alarm.home_node)
