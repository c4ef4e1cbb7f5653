"""Spreadsheets in and out: templates with drop-downs, workbooks and CSV of any Chinese office, bounded and in words.

Source: 4.3 (data of places and devices in one form).
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from anju.domain.site_sheets import BY_NAME, MOST_ROWS, SHEETS, Column, Line, Rows, Sheet
from anju.errors import Invalid

MOST_UNPACKED = 32 * 1024 * 1024  # bytes of a workbook once it is unpacked
MOST_PARTS = 500
HEADS = 2  # rows of headings: Chinese, English with hints
SPARE = 2_000  # rows below the last one that have drop-downs and take text as text
LISTS = "lists"
HELP = (
    ("怎样填写", "How to fill it in"),
    (
        "每行一个对象，第三行起填写；带 * 的列必填。",
        "One object to a row, from the third row on; * is needed.",
    ),
    (
        "编号留空为新增；导出的编号不要改动。",
        "Leave the id empty for a new one; never change an exported id.",
    ),
    ("导入只新增和修改，不删除也不停用任何对象。", "An import adds and changes; nothing is removed or retired by it."),
    ("导入前先试算：每个错误指出行和列。", "A dry run comes first: every mistake is named by row and column."),
    ("口令和密钥不在表内，请在设备页单独填写。", "Passwords and keys are not in here: give them on the device's page."),
    ("也可另存为 CSV（UTF-8 或 GBK），每个文件一张表。", "CSV works too (UTF-8 or GBK), one sheet to a file."),
)


def write(rows: Mapping[str, Sequence[Sequence[Any]]], choices: Mapping[str, Sequence[str]]) -> bytes:
    """Return a workbook of all sheets; ``choices`` are the labels that references may name, by sheet."""
    book = Workbook()
    _help(book.active)  # type: ignore[arg-type]
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    ranges = _lists(lists, choices)
    for sheet in SHEETS:
        _sheet(book.create_sheet(sheet.title, len(book.sheetnames) - 1), sheet, rows.get(sheet.name, ()), ranges)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _help(page: Worksheet) -> None:
    page.title = "说明 Help"
    for number, words in enumerate(HELP, start=1):
        page.append(words)
        if number == 1:
            for cell in page[1]:
                cell.font = Font(bold=True, size=14)
    for letter in "AB":
        page.column_dimensions[letter].width = 70


def _lists(page: Worksheet, choices: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Write what drop-downs offer, one column each; return where each list stands."""
    wanted = {f"={name}": list(labels) for name, labels in choices.items()}
    wanted |= {
        f"{sheet.name}.{column.name}": [words.zh for words in column.choices.values()]
        for sheet in SHEETS
        for column in sheet.columns
        if column.choices
    }
    found = {}
    for number, (name, values) in enumerate(wanted.items(), start=1):
        for row, value in enumerate(values, start=1):
            _put(page, row, number, value)
        letter = get_column_letter(number)
        found[name] = f"={LISTS}!${letter}$1:${letter}${max(len(values), 1)}"
    return found


def _sheet(page: Worksheet, sheet: Sheet, rows: Sequence[Sequence[Any]], ranges: Mapping[str, str]) -> None:
    page.append([each.words.zh for each in sheet.columns])
    page.append([" ".join(filter(None, (each.words.en, each.hint.zh, each.hint.en))) for each in sheet.columns])
    for number, row in enumerate(rows, start=HEADS + 1):
        for column, value in enumerate(row, start=1):
            _put(page, number, column, value)
    last = HEADS + len(rows) + SPARE
    for number, each in enumerate(sheet.columns, start=1):
        choices = ranges.get(f"={each.refers}") or ranges.get(f"{sheet.name}.{each.name}")
        _column(page, number, each, last, choices)
    for cell in (*page[1], *page[2]):
        cell.font = Font(bold=cell.row == 1, italic=cell.row == 2)
        cell.fill = PatternFill("solid", fgColor="E8EEF7")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    page.freeze_panes = f"D{HEADS + 1}"


def _column(page: Worksheet, number: int, column: Column, last: int, choices: str | None) -> None:
    letter = get_column_letter(number)
    page.column_dimensions[letter].width = 34 if column.refers else 18
    if not column.number:
        page.column_dimensions[letter].number_format = "@"
    if choices:
        rule = DataValidation(type="list", formula1=choices, allow_blank=True, showErrorMessage=not column.refers)
        rule.error = "请从列表选择 / choose from the list"
        page.add_data_validation(rule)
        rule.add(f"{letter}{HEADS + 1}:{letter}{last}")


