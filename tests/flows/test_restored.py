"""A node that came back from a backup: the tier above gets all it lacks, and nothing twice."""

from dataclasses import replace

from anju.store import backup
from anju.store.log import this_node
from tests.flows.test_docking import Station, has, now, stations, until
from tests.flows.test_docking_upkeep import push_all, resynced, tier_of
from tests.flows.test_tiers import tiers

__all__ = ["stations", "tiers"]


async def come_back(station: Station) -> None:
    """As after a restore: a new epoch in the same database."""
    async with station.tier.db.transaction() as tx:
        await backup.renew_epoch(tx)
    station.tier.node = await this_node(station.tier.db)


async def test_a_restored_node_sends_what_was_not_acknowledged_and_nothing_twice(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(2)
    async with await tier_of(community) as tier:
        await push_all(community, tier)
    community.tier.clock.now = now()
    await community.tier.keep(3)
    before = community.tier.node.epoch
    await come_back(community)
    assert community.tier.node.epoch != before
    async with community.linked():
        await until(resynced(county, 2))
        await until(has(county, "event", 5))
        await until(has(county, "alarm", 3))
        community.tier.clock.now = now()
        await community.tier.keep(1)
        await until(has(county, "event", 6))
    assert await county.tier.count("quarantine") == 0
    assert sorted(await county.tier.states()) == sorted(await community.tier.states())


async def test_what_the_lost_node_sent_after_its_backup_is_known_above(stations: list[Station]) -> None:
    """The backup is older than what went up: the same rows come again under the new epoch."""
    community, county, _ = stations
    await community.tier.keep(2)
    old = community.tier.node
    async with await tier_of(community) as tier:
        await push_all(community, tier)
    await community.tier.db.execute("DELETE FROM cursor")
    await come_back(community)
    async with community.linked():
        await until(resynced(county, 2))
        await until(has(county, "event", 2))
    marks = await county.tier.db.fetch("SELECT epoch, lane, mark FROM lower_mark ORDER BY lane, epoch")
    assert {row[0] for row in marks} == {old.epoch, community.tier.node.epoch}
    assert await county.tier.count("alarm") == 2
    assert await county.tier.count("quarantine") == 0
    assert replace(old, epoch=community.tier.node.epoch) == community.tier.node
