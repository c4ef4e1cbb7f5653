"""How simulated GB/T 28181 devices differ, as those in the field do, and what goes wrong, each by a switch."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from anju.protocols.frames import Codec


@dataclass(frozen=True, slots=True)
class Habits:
    """What a device does its own way for as long as it lives. The default is the standard's."""

    transport: Literal["udp", "tcp"] = "udp"  # of signalling
    charset: str = "GB2312"
    declares: str = ""  # a charset in the declaration that is not the one it writes
    version: str = ""  # X-GB-Ver
    codec: Codec = Codec.H264
    sub_codec: Codec = Codec.H264
    sound: bool = True
    stream_map: bool = True  # tells in PS what is what
    own_ssrc: bool = False  # answers with a number of its own
    tells_ssrc: bool = True
    to_tag_fatal: bool = False  # answers 481 where To of a new request has a tag
    sub_stream: bool = True
    tcp_media: bool = True
    most_streams: int = 16  # then it is busy
    items: int = 4  # of a catalog or a list of records in one message
    shuffled: bool = False
    sum_off: int = 0  # added to SumNum
    steers: bool = True  # obeys INFO in a playback
    tells_end: bool = True  # MediaStatus 121
    guard_first: bool = False  # tells alarms only after it was armed
    sets_clock: bool = True


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong; 0 is never. Shares are of packets, 1 as a switch is always, names in _s are seconds."""

    wrong_password: float = 0.0
    no_rtp: float = 0.0
    busy: float = 0.0
    refuses: float = 0.0
    silent: float = 0.0  # does not answer an INVITE
    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    keepalive_late_s: float = 0.0
    drops_after_s: float = 0.0  # ends a stream by BYE
    mute_after_s: float = 0.0  # stops sending without a word
    clock_off_s: float = 0.0

    def spoiled(self, packets: list[bytes], chance: Random) -> list[bytes]:
        """Return ``packets`` as a bad line delivers them."""
        if not (self.loss or self.reorder or self.duplicate):
            return packets
        found = [each for each in packets if chance.random() >= self.loss]
        for at in range(len(found) - 1):
            if chance.random() < self.reorder:
                found[at], found[at + 1] = found[at + 1], found[at]
        return [each for packet in found for each in [packet] * (1 + (chance.random() < self.duplicate))]


HABITS = {
    "book": Habits(),
    "2022": Habits(version="3.0", charset="GB18030", codec=Codec.H265),
    "h265": Habits(codec=Codec.H265, sub_codec=Codec.H265),
    "own_ssrc": Habits(own_ssrc=True),
    "no_ssrc": Habits(tells_ssrc=False, own_ssrc=True),
    "no_map": Habits(stream_map=False, sound=False),
    "utf8": Habits(charset="UTF-8", declares="GB2312"),
    "one_by_one": Habits(items=1, shuffled=True, sum_off=3),
    "to_tag": Habits(to_tag_fatal=True),
    "no_steering": Habits(steers=False, tells_end=False),
    "udp_only": Habits(tcp_media=False),
    "guard_first": Habits(guard_first=True),
    "tcp": Habits(transport="tcp"),
}
"""Habits by name; ``book`` is the standard's."""
