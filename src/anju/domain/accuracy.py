"""How well devices read plates, from what persons judged by eye; day and night apart.

Source: 5.2.2.2 (by day at least 99.5 %, by night at least 98.5 %); the bound is that of Clopper and Pearson.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CONFIDENCE = 0.95
DAY_BEGINS, DAY_ENDS = 7, 19  # hours of local time
STEPS = 60  # halvings: more than a double can tell apart


class Light(StrEnum):
    """By which light a vehicle was read."""

    DAY = "day"
    NIGHT = "night"


TARGET = {Light.DAY: 0.995, Light.NIGHT: 0.985}
"""Source: 5.2.2.2."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """``n`` readings were judged, ``wrong`` of them were wrong."""

    n: int
    wrong: int

    @property
    def rate(self) -> float | None:
        """Return the share that was right, None where nothing was judged."""
        return (self.n - self.wrong) / self.n if self.n else None

    @property
    def bound(self) -> float | None:
        """Return what the true rate is at least, with 95 % confidence; None where nothing was judged."""
        return at_least(self.n, self.wrong) if self.n else None


def light_at(local: datetime) -> Light:
    """Return by which light a vehicle was seen at ``local``, the time where it was seen."""
    return Light.DAY if DAY_BEGINS <= local.hour < DAY_ENDS else Light.NIGHT


def at_least(n: int, wrong: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower bound of the rate of right readings after ``wrong`` of ``n`` were wrong.

    598 readings without an error prove 99.5 %; so do 947 with one.
    Raises ValueError where more were wrong than judged.
    """
    if not 0 <= wrong <= n or n == 0:
        raise ValueError(f"{wrong} wrong of {n}")
    if wrong == n:
        return 0.0
    low, high = wrong / n, 1.0  # the true share of errors lies between
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(wrong, n, middle) > 1 - confidence else (low, middle)
    return 1 - high


def _at_most(wrong: int, n: int, share: float) -> float:
    """Return how probable at most ``wrong`` errors in ``n`` are where ``share`` of all readings are errors."""
    if share >= 1:
        return 0.0
    ways = math.lgamma(n + 1) - math.lgamma(wrong + 1) - math.lgamma(n - wrong + 1)
    term = math.exp(ways + wrong * math.log(share) + (n - wrong) * math.log1p(-share)) if share else float(wrong == 0)
    total = term
    for count in range(wrong, 0, -1):
        term *= count * (1 - share) / ((n - count + 1) * share)
        total += term
        if term < total * 1e-16:
            break
    return total
