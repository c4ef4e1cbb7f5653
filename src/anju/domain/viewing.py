"""What one viewer looks at. Source: 5.4.2 (live video), 5.4.1 (recordings played back)."""

import zlib
from dataclasses import dataclass
from datetime import datetime

from anju.domain.recording import Source
from anju.domain.video import Grade, Purpose


@dataclass(frozen=True, slots=True)
class Viewing:
    """A camera live in one of its grades, or its recording from ``start`` to ``end`` out of ``source``."""

    channel_id: str
    purpose: Purpose = Purpose.LIVE
    grade: Grade = Grade.MAIN
    start: datetime | None = None
    end: datetime | None = None
    source: Source = Source.PLATFORM


def worker_of(channel_id: str, workers: int) -> int:
    """Return which of a node's ``workers`` media workers, numbered from 1, has this camera."""
    return zlib.crc32(channel_id.encode()) % workers + 1
