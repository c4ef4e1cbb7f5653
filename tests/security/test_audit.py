"""Whoever owns the database can change the log; he cannot do it unseen."""

from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from anju.domain.rights import Principal
from anju.engines import Postgres
from anju.security.audit import Verdict, seal, verify
from anju.security.keys import NodeKeys
from anju.security.operator_log import Anchor, OperatorLog, sm3
from anju.store import operator_log as store
from anju.store.database import Database
from anju.store.operator_log import Row

WHO = Principal("a1", "赵安全", node="county-1")
Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def keys(tmp_path: Path) -> NodeKeys:
    return NodeKeys.load_or_make(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def anchors(db: Database, keys: NodeKeys) -> list[Anchor]:
    """Write eight rows; the tier above holds the heads after the third and the sixth."""
    log = OperatorLog(db, keys, node="c1")
    kept = []
    for number in range(1, 9):
        await log.write(WHO, "users.write", f"用户 {number}", {"n": number, "名": "值"}, outcome="intent")
        if number in {3, 6} and (anchor := await log.anchor()):
            kept.append(anchor)
    return kept


async def verdict(db: Database, anchors: list[Anchor], keys: NodeKeys) -> Verdict:
    return await verify(store.rows(db), anchors, public=keys.public)


def superuser(postgres: Postgres, db: Database) -> Superuser:
    return psycopg.connect(postgres.root_url(db.url.rsplit("/", 1)[1]), autocommit=True)


async def rehash(connection: Superuser, db: Database) -> None:
    """Do what a careful forger does: number the rows anew and recompute the whole chain."""
    previous = b""
    forged = []
    for number, row in enumerate([row async for row in store.rows(db)], start=1):
        forged.append(replace(row, seq=number, previous=previous, hash=b""))
        forged[-1] = replace(forged[-1], hash=seal(forged[-1]))
        previous = forged[-1].hash
    connection.execute("TRUNCATE operator_log")
    for row in forged:
        connection.execute("INSERT INTO operator_log VALUES (" + ",".join(["%s"] * 12) + ")", astuple(row))


def insert(connection: Superuser, row: Row) -> None:
    connection.execute("UPDATE operator_log SET seq = seq + 1000 WHERE seq > 4")
    connection.execute("INSERT INTO operator_log VALUES (" + ",".join(["%s"] * 12) + ")", astuple(replace(row, seq=5)))
    connection.execute("UPDATE operator_log SET seq = seq - 999 WHERE seq > 1000")


FORGERIES: dict[str, Callable[[Superuser, Row], object]] = {
    "change": lambda c, _: c.execute("UPDATE operator_log SET target = 'nobody' WHERE seq = 5"),
    "delete": lambda c, _: c.execute("DELETE FROM operator_log WHERE seq = 5"),
    "insert": insert,
    "truncate": lambda c, _: c.execute("DELETE FROM operator_log WHERE seq > 4"),
    "empty": lambda c, _: c.execute("TRUNCATE operator_log"),
}


async def test_an_untouched_log_is_whole_and_says_what_is_not_anchored(
    db: Database, anchors: list[Anchor], keys: NodeKeys
) -> None:
    found = await verdict(db, anchors, keys)
    assert (found.ok, found.checked, found.unanchored) == (True, 8, 2)


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("careful", [False, True], ids=["plain", "rehashed"])
async def test_a_superusers_forgery_is_found(
    db: Database, postgres: Postgres, anchors: list[Anchor], keys: NodeKeys, forgery: str, *, careful: bool
) -> None:
    a_row = [row async for row in store.rows(db)][3]
    with superuser(postgres, db) as connection:
        FORGERIES[forgery](connection, a_row)
        if careful:
            await rehash(connection, db)
    found = await verdict(db, anchors, keys)
    assert not found.ok
    assert found.first_broken is not None
    assert found.first_broken <= 6


async def test_between_which_anchors_a_careful_forger_wrote_is_told(
    db: Database, postgres: Postgres, anchors: list[Anchor], keys: NodeKeys
) -> None:
    with superuser(postgres, db) as connection:
        FORGERIES["change"](connection, [row async for row in store.rows(db)][3])
        await rehash(connection, db)
    found = await verdict(db, anchors, keys)
    assert (found.first_broken, "from row 4 to here" in found.reason) == (6, True)


async def test_a_forged_row_after_the_last_anchor_is_inside_the_stated_window(
    db: Database, postgres: Postgres, anchors: list[Anchor], keys: NodeKeys
) -> None:
    with superuser(postgres, db) as connection:
        connection.execute("UPDATE operator_log SET target = 'nobody' WHERE seq = 8")
        await rehash(connection, db)
    found = await verdict(db, anchors, keys)
    assert (found.ok, found.unanchored) == (True, 2)


async def test_an_anchor_of_another_key_is_no_proof(db: Database, anchors: list[Anchor], keys: NodeKeys) -> None:
    forged = [replace(anchors[0], signature=bytes(64)), anchors[1]]
    assert (await verdict(db, forged, keys)).reason == "an anchor is not signed by this node"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO operator_log SELECT * FROM operator_log",
        "UPDATE operator_log SET target = ''",
        "DELETE FROM operator_log",
        "TRUNCATE operator_log",
    ],
)
async def test_the_programs_own_role_can_only_append(db: Database, anchors: list[Anchor], statement: str) -> None:
    assert anchors
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await db.execute(statement)


def test_sm3_is_the_one_of_the_standard() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first, again = NodeKeys.load_or_make(tmp_path), NodeKeys.load_or_make(tmp_path)
    assert first.public == again.public
    assert (tmp_path / "keys" / "node.pem").stat().st_mode & 0o777 == 0o600
