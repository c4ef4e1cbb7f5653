"""The last messages of each GB/T 28181 device, in memory and written now and then; digests and passwords are masked.

Source: 8-g (what was exchanged can be shown), 6 (secrets are not disclosed).
"""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime

import structlog

from anju.errors import DatabaseAway
from anju.store import sip_exchanges
from anju.store.database import Database
from anju.store.sip_exchanges import KEPT, KEPT_SIGNS, Exchange
from anju.wire.sip_paths import Peer

FLUSH_S = 2.0
LONGEST = 8_192  # bytes kept of one message
AT_ONCE = 50  # devices written in one transaction
_SECRET = re.compile(rb'((?:response|nonce|cnonce|opaque)\s*=\s*)("[^"\r\n]*"|[^\s,"]+)', re.IGNORECASE)
_PASSWORD = re.compile(rb"(<Password>)[^<]*", re.IGNORECASE)
_METHOD = re.compile(rb"^cseq[ \t]*:[ \t]*[0-9]+[ \t]+([A-Za-z]+)", re.IGNORECASE | re.MULTILINE)
_COMMAND = re.compile(rb"<CmdType>\s*([A-Za-z]{1,40})", re.IGNORECASE)
_AUTHORIZED = re.compile(
    rb"^(?:www-|proxy-)?(?:authorization|authenticate)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_log = structlog.get_logger(__name__)


def masked(data: bytes) -> bytes:
    """Return a message without what proves or opens anything."""
    hidden = _AUTHORIZED.sub(lambda line: _SECRET.sub(rb"\1***", line[0]), data)
    return _PASSWORD.sub(rb"\1***", hidden)[:LONGEST]


def title(data: bytes) -> str:
    """Return what a message is in a few words: ``MESSAGE Catalog``, ``200 INVITE``."""
    first = data.partition(b"\n")[0].split(b" ", 2)
    if first[0].upper() == b"SIP/2.0":
        method = _METHOD.search(data[:4_096])
        words = [*first[1:2], *([method[1]] if method else [])]
    else:
        command = _COMMAND.search(data[:4_096])
        words = [first[0], *([command[1]] if command else [])]
    return b" ".join(words).decode("ascii", "replace")[:60]


Traced = tuple[int, datetime, str, str, bytes]
"""Number, time, direction, peer, bytes."""


class Exchanges:
    """A ring for each device. ``who`` names the device at an address, or the one a message says it is from."""

    def __init__(
        self, db: Database, who: Callable[[Peer, bytes], str | None], *, clock: Callable[[], datetime]
    ) -> None:
        self._db, self._who, self._clock = db, who, clock
        self._rings: dict[tuple[str, bool], deque[Traced]] = {}
        self._numbers: Counter[tuple[str, bool]] = Counter()
        self._dirty: set[tuple[str, bool]] = set()
        self._written: Counter[tuple[str, bool]] = Counter()

    def trace(self, direction: str, peer: Peer, data: bytes) -> None:
        """Keep a message of a device, over the oldest one."""
        device_id = self._who(peer, data)
        if device_id is None:
            return
        key = (device_id, b">Keepalive<" in data)
        ring = self._rings.setdefault(key, deque(maxlen=KEPT_SIGNS if key[1] else KEPT))
        ring.append((self._numbers[key], self._clock(), direction, f"{peer.host}:{peer.port}", data[:LONGEST]))
        self._numbers[key] += 1
        self._dirty.add(key)

    async def run(self) -> None:
        """Write what gathers, until cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self._try_flush()
        finally:
            await self._try_flush()

    async def flush(self) -> None:
        """Write what gathered. Raises DatabaseAway."""
        dirty = list(self._dirty)[:AT_ONCE]
        while dirty:
            marks = {key: self._numbers[key] for key in dirty}
            async with self._db.transaction() as tx:
                await sip_exchanges.put(tx, [each for key in dirty for each in self._told(key)])
            self._dirty -= {key for key in dirty if self._numbers[key] == marks[key]}
            for key in dirty:
                self._written[key] = marks[key]
            dirty = list(self._dirty - marks.keys())[:AT_ONCE]

    def _told(self, key: tuple[str, bool]) -> list[Exchange]:
        first = self._written[key]
        return [
            Exchange(key[0], _slot(number, sign=key[1]), at, direction, peer, title(data), masked(data))
            for number, at, direction, peer, data in self._rings[key]
            if number >= first
        ]

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except DatabaseAway as away:
            _log.info("messages written later", reason=str(away))


def _slot(number: int, *, sign: bool) -> int:
    return KEPT + number % KEPT_SIGNS if sign else number % KEPT
