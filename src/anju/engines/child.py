"""What the engines' processes have in common: whom they run as, that they die with us, which port is free."""

import ctypes
import os
import pwd
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from anju.errors import EngineError

EXIT_FOLDER = 74
PR_SET_PDEATHSIG = 1
Owner = tuple[int, int] | None
"""User and group id; None for ourselves."""


def becoming(owner: Owner, *, on_death: signal.Signals = signal.SIGQUIT) -> Callable[[], None]:
    """Return what a child does before its program begins: get ``on_death`` when we die, drop root to ``owner``."""
    libc = ctypes.CDLL(None, use_errno=True)

    def become() -> None:
        os.setpgrp()
        if owner:
            os.setgroups([])
            os.setgid(owner[1])
            os.setuid(owner[0])
        libc.prctl(PR_SET_PDEATHSIG, on_death)

    return become


def owner_of(folder: Path) -> Owner:
    """Return whom an engine of ``folder`` runs as: never root, but the folder's owner or ``nobody``.

    Raises EngineError where ``nobody`` cannot enter the folder: no mode outside the data folder is ever loosened.
    """
    if os.geteuid() != 0:
        return None
    found = folder.stat()
    if found.st_uid != 0:
        return found.st_uid, found.st_gid
    if (closed := closed_above(folder)) is not None:
        raise EngineError(
            f"PostgreSQL never runs as root, and {closed} is closed to others: keep the data elsewhere "
            "(for example /var/lib/anju), or start Anju as an ordinary user.",
            code=EXIT_FOLDER,
        )
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def closed_above(folder: Path) -> Path | None:
    """Return the topmost folder above ``folder`` that others may not enter, None where there is none."""
    above = reversed(folder.resolve().parents)
    return next((each for each in above if each.is_dir() and not each.stat().st_mode & stat.S_IXOTH), None)


def own(folder: Path, owner: Owner) -> None:
    """Give ``folder`` and all in it to ``owner``."""
    if owner:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *owner, follow_symlinks=False)


def give(path: Path, owner: Owner) -> None:
    """Give one file or folder to ``owner``."""
    if owner:
        os.chown(path, *owner)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether somebody could listen on ``port`` of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
