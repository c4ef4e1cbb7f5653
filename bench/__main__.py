"""Runs every benchmark, each in a process of its own, one after the other; then a table and a picture of all figures.

The figures lie in ``build/bench.json``, the picture in ``build/bench.png``. Leave the machine alone while it runs.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
from bench.figures import kept

BENCHES = (
    "road",
    "docking",
    "viid_parse",
    "blobs",
    "passages",
    "intake",
    "drain",
    "search",
    "seek",
    "growth",
    "media",
)
PROOFS = ("footprint", "painted")
"""Proofs that measure something in the browser or of a whole node; they keep their figures with the others."""
PICTURE = Path("build/bench.png")


def table() -> str:
    """Return all figures as a table."""
    rows = [("name", "value", "unit", "reference", "ratio")]
    rows += [(f.name, f"{f.value:,.2f}", f.unit, f"{f.reference:,.2f}", f"{f.ratio:.3f}") for f in kept()]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows)


def draw(path: Path) -> None:
    """Draw every ratio of a figure to its reference, on a scale of powers of ten."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    found = [each for each in kept() if each.ratio > 0]
    figure, axes = plt.subplots(figsize=(10, 1 + 0.32 * len(found)), layout="constrained")
    bars = axes.barh([each.name for each in found], [each.ratio for each in found], color="#2f6fb2")
    axes.bar_label(bars, [f"{each.value:,.4g} {each.unit}" for each in found], padding=4, fontsize=8)
    axes.axvline(1, color="#888", linewidth=1)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlabel("ratio to the reference of the same run")
    figure.savefig(path, dpi=120)


def main() -> int:
    """Return how many did not run."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", nargs="*", choices=[*BENCHES, *PROOFS], help="these alone")
    chosen = asked.parse_args().only
    modules = [f"bench.{name}" for name in BENCHES] + [f"prove.{name}" for name in PROOFS]
    failed = 0
    for module in (each for each in modules if not chosen or each.split(".")[1] in chosen):
        print(f"== {module}", flush=True)
        failed += subprocess.run([sys.executable, "-u", "-m", module], check=False).returncode != 0
    print(table())
    draw(PICTURE)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
