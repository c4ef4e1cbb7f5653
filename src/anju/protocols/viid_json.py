"""JSON as senders of GA/T 1400 write it: with byte order marks, in GBK, with raw line ends and numbers of 41 digits.

Source: GA/T 1400.4 (UTF-8 JSON); data-cleaning rule C03 (UTF-8, else GB 18030, else refused).
"""

import json
from typing import Any

import msgspec

from anju.errors import ViidError
from anju.protocols.viid_ids import JSON_CONTENT, JSON_FORMAT

AROUND = " \r\n\t\0\ufeff"
_EXACT = 64  # digits of the longest whole number that stays a number


def without_mark(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return ``body`` in UTF-8 or GB 18030 without byte order mark, and the flags that leaves.

    Raises ViidError for UTF-16 that is none.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        return body[3:], ("bom",)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return body.decode("utf-16").encode(), ("bom", "charset")
        except UnicodeDecodeError as error:
            raise ViidError(JSON_FORMAT, "no JSON", data=body[:64]) from error
    return body, ()


def decoded(text: bytes, *, most_values: int) -> tuple[Any, tuple[str, ...]]:
    """Return the value of ``text`` and the flags of what had to be overlooked.

    Raises ViidError: code 7 where it is no JSON or nested beyond reason, code 8 beyond ``most_values``.
    """
    if sum(map(text.count, (b",", b"{", b"["))) > most_values:
        raise ViidError(JSON_CONTENT, f"more than {most_values} values", data=text[:64])
    try:
        return msgspec.json.decode(text), ()
    except RecursionError as error:
        raise ViidError(JSON_FORMAT, "nested too deep", data=text[:64]) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decoded_loosely(text)


def _decoded_loosely(text: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        words, flags = _words(text)
        return json.loads(
            words.strip(AROUND), strict=False, parse_int=_whole, parse_float=_real, parse_constant=_nothing
        ), flags
    except RecursionError as error:
        raise ViidError(JSON_FORMAT, "nested too deep", data=text[:64]) from error
    except ValueError as error:
        raise ViidError(JSON_FORMAT, "no JSON", data=text[:64]) from error


def _words(text: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        return text.decode(), ("json_loose",)
    except UnicodeDecodeError:
        return text.decode("gb18030"), ("charset",)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _EXACT else digits


def _real(digits: str) -> float | None:
    found = float(digits)
    return found if abs(found) < 1e300 else None


def _nothing(_word: str) -> None:
    return None
