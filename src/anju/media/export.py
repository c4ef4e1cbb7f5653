"""Evidence: a span of a recording as plain MP4, its pictures bit by bit those that were recorded, with their hashes.

Where something lacks, or the camera changed, another file begins: no file bridges a gap. Nothing is coded anew and
nothing is drawn into the picture. ``sha256sum -c SHA256SUMS`` checks all that was exported.
Source: 4.2.1.2 (download), 5.4.1 (recordings), section 6.3.2 (what leaves is accounted for).
"""

import asyncio
import hashlib
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from anju.errors import Invalid, NotFound, Refused, WireError
from anju.media.library import Located
from anju.media.recording_file import SOUND_RATE
from anju.protocols import g711, mp4_plain
from anju.protocols.frames import CLOCK, Codec
from anju.protocols.mp4_boxes import Fragment, Init, fragments, read_init
from anju.protocols.mp4_plain import Table

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
SEAM_MS = 1_000
"""Files nearer than this are one clip: its last picture before the seam is shown so much longer."""
MOST_MS = 12 * 3_600_000
MARGIN = 64 * 1024 * 1024  # bytes that stay free
_CHUNK = 4 * 1024 * 1024
Told = Callable[[str, int, int], None]
"""Told the step, how much of it is done, and of how much (bytes)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is exported. ``about`` goes into the manifest as it is: camera, case, officers; ``more`` are more files."""

    channel_id: str
    start: datetime
    end: datetime
    about: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, bytes] = field(default_factory=dict)


class Clip(msgspec.Struct, frozen=True):
    """One exported file of pictures: when they begin and end by the platform's clock, and where they come from."""

    name: str
    start: datetime
    end: datetime
    codec: str
    width: int
    height: int
    pictures: int
    sources: list[str]
    pictures_sha256: str
    """Over all coded pictures, one after the other: the same as over those in the recording."""
    sound: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """What ``manifest.json`` says. ``gaps`` are what lacks of the span that was asked for."""

    channel_id: str
    start: datetime
    end: datetime
    made_at: datetime
    clips: list[Clip]
    gaps: list[tuple[datetime, datetime]]
    about: dict[str, Any]


@dataclass(slots=True)
class _Part:
    """What one recorded file gives: fragments from a key frame on."""

    located: Located
    init: Init
    found: list[Fragment]

    @property
    def start_ms(self) -> int:
        return self.located.file.start_ms + self.found[0].base_time * 1000 // CLOCK

    @property
    def end_ms(self) -> int:
        last = self.found[-1]
        return self.located.file.start_ms + (last.base_time + last.duration) * 1000 // CLOCK

    @property
    def bytes(self) -> int:
        return sum(sample.size for each in self.found for sample in each.samples)


async def export(files: Sequence[Located], asked: Asked, folder: Path, *, now: datetime, told: Told) -> Manifest:
    """Write ``asked`` out of ``files``, which hold it, into the new folder ``folder``; return its manifest.

    Whole groups of pictures are taken: the first begins at or before ``asked.start``. Cancelled or failed, nothing is
    left. Raises NotFound where nothing is recorded, Invalid for a span that is too long, Refused where the disk does
    not take it.
    """
    try:
        return await _export(files, asked, folder, now, told)
    except BaseException as error:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
        if isinstance(error, OSError):
            raise Refused("export_failed", f"the export failed: {error}") from error
        raise


async def _export(files: Sequence[Located], asked: Asked, folder: Path, now: datetime, told: Told) -> Manifest:
    bounds = _ms(asked.start), _ms(asked.end)
    if bounds[1] - bounds[0] > MOST_MS:
        raise Invalid("too_long", f"at most {MOST_MS // 3_600_000} hours are exported at once")
    looked = [await asyncio.to_thread(_part, each, *bounds) for each in files]
    parts = [each for each in looked if each is not None]
    if not parts:
        raise NotFound("no_recording", "nothing is recorded of that span")
    total = sum(each.bytes for each in parts)
    await asyncio.to_thread(_begin, folder, total)
    clips, done = [], 0
    for number, some in enumerate(_clips(parts), start=1):
        writer = _Writer(folder, number, some)
        for step in writer.steps():
            done += await asyncio.to_thread(step)
            told("copy", done, total)
        clips.append(await asyncio.to_thread(writer.finish))
    manifest = Manifest(
        asked.channel_id, asked.start, asked.end, now, clips, _gaps(clips, asked.start, asked.end), dict(asked.about)
    )
    await asyncio.to_thread(_close, folder, manifest, asked.more)
    return manifest


def _begin(folder: Path, total: int) -> None:
    free = shutil.disk_usage(folder.parent).free
    if free < total + MARGIN:
        raise Refused("no_space", f"{free // 2**20} MB are free and {(total + MARGIN) // 2**20} MB are needed")
    folder.mkdir(mode=0o700)


def _part(located: Located, since: int, until: int) -> _Part | None:
    """Return what a file holds of the span, from the key frame at or before it on; None where that is nothing."""
    try:
        with located.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size

            def read(offset: int, length: int) -> bytes:
                return os.pread(file.fileno(), length, offset)

            init = read_init(read, size)
            found = _inside(located, list(fragments(read, init.size, size)), since, until)
    except (FileNotFoundError, WireError):
        return None
    return _Part(located, init, found) if found else None


