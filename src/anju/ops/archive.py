"""A backup's container: a folder or one tar file, every member with its SHA-256, complete or not there at all."""

import hashlib
import io
import os
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from anju.errors import BackupError

MANIFEST = "manifest.json"
CHUNK = 1024 * 1024
STALE_S = 86_400
EXIT_DAMAGED, EXIT_NO_BACKUP = 82, 85
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
Copied = Callable[[int], None]
"""Told how many bytes more were read."""


class Member(msgspec.Struct, frozen=True):
    """One file of a backup."""

    bytes: int
    sha256: str


class _Hashing:
    """A file as ``tarfile`` and ``copy`` read it: at most ``size`` bytes of it, each hashed once."""

    def __init__(self, source: IO[bytes], size: int, copied: Copied) -> None:
        self._source, self._left, self._copied = source, size, copied
        self._hash = hashlib.sha256()

    def read(self, count: int = CHUNK) -> bytes:
        """Return the next bytes; none at the end."""
        data = self._source.read(min(count, self._left))
        self._left -= len(data)
        self._hash.update(data)
        self._copied(len(data))
        return data

    @property
    def sha256(self) -> str:
        """Return the hash of what was read."""
        return self._hash.hexdigest()


class Writer:
    """Fills ``<target>.part`` and gives it its name when it is whole. ``.tar`` at the end makes one file of it."""

    def __init__(self, target: Path) -> None:
        self._target, self._part = target, target.with_name(target.name + ".part")
        self.members: dict[str, Member] = {}
        self._tar: tarfile.TarFile | None = None
        self.abandon()
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        if target.suffix == ".tar":
            self._file = os.fdopen(os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
            self._tar = tarfile.open(fileobj=self._file, mode="w")  # noqa: SIM115 - closed with the archive
        else:
            self._part.mkdir(mode=0o700)

    def add(self, name: str, source: Path, *, size: int | None = None, copied: Copied = lambda _: None) -> None:
        """Take in ``source``, its first ``size`` bytes only: an open segment goes on growing."""
        with source.open("rb") as file:
            self._take(name, file, size if size is not None else os.fstat(file.fileno()).st_size, copied)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Take in ``data``."""
        self._take(name, io.BytesIO(data), len(data), lambda _: None)

    def _take(self, name: str, file: IO[bytes], size: int, copied: Copied) -> None:
        source = _Hashing(file, size, copied)
        if self._tar is not None:
            told = tarfile.TarInfo(name)
            told.size, told.mode = size, 0o600
            self._tar.addfile(told, source)
        else:
            path = self._part / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
                shutil.copyfileobj(source, out, CHUNK)
                _sync(out)
        self.members[name] = Member(size, source.sha256)

    def beside(self, name: str) -> Path:
        """Return where a file may be written before it is taken in: on the same disk, for nobody else's eyes."""
        return self._part.with_name(f"{self._part.name}.{name}")

    def finish(self, manifest: bytes) -> Path:
        """Write the manifest last and give the backup its name."""
        self.add_bytes(MANIFEST, manifest)
        if self._tar is not None:
            self._tar.close()
            _sync(self._file)
            self._file.close()
        self._part.rename(self._target)
        return self._target

    def abandon(self) -> None:
        """Leave nothing of it."""
        if self._tar is not None:
            self._file.close()
        if self._part.is_dir():
            shutil.rmtree(self._part)
        else:
            self._part.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what killed programs left half done more than a day ago."""
    for each in folder.glob("anju-*.tar.part*"):
        if time.time() - each.stat().st_mtime > STALE_S:
            each.unlink(missing_ok=True)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@dataclass(slots=True)
class Reader:
    """Reads a backup, hostile or broken as it may be. Raises BackupError ``damaged`` or ``no_backup``."""

    source: Path

    def __post_init__(self) -> None:
        if not self.source.exists():
            raise BackupError("no_backup", f"There is no backup at {self.source}.", exit_code=EXIT_NO_BACKUP)

    def read(self, name: str, most: int = 64 * CHUNK) -> bytes:
        """Return a small member whole."""
        with self._opened(name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise self.damaged(f"{name} is larger than it can be")
        return data

    def check(self, name: str, member: Member, to: Path | None = None, copied: Copied = lambda _: None) -> None:
        """Compare a member with its hash; with ``to`` write it there on the way."""
        with self._opened(name) as file:
            source = _Hashing(file, member.bytes + 1, copied)
            try:
                self._copy(source, to)
            except (OSError, EOFError, tarfile.TarError) as error:
                raise self.damaged(f"{name} cannot be read to its end") from error
        if source.sha256 != member.sha256:
            raise self.damaged(f"{name} is not what was written")

    def _copy(self, source: _Hashing, to: Path | None) -> None:
        if to is None:
            while source.read(CHUNK):
                pass
            return
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            shutil.copyfileobj(source, out, CHUNK)
            _sync(out)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if _NAME.fullmatch(name) is None:
            raise self.damaged(f"{name[:80]!r} is no name of a member")
        try:
            if self.source.is_dir():
                with (self.source / name).open("rb") as file:
                    yield file
                return
            with tarfile.open(self.source, "r:") as tar:
                found = tar.extractfile(name)
                if found is None:
                    raise KeyError(name)
                yield found
        except (KeyError, OSError, EOFError, tarfile.TarError) as error:
            raise self.damaged(f"{name} is missing or cannot be read") from error

    def damaged(self, why: str) -> BackupError:
        """Return the error that says so."""
        return BackupError(
            "damaged", f"{self.source.name} is damaged: {why}. Use another backup.", exit_code=EXIT_DAMAGED
        )


def size_of(path: Path) -> int:
    """Return the bytes that a file, or all files in a folder, have."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def plain(manifest: Any) -> bytes:
    """Return a manifest as it is written and signed: the same bytes for the same manifest."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1)
