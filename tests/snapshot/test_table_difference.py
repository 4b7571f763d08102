"""Differences of a file to the tables: rows, cells, numbers of rows, findings."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading.normalise import ROW
from medhavi.snapshot.table_difference import (
    cell_difference,
    cells_of,
    changed_columns,
    file_difference,
    with_cells,
)


@pytest.fixture
def folder(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "t", format="csv")
    return tmp_path / "t"


def update(folder, text, table="products", **how):
    """Differences that a CSV file makes."""
    (folder.parent / "own").mkdir()
    (folder.parent / "own" / f"{table}.csv").write_text(text, "utf-8")
    stated, found = cells_of(folder.parent / "own")
    before, written = Snapshot.from_folder(folder), cells_of(folder)[0]
    return file_difference(before, stated, found, written=written, **how)


@pytest.mark.req("ENR-10")
def test_a_column_that_the_file_lacks_stays_as_it_is(folder) -> None:
    made = update(folder, "product,unit_cost\nLEMONADE,0.7\nBOTTLE,0.2\n")
    assert {tuple(changed_columns(row)) for row in made.rows} == {("unit_cost",)}
    assert made.findings == ()
    names = dict(made.after["products"].select("product", "name").iter_rows())
    assert names["LEMONADE"] == "Lemonade, bottle"


def test_rows_that_the_file_lacks_stay_or_go_as_is_asked(folder) -> None:
    text = "product,name\nLEMONADE,Lemonade\nNEW,New\n"
    made = update(folder, text)
    assert made.counts() == {"products": {"added": 1, "changed": 1, "removed": 0}}
    stated, found = cells_of(folder.parent / "own")
    whole = file_difference(
        made.before, stated, found, written=cells_of(folder)[0], whole=True
    )
    products = made.before["products"].height
    assert whole.counts()["products"]["removed"] == products - 1
    assert any(one.code == "SNAP011" for one in whole.findings)


def test_problems_have_the_row_number_of_the_spreadsheet(folder) -> None:
    made = update(folder, "product,unit_cost\nLEMONADE,0.7\nNEW,cheap\n")
    (wrong,) = made.findings
    assert (wrong.code, wrong.row, wrong.column) == ("SNAP005", 3, "unit_cost")
    (new,) = (row for row in made.rows if row.before is None)
    assert made.number(new) == 3


@pytest.mark.req("ENR-10")
def test_the_template_changes_what_is_filled_alone(folder) -> None:
    """It has all columns and a sheet for each table; empty ones state nothing."""
    columns = "product,name,unit_cost,family\nLEMONADE,,0.7,\n"
    made = update(folder, columns)
    assert [changed_columns(row) for row in made.rows] == [["unit_cost"]]
    stated, found = cells_of(folder.parent / "own")
    empty = {"settings": pl.DataFrame(schema={"as_of": pl.String, ROW: pl.UInt32})}
    again = file_difference(
        made.before, {**stated, **empty}, found, written=cells_of(folder)[0]
    )
    assert again.counts() == made.counts()
    assert again.findings == ()


@pytest.mark.req("ENR-10")
def test_a_row_with_a_wrong_cell_is_not_removed(folder) -> None:
    (folder.parent / "own").mkdir()
    text = "product,unit_cost\nLEMONADE,cheap\nSYRUP,1.5\n"
    (folder.parent / "own" / "products.csv").write_text(text, "utf-8")
    stated, found = cells_of(folder.parent / "own")
    before = Snapshot.from_folder(folder).hold_bad_rows()
    made = file_difference(before, stated, found)
    assert made.counts() == {"products": {"added": 0, "changed": 1, "removed": 0}}
    place = ("products", 2, "unit_cost")
    assert place in {(one.table, one.row, one.column) for one in made.findings}
    mended = file_difference(before, with_cells(stated, {place: "0.7"}), found)
    assert mended.counts()["products"]["changed"] == 2
    assert mended.findings == ()


def test_keys_are_compared_as_they_are_read(folder) -> None:
    text = "calendar,weekday,start,finish\nWEEK,1.0,6:00,15:00\n"
    made = update(folder, text, table="shifts")
    assert made.counts() == {"shifts": {"added": 0, "changed": 1, "removed": 0}}
    assert changed_columns(made.rows[0]) == ["finish"]


def test_the_settings_have_one_row(folder) -> None:
    made = update(folder, "horizon_days\n200\n", table="settings")
    (row,) = made.rows
    assert changed_columns(row) == ["horizon_days"]
    assert made.after.settings.as_of == made.before.settings.as_of


def test_a_cell_that_is_mended_takes_its_finding_along(folder) -> None:
    path = folder / "demands.csv"
    path.write_text(path.read_text("utf-8").replace("LEMONADE", "X", 1), "utf-8")
    before = Snapshot.from_folder(folder)
    written = cells_of(folder)[0]
    made = cell_difference(before, written, ("demands", 2, "product"), "LEMONADE")
    assert next(one.code for one in made.mended) == "SNAP011"
    assert made.findings == ()
    assert made.edit()["kind"] == "override"
    for place in (("demands", 99, "product"), ("demands", 2, "colour"), ("x", 2, "y")):
        with pytest.raises(UsageError, match=r"no row 99|no column"):
            cell_difference(before, written, place, "A")


def test_the_edit_of_whole_rows_gives_the_same_tables(folder) -> None:
    from medhavi.edits.edit import edit

    made = update(folder, "product,unit_cost\nLEMONADE,0.7\nNEW,1\n")
    stated = made.edit()
    assert stated["kind"] == "replace_rows"
    patch = edit(**stated).patch(made.before)
    assert patch.apply(made.before).fingerprint == made.after.fingerprint
