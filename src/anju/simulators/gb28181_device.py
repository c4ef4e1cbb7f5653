"""A simulated GB/T 28181 device, from its registration on: keeps alive, answers, obeys, shows, tells alarms.

Source: GB/T 28181-2016 chapter 9; 4.2.1.2, 5.4.1, 5.4.2.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from anju.errors import DeviceSilent, SipRefused, WireError
from anju.protocols.frames import Codec
from anju.protocols.manscdp import Message, Root, read
from anju.protocols.manscdp_alarms import AlarmNotice, alarm_notice
from anju.protocols.manscdp_catalog import CatalogItem, catalog_notice
from anju.protocols.manscdp_config import BasicParam
from anju.protocols.manscdp_control import KeyFrame, Reboot
from anju.protocols.manscdp_devices import DeviceInfo
from anju.protocols.manscdp_positions import position_notice
from anju.protocols.manscdp_voice import broadcast_answer, read_broadcast
from anju.simulators.gb28181_answers import Self, answers, position_of
from anju.simulators.gb28181_calls import Calls
from anju.simulators.gb28181_channel import Channel
from anju.simulators.gb28181_habits import Faults, Habits
from anju.simulators.gb28181_mouth import Mouth
from anju.simulators.gb28181_orders import obey
from anju.simulators.gb28181_presence import Login, Presence, Timing
from anju.simulators.gb28181_subscriptions import Subscriptions
from anju.simulators.gb28181_talks import Talks
from anju.simulators.video_loops import Loops
from anju.wire.sip import Incoming, Peer, SipEndpoint

__all__ = ["Device", "Platform", "Timing"]

_ALARM_TRIES = 5
_AT_ONCE = 4  # messages of one answer under way together


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a device registers: ``server`` is a 20-digit code, ``domain`` its first ten digits where none is given."""

    host: str
    port: int
    server: str
    domain: str = ""


