"""Files for spreadsheets hold what was asked, as text, and calculate nothing."""

import csv
import io
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook

from anju.web.tables import Form, Table, answer, as_csv, as_xlsx

AT = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
ROWS: list[list[str | int | None]] = [["川H12345", "=1+1", 3], ["川AD12345", "@SUM(A1)", None]]
TABLE = Table("passages", ["plate", "note", "n"], ROWS)


def test_a_workbook_holds_every_text_as_text() -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx(TABLE))).active
    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["plate", "note", "n"], *ROWS]
    assert {cell.data_type for row in sheet.iter_rows(min_row=2, max_col=2) for cell in row} == {"s"}


def test_a_csv_marks_what_would_be_calculated() -> None:
    read = list(csv.reader(io.StringIO(as_csv(TABLE.heading, TABLE.rows).removeprefix("\ufeff"))))
    assert read == [["plate", "note", "n"], ["川H12345", "'=1+1", "3"], ["川AD12345", "'@SUM(A1)", ""]]


def test_what_no_workbook_can_hold_is_left_out() -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx(Table("x", ["a"], [["川\x00\x0bH"]])))).active
    assert sheet is not None
    assert sheet["A2"].value == "川H"


@pytest.mark.parametrize("form", list(Form))
async def test_a_file_says_how_many_rows_and_whether_there_are_more(form: Form) -> None:
    headers = (await answer(Table("x", ["a"], [["1"]], cut=True), form, AT)).headers
    assert (headers["X-Anju-Rows"], headers["X-Anju-Cut"]) == ("1", "yes")
    assert headers["Content-Disposition"].endswith(f'"x-20261122-081530.{form}"')
