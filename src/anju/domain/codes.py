"""Identities: ids we generate, the 20-digit codes of GB/T 28181 and GA/T 1400, and the segments they are given from.

Codes are text: they never become numbers, and leading zeros count.
Source: 4.3 (data items conform to GA/T 1400.3 and .4); GB/T 28181 annex on codes.
"""

import re
import secrets
from dataclasses import dataclass

from anju.errors import Conflict, Invalid

COMMUNITY_INDUSTRY = "01"  # 社会治安社区接入
DEFAULT_NETWORK = "8"  # 社会资源接入网
SERIALS = 1_000_000

_CODE = re.compile(
    r"(?P<centre>[1-8][0-9]{7})(?P<industry>[0-9]{2})(?P<type>[1-9][0-9]{2})(?P<network>[0-9])(?P<serial>[0-9]{6})"
)
_PREFIX = re.compile(r"[1-8][0-9]{7}[0-9]{2}[1-9][0-9]{2}[0-9]")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Code:
    """A 20-digit code taken apart: 中心编码 8, 行业 2, 类型 3, 网络标识 1, 序号 6."""

    centre: str
    industry: str
    type: str
    network: str
    serial: str

    @property
    def prefix(self) -> str:
        """Return the 14 digits in front of the serial."""
        return self.centre + self.industry + self.type + self.network

    def __str__(self) -> str:
        return self.prefix + self.serial


@dataclass(frozen=True, slots=True)
class Segment:
    """Serials ``first``..``last`` of a 14-digit prefix, given to ``node``; ``used`` of them were handed out."""

    prefix: str
    first: int
    last: int
    node: str
    used: int = 0

    @property
    def left(self) -> int:
        """Return how many serials are still free."""
        return self.last - self.first + 1 - self.used

    def holds(self, code: Code) -> bool:
        """Return whether ``code`` lies inside."""
        return code.prefix == self.prefix and self.first <= int(code.serial) <= self.last

    def overlaps(self, other: "Segment") -> bool:
        """Return whether a code could lie in both."""
        return self.prefix == other.prefix and self.first <= other.last and other.first <= self.last


def new_id(kind: str) -> str:
    """Return a fresh id: the letter of its kind (``p``, ``d``, ``u``) and 60 random bits in base 32."""
    return kind + "".join(secrets.choice(_BASE32) for _ in range(12))


def read_code(text: str) -> Code:
    """Return the parts of a 20-digit code. Raises Invalid for anything else.

    Source: 4.3 (device identities of GA/T 1400 and GB/T 28181).
    """
    found = _CODE.fullmatch(text)
    if found is None:
        raise Invalid("bad_code", "a code has 20 digits: centre 8, industry 2, type 3, network 1, serial 6")
    return Code(**found.groupdict())


def prefix(county: str, type_code: str, *, industry: str = COMMUNITY_INDUSTRY, network: str = DEFAULT_NETWORK) -> str:
    """Return the 14 digits for things of ``type_code`` in the six-digit ``county``. Raises Invalid."""
    found = f"{county}00{industry}{type_code}{network}"
    return check_prefix(found)


def check_prefix(text: str) -> str:
    """Return ``text`` if it can stand in front of serials. Raises Invalid."""
    if _PREFIX.fullmatch(text) is None:
        raise Invalid("bad_prefix", "a prefix has 14 digits: centre 8, industry 2, type 3, network 1")
    return text


def check_segment(segment: Segment, others: list[Segment]) -> None:
    """Raise Invalid where ``segment`` is no range of serials, Conflict where a node has some of them already."""
    check_prefix(segment.prefix)
    if not 0 <= segment.first <= segment.last < SERIALS:
        raise Invalid("bad_segment", "a segment runs from a first to a last serial between 0 and 999999")
    for each in others:
        if each.overlaps(segment):
            raise Conflict("segment_taken", f"{each.node} has {each.first:06}..{each.last:06} of this prefix already")


def code_at(segment: Segment, number: int) -> str:
    """Return the ``number``-th code of ``segment``, counted from 0."""
    return f"{segment.prefix}{segment.first + number:06}"
