"""Pictures that outlive their days, and pictures that end before them: evidence locks and erasure.

A lock copies: the copy has a key of its own in class ``evidence``, which no age ends. Erasure deletes the key.
Source: 5.2.2.1 (pictures as evidence), 6.3.2 (erasure of personal data).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from anju.errors import Conflict, NotFound
from anju.store import thumbnails
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database, Executor


@dataclass(frozen=True, slots=True)
class Lock:
    """Why a picture is evidence: who said so, when and in which words."""

    reason: str
    by: str
    at: datetime


_LOCKED = "SELECT id FROM evidence_blob WHERE source_id = %(source)s AND released_at IS NULL"
_COPY = """
    INSERT INTO evidence_blob (id, source_id, kept_at, site_id, segment, byte_offset, length, sha256, media_type, key,
        reason, locked_by, locked_at)
    VALUES (%(id)s, %(source)s, %(at)s, %(site)s, %(segment)s, %(offset)s, %(length)s, %(sha256)s, %(media_type)s,
        %(key)s, %(reason)s, %(by)s, %(at)s)
    ON CONFLICT (source_id) WHERE released_at IS NULL DO NOTHING
"""
_ERASE = """
    UPDATE blob SET key = NULL, erased_at = coalesce(erased_at, %(at)s) WHERE id = %(id)s
    RETURNING erased_at, segment
"""
_RELEASE = """
    UPDATE evidence_blob SET key = NULL, erased_at = %(at)s, released_by = %(by)s, released_at = %(at)s
    WHERE source_id = %(source)s AND released_at IS NULL RETURNING id, segment
"""


@dataclass(frozen=True, slots=True)
class State:
    """How a picture stands: the lock on it, if any, and when it was erased."""

    lock: Lock | None
    erased_at: datetime | None


async def state(db: Executor, blob_id: UUID) -> State:
    """Return how a picture stands. Raises NotFound where none of that id was kept here."""
    locked = await db.fetch_one(
        """SELECT reason, locked_by, locked_at FROM evidence_blob
           WHERE source_id = %(id)s AND released_at IS NULL""",
        id=blob_id,
    )
    kept = await db.fetch_one("SELECT erased_at FROM blob WHERE id = %(id)s", id=blob_id)
    if locked is None and kept is None:
        raise NotFound("not_found", f"there is no picture {blob_id}")
    return State(Lock(*locked) if locked else None, kept[0] if kept else None)


async def lock(db: Database, blobs: Blobs, blob_id: UUID, why: Lock) -> UUID:
    """Copy a picture into class ``evidence``; return the copy's id, that of an earlier lock where there is one.

    The picture keeps answering under its own id after its original ended. Raises NotFound, Erased, Damaged: what
    cannot be proved is no evidence.
    """
    if (before := await db.fetch_one(_LOCKED, source=blob_id)) is not None:
        return UUID(str(before[0]))
    found = await blobs.find(blob_id)
    site = await db.fetch_one("SELECT site_id FROM blob WHERE id = %(id)s", id=blob_id)
    data = await blobs.open(found)
    new = NewBlob(site[0] if site else "", data, found.media_type, "evidence", found.sha256)
    (kept,) = await blobs.write([new])
    row = {
        "id": kept.id,
        "source": blob_id,
        "site": kept.site_id,
        "segment": kept.segment,
        "offset": kept.offset,
        "length": kept.length,
        "sha256": kept.sha256,
        "media_type": kept.media_type,
        "key": kept.key_wrapped,
    }
    await db.execute(_COPY, **row, reason=why.reason, by=why.by, at=why.at)
    locked = await db.fetch_one(_LOCKED, source=blob_id)
    assert locked is not None  # noqa: S101 - ours or that of whoever was faster
    return UUID(str(locked[0]))


async def release(db: Executor, blob_id: UUID, *, by: str, at: datetime) -> None:
    """End the lock of a picture and erase the copy. Raises NotFound where it is not locked."""
    if await db.fetch_one(_RELEASE, source=blob_id, by=by, at=at) is None:
        raise NotFound("not_locked", f"picture {blob_id} is not kept as evidence")


async def erase(db: Executor, blob_id: UUID, *, at: datetime, small: Path) -> datetime:
    """Delete a picture's key, and its thumbnail in folder ``small``; return when it was erased first.

    Nobody can read it from then on, here or in a copy of its segment. Raises NotFound, and Conflict while it is locked
    as evidence. Source: 6.3.2.
    """
    if await db.fetch_one(_LOCKED, source=blob_id) is not None:
        raise Conflict("locked", f"picture {blob_id} is kept as evidence: release it first")
    row = await db.fetch_one(_ERASE, id=blob_id, at=at)
    if row is None:
        raise NotFound("not_found", f"there is no picture {blob_id}")
    thumbnails.drop_one(small, row[1], blob_id)
    erased_at: datetime = row[0]
    return erased_at
