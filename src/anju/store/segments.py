"""Segment files: encrypted pictures one behind the other, each behind a header that tells what it is and where it ends.

A segment belongs to one process start, one retention class and one day. Its writer locks it, only appends, and never
opens it again; whoever finds it unlocked may seal it. Keys are not in it: without the row that names a record, the
record is noise.
Source: 6.3.2 (personal data unreadable without rights), 5.2.2.1 (pictures belong to records).
"""

import errno
import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"AJB1"
_HEAD = struct.Struct(">4s16sI12sI")  # magic, blob, length of cipher, nonce, CRC-32 of cipher
_CRC = struct.Struct(">I")  # of the header before it
HEAD_BYTES = _HEAD.size + _CRC.size
TAG_BYTES, KEY_BYTES, NONCE_BYTES = 16, 32, 12
SUFFIX = ".seg"
PIECE = 4 * 1024 * 1024  # handed to the kernel at once: several times this much costs it several times as much a byte
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a walk finds it. ``offset`` is where its header begins, ``end`` where the next one does."""

    blob_id: UUID
    offset: int
    length: int  # bytes of the cipher, tag included
    nonce: bytes
    crc: int

    @property
    def end(self) -> int:
        """Return the offset behind it."""
        return self.offset + HEAD_BYTES + self.length


def span(clear_bytes: int) -> int:
    """Return how many bytes a picture of ``clear_bytes`` takes in a segment."""
    return HEAD_BYTES + clear_bytes + TAG_BYTES


def seal(blob_id: UUID, data: bytes, key: bytes, nonce: bytes) -> bytes:
    """Return one record: header and cipher. ``key`` is used for this blob alone."""
    record = bytearray(span(len(data)))
    seal_into(memoryview(record), blob_id, data, key, nonce)
    return bytes(record)


def seal_into(record: memoryview, blob_id: UUID, data: bytes, key: bytes, nonce: bytes) -> None:
    """Fill ``record``, ``span`` bytes long, like ``seal`` does."""
    cipher = record[HEAD_BYTES:]
    AESGCM(key).encrypt_into(nonce, data, blob_id.bytes, cipher)
    _HEAD.pack_into(record, 0, MAGIC, blob_id.bytes, len(cipher), nonce, zlib.crc32(cipher))
    _CRC.pack_into(record, _HEAD.size, zlib.crc32(record[: _HEAD.size]))


def unseal(record: bytes, blob_id: UUID, key: bytes) -> bytes:
    """Return the picture in clear. Raises ValueError that says what is wrong with ``record``."""
    head = read_head(record, 0)
    if head is None or head.blob_id != blob_id:
        raise ValueError("there is no header of this picture")
    if head.end != len(record):
        raise ValueError("it is cut short")
    try:
        return AESGCM(key).decrypt(head.nonce, record[HEAD_BYTES:], blob_id.bytes)
    except InvalidTag:
        raise ValueError("its bytes are not those written") from None


def read_head(data: bytes | mmap.mmap, offset: int) -> Record | None:
    """Return the record whose whole header stands at ``offset``, or None."""
    head = data[offset : offset + HEAD_BYTES]
    if len(head) < HEAD_BYTES or zlib.crc32(head[: _HEAD.size]) != _CRC.unpack_from(head, _HEAD.size)[0]:
        return None
    magic, blob, length, nonce, crc = _HEAD.unpack_from(head)
    return Record(UUID(bytes=blob), offset, length, nonce, crc) if magic == MAGIC else None


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of a segment that belong to no whole record: a tail cut short, or damage."""

    offset: int
    end: int
    reason: str


def walk(path: Path) -> Iterator[Record | Gap]:
    """Go through a segment without the database; what is not a whole, unchanged record comes as a Gap.

    Raises OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            offset = 0
            while offset < size:
                found = _look(data, offset, size)
                yield found
                offset = found.end


def _look(data: mmap.mmap, offset: int, size: int) -> Record | Gap:
    record = read_head(data, offset)
    if record is None:
        return Gap(offset, _next_head(data, offset + 1, size), "no record begins here")
    if record.end > size:
        return Gap(offset, _next_head(data, offset + 1, size), "a record is cut short")
    with memoryview(data) as view:
        whole = zlib.crc32(view[offset + HEAD_BYTES : record.end]) == record.crc
    return record if whole else Gap(offset, record.end, f"picture {record.blob_id} is damaged")


def _next_head(data: mmap.mmap, start: int, size: int) -> int:
    while (start := data.find(MAGIC, start)) >= 0:
        if read_head(data, start) is not None:
            return start
        start += 1
    return size


class SegmentWriter:
    """One segment being written. Not for several threads at once."""

    def __init__(self, name: str, file: int) -> None:
        self.name = name
        self.size = 0  # bytes that are on disk and count
        self.broken = False  # nothing more may be appended
        self._file = file

    @classmethod
    def create(cls, folder: Path, name: str) -> "SegmentWriter":
        """Make the file ``folder``/``name`` and lock it for this process's life. Raises OSError.

        The lock is taken before the file gets its name, so that nobody ever sees it without.
        """
        path = folder / name
        _make_folders(folder, path.parent)
        fresh = path.with_suffix(".new")
        file = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.rename(path)
            sync_folder(path.parent)
        except OSError:
            os.close(file)
            raise
        return cls(name, file)

    def append(self, data: bytes | memoryview) -> None:
        """Write ``data`` and return when it is on disk. Raises OSError; then nothing of it counts."""
        try:
            done = 0
            while done < len(data):  # a disk that fills up takes a part first
                done += os.write(self._file, data[done : done + PIECE])
            os.fdatasync(self._file)
        except OSError as error:
            self.broken = error.errno not in FULL  # after a failed sync nobody knows what the disk holds
            self._cut_back()
            raise
        self.size += len(data)

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self.broken = True

    def close(self) -> None:
        """Let go of the file; from now on it may be sealed."""
        os.close(self._file)


def _make_folders(root: Path, folder: Path) -> None:
    """Make ``folder`` and those above it up to ``root``, each for its owner only and named on disk."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folders(root, folder.parent)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Return when the names in ``folder`` are on disk. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def is_being_written(path: Path) -> bool:
    """Return whether a living process holds the segment at ``path``. Raises OSError where there is none."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
