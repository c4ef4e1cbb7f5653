"""Two nodes, each with its database, corridor and desk; what the community logs is told to the county."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.control.corridor import Corridor
from anju.control.desk import AlarmDesk
from anju.domain.alarms import Alarm
from anju.domain.changes import Lane
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE, Principal
from anju.engines import Postgres
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.store import alarms, commands, log
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event

GUARD = Principal("u-guard", "李保安", node="community")
OPERATOR = Principal("u-operator", "县操作员", node="county")


@dataclass(slots=True)
class Post:
    """One node at work."""

    db: Database
    node: NodeId
    clock: FrozenClock
    corridor: Corridor
    desk: AlarmDesk
    lanes: list[frozenset[Lane]]

    async def raise_alarm(self, kind: EventKind = EventKind.INTRUSION, *, zone: str = "01/003", level: int = 2) -> UUID:
        heard = replace(event(kind, level=level), id=uuid7(), received_at=self.clock(), zone=zone)
        async with self.db.transaction() as tx:
            changes = await alarms.on_events(tx, [heard], home_node=self.node.id, at=self.clock())
            await log.append(tx, Lane.ALARMS, changes, at=self.clock(), node=self.node)
        return heard.id

    async def alarm(self, alarm_id: UUID) -> Alarm:
        return await alarms.find(self.db, EVERYWHERE, alarm_id)

    async def tell(self, upper: "Post") -> None:
        """Let the tier above know everything this node logged."""
        for row in await log.read(self.db, Lane.ALARMS, self.node.epoch, 0, 10_000):
            async with upper.db.transaction() as tx:
                if row.change.kind == "alarm":
                    await alarms.apply(tx, alarms.read_body(row.change.body), at=self.clock())
                elif row.change.kind == "alarm_step":
                    await alarms.apply_step(tx, row.change)
                else:
                    await commands.apply(tx, row.change)

    async def steps(self, alarm_id: UUID) -> list[tuple[str, str, str]]:
        taken = await alarms.steps(self.db, EVERYWHERE, alarm_id)
        return [(each["action"], each["by"]["name"], each["by"]["tier"]) for each in taken]

    async def command_states(self) -> list[tuple[str, str]]:
        rows = await self.db.fetch("SELECT state, outcome FROM command ORDER BY wanted_at, id")
        return [(row[0], row[1]) for row in rows]

    async def logged(self) -> list[tuple[str, str]]:
        rows = await self.db.fetch("SELECT action, outcome FROM operator_log ORDER BY seq")
        return [(row[0], row[1]) for row in rows]


async def _post(postgres: Postgres, name: str, clock: FrozenClock, folder: Path) -> Post:
    database = f"test_{uuid4().hex}"
    await postgres.create_database(database, template="anju_template")
    db = Database(postgres.app_url(database))
    await db.open()
    async with db.transaction() as tx:
        node = await make_node(tx, node_id=name, name=name, tier=name)
    lanes: list[frozenset[Lane]] = []

    async def told(grown: frozenset[Lane]) -> None:
        lanes.append(grown)

    operator_log = OperatorLog(db, NodeKeys.load_or_make(folder / name), node=name)
    corridor = Corridor(db, node, operator_log, told, clock)
    return Post(db, node, clock, corridor, AlarmDesk(db, node, corridor, operator_log, told, clock), lanes)


@pytest_asyncio.fixture(loop_scope="session")
async def community(postgres: Postgres, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Post]:
    post = await _post(postgres, "community", clock, tmp_path)
    yield post
    await post.db.close()


@pytest_asyncio.fixture(loop_scope="session")
async def county(postgres: Postgres, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Post]:
    post = await _post(postgres, "county", clock, tmp_path)
    yield post
    await post.db.close()
