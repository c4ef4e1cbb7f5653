"""A camera's picture on its way: from SIP and RTP through gateway and media worker to a viewer's socket."""

import asyncio
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import msgspec
import pytest
import pytest_asyncio
from PIL import Image

from anju.domain.video import Grade, Purpose, Transport, Wanted
from anju.engines import NatsServer, Postgres
from anju.engines.child import free_port
from anju.media.signalling import BusSignalling
from anju.protocols.manscdp_alarms import INTRUSION, VIDEO, AlarmNotice
from anju.simulators.gb28181_camera import camera
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.gb28181_habits import HABITS, Faults
from anju.simulators.video_loops import Loops
from anju.store import channels, recording_locks, roles
from anju.store.database import Database
from anju.store.log import make_node
from anju.store.versions import Subject, bump
from tests.flows.filming import ACCOUNT, EVERYTHING, PASSWORD, Filmed, Seen, configuration, filmed

Shoot = Callable[..., Awaitable[tuple[Device, str]]]
"""Registers a simulated camera and starts it; gives it and its channel's id once that is online."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bus() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        server = NatsServer(Path(folder))
        await server.start()
        yield server.url
        await server.stop()


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Loops:
    return Loops(tmp_path_factory.getbasetemp().parent / "loops")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(postgres: Postgres, bus: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filmed]:
    name = f"test_{uuid4().hex}"
    await postgres.create_database(name, template="anju_template")
    db = Database(postgres.app_url(name))
    await db.open()
    async with db.transaction() as tx:
        node = await make_node(tx, node_id="510802-1", name="东坝一号院", tier="community")
    async with filmed(configuration(tmp_path_factory.mktemp("node"), node), db, node, bus) as made:
        yield made
    await db.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh() -> Callable[[], str]:
    """Give a code no other camera of this module has."""
    numbers = count(1)
    return lambda: f"5108020000132000{next(numbers):04}"


@pytest_asyncio.fixture(loop_scope="session")
async def shoot(town: Filmed, loops: Loops, fresh: Callable[[], str]) -> AsyncIterator[Shoot]:
    async with AsyncExitStack() as stack:

        async def make(*, habits: str = "book", media: str = "udp", **faults: Any) -> tuple[Device, str]:
            code = fresh()
            device_id = await town.register(code, media=media)
            platform = Platform("127.0.0.1", town.sip, town.config.platform)
            made = camera(platform, code, PASSWORD, loops, habits=HABITS[habits], faults=Faults(**faults))
            await made.prepare()
            await made.start()
            stack.push_async_callback(made.stop)
            return made, (await town.channel(device_id, code)).channel.id

        yield make


def shown(pictures: int) -> Callable[[Seen], bool]:
    return lambda seen: len(seen.fragments) >= pictures


@pytest.mark.parametrize("media", ["udp", "tcp_passive", "tcp_active"])
async def test_a_viewer_with_a_ticket_sees_pictures(town: Filmed, shoot: Shoot, media: str) -> None:
    _, channel = await shoot(media=media)
    viewer = await town.watch(channel)
    seen = await viewer.until(shown(30))
    assert seen.codes[-1] == "playing"
    assert set(seen.pictures()) == {(1920, 1080)}


async def test_two_viewers_are_one_request_to_the_camera(town: Filmed, shoot: Shoot) -> None:
    device, channel = await shoot()
    first, second = await town.watch(channel), await town.watch(channel)
    for each in (first, second):
        assert (await each.until(shown(30))).pictures()
    assert len(device.calls.running) == 1


async def test_calls_of_a_media_worker_that_is_no_more_are_ended(town: Filmed, shoot: Shoot) -> None:
    device, channel = await shoot()
    worker = BusSignalling(town.opened.bus)
    await worker.invite(Wanted(channel, Purpose.LIVE, Grade.MAIN, Transport.UDP, free_port()))
    assert len(device.calls.running) == 1
    await worker.begun(1)
    assert len(device.calls.running) == 0


@pytest.mark.parametrize(
    ("fault", "code"), [("no_rtp", "no_rtp"), ("busy", "busy"), ("refuses", "refused"), ("silent", "no_answer")]
)
async def test_why_there_is_no_picture_is_said_within_ten_seconds(
    town: Filmed, shoot: Shoot, fault: str, code: str
) -> None:
    _, channel = await shoot(**{fault: 1.0})
    viewer = await town.watch(channel)
    seen = await viewer.until(lambda seen: code in seen.codes, within_s=10.0)
    assert code in seen.codes
    assert all(each["zh"] and each["en"] for each in seen.words if each["type"] == "state")


async def test_a_wrong_password_is_named_as_the_reason(town: Filmed, shoot: Shoot) -> None:
    device, channel = await shoot()
    await device.stop()
    wrong = camera(
        *(Platform("127.0.0.1", town.sip, town.config.platform), device.code, PASSWORD, device._loops),
        faults=Faults(wrong_password=1.0),
    )
    await wrong.start()
    viewer = await town.watch(channel)
    seen = await viewer.until(lambda seen: "wrong_password" in seen.codes, within_s=10.0)
    await wrong.stop()
    assert "wrong_password" in seen.codes


@pytest_asyncio.fixture(loop_scope="session")
async def grants(town: Filmed) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Give the operator other rights; he gets his own back afterwards."""

    async def give(*wanted: tuple[str, str, str, None]) -> None:
        async with town.db.transaction() as tx:
            await roles.set_grants(tx, ACCOUNT, wanted)
            await bump(tx, Subject.RIGHTS)

    yield give
    await give(*EVERYTHING)


