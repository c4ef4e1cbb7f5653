"""What simulated cameras look at: the gate of a residential community, with people who walk and cars that pass.

The same frame number draws the same picture; after ``PERIOD`` frames all begins again without a seam. Nothing in it is
of a real person or vehicle. The top of the picture stays black: the clock is burnt in there.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import pi, sin

from PIL import Image, ImageDraw

WIDTH, HEIGHT, RATE = 1920, 1080, 25
PERIOD = 100  # frames: 4 s
_WORLD = (2880, 1620)
_GRAIN = 14  # how strong the noise of the sensor is
_TILE = 64  # how far the noise is moved about


class View(StrEnum):
    """Where a camera looks, after it was turned or zoomed."""

    HOME = "home"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    NEAR = "near"
    FAR = "far"


_BOXES = {
    View.HOME: (480, 270, 2400, 1350),
    View.LEFT: (0, 270, 1920, 1350),
    View.RIGHT: (960, 270, 2880, 1350),
    View.UP: (480, 0, 2400, 1080),
    View.DOWN: (480, 540, 2400, 1620),
    View.NEAR: (960, 540, 1920, 1080),
    View.FAR: (0, 0, 2880, 1620),
}


@dataclass(frozen=True, slots=True)
class _Car:
    y: int
    color: tuple[int, int, int]
    start: float  # share of its way at frame 0
    left: bool


@dataclass(frozen=True, slots=True)
class _Person:
    x: int
    y: int
    way: int  # how far it walks to and fro
    coat: tuple[int, int, int]
    phase: float


_CARS = (
    _Car(1130, (170, 30, 34), 0.0, left=False),
    _Car(1130, (225, 226, 228), 0.55, left=False),
    _Car(1270, (36, 66, 140), 0.25, left=True),
    _Car(1270, (240, 180, 20), 0.8, left=True),
)
_PEOPLE = (
    _Person(700, 930, 160, (60, 90, 60), 0.1),
    _Person(1250, 960, 220, (150, 60, 110), 0.4),
    _Person(1600, 900, 120, (40, 40, 90), 0.7),
    _Person(2150, 940, 200, (190, 140, 60), 0.9),
    _Person(300, 950, 180, (90, 90, 90), 0.3),
)


def picture(view: View, number: int) -> Image.Image:
    """Return frame ``number`` as the camera sees it in ``view``: 1920x1080, RGB."""
    left, top, right, bottom = _BOXES[view]
    image = _backdrop(view).copy()
    draw = ImageDraw.Draw(image)
    for car in _CARS:
        _draw_car(draw, car, number, left, top)
    for person in _PEOPLE:
        _draw_person(draw, person, number, left, top)
    if (right - left, bottom - top) != (WIDTH, HEIGHT):
        image = image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    return _grained(image, number)


def _draw_car(draw: ImageDraw.ImageDraw, car: _Car, number: int, left: int, top: int) -> None:
    span = _WORLD[0] + 400
    gone = (car.start + number / PERIOD) % 1 * span
    x = round(_WORLD[0] - gone if car.left else gone - 400) - left
    y = car.y - top
    dark = tuple(each // 2 for each in car.color)
    draw.rounded_rectangle((x, y, x + 360, y + 90), 24, fill=car.color)
    draw.polygon([(x + 60, y), (x + 110, y - 70), (x + 250, y - 70), (x + 310, y)], fill=dark)
    draw.polygon([(x + 80, y - 4), (x + 120, y - 60), (x + 172, y - 60), (x + 172, y - 4)], fill=(170, 200, 215))
    draw.polygon([(x + 186, y - 4), (x + 186, y - 60), (x + 242, y - 60), (x + 288, y - 4)], fill=(170, 200, 215))
    for wheel in (x + 80, x + 280):
        draw.ellipse((wheel - 34, y + 52, wheel + 34, y + 120), fill=(25, 25, 25))
        draw.ellipse((wheel - 14, y + 72, wheel + 14, y + 100), fill=(150, 150, 150))


def _draw_person(draw: ImageDraw.ImageDraw, person: _Person, number: int, left: int, top: int) -> None:
    turn = (number / PERIOD + person.phase) % 1
    x = round(person.x + person.way * sin(2 * pi * turn)) - left
    y, step = person.y - top, round(22 * sin(2 * pi * (number / 25 + person.phase)))
    draw.line([(x, y + 70), (x - step, y + 140)], fill=(35, 35, 45), width=16)
    draw.line([(x, y + 70), (x + step, y + 140)], fill=(35, 35, 45), width=16)
    draw.rounded_rectangle((x - 24, y, x + 24, y + 82), 14, fill=person.coat)
    draw.line([(x, y + 14), (x + step, y + 70)], fill=person.coat, width=12)
    draw.ellipse((x - 18, y - 42, x + 18, y - 4), fill=(224, 186, 160))


@cache
def _world() -> Image.Image:
    image = Image.new("RGB", _WORLD, (176, 200, 222))
    draw = ImageDraw.Draw(image)
    for number, x in enumerate(range(-60, _WORLD[0], 420)):
        _draw_building(draw, x, 190 + 60 * (number % 3), number)
    draw.rectangle((0, 900, _WORLD[0], 1060), fill=(150, 148, 140))  # pavement
    draw.rectangle((0, 1060, _WORLD[0], 1400), fill=(82, 84, 88))  # road
    for x in range(0, _WORLD[0], 240):
        draw.rectangle((x, 1222, x + 120, 1234), fill=(230, 230, 220))
    draw.rectangle((0, 1400, _WORLD[0], _WORLD[1]), fill=(92, 122, 70))  # lawn
    draw.rectangle((1320, 640, 1400, 1060), fill=(120, 80, 60))  # the gate: two posts and a beam
    draw.rectangle((1720, 640, 1800, 1060), fill=(120, 80, 60))
    draw.rectangle((1300, 600, 1820, 660), fill=(150, 40, 40))
    rough = Image.effect_noise((_WORLD[0] // 2, _WORLD[1] // 2), 60).resize(_WORLD)
    return Image.blend(image, Image.merge("RGB", [rough] * 3), 0.12)


def _draw_building(draw: ImageDraw.ImageDraw, x: int, top: int, number: int) -> None:
    wall = ((196, 182, 160), (178, 170, 172), (204, 196, 178), (170, 150, 132))[number % 4]
    draw.rectangle((x, top, x + 360, 900), fill=wall)
    for row in range(top + 40, 860, 90):
        for column in range(x + 30, x + 330, 80):
            lit = (row + column * 7 + number) % 5 == 0
            draw.rectangle((column, row, column + 44, row + 54), fill=(250, 226, 150) if lit else (90, 108, 126))


@cache
def _backdrop(view: View) -> Image.Image:
    return _world().crop(_BOXES[view])


@cache
def _noise() -> tuple[Image.Image, ...]:
    size = (WIDTH + _TILE, HEIGHT + _TILE)
    return tuple(Image.merge("RGB", [Image.effect_noise(size, 64)] * 3) for _ in range(2))


def _grained(image: Image.Image, number: int) -> Image.Image:
    x, y = number * 37 % _TILE, number * 23 % _TILE
    grain = _noise()[number % 2].crop((x, y, x + WIDTH, y + HEIGHT))
    return Image.blend(image, grain, _GRAIN / 255)
