"""Between the processes of a node: who wants a picture of a node below asks the process that talks with those nodes.

Source: 4.2.2 (records of the tiers below are seen above).
"""

import msgspec

from anju.bus import pieces
from anju.bus.nats import Bus
from anju.devices.lower_pictures import Questions
from anju.domain.far_pictures import TOPIC, Asked, Given, Outcome
from anju.errors import DatabaseAway, Silent
from anju.store import docking
from anju.store.database import Database

_LATE_S = 0.5  # the other process says who is away just when time is up


class PicturesBelow:
    """Asks. Made by every process that shows pictures or answers for this node; without a bus nobody can be asked."""

    def __init__(self, bus: Bus | None) -> None:
        self._bus = bus

    async def ask(self, asked: Asked) -> Given:
        """Return the answer of the node that keeps the picture, or which node is away, or that it cannot be asked."""
        if self._bus is None:
            return Given(asked.id, Outcome.BUSY)
        within = asked.within_ms / 1000 + _LATE_S
        try:
            told = await pieces.ask(self._bus, TOPIC, msgspec.msgpack.encode(asked), within_s=within)
            return msgspec.msgpack.decode(told, type=Given)
        except (Silent, msgspec.MsgspecError):
            return Given(asked.id, Outcome.BUSY)


async def answer_below(bus: Bus, db: Database, questions: Questions) -> None:
    """Answer the other processes of this node from now on; ``questions`` go to the nodes below."""

    async def reply(data: bytes) -> bytes:
        asked = msgspec.msgpack.decode(data, type=Asked)
        return msgspec.msgpack.encode(await _found(asked, db, questions))

    await pieces.Answers(bus, TOPIC, reply).serve()


async def _found(asked: Asked, db: Database, questions: Questions) -> Given:
    try:
        via = await docking.route(db, asked.source.home)
    except DatabaseAway:
        return Given(asked.id, Outcome.BUSY)
    if via is None:
        return Given(asked.id, Outcome.AWAY, node=asked.source.home)
    given = await questions.ask(via[0], asked)
    if given.outcome is Outcome.AWAY and given.node in {"", via[0]}:
        return Given(asked.id, Outcome.AWAY, node=via[0], name=via[1])
    return given
