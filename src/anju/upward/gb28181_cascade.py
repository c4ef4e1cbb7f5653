"""The cascade upward: this node is a device with many cameras to several platforms above at once.

Source: GB/T 28181-2016 chapters 4.2, 9, annex N (级联); 4.2.1, 5.4.3 (interface to video networks above).
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from anju.domain.cascade import Tree, Upper, UpperState, turns
from anju.errors import AnjuError, DatabaseAway, Refused, WireError
from anju.protocols.manscdp import Message, Root, read
from anju.store import cascade, versions
from anju.store.cascade import Sealed
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.versions import Subject
from anju.upward.gb28181_cascade_alarms import AlarmPush
from anju.upward.gb28181_cascade_answers import Answers
from anju.upward.gb28181_cascade_hands import Hands
from anju.upward.gb28181_cascade_link import Link, Times
from anju.upward.gb28181_cascade_notices import Subscriptions
from anju.upward.gb28181_cascade_streams import CascadeStreams
from anju.wire.sip import Incoming, SipEndpoint

_WATCHED = (Subject.CASCADE, Subject.CHANNELS, Subject.REGISTRY)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    """One upper and what works for it."""

    sealed: Sealed
    link: Link
    answers: Answers
    subscriptions: Subscriptions
    alarms: AlarmPush
    tasks: list[asyncio.Task[None]]


class Cascade:
    """Registers at every platform above that is kept, and serves them all.

    How a process uses it: make one with the process's SIP endpoint; run ``run()`` beside the rest until cancelled; in
    the endpoint's handler ask ``mine(incoming)`` first and give what is ours to ``handle(incoming)``, everything else
    to the door of the devices; call ``relay_ended(relay_id, reason)`` when the media plane says that a copy is over
    (``finished`` where all of a recording was sent); call ``wake()`` when the log of alarms has grown.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        endpoint: SipEndpoint,
        hands: Hands,
        *,
        clock: Callable[[], datetime],
        times: Times | None = None,
    ) -> None:
        self._db, self._node, self._endpoint, self._hands, self._clock = db, node, endpoint, hands, clock
        self._times = times or Times()
        self._running = dict[str, _Running]()
        self._seen: tuple[int, ...] = ()
        self._reload_at = 0.0
        self._cleared = False
        self.streams = CascadeStreams(db, endpoint, hands.media, clock=clock)

    async def run(self) -> None:
        """Keep every link as it is configured until cancelled, then sign off everywhere."""
        try:
            while not _cancelled():  # a query that is cut off may end as if nothing had been
                try:
                    await self._look()
                except DatabaseAway as away:
                    _log.info("the cascade goes on as it knows", reason=str(away))
                await asyncio.sleep(self._times.look)
        finally:
            await asyncio.gather(*(self._stop(each) for each in list(self._running.values())))

    def mine(self, incoming: Incoming) -> bool:
        """Return whether a request is from a platform above in that role; one that is above and below may ask either.

        What lies in one of our dialogs is ours, else its sender's code and address decide, and what it says: questions
        and orders come from above; registrations, notices and answers come from below.
        """
        if self._of_dialog(incoming) or self.streams.owns(incoming.in_dialog):
            return True
        if self._link_of(incoming) is None:
            return False
        if incoming.request.method != "MESSAGE":
            return incoming.request.method in {"INVITE", "SUBSCRIBE", "INFO", "BYE"}
        told = _read(incoming)
        return told is not None and (
            told.root in {Root.QUERY, Root.CONTROL}
            or (told.root is Root.NOTIFY and told.cmd_type == "Broadcast")
            or (told.root is Root.RESPONSE and told.cmd_type == "Alarm")
        )

    async def handle(self, incoming: Incoming) -> None:
        """Answer a request that is ``mine``."""
        running = self._of_dialog(incoming) or self._link_of(incoming)
        method = incoming.request.method
        if method == "INFO" and self.streams.owns(incoming.in_dialog):
            await self.streams.info(incoming)
        elif running is None:
            await incoming.reply(403)
        elif method == "INVITE" and incoming.in_dialog is None:
            await self._fresh(running)
            await self.streams.invite(running.link, incoming)
        elif method == "SUBSCRIBE":
            await running.subscriptions.take(incoming)
        elif method == "MESSAGE":
            await self._told(running, incoming)
        else:
            await incoming.reply({"BYE": 200, "INVITE": 488}.get(method, 481))  # a BYE of a call long gone

    async def relay_ended(self, relay_id: str, reason: str) -> None:
        """End a copy towards its upper: the camera went, the media plane gave up, or all of a recording was sent."""
        await self.streams.over(relay_id, reason)

    def wake(self) -> None:
        """Look for new alarms at once."""
        for each in self._running.values():
            each.alarms.more.set()

    async def _told(self, running: _Running, incoming: Incoming) -> None:
        told = _read(incoming)
        if told is None:
            await incoming.reply(400)
        elif told.root is Root.RESPONSE:
            await incoming.reply(200)
        else:
            await self._fresh(running)
            await running.answers.take(incoming, told, at=self._clock())

    async def _fresh(self, running: _Running) -> None:
        """Know what the upper sees before the first look has come."""
        if not running.link.tree.cameras:
            with contextlib.suppress(DatabaseAway):
                running.link.tree = await cascade.tree(self._db, running.link.upper)

    def _link_of(self, incoming: Incoming) -> _Running | None:
        return next((each for each in self._running.values() if each.link.sent(incoming)), None)

    def _of_dialog(self, incoming: Incoming) -> _Running | None:
        dialog = incoming.in_dialog
        return next((each for each in self._running.values() if dialog and each.subscriptions.owns(dialog)), None)

    async def _look(self) -> None:
        """Compare with what is kept: uppers that are new, other or gone, and what each of them sees."""
        if not self._cleared:
            await self.streams.clear()
            self._cleared = True
        seen = tuple([await versions.current(self._db, each) for each in _WATCHED])
        now = asyncio.get_running_loop().time()
        if seen[0] != (self._seen or (-1,))[0]:
            await self._follow(await cascade.uppers(self._db))
        if seen != self._seen or now >= self._reload_at:
            self._reload_at = now + self._times.reload
            for each in list(self._running.values()):
                await self._see(each, await cascade.tree(self._db, each.link.upper))
        self._seen = seen

    async def _see(self, running: _Running, tree: Tree) -> None:
        changed = turns(running.link.tree, tree)
        running.link.tree = tree
        if changed and running.subscriptions.catalog:
            running.tasks.append(asyncio.ensure_future(running.subscriptions.changed(tree, changed)))
            running.tasks = [each for each in running.tasks if not each.done()]

    async def _follow(self, kept: Sequence[Sealed]) -> None:
        wanted = {each.upper.id: each for each in kept if each.upper.enabled}
        off = [each.upper for each in kept if not each.upper.enabled and each.upper.state is not UpperState.OFF]
        for running in list(self._running.values()):
            now = wanted.get(running.link.upper.id)
            if now is None or _told_of(now) != _told_of(running.sealed):
                await self._stop(running)
            else:
                running.link.upper = now.upper
        for upper in off:
            await cascade.stand(self._db, upper.id, UpperState.OFF, "off", at=self._clock())
        for each in wanted.values():
            if each.upper.id not in self._running:
                await self._start(each)

    async def _start(self, sealed: Sealed) -> None:
        upper = sealed.upper

        async def stand(state: UpperState, reason: str) -> None:
            with contextlib.suppress(DatabaseAway):
                await cascade.stand(self._db, upper.id, state, reason, at=self._clock())
            running = self._running.get(upper.id)
            if running and state is UpperState.AWAY:  # nobody there takes what is being sent
                running.tasks.append(asyncio.ensure_future(self.streams.close(running.link)))

        try:
            about = cascade.about(upper.id)
            password = self._hands.opened(sealed.password, about).decode() if sealed.password else ""
        except (Refused, UnicodeDecodeError):
            await stand(UpperState.AWAY, "unreadable_password")
            return
        link = Link(self._endpoint, upper, password, stand=stand, times=self._times)
        link.tree = await cascade.tree(self._db, upper)
        subscriptions = Subscriptions(link)
        alarms = AlarmPush(self._db, self._node, link, subscriptions)
        tasks = [asyncio.ensure_future(_lasting(link.run)), asyncio.ensure_future(_lasting(alarms.run))]
        answers = Answers(link, self._hands, name=self._node.name)
        self._running[upper.id] = _Running(sealed, link, answers, subscriptions, alarms, tasks)

    async def _stop(self, running: _Running) -> None:
        self._running.pop(running.link.upper.id, None)
        await _ended(running.tasks)
        await running.answers.close()
        await self.streams.close(running.link)
        running.subscriptions.close()
        await running.link.leave()


def _told_of(sealed: Sealed) -> tuple[Upper, bytes | None]:
    """Return what makes a link begin anew when it changes: all but rights, shares and how we stand."""
    upper = sealed.upper
    plain = replace(upper, version=0, state=UpperState.CONNECTING, reason="", state_at=None, name="")
    return replace(plain, ptz=False, playback=False, alarm_level=0, mode="", places=()), sealed.password


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel ``tasks`` until they are over: one that was in a query may have missed the first time."""
    left = {each for each in tasks if not each.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)


def _read(incoming: Incoming) -> Message | None:
    try:
        return read(incoming.request.body)
    except WireError:
        return None


async def _lasting(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do ``work`` again where something unforeseen ends it: one upper never takes the others with it."""
    while True:
        try:
            await work()
        except AnjuError as error:
            _log.warning("begun anew", what=str(work), reason=str(error))
        except Exception:  # noqa: BLE001 - see above
            _log.exception("begun anew", what=str(work))
        await asyncio.sleep(1.0)
