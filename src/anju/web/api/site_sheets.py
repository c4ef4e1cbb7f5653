"""Places, devices and zones by spreadsheet: the site or an empty template out, a filled one looked at and taken in.

Source: 4.3 (data of places and devices in one form), 6.3.2-a (all data by rights).
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from anju.control.site_files import Asked, Plan, fresh
from anju.domain import site_sheets as form
from anju.domain.rights import Action, Located, Scope
from anju.domain.site_file import DeviceEntry, Problem, Site
from anju.domain.site_sheets import Rows
from anju.ops import spreadsheets
from anju.store import site_file as store
from anju.web.api.site_files import imported, plan_body, site_files, writable
from anju.web.context import Caller, Here, Me, Services
from anju.web.jobs import Job, start
from anju.web.tables import MEDIA, Form
from anju.web.words import Name

router = APIRouter(prefix="/site-sheets", tags=["site file"])
SECTIONS = ("place", "device")
FileName = Annotated[Name, Query(alias="name")]


@router.get("/export.xlsx")
async def export(me: Me, here: Here, *, empty: bool = False) -> Response:
    """Send places, devices and zones that the caller may see, or a template without rows; both with drop-downs.

    ``X-Anju-Rows`` says how many rows. 403 ``reauthenticate`` but for the template.
    """
    scope = await me.may(Action.SITE_EXPORT)
    seen = await _seen(here, scope)
    rows = {} if empty else seen.rows()
    count = sum(len(each) for each in rows.values())
    if not empty:
        await here.sessions.fresh(me.session)
        async with me.acting(Action.SITE_EXPORT, "xlsx", {"rows": count}):
            pass
    content = await asyncio.to_thread(spreadsheets.write, rows, seen.choices())
    name = f"anju-{here.node.id}-{'template' if empty else f'{here.clock():%Y%m%d-%H%M%S}'}.xlsx"
    headers = {"X-Anju-Rows": str(count), "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA[Form.XLSX], headers=headers)


@router.get("/counts")
async def counts(me: Me, here: Here) -> dict[str, Any]:
    """Say how many rows an export would have, before it is made."""
    rows = (await _seen(here, await me.may(Action.SITE_EXPORT))).rows()
    return {"counts": {name: len(each) for name, each in rows.items()}, "rows": sum(map(len, rows.values()))}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A part of a site, with the labels that its objects have in the whole."""

    site: Site
    places: dict[str, str]
    devices: dict[str, str]

    def rows(self) -> dict[str, list[list[Any]]]:
        """Return the cells of each sheet."""
        return form.rows_of(self.site, self.places, self.devices)

    def choices(self) -> dict[str, list[str]]:
        """Return what references may name."""
        places = [self.places[each.key] for each in self.site.entries["place"]]
        return {"place": places, "device": [self.devices[each.key] for each in self.site.entries["device"]]}


async def _seen(here: Services, scope: Scope) -> _Seen:
    """Return the site as far as it lies in ``scope``."""
    site, places = await store.read(here.db, here.node), await store.standing(here.db)
    seen = _Seen(site, form.labels(site), form.device_labels(site))
    held = {key for key, each in places.items() if scope.holds(Located(each.place_path, each.jurisdiction))}
    site.entries["place"] = [each for each in site.entries["place"] if each.key in held]
    devices = (each for each in site.entries["device"] if isinstance(each, DeviceEntry))
    site.entries["device"] = [each for each in devices if each.place in held]
    return seen


async def _rows(request: Request, name: str) -> Rows:
    """Return the rows of the uploaded file. Raises Invalid in words."""
    content = await request.body()
    return await asyncio.to_thread(spreadsheets.read, content, name)


async def _asked(here: Services, me: Caller, rows: Rows) -> Asked:
    """Return what is asked: it adds and changes within the caller's rights, and takes nothing out of use."""
    scopes = await writable(here, me)
    within = {section: scopes[section] for section in SECTIONS}
    return Asked("", retire=False, within=within, read=lambda now: form.merged(now, rows, fresh))


@router.post("/check")
async def check(request: Request, me: Me, here: Here, name: FileName = "") -> dict[str, Any]:
    """Show what a filled workbook or CSV file (the body) would do; every mistake with row and column."""
    await me.may(Action.SITE_IMPORT)
    rows = await _rows(request, name)
    plan = await site_files(here).plan(await _asked(here, me, rows))
    return sheet_body(plan) | {"rows": {sheet: len(each) for sheet, each in rows.items()}}


@router.post("/import", status_code=202)
async def import_file(request: Request, me: Me, here: Here, name: FileName = "") -> dict[str, Any]:
    """Begin taking in a workbook or CSV file (the body) in one transaction; return its job. 403 ``reauthenticate``."""
    await me.may(Action.SITE_IMPORT)
    await here.sessions.fresh(me.session)
    rows = await _rows(request, name)
    asked = await _asked(here, me, rows)
    total = len((await site_files(here).plan(asked)).differences)

    async def work(job: Job) -> dict[str, Any]:
        job.told("apply", 0, total)
        async with me.acting(Action.SITE_IMPORT, name or "sheet", {"changes": total}):
            plan = await site_files(here).apply(
                asked, by=me.principal.name, done=lambda done: job.told("apply", done, total)
            )
        await imported(here)
        return sheet_body(plan)

    return start(here, me, "site.import", work)


def sheet_body(plan: Plan) -> dict[str, Any]:
    """Return a plan with sheets, rows and columns instead of lines."""
    told = plan_body(plan)
    told["problems"] = [_problem(each) for each in plan.problems]
    for each in told["differences"]:
        spot = form.spot(each.pop("line"))
        each |= {"sheet": spot.sheet, "row": spot.row}
    return told


def _problem(each: Problem) -> dict[str, Any]:
    spot = form.spot(each.line)
    letter, heading = spreadsheets.column_words(spot.sheet, spot.column)
    return {
        "sheet": spot.sheet or each.section,
        "row": spot.row,
        "column": letter,
        "heading": heading,
        "key": each.key,
        "code": each.code,
        "message": each.message,
    }
