"""A node into a backup, and out of one: one moment of the database, the pictures it names, the keys that open them.

The keys leave sealed by a passphrase. A restored node is compared with what was counted when the backup was made:
every table's rows and hash, every file's SHA-256.
Source: 4.2.3 (storage), 6.3.2.
"""

import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec
from psycopg.conninfo import conninfo_to_dict

from anju.domain.site_file import Sealing
from anju.errors import BackupError, Invalid
from anju.ops.archive import MANIFEST, Member, Reader, Writer, plain, size_of
from anju.store import backup as store
from anju.store.backup import Mark
from anju.store.database import Database, Transaction
from anju.store.log import NodeId

FORMAT = 1
DUMP, KEYS, BLOBS = "database.dump", "keys.sealed", "blobs"
IN_S3 = "s3"
KEY_FOLDERS = ("keys", "docking", "web")
MARGIN = 64 * 1024 * 1024  # bytes that stay free
LOOK_S = 0.2
EXIT_SPACE, EXIT_PASSPHRASE, EXIT_NEWER, EXIT_TOOL, EXIT_DIFFERENT, EXIT_EXISTS = 80, 81, 83, 86, 87, 88
Told = Callable[[str, int, int], None]
"""Told the step, how much of it is done, and of how much."""


class Whose(msgspec.Struct, frozen=True):
    """Whose backup it is."""

    id: str
    name: str
    tier: str
    epoch: int


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a backup holds. ``missing`` segments should be in it and are not; ``elsewhere`` are those that lie in S3
    alone and stay there. ``proof`` is made with the passphrase over all the rest: nobody else can change it."""

    format: int
    made_at: datetime
    program: str
    schema: str
    database_bytes: int
    node: Whose
    tables: dict[str, Mark]
    files: dict[str, Member]
    missing: list[str] = msgspec.field(default_factory=list)
    elsewhere: list[str] = msgspec.field(default_factory=list)
    sealing: Sealing
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens with the passphrase; ``open`` raises Invalid."""

    sealing: Sealing
    seal: Callable[[bytes, str], str]
    open: Callable[[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """The node to be backed up. ``tool`` finds a program of PostgreSQL, ``more`` are files kept with the keys."""

    db: Database
    node: NodeId
    data: Path
    tool: Callable[[str], Path]
    program: str
    more: tuple[Path, ...] = ()


async def needed(source: Source) -> int:
    """Return the bytes that a backup takes at most."""
    return await store.size(source.db) + await asyncio.to_thread(size_of, source.data / BLOBS) + MARGIN


async def make(source: Source, target: Path, seal: Seal, *, at: datetime, told: Told = lambda *_: None) -> Manifest:
    """Write a backup while the node runs. Cancelled or failed, nothing of it is left. Raises BackupError."""
    await asyncio.to_thread(_check_target, target, await needed(source))
    writer = await asyncio.to_thread(Writer, target)
    try:
        return await _fill(source, writer, seal, at, told)
    except BaseException:
        await asyncio.to_thread(writer.abandon)
        raise


def _check_target(target: Path, need: int) -> None:
    if target.exists():
        raise BackupError("exists", f"{target} is there already: choose another name.", exit_code=EXIT_EXISTS)
    check_space(target, need)


def check_space(target: Path, need: int) -> None:
    """Raise BackupError ``no_space`` where the disk of ``target`` has fewer than ``need`` bytes free."""
    folder = next(each for each in target.absolute().parents if each.is_dir())
    free = shutil.disk_usage(folder).free
    if free < need:
        words = f"{folder} has {free // 2**20} MB free and up to {need // 2**20} MB are needed"
        raise BackupError("no_space", f"{words}: make room or go elsewhere.", exit_code=EXIT_SPACE)


async def _fill(source: Source, writer: Writer, seal: Seal, at: datetime, told: Told) -> Manifest:
    """The database first: every picture that its rows name is on disk by then."""
    async with source.db.transaction() as tx:
        snapshot = await store.freeze(tx)
        size = await store.size(tx)
        dump = asyncio.create_task(_dump(source, writer, snapshot, size, told))
        try:
            schema, tables = await store.revision(tx), await _marks(tx, told)
            named = await store.segments(tx)
            await dump
        finally:
            dump.cancel()
            await asyncio.wait([dump])
    await asyncio.to_thread(_blobs, source.data / BLOBS, writer, told)
    absent = sorted(name for name in named if f"{BLOBS}/{name}" not in writer.members)
    keys = await asyncio.to_thread(_keys, source)
    await asyncio.to_thread(writer.add_bytes, KEYS, seal.seal(keys, KEYS).encode())
    node = Whose(source.node.id, source.node.name, source.node.tier, source.node.epoch)
    bare = Manifest(
        format=FORMAT,
        made_at=at,
        program=source.program,
        schema=schema,
        database_bytes=size,
        node=node,
        tables=tables,
        files=dict(writer.members),
        missing=[name for name in absent if named[name] != IN_S3],
        elsewhere=[name for name in absent if named[name] == IN_S3],
        sealing=seal.sealing,
    )
    whole = msgspec.structs.replace(bare, proof=seal.seal(_digest(bare), MANIFEST))
    await asyncio.to_thread(writer.finish, plain(whole))
    return whole


def _digest(manifest: Manifest) -> bytes:
    return hashlib.sha256(plain(msgspec.structs.replace(manifest, proof=""))).digest()


async def _marks(tx: Transaction, told: Told = lambda *_: None) -> dict[str, Mark]:
    names = await store.tables(tx)
    found: dict[str, Mark] = {}
    for number, name in enumerate(names, start=1):
        found[name] = await store.mark(tx, name)
        told("count", number, len(names))
    return found


async def _dump(source: Source, writer: Writer, snapshot: str, size: int, told: Told) -> None:
    """Let ``pg_dump`` write that one moment; its file is beside the backup until it is in it."""
    path = writer.beside(DUMP)
    command = ["--format=custom", "--compress=1", f"--snapshot={snapshot}", f"--file={path}"]
    try:
        async with _running(source.tool("pg_dump"), command, source.db.url) as child:
            while child.returncode is None:
                told("dump", path.stat().st_size if path.exists() else 0, size)
                await _ended(child, LOOK_S)
        await asyncio.to_thread(writer.add, DUMP, path)
    finally:
        path.unlink(missing_ok=True)


async def _ended(child: asyncio.subprocess.Process, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(child.wait()), seconds)


_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


@contextlib.asynccontextmanager
async def _running(tool: Path, options: Sequence[str], url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program of PostgreSQL to its end; the password goes by the environment, where no other user sees it.

    Raises BackupError with its last words where it fails.
    """
    there = conninfo_to_dict(url)
    environment = {
        **os.environ,
        **{_ENVIRONMENT[key]: str(value) for key, value in there.items() if key in _ENVIRONMENT},
    }
    child = await asyncio.create_subprocess_exec(
        str(tool), *options, env=environment, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
        assert child.stderr is not None  # noqa: S101 - asked for above
        words = (await child.stderr.read()).decode(errors="replace").strip().splitlines()
        if await child.wait():
            reason = words[-1] if words else f"exit {child.returncode}"
            raise BackupError("tool_failed", f"{tool.name} failed: {reason}.", exit_code=EXIT_TOOL)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _blobs(folder: Path, writer: Writer, told: Told) -> None:
    """Take in every segment, but for one that retention takes away at this very moment."""
    found = sorted((each, each.stat().st_size) for each in folder.rglob("*") if each.is_file())
    total, done = sum(size for _, size in found), 0

    def copied(count: int) -> None:
        nonlocal done
        done += count
        told("blobs", done, total)

    for path, size in found:
        with contextlib.suppress(FileNotFoundError):
            writer.add(f"{BLOBS}/{path.relative_to(folder)}", path, size=size, copied=copied)


def _keys(source: Source) -> bytes:
    """Return all that opens what the database and the pictures hold, as a tar in memory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in KEY_FOLDERS:
            folder = source.data / name
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.is_file() and not path.name.endswith(".part"):
                    tar.add(path, arcname=f"{name}/{path.relative_to(folder)}")
        for path in source.more:
            tar.add(path, arcname=path.name)
    return out.getvalue()


@dataclass(slots=True)
class Opened:
    """A backup whose manifest was read. Nothing of it is believed before ``prove``."""

    reader: Reader
    manifest: Manifest
    keys: bytes = field(default=b"", repr=False)

    @staticmethod
    def of(source: Path) -> "Opened":
        """Read the manifest. Raises BackupError ``no_backup`` or ``damaged``."""
        reader = Reader(source)
        try:
            return Opened(reader, msgspec.json.decode(reader.read(MANIFEST), type=Manifest))
        except msgspec.DecodeError as error:
            raise reader.damaged("its manifest cannot be read") from error

    def prove(self, open_seal: Callable[[Sealing], Seal], known: Sequence[str]) -> None:
        """Ask that this program knows its schema and that the passphrase is right. Raises BackupError."""
        if self.manifest.format != FORMAT or self.manifest.schema not in known:
            made = f"This backup was made by Anju {self.manifest.program} with schema {self.manifest.schema}"
            words = f"{made}; this program knows schemas up to {known[-1]}: install that version first."
            raise BackupError("newer", words, exit_code=EXIT_NEWER)
        try:
            seal = open_seal(self.manifest.sealing)
        except Invalid as error:
            words = "This is not the passphrase of this backup: nothing was changed."
            raise BackupError("wrong_passphrase", words, exit_code=EXIT_PASSPHRASE) from error
        self.keys = self._unsealed(seal)

    def _unsealed(self, seal: Seal) -> bytes:
        try:
            if seal.open(self.manifest.proof, MANIFEST) != _digest(self.manifest):
                raise self.reader.damaged("its manifest was changed")
            return seal.open(self.reader.read(KEYS).decode(), KEYS)
        except (Invalid, UnicodeDecodeError) as error:
            raise self.reader.damaged("its manifest or its keys were changed") from error

    def check_files(self, told: Told = lambda *_: None) -> None:
        """Compare every file with its SHA-256. Raises BackupError ``damaged``."""
        self._go_through(told, "check", lambda _: None)

    def extract(self, data: Path, told: Told = lambda *_: None) -> Path:
        """Write pictures and keys into ``data``, and the dump beside them; return where the dump is."""
        self._go_through(told, "copy", lambda name: None if name == KEYS else data / name)
        _write_keys(self.keys, data)
        for folder in KEY_FOLDERS:
            if (data / folder).is_dir():
                (data / folder).chmod(0o700)
        return data / DUMP

    def _go_through(self, told: Told, step: str, to: Callable[[str], Path | None]) -> None:
        total, done = sum(each.bytes for each in self.manifest.files.values()), 0

        def copied(count: int) -> None:
            nonlocal done
            done += count
            told(step, done, total)

        for name, member in self.manifest.files.items():
            self.reader.check(name, member, to(name), copied)


async def load(dump: Path, url: str, tool: Callable[[str], Path]) -> None:
    """Fill the empty database at ``url`` from ``dump``. Raises BackupError."""
    options = ["--exit-on-error", f"--dbname={conninfo_to_dict(url)['dbname']}", str(dump)]
    async with _running(tool("pg_restore"), options, url) as child:
        await child.wait()


async def compare(db: Database, manifest: Manifest, told: Told = lambda *_: None) -> list[str]:
    """Return in words what of a restored database is not as it was counted when the backup was made."""
    async with db.transaction() as tx:
        await store.freeze(tx)
        found = await _marks(tx, told)
    names = sorted(found.keys() | manifest.tables.keys())
    return [
        f"{name}: {_words(manifest.tables.get(name))} in the backup, {_words(found.get(name))} here"
        for name in names
        if found.get(name) != manifest.tables.get(name)
    ]


def _words(mark: Mark | None) -> str:
    return f"{mark.rows} rows ({mark.hash})" if mark else "no such table"


def _write_keys(packed: bytes, data: Path) -> None:
    """Write the files of key folders out of their tar; no name in it leads elsewhere."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for each in tar.getmembers():
            parts = PurePosixPath(each.name).parts
            file = tar.extractfile(each) if each.isfile() else None
            if file is None or parts[0] not in KEY_FOLDERS or ".." in parts:
                continue
            path = data.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_bytes(file.read())
