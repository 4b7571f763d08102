"""Orders of a plan that can be carried out lie as late as their limits allow."""

import datetime as dt

import pytest

from tests import factories
from tests.api import plan, verify


def day(count):
    return factories.AS_OF + dt.timedelta(days=count)


def finishes(**tables):
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    assert set(made.fulfilment["status"]) == {"on_time"}
    return sorted(
        ((when - factories.AS_OF).total_seconds() / 86400, qty)
        for when, qty in made.supplies.select("finish", "qty").iter_rows()
    )


LATE = [{"qty": 25, "due": day(100)}]


@pytest.mark.req("MRP-09", "CAP-06")
def test_what_a_supplier_cannot_bring_in_one_period_comes_in_the_one_before():
    terms = [{"capacity_per_period": 10, "period_days": 7}]
    # Periods begin on days 84, 91 and 98; ten are wanted on day 100 at the latest.
    found = finishes(supply_terms=terms, demands=LATE)
    assert [(round(at), qty) for at, qty in found] == [(91, 5), (98, 10), (100, 10)]
    assert all(at < edge for (at, _), edge in zip(found, (91, 98), strict=False))


@pytest.mark.req("MRP-09")
@pytest.mark.parametrize("kind", ["buy", "make"])
def test_what_is_valid_no_longer_is_ordered_just_before(kind):
    if kind == "buy":
        tables = {"supply_terms": [{"lead_time_days": 1, "valid_to": day(50)}]}
    else:
        tables = {
            "resources": [{"resource": "M"}],
            "routings": [{"valid_to": day(50)}],
            "steps": [{"sequence": 1, "fixed_minutes": 1440}],
            "step_resources": [{}],
        }
    ((at, qty),) = finishes(**tables, demands=LATE)
    assert qty == 25
    # An order begins while its source holds, and ends a day later.
    last = day(51)
    assert last - dt.timedelta(seconds=2) <= day(at) <= last


@pytest.mark.req("MRP-09")
def test_what_a_full_departure_leaves_takes_the_one_before():
    found = finishes(
        products=[{"product": "A", "weight_kg": 1}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24, "capacity_kg": 10}],
        departures=[{"weekday": 1, "time": dt.time(0)}],
        stock=[{"qty": 25}],
        demands=[{"location": "W", "qty": 25, "due": day(100)}],
    )
    assert [at for at, _ in found] == [85, 92, 99]
    assert sorted(qty for _, qty in found) == [5, 10, 10]


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize(("until", "bought"), [(0, 0), (1, 10)])
def test_a_lot_that_is_free_again_serves(until, bought):
    snapshot = factories.snapshot(
        disruptions=[
            {
                "kind": "lot_held",
                "subject": "A|L|X",
                "valid_from": day(-9),
                "valid_to": day(until),
            }
        ],
        stock=[{"lot": "X", "qty": 10}],
        supply_terms=[{}],
        demands=[{"qty": 10}],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    assert made.supplies["qty"].sum() == bought
