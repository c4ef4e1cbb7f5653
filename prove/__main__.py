"""Runs every proof at full size and writes what each said to ``docs/proof/<date>.md``."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

PROOFS = ("kills", "clients", "outage", "seen_at_three", "painted", "footprint")


def main() -> int:
    """Return 0 where everything held."""
    page, failed = [f"# Proofs of {datetime.now(UTC):%Y-%m-%d}", ""], 0
    for name in PROOFS:
        command = [sys.executable, "-u", "-m", f"prove.{name}"]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        failed += done.returncode != 0
        page += [
            f"## {name}: {'held' if done.returncode == 0 else 'DID NOT HOLD'}",
            "",
            "```",
            done.stdout.strip(),
            "```",
            "",
        ]
        print(done.stdout)
    folder = Path("docs/proof")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text("\n".join(page))
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
