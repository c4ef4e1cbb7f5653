"""Pages of lists: a mark, opaque to the caller, says after which row the next page goes on."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from anju.errors import Invalid

FIRST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
"""Before everything: the mark of the first page."""
MOST = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list from the newest to the oldest: rows before ``before``, at most ``limit``."""

    before: tuple[datetime, UUID]
    limit: int

    def answer(
        self, rows: Sequence[dict[str, Any]], mark: Callable[[dict[str, Any]], tuple[str, str]]
    ) -> dict[str, Any]:
        """Return the list's JSON; ``mark`` names a row's time and id."""
        more = len(rows) == self.limit
        return {"items": list(rows), "next": _encode(*mark(rows[-1])) if more else None}


def page(cursor: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=MOST)] = 50) -> Page:
    """Return which page was asked for. Raises Invalid for a mark that is none of ours."""
    return Page(_decode(cursor) if cursor else FIRST, limit)


def _encode(at: str, identity: str) -> str:
    return base64.urlsafe_b64encode(f"{at}|{identity}".encode()).decode()


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, identity = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), UUID(identity)
    except (ValueError, binascii.Error) as error:
        raise Invalid("cursor", "this mark is none of ours: begin at the first page") from error


PageQuery = Annotated[Page, Depends(page)]
