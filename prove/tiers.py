"""Three real nodes on loopback, each ``anju run`` with engines of its own, set up and paired through their own APIs."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from anju.control.seed import registry_seed
from anju.demo_site import FIRST_PANEL, spec
from anju.engines import Postgres
from anju.process import clock
from anju.store.database import Database
from anju.store.log import this_node

PASSWORD = f"Prove-{secrets.token_urlsafe(12)}-7"
RTP_OF = {"community": 40_000, "county": 41_000, "city": 42_000}
READY_S = 240.0  # a start takes 2 s on a quiet machine
ADMINISTRATORS = [
    {"class": each, "username": f"{each}1", "name": f"{each} 1", "password": f"{PASSWORD}-{each}"}
    for each in ("system", "security", "audit")
]


@dataclass(slots=True)
class Tier:
    """One node as an operating system sees it: a folder, ports, a process that may be killed and started again."""

    name: str
    folder: Path
    processes: str
    video: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    child: asyncio.subprocess.Process | None = None
    started: int = 0

    def __post_init__(self) -> None:
        names = ("web", "intake", "postgres", "nats", "dc09" if self.name == "community" else "docking")
        self.ports = {name: quiet_port() for name in names}
        if self.video:
            self.ports |= {name: quiet_port() for name in ("sip", "viewers")} | {"rtp": RTP_OF[self.name]}

    @property
    def url(self) -> str:
        """The console's address."""
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def database(self) -> str:
        """The database's address, as the program uses it."""
        return Postgres(self.folder / "data", port=self.ports["postgres"]).app_url("anju")

    def write(self) -> None:
        """Write the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        doors = (
            f"[gateway]\ndc09 = {self.ports['dc09']}"
            if self.name == "community"
            else f"[docking]\nport = {self.ports['docking']}"
        )
        region = "510800" if self.name == "city" else "510802"
        (self.folder / "anju.toml").write_text(
            f'tier = "{self.name}"\ndata = "data"\nprocesses = "{self.processes}"\n'
            f'[node]\nid = "{self.name}"\nname = "{self.name}"\nregion = "{region}"\n'
            f"[database]\nport = {self.ports['postgres']}\n[bus]\nport = {self.ports['nats']}\n"
            f"[web]\nport = {self.ports['web']}\n[intake]\nport = {self.ports['intake']}\n{doors}\n{self._video()}"
        )

    def _video(self) -> str:
        if not self.video:
            return ""
        first = self.ports["rtp"]
        return (
            f"[video]\nsip = {self.ports['sip']}\nviewers = {self.ports['viewers']}\n"
            f"rtp_first = {first}\nrtp_last = {first + 499}\n"
        )

    async def start(self) -> float:
        """Start it; return after how many seconds its console answered."""
        begin = time.monotonic()
        with (self.folder / "anju.log").open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "anju", "run", "--config", str(self.folder / "anju.toml"), stdout=log, stderr=log
            )
        await self.healthy()
        return time.monotonic() - begin

    async def healthy(self) -> None:
        """Return once its console and its intake answer from its database."""
        doors = [f"http://127.0.0.1:{self.ports[name]}/healthz" for name in ("web", "intake")]
        async with asyncio.timeout(READY_S), httpx2.AsyncClient(trust_env=False, timeout=1) as client:
            for door in doors:
                await self._answers(client, door)

    async def _answers(self, client: httpx2.AsyncClient, url: str) -> None:
        while True:
            if self.child and self.child.returncode is not None:
                raise RuntimeError(f"{self.name} ended: {(self.folder / 'anju.log').read_text()[-2000:]}")
            with contextlib.suppress(httpx2.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it as an operator would."""
        if self.child and self.child.returncode is None:
            self.child.terminate()
            await self.child.wait()

    def pids(self) -> dict[str, int]:
        """Return the process ids of the node by name, ``run`` being ``anju run`` itself."""
        told = json.loads((self.folder / "data" / "run" / "status.json").read_text())
        found = {name: each["pid"] for name, each in told["processes"].items() if each["pid"]}
        return {"run": told["pid"], **found}

    async def kill(self, name: str) -> float:
        """``kill -9`` that process; return after how many seconds the node answered again. ``run`` is started anew."""
        pid = self.pids()[name]
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        if name == "run":
            assert self.child
            await self.child.wait()
            await self.start()
            return time.monotonic() - begin
        while self.pids_now().get(name) in {None, pid}:
            await asyncio.sleep(0.02)
        await self.healthy()
        return time.monotonic() - begin

    def pids_now(self) -> dict[str, int]:
        """Like ``pids``; empty while the file is being written."""
        try:
            return self.pids()
        except (OSError, ValueError):
            return {}

    async def setup_token(self) -> str:
        """Return the token of the newest set-up link, once it was printed."""
        async with asyncio.timeout(READY_S):
            while True:
                found: list[str] = re.findall(r"#/setup\?token=(\S+)", (self.folder / "anju.log").read_text())
                if found:
                    return found[-1]
                await asyncio.sleep(0.05)

    def client(self) -> httpx2.AsyncClient:
        """Return a client that is not logged in."""
        return httpx2.AsyncClient(base_url=self.url, headers={"X-Anju": "1"}, trust_env=False, timeout=20)

    @asynccontextmanager
    async def as_(self, who: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a client logged in as one of the administrators, or the operator ``guard``."""
        password = f"{PASSWORD}-{who}"
        async with self.client() as client:
            body = {"username": f"{who}1", "password": password}
            checked(await client.post("/api/session", json=body))
            yield client

    async def set_up(self, panels: int) -> None:
        """Make the administrators and an operator for everything; give the node its places and panels."""
        async with self.client() as client:
            body = {"token": await self.setup_token(), "node_name": self.name, "accounts": ADMINISTRATORS}
            checked(await client.post("/api/setup", json=body))
        role = "shift_leader" if self.name == "community" else f"{self.name}_operator"
        await self.operator("guard", {"role": role, "scope_kind": "everything", "scope_value": ""})
        async with self.opened() as db, db.transaction() as tx:
            await registry_seed(tx, spec(self.name, panels), node=await this_node(tx), at=clock())

    async def operator(self, who: str, *grants: dict[str, str]) -> str:
        """Make the operator ``who`` with those grants, as two administrators would; return the account's id."""
        account = {"username": f"{who}1", "name": f"{who} 1", "class": "operator", "password": f"{PASSWORD}-first"}
        async with self.as_("system") as system:
            made = checked(await system.post("/api/users", json=account))
        await self.grant(made["id"], *grants)
        async with self.client() as client:
            checked(await client.post("/api/session", json={"username": f"{who}1", "password": f"{PASSWORD}-first"}))
            change = {"old": f"{PASSWORD}-first", "new": f"{PASSWORD}-{who}"}
            checked(await client.post("/api/session/password", json=change))
        return str(made["id"])

    async def grant(self, account: str, *grants: dict[str, str]) -> None:
        """Let ``account`` do what these grants say, and nothing else."""
        async with self.as_("security") as security:
            checked(await security.put(f"/api/users/{account}/grants", json={"grants": list(grants)}))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Give its database."""
        db = Database(self.database)
        await db.open()
        try:
            yield db
        finally:
            await db.close()

    async def count(self, query: str) -> Any:
        """Return the first column of the first row."""
        async with self.opened() as db:
            row = await db.fetch_one(query)
            return row[0] if row else None


_GIVEN = set[int]()


def quiet_port() -> int:
    """Return a free port, another one each time, of a range from which the system takes none for its own use."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port


def checked(answer: httpx2.Response) -> Any:
    """Return the JSON of ``answer``; a refusal ends the proof with its words."""
    if answer.status_code >= 300:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


async def pair(lower: Tier, upper: Tier, *, port: int = 0) -> None:
    """Pair two nodes as their administrators would, by the way of ``port`` where it is given."""
    async with upper.as_("system") as above, lower.as_("system") as below:
        offer = checked(await above.post("/api/links/pairing-codes", json={}))
        url = f"https://127.0.0.1:{port or upper.ports['docking']}"
        shown = checked(await below.post("/api/links/upper", json={"url": url, "code": offer["code"]}))
        assert shown["fingerprint"] == offer["fingerprint"], "somebody is in between"
        checked(await below.post("/api/links/upper/confirm", json={"fingerprint": shown["fingerprint"]}))
        region = "510802" if lower.name == "community" else "510800"
        checked(await above.post(f"/api/links/lower/{lower.name}/approve", json={"region": region}))


@asynccontextmanager
async def three_tiers(
    folder: Path, *, panels: int, video: bool = False, through: Callable[[int], Awaitable[int]] | None = None
) -> AsyncIterator[dict[str, Tier]]:
    """Give city, county and community, running, set up and paired.

    ``through`` takes the port of the county's door for nodes below and returns the one the community shall use.
    """
    tiers = {
        "city": Tier("city", folder / "city", "single", video=video),
        "county": Tier("county", folder / "county", "single", video=video),
        "community": Tier("community", folder / "community", "separate", video=video),
    }
    try:
        for tier in tiers.values():
            tier.write()
            await tier.start()
            await tier.set_up(panels)
        await pair(tiers["county"], tiers["city"])
        port = tiers["county"].ports["docking"]
        await pair(tiers["community"], tiers["county"], port=await through(port) if through else port)
        yield tiers
    finally:
        await asyncio.gather(*(tier.stop() for tier in tiers.values()))


__all__ = ["FIRST_PANEL", "Tier", "pair", "three_tiers"]
