"""The same road laid three times: what the community kept is at county and city, once, whatever breaks between them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.alarms import Act, Person, Step
from anju.domain.changes import Change, Fate, Lane, Origin
from anju.domain.docking import Batch, Receipt, Sent, Standing
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE
from anju.engines import Postgres
from anju.errors import UpperAway
from anju.pipeline.remote import receive
from anju.store import alarms, events, log, reconciliation
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.upward.push import Pusher
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event

HOME = "/510800/510802/site/"
GUARD = Person("g1", "李保安", "community", "community")


@dataclass(slots=True)
class Tier:
    """One node with its database."""

    db: Database
    node: NodeId
    clock: FrozenClock

    async def keep(self, count: int) -> list[str]:
        """Keep ``count`` intrusions in zones of their own, as the road does; return the alarms' ids."""
        heard = [replace(event(), id=uuid7(), received_at=self.clock(), zone=f"01/{n:03}") for n in range(count)]
        async with self.db.transaction() as tx:
            await events.insert(tx, [(each, None) for each in heard], at=self.clock())
            told = [Change("event", str(e.id), 1, e.site_id, e.place_path, "", events.body(e)) for e in heard]
            raised = await alarms.on_events(tx, heard, home_node=self.node.id, at=self.clock())
            await log.append(tx, Lane.BULK, told, at=self.clock(), node=self.node)
            await log.append(tx, Lane.ALARMS, raised, at=self.clock(), node=self.node)
        return [change.object_id for change in raised if change.kind == "alarm"]

    async def step(self, alarm: str, what: Step, finding: str = "") -> None:
        async with self.db.transaction() as tx:
            _, changes = await alarms.do(tx, EVERYWHERE, UUID(alarm), Act(what, GUARD, self.clock(), finding))
            await log.append(tx, Lane.ALARMS, changes, at=self.clock(), node=self.node)

    async def receive(self, batch: Batch) -> Receipt:
        async with self.db.transaction() as tx:
            return await receive(tx, batch, region="/510800/", node=self.node, at=self.clock())

    async def know_site(self, path: str, home: str) -> None:
        """Be told of a 小区 by the node it belongs to, as by its place row."""
        await self.db.execute(
            """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
               VALUES ('site', 'site', '东坝一号院', %(path)s, 'site', %(home)s)""",
            path=path,
            home=home,
        )

    async def count(self, table: str) -> int:
        row = await self.db.fetch_one(f"SELECT count(*) FROM {table}")
        return int(row[0]) if row else 0

    async def states(self) -> list[tuple[str, int]]:
        until, last = self.clock() + timedelta(days=1), UUID(int=2**128 - 1)
        rows = await alarms.page(self.db, EVERYWHERE, before=(until, last), limit=100)
        return [(row["state"], row["version"]) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def tiers(postgres: Postgres, clock: FrozenClock) -> AsyncIterator[list[Tier]]:
    found = []
    for name in ("community", "county", "city"):
        database = f"test_{uuid4().hex}"
        await postgres.create_database(database, template="anju_template")
        db = Database(postgres.app_url(database))
        await db.open()
        async with db.transaction() as tx:
            found.append(Tier(db, await make_node(tx, node_id=name, name=name, tier=name), clock))
    for tier in found[1:]:
        await tier.know_site("/510800/510802/site/", "community")
    yield found
    for tier in found:
        await tier.db.close()


def pusher(lower: Tier, upper: Tier) -> Pusher:
    return Pusher(lower.db, lower.node, upper.receive, upper=upper.node.id)


async def test_an_alarm_and_every_step_of_its_handling_reach_the_city(tiers: list[Tier]) -> None:
    community, county, city = tiers
    (alarm,) = await community.keep(1)
    for what, finding in ((Step.ACKNOWLEDGE, ""), (Step.FINDING, "animal"), (Step.CLOSE, "")):
        await community.step(alarm, what, finding)
    await pusher(community, county).drain()
    await pusher(county, city).drain()
    assert await city.states() == await community.states() == [("closed", 4)]
    taken = await alarms.steps(city.db, EVERYWHERE, UUID(alarm))
    assert [each["action"] for each in taken] == ["raise", "acknowledge", "finding", "close"]


async def test_the_city_knows_where_a_row_was_first_logged(tiers: list[Tier]) -> None:
    community, county, city = tiers
    await community.keep(1)
    await pusher(community, county).drain()
    await pusher(county, city).drain()
    rows = await log.read(city.db, Lane.ALARMS, city.node.epoch, 0, 10)
    assert {row.change.origin.node for row in rows if row.change.origin} == {"community"}


async def test_an_answer_lost_after_the_commit_doubles_nothing(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    await community.keep(20)
    answers = iter([False, False, True, False])

    async def unlucky(batch: Batch) -> Receipt:
        receipt = await county.receive(batch)
        if not next(answers, True):
            raise UpperAway("the line broke after the commit")
        return receipt

    link = Pusher(community.db, community.node, unlucky, upper="county")
    for _ in range(3):
        with pytest.raises(UpperAway):
            await link.drain()
    await link.drain()
    assert [await county.count(table) for table in ("event", "alarm", "alarm_step")] == [20, 20, 20]
    assert await link.backlog() == {Lane.ALARMS: 0, Lane.BULK: 0}


async def test_alarms_overtake_bulk(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    order: list[Lane] = []

    async def watched(batch: Batch) -> Receipt:
        order.append(batch.lane)
        return await county.receive(batch)

    await community.keep(3)
    await Pusher(community.db, community.node, watched, upper="county").drain()
    assert order == [Lane.ALARMS, Lane.BULK]


async def test_an_upper_tier_that_lost_rows_gets_them_again(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    link = pusher(community, county)
    await community.keep(2)
    await link.drain()
    await county.db.execute("DELETE FROM lower_mark")  # as after restoring an older backup
    for table in ("event", "alarm", "alarm_step"):
        await county.db.execute(f"DELETE FROM {table}")
    await community.keep(1)
    await link.drain()
    assert await county.count("event") == 3


async def test_a_malformed_row_is_held_and_the_rest_goes_on(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    odd = [
        Change("event", "x", 1, "site", HOME, "", {"id": "no uuid"}),
        Change("weather", "y", 1, "site", HOME, "", {"sun": True}),
        Change("event", "z", 1, "site", HOME, "", {"text": "\0"}),
        Change("alarm", "a", 1, "site", "/510800/510802/other/", "", {}),
        Change("place", "p", 1, "", "/510900/", "", {}),
        Change("alarm", "b", 1, "site", HOME, "", {"home_node": "another"}),
        Change("alarm", "c", 1, "site", HOME, "", {"event": {"place_path": "/510800/510802/other/"}}),
        Change("event", "d", 2**60, "site", HOME, "", {}),
    ]
    origin = Origin("community", 1, 1)
    rows = [Sent(seq, county.clock(), replace(each, origin=origin)) for seq, each in enumerate(odd, start=1)]
    await county.receive(Batch("community", 7, Lane.BULK, tuple(rows)))
    await community.keep(1)
    await pusher(community, county).drain()
    held = await county.db.fetch("SELECT reason FROM quarantine ORDER BY reason")
    assert [row[0] for row in held] == [
        "foreign_home",
        "kind_unknown",
        *["malformed"] * 3,
        "nul_in_text",
        "outside_region",
        "outside_sender",
    ]
    assert await county.count("event") == 1


async def test_what_a_node_says_of_itself_lies_at_the_root(tiers: list[Tier]) -> None:
    _, county, _ = tiers
    origin = Origin("community", 1, 1)
    told = replace(event(EventKind.COMMUNICATION), site_id="", place_path="/", device_id="community")
    change = Change("event", str(told.id), 1, "", "/", "", events.body(told), origin=origin)
    receipt = await county.receive(Batch("community", 7, Lane.BULK, (Sent(1, county.clock(), change),)))
    assert receipt.fates == (Fate.KEPT,)


async def test_word_of_a_node_that_sent_nothing_yet_is_taken_in(tiers: list[Tier]) -> None:
    _, _, city = tiers
    at = city.clock()
    standing = Standing("hamlet", "hamlet", "community", at, 0, {Lane.ALARMS: 0, Lane.BULK: 0})
    body = msgspec.to_builtins(standing)
    change = Change("node", "hamlet", 1, "", "/", "", body, origin=Origin("county", 7, 1))
    receipt = await city.receive(Batch("county", 7, Lane.BULK, (Sent(1, at, change),)))
    assert receipt.fates == (Fate.KEPT,)
    assert await city.db.fetch_one("SELECT node, via, last_seen FROM lower_route") == ("hamlet", "county", at)


@pytest.mark.parametrize("origin", ["a\0b", "n" * 64, ""])
async def test_a_row_of_no_possible_node_is_held(tiers: list[Tier], origin: str) -> None:
    _, county, _ = tiers
    change = Change("event", "x", 1, "site", HOME, "", {}, origin=Origin(origin, 1, 1))
    receipt = await county.receive(Batch("community", 7, Lane.BULK, (Sent(1, county.clock(), change),)))
    assert receipt.fates == (Fate.HELD,)


async def test_places_at_and_above_the_region_are_dropped_for_ours(tiers: list[Tier]) -> None:
    _, county, _ = tiers
    origin = Origin("community", 1, 1)
    regions = [Change("place", "510800", 1, "", "/510800/", "", {}, origin=origin)]
    rows = tuple(Sent(1, county.clock(), each) for each in regions)
    receipt = await county.receive(Batch("community", 7, Lane.BULK, rows))
    assert receipt.fates == (Fate.DROPPED,)
    assert await county.count("quarantine") == 0


async def test_the_days_accounts_agree(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    await community.keep(5)
    await pusher(community, county).drain()
    day = community.clock().astimezone(UTC).date()
    async with county.db.transaction() as tx:
        account = await reconciliation.open_account(tx, "community", community.node.epoch, day, at=county.clock())
    assert account.marks == {lane: await log.head(community.db, lane, community.node.epoch) for lane in Lane}
    sent = await reconciliation.sent(community.db, community.node.epoch, day, up_to=account.marks)
    counted = {kind: sum(fates.values()) for kind, fates in account.fates.items()}
    assert sent == counted == {"event": 5, "alarm": 5, "alarm_step": 5}
