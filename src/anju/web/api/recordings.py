"""Where recordings lie and how long they last.

Source: 5.4.1 (at least 30 days), 8 (share of cameras that are not HD).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from anju.domain.rights import Action
from anju.store import channels
from anju.store.channels import Filter
from anju.web import storage
from anju.web.context import Here, Me
from anju.web.words import Name

router = APIRouter(prefix="/video", tags=["video"])
MOST = 500
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
