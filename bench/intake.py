"""Passages a second through the whole door of GA/T 1400: HTTP, parse, pictures synced, commit, answer.

The intake process is pinned to one core; PostgreSQL and the sender share the other. Devices register by digest, then
post batches of BATCH over connections of their own, each waiting for its answer. Every answer is checked object by
object. The reference is a bare COPY of the same rows in the same run. Prints CPU seconds of each process.
"""

import argparse
import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import httpx2
import psutil
import psycopg
from bench.figures import Figure, keep

from anju.config import load
from anju.control.seed import registry_seed
from anju.demo_site import spec
from anju.engines import NatsServer, Postgres
from anju.engines.child import free_port
from anju.security.sealing import Sealer
from anju.store.database import Database
from anju.store.log import this_node
from anju.supervisor import Addresses, prepare

BATCH, SENDERS = 20, 16
PASSWORD = "Bench-camera-7"
BEIJING = timedelta(hours=8)
CODES = [f"5108020001121{n:07}" for n in range(1, SENDERS + 1)]


@dataclass(slots=True)
class Run:
    """What one run found. ``cpu`` are CPU seconds of each process."""

    passages: int
    seconds: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Passages a second."""
        return self.passages / self.seconds


@dataclass(slots=True)
class Stand:
    """A community's engines and its intake process alone, pinned."""

    port: int
    intake: psutil.Process
    postgres: psutil.Process
    owner: str

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds used so far, of PostgreSQL with all its processes, ended ones too."""
        server = [self.postgres.cpu_times(), *(each.cpu_times() for each in self.postgres.children(recursive=True))]
        ended = self.postgres.cpu_times()
        return {
            "intake": sum(self.intake.cpu_times()[:2]),
            "postgres": sum(each.user + each.system for each in server) + ended.children_user + ended.children_system,
            "sender": sum(psutil.Process().cpu_times()[:2]),
        }


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Stand]:
    """Start it: the intake on core 0, everything else on core 1."""
    os.sched_setaffinity(0, {1})  # children inherit it
    postgres, nats = Postgres(folder), NatsServer(folder)
    await postgres.start()
    await nats.start()
    await postgres.create_database("anju")
    port, path = free_port(), folder / "anju.toml"
    path.write_text(
        f'tier = "community"\ndata = "."\n[node]\nid = "bench"\nname = "bench"\nregion = "510802"\n'
        f'[database]\nurl = "{postgres.app_url("anju")}"\nowner_url = "{postgres.owner_url("anju")}"\n'
        f'[bus]\nurls = ["{nats.url}"]\n[intake]\nport = {port}\n'
    )
    config = load(path)
    addresses = await prepare(config, {})
    await register_lanes(addresses.database, Sealer(config.data / "keys"))
    child = await spawned(path, addresses)
    try:
        await listening(port)
        assert postgres.pid is not None
        yield Stand(port, psutil.Process(child.pid), psutil.Process(postgres.pid), postgres.owner_url("anju"))
    finally:
        child.terminate()
        await child.wait()
        await nats.stop()
        await postgres.stop()


async def spawned(path: Path, addresses: Addresses) -> asyncio.subprocess.Process:
    """Start the intake process as ``anju run`` would, on core 0."""
    words = (sys.executable, "-m", "anju", "role", "intake", "--config", str(path))
    child = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
    os.sched_setaffinity(child.pid, {0})
    assert child.stdin is not None
    child.stdin.write(addresses.line())
    await child.stdin.drain()
    return child


async def listening(port: int) -> None:
    """Return once somebody listens on ``port``."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def register_lanes(url: str, sealer: Sealer) -> None:
    """Register one lane for each sender, with a digest password."""
    told = spec("community", 3)
    told["sites"][0]["devices"] += [lane(code) for code in CODES]
    db = Database(url)
    await db.open()
    try:
        node = await this_node(db)
        async with db.transaction() as tx:
            await registry_seed(tx, told, node=node, at=datetime.now(UTC), seal=sealer.seal)
    finally:
        await db.close()


def lane(code: str) -> dict[str, str]:
    """Return a lane as the registry is told of it."""
    named = {"kind": "lane", "name": f"lane {code[-2:]}", "place": "东大门", "protocol": "viid"}
    return {**named, "account": code, "code": code, "credential": PASSWORD}


def bodies(code: str, pictures: tuple[bytes, ...], stamp: int) -> Iterator[bytes]:
    """Yield batches of BATCH new passages of lane ``code``, for ever."""
    encoded = [base64.b64encode(each).decode() for each in pictures]
    number = 0
    while True:
        objects = []
        for _ in range(BATCH):
            number += 1
            objects.append(passage(code, number, stamp, encoded))
        yield f'{{"MotorVehicleListObject":{{"MotorVehicleObject":[{",".join(objects)}]}}}}'.encode()


