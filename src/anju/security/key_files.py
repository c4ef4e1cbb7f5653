"""Files that hold a secret of the node: made once, whoever of its processes comes first."""

import os
import secrets
from pathlib import Path


def keep_first(path: Path, fresh: bytes) -> bytes:
    """Return what ``path`` holds; where it is not there, ``fresh``, written for its owner's eyes only (0600).

    The processes of a node start together: all get the bytes of the one that was first.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, fresh)
    return path.read_bytes()


def _write(path: Path, fresh: bytes) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(part)  # whole or not at all, and never over another
    except FileExistsError:
        return
    finally:
        part.unlink()
