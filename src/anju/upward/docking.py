"""The link to the tier above, kept for ever: both lanes at once, signs of life, commands down by long poll.

Source: 4.2.1, 4.2.2 (push to the upper platform), 6.3.3 (only known platforms exchange data).
"""

import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import structlog

from anju.domain import docking as words
from anju.domain import far_pictures
from anju.domain.changes import Change, Lane
from anju.domain.commands import Command
from anju.domain.docking import (
    MAX_BODY,
    Batch,
    Beat,
    Expired,
    Gap,
    Handed,
    NotWelcome,
    Receipt,
    Refusal,
    Snapshot,
    Upper,
    UpperState,
)
from anju.errors import DatabaseAway, UpperAway
from anju.store import docking, links, operator_log, reconciliation, snapshot
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.store.versions import Subject, current
from anju.upward.pictures import PictureGiver
from anju.upward.push import CursorExpired, Pusher
from anju.wire import tls
from anju.wire.http import ANSWER_S, SignedClient
from anju.wire.signing import Sign

POLL_S = 30.0  # the tier above answers a poll within 20 s
LOOK_S = 1.0  # wake-ups are hints: each lane also looks by itself
YIELD_S = 1.0
BEAT_S = 5.0
CANCEL_S = 1.0
PART_ROWS = 200  # objects in one request of a snapshot
ANCHOR_S, ANCHOR_ROWS, ANCHOR_LOOK_S = 60.0, 1_000, 2.0
DAYS_LOOK_S, RECONCILE_DAYS = 60.0, 7
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
T = TypeVar("T")
Step = Callable[[], Coroutine[Any, Any, None]]
_log = structlog.get_logger(__name__)


class UpperTier:
    """Asks the tier above. Raises Gap, NotWelcome where it refuses this node, UpperAway where no answer comes."""

    def __init__(self, client: SignedClient) -> None:
        self._client = client

    async def push(self, batch: Batch) -> Receipt:
        """Send ``batch``, or its first part where it is too big for one request."""
        body = msgspec.json.encode(batch)
        if len(body) > MAX_BODY:
            return await self.push(_smaller(batch))
        return await self._send("POST", words.ROWS, body, Receipt)

    async def beat(self, beat: Beat) -> words.Welcome:
        """Give a sign of life."""
        return await self._ask(words.HEARTBEAT, beat, words.Welcome)

    async def commands(self) -> Handed:
        """Wait for commands, as long as the tier above lets us wait."""
        return await self._send("POST", words.COMMANDS, b"", Handed, wait_s=POLL_S)

    async def give(self, given: far_pictures.Given) -> None:
        """Answer a question about a picture. Raises UpperAway also where nobody waits for it any more."""
        await self._ask(far_pictures.PICTURES, given, words.Welcome)

    async def resync(self, part: Snapshot) -> Receipt:
        """Send part of a snapshot."""
        return await self._ask(words.RESYNC, part, Receipt)

    async def account(self, asked: words.DayAsked) -> words.Account:
        """Return what became of a day's rows above, and up to where they are there."""
        return await self._ask(words.ACCOUNT, asked, words.Account)

    async def reconcile(self, day: words.Day) -> None:
        """Say what this node counts of a day up to where the tier above counted."""
        await self._ask(words.RECONCILE, day, words.Welcome)

    async def anchor(self, head: words.Head) -> None:
        """Have a head of the operator log kept. Raises NotWelcome where another one of its seq is there."""
        await self._ask(words.ANCHORS, head, words.Welcome)

    async def anchors(self) -> list[words.Head]:
        """Return all heads of this node's operator log that the tier above keeps."""
        found: list[words.Head] = []
        while True:
            path = f"{words.ANCHORS}?after={found[-1].seq if found else 0}"
            more = await self._send("GET", path, b"", tuple[words.Head, ...])
            if not more:
                return found
            found += more

    async def _ask(self, path: str, message: Any, kind: type[T]) -> T:
        return await self._send("POST", path, msgspec.json.encode(message), kind)

    async def _send(self, method: str, path: str, body: bytes, kind: type[T], *, wait_s: float = ANSWER_S) -> T:
        status, answer = await self._client.send(method, path, body, wait_s=wait_s)
        try:
            if status == 200:
                return msgspec.json.decode(answer, type=kind)
            raise _refused(status, msgspec.json.decode(answer, type=Refusal))
        except (msgspec.MsgspecError, ValueError) as error:
            raise UpperAway(f"{path} was answered with {status} and no sense: {error}") from error


