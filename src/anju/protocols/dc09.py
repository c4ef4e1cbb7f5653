"""SIA DC-09 alarm telegrams, bytes <-> Frame. No socket, no clock, no database.

A stream becomes ``Telegram``s (framed, length and CRC checked, content still closed); ``Telegram.open`` takes the
account's key and gives the ``Frame``. Frame: ``LF CRC 0LLL "ID"SEQ Rn Ln #acct[data][ext]_HH:MM:SS,MM-DD-YYYY CR``.

Source: ANSI/SIA DC-09 (framing, answers, encryption), DC-05 (Contact ID), DC-03 (SIA codes); 5.1.2.4-e.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from anju.errors import WireError

ADM_CID, SIA_DCS, NULL = "ADM-CID", "SIA-DCS", "NULL"
ACK, NAK, DUH, RSP = "ACK", "NAK", "DUH", "RSP"
ANSWERS = frozenset({ACK, NAK, DUH, RSP})
MAX_BODY = 1024  # bytes from the first quote to before CR
WINDOW_EARLY_S, WINDOW_LATE_S = 40, 20  # an encrypted frame may be this much behind and ahead of our clock
DEDUP_TIMED_S, DEDUP_UNTIMED_S = 86_400, 180
DEFAULT_FILLER = "P" * 16

_CR = 0x0D
_RAW_HEAD = re.compile(rb"\n(?P<crc>..)(?P<size>0[0-9A-Fa-f]{3})(?=\")", re.DOTALL)  # CRC as two bytes
_HEX_HEAD = re.compile(rb"\n(?P<crc>[0-9A-Fa-f]{4})(?P<size>0[0-9A-Fa-f]{3})(?=\")")
_HEAD_SIZE = 10  # bytes that tell the two heads apart
_MAX_FRAME = _HEAD_SIZE + MAX_BODY
_LINE_END = re.compile(rb"[\r\n]")
_HEAD = re.compile(
    rb'"(?P<star>\*?)(?P<token>[A-Z0-9-]{2,10})"(?P<seq>[0-9]{4})'
    rb"(?:R(?P<receiver>[0-9A-Fa-f]{1,6}))?L(?P<line>[0-9A-Fa-f]{1,6})"
    rb"(?:#(?P<account>[0-9A-Fa-f]{3,16})|A0)\[(?P<content>.*)",
    re.DOTALL,
)
_CONTENT = re.compile(
    r"(?:#(?P<account>[0-9A-Fa-f]{3,16}))?\|?(?P<data>[^\[\]]*)\]"
    r"(?P<extensions>(?:\[[^\[\]]*\])*)(?:_(?P<time>[^\[\]_]*))?",
    re.DOTALL,
)
_CONTACT_ID = re.compile(r"([136])([0-9A-Fa-f]{3}) ([0-9A-Fa-f]{2}) ([0-9A-Fa-f]{3})(?:[ |].*)?", re.DOTALL)
_SIA_CODE = re.compile(r"(?P<code>[A-Z]{2})(?P<address>[0-9A-Fa-f]*)")
_SIA_NEW = re.compile(r"[NO](?:[a-z]{2}|[A-Z]{2})")  # NRP is new RP, NR is network restored
_SIA_TEXT = re.compile(r"\^([^^]*)\^|\*?'([^']*)'(?:NM)?")
_TIME = "%H:%M:%S,%m-%d-%Y"


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)  # noqa: PLW2901 - the textbook form
        table.append(value)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes) -> int:
    """Return CRC-16/ARC of ``data``; ``123456789`` gives BB3D."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


