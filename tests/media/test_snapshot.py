"""A picture out of a key frame; a decoder that breaks breaks nothing else."""

import io
from collections.abc import Iterator

import av
import pytest
from PIL import Image

from anju.media.snapshot import Decoder
from anju.media.streams import NoPicture


def film() -> bytes:
    """Return one red picture as MP4."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (320, 180), (200, 20, 20)))  # type: ignore[no-untyped-call]
        container.mux([*stream.encode(frame), *stream.encode()])
    return out.getvalue()


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    made = Decoder()
    yield made
    made.close()


async def test_a_key_frame_becomes_a_picture(decoder: Decoder) -> None:
    image = Image.open(io.BytesIO(await decoder.jpeg(film())))
    red, green, _ = image.convert("RGB").getpixel((160, 90))  # type: ignore[misc]
    assert (image.format, image.size, red > 150, green < 80) == ("JPEG", (320, 180), True, True)


@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, film()[:400]])
async def test_what_is_no_picture_is_said_so_and_the_next_comes(decoder: Decoder, data: bytes) -> None:
    with pytest.raises(NoPicture) as reason:
        await decoder.jpeg(data)
    assert reason.value.code == "no_video"
    assert (await decoder.jpeg(film())).startswith(b"\xff\xd8")
