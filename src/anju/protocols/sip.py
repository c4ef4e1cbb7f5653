"""SIP messages, bytes <-> Request and Response, as GB/T 28181 devices speak it. No socket, no clock, no database.

Reading is tolerant: compact names, folded lines, bare line feeds, wrong lengths in datagrams. What remains is bounded.
Texts of a head are Latin-1, so that every byte survives; in practice they are ASCII.
Source: RFC 3261 (messages), RFC 3581 (rport); GB/T 28181-2016 chapter 9; 4.2.1.2, 5.4.1.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from anju.errors import WireError

MAX_DATAGRAM: Final = 65_536  # bytes
MAX_BODY: Final = 1_048_576  # bytes of a body on TCP
MAX_HEAD: Final = 65_536  # bytes of start line and headers
MAX_HEADERS: Final = 100
MAX_LINE: Final = 8_192  # characters of one header
MAGIC: Final = "z9hG4bK"  # begins every branch that is unique by itself
MANSCDP, MANSRTSP, SDP = "Application/MANSCDP+xml", "Application/MANSRTSP", "APPLICATION/SDP"
KEEP: Final = 512  # bytes that a WireError keeps of what was bad

REASONS: Final = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    415: "Unsupported Media Type", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    489: "Bad Event", 500: "Server Internal Error", 503: "Service Unavailable", 603: "Decline",
}  # fmt: skip

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "s": "subject", "o": "event", "e": "content-encoding", "k": "supported", "u": "allow-events", "r": "refer-to",
}  # fmt: skip
_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_BLANK = b"\r\n\0 \t"
_OWS = " \t\r"  # what surrounds a value
_END = re.compile(rb"\r?\n\r?\n")
_REQUEST = re.compile(r"([A-Za-z]{1,32})[ \t]+([\x21-\x7e\x80-\xff]{1,1024})[ \t]+SIP/2\.0[ \t]*", re.IGNORECASE)
_RESPONSE = re.compile(r"SIP/2\.0[ \t]+([1-6]\d\d)(?:[ \t]+(.*))?", re.IGNORECASE | re.ASCII)
_START = re.compile(
    rb"(?:^|(?<=\n))(?=[A-Z]{3,32} +(?:sips?|tel):[^\r\n]{0,1024} SIP/2\.0|SIP/2\.0 +[1-6]\d\d)", re.IGNORECASE
)
_NAME = re.compile(r"[!%'*+\-.0-9A-Z_`a-z~]{1,64}")
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z]{1,32})")
_BREAKS = re.compile(r"[\r\n\0]+")
_URI = re.compile(r"<([^<>]*)>|^\s*([^\s;,<>\"]+)")
_QUOTED = re.compile(r'"[^"]*"')
_USER = re.compile(r"^(?:sips?|tel):([^@;?]*)(?:@|$)|^([^@:;?]*)(?:@|$)", re.IGNORECASE)
_HOST = re.compile(r"^(?:sips?:)?(?:[^@]*@)?(\[[0-9A-Fa-f:.]+\]|[^:;?\s<>]*)(?::(\d{1,5}))?", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*([^\s;=,<>\"]{1,64})\s*(?:=\s*(\"[^\"]*\"|[^\s;,\"<>]*))?")
_VIA = re.compile(
    r"\s*SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z]{1,8})\s+(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:;,]{1,255})"
    r"\s*(?::\s*(?P<port>\d{1,5}))?(?P<rest>(?:\s*;[^,]*)?)",
    re.IGNORECASE,
)


class Headers:
    """Header fields in their order. Names compare without case, compact and long alike; a field may repeat."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list[tuple[str, str, str]]()  # the name to compare, the name, the value
        for name, value in items:
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Put one more field at the end. Line breaks in it become blanks: a value never makes a second field."""
        self._items.append(_field(name, value))

    def set(self, name: str, value: str) -> None:
        """Let ``name`` have this one value; its place is that of the first field so named."""
        key = _key(name)
        at = next((i for i, each in enumerate(self._items) if each[0] == key), len(self._items))
        self._items[at:] = [_field(name, value), *(each for each in self._items[at:] if each[0] != key)]

    def remove(self, name: str) -> None:
        """Take all fields of that name out."""
        key = _key(name)
        self._items = [each for each in self._items if each[0] != key]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of ``name``."""
        key = _key(name)
        for each, _, value in self._items:
            if each == key:
                return value
        return default

    def all(self, name: str) -> list[str]:
        """Return every value of ``name`` in order."""
        key = _key(name)
        return [value for each, _, value in self._items if each == key]

    def __contains__(self, name: str) -> bool:
        key = _key(name)
        return any(each[0] == key for each in self._items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for _, name, value in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and list(self) == list(other)

    def __hash__(self) -> int:
        raise TypeError("headers change")

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


def _field(name: str, value: str) -> tuple[str, str, str]:
    name = _BREAKS.sub("", name)
    return _key(name), name, _BREAKS.sub(" ", value).strip(_OWS)


@lru_cache(1_024)
def _key(name: str) -> str:
    lower = name.lower()
    return _COMPACT.get(lower, lower)


@dataclass(frozen=True, slots=True)
class Via:
    """One step a request took. ``received`` and ``rport`` are what its receiver saw of the sender."""

    transport: str  # upper case: UDP, TCP
    host: str
    port: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def branch(self) -> str:
        """Return what names the transaction; empty with very old senders."""
        return self.parameters.get("branch", "")

    def seen_from(self, host: str, port: int) -> "Via":
        """Return it with the address that the request really came from."""
        return Via(self.transport, self.host, self.port, {**self.parameters, "received": host, "rport": str(port)})

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        rest = "".join(f";{name}={value}" if value else f";{name}" for name, value in self.parameters.items())
        return f"SIP/2.0/{self.transport} {self.host}{port}{rest}"


def read_via(value: str) -> Via:
    """Return the topmost step of a ``Via`` header. Raises WireError where there is none to read."""
    found = _VIA.match(value)
    port = int(found["port"] or 0) if found else 0
    if found is None or port > 65_535:
        raise WireError("bad Via", data=value.encode("latin-1", "replace")[:KEEP])
    return Via(found["transport"].upper(), found["host"], port or None, parameters_of(found["rest"]))


class _Message:
    __slots__ = ()
    headers: Headers
    body: bytes

    @property
    def call_id(self) -> str:
        """Return what ties the messages of one dialog or registration together."""
        return self.headers.get("Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """Return number and method; (0, '') where it cannot be read."""
        found = _CSEQ.match(self.headers.get("CSeq"))
        return (int(found[1]), found[2].upper()) if found else (0, "")

    @property
    def via(self) -> Via:
        """Return the topmost step; a message that was read always has one."""
        return read_via(self.headers.get("Via"))

    @property
    def from_user(self) -> str:
        """Return who says it sent this: the user part, mostly a 20-digit code."""
        return user_of(self.headers.get("From"))

    @property
    def to_user(self) -> str:
        """Return whom it is meant for."""
        return user_of(self.headers.get("To"))

    @property
    def from_tag(self) -> str:
        """Return the sender's half of the dialog's name."""
        return tag_of(self.headers.get("From"))

    @property
    def to_tag(self) -> str:
        """Return the receiver's half of the dialog's name; empty before there is a dialog."""
        return tag_of(self.headers.get("To"))

    @property
    def content_type(self) -> str:
        """Return what the body is, in lower case and without parameters."""
        return self.headers.get("Content-Type").partition(";")[0].strip().lower()

    @property
    def expires(self) -> int | None:
        """Return seconds, from the header or else from ``Contact``; None where neither says a number."""
        for text in (self.headers.get("Expires"), parameters_of(self.headers.get("Contact")).get("expires", "")):
            if text.strip().isascii() and text.strip().isdigit():
                return min(int(text.strip()[:10]), 2**31 - 1)
        return None

    def _encoded(self, start: str) -> bytes:
        fields = [(name, value) for name, value in self.headers if _key(name) != "content-length"]
        lines = [_BREAKS.sub(" ", start), *(f"{name}: {value}" for name, value in fields)]
        head = "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""])
        try:
            return head.encode("latin-1") + self.body
        except UnicodeEncodeError:
            return head.encode("utf-8", "replace") + self.body


@dataclass(frozen=True, slots=True)
class Request(_Message):
    """What one side asks. ``method`` is upper case, ``uri`` is the request line's."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the wire bytes; the length is counted anew."""
        return self._encoded(f"{self.method} {self.uri} SIP/2.0")


@dataclass(frozen=True, slots=True)
class Response(_Message):
    """What the other side answers: 1xx is on the way, the rest is final."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""

    @property
    def final(self) -> bool:
        """Return whether nothing more follows."""
        return self.status >= 200

    def encode(self) -> bytes:
        """Return the wire bytes; the length is counted anew."""
        return self._encoded(f"SIP/2.0 {self.status} {self.reason or REASONS.get(self.status, 'Answer')}")


def answer(
    request: Request,
    status: int,
    reason: str = "",
    *,
    source: tuple[str, int],
    tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Return the answer to ``request``, which came from ``source``; ``tag`` goes to a ``To`` that has none.

    Source: RFC 3261 8.2.6, RFC 3581 4.
    """
    first, *more = request.headers.all("Via")
    seen = str(read_via(first).seen_from(*source))
    others = [each for each in (first.partition(",")[2].strip(_OWS),) if each]
    to = request.headers.get("To")
    told = Headers([("Via", each) for each in (seen, *others, *more)])
    told.add("From", request.headers.get("From"))
    told.add("To", f"{to};tag={tag}" if tag and not tag_of(to) else to)
    told.add("Call-ID", request.call_id)
    told.add("CSeq", request.headers.get("CSeq"))
    for name, value in headers:
        told.add(name, value)
    return Response(status, reason or REASONS.get(status, "Answer"), told, body)


def address_of(header: str) -> str:
    """Return the URI inside a ``From``, ``To`` or ``Contact`` header; a bare URI comes back as it is."""
    found = _URI.search(_QUOTED.sub("", header[:MAX_LINE]))
    return (found[1] or found[2] or "").strip() if found else ""


def user_of(uri: str) -> str:
    """Return the part before ``@`` of a URI or of a header that holds one; empty where only a host is named."""
    address = address_of(uri)
    if "@" not in address and not address.lower().startswith("tel:"):
        return ""
    found = _USER.match(address)
    return (found[1] or found[2] or "") if found else ""


def host_of(uri: str) -> tuple[str, int | None]:
    """Return host and port of a URI or of a header that holds one; ('', None) where there is no host."""
    found = _HOST.match(address_of(uri))
    port = int(found[2]) if found and found[2] else None
    return (found[1] if found else "", port if port and port <= 65_535 else None)


def tag_of(header: str) -> str:
    """Return the ``tag`` of a ``From`` or ``To`` header; empty where it has none."""
    return parameters_of(header).get("tag", "")


def parameters_of(header: str) -> dict[str, str]:
    """Return a header's own ``;name=value`` parameters, names in lower case; those inside ``<…>`` are the URI's."""
    _, bracket, rest = header[:MAX_LINE].rpartition(">")
    found = dict[str, str]()
    for name, value in _PARAMETER.findall(rest if bracket else header[:MAX_LINE]):
        found.setdefault(name.lower(), value.strip('"'))
    return found


def is_keepalive(data: bytes) -> bool:
    """Return whether a datagram holds nothing: line ends or zeros that keep a path through NAT open."""
    return not data.strip(_BLANK)


def parse(datagram: bytes) -> Request | Response:
    """Return the one message of a datagram. Raises WireError where it is none or too big.

    The body is all that follows the head: some devices count characters where ``Content-Length`` counts bytes.
    """
    if len(datagram) > MAX_DATAGRAM:
        raise WireError("too long", data=datagram[:KEEP])
    data = datagram.lstrip(_BLANK)
    end = _END.search(data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data.rstrip(_BLANK), b"")
    return _message(head, body)


def _message(head: bytes, body: bytes) -> Request | Response:
    first, *lines = head[:MAX_HEAD].decode("latin-1").replace("\r\n", "\n").split("\n")
    headers = _headers(lines, head)
    if found := _RESPONSE.fullmatch(first.strip(_OWS)):
        return Response(int(found[1]), (found[2] or "").strip(), headers, body)
    if found := _REQUEST.fullmatch(first.strip(_OWS)):
        return Request(found[1].upper(), found[2], headers, body)
    raise WireError("no start line", data=head[:KEEP])


def _headers(lines: list[str], head: bytes) -> Headers:
    headers = Headers(_fields(lines, head))
    if missing := [each for each in _NEEDED if each not in headers]:
        raise WireError(f"no {missing[0]}", data=head[:KEEP])
    if not _CSEQ.match(headers.get("CSeq")):
        raise WireError("bad CSeq", data=head[:KEEP])
    read_via(headers.get("Via"))
    return headers


def _fields(lines: list[str], head: bytes) -> list[tuple[str, str]]:
    fields = list[tuple[str, str]]()
    for line in lines:
        if len(line) > MAX_LINE or len(fields) > MAX_HEADERS:
            raise WireError("too many or too long headers", data=head[:KEEP])
        if line[:1] in {" ", "\t"} and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}"[:MAX_LINE])
            continue
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name.strip(_OWS)):  # other lines are noise: skipped, as their neighbours are good
            fields.append((name.strip(_OWS), value.strip(_OWS)))
    return fields


