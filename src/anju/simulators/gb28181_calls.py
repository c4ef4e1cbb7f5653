"""Calls of a simulated device: live pictures and recordings, agreed by INVITE, steered by INFO, ended by BYE.

Source: GB/T 28181-2016 9.2, 9.8, 9.9; 5.4.1, 5.4.2.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from anju.errors import WireError
from anju.protocols import mansrtsp, sdp
from anju.protocols.manscdp_records import media_status
from anju.protocols.rtp import Packetiser
from anju.protocols.sdp import Description
from anju.protocols.sip import MANSRTSP, SDP
from anju.simulators.gb28181_answers import Self
from anju.simulators.gb28181_channel import Channel
from anju.simulators.gb28181_described import described, line_for, wants_sub
from anju.simulators.gb28181_film import Film
from anju.simulators.gb28181_habits import Faults
from anju.simulators.gb28181_line import TcpLine, UdpLine
from anju.simulators.gb28181_mouth import Mouth
from anju.simulators.gb28181_played import Played
from anju.simulators.gb28181_stream import Stream
from anju.simulators.video_loops import Loop, Loops
from anju.simulators.video_scene import RATE
from anju.wire.sip import Dialog, Incoming, SipEndpoint

Talk = Callable[[Incoming, Description], Awaitable[None]]
ACK_S = 32.0
_SLOWEST, _FASTEST = 0.125, 16.0


@dataclass(slots=True)
class Call:
    """One stream that runs. ``played`` is the part of the recordings it shows, None live."""

    dialog: Dialog
    channel: Channel
    offered: Description
    stream: Stream
    played: Played | None = None


class Calls:
    """All calls of one device. ``talk`` takes an offer of sound."""

    def __init__(
        self, endpoint: SipEndpoint, device: Self, loops: Loops, faults: Faults, mouth: Mouth, talk: Talk
    ) -> None:
        self._endpoint, self._device, self._loops, self._faults = endpoint, device, loops, faults
        self._mouth, self._talk = mouth, talk
        self._tasks = set[asyncio.Task[None]]()
        self.running = dict[str, Call]()

    async def invited(self, incoming: Incoming) -> None:
        """Answer an INVITE with a stream or with why there is none."""
        if self._faults.silent:
            return
        try:
            offered = sdp.read(incoming.request.body)
        except WireError:
            await incoming.reply(400)
            return
        if offered.media == "audio":
            await self._talk(incoming, offered)
        elif status := self._refusal(incoming, offered):
            await incoming.reply(status)
        else:
            await self._show(incoming, offered)

    async def informed(self, incoming: Incoming) -> None:
        """Do what an INFO says to a playback."""
        call = self.running.get(incoming.request.call_id)
        try:
            step = mansrtsp.read(incoming.request.body)
        except WireError:
            await incoming.reply(400)
            return
        if call is None:
            await incoming.reply(481)
            return
        told = mansrtsp.Answer(200, step.cseq).encode()
        await incoming.reply(200, headers=[("Content-Type", MANSRTSP)], body=told)
        if self._device.habits.steers:
            _steer(call, step)

    def key_frame(self, code: str) -> None:
        """Let the next picture of a channel be a key picture."""
        for each in self.running.values():
            if each.channel.code == code:
                each.stream.film.fresh_key()

    async def stop(self, *, bye: bool) -> None:
        """End all, with a word or without."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        calls = list(self.running.values())
        self.running.clear()
        for each in calls:
            await each.stream.stop()
        for call in calls:
            await (call.dialog.bye(within_s=1.0) if bye else _forgotten(call.dialog))

    def _refusal(self, incoming: Incoming, offered: Description) -> int:
        """Return the status of a refusal, 0 where there is none."""
        habits, faults = self._device.habits, self._faults
        channel = self._channel(incoming, offered)
        if channel is None:
            return 404
        if not channel.online:
            return 480
        if faults.busy or len(self.running) >= habits.most_streams:
            return 486
        if faults.refuses:
            return 403
        return 488 if offered.tcp and not habits.tcp_media else 0

    def _channel(self, incoming: Incoming, offered: Description) -> Channel | None:
        channels = self._device.channels
        for code in (incoming.request.to_user, offered.channel):
            if code in channels:
                return channels[code]
        whole = incoming.request.to_user == self._device.code
        return next(iter(channels.values())) if whole and len(channels) == 1 else None

    async def _show(self, incoming: Incoming, offered: Description) -> None:
        channel = self._channel(incoming, offered)
        assert channel is not None  # noqa: S101 - else it was refused
        played = self._played(channel, offered)
        if played is not None and not played.frames:
            await incoming.reply(404)
            return
        film = self._film(channel, offered, played)
        loop = await self._loops.loop(film.codec, film.grade, channel.view)
        host, device = self._endpoint.host(incoming.peer), self._device
        line, dialog = line_for(offered, host), incoming.dialog()
        told = described(offered, device.habits, device.chance, owner=channel.code, host=host, port=line.port)
        told = replace(told, file_size=_size(film, loop))
        call = Call(dialog, channel, offered, self._stream(film, line, told, dialog), played)
        self.running[dialog.call_id] = call
        dialog.on_bye = lambda _: self._over(dialog.call_id)
        await incoming.reply(200, headers=[("Content-Type", SDP)], body=told.encode())
        self._spawn(self._begun(call))

    def _played(self, channel: Channel, offered: Description) -> Played | None:
        if offered.session not in {sdp.PLAYBACK, sdp.DOWNLOAD}:
            return None
        start, end = (datetime.fromtimestamp(each, UTC) for each in (offered.start, offered.end))
        return Played(start, channel.archive.spans(start, end, self._device.clock()))

    def _film(self, channel: Channel, offered: Description, played: Played | None) -> Film:
        habits = self._device.habits
        grade = "sub" if habits.sub_stream and wants_sub(offered) else "main"
        codec = habits.sub_codec if grade == "sub" else habits.codec
        if played is None:
            return Film(self._loops, codec, grade, lambda _: self._device.clock().timestamp(), lambda: channel.view)
        speed = offered.download_speed or 1.0 if offered.session == sdp.DOWNLOAD else 1.0
        film = Film(self._loops, codec, grade, played.second, frames=played.frames, speed=_bounded(speed))
        film.every = offered.session == sdp.DOWNLOAD
        return film

    def _stream(self, film: Film, line: UdpLine | TcpLine, told: Description, dialog: Dialog) -> Stream:
        chance = self._device.chance
        ssrc = told.ssrc_number if told.ssrc_number is not None else chance.randrange(1, 2**31)
        return Stream(
            film,
            line,
            Packetiser(ssrc, sequence=chance.randrange(2**16)),
            sound=self._device.habits.sound,
            stream_map=self._device.habits.stream_map,
            faults=self._faults,
            chance=chance,
            over=lambda reason: self._sent(dialog.call_id, reason),
        )

    async def _begun(self, call: Call) -> None:
        """Send as soon as the other side has acknowledged; end it where a fault says so."""
        async with asyncio.timeout(ACK_S):
            await call.dialog.acked.wait()
        call.stream.start()
        if self._faults.drops_after_s:
            await asyncio.sleep(self._faults.drops_after_s)
            await self._over(call.dialog.call_id)
            await call.dialog.bye()

    async def _sent(self, call_id: str, reason: str) -> None:
        """All was sent, or nobody received it."""
        call = self.running.get(call_id)
        if call is None:
            return
        if reason != "finished":
            await self._over(call_id)
            await call.dialog.bye()
        elif self._device.habits.tells_end:
            await self._mouth.tell(media_status(self._mouth.serial(), call.channel.code))

    async def _over(self, call_id: str) -> None:
        if call := self.running.pop(call_id, None):
            await call.stream.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _size(film: Film, loop: Loop) -> int | None:
    """Return about how many bytes a download has, None for what is none."""
    return loop.bytes_a_second * (film.frames or 0) // RATE if film.every else None


def _bounded(speed: float) -> float:
    return min(max(speed, _SLOWEST), _FASTEST)


def _steer(call: Call, step: mansrtsp.Control) -> None:
    stream = call.stream
    if step.method == mansrtsp.PAUSE:
        stream.pause()
        return
    if step.method != mansrtsp.PLAY:
        return
    if step.scale is not None and step.scale > 0:
        stream.film.speed = _bounded(step.scale)
    if step.start is not None and call.played:
        stream.film.seek(call.played.frame(step.start))
    stream.resume()


async def _forgotten(dialog: Dialog) -> None:
    dialog.forget()
