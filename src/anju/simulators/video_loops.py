"""Loops of pictures for simulated cameras: coded once, kept in a folder, played by as many cameras as wanted.

What is coded while a camera plays is the small bar with the clock, once for all cameras that show the same second.
"""

import asyncio
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from anju.protocols import nal
from anju.protocols.frames import Codec
from anju.protocols.viid_ids import BEIJING
from anju.simulators.video_coder import GROUP, SHAPES, Shape, code_clock, code_group
from anju.simulators.video_scene import PERIOD, RATE, View, picture
from anju.simulators.video_stamp import stamp

GROUP_S = GROUP / RATE
_DRAWN = 2  # counts changes of scene and coder, so that no older loop is played
_START = b"\0\0\0\1"
_SIZE = struct.Struct("!I")
_CLOCKS = 256  # bars that are kept


@dataclass(frozen=True, slots=True)
class Still:
    """One coded picture with a hole for its uppermost slice: parameter sets before it, the other slices behind it."""

    key: bool
    head: bytes
    rest: bytes


@dataclass(frozen=True, slots=True)
class Loop:
    """Groups of pictures that repeat. Each group begins with a key picture and stands alone."""

    shape: Shape
    stills: tuple[Still, ...]

    def unit(self, number: int, top: bytes, unix_ms: int) -> bytes:
        """Return picture ``number`` (of ever so many) in Annex B with ``top`` as its clock, sent at ``unix_ms``."""
        still = self.stills[number % len(self.stills)]
        said = stamp(self.shape.codec, unix_ms)
        return b"".join((still.head, _START, said, _START, top, still.rest))

    @property
    def bytes_a_second(self) -> int:
        """Return about how many bytes a second of it has."""
        held = sum(len(each.head) + len(each.rest) for each in self.stills)
        return held * RATE // len(self.stills)


class Loops:
    """The loops in ``folder``. What is missing is drawn and coded when it is first asked for, which takes seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loops = dict[tuple[Codec, str, View], Loop]()
        self._coming = dict[tuple[Codec, str, View], asyncio.Task[Loop]]()
        self._making = threading.Lock()
        self._clocks = OrderedDict[tuple[Shape, int], asyncio.Task[tuple[bytes, ...]]]()

    async def loop(self, codec: Codec, grade: str, view: View = View.HOME) -> Loop:
        """Return the loop; ``grade`` is main or sub. Who asks for one that is being made waits for it."""
        wanted = (codec, grade, view)
        if known := self._loops.get(wanted):
            return known
        if wanted not in self._coming:
            task = self._coming[wanted] = asyncio.ensure_future(asyncio.to_thread(self.prepared, *wanted))
            task.add_done_callback(lambda _: self._coming.pop(wanted, None))
        return await asyncio.shield(self._coming[wanted])

    def prepared(self, codec: Codec, grade: str, view: View = View.HOME) -> Loop:
        """Return the loop, made here and now where it is missing."""
        with self._making:
            if (codec, grade, view) not in self._loops:
                self._loops[codec, grade, view] = self._load(SHAPES[codec, grade], grade, view)
            return self._loops[codec, grade, view]

    async def clock(self, shape: Shape, second: int) -> tuple[bytes, ...]:
        """Return the bar of each picture of a group that begins in Unix second ``second``."""
        return await asyncio.shield(self.expect(shape, second))

    def expect(self, shape: Shape, second: int) -> "asyncio.Task[tuple[bytes, ...]]":
        """Have a bar made that will be asked for soon; it is made once, in a thread."""
        known = self._clocks.get((shape, second))
        if known is None:
            texts = tuple(_text(second + each) for each in range(round(GROUP_S)))
            known = self._clocks[shape, second] = asyncio.ensure_future(asyncio.to_thread(code_clock, shape, texts))
            while len(self._clocks) > _CLOCKS:
                self._clocks.popitem(last=False)
        return known

    def _load(self, shape: Shape, grade: str, view: View) -> Loop:
        path = self._folder / f"{shape.codec}-{grade}-{view}-{_DRAWN}.loop"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(path, _coded(shape, view))
        return Loop(shape, tuple(_stills(shape.codec, _read(path))))


def _coded(shape: Shape, view: View) -> list[list[bytes]]:
    groups = (range(start, start + GROUP) for start in range(0, PERIOD, GROUP))
    return [units for group in groups for units in code_group(shape, (picture(view, each) for each in group))]


def _write(path: Path, pictures: Sequence[Sequence[bytes]]) -> None:
    """Write all or nothing: others may read and write at the same time."""
    part = path.with_suffix(f".{os.getpid()}.part")
    whole = [_START + _START.join(units) for units in pictures]
    part.write_bytes(b"".join(_SIZE.pack(len(each)) + each for each in whole))
    part.replace(path)


def _read(path: Path) -> list[list[bytes]]:
    data, found, at = path.read_bytes(), list[list[bytes]](), 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size + size
        found.append(nal.split(data[at - size : at]))
    return found


def _stills(codec: Codec, pictures: Sequence[Sequence[bytes]]) -> list[Still]:
    found = list[Still]()
    for units in pictures:
        first = next(at for at, each in enumerate(units) if each[0] in nal.SLICE[codec])
        head, rest = ([_START + each for each in part] for part in (units[:first], units[first + 1 :]))
        found.append(Still(units[first][0] in nal.KEY[codec], b"".join(head), b"".join(rest)))
    return found


def _text(second: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=BEIJING) + timedelta(seconds=second, hours=8)
    return f"{at:%Y-%m-%d %H:%M:%S}"
