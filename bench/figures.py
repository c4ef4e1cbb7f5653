"""What a benchmark found: figures beside a reference of the same run, printed and kept in ``build/bench.json``."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT = Path("build/bench.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``reference`` is what it is held against, in ``unit`` too; ``ratio`` is value over reference."""

    name: str
    value: float
    unit: str
    reference: float
    ratio: float

    @staticmethod
    def against(name: str, value: float, unit: str, reference: float) -> "Figure":
        """Return ``value`` held against ``reference``."""
        return Figure(name, round(value, 3), unit, round(reference, 3), round(value / reference, 4) if reference else 0)


def keep(figures: Sequence[Figure]) -> None:
    """Print ``figures`` and put them into KEPT, over those of the same names."""
    for each in figures:
        held = f"reference {each.reference:>12,.2f}   ratio {each.ratio}"
        print(f"{each.name:34}{each.value:>12,.2f} {each.unit:8}{held}")
    known = {each.name: each for each in (*kept(), *figures)}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps([asdict(each) for each in known.values()], indent=1))


def kept() -> list[Figure]:
    """Return what KEPT holds."""
    return [Figure(**each) for each in json.loads(KEPT.read_text())] if KEPT.is_file() else []
