"""Answers in several messages: distinct items count, whatever order, repetition or sum they come with."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
MOST = 100_000


@dataclass(slots=True)
class Gathered(Generic[Item]):
    """What has come of one answer so far, by key; a repeated item replaces the first. No clock: time-outs are callers'.

    ``total`` is the largest sum any message claimed, None while none did.
    """

    items: dict[Hashable, Item] = field(default_factory=dict)
    total: int | None = None
    messages: int = 0

    def add(self, items: Iterable[tuple[Hashable, Item]], total: int | None) -> bool:
        """Take one message's items with their keys; return whether the answer is whole now."""
        self.messages += 1
        if total is not None:
            self.total = max(total, self.total or 0)
        for key, item in items:
            if key in self.items or len(self.items) < MOST:
                self.items[key] = item
        return self.whole

    @property
    def whole(self) -> bool:
        """Return whether as many distinct items came as were announced; an announced zero is whole."""
        return self.total is not None and len(self.items) >= self.total
