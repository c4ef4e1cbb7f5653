"""Where recordings lie and how long they last: disks, and for each camera the days kept and the days to come.

Source: 5.4.1 (at least 30 days), 8 (share of cameras that are not HD).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from anju.domain import recording
from anju.domain.recording import By, Plan
from anju.errors import Invalid
from anju.store import recording_ledger, recordings, volumes
from anju.store.channels import Placed
from anju.store.database import Database
from anju.store.recordings import Held
from anju.store.volumes import VOLUME_WORDS, Volume

HD = (1280, 720)


async def disks(db: Database) -> list[dict[str, Any]]:
    """Return the volumes as they were looked at last."""
    return [_disk(each) for each in await volumes.all_of(db)]


async def kept(db: Database, placed: Sequence[Placed], *, now: datetime) -> list[dict[str, Any]]:
    """Return for each of these cameras what is kept of it, and how long a full disk will keep it at this pace."""
    ids = [each.channel.id for each in placed]
    held = {each.channel_id: each for each in await recordings.held(db, ids, today=recording.day_of(now))}
    ledger = await recording_ledger.kept_since(db, ids)
    days = recording.projected_days(*await _room(db, now))
    return [_camera(each, held[each.channel.id], ledger.get(each.channel.id), days, now) for each in placed]


def non_hd_share(found: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the share, 0 to 1, of cameras below 1280x720 among those whose size is known. Source: 8."""
    sizes = [(each["width"], each["height"]) for each in found if each["width"]]
    below = sum(1 for width, height in sizes if width < HD[0] or height < HD[1])
    return below / len(sizes) if sizes else None


async def _room(db: Database, now: datetime) -> tuple[int, float]:
    """Return the bytes all recordings of the platform may take, and those that come in a day."""
    whole = [each for each in await volumes.all_of(db) if each.readable]
    row = await db.fetch_one(
        """SELECT coalesce((SELECT sum(bytes) FROM recording_day), 0),
               coalesce((SELECT sum(bytes) * 86400000.0 / nullif(sum(ms), 0) FROM recording_day
                   WHERE day > %(today)s::date - 7), 0)
               * (SELECT count(DISTINCT channel_id) FROM recording_day WHERE day > %(today)s::date - 2)""",
        today=recording.day_of(now),
    )
    taken, per_day = row or (0, 0.0)
    return int(taken) + sum(max(0, each.free - each.reserve) for each in whole), float(per_day)


def _disk(volume: Volume) -> dict[str, Any]:
    names = ("total", "free", "reserve", "reason")
    words = VOLUME_WORDS[volume.state]
    return {"path": str(volume.path), "state": volume.state.value, "words": words._asdict()} | {
        name: getattr(volume, name) for name in names
    }


def _camera(placed: Placed, held: Held, oldest: date | None, days: float, now: datetime) -> dict[str, Any]:
    plan = plan_of(placed)
    first = _oldest(held, oldest)
    ours = plan.by in {By.PLATFORM, By.BOTH}
    return {
        "id": placed.channel.id,
        "name": placed.channel.name,
        "by": plan.by.value,
        "wanted_days": plan.days,
        "bitrate": round(held.per_day * 8 / 86_400) if held.per_day else None,
        "days_kept": (now - first).days if first else None,
        "days_projected": min(round(days, 1), float(plan.days)) if ours and days != float("inf") else None,
        "oldest_at": first,
        "width": held.width or None,
        "height": held.height or None,
    }


def plan_of(placed: Placed) -> Plan:
    """Return a camera's plan; one that cannot be read is the default one."""
    try:
        return recording.read_plan(placed.channel.plan)
    except Invalid:
        return Plan()


def _oldest(held: Held, oldest: date | None) -> datetime | None:
    ours = datetime.fromtimestamp(held.oldest_ms / 1000, UTC) if held.oldest_ms else None
    theirs = recording.begins(oldest) if oldest else None
    return min((each for each in (ours, theirs) if each), default=None)
