"""XML of the field: well-formed, mended, or refused within bounds."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols.manscdp_xml import DEEPEST, LARGEST, Element, element, parse_xml, print_xml

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
TREES = st.recursive(
    st.builds(Element, NAMES, TEXTS),
    lambda inside: st.builds(Element, NAMES, st.just(""), st.lists(inside, min_size=1, max_size=4)),
    max_leaves=12,
)


def one(text: str) -> Element:
    return parse_xml(text)[0]


def shape(found: Element) -> object:
    return found.name, found.text.strip(), [shape(each) for each in found.children]


@given(TREES)
def test_what_is_printed_reads_back(tree: Element) -> None:
    found, mended = parse_xml(print_xml(tree))
    assert shape(found) == shape(tree)
    assert not mended


def test_names_are_found_in_any_case_and_empty_ones_passed_over() -> None:
    found = one("<Notify><cmdType/><CmdTYPE>Alarm</CmdTYPE></Notify>")
    assert found.value("CmdType") == "Alarm"
    assert found.values() == {"cmdtype": "Alarm"}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<R><Address>东门 & 西门</Address></R>", "东门 & 西门"),
        ("<R><Address>a < b</Address></R>", "a < b"),
        ("<R><Address><<>>@#</Address></R>", "<<>>@#"),
        ("<R><Address>x\0\x01</Address></R>\0\0\0", "x"),
        ("<R><Address>x</Address></R>garbage<", "x"),
        ("<R><Address>a<b c</Address></R>", "a<b c"),
        ("<R><Address>a<b>c</Address></R>", "ac"),
        ("<R><Address>a &lt; b & c</Address></R>", "a < b & c"),
        ("garbage<R><Address>x</Address></R>", "x"),
        ("<R><Address>x</address></R>", "x"),
        ("<R></Name><Address>x</Address></R>", "x"),
        ("<R><Address>&#65;&#x42;&#0;&</Address></R>", "AB&"),
    ],
)
def test_broken_text_is_mended(text: str, address: str) -> None:
    found, mended = parse_xml(text)
    assert mended
    assert found.value("Address") == address


def test_the_declaration_counts_for_nothing() -> None:
    assert one('<?xml version="1.0" encoding="EBCDIC"?>\n<R><A>门</A></R>').value("A") == "门"
    assert one('\ufeff \r\n<?xml version="1.0"?><R><A>门</A></R>').value("A") == "门"


def test_a_body_broken_off_keeps_what_is_whole() -> None:
    items = "<Item><DeviceID>1</DeviceID></Item><Item><DeviceID>2</DeviceID><Nam"
    found = one(f"<Response><SumNum>2</SumNum><DeviceList>{items}")
    held = found.first("DeviceList")
    assert held is not None
    assert [each.value("DeviceID") for each in held.all("Item")] == ["1"]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE R [<!ENTITY a "b">]><R>&a;</R>',
        '<?xml version="1.0"?><!doctype R SYSTEM "http://127.0.0.1/x"><R/>',
        "<R>& <!ENTITY x></R>",
        "",
        "no element at all",
        "<R>" * (DEEPEST + 1),
        "<R>" + "<a/>" * 100_001 + "</R>",
        "x" * (LARGEST + 1),
    ],
)
def test_what_is_dangerous_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        parse_xml(text)


@pytest.mark.parametrize(
    "piece", ["<", "&", "<!--", "<![CDATA[", "<a ", "</a", "x<a/>", "<a" + " " * 500, "<?x", "&#", "</b>", "<a b='"]
)
def test_hostile_repetition_is_read_in_bounded_time(piece: str) -> None:
    text = ("<R>&" + piece * (LARGEST // len(piece)))[:LARGEST]
    start = time.process_time()
    with suppress(WireError):
        parse_xml(text)
    assert time.process_time() - start < 5.0


@given(st.text(alphabet="<>/&;!R aItem\0'\"=门", max_size=200))
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    try:
        found = one(f"<R>{text}")
    except WireError:
        return
    assert isinstance(found, Element)


def test_none_is_left_out_and_marks_are_escaped() -> None:
    tree = element("R", None, element("A", "a<&>\"'\0"), element("N", 5), Num=2)
    assert print_xml(tree) == '<R Num="2">\r\n<A>a&lt;&amp;&gt;&quot;\'</A>\r\n<N>5</N>\r\n</R>\r\n'