async def test_who_loses_the_right_loses_the_picture(
    town: Filmed, shoot: Shoot, grants: Callable[..., Awaitable[None]]
) -> None:
    _, channel = await shoot()
    viewer = await town.watch(channel)
    await viewer.until(shown(5))
    await grants()
    seen = await viewer.until(lambda seen: bool(seen.end), within_s=6.0)
    assert seen.end == "forbidden"
    query = "SELECT outcome FROM operator_log WHERE action = 'video.live' AND target = %(id)s ORDER BY seq"
    assert [row[0] for row in await town.db.fetch(query, id=channel)] == ["intent", "done"]


async def test_a_camera_that_comes_back_is_seen_again_by_itself(town: Filmed, shoot: Shoot) -> None:
    device, channel = await shoot()
    viewer = await town.watch(channel)
    await viewer.until(shown(5))
    await device.reboot()
    before = len(viewer.seen.fragments)
    seen = await viewer.until(lambda seen: len(seen.fragments) >= 5 and "asking" in seen.codes[-3:], within_s=30.0)
    assert (seen.codes[-1], before >= 5) == ("playing", True)


async def test_a_snapshot_shows_what_the_camera_sees(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    answer = await town.client.get(f"/api/video/channels/{channel}/snapshot")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.content)).size == (1920, 1080)


async def planned(town: Filmed, channel: str, **plan: Any) -> None:
    async with town.db.transaction() as tx:
        words: dict[str, Any] = {"name": None, "place_id": None, "version": None, "at": datetime.now(UTC)}
        await channels.edit(tx, channel, plan=plan, **words)


