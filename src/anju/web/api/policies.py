"""Policies: every parameter of security, shown with its bounds, set by the security administrator.

Source: 6.3.1 (parameters configured by security policy).
"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt

from anju.domain.policies import POLICIES, Policy
from anju.domain.rights import Action
from anju.errors import NotFound
from anju.store import policies as store
from anju.store.policies import Setting
from anju.web.context import Me
from anju.web.identity import administer

router = APIRouter(prefix="/policies", tags=["policies"])


class NewValue(BaseModel):
    """A value to be set."""

    model_config = ConfigDict(extra="forbid")
    value: StrictBool | StrictInt


@router.get("")
async def list_policies(me: Me) -> list[dict[str, Any]]:
    """List all policies with the values in force."""
    await administer(me, Action.POLICIES_READ)
    found = await store.settings(me.services.db)
    return [await _json(me, policy, found.get(key)) for key, policy in POLICIES.items()]


@router.put("/{key}")
async def set_policy(key: str, asked: NewValue, me: Me) -> dict[str, Any]:
    """Set one policy, for all processes within 2 s. 403 ``reauthenticate``; 422 out of bounds."""
    await administer(me, Action.POLICIES_WRITE)
    await me.services.sessions.fresh(me.session)
    policies = me.services.sessions.policies
    if key not in POLICIES:
        raise NotFound("no_policy", "there is no such policy")
    value = POLICIES[key].check(asked.value)
    async with me.acting("policies.write", key, {"from": await policies.get(key), "to": value}):
        async with me.services.db.transaction() as tx:
            await store.put(tx, key, value, by=me.principal.name, at=me.services.clock())
        await policies.refresh()
    found = await store.settings(me.services.db)
    return await _json(me, POLICIES[key], found.get(key))


async def _json(me: Me, policy: Policy, setting: Setting | None) -> dict[str, Any]:
    return {
        "key": policy.key,
        "value": await me.services.sessions.policies.get(policy.key),
        "default": policy.default,
        "kind": policy.kind,
        "least": policy.least,
        "most": policy.most,
        "unit": policy.unit,
        "zh": policy.zh,
        "en": policy.en,
        "updated_by": setting.updated_by if setting else "",
        "updated_at": setting.updated_at if setting else None,
    }
