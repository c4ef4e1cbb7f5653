"""Pictures by ticket: served to who may see the record now, and to nobody else."""

from dataclasses import dataclass
from io import BytesIO
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from PIL import Image

from anju.domain.rights import Action, Located
from anju.store.blobs import NewBlob
from anju.web.pictures import Pictures, pictures
from tests.conftest import FrozenClock
from tests.web.api.test_alarms import put_place
from tests.web.conftest import Web, at_place, everywhere

SITE = "/510800/510802/site/"
GATE = Located(f"{SITE}gate/")


def drawn() -> bytes:
    out = BytesIO()
    Image.new("RGB", (640, 480), "navy").save(out, "JPEG")
    return out.getvalue()


@dataclass(slots=True)
class Album:
    """A guard, a picture of the gate, and the ticket he was given with its record."""

    web: Web
    shown: Pictures
    guard: httpx2.AsyncClient
    account: str
    picture: UUID

    def link(self, account: str = "", action: str = Action.ALARMS_READ, at: Located = GATE, **more: str) -> str:
        ticket = self.shown.tickets.sign(self.picture, account or self.account, action, at)
        return f"/api/pictures/{self.picture}?" + "&".join(f"{k}={v}" for k, v in ({"ticket": ticket} | more).items())


async def keep(web: Web, shown: Pictures, data: bytes, media_type: str) -> UUID:
    stored = await shown.blobs.write([NewBlob("site", data, media_type)])
    async with web.services.db.transaction() as tx:
        await shown.blobs.record(tx, stored, web.services.clock())
    return stored[0].id


@pytest_asyncio.fixture(loop_scope="session")
async def album(web: Web) -> Album:
    await put_place(web.services.db, SITE, "东坝一号院")
    shown = pictures(web.services)
    picture = await keep(web, shown, drawn(), "image/jpeg")
    account = await web.account("ligang", at_place("guard", SITE))
    return Album(web, shown, await web.login("ligang"), account, picture)


async def test_a_ticket_shows_the_picture_and_its_thumbnail(album: Album) -> None:
    whole, small = await album.guard.get(album.link()), await album.guard.get(album.link(thumbnail="1"))
    assert (whole.status_code, whole.content) == (200, drawn())
    assert small.status_code == 200, small.text
    with Image.open(BytesIO(small.content)) as image:
        assert image.size == (320, 240)
    for answer in (whole, small):
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_browser_that_has_it_asks_and_is_not_sent_it_again(album: Album) -> None:
    tag = (await album.guard.get(album.link())).headers["etag"]
    again = await album.guard.get(album.link(), headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_no_picture_without_a_valid_ticket(album: Album, clock: FrozenClock) -> None:
    bare, link = f"/api/pictures/{album.picture}", album.link()
    other = link.replace(str(album.picture), str(uuid4()))
    for address in (bare, f"{bare}?ticket=", f"{bare}?ticket=abc", link[:-1], other, album.link(account="u1")):
        assert (await album.guard.get(address)).status_code == 403, address
    assert (await (await album.web.client()).get(link)).status_code == 401
    clock.forward(600)
    assert (await album.guard.get(link)).json()["code"] == "ticket_over"


async def test_a_ticket_is_of_no_use_to_another_account(album: Album) -> None:
    await album.web.account("wangdz", everywhere("shift_leader"))
    other = await album.web.login("wangdz")
    assert (await other.get(album.link())).status_code == 403


async def test_a_ticket_does_not_outlive_the_right(album: Album) -> None:
    assert (await album.guard.get(album.link())).status_code == 200
    await album.web.services.db.execute("DELETE FROM role_grant WHERE account_id = %(id)s", id=album.account)
    await album.web.services.db.execute("UPDATE version SET value = value + 1 WHERE name = 'rights'")
    await album.web.services.rights.refresh()
    assert (await album.guard.get(album.link())).status_code == 403


async def test_the_right_is_asked_at_the_place_of_the_record(album: Album) -> None:
    elsewhere = album.link(at=Located("/510800/510802/other/"))
    assert (await album.guard.get(elsewhere)).status_code == 403
    assert (await album.guard.get(album.link(action=Action.POLICIES_WRITE))).status_code == 403


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/javascript"])
async def test_nothing_a_device_sent_acts_as_a_page(album: Album, media_type: str) -> None:
    album.picture = await keep(album.web, album.shown, b"<script>alert(1)</script>", media_type)
    answer = await album.guard.get(album.link())
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (await album.guard.get(album.link(thumbnail="1"))).status_code == 422


async def test_erased_damaged_and_unknown_are_told_apart(album: Album) -> None:
    found = await album.shown.blobs.find(album.picture)
    path = album.shown.blobs.folder / found.segment
    path.write_bytes(bytes(path.stat().st_size))
    assert (await album.guard.get(album.link())).status_code == 500
    await album.web.services.db.execute("UPDATE blob SET key = NULL, erased_at = now()")
    assert (await album.guard.get(album.link())).status_code == 410
    await album.web.services.db.execute("DELETE FROM blob")
    assert (await album.guard.get(album.link())).status_code == 404
