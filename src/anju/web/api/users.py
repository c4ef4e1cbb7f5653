"""Accounts: made by the system administrator without any right, granted by the security administrator.

Source: 4.2.1.1, 6.3.2.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from anju.domain import policies as keys
from anju.domain.identity import MOST_PASSWORD, AccountClass, is_username, looks_shared, masked_phone
from anju.domain.rights import Action, ScopeKind
from anju.errors import Forbidden, Invalid
from anju.security.accounts import AskedGrant, NewAccount
from anju.store import accounts as store
from anju.store.accounts import ACTIVE, Listed
from anju.web.context import Me
from anju.web.identity import Id, Identity, administer, rights_changed

router = APIRouter(prefix="/users", tags=["users"])

MOST_GRANTS = 200
MOST_REPORTED = 5_000  # accounts
SHARED_WITHIN = timedelta(days=30)
Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
Phone = Annotated[str, Field(max_length=20, pattern=r"^(\+?[0-9 -]{6,20})?$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Grant(_Body):
    """A role somewhere, perhaps until a time."""

    role: str = Field(max_length=40)
    scope_kind: ScopeKind
    scope_value: str = Field("", max_length=400)
    expires_at: AwareDatetime | None = None


class Grants(_Body):
    """All that an account shall be granted."""

    grants: list[Grant] = Field(max_length=MOST_GRANTS)


class NewUser(_Body):
    """An account to be made."""

    username: str = Field(max_length=64)
    name: Name
    account_class: AccountClass = Field(alias="class")
    password: str = Field(max_length=MOST_PASSWORD)
    expires_at: AwareDatetime | None = None
    phone: Phone = ""
    grants: list[Grant] = Field([], max_length=MOST_GRANTS)


class UserChange(_Body):
    """What to change; what is left out stays."""

    name: Name = ""
    expires_at: AwareDatetime | None = None
    phone: Phone = ""


class NewPassword(_Body):
    """A password to be changed at the next log-in; empty: one is made up and told once."""

    password: str = Field("", max_length=MOST_PASSWORD)


class Reason(_Body):
    """Why somebody wants to see it."""

    reason: str = Field(min_length=2, max_length=200, pattern=r"\S")


@router.get("")
async def list_users(
    me: Me,
    identity: Id,
    account_class: Annotated[AccountClass | None, Query(alias="class")] = None,
    state: Annotated[str | None, Query(pattern="^(active|disabled)$")] = None,
    q: Annotated[str, Query(max_length=64)] = "",
    cursor: Annotated[str, Query(max_length=32)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List accounts by user name."""
    await administer(me, Action.USERS_READ)
    if cursor and not is_username(cursor):
        raise Invalid("cursor", "this mark is none of ours: begin at the first page")
    found = await store.page(
        me.services.db,
        at=me.services.clock(),
        after=cursor,
        limit=limit,
        classes=[account_class] if account_class else None,
        state=state,
        q=q,
    )
    rest = found[-1].account.username if len(found) == limit else None
    return {"items": [_json(each, identity) for each in found], "next": rest}


@router.post("", status_code=201)
async def create(asked: NewUser, me: Me, identity: Id) -> dict[str, Any]:
    """Make an account without any right; its password must be changed at the first log-in.

    403 ``separated`` with grants: only the security administrator grants, and he makes no accounts.
    """
    await administer(me, Action.USERS_WRITE)
    if asked.grants:
        raise Forbidden("separated", "an account is made without rights: the security administrator grants them")
    new = NewAccount(
        asked.username, asked.name, asked.account_class, asked.password, asked.expires_at, asked.phone.strip()
    )
    detail = asked.model_dump(mode="json", exclude={"password", "phone", "grants"})
    async with me.acting("users.create", asked.username[:64], detail):
        account_id = await identity.accounts.create(new)
    return await _one(me, identity, account_id)


@router.get("/report")
async def report(me: Me) -> dict[str, Any]:
    """List active accounts that look stale or shared, with the reasons.

    Source: 4.2.1.1.
    """
    await administer(me, Action.USERS_READ)
    at = me.services.clock()
    stale = timedelta(days=await me.services.sessions.policies.number(keys.STALE_DAYS))
    peers = await store.peers_at_once(me.services.db, since=at - SHARED_WITHIN)
    found = await store.page(me.services.db, at=at, after="", limit=MOST_REPORTED, state=ACTIVE)
    suspects = [(each, list(_suspicious(each, at, stale, peers))) for each in found]
    items = [
        {
            "id": each.account.id,
            "username": each.account.username,
            "name": each.account.name,
            "class": each.account.account_class,
            "state": each.account.state,
            "last_login_at": each.account.last_login_at,
            "reasons": reasons,
            "peers": peers.get(each.account.id, []),
        }
        for each, reasons in suspects
        if reasons
    ]
    return {"items": items, "next": None}


@router.get("/{account_id}")
async def find(account_id: str, me: Me, identity: Id) -> dict[str, Any]:
    """One account."""
    await administer(me, Action.USERS_READ)
    return await _one(me, identity, account_id)


