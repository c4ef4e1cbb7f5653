"""The corridor: what is wanted of a thing that another node or process owns goes down here and comes back as a change.

A command is done once by its id, by its owner, not after its deadline. A time-out is ``unknown`` and nothing is tried
again by itself. Source: 5.1.2.4 (control of devices), 6.3.2-c (operations logged).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from uuid_utils.compat import uuid7

from anju.domain.alarms import Act
from anju.domain.changes import Change, Lane
from anju.domain.commands import (
    DEADLINE_MOST,
    Command,
    CommandState,
    DeviceAction,
    check_device_command,
    read_step,
)
from anju.domain.rights import EVERYWHERE, Principal
from anju.errors import AnjuError, Conflict, DeviceSilent, Forbidden, Invalid, NotFound, Refused, WireError
from anju.security.operator_log import OperatorLog
from anju.store import alarms, commands, devices, leases, log
from anju.store.database import Database, Transaction
from anju.store.log import NodeId

Told = Callable[[frozenset[Lane]], Awaitable[None]]
Clock = Callable[[], datetime]
Perform = Callable[[Command], Awaitable[None]]
"""Does a command on its device before its deadline. Raises Refused, DeviceSilent, WireError."""
LEASE = timedelta(seconds=30)
AT_ONCE, LOOK_S = 50, 0.5
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is for: an ``alarm`` or a ``device``, where it is, and which node owns it."""

    kind: str
    id: str
    site_id: str
    place_path: str
    jurisdiction: str
    owner_node: str


async def no_driver(command: Command) -> None:
    """Refuse ``command``: its device has no way in for commands."""
    raise Conflict("no_driver", f"no driver takes {command.action} for this device")


