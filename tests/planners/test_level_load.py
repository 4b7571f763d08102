"""How level the load of a resource is, and what a price off its mean changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.results.figures.level_load import hours_off_mean
from tests import factories
from tests.api import OptimizeParameters
from tests.examples import examples
from tests.planners.optimal_plans import checked, parts
from tests.planners.small_plans import days, orders
from tests.planners.test_master_plan import demand

HOLDING = 10.0 * 0.2 / 365.0
"""What a unit of A costs a day in stock, at the rate of the settings."""


def shop(*wanted, more=None, **tables):
    """A, an hour each on M, wanted as (quantity, day), over eight days.

    `tables` replace those of it, rows of `more` are added.
    """
    own = {
        "settings": [{"bucket": "day", "horizon_days": 8}],
        "products": [{"product": "A", "unit_cost": 10.0}],
        "resources": [{"resource": "M"}],
        "routings": [{"routing": "R"}],
        "steps": [{"routing": "R", "run_minutes_per_unit": 60}],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "demands": [demand(f"D{n}", "A", *one) for n, one in enumerate(wanted)],
        **tables,
    }
    for name, rows in (more or {}).items():
        own[name] = [*own.get(name, []), *rows]
    return factories.snapshot(**own)


def levelled(snapshot, price, **more):
    return checked(snapshot, {"levelling_price": price, **more})


def by_day(made):
    """Hours of work by day."""
    found = [0.0] * 8
    for bucket, hours in made.loads.select("bucket", "run").iter_rows():
        found[int(days(bucket))] += hours
    return found


@pytest.mark.req("OMC-7.11", "OMV-12")
def test_a_level_demand_lies_nowhere_off_its_mean():
    made = levelled(shop(*[(3, n) for n in range(1, 9)]), 1.0)
    assert parts(made)["uneven load"] == pytest.approx(0.0, abs=1e-9)
    assert made.contributions.filter(part="uneven load")["plan"].item() == 0.0
    assert by_day(made) == [3.0] * 8


@pytest.mark.req("OMC-7.11", "OMV-12", "QA-01")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(
    ("price", "loads", "off"),
    [
        # An hour moved k days costs k days in stock, and saves two hours off the mean.
        (0.0, [0, 0, 0, 0, 0, 0, 0, 24], 42),
        (4.5 * HOLDING / 2, [0, 0, 0, 3, 3, 3, 3, 12], 18),
        (8 * HOLDING / 2, [3] * 8, 0),
    ],
)
def test_work_due_at_the_end_is_made_before_as_far_as_stock_is_cheaper(
    effort, price, loads, off
):
    snapshot = shop((24, 8))
    made = levelled(snapshot, price, effort=effort)
    assert by_day(made) == pytest.approx(loads)
    assert hours_off_mean(made, snapshot) == pytest.approx(off)
    told = dict(made.contributions.select("part", "plan").iter_rows())
    assert told["uneven load"] == pytest.approx(price * off)
    if price:
        assert parts(made)["uneven load"] == pytest.approx(price * off)


@pytest.mark.req("OMC-7.11", "OMV-12")
def test_orders_of_one_demand_are_made_ahead_each_to_a_day_of_its_own():
    """Six hours a day; 6, 12, 8, 5, 11, 17, 23 units lie in stock between the days.

    Each order ends with its day, however many of them serve a demand.
    """
    snapshot = shop((14, 8), (9, 4), (10, 3), (4, 8), (11, 8))
    made = levelled(snapshot, 4 * HOLDING)
    assert by_day(made) == pytest.approx([6.0] * 8)
    told = dict(made.contributions.select("part", "plan").iter_rows())
    assert told["holding"] == pytest.approx(82 * HOLDING)


@pytest.mark.req("OMC-7.11")
@pytest.mark.parametrize(("fixed", "count"), [(1000.0, 1), (0.1, 8)])
def test_orders_that_cost_more_than_level_loads_save_are_not_split(fixed, count):
    """42 hours off the mean cost 42; seven more orders cost 7,000, or 0.7."""
    routings = [{"routing": "R", "fixed_cost": fixed}]
    made = levelled(shop((24, 8), routings=routings), 1.0, effort="light")
    assert len(orders(made)) == count


@pytest.mark.req("OMC-7.11")
def test_what_goes_into_work_made_ahead_is_made_ahead_with_it():
    """B, an hour each on N, goes into A: both machines work three hours a day."""
    snapshot = shop(
        (24, 8),
        more={
            "routings": [{"routing": "RB", "product": "B"}],
            "steps": [{"routing": "RB", "run_minutes_per_unit": 60}],
            "step_resources": [{"routing": "RB", "step": 1, "resource": "N"}],
            "resources": [{"resource": "N"}],
            "bom_lines": [{"routing": "R", "component": "B"}],
        },
    )
    before = hours_off_mean(levelled(snapshot, 0.0), snapshot)
    after = hours_off_mean(levelled(snapshot, 1.0), snapshot)
    assert after < before / 2


@pytest.mark.req("OMC-7.11")
@settings(max_examples=examples(3, 8))
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 8)), min_size=1, max_size=6)
)
@pytest.mark.nightly
def test_a_higher_price_makes_no_plan_less_level(wanted):
    """Nor is one dearer, off the mean included, than one that does not look at it."""
    snapshot = shop(*wanted)
    off, cost = [], []
    for price in (0.0, 0.01, 1.0):
        made = levelled(snapshot, price, effort="light")
        off.append(hours_off_mean(made, snapshot))
        total = made.contributions["plan"].sum()
        cost.append(total - price * off[-1])
        assert total <= cost[0] + price * off[0] + 1e-6
    assert off == sorted(off, reverse=True)


@pytest.mark.req("OMV-12")
def test_a_price_of_level_loads_is_a_number_and_not_negative():
    with pytest.raises(UsageError, match="levelling_price"):
        OptimizeParameters(levelling_price=-1.0)
