"""Figures agree with the rows they stand for, and hold nothing out of reach."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from anju.domain.alarms import Act, Person, Step
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE, ScopeKind
from anju.security.accounts import AskedGrant
from anju.store import alarms, events
from anju.store.database import Database
from tests.web.api.test_alarms import SITE, Town, leader, put_place, town
from tests.web.conftest import Web, at_place

__all__ = ["leader", "town"]
GUARD = Person("g1", "李保安", "510802-1", "community")


@pytest_asyncio.fixture(loop_scope="session")
async def day(town: Town) -> Town:
    """Raise four alarms in two hours and two places; the figures of their events are counted with them."""
    await town.db.execute("UPDATE place SET kind = 'site' WHERE id = 'site'")
    await put_place(town.db, f"{SITE}gate/", "东门")
    await raised(town, EventKind.INTRUSION, zone="1")
    await raised(town, EventKind.INTRUSION, zone="2", place_id="gate", place_path=f"{SITE}gate/", jurisdiction="5108")
    town.web.services.clock.forward(3600)  # type: ignore[attr-defined]
    await raised(town, EventKind.FIRE, level=1)
    await raised(town, EventKind.INTRUSION, zone="3", drill=True)
    return town


async def raised(town: Town, kind: EventKind, **more: Any) -> None:
    await town.heard(kind, **more)
    at = town.web.services.clock()
    if not more.get("drill"):
        async with town.db.transaction() as tx:
            await events.count_hour(tx, {("site", at, "events", kind.value): 1})


async def figures(client: httpx2.AsyncClient, query: str = "") -> list[tuple[str, int, str, int]]:
    answer = await client.get(f"/api/statistics/alarms?{query}")
    assert answer.status_code == 200, answer.text
    return [(each["at"][11:16], each["level"], each["kind"], each["count"]) for each in answer.json()["items"]]


async def test_alarms_by_hour_level_and_kind(day: Town) -> None:
    leader = await day.person("wangdz", "shift_leader")
    assert await figures(leader) == [("08:00", 2, "intrusion", 2), ("09:00", 1, "fire", 1)]
    assert await figures(leader, "place=site") == [("08:00", 2, "intrusion", 2), ("09:00", 1, "fire", 1)]
    assert await figures(leader, "place=gate") == [("08:00", 2, "intrusion", 1)]
    assert await figures(leader, "place=elsewhere") == []


async def test_days_are_those_of_the_place(day: Town) -> None:
    leader = await day.person("wangdz", "shift_leader")
    assert await figures(leader, "by=day") == [("16:00", 1, "fire", 1), ("16:00", 2, "intrusion", 2)]


async def test_the_roll_ups_agree_with_the_rows(day: Town) -> None:
    leader = await day.person("wangdz", "shift_leader")
    rolled_up = await figures(leader)
    await day.db.execute("UPDATE place SET kind = 'area' WHERE id = 'site'")  # now nothing is a whole community
    assert await figures(leader) == rolled_up


async def test_one_building_has_its_own_figures(day: Town) -> None:
    await day.web.account("libaoan", at_place("guard", f"{SITE}gate/"))
    guard = await day.web.login("libaoan")
    assert await figures(guard) == [("08:00", 2, "intrusion", 1)]
    summary = (await guard.get("/api/statistics/summary")).json()
    assert (summary["open_by_level"], summary["events_today"]) == ({"1": 0, "2": 1, "3": 0, "4": 0}, 1)


async def test_a_jurisdiction_has_its_own_figures(day: Town, web: Web) -> None:
    await day.db.execute("INSERT INTO jurisdiction (code, name, home_node) VALUES ('510802000000', '分局', 'x')")
    await day.db.execute("UPDATE alarm SET jurisdiction = '510802000001' WHERE place_id = 'gate'")
    await web.account("minjing", AskedGrant("police_station", ScopeKind.JURISDICTION, "510802000000"))
    assert await figures(await web.login("minjing")) == [("08:00", 2, "intrusion", 1)]


async def test_the_front_page(day: Town, db: Database) -> None:
    await db.execute(
        f"""INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, state, home_node)
            SELECT 'd' || n, 'site', 'site', '{SITE}', 'alarm_panel', '主机', 'dc09',
                CASE n WHEN 1 THEN 'offline' ELSE 'online' END, 'x' FROM generate_series(1, 4) AS n"""
    )
    leader = await day.person("wangdz", "shift_leader")
    first = day.web.services.clock() - timedelta(hours=1)
    assert (await leader.get("/api/statistics/summary")).json() == {
        "open_by_level": {"1": 1, "2": 2, "3": 0, "4": 0},
        "online_rate": 0.75,
        "devices_online": 3,
        "devices_total": 4,
        "events_today": 3,
        "unhandled_oldest": first.isoformat(),
    }


async def test_how_fast_alarms_were_handled(town: Town, leader: httpx2.AsyncClient) -> None:
    for zone, wait in (("1", 20), ("2", 40), ("3", 90)):
        alarm = await town.heard(zone=zone)
        town.web.services.clock.forward(wait)  # type: ignore[attr-defined]
        await close(town, alarm)
    (row,) = (await leader.get("/api/statistics/handling")).json()["items"]
    assert (row["level"], row["raised"], row["closed"], row["in_time"], row["target_s"]) == (2, 3, 3, 2, 60)
    assert (row["false"], row["true"], row["acknowledged_s"]) == (3, 0, {"median": 40, "p90": 80})


async def close(town: Town, alarm: UUID) -> None:
    at = town.web.services.clock()
    async with town.db.transaction() as tx:
        for what, finding in ((Step.ACKNOWLEDGE, ""), (Step.FINDING, "animal"), (Step.CLOSE, "")):
            await alarms.do(tx, EVERYWHERE, alarm, Act(what, GUARD, at, finding))


@pytest.mark.parametrize(
    "query",
    [
        "by=year",
        "since=2026-11-23T00:00:00Z",
        "since=2020-01-01T00:00:00Z",
        "zone=Mars/Base",
        "zone=../etc",
        "place=%00",
    ],
)
async def test_odd_periods_are_refused(leader: httpx2.AsyncClient, query: str) -> None:
    assert (await leader.get(f"/api/statistics/alarms?{query}")).status_code == 422


async def test_vehicles_and_persons_are_counted_from_the_hours(day: Town) -> None:
    at = day.web.services.clock()
    counted = {
        ("site", at, "passages", "in"): 3,
        ("site", at, "passages", "out"): 1,
        ("site", at, "sightings", "face"): 7,
    }
    async with day.db.transaction() as tx:
        await events.count_hour(tx, counted)
    leader = await day.person("wangdz", "shift_leader")
    found = (await leader.get("/api/statistics/passages")).json()["items"]
    assert [(each["label"], each["count"]) for each in found] == [("in", 3), ("out", 1)]
    assert (await leader.get("/api/statistics/sightings?place=site")).json()["items"][0]["count"] == 7
    assert (await leader.get("/api/statistics/sightings?place=gate")).json()["items"] == []
    assert (await leader.get("/api/statistics/secrets")).status_code == 422


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_files_say_their_rows_before_and_are_written_down(day: Town, form: str) -> None:
    leader = await day.person("wangdz", "shift_leader")
    assert (await leader.get("/api/exports/alarms?kind=intrusion")).json() == {"rows": 2, "most": 20_000}
    assert (await leader.get("/api/exports/statistics?of=alarms")).json()["rows"] == 2
    file = await leader.get(f"/api/exports/statistics.{form}?of=alarms")
    assert (file.status_code, file.headers["X-Anju-Rows"]) == (200, "2")
    rows = await leader.get(f"/api/exports/alarms.{form}?level=1")
    assert rows.headers["X-Anju-Rows"] == "1"
    log = await day.db.fetch("SELECT action, outcome FROM operator_log WHERE action LIKE 'export%' ORDER BY seq")
    assert log == [(f"export.{name}", each) for name in ("statistics", "alarms") for each in ("intent", "done")]


async def test_files_need_the_right_of_what_is_in_them(day: Town) -> None:
    guard = await day.person("liba", "guard")
    assert (await guard.get("/api/exports/alarms.csv")).status_code == 403
    assert (await guard.get("/api/exports/sightings")).status_code == 403
    assert (await guard.get("/api/exports/statistics")).status_code == 200
    assert (await guard.get("/api/exports/alarms?kind=nothing")).status_code == 403
