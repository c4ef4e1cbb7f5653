"""Words of the cascade: platforms above that we register at as a device, and what of us each of them sees.

Each upper sees a tree of its own: our platform, a business group (业务分组, 215) for each 小区, virtual organisations
(虚拟组织, 216) for the places in it, and cameras. A camera keeps its code where that is unique, else it gets ours.
Source: GB/T 28181-2016 9.1, annexes D, N (cascade of platforms); 4.2.1, 5.4.3.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from anju.domain.devices import Words
from anju.domain.video import ChannelState, Grade, Purpose, Transport
from anju.errors import Invalid

GROUP, ORGANISATION, CAMERA = "215", "216", "132"
SERIALS = 1_000_000
DIRECTORIES_MOST, CHANNELS_MOST = 20_000, 100_000
CHARSETS = ("GB2312", "GB18030", "UTF-8")
_CODE = re.compile(r"[0-9]{20}")


class UpperState(StrEnum):
    """How we stand at a platform above."""

    OFF = "off"  # switched off here
    CONNECTING = "connecting"
    ONLINE = "online"
    AWAY = "away"


UPPER_WORDS: Mapping[str, Words] = {
    "off": Words("已停用", "switched off"),
    "starting": Words("正在注册", "registering"),
    "registered": Words("已注册，心跳正常", "registered, and its answers to keepalives arrive"),
    "silent": Words("上级平台无应答：请检查地址、端口和网络", "nobody answers: check its address, port and network"),
    "wrong_password": Words(
        "上级平台不接受用户名或密码", "the platform above does not accept the user name or the password"
    ),
    "refused": Words(
        "上级平台拒绝注册：请核对本级编码和域", "the platform above refuses: check our code and its domain"
    ),
    "keepalive_refused": Words("上级平台不认识本级，正在重新注册", "the platform above forgot us: registering again"),
    "keepalive_silent": Words("心跳无应答，正在重新注册", "keepalives are not answered: registering again"),
    "unreadable_password": Words(
        "无法解开保存的密码，请重新填写", "the kept password cannot be opened: enter it once more"
    ),
}
"""Why we stand so, by a stable code."""


@dataclass(frozen=True, slots=True)
class Upper:
    """One platform above. ``code`` is its 20-digit code, ``own_code`` ours as it knows us.

    ``mode``: ``places`` shares every camera under ``places`` (none: all), ``chosen`` those chosen one by one.
    ``alarm_level``: alarms of this level and more urgent ones are pushed, 0 none. ``ptz``, ``playback``: its rights.
    """

    id: str
    name: str
    code: str
    domain: str
    host: str
    own_code: str
    port: int = 5060
    transport: str = "udp"
    username: str = ""
    charset: str = "GB2312"
    gb_version: str = "2.0"
    expires_s: int = 3_600
    keepalive_s: int = 60
    keepalive_missed: int = 3
    enabled: bool = True
    ptz: bool = False
    playback: bool = False
    alarm_level: int = 2
    mode: str = "chosen"
    places: tuple[str, ...] = ()
    version: int = 1
    state: UpperState = UpperState.CONNECTING
    reason: str = "starting"
    state_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A camera that may be shared, as it stands here. ``path`` are the places from the 小区 (or the region) down."""

    channel_id: str
    code: str
    name: str
    state: ChannelState
    path: tuple[str, ...]
    place_path: str
    ptz_type: str = ""
    longitude: float | None = None
    latitude: float | None = None
    civil_code: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    device_id: str = ""
    device_code: str = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """A node of the tree an upper sees. ``place_id`` names the place it was made for, '' where somebody drew it."""

    code: str
    parent: str
    name: str
    place_id: str = ""

    @property
    def is_group(self) -> bool:
        """Return whether it is a business group; the others are virtual organisations."""
        return type_of(self.code) == GROUP


@dataclass(frozen=True, slots=True)
class Shared:
    """A camera as an upper sees it: under ``code`` in ``directory``, '' directly under our platform."""

    camera: Standing
    code: str
    directory: str = ""

    @property
    def online(self) -> bool:
        """Return whether its picture can be had."""
        return self.camera.state is ChannelState.ONLINE


@dataclass(frozen=True, slots=True)
class Tree:
    """What one upper sees of us."""

    directories: tuple[Directory, ...] = ()
    cameras: tuple[Shared, ...] = ()

    def camera(self, code: str) -> Shared | None:
        """Return the camera of that code."""
        return next((each for each in self.cameras if each.code == code), None)

    def groups(self) -> dict[str, str]:
        """Return the business group that each directory lies in, itself where it is one."""
        found = dict[str, str]()
        for each in self.directories:  # parents come before children
            group = each.code if each.is_group else found.get(each.parent, "")
            if group:
                found[each.code] = group
        return found

    def under(self, code: str) -> "Tree":
        """Return what lies under ``code`` of a directory, itself included, or the one camera of that code."""
        wanted = {code}
        for each in self.directories:  # parents come before children
            if each.parent in wanted:
                wanted.add(each.code)
        inside = tuple(each for each in self.directories if each.code in wanted)
        return Tree(inside, tuple(each for each in self.cameras if {each.code, each.directory} & wanted))


def type_of(code: str) -> str:
    """Return the three digits that tell what a 20-digit code names."""
    return code[10:13] if _CODE.fullmatch(code) else ""


