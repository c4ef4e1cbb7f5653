"""Number plates by GA 36: normal form, kind, what a reading lacks, what it may have been meant to be.

A reading is never repaired: what does not fit is flagged, look-alikes are suggested and weighed, the text received
stays with the record.
Source: 5.2.2.1 (plate, type, colour), 4.2.2 (uniform cleaning); GA 36-2018, GA 24.7 (classes), GA/T 1400.3 (colours).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O do not occur
UNKNOWN = "-"  # a character the reader could not read
LONGEST = 15  # characters of a plate that is kept and searched

NO_PLATE, FORMAT, PARTIAL, COLOUR_WORD = "no_plate", "plate_format", "plate_partial", "plate_colour_word"
ODD_COLOUR, ODD_CLASS = "plate_colour", "plate_class"

_TOKENS = {
    "p": PROVINCES,
    "l": LETTERS,
    "s": f"{LETTERS}0-9",
    "d": "0-9",
    "n": "A-HJK",
    "a": "A-Z",
    "x": "0-9A-Z",
}
_FORMS = {
    "small_new_energy": ("plnsdddd",),
    "large_new_energy": ("pldddddn",),
    "police": ("plssss警",),
    "trailer": ("plssss挂",),
    "learner": ("plssss学",),
    "test": ("plssss试",),
    "hong_kong": ("粤Zssss港",),
    "macau": ("粤Zssss澳",),
    "embassy": ("使dddddd", "dddddd使"),
    "consulate": ("plssss领", "领dddddd"),
    "emergency": ("plssss应急",),
    "aviation": ("民航sssss",),
    "armed_police": ("WJpddddx", "WJddddx"),
    "ordinary": ("plsssss",),
    "military": ("aaddddd",),
    "local": ("ddddd", "dddddd", "ddddddd", "dddddddd"),
}
_COLOURS = {
    "ordinary": {"1", "5", "6"},
    "small_new_energy": {"9"},
    "large_new_energy": {"9", "6"},  # yellow-green has no code of its own
    "police": {"2"},
    "armed_police": {"2"},
    "military": {"2"},
    "emergency": {"2"},
    "trailer": {"6"},
    "learner": {"6"},
    "hong_kong": {"1"},
    "macau": {"1"},
    "embassy": {"1"},
    "consulate": {"1"},
    "aviation": {"9"},
}
_CLASSES = {
    "small_new_energy": {"52"},
    "large_new_energy": {"51"},
    "police": {"23", "24"},
    "trailer": {"15"},
    "learner": {"16", "17"},
    "test": {"18", "19"},
    "hong_kong": {"26"},
    "macau": {"27"},
    "embassy": {"03", "09"},
    "consulate": {"04", "10"},
    "armed_police": {"31"},
    "military": {"32"},
}
_CLASS_COLOURS = {"01": {"6"}, "02": {"5"}, "06": {"1"}, "51": {"9", "6"}, "52": {"9"}}
_ALL_CLASSES = frozenset(f"{number:02}" for number in (*range(1, 28), 31, 32, 51, 52))
_TAKEN = frozenset(each for known in _CLASSES.values() for each in known)
_OTHERS = {kind: _ALL_CLASSES - known for kind, known in _CLASSES.items()} | {"ordinary": _TAKEN}
_UNTOLD = frozenset({"", "0", "99"})
_NOTHING = re.compile(
    r"0*|[-*?]*|X{5,}|(?:无|未|没)(?:有|识别|知|检测|悬挂)?(?:车牌|号牌|牌)?(?:车|号)?|车牌|号牌|NONE|NULL|N/A|UNKNOWN|NOPLATE|UNLICENSED"
)
_SEPARATORS = re.compile(r"[\s·•・.．_‧∙⋅]+")
_HYPHENS = re.compile(rf"^([{PROVINCES}蓝黄白黑绿WJ]+){UNKNOWN}?([A-Z]?){UNKNOWN}?")  # between province, letter, serial
_MARKS = str.maketrans("?*□", UNKNOWN * 3)
_COLOUR_WORDS = re.compile(r"(?:黄绿|蓝|黄|白|黑|绿)(?=.{6})|(?<=.{6})(?:黄绿|蓝|黄|白|黑|绿)$")
_KEPT = re.compile(rf"[0-9A-Z\u4e00-\u9fff{UNKNOWN}]{{2,{LONGEST}}}")
_LOOK_ALIKE = ("0DQO", "8B", "2Z", "5S", "17TLI", "4A", "6G", "CG", "MNH", "VY", "UV", "川州", "晋普")
_CHEAP = 0.3
_SUGGESTED = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True)
class Plate:
    """A reading in normal form. ``plate`` is None where there is none, or none that can be kept.

    ``kind`` is a key of the forms (``ordinary``, ``small_new_energy`` …), ``temporary``, or nothing where no form
    fits. ``flags`` are ``no_plate``, ``plate_format``, ``plate_partial``, ``plate_colour_word``.
    """

    plate: str | None
    kind: str = ""
    flags: tuple[str, ...] = ()


def _pattern(forms: tuple[str, ...], *, partial: bool) -> re.Pattern[str]:
    gap = UNKNOWN if partial else ""
    letters = {token: f"[{those}{gap}]" for token, those in _TOKENS.items()}
    return re.compile("|".join("".join(letters.get(c, c) for c in form) for form in forms))


_WHOLE = {kind: _pattern(forms, partial=False) for kind, forms in _FORMS.items()}
_PARTIAL = {kind: _pattern(forms, partial=True) for kind, forms in _FORMS.items()}


@lru_cache(maxsize=16_384)
def normalise(text: str) -> Plate:
    """Return the plate that ``text`` of a reader means.

    Source: 5.2.2.1; GA 36-2018 (forms), GA/T 1400.3 (无车牌, unread characters as ``-``).
    """
    found = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text[:64]).upper()).translate(_MARKS)
    if _NOTHING.fullmatch(found):
        return Plate(None, flags=(NO_PLATE,))
    for candidate, flags in _readings(found):
        if kind := _kind(candidate, _WHOLE):
            return Plate(candidate, kind, flags)
    return _unfit(found)


def _readings(found: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what the text may mean: as it stands, without hyphens in front, without the word of a colour around."""
    plain = _HYPHENS.sub(r"\1\2", found)
    bare = _COLOUR_WORDS.sub("", plain, count=1)
    return [(found, ()), (plain, ()), *([(bare, (COLOUR_WORD,))] if bare != plain else [])]