@dataclass(frozen=True, slots=True)
class Signal:
    """One event of a frame. ``code_space`` is ``contact_id`` or ``sia``.

    ``qualifier``: Contact ID 1 new, 3 restored, 6 still present; SIA ``N`` new, ``O`` old.
    """

    code_space: str
    code: str
    qualifier: str
    area: str
    zone: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """An open frame. ``timestamp`` is the sender's GMT; ``timed_badly`` tells one that could not be read."""

    token: str
    sequence: int  # 0..9999; a repeat keeps it
    line: str = "0"
    account: str = ""  # empty only in NAK
    data: str = ""
    receiver: str | None = None
    encrypted: bool = False
    extensions: tuple[str, ...] = ()  # letter plus text, without brackets
    timestamp: datetime | None = None
    timed_badly: bool = False

    @property
    def source(self) -> str:
        """How the panel names itself on this wire: ``line/account``."""
        return f"{self.line}/{self.account}"

    @property
    def dedup_key(self) -> str:
        """Say what a repeat has in common with its first sending."""
        time = self.timestamp.strftime("%Y%m%dT%H%M%S") if self.timestamp else "-"
        return f"{self.source}|{self.sequence:04}|{time}"

    @property
    def dedup_window_s(self) -> int:
        """Seconds for which the key is unique: the sequence wraps and restarts, the timestamp does not."""
        return DEDUP_TIMED_S if self.timestamp else DEDUP_UNTIMED_S

    def encode(self, key: bytes | None = None, *, filler: str = DEFAULT_FILLER, raw_crc: bool = False) -> bytes:
        """Return the wire bytes, LF to CR. An encrypted frame needs ``key`` and 15 characters of ``filler``."""
        inner = f"#{self.account}|{self.data}" if self.data else ""
        time = f"_{self.timestamp:{_TIME}}" if self.timestamp else ""
        tail = f"{inner}]" + "".join(f"[{each}]" for each in self.extensions) + time
        account = f"#{self.account}" if self.account else "A0"
        receiver = f"R{self.receiver}" if self.receiver is not None else ""
        star = "*" if self.encrypted else ""
        head = f'"{star}{self.token}"{self.sequence:04}{receiver}L{self.line}{account}['
        if not self.encrypted:
            return framed((head + tail).encode(), raw_crc=raw_crc)
        if key is None:
            raise ValueError("an encrypted frame needs a key")
        plain = (tail if self.token in ANSWERS else f"|{tail}").encode()
        plain = filler[: -len(plain) % 16].encode() + plain
        return framed(head.encode() + _encrypt(key, plain).hex().upper().encode(), raw_crc=raw_crc)

    def ack(self, at: datetime) -> "Frame":
        """Answer: accepted and on disk. Encrypted where the request was."""
        return self._answer(ACK, at if self.encrypted else None, encrypted=self.encrypted)

    def duh(self) -> "Frame":
        """Answer: understood as a frame, cannot be processed, do not repeat."""
        return self._answer(DUH, None, encrypted=False)

    def _answer(self, token: str, at: datetime | None, *, encrypted: bool) -> "Frame":
        return replace(self, token=token, data="", extensions=(), timestamp=at, encrypted=encrypted, timed_badly=False)

    def timely(self, now: datetime) -> bool:
        """Tell whether an encrypted frame's timestamp is near enough to ``now`` not to be a replay."""
        if self.timestamp is None:
            return False
        return -WINDOW_EARLY_S <= (self.timestamp - now).total_seconds() <= WINDOW_LATE_S

    def signals(self) -> list[Signal]:
        """Return the events inside; raises WireError where ``data`` is not in the token's grammar."""
        if self.token == ADM_CID:
            return [_contact_id(self.data)]
        if self.token == SIA_DCS:
            return _sia(self.data)
        raise WireError("unknown token", data=self.token.encode())


def nak(at: datetime) -> Frame:
    """Answer: your encrypted frame is outside the time window; here is our GMT. Never encrypted."""
    return Frame(NAK, 0, receiver="0", timestamp=at)


@dataclass(frozen=True, slots=True)
class Telegram:
    """A frame whose length, CRC and head are right; its content is still closed. ``raw`` is all of it, LF to CR."""

    token: str
    encrypted: bool
    sequence: int
    receiver: str | None
    line: str
    account: str
    content: bytes
    raw: bytes

    @property
    def source(self) -> str:
        """How the panel names itself on this wire: ``line/account``."""
        return f"{self.line}/{self.account}"

    def bare(self) -> Frame:
        """Return the head alone as a frame, to answer what cannot be opened."""
        return Frame(self.token, self.sequence, self.line, self.account, "", self.receiver, self.encrypted)

    def open(self, key: bytes | None = None) -> Frame:
        """Return the frame, decrypted with ``key``; raises WireError for a wrong key or malformed content."""
        content = self._decrypted(key) if self.encrypted else self.content
        found = _CONTENT.fullmatch(_text(content))
        if found is None:
            raise WireError("content not readable", data=self.raw)
        if found["account"] is not None and self.account and found["account"].upper() != self.account:
            raise WireError("two accounts in one frame", data=self.raw)
        timestamp = _timestamp(found["time"])
        return replace(
            self.bare(),
            data=found["data"],
            extensions=tuple(each for each in re.split(r"[\[\]]+", found["extensions"]) if each),
            timestamp=timestamp,
            timed_badly=timestamp is None and bool(found["time"]),
        )

    def _decrypted(self, key: bytes | None) -> bytes:
        if key is None:
            raise WireError("no key for an encrypted frame", data=self.raw)
        try:
            plain = _decrypt(key, bytes.fromhex(self.content.decode("ascii")))
        except ValueError as error:  # not hex, or not whole blocks
            raise WireError("cipher text malformed", data=self.raw) from error
        start = re.search(rb"[|\]]", plain)  # the padding in front holds neither
        if start is None or re.search(rb"[^\x20-\x7e]", plain[: start.start()]):
            raise WireError("does not decrypt", data=self.raw)
        return plain[start.end() if start[0] == b"|" else start.start() :]


