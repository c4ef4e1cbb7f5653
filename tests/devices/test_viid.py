"""GA/T 1400 over real sockets: digest, sessions, an answer for each object in order, what is hostile refused."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from anju.devices.viid import Asked, Behind, Posted, ViidDoor, serve
from anju.devices.viid_gate import Directory, Registered
from anju.devices.viid_http import MOST
from anju.domain.changes import Fate
from anju.domain.cleaning import Reporter
from anju.domain.devices import Device, DeviceState, Particulars, ViidAccess
from anju.errors import DatabaseAway, EngineError, WireError
from anju.pipeline.registry import Known
from anju.protocols.viid import Bad
from anju.store.viid_sessions import Session
from anju.wire.http import HttpServer
from anju.wire.tls import make_certificate, pinned

NOW = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
CAMERA, GATEWAY, BEHIND, OTHER = (f"5108020001119000000{n}" for n in range(1, 5))
PASSWORD = "gate-7 密码"


def passage(number: int, device: str = CAMERA, **more: Any) -> dict[str, Any]:
    """Return a MotorVehicle as cameras write it."""
    basic = f"{device}02202611220815{number // 1000 % 60:02}{number:05}"
    return {
        "MotorVehicleID": f"{basic}0200001",
        "InfoKind": 1,
        "SourceID": basic,
        "DeviceID": device,
        "PlateClass": "02",
        "PlateColor": "5",
        "PlateNo": "川HA5Q68",
        "VehicleColor": "2",
        "PassTime": "20261122161530",
        **more,
    }


def batch(*objects: Any) -> dict[str, Any]:
    return {"MotorVehicleListObject": {"MotorVehicleObject": list(objects)}}


def device(account: str, password: str | None = PASSWORD, **access: Any) -> Known:
    named = Device(
        f"d{account[-4:]}", "s", "p", "/510800/s/p/", "", "lane", "东门", "viid", account, account, DeviceState.UNKNOWN,
        "never heard", NOW, None, None, False, None, None, Particulars(viid=ViidAccess(**access)), "n", 1, NOW, None,
        password is not None,
    )  # fmt: skip
    reporter = Reporter(named.id, named.name, "s", "p", named.place_path, "东门")
    return Known(named, reporter, password.encode() if password else None)


class Door:
    """An open door with what came through it to hand."""

    def __init__(self) -> None:
        self.now, self.away, self.port = NOW, False, 0
        self.known = {
            each.device.account: each
            for each in (
                device(CAMERA),
                device(GATEWAY, "gw", user="gateway"),
                device(BEHIND, None, user="gateway"),
                device(OTHER, "another"),
            )
        }
        self.sessions: dict[str, Session] = {}
        self.signs: list[str] = []
        self.posted: list[Posted] = []
        self.asked: list[Asked] = []
        self.withdrawn: list[str] = []
        self.refused: Counter[str] = Counter()
        self.copies: list[WireError] = []
        self.door = ViidDoor(
            Directory(self.known.get, self._of_user, self._session),
            self,
            Behind(self._emit, self._withdraw, self._find, self._picture, self._refused, self._wrong, self._healthy),
            library="51080200015030000001",
            clock=lambda: self.now,
            nonce_key=bytes(32),
        )

    def set(self, account: str, **access: Any) -> None:
        known = self.known[account]
        told = replace(known.device.particulars.viid, **access)
        particulars = replace(known.device.particulars, viid=told)
        self.known[account] = replace(known, device=replace(known.device, particulars=particulars))

    def password(self, account: str, password: str) -> None:
        self.known[account] = replace(self.known[account], key=password.encode())

    def _of_user(self, user: str) -> Sequence[Registered]:
        return [k for k in self.known.values() if (k.device.particulars.viid.user or k.device.account) == user]

    async def _session(self, device_id: str) -> Session | None:
        return self.sessions.get(device_id)

    async def register(self, device_id: str, peer: str) -> None:
        self._look()
        self.sessions[device_id] = Session(device_id, peer, self.now, self.now)

    async def unregister(self, device_id: str) -> None:
        self.sessions.pop(device_id, None)

    def heard(self, device_id: str) -> None:
        self.signs.append(device_id)

    def _look(self) -> None:
        if self.away:
            raise DatabaseAway("gone")

    async def _emit(self, posted: Posted) -> Sequence[Fate | Bad]:
        self._look()
        self.posted.append(posted)
        return [Fate.KEPT for _ in posted.objects]

    async def _withdraw(self, _sender: Registered, _kind: str, ids: Sequence[str]) -> list[tuple[str, int, str]]:
        self.withdrawn += ids
        return [(each, 0, "OK: marked, kept") for each in ids]

    async def _find(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        return b"{}"

    async def _picture(self, asked: Asked) -> tuple[bytes, str]:
        self.asked.append(asked)
        return b"picture", "image/jpeg"

    def _refused(self, _account: str, _peer: str, reasons: Mapping[str, int]) -> None:
        self.refused.update(reasons)

    async def _wrong(self, error: WireError, _peer: str) -> None:
        self.copies.append(error)

    async def _healthy(self) -> None:
        self._look()

    def client(self, user: str = "", password: str = "", **headers: str) -> httpx2.AsyncClient:
        auth = httpx2.DigestAuth(user, password) if user else None
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", auth=auth, headers=headers, trust_env=False, timeout=20
        )

    async def open_session(self, account: str = CAMERA, user: str = "", password: str = PASSWORD) -> None:
        async with self.client(user or account, password, **{"User-Identify": account}) as client:
            body = {"RegisterObject": {"DeviceID": account}}
            assert (await client.post("/VIID/System/Register", json=body)).status_code == 200

    async def post(self, body: Any, account: str = CAMERA, path: str = "/VIID/MotorVehicles", **how: Any) -> Any:
        async with self.client(**{"User-Identify": account}) as client:
            return await client.post(path, json=body, **how)


@pytest_asyncio.fixture(loop_scope="session")
async def door() -> AsyncIterator[Door]:
    door = Door()
    server = HttpServer(door.door)
    door.port = await server.open("127.0.0.1", 0)
    yield door
    await server.close()


def codes(answer: httpx2.Response) -> list[Any]:
    found = answer.json()["ResponseStatusListObject"]["ResponseStatusObject"]
    return [each["StatusCode"] for each in found]


def one(answer: httpx2.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["ResponseStatusObject"]
    return found


async def test_a_camera_registers_with_digest_and_posts_in_its_session(door: Door) -> None:
    await door.open_session()
    answer = await door.post(batch(passage(1), passage(2)))
    assert (answer.status_code, codes(answer)) == (200, [0, 0])
    assert answer.headers["content-type"].lower() == "application/viid+json;charset=utf-8"
    assert [each.members["PlateNo"] for each in door.posted[0].objects] == ["川HA5Q68"] * 2
    assert door.signs == [door.known[CAMERA].device.id]


async def test_the_challenge_can_be_read_by_clients_with_a_fixed_pattern(door: Door) -> None:
    async with door.client(**{"User-Identify": CAMERA}) as client:
        answer = await client.post("/VIID/System/Register")
    words = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert words.startswith('Digest realm="viid", qop="auth", nonce="')
    assert one(answer)["StatusCode"] == 4


@pytest.mark.parametrize("path", ["/viid/motorvehicles", "/VIID//MotorVehicles/", "/viid///MOTORVEHICLES"])
async def test_paths_are_read_in_any_spelling(door: Door, path: str) -> None:
    await door.open_session()
    assert codes(await door.post(batch(passage(1)), path=path)) == [0]


async def test_a_first_request_without_a_body_or_a_name_is_told_by_its_user(door: Door) -> None:
    async with door.client(CAMERA, PASSWORD) as client:
        assert (await client.post("/VIID/System/Register")).status_code == 200
    assert list(door.sessions) == [door.known[CAMERA].device.id]


async def test_a_name_alone_is_no_proof(door: Door) -> None:
    answer = await door.post(batch(passage(1)))
    assert (answer.status_code, door.posted) == (401, [])
    assert "www-authenticate" in answer.headers


async def test_a_session_holds_only_from_its_own_address(door: Door) -> None:
    await door.open_session()
    told = door.sessions[door.known[CAMERA].device.id]
    door.sessions[told.device_id] = replace(told, peer="192.0.2.77")
    assert (await door.post(batch(passage(1)))).status_code == 401


async def test_a_device_may_have_to_prove_itself_each_time(door: Door) -> None:
    await door.open_session()
    door.set(CAMERA, every_request=True)
    assert (await door.post(batch(passage(1)))).status_code == 401
    async with door.client(CAMERA, PASSWORD) as client:
        assert codes(await client.post("/VIID/MotorVehicles", json=batch(passage(1)))) == [0]


async def test_who_proves_itself_must_still_register(door: Door) -> None:
    async with door.client(CAMERA, PASSWORD) as client:
        answer = await client.post("/VIID/MotorVehicles", json=batch(passage(1)))
    assert (answer.status_code, door.door.rejected["not registered"]) == (401, 1)


async def test_a_gateway_speaks_for_the_cameras_of_its_user_only(door: Door) -> None:
    await door.open_session(GATEWAY, "gateway", "gw")
    await door.open_session(BEHIND, "gateway", "gw")
    async with door.client("gateway", "gw", **{"User-Identify": GATEWAY}) as client:
        body = {"RegisterObject": {"DeviceID": CAMERA}}
        answer = await client.post("/VIID/System/Register", json=body)
    assert (answer.status_code, one(answer)["StatusCode"]) == (403, 4)
    assert door.door.rejected["identity not allowed"] == 1


async def test_five_wrong_digests_lock_a_user_out_and_nobody_else(door: Door) -> None:
    for _ in range(5):
        async with door.client(CAMERA, "guess") as client:
            assert (await client.post("/VIID/System/Register")).status_code == 401
    async with door.client(CAMERA, PASSWORD) as client:
        answer = await client.post("/VIID/System/Register")
        assert (answer.status_code, int(answer.headers["retry-after"])) == (403, 300)
        await door.open_session(OTHER, password="another")
        door.now += timedelta(minutes=5, seconds=1)
        assert (await client.post("/VIID/System/Register")).status_code == 200


async def test_a_camera_with_a_wrong_password_locks_no_other_of_the_same_user_out(door: Door) -> None:
    door.set(CAMERA, user="admin")
    door.set(OTHER, user="admin")
    for _ in range(5):
        async with door.client("admin", "guess", **{"User-Identify": OTHER}) as client:
            assert (await client.post("/VIID/System/Register")).status_code == 401
    async with door.client("admin", "another", **{"User-Identify": OTHER}) as client:
        assert (await client.post("/VIID/System/Register")).status_code == 403
    await door.open_session(CAMERA, "admin")


async def test_an_address_that_is_not_allowed_is_refused_whatever_it_knows(door: Door) -> None:
    door.set(CAMERA, addresses=("192.0.2.0/24",))
    async with door.client(CAMERA, PASSWORD) as client:
        assert (await client.post("/VIID/System/Register")).status_code == 403
    assert door.door.rejected["address not allowed"] == 1


async def test_a_device_without_a_password_does_not_get_in(door: Door) -> None:
    door.known[CAMERA] = device(CAMERA, None)
    async with door.client(CAMERA, "") as client:
        assert (await client.post("/VIID/System/Register")).status_code == 401
    assert door.door.rejected["no credential"] == 1


async def test_a_used_answer_is_not_good_twice(door: Door) -> None:
    async with door.client(CAMERA, PASSWORD) as client:
        first = await client.post("/VIID/System/Register")
    async with door.client(Authorization=first.request.headers["authorization"]) as client:
        again = await client.post("/VIID/System/Register")
    assert (first.status_code, again.status_code) == (200, 401)
    assert "stale=true" in again.headers["www-authenticate"]


async def test_keepalive_and_time_are_signs_of_life_and_unregister_ends_the_session(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        assert one(await client.post("/VIID/System/Keepalive"))["StatusCode"] == 0
        time = (await client.get("/VIID/System/Time")).json()["SystemTimeObject"]
        assert (time["LocalTime"], time["VIIDServerID"]) == ("20261122161531", "51080200015030000001")
        body = {"UnRegisterObject": {"DeviceID": CAMERA}}
        assert (await client.post("/VIID/System/UnRegister", json=body)).status_code == 200
        assert (await client.post("/VIID/System/Keepalive")).status_code == 401
    assert len(door.signs) == 3


async def test_one_bad_object_loses_no_other_and_answers_keep_their_order(door: Door) -> None:
    await door.open_session()
    answer = await door.post(batch(passage(1), {"PlateNo": "川HA5Q68"}, 7, passage(4)))
    assert (answer.status_code, codes(answer)) == (200, [0, 8, 8, 0])
    assert len(door.posted[0].objects) == 2
    assert (sum(door.refused.values()), len(door.copies)) == (1, 1)


async def test_a_batch_of_nothing_usable_is_an_error_with_an_answer_each(door: Door) -> None:
    await door.open_session()
    answer = await door.post(batch({}, {}))
    assert (answer.status_code, codes(answer), door.posted) == (400, [8, 8], [])


async def test_an_answer_is_what_the_device_expects(door: Door) -> None:
    door.set(CAMERA, created=True, text_status=True)
    async with door.client(CAMERA, PASSWORD) as client:
        assert (await client.post("/VIID/System/Register")).status_code == 201
    answer = await door.post(batch(passage(1)))
    assert (answer.status_code, codes(answer)) == (201, ["0"])


async def test_strict_refuses_what_is_otherwise_flagged(door: Door) -> None:
    await door.open_session()
    loose = batch(passage(1, LaneNo="1", HasPlate="1"))
    assert codes(await door.post(loose)) == [0]
    assert door.posted[0].objects[0].flags
    door.set(CAMERA, strict=True)
    assert codes(await door.post(loose)) == [8]


async def test_nothing_is_answered_as_kept_while_the_database_is_away(door: Door) -> None:
    await door.open_session()
    door.away = True
    answer = await door.post(batch(passage(1)))
    assert (answer.status_code, answer.headers["retry-after"], one(answer)["StatusCode"]) == (503, "2", 2)
    async with door.client() as client:
        assert (await client.get("/healthz")).status_code == 503
        door.away = False
        assert (await client.get("/healthz")).status_code == 200


async def test_a_gzip_body_is_unpacked_and_a_bomb_is_not(door: Door) -> None:
    await door.open_session()
    packed = {"User-Identify": CAMERA, "Content-Encoding": "gzip"}
    async with door.client(**packed) as client:
        small = gzip.compress(json.dumps(batch(passage(1))).encode())
        bomb = gzip.compress(bytes(MOST + 1))
        assert codes(await client.post("/VIID/MotorVehicles", content=small)) == [0]
        assert (await client.post("/VIID/MotorVehicles", content=bomb)).status_code == 413
        assert (await client.post("/VIID/MotorVehicles", content=small[:-9])).status_code == 400
    async with door.client(**packed | {"Content-Encoding": "br"}) as client:
        assert (await client.post("/VIID/MotorVehicles", content=small)).status_code == 415
    assert {"gzip bomb", "bad gzip", "unknown encoding"} <= door.door.rejected.keys()


async def test_bodies_that_are_held_have_a_common_bound(door: Door) -> None:
    await door.open_session()
    door.door.room.most = 3_000_000
    packed = gzip.compress(json.dumps(batch(passage(1, Note="x" * 4_000_000))).encode())
    head = {"User-Identify": CAMERA, "Content-Encoding": "gzip"}
    async with door.client(**head) as client:
        answer = await client.post("/VIID/MotorVehicles", content=packed)
        assert (answer.status_code, answer.headers["retry-after"], one(answer)["StatusCode"]) == (503, "2", 2)
    assert door.door.room.held == 0


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536 + 1):
        yield bytes(65_536)


async def test_a_body_beyond_16_mib_is_refused_by_its_word_and_by_its_count(door: Door) -> None:
    await door.open_session()
    head = f"POST /VIID/Faces HTTP/1.1\r\nHost: a\r\nUser-Identify: {CAMERA}\r\nContent-Length: {MOST + 1}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(head.encode())
    assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        with suppress(httpx2.HTTPError):  # cut while it still sends, or answered
            await client.post("/VIID/MotorVehicles", content=chunks(MOST + 1))
    assert door.door.rejected["body too large"] == 2


async def test_who_sends_all_before_listening_hears_the_challenge_and_is_then_heard(door: Door) -> None:
    await door.open_session()
    door.set(CAMERA, every_request=True)
    large = batch(passage(1, Note="x" * 3_000_000))
    async with door.client(CAMERA, PASSWORD) as client:
        assert codes(await client.post("/VIID/MotorVehicles", json=large)) == [0]
    async with door.client() as client:
        assert (await client.post("/VIID/MotorVehicles", json=large)).status_code == 401


@pytest.mark.parametrize("body", [b"  ", b"{", b"[" * 5_000, b"\xff\xd8\xff\xe0" * 9, b"null", b'{"a":1}', b"{}" * 9])
async def test_what_is_no_batch_is_refused_with_its_status_code(door: Door, body: bytes) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        answer = await client.post("/VIID/MotorVehicles", content=body)
    assert answer.status_code == 400
    assert one(answer)["StatusCode"] in {7, 8}
    assert len(door.copies) == 1


async def test_who_holds_the_body_back_until_it_is_challenged_is_challenged(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        assert (await client.post("/VIID/MotorVehicles")).status_code == 401


async def test_a_copy_of_what_was_refused_shows_no_person_and_no_picture(door: Door) -> None:
    await door.open_session()
    secret = b'{"PersonListObject":{"Oops":[{"Name":"\xe5\xbc\xa0\xe4\xb8\x89","IDNumber":510802,"Data":"/9j/4AAQ"}]}}'
    async with door.client(**{"User-Identify": CAMERA}) as client:
        await client.post("/VIID/Persons", content=secret)
        await client.post("/VIID/Persons", content=b"\xff\xd8\xff\xe0JFIF face")
    copies = b" ".join(each.data for each in door.copies)
    assert b"Oops" in copies
    assert not any(each in copies for each in (b"\xe5\xbc\xa0", b"510802,", b"/9j/", b"JFIF"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/VIID/Subscribes", 405),
        ("POST", "/VIID/SubscribeNotifications", 405),
        ("POST", "/VIID/Dispositions", 405),
        ("PATCH", "/VIID/Faces", 405),
        ("GET", "/VIID/System/Register", 405),
        ("DELETE", "/VIID/APEs", 405),
        ("GET", "/VIID/Extend/Secrets", 404),
        ("GET", "/VIID/Faces/a/b/c", 404),
        ("GET", "/", 404),
        ("GET", "/VIID/../../etc/passwd", 404),
        ("GET", "/VIID/Faces/%2e%2e/%2e%2e", 404),
        ("GET", "/VIID/Faces?" + "a" * 9_000, 414),
    ],
)
async def test_what_is_not_offered_is_told_in_the_standards_words(
    door: Door, method: str, path: str, status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] == str(status).encode()
    assert b'"ResponseStatusObject"' in answer
    assert door.door.rejected.total() == 1


async def test_a_head_without_an_end_is_cut(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET /VIID/Faces HTTP/1.1\r\nX: " + b"a" * 40_000)
    async with asyncio.timeout(5):
        assert b"200" not in await reader.read()
    writer.close()


async def test_deleting_marks_and_says_so(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        answer = await client.delete("/VIID/Faces", params={"IDList": "a, b"})
        await client.request("DELETE", "/VIID/MotorVehicles", json={"IDList": {"ID": ["c"]}})
        await client.delete("/VIID/Persons/d")
        nothing = await client.delete("/VIID/Persons")
    assert (answer.status_code, codes(answer), nothing.status_code) == (200, [0, 0], 400)
    assert door.withdrawn == ["a", "b", "c", "d"]


async def test_a_question_is_handed_on_with_who_asks(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        await client.get("/VIID/MotorVehicles?(MotorVehicle.PlateNo Like 川HA5)&PageRecordNum=5")
        await client.get(f"/VIID/APEs/{CAMERA}")
    assert [(each.kind, each.object_id) for each in door.asked] == [("motor_vehicle", ""), ("ape", CAMERA)]
    assert "PageRecordNum=5" in door.asked[0].query


async def test_a_picture_is_given_only_where_it_is_asked_for_by_itself(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        answer = await client.get("/VIID/Images/i1/Data")
        await client.get("/VIID/Images/i1/Info")
        assert (await client.get("/VIID/Faces/f1/Data")).status_code == 404
        assert (await client.put("/VIID/Images/i1/Data")).status_code == 405
    assert (answer.content, answer.headers["content-type"]) == (b"picture", "image/jpeg")
    assert [(each.object_id, each.part) for each in door.asked] == [("i1", "data"), ("i1", "info")]


async def test_a_changed_object_is_handed_on_as_a_change(door: Door) -> None:
    await door.open_session()
    async with door.client(**{"User-Identify": CAMERA}) as client:
        assert codes(await client.put("/VIID/MotorVehicles", json=batch(passage(1)))) == [0]
    assert door.posted[0].replaces


async def test_the_door_may_be_tls(door: Door, tmp_path: Path) -> None:
    certificate, key = make_certificate("东坝", tmp_path, now=datetime.now(UTC))
    server = await serve(door.door, "127.0.0.1", 0, tls=(certificate, key))
    trust = pinned(certificate.read_text())
    async with httpx2.AsyncClient(verify=trust, trust_env=False, auth=httpx2.DigestAuth(CAMERA, PASSWORD)) as client:
        answer = await client.post(f"https://127.0.0.1:{server.port}/VIID/System/Register")
    await server.close()
    assert answer.status_code == 200


async def test_processes_share_a_port_and_strangers_do_not(door: Door) -> None:
    one_of_two = await serve(door.door, "127.0.0.1", 0, shared=True)
    other = await serve(door.door, "127.0.0.1", one_of_two.port, shared=True)
    with pytest.raises(EngineError, match="Choose another"):
        await serve(door.door, "127.0.0.1", one_of_two.port)
    await one_of_two.close()
    await other.close()
