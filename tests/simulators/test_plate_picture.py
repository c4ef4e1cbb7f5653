"""Drawn pictures: the same from the same seed, of the size and colours of real ones, plates that are plates."""

import io
from datetime import UTC, datetime
from random import Random

import pytest
from PIL import Image

from anju.domain.plates import contradictions, normalise
from anju.simulators.plate_picture import (
    HEIGHT,
    WIDTH,
    Number,
    Scene,
    draw_face,
    draw_plate,
    draw_scene,
    jpeg,
    random_body,
    random_number,
    told_apart,
)

AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)
SCENE = Scene(Number("川HA5Q68", "02", "5"), "4", AT, "51080200011190000001", seed=7)


def test_the_same_seed_draws_the_same_picture() -> None:
    assert jpeg(draw_scene(SCENE)) == jpeg(draw_scene(SCENE))
    assert jpeg(draw_face(3)) == jpeg(draw_face(3)) != jpeg(draw_face(4))


def test_pictures_are_as_large_as_those_of_cameras() -> None:
    scene, plate = jpeg(draw_scene(SCENE)), jpeg(draw_plate(SCENE.number))
    assert Image.open(io.BytesIO(scene)).size == (WIDTH, HEIGHT)
    assert 40_000 < len(scene) < 120_000
    assert 5_000 < len(plate) < 20_000


@pytest.mark.parametrize(
    ("number", "colour"),
    [
        (Number("川HA5Q68", "02", "5"), (24, 73, 160)),
        (Number("渝A1234挂", "15", "6"), (240, 180, 20)),
        (Number("川H1234警", "23", "2"), (240, 240, 240)),
        (Number("川A12345F", "51", "9"), (240, 180, 20)),
    ],
)
def test_plates_have_the_colour_of_their_kind(number: Number, colour: tuple[int, int, int]) -> None:
    assert draw_plate(number).getpixel((30, 12)) == colour


def test_a_thousand_random_plates_are_of_a_kind_and_agree_with_class_and_colour() -> None:
    chance = Random(1)
    for _ in range(1_000):
        number = random_number(chance)
        found = normalise(number.text)
        assert (found.plate, found.flags) == (number.text, ())
        assert contradictions(found.kind, number.plate_class, number.color) == ()
        assert random_body(chance)


def test_a_note_makes_another_file_of_the_same_picture() -> None:
    picture = jpeg(draw_plate(SCENE.number))
    other = told_apart(picture, b"second 7")
    assert other != picture
    assert Image.open(io.BytesIO(other)).tobytes() == Image.open(io.BytesIO(picture)).tobytes()
    with pytest.raises(ValueError, match="no JPEG"):
        told_apart(b"PNG", b"")
