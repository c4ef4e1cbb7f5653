"""The embedded engine starts where it is put, and says in one sentence why it cannot."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from anju.engines.child import EXIT_FOLDER
from anju.engines.postgres import EXIT_PORT, EXIT_VERSION, Postgres
from anju.errors import EngineError


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="anju-engine-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_database_outlives_a_restart_and_a_copy_elsewhere(folder: Path) -> None:
    first = Postgres(folder / "here", fsync=False)
    await first.start()
    await first.create_database("anju")
    with psycopg.connect(first.owner_url("anju"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    await first.stop()
    shutil.copytree(folder / "here", folder / "there", symlinks=True)
    second = Postgres(folder / "there", fsync=False)
    await second.start()
    with psycopg.connect(second.owner_url("anju")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    await second.stop()


async def test_a_killed_server_starts_again_over_its_stale_pid_file(folder: Path) -> None:
    server = Postgres(folder, fsync=False)
    await server.start()
    pid_file = folder / "engines" / "cluster" / "postmaster.pid"
    stale = pid_file.read_text()
    await server.stop()
    pid_file.write_text(stale)
    pid_file.chmod(0o600)
    again = Postgres(folder, fsync=False)
    await again.start()
    assert again.pid is not None
    await again.stop()
    assert again.pid is None


async def test_a_taken_port_is_one_sentence_and_a_code(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(EngineError, match="is taken by another program") as caught:
            await Postgres(folder, port=other.getsockname()[1]).start()
    assert caught.value.code == EXIT_PORT


async def test_a_cluster_of_another_major_version_is_refused(folder: Path) -> None:
    cluster = folder / "engines" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EngineError, match="made by PostgreSQL 17") as caught:
        await Postgres(folder).start()
    assert caught.value.code == EXIT_VERSION


async def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    server = Postgres(folder, fsync=False)
    await server.start()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")
    await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's engines run as himself")
async def test_root_with_data_where_nobody_may_enter_is_told_so_in_one_sentence(folder: Path) -> None:
    closed = folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(EngineError, match=f"{closed} is closed to others: keep the data elsewhere") as caught:
        await Postgres(closed / "data").start()
    assert caught.value.code == EXIT_FOLDER