@router.patch("/{account_id}")
async def change(account_id: str, asked: UserChange, me: Me, identity: Id) -> dict[str, Any]:
    """Change name, end or phone."""
    await administer(me, Action.USERS_WRITE)
    wanted = asked.model_dump(exclude_unset=True)
    told = {**asked.model_dump(mode="json", exclude_unset=True), **({"phone": "changed"} if "phone" in wanted else {})}
    async with me.acting("users.change", account_id, told):
        await identity.accounts.change(me.principal, account_id, wanted)
    await rights_changed(me.services)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/disable")
async def disable(account_id: str, me: Me, identity: Id) -> dict[str, Any]:
    """Shut an account out; its sessions end with the same commit. 409 ``last_administrator``."""
    await administer(me, Action.USERS_WRITE)
    async with me.acting("users.disable", account_id):
        await identity.accounts.disable(me.principal, account_id)
    await rights_changed(me.services)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/enable")
async def enable(account_id: str, me: Me, identity: Id) -> dict[str, Any]:
    """Let an account in again."""
    await administer(me, Action.USERS_WRITE)
    async with me.acting("users.enable", account_id):
        await identity.accounts.enable(me.principal, account_id)
    await rights_changed(me.services)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/unlock")
async def unlock(account_id: str, me: Me, identity: Id) -> dict[str, Any]:
    """End a lock-out before its time."""
    await administer(me, Action.USERS_WRITE)
    async with me.acting("users.unlock", account_id):
        await identity.accounts.unlock(me.principal, account_id)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/end_sessions")
async def end_sessions(account_id: str, me: Me, identity: Id) -> dict[str, Any]:
    """End all sessions of an account."""
    await administer(me, Action.USERS_WRITE)
    async with me.acting("users.end_sessions", account_id):
        await identity.accounts.end_sessions(account_id)
    await rights_changed(me.services)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/reset_password")
async def reset_password(account_id: str, asked: NewPassword, me: Me, identity: Id) -> dict[str, Any]:
    """Set a password that must be changed; the answer tells it once. One-time codes, PIN and sessions end.

    System administrators reset operators and each other; security and audit administrators only their own class.
    """
    colleague = me.session.account_class in {AccountClass.SECURITY, AccountClass.AUDIT}
    await administer(me, Action.USERS_READ if colleague else Action.USERS_WRITE)
    await me.services.sessions.fresh(me.session)
    async with me.acting("users.reset_password", account_id):
        password = await identity.accounts.reset_password(me.principal, account_id, asked.password)
    await rights_changed(me.services)
    return {**await _one(me, identity, account_id), "password": password}


@router.put("/{account_id}/grants")
async def grant(account_id: str, asked: Grants, me: Me, identity: Id) -> dict[str, Any]:
    """Make these all the grants of an account. 403 for oneself and across classes; 409 ``last_administrator``.

    Source: 6.3.2.
    """
    await administer(me, Action.ROLES_WRITE)
    await me.services.sessions.fresh(me.session)
    wanted = [AskedGrant(each.role, each.scope_kind, each.scope_value, each.expires_at) for each in asked.grants]
    async with me.acting("users.grant", account_id, asked.model_dump(mode="json")):
        await identity.accounts.grant(me.principal, account_id, wanted)
    await rights_changed(me.services)
    return await _one(me, identity, account_id)


@router.post("/{account_id}/phone")
async def reveal_phone(account_id: str, asked: Reason, me: Me, identity: Id) -> dict[str, str]:
    """Show a phone number in clear, for a reason that is kept."""
    await administer(me, Action.USERS_READ)
    await administer(me, Action.PERSONAL_REVEAL)
    async with me.acting("personal.reveal", account_id, {"field": "phone", "reason": asked.reason}):
        return {"phone": identity.accounts.phone(await store.find(me.services.db, account_id))}


def _suspicious(listed: Listed, at: datetime, stale: timedelta, peers: dict[str, list[str]]) -> Iterator[str]:
    account = listed.account
    if account.expires_at is not None and account.expires_at <= at:
        yield "expired"
    if account.last_login_at is None and at - account.created_at >= stale:
        yield "never_used"
    if account.last_login_at is not None and at - account.last_login_at >= stale:
        yield "stale"
    if account.id in peers:
        yield "shared"
    if looks_shared(account.username, account.name):
        yield "shared_name"
    if not listed.grants:
        yield "no_grants"
    if account.locked_until is not None and account.locked_until > at:
        yield "locked"


async def _one(me: Me, identity: Identity, account_id: str) -> dict[str, Any]:
    return _json(await store.listed(me.services.db, account_id, at=me.services.clock()), identity)


def _json(listed: Listed, identity: Identity) -> dict[str, Any]:
    account = listed.account
    return {
        "id": account.id,
        "username": account.username,
        "name": account.name,
        "class": account.account_class,
        "state": account.state,
        "must_change": account.must_change,
        "locked_until": account.locked_until,
        "expires_at": account.expires_at,
        "last_login_at": account.last_login_at,
        "password_changed_at": account.password_changed_at,
        "created_at": account.created_at,
        "totp": account.totp_secret is not None,
        "pin": bool(account.pin_hash),
        "phone": masked_phone(identity.accounts.phone(account)) if account.phone else "",
        "sessions": listed.sessions,
        "grants": listed.grants,
        "version": account.version,
    }