def _unfit(found: str) -> Plate:
    if "临" in found and len(found) <= LONGEST:
        return Plate(found, "temporary")
    if UNKNOWN in found and _KEPT.fullmatch(found):
        return Plate(found, _kind(found, _PARTIAL), (PARTIAL,))
    return Plate(found if _KEPT.fullmatch(found) else None, flags=(FORMAT,))


def _kind(found: str, forms: dict[str, re.Pattern[str]]) -> str:
    return next((kind for kind, form in forms.items() if form.fullmatch(found)), "")


def contradictions(kind: str, plate_class: str, plate_color: str) -> tuple[str, ...]:
    """Return the flags of what a plate's kind, its class (GA 24.7) and its colour (ColorType) say against each other.

    Source: 8-g (accurate).
    """
    odd_class = plate_class in _OTHERS.get(kind, ())
    colours = [each for each in (_COLOURS.get(kind), _CLASS_COLOURS.get(plate_class)) if each]
    odd_colour = plate_color not in _UNTOLD and any(plate_color not in each for each in colours)
    return (*((ODD_COLOUR,) if odd_colour else ()), *((ODD_CLASS,) if odd_class else ()))


def suggested(plate: str) -> str | None:
    """Return the plate that ``plate`` becomes with its O and I read as 0 and 1, if that fits a form; else None."""
    found = plate[:2] + plate[2:].translate(_SUGGESTED)
    return found if found != plate and _kind(found, _WHOLE) else None


def distance(one: str, other: str) -> float:
    """Return how far apart two plates are: an edit costs 1, between look-alikes 0.3, over an unread character 0.1."""
    row = [float(each) for each in range(len(other) + 1)]
    for letter in one:
        swaps = [before + _swap(letter, each) for before, each in zip(row, other, strict=False)]
        after = [row[0] + 1]
        for (_, above), swapped in zip(pairwise(row), swaps, strict=True):
            after.append(min(after[-1] + 1, above + 1, swapped))
        row = after
    return row[-1]


def _swap(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if UNKNOWN in {one, other}:
        return 0.1
    return _CHEAP if any(one in group and other in group for group in _LOOK_ALIKE) else 1.0


def shown(plate: str) -> str:
    """Return ``plate`` as it is written on the vehicle: ``川H·A5Q68``."""
    return f"{plate[:2]}·{plate[2:]}" if re.match(rf"[{PROVINCES}][A-Z].", plate) else plate


def masked(plate: str) -> str:
    """Return ``plate`` for those who may not read it: ``川H***68``."""
    hidden = len(plate) - 4
    return plate[:2] + "*" * hidden + plate[-2:] if hidden > 0 else "*" * len(plate)
