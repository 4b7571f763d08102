"""Doubtful values and likely duplicates on the data page: rows, reasons, links."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from medhavi.service import page_data
from medhavi.service.data_pages import cell_form, data_page, doubtful_part, own_data
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.snapshot import Snapshot
from tests.service.promise_company import promise_company

EMPTY = ("Nothing", "Nothing at all")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    page_data._benches.clear()


@pytest.fixture
def bakery(tmp_path):
    """Files of nine flours of one family, one of them a hundred times as dear."""
    folder = tmp_path / "bakery"
    products = [
        {"product": f"F{n}", "name": f"Flour {n}", "family": "Flour", "unit_cost": 2.0}
        for n in range(9)
    ]
    products[4] |= {"unit_cost": 200.0}
    suppliers = [
        {"supplier": "S1", "name": "Mühle Nord"},
        {"supplier": "S2", "name": "Muehle Nordd"},
        {"supplier": "S3", "name": "Mühle Nord GmbH"},
    ]
    settings = [{"as_of": "2026-11-23", "timezone": "Europe/Rome"}]
    Snapshot.from_frames(
        {"settings": settings, "products": products, "suppliers": suppliers}
    ).to_folder(folder, format="csv")
    return folder


@pytest.mark.req("NEX-09")
def test_a_doubtful_value_of_a_file_leads_to_its_correction(bakery) -> None:
    shown = load_page(str(bakery), mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    listed = doubtful_part.doubtful_list(shown, state, "")
    row = listed.rows.row(0, named=True)
    assert row["Where"] == "products · unit cost"
    assert row["Row"] == "Flour 4"
    assert row["Value"] == "200 EUR"
    assert row["Like rows say"] == "2 EUR in 8 rows of family Flour"
    assert row["Likely mistake"] == "decimal point (100 times)"
    assert row["Proposed value"] == "2 EUR"
    assert listed.finding.startswith("1 doubtful value of 9 numbers compared; ")
    assert "0.5 % of all cells" in listed.finding
    kept: dict[str, str] = {}

    def keep(name: str, value: str) -> None:
        kept[name] = value

    table = doubtful_part.quality_table(listed, state, lambda _: "", keep)
    assert table is not None
    assert table.value.is_empty()
    table._update(["0"])  # what a browser sends
    # The page is made again, say because its plan is there: the row stays chosen.
    again = doubtful_part.quality_table(listed, state, kept.__getitem__, keep)
    assert again is not None
    assert doubtful_part.chosen_in(listed, again.value) is listed.found[0]
    assert "Excel" in doubtful_part.quality_part(listed, table, "x", EMPTY).text
    chosen = doubtful_part.chosen_in(listed, table.data)
    assert chosen is listed.found[0]
    told = doubtful_part.doubtful_part(chosen, shown, state, "?tables=bakery&{rows}")
    address = told.text.partition('href="?')[2].partition('"')[0].replace("&amp;", "&")
    asked = {name: one for name, (one,) in parse_qs(address).items()}
    assert asked == {
        "tables": "bakery",
        "tab": "correct-a-cell",
        "table": "products",
        "row": "6",
        "column": "unit_cost",
        "value": "2",
    }
    place = cell_form.cell_place(shown, state, "products", None, asked.__getitem__)
    assert place is not None
    assert place.value == {"row": "6", "column": "unit_cost"}
    form = cell_form.cell_value("products", place, None, asked.__getitem__)
    assert form is not None
    proposal = own_data.proposed_cell(
        shown, state, {"table": "products", **place.value, "value": form.element.value}
    )
    assert proposal.problem is None
    assert "products 1 changed" in own_data.proposal_html(proposal, shown.names)


@pytest.mark.req("NEX-09")
def test_likely_duplicates_are_listed_with_what_agrees(bakery) -> None:
    shown = load_page(str(bakery), mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    listed = doubtful_part.duplicate_list(shown, state)
    row = listed.rows.row(0, named=True)
    assert row["Where"] == "suppliers"
    assert {row["First"], row["Second"]} == {"Mühle Nord (S1)", "Mühle Nord GmbH (S3)"}
    assert "Nothing is merged" in listed.finding


@pytest.mark.req("NEX-09")
def test_without_doubts_the_page_says_what_was_compared(tmp_path, monkeypatch) -> None:
    promise_company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    shown = load_page(mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    for listed in (
        doubtful_part.doubtful_list(shown, state, ""),
        doubtful_part.duplicate_list(shown, state),
    ):
        table = doubtful_part.quality_table(
            listed, state, lambda _: "", lambda _name, _value: None
        )
        assert table is None
        assert (
            "Nothing at all"
            in doubtful_part.quality_part(listed, None, "x", EMPTY).text
        )
        assert doubtful_part.chosen_in(listed, None) is None
        assert listed.finding


@pytest.mark.req("NEX-09")
def test_a_value_is_settled_in_a_lake_only(bakery, tmp_path, monkeypatch) -> None:
    files = load_page(str(bakery), mode="mrp")
    state = data_page.state_of(files)
    assert state is not None
    (one,) = doubtful_part.doubtful_list(files, state, "").found
    refused = doubtful_part.settle_doubt(files, one, "Ada")
    assert not refused.kept
    assert "event store" in refused.text
    promise_company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    lake = load_page(mode="mrp")
    assert not doubtful_part.settle_doubt(lake, one, " ").kept
    kept = doubtful_part.settle_doubt(lake, one, "Ada")
    assert kept.kept
    assert "listed no more" in kept.text
