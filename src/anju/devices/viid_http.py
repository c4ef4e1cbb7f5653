"""One GA/T 1400 request over HTTP: its path in any spelling, its headers, its body within bounds.

Nothing of a body is held before its sender is known; what is refused is read on and thrown away, so that clients that
send everything before they listen still hear the answer.
Source: 4.3 (GA/T 1400 part 4, binding to HTTP); 7-d (hostile input is bounded).
"""

import asyncio
import hashlib
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.types import Receive, Scope

from anju.errors import ViidError
from anju.protocols.viid import (
    BUSY,
    INVALID_OPERATION,
    JSON_CONTENT,
    JSON_FORMAT,
    raw_without_pictures,
)
from anju.protocols.viid_copies import without_persons

MOST = 16 * 1024 * 1024  # bytes of a body, packed or not
ROOM = 8 * MOST  # bytes of all bodies held at once
BODY_S = 30.0  # a whole body, however slow the line
TARGET_MOST = 8 * 1024  # characters of path and query
COPY_BYTES = 4_096  # of a refused body


class No(Exception):
    """A request that is answered with ``status`` and ``code``; ``reason`` is the word it is counted by, if any."""

    def __init__(
        self, status: int, code: int, words: str, *, reason: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(words)
        self.status, self.code, self.reason, self.headers = status, code, reason, headers or {}


class HungUp(Exception):
    """The peer went away in the middle of its request: nobody is left to answer."""


@dataclass(slots=True)
class Room:
    """How many bytes of bodies the process holds."""

    most: int = ROOM
    held: int = 0

    def take(self, size: int) -> None:
        """Hold ``size`` bytes more. Raises No where there is no room now."""
        if self.held + size > self.most:
            raise No(503, BUSY, "busy, try again", reason="busy", headers={"retry-after": "2"})
        self.held += size


@dataclass(slots=True)
class Exchange:
    """A request as it came. ``target`` is what it asked for, ``parts`` its path in pieces, without empty ones."""

    method: str
    target: str
    parts: tuple[str, ...]
    query: str
    headers: dict[str, str]
    peer: str
    account: str = ""  # who it is, as far as that is known
    text_codes: bool = False  # its sender wants StatusCode as text
    body: bytes = b""
    _receive: Receive | None = field(default=None, repr=False)
    _over: bool = False
    _size: int = 0  # bytes of the room that it holds

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Exchange":
        """Return the request."""
        path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
        target = (path + b"?" + query if query else path).decode("latin-1")
        headers = {name.decode("latin-1").lower(): each.decode("latin-1") for name, each in scope["headers"]}
        parts = tuple(each for each in unquote(path.decode("latin-1")).split("/") if each)
        client = scope.get("client") or ("", 0)
        return cls(scope["method"], target, parts, query.decode("latin-1"), headers, client[0], _receive=receive)

    def check(self) -> None:
        """Raise No for an address that is too long or climbs."""
        if len(self.target) > TARGET_MOST:
            raise No(414, INVALID_OPERATION, "the address is too long", reason="address too long")
        if any(each in {".", ".."} or "\\" in each or "\0" in each for each in self.parts):
            raise No(404, INVALID_OPERATION, "no such address", reason="path traversal")

    @property
    def path(self) -> str:
        """Return the path as it was asked for."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """Return a header, nothing where it is absent."""
        return self.headers.get(name, "").strip()

    @property
    def sender(self) -> str:
        """Return who the request says it is from (User-Identify), unchecked."""
        return (self.header("user-identify") or self.header("user_identify"))[:64]

    def ids(self, body: bytes) -> list[str]:
        """Return the identifiers a DELETE names, in its address or in its body. Raises No."""
        named = {name.lower(): each for name, each in parse_qsl(self.query, max_num_fields=100)}
        found = named.get("idlist") or ",".join(_strings(body))
        return list(dict.fromkeys(each.strip()[:64] for each in re.split("[,;]", found) if each.strip()))

    def _declared(self) -> int:
        told = self.header("content-length") or "0"
        if not (told.isascii() and told.isdigit() and len(told) < 20):
            raise No(400, JSON_CONTENT, "Content-Length is no number", reason="bad length")
        return int(told)

    async def _pieces(self) -> AsyncIterator[bytes]:
        assert self._receive is not None  # noqa: S101 - given by ``of``
        while not self._over:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                raise HungUp
            self._over = not message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    @asynccontextmanager
    async def read(self, room: Room) -> AsyncIterator[bytes]:
        """Give the body, unpacked, and hold room for it until the block ends. Raises No or HungUp."""
        packing = self.header("content-encoding").lower()
        if packing not in {"", "identity", "gzip", "x-gzip"}:
            raise No(415, INVALID_OPERATION, "Content-Encoding may be gzip", reason="unknown encoding")
        if self._declared() > MOST:
            raise _too_large()
        try:
            self.body = await self._whole(room)
            if "gzip" in packing:
                self.body = _unpacked(self.body)
                self._hold(room, len(self.body))
            yield self.body
        finally:
            room.held -= self._size

    def _hold(self, room: Room, size: int) -> None:
        room.take(size)
        self._size += size

    async def _whole(self, room: Room) -> bytes:
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(BODY_S):
                async for piece in self._pieces():
                    self._hold(room, len(piece))
                    pieces.append(piece)
                    if self._size > MOST:
                        raise _too_large()
        except TimeoutError as error:
            raise No(408, BUSY, f"no whole body within {BODY_S:.0f} s", reason="slow body") from error
        return b"".join(pieces)

    async def skip(self) -> None:
        """Throw the rest of the body away, within the bounds of a body; who waits for a go-ahead is not given one."""
        if self._over or self.header("expect") or self._declared() > MOST:
            return
        left = MOST
        async with asyncio.timeout(BODY_S):
            async for piece in self._pieces():
                left -= len(piece)
                if left < 0:
                    return


def _strings(body: bytes) -> list[str]:
    if not body.strip():
        return []
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise No(400, JSON_FORMAT, "no JSON", reason="json format") from error
    while isinstance(found, dict):
        found = next(iter(found.values()), None)
    return [found] if isinstance(found, str) else [str(each) for each in found] if isinstance(found, list) else []


def copied(told: Exchange) -> bytes:
    """Return what may be kept of a refused request: its first bytes, without pictures, passwords and persons."""
    names = ("user-identify", "content-type", "content-encoding", "content-length", "user-agent")
    head = "".join(f"{name}: {told.headers[name][:200]}\r\n" for name in names if name in told.headers)
    return f"{told.method} {told.target[:1024]}\r\n{head}\r\n".encode("latin-1", "replace") + _harmless(told.body)


def _harmless(body: bytes) -> bytes:
    """A body that is no JSON may be a picture: of that only the digest is kept."""
    if body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in {b"{", b"["}:
        return f"{len(body)} bytes, sha256:{hashlib.sha256(body).hexdigest()}".encode() if body else b""
    try:
        return without_persons(raw_without_pictures(body))[:COPY_BYTES]
    except ViidError:
        return f"{len(body)} bytes".encode()


def _too_large() -> No:
    words = f"more than {MOST} bytes"
    return No(413, JSON_CONTENT, words, reason="body too large", headers={"connection": "close"})


def _unpacked(packed: bytes) -> bytes:
    """Return what gzip ``packed``; never more than a body may hold is unpacked. Raises No."""
    box = zlib.decompressobj(31)
    try:
        found = box.decompress(packed, MOST + 1)
    except zlib.error as error:
        raise No(400, JSON_CONTENT, "the gzip body cannot be unpacked", reason="bad gzip") from error
    if len(found) > MOST:
        raise No(413, JSON_CONTENT, f"unpacked more than {MOST} bytes", reason="gzip bomb")
    if not box.eof or box.unused_data:
        raise No(400, JSON_CONTENT, "the gzip body is not whole", reason="bad gzip")
    return found
