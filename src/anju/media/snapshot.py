"""One picture of a camera as JPEG: out of its running stream, else the camera is asked for a moment.

What decodes is another process: pictures come from devices, and a decoder that breaks on one ends nothing here.
Source: 5.4.2 (pictures of what is seen), 5.1.2.4 (an alarm shows its picture).
"""

import asyncio
import io
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import msgspec

from anju.bus import pieces
from anju.bus.nats import Bus
from anju.domain.video import Grade
from anju.media.streams import NoPicture, Stream, Streams
from anju.protocols import fmp4
from anju.protocols.frames import Frame

WAIT_S = 9.0
DECODE_S = 5.0
QUALITY = 85


def jpeg(data: bytes) -> bytes:
    """Return the first picture of an MP4 as JPEG. Raises ValueError where there is none."""
    import av  # only the decoding process loads it

    out = io.BytesIO()
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
            image.save(out, "JPEG", quality=QUALITY)
    except (av.FFmpegError, StopIteration, IndexError) as error:  # what crosses to another process is plain
        raise ValueError(f"no picture in it: {error}") from None
    return out.getvalue()


class Decoder:
    """A process that decodes, started on first use and again after it broke."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def jpeg(self, data: bytes) -> bytes:
        """Return the first picture of an MP4 as JPEG. Raises NoPicture('no_video') where it cannot be decoded."""
        pool = self._pool or ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._pool = pool
        try:
            async with asyncio.timeout(DECODE_S):
                return await asyncio.get_running_loop().run_in_executor(pool, jpeg, data)
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise NoPicture("no_video") from error
        except ValueError as error:
            raise NoPicture("no_video") from error
        except ImportError as error:
            raise NoPicture("no_decoder") from error

    def close(self) -> None:
        """End the process."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes: Iterable[object] = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for each in processes:
            each.kill()  # type: ignore[attr-defined]


class Snapshots:
    """Takes pictures out of a worker's streams."""

    def __init__(self, streams: Streams, decoder: Decoder) -> None:
        self._streams, self._decoder = streams, decoder

    async def of(self, channel_id: str) -> bytes:
        """Return what the camera sees now as JPEG. Raises NoPicture.

        A stream that runs is used, the main one first; else the main one is asked for and let go after its grace.
        """
        stream = self._running(channel_id) or await self._streams.open(channel_id, Grade.MAIN)
        sink = _KeyFrame(stream)
        stream.add(sink)
        try:
            async with asyncio.timeout(WAIT_S):
                data = await sink.found
        except TimeoutError as error:
            raise NoPicture(sink.code if sink.code not in {"", "playing", "asking", "waiting"} else "no_rtp") from error
        finally:
            stream.remove(sink)
        return await self._decoder.jpeg(data)

    def _running(self, channel_id: str) -> Stream | None:
        running = self._streams.by_key()
        for grade in (Grade.MAIN, Grade.SUB):
            found = running.get((channel_id, grade.value))
            if found is not None and found.track is not None:
                return found
        return None


async def answer_snapshots(bus: Bus, snapshots: Snapshots, worker: int) -> None:
    """Answer who asks for pictures of this worker's cameras: a JPEG, or ``{"error": code}``."""

    async def taken(data: bytes) -> bytes:
        try:
            return await snapshots.of(data.decode(errors="replace"))
        except NoPicture as reason:
            return msgspec.json.encode({"error": reason.code})

    await pieces.Answers(bus, f"media.{worker}.snapshot", taken).serve()


class _KeyFrame:
    """Waits for one whole key frame."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self.code = stream, ""
        self.found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(self, frame: Frame) -> None:
        """Take it."""
        track = self._stream.track
        if frame.key and not frame.broken and track is not None and not self.found.done():
            self.found.set_result(fmp4.init_segment(track) + fmp4.fragment(1, 0, [frame]))

    def state(self, code: str) -> None:
        """Give up where the stream says that there is no picture."""
        self.code = code
        if code in _HOPELESS and not self.found.done():
            self.found.set_exception(NoPicture(code))


_HOPELESS = frozenset(
    {"offline", "device_offline", "not_registered", "wrong_password", "busy", "not_found", "refused", "media_refused"}
)
