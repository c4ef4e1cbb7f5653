"""The operator log: read, verified, exported by the audit administrator; changed by nobody.

Source: 6.3.2 (operations logged, unalterable).
"""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from anju.domain.rights import Action
from anju.errors import Invalid
from anju.security import audit
from anju.store import operator_log as store
from anju.store.database import Database
from anju.store.operator_log import Filter, Row
from anju.web.context import Me
from anju.web.identity import administer

router = APIRouter(prefix="/operator_log", tags=["operator log"])
_NEWEST = 2**62
_HEADINGS = ("seq", "at", "principal", "name", "node", "action", "target", "outcome", "peer", "detail", "sha256")
MOST_SHOWN = 1_000  # anchors

Text = Annotated[str, Query(max_length=64)]


def wanted(
    principal: Text = "",
    action: Text = "",
    outcome: Annotated[str, Query(pattern="^(intent|done|refused|failed)?$")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    q: Text = "",
) -> Filter:
    """Return which rows were asked for."""
    return Filter(principal, action, outcome, since, until, q)


Wanted = Annotated[Filter, Depends(wanted)]


@router.get("")
async def list_rows(
    asked: Wanted,
    me: Me,
    cursor: Annotated[str, Query(max_length=20)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List rows, newest first."""
    await administer(me, Action.OPERATOR_LOG_READ)
    if cursor and not (cursor.isascii() and cursor.isdigit() and int(cursor) < _NEWEST):
        raise Invalid("cursor", "this mark is none of ours: begin at the first page")
    found = await store.page(me.services.db, asked, before=int(cursor or _NEWEST), limit=limit)
    rest = str(found[-1].seq) if len(found) == limit else None
    return {"items": [_json(each) for each in found], "next": rest}


@router.post("/verify")
async def verify(me: Me) -> dict[str, Any]:
    """Prove the whole log against the anchors that the tier above holds, and say what nobody vouches for yet.

    Source: 6.3.2.
    """
    await administer(me, Action.OPERATOR_LOG_VERIFY)
    here = me.services
    async with me.acting("operator_log.verify", here.node.id):
        by = await audit.held(here.db, here.keys, here.node.id, here.more.get("anchors"))
        proof = await audit.prove(here.db, by)
    if proof.ok:
        await here.operator_log.keep_head(here.clock())
    return {
        "ok": proof.ok,
        "checked": proof.verdict.checked,
        "unanchored_rows": proof.verdict.unanchored,
        "first_broken": proof.verdict.first_broken,
        "message": proof.message,
        "anchors": proof.anchors,
        "source": proof.source,
        "outside": by.outside,
    }


@router.get("/anchors")
async def list_anchors(me: Me) -> dict[str, Any]:
    """List the newest anchors of this log that are known here, with where they are held."""
    await administer(me, Action.OPERATOR_LOG_READ)
    here = me.services
    by = await audit.held(here.db, here.keys, here.node.id, here.more.get("anchors"))
    kept = {each.seq: each.received_at for each in await store.heads(here.db, here.node.id, limit=MOST_SHOWN)}
    newest = sorted(by.anchors, key=lambda each: each.seq, reverse=True)[:MOST_SHOWN]
    items = [
        {
            "node": each.node,
            "seq": each.seq,
            "sha256": each.sha256.hex(),
            "sm3": each.sm3.hex(),
            "received_at": kept.get(each.seq),
            "outside": by.outside,
        }
        for each in newest
    ]
    return {"items": items, "next": None, "source": by.source}


@router.get("/export.csv")
async def export(asked: Wanted, me: Me) -> StreamingResponse:
    """Send the rows asked for, oldest first, as CSV with a byte-order mark; ``X-Anju-Rows`` says how many.

    403 ``reauthenticate``. The export itself is written into the log before the first row leaves.
    """
    await administer(me, Action.OPERATOR_LOG_READ)
    await me.services.sessions.fresh(me.session)
    newest = await store.last(me.services.db)
    upto = newest[0] if newest else 0
    rows = await store.count(me.services.db, asked, upto=upto)
    asked_for = {name: str(getattr(asked, name) or "") for name in asked.__slots__}
    async with me.acting("operator_log.export", me.services.node.id, {**asked_for, "rows": rows}):
        lines = _lines(me.services.db, asked, upto)
    headers = {"X-Anju-Rows": str(rows), "Content-Disposition": 'attachment; filename="operator_log.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(db: Database, asked: Filter, upto: int) -> AsyncIterator[str]:
    yield "\ufeff" + _line(_HEADINGS)
    async for row in store.wanted_rows(db, asked, upto=upto):
        who = (row.principal_id, row.principal_name, row.principal_node)
        what = (row.action, row.target, row.outcome, row.peer, row.detail, row.hash.hex())
        yield _line((str(row.seq), row.at.isoformat(), *who, *what))


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_tame(each) for each in cells])
    return text.getvalue()


def _tame(cell: str) -> str:
    """Return ``cell`` so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _json(row: Row) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at,
        "principal_id": row.principal_id,
        "principal_name": row.principal_name,
        "principal_node": row.principal_node,
        "action": row.action,
        "target": row.target,
        "outcome": row.outcome,
        "peer": row.peer,
        "detail": _detail(row.detail),
        "hash": row.hash.hex(),
    }


def _detail(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # somebody forged it; show what stands there
        return text
