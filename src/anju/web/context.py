"""What every route is handed: the node's services, who calls, and the one question «may you».

Source: 6.3.2-a (every function and all data by rights).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from anju.control.desk import AlarmDesk
from anju.domain.changes import Lane
from anju.domain.rights import Located, Principal, Scope
from anju.errors import Forbidden, Unauthenticated
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.rights import Rights
from anju.security.sessions import Session, Sessions
from anju.store.database import Database
from anju.store.log import NodeId

COOKIE = "anju_session"
Told = Callable[[frozenset[Lane]], Awaitable[None]]


@dataclass(slots=True)
class Services:
    """One node's services, made by ``app`` and shared by all routes of its web process.

    ``told`` wakes whoever follows the log, after a commit that wrote to those lanes. ``more`` holds what only one
    router needs, by that router's name.
    """

    db: Database
    node: NodeId
    data: Path
    keys: NodeKeys
    clock: Callable[[], datetime]
    told: Told
    rights: Rights
    sessions: Sessions
    operator_log: OperatorLog
    desk: AlarmDesk
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an account with a live session."""

    principal: Principal
    session: Session
    peer: str
    services: Services

    async def may(self, action: str, at: Located | None = None) -> Scope:
        """Return where the caller may do ``action``. Raises Forbidden where that is nowhere, or not ``at``.

        A locked desk (``session.locked``) may only see and acknowledge alarms.
        """
        if self.session.locked and action not in self.services.sessions.allowed_while_locked:
            raise Forbidden("locked", "the desk is locked: unlock it first")
        scope = await self.services.rights.may(self.principal, action)
        if not scope or (at is not None and not scope.holds(at)):
            raise Forbidden("forbidden", f"you have no right to {action} here")
        return scope

    @asynccontextmanager
    async def acting(self, action: str, target: str, detail: dict[str, Any] | None = None) -> AsyncIterator[None]:
        """Write the operator log around what the block does: intent before, outcome after."""
        log = self.services.operator_log
        async with log.acting(self.principal, action, target, detail, peer=self.peer):
            yield


def services(request: Request) -> Services:
    """Return the services of this web process."""
    found: Services = request.app.state.services
    return found


async def caller(request: Request) -> Caller:
    """Return who calls. Raises Unauthenticated without a live session."""
    here = services(request)
    token = request.cookies.get(COOKIE, "")
    peer = request.client.host if request.client else ""
    found = await here.sessions.find(token) if token else None
    if found is None:
        raise Unauthenticated("no_session", "log in first")
    session, principal = found
    return Caller(principal, session, peer, here)


Here = Annotated[Services, Depends(services)]
Me = Annotated[Caller, Depends(caller)]
