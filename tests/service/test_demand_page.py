"""One demand beside the grid of the plan page: selected, told, edited, remembered."""

from __future__ import annotations

from html import escape
from typing import Any

import marimo as mo
import pytest

from medhavi.service import page_data
from medhavi.service.plan_pages import demand_page, desk_parts
from medhavi.views.order_grid import edit_link
from medhavi.views.plan_pages import demand_lists
from tests.service.test_order_page import MORE, page_of
from tests.workbench.edit_company import company


@pytest.fixture(autouse=True)
def no_memory():
    page_data._benches.clear()


@pytest.fixture
def desk(tmp_path):
    company(tmp_path, MORE)
    return page_of(tmp_path)


def grid_of(desk, kept=None, **asked):
    def keep(name, value):
        (kept if kept is not None else {})[name] = value

    table = demand_page.demand_table(desk, lambda name: asked.get(name, ""), keep)
    assert table is not None
    return table


@pytest.mark.req("UI-08")
def test_the_demand_of_the_address_stands_first_and_is_selected(desk):
    last = str(grid_of(desk).data[demand_lists.ID][-1])
    table = grid_of(desk, demand=last)
    assert table.data[demand_lists.ID][0] == last
    assert demand_page.selected_demand(table) == last


def test_what_is_selected_is_kept_in_the_address(desk):
    kept: dict[str, str] = {}
    table = grid_of(desk, kept)
    table._on_change(table.data[:1])
    assert kept == {"demand": table.data[demand_lists.ID][0]}
    table._on_change(table.data[:0])
    assert kept == {"demand": ""}


def test_a_plan_without_demands_has_no_grid(tmp_path):
    told = demand_page.missing_html("", None)
    assert "No demand is planned" in told


@pytest.mark.req("UI-08", "WO-12")
def test_the_orders_of_a_demand_lead_to_their_edit(desk):
    orders = desk.plan.supplies.select("number", supply="id")
    served = desk.plan.pegging.drop_nulls("demand").join(orders, on="supply")
    demand, number = served.select("demand", "number").row(0)
    told = demand_page.edit_html(desk, demand)
    address = escape(edit_link(number))
    assert f'<a href="{address}" target="_self">{number}</a>' in told
    assert f"/scenarios/?subject={demand}" in told


def test_a_demand_without_a_promise_says_so(desk):
    demand = desk.plan.fulfilment["demand"][0]
    assert "never promised" in demand_page.history_html(desk, demand)


def test_remedies_are_asked_of_the_demand_and_of_the_whole_plan(desk):
    one = desk.plan.fulfilment["demand"][0]
    form: Any = desk_parts.remedy_form(desk.plan, desk.names, [one], others=True)
    asked = form.element.elements["demand"]
    assert asked.value == one
    assert desk_parts.WHOLE_PLAN in asked.options
    alone: Any = desk_parts.remedy_form(desk.plan, desk.names, [one])
    assert desk_parts.WHOLE_PLAN not in alone.element.elements["demand"].options


def test_the_chain_of_a_demand_stands_beside_the_grid(desk):
    demand = desk.plan.fulfilment["demand"][0]
    box = mo.ui.checkbox()
    told = demand_page.why_parts(desk, demand, box)
    assert 'id="why"' in told.text
    assert "Why this source and not another" in told.text
    assert "a unit more; preference 2 after 1." in told.text.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "mv-chain" in told.text
