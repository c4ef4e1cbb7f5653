"""The recording ledger: for every minute of a camera's day whether it was recorded, and if not, why.

A day is 1,440 codes of one byte. 1 to 60 are the seconds recorded of the minute; the same plus 100: they were recorded
and are gone since; from 200 on the minute lacks, and the code says why; 0: nobody looked yet.
Source: 8-h (录像完整率), 5.4.1 (recorded and kept). The standard gives no formula; ours is seconds: made over wanted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from anju.domain.devices import Words
from anju.domain.recording import DAY, begins

MINUTE_S = 60
FULL_S = 57  # a minute with so many seconds counts as whole: files of a recorder follow one another with small seams
SEAM_S = 2.0  # spans that lie nearer are one
GONE = 100  # added to the seconds of a minute that is no longer there


class Lack(StrEnum):
    """Why a minute is not there."""

    DEVICE_OFFLINE = "device_offline"
    NOT_RECORDING = "not_recording"
    STORE_FAILED = "store_failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    PARTIAL = "partial"  # some seconds of it are there, and no neighbour says why


class Minute(StrEnum):
    """What one code says."""

    UNSEEN = "unseen"
    RECORDED = "recorded"
    PARTIAL = "partial"
    EXPIRED = "expired"
    DEVICE_OFFLINE = "device_offline"
    NOT_RECORDING = "not_recording"
    STORE_FAILED = "store_failed"
    UNKNOWN = "unknown"
    NOT_WANTED = "not_wanted"


LACKING: Mapping[Lack, int] = {
    Lack.DEVICE_OFFLINE: 201,
    Lack.NOT_RECORDING: 202,
    Lack.STORE_FAILED: 203,
    Lack.UNKNOWN: 204,
}
UNSEEN, NOT_WANTED = 0, 210
_LACKS = {code: lack for lack, code in LACKING.items()}

LACK_WORDS: Mapping[str, Words] = {
    Lack.DEVICE_OFFLINE: Words("设备离线", "the device was offline"),
    Lack.NOT_RECORDING: Words("设备在线但未录像", "the device was there and did not record"),
    Lack.STORE_FAILED: Words("存储故障", "the store failed"),
    Lack.EXPIRED: Words("录像已被覆盖或到期", "it was recorded and is gone since"),
    Lack.UNKNOWN: Words("原因未知", "nobody knows why"),
    Lack.PARTIAL: Words("该分钟录像不完整", "seconds of this minute are missing"),
}


def minute(code: int) -> Minute:
    """Return what ``code`` says. Raises ValueError for a byte that is no code."""
    if code == UNSEEN:
        return Minute.UNSEEN
    if code <= MINUTE_S:
        return Minute.RECORDED if code >= FULL_S else Minute.PARTIAL
    if GONE < code <= GONE + MINUTE_S:
        return Minute.EXPIRED
    if code in _LACKS:
        return Minute(_LACKS[code].value)
    if code == NOT_WANTED:
        return Minute.NOT_WANTED
    raise ValueError(f"{code} is no code of a minute")


def blank() -> bytes:
    """Return a day at which nobody looked yet."""
    return bytes(DAY)


Span = tuple[datetime, datetime]


def joined(spans: Iterable[Span], *, seam_s: float = SEAM_S) -> list[Span]:
    """Return ``spans`` in order, overlaps and small seams closed; such that end before they begin are left out."""
    found: list[Span] = []
    for start, end in sorted(each for each in spans if each[0] < each[1]):
        if found and (start - found[-1][1]).total_seconds() <= seam_s:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def seconds_of(day: date, spans: Iterable[Span]) -> bytes:
    """Return how many seconds of each minute of ``day`` the ``spans`` hold; what overlaps counts once."""
    held = [0.0] * DAY
    origin = begins(day)
    for start, end in joined(spans):
        _fill(held, (start - origin).total_seconds(), (end - origin).total_seconds())
    return bytes(min(MINUTE_S, round(each)) for each in held)


def _fill(held: list[float], first: float, last: float) -> None:
    first, last = max(first, 0.0), min(last, DAY * 60.0)
    at = first
    while at < last:
        number = int(at // MINUTE_S)
        end = min(last, (number + 1.0) * MINUTE_S)
        held[number] += end - at
        at = end


def settle(
    before: bytes, seconds: bytes, wanted: bytes, why: Sequence[Lack], *, first: int = 0, last: int = DAY
) -> bytes:
    """Return the day's codes after somebody looked at its minutes from ``first`` until before ``last``.

    ``seconds`` are those found, ``wanted`` is the plan's mask, ``why`` the reason for each minute that lacks. A minute
    that was recorded once and is not found any more is expired: recorded minutes never become a failure to record.
    """
    codes = bytearray(before)
    for at in range(first, last):
        codes[at] = _settled(before[at], seconds[at], bool(wanted[at]), why[at])
    return bytes(codes)


def _settled(before: int, seconds: int, wanted: bool, why: Lack) -> int:  # noqa: FBT001 - one minute of many
    if seconds:
        return max(seconds, before if before <= MINUTE_S else 0)
    if GONE < before <= GONE + MINUTE_S:
        return before
    if 0 < before <= MINUTE_S:
        return before + GONE
    return LACKING.get(why, LACKING[Lack.UNKNOWN]) if wanted else NOT_WANTED


def expired(before: bytes, first: int, last: int) -> bytes:
    """Return the codes after the recordings of minutes ``first`` until before ``last`` ended."""
    codes = bytearray(before)
    for at in range(first, last):
        if 0 < codes[at] <= MINUTE_S:
            codes[at] += GONE
    return bytes(codes)


_BEST = {Minute.RECORDED: 0, Minute.PARTIAL: 0, Minute.EXPIRED: 1, Minute.UNSEEN: 4, Minute.NOT_WANTED: 5}


def merged(ours: bytes, theirs: bytes) -> bytes:
    """Return the day as it is held somewhere: the more seconds win, then what expired, then a reason that we know."""
    return bytes(_better(a, b) for a, b in zip(ours, theirs, strict=True))


def _better(a: int, b: int) -> int:
    return min((a, b), key=lambda code: (_BEST.get(minute(code), 3), -code if code <= MINUTE_S else code))


@dataclass(frozen=True, slots=True)
class Count:
    """One day of one camera in numbers. Seconds but for the minutes by reason."""

    wanted_s: int
    recorded_s: int  # of the wanted minutes: those that expired since too
    kept_s: int  # still there, wanted or not
    lacking: Mapping[Lack, int]  # minutes


def count(codes: bytes) -> Count:
    """Return the numbers of a day; minutes nobody looked at count nowhere, minutes beyond the plan as wanted ones.

    Source: 8-h.
    """
    recorded = [each for each in codes if 0 < each <= MINUTE_S]
    gone = [each - GONE for each in codes if GONE < each <= GONE + MINUTE_S]
    lacks = {lack: codes.count(code) for lack, code in LACKING.items()}
    whole = [MINUTE_S if each >= FULL_S else each for each in (*recorded, *gone)]
    wanted = MINUTE_S * (len(whole) + sum(lacks.values()))
    return Count(wanted, sum(whole), sum(recorded), {**lacks, Lack.EXPIRED: len(gone)})


def completeness(counts: Iterable[Count]) -> float:
    """Return the share of the wanted recording that was made, 0.0 to 1.0; 1.0 where nothing was wanted.

    What was recorded and has expired since was recorded: how long it was kept is another figure.
    Source: 8-h (录像完整率); it gives no formula.
    """
    wanted = recorded = 0
    for each in counts:
        wanted, recorded = wanted + each.wanted_s, recorded + each.recorded_s
    return recorded / wanted if wanted else 1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that is not there."""

    start: datetime
    end: datetime
    why: Lack


