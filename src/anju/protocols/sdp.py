"""SDP with the additions of GB/T 28181, bytes <-> Description. Read by lines in any order; unknown lines are skipped.

Source: RFC 4566; GB/T 28181-2016 annexes F (y=, f=), L (TCP); 5.4.1, 5.4.3.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from anju.errors import WireError

MAX_BODY: Final = 65_536  # bytes
MAX_LINES: Final = 500
PLAY, PLAYBACK, DOWNLOAD, TALK = "Play", "Playback", "Download", "Talk"
RECVONLY, SENDONLY, SENDRECV = "recvonly", "sendonly", "sendrecv"
UDP, TCP = "RTP/AVP", "TCP/RTP/AVP"
VIDEO_MAPS: Final = {96: "PS/90000", 98: "H264/90000", 99: "H265/90000"}

_SESSIONS = {each.lower(): each for each in (PLAY, PLAYBACK, DOWNLOAD, TALK)}
_DIRECTIONS = frozenset({RECVONLY, SENDONLY, SENDRECV, "inactive"})
_KNOWN = _DIRECTIONS | {"setup", "connection", "streamnumber", "downloadspeed", "filesize"}
_MEDIA = re.compile(r"(\w{1,16})\s+(\d{1,5})(?:/\d+)?\s+([A-Za-z/]{1,32})\s*([\d\s]{0,256})")
_ADDRESS = re.compile(r"IN\s+IP[46]\s+([^\s/]{1,255})", re.IGNORECASE)
_RTPMAP = re.compile(r"(\d{1,3})\s+(\S{1,64})")


@dataclass(frozen=True, slots=True)
class Description:
    """One offered or answered stream.

    ``owner`` is the code in ``o=``, ``start`` and ``end`` are Unix seconds (0 for live), ``ssrc`` the ten digits of
    ``y=`` or '' where it holds none, ``format`` the text of ``f=``, ``file_size`` bytes, ``attributes`` the other
    ``a=`` lines as they are. ``stream_number`` 0 is the main stream.
    """

    owner: str = ""
    session: str = PLAY
    host: str = ""
    port: int = 0
    media: str = "video"
    transport: str = UDP
    payloads: tuple[int, ...] = (96,)
    rtpmap: Mapping[int, str] = field(default_factory=dict)
    direction: str = ""
    setup: str = ""
    connection: str = ""
    start: int = 0
    end: int = 0
    uri: str = ""
    ssrc: str = ""
    format: str = ""
    stream_number: int | None = None
    download_speed: float | None = None
    file_size: int | None = None
    attributes: tuple[str, ...] = ()

    @property
    def tcp(self) -> bool:
        """Return whether the media travels on TCP."""
        return self.transport.upper().startswith("TCP")

    @property
    def ssrc_number(self) -> int | None:
        """Return the SSRC as RTP carries it; None where none was told. A hint only: devices choose others."""
        return int(self.ssrc) if self.ssrc and int(self.ssrc) < 2**32 else None

    @property
    def channel(self) -> str:
        """Return the channel whose recordings are meant: ``u=`` without the kind of recording."""
        return self.uri.partition(":")[0]

    def encode(self) -> bytes:
        """Return the wire bytes, in the order that devices print it."""
        lines = [*self._session_lines(), *self._media_lines()]
        lines += [f"y={self.ssrc}"] if self.ssrc else []
        lines += [f"f={self.format}"] if self.format else []
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")

    def _session_lines(self) -> list[str]:
        kind = "IP6" if ":" in self.host else "IP4"
        uri = [f"u={self.uri}"] if self.uri else []
        head = ["v=0", f"o={self.owner or '-'} 0 0 IN {kind} {self.host}", f"s={self.session}", *uri]
        return [*head, f"c=IN {kind} {self.host}", f"t={self.start} {self.end}"]

    def _media_lines(self) -> list[str]:
        numbers = " ".join(str(each) for each in self.payloads)
        told = [self.direction, *(f"rtpmap:{number} {name}" for number, name in self.rtpmap.items())]
        for name, value in self._named():
            told += [f"{name}:{value}"] if value not in {"", None} else []
        lines = [f"a={each}" for each in (*told, *self.attributes) if each]
        return [f"m={self.media} {self.port} {self.transport} {numbers}", *lines]

    def _named(self) -> list[tuple[str, object]]:
        speed = None if self.download_speed is None else f"{self.download_speed:g}"
        numbers = [("streamnumber", self.stream_number), ("downloadspeed", speed), ("filesize", self.file_size)]
        return [("setup", self.setup), ("connection", self.connection), *numbers]


def ssrc(platform: str, serial: int, *, history: bool) -> str:
    """Return the ten digits of ``y=``: kind, domain of ``platform`` (a 20-digit code), ``serial`` 0 to 9999.

    Source: GB/T 28181-2016 annex F.
    """
    if not 0 <= serial <= 9_999:
        raise ValueError(f"serial {serial} is not of 0 to 9999")
    return f"{int(history)}{platform[3:8]:0>5}{serial:04}"


def read(body: bytes) -> Description:
    """Return what ``body`` describes; of several streams the first video, else the first.

    Raises WireError where it describes no stream. ``host`` is that of the stream, else the session's, else the owner's.
    """
    text = body[:MAX_BODY].decode("utf-8", "replace")
    lines = [line.strip("\0 \t") for line in re.split(r"[\r\n]+", text)][:MAX_LINES]
    pairs = [(line[0].lower(), line[2:].strip()) for line in lines if line[1:2] == "="]
    head, streams = _divided(pairs)
    if len(body) > MAX_BODY or not streams:
        raise WireError("no stream described", data=body[:512])
    chosen = next((each for each in streams if each[0][1].lower().startswith("video")), streams[0])
    return _description(head, chosen)


_Pairs = list[tuple[str, str]]


def _divided(pairs: _Pairs) -> tuple[_Pairs, list[_Pairs]]:
    """Part the session's lines from those of each stream. ``y=`` and ``f=`` stand anywhere and belong to all."""
    head, streams = _Pairs(), list[_Pairs]()
    for each in pairs:
        if each[0] == "m" and _MEDIA.match(each[1]):
            streams.append([each])
        elif streams and each[0] not in {"y", "f", "s", "t", "u", "o"}:
            streams[-1].append(each)
        elif each[0] != "m":
            head.append(each)
    return head, streams


