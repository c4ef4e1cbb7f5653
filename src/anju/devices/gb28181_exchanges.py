"""The last messages of each GB/T 28181 device, in memory and written now and then; digests and passwords are masked.

Source: 8-g (what was exchanged can be shown), 6 (secrets are not disclosed).
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

import structlog

from anju.errors import DatabaseAway
from anju.protocols.sip import Request, Response
from anju.store import sip_exchanges
from anju.store.database import Database
from anju.store.sip_exchanges import KEPT, KEPT_SIGNS, Exchange

FLUSH_S = 2.0
LONGEST = 8_192  # bytes kept of one message
WAITING = 20_000  # messages not yet written; those beyond are not kept
_SECRET = re.compile(rb'((?:response|nonce|cnonce|opaque)\s*=\s*)("[^"\r\n]*"|[^\s,"]+)', re.IGNORECASE)
_PASSWORD = re.compile(rb"(<Password>)[^<]*", re.IGNORECASE)
_COMMAND = re.compile(rb"<CmdType>\s*([A-Za-z]{1,40})", re.IGNORECASE)
_AUTHORIZED = re.compile(
    rb"^(?:www-|proxy-)?(?:authorization|authenticate)[ \t]*:[^\r\n]*", re.IGNORECASE | re.MULTILINE
)
_log = structlog.get_logger(__name__)


def masked(data: bytes) -> bytes:
    """Return a message without what proves or opens anything."""
    hidden = _AUTHORIZED.sub(lambda line: _SECRET.sub(rb"\1***", line[0]), data)
    return _PASSWORD.sub(rb"\1***", hidden)[:LONGEST]


def title(message: Request | Response) -> str:
    """Return what a message is in a few words: ``MESSAGE Catalog``, ``200 INVITE``."""
    if isinstance(message, Response):
        return f"{message.status} {message.cseq[1]}"
    found = _COMMAND.search(message.body[:600])
    return f"{message.method} {found[1].decode()}" if found else message.method


class Exchanges:
    """A ring for each device. Run ``run``."""

    def __init__(self, db: Database, *, clock: Callable[[], datetime]) -> None:
        self._db, self._clock = db, clock
        self._next: dict[tuple[str, bool], int] = {}
        self._waiting: list[Exchange] = []
        self.lost = 0

    def note(self, device_id: str, direction: str, peer: str, message: Request | Response) -> None:
        """Keep a message of a device, over the oldest one."""
        if len(self._waiting) >= WAITING:
            self.lost += 1
            return
        named = title(message)
        slot = self._slot(device_id, sign=named.endswith("Keepalive"))
        told = Exchange(device_id, slot, self._clock(), direction, peer, named, masked(message.encode()))
        self._waiting.append(told)

    def _slot(self, device_id: str, *, sign: bool) -> int:
        number = self._next.get((device_id, sign), 0)
        self._next[device_id, sign] = number + 1
        return KEPT + number % KEPT_SIGNS if sign else number % KEPT

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
        if not self._waiting:
            return
        told = list(self._waiting)
        async with self._db.transaction() as tx:
            await sip_exchanges.put(tx, told)
        del self._waiting[: len(told)]

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except DatabaseAway as away:
            _log.info("messages written later", reason=str(away))
