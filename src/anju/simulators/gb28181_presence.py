"""Being there: a simulated device registers, renews its registration, keeps alive, and begins anew where it was lost.

Source: GB/T 28181-2016 9.1, 9.6; 5.4.1.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anju.errors import DeviceSilent, SipRefused
from anju.protocols.manscdp_devices import Keepalive, keepalive
from anju.protocols.manscdp_text import read_time
from anju.protocols.sip import Response
from anju.simulators.gb28181_answers import Self
from anju.simulators.gb28181_habits import Faults
from anju.simulators.gb28181_mouth import Mouth
from anju.wire.sip import SipEndpoint
from anju.wire.sip_registration import Registration

_LOST_AFTER = 3  # keep-alives without an answer
_REFRESH = 0.8  # of what was granted
_FAULTY = 16  # children that a keep-alive names at most


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds."""

    expires_s: int = 3_600
    heartbeat_s: float = 60.0
    retry_s: float = 5.0
    boot_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Login:
    """What a device registers with; ``username`` is its code where none is given."""

    password: str
    username: str
    timing: Timing


class Presence:
    """The registration of one device. ``registered`` is set while it stands; ``set_clock`` hears of the time."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        mouth: Mouth,
        me: Self,
        login: Login,
        faults: Faults,
        tally: Counter[str],
        set_clock: Callable[[datetime], None],
    ) -> None:
        self.registered = asyncio.Event()
        self._endpoint, self._mouth, self._me, self._login = endpoint, mouth, me, login
        self._faults, self._tally, self._set_clock = faults, tally, set_clock
        self._timing = login.timing
        self._registration = self._new_registration()
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Register, as somebody new, again and again until it succeeds."""
        self._registration = self._new_registration()
        self._life = asyncio.ensure_future(self._live())

    async def stop(self, *, unregister: bool) -> None:
        """Be gone, with a word or without."""
        if self._life:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        if unregister and self.registered.is_set():
            with contextlib.suppress(DeviceSilent, SipRefused):
                await self._registration.register(0, within_s=2.0)
        self.registered.clear()

    def _new_registration(self) -> Registration:
        return Registration(
            self._endpoint,
            self._mouth.peer,
            code=self._me.code,
            server=self._mouth.server,
            domain=self._mouth.domain,
            password=self._login.password,
            username=self._login.username,
            headers=[("X-GB-Ver", self._me.habits.version)] if self._me.habits.version else (),
        )

    async def _live(self) -> None:
        while True:
            try:
                given = await self._registration.register(self._me.basic.expiration_s or self._timing.expires_s)
            except (SipRefused, DeviceSilent) as error:
                self._tally["refused" if isinstance(error, SipRefused) else "silent"] += 1
                await asyncio.sleep(self._timing.retry_s)
                continue
            self._tally["registrations"] += 1
            self._welcomed(given)
            await self._alive(given.expires or self._timing.expires_s)

    def _welcomed(self, given: Response) -> None:
        told = read_time(given.headers.get("Date"))
        if told and self._me.habits.sets_clock:
            self._set_clock(told)
        self._mouth.peer = self._registration.peer
        self.registered.set()

    async def _alive(self, granted_s: float) -> None:
        """Keep alive until the registration is to be renewed, or is lost."""
        loop = asyncio.get_running_loop()
        until, lost = loop.time() + granted_s * _REFRESH, 0
        while loop.time() < until and lost < _LOST_AFTER:
            late = self._faults.keepalive_late_s
            await asyncio.sleep(min(self._heartbeat_s + late, max(0.0, until - loop.time())))
            try:
                given = await self._mouth.tell(keepalive(self._mouth.serial(), self._me.code, self._health()))
            except DeviceSilent:
                lost += 1
                continue
            lost = 0
            self._tally["keepalives"] += 1
            if given.status in {401, 403, 404}:
                break
        if lost >= _LOST_AFTER:
            self.registered.clear()

    @property
    def _heartbeat_s(self) -> float:
        told = self._me.basic.heartbeat_s or 1
        return self._timing.heartbeat_s if told == (round(self._timing.heartbeat_s) or 1) else told

    def _health(self) -> Keepalive:
        return Keepalive(faulty=tuple(each.code for each in self._me.channels.values() if not each.online)[:_FAULTY])
