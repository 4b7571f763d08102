"""Open orders and the buy list of one supplier, and the file of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from html import unescape

import pytest

from medhavi.service import page_data
from medhavi.service.plan_pages import supplier_page
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.views import grid_columns, order_grid
from medhavi.views.plan_pages.suppliers import missing_html
from medhavi.views.words import say
from tests.api import Names
from tests.workbench.edit_company import company


@pytest.fixture
def shown(tmp_path, monkeypatch):
    page_data._benches.clear()
    company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    return load_page(mode="mrp")


@pytest.mark.req("OPA-07")
def test_the_buy_list_of_one_supplier_has_its_rows_alone(shown) -> None:
    """A buyer sends the file to the supplier: it holds nobody else's orders."""
    asked = supplier_page.from_choice(shown, lambda _: "", lambda *_: None)
    assert asked.value is None
    for tab in (say("tab_buy_list"), say("tab_open_orders")):
        everybody = supplier_page.grid_of(tab, shown, None, "", 60)
        known = set(everybody.rows[grid_columns.FROM])
        assert known <= set(asked.options)
        for source in known:
            own = supplier_page.grid_of(tab, shown, None, "", 60, source)
            assert set(own.rows[grid_columns.FROM]) == {source}
            assert own.name == f"{everybody.name} {source}"
        nobody = supplier_page.grid_of(tab, shown, None, "", 60, "Nobody")
        assert nobody.rows.is_empty()


def test_each_column_of_the_grids_has_a_width(shown) -> None:
    """A browser draws a grid with a frozen column and one without width 19 times."""
    sources = shown.plan.supplies["source"].drop_nulls().unique().sort().to_list()
    listed = [
        supplier_page.grid_of(tab, shown, None, source, 60).rows
        for tab in supplier_page.TABS[1:]
        for source in sources
    ]
    assert any(grid_columns.WAITS in rows.columns for rows in listed)
    columns = {name for rows in listed for name in rows.columns}
    assert columns <= set(supplier_page._WIDTHS)


@pytest.mark.req("UI-08")
def test_the_drawer_of_a_supplier_leads_to_its_orders(
    shown,
) -> None:
    found = supplier_page.deliveries_of(shown)
    bought = shown.plan.supplies.filter(kind="buy").row(0, named=True)
    edits = supplier_page.side_part(say("edit"), shown, found, bought["source"]).text
    assert order_grid.edit_link(bought["number"]) in unescape(edits)
    name = shown.names.name(bought["source"])
    assert f"/suppliers/?tab=open-orders&from={name}" in unescape(edits)
    assert "supplier_delay" in edits
    helped = supplier_page.side_part(say("remedies"), shown, found, bought["source"])
    assert say("it_serves_nothing_late") in helped.text
    none = supplier_page.side_part(say("edit"), shown, found, "NOBODY").text
    assert "supplier_delay" not in none


def test_a_plan_without_purchases_offers_nobody(shown) -> None:
    empty = shown.plan.replace(supplies=shown.plan.supplies.clear())
    bare = replace(shown, plan=empty)
    asked = supplier_page.from_choice(bare, lambda _: "", lambda *_: None)
    assert list(asked.options) == []
    grid = supplier_page.grid_of(say("tab_buy_list"), bare, None, "", 60, "S")
    assert grid.rows.is_empty()


@pytest.mark.req("UI-02")
def test_what_is_owed_in_a_week_or_overdue_is_listed_alone(shown) -> None:
    """Who owes most this week is then one group away."""
    tab = say("tab_open_orders")
    asked = supplier_page.due_choice(shown, lambda _: "", lambda *_: None)
    everything = supplier_page.grid_of(tab, shown, None, "", 60).rows
    listed = 0
    for words, week in asked.options.items():
        rows = supplier_page.grid_of(tab, shown, None, "", 60, "", week).rows
        assert not rows.is_empty(), words
        if week == "overdue":
            assert set(rows[grid_columns.OVERDUE]) != {""}
            continue
        assert words.startswith("Week of Mon ")
        listed += rows.height
    assert listed == everything.height > 0
    none = supplier_page.grid_of(tab, shown, None, "", 60, "", "2020-01-06")
    assert none.rows.is_empty()


@pytest.mark.req("UI-02")
def test_what_has_to_be_ordered_in_a_week_is_listed_alone(shown) -> None:
    """The buy list of next week, however few days ahead the page looks."""
    tab = say("tab_buy_list")
    asked = supplier_page.order_choice(shown, lambda _: "", lambda *_: None)
    everything = supplier_page.grid_of(tab, shown, None, "", 60).rows
    listed = [
        supplier_page.grid_of(tab, shown, None, "", 1, "", week)
        for week in asked.options.values()
    ]
    assert sum(grid.rows.height for grid in listed) == everything.height > 0
    for (words, week), grid in zip(asked.options.items(), listed, strict=True):
        assert words.startswith("Week of Mon ")
        assert week in grid.name, "its file says of which week it is"
        monday = dt.date.fromisoformat(week)
        days = grid.rows[grid_columns.ORDER_BY].dt.date()
        assert days.is_between(monday, monday + dt.timedelta(days=6)).all()


@pytest.mark.req("UI-08")
def test_an_address_of_a_supplier_that_is_not_shown_says_so() -> None:
    names = Names(texts={"S-2": "Label works"})
    assert missing_html("", ["S-1"], names) == ""
    assert missing_html("S-1", ["S-1"], names) == ""
    assert "No delivery of Label works is recorded" in missing_html(
        "S-2", ["S-1"], names
    )
    told = missing_html("Nobody", ["S-1"], names)
    assert "There is no supplier or lane Nobody" in told
    assert "Another one is shown" in told
    assert "Another one is shown" not in missing_html("Nobody", [], names)
