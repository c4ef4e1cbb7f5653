"""Arrangements of pictures: a person's own and the shared ones; cameras beyond the reader's rights are left blank.

Source: 5.4.2 (several pictures at once), 6.3.2 (no data without rights).
"""

import re
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import AfterValidator, Field

from anju.domain.rights import Action
from anju.store import channels
from anju.store import video_layouts as store
from anju.store.video_layouts import Layout, Wanted
from anju.web.context import Caller, Here, Me
from anju.web.words import Body, Name

router = APIRouter(prefix="/video/layouts", tags=["video"])
MOST_BYTES, MOST_DEEP = 32 * 1024, 12
_CHANNEL = re.compile(r"c[a-z2-7]{12}")


def _small(body: dict[str, Any]) -> dict[str, Any]:
    if len(msgspec.json.encode(body)) > MOST_BYTES:
        raise ValueError(f"a layout has at most {MOST_BYTES} bytes")
    if _deep(body) > MOST_DEEP:
        raise ValueError(f"a layout is at most {MOST_DEEP} deep")
    if "\\u0000" in msgspec.json.encode(body).decode():
        raise ValueError("text cannot hold the character NUL")
    return body


def _deep(body: Any, so_far: int = 0) -> int:
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return so_far if so_far > MOST_DEEP else max((_deep(each, so_far + 1) for each in inner), default=so_far)


class LayoutIn(Body):
    """An arrangement to keep."""

    name: Annotated[Name, Field(min_length=1)]
    shared: bool = False
    body: Annotated[dict[str, Any], AfterValidator(_small)]
    version: int | None = None


@router.get("")
async def list_layouts(me: Me, here: Here) -> dict[str, Any]:
    """The caller's own layouts, then those others share."""
    scope = await me.may(Action.VIDEO_READ)
    found = await store.seen_by(here.db, me.principal.id)
    named = {name for each in found for name in _named(each.body)}
    seen = await channels.inside(here.db, scope, named)
    return {"items": [_shown(each, me, seen) for each in found], "next": None}


@router.post("", status_code=201)
async def add(wanted: LayoutIn, me: Me, here: Here) -> dict[str, Any]:
    """Keep a layout. Sharing it needs the right to keep cameras."""
    await _may(me, wanted)
    async with me.acting("video.layout_add", wanted.name, {"shared": wanted.shared}), here.db.transaction() as tx:
        made = await store.add(tx, me.principal, _read(wanted), at=here.clock())
    return _shown(made, me, _named(made.body))


@router.put("/{layout_id}")
async def change(layout_id: Name, wanted: LayoutIn, me: Me, here: Here) -> dict[str, Any]:
    """Change one of the caller's own. 409 ``changed_meanwhile``."""
    await _may(me, wanted)
    async with me.acting("video.layout_change", layout_id, {"shared": wanted.shared}), here.db.transaction() as tx:
        made = await store.change(
            tx, me.principal.id, layout_id, _read(wanted), version=wanted.version, at=here.clock()
        )
    return _shown(made, me, _named(made.body))


@router.delete("/{layout_id}", status_code=204)
async def remove(layout_id: Name, me: Me, here: Here) -> None:
    """Remove one of the caller's own."""
    await me.may(Action.VIDEO_READ)
    async with me.acting("video.layout_remove", layout_id), here.db.transaction() as tx:
        await store.remove(tx, me.principal.id, layout_id)


async def _may(me: Caller, wanted: LayoutIn) -> None:
    await me.may(Action.VIDEO_READ)
    if wanted.shared:
        await me.may(Action.VIDEO_WRITE)


def _read(wanted: LayoutIn) -> Wanted:
    return Wanted(wanted.name, wanted.shared, wanted.body)


def _shown(layout: Layout, me: Caller, seen: Collection[str]) -> dict[str, Any]:
    return {
        "id": layout.id,
        "name": layout.name,
        "shared": layout.shared,
        "own": layout.owner_id == me.principal.id,
        "owner_name": layout.owner_name,
        "body": _blanked(layout.body, seen),
        "version": layout.version,
        "updated_at": layout.updated_at,
    }


def _named(body: Any) -> set[str]:
    """Return the ids of cameras anywhere in ``body``."""
    if isinstance(body, str):
        return {body} if _CHANNEL.fullmatch(body) else set()
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return {name for each in inner for name in _named(each)}


def _blanked(body: Any, seen: Collection[str]) -> Any:
    """Return ``body`` with the ids of other cameras than ``seen`` left blank."""
    if isinstance(body, str):
        return "" if _CHANNEL.fullmatch(body) and body not in seen else body
    if isinstance(body, dict):
        return {name: _blanked(each, seen) for name, each in body.items()}
    return [_blanked(each, seen) for each in body] if isinstance(body, list) else body
