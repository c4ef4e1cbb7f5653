"""Passwords and PINs: Argon2id, in a thread, a few at a time; one-time passwords of RFC 6238.

Source: 6.3.1.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from anju.errors import Refused

MEMORY_KIB = 47_104
ROUNDS = 1
AT_ONCE = 2  # each takes MEMORY_KIB and one core
MOST_WAITING = 40

TOTP_SECRET_BYTES = 20
STEP_S = 30
DIGITS = 6


class TooBusy(Refused):
    """Too many log-ins wait already. Try again in some seconds."""

    status = 429


class Passwords:
    """Hashes and compares. ``memory_kib`` and ``rounds`` are what one guess costs."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._nobodys = self._hasher.hash("nobody's password")
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return what to keep of ``password``."""
        async with self._place():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, kept: str, password: str) -> bool:
        """Return whether ``password`` is the one of which ``kept`` was kept.

        An empty ``kept`` (nobody, or no PIN) takes as long as any other and matches nothing.
        """
        async with self._place():
            return await asyncio.to_thread(self._matches, kept, password)

    async def any_matches(self, kept: list[str], password: str) -> bool:
        """Return whether ``password`` is any of the ones kept."""
        return any([await self.matches(each, password) for each in kept])

    def outdated(self, kept: str) -> bool:
        """Return whether ``kept`` was made with other costs than today's."""
        return self._hasher.check_needs_rehash(kept)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait for one of the few places that hash at once. Raises TooBusy where the queue is full."""
        if self._waiting >= MOST_WAITING:
            raise TooBusy("too_busy", "too many log-ins at once: try again in a few seconds")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, password) and bool(kept)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def totp_step(secret: bytes, code: str, at: datetime, *, after: int = 0) -> int | None:
    """Return which 30 s step's code ``code`` is: this one's or a neighbour's; None where it is neither.

    Steps up to ``after`` were used and work no more.
    """
    now = int(at.timestamp()) // STEP_S
    for step in (now, now - 1, now + 1):
        right = step > after and constant_time.bytes_eq(totp_code(secret, step).encode(), code.encode())
        if right:
            return step
    return None


def totp_code(secret: bytes, step: int) -> str:
    """Return the six digits of one step."""
    return _totp(secret).generate(step * STEP_S).decode()


def totp_uri(secret: bytes, *, username: str, issuer: str) -> str:
    """Return the ``otpauth://`` address that authenticator apps read from a picture."""
    return _totp(secret).get_provisioning_uri(username, issuer)


def base32(secret: bytes) -> str:
    """Return the secret as a person types it into an authenticator app."""
    return base64.b32encode(secret).decode().rstrip("=")


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303 - what RFC 6238 and every app use
