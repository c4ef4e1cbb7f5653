"""A guard of one building and a police station by its jurisdiction reach nothing else, by whatever route there is."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from anju.control.seed import registry_seed
from anju.domain.changes import Change, Lane
from anju.domain.events import Event
from anju.domain.rights import ScopeKind
from anju.domain.watch import Entry
from anju.security.accounts import AskedGrant
from anju.store import alarms, events, log, watch
from anju.store.events import RawFrame
from anju.store.places import Editor
from tests.domain.test_alarms import event
from tests.web.api.passing import Gate, keep
from tests.web.conftest import Web, at_place

HIDDEN = "藏匿"
"""Stands in the name of everything that must not be seen."""
STATIONS = {"OWN": "510802450000", "OTHER": "510802460000"}
PLATES = ("川H12345", "川H98765")
"""Whose vehicle passed which community's camera: ours, the hidden one's."""
SECRET = ("device_id", "alarm_id", "passage_id", "sighting_id", "entry_id", "channel_id")
TABLES_OF_CAPTURES = ("passage", "passage_correction", "sighting", "watch_entry")
UNSAFE = ("post", "put", "patch", "delete")
DENIED = {400, 401, 403, 404, 405, 409, 411, 413, 415, 422}


def site(name: str, station: str, account: str) -> dict[str, Any]:
    zones = [{"area": "01", "number": "001", "name": f"{name}防区"}]
    panel = {"kind": "alarm_panel", "name": f"{name}主机", "place": f"{name}1 号楼", "protocol": "dc09"}
    camera = {"kind": "lane", "name": f"{name}抓拍机", "place": f"{name}1 号楼", "protocol": "viid"}
    return {
        "name": name,
        "jurisdiction": station,
        "profile": {"era": "new", "form": "closed"},
        "places": [{"kind": "building", "name": f"{name}{n} 号楼"} for n in (1, 2)],
        "devices": [
            panel | {"account": account, "zones": zones},
            camera | {"account": f"5108020000119{account[2:]:0>7}"},
        ],
    }


SPEC = {
    "jurisdictions": [{"code": code, "name": f"{name} 所"} for name, code in STATIONS.items()],
    "regions": [
        {"code": "510800", "kind": "city", "name": "广元市"},
        {"code": "510802", "kind": "county", "name": "利州区"},
        {"code": "510802001", "kind": "street", "name": "东坝街道"},
        {"code": "510802001001", "kind": "community", "name": "天成社区"},
    ],
    "sites": [site("明院", STATIONS["OWN"], "0/1001"), site(HIDDEN, STATIONS["OTHER"], "0/1002")],
}


async def happened(web: Web, device: tuple[Any, ...]) -> Event:
    """Keep an intrusion at a device: event, raw frame, alarm and log rows; return the event."""
    here = web.services
    names = ("device_id", "device_name", "site_id", "place_id", "place_path", "jurisdiction")
    found = replace(
        event(), id=uuid7(), received_at=here.clock(), **dict(zip(names, device, strict=True)), place_name=device[1]
    )
    frame = RawFrame(found.id, here.clock(), found.site_id, found.device_id, "dc09", "10.0.0.1", b"raw", "kept")
    change = Change("event", str(found.id), 1, found.site_id, found.place_path, found.jurisdiction, events.body(found))
    async with here.db.transaction() as tx:
        await events.insert_frames(tx, [frame])
        await events.insert(tx, [(found, found.id)], at=here.clock())
        raised = await alarms.on_events(tx, [found], home_node=here.node.id, at=here.clock())
        await log.append(tx, Lane.ALARMS, [change, *raised], at=here.clock(), node=here.node)
        await tx.execute(
            """INSERT INTO quarantine (id, held_at, site_id, source_id, place_path, jurisdiction, station, reason,
                   value)
               VALUES (%(id)s, %(at)s, %(site)s, %(name)s, %(path)s, %(jurisdiction)s, 'keep', %(name)s, %(value)s)""",
            id=uuid7(),
            at=here.clock(),
            site=found.site_id,
            name=found.device_name,
            path=found.place_path,
            jurisdiction=found.jurisdiction,
            value=Jsonb({"name": found.device_name}),
        )
    return found


async def filmed(web: Web, device_id: str, name: str) -> str:
    """Keep a camera's channel; return its id."""
    channel = f"c{device_id[1:]}"
    await web.services.db.execute(
        """INSERT INTO channel (id, device_id, kind, code, told_name, status, status_reason, status_at, updated_at)
           VALUES (%(id)s, %(device)s, 'camera', '1', %(name)s, 'on', 'catalog-on', now(), now())""",
        id=channel,
        device=device_id,
        name=name,
    )
    return channel


async def passed(web: Web, device: tuple[Any, ...], plate: str) -> dict[str, str]:
    """Keep a vehicle, a face and an entry of the watch list at a camera; return their ids by route parameter."""
    here, (device_id, name, site_id, place_id, path, jurisdiction) = web.services, device
    gate = Gate(web, device_id, name, site_id, place_id, path, name)
    passage = gate.passage(plate, here.clock(), jurisdiction=jurisdiction)
    await keep(web, [passage])
    sighting = await gate.sees(jurisdiction=jurisdiction)
    where = (site_id, path, jurisdiction)
    ends = here.clock() + timedelta(days=1)
    entry = Entry(uuid7(), *where, "vehicle", plate, name, 2, "u1", name, here.clock(), ends, here.node.id)
    async with here.db.transaction() as tx:
        await watch.add(tx, entry, Editor(here.node, name, here.clock()))
    return {"passage_id": str(passage.id), "sighting_id": str(sighting.id), "entry_id": str(entry.id)}


