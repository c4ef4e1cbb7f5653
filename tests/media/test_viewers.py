"""A slow viewer misses pictures, never the words, and begins again where pictures can be decoded."""

import asyncio
import struct

import msgspec

from anju.media.viewers import FRAGMENT, INIT, MOST_WAITING, Viewer, binary, said


class Slow:
    """The other end of a line: takes messages only once it is let go."""

    def __init__(self) -> None:
        self.taken: list[str | bytes] = []
        self.goes = asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        await self.goes.wait()
        self.taken.append(message)


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
