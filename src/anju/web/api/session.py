"""Log-in, log-out, the locked desk, change of guard, and what a person does to his own account.

Source: 6.3.1.
"""

from collections.abc import Awaitable
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from anju.domain import policies as keys
from anju.domain.identity import MOST_PASSWORD
from anju.domain.rights import Action, Principal
from anju.errors import Refused
from anju.security.login import Proved
from anju.security.sessions import Session
from anju.store import accounts, roles
from anju.store import sessions as store
from anju.web.context import COOKIE, Here, Me, Services
from anju.web.identity import Id, agent, unlocked

router = APIRouter(prefix="/session", tags=["session"])
MOST_LAYOUT = 16_384  # characters of its JSON


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogIn(_Body):
    """User name and password, and the one-time code where the account has one."""

    username: str = Field(max_length=64)
    password: str = Field(max_length=MOST_PASSWORD)
    totp: str = Field("", max_length=6, pattern=r"^([0-9]{6})?$")


class Unlock(_Body):
    """PIN or password of who is logged in."""

    pin_or_password: str = Field(max_length=MOST_PASSWORD)


class Switch(Unlock):
    """Who takes over the desk."""

    username: str = Field(max_length=64)


class Password(_Body):
    """The password, given again."""

    password: str = Field(max_length=MOST_PASSWORD)


class NewPassword(_Body):
    """Old and new password."""

    old: str = Field(max_length=MOST_PASSWORD)
    new: str = Field(max_length=MOST_PASSWORD)


class NewPin(Password):
    """The password and a PIN; an empty PIN removes it."""

    pin: str = Field(max_length=12)


class Code(_Body):
    """A one-time code."""

    code: str = Field(pattern=r"^[0-9]{6}$")


class Preferences(_Body):
    """What to keep; what is left out stays."""

    language: Literal["zh", "en"] | None = None
    theme: Literal["dark", "light"] | None = None
    layout: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Preferences":
        if self.layout is not None and len(str(self.layout)) > MOST_LAYOUT:
            raise ValueError(f"a layout has at most {MOST_LAYOUT} characters")
        return self


@router.get("")
async def current(me: Me) -> dict[str, Any]:
    """Say who is logged in, what he may do, and how the desk stands."""
    return await _view(me.services, me.session, me.principal)


@router.post("")
async def log_in(asked: LogIn, request: Request, response: Response, here: Here, identity: Id) -> dict[str, Any]:
    """Log in. 401 ``bad_login`` or ``totp_needed``; 423 ``locked_out`` with ``until``; 429 where too many wait.

    Source: 6.3.1.
    """
    proving = identity.login.by_password(asked.username, asked.password, asked.totp)
    proved = await _told(here, request, "session.login", asked.username, proving)
    return await _begin(here, request, response, proved)


@router.delete("", status_code=204)
async def log_out(me: Me, response: Response) -> None:
    """Log out."""
    async with me.acting("session.logout", me.principal.id):
        await me.services.sessions.end(me.session)
    response.delete_cookie(COOKIE, path="/")


@router.post("/lock", status_code=204)
async def lock(me: Me) -> None:
    """Lock the desk: alarms, their sound and acknowledging stay."""
    async with me.acting("session.lock", me.principal.id):
        await me.services.sessions.lock(me.session)


@router.post("/unlock", status_code=204)
async def unlock(asked: Unlock, me: Me, identity: Id) -> None:
    """Unlock by PIN or password. 401 ``bad_login``, 423 ``locked_out``."""
    async with me.acting("session.unlock", me.principal.id):
        proved = await identity.login.again(me.principal.id, asked.pin_or_password, pin=True)
        await me.services.sessions.unlock(me.session, proved=proved)


@router.post("/switch")
async def switch(asked: Switch, request: Request, response: Response, me: Me, identity: Id) -> dict[str, Any]:
    """Change the guard: the new one is in, the old one out, the desk stays laid out as it is."""
    proving = identity.login.by_pin_or_password(asked.username, asked.pin_or_password)
    leaves = {"leaves": me.principal.name}
    proved = await _told(me.services, request, "session.switch", asked.username, proving, leaves)
    return await _begin(me.services, request, response, proved, instead_of=me.session)


@router.post("/reauthenticate", status_code=204)
async def reauthenticate(asked: Password, me: Me, identity: Id) -> None:
    """Give the password again, before an export or a setting."""
    unlocked(me)
    async with me.acting("session.reauthenticate", me.principal.id):
        await identity.login.again(me.principal.id, asked.password)
        await me.services.sessions.reauthenticated(me.session)


@router.patch("/preferences", status_code=204)
async def prefer(asked: Preferences, me: Me) -> None:
    """Keep language, theme or layout. They are the person's own: a locked desk keeps them too."""
    async with me.services.db.transaction() as tx:
        await accounts.prefer(tx, me.principal.id, me.session.id_hash, **asked.model_dump())


