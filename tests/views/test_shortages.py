"""Why an item is short: the sum, the next receipt, late supplies and limits."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

import medhavi as mv
from medhavi.results.exceptions import ExceptionCode
from medhavi.views.item_record import item_finding, item_tiles, record_html
from medhavi.views.names import names_of
from medhavi.views.pictures.stock import record_chart, record_rows
from medhavi.views.plan_pages.shortages import (
    lots_html,
    short_items,
    short_items_html,
    short_month,
    short_rows,
    shortage_html,
    shortage_reasons,
)
from medhavi.views.theme import title_of
from tests import api, factories
from tests.planners.small_plans import PYTHON

DAY = dt.timedelta(days=1)
NOW = factories.AS_OF


@pytest.fixture(scope="module")
def company():
    """20 B are asked for on day 9; 10 are there, PO-1 brings 50 on day 16."""
    return factories.snapshot(
        products=[{"product": "B", "name": "Oil", "uom": "kg"}],
        stock=[{"product": "B", "qty": 10}],
        supply_orders=[
            {
                "supply_order": "PO-1",
                "kind": "purchase",
                "product": "B",
                "qty": 50,
                "due": NOW + 16 * DAY,
            }
        ],
        demands=[{"demand": "SO-1", "product": "B", "qty": 20, "due": NOW + 9 * DAY}],
    )


@pytest.fixture(scope="module")
def plan(company):
    return api.plan(company, "mrp")


@pytest.mark.req("UI-02")
def test_a_shortage_tells_its_sum_the_next_receipt_and_what_is_late(
    company, plan
) -> None:
    names = names_of(company)
    record = mv.time_phased(company, plan, "B", "L")
    assert "short from" in item_finding(record, names)
    missing, following, waiting, *reasons = shortage_reasons(record, plan, names)
    assert waiting == "Waiting for it: SO-1."
    assert "20 kg are required; on hand 10 kg and received 0 kg: short by 10" in missing
    assert "50 kg, order PO-1" in following
    late = next(one for one in reasons if ExceptionCode.BRING_FORWARD.headline in one)
    assert "(PO-1, " in late
    told = shortage_html(record, plan, names)
    assert told.count("<li>") == 3 + len(reasons)
    assert '<a href="/orders/?order=PO-1" target="_self">PO-1</a>' in told
    assert "Waiting for it: <a href" in told


def test_what_limits_its_late_demands_is_told(company, plan) -> None:
    """With finite capacity the demand is late by what it waits for."""
    record = mv.time_phased(company, plan, "B", "L")
    late = api.plan(company, "constrained", PYTHON)
    told = shortage_reasons(record, late, names_of(company))
    assert told[-1] == (
        "Limit of 1 late demand it serves: order PO-1 comes after its need."
    )


def test_an_item_that_is_covered_has_no_reason(company, plan) -> None:
    names = names_of(company)
    record = mv.time_phased(company, plan, "B", "L")
    rows = record.rows.with_columns(projected_available_balance=pl.lit(9.0))
    assert shortage_html(replace(record, rows=rows), plan, names) == ""


def test_stock_below_safety_without_a_late_supply_says_so(company, plan) -> None:
    names = names_of(company)
    record = mv.time_phased(company, plan, "B", "L")
    safe = record.rows.with_columns(
        projected_available_balance=pl.lit(4.0), safety_stock=pl.lit(6.0)
    )
    calm = plan.replace(
        exceptions=plan.exceptions.clear(), pegging=plan.pegging.clear()
    )
    low = replace(record, rows=safe, movements=record.movements.clear())
    told = shortage_reasons(low, calm, names)
    assert told[0].endswith("2 kg below safety stock.")
    assert told[0].startswith("Until the end of past due 0 kg are required")
    assert told[1] == "No receipt follows in this plan."
    assert told[2].startswith("No supply of it is late")


@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_grid_header_and_picture_are_one_record(company, plan, bucket) -> None:
    names = names_of(company)
    record = mv.time_phased(company, plan, "B", "L", bucket)
    drawn = record_rows(record)
    balance = record.rows["projected_available_balance"]
    assert drawn["stock"].to_list() == balance.to_list()
    assert (drawn["x2"] > drawn["x"]).all()
    assert drawn["x"].to_list()[1:] == drawn["x2"].to_list()[:-1]
    chart = record_chart(record, plan, names)
    assert chart is not None
    assert title_of(chart) == item_finding(record, names)
    tiles = {tile.label: tile for tile in item_tiles(record, names)}
    lowest = balance.min()
    assert tiles["Lowest projected balance"].value is None
    assert tiles["Lowest projected balance"].figure.endswith(f"{abs(lowest):g}")
    assert ("▲ " in record_html(record, names)) == (lowest < 0)


@pytest.mark.req("UI-02")
@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_no_stock_moves_in_the_picture_before_now(company, plan, bucket) -> None:
    """A shortage of Tuesday began on Monday at midnight, before the plan was made."""
    names = names_of(company)
    record = mv.time_phased(company, plan, "B", "L", bucket)
    begin, end = record_rows(record).row(1, named=True)["x"], 60_000
    chart = record_chart(record, plan, names)
    assert chart is not None
    assert record_rows(record, begin + end)["x"].to_list()[1] == begin + end
    assert record_rows(record, begin - end)["x"].to_list()[1] == begin


@pytest.mark.req("UI-02")
def test_a_shortage_of_a_week_is_told_as_that_of_a_week(company, plan) -> None:
    weekly = mv.time_phased(company, plan, "B", "L", "week")
    assert "short from the week of " in item_finding(weekly, names_of(company))


def test_unlimited_stock_has_no_picture(company, plan) -> None:
    record = mv.time_phased(company, plan, "B", "L")
    endless = record.rows.with_columns(projected_available_balance=pl.lit(float("inf")))
    assert record_chart(replace(record, rows=endless), plan, names_of(company)) is None


@pytest.mark.req("UI-02")
def test_items_are_listed_by_when_they_run_out(company, plan) -> None:
    names = names_of(company)
    short = short_items(plan)
    (row,) = short.to_dicts()
    assert (row["product"], row["location"], row["lowest"]) == ("B", "L", -10.0)
    # Without a safety stock it is below none: the tile of Plan does not count it.
    assert row["below_safety"] is None
    told = short_items_html(short, plan, names)
    assert "1 item: 0 below their safety stock" in told
    assert ">Oil at L</a>" in told
    assert told.count('<td class="">Mon 12 Jan</td>') == 1
    later = replace(plan, run=replace(plan.run, as_of=plan.run.as_of + 30 * 86_400))
    assert told.count("already") == 0
    assert short_items_html(short, later, names).count("already") == 1
    safe = plan.replace(positions=plan.positions.with_columns(safety=pl.lit(2.0)))
    (row,) = short_items(safe).to_dicts()
    assert row["runs_out"] == row["below_safety"]
    covered = plan.replace(
        positions=plan.positions.with_columns(on_hand=pl.lit(9.0), safety=pl.lit(0.0))
    )
    assert "No item runs short" in short_items_html(
        short_items(covered), covered, names
    )


@pytest.mark.req("UI-02")
def test_items_that_run_short_are_told_by_month_and_as_a_file(company, plan) -> None:
    names, short = names_of(company), short_items(plan)
    month = short.select(short_month()).item()
    assert month == short["runs_out"][0].date().replace(day=1)
    (row,) = short_rows(short, plan, names).to_dicts()
    assert (row["Item"], row["Location"]) == ("Oil", names.name("L"))
    assert list(row.values())[-2:] == [-10.0, names.unit("B")]


@pytest.mark.req("UI-02")
def test_a_lot_tells_which_demands_take_it_and_what_is_free(company, plan) -> None:
    names = names_of(company)
    stock = [
        {"product": "B", "location": "L", "lot": "L-7", "qty": 9.0},
        {"product": "B", "location": "L", "lot": "", "qty": 4.0},
    ]
    demand = plan.fulfilment["demand"][0]
    peg = {"id": "p", "demand": demand, "supply": "B|L|L-7", "product": "B"}
    peg |= {"location": "L", "qty": 6.5, "level": 0, "firm": False}
    pegged = plan.replace(pegging=pl.DataFrame([peg], schema=plan.pegging.schema))
    told = lots_html(pegged, company.replace(stock=stock), "B", "L", names)
    other, lot = told.split("L-7")
    assert "without a lot" in other
    assert f'href="/plan/?demand={demand}#why"' in lot
    assert "6.5" in lot
    assert "2.5" in lot
    assert "demand=" not in other
    assert "No stock here" in lots_html(plan, company, "nothing", "L", names)
