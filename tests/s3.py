"""A real S3 server for tests: SeaweedFS as a child process, gone with the test."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anju.engines.child import becoming, free_port
from anju.errors import AnjuError
from anju.store.objects import Bucket, Objects

START_S = 60


@asynccontextmanager
async def s3_server(folder: Path) -> AsyncIterator[Bucket]:
    """Run a server in ``folder`` until the block ends; a bucket is made with the first object."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    identity = {
        "name": "anju",
        "credentials": [{"accessKey": "anju", "secretKey": "quiet-river"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    grpc = {f"{name}.port.grpc": free_port() for name in ports}
    flags = {f"{name}.port": port for name, port in ports.items()} | grpc
    child = await asyncio.create_subprocess_exec(
        *[
            weed,
            f"-logdir={folder}",
            "server",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-volume.max=20",
            "-master.volumeSizeLimitMB=64",
            "-s3",
            f"-s3.config={folder / 's3.json'}",
            *(f"-{name}={value}" for name, value in flags.items()),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=becoming(None, on_death=signal.SIGKILL),
    )
    try:
        bucket = Bucket(f"http://127.0.0.1:{ports['s3']}", "pictures", "anju", "quiet-river", prefix="node-1")
        await _answers(bucket, folder)
        yield bucket
    finally:
        child.kill()  # it takes half a minute to say good-bye
        await child.wait()
        for port in flags.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()


async def _answers(bucket: Bucket, folder: Path) -> None:
    """Wait until an object can be written."""
    probe = folder / "probe"
    probe.write_bytes(b"probe")
    async with asyncio.timeout(START_S):
        while True:
            try:
                await Objects(bucket).put("probe", probe)
            except AnjuError:
                await asyncio.sleep(0.2)
            else:
                return
