"""Why a source and not another: all sources of an order, measured by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.errors import UsageError
from medhavi.planners.source_choices import source_choices
from tests import factories
from tests.api import plan


def day(number: float) -> dt.datetime:
    return factories.AS_OF + dt.timedelta(days=number)


def terms(supplier, price, lead, **more):
    own = {"supplier": supplier, "product": "A", "lead_time_days": lead}
    return {**own, "unit_price": price, **more}


LOTS = {
    "demands": [{"demand": "D1", "qty": 50, "due": day(30)}],
    "supply_terms": [
        terms("S1", 1, 5, moq=1000),
        terms("S2", 2, 5, moq=10),
        terms("S3", 1.5, 40),
    ],
}
"""50 A by day 30: 1,000 at 1, 50 at 2, or 50 at 1.50 that come on day 40."""


def chosen(mode, demand="D1", **rows):
    snapshot = factories.snapshot(**rows)
    return source_choices(snapshot, plan(snapshot, mode), demand=demand)


@pytest.mark.req("OME-01", "OME-09")
def test_each_source_is_measured_with_its_lots_and_its_date():
    """A unit of the 50 costs 20, 2 and 1.50; S3 is there 10 days after day 30."""
    (one,) = chosen("optimize", **LOTS)
    assert (one.used.source, one.needed, one.finish) == ("S2", 50, day(30))
    assert (one.used.unit_cost, one.used.arrives) == (2, day(5))
    found = [
        (each.source, each.unit_cost, one.more(each), one.later_h(each))
        for each in one.others
    ]
    assert found == [("S3", 1.5, -0.5, 240), ("S1", 20, 18, 0)]
    used, late, large = one.sentences(told=lambda moment, place: f"{moment:%j} {place}")
    assert (
        used == "B-L-0001: 50 of A at L, bought from S2 at 2 EUR a unit, there 035 L."
    )
    assert late.startswith("Not bought from S3 at 1.5 EUR a unit, there 045 L at")
    assert "0.5 EUR a unit less, but 10 d later." in late
    assert "18 EUR a unit more; its lots give 950 more than needed." in large


@pytest.mark.req("OME-01", "OME-09")
def test_a_mode_that_asks_no_price_says_so_where_another_source_is_cheaper():
    (one,) = chosen("constrained", **LOTS)
    assert one.used.source == "S1"
    assert one.sentences()[2].endswith(
        "18 EUR a unit less, and in time; mode constrained takes sources in their "
        "order of use."
    )


@pytest.mark.req("OME-01", "OME-09")
def test_what_is_made_costs_its_hours_and_what_goes_in():
    """Two hours at 30 for ten, and 3 of B at 4 each: 18; bought at 17."""
    rows = {
        "demands": [{"demand": "D1", "qty": 10, "due": day(30)}],
        "products": [{"product": "A"}, {"product": "B", "unit_cost": 4.0}],
        "resources": [{"resource": "M", "cost_per_hour": 30.0}],
        "routings": [{"routing": "R"}],
        "steps": [{"routing": "R", "run_minutes_per_unit": 12.0}],
        "step_resources": [{"routing": "R"}],
        "bom_lines": [{"qty_per": 3}],
        "stock": [{"product": "B", "qty": 100}],
        "supply_terms": [terms("S", 17, 5, preference=2)],
    }
    (one,) = chosen("constrained", **rows)
    assert (one.used.source, one.used.cost, one.used.unit_cost) == ("R", 180, 18)
    assert one.against(one.others[0]) == ("preference 2 after 1",)
    assert "1 EUR a unit less, but preference 2 after 1." in str(one)
    (busy,) = chosen("constrained", **{**rows, "supply_terms": [terms("S", 17, 5)]})
    assert busy.used.loaded is not None
    assert busy.used.loaded.resource == "M"


@pytest.mark.req("OME-01", "OME-09")
def test_a_departure_is_paid_once_by_all_orders_that_leave_with_it():
    """100 for the vehicle of two orders of 10: 5 a unit each; alone it would be 10."""
    rows = {
        "locations": [{"location": "L"}, {"location": "W"}],
        "products": [{"product": "A"}, {"product": "B"}],
        "demands": [
            {"demand": f"D{one}", "product": one, "location": "W", "qty": 10}
            | {"due": day(9)}
            for one in "AB"
        ],
        "stock": [{"product": one, "qty": 10} for one in "AB"],
        "lanes": [
            {"lane": "T", "fixed_cost": 100.0},
            {"lane": "U", "fixed_cost": 80.0, "preference": 2},
        ],
        "departures": [{"lane": one, "time": dt.time(8)} for one in "TU"],
    }
    (one,) = chosen("constrained", "DA", **rows)
    assert (one.used.source, one.used.unit_cost) == ("T", 5)
    assert [(each.source, each.unit_cost) for each in one.others] == [("U", 8)]


@pytest.mark.req("OME-01", "OME-09")
def test_a_source_that_keeps_its_time_less_often_is_said_to():
    suppliers = [
        {"supplier": "S1", "reliability": 0.9},
        {"supplier": "S2", "reliability": 0.6},
    ]
    both = [terms("S1", 2, 5), terms("S2", 2, 5)]
    (one,) = chosen("mrp", **{**LOTS, "suppliers": suppliers, "supply_terms": both})
    assert one.against(one.others[0]) == ("in time in 60 % of all cases, not 90 %",)


@pytest.mark.req("OME-01", "OME-09")
def test_a_source_that_opens_later_says_from_when_on():
    """Ordered from day 28 on it is there on day 33, three days after the order."""
    later = [terms("S1", 2, 5), terms("S2", 1, 5, valid_from=day(28))]
    (one,) = chosen("mrp", **{**LOTS, "supply_terms": later})
    (other,) = one.others
    assert (other.arrives, one.later_h(other)) == (day(33), 72)


@pytest.mark.req("OME-01", "OME-09")
def test_what_has_one_source_or_was_ordered_before_is_no_choice():
    assert chosen("mrp", **{**LOTS, "supply_terms": [terms("S1", 2, 5)]}) == ()
    ordered = [{"supplier": "S1", "qty": 50, "due": day(20)}]
    assert chosen("mrp", **LOTS, supply_orders=ordered) == ()


@pytest.mark.req("OME-01")
def test_a_demand_or_an_order_that_is_not_there_is_named():
    snapshot = factories.snapshot(**LOTS)
    made = plan(snapshot, "mrp")
    with pytest.raises(UsageError, match="no demand D2"):
        source_choices(snapshot, made, demand="D2")
    with pytest.raises(UsageError, match="no order B-L-9"):
        source_choices(snapshot, made, order="B-L-9")
    (number,) = made.supplies["number"]
    assert source_choices(snapshot, made, order=number)[0].order == number
