"""How this node's own processes stand: which run, since when, how often they had to be started again.

Source: 8 (operation and maintenance: the platform's own state is shown).
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from anju.domain.rights import Action
from anju.web.context import Here, Me

router = APIRouter(tags=["system"])


@router.get("/system/processes")
async def processes(me: Me, here: Here) -> dict[str, Any]:
    """Every process of this node with its number of starts and how it ended last; needs ``system.read``."""
    await me.may(Action.SYSTEM_READ)
    return {"items": await asyncio.to_thread(_standing, here.data / "run" / "status.json")}


def _standing(path: Path) -> list[dict[str, Any]]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    return [{"name": name, **each} for name, each in told["processes"].items()]
