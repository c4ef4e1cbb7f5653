"""Thumbnails are small, safe to make, and as secret as their picture."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from anju.errors import Erased, Invalid
from anju.security.blob_keys import BlobKeys
from anju.store import thumbnails
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database
from anju.store.thumbnails import Thumbnails, shrink
from tests.conftest import FrozenClock


def drawn(width: int, height: int, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, (width, height), 1).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "1"), ("BMP", "RGB")]
)
def test_a_picture_becomes_a_small_jpeg(kind: str, mode: str) -> None:
    with Image.open(BytesIO(shrink(drawn(1600, 800, kind, mode)))) as small:
        assert (small.format, small.size) == ("JPEG", (320, 160))


def test_what_the_camera_wrote_into_it_is_left_out() -> None:
    out, exif = BytesIO(), Image.Exif()
    exif[0x010E] = "张三 13812345678"
    Image.new("RGB", (640, 480)).save(out, "JPEG", exif=exif, comment=b"13812345678")
    assert b"13812345678" in out.getvalue()
    assert b"13812345678" not in shrink(out.getvalue())


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    with pytest.raises(Invalid, match="not opened"):
        shrink(drawn(10_000, 6_000, "PNG", "1"))
    with pytest.raises(Invalid):
        shrink(drawn(30_000, 30_000, "PNG", "1"))


@pytest.mark.parametrize("data", [b"", b"no picture", drawn(640, 480)[:400], b"%PDF-1.4", b"<svg/>"])
def test_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        shrink(data)


@pytest_asyncio.fixture(loop_scope="session")
async def blobs(db: Database, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Blobs]:
    store = Blobs(db, tmp_path / "blobs", BlobKeys(tmp_path / "keys"), clock=clock)
    yield store
    await store.close()


async def test_it_is_kept_encrypted_and_made_again_where_it_is_spoilt(
    db: Database, blobs: Blobs, tmp_path: Path, clock: FrozenClock
) -> None:
    stored = await blobs.write([NewBlob("site", drawn(640, 480), "image/jpeg")])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, clock.now)
    small = Thumbnails(blobs, tmp_path / "small")
    found = await blobs.find(stored[0].id)
    first = await small.of(found)
    (kept,) = [each for each in (tmp_path / "small").rglob("*") if each.is_file()]
    assert b"JFIF" not in kept.read_bytes()
    (blobs.folder / found.segment).rename(tmp_path / "away")
    assert await small.of(found) == first
    (tmp_path / "away").rename(blobs.folder / found.segment)
    kept.write_bytes(b"spoilt")
    assert await small.of(found) == first
    thumbnails.drop(tmp_path / "small", found.segment)
    assert not kept.exists()


async def test_it_goes_with_the_key(db: Database, blobs: Blobs, tmp_path: Path, clock: FrozenClock) -> None:
    stored = await blobs.write([NewBlob("site", drawn(640, 480), "image/jpeg")])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, clock.now)
    await Thumbnails(blobs, tmp_path / "small").of(await blobs.find(stored[0].id))
    await db.execute("UPDATE blob SET key = NULL, erased_at = now()")
    with pytest.raises(Erased):
        await blobs.find(stored[0].id)