@router.post("/password", status_code=204)
async def change_password(asked: NewPassword, me: Me, identity: Id) -> None:
    """Change the own password; all other sessions of the account end. 422 ``weak_password``, 409 ``used_before``."""
    unlocked(me)
    async with me.acting("session.password", me.principal.id):
        await identity.login.again(me.principal.id, asked.old)
        await identity.accounts.change_own_password(me.principal.id, asked.new, keep=me.session.id_hash)
    await me.services.rights.refresh()


@router.post("/pin", status_code=204)
async def set_pin(asked: NewPin, me: Me, identity: Id) -> None:
    """Set the PIN that unlocks the own desk. 403 ``no_pin`` for administrators, 422 ``weak_pin``."""
    unlocked(me)
    async with me.acting("session.pin", me.principal.id):
        await identity.login.again(me.principal.id, asked.password)
        await identity.accounts.set_pin(me.principal.id, asked.pin)


@router.post("/totp")
async def begin_totp(me: Me, identity: Id) -> dict[str, str]:
    """Hand out a one-time-password secret, once. Needs re-authentication."""
    unlocked(me)
    await me.services.sessions.fresh(me.session)
    async with me.acting("session.totp", me.principal.id, {"step": "begun"}):
        secret, uri = await identity.accounts.begin_totp(me.principal.id)
    return {"secret": secret, "uri": uri}


@router.post("/totp/confirm", status_code=204)
async def confirm_totp(asked: Code, me: Me, identity: Id) -> None:
    """Put it in force with its first code."""
    unlocked(me)
    async with me.acting("session.totp", me.principal.id, {"step": "confirmed"}):
        await identity.accounts.confirm_totp(me.principal.id, asked.code)


@router.delete("/totp", status_code=204)
async def end_totp(me: Me, identity: Id) -> None:
    """Give one-time codes up. Needs re-authentication."""
    unlocked(me)
    await me.services.sessions.fresh(me.session)
    async with me.acting("session.totp", me.principal.id, {"step": "ended"}):
        await identity.accounts.end_totp(me.principal.id)


@router.get("/sessions")
async def own_sessions(me: Me) -> dict[str, Any]:
    """List the own live sessions, newest first."""
    found = await store.of_account(me.services.db, me.principal.id)
    return {"items": [{**each, "current": each["id"] == me.session.id} for each in found], "next": None}


async def _told(
    here: Services,
    request: Request,
    action: str,
    username: str,
    proving: Awaitable[Proved],
    detail: dict[str, Any] | None = None,
) -> Proved:
    """Return who came in, written into the operator log; so is whose name was tried in vain, and why."""
    peer, name = _peer(request), "".join(each for each in username.strip() if each.isprintable())[:64]
    try:
        proved = await proving
    except Refused as refusal:
        stranger = Principal("", name, "account", node=here.node.id)
        why = {**(detail or {}), "reason": refusal.code}
        await here.operator_log.write(stranger, action, name, why, outcome="refused", peer=peer)
        raise
    who = Principal(proved.account.id, proved.account.name, "account", node=here.node.id)
    how = {**(detail or {}), "by": "password" if proved.by_password else "pin"}
    await here.operator_log.write(who, action, proved.account.username, how, outcome="done", peer=peer)
    return proved


async def _begin(
    here: Services, request: Request, response: Response, proved: Proved, *, instead_of: Session | None = None
) -> dict[str, Any]:
    """Begin the session, hand out its cookie, and say who it is."""
    token = await here.sessions.open(
        proved.account.id,
        proved=proved.by_password,
        peer=_peer(request),
        agent=agent(request),
        instead_of=instead_of,
    )
    await here.rights.refresh()
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")
    found = await here.sessions.find(token)
    if found is None:
        raise Refused("ended", "the session ended at once: log in again")
    return await _view(here, *found)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _view(here: Services, session: Session, who: Principal) -> dict[str, Any]:
    account = await accounts.find(here.db, who.id)
    granted = await roles.grants(here.db, who.id)
    names = {role.id: role.name for role in await roles.all_roles(here.db)}
    may = [str(action) for action in Action if await here.rights.may(who, action)]
    policies = here.sessions.policies
    return {
        "account": {
            "id": account.id,
            "username": account.username,
            "name": account.name,
            "class": account.account_class,
            "roles": sorted({names.get(each.role, each.role) for each in granted}),
            "actions": may,
            "language": account.language,
            "theme": account.theme,
            "layout": await store.layout(here.db, session.id_hash),
            "must_change": account.must_change,
            "totp": account.totp_secret is not None,
            "pin": bool(account.pin_hash),
        },
        "node": {"id": here.node.id, "name": here.node.name, "tier": here.node.tier},
        "locked": session.locked,
        "reauthenticated": await here.sessions.is_fresh(session),
        "expires_at": session.expires_at.isoformat(),
        "policies": {
            "idle_minutes": await policies.number(keys.IDLE_MINUTES),
            "reauthentication_minutes": await policies.number(keys.FRESH_MINUTES),
            "pin_allowed": await policies.get(keys.PIN_ALLOWED),
            "pin_least_length": await policies.number(keys.PIN_LENGTH),
            "password_least_length": await policies.number(keys.LEAST_LENGTH),
            "password_least_classes": await policies.number(keys.LEAST_CLASSES),
        },
    }
