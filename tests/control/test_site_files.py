"""A whole site out as text and in again: identical, in one transaction, with every mistake named by its line."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from anju.control.site_files import Asked, SiteFiles
from anju.domain.codes import Segment
from anju.domain.devices import Zone, sealed_for
from anju.domain.events import EventKind
from anju.domain.identity import AccountClass
from anju.domain.linkage import Do, OnlyIf, Rule, Then, When
from anju.domain.rights import EVERYWHERE
from anju.domain.watch import Entry as Watched
from anju.engines import Postgres
from anju.errors import Conflict, Invalid
from anju.security.roles import Roles
from anju.security.sealing import Sealer
from anju.store import codes, devices, linkage, places, policies, watch
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import Estate, add_panel, make_estate

PASSPHRASE = "four quiet river stones"
KEY = bytes(range(16))
ROWS = {
    "place": """id, parent_id, kind, name, code, place_path, site_id, jurisdiction, sort, longitude, latitude, profile,
        detail, home_node, version, retired_at""",
    "jurisdiction": "code, name, home_node, version, retired_at",
    "device": """id, site_id, place_id, place_path, jurisdiction, kind, name, protocol, account, code, longitude,
        latitude, body, home_node, version, retired_at""",
    "zone": "device_id, area, number, name, place_id, place_path, kind, bypassed_until, bypass_reason, retired_at",
    "device_alias": "device_id, space, code",
    "code_segment": "prefix, first, last, node, used",
    "role": "id, name, name_en, class, actions, builtin, version, retired_at",
    "linkage_rule": "id, site_id, place_path, jurisdiction, name, enabled, version, body",
    "policy": "key, value",
    "watch_entry": """id, site_id, place_path, jurisdiction, kind, plate, reason, level, owner_id, owner_name,
        home_node, created_at, expires_at, ended_at, version""",
}


LATE = datetime(9999, 1, 1, tzinfo=UTC)
FIRST: dict[str, Any] = {"at": LATE, "until": LATE, "before": UUID(int=0), "limit": 9, "in_force": False}


async def rows(db: Database) -> dict[str, list[Any]]:
    return {
        table: await db.fetch(f"SELECT to_jsonb(t) FROM (SELECT {columns} FROM {table}) t ORDER BY t::text")
        for table, columns in ROWS.items()
    }


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(tmp_path / "keys")


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer) -> Estate:
    """A community with one of everything that a site file holds."""
    found = await make_estate(db, node, clock())
    zones = (
        Zone("01", "003", "西墙 3 号", found.wall.id, found.wall.place_path),
        Zone("01", "009", '按钮 "紧急"\\', found.wall.id, found.wall.place_path, kind=EventKind.PANIC),
    )
    panel = await add_panel(db, node, found, clock(), zones=zones, supervision_s=60)
    editor = Editor(node, "安装员", clock())
    async with db.transaction() as tx:
        await tx.execute("UPDATE device SET credential = %(sealed)s", sealed=sealer.seal(KEY, sealed_for(panel.id)))
        await places.put_jurisdiction(tx, "510802530000", "东坝派出所", editor)
        await places.edit(tx, EVERYWHERE, found.site.id, {"longitude": 105.82, "latitude": 32.43}, editor)
        await codes.allocate(tx, Segment("51080200011178", 0, 999, node.id))
        await devices.put_aliases(tx, panel.id, [("police", "A-17")])
        await policies.put(tx, "login.failures", 4, by="赵安全", at=clock())
        where = (found.site.id, found.wall.place_path, "")
        when = When((EventKind.INTRUSION,), level=2, zones=("01/003",))
        then = (Then(Do.POP_UP), Then(Do.OUTPUT, panel.id, "1", seconds=30))
        who = (found.site.id, found.site.place_path, "")
        until = clock() + timedelta(days=30)
        plain = Watched(uuid4(), *who, "vehicle", "川H12345", "欠费", 2, "u1", "王经理", clock(), until, node.id)
        banned = replace(plain, id=uuid4(), kind="visitor", plate=None, reason="禁入", version=3)
        await watch.add(tx, plain, editor)
        await watch.add(tx, banned, editor, personal=sealer.seal("张三".encode(), watch.sealed_for(banned.id)))
        await linkage.add(tx, Rule(uuid4(), *where, "西墙夜间", when, OnlyIf(dark=True), then))
    await Roles(db, clock=clock).create("夜班", "Night shift", AccountClass.OPERATOR, ["alarms.read", "alarms.handle"])
    return found


Another = Callable[[], Awaitable[tuple[Database, NodeId]]]


@pytest_asyncio.fixture(loop_scope="session")
async def wiped(postgres: Postgres) -> Any:
    """The same node on an empty database."""
    name = f"test_{uuid4().hex}"
    await postgres.create_database(name, template="anju_template")
    database = Database(postgres.app_url(name))
    await database.open()
    async with database.transaction() as tx:
        found = await make_node(tx, node_id="510802-1", name="东坝一号院", tier="community")
    yield database, found
    await database.close()


async def test_export_wipe_import_gives_the_identical_system(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate, wiped: tuple[Database, NodeId]
) -> None:
    text, counted = await SiteFiles(db, node, sealer, clock=clock).export(PASSPHRASE)
    empty, again = wiped
    files = SiteFiles(empty, again, sealer, clock=clock)
    plan = await files.apply(Asked(text, PASSPHRASE), by="王系统")
    assert counted == {
        "jurisdiction": 1, "place": 7, "code_segment": 1, "role": 1, "device": 1, "linkage": 1, "watch": 2,
    }  # fmt: skip
    assert await rows(empty) == await rows(db)
    assert (await files.export(PASSPHRASE))[0] == text
    (device,) = await devices.page(empty, EVERYWHERE, devices.Filter(), after="", limit=2)
    assert sealer.open((await devices.served(empty, [device.id]))[0][2] or b"", sealed_for(device.id)) == KEY
    assert plan.again == []
    (visitor,) = [each for each in await watch.page(empty, EVERYWHERE, **FIRST) if each.kind == "visitor"]
    sealed = (await watch.find(empty, EVERYWHERE, visitor.id))[1] or b""
    assert sealer.open(sealed, watch.sealed_for(visitor.id)).decode() == "张三"
    assert (await files.plan(Asked(text, PASSPHRASE))).differences == []


async def test_a_credential_is_never_in_clear_and_must_be_given_again(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate, wiped: tuple[Database, NodeId]
) -> None:
    text, _ = await SiteFiles(db, node, sealer, clock=clock).export()
    assert 'credential = "must be given again"' in text
    assert KEY.hex() not in text
    plan = await SiteFiles(*wiped, sealer, clock=clock).apply(Asked(text), by="王系统")
    assert "张三" not in text
    assert [name for _, name in plan.again] == ["周界主机", "禁入"]
    assert (await SiteFiles(db, node, sealer, clock=clock).plan(Asked(text))).again == []


async def test_a_dry_run_names_what_is_added_changed_and_retired_and_writes_nothing(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    before, (text, _) = await rows(db), await files.export()
    head = text.replace('name = "西围墙"', 'name = "西墙"').partition("[[linkage]]")[0]
    watched = "[[watch]]" + text.partition("[[watch]]")[2]
    room = f'[[place]]\nid = "pneueraum00001"\nparent = "{estate.building.id}"\nkind = "unit"\nname = "1 单元"\n\n'
    plan = await files.plan(Asked(head + room + watched))
    assert [(each.section, each.what, each.title) for each in plan.differences] == [
        ("place", "change", "西墙"),
        ("place", "add", "1 单元"),
        ("linkage", "retire", "西墙夜间"),
    ]
    assert plan.differences[0].fields == (("name", "西围墙", "西墙"),)
    assert plan.differences[1].line == head.count("\n") + 1
    assert await rows(db) == before
    assert [each.what for each in (await files.plan(Asked(head + room + watched, retire=False))).differences] == [
        "change",
        "add",
    ]


async def test_a_rolled_back_file_brings_back_what_was_retired(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    old, _ = await files.export(PASSPHRASE)
    await files.apply(Asked(old.partition("[[device]]")[0]), by="王系统")
    assert await devices.page(db, EVERYWHERE, devices.Filter(), after="", limit=2) == []
    await files.apply(Asked(old, PASSPHRASE), by="王系统")
    (device,) = await devices.page(db, EVERYWHERE, devices.Filter(), after="", limit=2)
    assert (device.keyed, len(device.zones), device.version) == (True, 2, 4)


@pytest.mark.parametrize(
    ("was", "becomes", "code"),
    [
        ('kind = "area"', 'kind = "lane"', "wrong_parent"),
        ('name = "西围墙"', "name = 7", "unreadable"),
        ('account = "0/1234"', 'account = "zz"', "bad_account"),
        ('"login.failures" = 4', '"login.failures" = 400', "out_of_bounds"),
        ('actions = ["alarms.handle", ', 'actions = ["roles.write", ', "separated"),
        ('number = "009"', 'number = "003"', "zone_twice"),
        ("longitude = 105.82", "longitude = 305.82", "bad_coordinates"),
        ('output = "1"', 'ouput = "1"', "unreadable"),
    ],
)
async def test_every_mistake_is_named_by_its_line(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate, was: str, becomes: str, code: str
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    text, _ = await files.export()
    assert was in text
    plan = await files.plan(Asked(text.replace(was, becomes, 1)))
    first = plan.problems[0]
    line = text[: text.index(was)].count("\n") + 1
    assert first.code == code
    assert 0 <= line - first.line < 4
    assert plan.work is None


async def test_a_refused_change_keeps_nothing_of_the_file(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    text, _ = await files.export()
    before = await rows(db)
    bad = text.replace('"西围墙"', '"西墙"').replace('class = "operator"', 'class = "audit"')
    bad = bad.replace('actions = ["alarms.handle", "alarms.read"]', 'actions = ["operator_log.read"]')
    with pytest.raises(Conflict, match="stays as it is"):
        await files.apply(Asked(bad), by="王系统")
    assert await rows(db) == before


async def test_words_that_are_no_site_of_this_node_are_refused(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    text, _ = await files.export(PASSPHRASE)
    with pytest.raises(Invalid, match="line 3"):
        await files.plan(Asked("format = 1\n\n[[place]\n"))
    with pytest.raises(Conflict, match="510802-9"):
        await files.plan(Asked(text.replace('node = "510802-1"', 'node = "510802-9"', 1)))
    with pytest.raises(Invalid, match="not the passphrase"):
        await files.plan(Asked(text, "another passphrase"))


async def test_a_copy_gets_ids_of_its_own_and_keeps_the_regions(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    text, _ = await files.export()
    other = text.replace('account = "0/1234"', 'account = "0/1235"').replace("510802-1", "510802-7", 1)
    plan = await files.apply(
        Asked(other, clone=True, within=dict.fromkeys(("place", "device", "linkage"), EVERYWHERE)), by="王系统"
    )
    assert sorted((each.section, each.what) for each in plan.differences) == [
        ("device", "add"), ("linkage", "add"), ("place", "add"), ("place", "add"), ("place", "add"),
    ]  # fmt: skip
    found = await devices.page(db, EVERYWHERE, devices.Filter(), after="", limit=9)
    assert sorted(each.account for each in found) == ["0/1234", "0/1235"]


async def test_an_import_that_is_stopped_changes_nothing(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    files = SiteFiles(db, node, sealer, clock=clock)
    text, _ = await files.export()
    rooms = (
        f'[[place]]\nid = "proom{number:07}"\nparent = "{estate.building.id}"\nkind = "room"\nname = "{number}"\n'
        for number in range(300)
    )
    before, begun = await rows(db), asyncio.Event()

    def done(count: int) -> None:
        if count >= 20:
            begun.set()

    work = asyncio.create_task(files.apply(Asked(text + "\n" + "\n".join(rooms)), by="王系统", done=done))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await rows(db) == before


async def test_what_other_nodes_keep_is_neither_in_the_file_nor_lost_by_it(
    db: Database, node: NodeId, clock: FrozenClock, sealer: Sealer, estate: Estate
) -> None:
    """As at a county: its regions are its own, the communities below are their own nodes'."""
    await db.execute("UPDATE place SET home_node = 'below' WHERE place_path ^@ %(p)s", p=estate.site.place_path)
    await db.execute("UPDATE device SET home_node = 'below'")
    files = SiteFiles(db, node, sealer, clock=clock)
    text, counted = await files.export()
    assert (counted["place"], counted["device"]) == (4, 0)
    before = await rows(db)
    own = text.partition("[[linkage]]")[0]
    assert (await files.plan(Asked(own, retire=False))).problems == []
    with pytest.raises(Conflict, match="that others keep"):
        await files.apply(Asked(own.partition('[[place]]\nid = "510802001001"')[0]), by="王系统")
    assert await rows(db) == before
