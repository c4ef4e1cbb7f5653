"""Links by the API: who may pair, what both screens show, which community needs attention first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.devices.lower_platform import Doors, LowerPlatforms, serve
from anju.domain.changes import Lane
from anju.domain.docking import Beat, Lower, LowerState
from anju.engines import Postgres
from anju.pipeline.remote import Receiver
from anju.security.pairing import UpperSide
from anju.store import alarms, links
from anju.store.database import Database
from anju.store.log import make_node
from anju.wire import tls
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event
from tests.web.conftest import PASSWORD, MakeWeb, Web, at_place

SYSTEM = ("wangxt", PASSWORD + "a")
AUDIT = ("sunsj", PASSWORD + "c")


@dataclass(slots=True)
class Pair:
    """A community and its county, both with a web process; the county's docking listener is open."""

    community: Web
    county: Web
    url: str


@pytest_asyncio.fixture(loop_scope="session")
async def pair(web: Web, client_for: MakeWeb, postgres: Postgres, clock: FrozenClock) -> AsyncIterator[Pair]:
    name = f"test_{uuid4().hex}"
    await postgres.create_database(name, template="anju_template")
    db = Database(postgres.app_url(name))
    await db.open()
    async with db.transaction() as tx:
        node = await make_node(tx, node_id="510802", name="利州区", tier="county")
    county = await client_for(db, node, clock)
    await county.set_up()
    certificate, key = tls.make_certificate(node.name, county.services.data / "docking", now=clock())
    receiver = Receiver(db, node, told=county.services.told, clock=clock)
    upper = UpperSide(db, node, certificate.read_text(), clock=clock)

    async def none(_: str) -> list[object]:
        return []

    door = LowerPlatforms(db, node, Doors(receiver.receive, receiver.resync, upper.pair, none), clock=clock)  # type: ignore[arg-type]
    server = await serve(door, "127.0.0.1", 0, certificate, key)
    yield Pair(web, county, f"https://127.0.0.1:{server.port}")
    door.stop()
    await server.close()
    await db.close()


