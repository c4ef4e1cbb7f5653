"""Plate and face cameras that speak GA/T 1400: register, keep alive, post until answered, with the faults of real ones.

Source: GA/T 1400.4 (registration, keep-alive, time, collections); 5.2.2.1 (vehicles), 5.2.2.3 (people).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Literal, get_args

from anju.errors import ViidError
from anju.protocols.viid_answers import parse_statuses, parse_time
from anju.protocols.viid_ids import BEIJING, stamp, whole
from anju.simulators.plate_picture import (
    HEIGHT,
    WIDTH,
    Number,
    Scene,
    draw_face,
    draw_plate,
    draw_scene,
    jpeg,
    random_body,
    random_number,
    told_apart,
)
from anju.simulators.viid_habits import HABITS, PATHS, Habits, Seen, Shown, written
from anju.simulators.viid_line import Answer, Line, Login

Kind = Literal["motor_vehicle", "face"]
Pictures = Literal["none", "album", "fresh"]
"""``album``: each camera draws a few once and tells them apart by a comment; ``fresh``: draws each, some 20 ms."""
ALBUM = 8
_AT_ONCE = 0.5  # share of a request that leaves before the line is torn, at least


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each mishap comes with a post, 0.0 to 1.0; ``clock_off_s`` is the most a camera's clock is off."""

    duplicate: float = 0.0  # posted twice
    cut: float = 0.0  # the line torn in the middle of a post, or before its answer
    garbage: float = 0.0  # a body of noise in front
    bad_base64: float = 0.0  # pictures that cannot be read
    no_plate: float = 0.0  # the reader saw none
    misread: float = 0.0  # one character unread
    clock_off_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An object the platform took over: from now on it must not be lost, nor its pictures (SHA-256, hexadecimal)."""

    device: str
    kind: str
    object_id: str
    plate: str
    pictures: tuple[str, ...]
    sent_at: datetime
    acknowledged_at: datetime


@dataclass(slots=True)
class Tally:
    """What became of a camera's posts. ``refused`` were answered with a code that repeating does not mend."""

    posts: int = 0
    acknowledged: int = 0
    refused: int = 0
    registrations: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class _Sight:
    number: Number
    body: str
    pictures: tuple[Shown, ...]


