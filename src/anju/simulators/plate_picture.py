"""Pictures as plate and face cameras take them: a drawn lane with a car, its plate by GA 36, a time; a drawn face.

Everything comes from a seed: the same seed draws the same picture. Nothing in it is of a real person or vehicle.
Source: 5.2.2.1 (passing with pictures), GA 36-2018 (colours and layout of plates), GB/T 28181 practice (time overlay).
"""

import io
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from anju.simulators.plate_glyphs import GLYPHS, SIDE

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
WIDTH, HEIGHT = 1280, 720
_BEIJING = timezone(timedelta(hours=8))
_SIZE = (440, 140)  # millimetres, one point each; new-energy plates are 480 wide
_INK = {"5": "white", "6": "black", "2": "black", "1": "white", "9": "black"}
_GROUND = {"5": (24, 73, 160), "6": (240, 180, 20), "2": (240, 240, 240), "1": (20, 20, 20), "9": (40, 160, 90)}
_BODY = {
    "1": (28, 28, 30),
    "2": (225, 226, 228),
    "3": (140, 143, 147),
    "4": (170, 30, 34),
    "5": (36, 66, 140),
    "8": (98, 66, 42),
    "9": (38, 96, 62),
}
_SOI = b"\xff\xd8"


@dataclass(frozen=True, slots=True)
class Number:
    """A number plate: its text, its PlateClass by GA 24.7 and its ColorType."""

    text: str
    plate_class: str
    color: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What the camera looks at. ``body`` is the ColorType of the car, ``at`` what the camera's clock burns in."""

    number: Number
    body: str
    at: datetime
    where: str
    seed: int = 0
    night: bool = False


def random_number(chance: Random, *, home: str = "川H") -> Number:
    """Return a plate as they come by: most blue and of ``home``, some new-energy, few of other kinds."""
    kind = chance.random()
    place = home if chance.random() < 0.8 else chance.choice(PROVINCES) + chance.choice(LETTERS)
    if kind < 0.66:
        return Number(place + _serial(chance, 5), "02", "5")
    if kind < 0.86:
        return Number(f"{place}{chance.choice('DFAG')}{_serial(chance, 1)}{chance.randrange(10_000):04}", "52", "9")
    if kind < 0.90:
        return Number(f"{place}{chance.randrange(100_000):05}{chance.choice('DF')}", "51", "9")
    if kind < 0.96:
        return Number(place + _serial(chance, 5), "01", "6")
    ending, plate_class, color = chance.choice((("警", "23", "2"), ("挂", "15", "6"), ("学", "16", "6")))
    return Number(place + _serial(chance, 4) + ending, plate_class, color)


def _serial(chance: Random, size: int) -> str:
    found = [chance.choice("0123456789") for _ in range(size)]
    for place in chance.sample(range(size), k=min(size, chance.choice((0, 1, 1, 2)))):
        found[place] = chance.choice(LETTERS)
    return "".join(found)


def random_body(chance: Random) -> str:
    """Return the ColorType of a car as they come by."""
    return chance.choice("122233345589")


def draw_plate(number: Number) -> Image.Image:
    """Return the plate alone, one point a millimetre."""
    size = (480, 140) if len(number.text) == 8 else _SIZE
    image = _ground(number, size)
    pen, ink = ImageDraw.Draw(image), _INK[number.color]
    pen.rounded_rectangle((4, 4, size[0] - 5, size[1] - 5), 10, outline=ink, width=3)
    step = (size[0] - 46) / len(number.text)
    for place, letter in enumerate(number.text):
        colour = "#c01818" if letter in "警学" else ink
        left = 15 + place * step + (14 if place > 1 else 0)
        _put(image, letter, (round(left), 25, round(left + step - 8), 115), colour)
    pen.ellipse((15 + 2 * step, 66, 23 + 2 * step, 74), fill=ink)
    return image


def _ground(number: Number, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, _GROUND[number.color])
    if number.color == "9":  # new-energy: white running into green; large ones yellow in front
        fade = Image.linear_gradient("L").resize(size)
        image = Image.composite(image, Image.new("RGB", size, "white"), fade)
        if number.plate_class == "51":
            image.paste(_GROUND["6"], (0, 0, 120, size[1]))
    return image


def _put(image: Image.Image, letter: str, box: tuple[int, int, int, int], colour: str) -> None:
    mask = _letter(letter).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.LANCZOS)
    image.paste(colour, box, mask)


