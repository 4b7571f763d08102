"""Ordinary features of mode mrp against a second, naive implementation."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.units import to_seconds
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.naive_requirements import NaiveRequirements
from tests.planners.small_plans import PYTHON

PLANT, WAREHOUSE, CUSTOMER = "PLANT", "WAREHOUSE", "CUSTOMER"


@st.composite
def ordinary(draw):
    """A network of up to three products and three places, a source for each."""
    count = draw(st.integers(1, 3))
    names = [f"P{number}" for number in range(1, count + 1)]
    steps = {name: draw(st.sampled_from([1.0, 1.0, 0.5, 4.0])) for name in names}
    given = {
        "settings": [{"horizon_days": 60}],
        "products": [
            {
                "product": name,
                "qty_step": steps[name],
                "unit_cost": draw(st.sampled_from([0.0, 20.0])),
            }
            for name in names
        ],
        "locations": [{"location": name} for name in (PLANT, WAREHOUSE, CUSTOMER)],
        "lanes": [
            lane("W", PLANT, WAREHOUSE, draw(st.sampled_from([0.0, 30.0]))),
            lane("C", WAREHOUSE, CUSTOMER, 24.0),
        ],
        **{name: [] for name in ("routings", "steps", "bom_lines", "supply_terms")},
    }
    for place, name in enumerate(names):
        later = names[place + 1 :]
        if later and draw(st.booleans()):
            given_make(draw, given, name, later)
        else:
            given["supply_terms"].append(bought(draw, name))
    given["stock"] = draw(amounts(names, steps, {}))
    given["supply_orders"] = draw(
        amounts(names, steps, {"due": instants(0, 30), "status": STATES}, 2)
    )
    given["demands"] = draw(
        amounts(
            names,
            steps,
            {
                "due": instants(-3, 59),
                "location": st.sampled_from([PLANT, CUSTOMER]),
                "priority": st.integers(1, 3),
            },
            5,
        )
    )
    given["inventory_policies"] = draw(
        st.lists(policies(names), max_size=2, unique_by=lambda row: row["product"])
    )
    return given


STATES = st.sampled_from(["released", "firmed", "planned"])


def lane(name, origin, destination, hours):
    return {
        "lane": name,
        "origin": origin,
        "destination": destination,
        "duration_h": hours,
    }


def instants(first, last):
    hours = st.integers(first * 4, last * 4)
    return hours.map(lambda count: AS_OF + dt.timedelta(hours=6 * count))


@st.composite
def amounts(draw, names, steps, columns, most=2):
    found = []
    rows = draw(st.lists(st.sampled_from(names), max_size=most))
    if not columns:
        rows = sorted(set(rows))
    for name in rows:
        cells = {column: draw(values) for column, values in columns.items()}
        qty = draw(st.integers(1, 30)) * steps[name]
        found.append({"product": name, "location": PLANT, "qty": qty, **cells})
    return found


LOTS = st.sampled_from(
    [
        {},
        {},
        {"min_lot": 12.0},
        {"lot_multiple": 5.0},
        {"min_lot": 10.0, "lot_multiple": 4.0, "max_lot": 26.0},
        {"max_lot": 15.0},
    ]
)


def bought(draw, name):
    lots = dict(draw(LOTS))
    if "min_lot" in lots:
        lots["moq"] = lots.pop("min_lot")
    return {
        "product": name,
        "location": PLANT,
        "lead_time_days": draw(st.sampled_from([0.0, 2.5, 7.0])),
        "receipt_days": draw(st.sampled_from([0.0, 1.0])),
        "safety_days": draw(st.sampled_from([0.0, 2.0])),
        "batch_window_days": draw(st.sampled_from([0.0, 0.0, 3.0])),
        **lots,
    }


def given_make(draw, given, name, later):
    routing = f"R-{name}"
    yields = st.sampled_from([1.0, 1.0, 0.9, 0.6])
    given["routings"].append(
        {
            "routing": routing,
            "product": name,
            "location": PLANT,
            "yield": draw(yields),
            "safety_days": draw(st.sampled_from([0.0, 1.0])),
            **draw(LOTS),
        }
    )
    given["steps"] += [
        {
            "routing": routing,
            "step": number,
            "setup_minutes": draw(st.sampled_from([0.0, 20.0])),
            "run_minutes_per_unit": draw(st.sampled_from([0.0, 7.5])),
            "yield": draw(yields),
        }
        for number in (1, 2)
    ]
    given["bom_lines"] += [
        {
            "routing": routing,
            "line": line,
            "component": component,
            "qty_per": draw(st.sampled_from([1.0, 2.0, 0.5])),
            "step": draw(st.sampled_from([None, 1, 2])),
        }
        for line, component in enumerate(later, 1)
    ]


@st.composite
def policies(draw, names):
    rule = draw(
        st.sampled_from(
            [
                {},
                {"lot_rule": "fixed", "lot_size": 24.0},
                {"lot_rule": "fixed", "lot_size": 24.0, "reorder_point": 8.0},
                {"lot_rule": "min_max", "min_qty": 8.0, "max_qty": 40.0},
                {"lot_rule": "eoq", "order_cost": 3.0},
                {"lot_rule": "poq", "cover_days": 9.0},
                {"lot_rule": "silver_meal", "order_cost": 1.0},
                {"lot_rule": "silver_meal", "order_cost": 30.0},
                {"lot_rule": "wagner_whitin", "order_cost": 1.0},
                {"lot_rule": "wagner_whitin", "order_cost": 30.0},
            ]
        )
    )
    return {
        "product": draw(st.sampled_from(names)),
        "location": draw(st.sampled_from([PLANT, PLANT, WAREHOUSE])),
        "safety_qty": draw(st.sampled_from([0.0, 0.0, 12.0])),
        "target_qty": draw(st.sampled_from([None, None, 16.0])),
        **rule,
    }


def new_orders(found):
    rows = found.supplies.filter(pl.col("status") == "planned")
    return sorted(
        (
            row["kind"],
            row["product"],
            row["location"],
            Fraction(str(row["qty"])),
            Fraction(str(row["order_qty"])),
            to_seconds(row["start"]),
            to_seconds(row["finish"]),
        )
        for row in rows.iter_rows(named=True)
    )


@pytest.mark.req("MRP-03", "MRP-04", "MRP-07", "QA-08")
@given(ordinary())
@settings(max_examples=examples(4, 15))
def test_orders_are_those_of_the_naive_planner(given):
    snapshot = factories.snapshot(**given)
    found = plan(snapshot, settings=PYTHON)
    assert new_orders(found) == NaiveRequirements(snapshot).orders
    # What was due before now cannot be there in time any more: it is late.
    late = found.fulfilment["due"] < AS_OF
    assert set(found.fulfilment.filter(~late)["status"]) <= {"on_time"}
    assert set(found.fulfilment.filter(late)["status"]) <= {"late"}
    assert [str(fault) for fault in verify(found, snapshot)] == []


@pytest.mark.nightly
@given(ordinary())
@settings(max_examples=3000)
def test_orders_are_those_of_the_naive_planner_on_many_networks(given):
    snapshot = factories.snapshot(**given)
    found = plan(snapshot, settings=PYTHON)
    assert new_orders(found) == NaiveRequirements(snapshot).orders
