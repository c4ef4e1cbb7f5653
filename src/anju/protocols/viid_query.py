"""Queries of GA/T 1400: conditions on attributes, pages, order, from the many ways senders write them.

Brackets, quotes and the object's name before the attribute may be missing, any part may be percent-encoded. What is
not understood is refused: a condition that is overlooked would answer with rows nobody asked for.
Source: 4.3 (interface conforms to GA/T 1400.4).
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_to_bytes

from anju.errors import ViidError
from anju.protocols.viid_ids import JSON_CONTENT
from anju.protocols.viid_kinds import KINDS, Kind
from anju.protocols.viid_members import Member, Unfit, instant, moment

PAGE, LARGEST_PAGE = 20, 500
_LONGEST, _MOST_CONDITIONS, _MOST_VALUES = 16_384, 32, 500
_FURTHEST = 10_000_000  # the last record a page may begin at
_CONDITION = re.compile(
    r"(?:(?P<prefix>\w{1,64})\.)?(?P<name>\w{1,64})\s*"
    r"(?:(?P<sign>>=|<=|!=|<>|==?|>|<)|\b(?P<word>like|in|between)\b)\s*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,;，；]")


class Operator(StrEnum):
    """How an attribute is compared. LIKE: the text occurs in it. IN: one of the values. BETWEEN: both ends count."""

    EQUAL = "="
    UNEQUAL = "!="
    GREATER = ">"
    LESS = "<"
    AT_LEAST = ">="
    AT_MOST = "<="
    LIKE = "like"
    IN = "in"
    BETWEEN = "between"


_SIGNS = {"==": Operator.EQUAL, "<>": Operator.UNEQUAL}
Value = str | int | float | bool | datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; ``attribute`` is spelt as in the standard, times are UTC. All operators but two have one value."""

    attribute: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """All conditions must hold. ``first`` counts from 1; ``ids`` are those of ``IDList``, empty without one."""

    conditions: tuple[Condition, ...] = ()
    first: int = 1
    count: int = PAGE
    sort: str = ""
    descending: bool = False
    ids: tuple[str, ...] = field(default=())


def parse_query(kind: str, query: str | bytes) -> Query:
    """Return what the part of a request target after ``?`` asks of the collection of ``kind``, a key of KINDS.

    Raises ViidError with code 8 for an unknown attribute or operator, a value of another type, or too much of anything.
    """
    raw = query.encode("utf-8", "replace") if isinstance(query, str) else query
    if len(raw) > _LONGEST:
        raise ViidError(JSON_CONTENT, "a query too long", data=raw[:64])
    parts = [text for each in raw.split(b"&") if (text := _bare(_decoded(each)))]
    if len(parts) > _MOST_CONDITIONS:
        raise ViidError(JSON_CONTENT, "too many conditions", data=raw[:64])
    return _Reader(KINDS[kind]).read(parts)


class _Reader:
    """Reads the parts of one query, one after the other."""

    def __init__(self, spec: Kind) -> None:
        self._spec = spec
        self._prefixes = {spec.item.lower(), spec.item.removesuffix("Object").lower()}
        self._conditions, self._page = list[Condition](), dict[str, Any]()

    def read(self, parts: list[str]) -> Query:
        for each in parts:
            self._part(each)
        return Query(tuple(self._conditions), **self._page)

    def _part(self, text: str) -> None:
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise _refused("no condition", text)
        name, value = found["name"], found["value"].strip()
        if not found["prefix"] and found["sign"] == "=" and (take := _PAGING.get(name.lower())):
            self._page |= take(self, value)
            return
        if found["prefix"] and found["prefix"].lower() not in self._prefixes:
            raise _refused("another object", text)
        attribute, sign = self._attribute(name), (found["sign"] or found["word"]).lower()
        operator = _SIGNS.get(sign) or Operator(sign)
        member = self._spec.table[attribute]
        self._conditions.append(Condition(attribute, operator, _values(operator, member, value, text)))

    def _attribute(self, name: str) -> str:
        found = self._spec.names.get(name.lower())
        if found is None or found not in self._spec.table:
            raise _refused("unknown attribute", name)
        return found

    def first(self, value: str) -> dict[str, Any]:
        return {"first": _counted(value, _FURTHEST)}

    def count(self, value: str) -> dict[str, Any]:
        return {"count": min(_counted(value, 2**31), LARGEST_PAGE)}

    def sort(self, value: str) -> dict[str, Any]:
        name, _, way = _unquoted(value).removeprefix("-").partition(" ")
        down = value.lstrip("'\"").startswith("-") or way.strip().lower().startswith("desc")
        name = name.rpartition(".")[2]
        return {"sort": self._attribute(name)} | ({"descending": True} if down else {})

    def order(self, value: str) -> dict[str, Any]:
        return {"descending": _unquoted(value).lower().startswith("desc")}

    def ids(self, value: str) -> dict[str, Any]:
        return {"ids": tuple(_listed(value))}


_PAGING = {
    "recordstartno": _Reader.first,
    "pagerecordnum": _Reader.count,
    "sort": _Reader.sort,
    "order": _Reader.order,
    "idlist": _Reader.ids,
}


def _values(operator: Operator, member: Member, value: str, text: str) -> tuple[Value, ...]:
    if operator is Operator.LIKE:
        return (_like(value, text),)
    if operator is Operator.IN:
        return tuple(_typed(member, each, text) for each in _listed(value))
    if operator is Operator.BETWEEN:
        ends = _listed(_AND.sub(",", value))
        if len(ends) != 2:
            raise _refused("between needs two values", text)
        return _typed(member, ends[0], text), _typed(member, ends[1], text)
    return (_typed(member, _unquoted(value), text),)


def _like(value: str, text: str) -> str:
    found = _unquoted(value).strip("%*")
    if not found or len(found) > 64:
        raise _refused("like needs a text", text)
    return found


def _typed(member: Member, value: str, text: str) -> Value:
    try:
        found = member.read(value, member.limit, _ignored)
    except Unfit as error:
        raise _refused(error.message, text) from error
    if member.read is moment:
        found = instant(found or "")
    if found is None:
        raise _refused("a value of another type", text)
    return found  # type: ignore[no-any-return]


def _listed(value: str) -> list[str]:
    inner = value[1:-1] if value[:1] + value[-1:] in {"()", "[]"} else value
    found = [text for each in _SEPARATOR.split(inner) if (text := _unquoted(each))]
    if not 1 <= len(found) <= _MOST_VALUES:
        raise _refused(f"not 1 to {_MOST_VALUES} values", value)
    return found


def _counted(value: str, most: int) -> int:
    digits = _unquoted(value)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and 1 <= int(digits) <= most):
        raise _refused("no number of records", value)
    return int(digits)


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1].strip() if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _decoded(part: bytes) -> str:
    plain = unquote_to_bytes(part.replace(b"+", b" "))
    for charset in ("utf-8", "gb18030"):
        try:
            return plain.decode(charset)
        except UnicodeDecodeError:
            continue
    raise ViidError(JSON_CONTENT, "neither UTF-8 nor GB 18030", data=part[:64])


def _bare(text: str) -> str:
    """Take off the brackets around a condition, also those that have no partner."""
    text = text.strip()
    while text.startswith("("):
        text = text[1:].lstrip()
    while text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1].rstrip()
    return text


def _refused(reason: str, text: str) -> ViidError:
    return ViidError(JSON_CONTENT, f"{reason}: {text[:64]}", data=text[:64].encode("utf-8", "replace"))


def _ignored(_flag: str) -> None:
    """Let a flag go: a query keeps nothing."""
