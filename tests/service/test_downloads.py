"""Files of a page: pictures as they are seen, grids with names, local times, units."""

from __future__ import annotations

import datetime as dt
import io

import fastexcel
import marimo as mo
import polars as pl
import pytest
from marimo._plugins.ui._impl.table import SearchTableArgs, SortArgs

from medhavi.service.downloads import (
    as_tsv,
    as_xlsx,
    file_name,
    grid_button,
    left_by_search,
    list_files,
    picture_buttons,
    seen_rows,
    told_rows,
)
from medhavi.service.page_data import picture
from medhavi.service.page_table import linked, page_table
from medhavi.views.order_grid import partner_links
from medhavi.views.pictures.picture_files import picture_png, picture_svg
from medhavi.views.pictures.stock import stock_chart
from tests import factories
from tests.api import Names, names_of, plan

CLOCK = dt.datetime(2026, 3, 2, 7, 30)  # noqa: DTZ001 - a wall clock has no zone
ROWS = pl.DataFrame(
    {
        "Item": ["Olive soap"],
        "Start": [CLOCK],
        "Worth": [12.5],
        "Key": ["k"],
        "_marimo_row_id": [0],
    }
)


@pytest.fixture(scope="module")
def chart():
    snapshot = factories.snapshot(demands=[{"qty": 5}])
    made = plan(snapshot)
    product, location = made.positions.select("product", "location").row(0)
    return stock_chart(made, product, location, names_of(snapshot))


def test_a_workbook_has_units_local_times_and_no_keys():
    told = told_rows(ROWS, {"Worth": "EUR"}, ("Key",))
    assert told.columns == ["Item", "Start (local)", "Worth (EUR)"]
    read = pl.read_excel(io.BytesIO(as_xlsx(told, "A sheet" * 9)))
    assert read.row(0) == ("Olive soap", CLOCK, 12.5)


def test_a_file_tells_a_day_as_its_last_minute():
    """Due is the end of Monday: a spreadsheet would write it as Tuesday 00:00."""
    tuesday = dt.datetime(2026, 3, 3)  # noqa: DTZ001 - a wall clock has no zone
    monday = tuesday - dt.timedelta(minutes=1)
    rows = pl.DataFrame({"Start": [CLOCK], "Due": [tuesday], "Promised": [CLOCK]})
    told = told_rows(rows, {})
    read = pl.read_excel(io.BytesIO(as_xlsx(told, "orders")))
    assert read.row(0) == (CLOCK, monday, CLOCK)
    assert "2026-03-02 07:30\t2026-03-02 23:59\t" in as_tsv(told).decode()


def test_files_hold_money_in_whole_cents():
    """5323.559999999999 stood in a cell, as doubles add up; a share stays as it is."""
    rows = pl.DataFrame({"Value (EUR)": [5323.559999999999], "On time": [0.123456]})
    assert pl.read_excel(io.BytesIO(as_xlsx(rows, "orders"))).row(0)[0] == 5323.56
    assert as_tsv(rows).decode().splitlines()[1] == "5323.56\t0.123456"


def test_the_sheet_of_a_list_is_called_like_its_file(monkeypatch):
    files = {}

    def download(made, filename, **_rest):
        files[filename] = made
        return mo.Html("")

    monkeypatch.setattr(mo, "download", download)
    list_files(lambda: ROWS, "promises")
    book = fastexcel.read_excel(files["promises.xlsx"]())
    assert book.sheet_names == ["promises"]


def test_what_is_copied_has_units_local_times_and_no_keys():
    told = told_rows(ROWS, {"Worth": "EUR"}, ("Key",))
    head, row, _ = as_tsv(told).decode().split("\n")
    assert head.split("\t") == ["Item", "Start (local)", "Worth (EUR)"]
    assert row.split("\t") == ["Olive soap", "2026-03-02 07:30", "12.5"]


def test_a_text_that_begins_like_a_formula_stays_a_text():
    rows = pl.DataFrame({"Item": ["=1+1", "+A1"]})
    read = pl.read_excel(io.BytesIO(as_xlsx(rows, "orders")))
    assert read["Item"].to_list() == ["=1+1", "+A1"]


def test_a_picture_file_has_its_title_and_fixed_colours(chart):
    svg = picture_svg(chart).decode()
    assert chart["title"]["text"] in svg
    assert "var(--mv" not in svg
    png = picture_png(chart)
    assert png.startswith(b"\x89PNG")
    assert png == picture_png(chart)


def test_each_picture_and_each_grid_brings_its_files(chart):
    assert picture(chart, "", "").text.count("<marimo-download") == 2
    assert "<marimo-download" not in picture(None, "Nothing", "Do it.").text
    assert picture_buttons(chart).text.count("mv-files") == 1
    assert grid_button(mo.ui.table(ROWS), "Rows").text.count("<marimo-download") == 2
    grid = page_table(ROWS, "Rows", formats={}, right=())
    assert grid.text.count("<marimo-download") == 2


@pytest.mark.req("UI-03")
def test_cells_of_partners_lead_to_their_pages_and_files_have_the_names():
    snapshot = factories.snapshot(
        products=[{"product": "A"}],
        locations=[{"location": "SHOP"}],
        customers=[{"customer": "C-1"}, {"customer": "C-2"}, {"customer": "C-3"}],
        suppliers=[{"supplier": "S-1"}],
    )
    names = Names(texts={"C-1": "Rosa & co", "C-2": "Twin", "C-3": "Twin"})
    links = partner_links(snapshot, names)
    rows = pl.DataFrame(
        {"Customer": ["Rosa & co", "Twin", ""], "From": ["S-1", "Lodz", ""]}
    )
    told = linked(rows, links)
    cell = told["Customer"]("Rosa & co").text
    assert 'href="/promise/?tab=promises&amp;state=to+keep&amp;for=C-1"' in cell
    assert cell.endswith(">Rosa &amp; co</a>")
    assert [told["Customer"](one).text for one in ("Twin", "")] == ["Twin", ""]
    assert "/suppliers/?supplier=S-1" in told["From"]("S-1").text
    assert told["From"]("Lodz").text == "Lodz"
    grid = mo.ui.table(rows, selection=None, format_mapping=told)
    assert seen_rows(grid).equals(rows)
    found = grid._search(SearchTableArgs(page_size=10, page_number=0, query="rosa"))
    assert "for=C-1" in str(found.data)
    assert seen_rows(grid)["Customer"].to_list() == ["Rosa & co"]


def test_files_of_a_grid_have_what_its_search_box_leaves_in_its_order():
    rows = pl.DataFrame({"Id": ["a", "b", "c"], "Item": ["Soap", "Jam", "Soap bar"]})
    grid = mo.ui.table(rows, selection=None)
    assert seen_rows(grid)["Id"].to_list() == ["a", "b", "c"]
    listed = rows.rename({"Id": "demand"})
    assert left_by_search(listed, grid, "demand").height == 3
    sort = [SortArgs(by="Item", descending=True)]
    grid._search(SearchTableArgs(page_size=10, page_number=0, query="soap", sort=sort))
    assert seen_rows(grid)["Id"].to_list() == ["c", "a"]
    assert left_by_search(listed, grid, "demand")["demand"].to_list() == ["a", "c"]
    grid._search(SearchTableArgs(page_size=10, page_number=0))
    assert left_by_search(listed, grid, "demand").height == 3


def test_a_file_is_named_by_what_it_shows():
    assert file_name("6 late: € 80k / 3 h") == "6-late-80k-3-h"
    assert file_name("…") == "picture"
