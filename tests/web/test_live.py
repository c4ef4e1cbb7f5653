"""Live push over a real socket: who may see, sees at once; who comes back gets what was missed; who is out, is out."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from anju.domain.changes import Change, Lane, Origin
from anju.domain.events import MASK
from anju.domain.far_pictures import Source
from anju.domain.rights import Action, Principal, Scope
from anju.store import events, log
from anju.store.versions import Subject, bump
from anju.web.live import Live, LogTail
from anju.web.pictures import pictures
from anju.web.server import make_app
from anju.wire.asgi import serving
from tests.domain.test_alarms import event
from tests.web.conftest import Web, at_place, everywhere

EVENT = event()


class Desk:
    """A node's web process on a port of its own."""

    def __init__(self, web: Web, tail: LogTail, live: Live, port: int) -> None:
        self.web, self.tail, self.live, self.port = web, tail, live, port

    async def happens(self, path: str = EVENT.place_path, kind: str = "alarm", lane: Lane = Lane.ALARMS) -> str:
        """Log one change at ``path`` and wake the tail; return its id."""
        here, name = self.web.services, str(uuid7())
        change = Change(kind, name, 1, "site", path, "", {"id": name})
        async with here.db.transaction() as tx:
            await log.append(tx, lane, [change], at=here.clock(), node=here.node)
        await self.tail.wake()
        return name

    @asynccontextmanager
    async def page(self, username: str, resume: str = "") -> AsyncIterator[ClientConnection]:
        """Open a page of ``username``."""
        client = await self.web.login(username)
        cookie = f"anju_session={client.cookies['anju_session']}"
        query = f"?resume={resume}" if resume else ""
        async with connect(
            f"ws://127.0.0.1:{self.port}/api/live{query}", additional_headers={"Cookie": cookie}
        ) as socket:
            yield socket


