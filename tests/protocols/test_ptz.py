"""PTZCmd by the worked examples of GB/T 28181."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols.ptz import (
    Aux,
    Cruise,
    CruiseAct,
    Instruction,
    Lens,
    Move,
    PresetAct,
    PresetOrder,
    Scan,
    ScanAct,
    decode,
    encode,
)

EXAMPLES: list[tuple[str, Instruction]] = [
    ("A50F0100000000B5", Move()),
    ("A50F010180000036", Move(pan=0x80)),
    ("A50F010280000037", Move(pan=-0x80)),
    ("A50F01080080003D", Move(tilt=0x80)),
    ("A50F010400800039", Move(tilt=-0x80)),
    ("A50F010A4060005F", Move(pan=-0x40, tilt=0x60)),
    ("A50F011000008045", Move(zoom=8)),
    ("A50F012000008055", Move(zoom=-8)),
    ("A50F011250004057", Move(pan=-0x50, zoom=4)),
    ("A50F01480020001D", Lens(iris=-0x20)),
    ("A50F014400200019", Lens(iris=0x20)),
    ("A50F014230000027", Lens(focus=-0x30)),
    ("A50F014130000026", Lens(focus=0x30)),
    ("A50F0140000000F5", Lens()),
    ("A50F018100030039", PresetOrder(PresetAct.SET, 3)),
    ("A50F01820003003A", PresetOrder(PresetAct.CALL, 3)),
    ("A50F01830003003B", PresetOrder(PresetAct.DELETE, 3)),
    ("A50F01840103003D", Cruise(CruiseAct.ADD, 1, 3)),
    ("A50F01850103003E", Cruise(CruiseAct.REMOVE, 1, 3)),
    ("A50F01850100003B", Cruise(CruiseAct.REMOVE, 1)),
    ("A50F0186016400A0", Cruise(CruiseAct.SPEED, 1, 0x064)),
    ("A50F0187012C1079", Cruise(CruiseAct.DWELL, 1, 300)),
    ("A50F01880100003E", Cruise(CruiseAct.START, 1)),
    ("A50F01890100003F", Scan(ScanAct.START, 1)),
    ("A50F018901010040", Scan(ScanAct.LEFT, 1)),
    ("A50F018901020041", Scan(ScanAct.RIGHT, 1)),
    ("A50F018A01400080", Scan(ScanAct.SPEED, 1, 0x40)),
    ("A50F018C01000042", Aux(1, on=True)),
    ("A50F018D01000043", Aux(1, on=False)),
]
BYTE, WIDE = st.integers(0, 255), st.integers(0, 4095)
INSTRUCTIONS = st.one_of(
    st.builds(Move, st.integers(-255, 255), st.integers(-255, 255), st.integers(-15, 15)),
    st.builds(Lens, st.integers(-255, 255), st.integers(-255, 255)),
    st.builds(PresetOrder, st.sampled_from(PresetAct), st.integers(1, 255)),
    st.builds(Cruise, st.sampled_from([CruiseAct.ADD, CruiseAct.REMOVE, CruiseAct.START]), BYTE, BYTE),
    st.builds(Cruise, st.sampled_from([CruiseAct.SPEED, CruiseAct.DWELL]), BYTE, WIDE),
    st.builds(Scan, st.just(ScanAct.SPEED), BYTE, WIDE),
    st.builds(Aux, BYTE, on=st.booleans()),
)


@pytest.mark.parametrize(("digits", "instruction"), EXAMPLES)
def test_the_worked_examples_are_written(digits: str, instruction: Instruction) -> None:
    assert encode(instruction) == digits


@pytest.mark.parametrize(("digits", "instruction"), EXAMPLES)
def test_the_worked_examples_are_read(digits: str, instruction: Instruction) -> None:
    assert decode(digits.lower()) == instruction


@given(INSTRUCTIONS, WIDE)
def test_what_is_written_reads_back(instruction: Instruction, address: int) -> None:
    assert decode(encode(instruction, address)) == instruction


@given(st.text(max_size=20) | st.binary(min_size=8, max_size=8).map(bytes.hex))
def test_any_digits_are_an_instruction_or_an_error(digits: str) -> None:
    try:
        found = decode(digits)
    except WireError:
        return
    assert decode(encode(found)) == found


def test_directions_without_speed_mean_the_slowest() -> None:
    assert decode("A50F0110000000C5") == Move(zoom=1)


@pytest.mark.parametrize(
    "digits",
    [
        "A50F0103808000B8",  # left and right at once
        "A50F010180000037",  # wrong sum
        "A50F01018000",  # too short
        "A60F010180000037",  # wrong first byte
        "A50F018200000037",  # preset 0
        "",
    ],
)
def test_bad_frames_are_errors(digits: str) -> None:
    with pytest.raises(WireError):
        decode(digits)


@pytest.mark.parametrize(
    "instruction", [Move(pan=256), Move(zoom=16), PresetOrder(PresetAct.CALL, 0), Aux(256, on=True)]
)
def test_numbers_out_of_range_are_never_sent(instruction: Instruction) -> None:
    with pytest.raises(ValueError, match="out of range"):
        encode(instruction)