def gaps(day: date, codes: bytes) -> list[Gap]:
    """Return what lacks of ``day``, in order.

    Minutes beside a gap that are there in part sharpen its edges to the second; a lonely minute with a part missing
    comes as a gap of its own, over the whole minute.
    """
    found: list[Gap] = []
    at, origin = 0, begins(day)
    for code, run in groupby(codes, key=_lack_of):
        first, at = at, at + len(list(run))
        if code is not None:
            found.append(Gap(origin + timedelta(minutes=first), origin + timedelta(minutes=at), code))
    return [_edged(each, codes, origin) for each in _sharpened(found, codes, origin)]


def _edged(gap: Gap, codes: bytes, origin: datetime) -> Gap:
    """Add the few seconds that lack of minutes which count as whole, beside the gap."""
    first, last = ((each - origin).total_seconds() / MINUTE_S for each in (gap.start, gap.end))
    before = codes[int(first) - 1] if first.is_integer() and first >= 1 else MINUTE_S
    after = codes[int(last)] if last.is_integer() and last < DAY else MINUTE_S
    less, more = (timedelta(seconds=MINUTE_S - each if FULL_S <= each < MINUTE_S else 0) for each in (before, after))
    return gap if gap.why is Lack.PARTIAL else Gap(gap.start - less, gap.end + more, gap.why)


