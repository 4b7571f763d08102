"""What there is goes to the more important demand, until new supply could come."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api import plan, verify
from tests.examples import examples


def day(count):
    return factories.AS_OF + dt.timedelta(days=count)


WANTED = [
    {"demand": "EARLY", "qty": 10, "due": day(2), "priority": 2},
    {"demand": "URGENT", "qty": 10, "due": day(8), "priority": 1},
]
SHOP = {
    "resources": [{"resource": "M"}],
    "routings": [{"routing": "R"}],
    "steps": [{"step": 1, "sequence": 1, "run_minutes_per_unit": 144}],
    "step_resources": [{"step": 1}],
    "bom_lines": [{"line": 1, "component": "B", "qty_per": 1}],
    "supply_terms": [{"product": "B", "lead_time_days": 20}],
}
BOUGHT = {"supply_terms": [{"lead_time_days": 20}]}
CONTESTED = {
    "stock": {**BOUGHT, "stock": [{"qty": 10}]},
    "a receipt": {**BOUGHT, "supply_orders": [{"qty": 10, "due": day(4)}]},
    "stock of what would be made too late": {**SHOP, "stock": [{"qty": 10}]},
    "a component": {**SHOP, "stock": [{"product": "B", "qty": 10}]},
}


def lateness(tables, **settings):
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained", settings)
    assert verify(made, snapshot) == []
    return dict(made.fulfilment.select("demand", "lateness_h").iter_rows())


@pytest.mark.req("MRP-04", "MRP-05", "PEG-07")
@pytest.mark.parametrize("what", CONTESTED)
def test_an_earlier_and_less_important_demand_does_not_take(what):
    late = lateness({**CONTESTED[what], "demands": WANTED})
    assert late["URGENT"] == 0
    assert late["EARLY"] >= 18 * 24


@pytest.mark.req("PEG-07")
def test_it_takes_what_new_supply_replaces_in_time():
    tables = {
        "supply_terms": [{"lead_time_days": 7}],
        "stock": [{"qty": 10}],
        "demands": WANTED,
    }
    assert lateness(tables) == {"EARLY": 0, "URGENT": 0}


@pytest.mark.req("PEG-07")
def test_it_takes_what_is_left():
    tables = {**BOUGHT, "stock": [{"qty": 14}], "demands": WANTED}
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained")
    first = made.deliveries.filter(made.deliveries["demand"] == "EARLY")
    assert first.select("date", "qty").rows() == [(day(2), 4.0), (day(20), 6.0)]


@pytest.mark.req("PEG-07")
def test_equally_important_demands_are_served_by_date():
    wanted = [{**row, "priority": 1} for row in WANTED]
    late = lateness({**BOUGHT, "stock": [{"qty": 10}], "demands": wanted})
    assert late == {"EARLY": 0, "URGENT": 12 * 24}


@st.composite
def contested(draw):
    """Stock, receipts and a lead time, and demands of three classes."""
    pieces = st.integers(1, 15)
    days = st.integers(0, 14)
    receipts = draw(st.lists(st.tuples(pieces, days), max_size=2))
    wanted = draw(
        st.lists(st.tuples(pieces, days, st.integers(1, 3)), min_size=2, max_size=5)
    )
    tables = {
        "supply_terms": [{"lead_time_days": draw(st.sampled_from([3, 7, 15]))}],
        "stock": [{"qty": draw(st.integers(1, 30))}],
        "supply_orders": [{"qty": qty, "due": day(at)} for qty, at in receipts],
    }
    demands = [
        {"demand": f"D{i}", "qty": qty, "due": day(at), "priority": priority}
        for i, (qty, at, priority) in enumerate(wanted)
    ]
    return tables, demands


@pytest.mark.req("PEG-07")
@given(contested())
@settings(max_examples=examples(3, 12))
def test_no_less_important_demand_makes_the_most_important_later(given):
    tables, demands = given
    best = min(row["priority"] for row in demands)
    first = [row for row in demands if row["priority"] == best]
    alone = lateness({**tables, "demands": first})
    among = lateness({**tables, "demands": demands})
    assert sum(among[name] for name in alone) <= sum(alone.values())
