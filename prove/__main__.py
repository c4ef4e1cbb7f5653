"""Runs proofs at full size, all or those that are named, and writes what each said to ``docs/proof/<date>.md``.

A proof that runs again replaces its own part of the day's page and leaves the others.
"""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

PROOFS = (
    "kills",
    "clients",
    "outage",
    "cursors",
    "tampering",
    "seen_at_three",
    "painted",
    "watched",
    "readable",
    "recording",
    "full_disk",
    "registering",
    "footprint",
    "hundred",
    "live",
    "through_tiers",
)
FOLDER = Path("docs/proof")
HEADING = "## "


def run(name: str) -> tuple[bool, str]:
    """Run one proof, its words shown as they come; return whether it held, and them."""
    said = []
    command = [sys.executable, "-u", "-m", f"prove.{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        for line in child.stdout:
            print(line, end="", flush=True)
            said.append(line)
    return child.returncode == 0, "".join(said).strip()


def parts(page: str) -> dict[str, str]:
    """Return the parts of a page by the name of their proof, in order."""
    found = page.split(f"\n{HEADING}")[1:]
    return {each.split(":")[0].split("\n")[0].strip(): f"{HEADING}{each.strip()}\n" for each in found}


def part(name: str, said: str, *, held: bool) -> str:
    """Return one part of a page."""
    verdict = "held" if held else "DID NOT HOLD"
    return f"{HEADING}{name}: {verdict}\n\n`python -m prove.{name}`:\n\n```\n{said}\n```\n"


def main(names: list[str]) -> int:
    """Return how many did not hold."""
    today, failed = datetime.now(UTC).date(), 0
    file = FOLDER / f"{today}.md"
    for name in names:
        held, said = run(name)
        failed += not held
        before = file.read_text() if file.exists() else ""
        page = parts(before) | {name: part(name, said, held=held)}
        FOLDER.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([f"# Proofs of {today}\n", *page.values()]))
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(PROOFS))
    raise SystemExit(main(parser.parse_args().names or list(PROOFS)))