async def test_what_the_platform_records_is_played_back(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    await planned(town, channel, by="platform")
    live = await town.watch(channel)
    seen = await live.until(shown(150), within_s=20.0)
    first = datetime.fromtimestamp(seen.moments[0], UTC)
    viewer = await town.play(channel, first + timedelta(seconds=1), first + timedelta(seconds=60))
    played = await viewer.until(lambda seen: sum(map(len, seen.fragments)) > 200_000, within_s=15.0)
    assert set(played.pictures()) == {(1920, 1080)}
    assert abs(played.moments[0] - first.timestamp()) < 4


async def test_a_playback_is_paused_wound_and_sped_up(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    await planned(town, channel, by="platform")
    live = await town.watch(channel)
    seen = await live.until(shown(260), within_s=30.0)
    first = datetime.fromtimestamp(seen.moments[0], UTC)
    viewer = await town.play(channel, first, first + timedelta(seconds=60))
    await viewer.until(lambda seen: len(seen.moments) > 1)
    await viewer.say(type="pause")
    await viewer.until(lambda seen: seen.codes[-1] == "paused")
    await viewer.say(type="seek", at=(first + timedelta(seconds=5)).isoformat())
    await viewer.say(type="speed", value=8)
    await viewer.say(type="resume")
    wound = await viewer.until(lambda seen: seen.codes[-1] == "finished", within_s=20.0)
    later = [each - first.timestamp() for each in wound.moments if each > first.timestamp() + 2.5]
    assert later == sorted(later)
    assert [each["type"] for each in wound.words].count("init") == 2
    assert wound.pictures()


async def test_nothing_recorded_says_so(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    then = datetime.now(UTC) - timedelta(days=3)
    viewer = await town.play(channel, then, then + timedelta(minutes=1))
    assert (await viewer.until(lambda seen: bool(seen.end))).end == "no_recording"


async def test_a_devices_own_recording_is_played_back_and_wound(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    viewer = await town.play(channel, then, then + timedelta(minutes=10), "device")
    seen = await viewer.until(shown(20))
    assert abs(seen.moments[0] - then.timestamp()) < 3
    await viewer.say(type="seek", at=(then + timedelta(minutes=5)).isoformat())
    wound = await viewer.until(lambda seen: seen.moments[-1] > then.timestamp() + 290)
    assert wound.pictures()


async def exported(town: Filmed, channel: str, start: datetime, seconds: int, source: str) -> zipfile.ZipFile:
    """Take a recording out by the API; return what was taken out once it is there."""
    span = {"start": start.isoformat(), "end": (start + timedelta(seconds=seconds)).isoformat(), "source": source}
    why = {
        "reason": "入室盗窃案",
        "document": "调证字〔2026〕12 号",
        "unit": "东坝派出所",
        "officers": ["张三", "李四"],
    }
    answer = await town.client.post("/api/video/exports", json={"channel_id": channel, **span, **why})
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(40):
        while (found := (await town.client.get("/api/video/exports")).json()["items"][0])["state"] != "done":
            assert found["state"] != "failed", found["code"]
            await asyncio.sleep(0.2)
    file = await town.client.get(f"/api/video/exports/{answer.json()['id']}/file")
    assert hashlib.sha256(file.content).hexdigest() == found["sha256"]
    return zipfile.ZipFile(io.BytesIO(file.content))


def proved(packed: zipfile.ZipFile) -> list[str]:
    """Check every file against SHA256SUMS; return their names."""
    lines = packed.read("SHA256SUMS").decode().splitlines()
    names = [line.partition("  ")[2] for line in lines]
    assert [hashlib.sha256(packed.read(name)).hexdigest() for name in names] == [line[:64] for line in lines]
    return names


def pictures_in(packed: zipfile.ZipFile) -> int:
    with av.open(io.BytesIO(packed.read("clip-1.mp4")), "r", format="mp4") as container:
        return sum(1 for _ in container.decode(video=0))


async def test_evidence_leaves_with_its_hashes_and_an_entry_in_the_register(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    await planned(town, channel, by="platform")
    live = await town.watch(channel)
    seen = await live.until(shown(130), within_s=20.0)
    start = datetime.fromtimestamp(seen.moments[0], UTC) + timedelta(seconds=1)
    packed = await exported(town, channel, start, 3, "platform")
    assert proved(packed) == ["clip-1.mp4", "clip-1.wav", "manifest.json", "register.json"]
    assert pictures_in(packed) >= 50
    assert msgspec.json.decode(packed.read("register.json"))["officers"] == ["张三", "李四"]


async def test_a_devices_own_recording_is_fetched_as_evidence(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    packed = await exported(town, channel, start, 8, "device")
    assert "clip-1.mp4" in proved(packed)
    assert 190 <= pictures_in(packed) <= 210


async def test_no_evidence_leaves_with_one_officer(town: Filmed, shoot: Shoot) -> None:
    _, channel = await shoot()
    words = {"channel_id": channel, "start": "2026-11-25T08:00:00Z", "end": "2026-11-25T08:01:00Z", "reason": "x"}
    words |= {"document": "x", "unit": "x"}
    answer = await town.client.post("/api/video/exports", json={**words, "officers": ["张三", "张三"]})
    assert answer.status_code == 422


async def test_what_a_camera_saw_before_its_alarm_is_kept_and_locked(town: Filmed, shoot: Shoot) -> None:
    device, channel = await shoot()
    await planned(town, channel, by="nvr", events=True)
    live = await town.watch(channel)
    seen = await live.until(shown(200), within_s=25.0)
    now = datetime.now(UTC).replace(microsecond=0)
    assert await device.alarm(AlarmNotice(device.code, VIDEO, now, 1, INTRUSION, 1, "周界入侵")) == 200
    async with asyncio.timeout(15):
        while not (locks := await recording_locks.locks(town.db, channel, 0, 2**62)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert locks[0].reason.startswith("alarm ")
    assert locks[0].start_ms < now.timestamp() * 1000 < locks[0].end_ms
    early = datetime.fromtimestamp(seen.moments[0], UTC) + timedelta(seconds=2)
    viewer = await town.play(channel, early, early + timedelta(seconds=20))
    played = await viewer.until(lambda seen: len(seen.moments) > 1 or bool(seen.end))
    assert played.end == ""
    assert played.moments[0] < now.timestamp()
