"""Policies as set; what was never set has its default in ``domain.policies``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.domain.policies import Value
from anju.store.database import Executor, Transaction
from anju.store.versions import Subject, bump


@dataclass(frozen=True, slots=True)
class Setting:
    """A value somebody set."""

    value: Any
    updated_by: str
    updated_at: datetime


async def settings(db: Executor) -> dict[str, Setting]:
    """Return all that was set, by key."""
    rows = await db.fetch("SELECT key, value, updated_by, updated_at FROM policy")
    return {row[0]: Setting(*row[1:]) for row in rows}


async def put(tx: Transaction, key: str, value: Value, *, by: str, at: datetime) -> None:
    """Set one policy and tell all processes."""
    await tx.execute(
        """INSERT INTO policy (key, value, updated_by, updated_at) VALUES (%(key)s, %(value)s, %(by)s, %(at)s)
           ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_by = EXCLUDED.updated_by,
               updated_at = EXCLUDED.updated_at""",
        key=key,
        value=Jsonb(value),
        by=by,
        at=at,
    )
    await bump(tx, Subject.POLICIES)
