"""Streams: one request to a camera however many watch, its last pictures kept, asked again when lost."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog

from anju.domain.video import Agreed, Grade, PlayAct, PlayControl, Purpose, Transport, Wanted
from anju.errors import AnjuError
from anju.media.pace import Pace, StreamStats
from anju.media.ports import NoPorts, Ports
from anju.media.receive import Line, Sweep, open_line
from anju.protocols.fmp4 import Track
from anju.protocols.frames import Frame
from anju.protocols.rtp_frames import FrameReader
from anju.protocols.rtp_units import Unit, UnitReader

GRACE_S = 10.0
"""How long a stream nobody takes any more is kept: who comes back finds it running."""
FIRST_S = 8.0
"""A stream agreed on must bring its first packet in this time, else the reason is ``no_rtp``."""
PICTURE_S = 10.0
"""Packets without a picture for so long: ``no_video``."""
STALL_S = 5.0
"""No packet for so long: ``stalled``, and it is asked for again."""
SILENT_S = 10.0
"""The same of a recording: devices seek, and wait for their disks."""
BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STEADY_S = 10.0
"""A stream that ran so long is asked for at once when it breaks off."""
_LOOK_S = 0.1
_MOST_GOP = 1_000  # frames kept for who comes
_MOST_GOP_BYTES = 16 << 20
_MOST_EARLY = 64  # ends heard of before the call they belong to
_BIND_TRIES = 8
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class NoPicture(AnjuError):
    """There is no picture now. ``code`` is one of ``domain.video.NO_PICTURE``; a live stream asks again by itself."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Signalling(Protocol):
    """Who asks cameras: the gateway, over the bus."""

    async def invite(self, wanted: Wanted) -> Agreed:
        """Ask for a stream. Raises NoPicture."""

    async def end(self, call_id: str) -> None:
        """End it. Never raises: a camera out of reach ends by itself."""

    async def control(self, call_id: str, control: PlayControl) -> None:
        """Steer a playback. Raises NoPicture."""


class Sink(Protocol):
    """Who takes a stream's frames: a viewer, the recorder. Both calls come on the loop and never block."""

    def take(self, frame: Frame) -> None:
        """Take one frame: pictures and sound, broken ones too (``frame.broken``)."""

    def state(self, code: str) -> None:
        """Learn how the stream is: 'asking', 'waiting', 'playing', 'finished', or a code of NO_PICTURE."""


class UnitSink(Protocol):
    """Who takes what came as it came: a relay. Both calls come on the loop and never block."""

    def unit(self, unit: Unit, frames: Sequence[Frame]) -> None:
        """Take the packets of one time stamp, and the frames they completed."""

    def state(self, code: str) -> None:
        """Learn how the stream is, as a Sink does."""