class Camera:
    """One camera with the 20-digit ``code``, of ``kind``. ``chance`` decides what passes and what goes wrong.

    ``clock`` is its own clock; the platform's time sets it right after a registration where it ``sets_clock``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        code: str,
        password: str,
        *,
        username: str = "",
        kind: Kind = "motor_vehicle",
        habits: Habits | None = None,
        faults: Faults | None = None,
        pictures: Pictures = "album",
        chance: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sets_clock: bool = False,
        retry_s: float = 1.0,
    ) -> None:
        self.code, self.tally = code, Tally()
        self._kind, self._pictures, self._sets_clock, self._retry_s = kind, pictures, sets_clock, retry_s
        self._habits, self._faults = habits or HABITS["book"], faults or Faults()
        self._chance = chance or Random(code)  # noqa: S311 - a dice, no secret
        self._clock, self._offset = clock, timedelta()
        self._line, self._login = Line(host, port), Login(username or code, password, self._habits.digest)
        self._album: list[_Sight] = []
        self._serial = self._chance.randrange(100_000)

    async def register(self) -> bool:
        """Log in; return whether the platform welcomed it. Raises OSError or TimeoutError where it is away."""
        body = f'{{"RegisterObject":{{"DeviceID":"{self.code}"}}}}'.encode()
        answer = await self._ask("POST", "/VIID/System/Register", body)
        self.tally.registrations += 1
        if answer.status in {200, 201} and self._sets_clock:
            await self.set_clock()
        return answer.status in {200, 201}

    async def keep_alive(self) -> bool:
        """Give a sign of life; return whether it was taken."""
        told = f'{{"KeepaliveObject":{{"DeviceID":"{self.code}"}}}}'.encode()
        body = b"" if self._habits.empty_keepalive else told
        return (await self._ask("POST", "/VIID/System/Keepalive", body)).status == 200

    async def unregister(self) -> bool:
        """Say good-bye; return whether it was heard."""
        body = f'{{"UnRegisterObject":{{"DeviceID":"{self.code}"}}}}'.encode()
        return (await self._ask("POST", "/VIID/System/UnRegister", body)).status == 200

    async def set_clock(self) -> None:
        """Set the clock by the platform's time, where it tells one."""
        answer = await self._ask("GET", "/VIID/System/Time", b"")
        if told := parse_time(answer.body):
            self._offset = told - self._clock()

    def cut(self) -> None:
        """Tear the line without a word."""
        self._line.cut()

    def see(self, count: int = 1) -> list[Seen]:
        """Return the next things that pass."""
        return [self._seen() for _ in range(count)]

    async def deliver(self, seen: Sequence[Seen]) -> list[Acknowledged]:
        """Post ``seen`` again and again until each is answered for good; return what was taken over."""
        sent_at, spoiled = datetime.now(UTC), self._happens(self._faults.bad_base64)
        body = written(self._kind, seen, self._habits, spoiled=spoiled)
        codes = await self._until_answered(body, len(seen))
        taken = [each for each, code in zip(seen, codes, strict=True) if code == 0]
        self.tally.acknowledged += len(taken)
        self.tally.refused += len(seen) - len(taken)
        return [_acknowledged(each, sent_at, spoiled=spoiled) for each in taken]

    async def _until_answered(self, body: bytes, count: int) -> list[int]:
        while True:
            with contextlib.suppress(OSError, TimeoutError, ViidError):
                answer = await self._post(body)
                codes = [code for _, code in parse_statuses(answer.body)]
                if answer.status in {200, 201, 400} and codes:
                    return codes if len(codes) == count else codes[:1] * count
            self.tally.failures += 1
            await asyncio.sleep(self._retry_s)

    async def _post(self, body: bytes) -> Answer:
        """Post once, with whatever goes wrong this time. Raises OSError or TimeoutError where there is no answer."""
        path = PATHS[self._kind]
        self.tally.posts += 1
        if self._happens(self._faults.garbage):
            await self._ask("POST", path, self._chance.randbytes(self._chance.randint(1, 2_000)))
        if self._happens(self._faults.cut):
            share = self._chance.uniform(_AT_ONCE, 1.0) if self._chance.random() < 0.5 else 1.0
            await self._line.send_and_cut("POST", self._path(path), self._headers("POST", path), body, share)
        if self._happens(self._faults.duplicate):
            await self._ask("POST", path, body)
        answer = await self._ask("POST", path, body)
        if answer.status == 401 and await self.register():
            answer = await self._ask("POST", path, body)
        return answer

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        """Ask, and once more with a digest where the platform wants one."""
        answer = await self._line.ask(method, self._path(path), self._headers(method, path), body)
        if answer.status == 401 and self._login.learn(answer):
            answer = await self._line.ask(method, self._path(path), self._headers(method, path), body)
        return answer

    def _path(self, path: str) -> str:
        return path.lower() if self._habits.lower_paths else path

    def _headers(self, method: str, path: str) -> dict[str, str]:
        told = {"User-Identify": self.code, "Content-Type": self._habits.content_type}
        return told | self._login.header(method, self._path(path))

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _seen(self) -> Seen:
        at = (self._clock() + self._offset).replace(microsecond=0)
        self._serial = (self._serial + 1) % 100_000
        sight = self._sight(at)
        members = self._of_vehicle(sight, at) if self._kind == "motor_vehicle" else self._of_face(at)
        note = f"{self.code} {stamp(at)} {self._serial}".encode()
        pictures = tuple(
            Shown(each.type, told_apart(each.data, note), each.width, each.height) for each in sight.pictures
        )
        return Seen(self._kind, self.code, at, self._serial, members, pictures)

    def _sight(self, at: datetime) -> _Sight:
        if self._pictures == "fresh":
            return self._drawn(at)
        if not self._album:
            self._album = [self._drawn(at) for _ in range(ALBUM if self._pictures == "album" else 1)]
        sight = self._chance.choice(self._album)
        return (
            sight if self._pictures == "album" else _Sight(random_number(self._chance), random_body(self._chance), ())
        )

    def _drawn(self, at: datetime) -> _Sight:
        number, body = random_number(self._chance), random_body(self._chance)
        if self._pictures == "none":
            return _Sight(number, body, ())
        seed = self._chance.randrange(2**31)
        if self._kind == "face":
            crop, whole = jpeg(draw_face(seed)), jpeg(draw_face(seed, size=600))
            return _Sight(number, body, (Shown("11", crop, 200, 200), Shown("14", whole, 600, 600)))
        scene = jpeg(
            draw_scene(Scene(number, body, at, self.code, seed, night=not 7 <= at.astimezone(BEIJING).hour < 19))
        )
        plate = draw_plate(number)
        return _Sight(
            number,
            body,
            (Shown("01", scene, WIDTH, HEIGHT), Shown("02", jpeg(plate), plate.width, plate.height)),
        )

    def _of_vehicle(self, sight: _Sight, at: datetime) -> dict[str, object]:
        chance, text = self._chance, sight.number.text
        if self._happens(self._faults.misread):
            place = chance.randrange(2, len(text))
            text = text[:place] + "-" + text[place + 1 :]
        seen = not self._happens(self._faults.no_plate)
        return {
            "TollgateID": f"{self.code[:10]}121{self.code[13:]}",
            "StorageUrl1": f"/pictures/{stamp(at)}_{self._serial}.jpg",
            **dict(zip(("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY"), (330, 250, 950, 640), strict=True)),
            "LaneNo": chance.randint(1, 2),
            "HasPlate": seen,
            "PlateClass": sight.number.plate_class if seen else "99",
            "PlateColor": sight.number.color if seen else "99",
            "PlateNo": text if seen else "无车牌",
            "Speed": round(chance.uniform(3, 25), 1),
            "Direction": chance.choice("34"),
            "VehicleClass": chance.choice(("K33", "K33", "K32", "H31")),
            "VehicleBrand": chance.choice(("1", "2", "6", "26", "38")),
            "VehicleColor": sight.body,
            "PassTime": stamp(at),
            "PlateReliability": str(chance.randint(82, 99)),
        }

    def _of_face(self, at: datetime) -> dict[str, object]:
        age = self._chance.randint(6, 80)
        return {
            "ShotTime": stamp(at),
            **dict(zip(("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY"), (412, 188, 506, 301), strict=True)),
            "GenderCode": self._chance.choice("12"),
            "AgeLowerLimit": age - 5,
            "AgeUpLimit": age + 5,
            **dict.fromkeys(("IsDriver", "IsForeigner", "IsSuspectedTerrorist", "IsCriminalInvolved"), 2),
            **dict.fromkeys(("IsDetainees", "IsVictim", "IsSuspiciousPerson"), 2),
        }