async def get(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(f"/api/links{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_two_tiers_pair_through_their_consoles(pair: Pair) -> None:
    above, below = await pair.county.login(*SYSTEM), await pair.community.login(*SYSTEM)
    code = (await above.post("/api/links/pairing-codes")).json()
    asked = (await below.post("/api/links/upper", json={"url": pair.url, "code": code["code"]})).json()
    assert asked == {
        "state": "unconfirmed",
        "node": "510802",
        "name": "利州区",
        "fingerprint": code["fingerprint"],
    }
    confirmed = await below.post("/api/links/upper/confirm", json={"fingerprint": asked["fingerprint"]})
    assert confirmed.json()["state"] == "waiting"
    (lower,) = (await above.get("/api/links")).json()["lower"]
    assert (lower["node"], lower["state"]) == ("510802-1", "pending")
    assert lower["asked_at"] == "2026-11-22T08:15:30Z"
    assert lower["fingerprint"] == (await get(below, ""))["own_fingerprint"]
    assert (await get(above, ""))["docking_fingerprint"] == code["fingerprint"]
    assert (await get(below, ""))["docking_fingerprint"] == ""
    assert (await above.post("/api/links/lower/510802-1/approve")).status_code == 204
    (lower,) = (await above.get("/api/links")).json()["lower"]
    assert (lower["state"], lower["region"], lower["marks"]) == ("approved", "/", [])
    assert (await above.post("/api/links/lower/510802-1/revoke")).status_code == 204
    assert (await below.delete("/api/links/upper")).status_code == 204
    assert (await get(below, ""))["upper"] is None


async def test_the_upper_link_shows_backlog_and_delay(pair: Pair) -> None:
    above, below = await pair.county.login(*SYSTEM), await pair.community.login(*SYSTEM)
    code = (await above.post("/api/links/pairing-codes")).json()["code"]
    await below.post("/api/links/upper", json={"url": pair.url, "code": code})
    shown = (await get(below, ""))["upper"]
    assert "certificate" not in shown
    assert shown["backlog"] == {"alarms": 0, "bulk": 0}
    assert (shown["delay_s"], shown["last_ack_at"]) == (0, None)


async def test_the_region_of_a_node_has_its_name(pair: Pair) -> None:
    above, below = await pair.county.login(*SYSTEM), await pair.community.login(*SYSTEM)
    await add_site(pair.county.services.db, "dongba", node="510802", path="/510800/dongba/")
    code = (await above.post("/api/links/pairing-codes")).json()["code"]
    await below.post("/api/links/upper", json={"url": pair.url, "code": code})
    await above.post("/api/links/lower/510802-1/approve", json={"region": "dongba"})
    (lower,) = (await get(above, ""))["lower"]
    assert (lower["region"], lower["region_name"]) == ("/510800/dongba/", "dongba")


async def test_a_wrong_code_is_refused_in_words(pair: Pair) -> None:
    below = await pair.community.login(*SYSTEM)
    answer = await below.post("/api/links/upper", json={"url": pair.url, "code": "ABCD-ABCD-ABCD"})
    assert (answer.status_code, answer.json()["code"]) == (403, "code_wrong")


async def test_nobody_above_is_told_in_words(web: Web) -> None:
    below = await web.login(*SYSTEM)
    answer = await below.post("/api/links/upper", json={"url": "https://127.0.0.1:1", "code": "ABCD-ABCD-ABCD"})
    assert (answer.status_code, answer.json()["code"]) == (409, "upper_away")
    assert (await below.post("/api/links/reconciliation/run")).json()["code"] == "no_upper"


WRITES = [
    ("POST", "/pairing-codes", None),
    ("POST", "/upper", {"url": "https://127.0.0.1:1", "code": "ABCD-ABCD"}),
    ("POST", "/upper/confirm", {"fingerprint": "AA"}),
    ("DELETE", "/upper", None),
    ("POST", "/lower/x/approve", None),
    ("POST", "/lower/x/revoke", None),
    ("POST", "/reconciliation/run", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_only_the_system_administrator_changes_links(
    web: Web, method: str, path: str, body: dict[str, str] | None
) -> None:
    audit = await web.login(*AUDIT)
    assert (await audit.request(method, f"/api/links{path}", json=body)).status_code == 403


@pytest.mark.parametrize("path", ["", "/reconciliation", "/ranking", "/resyncs"])
async def test_nobody_without_the_right_sees_links(web: Web, path: str) -> None:
    guard = await web.login(*AUDIT)
    assert (await guard.get(f"/api/links{path}")).status_code == 403
    assert (await (await web.client()).get(f"/api/links{path}")).status_code == 401


async def add_site(db: Database, site: str, *, node: str, path: str) -> None:
    await db.execute(
        """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
           VALUES (%(id)s, 'site', %(id)s, %(path)s, %(id)s, %(node)s)""",
        id=site,
        path=path,
        node=node,
    )


async def add_device(db: Database, device: str, site: str, state: str) -> None:
    await db.execute(
        """INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, state, home_node)
           VALUES (%(id)s, %(site)s, %(site)s, '/', 'panel', %(id)s, 'dc09', %(state)s, 'n')""",
        id=device,
        site=site,
        state=state,
    )


async def paired(db: Database, node: str, beat: Beat, clock: FrozenClock) -> None:
    lower = Lower(node, node, "community", bytes(32), "", LowerState.PENDING)
    async with db.transaction() as tx:
        await links.ask_in(tx, lower, at=clock())
        await links.approve(tx, node, region="/", by="tester")
        await links.note_beat(tx, lower, beat, epoch=1, at=clock())


@pytest_asyncio.fixture(loop_scope="session")
async def ranked(web: Web, clock: FrozenClock) -> Web:
    """Three communities: one late, one well, one never heard."""
    db = web.services.db
    for site, node in (("late", "n1"), ("well", "n2"), ("silent", "n3")):
        await add_site(db, site, node=node, path=f"/510800/{site}/")
    await paired(db, "n1", Beat("n1", "community", {Lane.ALARMS: 3, Lane.BULK: 9}, 65_000), clock)
    await paired(db, "n2", Beat("n2", "community", {Lane.ALARMS: 0, Lane.BULK: 0}, 0), clock)
    for number, state in enumerate(("online", "online", "offline", "online")):
        await add_device(db, f"d{number}", "well", state)
    return web


async def test_communities_are_ranked_by_who_needs_attention(ranked: Web) -> None:
    items = (await get(await ranked.login(*SYSTEM), "/ranking"))["items"]
    found = [(each["site_id"], each["state"], each["delay_s"], each["online_rate"]) for each in items]
    assert found == [("silent", "unknown", None, None), ("late", "live", 65.0, None), ("well", "live", 0.0, 0.75)]
    assert items[1]["backlog"] == {"alarms": 3, "bulk": 9}


async def test_a_community_says_its_open_alarms_by_level_and_how_long_the_oldest_waits(
    ranked: Web, clock: FrozenClock
) -> None:
    began = clock()
    for zone, level in enumerate((1, 2, 2)):
        told = replace(event(level=level), id=uuid7(), zone=str(zone), site_id="well", place_path="/510800/well/")
        async with ranked.services.db.transaction() as tx:
            await alarms.on_events(tx, [replace(told, received_at=clock())], home_node="n2", at=clock())
        clock.forward(60)
    well = (await get(await ranked.login(*SYSTEM), "/ranking"))["items"][0]
    assert (well["site_id"], well["open_level_1"], well["open"]) == ("well", 1, 3)
    assert well["open_by_level"] == {"1": 1, "2": 2, "3": 0, "4": 0}
    assert datetime.fromisoformat(well["oldest_at"]) == began


async def test_silence_is_a_growing_delay(ranked: Web, clock: FrozenClock) -> None:
    client = await ranked.login(*SYSTEM)
    clock.forward(120)
    items = (await get(client, "/ranking"))["items"]
    assert [(each["site_id"], each["state"], each["delay_s"]) for each in items] == [
        ("silent", "unknown", None),
        ("late", "away", 185.0),
        ("well", "away", 120.0),
    ]


async def test_a_scope_bounds_ranking_and_nodes(ranked: Web) -> None:
    await ranked.account("liu", at_place("county_operator", "/510800/well/"))
    client = await ranked.login("liu")
    items = (await get(client, "/ranking"))["items"]
    assert [each["site_id"] for each in items] == ["well"]
    below = (await get(client, ""))["lower"]
    assert [each["node"] for each in below] == ["n2"]


async def test_accounts_of_a_day_are_shown_by_kind(ranked: Web, clock: FrozenClock) -> None:
    await ranked.services.db.execute(
        """INSERT INTO reconciliation_day (node, day, kind, sent, received, checked_at, fates)
           VALUES ('n1', '2026-11-21', 'event', 5, 4, now(), '{"kept": 4}')"""
    )
    client = await ranked.login(*SYSTEM)
    (row,) = (await get(client, "/reconciliation?day=2026-11-21"))["items"]
    assert (row["sent"], row["received"], row["kept"]) == (5, 4, 4)
    assert (await get(client, "/reconciliation?day=2026-11-20"))["items"] == []


async def test_the_accounts_of_today_are_compared_by_hand(pair: Pair) -> None:
    above, below = await pair.county.login(*SYSTEM), await pair.community.login(*SYSTEM)
    code = (await above.post("/api/links/pairing-codes")).json()
    await below.post("/api/links/upper", json={"url": pair.url, "code": code["code"]})
    await below.post("/api/links/upper/confirm", json={"fingerprint": code["fingerprint"]})
    assert (await below.post("/api/links/reconciliation/run")).json()["code"] == "upper_away"  # not approved yet
    await above.post("/api/links/lower/510802-1/approve")
    days = (await below.post("/api/links/reconciliation/run")).json()["days"]
    assert days[-1] == "2026-11-22"
    for client in (below, above):
        (row,) = (await get(client, "/reconciliation?day=2026-11-22"))["items"]
        assert (row["kind"], row["sent"], row["received"]) == ("*", 0, 0)
        assert (row["marks"], row["whole"]) == ({"alarms": 0, "bulk": 0}, False)
