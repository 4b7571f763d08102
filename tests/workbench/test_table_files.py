"""Files that are changed here: whole, with the files before, and the way back."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest
import xlsxwriter

from medhavi.errors import UsageError
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.snapshot.table_difference import (
    cell_difference,
    cells_of,
    file_difference,
)
from tests.api import TableFiles, read_files, write_xlsx_template


@pytest.fixture
def folder(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "t", format="csv")
    return tmp_path / "t"


def mended(place, value="BOTTLE", row=2):
    files = TableFiles(place)
    made = cell_difference(
        Snapshot.from_folder(place), files.cells(), ("demands", row, "product"), value
    )
    return files, made


@pytest.mark.req("ENR-10")
def test_a_cell_is_written_into_its_file_and_taken_back(folder) -> None:
    before = (folder / "demands.csv").read_bytes()
    files, made = mended(folder)
    files.take(made, approver="Ana", text="one cell")
    rows = Snapshot.from_folder(folder)["demands"]
    assert "BOTTLE" in rows["product"].to_list()
    assert files.undo(approver="Bob").undoes == 1
    assert (folder / "demands.csv").read_bytes() == before
    assert [one.approver for one in files.history()] == ["Ana", "Bob"]
    with pytest.raises(UsageError, match="No change"):
        files.undo(approver="Bob")


def test_nobody_approves_nothing(folder) -> None:
    files, made = mended(folder)
    with pytest.raises(UsageError, match="name the approver"):
        files.take(made, approver=" ", text="one cell")
    assert files.history() == []


@pytest.mark.req("ENR-10")
def test_what_brings_errors_is_not_taken(folder) -> None:
    before = (folder / "demands.csv").read_bytes()
    files, made = mended(folder, "LEMONAID")
    with pytest.raises(UsageError, match="brings errors"):
        files.take(made, approver="Ana", text="one cell")
    assert files.history() == []
    assert (folder / "demands.csv").read_bytes() == before


def test_a_file_that_was_written_since_is_not_put_back(folder) -> None:
    files, made = mended(folder)
    files.take(made, approver="Ana", text="one cell")
    with (folder / "demands.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(UsageError, match="written since"):
        files.undo(approver="Ana")


def test_a_changed_parquet_table_is_csv_from_then_on(tmp_path) -> None:
    place = tmp_path / "p"
    sound = Snapshot.from_frames(example_rows())
    sound.to_folder(place)
    files, made = mended(place, row=1)
    files.take(made, approver="Ana", text="one cell")
    assert not (place / "demands.parquet").exists()
    assert Snapshot.from_folder(place).fingerprint == made.after.fingerprint
    files.undo(approver="Ana")
    assert Snapshot.from_folder(place).fingerprint == sound.fingerprint
    assert not (place / "demands.csv").exists()


def test_a_workbook_is_written_anew_with_its_other_sheets(tmp_path) -> None:
    book = tmp_path / "tables.xlsx"
    write_xlsx_template(book, example=True)
    sound = Snapshot.from_folder(book)
    files, made = mended(book)
    files.take(made, approver="Ana", text="one cell")
    assert Snapshot.from_folder(book).fingerprint == made.after.fingerprint
    files.undo(approver="Ana")
    assert Snapshot.from_folder(book).fingerprint == sound.fingerprint


@pytest.fixture
def own_book(tmp_path):
    """A workbook of people: notes, a column of theirs, formulas, an empty line."""
    path = tmp_path / "own.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet = book.add_worksheet("Demands")
        head = ["demand", "product", "location", "Qty ", "due", "our remark"]
        sheet.write_row(0, 0, head)
        due = dt.date(2026, 12, 14)
        for row, (name, remark) in enumerate(
            [("D1", "x"), ("D2", "y"), ("D3", "z")], 1
        ):
            at = row + (row > 1)
            sheet.write_row(at, 0, [name, "A", "W", 40])
            sheet.write_datetime(at, 4, due, day)
            sheet.write(at, 5, remark)
        sheet.write_formula(1, 3, "=20*2", None, 40)
        for name, cells in {
            "Settings": [["as_of"], ["2026-11-30"]],
            "Products": [["product"], ["A"]],
            "Locations": [["location"], ["W"]],
            "Notes": [["call Bob"], ["=Demands!D2"]],
        }.items():
            other = book.add_worksheet(name)
            for row, values in enumerate(cells):
                other.write_row(row, 0, values)
    return path


def cells_in(path, name):
    return [*openpyxl.load_workbook(path)[name].iter_rows(values_only=True)]


@pytest.mark.req("ENR-10")
def test_a_mended_workbook_keeps_what_is_no_table_of_it(own_book) -> None:
    files, before = TableFiles(own_book), cells_in(own_book, "Demands")
    now = Snapshot.from_folder(own_book)
    made = cell_difference(now, files.cells(), ("demands", 4, "qty"), "55")
    files.take(made, approver="Ana", text="one cell")
    assert cells_in(own_book, "Notes") == [("call Bob",), ("=Demands!D2",)]
    # Values in the place of formulas: nothing has calculated them since.
    first = (*before[1][:3], 40, *before[1][4:])
    second = (*before[3][:3], 55, *before[3][4:])
    rows = cells_in(own_book, "Demands")
    assert rows == [before[0], first, before[2], second, before[4]]
    assert Snapshot.from_folder(own_book).fingerprint == made.after.fingerprint


@pytest.mark.req("ENR-10")
def test_rows_of_a_workbook_come_and_go(own_book, tmp_path) -> None:
    head = "demand,product,location,qty,due,priority,our remark\n"
    rows = "D3,A,W,40,2026-12-14,2,z\nD9,A,W,7,2026-12-20,1,new\n"
    files, now = TableFiles(own_book), Snapshot.from_folder(own_book)
    stated, _ = read_files([("demands.csv", (head + rows).encode())])
    made = file_difference(now, stated, written=files.cells(), whole=True)
    files.take(made, approver="Ana", text="a file")
    assert Snapshot.from_folder(own_book).fingerprint == made.after.fingerprint
    found = cells_in(own_book, "Demands")
    filled = [row for row in found if any(cell is not None for cell in row)]
    assert [(row[0], row[3], row[5]) for row in filled[1:]] == [
        ("D3", 40, "z"),
        ("D9", 7, "new"),
    ]
    assert cells_in(own_book, "Notes")[0] == ("call Bob",)


def test_a_file_keeps_its_table_where_its_name_is_written_otherwise(folder) -> None:
    (folder / "demands.csv").rename(folder / "Demands.csv")
    files, made = mended(folder)
    files.take(made, approver="Ana", text="one cell")
    assert Snapshot.from_folder(folder).fingerprint == made.after.fingerprint
    files.undo(approver="Ana")
    assert (folder / "Demands.csv").exists()
    assert not (folder / "demands.csv").exists()


@pytest.mark.req("ING-06")
def test_times_of_a_spreadsheet_are_taken(folder, tmp_path) -> None:
    path = tmp_path / "own.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("shifts")
        clock = book.add_format({"num_format": "hh:mm"})
        sheet.write_row(0, 0, ["calendar", "weekday", "start", "finish"])
        sheet.write_row(1, 0, ["WEEK", 1])
        sheet.write_datetime(1, 2, dt.time(6), clock)
        sheet.write_datetime(1, 3, dt.time(15, 30), clock)
    before = Snapshot.from_folder(folder)
    made = file_difference(
        before,
        *read_files([("own.xlsx", path.read_bytes())]),
        written=TableFiles(folder).cells(),
    )
    assert made.findings == ()
    (row,) = made.rows
    assert row.after is not None
    assert row.after["finish"] == dt.time(15, 30)


def test_files_of_another_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="not a file of tables"):
        read_files([("notes.docx", b"")])


ORDERS = "Demand,product,location,Qty,due\nD-9,A,DC,5,2026-05-01\n"


@pytest.mark.req("ENR-10")
def test_a_file_of_another_name_is_known_by_its_columns(tmp_path):
    stated, found = read_files([("new orders.csv", ORDERS.encode())])
    assert list(stated) == ["demands"]
    assert found == []
    book = openpyxl.Workbook()
    book.active.append(["Demand", "product", "location", "Qty", "due"])
    book.active.append(["D-9", "A", "DC", 5, dt.datetime(2026, 5, 1)])  # noqa: DTZ001
    book.save(tmp_path / "orders.xlsx")
    content = (tmp_path / "orders.xlsx").read_bytes()
    known, found = read_files([("orders.xlsx", content)])
    assert list(known) == ["demands"]
    assert found == []
    read, asked = (Snapshot.from_frames(one)["demands"] for one in (known, stated))
    assert read.equals(asked)
    with pytest.raises(UsageError, match=r"notes\.csv holds no planning table"):
        read_files([("notes.csv", b"who,what\nA,B\n")])
    marked = ORDERS.replace(",", ";").encode()
    _, found = read_files([("new orders.csv", marked)])
    assert [one.code for one in found] == ["FILE008"]


def test_a_sheet_of_another_name_is_known_beside_sheets_of_tables(tmp_path):
    write_xlsx_template(tmp_path / "t.xlsx", example=True)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    named, _ = read_files([("t.xlsx", (tmp_path / "t.xlsx").read_bytes())])
    book["demands"].title = "My Orders 2026"
    book.create_sheet("Notes").append(["to do", "until"])
    book.save(tmp_path / "mine.xlsx")
    known, found = read_files([("mine.xlsx", (tmp_path / "mine.xlsx").read_bytes())])
    assert known["demands"].equals(named["demands"])
    assert known["demands"].height
    (told,) = found
    assert (told.code, told.value) == ("FILE003", "mine.xlsx, sheet Notes")
    assert "Name the file or the sheet" in told.remedy


def test_each_sheet_of_a_workbook_is_known_by_its_columns(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Demand", "product", "location", "Qty", "due"])
    book.active.append(["D-9", "A", "DC", 5, "2026-05-01"])
    terms = book.create_sheet("prices")
    terms.append(["supplier", "product", "location", "lead_time_days", "unit_price"])
    terms.append(["S", "A", "DC", 5, 7])
    book.create_sheet("empty")
    book.save(tmp_path / "all.xlsx")
    content = (tmp_path / "all.xlsx").read_bytes()
    known, found = read_files([("all.xlsx", content)])
    assert (list(known), found) == (["demands", "supply_terms"], [])
    # The files of a company are known by their names alone.
    named, found = cells_of(tmp_path / "all.xlsx")
    assert (list(named), {one.code for one in found}) == ([], {"FILE003", "FILE006"})
