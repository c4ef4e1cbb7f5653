"""One HTTP/1.1 line as cameras keep it: requests one after the other, cut at will, digest in several dialects.

Source: GA/T 1400.4 (HTTP binding, digest).
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field, replace
from typing import Literal

import httptools

from anju.errors import WireError
from anju.protocols.digest import Challenge, answered, authorization, read_challenge, signed

Dialect = Literal["auth", "old", "unpadded", "sess", "upper"]
"""``old`` leaves qop out, ``unpadded`` counts 1, 2, 3, ``sess`` uses MD5-sess, ``upper`` writes upper-case hex."""
_ANSWER_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Answer:
    """What the server said. Names of ``headers`` are in small letters."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header from the parser."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body from the parser."""
        self.body += data
        if len(self.body) > _ANSWER_BYTES:
            raise ConnectionError("an answer without end")

    def on_message_complete(self) -> None:
        """Note that the answer is whole."""
        self.whole = True


class Line:
    """A connection to ``host`` and ``port`` that opens when it is needed. All waits end after ``wait_s``."""

    def __init__(self, host: str, port: int, *, wait_s: float = 10.0) -> None:
        self._host, self._port, self._wait_s = host, port, wait_s
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Return the answer to one request. Raises OSError or TimeoutError where there is no whole one."""
        try:
            async with asyncio.timeout(self._wait_s):
                reader, writer = await self._open()
                writer.write(self._head(method, path, headers, body) + body)
                await writer.drain()
                answer = await _read(reader)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            self.cut()
            raise error if isinstance(error, OSError | TimeoutError) else ConnectionError(str(error)) from error
        if answer.headers.get("connection", "").lower() == "close":
            self.cut()
        return answer

    async def send_and_cut(self, method: str, path: str, headers: dict[str, str], body: bytes, share: float) -> None:
        """Send the first ``share`` of a request, 0.0 to 1.0, and tear the line."""
        async with asyncio.timeout(self._wait_s):
            _, writer = await self._open()
            wire = self._head(method, path, headers, body) + body
            writer.write(wire[: int(len(wire) * share)])
            await writer.drain()
        self.cut()

    def cut(self) -> None:
        """Tear the line without a word."""
        if self._streams:
            self._streams[1].transport.abort()
        self._streams = None

    async def _open(self) -> tuple[StreamReader, StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    def _head(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        told = {"Host": f"{self._host}:{self._port}", **headers}
        if body or method != "GET":
            told["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


async def _read(reader: StreamReader) -> Answer:
    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.whole:
        data = await reader.read(65_536)
        if not data:
            raise ConnectionError("hung up before the answer was whole")
        parser.feed_data(data)
    answer.status = parser.get_status_code()
    return answer


class Login:
    """Answers challenges for one account, in one dialect; the nonce serves many requests with a rising count."""

    def __init__(self, username: str, password: str, dialect: Dialect = "auth") -> None:
        self._username, self._password, self._dialect = username, password, dialect
        self._asked: Challenge | None = None
        self._count = 0

    def learn(self, answer: Answer) -> bool:
        """Take the challenge of a 401; return whether there was one to be answered."""
        try:
            asked = read_challenge(answer.headers.get("www-authenticate", ""))
        except WireError:
            return False
        odd = {"old": replace(asked, qop=""), "sess": replace(asked, algorithm="MD5-sess")}
        self._asked, self._count = odd.get(self._dialect, asked), 0
        return True

    def header(self, method: str, path: str) -> dict[str, str]:
        """Return the header that answers the last challenge; nothing before the first."""
        if self._asked is None:
            return {}
        self._count += 1
        given = answered(self._asked, self._username, self._password, method=method, uri=path, count=self._count)
        if self._dialect == "unpadded":
            given = signed(replace(given, nc=str(self._count)), self._password, method)
        if self._dialect == "upper":
            given = replace(given, response=given.response.upper())
        return {"Authorization": authorization(given)}
