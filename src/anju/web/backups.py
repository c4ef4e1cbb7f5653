"""The backups of a node as its console sees them: which there are, and how the last trial of each ended."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from anju.errors import BackupError, NotFound
from anju.ops.archive import size_of
from anju.ops.backup import Manifest, Opened, Told

TRIAL = ".trial.json"
MOST = 200
Act = Callable[[Path, str, Told], Awaitable[Manifest]]
"""Makes or tries the backup at a path, with a passphrase; tells how far it is."""


@dataclass(frozen=True, slots=True)
class Backups:
    """What can be done with backups in ``folder``; handed over by ``app``. ``needed`` says how large one may become."""

    folder: Path
    needed: Callable[[], Awaitable[int]]
    make: Act
    test: Act

    def target(self, node_id: str, at: datetime) -> Path:
        """Return where the next one goes."""
        return self.folder / f"anju-{node_id}-{at:%Y%m%d-%H%M%S}.tar"

    def find(self, name: str) -> Path:
        """Return a backup by its name. Raises NotFound."""
        for each in self._all():
            if each.name == name:
                return each
        raise NotFound("no_backup", "there is no such backup here")

    def listed(self) -> list[dict[str, Any]]:
        """Return every backup, newest first; one that cannot be read says why."""
        found = [self._told(each) for each in self._all()]
        return sorted(found, key=lambda each: str(each.get("made_at", "")), reverse=True)

    def _all(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        names = (each for each in self.folder.iterdir() if each.suffix == ".tar" or (each / "manifest.json").is_file())
        return sorted(names, reverse=True)[:MOST]

    def _told(self, path: Path) -> dict[str, Any]:
        told: dict[str, Any] = {"name": path.name, "bytes": size_of(path), "trial": self.trial(path)}
        try:
            return told | summary(Opened.of(path).manifest)
        except BackupError as error:
            return told | {"code": error.code, "message": str(error)}

    def note(self, path: Path, at: datetime, *, code: str, message: str) -> dict[str, Any]:
        """Keep how a trial ended; an empty ``code``: all was as it was saved."""
        told = {"at": at.isoformat(), "ok": not code, "code": code, "message": message}
        self._trial(path).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        return told

    def trial(self, path: Path) -> dict[str, Any] | None:
        """Return how the last trial of a backup ended, None where nobody tried it."""
        try:
            found = json.loads(self._trial(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _trial(self, path: Path) -> Path:
        return path.with_name(path.name + TRIAL)


def summary(manifest: Manifest) -> dict[str, Any]:
    """Return what a backup holds, in numbers."""
    return {
        "made_at": manifest.made_at.isoformat(),
        "program": manifest.program,
        "schema": manifest.schema,
        "node": manifest.node.id,
        "tables": len(manifest.tables),
        "rows": sum(each.rows for each in manifest.tables.values()),
        "files": len(manifest.files),
        "file_bytes": sum(each.bytes for each in manifest.files.values()),
        "missing": len(manifest.missing),
        "elsewhere": len(manifest.elsewhere),
    }