def _description(head: _Pairs, stream: _Pairs) -> Description:
    media = _MEDIA.match(stream[0][1])
    assert media is not None  # noqa: S101 - _divided let no other in
    session = dict(reversed(head))
    attributes = [value for name, value in (*head, *stream) if name == "a"]
    start, end = _times(session.get("t", ""))
    described = Description(
        owner=_owner(session.get("o", "")),
        session=_SESSIONS.get(session.get("s", "").lower(), session.get("s", "")),
        host=_host([dict(reversed(stream)).get("c", ""), session.get("c", ""), session.get("o", "")]),
        port=min(int(media[2]), 65_535),
        media=media[1].lower(),
        transport=media[3].upper(),
        payloads=tuple(int(each) for each in media[4].split() if len(each) <= 3)[:32],
        start=start,
        end=end,
        uri=session.get("u", ""),
        ssrc=_ssrc(session.get("y", "")),
        format=session.get("f", ""),
    )
    return _attributes(described, attributes)


def _attributes(described: Description, lines: list[str]) -> Description:
    """Return ``described`` with what its ``a=`` lines say."""
    maps, others, told = dict[int, str](), list[str](), dict[str, str]()
    for line in lines:
        name, _, value = (each.strip() for each in line.partition(":"))
        if name.lower() == "rtpmap" and (each := _RTPMAP.match(value)):
            maps[int(each[1])] = each[2]
        elif name.lower() in _KNOWN:
            told[name.lower()] = value
        else:
            others.append(line)
    stream, size = _number(told.get("streamnumber", "")), _number(told.get("filesize", ""))
    return replace(
        described,
        rtpmap=maps,
        attributes=tuple(others),
        direction=next((each for each in told if each in _DIRECTIONS), ""),
        setup=told.get("setup", "").lower()[:32],
        connection=told.get("connection", "").lower()[:32],
        stream_number=None if stream is None else int(stream),
        file_size=None if size is None else int(size),
        download_speed=_number(told.get("downloadspeed", "")),
    )


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(?:\.\d{1,3})?", text) else None


def _owner(value: str) -> str:
    name = value.partition(" ")[0]
    return "" if name == "-" else name[:64]


def _host(values: list[str]) -> str:
    return next((found[1] for value in values if (found := _ADDRESS.search(value))), "")


def _times(value: str) -> tuple[int, int]:
    parts = [int(each) if re.fullmatch(r"\d{1,12}", each) else 0 for each in value.split()[:2]]
    return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)


def _ssrc(value: str) -> str:
    digits = re.sub(r"\s", "", value)
    return digits.zfill(10) if re.fullmatch(r"\d{1,10}", digits, re.ASCII) else ""
