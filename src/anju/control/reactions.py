"""What rules set off goes down the corridor like anybody's command: a rule is a principal, with rights and limits."""

from anju.control.corridor import Clock, Corridor, Target
from anju.domain.commands import DEADLINE_MOST
from anju.domain.devices import Device
from anju.domain.linkage import PHYSICAL, REACHABLE, ActionState, Do
from anju.domain.rights import EVERYWHERE, Principal
from anju.errors import Conflict, Refused
from anju.pipeline.link import Outcome
from anju.security.operator_log import OperatorLog
from anju.store import devices
from anju.store.database import Database
from anju.store.linkage import Decided
from anju.store.log import NodeId


class Reactions:
    """Performs the actions of rules on this node's own devices. Source: 5.1.2.4 (linkage)."""

    def __init__(self, db: Database, node: NodeId, corridor: Corridor, operator_log: OperatorLog, clock: Clock) -> None:
        self._db, self._node, self._corridor = db, node, corridor
        self._operator_log, self._clock = operator_log, clock

    async def perform(self, action: Decided) -> Outcome:
        """Send ``action`` to its device; what the device says comes as a change of the command."""
        try:
            return await self._send(action)
        except Refused as refused:
            return Outcome(ActionState.REFUSED, refused.code)

    async def _send(self, action: Decided) -> Outcome:
        then = action.then
        if then.do is Do.PUSH or then.do not in PHYSICAL:
            raise Conflict("no_channel", f"nothing here can {then.do}")
        device = await devices.find(self._db, EVERYWHERE, then.target)
        self._check(action, device)
        what, body = then.command()
        who = Principal(str(action.rule_id), action.body["rule_name"], "rule", node=self._node.id)
        target = Target("device", device.id, device.site_id, device.place_path, device.jurisdiction, device.home_node)
        left = (action.valid_until - self._clock()) if action.valid_until else DEADLINE_MOST
        detail = {"event": action.record_id, "rule_version": action.rule_version, **body}
        async with self._operator_log.acting(who, f"commands.{what}", device.id, detail):
            command = await self._corridor.want(who, what, target, body, within=left)
        return Outcome(ActionState.SENT, "", command.id)

    def _check(self, action: Decided, device: Device) -> None:
        """Raise Conflict where the device is out of the rule's reach now, wherever it was when the rule was written."""
        if device.home_node != self._node.id:
            raise Conflict("not_owner", "physical acts come from the node that owns the device")
        if device.kind not in REACHABLE or device.retired_at is not None:
            raise Conflict("out_of_reach", "rules switch no device of this kind")
        if device.site_id != action.site_id:
            raise Conflict("outside_rule", "the device does not stand in the community of the event")
