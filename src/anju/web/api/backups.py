"""Backups of this node: made while it runs, tried by restoring them beside it.

Source: 4.2.3 (storage), 6.3.2 (keys leave sealed only).
"""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from anju.domain.rights import Action
from anju.errors import BackupError, NotFound
from anju.web.backups import Backups, summary
from anju.web.context import Caller, Here, Me, Services
from anju.web.identity import administer
from anju.web.jobs import Job, start
from anju.web.words import Body, Name

router = APIRouter(prefix="/backups", tags=["backups"])


class WithPassphrase(Body):
    """The passphrase that seals the keys, or opens them."""

    passphrase: Annotated[str, Field(max_length=200)]


async def _allowed(me: Caller, here: Services, *, fresh: bool = True) -> Backups:
    await administer(me, Action.SYSTEM_BACKUP)
    if fresh:
        await here.sessions.fresh(me.session)
    found = here.more.get("backups")
    if not isinstance(found, Backups):
        raise NotFound("no_backups", "this process makes no backups")
    return found


@router.get("")
async def list_backups(me: Me, here: Here) -> dict[str, Any]:
    """List what is in the backup folder, newest first, with room there and what the next may take."""
    backups = await _allowed(me, here, fresh=False)
    items = await asyncio.to_thread(backups.listed)
    folder = next(each for each in (backups.folder, *backups.folder.parents) if each.is_dir())
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    same_disk = await asyncio.to_thread(_on_one_disk, folder, here.data)
    told = {"folder": str(backups.folder), "free_bytes": free, "needed_bytes": await backups.needed()}
    return {"items": items, "next": None, **told, "same_disk": same_disk}


def _on_one_disk(folder: Path, data: Path) -> bool:
    return not data.is_dir() or folder.stat().st_dev == data.stat().st_dev


@router.post("", status_code=202)
async def make(body: WithPassphrase, me: Me, here: Here) -> dict[str, Any]:
    """Begin a backup and return its job. 403 ``reauthenticate``."""
    backups = await _allowed(me, here)
    target = backups.target(here.node.id, here.clock())

    async def work(job: Job) -> dict[str, Any]:
        async with me.acting(Action.SYSTEM_BACKUP, target.name):
            return {"name": target.name, **summary(await backups.make(target, body.passphrase, job.told))}

    return start(here, me, "system.backup", work)


@router.post("/{name}/test", status_code=202)
async def test(name: Name, body: WithPassphrase, me: Me, here: Here) -> dict[str, Any]:
    """Begin a trial: the backup is restored beside everything, compared and removed again. 403 ``reauthenticate``."""
    backups = await _allowed(me, here)
    path = await asyncio.to_thread(backups.find, name)

    async def work(job: Job) -> dict[str, Any]:
        async with me.acting(Action.SYSTEM_BACKUP, name, {"test": True}):
            code, message = "", ""
            try:
                found = summary(await backups.test(path, body.passphrase, job.told))
            except BackupError as error:
                found, code, message = {}, error.code, str(error)
            if code != "wrong_passphrase":
                await asyncio.to_thread(backups.note, path, here.clock(), code=code, message=message)
        return {"name": name, "ok": not code, "code": code, "message": message, **found}

    return start(here, me, "system.backup", work)
