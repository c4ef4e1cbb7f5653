"""Sealed segments in an S3 store: put there whole, read by range, proved by their hash before a file here may go.

What lies there is encrypted; the keys stay in the node.
Source: 4.2.3 (storage that grows beyond one machine).
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from anju.errors import Damaged, PicturesAway

CONNECT, ANSWER, RETRIES = timedelta(seconds=3), timedelta(seconds=60), 3
CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the store is and how to get in. ``prefix`` keeps nodes apart that share a bucket."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    prefix: str = ""


class Objects:
    """Segments in one bucket, by their names. Everything raises PicturesAway while the store does not answer."""

    def __init__(self, at: Bucket) -> None:
        self._store = S3Store(
            at.bucket,
            prefix=at.prefix or None,
            endpoint=at.endpoint,
            region=at.region,
            access_key_id=at.access_key,
            secret_access_key=at.secret_key,
            virtual_hosted_style_request=False,
            client_options={
                "connect_timeout": CONNECT,
                "timeout": ANSWER,
                "allow_http": at.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": ANSWER},
        )

    async def put(self, name: str, path: Path) -> None:
        """Copy the file ``path`` there, whole or not at all."""
        with _asking(name):
            await obstore.put_async(self._store, name, path, chunk_size=CHUNK, max_concurrency=2)

    async def range(self, name: str, offset: int, size: int) -> bytes:
        """Return ``size`` bytes at ``offset`` of segment ``name``. Raises Damaged where it is not there."""
        with _asking(name):
            return bytes(await obstore.get_range_async(self._store, name, start=offset, length=size))

    async def digest(self, name: str) -> tuple[int, bytes]:
        """Return size and SHA-256 of what lies there, all of it read. Raises Damaged where it is not there."""
        size, sha256 = 0, hashlib.sha256()
        async for piece in self._pieces(name):
            size += len(piece)
            sha256.update(piece)
        return size, sha256.digest()

    async def fetch(self, name: str, path: Path) -> None:
        """Write what lies there to the new file ``path``. Raises Damaged where it is not there, OSError."""
        with path.open("xb") as file:
            async for piece in self._pieces(name):
                file.write(piece)

    async def delete(self, name: str) -> None:
        """Remove a segment; one that is not there is removed already."""
        with _asking(name):
            await obstore.delete_async(self._store, name)

    async def _pieces(self, name: str) -> AsyncIterator[bytes]:
        with _asking(name):
            found = await obstore.get_async(self._store, name)
            async for piece in found.stream(min_chunk_size=CHUNK):
                yield bytes(piece)


@contextmanager
def _asking(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Damaged("missing", f"segment {name} is not in the object store") from error
    except BaseError as error:
        if " 416 " in str(error):
            raise Damaged("missing", f"segment {name} is cut short in the object store") from error
        reason = str(error).splitlines()[0][:200]
        raise PicturesAway(f"the object store does not answer for segment {name}: {reason}") from error
