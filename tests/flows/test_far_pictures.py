"""A community's picture is seen at county and city: fetched down the link for each look, and kept nowhere else."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx2
import msgspec
import pytest
import pytest_asyncio
from PIL import Image
from uuid_utils.compat import uuid7

from anju.bus.nats import Bus
from anju.control.pictures import ACTION, PictureDesk
from anju.control.pictures_below import PicturesBelow, answer_below
from anju.domain.alarms import Person
from anju.domain.captures import Picture
from anju.domain.far_pictures import PICTURES, Asked, Given, Outcome, Source
from anju.domain.vehicles import Passage
from anju.engines import NatsServer
from anju.pipeline.keep import tell, write_events
from anju.security.blob_keys import BlobKeys
from anju.security.operator_log import OperatorLog
from anju.store import evidence
from anju.store.blobs import Blobs, NewBlob
from anju.store.thumbnails import EDGE, Thumbnails
from anju.web.pictures import pictures
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event
from tests.flows.test_docking import Station, has, now, stations, until
from tests.flows.test_tiers import HOME, tiers
from tests.flows.test_vehicles import keep, passage
from tests.web.conftest import MakeWeb, client_for, everywhere

__all__ = ["client_for", "stations", "tiers"]
OFFICER = Person("p1", "赵警官", "city", "city")


def drawn(edge: int = 640, *, noise: bool = False) -> bytes:
    out = BytesIO()
    image = Image.effect_noise((edge, edge), 200) if noise else Image.new("RGB", (edge, edge), "navy")
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


@dataclass(slots=True)
class Album:
    """Three stations whose processes speak over a bus; the community keeps pictures."""

    stations: list[Station]
    buses: list[Bus]
    blobs: Blobs
    small: Path

    async def keep(self, data: bytes) -> tuple[Passage, UUID]:
        """Keep a passage with one picture at the community."""
        tier = self.stations[0].tier
        (stored,) = await self.blobs.write([NewBlob("site", data, "image/jpeg")])
        async with tier.db.transaction() as tx:
            await self.blobs.record(tx, [stored], tier.clock())
        shown = Picture("01", stored.id, stored.sha256.hex(), 640, 640, "image/jpeg", len(data))
        kept = replace(passage(tier), pictures=(shown,))
        await keep(tier, kept)
        return kept, stored.id

    def asked(self, kept: Passage, blob_id: UUID, **more: object) -> Asked:
        source = Source("passage", kept.id, "community", kept.pictures[0].sha256)
        return replace(Asked(uuid7(), blob_id, source, OFFICER), **more)  # type: ignore[arg-type]

    async def at(self, tier: int, asked: Asked) -> Given:
        return await PicturesBelow(self.buses[tier]).ask(asked)

    def desk(self, tier: int) -> PictureDesk:
        here, below = self.stations[tier], PicturesBelow(self.buses[tier])
        log = OperatorLog(here.tier.db, here.keys, node=here.tier.node.id)
        small = Thumbnails(self.blobs, self.small)
        return PictureDesk(here.tier.db, here.tier.node, self.blobs, small, log, below.ask, clock=here.tier.clock)

    async def listened(self, tier: int, node: str) -> None:
        """Return once ``node`` polls at the door of ``tier``."""
        door = self.stations[tier].door

        async def polls() -> bool:
            with door.questions.polling(node):
                line = door.questions._lines[node]
                return line.polls > 1

        await until(polls)


@pytest_asyncio.fixture(loop_scope="session")
async def album(stations: list[Station], tmp_path: Path) -> AsyncIterator[Album]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-nats-")))
        folder.chmod(0o755)
        server = NatsServer(folder)
        await server.start()
        stack.push_async_callback(server.stop)
        buses = [Bus([server.url], node=each.tier.node.id) for each in stations]
        for bus in buses:
            await bus.open()
            stack.push_async_callback(bus.close)
        db = stations[0].tier.db
        blobs = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=now)
        stack.push_async_callback(blobs.close)
        found = Album(stations, buses, blobs, tmp_path / "thumbnails")
        for tier in (0, 1):
            stations[tier].picture = found.desk(tier).answer
        for tier in (1, 2):
            await answer_below(buses[tier], stations[tier].tier.db, stations[tier].door.questions)
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def linked(album: Album) -> AsyncIterator[Album]:
    community, county, _ = album.stations
    async with community.linked(), county.linked():
        await album.listened(1, "community")
        await album.listened(2, "county")
        yield album


async def up(album: Album) -> None:
    """Return once every passage of the community is at the city, and both links know that."""
    count = await album.stations[0].tier.count("passage")
    await until(has(album.stations[2], "passage", count))
    for lower in album.stations[:2]:

        async def acknowledged(tier: Station = lower) -> bool:
            row = await tier.tier.db.fetch_one("SELECT seq FROM cursor WHERE lane = 'bulk'")
            head = await tier.tier.db.fetch_one("SELECT head FROM stream WHERE lane = 'bulk'")
            return row == head

        await until(acknowledged)


@pytest.mark.parametrize("size", [640, 1600])
async def test_a_picture_of_the_community_is_seen_at_the_city_byte_for_byte(linked: Album, size: int) -> None:
    data = drawn(size, noise=size > 1000)
    kept, blob_id = await linked.keep(data)
    await up(linked)
    given = await linked.at(2, linked.asked(kept, blob_id))
    assert (given.outcome, hashlib.sha256(given.data).digest()) == (Outcome.SHOWN, hashlib.sha256(data).digest())
    assert len(data) > 1_000_000 or size < 1000, "one message of the bus would not hold it"


async def test_the_picture_of_an_alarm_is_seen_at_the_city(linked: Album) -> None:
    kept, blob_id = await linked.keep(drawn())
    tier = linked.stations[0].tier
    shown = msgspec.to_builtins(kept.pictures)
    hit = replace(event(), id=uuid7(), received_at=tier.clock(), detail={"pictures": shown}, place_path=HOME)
    async with tier.db.transaction() as tx:
        grown = await write_events(tx, [(hit, None)], home_node=tier.node.id, at=tier.clock())
        await tell(tx, grown, at=tier.clock(), node=tier.node)
    await until(has(linked.stations[2], "event", 1))
    source = Source("event", hit.id, "community", kept.pictures[0].sha256)
    given = await linked.at(2, replace(linked.asked(kept, blob_id), source=source))
    assert given.data == drawn(), "though the acknowledgement may still be on its way down"


async def test_lists_fetch_small_pictures_and_who_has_one_asks_only_whether_he_may_show_it(linked: Album) -> None:
    kept, blob_id = await linked.keep(drawn())
    await up(linked)
    small = await linked.at(2, linked.asked(kept, blob_id, thumbnail=True))
    with Image.open(BytesIO(small.data)) as image:
        assert (image.format, max(image.size)) == ("JPEG", EDGE)
    same = await linked.at(2, linked.asked(kept, blob_id, known=True))
    assert (same.outcome, same.data) == (Outcome.SAME, b"")


async def test_the_owner_writes_down_who_looked_once_for_each_look(linked: Album) -> None:
    kept, blob_id = await linked.keep(drawn())
    await up(linked)
    for thumbnail in (True, False):
        await linked.at(2, linked.asked(kept, blob_id, thumbnail=thumbnail))
    await linked.at(2, linked.asked(kept, blob_id, by=replace(OFFICER, id="p2", name="钱警官")))
    query = "SELECT principal_name, principal_node, target FROM operator_log WHERE action = %(action)s ORDER BY seq"
    rows = await linked.stations[0].tier.db.fetch(query, action=ACTION)
    assert rows == [("赵警官", "city", str(blob_id)), ("钱警官", "city", str(blob_id))]


async def test_an_erased_picture_is_erased_at_every_tier(linked: Album) -> None:
    kept, blob_id = await linked.keep(drawn())
    await up(linked)
    assert (await linked.at(2, linked.asked(kept, blob_id))).outcome is Outcome.SHOWN
    await evidence.erase(linked.stations[0].tier.db, blob_id, at=now(), small=linked.small)
    for known in (False, True):
        asked = linked.asked(kept, blob_id, thumbnail=True, known=known)
        assert (await linked.at(2, asked)).outcome is Outcome.ERASED
        assert (await linked.at(1, replace(asked, id=uuid7()))).outcome is Outcome.ERASED


async def test_nobody_above_sees_a_picture_of_a_record_that_was_not_sent_up(album: Album) -> None:
    community, county, _ = album.stations
    async with community.linked(), county.linked():
        sent, other = await album.keep(drawn())
        await up(album)
    hidden, secret = await album.keep(drawn(300))
    desk, asked = album.desk(0), album.asked(sent, other)
    assert (await desk.answer(asked)).outcome is Outcome.SHOWN
    elsewhere = [
        album.asked(hidden, secret),  # kept, and not acknowledged above
        replace(asked, blob_id=secret),  # a picture of another record
        replace(asked, source=replace(asked.source, record_id=uuid7())),  # of no record
        replace(asked, source=replace(asked.source, kind="sighting")),
        replace(asked, by=replace(OFFICER, node="community")),  # nobody of this node comes from above
    ]
    assert [(await desk.answer(each)).outcome for each in elsewhere] == [Outcome.NOT_SENT] * 5


async def test_a_community_that_is_away_is_named_at_the_city_in_time(album: Album) -> None:
    community, county, _ = album.stations
    async with county.linked():
        async with community.linked():
            kept, blob_id = await album.keep(drawn())
            await up(album)
            await album.listened(2, "county")
        began = monotonic()
        given = await album.at(2, album.asked(kept, blob_id))
        assert (given.outcome, given.node, given.name) == (Outcome.AWAY, "community", "community")
        assert monotonic() - began < 5.5
        async with community.linked():
            await album.listened(1, "community")
            assert (await album.at(2, album.asked(kept, blob_id))).outcome is Outcome.SHOWN


async def test_an_owner_that_does_not_answer_is_away_after_the_time_that_is_left(linked: Album) -> None:
    kept, blob_id = await linked.keep(drawn())
    await up(linked)
    async with linked.stations[0].tier.db.transaction() as tx:
        await tx.execute("LOCK TABLE blob IN ACCESS EXCLUSIVE MODE")
        began = monotonic()
        given = await linked.at(2, linked.asked(kept, blob_id, within_ms=2_000))
        took = monotonic() - began
    assert (given.outcome, given.node) == (Outcome.AWAY, "community")
    assert took < 3
    assert (await linked.at(2, linked.asked(kept, blob_id))).outcome is Outcome.SHOWN


async def test_an_answer_that_nobody_asked_for_is_refused(linked: Album) -> None:
    community, county, _ = linked.stations
    client = community.client(county)
    status, answer = await client.send("POST", PICTURES, b'{"id":"%s","outcome":"shown"}' % str(uuid7()).encode())
    assert (status, b"not_asked" in answer) == (409, True)
    await client.close()


async def test_no_more_than_so_many_wait_for_one_node(album: Album) -> None:
    questions = album.stations[1].door.questions
    kept, blob_id = await album.keep(drawn())
    with questions.polling("community"):
        asking = [
            asyncio.create_task(questions.ask("community", album.asked(kept, blob_id, within_ms=300)))
            for _ in range(40)
        ]
        found = [(await each).outcome for each in asking]
    assert (found.count(Outcome.AWAY), found.count(Outcome.BUSY)) == (32, 8)


async def test_the_console_of_the_city_shows_it_and_says_what_is_wrong(
    album: Album, client_for: MakeWeb, clock: FrozenClock
) -> None:
    community, county, city = album.stations
    await know_device(city)
    web = await client_for(city.tier.db, city.tier.node, clock, bus=album.buses[2])
    clock.now = now()
    await web.set_up()
    await web.account("zhaojg", everywhere("city_operator"))
    data = drawn()
    async with county.linked():
        async with community.linked():
            kept, blob_id = await album.keep(data)
            await up(album)
            page = await web.login("zhaojg")
            link = await address(page, kept)
            whole, small = await page.get(link), await page.get(f"{link}&thumbnail=1")
            assert (whole.status_code, whole.content, small.headers["content-type"]) == (200, data, "image/jpeg")
            again = await page.get(link, headers={"If-None-Match": whole.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            await evidence.erase(community.tier.db, blob_id, at=now(), small=album.small)
            gone = await page.get(link, headers={"If-None-Match": whole.headers["etag"]})
            assert (gone.status_code, gone.json()["code"]) == (410, "erased")
        away = (await page.get(link)).json()
    assert (away["code"], away["name"]) == ("owner_away", "community")
    assert not pictures(web.services).blobs.folder.exists(), "nothing of it is kept at the city"


@pytest.mark.parametrize(
    ("query", "data"), [("", drawn(64)), ("&thumbnail=1", b"BM" + bytes(100)), ("&thumbnail=1", b"")]
)
async def test_what_is_not_the_picture_of_the_record_is_not_shown(
    album: Album, client_for: MakeWeb, clock: FrozenClock, query: str, data: bytes
) -> None:
    community, county, city = album.stations
    await know_device(city)
    clock.now = now()
    web = await client_for(city.tier.db, city.tier.node, clock, bus=album.buses[2])
    await web.set_up()
    await web.account("zhaojg", everywhere("city_operator"))

    async def lies(asked: Asked) -> Given:
        return Given(asked.id, Outcome.SHOWN, data)

    community.picture = lies
    async with county.linked(), community.linked():
        kept, _ = await album.keep(drawn())
        await up(album)
        page = await web.login("zhaojg")
        answer = await page.get(await address(page, kept) + query)
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")


async def address(page: httpx2.AsyncClient, kept: Passage) -> str:
    shown = (await page.get(f"/api/vehicles/passages/{kept.id}")).json()["pictures"][0]
    return f"/api/pictures/{shown['blob_id']}?ticket={shown['ticket']}"


async def know_device(station: Station) -> None:
    """Be told of the community's camera, as by its device row."""
    await station.tier.db.execute(
        """INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node)
           VALUES ('d1', 'site', 'site', %(path)s, 'lane', '南门进口', 'viid', 'community')""",
        path=HOME,
    )
