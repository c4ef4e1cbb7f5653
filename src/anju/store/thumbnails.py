"""Small pictures for lists: made from the original on first use, kept encrypted beside it, never instead of it.

They are encrypted with the key of their picture: whoever erases it erases them too.
Source: 5.2.2.1 (pictures of passages shown in lists), 6.3.2.
"""

import asyncio
import os
import shutil
from io import BytesIO
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anju.errors import Invalid
from anju.store.blobs import Blobs, Found
from anju.store.segments import NONCE_BYTES, SUFFIX

EDGE = 320  # pixels of the longer side
MOST_PIXELS = 50_000_000  # a picture that says it has more is not opened
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")
AT_ONCE = 2


def shrink(data: bytes) -> bytes:
    """Return ``data`` as a JPEG of at most EDGE pixels, without what the camera wrote into it.

    Raises Invalid where it is no picture, or one too large to be opened safely.
    """
    from PIL import Image  # not every process shows pictures

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Invalid("too_large", f"a picture of {image.width} × {image.height} points is not opened")
            image.draft("RGB", (EDGE, EDGE))
            image.thumbnail((EDGE, EDGE))
            small, out = image.convert("RGB"), BytesIO()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid("no_picture", f"these bytes are no picture that can be shown: {error}") from error
    small.info.clear()  # comments, profiles, Exif
    small.save(out, "JPEG", quality=80)
    return out.getvalue()


class Thumbnails:
    """The thumbnails of a node, in ``folder``, by segment."""

    def __init__(self, blobs: Blobs, folder: Path) -> None:
        self._blobs, self._folder = blobs, folder
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def of(self, found: Found) -> bytes:
        """Return the thumbnail of a picture, a JPEG. Raises what ``Blobs.open`` raises, and Invalid."""
        path, key = self._folder / folder_of(found.segment) / str(found.id), self._blobs.key_of(found)
        kept = await asyncio.to_thread(_read, path, found, key)
        if kept is not None:
            return kept
        async with self._turns:
            small = await asyncio.to_thread(shrink, await self._blobs.open(found))
            await asyncio.to_thread(_write, path, small, found, key)
        return small


def folder_of(segment: str) -> str:
    """Return the folder of the thumbnails of a segment, below that of all."""
    return segment.removesuffix(SUFFIX)


def drop(folder: Path, segment: str) -> None:
    """Remove the thumbnails of a whole segment."""
    shutil.rmtree(folder / folder_of(segment), ignore_errors=True)


def drop_one(folder: Path, segment: str, blob_id: UUID) -> None:
    """Remove one thumbnail, if there is one."""
    (folder / folder_of(segment) / str(blob_id)).unlink(missing_ok=True)


def _about(found: Found) -> bytes:
    return b"thumbnail" + found.id.bytes


def _read(path: Path, found: Found, key: bytes) -> bytes | None:
    """Return what is kept; anything unreadable is as good as nothing, for it can be made again."""
    try:
        data = path.read_bytes()
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _about(found))
    except (OSError, InvalidTag, ValueError):
        return None


def _write(path: Path, small: bytes, found: Found, key: bytes) -> None:
    nonce = os.urandom(NONCE_BYTES)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    part.write_bytes(nonce + AESGCM(key).encrypt(nonce, small, _about(found)))
    part.rename(path)