class Device:
    """A device with ``code`` and its ``channels``. ``tally`` counts what it did; ``registered`` is set while it is."""

    def __init__(
        self,
        platform: Platform,
        code: str,
        password: str,
        channels: Sequence[Channel],
        loops: Loops,
        *,
        info: DeviceInfo,
        habits: Habits | None = None,
        faults: Faults | None = None,
        timing: Timing | None = None,
        username: str = "",
        local: str = "127.0.0.1",
        chance: Random | None = None,
    ) -> None:
        self.code, self.tally = code, Counter[str]()
        self.habits, self.faults, self._timing = habits or Habits(), faults or Faults(), timing or Timing()
        self._chance = chance or Random(code)  # noqa: S311 - a dice, no secret
        self._offset = timedelta(seconds=self.faults.clock_off_s)
        self._local, self._loops = local, loops
        self.endpoint = SipEndpoint(self._asked, agent="Anju simulator")
        peer = Peer(platform.host, platform.port, self.habits.transport, local)
        domain = platform.domain or platform.server[:10]
        self._mouth = Mouth(self.endpoint, peer, code=code, server=platform.server, domain=domain, habits=self.habits)
        basic = BasicParam(info.name, self._timing.expires_s, round(self._timing.heartbeat_s) or 1, 3)
        by_code = {each.code: each for each in channels}
        self.me = Self(code, info, basic, by_code, self.habits, self.clock, self._chance)
        self.talks = Talks(self.endpoint, self.me, self._mouth)
        self.calls = Calls(self.endpoint, self.me, loops, self.faults, self._mouth, self.talks.invited)
        self._subscriptions = Subscriptions(self._mouth.written, self._tell_position)
        login = Login(f"{password}!" if self.faults.wrong_password else password, username, self._timing)
        self._presence = Presence(self.endpoint, self._mouth, self.me, login, self.faults, self.tally, self._set_clock)
        self.registered = self._presence.registered
        self._tasks, self._rebooting = set[asyncio.Task[None]](), set[asyncio.Task[None]]()

    def clock(self) -> datetime:
        """Return what its own clock shows."""
        return datetime.now(UTC) + self._offset

    @property
    def channels(self) -> dict[str, Channel]:
        """Return its channels by code."""
        return self.me.channels

    async def prepare(self) -> None:
        """Have the loops made that it shows at first: that takes seconds where they are not there yet."""
        grades: list[tuple[Codec, str]] = [(self.habits.codec, "main"), (self.habits.sub_codec, "sub")]
        for codec, grade in grades:
            await self._loops.loop(codec, grade)

    async def start(self) -> None:
        """Listen and register, again and again until it succeeds."""
        await self.endpoint.open(self._local, 0)
        self._presence.start()

    async def stop(self, *, unregister: bool = True) -> None:
        """End everything; with ``unregister`` the platform hears of it."""
        for task in list(self._rebooting):
            task.cancel()
        await asyncio.gather(*self._rebooting, return_exceptions=True)
        await self._cease(bye=unregister)
        await self._presence.stop(unregister=unregister)
        await self.endpoint.close()

    async def alarm(self, told: AlarmNotice) -> int:
        """Tell an alarm until it is taken, five times at most; return the last SIP status, 0 where nobody is told."""
        channel = self.channels.get(told.device_id)
        if self.habits.guard_first and not (channel and channel.armed):
            return 0
        notice, status = alarm_notice(self._mouth.serial(), told), 0
        for _ in range(_ALARM_TRIES):
            with contextlib.suppress(DeviceSilent):
                status = await self._told("Alarm", notice)
                if 200 <= status < 300:
                    break
            await asyncio.sleep(1.0)
        self.tally["alarms"] += 200 <= status < 300
        return status

    async def change(self, code: str, event: Literal["ON", "OFF", "VLOST", "DEFECT", "ADD", "DEL", "UPDATE"]) -> int:
        """Let something happen to a channel and tell it; return the SIP status. Raises DeviceSilent."""
        channel = self.channels[code]
        if event in {"ON", "OFF"}:
            channel.online = event == "ON"
        whole = event in {"ADD", "UPDATE"}
        item = replace(channel.item(), event=event) if whole else CatalogItem(code, event=event)
        return await self._told("Catalog", catalog_notice(self._mouth.serial(), self.code, [item]))

    async def reboot(self) -> None:
        """Drop all without a word and register anew."""
        self.tally["reboots"] += 1
        await self._cease(bye=False)
        await self._presence.stop(unregister=False)
        await asyncio.sleep(self._timing.boot_s)
        self._presence.start()

    def _set_clock(self, told: datetime) -> None:
        self._offset = told - datetime.now(UTC)

    async def _told(self, kind: str, told: Message) -> int:
        """Tell by subscription where there is one, else by MESSAGE; return the status."""
        if self._subscriptions.has(kind):
            return await self._subscriptions.notify(kind, told)
        return (await self._mouth.tell(told)).status

    async def _tell_position(self, query: Message) -> None:
        channel = self.channels.get(query.device_id) or next(iter(self.channels.values()))
        told = position_notice(self._mouth.serial(), position_of(channel, self.clock()))
        await self._subscriptions.notify("MobilePosition", told)

    async def _asked(self, incoming: Incoming) -> None:
        request = incoming.request
        if self.habits.to_tag_fatal and request.to_tag and incoming.in_dialog is None:
            await incoming.reply(481)
        elif request.method == "MESSAGE":
            await incoming.reply(200)
            with contextlib.suppress(WireError):
                self._heard(read(request.body))
        elif request.method == "INVITE":
            await self.calls.invited(incoming)
        elif request.method == "INFO":
            await self.calls.informed(incoming)
        elif request.method == "SUBSCRIBE":
            await self._subscriptions.subscribed(incoming)
        else:
            await incoming.reply(200 if request.method == "BYE" else 405)

    def _heard(self, told: Message) -> None:
        self.tally[f"{told.root} {told.cmd_type}"] += 1
        if told.root is Root.QUERY:
            self._spawn(self._answer(told))
        elif told.root is Root.CONTROL:
            self._obey(told)
        elif told.cmd_type == "Broadcast" and told.root is Root.NOTIFY:
            self._spawn(self._voice(told))

    async def _answer(self, asked: Message) -> None:
        """Send the messages of an answer, a few at once; one that is lost does not stop the others."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def tell(each: Message) -> None:
            try:
                await self._mouth.tell(each)
            except DeviceSilent:
                self.tally["untold"] += 1
            finally:
                free.release()

        async with asyncio.TaskGroup() as tasks:
            for each in answers(self.me, asked):
                await free.acquire()
                tasks.create_task(tell(each))

    def _obey(self, told: Message) -> None:
        order, answer = obey(self.me, told)
        if answer:
            self._spawn(self._say(answer))
        if isinstance(order, KeyFrame):
            self.calls.key_frame(told.device_id)
        elif isinstance(order, Reboot):
            self._spawn(self.reboot(), outlives=True)

    async def _voice(self, told: Message) -> None:
        wanted = read_broadcast(told)
        known = wanted.target in {self.code, *self.channels}
        await self._say(broadcast_answer(told, wanted.target or self.code, ok=known))
        if known:
            with contextlib.suppress(SipRefused, DeviceSilent):
                await self.talks.fetch(wanted)

    async def _say(self, told: Message) -> None:
        with contextlib.suppress(DeviceSilent):
            await self._mouth.tell(told)

    async def _cease(self, *, bye: bool) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._subscriptions.stop()
        await self.calls.stop(bye=bye)
        await self.talks.stop(bye=bye)

    def _spawn(self, work: Coroutine[Any, Any, None], *, outlives: bool = False) -> None:
        task = asyncio.ensure_future(work)
        kept = self._rebooting if outlives else self._tasks
        kept.add(task)
        task.add_done_callback(kept.discard)
