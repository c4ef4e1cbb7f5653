"""One PostgreSQL for the whole run, a fresh database for each test."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.engines import Postgres
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.store.migrate import migrate


class FrozenClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="anju-test-") as name:
        Path(name).chmod(0o755)  # PostgreSQL drops to another user where the tests run as root
        yield Path(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(data_folder: Path) -> AsyncIterator[Postgres]:
    server = Postgres(data_folder, fsync=False)
    await server.start()
    await server.create_database("anju_template")
    migrate(server.owner_url("anju_template"))
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def db(postgres: Postgres) -> AsyncIterator[Database]:
    name = f"test_{uuid4().hex}"
    await postgres.create_database(name, template="anju_template")
    database = Database(postgres.app_url(name))
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def node(db: Database) -> NodeId:
    async with db.transaction() as tx:
        return await make_node(tx, node_id="510802-1", name="东坝一号院", tier="community")
