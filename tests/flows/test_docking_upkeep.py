"""What two tiers do beside carrying rows: anchors, daily accounts, resyncs, places told before their alarms."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from anju.domain.alarms import Step
from anju.domain.changes import Change, Lane
from anju.domain.docking import Batch, Day, DayAsked, Expired, Gap, Head, NotWelcome, Receipt, Snapshot
from anju.domain.rights import Principal
from anju.errors import UpperAway
from anju.security.operator_log import OperatorLog
from anju.store import anchors, docking, links, log, reconciliation
from anju.upward.docking import UpperTier, reconcile, upper_tier
from anju.upward.push import Pusher
from tests.flows.test_docking import Station, has, now, stations, until
from tests.flows.test_tiers import HOME, Tier, tiers

__all__ = ["stations", "tiers"]


async def tier_of(station: Station) -> AbstractAsyncContextManager[UpperTier]:
    link = await links.upper(station.tier.db)
    assert link
    return upper_tier(link, station.tier.node, station.keys.sign, now)


def head(station: Station, seq: int, sha256: bytes = bytes(32)) -> Head:
    return Head(station.tier.node.id, seq, sha256, bytes(32), bytes(64))


async def test_an_anchor_is_kept_above_and_given_back(stations: list[Station]) -> None:
    community, county, _ = stations
    async with await tier_of(community) as tier:
        for seq in (3, 9):
            await tier.anchor(head(community, seq))
        assert await tier.anchors() == [head(community, 3), head(community, 9)]
    assert await anchors.of(county.tier.db, "county", after=0) == []


async def test_another_head_of_the_same_row_is_refused_and_not_kept(stations: list[Station]) -> None:
    community, county, _ = stations
    async with await tier_of(community) as tier:
        await tier.anchor(head(community, 3))
        await tier.anchor(head(community, 3))
        with pytest.raises(NotWelcome, match="other_anchor"):
            await tier.anchor(head(community, 3, b"\1" * 32))
    assert await anchors.of(county.tier.db, "community", after=0) == [head(community, 3)]


async def test_nobody_anchors_for_another_node(stations: list[Station]) -> None:
    community, _, city = stations
    async with await tier_of(community) as tier:
        with pytest.raises(UpperAway, match="malformed"):
            await tier.anchor(head(city, 3))


async def test_the_link_anchors_the_operator_log_by_itself(stations: list[Station]) -> None:
    community, county, _ = stations
    log_of = OperatorLog(community.tier.db, community.keys, node="community")
    await log_of.write(Principal("a", "管理员"), "places.write", "site", outcome="done")
    async with community.linked():
        await until(has(county, "anchor", 1))
    (kept,) = await anchors.of(county.tier.db, "community", after=0)
    assert kept.seq == 1


async def push_all(station: Station, tier: UpperTier) -> Pusher:
    pusher = Pusher(station.tier.db, station.tier.node, tier.push, upper="county")
    await pusher.drain()
    return pusher


async def test_both_sides_agree_on_yesterday(stations: list[Station]) -> None:
    community, county, _ = stations
    node = community.tier.node
    community.tier.clock.now = now() - timedelta(days=1)
    yesterday = community.tier.clock.now.date()
    await community.tier.keep(4)
    async with community.tier.db.transaction() as tx:
        odd = [Change("weather", "w", 1, "site", HOME, "", {})]
        await log.append(tx, Lane.BULK, odd, at=community.tier.clock(), node=node)
    async with await tier_of(community) as tier:
        pusher = await push_all(community, tier)
        days = await reconcile(community.tier.db, node, tier, "county", pusher, now=now())
        assert yesterday in days
        assert await reconcile(community.tier.db, node, tier, "county", pusher, now=now()) == []
    for station, peer in ((community, "county"), (county, "community")):
        rows = await station.tier.db.fetch(
            "SELECT kind, sent, received, fates FROM reconciliation_day WHERE node = %(peer)s AND sent > 0",
            peer=peer,
        )
        found = {kind: (sent, received, fates) for kind, sent, received, fates in rows}
        assert found["event"] == (4, 4, {"kept": 4, "duplicate": 0, "held": 0, "dropped": 0})
        assert found["weather"][2]["held"] == 1
        assert found["*"][:2] == (13, 13)


async def test_a_day_that_is_not_up_yet_is_not_compared(stations: list[Station]) -> None:
    community, _, _ = stations
    community.tier.clock.now = now() - timedelta(days=1)
    await community.tier.keep(1)
    async with await tier_of(community) as tier:
        pusher = Pusher(community.tier.db, community.tier.node, tier.push, upper="county")
        days = await reconcile(community.tier.db, community.tier.node, tier, "county", pusher, now=now())
    assert community.tier.clock().date() not in days


async def accounts_of(station: Station, peer: str) -> dict[str, dict[str, Any]]:
    found = await reconciliation.accounts(station.tier.db, [peer], day=now().date(), limit=100)
    return {each["kind"]: each for each in found}


async def test_the_running_day_is_compared_up_to_marks_both_sides_name(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(4)
    async with await tier_of(community) as tier:
        pusher = Pusher(community.tier.db, community.tier.node, tier.push, upper="county")
        await pusher.push(Lane.ALARMS)  # bulk still waits
        for sent, marks in ((8, {"alarms": 8, "bulk": 0}), (12, {"alarms": 8, "bulk": 4})):
            await reconcile(community.tier.db, community.tier.node, tier, "county", pusher, now=now(), again=True)
            for station, peer in ((community, "county"), (county, "community")):
                whole = (await accounts_of(station, peer))["*"]
                assert (whole["sent"], whole["received"], whole["kept"]) == (sent, sent, sent)
                assert (whole["marks"], whole["whole"]) == (marks, False)
            await pusher.drain()
    assert now().date() not in await reconciliation.reconciled(community.tier.db, "county", since=now().date())


async def test_a_row_that_has_no_fate_above_is_seen_the_same_day(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(3)
    async with await tier_of(community) as tier:
        pusher = await push_all(community, tier)
        await county.tier.db.execute("UPDATE fate_day SET kept = kept - 1 WHERE kind = 'event'")
        await reconcile(community.tier.db, community.tier.node, tier, "county", pusher, now=now(), again=True)
    event = (await accounts_of(county, "community"))["event"]
    assert (event["sent"], event["received"]) == (3, 2)


async def test_an_answer_lost_on_its_way_down_leaves_the_accounts_even(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(3)

    async def unlucky(_: Batch) -> Receipt:
        raise UpperAway("the line broke after the commit")

    async with await tier_of(community) as tier:
        await push_all(community, tier)
        await community.tier.db.execute("DELETE FROM cursor")  # as if no answer had come: the mark above is ahead
        pusher = Pusher(community.tier.db, community.tier.node, unlucky, upper="county")
        await reconcile(community.tier.db, community.tier.node, tier, "county", pusher, now=now(), again=True)
    whole = (await accounts_of(county, "community"))["*"]
    assert (whole["sent"], whole["received"]) == (9, 9)


@pytest.mark.parametrize("sent", [{"event": -1}, {"e" * 41: 1}, {"a\0b": 1}, {str(n): 1 for n in range(501)}])
async def test_counts_out_of_reason_are_refused(stations: list[Station], sent: dict[str, int]) -> None:
    community, _, _ = stations
    epoch, day = community.tier.node.epoch, now().date()
    async with await tier_of(community) as tier:
        account = await tier.account(DayAsked(day, epoch))
        with pytest.raises(UpperAway, match="malformed"):
            await tier.reconcile(Day(day, epoch, sent, account.id, whole=True))
        with pytest.raises(UpperAway, match="no_account"):
            await tier.reconcile(Day(day, epoch, {}, uuid4(), whole=True))
        with pytest.raises(UpperAway, match="no_account"):
            await tier.reconcile(Day(day - timedelta(days=1), epoch, {}, account.id, whole=True))
        await tier.reconcile(Day(day, epoch, {}, account.id, whole=True))


async def lose_log(tier: Tier) -> None:
    """As after 30 days without the tier above."""
    await tier.db.execute("UPDATE stream SET tail = head")
    await tier.db.execute("DELETE FROM log")


async def test_rows_lost_to_retention_are_replaced_by_a_snapshot_and_told(stations: list[Station]) -> None:
    community, county, _ = stations
    first, _ = await community.tier.keep(2)
    async with await tier_of(community) as tier:
        await push_all(community, tier)
    await community.tier.step(first, Step.ACKNOWLEDGE)
    await community.tier.step(first, Step.FINDING, "animal")
    await community.tier.step(first, Step.CLOSE)
    await community.tier.keep(1)
    await lose_log(community.tier)
    async with community.linked():
        await until(has(county, "alarm", 3))
        await until(resynced(county, 2))
        await until(resynced(community, 2))
        await until(reported(community, 4))
    assert sorted(await county.tier.states()) == sorted(await community.tier.states())
    assert await county.tier.count("alarm_step") == 6
    assert await county.tier.count("event") == 3
    for lane in Lane:
        assert [active for gone, active in community.reported if gone.lane is lane] == [True, False]
    gone = next(gone for gone, _ in community.reported if gone.lane is Lane.ALARMS)
    assert gone == Expired(Lane.ALARMS, 5, 12)


def resynced(station: Station, count: int) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        rows = await docking.resyncs(station.tier.db, ["county", "community"], limit=10)
        return len([row for row in rows if row["ended_at"]]) == count

    return looked


def reported(station: Station, count: int) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return len(station.reported) == count

    return looked


async def test_what_comes_after_a_resync_goes_up_as_always(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(2)
    await lose_log(community.tier)
    async with community.linked():
        await until(resynced(county, 2))
        await community.tier.keep(1)
        await until(has(county, "event", 3))
        await until(has(county, "alarm_step", 3))


async def test_a_snapshot_cannot_move_the_mark_over_rows_that_were_never_lost(stations: list[Station]) -> None:
    community, county, _ = stations
    await community.tier.keep(2)
    async with await tier_of(community) as tier:
        with pytest.raises(Gap, match="everything up to 0 is here"):
            await tier.resync(Snapshot(Lane.ALARMS, community.tier.node.epoch, 5, 9, (), done=True))
    assert await county.tier.count("resync") == 0


async def test_a_site_is_told_before_its_first_alarm(stations: list[Station]) -> None:
    community, county, _ = stations
    await county.tier.db.execute("DELETE FROM place")
    await community.tier.know_site(HOME, "community")
    await community.tier.keep(3)
    async with community.linked():
        await until(has(county, "alarm", 3))
    assert await county.tier.count("quarantine") == 0


async def test_a_county_hands_on_what_a_community_announced(stations: list[Station]) -> None:
    community, county, city = stations
    for station in (county, city):
        await station.tier.db.execute("DELETE FROM place")
    await community.tier.know_site(HOME, "community")
    await community.tier.keep(1)
    async with community.linked():
        await until(has(county, "alarm", 1))
        async with county.linked():
            await until(has(city, "alarm", 1))
    row = await city.tier.db.fetch_one("SELECT via FROM lower_route WHERE node = 'community'")
    assert row == ("county",)


async def test_a_node_cannot_speak_for_another_approved_node(stations: list[Station]) -> None:
    _, county, _ = stations
    async with county.tier.db.transaction() as tx:
        known_node = await links.lower(tx, "community")
        assert known_node
        await links.ask_in(tx, replace(known_node, node="neighbour"), at=now())
        await links.approve(tx, "neighbour", region="/510800/", by="tester")
        known = await docking.learn_routes(tx, "community", ["neighbour", "village"])
    assert known == {"community", "village"}


async def test_alarms_go_up_while_a_batch_of_bulk_is_stuck(stations: list[Station]) -> None:
    community, county, _ = stations
    async with county.tier.db.transaction() as tx:
        await docking.lock_mark(tx, "community", community.tier.node.epoch, Lane.BULK)
        async with community.linked():
            await community.tier.keep(2)
            await until(has(county, "alarm", 2), within_s=4)
            assert await county.tier.count("event") == 0


async def test_many_alarms_overtake_the_bulk_that_waited_longer(stations: list[Station]) -> None:
    community, county, _ = stations
    async with community.tier.db.transaction() as tx:
        rows = [
            Change("jurisdiction", f"{n:012}", 1, "", "/", "", {"code": f"{n:012}", "name": "x"}) for n in range(8000)
        ]
        await log.append(tx, Lane.BULK, rows, at=now(), node=community.tier.node)
    await community.tier.keep(500)
    async with community.linked():
        await until(has(county, "alarm_step", 500))
        row = await county.tier.db.fetch_one("SELECT mark FROM lower_mark WHERE lane = 'bulk'")
    assert row is None or row[0] < 8000


async def test_the_city_hears_how_a_community_stands(stations: list[Station]) -> None:
    community, county, city = stations
    async with community.linked():
        await until(heard(county, "lower_node"))
        async with county.linked():
            await community.tier.keep(1)
            await until(heard(city, "lower_route"))
    row = await city.tier.db.fetch_one("SELECT via, name, tier, delay_ms FROM lower_route WHERE node = 'community'")
    assert row == ("county", "community", "community", 0)
    assert await city.tier.count("quarantine") == 0


def heard(station: Station, table: str) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        query = f"SELECT last_seen FROM {table} WHERE node = 'community' AND last_seen IS NOT NULL"
        return await station.tier.db.fetch_one(query) is not None

    return looked