def _acknowledged(seen: Seen, sent_at: datetime, *, spoiled: bool) -> Acknowledged:
    digests = tuple(hashlib.sha256(each.data).hexdigest() for each in seen.pictures)
    plate = str(seen.members.get("PlateNo", ""))
    return Acknowledged(
        seen.device, seen.kind, seen.object_id, plate, () if spoiled else digests, sent_at, datetime.now(UTC)
    )


def codes(first: str) -> Iterator[str]:
    """Return 20-digit codes from ``first`` up."""
    for number in range(10**6):
        yield f"{first[:14]}{(int(first[14:]) + number) % 10**6:06}"


def fleet(
    host: str,
    port: int,
    count: int,
    *,
    first: str,
    password: str,
    username: str = "",
    makes: Sequence[str] = ("book",),
    faces: float = 0.0,
    faults: Faults | None = None,
    pictures: Pictures = "album",
    seed: int = 1,
    retry_s: float = 1.0,
) -> list[Camera]:
    """Return ``count`` cameras with codes from ``first`` up, of ``makes`` in turn, a share of ``faces`` among them.

    Each has a clock as wrong as ``faults`` allows. Raises KeyError for a make that is not in HABITS, ValueError for
    pictures of another kind or a code of another length.
    """
    if not whole(first, 20) or pictures not in get_args(Pictures):
        raise ValueError(f"a code has 20 digits, pictures are {', '.join(get_args(Pictures))}")
    chance, worst = Random(seed), faults.clock_off_s if faults else 0.0  # noqa: S311 - a dice, no secret

    def wrong_clock() -> Callable[[], datetime]:
        offset = timedelta(seconds=chance.uniform(-worst, worst))
        return lambda: datetime.now(UTC) + offset

    return [
        Camera(
            host,
            port,
            code,
            password,
            username=username,
            kind="face" if number < round(count * faces) else "motor_vehicle",
            habits=HABITS[make],
            faults=faults,
            pictures=pictures,
            chance=Random(chance.random()),  # noqa: S311 - a dice, no secret
            clock=wrong_clock(),
            retry_s=retry_s,
        )
        for number, (code, make) in enumerate(zip(islice(codes(first), count), cycle(makes), strict=False))
    ]


@dataclass(slots=True)
class _Work:
    """The queue of one camera: how many things pass together."""

    camera: Camera
    queue: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    async def run(self, on_acknowledged: Callable[[Acknowledged], None], keepalive_s: float) -> None:
        """Deliver what passes; keep alive where nothing does."""
        while True:
            if (count := await self._next(keepalive_s)) is None:
                with contextlib.suppress(OSError, TimeoutError):
                    await self.camera.keep_alive()
                continue
            for done in await self.camera.deliver(self.camera.see(count)):
                on_acknowledged(done)
            self.queue.task_done()

    async def _next(self, within_s: float) -> int | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                return await self.queue.get()
        return None


async def drive(
    cameras: Sequence[Camera],
    rate: float,
    seconds: float,
    *,
    on_acknowledged: Callable[[Acknowledged], None],
    batch: int = 1,
    keepalive_s: float = 60.0,
    patience_s: float = 60.0,
) -> int:
    """Let ``rate`` things a second pass in all, turn by turn, ``batch`` to a post, for ``seconds``; return how many.

    Cameras keep their turn while they wait for an answer, and repeat afterwards for ``patience_s`` at most.
    """
    works = [_Work(each) for each in cameras]
    tasks = [asyncio.create_task(each.run(on_acknowledged, keepalive_s)) for each in works]
    loop = asyncio.get_running_loop()
    start, posts = loop.time(), max(1, int(rate * seconds / batch))
    try:
        for number in range(posts):
            await asyncio.sleep(max(0.0, start + number * batch / rate - loop.time()))
            works[number % len(works)].queue.put_nowait(batch)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(each.queue.join() for each in works))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in cameras:
            each.cut()
    return posts * batch
