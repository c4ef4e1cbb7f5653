"""What the identity routes share: who proves himself, who changes accounts; made once for each web process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from anju.bus.nats import Bus
from anju.errors import Forbidden
from anju.security.accounts import Accounts
from anju.security.login import Login
from anju.security.passwords import Passwords
from anju.security.sealing import Sealer
from anju.web.context import Caller, Here, Services


@dataclass(frozen=True, slots=True)
class Identity:
    """Log-in and accounts of this node."""

    login: Login
    accounts: Accounts


def make_identity(here: Services, passwords: Passwords, sealer: Sealer) -> Identity:
    """Put the parts together."""
    parts = (here.db, here.sessions.policies, passwords, sealer)
    return Identity(Login(*parts, clock=here.clock), Accounts(*parts, clock=here.clock))


def identity(here: Here) -> Identity:
    """Return this process's; made on first use."""
    found = here.more.get("identity")
    if not isinstance(found, Identity):
        sealer = here.more.get("sealer")
        found = make_identity(here, Passwords(), sealer if isinstance(sealer, Sealer) else Sealer(here.data / "keys"))
        here.more["identity"] = found
    return found


Id = Annotated[Identity, Depends(identity)]


def agent(request: Request) -> str:
    """Return what the browser says it is, cut to what is kept."""
    return request.headers.get("user-agent", "")[:200]


async def administer(me: Caller, action: str) -> None:
    """Ask for a right over accounts, roles, policies or the operator log.

    They belong to the node, to no place: only a grant over everything counts. Raises Forbidden.
    """
    scope = await me.may(action)
    if not scope.everything:
        raise Forbidden("forbidden", f"{action} needs a grant over everything")


def unlocked(me: Caller) -> None:
    """Raise Forbidden ``locked`` at a locked desk."""
    if me.session.locked:
        raise Forbidden("locked", "the desk is locked: unlock it first")


async def rights_changed(here: Services) -> None:
    """Ask rights again here at once, and wake the other processes; they would notice within 2 s by themselves."""
    await here.rights.refresh()
    bus = here.more.get("bus")
    if isinstance(bus, Bus):
        await bus.tell("rights")