@pytest_asyncio.fixture(loop_scope="session")
async def names(web: Web) -> AsyncIterator[dict[str, str]]:
    """Two communities with a panel and an alarm each; give the hidden one's names by route parameter."""
    here = web.services
    async with here.db.transaction() as tx:
        await registry_seed(tx, SPEC, node=here.node, at=here.clock())
    rows = await here.db.fetch(
        "SELECT id, name, site_id, place_id, place_path, jurisdiction FROM device ORDER BY account"
    )
    _, hidden = [await happened(web, row) for row in rows[:2]]
    _, channel = [await filmed(web, row[0], row[1]) for row in rows[2:]]
    _, seen = [await passed(web, row, plate) for row, plate in zip(rows[2:], PLATES, strict=True)]
    held = await here.db.fetch_one("SELECT id FROM quarantine WHERE reason LIKE %(name)s", name=f"{HIDDEN}%")
    assert held
    yield {
        "alarm_id": str(hidden.id),
        "event_id": str(hidden.id),
        "device_id": hidden.device_id,
        "place_id": hidden.place_id,
        "key": f"{hidden.device_id}|intrusion",
        "code": STATIONS["OTHER"],
        "quarantine_id": str(held[0]),
        "held_id": str(held[0]),
        "path": hidden.place_path,
        "site": hidden.site_id,
        "form": "csv",
        "channel_id": channel,
        **seen,
    }


@pytest_asyncio.fixture(loop_scope="session", params=["guard of one building", "police station"])
async def confined(web: Web, names: dict[str, str], request: pytest.FixtureRequest) -> httpx2.AsyncClient:
    """A logged-in account that may see the other community, or a building of it, and nothing else."""
    row = await web.services.db.fetch_one("SELECT place_path FROM place WHERE name = '明院1 号楼'")
    assert row
    grant = {
        "guard of one building": at_place("shift_leader", row[0]),
        "police station": AskedGrant("police_station", ScopeKind.JURISDICTION, STATIONS["OWN"]),
    }[request.param]
    await web.account("confined", grant)
    return await web.login("confined")


def address(template: str, names: dict[str, str], *, group: str) -> str:
    """Return the route with the hidden things' names in it."""
    subject = {"alarms": "alarm_id", "events": "event_id", "devices": "device_id", "places": "place_id"}.get(group, "")

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return names.get(name) or names.get(subject) or names["quarantine_id"]

    return re.sub(r"\{(\w+)\}", value, template)


def routes(web: Web) -> list[tuple[str, str, str]]:
    """Return (method, template, group) of every route in the OpenAPI file."""
    paths = web.app.openapi()["paths"]
    return [
        (method, path, path.split("/")[2])
        for path, item in sorted(paths.items())
        for method in item
        if path.split("/")[2] not in {"session", "setup"}
    ]


async def test_no_route_shows_anything_of_the_other_community(
    web: Web, names: dict[str, str], confined: httpx2.AsyncClient
) -> None:
    seen = []
    for method, template, group in routes(web):
        if method != "get":
            continue
        url = address(template, names, group=group)
        for query in (
            "",
            f"?place={names['path']}",
            f"?site={names['site']}&device={names['device_id']}",
            f"?q={HIDDEN}",
            f"?plate={PLATES[1]}",
            f"?fragment={PLATES[1][3:]}&limit=200",
        ):
            answer = await confined.get(url + query)
            told = answer.text.replace(f"?q={HIDDEN}", "")
            secrets = (HIDDEN, PLATES[1], *(names[each] for each in SECRET))
            leaked = [name for name in secrets if name in told.replace(query, "")]
            if leaked and answer.status_code < 300:
                seen.append((url + query, answer.status_code, leaked))
    assert seen == []


async def test_no_route_changes_anything_of_the_other_community(
    web: Web, names: dict[str, str], confined: httpx2.AsyncClient
) -> None:
    async def hidden() -> str:
        tables = ("alarm", "alarm_step", "event", "place", "device", "quarantine", *TABLES_OF_CAPTURES)
        found = [
            await web.services.db.fetch(
                f"SELECT to_jsonb(t)::text FROM {table} t WHERE place_path LIKE %(path)s ORDER BY 1",
                path=f"%{names['site']}%",
            )
            for table in tables
        ]
        return json.dumps(found)

    before, done = await hidden(), []
    bodies: list[dict[str, str]] = [{}, {"finding": "animal", "note": "x"}, {"name": "mine"}]
    bodies += [{"parent_id": names["place_id"]}, {"reason": "x", "plate": PLATES[0]}]
    for method, template, group in routes(web):
        if method not in UNSAFE:
            continue
        url = address(template, names, group=group)
        for body in bodies:
            answer = await confined.request(method.upper(), url, json=body)
            if answer.status_code not in DENIED and HIDDEN in answer.text:
                done.append((method, url, answer.status_code))
    assert (done, await hidden()) == ([], before)


async def test_what_is_ones_own_is_shown(names: dict[str, str], confined: httpx2.AsyncClient) -> None:
    found = (await confined.get("/api/alarms")).json()["items"]
    assert [each["place_name"] for each in found] == ["明院主机"]
    assert [each["plate"] for each in (await confined.get("/api/vehicles/passages")).json()["items"]] == [PLATES[0]]
    assert len((await confined.get("/api/sightings")).json()["items"]) == 1
    assert [each["name"] for each in (await confined.get("/api/video/storage")).json()["channels"]] == ["明院抓拍机"]


async def test_nobody_gets_anything_without_a_session(web: Web, names: dict[str, str]) -> None:
    client = await web.client()
    answers = await asyncio.gather(
        *(
            client.request(method.upper(), address(template, names, group=group), json={} if method in UNSAFE else None)
            for method, template, group in routes(web)
        )
    )
    assert {answer.status_code for answer in answers} <= {401, 422}
