"""Real GA/T 1400 devices at a real intake: from HTTP to rows and pictures on disk, in the shapes met in the field."""

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import psycopg
import pytest_asyncio

from anju import app
from anju.bus.nats import Bus
from anju.config import load
from anju.control.corridor import Corridor
from anju.control.desk import AlarmDesk
from anju.domain.devices import Particulars, ViidAccess, sealed_for
from anju.engines import Postgres
from anju.engines.child import free_port
from anju.process import Node, clock
from anju.security.blob_keys import BlobKeys
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.sealing import Sealer
from anju.simulators.viid_camera import Acknowledged, Camera
from anju.simulators.viid_habits import HABITS
from anju.store import devices
from anju.store.blobs import Blobs
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from tests.devices.test_viid import codes, one
from tests.registry import Estate, make_estate

FIRST, GATEWAY, BEHIND, STRANGER, OLD = (*(f"5108020001121000000{n}" for n in range(1, 5)), "CAM07")
PASSWORD = "gate-7"
PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20


async def nothing(_: object) -> None: ...


@dataclass(slots=True)
class Intake:
    """A running intake process of one node."""

    node: Node
    estate: Estate
    port: int
    task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.task = asyncio.create_task(app.intake(self.node))
        async with asyncio.timeout(20), httpx2.AsyncClient(trust_env=False) as client:
            while not await self._answers(client):  # noqa: ASYNC110 - another program's start
                await asyncio.sleep(0.01)

    async def _answers(self, client: httpx2.AsyncClient) -> bool:
        assert self.task is not None
        if self.task.done():
            await self.task
        with suppress(httpx2.HTTPError):
            return (await client.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        return False

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def register(self, code: str, *, password: str | None = PASSWORD, **access: Any) -> str:
        new = NewDevice("lane", f"车道 {code[-2:]}", "viid", code, particulars=Particulars(viid=ViidAccess(**access)))
        seal = self.node.sealer.seal
        sealed = None if password is None else lambda name: seal(password.encode(), sealed_for(name))
        async with self.node.db.transaction() as tx:
            editor = Editor(self.node.node, "安装员", clock())
            return (await devices.add(tx, self.estate.wall, new, editor, sealed=sealed)).id

    def client(self, code: str, user: str = "", password: str = PASSWORD) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"User-Identify": code},
            auth=httpx2.DigestAuth(user or code, password),
            trust_env=False,
            timeout=20,
        )

    @asynccontextmanager
    async def opened(self, code: str = FIRST, user: str = "") -> AsyncIterator[httpx2.AsyncClient]:
        """Give a client that is registered, once the registry knows its device."""
        body = {"RegisterObject": {"DeviceID": code}}
        async with self.client(code, user) as client:
            async with asyncio.timeout(10):
                while (await client.post("/VIID/System/Register", json=body)).status_code != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.8)  # the registry is compared twice a second; five wrong digests lock out
            yield client

    async def column(self, query: str, **params: Any) -> list[Any]:
        return [row[0] for row in await self.node.db.fetch(query, **params)]

    async def reasons(self) -> set[str]:
        """Return what was counted as refused, once it is written."""
        async with asyncio.timeout(10):
            while not (found := await self.column("SELECT reason FROM rejection_hour")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return set(found)

    async def pictures(self) -> list[bytes]:
        data = self.node.config.data
        blobs = Blobs(self.node.db, data / "blobs", BlobKeys(data / "keys"), clock=clock)
        rows = await self.column("SELECT id FROM blob")
        found = [(await blobs.read(each))[0] for each in rows]
        await blobs.close()
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def intake(db: Database, node: NodeId, tmp_path: Path) -> AsyncIterator[Intake]:
    port = free_port()
    path = tmp_path / "anju.toml"
    path.write_text(
        f'tier = "community"\ndata = "data"\n[node]\nid = "{node.id}"\nname = "{node.name}"\n[intake]\nport = {port}\n'
    )
    config = load(path)
    keys = NodeKeys.load_or_make(config.data)
    operator_log = OperatorLog(db, keys, node=node.id)
    corridor = Corridor(db, node, operator_log, nothing, clock)
    desk = AlarmDesk(db, node, corridor, operator_log, nothing, clock)
    bus = Bus([], node=node.id)
    made = Node(config, db, bus, node, keys, Sealer(config.data / "keys"), operator_log, corridor, desk)
    intake = Intake(made, await make_estate(db, node, clock()), port)
    await intake.register(FIRST)
    await intake.start()
    yield intake
    await intake.stop()


def now() -> str:
    return f"{clock() + timedelta(hours=8):%Y%m%d%H%M%S}"


def vehicle(number: int, **more: Any) -> dict[str, Any]:
    basic = f"{FIRST}02{now()}{number:05}"
    told = {"MotorVehicleID": f"{basic}0200001", "InfoKind": 1, "SourceID": basic, "DeviceID": FIRST}
    told |= {"PlateClass": "02", "PlateColor": "5", "PlateNo": "川HA5Q68", "VehicleColor": "2", "PassTime": now()}
    return {**told, **more}


def shots(*pictures: str) -> dict[str, Any]:
    found = [{"ImageID": "", "Type": "01", "FileFormat": "jpg", "ShotTime": now(), "Data": each} for each in pictures]
    return {"SubImageInfoObject": found}


def batch(*objects: Any) -> dict[str, Any]:
    return {"MotorVehicleListObject": {"MotorVehicleObject": list(objects)}}


async def test_a_passage_with_its_pictures_is_on_disk_when_it_is_acknowledged(intake: Intake) -> None:
    plain = base64.b64encode(PICTURE).decode()
    async with intake.opened() as client:
        answer = await client.post("/VIID/MotorVehicles", json=batch(vehicle(1, SubImageList=shots(plain))))
    assert codes(answer) == [0]
    assert await intake.column("SELECT plate FROM passage") == ["川HA5Q68"]
    assert await intake.pictures() == [PICTURE]


async def test_cameras_of_every_make_are_understood(intake: Intake) -> None:
    done, refused = list[Acknowledged](), 0
    for make in HABITS.values():
        camera = Camera("127.0.0.1", intake.port, FIRST, PASSWORD, habits=make, chance=Random(str(make)))
        done += await camera.deliver(camera.see(3))
        refused += camera.tally.refused
        camera.cut()
    assert (len(done), refused) == (3 * len(HABITS), 0)
    assert set(await intake.column("SELECT object_id FROM passage")) == {each.object_id for each in done}
    sent = {digest for each in done for digest in each.pictures}
    assert {hashlib.sha256(each).hexdigest() for each in await intake.pictures()} == sent


ODD: dict[str, Callable[[], Any]] = {
    "object for list": lambda: {"MotorVehicleListObject": {"MotorVehicleObject": vehicle(1)}},
    "swapped wrapper": lambda: {"MotorVehicleObjectList": {"MotorVehicleObject": [vehicle(2)]}},
    "numbers as texts": lambda: batch(vehicle(3, HasPlate="1", LaneNo="2", InfoKind="1")),
    "identifier as number": lambda: batch(vehicle(4, SourceID=int(f"{FIRST}02{now()}00001"))),
    "empty members": lambda: batch(vehicle(5, VehicleBrand="", Speed="", SubImageList="")),
    "misspelt members": lambda: batch({**vehicle(6), "PlatgeNo": "川HA5Q68", "PlateNo": ""}),
    "short identifier": lambda: batch(vehicle(7, MotorVehicleID=f"{FIRST}02{now()}00001", SourceID="free text")),
    "broken base64": lambda: batch(vehicle(8, SubImageList=shots("/9j/\r\n4AAQ\r\nSkZJRg"))),
    "data URI": lambda: batch(vehicle(9, SubImageList=shots("data:image/jpeg;base64,/9j/4AAQSkZJRg=="))),
}


async def test_odd_bodies_are_kept_and_flagged(intake: Intake) -> None:
    async with intake.opened() as client:
        for body in ODD.values():
            assert codes(await client.post("/VIID/MotorVehicles", json=body())) == [0]
    rows = await intake.node.db.fetch("SELECT flags, plate FROM passage ORDER BY received_at, id")
    assert [plate for _, plate in rows] == ["川HA5Q68"] * len(ODD)
    plain = [habit for habit, (flags, _) in zip(ODD, rows, strict=True) if not flags or flags == ["near_duplicate"]]
    assert plain == ["empty members"]


async def test_other_charsets_are_kept_and_flagged(intake: Intake) -> None:
    async with intake.opened() as client:
        for number, charset in enumerate(("gbk", "utf-8-sig", "utf-16")):
            body = json.dumps(batch(vehicle(number, LaneNo=number + 1)), ensure_ascii=False).encode(charset)
            assert codes(await client.post("/VIID/MotorVehicles", content=body)) == [0]
    rows = await intake.node.db.fetch("SELECT plate, flags <> '{}' FROM passage")
    assert rows == [("川HA5Q68", True)] * 3


async def test_hostile_bodies_are_refused_and_counted_and_the_good_one_between_is_kept(intake: Intake) -> None:
    climbing = vehicle(2, MotorVehicleID="../../../etc/passwd")
    hiding = vehicle(3, StorageUrl1="../../x")
    async with intake.opened() as client:
        answer = await client.post("/VIID/MotorVehicles", json=batch(vehicle(1), climbing, {}, hiding, vehicle(4)))
        deep = await client.post("/VIID/MotorVehicles", content=b'{"a":' * 100_000)
        head = {"Content-Encoding": "gzip"}
        bomb = await client.post("/VIID/MotorVehicles", content=gzip.compress(bytes(20_000_000)), headers=head)
    assert [each == 0 for each in codes(answer)] == [True, False, False, False, True]
    assert (deep.status_code, one(deep)["StatusCode"]) == (400, 7)
    assert (bomb.status_code, one(bomb)["StatusCode"]) == (413, 8)
    assert len(await intake.column("SELECT 1 FROM passage")) == 2
    assert {"gzip bomb", "json format", "no_id"} <= await intake.reasons()


async def test_addresses_are_never_fetched_and_hostile_ones_are_flagged_and_left_out(intake: Intake) -> None:
    asked: list[bytes] = []

    async def trap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(10))
        writer.close()

    server = await asyncio.start_server(trap, "127.0.0.1", 0)
    trapped = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    addresses = (
        trapped,
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "gopher://a/",
        "http://[::1]/",
    )
    told = [vehicle(n, LaneNo=n + 1, StorageUrl1=each) for n, each in enumerate(addresses)]
    async with intake.opened() as client:
        assert codes(await client.post("/VIID/MotorVehicles", json=batch(*told))) == [0] * len(addresses)
    server.close()
    await server.wait_closed()
    rows = await intake.node.db.fetch("SELECT 'url_refused' = ANY (flags), body::text FROM passage")
    assert asked == []
    assert [flagged for flagged, _ in rows] == [True] * len(addresses)
    assert not [each for each in addresses for _, body in rows if each in body]


