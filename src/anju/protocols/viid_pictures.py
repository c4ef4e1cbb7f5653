"""Pictures inside GA/T 1400 bodies: lifted out of the text before it is parsed, and left there as their digests.

What remains is small, quick to parse, and what may be kept as raw record: no picture, password or face template in it.
Source: 4.3 (pictures travel inside the objects); GA/T 1400.4 (Data is base64).
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

import msgspec

from anju.errors import ViidError
from anju.protocols.viid_ids import JSON_CONTENT

MARK = "sha256:"
TOO_LARGE = "too large"
_MOST_QUOTES = 1_000_000
_MOST_PICTURES = 8_000
_LONGEST_TEXT = 4_096  # bytes; a longer one is some picture or template, whatever its name
_NAME = re.compile(rb'"(Data|Password|FeatureData)"\s*:\s*"', re.IGNORECASE)
_BACKSLASH = 0x5C
_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)  # of a JSON text, its closing quote included
_BLANKS = re.compile(r"\s+")
_DATA_URI = re.compile(r"data:[\w/.+-]{0,60}(?:;[\w=-]{1,40}){0,4},", re.IGNORECASE)
_ODD_ALPHABET = str.maketrans("-_", "+/")
_strict = msgspec.json.Decoder(bytes)


@dataclass(frozen=True, slots=True)
class Picture:
    """One ``Data`` member. ``data`` is None where it was no base64; ``loose`` where it was base64 of a free kind."""

    data: bytes | None
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Lifted:
    """A body without its pictures; they lie in ``pictures`` by the mark that stands in ``text`` instead.

    ``raw`` is what may be kept of it: other long texts, pictures under odd names, are marks too.
    """

    text: bytes
    raw: bytes
    pictures: dict[str, Picture]


def lift(body: bytes, *, largest: int) -> Lifted:
    """Return ``body`` with each picture replaced by ``sha256:`` and its digest, and the pictures.

    A picture of more than ``largest`` bytes leaves only TOO_LARGE. Raises ViidError where there are too many of them.
    """
    pieces, pictures, at = list[bytes](), dict[str, Picture](), 0
    while found := _NAME.search(body, at):
        at, end = found.end(), _end(body, found.end())
        pieces += (body[found.pos : at], _instead(found[1].lower(), body, at, end, largest, pictures))
        at = end
        if len(pieces) > 2 * _MOST_PICTURES:
            raise ViidError(JSON_CONTENT, f"more than {_MOST_PICTURES} pictures", data=pieces[0][:1024])
    pieces.append(body[at:])
    text = b"".join(pieces)
    return Lifted(text, _without_long_texts(text), pictures)


def raw_without_pictures(body: bytes) -> bytes:
    """Return ``body`` as it may be kept: pictures as digests, passwords and face templates gone. Raises like lift."""
    return lift(body, largest=len(body)).raw


def _end(body: bytes, start: int) -> int:
    """Return where the JSON text that begins at ``start`` has its closing quote, or the end of a body cut off in it."""
    end = body.find(b'"', start)
    if end > start and body[end - 1] == _BACKSLASH:
        found = _REST.match(body, start)
        return found.end() - 1 if found else len(body)
    return end if end >= 0 else len(body)


def _instead(name: bytes, body: bytes, start: int, end: int, largest: int, pictures: dict[str, Picture]) -> bytes:
    if name != b"data" or start == end:
        return b""
    if (end - start) // 4 * 3 > largest + largest // 8:  # line ends take their part
        return TOO_LARGE.encode()
    picture = _picture(memoryview(body)[start - 1 : end + 1])
    if picture.data is not None and len(picture.data) > largest:
        return TOO_LARGE.encode()
    mark = MARK + hashlib.sha256(body[start:end] if picture.data is None else picture.data).hexdigest()
    pictures[mark] = picture
    return mark.encode()


def _picture(quoted: memoryview) -> Picture:
    try:
        return Picture(_strict.decode(quoted))
    except (msgspec.DecodeError, UnicodeDecodeError):
        data = _loosely(bytes(quoted))
        return Picture(data, loose=data is not None)


def _loosely(quoted: bytes) -> bytes | None:
    """Read base64 that is line-broken, url-safe, unpadded or a data URI; None where it is none at all."""
    try:
        text = json.loads(quoted, strict=False).lstrip()
        head = _DATA_URI.match(text)
        text = _BLANKS.sub("", text[head.end() if head else 0 :]).translate(_ODD_ALPHABET).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


def _without_long_texts(text: bytes) -> bytes:
    if text.count(b'"') > _MOST_QUOTES:
        raise ViidError(JSON_CONTENT, "too many members", data=text[:1024])
    parts = text.split(b'"')
    if max(map(len, parts)) <= _LONGEST_TEXT:
        return text
    return b'"'.join(each if len(each) <= _LONGEST_TEXT else _mark(each) for each in parts)


def _mark(part: bytes) -> bytes:
    return f"{MARK}{hashlib.sha256(part).hexdigest()}".encode()
