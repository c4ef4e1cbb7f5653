"""Where recordings lie and how long they last; recordings taken out as evidence, and the register of that.

Source: 5.4.1 (at least 30 days), 8 (share of cameras that are not HD), 4.2.1.2 (download), 6.3.2-c.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field
from starlette.responses import FileResponse
from uuid_utils.compat import uuid7

from anju.domain.recording import Source
from anju.domain.rights import Action
from anju.errors import Conflict, Invalid
from anju.store import channels, video_exports
from anju.store.channels import Filter
from anju.store.video_exports import Entry, Export
from anju.web import storage
from anju.web.context import Caller, Here, Me
from anju.web.paging import PageQuery
from anju.web.video_exports import exports_of
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/video", tags=["video"])
MOST = 500
LONGEST = timedelta(hours=12)
After = Annotated[Name, Query()]
Limit = Annotated[int, Query(ge=1, le=MOST)]


@router.get("/storage")
async def show_storage(me: Me, here: Here, cursor: After = "", limit: Limit = MOST) -> dict[str, Any]:
    """Disks, for those who keep cameras or the system, and what is kept of each camera the caller may see."""
    scope = await me.may(Action.VIDEO_READ)
    placed = await channels.page(here.db, scope, Filter(), after=cursor, limit=limit)
    found = await storage.kept(here.db, placed, now=here.clock())
    keeps = [await here.rights.may(me.principal, each) for each in (Action.VIDEO_WRITE, Action.SYSTEM_READ)]
    return {
        "volumes": await storage.disks(here.db) if any(keeps) else [],
        "channels": found,
        "non_hd_share": storage.non_hd_share(found),
        "next": placed[-1].channel.id if len(placed) == limit else None,
    }


def _two(officers: list[str]) -> list[str]:
    if len({each.strip() for each in officers} - {""}) < 2:
        raise ValueError("two different officers are named")
    return [each.strip() for each in officers]


Words = Annotated[Name, Field(min_length=1)]


class ExportIn(Body):
    """What is taken out, and for whom: the entry of the register (调阅登记)."""

    channel_id: Name
    start: Time
    end: Time
    source: Source = Source.PLATFORM
    reason: Annotated[Note, Field(min_length=1)]
    document: Words
    unit: Words
    officers: Annotated[list[Words], Field(min_length=2, max_length=2), AfterValidator(_two)]


@router.post("/exports", status_code=202)
async def take_out(wanted: ExportIn, me: Me, here: Here) -> dict[str, Any]:
    """Begin to take a recording of at most 12 hours out. 403 ``reauthenticate``; 409 on a node without video."""
    making = exports_of(here)
    placed = await channels.find(here.db, await me.may(Action.VIDEO_EXPORT), wanted.channel_id)
    await here.sessions.fresh(me.session)
    if not timedelta(0) < wanted.end - wanted.start <= LONGEST:
        raise Invalid("bad_span", "an export ends after it begins, within 12 hours")
    entry = _entry(wanted, placed, me, here)
    detail = wanted.model_dump(mode="json") | {"export": entry.id}
    async with me.acting("video.export", wanted.channel_id, detail):
        await video_exports.add(here.db, entry)
    making.wake()
    return _export(await video_exports.find(here.db, await me.may(Action.VIDEO_EXPORT), entry.id))


@router.get("/exports")
async def register(page: PageQuery, me: Me, here: Here) -> dict[str, Any]:
    """Who took what out, newest first; the register stays when the files are gone after a week."""
    scope = await me.may(Action.VIDEO_EXPORT)
    before = (page.before[0], str(page.before[1]))
    rows = [_export(each) for each in await video_exports.page(here.db, scope, before=before, limit=page.limit)]
    return page.answer(rows, lambda row: (row["created_at"].isoformat(), row["id"]))


@router.get("/exports/{export_id}/file", response_class=FileResponse)
async def taken_out(export_id: Name, me: Me, here: Here) -> FileResponse:
    """The zip: clips, sound, manifest, SHA256SUMS, the entry of the register. 409 ``not_ready``."""
    found = await video_exports.find(here.db, await me.may(Action.VIDEO_EXPORT), export_id)
    path = exports_of(here).path(found.entry.id)
    if found.state != "done" or not path.is_file():
        raise Conflict("not_ready", f"there is no file: the export is {found.state}")
    async with me.acting("video.export_fetch", found.entry.channel_id, {"export": export_id}):
        return FileResponse(path, media_type="application/zip", filename=f"evidence-{export_id}.zip")


def _entry(wanted: ExportIn, placed: channels.Placed, me: Caller, here: Here) -> Entry:
    at = placed.channel
    return Entry(
        id=str(uuid7()),
        channel_id=at.id,
        channel_name=at.name,
        site_id=at.site_id,
        place_path=at.place_path,
        jurisdiction=at.jurisdiction,
        start_at=wanted.start,
        end_at=wanted.end,
        source=wanted.source,
        reason=wanted.reason,
        document=wanted.document,
        unit=wanted.unit,
        officers=wanted.officers,
        by_id=me.principal.id,
        by_name=me.principal.name,
        created_at=here.clock(),
    )


def _export(found: Export) -> dict[str, Any]:
    entry = found.entry
    told = ("channel_id", "channel_name", "source", "reason", "document", "unit", "officers", "created_at", "id")
    far = ("state", "code", "done", "total", "size", "sha256", "finished_at")
    return {
        **{name: getattr(entry, name) for name in told},
        **{name: getattr(found, name) for name in far},
        "start": entry.start_at,
        "end": entry.end_at,
        "by": {"id": entry.by_id, "name": entry.by_name},
    }
