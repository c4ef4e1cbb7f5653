"""Platforms above as kept, and the tree that each of them sees. Source: GB/T 28181-2016 annex N (cascade); 5.4.3."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.domain.cascade import (
    Directory,
    Numbers,
    Shared,
    Standing,
    Tree,
    Upper,
    UpperState,
    by_places,
    check_directories,
    numbered,
)
from anju.domain.changes import Lane
from anju.domain.channels import Status, state_of
from anju.domain.codes import new_id
from anju.domain.devices import DeviceState
from anju.domain.places import ROOT
from anju.errors import Conflict, NotFound
from anju.store import cursors, log
from anju.store.cursors import Cursor
from anju.store.database import Executor, Row, Transaction
from anju.store.log import NodeId
from anju.store.versions import Subject, bump

_NAMES = tuple(each.name for each in fields(Upper))
_COLUMNS = ", ".join(_NAMES)
_TOLD = tuple(name for name in _NAMES if name not in {"state", "reason", "state_at"})


@dataclass(frozen=True, slots=True)
class Sealed:
    """A platform above with its password as it is kept, None where there is none."""

    upper: Upper
    password: bytes | None


@dataclass(frozen=True, slots=True)
class Share:
    """One camera chosen for an upper; '' for ``code``: its own, for ``directory``: directly under our platform."""

    channel_id: str
    code: str = ""
    directory: str = ""


def _upper(row: Row) -> Upper:
    known = dict(zip(_NAMES, row, strict=True))
    return Upper(**{**known, "places": tuple(known["places"]), "state": UpperState(known["state"])})


def about(upper_id: str) -> str:
    """Return what an upper's password is sealed for."""
    return f"upper_platform.password {upper_id}"


def consumer(upper_id: str) -> str:
    """Return how an upper's place in the log is called."""
    return f"cascade:{upper_id}"


async def uppers(db: Executor) -> list[Sealed]:
    """Return all platforms above, by name."""
    rows = await db.fetch(f"SELECT password, {_COLUMNS} FROM upper_platform WHERE retired_at IS NULL ORDER BY name, id")
    return [Sealed(_upper(row[1:]), row[0]) for row in rows]


async def find(db: Executor, upper_id: str) -> Upper:
    """Return one. Raises NotFound."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM upper_platform WHERE id = %(id)s AND retired_at IS NULL", id=upper_id
    )
    if row is None:
        raise NotFound("no_upper", "there is no such platform above")
    return _upper(row)


_ADD = f"""
    INSERT INTO upper_platform ({", ".join(_TOLD)}, password, state, reason)
    VALUES ({", ".join(f"%({name})s" for name in _TOLD)}, %(password)s, 'connecting', 'starting')
    ON CONFLICT DO NOTHING
"""


async def add(tx: Transaction, upper: Upper, password: bytes | None, *, node: NodeId) -> Upper:
    """Keep a new one; alarms from now on go up to it. Raises Conflict where we register there under that code."""
    await _free(tx, upper)
    await tx.execute(_ADD, **_row(upper), password=password)
    head = await log.head(tx, Lane.ALARMS, node.epoch)
    await cursors.move(tx, consumer(upper.id), Lane.ALARMS, Cursor(node.epoch, head))
    await bump(tx, Subject.CASCADE)
    return upper


async def change(tx: Transaction, upper: Upper, password: bytes | None, *, version: int | None) -> Upper:
    """Write an upper anew; a ``password`` of None stays. Raises NotFound, or Conflict where it changed meanwhile."""
    here = await find(tx, upper.id)
    if version is not None and version != here.version:
        raise Conflict("changed_meanwhile", "somebody changed this platform meanwhile")
    await _free(tx, upper)
    after = replace(upper, version=here.version + 1)
    told = ", ".join(f"{name} = %({name})s" for name in _TOLD if name != "id")
    await tx.execute(
        f"UPDATE upper_platform SET {told}, password = coalesce(%(password)s, password) WHERE id = %(id)s",
        **_row(after),
        password=password,
    )
    await bump(tx, Subject.CASCADE)
    return after


async def retire(tx: Transaction, upper_id: str, *, at: datetime) -> None:
    """Register there no more and forget what was shared. Raises NotFound."""
    await find(tx, upper_id)
    await tx.execute(
        "UPDATE upper_platform SET retired_at = %(at)s, password = NULL WHERE id = %(id)s", id=upper_id, at=at
    )
    for table in ("upper_share", "upper_directory"):
        await tx.execute(f"DELETE FROM {table} WHERE upper_id = %(id)s", id=upper_id)
    await bump(tx, Subject.CASCADE)


async def stand(db: Executor, upper_id: str, state: UpperState, reason: str, *, at: datetime) -> None:
    """Note how we stand at an upper."""
    await db.execute(
        """UPDATE upper_platform SET state = %(state)s, reason = %(reason)s, state_at = %(at)s
           WHERE id = %(id)s AND (state, reason) IS DISTINCT FROM (%(state)s, %(reason)s)""",
        id=upper_id,
        state=state,
        reason=reason,
        at=at,
    )


def new_upper_id() -> str:
    """Return an id for a new one."""
    return new_id("g")


def _row(upper: Upper) -> dict[str, Any]:
    return {**{name: getattr(upper, name) for name in _TOLD}, "places": list(upper.places)}


async def _free(tx: Transaction, upper: Upper) -> None:
    taken = await tx.fetch_one(
        """SELECT 1 FROM upper_platform WHERE code = %(code)s AND own_code = %(own_code)s AND id <> %(id)s
           AND retired_at IS NULL""",
        **{name: getattr(upper, name) for name in ("id", "code", "own_code")},
    )
    if taken:
        raise Conflict("upper_exists", "this node registers at that platform already")


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copy that is being sent to an upper, and what its SIP dialog is known by."""

    relay_id: str
    upper_id: str
    call_id: str
    local: str
    remote: str
    target: str
    cseq: int
    host: str
    port: int
    transport: str