def passage(code: str, number: int, stamp: int, pictures: list[str]) -> str:
    """Return one MotorVehicle as a plate camera writes it."""
    now = datetime.now(UTC) + BEIJING
    basic = f"{code}02{now:%Y%m%d}{stamp + number // 90_000:06}{number % 90_000:05}"
    shots = ",".join(
        f'{{"ImageID":"{basic}","EventSort":1,"DeviceID":"{code}","Type":"{kind}","FileFormat":"Jpeg",'
        f'"ShotTime":"{now:%Y%m%d%H%M%S}","Width":1920,"Height":1080,"Data":"{data}"}}'
        for kind, data in zip(("01", "02"), pictures, strict=False)
    )
    return (
        f'{{"MotorVehicleID":"{basic}0200001","InfoKind":1,"SourceID":"{basic}","DeviceID":"{code}","LeftTopX":120,'
        f'"LeftTopY":90,"RightBtmX":1650,"RightBtmY":1010,"LaneNo":1,"HasPlate":true,"PlateClass":"02",'
        f'"PlateColor":"5","PlateNo":"{plate(number)}","Speed":8.5,"Direction":"3","VehicleClass":"K33",'
        f'"VehicleColor":"2","PassTime":"{now:%Y%m%d%H%M%S}","PlateReliability":"98",'
        f'"SubImageList":{{"SubImageInfoObject":[{shots}]}}}}'
    )


def plate(number: int) -> str:
    """Return one of 4,000 plates: a community's own cars and its visitors."""
    return f"川H{number * 7919 % 4_000 + 10_000:05}"


class Sender:
    """One lane: registers by digest, then posts over one connection."""

    def __init__(self, port: int, code: str) -> None:
        self.port, self.code = port, code
        self.posted = 0

    async def register(self) -> None:
        """Register with the password. Raises where the door refuses."""
        body = {"RegisterObject": {"DeviceID": self.code}}
        auth = httpx2.DigestAuth(self.code, PASSWORD)
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"http://127.0.0.1:{self.port}/VIID/System/Register",
                json=body,
                headers={"User-Identify": self.code},
                auth=auth,
            )
        answer.raise_for_status()

    async def post(self, ready: list[bytes], *, until: float) -> None:
        """Post ``ready`` one after the other up to time ``until``. Raises where an object is not kept."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"POST /VIID/MotorVehicles HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Identify: {self.code}\r\n"
            "Content-Type: application/VIID+JSON\r\nContent-Length: "
        )
        for body in ready:
            if time.perf_counter() > until:
                break
            writer.write(f"{head}{len(body)}\r\n\r\n".encode())
            writer.write(body)
            await writer.drain()
            told = await answered(reader)
            assert told.count(b'"StatusCode":0') == BATCH, told[:500]
            self.posted += BATCH
        writer.close()
        await writer.wait_closed()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return the body of an answer. Raises where it is not 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.split(b":")[1]))


async def run(stand: Stand, pictures: tuple[bytes, ...], *, seconds: float, most: int, stamp: int) -> Run:
    """Post for ``seconds``, at most ``most`` passages, made before the clock runs."""
    senders = [Sender(stand.port, code) for code in CODES]
    for each in senders:
        await each.register()
    batches = most // BATCH // SENDERS
    ready = [list(islice(bodies(each.code, pictures, stamp), batches)) for each in senders]
    before, begin = stand.cpu(), time.perf_counter()
    await asyncio.gather(*(each.post(of, until=begin + seconds) for each, of in zip(senders, ready, strict=True)))
    took, after = time.perf_counter() - begin, stand.cpu()
    return Run(sum(each.posted for each in senders), took, {name: after[name] - before[name] for name in after})


def bare_copy(owner_url: str, most: int = 50_000, batch: int = 1_000) -> float:
    """Return passages a second written by COPY alone: kept rows again, into a table of the same shape and indexes."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (LIKE passage INCLUDING ALL)")
        connection.execute("TRUNCATE bare")
        with connection.cursor().copy(f"COPY (SELECT * FROM passage LIMIT {most}) TO STDOUT") as copy:
            rows = b"".join(bytes(each) for each in copy).splitlines(keepends=True)
        begin = time.perf_counter()
        for start in range(0, len(rows), batch):
            with connection.cursor().copy("COPY bare FROM STDIN") as into:
                into.write(b"".join(rows[start : start + batch]))
        return len(rows) / (time.perf_counter() - begin)


async def measure(folder: Path, *, seconds: float) -> list[Figure]:
    """Measure without pictures, then with two of 60 and 10 KB."""
    pictures = (os.urandom(60_000), os.urandom(10_000))
    async with standing(folder) as stand:
        await run(stand, (), seconds=3, most=8_000, stamp=0)  # everything is loaded and known once
        plain = await run(stand, (), seconds=seconds, most=int(seconds * 9_000), stamp=100)
        reference = await asyncio.to_thread(bare_copy, stand.owner)
        whole = await run(stand, pictures, seconds=seconds, most=int(min(seconds, 10) * 1_800), stamp=200)
    print_cpu("without pictures", plain)
    print_cpu("with two pictures", whole)
    per_1000 = plain.cpu["intake"] / plain.passages * 1_000
    return [
        Figure.against("intake.objects_per_s", plain.rate, "1/s", reference),
        Figure.against("intake.pictures_objects_per_s", whole.rate, "1/s", reference),
        Figure.against("intake.ratio_to_copy", plain.rate / reference, "ratio", 1.0),
        Figure.against("intake.cpu_s_per_1000", per_1000, "CPU s", sum(plain.cpu.values()) / plain.passages * 1_000),
    ]


def print_cpu(name: str, found: Run) -> None:
    """Print what each process used."""
    used = ", ".join(f"{who} {seconds:.2f}" for who, seconds in found.cpu.items())
    print(f"{name}: {found.passages:,} passages in {found.seconds:.1f} s = {found.rate:,.0f}/s; CPU s: {used}")


def main() -> None:
    """Measure, print and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=15.0)
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name), seconds=asked.parse_args().seconds)))


if __name__ == "__main__":
    main()
