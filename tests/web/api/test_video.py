"""Pictures by ticket: who may see a camera gets an address that says so; what is recorded is told with its gaps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from anju.bus.nats import Bus
from anju.domain.recording import Source
from anju.domain.rights import Located
from anju.domain.video import Grade, Purpose
from anju.security.stream_tickets import StreamTicket, StreamTickets
from anju.store import recordings
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.recordings import Flag, Recording
from anju.web.streams import Doors
from tests.conftest import FrozenClock
from tests.web.api.cameras import camera
from tests.web.conftest import MakeWeb, Web, at_place, everywhere

CAMERA, OTHER = "caaaaaaaaaaaa", "cbbbbbbbbbbbb"
EIGHT = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def filmed(client_for: MakeWeb, db: Database, node: NodeId, clock: FrozenClock) -> Web:
    """A node with video, and two cameras; nobody answers on its bus."""
    made = await client_for(db, node, clock, viewers=Doors(8705, 2), bus=Bus([], node=node.id))
    await made.set_up()
    path = await camera(db, CAMERA)
    await camera(db, OTHER)
    await made.account("leader", at_place("shift_leader", path))
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def leader(filmed: Web) -> httpx2.AsyncClient:
    return await filmed.login("leader")


def opened(web: Web, answer: httpx2.Response) -> StreamTicket:
    assert answer.status_code == 200, answer.text
    ticket = parse_qs(urlsplit(answer.json()["url"]).query)["ticket"][0]
    return StreamTickets(Path(web.services.data / "keys"), clock=web.services.clock).open(ticket)


async def test_the_live_address_leads_to_the_cameras_worker(filmed: Web, leader: httpx2.AsyncClient) -> None:
    answer = await leader.post(f"/api/video/channels/{CAMERA}/live", json={"grade": "sub"})
    ticket = opened(filmed, answer)
    assert urlsplit(answer.json()["url"]).netloc in {"anju.test:8705", "anju.test:8706"}
    assert (ticket.viewing.channel_id, ticket.viewing.grade, ticket.viewing.purpose) == (
        CAMERA,
        Grade.SUB,
        Purpose.LIVE,
    )
    assert ticket.at == Located("/site/paaaaaaaaaaaa/", "")


async def test_a_playback_names_its_span_and_whose_recording(filmed: Web, leader: httpx2.AsyncClient) -> None:
    span = {"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T09:00:00+00:00", "source": "device"}
    viewing = opened(filmed, await leader.post(f"/api/video/channels/{CAMERA}/playback", json=span)).viewing
    assert (viewing.start, viewing.end, viewing.source) == (EIGHT, EIGHT + timedelta(hours=1), Source.DEVICE)


@pytest.mark.parametrize("end", ["2026-11-22T08:00:00Z", "2026-11-22T07:00:00Z", "2026-11-24T08:00:00Z"])
async def test_a_span_that_is_none_is_refused(leader: httpx2.AsyncClient, end: str) -> None:
    span = {"start": "2026-11-22T08:00:00Z", "end": end}
    assert (await leader.post(f"/api/video/channels/{CAMERA}/playback", json=span)).status_code == 422


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("POST", "live", {}),
        ("POST", "playback", {"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T09:00:00Z"}),
        ("GET", "snapshot", None),
        ("GET", "timeline?since=2026-11-22T08:00:00Z&until=2026-11-22T09:00:00Z", None),
    ],
)
async def test_a_camera_elsewhere_is_not_there(leader: httpx2.AsyncClient, method: str, rest: str, body: Any) -> None:
    answer = await leader.request(method, f"/api/video/channels/{OTHER}/{rest}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_channel")


async def test_a_locked_desk_gets_no_ticket(filmed: Web, leader: httpx2.AsyncClient) -> None:
    await filmed.services.db.execute("UPDATE session SET locked = true")
    assert (await leader.post(f"/api/video/channels/{CAMERA}/live", json={})).status_code == 403


async def test_without_a_media_worker_a_snapshot_says_so(leader: httpx2.AsyncClient) -> None:
    answer = await leader.get(f"/api/video/channels/{CAMERA}/snapshot")
    assert (answer.status_code, answer.json()["code"]) == (503, "media_away")


async def test_a_node_without_video_says_so(web: Web) -> None:
    await camera(web.services.db, CAMERA)
    await web.account("leader", everywhere("shift_leader"))
    answer = await (await web.login("leader")).post(f"/api/video/channels/{CAMERA}/live", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_video")


async def test_a_page_may_connect_to_the_viewers_door_of_its_own_host(filmed: Web, leader: httpx2.AsyncClient) -> None:
    policy = (await leader.get("/api/session")).headers["content-security-policy"]
    assert "connect-src 'self' ws://anju.test:8705 ws://anju.test:8706;" in policy
    assert "media-src 'self' blob:" in policy
    sly = await leader.get("/api/session", headers={"Host": "x; script-src *"})
    assert "connect-src 'self';" in sly.headers["content-security-policy"]


async def test_the_time_line_joins_files_and_leaves_gaps(filmed: Web, leader: httpx2.AsyncClient) -> None:
    start = round(EIGHT.timestamp() * 1000)
    files = [
        Recording(CAMERA, start + offset * 1000, 60_000, 1, 1_000, "avc1.640028", Flag(0), ((0, 700),))
        for offset in (0, 60, 180)
    ]
    await recordings.add(filmed.services.db, files)
    query = "since=2026-11-22T08:00:30Z&until=2026-11-22T09:00:00Z"
    found = (await leader.get(f"/api/video/channels/{CAMERA}/timeline?{query}")).json()
    assert [(each["start"], each["end"], each["source"]) for each in found["segments"]] == [
        ("2026-11-22T08:00:30Z", "2026-11-22T08:02:00Z", "platform"),
        ("2026-11-22T08:03:00Z", "2026-11-22T08:04:00Z", "platform"),
    ]
    assert (found["gaps"], found["alarms"], found["locks"]) == ([], [], [])


async def test_a_time_line_has_at_most_31_days(leader: httpx2.AsyncClient) -> None:
    query = "since=2026-10-01T00:00:00Z&until=2026-11-22T09:00:00Z"
    assert (await leader.get(f"/api/video/channels/{CAMERA}/timeline?{query}")).status_code == 422
