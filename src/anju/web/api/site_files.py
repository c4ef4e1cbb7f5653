"""The whole site as one text file: out, looked at, in.

Whoever imports changes what he has the rights for; the rest is told as left out, for another administrator.
Source: 4.2.1 (one management of all devices), 6.3.2 (administrators apart).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from anju.control.site_files import Asked, Plan, SiteFiles
from anju.domain import site_file as form
from anju.domain.changes import Lane
from anju.domain.rights import Action, Scope
from anju.domain.site_file import Difference, Problem
from anju.security.sealing import Sealer
from anju.store import roles
from anju.web.context import Caller, Here, Me, Services
from anju.web.identity import administer, rights_changed
from anju.web.jobs import Job, start
from anju.web.words import Body

router = APIRouter(prefix="/site-file", tags=["site file"])
MOST_SHOWN = 1_000  # differences of one answer
Secret = Annotated[str, Field(max_length=200)]
RIGHTS = {
    "policies": Action.POLICIES_WRITE,
    "jurisdiction": Action.PLACES_WRITE,
    "place": Action.PLACES_WRITE,
    "code_segment": Action.DEVICES_WRITE,
    "role": Action.ROLES_WRITE,
    "device": Action.DEVICES_WRITE,
    "linkage": Action.LINKAGE_WRITE,
    "watch": Action.WATCH_WRITE,
}


class ExportBody(Body):
    """With a passphrase credentials are in the file, sealed."""

    passphrase: Secret = ""


class ImportBody(Body):
    """A file and what to do with it."""

    text: Annotated[str, Field(max_length=4_000_000)]
    passphrase: Secret = ""
    retire: bool = True
    clone: bool = False


def site_files(here: Services) -> SiteFiles:
    """Return what reads and writes this node's site files."""
    sealer = here.more.get("sealer")
    if not isinstance(sealer, Sealer):
        sealer = here.more["sealer"] = Sealer(here.data / "keys")
    return SiteFiles(here.db, here.node, sealer, clock=here.clock)


async def writable(here: Services, me: Caller) -> dict[str, Scope]:
    """Return where the caller may write each section."""
    return {section: await here.rights.may(me.principal, action) for section, action in RIGHTS.items()}


async def _asked(here: Services, me: Caller, body: ImportBody) -> Asked:
    holds = await roles.held(here.db, me.principal.id)
    return Asked(body.text, body.passphrase, body.retire, body.clone, await writable(here, me), holds)


@router.post("/export")
async def export(body: ExportBody, me: Me, here: Here) -> Response:
    """Send the whole site as text; ``X-Anju-Rows`` says how many objects. 403 ``reauthenticate``."""
    await administer(me, Action.SITE_EXPORT)
    await here.sessions.fresh(me.session)
    async with me.acting(Action.SITE_EXPORT, here.node.id, {"sealed": bool(body.passphrase)}):
        text, counted = await site_files(here).export(body.passphrase)
    name = f"anju-{here.node.id}-{here.clock():%Y%m%d-%H%M%S}.toml"
    headers = {"X-Anju-Rows": str(sum(counted.values())), "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/toml; charset=utf-8", headers=headers)


@router.get("/counts")
async def counts(me: Me, here: Here) -> dict[str, Any]:
    """Say how much an export would hold, before it is made."""
    await administer(me, Action.SITE_EXPORT)
    _, counted = await site_files(here).export()
    return {"counts": counted, "rows": sum(counted.values())}


@router.post("/check")
async def check(body: ImportBody, me: Me, here: Here) -> dict[str, Any]:
    """Show what an import would do: adds, changes, retires, problems by line. Nothing is written."""
    await administer(me, Action.SITE_IMPORT)
    return plan_body(await site_files(here).plan(await _asked(here, me, body)))


@router.post("/import", status_code=202)
async def import_file(body: ImportBody, me: Me, here: Here) -> dict[str, Any]:
    """Begin the import, in one transaction, and return its job. 403 ``reauthenticate``."""
    await administer(me, Action.SITE_IMPORT)
    await here.sessions.fresh(me.session)
    asked = await _asked(here, me, body)
    total = len((await site_files(here).plan(asked)).differences)

    async def work(job: Job) -> dict[str, Any]:
        job.told("apply", 0, total)
        detail = {"bytes": len(body.text), "retire": body.retire, "clone": body.clone, "changes": total}
        async with me.acting(Action.SITE_IMPORT, here.node.id, detail):
            plan = await site_files(here).apply(
                asked, by=me.principal.name, done=lambda done: job.told("apply", done, total)
            )
        await imported(here)
        return plan_body(plan)

    return start(here, me, "site.import", work)


async def imported(here: Services) -> None:
    """Wake whoever follows the log, and let rights be asked anew."""
    await here.told(frozenset({Lane.ALARMS, Lane.BULK}))
    await rights_changed(here)


def plan_body(plan: Plan) -> dict[str, Any]:
    """Return a plan as the console sees it; long lists are cut, the counts are whole."""
    return {
        "ok": not plan.problems,
        "problems": [problem_body(each) for each in plan.problems],
        "counts": form.counts(plan.differences),
        "total": len(plan.differences),
        "differences": [_difference(each) for each in plan.differences[:MOST_SHOWN]],
        "left_out": form.counts(plan.left_out),
        "left_out_total": len(plan.left_out),
        "again": [{"id": key, "name": name} for key, name in plan.again],
    }


def problem_body(each: Problem) -> dict[str, Any]:
    """Return a problem as the console sees it."""
    return {name: getattr(each, name) for name in ("line", "section", "key", "code", "message")}


def _difference(each: Difference) -> dict[str, Any]:
    told = {name: getattr(each, name) for name in ("section", "key", "title", "what", "line")}
    fields = [{"name": name, "before": before, "after": after} for name, before, after in each.fields]
    return {**told, "fields": fields}
