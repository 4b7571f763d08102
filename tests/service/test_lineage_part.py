"""Lineage on the page of the data: of a cell, of a plan's number, of nothing."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.service.data_pages import cell_form
from medhavi.service.data_pages.data_page import state_of
from medhavi.service.plan_pages.plan_loading import load_page
from tests.api import Lake, open_store
from tests.lakehouse.lake_events import event, small_company


@pytest.fixture
def shown(tmp_path, monkeypatch):
    for name in ("MEDHAVI_TABLES", "MEDHAVI_STORE"):
        monkeypatch.delenv(name, raising=False)
    store = open_store(f"sqlite:///{tmp_path / 'events.db'}", create=True)
    key = {"supplier": "S", "product": "A", "location": "DC"}
    told = [*small_company(), event(9, "SupplyTermChanged", **key, lead_time_days=7.0)]
    store.append_many(told)
    Lake(tmp_path / "lake").mirror(store)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    return load_page(mode="mrp")


def nowhere(_name: str) -> str:
    return ""


def test_a_cell_tells_its_events_in_local_time_and_words(shown):
    asked = ("supply_terms", "S|A|DC", "lead_time_days")
    told = cell_form.lineage_answer(shown, asked, nowhere)
    assert "Lead time days of supply terms S, A, DC" in told
    assert "<b>7 d</b>, stated by events" in told
    assert told.index("Supply term changed") < told.index("Supply term defined")
    assert "5 → 7" in told
    assert "Mon 5 Jan 2026, 00:09" in told
    assert "medhavi lineage supply_terms &quot;S|A|DC&quot; lead_time_days" in told


def test_a_planned_quantity_links_to_what_it_is_made_from(shown):
    planned = shown.plan.supplies.filter(shown.plan.supplies["status"] == "planned")
    asked = ("supplies", planned["number"][0], "qty")
    told = cell_form.lineage_answer(shown, asked, nowhere)
    assert "worked out by the plan" in told
    assert "Pegged demand" in told
    assert (
        "/data/?tab=lineage&amp;of=demands&amp;key=D-1&amp;column=qty#lineage" in told
    )


def test_what_is_wrong_is_told_in_words_and_nothing_asks_for_a_number(shown):
    wrong = cell_form.lineage_answer(shown, ("supply_terms", "S|A|DC", "days"), nowhere)
    assert "no column &#x27;days&#x27;" in wrong
    assert "No number is chosen" in cell_form.lineage_answer(
        shown, ("", "", ""), nowhere
    )
    asked = cell_form.traced_cell("demands", None, {"of": "demands", "key": "D-1"}.get)
    assert asked[:2] == ("demands", "D-1")


@pytest.mark.req("ENR-10", "UI-02")
def test_table_row_and_column_are_chosen_by_their_names(shown):
    """Whoever asked had to know the names of files, and how a key is written."""
    state = state_of(shown)
    kept = {}
    of_table = cell_form.traced_table_choice(shown, state, nowhere, kept.__setitem__)
    assert of_table.options["Orders of the plan"] == "supplies"
    assert of_table.options["Supply terms"] == "supply_terms"

    def form(table, wanted=nowhere):
        made: Any = cell_form.lineage_form(shown, state, table, wanted, print)
        return made and made.element.elements

    assert form(None) is None
    fields = form("supply_terms")
    assert fields["key"].options["S, A, DC"] == "S|A|DC"
    assert fields["column"].options["Lead time days"] == "lead_time_days"
    assert fields["column"].options["all of the row"] == ""
    planned = form("supplies")
    (number, *_) = shown.plan.supplies["number"].drop_nulls()
    assert number in planned["key"].options.values()
    address = {"of": "supply_terms", "key": "S|A|DC", "column": "lead_time_days"}
    fields = form("supply_terms", lambda name: address.get(name, ""))
    assert (fields["key"].value, fields["column"].value) == ("S|A|DC", "lead_time_days")


def test_another_table_than_that_of_the_address_is_not_asked_about(shown):
    address = {"of": "demands", "key": "D-1", "column": ""}.get
    assert cell_form.traced_cell("supplies", None, address) == ("", "", "")
    form = {"key": None, "column": None}
    assert cell_form.traced_cell("supplies", form, address) == ("supplies", "", "")
    told = cell_form.lineage_answer(shown, ("supplies", "", ""), nowhere)
    assert "No number is chosen" in told
