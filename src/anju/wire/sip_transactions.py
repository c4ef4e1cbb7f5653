"""Transactions of SIP: what was asked waits for its answer, what was answered is answered again the same way.

Source: RFC 3261 chapter 17; GB/T 28181-2016 chapter 9.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from anju.errors import DeviceSilent
from anju.protocols.sip import Request, Response
from anju.wire.sip_paths import Peer

T1: Final = 0.5  # seconds: the first repeat on UDP
T2: Final = 4.0  # the longest wait between two repeats
LIFE_S: Final = 64 * T1  # how long a repeat may still come

ServedKey = tuple[str, str, int, str, str, str]
AskedKey = tuple[str, int, str]


def served_key(request: Request, peer: Peer, method: str = "") -> ServedKey:
    """Return what a repeat has in common with its first sending; ACK and CANCEL name their INVITE's ``method``.

    The From tag is part of it, for some stacks begin with the same numbers after each start.
    """
    number, own = request.cseq
    return (peer.host, request.via.branch, number, method or own, request.call_id, request.from_tag)


class Served:
    """One request of a peer and what we answered last."""

    __slots__ = ("acked", "cancel", "final", "key", "last", "peer", "request")

    def __init__(self, key: ServedKey, request: Request, peer: Peer) -> None:
        self.key, self.request, self.peer = key, request, peer
        self.last: bytes | None = None
        self.final = 0  # status
        self.acked = asyncio.Event()
        self.cancel: Callable[[], None] | None = None


class ServedTable:
    """Requests being worked on, and those answered in the last 32 s: at most ``most_kept``, the oldest go first."""

    def __init__(self, *, most_kept: int, now: Callable[[], float]) -> None:
        self._most_kept, self._now = most_kept, now
        self._open = dict[ServedKey, Served]()
        self._kept = OrderedDict[ServedKey, tuple[float, Served]]()

    def __len__(self) -> int:
        return len(self._open) + len(self._kept)

    def find(self, key: ServedKey) -> Served | None:
        """Return the request that this repeats."""
        self._forget()
        kept = self._kept.get(key)
        return kept[1] if kept else self._open.get(key)

    def begin(self, key: ServedKey, request: Request, peer: Peer) -> Served:
        """Remember a new request."""
        served = self._open[key] = Served(key, request, peer)
        return served

    def done(self, served: Served) -> None:
        """Keep an answered one for its repeats."""
        if self._open.pop(served.key, None):
            self._kept[served.key] = (self._now(), served)
            self._forget()

    def _forget(self) -> None:
        until = self._now() - LIFE_S
        while self._kept:
            at, _ = next(iter(self._kept.values()))
            if at > until and len(self._kept) <= self._most_kept:
                return
            self._kept.popitem(last=False)


class Asked:
    """One request of ours that waits for its answer; ``take`` is what its answers are given to."""

    __slots__ = ("answer", "peer", "progress", "request", "take")

    def __init__(self, request: Request, peer: Peer) -> None:
        self.request, self.peer = request, peer
        self.answer: asyncio.Future[tuple[Response, Peer]] = asyncio.get_running_loop().create_future()
        self.answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting
        self.progress = asyncio.Event()
        self.take: Callable[[Response, Peer], None] = self.keep

    def keep(self, response: Response, peer: Peer) -> None:
        """Note that it is being worked on, or its answer."""
        self.progress.set()
        if response.final and not self.answer.done():
            self.answer.set_result((response, peer))

    @property
    def key(self) -> AskedKey:
        """Return what its answers carry."""
        return (self.request.call_id, *self.request.cseq)


class AskedTable:
    """Our own requests that may still be answered, at most ``most``."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._asked = dict[AskedKey, Asked]()

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, asked: Asked) -> None:
        """Remember it. Raises DeviceSilent where too many wait already."""
        if len(self._asked) >= self._most:
            raise DeviceSilent("too many requests wait for an answer")
        self._asked[asked.key] = asked

    def remove(self, asked: Asked) -> None:
        """Forget it: answers that still come are counted as strays."""
        if self._asked.get(asked.key) is asked:
            del self._asked[asked.key]

    def find(self, response: Response) -> Asked | None:
        """Return whose answer this is: by Call-ID and CSeq, and our branch or our tag, for some devices change one."""
        asked = self._asked.get((response.call_id, *response.cseq))
        if asked is None:
            return None
        ours = response.via.branch == asked.request.via.branch or response.from_tag == asked.request.from_tag
        return asked if ours else None

    def gone(self, peer: Peer) -> None:
        """Let nobody wait for answers on a connection that is closed."""
        for asked in list(self._asked.values()):
            if asked.peer == peer and not asked.answer.done():
                asked.answer.set_exception(DeviceSilent(f"{peer.host}:{peer.port} closed the connection"))


def repeats() -> list[float]:
    """Return the waits between the sendings of one message on UDP: T1, doubled up to T2, 32 s in all."""
    waits, delay = list[float](), T1
    while sum(waits) < LIFE_S:
        waits.append(delay)
        delay = min(2 * delay, T2)
    return waits