@lru_cache(maxsize=128)
def _letter(letter: str) -> Image.Image:
    """Return one character, white on black, filling its box."""
    if letter in GLYPHS:
        found = Image.frombytes("1", (SIDE, SIDE), bytes.fromhex(GLYPHS[letter])).convert("L")
    else:
        found = Image.new("L", (120, 120))
        ImageDraw.Draw(found).text((60, 60), letter, fill=255, font=_font(96), anchor="mm", stroke_width=3)
    left, top, right, bottom = found.getbbox() or (0, 0, 1, 1)
    spare = max(0, (bottom - top) * 11 // 20 - (right - left)) // 2  # a 1 stays slender
    return found.crop((left - spare, top, right + spare, bottom))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def draw_scene(scene: Scene) -> Image.Image:
    """Return the whole view: lane, car, plate, and the camera's words above."""
    chance = Random(scene.seed)  # noqa: S311 - a dice, no secret
    image = _lane(scene.night).copy()
    left, top = 330 + chance.randrange(-60, 60), 250 + chance.randrange(-20, 30)
    _car(ImageDraw.Draw(image), left, top, _BODY[scene.body])
    plate = draw_plate(scene.number)
    plate = plate.resize((plate.width // 2, plate.height // 2), Image.Resampling.LANCZOS)
    image.paste(plate, (left + 310 - plate.width // 2, top + 255))
    _burn_in(image, scene)
    return image


def _car(pen: ImageDraw.ImageDraw, left: int, top: int, colour: tuple[int, int, int]) -> None:
    """Draw a car from in front, 620 points wide."""
    dark = tuple(each * 2 // 3 for each in colour)
    pen.ellipse((left + 10, top + 320, left + 610, top + 400), fill=(30, 30, 32))
    pen.polygon([(left + x, top + y) for x, y in ((120, 0), (500, 0), (570, 130), (50, 130))], fill=dark)
    pen.polygon([(left + x, top + y) for x, y in ((142, 16), (478, 16), (530, 120), (90, 120))], fill=(54, 66, 78))
    pen.rounded_rectangle((left, top + 120, left + 620, top + 340), 46, fill=colour)
    pen.rounded_rectangle((left + 180, top + 180, left + 440, top + 235), 12, fill=(24, 24, 26))
    for side in (left + 40, left + 470):
        pen.ellipse((side, top + 165, side + 110, top + 225), fill=(250, 248, 228), outline=dark, width=4)
    for side in (left + 40, left + 500):
        pen.rounded_rectangle((side, top + 320, side + 80, top + 385), 16, fill=(18, 18, 18))


@lru_cache(maxsize=2)
def _lane(night: bool) -> Image.Image:  # noqa: FBT001 - the key of a cache
    """Return the lane without a car; the noise of a sensor makes its JPEG as large as a camera's."""
    sky, road = ((18, 22, 34), (44, 44, 48)) if night else ((176, 196, 214), (112, 112, 116))
    image = Image.new("RGB", (WIDTH, HEIGHT), road)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, 190), fill=sky)
    for number in range(6):
        pen.rectangle((number * 230, 40, number * 230 + 150, 190), fill=tuple(each * 3 // 4 for each in sky))
    pen.line((180, HEIGHT, 420, 190), fill="white", width=10)
    pen.line((1100, HEIGHT, 860, 190), fill="white", width=10)
    return _noisy(image, Random(1), 0.05)  # noqa: S311 - a dice, no secret


def _noisy(image: Image.Image, chance: Random, share: float) -> Image.Image:
    noise = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
    return Image.blend(image, noise.convert("RGB"), share)


def _burn_in(image: Image.Image, scene: Scene) -> None:
    pen, local = ImageDraw.Draw(image), scene.at.astimezone(_BEIJING)
    told = f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03}  {scene.where}"
    pen.rectangle((0, 0, WIDTH, 38), fill="black")
    pen.text((12, 6), told, fill="white", font=_font(24))
    for place, letter in enumerate(scene.number.text):
        _put(image, letter, (1060 + place * 24, 6, 1080 + place * 24, 32), "white")


def draw_face(seed: int, *, size: int = 200) -> Image.Image:
    """Return a drawn face that no one has."""
    chance = Random(seed)  # noqa: S311 - a dice, no secret
    skin = chance.choice(((236, 200, 172), (222, 184, 150), (198, 156, 120)))
    image = Image.new("RGB", (size, size), tuple(chance.randrange(90, 200) for _ in range(3)))
    pen, unit = ImageDraw.Draw(image), size / 100
    wide = chance.uniform(26, 32)
    pen.ellipse(
        [each * unit for each in (50 - wide - 3, 8, 50 + wide + 3, 62)],
        fill=chance.choice(((22, 18, 16), (70, 50, 34))),
    )
    pen.ellipse([each * unit for each in (50 - wide, 16, 50 + wide, 92)], fill=skin)
    for side in (38, 62):
        pen.ellipse([each * unit for each in (side - 5, 46, side + 5, 51)], fill="white")
        pen.ellipse([each * unit for each in (side - 2, 46, side + 2, 51)], fill=(30, 20, 14))
    pen.line([each * unit for each in (50, 52, 48, 66, 52, 66)], fill=tuple(each - 40 for each in skin), width=2)
    pen.arc([each * unit for each in (38, 62, 62, 80)], 20, 160, fill=(150, 60, 60), width=3)
    return _noisy(image, chance, 0.06)


def jpeg(image: Image.Image, *, quality: int = 80) -> bytes:
    """Return ``image`` as a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def told_apart(picture: bytes, note: bytes) -> bytes:
    """Return the same JPEG with ``note`` (at most 65,000 bytes) as its comment: another file that looks the same."""
    if not picture.startswith(_SOI):
        raise ValueError("no JPEG")
    return _SOI + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + picture[2:]
