"""The text of GB/T 28181 bodies: what charset bytes are in, whatever they declare, and how times are written.

Source: GB/T 28181-2016 (GB2312), GB/T 28181-2022 (GB18030); 4.2.1.2, 5.4.3 (interface of the video network).
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from anju.protocols.viid_ids import BEIJING

GB2312, GB18030, UTF_8 = "GB2312", "GB18030", "UTF-8"
LONGEST = 1_024  # characters of one value that are kept

_LOST, _OTHERS = "\ufffd", 8  # so many whole characters beside each broken one speak for UTF-8
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})", re.ASCII)


def decode_text(data: bytes, charset: str | None = None) -> str:
    """Return the text of ``data``: in ``charset`` where an operator chose one, else UTF-8 if it can be, else GB18030.

    GB18030 holds GBK and GB2312, so any other choice than UTF-8 means it. What does not fit becomes U+FFFD.
    """
    return decoded(data, charset)[0]


def decoded(data: bytes, charset: str | None = None) -> tuple[str, str]:
    """Return the text of ``data`` and the charset it was found in, '' where it is plain ASCII and tells nothing."""
    if data.isascii():
        return data.decode("ascii"), ""
    if charset:
        chosen = UTF_8 if charset.lower().replace("-", "") == "utf8" else GB18030
        return data.decode(chosen, "replace"), chosen
    utf, gb = data.decode(UTF_8, "replace"), data.decode(GB18030, "replace")
    return (utf, UTF_8) if _meant(utf, gb) else (gb, GB18030)


def encode_text(text: str, charset: str = GB2312) -> tuple[bytes, str]:
    """Return the bytes of ``text`` and the charset they are in: GB18030 where ``charset`` has not every character."""
    try:
        return text.encode(charset), charset
    except UnicodeEncodeError:
        return text.encode(GB18030, "replace"), GB18030


def read_time(text: str) -> datetime | None:
    """Return the moment that ``text`` names, in UTC; without a zone it is Beijing time. None where it is no time."""
    found = _TIME.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro, _zone(zone)
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def write_time(at: datetime) -> str:
    """Return ``at`` as devices read it: Beijing time without a zone, to the second."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S")


def write_date(at: datetime) -> str:
    """Return ``at`` as the Date header of a registration gives it: Beijing time with milliseconds, no zone."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}"


def read_whole(text: str, default: int = 0) -> int:
    """Return the whole number in ``text``, of at most 18 digits, or ``default``."""
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else default


def read_decimal(text: str) -> float | None:
    """Return the number in ``text``, or None: neither exponents nor infinities are numbers here."""
    text = text.strip()
    return float(text) if _DECIMAL.fullmatch(text) else None


def _zone(text: str | None) -> timezone:
    if not text:
        return BEIJING
    if text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _meant(utf: str, gb: str) -> bool:
    """Return whether the first of two readings is the right one: whole, or broken by no more than a cut name."""
    bad, foreign = utf.count(_LOST), len(utf) - len(utf.encode("ascii", "ignore"))
    return foreign >= bad * (_OTHERS + 1) or 0 < gb.count(_LOST) >= bad