async def opened(db: Executor, copy: OpenCopy, *, at: datetime) -> None:
    """Remember a copy, for the case that this process ends before it."""
    known = asdict(copy)
    own = {name: known.pop(name) for name in ("relay_id", "upper_id", "call_id")}
    await db.execute(
        """INSERT INTO upper_dialog (relay_id, upper_id, call_id, opened_at, state)
           VALUES (%(relay_id)s, %(upper_id)s, %(call_id)s, %(at)s, %(state)s) ON CONFLICT DO NOTHING""",
        **own,
        at=at,
        state=Jsonb(known),
    )


async def closed(db: Executor, relay_id: str) -> None:
    """Forget a copy that is over."""
    await db.execute("DELETE FROM upper_dialog WHERE relay_id = %(id)s", id=relay_id)


async def open_copies(db: Executor) -> list[OpenCopy]:
    """Return the copies that a process before this one left behind."""
    rows = await db.fetch("SELECT relay_id, upper_id, call_id, state FROM upper_dialog")
    return [OpenCopy(*row[:3], **row[3]) for row in rows]


async def share(tx: Transaction, upper: Upper, directories: Sequence[Directory], shares: Sequence[Share]) -> None:
    """Let an upper see exactly these cameras in these directories. Raises Invalid or NotFound."""
    placed = check_directories(directories, upper.own_code)
    await _known(tx, shares, {"", *(each.code for each in placed)})
    for table in ("upper_share", "upper_directory"):
        await tx.execute(f"DELETE FROM {table} WHERE upper_id = %(id)s", id=upper.id)
    await _keep_directories(tx, upper, placed)
    await tx.execute_many(
        """INSERT INTO upper_share (upper_id, channel_id, code, directory, chosen)
           VALUES (%(upper)s, %(channel_id)s, %(code)s, %(directory)s, true)""",
        [{"upper": upper.id, **asdict(each)} for each in shares],
    )
    await bump(tx, Subject.CASCADE)


async def _known(tx: Transaction, shares: Sequence[Share], directories: set[str]) -> None:
    wanted = {each.channel_id for each in shares}
    rows = await tx.fetch("SELECT id FROM channel WHERE id = ANY(%(ids)s) AND kind = 'camera'", ids=list(wanted))
    if len(rows) != len(wanted) or len(wanted) != len(shares):
        raise NotFound("no_channel", "one of these cameras is unknown, or named twice")
    if any(each.directory not in directories for each in shares):
        raise NotFound("no_directory", "one of these cameras lies in a directory that is not there")


async def _keep_directories(tx: Transaction, upper: Upper, directories: Sequence[Directory]) -> None:
    await tx.execute_many(
        """INSERT INTO upper_directory (upper_id, code, parent, name, place_id, sort)
           VALUES (%(upper)s, %(code)s, %(parent)s, %(name)s, %(place_id)s, %(sort)s)
           ON CONFLICT (upper_id, code) DO UPDATE SET parent = EXCLUDED.parent, name = EXCLUDED.name,
               sort = EXCLUDED.sort""",
        [{"upper": upper.id, "sort": sort, **asdict(each)} for sort, each in enumerate(directories)],
    )


