"""Results have their pictures as methods: the same charts as the pages draw."""

from __future__ import annotations

import pytest

import medhavi as mv
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.pictures.lateness import late_chart, overdue_chart
from medhavi.views.pictures.load import load_chart
from medhavi.views.pictures.network import network_chart
from medhavi.views.pictures.stock import items_by_need, stock_chart
from medhavi.views.plan_pages.cockpit import cockpit_tiles
from medhavi.views.plan_pages.suppliers import buy_rows
from medhavi.views.schedule_words import gantt_chart, risk_chart
from medhavi.views.theme import specification
from medhavi.views.tiles import tiles_html
from tests.api import Names
from tests.planners.small_promises import cells, day, workshop
from tests.planners.workshop import order, solved, step
from tests.planners.workshop import workshop as shop


def same(shown, chart):
    """Whether a picture shows a chart, or says that there is none."""
    if shown.picture is None or chart is None:
        return shown.picture is chart
    assert "<svg" in shown._repr_html_()
    return specification(shown.picture) == specification(chart)


@pytest.mark.req("UI-02")
def test_a_plan_draws_what_its_page_draws(plan, names):
    product, location, *_ = items_by_need(plan).row(0)
    assert same(plan.chart.stock(), stock_chart(plan, product, location, Names()))
    demand = plan.pegging["demand"].drop_nulls()[0]
    own = Names()
    assert same(plan.chart.late(), late_chart(plan, own))
    assert same(plan.chart.overdue(), overdue_chart(plan, own))
    assert same(plan.chart.load(), load_chart(plan, own))
    assert same(
        plan.chart.stock(product, location), stock_chart(plan, product, location, own)
    )
    assert same(
        plan.chart.chain(demand),
        chain_chart(plan.explain(demand), own, plan.run.as_of),
    )


def test_the_pictures_of_a_plan_are_found_by_completion(plan):
    pictures = {"late", "overdue", "load", "gantt", "stock", "chain", "record"}
    tables = {"figures", "exceptions", "network", "orders", "to_order"}
    assert set(dir(plan.chart)) == {*pictures, *tables}
    # A notebook lists them with what they show and what they want.
    listed = plan.chart._repr_html_()
    assert all(f".chart.{name}(" in listed for name in pictures | tables)
    assert ".chart.record(product, location, snapshot, bucket)" in str(plan.chart)


def test_tables_of_a_plan_are_those_of_the_pages(plan, lemonade, names):
    tiles = cockpit_tiles(plan, names)
    assert tiles_html(tiles) in plan.chart.figures(lemonade).html
    orders = plan.chart.orders(lemonade, kind="buy")
    bought = plan.supplies.filter(kind="buy")
    assert sorted(orders["Order"]) == sorted(bought["number"])
    assert plan.chart.to_order(lemonade).equals(buy_rows(plan, lemonade, names))
    found = plan.chart.exceptions(lemonade)
    assert found.height
    assert "Key" not in found.columns
    drawn = network_chart(plan, lemonade, names)
    assert same(plan.chart.network(lemonade), drawn)


def test_a_promise_a_schedule_and_its_risk_have_pictures():
    snapshot = workshop(bom_lines=[{"component": "B"}], locations=[{"location": "L"}])
    [made] = mv.promise(snapshot, [cells(due=day(28))])
    chain = made.chart.chain(snapshot)
    assert same(made.chart.chain(snapshot), chain.picture)
    assert "Delivery date" in made.chart.answer(snapshot).html
    assert "Nothing limits it" in made.chart.reasons(snapshot).html
    problem = shop(order("A", step(1, ("M", 9), run_minutes_range=[8, 9, 12])))
    schedule = solved(problem)
    assert same(schedule.chart.gantt(), gantt_chart(schedule))
    report = mv.risk(schedule, scenarios=50)
    assert same(report.chart.makespan(), risk_chart(report))
