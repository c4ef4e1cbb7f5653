"""PresetQuery (预置位查询): the positions a camera has kept, in answers of several messages.

Source: GB/T 28181-2016 A.2.4.8, A.2.6.9; 5.4.1 (control of cameras).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from anju.protocols.manscdp import Message, Root, answer, message
from anju.protocols.manscdp_text import LONGEST, read_whole
from anju.protocols.manscdp_xml import element, leaf


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset of a camera, 1 to 255 as a rule."""

    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class PresetPage:
    """One message of an answer; ``total`` is None without a sum: then it is the only one."""

    items: tuple[Preset, ...]
    total: int | None = None


def preset_query(sn: int, device_id: str) -> Message:
    """Return the question for presets."""
    return message(Root.QUERY, "PresetQuery", sn, device_id)


def preset_answer(asked: Message, items: Iterable[Preset], total: int | None = None) -> Message:
    """Return one message of the answer; ``total`` is told where there are several."""
    inside = [element("Item", element("PresetID", each.number), element("PresetName", each.name)) for each in items]
    return answer(asked, leaf("SumNum", total), element("PresetList", *inside, Num=len(inside)))


def read_presets(told: Message) -> PresetPage:
    """Return the presets of one message; what has no number is left out."""
    items = [each.values() for several in told.element.all("PresetList") for each in several.all("Item")][:1_000]
    found = [Preset(read_whole(each.get("presetid", "")), each.get("presetname", "")[:LONGEST]) for each in items]
    total = told.element.value("SumNum")
    return PresetPage(tuple(each for each in found if each.number > 0), read_whole(total) if total else None)
