"""``anju run``: starts the engines, brings the database up to date, starts the node's processes and keeps them running.

A process that ends is back in about a second; how often and why is told in ``<data>/run/status.json``. Children end
when we do, however we end.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from anju.config import Config
from anju.engines import NatsServer, Postgres
from anju.engines.child import becoming
from anju.errors import AnjuError, EngineError
from anju.store import roles
from anju.store.database import Database
from anju.store.log import make_node
from anju.store.versions import Subject, bump

EXIT_LOCKED = 77
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
STEADY_S = 5.0  # after that long a process counts as healthy and its next restart is quick again
STOP_S = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where this node's processes find the engines. Holds passwords: handed over by pipe, never by command line."""

    database: str
    bus: tuple[str, ...]

    def line(self) -> bytes:
        """Return it as one line for a child's standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def read(line: str) -> "Addresses":
        """Return what ``line`` says."""
        given = json.loads(line)
        return Addresses(given["database"], tuple(given["bus"]))


class Engine(Protocol):
    """What is started, watched and stopped."""

    port: int

    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ended(self) -> int: ...


@dataclass(slots=True)
class Standing:
    """How one process stands."""

    pid: int | None = None
    starts: int = 0
    last_exit: str = ""
    at: str = ""


RunRole = Callable[[str, Config, Addresses], Awaitable[None]]


@dataclass(slots=True)
class Supervisor:
    """One node's processes. ``path`` is the configuration file that children read again."""

    config: Config
    path: Path
    run_role: RunRole
    standing: dict[str, Standing] = field(default_factory=dict)

    async def run(self, ready: Callable[[Addresses], Coroutine[Any, Any, None]]) -> None:
        """Run until cancelled; ``ready`` is awaited once everything was started. Raises EngineError."""
        async with AsyncExitStack() as stack:
            stack.enter_context(locked(self.config.data))
            engines = _engines(self.config)
            for name, engine in engines.items():
                await stack.enter_async_context(_running(name, engine))
            addresses = await prepare(self.config, engines)
            watches: list[Coroutine[Any, Any, None]]
            watches = [self._watch_engine(name, engine) for name, engine in engines.items()]
            watches += [self._watch_role(role, addresses) for role in self.config.roles]
            ports = {name: engine.port for name, engine in engines.items()}
            tasks = [asyncio.create_task(each) for each in (*watches, ready(addresses), self._report(ports))]
            stack.push_async_callback(_cancelled, tasks)
            await asyncio.gather(*tasks)

    async def _watch_engine(self, name: str, engine: Engine) -> None:
        self._started(name, engine.pid)
        while True:
            code = await engine.ended()
            self._ended(name, f"exit {code}")
            await _until_started(name, engine)
            self._started(name, engine.pid)

    async def _watch_role(self, role: str, addresses: Addresses) -> None:
        wait = FIRST_WAIT_S
        while True:
            begin = asyncio.get_running_loop().time()
            self._ended(role, await self._once(role, addresses))
            steady = asyncio.get_running_loop().time() - begin > STEADY_S
            wait = FIRST_WAIT_S if steady else min(wait * 2, LONGEST_WAIT_S)
            await asyncio.sleep(wait)

    async def _once(self, role: str, addresses: Addresses) -> str:
        """Run ``role`` until it ends; return how it ended."""
        if self.config.processes == "separate":
            return await self._child(role, addresses)
        self._started(role, os.getpid())
        try:
            await self.run_role(role, self.config, addresses)
        except Exception as error:  # noqa: BLE001 - whatever ends a role, the others go on and it starts again
            _log.exception("role ended", role=role)
            return f"{type(error).__name__}: {error}"
        return "ended"

    async def _child(self, role: str, addresses: Addresses) -> str:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "anju",
            "role",
            role,
            "--config",
            str(self.path),
            stdin=asyncio.subprocess.PIPE,
            preexec_fn=becoming(None, on_death=signal.SIGKILL),
        )
        try:
            self._started(role, child.pid)
            with contextlib.suppress(OSError):
                assert child.stdin is not None  # noqa: S101 - asked for above
                child.stdin.write(addresses.line())
                await child.stdin.drain()
            code = await child.wait()
        except asyncio.CancelledError:
            await _end(child)
            raise
        return f"signal {-code}" if code < 0 else f"exit {code}"

    def _started(self, name: str, pid: int | None) -> None:
        found = self.standing.setdefault(name, Standing())
        found.pid, found.starts, found.at = pid, found.starts + 1, _now()

    def _ended(self, name: str, how: str) -> None:
        found = self.standing[name]
        found.pid, found.last_exit, found.at = None, how, _now()
        _log.warning("process ended", process=name, how=how, starts=found.starts)

    async def _report(self, ports: dict[str, int]) -> None:
        """Write how everything stands whenever it changed, for the console and for whoever looks."""
        folder = self.config.data / "run"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        last = ""
        while True:
            processes = {name: asdict(each) for name, each in self.standing.items()}
            told = json.dumps({"pid": os.getpid(), "ports": ports, "processes": processes})
            if told != last:
                await asyncio.to_thread(_write, folder / "status.json", told)
                last = told
            await asyncio.sleep(0.2)


