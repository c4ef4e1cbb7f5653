"""Long work of the caller: how far it is, and its end."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from anju.web.context import Here, Me
from anju.web.jobs import jobs
from anju.web.words import Name

router = APIRouter(prefix="/jobs", tags=["jobs"])
Kind = Annotated[str, Query(max_length=32)]


@router.get("")
async def list_jobs(me: Me, here: Here, kind: Kind = "") -> dict[str, Any]:
    """List the caller's own jobs in this process, newest first."""
    return {"items": [each.body() for each in jobs(here).of(me.principal.id, kind)], "next": None}


@router.get("/{job_id}")
async def one(job_id: Name, me: Me, here: Here, wait_s: Annotated[float, Query(ge=0, le=20)] = 0) -> dict[str, Any]:
    """Show one of the caller's own jobs; with ``wait_s`` once it has ended, or after so many seconds."""
    return (await jobs(here).wait(me.principal.id, job_id, wait_s)).body()


@router.post("/{job_id}/cancel")
async def cancel(job_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """Stop one of the caller's own jobs; nothing of it is kept."""
    return (await jobs(here).cancel(me.principal.id, job_id)).body()
