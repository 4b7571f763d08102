"""Traces to purchased lots and where-used, on a plan made by hand and small plans."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.results.plans.source_trace import start_delays, trace, where_used
from tests import factories
from tests.api import plan
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day, planned, verified


@pytest.fixture(scope="module")
def kit():
    """KIT of B and C, moved to W; B is made of E, E and C are bought."""
    snapshot = factories.snapshot(
        demands=[{"product": "KIT", "location": "W", "qty": 10, "due": day(40)}],
        routings=[
            {"routing": "RK", "product": "KIT"},
            {"routing": "RB", "product": "B"},
        ],
        steps=[
            {"routing": "RK", "setup_minutes": 60 * 24},
            {"routing": "RB", "setup_minutes": 60 * 24 * 2},
        ],
        bom_lines=[
            {"routing": "RK", "component": "B"},
            {"routing": "RK", "component": "C"},
            {"routing": "RB", "component": "E"},
        ],
        supply_terms=[
            {"product": "E", "lead_time_days": 9},
            {"product": "C", "lead_time_days": 3},
        ],
        lanes=[{"lane": "T", "duration_h": 24}],
        stock=[{"product": "C", "qty": 4}],
    )
    return verified(snapshot), snapshot


@pytest.mark.req("PEG-09")
def test_the_chain_goes_from_the_first_start_to_the_delivery(kit):
    made, snapshot = kit
    found = made.trace("D1", snapshot)
    assert [(hop.product, hop.kind) for hop in found.chain] == [
        ("E", "buy"),
        ("B", "make"),
        ("KIT", "make"),
        ("KIT", "move"),
    ]
    assert [hop.own_hours for hop in found.chain] == [9 * 24, 2 * 24, 24, 24]
    assert found.delivered == day(40)


@pytest.mark.req("PEG-09")
def test_a_trace_ends_in_purchases_and_lots(kit):
    made, snapshot = kit
    found = made.trace("D1", snapshot)
    assert sorted((one.product, one.kind, one.qty) for one in found.origins) == [
        ("C", "buy", 6),
        ("C", "stock", 4),
        ("E", "buy", 10),
    ]
    assert "2 purchases and 1 stock lots are behind it." in str(found)


@pytest.mark.req("PEG-10")
def test_the_whole_graph_is_the_bill_of_materials(kit):
    made, snapshot = kit
    names = dict(zip(made.supplies["id"], made.supplies["product"], strict=True))
    edges = {
        (names[edge.taker], edge.product) for edge in made.trace("D1", snapshot).edges
    }
    assert edges == {("KIT", "KIT"), ("KIT", "B"), ("KIT", "C"), ("B", "E")}
    guessed = made.trace("D1")
    assert set(guessed.edges) >= set(made.trace("D1", snapshot).edges)


@pytest.mark.req("PEG-09")
@pytest.mark.parametrize(("subject", "level"), [("E", 3), ("C", 2), ("C|L|", 2)])
def test_a_component_is_used_for_what_was_wanted(kit, subject, level):
    made, _ = kit
    rows = made.where_used(subject).to_dicts()
    assert {(row["demand"], row["wanted_product"]) for row in rows} == {("D1", "KIT")}
    assert {row["level"] for row in rows} == {level}
    assert {row["status"] for row in rows} == {"on_time"}


def test_an_order_is_used_by_all_that_it_serves():
    made = planned(
        demands=[{"qty": 3}, {"qty": 4}],
        supply_orders=[{"qty": 7}],
    )
    rows = where_used(made, "O1").to_dicts()
    assert [(row["demand"], row["qty"]) for row in rows] == [("D1", 3), ("D2", 4)]


def test_a_hop_waits_for_the_last_component_then_for_its_need(kit):
    """C of stock and of the purchase, B: all there just in time, so nothing waits."""
    made, snapshot = kit
    assert [hop.waits for hop in made.trace("D1", snapshot).chain][2] == ()
    late = planned(
        demands=[{"product": "K", "qty": 1, "due": day(40)}],
        routings=[{"routing": "R", "product": "K"}],
        steps=[{"setup_minutes": 60}],
        bom_lines=[{"component": "B"}, {"component": "C"}],
        supply_orders=[
            {"product": "B", "qty": 1, "due": day(10)},
            {"product": "C", "qty": 1, "due": day(12)},
        ],
    )
    waits = late.trace("D1").chain[-1].waits
    assert [(one.reason, one.hours) for one in waits] == [
        ("component", 48),
        ("plan", 28 * 24 - 1),
    ]
    assert "waits 2 d for C of O2" in str(late.trace("D1"))


def test_a_hop_names_the_order_that_its_resource_runs():
    from tests.api import plan

    snapshot = factories.snapshot(
        demands=[
            {"product": "K", "qty": 1, "due": day(1), "priority": 1},
            {"product": "K", "qty": 1, "due": day(1), "priority": 2},
        ],
        routings=[{"routing": "R", "product": "K"}],
        resources=[{}],
        steps=[{"setup_minutes": 60 * 24 * 3}],
        step_resources=[{}],
        bom_lines=[{"component": "B"}],
        stock=[{"product": "B", "qty": 1}],
        supply_orders=[{"product": "B", "qty": 1, "due": day(1)}],
    )
    made = plan(snapshot, mode="constrained", settings=KERNELS)
    late = made.fulfilment.sort("lateness_h")["demand"][-1]
    hop = made.trace(late, snapshot).chain[-1]
    (wait, *_) = hop.waits
    assert (wait.reason, wait.subject) == ("resource", "M")
    assert wait.behind in made.supplies["id"].to_list()
    assert f"for M, which runs {wait.number}" in str(hop)


def test_stock_alone_is_a_chain_of_one():
    found = trace(planned(demands=[{"qty": 1}], stock=[{"qty": 1}]), "D1")
    (hop,) = found.chain
    assert (hop.kind, hop.own_hours) == ("stock", 0)
    assert "there already" in str(hop)


def test_nothing_served_has_no_chain():
    found = trace(planned(demands=[{"qty": 1}]), "D1")
    assert (found.chain, found.origins, found.edges) == ((), (), ())


def test_what_is_not_there_gets_the_nearest_name(kit):
    made, _ = kit
    with pytest.raises(UsageError, match="no demand D11; the nearest name is D1"):
        made.trace("D11")
    with pytest.raises(
        UsageError, match="no product, order or lot KITT; the nearest name is"
    ):
        made.where_used("KITT")


@settings(max_examples=examples(4))
@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 30))
def test_origins_give_what_a_demand_of_bought_goods_gets(qty, stocked, ordered):
    """Nothing is lost between the lots and the demand."""
    made = planned(
        demands=[{"qty": qty}],
        stock=[{"qty": stocked}] if stocked else [],
        supply_orders=[{"qty": ordered}] if ordered else [],
        supply_terms=[{"lead_time_days": 5}],
    )
    assert sum(one.qty for one in made.trace("D1").origins) == qty


@pytest.mark.req("OME-06")
def test_an_order_waits_for_nothing_that_comes_after_it_began():
    """Two orders serve one demand; what is bought for the second comes later."""
    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 10, "due": day(40)}],
        routings=[{"routing": "RA", "product": "A", "max_lot": 5}],
        steps=[{"routing": "RA", "run_minutes_per_unit": 60 * 24}],
        resources=[{"resource": "M"}],
        step_resources=[{"routing": "RA", "resource": "M"}],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RA", "component": "C"},
        ],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
        supply_orders=[{"product": "C", "qty": 10, "due": day(5)}],
    )
    made = plan(snapshot, "constrained")
    first, second = made.supplies.filter(kind="make").sort("start")["id"].to_list()
    bought = made.supplies.filter(product="B").sort("start")["id"].to_list()
    for order, component in zip((first, second), bought, strict=True):
        (found,) = start_delays(made, order, snapshot=snapshot)
        assert (found.reason, found.behind) == ("component", component)
