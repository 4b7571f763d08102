"""What demands ask for in mode optimize: its program never counts on what lacks it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.small_plans import day, deliveries, fulfilment
from tests.planners.test_master_plan_laws import WEEKS, companies

RED = {"requires": ["color=red"]}
RANKED = [{"quality_classes": ["A", "B", "C"]}]


def wanted(name, qty, due, short=1e5, **more):
    """A demand for A at L with the price of a shortage."""
    row = {"demand": name, "product": "A", "location": "L", "qty": qty}
    return {**row, "due": day(due), "short_cost": short, **more}


@pytest.mark.req("OMC-7.4.4", "OMI-18")
def test_an_incompatible_routing_is_never_chosen_though_it_is_cheaper():
    """10 red ones at 5 and 10 others at 1 cost 60; all by R would cost 20."""
    found = best(
        demands=[wanted("D1", 10, 9, **RED), wanted("D2", 10, 9)],
        routings=[
            {"routing": "R", "product": "A", "cost_per_unit": 1},
            {
                "routing": "Q",
                "product": "A",
                "cost_per_unit": 5,
                "provides": ["color=red"],
            },
        ],
    )
    assert parts(found)["making"] == pytest.approx(60)
    assert sources(found) == {"R": 10, "Q": 10}


@pytest.mark.req("OMC-7.4.4")
def test_what_is_moved_is_made_as_it_is_asked_at_its_origin():
    """From V it costs 1 and is not red; made red at L and moved it costs 3 + 4."""
    found = best(
        demands=[wanted("D1", 10, 9, location="W", **RED)],
        locations=[{"location": name} for name in "LVW"],
        lanes=[
            {
                "lane": f"{origin}W",
                "origin": origin,
                "destination": "W",
                "duration_h": 24,
                "cost_per_unit": cost,
            }
            for origin, cost in (("V", 1), ("L", 3))
        ],
        routings=[
            {
                "routing": "R",
                "product": "A",
                "cost_per_unit": 4,
                "provides": ["color=red"],
            }
        ],
        stock=[
            {"product": "A", "location": "V", "qty": 10},
            {"product": "A", "location": "L", "lot": "other", "qty": 10},
        ],
    )
    assert parts(found)["making"] == pytest.approx(40)
    assert parts(found)["moving"] == pytest.approx(30)
    assert sources(found) == {"R": 10, "LW": 10}


@pytest.mark.req("OMC-7.4.4", "OMI-18")
def test_lots_below_the_class_and_new_supply_serve_nobody_who_asks_for_it():
    """Of class A there are 6 at another place; 2 of 8 are never there."""
    found = best(
        settings=RANKED,
        demands=[wanted("D1", 8, 9, short=100, location="W", min_quality="A")],
        locations=[{"location": name} for name in "LW"],
        lanes=[
            {
                "lane": "T",
                "product": "A",
                "origin": "L",
                "destination": "W",
                "duration_h": 24,
            },
        ],
        stock=[
            {"product": "A", "location": "L", "lot": "a", "qty": 6, "quality": "A"},
            {"product": "A", "location": "W", "lot": "c", "qty": 9, "quality": "C"},
        ],
        supply_orders=[
            {
                "supply_order": "P",
                "product": "A",
                "location": "W",
                "qty": 9,
                "due": day(5),
            }
        ],
    )
    assert parts(found)["shortage"] == pytest.approx(200)
    assert sources(found) == {"T": 6}
    assert fulfilment(found)["short"] == 2


def test_what_others_took_does_not_come_again_with_what_lacks_it():
    """Day 3 takes all there is, which is of class A; what comes on day 5 is not."""
    found = best(
        settings=RANKED,
        demands=[
            wanted("D0", 6, 3, max_lateness_days=0),
            wanted("D1", 6, 9, short=100, min_quality="A"),
        ],
        stock=[{"product": "A", "lot": "a", "qty": 6, "quality": "A"}],
        supply_orders=[
            {"supply_order": "P", "product": "A", "qty": 6, "due": day(5)},
        ],
    )
    assert parts(found)["shortage"] == pytest.approx(600)
    assert deliveries(found, "D0") == [(6, 3)]
    assert deliveries(found, "D1") == []


@st.composite
def graded(draw):
    """A company with classes of lots and a dearer routing for what is red."""
    company = draw(companies())
    classes = st.sampled_from(["A", "B", "C", None])
    company["settings"] = RANKED
    for lot in company["stock"]:
        lot["quality"] = draw(classes)
    again = {"routing": "Q", "provides": ["color=red"], "cost_per_unit": 3.0}
    company["routings"].append({**company["routings"][0], **again})
    for name in ("steps", "step_resources", "bom_lines"):
        company[name].append({**company[name][0], "routing": "Q"})
    return company


ASKS = st.sampled_from([{}, RED, {"min_quality": "A"}, {**RED, "min_quality": "C"}])


@pytest.mark.nightly
@settings(
    max_examples=examples(2, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(graded(), st.data())
def test_plans_with_asking_demands_verify_and_cost_no_less_than_without(company, data):
    """Beside lanes, least lots and safety stock: demands ask, a routing provides."""
    asked = [{**one, **data.draw(ASKS)} for one in company["demands"]]
    snapshot = factories.snapshot(**{**company, "demands": asked})
    found = plan(snapshot, "optimize", WEEKS)
    assert verify(found, snapshot) == []
    usual = plan(snapshot, "constrained")
    assert scorecard(found, snapshot).total <= scorecard(usual, snapshot).total
    without = plan(factories.snapshot(**company), "optimize", WEEKS)
    assert found.run.program.value >= without.run.program.value - 1e-6
