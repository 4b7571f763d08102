"""Exports of a plan: files open, numbers are the plan's, old files survive failures."""

from __future__ import annotations

import io
import zipfile

import polars as pl
import pytest

from medhavi.errors import NotAvailable, UsageError
from medhavi.service import downloads
from medhavi.workbench.files import export
from medhavi.workbench.files.export import export_plan
from tests import factories
from tests.api import plan as make


@pytest.fixture(scope="module")
def snapshot():
    """One product, bought for two orders."""
    return factories.snapshot(
        demands=[{"product": "A", "qty": 10}, {"product": "A", "qty": 5}],
        supply_terms=[{"product": "A"}],
    )


@pytest.fixture(scope="module")
def plan(snapshot):
    """The plan of these orders."""
    return make(snapshot)


@pytest.mark.req("ANA-11")
def test_a_workbook_has_a_sheet_a_table_and_equal_totals(tmp_path, plan):
    place = export_plan(plan, tmp_path / "plan.xlsx", kind="xlsx")
    sheets = pl.read_excel(place, sheet_id=0, engine="calamine")
    assert set(sheets) >= {"run", *plan.tables}
    assert sheets["supplies"]["qty"].sum() == plan.supplies["qty"].sum()
    assert sheets["supplies"]["number"].to_list() == plan.supplies["number"].to_list()


@pytest.mark.req("ANA-11")
def test_a_workbook_names_its_zone_and_shows_no_hash(tmp_path, plan, snapshot):
    rows = [{**snapshot["settings"].row(0, named=True), "timezone": "Europe/Rome"}]
    there = snapshot.replace(settings=rows)
    file = tmp_path / "plan.xlsx"
    place = export_plan(plan, file, kind="xlsx", snapshot=there)
    sheets = pl.read_excel(place, sheet_id=0, engine="calamine")
    local = plan.supplies["finish"].dt.convert_time_zone("Europe/Rome")
    told = sheets["supplies"]["finish (Europe/Rome)"].cast(pl.Datetime("us"))
    assert told.to_list() == local.dt.replace_time_zone(None).to_list()
    hashes = set(plan.supplies["id"]) | set(plan.pegging["id"])
    for name in plan.tables:
        for column in sheets[name].iter_columns():
            assert not hashes & set(column.cast(pl.String).to_list()), (
                name,
                column.name,
            )
        kinds = sheets[name].schema.items()
        naive = [c for c, kind in kinds if kind.is_temporal() and "(" not in c]
        assert naive == []


def test_csv_is_a_folder_of_tables(tmp_path, plan):
    place = export_plan(plan, tmp_path / "csv", kind="csv")
    assert pl.read_csv(place / "fulfilment.csv").height == plan.fulfilment.height
    assert (place / "run.json").is_file()


def test_html_is_one_page_that_asks_nobody(tmp_path, plan, snapshot):
    place = export_plan(plan, tmp_path / "plan.html", kind="html", snapshot=snapshot)
    text = place.read_text("utf-8")
    assert text.lstrip().lower().startswith("<!doctype html")
    assert "<script src=" not in text
    assert '<link rel="stylesheet" href="http' not in text


def test_other_kinds_are_refused(tmp_path, plan):
    with pytest.raises(NotAvailable, match="pdf is not built yet"):
        export_plan(plan, tmp_path / "plan.pdf", kind="pdf")


def test_a_table_that_no_sheet_holds_is_refused(tmp_path, plan, monkeypatch):
    monkeypatch.setattr(export, "_MOST_ROWS", 1)
    with pytest.raises(UsageError, match="Export csv instead"):
        export_plan(plan, tmp_path / "plan.xlsx", kind="xlsx")
    assert not (tmp_path / "plan.xlsx").exists()


def test_an_export_that_fails_leaves_the_old_file(tmp_path, plan, monkeypatch):
    place = export_plan(plan, tmp_path / "plan.xlsx", kind="xlsx")
    before = place.read_bytes()

    def broken(_plan, path, _snapshot):
        path.write_bytes(b"half")
        message = "no space left"
        raise OSError(message)

    monkeypatch.setattr(export, "_write_workbook", broken)
    with pytest.raises(OSError, match="no space"):
        export_plan(plan, place, kind="xlsx")
    assert place.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["plan.xlsx"]


FORMULA = '=HYPERLINK("#A1"&A1,"x")'
TEXTS = (FORMULA, "+1", "-1", "@SUM(A1)", "\tx", "'=1", "mailto:a@b.c", "A-1")


@pytest.fixture(scope="module")
def odd():
    """The plan of demands whose ids a spreadsheet would take for something else."""
    found = factories.snapshot(
        demands=[{"demand": text, "product": "A", "qty": 1} for text in TEXTS],
        supply_terms=[{"product": "A"}],
    )
    return make(found)


@pytest.mark.req("ANA-11")
def test_a_workbook_holds_no_formula_and_no_link_from_the_data(tmp_path, odd):
    place = export_plan(odd, tmp_path / "plan.xlsx", kind="xlsx")
    with zipfile.ZipFile(place) as book:
        sheets = [name for name in book.namelist() if "worksheets/" in name]
        pages = {name: book.read(name) for name in sheets}
    assert [name for name, page in pages.items() if b"<f>" in page] == []
    assert [name for name, page in pages.items() if b"<hyperlink" in page] == []
    fulfilment = pl.read_excel(place, sheet_name="fulfilment", engine="calamine")
    assert set(fulfilment["demand"]) == set(odd.fulfilment["demand"])


def test_csv_has_no_cell_that_a_spreadsheet_runs_and_reads_back_equal(tmp_path, odd):
    place = export_plan(odd, tmp_path / "csv", kind="csv")
    cells = pl.read_csv(place / "fulfilment.csv", infer_schema=False)["demand"]
    assert cells.str.contains(r"^[=+\-@\t\r]").sum() == 0
    assert "A-1" in cells
    again = type(odd).from_folder(place)
    assert again.fulfilment.equals(odd.fulfilment)
    assert again.fingerprint == odd.fingerprint


def test_csv_for_programs_can_have_its_texts_as_they_are(tmp_path, odd):
    place = export_plan(odd, tmp_path / "csv", kind="csv", raw=True)
    cells = pl.read_csv(place / "fulfilment.csv", infer_schema=False)["demand"]
    assert FORMULA in cells.to_list()


def test_answers_for_a_spreadsheet_hold_no_formula():
    rows = pl.DataFrame({"demand": [FORMULA, "A"], "qty": [-1.5, 2.0]})
    text = downloads.as_csv(rows).decode("utf-8-sig")
    assert text.splitlines()[1].startswith("\"'=HYPERLINK")
    assert text.splitlines()[1].endswith(",-1.5")
    with zipfile.ZipFile(io.BytesIO(downloads.as_xlsx(rows, "orders"))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