def _put(page: Worksheet, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    cell = page.cell(row, column, value)
    if isinstance(value, str):
        cell.data_type, cell.number_format = "s", "@"  # never a formula, never a number


def read(content: bytes, name: str) -> Rows:
    """Return the rows of a workbook or a CSV file. Raises Invalid in words for what is neither, or too large."""
    if content[:2] == b"PK":
        return _workbook(content)
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise Invalid("old_workbook", "this is an old .xls workbook: save it as .xlsx or CSV")
    return _csv(content, name)


def _workbook(content: bytes) -> Rows:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(each.file_size for each in parts.infolist())
            if unpacked > MOST_UNPACKED or len(parts.infolist()) > MOST_PARTS:
                raise Invalid("too_large", f"a workbook has at most {MOST_UNPACKED} bytes unpacked")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Invalid:
        raise
    except Exception as error:
        raise Invalid("no_workbook", "this workbook cannot be read: save it again as .xlsx") from error
    found: dict[str, list[Line]] = {}
    for page in book.worksheets:
        sheet = _known(list(_cells(page, 1)))
        if sheet is not None and sheet.name not in found:
            found[sheet.name] = list(_lines(sheet, page.iter_rows(values_only=True)))
    if not found:
        raise Invalid("no_sheet", "no sheet of this workbook has the headings of the template")
    return found


def _cells(page: Any, row: int) -> Iterable[Any]:
    return next(page.iter_rows(min_row=row, max_row=row, values_only=True), ())


def _csv(content: bytes, name: str) -> Rows:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise Invalid("bad_text", f"{name}: the text is neither UTF-8 nor GBK")
    csv.field_size_limit(100_000)
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise Invalid("bad_csv", f"{name}: {error}") from error
    sheet = _known(rows[0] if rows else [])
    if sheet is None:
        raise Invalid("no_sheet", f"{name}: the first line has not the headings of the template")
    return {sheet.name: list(_lines(sheet, rows))}


def _heading(cell: Any) -> str:
    return str(cell or "").replace("*", "").strip().lower()


def _known(heads: Sequence[Any]) -> Sheet | None:
    """Return the sheet whose needed headings are all there, in either language."""
    found = {_heading(each) for each in heads}
    for sheet in SHEETS:
        needed = [each for each in sheet.columns if each.words.zh.endswith("*")]
        if all({_heading(each.words.zh), _heading(each.words.en)} & found for each in needed):
            return sheet
    return None


def _lines(sheet: Sheet, rows: Iterable[Sequence[Any]]) -> Iterator[Line]:
    """Yield the rows with something in them, each with its number; the second row of headings is none."""
    names: list[str | None] = []
    for number, row in enumerate(rows, start=1):
        if number == 1:
            names = [_named(sheet, each) for each in row]
            continue
        if number > MOST_ROWS + HEADS:
            raise Invalid("too_many_rows", f"a sheet has at most {MOST_ROWS} rows")
        cells = {name: _told(value) for name, value in zip(names, row, strict=False) if name}
        if not _is_heading(sheet, cells) and any(value is not None for value in cells.values()):
            yield Line(number, cells)


def _named(sheet: Sheet, heading: Any) -> str | None:
    wanted = _heading(heading)
    columns = (
        each for each in sheet.columns if wanted in {_heading(each.words.zh), _heading(each.words.en), each.name}
    )
    return next((each.name for each in columns), None)


def _is_heading(sheet: Sheet, cells: Mapping[str, Any]) -> bool:
    first = next(each for each in sheet.columns if each.words.zh.endswith("*"))
    return _heading(cells.get(first.name)).startswith(_heading(first.words.en) + " ") or _heading(
        cells.get(first.name)
    ) == _heading(first.words.en)


def _told(value: Any) -> Any:
    """Return a cell; blank is None, and the mark that keeps CSV from becoming a formula is gone."""
    if isinstance(value, str):
        text = value.strip()
        text = text[1:] if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text
        return text or None
    return value


def column_words(sheet: str, column: int) -> tuple[str, str]:
    """Return a column's letter and heading; nothing for the whole row."""
    if not column or sheet not in BY_NAME:
        return "", ""
    words = BY_NAME[sheet].columns[column - 1].words
    return get_column_letter(column), f"{words.zh.rstrip('*')} {words.en.rstrip('*')}"
