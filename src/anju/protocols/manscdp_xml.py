"""XML as GB/T 28181 peers write it, text <-> elements: read strictly, else mended; document types are refused.

No document type, no entity but XML's own five, nothing is ever fetched; length, depth and number of elements are
bounded. What a strict reader refuses is read again by a forgiving one, which drops no more than what is broken.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from anju.errors import WireError

LARGEST = 1 << 20  # characters of one body
DEEPEST = 16
MOST = 100_000  # elements of one body
LONGEST = 4_096  # characters of one element's text that are kept

_DECLARATION = re.compile(r"<\?xml[^>]{0,200}\?>", re.IGNORECASE)
_FORBIDDEN = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TOKEN = re.compile(
    r"<!--[^<>]{0,500}-->|<!\[CDATA\[(?P<raw>.{0,500}?)\]\]>|<\?[^<>]{0,500}\?>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z_][\w.:-]{0,63})(?P<rest>(?:[\s/][^<>]{0,500})?)>",
    re.DOTALL | re.ASCII,
)
_ATTRIBUTE = re.compile(r"([A-Za-z_][\w.:-]{0,63})\s*=\s*(?:\"([^\"]{0,500})\"|'([^']{0,500})')", re.ASCII)
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));", re.ASCII)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REPEATED = "item"  # what a body broken off in the middle keeps only whole ones of


@dataclass(slots=True)
class Element:
    """One element: its name as written, the text directly inside, what it holds. Names are asked for in any case."""

    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    attributes: Mapping[str, str] = field(default_factory=dict)

    def first(self, name: str) -> "Element | None":
        """Return the first child called ``name``, or None."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator["Element"]:
        """Return the children called ``name``, in order."""
        wanted = name.lower()
        return (each for each in self.children if each.name.lower() == wanted)

    def value(self, name: str) -> str:
        """Return the text of the first child called ``name`` that has some, trimmed; '' where there is none."""
        return next((text for each in self.all(name) if (text := each.text.strip())), "")

    def values(self) -> dict[str, str]:
        """Return the trimmed texts of the children by their names in lower case; of several the first with text."""
        found = dict[str, str]()
        for each in self.children:
            name, text = each.name.lower(), each.text.strip()
            if not found.get(name):
                found[name] = text
        return found


def element(name: str, *inside: Element | str | float | None, **attributes: object) -> Element:
    """Return an element that holds ``inside``: elements, or its text; None is left out."""
    text = "".join(str(each) for each in inside if isinstance(each, str | int | float))
    children = [each for each in inside if isinstance(each, Element)]
    return Element(name, text, children, {each: str(value) for each, value in attributes.items()})


def leaf(name: str, value: str | float | None) -> Element | None:
    """Return an element for ``value``, or None where there is nothing to tell."""
    return None if value is None or value == "" else element(name, value)


def print_xml(root: Element) -> str:
    """Return ``root`` with one line for each element, without a declaration; characters XML has not are dropped."""
    return "".join(_lines(root))


def parse_xml(text: str) -> tuple[Element, bool]:
    """Return the root of ``text`` and whether it had to be mended; the declaration counts for nothing.

    Raises WireError for a document type, for more than the bounds, and for what has no root even when mended.
    """
    if len(text) > LARGEST:
        raise WireError("body too long", data=text[:32].encode())
    text = text.lstrip("\ufeff \t\r\n")
    text = text[found.end() :] if (found := _DECLARATION.match(text)) else text
    if _FORBIDDEN.search(text):
        raise WireError("document type in a body", data=text[:32].encode("utf-8", "replace"))
    try:
        return _Strict().read(text), False
    except (expat.ExpatError, ValueError):
        return _Forgiving().read(_CONTROL.sub("", text)), True


class _Builder:
    """Grows a tree within the bounds."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > MOST or len(self.open) >= DEEPEST:
            raise WireError("too many elements or too deep", data=name.encode("utf-8", "replace"))
        found = Element(name, "", [], attributes)
        if self.open:
            self.open[-1].children.append(found)
        elif self.root is None:
            self.root = found
        self.open.append(found)

    def end(self, _: str = "") -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        """Add to the innermost text; blanks alone between elements are none."""
        if self.open and len(self.open[-1].text) < LONGEST and (self.open[-1].text or not text.isspace()):
            self.open[-1].text += text[:LONGEST]


class _Strict(_Builder):
    def read(self, text: str) -> Element:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = _no_document_type
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.data
        parser.Parse(text, True)
        if self.root is None:
            raise ValueError("no root")
        return self.root


class _Forgiving(_Builder):
    """Reads tags where they look like tags; everything else is text, stray marks included."""

    def read(self, text: str) -> Element:
        position = 0
        for token in _TOKEN.finditer(text):
            self.data(_plain(text[position : token.start()]))
            position = token.end()
            self._take(token)
            if self.root and not self.open:
                return self.root
        return self._broken_off()

    def _take(self, token: re.Match[str]) -> None:
        if token["raw"] is not None:
            self.data(token["raw"])
        elif token["close"]:
            self._close(token)
        elif token["name"]:
            named = {name: double or single for name, double, single in _ATTRIBUTE.findall(token["rest"])}
            self.start(token["name"], named)
            if token["rest"].rstrip().endswith("/"):
                self.end()

    def _close(self, token: re.Match[str]) -> None:
        """End the innermost element of that name; those open inside were never tags, and become text again."""
        wanted = token["name"].lower()
        depth = next((at for at in reversed(range(len(self.open))) if self.open[at].name.lower() == wanted), None)
        if depth is None:
            self.data(token[0])
            return
        while len(self.open) > depth + 1:
            stray = self.open.pop()
            parent = self.open[-1]
            parent.children[-1:] = stray.children
            parent.text += stray.text
        self.end()

    def _broken_off(self) -> Element:
        """Return what is whole of a body that ends too early: an item or value that was being written is dropped."""
        if self.root is None:
            raise WireError("no XML", data=b"")
        for parent, child in reversed(list(zip(self.open, self.open[1:], strict=False))):
            if child.name.lower() == _REPEATED or not child.children:
                parent.children.pop()
        return self.root


def _no_document_type(*_: object) -> None:
    raise WireError("document type in a body", data=b"")


def _plain(text: str) -> str:
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED[name]
    number = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(number) if number <= 0x10FFFF and not _CONTROL.match(chr(number)) else ""


def _lines(root: Element) -> Iterator[str]:
    head = "".join(f' {name}="{_escaped(value)}"' for name, value in root.attributes.items())
    if not root.children:
        yield f"<{root.name}{head}>{_escaped(root.text)}</{root.name}>\r\n"
        return
    yield f"<{root.name}{head}>{_escaped(root.text)}\r\n"
    for each in root.children:
        yield from _lines(each)
    yield f"</{root.name}>\r\n"


def _escaped(text: str) -> str:
    return escape(_CONTROL.sub("", text), {'"': "&quot;"})