_CAMERAS = """
    SELECT p.id, p.code, p.name, p.device_state, p.status, p.status_reason, p.place_path, p.site_id, p.ptz_type,
        p.longitude, p.latitude, p.civil_code, p.info, p.device_id, d.code, s.code, s.directory
    FROM channel_placed p JOIN device d ON d.id = p.device_id
        LEFT JOIN upper_share s ON s.upper_id = %(upper)s AND s.channel_id = p.id
    WHERE p.kind = 'camera' AND d.account <> %(code)s AND d.code <> %(code)s
      AND NOT p.parents && ARRAY[%(code)s, %(own)s]::text[]
      AND CASE WHEN %(mode)s = 'chosen' THEN s.chosen
          ELSE %(paths)s::text[] IS NULL OR EXISTS (SELECT FROM unnest(%(paths)s::text[]) AS x WHERE p.place_path ^@ x)
          END
    ORDER BY p.place_path, p.name, p.id
"""


async def tree(db: Executor, upper: Upper) -> Tree:
    """Return what an upper sees. Cameras that came from it are never shown back to it.

    What is shown for the first time gets its codes here, and keeps them.
    """
    rows = await db.fetch(
        _CAMERAS, upper=upper.id, code=upper.code, own=upper.own_code, mode=upper.mode, paths=await _paths(db, upper)
    )
    cameras = [_standing(row) for row in rows]
    drawn = await _directories(db, upper)
    mapped = {row[0]: row[15] for row in rows if row[15]}
    numbers = Numbers(upper.own_code, [*mapped.values(), *(each.code for each in drawn), *(c.code for c in cameras)])
    if upper.mode == "chosen":
        shared = tuple(Shared(camera, camera.code, row[16] or "") for camera, row in zip(cameras, rows, strict=True))
        return await _coded(db, upper, Tree(drawn, shared), mapped, numbers)
    known = {each.place_id: each for each in drawn if each.place_id}
    found = by_places(cameras, known, await _names(db, cameras), numbers, upper.own_code)
    await _write_directories(db, upper, [each for each in found.directories if each.place_id not in known])
    return await _coded(db, upper, found, mapped, numbers)


async def _coded(db: Executor, upper: Upper, found: Tree, mapped: Mapping[str, str], numbers: Numbers) -> Tree:
    """Give each camera its code, and write down what is new."""
    whole = numbered(found, mapped, numbers)
    fresh = [each for each in whole.cameras if each.code not in {each.camera.code, mapped.get(each.camera.channel_id)}]
    await db.execute_many(
        """INSERT INTO upper_share (upper_id, channel_id, code, chosen) VALUES (%(upper)s, %(channel)s, %(code)s, false)
           ON CONFLICT (upper_id, channel_id) DO UPDATE SET code = EXCLUDED.code""",
        [{"upper": upper.id, "channel": each.camera.channel_id, "code": each.code} for each in fresh],
    )
    return whole


async def _write_directories(db: Executor, upper: Upper, found: Sequence[Directory]) -> None:
    await db.execute_many(
        """INSERT INTO upper_directory (upper_id, code, parent, name, place_id, sort)
           VALUES (%(upper)s, %(code)s, %(parent)s, %(name)s, %(place_id)s, 0)
           ON CONFLICT (upper_id, code) DO NOTHING""",
        [{"upper": upper.id, **asdict(each)} for each in found],
    )


def _standing(row: Row) -> Standing:
    state, _ = state_of(DeviceState(row[3]), Status(row[4]), row[5])
    places = [each for each in row[6].split("/") if each]
    start = places.index(row[7]) if row[7] in places else max(0, len(places) - 1)
    civil = row[11] or next((each for each in reversed(places) if each.isdigit() and len(each) == 6), "")
    return Standing(
        channel_id=row[0],
        code=row[1],
        name=row[2],
        state=state,
        path=tuple(places[start:]),
        place_path=row[6],
        ptz_type=row[8],
        longitude=row[9],
        latitude=row[10],
        civil_code=civil,
        info=row[12],
        device_id=row[13],
        device_code=row[14],
    )


async def _paths(db: Executor, upper: Upper) -> list[str] | None:
    """Return under which places an upper sees everything, None for all of them."""
    if not upper.places:
        return None
    rows = await db.fetch("SELECT place_path FROM place WHERE id = ANY(%(ids)s)", ids=list(upper.places))
    paths = [row[0] for row in rows]
    return None if ROOT in paths else paths


async def _names(db: Executor, cameras: Sequence[Standing]) -> dict[str, str]:
    ids = list({place for camera in cameras for place in camera.path})
    return dict(await db.fetch("SELECT id, name FROM place WHERE id = ANY(%(ids)s)", ids=ids))


async def _directories(db: Executor, upper: Upper) -> tuple[Directory, ...]:
    rows = await db.fetch(
        "SELECT code, parent, name, place_id FROM upper_directory WHERE upper_id = %(id)s ORDER BY sort, code",
        id=upper.id,
    )
    return tuple(Directory(*row) for row in rows)
