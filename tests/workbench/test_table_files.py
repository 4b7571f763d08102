"""Files that are changed here: whole, with the files before, and the way back."""

from __future__ import annotations

import datetime as dt

import pytest
import xlsxwriter

from medhavi.errors import UsageError
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.snapshot.table_difference import cell_difference, file_difference
from tests.api import TableFiles, read_files, write_xlsx_template


@pytest.fixture
def folder(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "t", format="csv")
    return tmp_path / "t"


def mended(place, value="LEMONAID", row=2):
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
    assert "LEMONAID" in rows["product"].to_list()
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
    files, made = mended(place, "BOTTLE", row=1)
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
    files, made = mended(book, "BOTTLE")
    files.take(made, approver="Ana", text="one cell")
    assert Snapshot.from_folder(book).fingerprint == made.after.fingerprint
    files.undo(approver="Ana")
    assert Snapshot.from_folder(book).fingerprint == sound.fingerprint


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
    with pytest.raises(UsageError, match="no file of tables"):
        read_files([("notes.docx", b"")])