class FrameReader:
    """Put bytes in, cut anywhere; take telegrams and errors out, in order, the same for every cut.

    A bad frame never stops the next good one. Holds at most one unfinished frame: about 1 kB.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._refused = ""  # why the LF the buffer begins with starts no frame

    @property
    def held(self) -> int:
        """Bytes waiting for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Telegram | WireError]:
        """Return what ``data`` completed; a run of skipped bytes comes back as one WireError per kilobyte."""
        found: list[Telegram | WireError] = []
        for start in range(0, len(data), _MAX_FRAME):
            self._buffer += data[start : start + _MAX_FRAME]
            while (each := self._next()) is not None:
                found.append(each)
        return found

    def rest(self) -> WireError | None:
        """Take what is left when the line ends; None if nothing but line ends."""
        return self._take(len(self._buffer), self._refused or "cut off")

    def _next(self) -> Telegram | WireError | None:
        """Return the next thing found, or None where more bytes are needed."""
        while True:
            start = self._buffer.find(b"\n", 1 if self._refused else 0)
            if start == 0:
                each, wait = self._at_start()
                if each is not None or wait:
                    return each
            elif 0 < start <= _MAX_FRAME or len(self._buffer) >= _MAX_FRAME:
                size = start if 0 < start <= _MAX_FRAME else _MAX_FRAME
                if (error := self._take(size, self._refused or "no start mark")) is not None:
                    return error
            else:
                return None

    def _at_start(self) -> tuple[Telegram | WireError | None, bool]:
        """Judge the LF in front: what was found, and whether to wait for more bytes."""
        head = _RAW_HEAD.match(self._buffer) or _HEX_HEAD.match(self._buffer)
        if head is None:
            self._refused = "" if (wait := len(self._buffer) < _HEAD_SIZE) else "bad head"
            return None, wait
        begin, crc = head.end(), bytes(head["crc"])
        end = begin + int(head["size"], 16)
        if not begin < end <= begin + MAX_BODY:
            self._refused = "wrong length"
            return None, False
        if early := _LINE_END.search(self._buffer, begin, end):
            return self._take(early.end() if early[0] == b"\r" else early.start(), "wrong length"), False
        if len(self._buffer) <= end:
            return None, True
        if self._buffer[end] != _CR:
            self._refused = "wrong length"
            return None, False
        return self._whole(crc, begin, end), False

    def _whole(self, crc: bytes, begin: int, end: int) -> Telegram | WireError | None:
        body = bytes(self._buffer[begin:end])
        if crc16(body) != (int(crc, 16) if len(crc) == 4 else int.from_bytes(crc, "big")):
            return self._take(end + 1, "wrong checksum")
        found = _HEAD.fullmatch(body)
        if found is None:
            return self._take(end + 1, "head not readable")
        raw = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        receiver, account = found["receiver"], found["account"]
        return Telegram(
            token=found["token"].decode(),
            encrypted=bool(found["star"]),
            sequence=int(found["seq"]),
            receiver=receiver.decode().upper() if receiver is not None else None,
            line=found["line"].decode().upper(),
            account=account.decode().upper() if account is not None else "",
            content=found["content"],
            raw=raw,
        )

    def _take(self, count: int, reason: str) -> WireError | None:
        bad = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._refused = ""
        return WireError(reason, data=bad) if bad.strip(b"\r\n\0") else None


def framed(body: bytes, *, raw_crc: bool = False) -> bytes:
    """Return ``body`` between LF, CRC, length and CR; ``raw_crc`` writes the CRC as two bytes, as some panels do."""
    crc = crc16(body).to_bytes(2, "big")
    return b"\n" + (crc if raw_crc else crc.hex().upper().encode()) + b"%04X" % len(body) + body + b"\r"


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))  # DC-09 fixes the zero vector


def _encrypt(key: bytes, plain: bytes) -> bytes:
    worker = _cipher(key).encryptor()
    return worker.update(plain) + worker.finalize()


def _decrypt(key: bytes, secret: bytes) -> bytes:
    worker = _cipher(key).decryptor()
    return worker.update(secret) + worker.finalize()


def _text(content: bytes) -> str:
    for charset in ("utf-8", "gb18030"):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")  # the codes are ASCII in all of them: an odd name must not cost the alarm


def _timestamp(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _contact_id(data: str) -> Signal:
    found = _CONTACT_ID.fullmatch(data)
    if found is None:
        raise WireError("no Contact ID event", data=data.encode())
    qualifier, code, area, zone = found.groups()
    return Signal("contact_id", code.upper(), qualifier, area, zone)


def _sia(data: str) -> list[Signal]:
    """Read ``N`` or ``O`` (new if neither), then blocks between slashes: ``ri1`` is the area, ``BA003`` an event."""
    text = " ".join(part for pair in _SIA_TEXT.findall(data) for part in pair if part)
    words, qualifier, area, found = _SIA_TEXT.sub("", data), "N", "", list[Signal]()
    if _SIA_NEW.match(words):
        qualifier, words = words[0], words[1:]
    for word in re.split(r"[/|]", words):
        if match := _SIA_CODE.fullmatch(word.strip()):
            found.append(Signal("sia", match["code"], qualifier, area, match["address"], text))
        elif word.startswith("ri"):
            area = word[2:].strip()
    if not found:
        raise WireError("no SIA event", data=data.encode())
    return found
