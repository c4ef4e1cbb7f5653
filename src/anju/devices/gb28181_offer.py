"""What a GB/T 28181 device is offered and what its answer means: SDP, SSRC, and a refusal in our codes.

Source: GB/T 28181-2016 9.2, annexes C, F, L; 5.4.1.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from anju.domain.devices import Gb28181Access
from anju.domain.video import Agreed, Grade, Purpose, Transport, Wanted
from anju.errors import Conflict, WireError
from anju.protocols import sdp
from anju.protocols.sdp import Description

SERIALS = 10_000
LIVE_S, RECORDED_S = 9.0, 30.0
"""How long a device may take to answer; disks of a recorder spin up first."""
_SUB: Mapping[str, tuple[str, ...]] = {
    "streamprofile": ("streamprofile:1",),
    "stream": ("stream:1",),
    "streammode": ("streamMode:sub",),
}
_NAMES = {8: "PCMA", 0: "PCMU", 33: "MP2T", 96: "PS", 97: "MPEG4", 98: "H264", 99: "H265"}
_SESSIONS = {Purpose.LIVE: sdp.PLAY, Purpose.PLAYBACK: sdp.PLAYBACK, Purpose.DOWNLOAD: sdp.DOWNLOAD}
_SETUP = {Transport.TCP_PASSIVE: "passive", Transport.TCP_ACTIVE: "active"}


class Ssrcs:
    """Numbers of running streams: ten thousand for live ones, as many for recorded ones. One in use is never given."""

    def __init__(self, platform: str) -> None:
        self._platform, self._used = platform, set[str]()
        self._next = {history: secrets.randbelow(SERIALS) for history in (False, True)}

    def take(self, *, history: bool) -> str:
        """Return ten digits that no running stream has. Raises Conflict where all are in use."""
        for _ in range(SERIALS):
            found = sdp.ssrc(self._platform, self._next[history], history=history)
            self._next[history] = (self._next[history] + 1) % SERIALS
            if found not in self._used:
                self._used.add(found)
                return found
        raise Conflict("no_ports", "all stream numbers are in use")

    def free(self, ssrc: str) -> None:
        """Let it be given again."""
        self._used.discard(ssrc)


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer: ``host`` is where the device shall send to."""

    code: str
    platform: str
    ssrc: str
    host: str

    @property
    def subject(self) -> str:
        """Return the Subject header: who sends what to whom."""
        return f"{self.code}:{self.ssrc},{self.platform}:0"

    def describe(self, wanted: Wanted, access: Gb28181Access) -> Description:
        """Return the offer for what is wanted."""
        recorded = wanted.purpose is not Purpose.LIVE
        tcp = wanted.transport is not Transport.UDP
        sub = wanted.grade is Grade.SUB
        return Description(
            owner=self.code if recorded else self.platform,
            session=_SESSIONS[wanted.purpose],
            host=self.host,
            port=wanted.port,
            transport=sdp.TCP if tcp else sdp.UDP,
            payloads=tuple(sdp.VIDEO_MAPS),
            rtpmap=sdp.VIDEO_MAPS,
            direction=sdp.RECVONLY,
            setup=_SETUP.get(wanted.transport, ""),
            connection="new" if tcp else "",
            start=int(wanted.start.timestamp()) if recorded and wanted.start else 0,
            end=int(wanted.end.timestamp()) if recorded and wanted.end else 0,
            uri=f"{self.code}:0" if recorded else "",
            ssrc=self.ssrc,
            format="" if recorded else "v/////a///",
            stream_number=1 if sub and access.sub_stream == "streamnumber" else None,
            download_speed=wanted.speed if wanted.purpose is Purpose.DOWNLOAD else None,
            attributes=_SUB.get(access.sub_stream, ()) if sub else (),
        )


def agreed(call_id: str, body: bytes, offered: str) -> Agreed:
    """Return what a device answered; its own SSRC is adopted, ours stays where it names none.

    Raises Conflict where it describes no stream.
    """
    try:
        told = sdp.read(body)
    except WireError as error:
        raise Conflict("media_refused", error.reason) from error
    if not told.port:
        raise Conflict("media_refused", "the device opens no port for this stream")
    maps = {number: name.partition("/")[0].upper() for number, name in told.rtpmap.items()}
    named = {number: maps.get(number) or _NAMES.get(number, "") for number in told.payloads}
    ssrc = told.ssrc_number if told.ssrc_number is not None else int(offered)
    return Agreed(call_id, ssrc, told.host, told.port, {n: t for n, t in named.items() if t}, told.file_size)


_REFUSALS = {
    404: "not_found",
    408: "no_answer",
    480: "offline",
    486: "busy",
    488: "media_refused",
    415: "media_refused",
    503: "busy",
    600: "busy",
}


def refusal(status: int, purpose: Purpose) -> str:
    """Return why there is no picture, for the final status of an INVITE."""
    if status == 404 and purpose is not Purpose.LIVE:
        return "no_recording"
    return _REFUSALS.get(status) or ("device_error" if 500 <= status < 600 else "refused")