async def test_a_session_and_a_used_nonce_survive_a_restart(intake: Intake) -> None:
    async with intake.opened() as client:
        await intake.stop()
        await intake.start()
        async with httpx2.AsyncClient(base_url=client.base_url, trust_env=False) as bare:
            head = {"User-Identify": FIRST}
            assert codes(await bare.post("/VIID/MotorVehicles", json=batch(vehicle(1)), headers=head)) == [0]
        assert (await client.post("/VIID/System/Keepalive")).status_code == 200


async def test_the_same_object_twice_is_kept_once_and_acknowledged_twice(intake: Intake) -> None:
    body = batch(vehicle(1))
    async with intake.opened() as client:
        assert codes(await client.post("/VIID/MotorVehicles", json=body)) == [0]
        assert codes(await client.post("/VIID/MotorVehicles", json=body)) == [0]
    assert len(await intake.column("SELECT 1 FROM passage")) == 1


async def test_a_gateway_posts_for_its_cameras_and_a_strangers_face_waits(intake: Intake) -> None:
    await intake.register(BEHIND, password=None, user="gateway")
    await intake.register(GATEWAY, user="gateway")
    face = {"InfoKind": 1, "SourceID": "s", "ShotTime": now(), "Name": "张三"}
    faces = [{**face, "FaceID": f"f{n}", "DeviceID": code} for n, code in enumerate((BEHIND, STRANGER, FIRST))]
    async with intake.opened(GATEWAY, "gateway") as client:
        answer = await client.post("/VIID/Faces", json={"FaceListObject": {"FaceObject": faces}})
    assert codes(answer) == [0, 0, 4]
    assert await intake.column("SELECT object_id FROM sighting") == ["f0"]
    assert await intake.column("SELECT reason FROM quarantine") == ["unknown_device"]
    for table in ("sighting", "quarantine", "raw_frame", "log"):
        assert not await intake.column(f"SELECT 1 FROM {table} AS t WHERE strpos(t::text, '张三') > 0")