@asynccontextmanager
async def upper_tier(link: Upper, node: NodeId, sign: Sign, clock: Callable[[], datetime]) -> AsyncIterator[UpperTier]:
    """Give a connection to ``link``, whose certificate is pinned."""
    client = SignedClient(
        link.url, tls.pinned(link.certificate), sign=sign, node=node.id, epoch=node.epoch, clock=clock
    )
    try:
        yield UpperTier(client)
    finally:
        await client.close()


@dataclass(frozen=True, slots=True)
class Hands:
    """What the link needs of its siblings.

    ``sign`` signs with the node's key; ``perform`` does a command, once by its id. ``head`` gives the operator
    log's newest head, signed; ``report`` raises with True, and ends with False, the alarm about rows lost to retention.
    ``picture`` answers a question about a picture; without it such questions stay unanswered.
    """

    sign: Sign
    perform: Callable[[Command], Awaitable[object]]
    head: Callable[[], Awaitable[words.Head | None]] | None = None
    report: Callable[[Expired, bool], Awaitable[None]] | None = None
    picture: Callable[[far_pictures.Asked], Awaitable[far_pictures.Given]] | None = None


class Uplink:
    """This node's link to the tier above, whoever that is just now."""

    def __init__(self, db: Database, node: NodeId, hands: Hands, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._hands, self._clock = db, node, hands, clock
        self._grown = {lane: asyncio.Event() for lane in Lane}

    def wake(self, lanes: frozenset[Lane]) -> None:
        """Say that these lanes of the log grew."""
        for lane in lanes:
            self._grown[lane].set()

    async def run(self) -> None:
        """Keep the link until cancelled; a new pairing is taken up, an ended one is let go."""
        while True:
            try:
                seen = await current(self._db, Subject.LINKS)
                link = await links.upper(self._db)
                if link is None or link.state is UpperState.UNCONFIRMED:
                    await _changed(self._db, seen)
                else:
                    await self._keep(link, seen)
            except DatabaseAway:
                await asyncio.sleep(LOOK_S)

    async def _keep(self, link: Upper, seen: int) -> None:
        async with (
            upper_tier(link, self._node, self._hands.sign, self._clock) as tier,
            upper_tier(link, self._node, self._hands.sign, self._clock) as beside,
        ):
            giving = PictureGiver(beside, self._hands.picture)
            talk = _Talk(self._db, self._node, self._hands, self._clock, link, tier, self._grown, giving)
            tasks = [asyncio.create_task(_changed(self._db, seen)), *(asyncio.create_task(job) for job in talk.jobs())]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await _end(tasks)


class _Talk:
    """All that goes on with one tier above while it is the one: each job goes on by itself and never ends."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        hands: Hands,
        clock: Callable[[], datetime],
        link: Upper,
        tier: UpperTier,
        grown: dict[Lane, asyncio.Event],
        giving: PictureGiver,
    ) -> None:
        self._db, self._node, self._hands, self._clock = db, node, hands, clock
        self._link, self._tier, self._grown, self._giving = link, tier, grown, giving
        self._pusher = Pusher(db, node, tier.push, upper=link.node)
        self._acked_at: datetime | None = None
        self._announced, self._back, self._alarms_up = -1, asyncio.Event(), asyncio.Event()
        self._alarms_up.set()
        self._told = asyncio.Event()  # until where our rows lie is told once, bulk waits too
        self._anchored, self._anchored_at = 0, float("-inf")

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs side by side."""
        lanes = [functools.partial(self._lane, lane) for lane in Lane]
        steps: list[Step] = [functools.partial(self._unless_stuck, lane) for lane in lanes]
        steps += [self._beat, self._commands, self._anchor, self._days]
        return [*(self._again(step) for step in steps), *self._giving.jobs()]

    async def _again(self, step: Step) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await step()
                if pause > FIRST_PAUSE_S:
                    self._let_others_try()
                pause = FIRST_PAUSE_S
            except (UpperAway, DatabaseAway) as away:
                await self._say(away)
                await _until(self._back, pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load, hides nothing
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _unless_stuck(self, step: Step) -> None:
        """Do ``step``; give it up once another job is answered again: it may still wait on the line that was dead."""
        task, back = asyncio.create_task(step()), asyncio.create_task(self._heard_again())
        try:
            await asyncio.wait({task, back}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            await _end([task, back])

    async def _heard_again(self) -> None:
        await self._back.wait()

    def _let_others_try(self) -> None:
        """Wake the jobs that pause, and those that may be stuck: one that had failed is answered again."""
        self._back.set()
        self._back = asyncio.Event()

    async def _lane(self, lane: Lane) -> None:
        self._grown[lane].clear()
        if lane is Lane.ALARMS:
            await self._announce()
        else:
            await self._told.wait()
            await _until(self._alarms_up, YIELD_S)
        try:
            moved = await self._pusher.push(lane)
        except CursorExpired as expired:
            await self._resync(expired.gone)
            return
        if lane is Lane.ALARMS:
            self._note_alarms(more=moved == words.MAX_ROWS)
        if moved:
            self._acked_at = self._clock()
        else:
            await _until(self._grown[lane], LOOK_S)

    def _note_alarms(self, *, more: bool) -> None:
        """Let bulk go at a batch in YIELD_S while ``more`` alarms than fit one batch wait: they overtake it."""
        if more:
            self._alarms_up.clear()
        else:
            self._alarms_up.set()

    async def _announce(self) -> None:
        """Tell where our rows may lie before the first row from there: alarms overtake the rows of their places."""
        version = await current(self._db, Subject.REGISTRY)
        if version == self._announced:
            return
        for part in _parts(await snapshot.sites(self._db, self._node)):
            await self._tier.resync(Snapshot(Lane.BULK, self._node.epoch, 0, 0, tuple(part)))
        self._announced = version
        self._told.set()

    async def _resync(self, gone: Expired) -> None:
        """Send things as they stand instead of the rows that are gone, then go on behind them."""
        since = await self._pusher.expire(gone)
        if await docking.begin_resync(self._db, self._link.node, gone, at=self._clock()) and self._hands.report:
            await self._hands.report(gone, True)
        _log.warning("resync", upper=self._link.node, lane=gone.lane, first=gone.first, last=gone.last)
        count, part = 0, Snapshot(gone.lane, self._node.epoch, gone.first, gone.last)
        async for changes in _gathered(snapshot.changes(self._db, gone.lane, self._node, since=since)):
            await self._tier.resync(replace(part, changes=tuple(changes)))
            count += len(changes)
        mark = (await self._tier.resync(replace(part, done=True))).mark
        await docking.add_resynced(self._db, self._link.node, gone, rows=count, ended_at=self._clock())
        if self._hands.report:  # before going on: whoever dies in between tells it again, and is recognised
            await self._hands.report(gone, False)
        await self._pusher.go_on(gone.lane, mark)

    async def _beat(self) -> None:
        backlog, oldest = await self._pusher.backlog(), await self._pusher.oldest_waiting()
        delay_ms = max(0, int((self._clock() - oldest).total_seconds() * 1000)) if oldest else 0
        name = (await this_node(self._db)).name  # set-up gave it another, perhaps, since this process began
        await self._tier.beat(Beat(name, self._node.tier, backlog, delay_ms))
        await self._note(UpperState.LIVE, "", delay_ms)
        await asyncio.sleep(BEAT_S)

    async def _commands(self) -> None:
        handed = await self._tier.commands()
        self._giving.take(handed.asked)
        for command in handed.commands:
            await self._hands.perform(command)

    async def _anchor(self) -> None:
        last = await operator_log.last(self._db)
        fresh = last[0] - self._anchored if last else 0
        waited = asyncio.get_running_loop().time() - self._anchored_at
        if self._hands.head and fresh and (fresh >= ANCHOR_ROWS or waited >= ANCHOR_S):
            head = await self._hands.head()
            if head:
                await self._tier.anchor(head)
                self._anchored, self._anchored_at = head.seq, asyncio.get_running_loop().time()
        await asyncio.sleep(ANCHOR_LOOK_S)

    async def _days(self) -> None:
        await reconcile(self._db, self._node, self._tier, self._link.node, self._pusher, now=self._clock())
        await asyncio.sleep(DAYS_LOOK_S)

    async def _say(self, away: UpperAway | DatabaseAway) -> None:
        if isinstance(away, DatabaseAway):
            return
        state, reason = UpperState.AWAY, str(away)
        if isinstance(away, NotWelcome):
            state, reason = (UpperState.WAITING if away.code == "pending" else UpperState.REFUSED), away.code
        _log.info("link upward", upper=self._link.node, state=state.value, reason=reason)
        with contextlib.suppress(DatabaseAway):
            await self._note(state, reason, None)

    async def _note(self, state: UpperState, reason: str, delay_ms: int | None) -> None:
        await links.note_upper(self._db, self._link.node, state, reason, acked_at=self._acked_at, delay_ms=delay_ms)


async def reconcile(
    db: Database, node: NodeId, tier: UpperTier, upper: str, pusher: Pusher, *, now: datetime, again: bool = False
) -> list[date]:
    """Compare the accounts of each day of the last week that is over and went up whole; return the days.

    With ``again`` every day of the week, today too, up to where the tier above has it. Both sides count up to the same
    rows, so the accounts are even at any time unless something is lost or double.
    Source: 4.2.1, 4.2.2 (nothing lost on the way up).
    """
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=RECONCILE_DAYS)
    known = set() if again else await reconciliation.reconciled(db, upper, since=first)
    oldest = await pusher.oldest_waiting()
    open_from = min(today, oldest.astimezone(UTC).date()) if oldest else today
    until = today + timedelta(days=1) if again else open_from
    days = [day for day in _days_between(first, until) if day not in known]
    for day in days:
        account = await tier.account(words.DayAsked(day, node.epoch))
        sent = await reconciliation.sent(db, node.epoch, day, up_to=account.marks)
        told = words.Day(day, node.epoch, sent, account.id, whole=day < open_from)
        await tier.reconcile(told)
        async with db.transaction() as tx:
            await reconciliation.note(tx, upper, told, account, at=now)
    return days


def _days_between(first: date, end: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((end - first).days)]


async def _changed(db: Database, seen: int) -> None:
    """Return once a person changed the links."""
    while True:
        await asyncio.sleep(LOOK_S)
        if await current(db, Subject.LINKS) != seen:
            return


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until all are over: one that was about to fail in its TLS handshake may lose the first word."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=CANCEL_S)
    await asyncio.gather(*tasks, return_exceptions=True)


def _parts(changes: list[Change]) -> list[list[Change]]:
    return [changes[start : start + PART_ROWS] for start in range(0, len(changes), PART_ROWS)]


async def _gathered(changes: AsyncIterator[Change]) -> AsyncIterator[list[Change]]:
    part: list[Change] = []
    async for each in changes:
        part.append(each)
        if len(part) == PART_ROWS:
            yield part
            part = []
    if part:
        yield part


def _smaller(batch: Batch) -> Batch:
    """Return the first half; of a single row that is too big its shell, which is held above, in sight."""
    if len(batch.rows) > 1:
        return Batch(batch.node, batch.epoch, batch.lane, batch.rows[: len(batch.rows) // 2])
    (row,) = batch.rows
    shell = replace(row, change=replace(row.change, body={}))
    return replace(batch, rows=(shell,))


def _refused(status: int, refusal: Refusal) -> Exception:
    if refusal.code == "gap" and refusal.mark is not None:
        return Gap(refusal.mark)
    if status in {401, 403} or refusal.code == "other_anchor":
        return NotWelcome(refusal.code)
    return UpperAway(f"{status} {refusal.code}")


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
