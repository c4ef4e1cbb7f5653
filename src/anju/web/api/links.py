"""Links to the tiers above and below: pairing, how they stand, daily accounts, resyncs, the ranking of communities.

Source: 4.2.1, 4.2.2 (platforms of three tiers), 6.3.3 (only known platforms exchange data).
"""

import asyncio
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from anju.domain.changes import Lane
from anju.domain.docking import Upper
from anju.domain.rights import EVERYWHERE, Action
from anju.errors import Conflict, Forbidden, NotFound, UpperAway
from anju.security.pairing import Code, LowerSide, UpperSide, key_fingerprint
from anju.store import cursors, docking, links, places, ranking, reconciliation
from anju.store import log as change_log
from anju.upward.docking import reconcile, upper_tier
from anju.upward.push import Pusher
from anju.web.context import Caller, Here, Me, Services
from anju.web.words import Body, Name
from anju.wire import tls

router = APIRouter(tags=["links"])
RESYNCS_MOST = 200
DAYS_MOST = 2_000  # rows of accounts in one answer
Address = Annotated[str, Field(min_length=10, max_length=200)]
Node = Annotated[str, Field(min_length=1, max_length=63)]


class UpperIn(Body):
    """The tier above by its address, and the code that was made there."""

    url: Address
    code: Annotated[str, Field(min_length=4, max_length=40)]


class FingerprintIn(Body):
    """What a person compared with the screen above."""

    fingerprint: Annotated[str, Field(min_length=1, max_length=200)]


class ApprovalIn(Body):
    """Under which place everything of the node lies; without it, under this node's topmost place."""

    region: Name | None = None


@router.get("/links")
async def standing(me: Me, here: Here) -> dict[str, Any]:
    """How this node stands to the tier above and to those below.

    ``own_fingerprint`` is of this node's key, as the tier above shows it; ``docking_fingerprint`` of the certificate
    of its door, as nodes below show it, '' where it has none.
    """
    scope = await me.may(Action.LINKS_READ)
    above = await links.upper(here.db)
    below = await links.lower_nodes(here.db, scope)
    return {
        "upper": await _upper(here, above) if above else None,
        "lower": [_lower(each) for each in below],
        "own_fingerprint": key_fingerprint(here.keys.public),
        "docking_fingerprint": await asyncio.to_thread(_door_fingerprint, here),
    }


@router.post("/links/pairing-codes")
async def make_code(me: Me, here: Here) -> Code:
    """Make a one-time code, good for ten minutes, for one node below."""
    await _everywhere(me)
    certificate = _door(here)
    if not certificate.is_file():
        raise Conflict("no_door", "this node takes no other in: its docking listener has not run yet")
    async with me.acting("links.code", here.node.id):
        side = UpperSide(here.db, here.node, certificate.read_text(), clock=here.clock)
        return await side.new_code(me.principal.id)


@router.post("/links/upper")
async def ask_upper(asked: UpperIn, me: Me, here: Here) -> dict[str, Any]:
    """Ask the tier above to take this node in; its fingerprint is then compared and confirmed by a person."""
    await _everywhere(me)
    async with me.acting("links.ask", asked.url):
        try:
            link = await LowerSide(here.db, here.node, here.keys, clock=here.clock).ask(asked.url, asked.code)
        except UpperAway as away:
            raise Conflict("upper_away", f"nobody answers there: {str(away)[:200]}") from away
    return {"state": link.state, "node": link.node, "name": link.name, "fingerprint": link.fingerprint}


@router.post("/links/upper/confirm")
async def confirm_upper(told: FingerprintIn, me: Me, here: Here) -> dict[str, Any]:
    """Link to the tier that was asked. 409 where the fingerprint is another."""
    await _everywhere(me)
    async with me.acting("links.confirm", told.fingerprint):
        side = LowerSide(here.db, here.node, here.keys, clock=here.clock)
        return await _upper(here, await side.confirm(told.fingerprint))


@router.delete("/links/upper", status_code=204)
async def leave_upper(me: Me, here: Here) -> None:
    """End the link upward. What was not sent stays in the log."""
    await _everywhere(me)
    async with me.acting("links.leave", "upper"), here.db.transaction() as tx:
        if not await links.drop_upper(tx):
            raise NotFound("no_upper", "this node has no tier above")


@router.post("/links/lower/{node}/approve", status_code=204)
async def approve(node: Node, me: Me, here: Here, told: ApprovalIn | None = None) -> None:
    """Take a node in that asked, everything of it to lie under ``region`` (a place's id)."""
    await _everywhere(me)
    region = told.region if told else None
    path = await _region(here, region)
    async with me.acting("links.approve", node, {"region": path}), here.db.transaction() as tx:
        if not await links.approve(tx, node, region=path, by=me.principal.id):
            raise NotFound("no_node", "no such node asked")