async def test_an_old_camera_with_a_code_of_its_own_is_let_in_once_registered(intake: Intake) -> None:
    await intake.register(OLD)
    async with intake.opened(OLD) as client:
        assert codes(await client.post("/VIID/MotorVehicles", json=batch(vehicle(1, DeviceID=OLD)))) == [0]
    (flags,) = await intake.column("SELECT flags FROM passage")
    assert "id_format" in flags


async def test_what_was_told_can_be_asked_for_and_withdrawn_but_is_not_destroyed(intake: Intake) -> None:
    told = [vehicle(n, PlateNo=plate) for n, plate in enumerate(("川HA5Q68", "川HB1234"))]
    async with intake.opened() as client:
        await client.post("/VIID/MotorVehicles", json=batch(*told))
        found = await client.get(
            "/VIID/MotorVehicles?(MotorVehicle.PlateNo Like HA5)&(MotorVehicle.DeviceID=" + FIRST + ")"
        )
        page = found.json()["MotorVehicleListObject"]
        assert (page["TotalNum"], [each["PlateNo"] for each in page["MotorVehicleObject"]]) == (1, ["川HA5Q68"])
        assert (await client.get("/VIID/MotorVehicles?(MotorVehicle.Secret=1)")).status_code == 400
        between = await client.get(f"/VIID/MotorVehicles?PassTime Between '20200101000000','{now()}'&RecordStartNo=2")
        assert len(between.json()["MotorVehicleListObject"]["MotorVehicleObject"]) == 1
        name = told[0]["MotorVehicleID"]
        gone = await client.delete("/VIID/MotorVehicles", params={"IDList": f"{name},nobody"})
        assert codes(gone) == [0, 4]
        assert "not destroyed" in gone.text
        single = await client.get(f"/VIID/MotorVehicles/{name}")
        assert single.json()["MotorVehicleObject"]["MotorVehicleID"] == name
    query = "SELECT version FROM passage WHERE object_id = %(id)s AND 'withdrawn' = ANY (flags)"
    assert await intake.column(query, id=name) == [2]
    changes = "SELECT version FROM log WHERE kind = 'passage' AND body->>'object_id' = %(id)s ORDER BY version"
    assert await intake.column(changes, id=name) == [1, 2]