def running(config: Config) -> Addresses:
    """Return where the engines of a node that runs now are. Raises EngineError where it does not run."""
    if config.database.url:
        return Addresses(config.database.url, config.bus.urls)
    try:
        port = json.loads((config.data / "run" / "status.json").read_text())["ports"]["postgres"]
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(
            f"{config.node.id} does not run: start it with `anju run` first.", code=EXIT_LOCKED
        ) from error
    return Addresses(Postgres(config.data, port=port).app_url(config.database.name), config.bus.urls)


async def prepare(config: Config, engines: dict[str, Any]) -> Addresses:
    """Bring the database to this program's schema, give it its node, and return where everything is."""
    from anju.store.migrate import migrate  # 20 MB that no other process of the node shall hold

    postgres, server = engines.get("postgres"), engines.get("nats")
    owner, app = config.database.owner_url, config.database.url
    if isinstance(postgres, Postgres):
        await postgres.create_database(config.database.name)
        owner, app = postgres.owner_url(config.database.name), postgres.app_url(config.database.name)
    await asyncio.to_thread(migrate, owner)
    db = Database(app, application="anju run")
    await db.open()
    try:
        async with db.transaction() as tx:
            node = await make_node(tx, node_id=config.node.id, name=config.node.name, tier=config.tier)
            if await roles.put_builtin(tx):  # what a newer program may do reaches the roles of an older node
                await bump(tx, Subject.RIGHTS)
    finally:
        await db.close()
    if (node.id, node.tier) != (config.node.id, config.tier):
        raise EngineError(
            f"This database belongs to the {node.tier} node {node.id}, the configuration names the {config.tier} node "
            f"{config.node.id}: choose another database, or mend [node].",
            code=EXIT_LOCKED,
        )
    return Addresses(app, (server.url,) if isinstance(server, NatsServer) else config.bus.urls)


@contextlib.contextmanager
def locked(data: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a generator of nothing
    """Hold the data folder. Raises EngineError where another ``anju run`` holds it."""
    data.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (data / "anju.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EngineError(f"{data} is in use by another `anju run`: stop it first.", code=EXIT_LOCKED) from error
        yield


def _engines(config: Config) -> dict[str, Engine]:
    found: dict[str, Engine] = {}
    if not config.database.url:
        found["postgres"] = Postgres(config.data, port=config.database.port)
    if not config.bus.urls:
        found["nats"] = NatsServer(config.data, port=config.bus.port)
    return found


@asynccontextmanager
async def _running(name: str, engine: Engine) -> AsyncIterator[None]:
    await engine.start()
    _log.info("engine started", engine=name, pid=engine.pid)
    try:
        yield
    finally:
        await engine.stop()


async def _until_started(name: str, engine: Engine) -> None:
    wait = FIRST_WAIT_S
    while True:
        try:
            await engine.start()
        except AnjuError as error:
            _log.error("engine does not start", engine=name, reason=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
        else:
            return


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
