"""Platforms above by GB/T 28181: where this node registers as a lower platform, and what of it each of them sees.

Source: 4.2.1, 5.4.3 (interface to video networks above); 6.3.3 (only known platforms exchange data).
"""

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from anju.domain.cascade import (
    CHANNELS_MOST,
    DIRECTORIES_MOST,
    UPPER_WORDS,
    Directory,
    Tree,
    Upper,
    check_platform,
)
from anju.domain.devices import Words
from anju.domain.rights import Action, Located, Scope
from anju.errors import Forbidden
from anju.store import cascade
from anju.store.cascade import Sealed, Share
from anju.web.context import Caller, Here, Me, Services
from anju.web.sealed import sealer
from anju.web.words import Body, Name

router = APIRouter(tags=["uppers"])
Id = Annotated[str, Field(min_length=1, max_length=63)]
Code = Annotated[str, Field(pattern=r"^[0-9]{20}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Text = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Password = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f]*$")]


class _Told(Body):
    """What may be told of a platform above; nothing of what is left out changes."""

    name: Text | None = None
    code: Code | None = None
    domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")] | None = None
    host: Host | None = None
    own_code: Code | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    transport: Literal["udp", "tcp"] | None = None
    username: Annotated[str, Field(max_length=64, pattern=r'^[^\x00-\x1f"]*$')] | None = None
    charset: Literal["GB2312", "GB18030", "UTF-8"] | None = None
    gb_version: Literal["1.0", "1.1", "2.0", "3.0"] | None = None
    expires_s: Annotated[int, Field(ge=60, le=604_800)] | None = None
    keepalive_s: Annotated[int, Field(ge=5, le=3_600)] | None = None
    keepalive_missed: Annotated[int, Field(ge=1, le=255)] | None = None
    enabled: bool | None = None
    ptz: bool | None = None
    playback: bool | None = None
    alarm_level: Annotated[int, Field(ge=0, le=4)] | None = None
    password: Password | None = None

    def values(self) -> dict[str, Any]:
        """Return what was told, without the password."""
        return self.model_dump(exclude_none=True, exclude={"password", "version"})


class UpperIn(_Told):
    """A new one. ``domain`` is the first ten digits of its code, ``own_code`` this node's, unless told otherwise."""

    name: Text
    code: Code
    host: Host
    password: Password


class UpperChange(_Told):
    """What changes; ``version`` is what the caller saw."""

    version: int | None = None


class DirectoryIn(Body):
    """A business group (type 215) or a virtual organisation (216); ``parent`` is another one's code or our own."""

    code: Code
    parent: Code
    name: Text


class ShareIn(Body):
    """One camera; ``code`` and ``directory`` are empty for its own code and for directly under our platform."""

    channel_id: Id
    code: Annotated[str, Field(pattern=r"^([0-9]{20})?$")] = ""
    directory: Annotated[str, Field(pattern=r"^([0-9]{20})?$")] = ""


class SharesIn(Body):
    """What an upper sees: every camera under ``places`` (none: all), in a tree by place, or the ``chosen`` ones."""

    mode: Literal["places", "chosen"]
    places: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    directories: Annotated[tuple[DirectoryIn, ...], Field(max_length=DIRECTORIES_MOST)] = ()
    channels: Annotated[tuple[ShareIn, ...], Field(max_length=CHANNELS_MOST)] = ()


@router.get("/video/uppers")
async def list_uppers(me: Me, here: Here) -> dict[str, Any]:
    """All platforms above, by name, and how this node stands at each."""
    await me.may(Action.LINKS_READ)
    found = await cascade.uppers(here.db)
    return {"items": [_body(each) for each in found], "next": None, "own_code": _own_code(here)}


@router.post("/video/uppers", status_code=201)
async def add_upper(told: UpperIn, me: Me, here: Here) -> dict[str, Any]:
    """Register at a platform above from now on. 409 where this node does so already."""
    await _everywhere(me)
    values = {"domain": told.code[:10], "own_code": _own_code(here), **told.values()}
    check_platform(values["own_code"])
    upper = Upper(cascade.new_upper_id(), **values)
    sealed = _seal(here, upper.id, told.password)
    async with me.acting("uppers.add", upper.id, _logged(values)), here.db.transaction() as tx:
        added = await cascade.add(tx, upper, sealed, node=here.node)
    return _body(Sealed(added, sealed))


