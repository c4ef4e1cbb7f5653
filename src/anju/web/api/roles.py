"""Roles: named sets of actions, each for accounts of one class."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from anju.domain.identity import ACTIONS, AccountClass
from anju.domain.rights import Action
from anju.security.roles import Roles
from anju.store import roles as store
from anju.store.roles import Role
from anju.web.context import Me
from anju.web.identity import administer, rights_changed

router = APIRouter(prefix="/roles", tags=["roles"])

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
Actions = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=len(Action))]


class NewRole(BaseModel):
    """A role to be made."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    name_en: str = Field("", max_length=60)
    account_class: AccountClass = Field(alias="class")
    actions: Actions


class RoleChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    name_en: str | None = Field(None, max_length=60)
    actions: Actions | None = None


@router.get("")
async def list_roles(me: Me) -> dict[str, Any]:
    """List all roles, the built-in ones first, the retired ones last."""
    await administer(me, Action.ROLES_READ)
    return {"items": [_json(each) for each in await store.all_roles(me.services.db)], "next": None}


@router.get("/actions")
async def list_actions(me: Me) -> list[dict[str, Any]]:
    """List every action there is, in words, with the classes whose roles may hold it."""
    await administer(me, Action.ROLES_READ)
    return [
        {
            "action": action,
            "zh": words.zh,
            "en": words.en,
            "class": next(each for each in AccountClass if each in words.classes),
            "classes": [each for each in AccountClass if each in words.classes],
        }
        for action, words in ACTIONS.items()
    ]


@router.post("", status_code=201)
async def create(asked: NewRole, me: Me) -> dict[str, Any]:
    """Make a role. 422 ``separated`` for an action that is not for its class."""
    await administer(me, Action.ROLES_WRITE)
    await me.services.sessions.fresh(me.session)
    async with me.acting("roles.create", asked.name, asked.model_dump(mode="json")):
        roles = Roles(me.services.db, clock=me.services.clock)
        role_id = await roles.create(asked.name, asked.name_en, asked.account_class, asked.actions)
    return _json(await store.find(me.services.db, role_id))


@router.get("/{role_id}")
async def find(role_id: str, me: Me) -> dict[str, Any]:
    """One role."""
    await administer(me, Action.ROLES_READ)
    return _json(await store.find(me.services.db, role_id))


@router.patch("/{role_id}")
async def change(role_id: str, asked: RoleChange, me: Me) -> dict[str, Any]:
    """Change a role for everybody who has it. 403 ``builtin`` or ``yourself``."""
    await administer(me, Action.ROLES_WRITE)
    await me.services.sessions.fresh(me.session)
    wanted = asked.model_dump(exclude_unset=True)
    async with me.acting("roles.change", role_id, wanted):
        await Roles(me.services.db, clock=me.services.clock).change(me.principal, role_id, **wanted)
    await rights_changed(me.services)
    return _json(await store.find(me.services.db, role_id))


@router.post("/{role_id}/retire")
async def retire(role_id: str, me: Me) -> dict[str, Any]:
    """End a role; its grants count no more. 403 ``builtin`` or ``yourself``."""
    await administer(me, Action.ROLES_WRITE)
    await me.services.sessions.fresh(me.session)
    async with me.acting("roles.retire", role_id):
        await Roles(me.services.db, clock=me.services.clock).retire(me.principal, role_id)
    await rights_changed(me.services)
    return _json(await store.find(me.services.db, role_id))


def _json(role: Role) -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "name_en": role.name_en,
        "class": role.account_class,
        "actions": list(role.actions),
        "builtin": role.builtin,
        "version": role.version,
        "retired_at": role.retired_at,
    }