class Corridor:
    """Commands of one node. ``told`` wakes whoever follows the log, after the commit."""

    def __init__(self, db: Database, node: NodeId, operator_log: OperatorLog, told: Told, clock: Clock) -> None:
        self._db, self._node, self._operator_log = db, node, operator_log
        self._told, self._clock = told, clock

    async def want(
        self, principal: Principal, action: str, target: Target, body: dict[str, Any], *, within: timedelta
    ) -> Command:
        """Write that ``principal``, whose right was asked already, wants this; return without waiting for the outcome.

        Raises Invalid for a time limit that is none.
        """
        if not timedelta(0) < within <= DEADLINE_MOST:
            raise Invalid("deadline", f"a command needs a time limit of at most {DEADLINE_MOST.seconds} s")
        at = self._clock()
        who = (principal.id, principal.name, principal.node or self._node.id)
        where = (target.site_id, target.place_path, target.jurisdiction, target.owner_node)
        command = Command(uuid7(), *who, action, target.kind, target.id, *where, body, at, at + within)
        async with self._db.transaction() as tx:
            await commands.insert(tx, command, downward=True)
            await self._append(tx, [commands.change(command)])
        await self._told(frozenset({Lane.ALARMS}))
        return command

    async def take(self, via: str, limit: int = 50) -> list[Command]:
        """Return what must go down through the paired node ``via`` now, marked sent. It may come twice."""
        async with self._db.transaction() as tx:
            handed = await commands.for_node(tx, via, at=self._clock(), limit=limit)
            await self._append(tx, [change for _, changes in handed for change in changes])
        if any(changes for _, changes in handed):
            await self._told(frozenset({Lane.ALARMS}))
        return [command for command, _ in handed]

    async def execute(self, command: Command) -> Command:
        """Take in ``command`` from the tier above and do it if it is ours; return what is known of it then.

        Delivered again it is done no second time. A step on an alarm and its outcome are one commit. What belongs to a
        node further down waits here to be handed on, a device's command for the process that owns the device.
        """
        who = Principal(command.principal_id, command.principal_name, "node", node=command.principal_node)
        try:
            here = await self._received(command)
        except psycopg.DataError:  # text that cannot be stored; there is nothing to keep it in
            return command.ended(CommandState.REFUSED, "malformed", self._clock())
        if here.is_over or here.owner_node != self._node.id or not here.is_step:
            return here
        detail = {"command": str(command.id), **command.body}
        await self._operator_log.write(who, command.action, command.target_id, detail, outcome="intent")
        done = await self._step(here)
        outcome, detail = "done" if done.state is CommandState.CONFIRMED else "refused", {"reason": done.outcome}
        await self._operator_log.write(who, command.action, command.target_id, detail, outcome=outcome)
        return done

    async def work(self, holder: str, perform: Perform, *, limit: int = 20) -> int:
        """Do the device commands that wait for this node, as process ``holder``; return how many were done or failed.

        A device is owned by one process through a lease: what another process owns is left to it. ``perform`` gets the
        command with the lease's fencing number; what it says is the outcome, its silence is ``unknown``.
        """
        begun = await self._begin(holder, limit)
        for command in begun:
            await self._finish(command, await self._performed(command, perform))
        return len(begun)

    async def serve(self, holder: str, perform: Perform, news: asyncio.Event, *, every_s: float = LOOK_S) -> None:
        """Do what waits as soon as ``news`` is set, and look every ``every_s``, until cancelled.

        What is wanted of one device is done in its order; a device that does not answer holds up no other one.
        """
        last: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                news.clear()
                try:
                    for command in await self._begin(holder, AT_ONCE):
                        self._follow(command, perform, last)
                except AnjuError as error:
                    _log.warning("commands are done later", reason=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await news.wait()
        finally:
            for task in list(last.values()):
                task.cancel()

    def _follow(self, command: Command, perform: Perform, last: dict[str, asyncio.Task[None]]) -> None:
        before = last.get(command.target_id)

        async def work() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await self._finish(command, await self._performed(command, perform))
            except AnjuError as error:  # its deadline ends it: unknown
                _log.warning("outcome not written", command=str(command.id), reason=str(error))

        def over(done: asyncio.Task[None]) -> None:
            if last.get(command.target_id) is done:
                del last[command.target_id]

        last[command.target_id] = task = asyncio.create_task(work())
        task.add_done_callback(over)

    async def expire(self, at: datetime, limit: int = 100) -> int:
        """End what nobody answered by its deadline: ``unknown``; return how many. Nothing is tried again."""
        async with self._db.transaction() as tx:
            late = await commands.overdue(tx, at=at, limit=limit)
            for command in late:
                await self._end(tx, self._late(command, at))
        if late:
            await self._told(frozenset({Lane.ALARMS}))
        return len(late)

    async def _begin(self, holder: str, limit: int) -> list[Command]:
        """Mark what is ours as sent, before anything is done: a crash in the middle leaves it ``unknown``."""
        at = self._clock()
        begun = []
        async with self._db.transaction() as tx:
            for command in await commands.for_owner(tx, self._node.id, at=at, limit=limit):
                lease = await leases.acquire(tx, f"device/{command.target_id}", holder, at=at, lasts=LEASE)
                if lease is not None:
                    begun.append(command.sent(at, lease.fencing))
                    await commands.update(tx, begun[-1])
            await self._append(tx, [commands.change(each) for each in begun])
        return begun

    async def _performed(self, command: Command, perform: Perform) -> tuple[CommandState, str]:
        left = (command.deadline - self._clock()).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, left)):
                await perform(command)
        except Refused as refused:
            return CommandState.REFUSED, refused.code
        except (DeviceSilent, TimeoutError):
            return CommandState.UNKNOWN, "no_answer"
        except (WireError, OSError) as error:
            _log.warning("command failed", command=str(command.id), error=str(error))
            return CommandState.UNKNOWN, "failed"
        return CommandState.CONFIRMED, "done"

    async def _finish(self, command: Command, found: tuple[CommandState, str]) -> None:
        async with self._db.transaction() as tx:
            here = await commands.lock(tx, command.id)
            if here is not None and here.fencing == command.fencing and not here.is_over:
                await self._end(tx, here.ended(*found, self._clock()))
        outcome = {CommandState.CONFIRMED: "done", CommandState.REFUSED: "refused"}.get(found[0], "failed")
        who = Principal(command.principal_id, command.principal_name, "node", node=command.principal_node)
        detail = {"command": str(command.id), "outcome": found[1]}
        await self._operator_log.write(who, f"commands.{command.action}", command.target_id, detail, outcome=outcome)
        await self._told(frozenset({Lane.ALARMS}))

    def _late(self, command: Command, at: datetime) -> Command:
        if command.state is CommandState.SENT:
            return command.ended(CommandState.UNKNOWN, "no_answer", at)
        if command.owner_node == self._node.id:  # ours and never begun: that is known
            return command.ended(CommandState.REFUSED, "too_late", at)
        return command.ended(CommandState.UNKNOWN, "never_sent", at)

    async def _received(self, command: Command) -> Command:
        at = self._clock()
        fresh = Command(**_wanted(command))
        async with self._db.transaction() as tx:
            if fresh.owner_node == self._node.id and not fresh.is_step:
                fresh = await self._placed(tx, fresh)
            is_new = await commands.insert(tx, fresh, downward=True)
            here = await commands.lock(tx, command.id)
            if here is None or not is_new:
                return here or fresh
            try:
                await self._check(tx, here, at)
            except Refused as refused:
                here = here.ended(CommandState.REFUSED, refused.code, at)
                await commands.update(tx, here)
            await self._append(tx, [commands.change(here)])
        await self._told(frozenset({Lane.ALARMS}))
        return here

    async def _check(self, tx: Transaction, command: Command, at: datetime) -> None:
        """Raise Refused where a command from above must not be done or handed on."""
        if at > command.deadline:
            raise Conflict("too_late", "its deadline has passed")
        if command.principal_node == self._node.id:
            raise Forbidden("impostor", "a person of this node does not come from above")
        if command.owner_node != self._node.id or command.is_step:
            return
        if not await commands.granted(tx, command.action, command.place_path, at=at):
            raise Forbidden("not_granted", "this node has not opened its devices to the tiers above")
        device = await devices.find(tx, EVERYWHERE, command.target_id)
        try:
            action = DeviceAction(command.action)
        except ValueError as error:
            raise Invalid("malformed", "that is nothing done to a device") from error
        check_device_command(action, command.body, device.kind)

    async def _placed(self, tx: Transaction, command: Command) -> Command:
        """Return a device's command where the device really is, whatever was told: grants are asked there."""
        try:
            device = await devices.find(tx, EVERYWHERE, command.target_id)
        except NotFound:
            return replace(command, site_id="", place_path="/", jurisdiction="")
        site, path = device.site_id, device.place_path
        return replace(command, target_kind="device", site_id=site, place_path=path, jurisdiction=device.jurisdiction)

    async def _step(self, command: Command) -> Command:
        try:
            async with self._db.transaction() as tx:
                here = await commands.lock(tx, command.id)
                if here is None or here.is_over:
                    return here or command
                done, changes = await self._do(tx, here)
                await commands.update(tx, done)
                await self._append(tx, [*changes, commands.change(done)])
        except psycopg.Error as error:  # not DatabaseAway: the statement itself is wrong and would be again
            _log.error("step failed", command=str(command.id), error=str(error))
            done = await self._broken(command)
        await self._told(frozenset({Lane.ALARMS}))
        return done

    async def _do(self, tx: Transaction, command: Command) -> tuple[Command, list[Change]]:
        at = self._clock()
        try:
            if at > command.deadline:
                raise Conflict("too_late", "its deadline has passed")
            act, expected = self._act(command, at)
            alarm = await alarms.find(tx, EVERYWHERE, _alarm_id(command))
            if alarm.home_node != self._node.id:
                raise Conflict("not_home", "this node did not raise that alarm")
            _, changes = await alarms.do(tx, EVERYWHERE, alarm.id, act, expected_version=expected)
        except Refused as refused:
            return command.ended(CommandState.REFUSED, refused.code, at), []
        return command.ended(CommandState.CONFIRMED, "done", at), changes

    def _act(self, command: Command, at: datetime) -> tuple[Act, int | None]:
        act, expected = read_step(command, at=at)
        if act.by.node == self._node.id or act.by.id != command.principal_id:
            raise Forbidden("impostor", "the person of a step is the principal of its command")
        return act, expected

    async def _broken(self, command: Command) -> Command:
        done = command.ended(CommandState.REFUSED, "failed", self._clock())
        async with self._db.transaction() as tx:
            await self._end(tx, done)
        return done

    async def _end(self, tx: Transaction, command: Command) -> None:
        await commands.update(tx, command)
        await self._append(tx, [commands.change(command)])

    async def _append(self, tx: Transaction, changes: Sequence[Change]) -> None:
        if changes:
            await log.append(tx, Lane.ALARMS, changes, at=self._clock(), node=self._node)


def _alarm_id(command: Command) -> UUID:
    try:
        return UUID(command.target_id)
    except ValueError as error:
        raise Invalid("malformed", "that is no alarm's id") from error


def _wanted(command: Command) -> dict[str, Any]:
    """Return what was wanted, without what became of it on the way."""
    kept = ("id", "principal_id", "principal_name", "principal_node", "action", "target_kind", "target_id")
    where = ("site_id", "place_path", "jurisdiction", "owner_node", "body", "wanted_at", "deadline")
    return {name: getattr(command, name) for name in (*kept, *where)}