def _inside(located: Located, found: list[Fragment], since: int, until: int) -> list[Fragment]:
    def begins(each: Fragment) -> int:
        return located.file.start_ms + each.base_time * 1000 // CLOCK

    keys = [number for number, each in enumerate(found) if each.key and begins(each) <= since]
    first = keys[-1] if keys else 0
    taken = [each for each in found[first:] if begins(each) < until]
    return taken if taken and begins(taken[-1]) + taken[-1].duration * 1000 // CLOCK > since else []


def _clips(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield runs of parts that one file can hold."""
    run: list[_Part] = []
    for each in parts:
        if run and (each.start_ms - run[-1].end_ms > SEAM_MS or each.init.entry != run[-1].init.entry):
            yield run
            run = []
        run.append(each)
    yield run


class _Writer:
    """Writes one clip."""

    def __init__(self, folder: Path, number: int, parts: Sequence[_Part]) -> None:
        self._parts = parts
        self._path = folder / f"clip-{number}.mp4"
        self._sound = folder / f"clip-{number}.wav"
        self._table, self._hash = Table(), hashlib.sha256()

    def steps(self) -> Iterator[Callable[[], int]]:
        """Yield what is to be done, each in a thread; each returns the bytes it copied."""
        yield self._start
        for each in self._parts:
            yield partial(self._copy, each)

    def _start(self) -> int:
        before: _Part | None = None
        for part in self._parts:
            if before is not None:
                self._table.lengthen(max(0, part.start_ms - before.end_ms) * CLOCK // 1000)
            for each in part.found:
                self._table.add(each.samples)
            before = part
        first = self._parts[0]
        head = mp4_plain.head(first.init.track, first.init.entry, self._table, made_at=first.start_ms / 1000)
        self._path.write_bytes(head)
        return 0

    def _copy(self, part: _Part) -> int:
        copied = 0
        with part.located.path.open("rb") as source, self._path.open("ab") as target:
            for each in part.found:
                length = sum(sample.size for sample in each.samples)
                data = os.pread(source.fileno(), length, each.first)
                if len(data) != length:
                    raise OSError(f"{part.located.path} was cut short while it was read")
                self._hash.update(data)
                target.write(data)
                copied += length
            target.flush()
            os.fdatasync(target.fileno())
        return copied

    def finish(self) -> Clip:
        """Prove that the file holds the very pictures; write its sound; return what the manifest says of it."""
        if (kept := _tail_digest(self._path, self._table.bytes)) != self._hash.digest():
            raise OSError(f"{self._path} is not what was copied: {kept.hex()}")
        first, last = self._parts[0], self._parts[-1]
        track = first.init.track
        sound = self._sound.name if _write_sound(self._sound, self._parts) else ""
        return Clip(
            self._path.name,
            _at(first.start_ms),
            _at(last.end_ms),
            track.codec,
            track.width,
            track.height,
            len(self._table.sizes),
            [each.located.file.name for each in self._parts],
            self._hash.hexdigest(),
            sound,
        )


def _tail_digest(path: Path, size: int) -> bytes:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(-size, os.SEEK_END)
        while piece := file.read(_CHUNK):
            sha256.update(piece)
    return sha256.digest()


def _write_sound(path: Path, parts: Sequence[_Part]) -> bool:
    """Write the sound of ``parts`` as A-law WAV in step with the pictures; return whether there is any."""
    if not any(each.located.sound for each in parts):
        return False
    origin, written = parts[0].start_ms, 0
    with path.open("wb") as file:
        file.write(bytes(58))
        for each in parts:
            silence = (each.start_ms - origin) * SOUND_RATE - written
            data = g711.SILENCE * max(0, silence) + _sound_of(each)
            file.write(data)
            written += len(data)
        file.seek(0)
        file.write(_wav_head(written))
        file.flush()
        os.fdatasync(file.fileno())
    return True


def _sound_of(part: _Part) -> bytes:
    located, length = part.located, (part.end_ms - part.start_ms) * SOUND_RATE
    data = b""
    if located.sound is not None and located.sound.is_file():
        with located.sound.open("rb") as file:
            data = os.pread(file.fileno(), length, (part.start_ms - located.file.start_ms) * SOUND_RATE)
    if located.file.audio == Codec.G711U:
        data = g711.alaw_of_ulaw(data)
    return data + g711.SILENCE * (length - len(data))


def _wav_head(size: int) -> bytes:
    """Return the 58 bytes before A-law samples at 8 kHz."""
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, 8000, 8000, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, size)
    return struct.pack("<4sI4s", b"RIFF", 50 + size, b"WAVE") + form + fact + struct.pack("<4sI", b"data", size)


def _gaps(clips: Sequence[Clip], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return what lacks of a span, to the second."""
    found, at = [], start
    for each in clips:
        if (each.start - at).total_seconds() >= 1:
            found.append((at, each.start))
        at = max(at, each.end)
    if (end - at).total_seconds() >= 1:
        found.append((at, end))
    return found


def _close(folder: Path, manifest: Manifest, more: Mapping[str, bytes]) -> None:
    for name, data in more.items():
        if name in {SUMS, MANIFEST} or "/" in name or (folder / name).exists():
            raise ValueError(f"{name} cannot be beside an export")
        (folder / name).write_bytes(data)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / MANIFEST).write_bytes(text + b"\n")
    names = sorted(each.name for each in folder.iterdir())
    sums = "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(sums, encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def zip_up(folder: Path, target: Path) -> None:
    """Put an export into one file, uncompressed; its names are those in ``SHA256SUMS``. Blocks. Raises OSError."""
    fresh = target.with_name(target.name + ".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for each in sorted(folder.iterdir()):
            packed.write(each, each.name)
    fresh.rename(target)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
