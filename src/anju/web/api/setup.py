"""Set-up, once: the node's name and its three administrators."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from anju.domain.changes import Lane
from anju.domain.identity import MOST_PASSWORD, AccountClass
from anju.domain.rights import Principal
from anju.security import setup
from anju.security.accounts import NewAccount
from anju.web.context import Here
from anju.web.identity import Id

router = APIRouter(tags=["setup"])


class Administrator(BaseModel):
    """One of the three."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)
    account_class: AccountClass = Field(alias="class")
    username: str = Field(max_length=32)
    name: str = Field(min_length=1, max_length=40, pattern=r"\S")
    password: str = Field(max_length=MOST_PASSWORD)


class SetUp(BaseModel):
    """What the set-up page sends."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(max_length=100)
    node_name: str = Field(min_length=1, max_length=60, pattern=r"\S")
    accounts: Annotated[list[Administrator], Field(min_length=1, max_length=3)]


@router.get("/setup")
async def ask(here: Here) -> dict[str, Any]:
    """Say whether this node waits for its set-up, and which node it is."""
    node = {"id": here.node.id, "name": here.node.name, "tier": here.node.tier}
    return {"needed": await setup.needed(here.db), "node": node}


@router.post("/setup", status_code=204)
async def set_up(asked: SetUp, request: Request, here: Here, identity: Id) -> None:
    """Make the three administrators. 403 ``bad_link``; 409 once there is an account; 422 on weak passwords.

    Source: 6.3.1, 6.3.2.
    """
    who = Principal("setup", "set-up link", "system", node=here.node.id)
    peer = request.client.host if request.client else ""
    wanted = [NewAccount(each.username, each.name, each.account_class, each.password) for each in asked.accounts]
    detail = {"node_name": asked.node_name, "administrators": {e.account_class: e.username for e in asked.accounts}}
    async with here.operator_log.acting(who, "setup", here.node.id, detail, peer=peer):
        await setup.set_up(
            here.db, identity.accounts, asked.token, node_name=asked.node_name, wanted=wanted, clock=here.clock
        )
    here.node = replace(here.node, name=asked.node_name.strip())
    await here.rights.refresh()
    await here.told(frozenset({Lane.BULK}))