@router.get("/video/uppers/{upper_id}")
async def one_upper(upper_id: Id, me: Me, here: Here) -> dict[str, Any]:
    """One platform above."""
    await me.may(Action.LINKS_READ)
    return _body(await _find(here, upper_id))


@router.patch("/video/uppers/{upper_id}")
async def change_upper(upper_id: Id, told: UpperChange, me: Me, here: Here) -> dict[str, Any]:
    """Change what is known of a platform above; a new address or password registers anew. 409 where it changed."""
    await _everywhere(me)
    values = told.values()
    before = (await _find(here, upper_id)).upper
    sealed = None if told.password is None else _seal(here, upper_id, told.password)
    async with me.acting("uppers.change", upper_id, _logged(values)), here.db.transaction() as tx:
        await cascade.change(tx, replace(before, **values), sealed, version=told.version)
    return _body(await _find(here, upper_id))


@router.delete("/video/uppers/{upper_id}", status_code=204)
async def retire_upper(upper_id: Id, me: Me, here: Here) -> None:
    """Register there no more."""
    await _everywhere(me)
    async with me.acting("uppers.retire", upper_id), here.db.transaction() as tx:
        await cascade.retire(tx, upper_id, at=here.clock())


@router.get("/video/uppers/{upper_id}/shares")
async def shares(upper_id: Id, me: Me, here: Here) -> dict[str, Any]:
    """What a platform above sees: the tree, and of its cameras those in the caller's scope."""
    scope = await me.may(Action.LINKS_READ)
    upper = (await _find(here, upper_id)).upper
    return _tree(upper, await cascade.tree(here.db, upper), scope)


@router.put("/video/uppers/{upper_id}/shares")
async def share(upper_id: Id, told: SharesIn, me: Me, here: Here) -> dict[str, Any]:
    """Let a platform above see exactly this; it is told of the change at once. 422 for a tree that hangs in the air."""
    scope = await _everywhere(me)
    before = (await _find(here, upper_id)).upper
    detail = {"mode": told.mode, "places": list(told.places), "channels": len(told.channels)}
    async with me.acting("uppers.share", upper_id, detail), here.db.transaction() as tx:
        upper = replace(before, mode=told.mode, places=told.places if told.mode == "places" else ())
        upper = await cascade.change(tx, upper, None, version=before.version)
        if told.mode == "chosen":
            drawn = [Directory(each.code, each.parent, each.name) for each in told.directories]
            chosen = [Share(each.channel_id, each.code, each.directory) for each in told.channels]
            await cascade.share(tx, upper, drawn, chosen)
    return _tree(upper, await cascade.tree(here.db, upper), scope)


async def _everywhere(me: Caller) -> Scope:
    """Links reach over all places of a node: who may change them may do so everywhere."""
    scope = await me.may(Action.LINKS_WRITE)
    if not scope.everything:
        raise Forbidden("forbidden", "only who may do this everywhere may change links")
    return scope


async def _find(here: Services, upper_id: str) -> Sealed:
    upper = await cascade.find(here.db, upper_id)
    return next(each for each in await cascade.uppers(here.db) if each.upper.id == upper.id)


def _seal(here: Services, upper_id: str, password: str) -> bytes:
    return sealer(here).seal(password.encode(), cascade.about(upper_id))


def _own_code(here: Services) -> str:
    return str(getattr(here.more.get("config"), "platform", ""))


def _logged(values: dict[str, Any]) -> dict[str, Any]:
    """Return what the operator log says: the password is not among it."""
    return {name: value for name, value in values.items() if name != "password"}


def _body(sealed: Sealed) -> dict[str, Any]:
    upper = sealed.upper
    words = UPPER_WORDS.get(upper.reason) or Words(upper.reason, upper.reason)
    known = {**asdict(upper), "places": list(upper.places), "state_at": upper.state_at and upper.state_at.isoformat()}
    return {**known, "reason_words": words._asdict(), "has_password": sealed.password is not None}


def _tree(upper: Upper, tree: Tree, scope: Scope) -> dict[str, Any]:
    cameras = [
        {
            "channel_id": each.camera.channel_id,
            "code": each.code,
            "own_code": each.camera.code,
            "directory": each.directory,
            "name": each.camera.name,
            "state": each.camera.state.value,
            "place_path": each.camera.place_path,
        }
        for each in tree.cameras
        if scope.holds(Located(each.camera.place_path, ""))
    ]
    return {
        "mode": upper.mode,
        "places": list(upper.places),
        "directories": [asdict(each) for each in tree.directories],
        "channels": cameras,
        "total": len(tree.cameras),
    }