@router.post("/links/lower/{node}/revoke", status_code=204)
async def revoke(node: Node, me: Me, here: Here) -> None:
    """Take nothing more from a node. What it sent stays."""
    await _everywhere(me)
    async with me.acting("links.revoke", node), here.db.transaction() as tx:
        if not await links.revoke(tx, node):
            raise NotFound("no_node", "there is no such node")


@router.get("/links/reconciliation")
async def accounts(me: Me, here: Here, day: Annotated[date | None, Query()] = None) -> dict[str, Any]:
    """What was sent and what became of it, by node and kind: of one day, or of the latest days.

    ``marks`` are the last rows of each lane that both sides counted; ``whole`` is false while the day goes on.
    """
    scope = await me.may(Action.LINKS_READ)
    nodes = await links.nodes_in(here.db, scope)
    return {"items": await reconciliation.accounts(here.db, sorted(nodes), day=day, limit=DAYS_MOST), "next": None}


@router.post("/links/reconciliation/run")
async def run_reconciliation(me: Me, here: Here) -> dict[str, Any]:
    """Compare the accounts of the last week's days with the tier above, now: today's too, up to where it has them."""
    await _everywhere(me)
    link = await links.upper(here.db)
    if link is None:
        raise Conflict("no_upper", "the node below compares: this node has no tier above")
    async with (
        me.acting("links.reconcile", link.node),
        upper_tier(link, here.node, here.keys.sign, here.clock) as tier,
    ):
        pusher = Pusher(here.db, here.node, tier.push, upper=link.node)
        try:
            days = await reconcile(here.db, here.node, tier, link.node, pusher, now=here.clock(), again=True)
        except UpperAway as away:
            raise Conflict("upper_away", f"the tier above does not answer: {str(away)[:200]}") from away
    return {"days": days}


@router.get("/links/ranking")
async def ranked(me: Me, here: Here) -> dict[str, Any]:
    """The communities in the caller's scope, those that need attention first."""
    scope = await me.may(Action.LINKS_READ)
    found = await ranking.ranking(here.db, scope, now=here.clock())
    return {"items": [{**asdict(each), "online_rate": each.online_rate} for each in found], "next": None}


@router.get("/links/resyncs")
async def resyncs(me: Me, here: Here) -> dict[str, Any]:
    """Which rows were lost to retention and replaced by a snapshot, newest first."""
    nodes = await links.nodes_in(here.db, await me.may(Action.LINKS_READ))
    found = await docking.resyncs(here.db, sorted(nodes), limit=RESYNCS_MOST)
    return {"items": found, "next": None}


def _door(here: Services) -> Path:
    """Return where the certificate of this node's docking listener lies once that has run."""
    return here.data / "docking" / "docking.crt"


def _door_fingerprint(here: Services) -> str:
    door = _door(here)
    return tls.fingerprint(door.read_text()) if door.is_file() else ""


async def _everywhere(me: Caller) -> None:
    """Links reach over all places of a node: who may change them may do so everywhere."""
    if not (await me.may(Action.LINKS_WRITE)).everything:
        raise Forbidden("forbidden", "only who may do this everywhere may change links")


async def _region(here: Services, place_id: str | None) -> str:
    if place_id is None:
        return await links.root_path(here.db, here.node.id)
    return (await places.find(here.db, EVERYWHERE, place_id)).place_path


async def _upper(here: Services, link: Upper) -> dict[str, Any]:
    shown = asdict(link)
    del shown["certificate"]
    backlog, oldest = {}, []
    for lane in Lane:
        at = await cursors.position(here.db, f"upper:{link.node}", lane, epoch=here.node.epoch)
        backlog[lane.value] = await change_log.head(here.db, lane, here.node.epoch) - at.seq
        oldest += [row.at for row in await change_log.read(here.db, lane, here.node.epoch, at.seq, 1)]
    times = await links.upper_times(here.db)
    return {**shown, **times, "backlog": backlog, "delay_s": _age(here, min(oldest, default=None))}


def _age(here: Services, at: datetime | None) -> float:
    return max(0.0, (here.clock() - at).total_seconds()) if at else 0.0


def _lower(known: dict[str, Any]) -> dict[str, Any]:
    delay_ms = known.pop("delay_ms")
    return {**known, "delay_s": None if delay_ms is None else delay_ms / 1000}