def check_platform(code: str) -> str:
    """Return ``code`` if it can be a platform's. Raises Invalid."""
    if not _CODE.fullmatch(code):
        raise Invalid("bad_code", "a platform's code has 20 digits")
    return code


class Numbers:
    """Gives out codes in our own domain that nothing in the tree has yet."""

    def __init__(self, own_code: str, taken: Iterable[str]) -> None:
        self._own, self._taken, self._next = own_code, set(taken), dict[str, int]()

    def take(self, kind: str) -> str:
        """Return a fresh code of type ``kind``. Raises Invalid where a million are taken."""
        for serial in range(self._next.get(kind, 1), SERIALS):
            code = f"{self._own[:10]}{kind}{self._own[13]}{serial:06}"
            if code not in self._taken:
                self._taken.add(code)
                self._next[kind] = serial + 1
                return code
        raise Invalid("no_codes", "all codes of this kind are taken")


def by_places(
    cameras: Sequence[Standing], known: Mapping[str, Directory], names: Mapping[str, str], numbers: Numbers, root: str
) -> Tree:
    """Return the tree of ``cameras`` by place; ``known`` directories, by place, keep their codes.

    The first place of a camera's path becomes a business group under ``root``, those below it organisations.
    """
    made = dict[str, Directory]()
    shared = list[Shared]()
    for camera in cameras:
        parent = root
        for depth, place in enumerate(camera.path):
            if place not in made:
                code = known[place].code if place in known else numbers.take(GROUP if depth == 0 else ORGANISATION)
                made[place] = Directory(code, parent, names.get(place, place), place)
            parent = made[place].code
        shared.append(Shared(camera, camera.code, parent if camera.path else ""))
    return Tree(tuple(made.values()), tuple(shared))


def numbered(tree: Tree, mapped: Mapping[str, str], numbers: Numbers) -> Tree:
    """Return ``tree`` with a code for each camera that is its alone; ``mapped`` ones, by channel, keep theirs."""
    seen, cameras = {each.code for each in tree.directories}, list[Shared]()
    for each in tree.cameras:
        code = mapped.get(each.camera.channel_id) or each.camera.code
        if code in seen or not _CODE.fullmatch(code):
            code = numbers.take(CAMERA)
        seen.add(code)
        cameras.append(replace(each, code=code))
    return Tree(tree.directories, tuple(cameras))


def check_directories(drawn: Sequence[Directory], root: str) -> tuple[Directory, ...]:
    """Return directories, parents before children. Raises Invalid for unknown parents, loops and repeated codes."""
    left, ready, placed = {each.code: each for each in drawn}, list[Directory](), {root}
    if len(left) != len(drawn) or any(type_of(each.code) not in {GROUP, ORGANISATION} for each in drawn):
        raise Invalid("bad_directories", "each directory needs a code of its own, of type 215 or 216")
    while left:
        next_ones = [each for each in left.values() if each.parent in placed]
        if not next_ones:
            raise Invalid("bad_directories", "every directory lies under our platform or under another one")
        ready += next_ones
        placed |= {each.code for each in next_ones}
        for each in next_ones:
            del left[each.code]
    return tuple(ready)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that changed in what an upper sees: ADD, DEL, UPDATE, ON or OFF."""

    event: str
    code: str


def turns(before: Tree, after: Tree) -> list[Turn]:
    """Return what to tell an upper that saw ``before``: what is gone, then what is new or other, then on and off."""
    old_places = {each.code: each for each in before.directories}
    new_places = {each.code: each for each in after.directories}
    old, new = ({each.code: each for each in tree.cameras} for tree in (before, after))
    told = [Turn("DEL", code) for code in old.keys() - new.keys()]
    told += [Turn("DEL", code) for code in reversed(old_places) if code not in new_places]
    told += [Turn("ADD", code) for code in new_places if code not in old_places]
    told += [Turn("UPDATE", code) for code in new_places if code in old_places and new_places[code] != old_places[code]]
    told += [Turn("ADD", code) for code in new if code not in old]
    for code in (each for each in new if each in old):
        if _described(new[code]) != _described(old[code]):
            told.append(Turn("UPDATE", code))
        elif new[code].online is not old[code].online:
            told.append(Turn("ON" if new[code].online else "OFF", code))
    return told


def _described(shared: Shared) -> tuple[object, ...]:
    camera = shared.camera
    where = (shared.directory, camera.longitude, camera.latitude, camera.civil_code)
    return (camera.name, camera.ptz_type, camera.channel_id, *where)


@dataclass(frozen=True, slots=True)
class Relay:
    """One copy of a stream for a platform above, asked of the media plane.

    It is sent as PS in RTP of ``payload`` and ``ssrc`` to ``host`` and ``port``. ``transport`` as seen from here:
    TCP_PASSIVE: they connect to us; TCP_ACTIVE: we connect to them. ``start`` and ``end`` bound a recording.
    """

    channel_id: str
    purpose: Purpose
    grade: Grade
    transport: Transport
    host: str
    port: int
    ssrc: int
    payload: int = 96
    start: datetime | None = None
    end: datetime | None = None
    speed: int = 1


@dataclass(frozen=True, slots=True)
class Relaying:
    """A copy that is being sent: from ``host`` and ``port``, or listening there. ``size`` of a download in bytes."""

    id: str
    host: str
    port: int
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A span of time of which there is a recording. ``size`` in bytes, None where unknown."""

    start: datetime
    end: datetime
    kind: str = "time"
    size: int | None = None