class Stream:
    """One stream of one camera, or one playback. Made by ``Streams``.

    ``code`` is how it is now, as sinks are told it. ``track`` is what its pictures need for decoding, None before the
    first key frame; it is another object after the camera changed them, and is so before the frame is handed out.
    ``call_id`` is '' while there is no call.
    """

    def __init__(self, streams: "Streams", key: tuple[str, ...], wanted: Wanted) -> None:
        self.key = key
        self.code = "asking"
        self.stats = StreamStats()
        self.call_id = ""
        self.line: Line | None = None
        self.agreed: Agreed | None = None
        self._streams, self._wanted = streams, wanted
        self._sinks: dict[Sink, None] = {}
        self._unit_sinks: dict[UnitSink, None] = {}
        self._gop: list[Frame] = []
        self._gop_bytes = self._stamp = 0
        self._units, self._frames = UnitReader(), FrameReader()
        self._pace = Pace(self.stats)
        self._task: asyncio.Task[None] | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._again = asyncio.Event()  # asks again now
        self._began = self._heard = self._pictured = 0.0  # monotonic seconds; 0: not yet
        self._answered = self._first = 0.0
        self._paused = False
        self._ended = ""  # why the call is over, as the signalling side told

    @property
    def track(self) -> Track | None:
        """Return what the pictures need for decoding."""
        return self._frames.track

    @property
    def live(self) -> bool:
        """Return whether it is asked for again when it ends."""
        return self._wanted.purpose is Purpose.LIVE

    @property
    def kind(self) -> str:
        """Return what was recognised in the packets: 'ps', 'ts', 'h264', 'h265', '' so far."""
        return self._frames.kind

    def since_key(self) -> tuple[tuple[Frame, ...], int]:
        """Return the pictures since the last key frame, and the raw RTP time of the last one."""
        return tuple(self._gop), self._stamp

    def add(self, sink: Sink) -> None:
        """Let ``sink`` take the stream from now on; it gets the state and the pictures since the last key frame."""
        self._sinks[sink] = None
        sink.state(self.code)
        for frame in tuple(self._gop):
            sink.take(frame)
        self._needed()

    def remove(self, sink: Sink) -> None:
        """Let ``sink`` go; after GRACE_S without any the call is ended. Unknown sinks are no error."""
        self._sinks.pop(sink, None)
        self._maybe_idle()

    def add_units(self, sink: UnitSink) -> None:
        """Let ``sink`` take what comes as it comes, from now on."""
        self._unit_sinks[sink] = None
        sink.state(self.code)
        self._needed()

    def remove_units(self, sink: UnitSink) -> None:
        """Let it go, as ``remove`` does."""
        self._unit_sinks.pop(sink, None)
        self._maybe_idle()

    async def control(self, control: PlayControl) -> None:
        """Steer a playback. Raises NoPicture where the device cannot, or there is no call."""
        if not self.call_id:
            raise NoPicture(self.code if self.code not in {"asking", "waiting"} else "no_answer")
        await self._streams.signalling.control(self.call_id, control)
        self._paused = control.act is PlayAct.PAUSE
        self._heard = self._pictured = time.monotonic()

    def retry(self) -> None:
        """Ask again now, where it waits to do so: the camera is said to be back."""
        self._again.set()

    def ended(self, reason: str) -> None:
        """Learn that the call is over."""
        self._ended = reason or "ended_by_device"

    def feed(self, packets: list[bytes], now: float) -> None:
        """Take packets of its line; ``now`` in Unix seconds."""
        if packets:
            heard = time.monotonic()
            if not self._heard:
                self._first = heard
                self.stats.packet_s = heard - self._answered
            self._heard = heard
        for unit in self._units.feed(packets, now):
            try:
                frames = self._frames.feed(unit)
                self._hand_out(unit, frames)
            except Exception:  # noqa: BLE001 - a mistake of ours costs one unit, never the other cameras of the sweep
                _log.exception("a unit was not understood", stream=self.key)

    async def close(self) -> None:
        """End it now."""
        self._stop_grace()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _hand_out(self, unit: Unit, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.codec.video:
                self._stamp = unit.stamp
                self._keep(frame)
                self._pace.seen(frame)
            for sink in tuple(self._sinks):
                sink.take(frame)
        for relay in tuple(self._unit_sinks):
            relay.unit(unit, frames)

    def _keep(self, frame: Frame) -> None:
        """Keep the pictures since the last key frame, for who comes."""
        self._pictured = self._heard
        if frame.key:
            if self.code != "playing":
                self.stats.key_s = time.monotonic() - self._first
                self._say("playing")
            self._gop, self._gop_bytes = [], 0
        elif not self._gop:
            return
        self._gop.append(frame)
        self._gop_bytes += frame.size
        if len(self._gop) > _MOST_GOP or self._gop_bytes > _MOST_GOP_BYTES:
            self._gop, self._gop_bytes = [], 0

    def _say(self, code: str) -> None:
        if code == self.code:
            return
        self.code = code
        for sink in tuple(self._sinks):
            sink.state(code)
        for relay in tuple(self._unit_sinks):
            relay.state(code)

    def _needed(self) -> None:
        self._stop_grace()
        self._streams.remember(self)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"stream {self.key}")

    def _maybe_idle(self) -> None:
        if not self._sinks and not self._unit_sinks and self._grace is None:
            self.idle_in(self._streams.grace_s if self.live else 0.0)

    def idle_in(self, seconds: float) -> None:
        """End it after ``seconds``, unless a sink comes."""
        self._grace = asyncio.get_running_loop().call_later(seconds, self._idle)

    def _idle(self) -> None:
        self._grace = None
        self._streams.forget(self)

    def _stop_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    async def _run(self) -> None:
        failures = 0
        while True:
            reason, lasted = await self._once()
            self._log_end(reason, lasted)
            self._say(reason)
            if not self.live:
                return
            failures = 0 if lasted > STEADY_S else failures + 1
            self._again.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]):
                    await self._again.wait()

    def _log_end(self, reason: str, lasted: float) -> None:
        """Write down what solves most cases in the field."""
        stats = self.stats
        times = {name: round(getattr(stats, name), 2) for name in ("answer_s", "packet_s", "key_s", "most_lag")}
        counts = {name: getattr(stats, name) for name in ("packets", "lost", "broken", "refused", "kernel_drops")}
        inside = {"kind": self.kind, "odd": dict(self._frames.odd), "unknown": sorted(self._frames.unknown)}
        told = {"stream": self.key, "reason": reason, "lasted_s": round(lasted, 1)}
        _log.info("stream is over", **told, **times, **counts, **inside)

    async def _once(self) -> tuple[str, float]:
        """Ask once and receive until it is over; return why, and how many seconds it brought packets."""
        self._ended, self._began, self._heard, self._pictured = "", 0.0, 0.0, 0.0
        try:
            self.line = self._streams.open_line(self._wanted.transport)
            await self._receive(self.line)
        except NoPicture as why:
            return why.code, time.monotonic() - self._began if self._began and self._heard else 0.0
        finally:
            await self._leave()
        return "ended_by_device", 0.0

    async def _receive(self, line: Line) -> None:
        """Receive one call. Raises NoPicture once it is over."""
        agreed = await self._invite(line)
        self._units = UnitReader(agreed.ssrc, ordered=line.ordered)
        self._units.counts = self.stats.counts
        self._frames = FrameReader(agreed.payloads)
        self._gop, self._gop_bytes = [], 0
        self._say("waiting")
        self._streams.sweep.add(self)
        try:
            await line.reach(agreed.host, agreed.port)
        except (OSError, TimeoutError) as error:
            raise NoPicture("no_rtp") from error
        self._began = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            self._look(line)

    async def _invite(self, line: Line) -> Agreed:
        self.stats.asked += 1
        asked = time.monotonic()
        agreed = await self._streams.signalling.invite(replace(self._wanted, port=line.port))
        self._answered = time.monotonic()
        self.stats.answer_s = self._answered - asked
        self.agreed, self.call_id = agreed, agreed.call_id
        self._ended = self._ended or self._streams.early(agreed.call_id)
        return agreed

    def _look(self, line: Line) -> None:
        """Raise NoPicture where the call is over or brings nothing."""
        now = time.monotonic()
        self._pace.look(now, line, live=self.live)
        self._report(line)
        if self._ended:
            raise NoPicture(self._ended)
        if not self._heard:
            if now - self._began > self._streams.first_s:
                raise NoPicture("no_rtp")
        elif self._paused:
            return
        elif now - self._heard > (self._streams.stall_s if self.live else SILENT_S):
            raise NoPicture("stalled" if self.live else "ended_by_device")
        elif now - (self._pictured or self._began) > self._streams.picture_s:
            raise NoPicture("no_video")

    def _report(self, line: Line) -> None:
        """Answer a sender's report: some stop sending without."""
        answer = self._units.receiver_report()
        if answer and self.agreed is not None:
            line.answer(answer, self.agreed.host, self.agreed.port)

    async def _leave(self) -> None:
        """Free the port and end the call."""
        line, self.line = self.line, None
        self._streams.sweep.remove(self)
        if line is not None:
            self._streams.close_line(line)
        call_id, self.call_id, self.agreed = self.call_id, "", None
        if call_id:
            await asyncio.shield(self._streams.signalling.end(call_id))