async def test_an_image_is_told_without_its_picture_which_is_given_by_itself(intake: Intake) -> None:
    name = f"{FIRST}02{now()}00001"
    info = {
        "ImageID": name,
        "InfoKind": 1,
        "ImageSource": "2",
        "DeviceID": FIRST,
        "FileFormat": "Jpeg",
        "ShotTime": now(),
    }
    info |= {"Title": "张三", "ContentDescription": "门口", "Width": 8, "Height": 8}
    image = {"ImageInfo": info, "Data": base64.b64encode(PICTURE).decode()}
    async with intake.opened() as client:
        assert codes(await client.post("/VIID/Images", json={"ImageListObject": {"Image": [image]}})) == [0]
        single = await client.get(f"/VIID/Images/{name}")
        told = await client.get(f"/VIID/Images/{name}/Info")
        data = await client.get(f"/VIID/Images/{name}/Data")
        assert (await client.get("/VIID/Images/nobody/Data")).status_code == 404
    assert single.json()["Image"]["ImageInfo"]["ImageID"] == told.json()["ImageInfoObject"]["ImageID"] == name
    assert "张三" not in single.text + told.text
    assert (data.content, data.headers["content-type"]) == (PICTURE, "image/jpeg")


async def test_devices_are_told_of_themselves_without_addresses_and_passwords(intake: Intake) -> None:
    await intake.register(GATEWAY)
    async with intake.opened() as client:
        apes = (await client.get("/VIID/APEs")).json()["APEListObject"]["APEObject"]
        lanes = (await client.get("/VIID/Lanes")).json()["LaneListObject"]["LaneObject"]
        tollgates = (await client.get("/VIID/Tollgates")).json()["TollgateListObject"]["TollgateObject"]
    assert [(each["ApeID"], each["IsOnline"]) for each in apes] == [(FIRST, "1")]
    assert ([each["ApeID"] for each in lanes], [each["TollgateID"] for each in tollgates]) == ([FIRST], [FIRST])
    assert not {"Password", "UserId", "IPAddr"} & apes[0].keys()


async def test_while_the_database_is_away_senders_hear_so_and_lose_nothing(intake: Intake, postgres: Postgres) -> None:
    name = intake.node.db.url.rpartition("/")[2].partition("?")[0]
    async with (
        intake.opened() as client,
        await psycopg.AsyncConnection.connect(postgres.root_url(), autocommit=True) as owner,
    ):
        await owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = await client.post("/VIID/MotorVehicles", json=batch(vehicle(1)))
        assert (answer.status_code, answer.headers["retry-after"], one(answer)["StatusCode"]) == (503, "2", 2)
        assert (await client.get("/healthz")).status_code == 503
        await owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert codes(await client.post("/VIID/MotorVehicles", json=batch(vehicle(1)))) == [0]
    assert len(await intake.column("SELECT 1 FROM passage")) == 1


async def test_what_is_being_kept_is_answered_before_it_stops(intake: Intake) -> None:
    async with intake.opened() as client:
        async with intake.node.db.transaction() as tx:
            await tx.execute("LOCK TABLE passage IN EXCLUSIVE MODE")
            posting = asyncio.create_task(client.post("/VIID/MotorVehicles", json=batch(vehicle(1))))
            waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
            while not await intake.column(waits):  # noqa: ASYNC110 - another connection's wait
                await asyncio.sleep(0.01)
            stopping = asyncio.create_task(intake.stop())
            await asyncio.sleep(0)
        assert codes(await posting) == [0]
        await stopping
