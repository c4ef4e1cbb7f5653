"""A node's API without a socket: the real services on a real database, called in the test's own event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from anju.control.corridor import Corridor
from anju.control.desk import AlarmDesk
from anju.domain.changes import Lane
from anju.domain.identity import AccountClass
from anju.domain.rights import ScopeKind
from anju.security import setup
from anju.security.accounts import ANJU, AskedGrant, NewAccount
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.passwords import Passwords
from anju.security.policies import Policies
from anju.security.rights import Rights
from anju.security.sealing import Sealer
from anju.security.sessions import Sessions
from anju.store.database import Database
from anju.store.log import NodeId
from anju.web.context import Services
from anju.web.identity import Identity, make_identity
from anju.web.server import make_app
from tests.conftest import FrozenClock

PASSWORD = "Quiet-River-71"
ADMINISTRATORS = [
    NewAccount("wangxt", "王系统", AccountClass.SYSTEM, PASSWORD + "a"),
    NewAccount("zhaoaq", "赵安全", AccountClass.SECURITY, PASSWORD + "b"),
    NewAccount("sunsj", "孙审计", AccountClass.AUDIT, PASSWORD + "c"),
]


@dataclass(slots=True)
class Web:
    """A node's web process. ``woken`` holds the lanes whose followers were woken."""

    services: Services
    app: FastAPI
    woken: list[frozenset[Lane]]
    stack: AsyncExitStack

    @property
    def identity(self) -> Identity:
        """The parts that prove and change accounts."""
        found: Identity = self.services.more["identity"]
        return found

    async def client(self) -> httpx2.AsyncClient:
        """Return a browser that is not logged in."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(transport=transport, base_url="http://anju.test", headers={"X-Anju": "1"})
        return await self.stack.enter_async_context(client)

    async def login(self, username: str, password: str = PASSWORD) -> httpx2.AsyncClient:
        """Return a browser that is logged in."""
        client = await self.client()
        answer = await client.post("/api/session", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return client

    async def set_up(self) -> None:
        """Make the three administrators and the built-in roles."""
        token = await setup.make_link(self.services.db, clock=self.services.clock)
        accounts = self.identity.accounts
        name, clock = self.services.node.name, self.services.clock
        await setup.set_up(self.services.db, accounts, token, node_name=name, wanted=ADMINISTRATORS, clock=clock)

    async def account(self, username: str, *grants: AskedGrant, name: str = "") -> str:
        """Make an operator with ``grants`` and ``PASSWORD``; return the account's id."""
        new = NewAccount(username, name or f"操作员{username}", AccountClass.OPERATOR, PASSWORD)
        account_id = await self.identity.accounts.create(new, must_change=False)
        await self.identity.accounts.grant(ANJU, account_id, grants)
        await self.services.rights.refresh()
        return account_id


def everywhere(role: str) -> AskedGrant:
    """Return the grant of a role over everything."""
    return AskedGrant(role, ScopeKind.EVERYTHING)


def at_place(role: str, place_path: str) -> AskedGrant:
    """Return the grant of a role in a subtree; its place must be there."""
    return AskedGrant(role, ScopeKind.PLACE, place_path)


MakeWeb = Callable[..., Awaitable[Web]]


@pytest_asyncio.fixture(loop_scope="session")
async def client_for(tmp_path: Path) -> AsyncIterator[MakeWeb]:
    """Make the web process of a node; ``more`` goes into its services."""
    async with AsyncExitStack() as stack:

        async def make(db: Database, node: NodeId, clock: FrozenClock, **more: Any) -> Web:
            woken: list[frozenset[Lane]] = []

            async def told(lanes: frozenset[Lane]) -> None:
                woken.append(lanes)

            keys = NodeKeys.load_or_make(tmp_path / node.id)
            operator_log = OperatorLog(db, keys, node=node.id)
            corridor = Corridor(db, node, operator_log, told, clock)
            policies = Policies(db, timer=lambda: clock().timestamp())
            services = Services(
                db=db,
                node=node,
                data=tmp_path / node.id,
                keys=keys,
                clock=clock,
                told=told,
                rights=Rights(db, clock=clock, timer=lambda: clock().timestamp()),
                sessions=Sessions(db, policies, clock=clock),
                operator_log=operator_log,
                desk=AlarmDesk(db, node, corridor, operator_log, told, clock),
                more={"corridor": corridor, **more},
            )
            cheap = Passwords(memory_kib=8, rounds=1)
            services.more["identity"] = make_identity(services, cheap, Sealer(tmp_path / node.id / "keys"))
            return Web(services, make_app(services), woken, stack)

        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def web(client_for: MakeWeb, db: Database, node: NodeId, clock: FrozenClock) -> Web:
    """The web process of a node that is set up."""
    made = await client_for(db, node, clock)
    await made.set_up()
    return made