def _lack_of(code: int) -> Lack | None:
    kind = minute(code)
    if kind in {Minute.RECORDED, Minute.NOT_WANTED, Minute.UNSEEN}:
        return None
    return Lack(kind.value)


def _sharpened(found: list[Gap], codes: bytes, origin: datetime) -> list[Gap]:
    """Let single partial minutes take their part in the gap they touch; others stay as they are."""
    sharp: list[Gap] = []
    for number, each in enumerate(found):
        if each.why is not Lack.PARTIAL or each.end - each.start > timedelta(minutes=1):
            sharp.append(each)
            continue
        before = sharp[-1] if sharp and sharp[-1].end == each.start and sharp[-1].why is not Lack.PARTIAL else None
        after = found[number + 1] if number + 1 < len(found) and found[number + 1].start == each.end else None
        lacks = timedelta(seconds=MINUTE_S - codes[int((each.start - origin).total_seconds()) // MINUTE_S])
        if before is not None:
            sharp[-1] = Gap(before.start, before.end + lacks, before.why)
        elif after is not None and after.why is not Lack.PARTIAL:
            found[number + 1] = Gap(after.start - lacks, after.end, after.why)
        else:
            sharp.append(each)
    return sharp


def segments(day: date, codes: bytes) -> list[Span]:
    """Return the spans of ``day`` that are there, by minutes; the seconds of minutes that are there in part count.

    Minutes that begin a run lie at its end, minutes that end one at its beginning.
    """
    origin, spans = begins(day), []
    for at, code in enumerate(codes):
        if 0 < code <= MINUTE_S:
            start = origin + timedelta(minutes=at)
            lacks = timedelta(seconds=MINUTE_S - code if code < FULL_S else 0)
            opens = at == 0 or not 0 < codes[at - 1] <= MINUTE_S
            spans.append((start + lacks * opens, start + timedelta(minutes=1) - lacks * (not opens)))
    return joined(spans)


NO_PICTURE_LACKS: Mapping[str, Lack] = {
    **dict.fromkeys(
        ("offline", "device_offline", "not_registered", "wrong_password", "no_answer", "no_rtp", "stalled"),
        Lack.DEVICE_OFFLINE,
    ),
    **dict.fromkeys(
        ("busy", "not_found", "refused", "media_refused", "device_error", "ended_by_device", "no_video"),
        Lack.NOT_RECORDING,
    ),
    **dict.fromkeys(("no_ports", "signalling_away", "media_away", "store_failed"), Lack.STORE_FAILED),
}


def lack_of(code: str) -> Lack:
    """Return the class of a gap by why there was no picture (``domain.video.NO_PICTURE``), UNKNOWN for other codes."""
    return NO_PICTURE_LACKS.get(code, Lack.UNKNOWN)
