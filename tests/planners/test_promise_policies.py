"""Policies: which rows hold, how they merge, and the score they give."""

from __future__ import annotations

import pytest

from medhavi.planners.promising.answering import Scored, ranking, scores
from medhavi.planners.promising.supply_search.policies import Policies
from tests.planners.small_promises import request_of, tables

ROWS = [
    {"policy": "default", "cost_cap": 100, "hold_minutes": 30},
    {"policy": "G", "tier": "Gold", "risk_basis": "p95", "cost_cap": 200},
    {"policy": "K", "sku_tier": "fast", "buffers": True},
    {"policy": "U", "customer": "GROUP", "cost_cap": 300},
    {"policy": "C", "customer": "C", "delivery": "full_line"},
    {"policy": "named", "ask_supplier": "never", "tier": "None"},
]
GIVEN = {
    "promise_policies": ROWS,
    "customers": [
        {"customer": "C", "tier": "Gold", "parent": "GROUP"},
        {"customer": "GROUP"},
        {"customer": "S", "parent": "GOLDEN"},
        {"customer": "GOLDEN", "tier": "Gold"},
    ],
    "products": [{"product": "A", "sku_tier": "fast"}, {"product": "B"}],
}


def policy(name=None, **stated):
    snapshot = tables(**GIVEN)
    return Policies(snapshot).of(request_of(snapshot, **stated), name)


@pytest.mark.req("CORE-03")
def test_the_more_special_row_wins_cell_by_cell():
    found = policy(customer="C")
    assert found.hold_minutes == 30
    assert found.risk_basis == "p95"
    assert found.buffers
    assert found.cost_cap == 300
    assert found.delivery == "full_line"


RANKS = [
    {"policy": "9 default"},
    {"policy": "8 tier", "tier": "Gold"},
    {"policy": "7 SKU tier", "sku_tier": "fast"},
    {"policy": "6 both tiers", "tier": "Gold", "sku_tier": "fast"},
    {"policy": "5 group", "customer": "GROUP"},
    {"policy": "4 customer", "customer": "C"},
]
"""Each more special than the one before; by their names they would stand reversed."""


@pytest.mark.req("CORE-03")
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
@pytest.mark.parametrize("above", range(1, len(RANKS)))
def test_of_two_neighbours_that_state_one_cell_the_more_special_wins(above, turned):
    """Each of the pair also states a cell of its own, which the other leaves alone."""
    weak = {**RANKS[above - 1], "cost_cap": 111, "co2_cap": 1}
    strong = {**RANKS[above], "cost_cap": 222, "risk_cap": 0.5}
    rows = [strong, weak] if turned else [weak, strong]
    snapshot = tables(**{**GIVEN, "promise_policies": rows})
    found = Policies(snapshot).of(request_of(snapshot, customer="C"))
    assert (found.cost_cap, found.co2_cap, found.risk_cap) == (222, 1, 0.5)
    assert found.policy == RANKS[above]["policy"]


@pytest.mark.req("CORE-03")
def test_without_customer_and_tier_the_default_row_holds():
    found = policy(product="B")
    assert (found.policy, found.cost_cap, found.risk_basis) == ("default", 100, "p80")


@pytest.mark.req("CORE-03")
@pytest.mark.parametrize("stated", [{"tier": "Gold"}, {"customer": "S"}])
def test_a_tier_is_stated_by_the_request_or_comes_from_the_group(stated):
    assert policy(product="B", **stated).cost_cap == 200


@pytest.mark.req("CORE-03")
def test_presets_may_be_named():
    gold, silver, bronze = (policy(name) for name in ("Gold", "silver", "BRONZE"))
    assert (gold.risk_basis, gold.ask_supplier) == ("p95", "on_shortfall")
    assert gold.time_preference > silver.time_preference > bronze.time_preference
    assert gold.cost_preference < silver.cost_preference < bronze.cost_preference


def test_the_policy_of_the_request_wins_over_the_one_for_all():
    assert policy("gold", policy="named").ask_supplier == "never"


@pytest.mark.req("CORE-02")
def test_every_column_has_a_default():
    found = Policies(tables(promise_policies=[])).of(
        request_of(tables(promise_policies=[]))
    )
    assert found.as_row() == {
        "policy": "default",
        "time_preference": 1,
        "cost_preference": 0,
        "risk_preference": 0,
        "co2_preference": 0,
        "risk_basis": "p80",
        "cost_cap": None,
        "co2_cap": None,
        "risk_cap": None,
        "hold_minutes": 60,
        "delivery": "partial",
        "buffers": False,
        "preempt": False,
        "expedite": False,
        "ask_supplier": "on_shortfall",
        "supplier_fallback": "accept_with_risk",
        "search_budget_evaluations": 200,
        "remedy_tries": 6,
        "sensitivity": False,
        "watch_days": None,
        "capacity": "finite",
        "overload_threshold": 0.005,
        "bottleneck_share": 0,
        "max_distance_to_bottleneck": None,
        "plan_early_days": None,
        "plan_late_days": None,
        "not_before_due": False,
        "delivery_buffer_h": 0,
        "least_esg": None,
        "short_runs": "plan",
        "planned_orders": False,
        "split_sourcing": False,
    }


def test_several_rows_for_everybody_are_a_finding():
    rows = [{"policy": "one", "buffers": True}, {"policy": "two", "expedite": True}]
    found = Policies(tables(promise_policies=rows))
    assert [one.code for one in found.findings] == ["PRM008"]
    assert not found.of(request_of(tables())).buffers


# ------------------------------------------------------------------------------ score
OPTIONS = [
    Scored("fast", 10, 90.0, 0.5, 9.0),
    Scored("cheap", 30, 10.0, 0.2, 5.0),
    Scored("green", 20, 50.0, 0.1, 1.0),
]


@pytest.mark.req("CORE-04")
@pytest.mark.req("SUP-04")
@pytest.mark.parametrize(
    ("weight", "order"),
    [
        ("time_preference", ["fast", "green", "cheap"]),
        ("cost_preference", ["cheap", "green", "fast"]),
        ("risk_preference", ["green", "cheap", "fast"]),
        ("co2_preference", ["green", "cheap", "fast"]),
    ],
)
def test_each_preference_has_its_order(weight, order):
    from dataclasses import replace

    nothing = replace(policy(product="B"), time_preference=0.0)
    totals = scores(OPTIONS, replace(nothing, **{weight: 1.0}))
    assert [OPTIONS[place].option for place in ranking(OPTIONS, totals)] == order


def test_the_score_is_the_sum_of_weighed_shares():
    from dataclasses import replace

    mixed = replace(policy(product="B"), time_preference=2.0, cost_preference=1.0)
    assert scores(OPTIONS, mixed) == [0 + 1, 2 + 0, 2 * 0.5 + 0.5]


def test_equal_options_go_by_date_cost_and_name():
    same = [Scored("b", 1, 1.0, 0.0, 0.0), Scored("a", 1, 1.0, 0.0, 0.0)]
    assert ranking(same, [0.0, 0.0]) == [1, 0]
    assert scores([], policy()) == []
