"""A slow viewer misses pictures, never the words, and begins again where pictures can be decoded."""

import asyncio
import struct
from itertools import pairwise

import msgspec

from anju.domain.video import Grade
from anju.media.ports import Ports
from anju.media.streams import Streams
from anju.media.viewers import FRAGMENT, INIT, MOST_WAITING, Shown, Viewer, binary, said
from anju.protocols.frames import CLOCK
from tests.media.senders import Camera


class Slow:
    """The other end of a line: takes messages only once it is let go."""

    def __init__(self) -> None:
        self.taken: list[str | bytes] = []
        self.goes, self.came = asyncio.Event(), asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        await self.goes.wait()
        self.taken.append(message)
        self.came.set()

    async def has(self, fragments: int) -> None:
        """Wait until so many fragments were taken."""
        async with asyncio.timeout(20):
            while len(times(self.taken)) < fragments:
                self.came.clear()
                await self.came.wait()


def picture(number: int) -> bytes:
    return binary(FRAGMENT, 0.0, struct.pack(">I", number))


def numbers(messages: list[str | bytes]) -> list[int]:
    return [struct.unpack(">I", each[9:])[0] for each in messages if isinstance(each, bytes) and each[0] == FRAGMENT]


async def everything(viewer: Viewer, line: Slow) -> list[str | bytes]:
    """Let the line go; return what arrived once nothing waits."""
    task = asyncio.create_task(viewer.run())
    line.goes.set()
    async with asyncio.timeout(5):
        await viewer.emptied()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return line.taken


def test_a_message_says_what_it_is_and_when_its_first_sample_was() -> None:
    assert binary(INIT, 1_764_000_000.25, b"abc") == b"\0" + struct.pack(">d", 1_764_000_000_250.0) + b"abc"


def test_words_come_in_both_languages() -> None:
    assert said("state", "no_rtp")["zh"].startswith("设备已应答")
    assert said("end", "forbidden") == {
        "type": "end",
        "code": "forbidden",
        "zh": "没有权限观看此画面",
        "en": "you have no right to this picture",
    }


async def test_all_arrives_in_order_while_there_is_room() -> None:
    line = Slow()
    viewer = Viewer(line.send)
    for number in range(MOST_WAITING):
        viewer.offer(picture(number), key=number == 0)
    assert numbers(await everything(viewer, line)) == list(range(MOST_WAITING))


async def test_too_much_drops_to_the_next_key_frame() -> None:
    line = Slow()
    viewer = Viewer(line.send)
    for number in range(MOST_WAITING + 20):
        viewer.offer(picture(number), key=number in {0, MOST_WAITING + 10})
    assert numbers(await everything(viewer, line)) == list(range(MOST_WAITING + 10, MOST_WAITING + 20))
    assert viewer.dropped == MOST_WAITING + 10


async def test_what_waits_never_grows() -> None:
    viewer = Viewer(Slow().send)
    for number in range(10_000):
        viewer.offer(picture(number), key=number % 50 == 0)
        assert viewer.waiting <= MOST_WAITING


async def test_words_and_init_segments_are_never_dropped() -> None:
    line = Slow()
    viewer = Viewer(line.send)
    viewer.say(said("state", "playing"))
    viewer.begin(b"init")
    for number in range(MOST_WAITING + 1):
        viewer.offer(picture(number), key=number == 0)
    viewer.say(said("state", "stalled"))
    taken = await everything(viewer, line)
    assert [msgspec.json.decode(each)["code"] for each in taken if isinstance(each, str)] == ["playing", "stalled"]
    assert [each for each in taken if isinstance(each, bytes)] == [binary(INIT, 0.0, b"init")]


async def test_a_new_init_segment_begins_anew_after_a_drop() -> None:
    line = Slow()
    viewer = Viewer(line.send)
    for number in range(MOST_WAITING + 1):
        viewer.offer(picture(number), key=number == 0)
    viewer.begin(b"init")
    viewer.offer(picture(9_999), key=True)
    assert numbers(await everything(viewer, line)) == [9_999]


def times(messages: list[str | bytes]) -> list[int]:
    """Return the decoding time of each fragment, as its box tells."""
    fragments = [each[9:] for each in messages if isinstance(each, bytes) and each[0] == FRAGMENT]
    return [int.from_bytes(each[each.index(b"tfdt") + 8 :][:8], "big") for each in fragments]


async def test_time_only_rises_also_when_the_camera_is_asked_again() -> None:
    camera, line = Camera(), Slow()
    line.goes.set()
    streams = Streams(camera, Ports(45_200, 45_230), bind="127.0.0.1", stall_s=0.2)
    stream = await streams.open("c1", Grade.MAIN)
    shown, viewer = Shown(stream, Grade.MAIN), Viewer(line.send)
    sending = asyncio.create_task(viewer.run())
    shown.add(viewer)
    stream.add(shown)
    try:
        await line.has(60)
        camera.fall_silent()  # the next call begins its clock at nothing again
        await line.has(120)
    finally:
        sending.cancel()
        await streams.close()
        await camera.close()
    told = times(line.taken)
    assert len(camera.wanted) == 2
    assert all(0 < later - earlier <= CLOCK for earlier, later in pairwise(told))