@pytest_asyncio.fixture(loop_scope="session")
async def desk(web: Web) -> AsyncIterator[Desk]:
    async def status(scopes: dict[Action, Scope], *, database_away: bool) -> dict[str, Any]:
        return {"database": "away" if database_away else "ok"}

    tail = LogTail(web.services.db, web.services.node)
    live = Live(web.services, tail, status)
    following = asyncio.create_task(tail.run())
    async with serving(make_app(web.services, live), "127.0.0.1", 0) as port:
        yield Desk(web, tail, live, port)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def heard(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of ``kind``."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def test_a_change_is_pushed_to_who_may_see_it(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        name = await desk.happens()
        assert [each["id"] for each in (await heard(socket, "changes"))["changes"]] == [name]


async def test_a_guard_of_one_building_hears_nothing_of_another(desk: Desk) -> None:
    path = "/510800/510802/site/b1/"
    await desk.web.services.db.execute(
        """INSERT INTO place (id, kind, name, place_path, home_node)
           VALUES ('b1', 'building', '1 号楼', %(path)s, 'n')""",
        path=path,
    )
    await desk.web.account("guard", at_place("guard", path))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.happens("/510800/510802/site/b2/")
        mine = await desk.happens(f"{path}f3/")
        assert [each["id"] for each in (await heard(socket, "changes"))["changes"]] == [mine]


async def test_a_pushed_alarm_says_the_name_of_its_site_also_after_it_was_renamed(desk: Desk) -> None:
    db = desk.web.services.db
    await db.execute(
        """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
           VALUES ('site', 'site', '东坝一号院', '/510800/510802/site/', 'site', 'n')"""
    )
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.happens()
        assert await site_told(socket) == "东坝一号院"
        await db.execute("UPDATE place SET name = '东坝二号院' WHERE id = 'site'")
        await desk.happens(kind="place", lane=Lane.BULK)
        await heard(socket, "changes")
        await desk.happens()
        assert await site_told(socket) == "东坝二号院"


async def site_told(socket: ClientConnection) -> str:
    """Return the name of the site in the next pushed change."""
    return str((await heard(socket, "changes"))["changes"][0]["body"]["site_name"])


async def test_kinds_nobody_named_are_shown_to_nobody(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.happens(kind="secret")
        name = await desk.happens()
        assert [each["id"] for each in (await heard(socket, "changes"))["changes"]] == [name]


async def test_a_page_that_was_away_gets_what_it_missed(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.happens()
        token = (await heard(socket, "changes"))["token"]
    missed = await desk.happens()
    async with desk.page("guard", resume=token) as socket:
        assert (await heard(socket, "hello"))["token"] == token
        assert [each["id"] for each in (await heard(socket, "changes"))["changes"]] == [missed]


@pytest.mark.parametrize("token", ["1.0.0", "nonsense", "9.9.9.9", "-1.0.0"])
async def test_a_token_that_is_not_ours_means_load_again(desk: Desk, token: str) -> None:
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard", resume=token) as socket:
        assert (await heard(socket, "reset"))["reason"] == "away_too_long"


async def test_the_page_of_a_revoked_account_closes_within_three_seconds(desk: Desk) -> None:
    account = await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.web.identity.accounts.disable(Principal("anju", "Anju", "system"), account)
        async with asyncio.timeout(3):
            assert (await heard(socket, "closing"))["reason"] == "session_ended"
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_a_page_whose_rights_changed_is_told_to_begin_anew(desk: Desk) -> None:
    account = await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        async with desk.web.services.db.transaction() as tx:
            await tx.execute("DELETE FROM role_grant WHERE account_id = %(account)s", account=account)
            await bump(tx, Subject.RIGHTS)
        async with asyncio.timeout(4):
            assert (await heard(socket, "closing"))["reason"] == "rights_changed"


async def test_nobody_listens_without_a_session(desk: Desk) -> None:
    async with connect(f"ws://127.0.0.1:{desk.port}/api/live") as socket:
        assert (await heard(socket, "closing"))["reason"] == "no_session"


async def test_another_sites_page_does_not_get_in(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    client = await desk.web.login("guard")
    headers = {"Cookie": f"anju_session={client.cookies['anju_session']}", "Origin": "https://elsewhere.test"}
    async with connect(f"ws://127.0.0.1:{desk.port}/api/live", additional_headers=headers) as socket:
        assert (await heard(socket, "closing"))["reason"] == "no_session"


async def test_an_alarm_that_could_not_be_written_is_shown_as_unsaved(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    told = replace(EVENT, id=uuid7())
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.live.unsaved(json.dumps(events.body(told)).encode())
        assert (await heard(socket, "unsaved"))["alarm"]["id"] == str(told.id)


async def test_what_may_name_a_person_is_masked(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    here = desk.web.services
    body = events.body(replace(EVENT, id=uuid7(), detail={"user": "017", "text": "王老五"}))
    change = Change("event", body["id"], 1, "site", EVENT.place_path, "", body)
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        async with here.db.transaction() as tx:
            await log.append(tx, Lane.ALARMS, [change], at=here.clock(), node=here.node)
        await desk.tail.wake()
        shown = (await heard(socket, "changes"))["changes"][0]["body"]["detail"]
    assert "王老五" not in shown.values()
    assert "017" not in shown.values()


async def test_a_flood_of_rows_reaches_the_page_whole(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    here = desk.web.services
    rows = [Change("event", str(n), 1, "site", EVENT.place_path, "", {"n": n}) for n in range(5_000)]
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        async with here.db.transaction() as tx:
            await log.append(tx, Lane.BULK, rows, at=here.clock(), node=here.node)
        await desk.tail.wake()
        found: list[str] = []
        while len(found) < len(rows):
            found += [each["id"] for each in (await heard(socket, "changes"))["changes"]]
    assert found == [row.object_id for row in rows]


PICTURE = {"type": "01", "blob_id": str(uuid7()), "sha256": "00", "media_type": "image/jpeg"}


def passing(n: int, origin: Origin | None = None) -> Change:
    """A passage as it is logged."""
    body = {"n": n, "place_path": EVENT.place_path, "jurisdiction": "", "resident_id": "r1", "pictures": [PICTURE]}
    return Change("passage", str(uuid7()), 1, "site", EVENT.place_path, "", body, origin=origin)


async def logged(desk: Desk, lane: Lane, changes: list[Change]) -> None:
    here = desk.web.services
    async with here.db.transaction() as tx:
        await log.append(tx, lane, changes, at=here.clock(), node=here.node)
    await desk.tail.wake()


async def test_a_passage_comes_with_a_ticket_for_its_picture_and_without_whose_car_it_is(desk: Desk) -> None:
    account = await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await logged(desk, Lane.BULK, [passing(1)])
        body = (await heard(socket, "changes"))["changes"][0]["body"]
    tickets = pictures(desk.web.services).tickets
    opened = tickets.open(body["pictures"][0]["ticket"], blob_id=UUID(PICTURE["blob_id"]), account_id=account)
    assert (opened.action, opened.at.place_path) == (Action.VEHICLES_READ, EVENT.place_path)
    assert body["resident_id"] == MASK


async def test_the_ticket_of_a_picture_names_the_node_it_lies_at(desk: Desk) -> None:
    account = await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        passed = passing(1, Origin("below", 7, 1))
        await logged(desk, Lane.BULK, [passed])
        body = (await heard(socket, "changes"))["changes"][0]["body"]
    ticket, blob_id = body["pictures"][0]["ticket"], UUID(PICTURE["blob_id"])
    opened = pictures(desk.web.services).tickets.open(ticket, blob_id=blob_id, account_id=account)
    assert opened.source == Source("passage", UUID(passed.object_id), "below", PICTURE["sha256"])


async def test_an_alarm_brings_the_ticket_for_its_picture_with_it(desk: Desk) -> None:
    account = await desk.web.account("guard", everywhere("guard"))
    told = replace(EVENT, id=uuid7(), detail={"pictures": [PICTURE]})
    body = {"id": str(told.id), "place_path": told.place_path, "jurisdiction": "", "event": events.body(told)}
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await logged(desk, Lane.ALARMS, [Change("alarm", str(told.id), 1, "site", told.place_path, "", body)])
        shown = (await heard(socket, "changes"))["changes"][0]["body"]["event"]["detail"]["pictures"][0]
    tickets = pictures(desk.web.services).tickets
    opened = tickets.open(shown["ticket"], blob_id=UUID(PICTURE["blob_id"]), account_id=account)
    assert opened.action == Action.ALARMS_READ


async def test_of_a_flood_of_passages_a_page_gets_the_latest_and_everything_else_whole(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    rows = [passing(n) for n in range(500)]
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await logged(desk, Lane.BULK, rows)
        last = await desk.happens()
        found: list[dict[str, Any]] = []
        while not found or found[-1]["id"] != last:
            found += (await heard(socket, "changes"))["changes"]
        while rows[-1].object_id not in {each["id"] for each in found}:
            found += (await heard(socket, "changes"))["changes"]
    assert len(found) < len(rows)


async def test_who_may_not_see_persons_hears_of_none(desk: Desk) -> None:
    await desk.web.account("guard", everywhere("guard"))
    async with desk.page("guard") as socket:
        await heard(socket, "hello")
        await desk.happens(kind="sighting", lane=Lane.BULK)
        name = await desk.happens()
        assert [each["id"] for each in (await heard(socket, "changes"))["changes"]] == [name]
