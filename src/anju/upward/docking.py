"""The link to the tier above, kept for ever: both lanes at once, signs of life, commands down by long poll.

Source: 4.2.1, 4.2.2 (push to the upper platform), 6.3.3 (only known platforms exchange data).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import structlog

from anju.domain import docking as words
from anju.domain.changes import Lane
from anju.domain.commands import Command
from anju.domain.docking import MAX_BODY, Batch, Beat, Gap, Handed, NotWelcome, Receipt, Refusal, Upper, UpperState
from anju.errors import DatabaseAway, UpperAway
from anju.store import links
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.versions import Subject, current
from anju.upward.push import Pusher
from anju.wire import tls
from anju.wire.http import ANSWER_S, SignedClient
from anju.wire.signing import Sign

POLL_S = 30.0  # the tier above answers a poll within 20 s
LOOK_S = 1.0  # wake-ups are hints: each lane also looks by itself
BEAT_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
T = TypeVar("T")
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
    """What the link needs of its siblings: ``sign`` with the node's key; ``perform`` does a command, once by its id."""

    sign: Sign
    perform: Callable[[Command], Awaitable[object]]


class Uplink:
    """This node's link to the tier above, whoever that is just now."""

    def __init__(self, db: Database, node: NodeId, hands: Hands, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._hands, self._clock = db, node, hands, clock
        self._grown = {lane: asyncio.Event() for lane in Lane}
        self._acked_at: datetime | None = None

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
                    await self._changed(seen)
                else:
                    await self._keep(link, seen)
            except DatabaseAway:
                await asyncio.sleep(LOOK_S)

    async def _changed(self, seen: int) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if await current(self._db, Subject.LINKS) != seen:
                return

    async def _keep(self, link: Upper, seen: int) -> None:
        async with upper_tier(link, self._node, self._hands.sign, self._clock) as tier:
            pusher = Pusher(self._db, self._node, tier.push, upper=link.node)
            jobs = [
                self._changed(seen),
                *(self._again(link, self._lane(pusher, lane)) for lane in Lane),
                self._again(link, self._beat(link, tier, pusher)),
                self._again(link, self._commands(tier)),
            ]
            tasks = [asyncio.create_task(job) for job in jobs]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, link: Upper, step: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await step()
                pause = FIRST_PAUSE_S
            except (UpperAway, DatabaseAway) as away:
                await self._say(link, away)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load, hides nothing
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _lane(self, pusher: Pusher, lane: Lane) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            self._grown[lane].clear()
            if await pusher.push(lane):
                self._acked_at = self._clock()
            else:
                await _until(self._grown[lane], LOOK_S)

        return step

    def _beat(self, link: Upper, tier: UpperTier, pusher: Pusher) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            backlog, delay_ms = await pusher.backlog(), await self._delay_ms(pusher)
            await tier.beat(Beat(self._node.name, self._node.tier, backlog, delay_ms))
            await links.note_upper(self._db, link.node, UpperState.LIVE, "", acked_at=self._acked_at, delay_ms=delay_ms)
            await asyncio.sleep(BEAT_S)

        return step

    def _commands(self, tier: UpperTier) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            for command in (await tier.commands()).commands:
                await self._hands.perform(command)

        return step

    async def _delay_ms(self, pusher: Pusher) -> int:
        oldest = await pusher.oldest_waiting()
        return max(0, int((self._clock() - oldest).total_seconds() * 1000)) if oldest else 0

    async def _say(self, link: Upper, away: UpperAway | DatabaseAway) -> None:
        if isinstance(away, DatabaseAway):
            return
        state, reason = UpperState.AWAY, str(away)
        if isinstance(away, NotWelcome):
            state = UpperState.WAITING if away.code == "pending" else UpperState.REFUSED
            reason = away.code
        _log.info("link upward", upper=link.node, state=state.value, reason=reason)
        try:
            await links.note_upper(self._db, link.node, state, reason, acked_at=self._acked_at, delay_ms=None)
        except DatabaseAway:
            return


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
    if status in {401, 403}:
        return NotWelcome(refusal.code)
    return UpperAway(f"{status} {refusal.code}")


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
