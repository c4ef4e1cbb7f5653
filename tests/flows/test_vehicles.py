"""What a community saw is at county and city with the same ids; a correction follows; nobody speaks for others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from anju.domain import sightings as seeing
from anju.domain import vehicles, watch
from anju.domain.captures import Picture, new_id
from anju.domain.changes import Change, Fate, Lane, Origin
from anju.domain.cleaning import Reporter
from anju.domain.docking import Batch, Sent
from anju.domain.rights import EVERYWHERE
from anju.domain.sightings import Sighting
from anju.domain.vehicles import Correction, Passage
from anju.domain.watch import Entry
from anju.protocols.viid import ViidObject
from anju.store import log, passages, sightings, snapshot
from anju.store import watch as watching
from anju.store.passages import Query
from anju.store.places import Editor
from tests.flows.test_tiers import HOME, Tier, pusher, tiers

__all__ = ["tiers"]
LANE = Reporter("d1", "南门进口", "site", "site", HOME, "东坝一号院")


def passage(tier: Tier, number: int = 1, plate: str = "川HA5Q68") -> Passage:
    members = {"PlateNo": plate, "PlateColor": "5", "LaneNo": "1"}
    told = ViidObject("motor_vehicle", f"{number:048}", "d1", "", "", tier.clock(), "PassTime", members, (), ())
    pictures = (Picture("01", new_id(tier.clock()), "00" * 32, 640, 480, "image/jpeg", 60_000),)
    return vehicles.passage(told, LANE, at=tier.clock(), pictures=pictures, passes="in")


def sighting(tier: Tier) -> Sighting:
    told = ViidObject("face", "f1", "d1", "", "", tier.clock(), "ShotTime", {"GenderCode": "1"}, (), ())
    return seeing.sighting(told, LANE, at=tier.clock())


def entry(tier: Tier) -> Entry:
    names = (new_id(tier.clock()), "site", HOME, "", "vehicle", "川HA5Q68", "拖欠停车费", 2, "u1", "李四")
    return Entry(*names, tier.clock(), tier.clock() + timedelta(days=7), tier.node.id)


async def keep(tier: Tier, *kept: Passage) -> None:
    async with tier.db.transaction() as tx:
        texts = [vehicles.written(each) for each in kept]
        rows = [passages.row(each, text, None) for each, text in zip(kept, texts, strict=True)]
        await passages.insert(tx, rows, at=tier.clock())
        told = [passages.change(each, text) for each, text in zip(kept, texts, strict=True)]
        await log.append(tx, Lane.BULK, told, at=tier.clock(), node=tier.node)


async def found(tier: Tier, **query: Any) -> list[Passage]:
    return await passages.search(tier.db, EVERYWHERE, Query(**query), limit=100)


async def up(lower: Tier, upper: Tier) -> None:
    await pusher(lower, upper).drain()


async def test_passages_are_at_the_city_as_the_community_kept_them(tiers: list[Tier]) -> None:
    community, county, city = tiers
    await keep(community, *(passage(community, number) for number in range(30)))
    await up(community, county)
    await up(county, city)
    assert await found(city) == await found(community)
    assert await city.count("plate") == 1
    assert await city.db.fetch("SELECT metric, label, count FROM rollup_hour") == [("passages", "in", 30)]
    assert len(await found(city, fragment="A5Q")) == 30


async def test_a_correction_follows_as_a_new_version(tiers: list[Tier]) -> None:
    community, county, city = tiers
    kept = passage(community)
    await keep(community, kept)
    await up(community, county)
    async with community.db.transaction() as tx:
        told = Correction("看错一位", plate="川HA5Q69")
        after, change = await passages.correct(tx, EVERYWHERE, kept.id, told, by=("u1", "李四"), at=community.clock())
        await log.append(tx, Lane.BULK, [change], at=community.clock(), node=community.node)
    await up(community, county)
    await up(county, city)
    assert await found(city) == await found(county) == [after]
    assert (after.plate, after.reading, after.version) == (
        "川HA5Q69",
        {"plate": "川HA5Q68", "plate_kind": "ordinary"},
        2,
    )
    assert await found(city, plate="川HA5Q68") == []
    assert await county.db.fetch("SELECT sum(count)::int FROM rollup_hour") == [(1,)]


async def test_sightings_and_watch_lists_go_up_and_what_names_persons_does_not(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    seen, waited = sighting(community), entry(community)
    async with community.db.transaction() as tx:
        text = seeing.written(seen)
        await sightings.insert(tx, [sightings.row(seen, text, None, b"sealed")], at=community.clock())
        await log.append(tx, Lane.BULK, [sightings.change(seen, text)], at=community.clock(), node=community.node)
        await watching.add(tx, waited, Editor(community.node, "李四", community.clock()), personal=b"sealed")
    await up(community, county)
    kept = await sightings.find(county.db, EVERYWHERE, seen.id)
    assert (kept.sighting, kept.personal) == (seen, None)
    assert await watching.find(county.db, EVERYWHERE, waited.id) == (waited, None)


async def test_an_entry_of_a_node_below_is_heeded_there_and_not_here(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    async with community.db.transaction() as tx:
        await watching.add(tx, entry(community), Editor(community.node, "李四", community.clock()))
    await up(community, county)
    lists = [await watching.refreshed(t.db, watch.WatchList(), node=t.node.id) for t in (community, county)]
    assert [set(each.by_plate) for each in lists] == [{"川HA5Q68"}, set()]


def sent(tier: Tier, *bodies: tuple[str, str, str, dict[str, Any]]) -> Batch:
    """Rows by hand: (kind, id, place path, body)."""
    rows = tuple(
        Sent(seq, tier.clock(), Change(kind, name, 1, "site", path, "", body, origin=Origin(tier.node.id, 1, seq)))
        for seq, (kind, name, path, body) in enumerate(bodies, start=1)
    )
    return Batch(tier.node.id, 1, Lane.BULK, rows)


async def test_a_passage_outside_the_senders_communities_is_held(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    elsewhere = replace(passage(community), place_path="/510800/510803/other/")
    body = vehicles.body(elsewhere)
    receipt = await county.receive(sent(community, ("passage", body["id"], "/510800/510803/other/", body)))
    assert receipt.fates == (Fate.HELD,)
    assert await found(county) == []


BAD: list[dict[str, Any]] = [
    {"id": "0193f0a0-0000-4000-8000-000000000000"},
    {"received_at": "2020-01-01T00:00:00Z"},
    {"plate": "川" * 3000},
    {"direction": "up"},
    {"version": 0},
    {"clock_offset_ms": 2**70},
    {"flags": "late"},
    {"detail": {"a": "\0"}},
    {"pictures": [{"type": "01"}]},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: next(iter(bad)))
async def test_a_bad_passage_is_held_and_the_others_are_kept(tiers: list[Tier], bad: dict[str, Any]) -> None:
    community, county, _ = tiers
    good, worse = (vehicles.body(passage(community, number)) for number in (1, 2))
    worse |= bad
    batch = sent(community, ("passage", good["id"], HOME, good), ("passage", worse["id"], HOME, worse))
    receipt = await county.receive(batch)
    assert receipt.fates == (Fate.KEPT, Fate.HELD)
    assert [str(each.id) for each in await found(county)] == [good["id"]]


async def test_versions_told_twice_or_in_the_wrong_order_are_written_once(tiers: list[Tier]) -> None:
    community, county, _ = tiers
    first = passage(community)
    second = vehicles.corrected(first, Correction("看错一位", plate="川HA5Q69"))
    told = [("passage", str(first.id), HOME, vehicles.body(each)) for each in (second, first, second)]
    assert (await county.receive(sent(community, *told))).fates == (Fate.KEPT, Fate.KEPT, Fate.DUPLICATE)
    assert await found(county) == [second]
    assert await county.db.fetch("SELECT sum(count)::int FROM rollup_hour") == [(1,)]


async def test_a_snapshot_tells_what_was_seen_since(tiers: list[Tier]) -> None:
    community, _, _ = tiers
    await keep(community, passage(community, 1))
    community.clock.forward(86_400)
    late = passage(community, 2)
    await keep(community, late)
    since = community.clock()
    told = [each async for each in snapshot.changes(community.db, Lane.BULK, community.node, since=since)]
    kinds = [each for each in told if each.kind == "passage"]
    assert [each.object_id for each in kinds] == [str(late.id)]
    assert msgspec.convert(kinds[0].body, Passage, strict=False) == late
