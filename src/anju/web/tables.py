"""Rows as files for spreadsheets: CSV and XLSX, with nothing in them that a spreadsheet would calculate.

Source: 4.2.1.4 (export of records).
"""

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from fastapi import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_CELL = 32_767  # characters, by the format
WIDTH = 20  # characters of a column
Rows = Iterable[Sequence[Any]]


class Form(StrEnum):
    """What kind of file."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet: its name (also the file's), its heading, its rows; ``cut`` says that there are more."""

    name: str
    heading: Sequence[str]
    rows: Sequence[Sequence[Any]]
    cut: bool = False


async def answer(table: Table, form: Form, at: datetime) -> Response:
    """Return the file; ``X-Anju-Rows`` says how many rows, ``X-Anju-Cut`` whether there are more.

    Written beside the event loop: an alarm does not wait for somebody's spreadsheet.
    """
    content = await asyncio.to_thread(_written, table, form)
    headers = {
        "X-Anju-Rows": str(len(table.rows)),
        "X-Anju-Cut": "yes" if table.cut else "no",
        "Content-Disposition": f'attachment; filename="{table.name}-{at:%Y%m%d-%H%M%S}.{form}"',
    }
    return Response(content, media_type=MEDIA[form], headers=headers)


def _written(table: Table, form: Form) -> bytes:
    return as_csv(table.heading, table.rows).encode() if form is Form.CSV else as_xlsx(table)


def as_csv(heading: Sequence[str], rows: Rows) -> str:
    """Return CSV with a byte order mark, by which spreadsheets know UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heading)
    writer.writerows([tame(value) for value in row] for row in rows)
    return "\ufeff" + out.getvalue()


def as_xlsx(table: Table) -> bytes:
    """Return a workbook of one sheet: heading bold and frozen, with a filter; every text stays a text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.name[:31])
    sheet.freeze_panes = "A2"
    for column in range(1, len(table.heading) + 1):
        sheet.column_dimensions[_letters(column)].width = WIDTH
    sheet.auto_filter.ref = f"A1:{_letters(len(table.heading))}{len(table.rows) + 1}"
    heading = [WriteOnlyCell(sheet, value=each) for each in table.heading]
    for cell in heading:
        cell.font = Font(bold=True)
    sheet.append(heading)
    for row in table.rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tame(value: Any) -> Any:
    """Return ``value`` so that no spreadsheet takes it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value)[:MOST_CELL])
    cell.data_type = "s"  # a text, also where it begins like a formula
    return cell


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
