"""The policies in force: read from the database, believed for two seconds.

Source: 6.3.1.
"""

import time
from collections.abc import Callable

from anju.domain.policies import POLICIES, Value
from anju.errors import DatabaseAway, Invalid, NotFound
from anju.store import policies as store
from anju.store.database import Database

BELIEVED_S = 2.0


class Policies:
    """All policies of this node. While the database is away the last known ones stay in force."""

    def __init__(self, db: Database, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._db, self._timer = db, timer
        self._values: dict[str, Value] = {key: policy.default for key, policy in POLICIES.items()}
        self._tried_at = float("-inf")

    async def get(self, key: str) -> Value:
        """Return the value in force. Raises NotFound for a key that is no policy."""
        if key not in POLICIES:
            raise NotFound("no_policy", f"there is no policy {key}")
        if self._timer() - self._tried_at >= BELIEVED_S:
            await self.refresh()
        return self._values[key]

    async def number(self, key: str) -> int:
        """Return the value of an integer policy."""
        return int(await self.get(key))

    async def refresh(self) -> None:
        """Read all of them again."""
        self._tried_at = self._timer()
        try:
            found = await store.settings(self._db)
        except DatabaseAway:
            return
        set_values = {key: setting.value for key, setting in found.items()}
        self._values = {key: _valid(key, set_values.get(key, policy.default)) for key, policy in POLICIES.items()}


def _valid(key: str, value: object) -> Value:
    """Return ``value`` where its policy still allows it, else the default: a newer program may be stricter."""
    try:
        return POLICIES[key].check(value)
    except Invalid:
        return POLICIES[key].default
