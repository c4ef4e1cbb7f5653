"""Pairing: one code, one node, ten minutes, and nobody in between."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.devices.lower_platform import Doors, LowerPlatforms, serve
from anju.domain.commands import Command
from anju.domain.docking import Batch, LowerState, PairAsk, Receipt, Snapshot, UpperState
from anju.engines import Postgres
from anju.errors import Conflict, Forbidden, Invalid, UpperAway
from anju.security.keys import NodeKeys
from anju.security.pairing import LowerSide, UpperSide, digest, key_fingerprint, proof
from anju.store import links
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.wire import tls
from tests.conftest import FrozenClock

COMMUNITY = NodeId("c1", 7, "东坝一号院", "community")


@pytest_asyncio.fixture(loop_scope="session")
async def county(postgres: Postgres) -> AsyncIterator[Database]:
    name = f"test_{uuid4().hex}"
    await postgres.create_database(name, template="anju_template")
    database = Database(postgres.app_url(name))
    await database.open()
    async with database.transaction() as tx:
        await make_node(tx, node_id="county", name="利州区", tier="county")
    yield database
    await database.close()


class House:
    """The county with its door, and the community that wants in."""

    def __init__(self, county: Database, community: Database, folder: Path, clock: FrozenClock) -> None:
        self.county, self.folder, self.clock = county, folder, clock
        self.certificate, self.key = tls.make_certificate("county", folder / "county", now=clock())
        node = NodeId("county", 1, "利州区", "county")
        self.upper = UpperSide(county, node, self.certificate.read_text(), clock=clock)
        self.keys = NodeKeys.load_or_make(folder / "community")
        self.lower = LowerSide(community, COMMUNITY, self.keys, clock=clock)
        self.door = LowerPlatforms(county, node, Doors(_never, _never, self.upper.pair, _none), clock=clock)
        self.url = ""

    def ask(self, code: str) -> PairAsk:
        told = proof(digest(code), "lower", tls.fingerprint(self.certificate.read_text()), "c1", self.keys.public)
        return PairAsk("c1", "东坝一号院", "community", self.keys.public, told)


async def _never(batch: Batch | Snapshot, _: object) -> Receipt:
    raise AssertionError(batch)


async def _none(_: str) -> list[Command]:
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def house(county: Database, db: Database, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[House]:
    made = House(county, db, tmp_path, clock)
    server = await serve(made.door, "127.0.0.1", 0, made.certificate, made.key)
    made.url = f"https://127.0.0.1:{server.port}"
    yield made
    await server.close()


async def test_both_sides_see_the_same_fingerprints(house: House, db: Database) -> None:
    code = await house.upper.new_code("admin")
    link = await house.lower.ask(house.url, code.code.lower().replace("-", " "))
    known = await links.lower(house.county, "c1")
    assert (link.state, link.fingerprint, link.node) == (UpperState.UNCONFIRMED, code.fingerprint, "county")
    assert known
    assert (known.state, known.fingerprint) == (LowerState.PENDING, key_fingerprint(house.keys.public))


async def test_a_link_is_used_once_its_fingerprint_was_compared(house: House, db: Database) -> None:
    await house.lower.ask(house.url, (await house.upper.new_code("admin")).code)
    with pytest.raises(Conflict):
        await house.lower.confirm("00:11")
    link = await links.upper(db)
    assert link
    assert (await house.lower.confirm(link.fingerprint.lower())).state is UpperState.WAITING
    with pytest.raises(Conflict, match="has a tier above"):
        await house.lower.ask(house.url, "X")


async def test_a_code_works_once(house: House) -> None:
    code = (await house.upper.new_code("admin")).code
    await house.upper.pair(house.ask(code))
    with pytest.raises(Forbidden):
        await house.upper.pair(house.ask(code))


async def test_a_code_ends_after_ten_minutes(house: House) -> None:
    code = (await house.upper.new_code("admin")).code
    house.clock.forward(601)
    with pytest.raises(Forbidden):
        await house.upper.pair(house.ask(code))


async def test_a_wrong_code_is_refused_over_the_wire(house: House) -> None:
    await house.upper.new_code("admin")
    with pytest.raises(Forbidden):
        await house.lower.ask(house.url, "ABCD-ABCD-ABCD")


async def test_a_proof_over_another_certificate_is_refused(house: House) -> None:
    code = (await house.upper.new_code("admin")).code
    stolen = proof(digest(code), "lower", "AA:BB", "c1", house.keys.public)
    with pytest.raises(Forbidden):
        await house.upper.pair(replace(house.ask(code), proof=stolen))


async def test_a_proof_for_another_key_is_refused(house: House) -> None:
    code = (await house.upper.new_code("admin")).code
    with pytest.raises(Forbidden):
        await house.upper.pair(replace(house.ask(code), public_key=bytes(32)))


async def test_an_approved_node_is_not_replaced_by_another_key(house: House) -> None:
    await house.upper.pair(house.ask((await house.upper.new_code("admin")).code))
    async with house.county.transaction() as tx:
        await links.approve(tx, "c1", region="/", by="admin")
    house.keys = NodeKeys.load_or_make(house.folder / "impostor")
    with pytest.raises(Conflict, match="another key"):
        await house.upper.pair(house.ask((await house.upper.new_code("admin")).code))


@pytest.mark.parametrize("changed", [{"tier": "county"}, {"tier": "moon"}, {"node": "county"}, {"name": ""}])
async def test_only_a_tier_below_is_taken_in(house: House, changed: dict[str, str]) -> None:
    ask = house.ask((await house.upper.new_code("admin")).code)
    with pytest.raises(Invalid):
        await house.upper.pair(replace(ask, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://a:1", "https://a", "https://a:99999", "https://a:1/x", "file:///etc", "", "https://[::1"]
)
async def test_an_address_that_is_none_is_refused(house: House, url: str) -> None:
    with pytest.raises(Invalid):
        await house.lower.ask(url, "X")


async def test_nobody_there_is_told_so(house: House) -> None:
    with pytest.raises(UpperAway):
        await house.lower.ask("https://127.0.0.1:1", "X")


async def test_guessing_is_stopped_after_twenty_tries_a_minute(house: House) -> None:
    for _ in range(20):
        with pytest.raises(Forbidden):
            await house.lower.ask(house.url, "ABCD")
    with pytest.raises(Conflict, match="too_many"):
        await house.lower.ask(house.url, "ABCD")
    house.clock.forward(61)
    with pytest.raises(Forbidden):
        await house.lower.ask(house.url, "ABCD")
