"""Late orders of mode optimize, split into what is in time and the rest."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.planners.optimal_plans import best
from tests.planners.small_plans import day, deliveries, fulfilment, pegs
from tests.planners.test_constraint_toys import machine
from tests.planners.test_source_toys import wanted

if TYPE_CHECKING:
    from tests.planners.test_source_toys import Rows

SPLIT = "late orders split into what is in time and the rest"


def costs(found):
    """What the plan of each step costs, by its name."""
    return {one.name: one.cost for one in found.run.steps}


@pytest.mark.req("OMC-7.1.2", "HEU-02")
def test_of_40_hours_of_work_24_are_delivered_in_time():
    """16 units 16 h late at 2 a day, two orders at 10, one of 80 for what is later."""
    rows: Rows = {
        "products": [{"product": "A", "unit_cost": 10}],
        "demands": [wanted("D1", 40, 1), wanted("D2", 40, 9), wanted("D3", 40, 12)],
        "routings": [{"routing": "R", "product": "A", "fixed_cost": 10}],
        **machine("R", 60),
    }
    found = best({"most_whole_orders": 0}, **rows)
    assert deliveries(found) == [(24, 1), (16, round(1 + 16 / 24, 6))]
    card = scorecard(found, factories.snapshot(**rows))
    assert card.lateness == pytest.approx(16 * 16 / 24 * 2)
    before = costs(found)["guided by the program"]
    # One order more, and 24 units less late.
    assert costs(found)[SPLIT] == pytest.approx(before + 10 - 24 * 16 / 24 * 2)


@pytest.mark.req("OMC-7.1.2")
def test_an_order_that_costs_more_than_its_lateness_stays_whole():
    found = best(
        products=[{"product": "A", "unit_cost": 10}],
        demands=[wanted("D1", 40, 1)],
        routings=[{"routing": "R", "product": "A", "fixed_cost": 33}],
        **machine("R", 60),
    )
    assert deliveries(found) == [(40, round(1 + 16 / 24, 6))]
    assert costs(found)[SPLIT] > min(costs(found).values())


def test_nights_are_no_time_in_which_something_is_made():
    """Eight hours a day; one of 16 is there, 8 are made on Monday and 7 on Tuesday."""
    found = best(
        calendars=[{}],
        shifts=[{"weekday": n} for n in range(1, 6)],
        demands=[wanted("D1", 16, 1.1)],
        stock=[{"product": "A", "qty": 1}],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{"routing": "R", "product": "A"}],
        **machine("R", 60),
    )
    assert deliveries(found) == [(9, 1.1), (7, round(1 + 15 / 24, 6))]


def test_what_is_moved_to_its_customer_is_split_where_it_is_made():
    """A day of work before it leaves, a day on its way: due on day 2."""
    found = best(
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L"}],
        demands=[wanted("D1", 40, 2)],
        resources=[{"resource": "M", "location": "W"}],
        routings=[{"routing": "R", "product": "A", "location": "W"}],
        **machine("R", 60),
    )
    assert deliveries(found) == [(24, 2), (16, round(2 + 16 / 24, 6))]


@pytest.mark.parametrize("kept", ["full_line", "max_lot", "pegged", "bought"])
def test_what_cannot_be_split_is_not(kept):
    """Wanted whole; cut by its lot already; made of a part that is pegged; bought."""
    rows: Rows = {
        "demands": [wanted("D1", 40, 1, full_line=kept == "full_line")],
        "routings": [{"routing": "R", "product": "A"}],
        **machine("R", 60),
    }
    if kept == "max_lot":
        rows["routings"] = [{"routing": "R", "product": "A", "max_lot": 24}]
    if kept == "pegged":
        rows["bom_lines"] = [{"routing": "R", "component": "B"}]
        rows["stock"] = [{"product": "B", "qty": 40}]
        rows["pegs"] = [{"demand": "D1", "supply": "B|L|", "product": "B", "qty": 40}]
    if kept == "bought":
        rows["routings"], rows["steps"], rows["step_resources"] = [], [], []
        rows["supply_terms"] = [{"product": "A", "lead_time_days": 2}]
    found = best(**rows)
    assert SPLIT not in costs(found)
    assert fulfilment(found)["status"] == "late"
    assert sum(pegs(found, "D1").values()) == 40


def test_a_moment_is_no_work():
    """An order without work is there when its part is: nothing of it was in time."""
    found = best(
        demands=[wanted("D1", 40, 1)],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        supply_orders=[{"product": "B", "qty": 40, "due": day(3)}],
        lanes=[],
        departures=[],
    )
    assert SPLIT not in costs(found)
    assert deliveries(found) == [(40, 3)]
    assert dt.timedelta(hours=fulfilment(found)["lateness_h"]).days == 2


def fast_and_slow(fixed: float = 0.0) -> Rows:
    """48 hours until day 4: B is there on day 1 at 5 a unit, or on day 3 at 1."""
    return {
        "demands": [{**wanted("D1", 48, 4), "price": 50}],
        "routings": [{"routing": "R", "product": "A", "fixed_cost": fixed}],
        **machine("R", 60),
        "bom_lines": [{"routing": "R", "component": "B"}],
        "supply_terms": [
            {"supplier": "F", "product": "B", "lead_time_days": 1, "unit_price": 5},
            {"supplier": "S", "product": "B", "lead_time_days": 3, "unit_price": 1},
        ],
    }


@pytest.mark.req("OPA-05", "HEU-02")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(("fixed", "cost"), [(0, 144), (95, 144 + 2 * 95), (97, 337)])
def test_the_dear_supplier_brings_what_the_first_part_takes_and_no_more(
    effort, fixed, cost
):
    """24 A need the dear ones, for 120, the others cost 24; in one order it is 240."""
    rows = fast_and_slow(fixed)
    found = best({"effort": effort}, **rows)
    card = scorecard(found, factories.snapshot(**rows))
    assert card.total == pytest.approx(cost)
    assert card.lateness == 0


@pytest.mark.req("OPA-05")
def test_purchases_that_cost_little_more_are_no_reason_for_smaller_orders():
    rows = fast_and_slow()
    parts = "guided, by amounts as orders"
    assert parts in costs(best(**rows))
    # 96 of 240 could be saved.
    assert parts not in costs(best({"amounts_share": 0.41}, **rows))
