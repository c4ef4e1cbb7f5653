"""The one door to PostgreSQL: a pool, short transactions, errors that say what to do.

Queries are plain SQL with named parameters (``%(name)s``).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import tuple_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from anju.errors import DatabaseAway
from anju.store import packed

Row = tuple[Any, ...]

IN_SCOPE = """(%(scope_everything)s
    OR EXISTS (SELECT FROM unnest(%(scope_paths)s::text[]) AS p WHERE place_path ^@ p)
    OR (jurisdiction <> '' AND EXISTS (SELECT FROM unnest(%(scope_jurisdictions)s::text[]) AS j
        WHERE jurisdiction ^@ j)))"""
"""WHERE fragment that keeps a query inside ``Scope.bounds()``; the table has ``place_path`` and ``jurisdiction``."""

CONNECT_S = 3
STATEMENT_MS = 15_000
LOCK_MS = 5_000


def json_text(value: Any) -> bytes:
    """Return ``value`` as JSON; half a character becomes an escape, which PostgreSQL refuses as any bad text."""
    try:
        return msgspec.json.encode(value)  # several times as fast as the standard library
    except UnicodeEncodeError:
        return json.dumps(value).encode()


set_json_dumps(json_text)
set_json_loads(msgspec.json.decode)


class Executor(Protocol):
    """What a query module needs: a Database (each call its own transaction) or an open Transaction."""

    async def fetch(self, query: str, **params: Any) -> list[Row]: ...
    async def fetch_one(self, query: str, **params: Any) -> Row | None: ...
    async def execute(self, query: str, **params: Any) -> int: ...
    async def execute_many(self, query: str, rows: Sequence[dict[str, Any]]) -> None: ...


class Transaction:
    """One open transaction; what it did is kept when its block ends without an error."""

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self._connection = connection

    async def fetch(self, query: str, **params: Any) -> list[Row]:
        """Return all rows."""
        cursor = await self._run(query, params)
        return await cursor.fetchall() if cursor.description else []

    async def fetch_one(self, query: str, **params: Any) -> Row | None:
        """Return the first row or None."""
        cursor = await self._run(query, params)
        return await cursor.fetchone()

    async def execute(self, query: str, **params: Any) -> int:
        """Return the number of rows touched."""
        return (await self._run(query, params)).rowcount

    async def execute_many(self, query: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run ``query`` once for each of ``rows``, pipelined."""
        async with self._connection.cursor() as cursor:
            await cursor.executemany(query, rows)

    async def fetch_each(self, query: str, rows: Sequence[dict[str, Any]]) -> list[list[Row]]:
        """Run ``query``, which returns rows, once for each of ``rows``, pipelined; return what each returned."""
        if not rows:
            return []
        async with self._connection.cursor() as cursor:
            await cursor.executemany(query, rows, returning=True)
            found = [await cursor.fetchall()]
            while cursor.nextset():
                found.append(await cursor.fetchall())
            return found

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what the block did, and only that, where it raises."""
        async with self._connection.transaction():
            yield

    async def copy(self, table_and_columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write ``rows`` by COPY into e.g. ``event (id, received_at)``."""
        statement = f"COPY {table_and_columns} FROM STDIN"
        async with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)

    async def copy_packed(self, table_and_columns: str, rows: Iterable[bytes]) -> None:
        """Write rows that ``store.packed`` made; each may come in pieces."""
        statement = f"COPY {table_and_columns} FROM STDIN (FORMAT BINARY)"
        async with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(b"".join((packed.HEAD, *rows, packed.END)))

    async def _run(self, query: str, params: dict[str, Any]) -> AsyncCursor[Row]:
        return await self._connection.execute(query, params or None)


class Database:
    """A pool on one PostgreSQL. Raises DatabaseAway for everything that waiting may mend."""

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 6, application: str = "anju") -> None:
        options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={LOCK_MS} -c timezone=UTC"
        self.url = url
        self._pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            open=False,
            timeout=CONNECT_S,
            reconnect_timeout=5,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "row_factory": tuple_row,
                "connect_timeout": CONNECT_S,
                "options": options,
                "application_name": application,
            },
        )

    async def open(self) -> None:
        """Start the pool; does not wait for the server."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction. Raises DatabaseAway where the server is gone or too slow.

        A cancellation is heard at its end at the latest: while it waits for the server, ``asyncio.wait_for`` loses one
        that comes together with the answer, and a loop over queries would never end.
        """
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield Transaction(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed) as error:
            _heed(task, cancelled)
            raise DatabaseAway(str(error).strip()) from error
        _heed(task, cancelled)

    async def fetch(self, query: str, **params: Any) -> list[Row]:
        """Return all rows."""
        async with self.transaction() as tx:
            return await tx.fetch(query, **params)

    async def fetch_one(self, query: str, **params: Any) -> Row | None:
        """Return the first row or None."""
        async with self.transaction() as tx:
            return await tx.fetch_one(query, **params)

    async def execute(self, query: str, **params: Any) -> int:
        """Return the number of rows touched."""
        async with self.transaction() as tx:
            return await tx.execute(query, **params)

    async def execute_many(self, query: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run ``query`` for each of ``rows`` in one transaction."""
        async with self.transaction() as tx:
            await tx.execute_many(query, rows)


def _heed(task: asyncio.Task[Any] | None, cancelled: int) -> None:
    """Raise CancelledError where ``task`` was cancelled more often than ``cancelled`` times, and nobody noticed."""
    if task is not None and task.cancelling() > cancelled:
        raise asyncio.CancelledError
