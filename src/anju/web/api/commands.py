"""Commands to devices, what became of them, and which of them the tiers above may give.

Source: 5.1.2.4 (control of devices), 6.3.2-c (operations logged).
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from uuid_utils.compat import uuid7

from anju.control.corridor import Corridor, Target
from anju.domain.commands import (
    DEADLINE_MOST,
    GRANT_MOST,
    CommandState,
    DeviceAction,
    check_device_command,
)
from anju.domain.rights import Action, Located
from anju.errors import Invalid, NotFound
from anju.store import commands, devices, places
from anju.store.commands import Grant
from anju.web.context import Here, Me, Services
from anju.web.paging import PageQuery
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/commands", tags=["commands"])
NEEDS = {
    DeviceAction.ARM: Action.COMMANDS_ARM,
    DeviceAction.DISARM: Action.COMMANDS_ARM,
    DeviceAction.OUTPUT: Action.COMMANDS_OUTPUT,
    DeviceAction.PTZ: Action.VIDEO_PTZ,
}


class Wanted(Body):
    """What is wanted of a device, within ``deadline_s`` seconds."""

    action: DeviceAction
    target_kind: Literal["device"] = "device"
    target_id: Name
    body: dict[str, Any] = Field(default={}, max_length=10)
    deadline_s: int = Field(30, ge=1, le=int(DEADLINE_MOST.total_seconds()))


class GrantBody(Body):
    """Open devices below a place to the tiers above, for one action, for a reason, for a time."""

    action: DeviceAction
    place_id: Name
    reason: Note
    expires_at: Time


def corridor(here: Services) -> Corridor:
    """Return the node's corridor."""
    found: Corridor = here.more["corridor"]
    return found


@router.get("")
async def list_commands(
    page: PageQuery, me: Me, here: Here, state: CommandState | None = None, target: Annotated[Name, Query()] = ""
) -> dict[str, Any]:
    """Commands, newest first."""
    scope = await me.may(Action.ALARMS_READ)
    states = [state] if state else None
    found = await commands.page(
        here.db, scope, target_id=target or None, states=states, before=page.before, limit=page.limit
    )
    return page.answer([commands.body(each) for each in found], lambda row: (row["wanted_at"], row["id"]))


@router.post("", status_code=202)
async def want(told: Wanted, me: Me, here: Here) -> dict[str, Any]:
    """Want something of a device: answered at once, the outcome comes as a change of the command."""
    scope = await me.may(NEEDS[told.action])
    device = await devices.find(here.db, scope, told.target_id)
    if device.retired_at is not None:
        raise NotFound("no_device", "this device is retired")
    if told.action is DeviceAction.PTZ:
        raise Invalid("wrong_address", "a camera is turned at its own address, where its lock is kept")
    body = check_device_command(told.action, told.body, device.kind)
    target = Target("device", device.id, device.site_id, device.place_path, device.jurisdiction, device.home_node)
    async with me.acting(f"commands.{told.action}", device.id, body):
        within = timedelta(seconds=told.deadline_s)
        command = await corridor(here).want(me.principal, told.action, target, body, within=within)
    return commands.body(command)


@router.get("/grants")
async def list_grants(me: Me, here: Here) -> dict[str, Any]:
    """What the tiers above may do here, and what they might before."""
    scope = await me.may(Action.COMMANDS_OUTPUT)
    return {"items": [_grant(each) for each in await commands.grants(here.db, scope)], "next": None}


@router.post("/grants", status_code=201)
async def grant(told: GrantBody, me: Me, here: Here) -> dict[str, Any]:
    """Let the tiers above do one thing to the devices below a place, for a time; the password is asked again."""
    scope = await me.may(Action.COMMANDS_OUTPUT)
    place = await places.find(here.db, scope, told.place_id)
    await me.may(NEEDS[told.action], Located(place.place_path, place.jurisdiction))
    await here.sessions.fresh(me.session)
    at = here.clock()
    if not told.reason.strip():
        raise Invalid("reason_needed", "a grant needs a reason")
    if not at < told.expires_at <= at + GRANT_MOST:
        raise Invalid("expires_at", f"a grant ends within {GRANT_MOST.days} days")
    given = Grant(uuid7(), told.action, place.place_path, told.reason, me.principal.name, at, told.expires_at)
    async with me.acting("commands.grant", place.id, _grant(given)), here.db.transaction() as tx:
        await commands.grant(tx, given)
    return _grant(given)


@router.post("/grants/{grant_id}/revoke", status_code=204)
async def revoke(grant_id: UUID, me: Me, here: Here) -> None:
    """Take a grant back."""
    scope = await me.may(Action.COMMANDS_OUTPUT)
    async with me.acting("commands.revoke", str(grant_id)), here.db.transaction() as tx:
        await commands.revoke(tx, scope, grant_id, at=here.clock())


@router.get("/{command_id}")
async def one(command_id: UUID, me: Me, here: Here) -> dict[str, Any]:
    """One command and how far it came."""
    return commands.body(await commands.find(here.db, await me.may(Action.ALARMS_READ), command_id))


def _grant(given: Grant) -> dict[str, Any]:
    times = {"granted_at": given.granted_at, "expires_at": given.expires_at, "revoked_at": given.revoked_at}
    plain = {"id": str(given.id), "action": given.action, "place_path": given.place_path, "reason": given.reason}
    return {**plain, "granted_by": given.granted_by, **{n: t.isoformat() if t else None for n, t in times.items()}}
