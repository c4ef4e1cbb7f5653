"""MANSRTSP: how a playback is steered, bytes <-> Control. It travels in INFO inside the playback's dialog.

Source: GB/T 28181-2016 annex B (回放控制); 5.4.3.
"""

import re
from dataclasses import dataclass
from typing import Final

from anju.errors import WireError

MAX_BODY: Final = 4_096  # bytes
PLAY, PAUSE, TEARDOWN = "PLAY", "PAUSE", "TEARDOWN"
VERSION: Final = "RTSP/1.0"  # what devices understand; the standard's own MANSRTSP/1.0 is read as well

_START = re.compile(r"([A-Za-z]{1,16})\s+(?:\S+\s+)?(?:MANS)?RTSP/\d\.\d\s*", re.IGNORECASE)
_ANSWER = re.compile(r"(?:MANS)?RTSP/\d\.\d\s+(\d{3})(?:\s+.*)?", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,6})?")
_NPT = re.compile(r"npt\s*=\s*(now|\d{1,9}(?:\.\d{1,6})?)?\s*-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Control:
    """One step. ``start`` is seconds from the beginning of the asked time, None goes on where it stands.

    ``scale`` is the speed, negative backwards, None leaves it as it is.
    """

    method: str
    cseq: int = 0
    scale: float | None = None
    start: float | None = None

    def encode(self, version: str = VERSION) -> bytes:
        """Return the body of an INFO."""
        lines = [f"{self.method} {version}", f"CSeq: {self.cseq}", *self._told()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def _told(self) -> list[str]:
        if self.method == PAUSE:
            return ["PauseTime: now"]
        if self.method != PLAY:
            return []
        if self.scale is not None and self.start is None:
            return [f"Scale: {_speed(self.scale)}"]
        scale = [] if self.scale is None else [f"Scale: {_speed(self.scale)}"]
        return [*scale, f"Range: npt={'now' if self.start is None else _plain(self.start)}-"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device says to a step, where it says more than SIP's 200."""

    status: int
    cseq: int = 0
    rtp_info: str = ""

    def encode(self, version: str = VERSION) -> bytes:
        """Return the body of the answer to an INFO."""
        told = [f"RTP-Info: {self.rtp_info}"] if self.rtp_info else []
        head = f"{version} {self.status} {'OK' if self.status == 200 else 'Error'}"
        return ("\r\n".join([head, f"CSeq: {self.cseq}", *told]) + "\r\n\r\n").encode("ascii", "replace")


def read(body: bytes) -> Control:
    """Return the step that ``body`` asks for. Raises WireError where it asks for none."""
    first, fields = _lines(body)
    found = _START.fullmatch(first)
    if found is None:
        raise WireError("no RTSP request", data=body[:512])
    return Control(found[1].upper(), _cseq(fields), _scale(fields.get("scale", "")), _start(fields.get("range", "")))


def read_answer(body: bytes) -> Answer:
    """Return what ``body`` answers. Raises WireError where it is no answer."""
    first, fields = _lines(body)
    found = _ANSWER.fullmatch(first)
    if found is None:
        raise WireError("no RTSP answer", data=body[:512])
    return Answer(int(found[1]), _cseq(fields), fields.get("rtp-info", ""))


def _lines(body: bytes) -> tuple[str, dict[str, str]]:
    if len(body) > MAX_BODY:
        raise WireError("too long", data=body[:512])
    first, *rest = body.decode("latin-1").strip("\r\n\0 \t").splitlines() or [""]
    fields = dict[str, str]()
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return first.strip(), fields


def _cseq(fields: dict[str, str]) -> int:
    text = fields.get("cseq", "")[:10]
    return int(text) if text.isascii() and text.isdigit() else 0


def _scale(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _start(text: str) -> float | None:
    found = _NPT.match(text)
    return float(found[1]) if found and found[1] and found[1].lower() != "now" else None


def _plain(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _speed(value: float) -> str:
    return _plain(value) if value % 1 else f"{value:.1f}"
