"""What is bought comes late where that costs less than a supplier who is in time."""

from __future__ import annotations

import pytest

from medhavi import pareto
from tests import factories
from tests.api import plan, verify
from tests.planners.optimal_plans import best, sources
from tests.planners.small_plans import deliveries, fulfilment
from tests.planners.test_source_toys import wanted

FAST, SLOW = "S", "T"
TWO_SUPPLIERS: dict[str, list[dict[str, object]]] = {
    "suppliers": [{"supplier": FAST}, {"supplier": SLOW}],
    "supply_terms": [
        {"supplier": FAST, "lead_time_days": 4, "unit_price": 7, "preference": 1},
        {"supplier": SLOW, "lead_time_days": 12, "unit_price": 2, "preference": 2},
    ],
}
"""A unit in time for day 11 costs 7, a day late 2."""


@pytest.mark.req("OMO-02", "OPA-05")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(("late", "source"), [(4.9, SLOW), (5.1, FAST)])
def test_a_day_is_bought_where_it_is_worth_its_price(late, source, effort):
    """A unit a day late costs 5 less and `late`."""
    demand = wanted("D1", 10, 11, late_cost_per_day=late)
    found = best({"effort": effort}, demands=[demand], **TWO_SUPPLIERS)
    assert sources(found) == {source: 10}
    assert fulfilment(found, "D1")["lateness_h"] == (24 if source == SLOW else 0)


@pytest.mark.req("OMO-02")
def test_who_waits_costs_least_by_the_day():
    """Two days cost little, one of them whole or not at all, and one much."""
    demands = [
        wanted("D1", 10, 11, late_cost_per_day=0.1),
        wanted("D2", 10, 11, late_cost_per_day=10),
        wanted("D3", 1, 11, late_cost_per_day=0.1, full_line=True),
    ]
    found = best(demands=demands, **TWO_SUPPLIERS)
    assert [deliveries(found, f"D{n}") for n in (1, 2, 3)] == [
        [(10, 12)],
        [(10, 11)],
        [(1, 12)],
    ]
    assert sources(found) == {FAST: 10, SLOW: 11}


@pytest.mark.req("OMO-02", "OPA-05")
@pytest.mark.parametrize(("late", "source"), [(4.9, SLOW), (5.1, FAST)])
def test_a_bought_part_may_make_what_takes_it_late_too(late, source):
    """A unit of A takes a minute and a part: at 7 it is in time, at 2 a day late.

    The slow parts are there when A is due, ten minutes after its work should begin. The
    program is late by days: what it defers is delivered a day late, though ten minutes
    would do.
    """
    parts = [{**one, "product": "B"} for one in TWO_SUPPLIERS["supply_terms"]]
    found = best(
        demands=[wanted("D1", 10, 12, late_cost_per_day=late)],
        suppliers=TWO_SUPPLIERS["suppliers"],
        supply_terms=parts,
        routings=[{"routing": "R"}],
        steps=[{"routing": "R", "run_minutes_per_unit": 1}],
        step_resources=[{"routing": "R", "resource": "M"}],
        bom_lines=[{"routing": "R", "component": "B"}],
    )
    assert sources(found)[source] == 10
    assert fulfilment(found, "D1")["lateness_h"] == (24 if source == SLOW else 0)
    causes = found.causes.select("code", "hours").rows()
    assert causes == ([("LeadTime", 24.0)] if source == SLOW else [])


@pytest.mark.req("OMO-02")
def test_a_plan_upon_it_keeps_its_suppliers():
    first = wanted("D1", 10, 11, late_cost_per_day=0.1)
    found = best(demands=[first], **TWO_SUPPLIERS)
    snapshot = factories.snapshot(demands=[first, wanted("D2", 5, 30)], **TWO_SUPPLIERS)
    again = plan(snapshot, "optimize", baseline=found)
    assert verify(again, snapshot) == []
    assert sources(again) == {SLOW: 15}


@pytest.mark.req("OMO-15")
def test_a_front_of_cost_and_lateness_has_the_slow_supplier_too():
    demand = wanted("D1", 10, 11, late_cost_per_day=0.1)
    front = pareto(
        factories.snapshot(demands=[demand], **TWO_SUPPLIERS),
        objectives=("cost", "lateness"),
        points=3,
    )
    ends = front.points.select("cost", "lateness").rows()
    assert (ends[0], ends[-1]) == ((20, 1), (70, 0))
    assert len(ends) == 3