class Streams:
    """All streams of one media worker.

    ``transport`` chooses how a channel's device sends; ``host`` is the address devices are told to send to, '' for the
    one they reach us at; ``bind`` is where sockets listen.
    """

    def __init__(
        self,
        signalling: Signalling,
        ports: Ports,
        *,
        clock: Callable[[], float] = time.time,
        transport: Callable[[str, Grade], Transport] = lambda _channel, _grade: Transport.UDP,
        host: str = "",
        bind: str = "0.0.0.0",  # noqa: S104 - cameras are outside
        grace_s: float = GRACE_S,
        first_s: float = FIRST_S,
        stall_s: float = STALL_S,
        picture_s: float = PICTURE_S,
    ) -> None:
        self.signalling = signalling
        self.sweep = Sweep(clock)
        self.grace_s, self.first_s, self.stall_s, self.picture_s = grace_s, first_s, stall_s, picture_s
        self._ports, self._transport, self._host, self._bind = ports, transport, host, bind
        self._streams: dict[tuple[str, ...], Stream] = {}
        self._early: deque[tuple[str, str]] = deque(maxlen=_MOST_EARLY)
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, channel_id: str, grade: Grade) -> Stream:
        """Return the live stream of a channel, shared by all who open it. It is asked for once a sink is added."""
        key = (channel_id, grade.value)
        if key not in self._streams:
            wanted = Wanted(channel_id, Purpose.LIVE, grade, self._transport(channel_id, grade), 0, self._host)
            self._streams[key] = Stream(self, key, wanted)
            self._streams[key].idle_in(self.grace_s)
        return self._streams[key]

    async def play(self, session: str, wanted: Wanted) -> Stream:
        """Return a playback or download of its own, named ``session``; its end is not followed by another request.

        Port, address and transport of ``wanted`` are chosen here.
        """
        transport = self._transport(wanted.channel_id, wanted.grade)
        key = ("play", session)
        stream = Stream(self, key, replace(wanted, transport=transport, host=self._host))
        self._streams[key] = stream
        stream.idle_in(self.grace_s)
        return stream

    def ended(self, call_id: str, reason: str) -> None:
        """Learn from the signalling side that a call is over; ``reason`` is a code of NO_PICTURE."""
        for stream in self._streams.values():
            if stream.call_id == call_id:
                stream.ended(reason)
                return
        self._early.append((call_id, reason))

    def retry(self, channel_id: str) -> None:
        """Ask for a channel's streams again now, where they wait to: it is said to be back."""
        for key, stream in self._streams.items():
            if key[0] == channel_id:
                stream.retry()

    def by_key(self) -> Mapping[tuple[str, ...], Stream]:
        """Return the streams there are now."""
        return dict(self._streams)

    async def close(self) -> None:
        """End every call and free every port."""
        for stream in tuple(self._streams.values()):
            await stream.close()
        self._streams.clear()
        await asyncio.gather(*self._closing)

    def remember(self, stream: Stream) -> None:
        """Know a stream again that was forgotten while somebody still held it."""
        self._streams.setdefault(stream.key, stream)

    def forget(self, stream: Stream) -> None:
        """End a stream nobody takes."""
        if self._streams.get(stream.key) is stream:
            del self._streams[stream.key]
        task = asyncio.get_running_loop().create_task(stream.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def early(self, call_id: str) -> str:
        """Return why a call was over before its answer was here; '' where it was not."""
        return next((reason or "ended_by_device" for known, reason in self._early if known == call_id), "")

    def open_line(self, transport: Transport) -> Line:
        """Return a receiving end on a port of ours. Raises NoPicture."""
        return self.on_a_port(lambda port: open_line(transport, port, self._bind))

    def close_line(self, line: Line) -> None:
        """Free a receiving end; its port rests."""
        line.close()
        self.free_port(line.port)

    def on_a_port(self, opened: Callable[[int], T]) -> T:
        """Return what ``opened`` makes of a port of ours that nobody else has. Raises NoPicture."""
        for _ in range(_BIND_TRIES):
            try:
                port = self._ports.take()
            except NoPorts as error:
                raise NoPicture("no_ports") from error
            try:
                return opened(port)
            except OSError as error:
                _log.warning("media port is taken", port=port, error=str(error))
                self._ports.give_back(port)
        raise NoPicture("no_ports")

    def free_port(self, port: int) -> None:
        """Let a port rest."""
        self._ports.give_back(port)
