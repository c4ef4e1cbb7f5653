"""Simulated cameras against a probe that knows nothing of our protocol layer, and against our own front door."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from anju.demo import run_cameras
from anju.devices.viid import Asked, Behind, Posted, ViidDoor
from anju.devices.viid_gate import Directory, Registered
from anju.domain.changes import Fate
from anju.domain.cleaning import Reporter
from anju.domain.devices import Device, DeviceState, Particulars
from anju.errors import ConfigError, WireError
from anju.pipeline.registry import Known
from anju.protocols.viid import Bad, ViidObject
from anju.simulators.viid_camera import Acknowledged, Camera, Faults, codes, drive, fleet
from anju.simulators.viid_habits import HABITS, written
from anju.store.viid_sessions import Session
from anju.wire.http import HttpServer

FIRST, PASSWORD = "51080200011190000001", "Kamera-2026"
NOW = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Probe:
    """A server in the words of the standard, written without anything of ours; it counts and keeps what it gets."""

    def __init__(self) -> None:
        self.port, self.busy = 0, 0
        self.registered: list[str] = []
        self.faces: list[dict[str, Any]] = []
        routes = [("System/Register", self._register), ("Faces", self._post), ("MotorVehicles", self._post)]
        self.app = Starlette(
            routes=[
                *(Route(f"/VIID/{path}", handle, methods=["POST"]) for path, handle in routes),
                Route("/VIID/System/Time", self._time),
            ]
        )

    async def _register(self, request: Request) -> Response:
        if not self._proved(request):
            challenge = 'Digest realm="probe", qop="auth", nonce="0123456789abcdef", opaque="", algorithm=MD5'
            return Response(status_code=401, headers={"www-authenticate": challenge})
        self.registered.append((await request.json())["RegisterObject"]["DeviceID"])
        return JSONResponse({"ResponseStatusObject": {"StatusCode": 0, "Id": self.registered[-1]}})

    def _proved(self, request: Request) -> bool:
        told = parse_keqv_list(parse_http_list(request.headers.get("authorization", "").removeprefix("Digest ")))
        if not told:
            return False
        first, second = md5(f"{told['username']}:probe:{PASSWORD}"), md5(f"POST:{told['uri']}")
        middle = f"{told['nonce']}:{told['nc']}:{told['cnonce']}:{told['qop']}"
        return told["response"] == md5(f"{first}:{middle}:{second}") and told["uri"] == request.url.path

    async def _post(self, request: Request) -> Response:
        if request.headers["user-identify"] not in self.registered:
            return Response(status_code=401)
        if self.busy:
            self.busy -= 1
            return Response(status_code=503, headers={"retry-after": "2"})
        (wrapper,) = (await request.json()).values()
        (items,) = wrapper.values()
        self.faces += items
        entries = [{"Id": each.get("FaceID", ""), "StatusCode": "0"} for each in items]
        return JSONResponse({"ResponseStatusListObject": {"ResponseStatusObject": entries}})

    async def _time(self, _request: Request) -> Response:
        return JSONResponse({"SystemTimeObject": {"TimeMode": "1", "LocalTime": "20261122161531"}})


@pytest_asyncio.fixture(loop_scope="session")
async def probe() -> AsyncIterator[Probe]:
    probe = Probe()
    server = HttpServer(probe.app)
    probe.port = await server.open("127.0.0.1", 0)
    yield probe
    await server.close()


def camera(port: int, **how: Any) -> Camera:
    return Camera("127.0.0.1", port, FIRST, PASSWORD, retry_s=0.05, chance=Random(1), **how)


async def test_a_camera_registers_by_digest_and_posts_what_the_standard_says(probe: Probe) -> None:
    found = camera(probe.port, kind="face")
    assert await found.register()
    (done,) = await found.deliver(found.see())
    (face,) = probe.faces
    assert (probe.registered, face["FaceID"], face["DeviceID"]) == ([FIRST], done.object_id, FIRST)
    images = face["SubImageList"]["SubImageInfoObject"]
    digests = tuple(hashlib.sha256(base64.b64decode(each["Data"])).hexdigest() for each in images)
    assert digests == done.pictures
    assert [each["Type"] for each in images] == ["11", "14"]
    found.cut()


async def test_a_camera_that_is_not_known_registers_and_posts_again(probe: Probe) -> None:
    found = camera(probe.port, kind="face", pictures="none")
    assert len(await found.deliver(found.see(3))) == 3
    assert (len(probe.faces), found.tally.registrations) == (3, 1)
    found.cut()


async def test_a_busy_server_is_asked_again_with_the_same_objects(probe: Probe) -> None:
    probe.busy = 2
    found = camera(probe.port, kind="face", pictures="none")
    seen = found.see(2)
    done = await found.deliver(seen)
    assert [each["FaceID"] for each in probe.faces] == [each.object_id for each in seen] == [d.object_id for d in done]
    assert found.tally.failures == 2
    found.cut()


async def test_the_clock_is_set_by_the_platform(probe: Probe) -> None:
    found = camera(probe.port, pictures="none", clock=lambda: NOW - timedelta(hours=3), sets_clock=True)
    assert await found.register()
    (seen,) = found.see()
    assert seen.at == NOW
    found.cut()


async def test_a_wrong_password_is_not_welcome(probe: Probe) -> None:
    found = Camera("127.0.0.1", probe.port, FIRST, "guess")
    assert not await found.register()
    found.cut()


class Door:
    """Our front door over a set that recognises repeats."""

    def __init__(self) -> None:
        self.port = 0
        self.kept: dict[str, ViidObject] = {}
        self.repeats = 0
        self.sessions: dict[str, Session] = {}
        self.known = {code: _known(code) for code, _ in zip(codes(FIRST), range(20), strict=False)}
        self.door = ViidDoor(
            Directory(self.known.get, self._of_user, self._session),
            self,
            Behind(self._emit, self._withdraw, self._find, self._picture, self._refused, self._wrong, self._healthy),
            library="51080200015030000001",
            clock=now,
            nonce_key=bytes(32),
        )

    def _of_user(self, user: str) -> Sequence[Registered]:
        return [self.known[user]] if user in self.known else []

    async def _session(self, device_id: str) -> Session | None:
        return self.sessions.get(device_id)

    async def register(self, device_id: str, peer: str) -> None:
        self.sessions[device_id] = Session(device_id, peer, now(), now())

    async def unregister(self, device_id: str) -> None:
        self.sessions.pop(device_id, None)

    def heard(self, device_id: str) -> None:
        """Nothing is expected of it here."""

    async def _emit(self, posted: Posted) -> Sequence[Fate | Bad]:
        fates = [Fate.DUPLICATE if each.object_id in self.kept else Fate.KEPT for each in posted.objects]
        self.repeats += fates.count(Fate.DUPLICATE)
        self.kept |= {each.object_id: each for each in posted.objects}
        return fates

    async def _withdraw(self, _sender: Registered, _kind: str, _ids: Sequence[str]) -> list[tuple[str, int, str]]:
        return []

    async def _picture(self, _asked: Asked) -> tuple[bytes, str]:
        return b"", ""

    async def _find(self, _asked: Asked) -> bytes:
        return b"{}"

    def _refused(self, _account: str, _peer: str, _reasons: Mapping[str, int]) -> None:
        """Counted by the door itself."""

    async def _wrong(self, _error: WireError, _peer: str) -> None:
        """Counted by the door itself."""

    async def _healthy(self) -> None:
        """Always."""


def _known(code: str) -> Known:
    named = Device(
        f"d{code[-6:]}", "s", "p", "/510800/s/p/", "", "lane", "东门", "viid", code, code, DeviceState.UNKNOWN,
        "never heard", NOW, None, None, False, None, None, Particulars(), "n", 1, NOW, None, True,
    )  # fmt: skip
    return Known(named, Reporter(named.id, named.name, "s", "p", named.place_path, "东门"), PASSWORD.encode())


@pytest_asyncio.fixture(loop_scope="session")
async def door() -> AsyncIterator[Door]:
    door = Door()
    server = HttpServer(door.door)
    door.port = await server.open("127.0.0.1", 0)
    yield door
    await server.close()


@pytest.mark.parametrize("make", sorted(HABITS))
@pytest.mark.parametrize("kind", ["motor_vehicle", "face"])
async def test_every_make_is_understood_picture_by_picture(door: Door, make: str, kind: Any) -> None:
    found = camera(door.port, kind=kind, habits=HABITS[make])
    (done,) = await found.deliver(found.see())
    kept = door.kept[done.object_id]
    assert tuple(each.sha256 for each in kept.images) == done.pictures
    assert (kept.at is not None, kept.device_id) == (True, FIRST)
    assert (kept.flags == ()) == (make == "book")
    assert kept.members.get("PlateNo", "") == done.plate
    assert await found.keep_alive()
    assert await found.unregister()
    assert not door.sessions
    found.cut()


async def test_what_is_acknowledged_was_kept_whatever_went_wrong(door: Door) -> None:
    faults = Faults(duplicate=0.2, cut=0.2, garbage=0.2, bad_base64=0.1, no_plate=0.1, misread=0.1, clock_off_s=3600)
    cameras = fleet(
        "127.0.0.1", door.port, 6, first=FIRST, password=PASSWORD, makes=sorted(HABITS), faces=0.34, faults=faults,
        seed=3, retry_s=0.05,
    )  # fmt: skip
    done: list[Acknowledged] = []
    begun = await drive(cameras, 400, 0.5, on_acknowledged=done.append, batch=2, patience_s=60)
    assert (begun, len(done)) == (200, 200)
    assert {each.object_id for each in done} == set(door.kept)
    for each in done:
        kept = door.kept[each.object_id]
        assert not each.pictures or each.pictures == tuple(image.sha256 for image in kept.images)
    assert door.repeats > 0
    assert door.door.rejected["json format"] > 0


async def test_a_fleet_of_one_seed_sees_the_same_again() -> None:
    fleets = [fleet("127.0.0.1", 1, 3, first=FIRST, password="", pictures="none", seed=7) for _ in range(2)]
    plates = [[each.see()[0].members["PlateNo"] for each in cameras] for cameras in fleets]
    assert plates[0] == plates[1]
    assert len({each.code for each in fleets[0]}) == 3


async def test_a_camera_with_nothing_to_tell_keeps_alive(door: Door) -> None:
    (found,) = fleet("127.0.0.1", door.port, 1, first=FIRST, password=PASSWORD, pictures="none")
    done: list[Acknowledged] = []
    async with asyncio.timeout(20):
        await drive([found], 4, 1.0, on_acknowledged=done.append, keepalive_s=0.05)
    assert len(done) == 4
    assert found.tally.registrations >= 1


def test_bodies_of_odd_makes_are_odd() -> None:
    (seen,) = camera(1, pictures="none").see()
    assert written("motor_vehicle", [seen], HABITS["careless"]).startswith(b"\xef\xbb\xbf")
    assert "川" not in written("motor_vehicle", [seen], HABITS["integrator"]).decode("latin-1")
    told = json.loads(written("motor_vehicle", [seen], HABITS["gateway"]))["MotorVehicleListObject"]
    assert told["MotorVehicleObject"]["SourceID"] == int(str(seen.image))


async def test_the_command_tells_what_was_acknowledged_and_writes_it_down(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told.jsonl"
    how = {"first": FIRST, "password": PASSWORD, "pictures": "none"}
    await run_cameras("127.0.0.1", door.port, 2, 40, 0.25, batch=5, makes=["all"], faults={}, told=told, **how)
    assert capsys.readouterr().out == "10 objects begun, 10 acknowledged, 0 refused, by 2 cameras in 2 posts\n"
    assert {json.loads(each)["object_id"] for each in told.read_text().splitlines()} == set(door.kept)


@pytest.mark.parametrize(
    ("makes", "faults", "how"),
    [(["foo"], {}, {}), (None, {"foo": 1.0}, {}), (None, {}, {"pictures": "x"}), (None, {}, {"first": "1"})],
)
async def test_words_that_mean_nothing_are_refused(makes: Any, faults: Any, how: dict[str, str]) -> None:
    told = {"first": FIRST, "password": PASSWORD} | how
    with pytest.raises(ConfigError):
        await run_cameras("127.0.0.1", 1, 1, 1, 1, batch=1, makes=makes, faults=faults, told=None, **told)
