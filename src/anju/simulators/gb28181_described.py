"""How a simulated device reads an offer and describes its own side of a stream.

Source: GB/T 28181-2016 annexes F, L; 5.4.1.
"""

from dataclasses import replace
from random import Random

from anju.protocols import sdp
from anju.protocols.sdp import Description
from anju.simulators.gb28181_habits import Habits
from anju.simulators.gb28181_line import TcpLine, UdpLine
from anju.simulators.gb28181_voice import PCMA

_SUB = {"streamprofile:1", "stream:1", "streammode:sub"}
_SETUP = {"passive": "active", "active": "passive"}


def wants_sub(offered: Description) -> bool:
    """Return whether the sub-stream is asked for, in any maker's way."""
    return offered.stream_number == 1 or any(each.lower() in _SUB for each in offered.attributes)


def line_for(offered: Description, host: str) -> UdpLine | TcpLine:
    """Return the way to whoever made the offer, from ``host`` of ours: the other side of its TCP role is ours."""
    if not offered.tcp:
        return UdpLine(host, offered.host, offered.port)
    return TcpLine(host) if offered.setup == "active" else TcpLine(host, offered.host, offered.port)


def described(offered: Description, habits: Habits, chance: Random, *, owner: str, host: str, port: int) -> Description:
    """Return the device's side: where its media comes from, and the number it carries."""
    audio = offered.media == "audio"
    number = f"{chance.randrange(10**9):010}" if habits.own_ssrc else offered.ssrc
    return replace(
        offered,
        owner=owner,
        host=host,
        port=port,
        payloads=(PCMA,) if audio else (96,),
        rtpmap={PCMA: "PCMA/8000"} if audio else {96: "PS/90000"},
        direction=sdp.SENDRECV if audio else sdp.SENDONLY,
        setup=_SETUP.get(offered.setup, "active") if offered.tcp else "",
        uri="",
        ssrc=number if habits.tells_ssrc else "",
        format="v/////a/1/8/1" if audio else "",
        stream_number=None,
        download_speed=None,
        attributes=(),
    )
