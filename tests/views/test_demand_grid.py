"""Grid of demands: the costliest late ones first, each with its dearest causes."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.views import grid_columns
from medhavi.views.order_list import due_clock
from medhavi.views.pictures.lateness import cause_sentence
from medhavi.views.plan_pages import demand_lists
from medhavi.views.plan_pages.demand_lists import demand_rows, demands_words
from medhavi.views.words import say
from tests.api import Names
from tests.results.hand_plan import at, hand_plan
from tests.views.test_late_picture import NAMES, cause, demand

ASKED = pl.DataFrame(
    [{"demand": "dear", "product": "A", "customer": "C", "location": "DC"}]
)


@pytest.fixture
def plan():
    return hand_plan(
        fulfilment=[
            demand("fine", "on_time", 0.0),
            demand("cheap", "late", 48.0),
            demand("dear", "late", 30.0),
            demand("none", "unplanned", None),
        ],
        causes=[
            cause("cheap", "LeadTime", 48.0, 1.0),
            cause("dear", "CapacityShortfall", 24.0, 90.0),
            cause("dear", "NoTransportLeg", 6.0, 10.0),
            cause("none", "NoSource", None, 5.0),
        ],
    )


def row_of(rows: pl.DataFrame, one: str) -> dict[str, object]:
    return rows.row(rows[demand_lists.ID].to_list().index(one), named=True)


@pytest.mark.req("UI-02")
def test_late_demands_stand_first_by_cost_and_all_others_behind(plan):
    rows = demand_rows(plan, None, NAMES)
    assert rows[demand_lists.ID].to_list() == ["dear", "none", "cheap", "fine"]
    late, cost = rows[grid_columns.LATE], rows[grid_columns.LATE_COST]
    assert late.to_list() == ["▲ 1 d 6 h", "▲ unplanned", "▲ 2 d", "on time"]
    assert cost.to_list() == [100.0, 5.0, 1.0, None]


def test_the_grid_says_what_it_lists(plan):
    assert demands_words(plan) == "3 late or short first, by cost, then 1 more."
    rows = [*plan.fulfilment.to_dicts(), demand("eaten", "ignored", None)]
    told = demands_words(hand_plan(fulfilment=rows, causes=plan.causes.to_dicts()))
    assert told.startswith("3 late or short first, by cost, then 1 more; 1 are not")


def test_causes_read_as_sentences(plan):
    told = row_of(demand_rows(plan, None, NAMES), "dear")[say("why")]
    assert str(told).startswith("1 d: Filling <1> is taken")
    row = cause("none", "NoSource", None, 5.0)
    assert cause_sentence(row, NAMES).startswith("Nothing supplies ")
    waits = cause("none", "AwaitingSupply", None, 5.0)
    assert cause_sentence(waits, NAMES).startswith("Order ")


@pytest.mark.req("UI-02")
def test_a_row_has_the_dearest_two_causes_and_counts_the_others():
    late = hand_plan(
        fulfilment=[demand("SO-1", "late", 96.0)],
        causes=[
            cause("SO-1", code, 24.0, money)
            for code, money in (
                ("LeadTime", 1.0),
                ("PastDue", 9.0),
                ("CapacityShortfall", 2.0),
                ("ReleaseFence", 8.0),
            )
        ],
    )
    told = str(demand_rows(late, None, Names())[say("why")].item())
    assert told.count("1 d: ") == 2
    assert told.index("past due when planned") < told.index("fence")
    assert told.endswith("; and 2 more")


def test_item_customer_and_location_are_those_of_the_order_line(plan):
    names = Names(texts={"A": "Apple jam", "C": "Corner shop"})
    rows = demand_rows(plan, ASKED, names)
    dear, cheap = row_of(rows, "dear"), row_of(rows, "cheap")
    columns = grid_columns.ITEM, grid_columns.CUSTOMER, grid_columns.LOCATION
    assert [dear[one] for one in columns] == ["Apple jam", "Corner shop", "DC"]
    assert cheap[grid_columns.CUSTOMER] is None


def test_a_due_date_is_the_wall_clock_of_its_place_with_its_zone(plan):
    names = Names(zone="Europe/Rome", zones={"dear": "America/Chicago"})
    rows = demand_rows(plan, None, names)
    dear, cheap = row_of(rows, "dear"), row_of(rows, "cheap")
    due, zone = grid_columns.DUE, grid_columns.ZONE
    noon = at("2026-02-02 12:00").replace(tzinfo=None)
    assert (dear[due], dear[zone]) == (noon, "America/Chicago")
    assert (cheap[due], cheap[zone]) == (noon.replace(hour=19), "Europe/Rome")


def test_a_day_as_a_due_date_is_told_by_that_day():
    """It means the end of the day, which is the midnight that begins the next."""
    late = hand_plan(
        fulfilment=[demand("SO-1", "late", 48.0) | {"due": at("2026-02-03 00:00")}],
        causes=[cause("SO-1", "LeadTime", 48.0, 9.0)],
    )
    (due,) = demand_rows(late, None, Names())[grid_columns.DUE]
    assert due_clock(due) == "Mon 2 Feb"
