"""tables: what a file or a cell changes, taken and taken back."""

from __future__ import annotations

import pytest

from tests.workbench.edit_company import company, plan_of


@pytest.mark.req("ENR-10")
def test_a_file_is_shown_then_taken_then_undone(medhavi, example, tmp_path):
    own = tmp_path / "products.csv"
    own.write_text("product,unit_cost\nLEMONADE,0.7\n", "utf-8")
    words = ("tables", "update", own, "--tables", example)
    shown = medhavi(*words, "--json")
    assert shown.answer["tables"]["products"]["changed"] == 1
    assert shown.answer["change"] is None
    assert (
        medhavi("tables", "history", "--tables", example, "--json").answer["changes"]
        == []
    )
    done = medhavi(*words, "--commit", "--approver", "Ana", "--json")
    assert done.answer["change"] == 1
    again = medhavi(*words, "--json")
    assert again.answer["tables"] == {}
    back = medhavi("tables", "undo", "--tables", example, "--approver", "Ana", "--json")
    assert back.answer["undoes"] == 1
    assert medhavi(*words, "--json").answer["tables"]["products"]["changed"] == 1


def test_a_cell_is_mended_by_its_row_number(medhavi, example):
    words = ("tables", "mend", "--tables", example, "--table", "demands", "--row", 2)
    said = medhavi(*words, "--column", "product", "--value", "X", "--json")
    assert said.code == 1
    assert "SNAP011" in said.codes
    assert medhavi(*words, "--column", "colour", "--value", "X").code == 2
    lost = medhavi("tables", "update", "gone.csv", "--tables", example)
    assert (lost.code, "no such file" in lost.err) == (2, True)


@pytest.mark.req("ENR-10")
def test_a_lake_keeps_overrides_over_a_file_unless_they_shall_end(medhavi, tmp_path):
    bench = company(tmp_path)
    key = {"supplier": "S", "product": "A", "location": "DC"}
    place = ("supply_terms", key, "unit_price")
    assert bench.override(plan_of(bench), place, 5.0, approver="Maria").committed
    own = tmp_path / "supply_terms.csv"
    own.write_text("supplier,product,location,unit_price\nS,A,DC,7\n", "utf-8")
    words = ("tables", "update", own, "--lake", tmp_path / "lake")
    kept = medhavi(*words, "--json")
    assert (kept.code, kept.answer["cells"]) == (0, [])
    (told,) = [one for one in kept.answer["findings"] if one["code"] == "ORD011"]
    assert "the override by Maria of" in told["message"]
    done = medhavi(*words, "--end-overrides", "--commit", "--approver", "Ana", "--json")
    assert "ORD012" in done.codes
    prices = bench.snapshot()["supply_terms"].filter(supplier="S")["unit_price"]
    assert prices.to_list() == [7.0]