class MessageReader:
    """Put bytes of a stream in, cut anywhere; take messages and errors out, in order.

    Line ends between messages are keep-alives and are skipped. After bad bytes the next line that begins a message is
    looked for. Holds at most one unfinished message.
    """

    def __init__(self, *, most_body: int = MAX_BODY) -> None:
        self._buffer = bytearray()
        self._most_body = most_body
        self._seen = 0  # bytes in which no end of a head was found
        self._head: bytes | None = None
        self._size = 0

    @property
    def held(self) -> int:
        """Return how many bytes wait for the rest of their message."""
        return len(self._buffer) + len(self._head or b"")

    @property
    def expecting(self) -> int:
        """Return how many bytes of a body are still to come; 0 between messages and inside a head."""
        return 0 if self._head is None else max(0, self._size - len(self._buffer))

    def feed(self, data: bytes) -> list[Request | Response | WireError]:
        """Return what ``data`` completed; skipped bytes come back as one WireError per run."""
        self._buffer += data
        found = list[Request | Response | WireError]()
        while (each := self._next()) is not None:
            found.append(each)
        return found

    def _next(self) -> Request | Response | WireError | None:
        if self._head is None and (bad := self._read_head()):
            return bad
        if self._head is None or len(self._buffer) < self._size:
            return None
        head, self._head = self._head, None
        body = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        try:
            return _message(head, body)
        except WireError as error:
            return error

    def _read_head(self) -> WireError | None:
        """Move one whole head out of the buffer; leave all as it is where it is not whole yet."""
        self._drop_blanks()
        if bad := self._skip_noise():
            return bad
        end = _END.search(self._buffer, max(0, self._seen - 3))
        if end is None:
            self._seen = len(self._buffer)
            return self._skip(len(self._buffer), "head too long") if self._seen > MAX_HEAD else None
        again = _START.search(self._buffer, 1, end.start())
        if again:
            return self._skip(again.start(), "head broken off")
        if end.start() > MAX_HEAD:
            return self._skip(end.end(), "head too long")
        return self._take_head(end)

    def _take_head(self, end: re.Match[bytes]) -> WireError | None:
        head = bytes(self._buffer[: end.start()])
        size = _length(head)
        if size is None or size > self._most_body:
            return self._skip(end.end(), "bad length" if size is None else "body too long")
        self._head, self._size = head, size
        del self._buffer[: end.end()]
        self._seen = 0
        return None

    def _drop_blanks(self) -> None:
        if self._buffer and self._buffer[0] in _BLANK:
            kept = len(self._buffer.lstrip(_BLANK))
            del self._buffer[: len(self._buffer) - kept]
            self._seen = 0

    def _skip_noise(self) -> WireError | None:
        """Drop whole lines that begin no message."""
        line = self._buffer.find(b"\n")
        if line < 0 and len(self._buffer) <= MAX_LINE:
            return None
        start = _START.search(self._buffer)
        if start and start.start() == 0:
            return None
        last = self._buffer.rfind(b"\n") + 1 or len(self._buffer)
        return self._skip(start.start() if start else last, "no start line")

    def _skip(self, count: int, reason: str) -> WireError:
        bad = bytes(self._buffer[: min(count, KEEP)])
        del self._buffer[:count]
        self._seen = 0
        return WireError(reason, data=bad)


_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def _length(head: bytes) -> int | None:
    found = _LENGTH.search(head)
    if found is None:
        return 0
    text = found[1].strip()
    return int(text) if text.isdigit() and len(text) <= 10 else None
