"""Templates hold every table and column, and say what a cell means."""

from __future__ import annotations

import csv

import fastexcel
import pytest

from medhavi.schema import tables
from medhavi.schema.template import START_HERE, advice, example_rows
from medhavi.snapshot import Snapshot
from tests.api import write_csv_template, write_xlsx_template


def test_the_csv_template_has_each_column_once(tmp_path):
    write_csv_template(tmp_path / "t")
    for name, table in tables().items():
        with (tmp_path / "t" / f"{name}.csv").open(encoding="utf-8") as file:
            header = next(csv.reader(file))
        assert sorted(header) == sorted(table.columns)


def test_columns_that_must_be_filled_come_first(tmp_path):
    write_csv_template(tmp_path / "t")
    for name, table in tables().items():
        header = (tmp_path / "t" / f"{name}.csv").read_text("utf-8").splitlines()[0]
        required = [table.columns[column].required for column in header.split(",")]
        assert required == sorted(required, reverse=True)


def test_the_workbook_has_a_sheet_for_each_table_and_one_to_read(tmp_path):
    write_xlsx_template(tmp_path / "t.xlsx")
    names = fastexcel.read_excel(str(tmp_path / "t.xlsx")).sheet_names
    assert set(names) == {"about the tables", *tables()}


def test_text_of_the_workbook_stays_text(tmp_path):
    write_xlsx_template(tmp_path / "t.xlsx", example=True)
    book = fastexcel.read_excel(str(tmp_path / "t.xlsx"))
    due = book.load_sheet("demands").to_polars()["due"]
    assert due.to_list()[0] == "2026-03-06T10:00:00Z"


def test_the_example_is_a_snapshot_without_findings():
    snapshot = Snapshot.from_frames(example_rows())
    assert snapshot.findings == ()


def test_the_example_fills_what_one_begins_with():
    assert set(START_HERE) <= set(example_rows())


@pytest.mark.parametrize("table", sorted(tables()))
def test_every_column_gets_advice(table):
    for column in tables()[table].columns.values():
        text = advice(column)
        assert ("must be filled" in text) == column.required
        assert ("empty:" in text) != column.required


def test_advice_names_choices_references_and_bounds():
    columns = tables()["bom_lines"].columns
    assert "as in products.product" in advice(columns["component"])
    assert "min 0" in advice(tables()["settings"].columns["horizon_days"])
    assert "one of p50, p80, p95" in advice(tables()["settings"].columns["risk_basis"])
    assert "since ever" in advice(tables()["substitutes"].columns["valid_from"])
    assert "empty: false" in advice(tables()["products"].columns["hazmat"])
