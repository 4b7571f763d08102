"""Plans of mode optimize in planned lots: cheaper, carried out, above their bound."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from medhavi.optimize.highs import Highs
from medhavi.planners.master_plan import master_run
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import RunRecord, Status
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import examples
from tests.planners.small_plans import day, orders

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def lot_sizing(seed: int, products: int = 2, days: int = 4) -> Snapshot:
    """Products of one machine that is open 8 h a day, each wanted on most days."""
    draw = random.Random(seed)
    names = "ABC"[:products]
    return factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": days + 1.0, "bucket": "day"}],
        products=[
            {"product": name, "unit_cost": 365.0 * draw.choice([0.2, 1.0])}
            for name in names
        ],
        inventory_policies=[
            {"product": name, "location": "L", "holding_rate": 1.0} for name in names
        ],
        calendars=[{"calendar": "DAY"}],
        shifts=[
            {"calendar": "DAY", "weekday": weekday, "start": "00:00", "finish": "08:00"}
            for weekday in range(1, 8)
        ],
        resources=[{"resource": "M", "calendar": "DAY"}],
        routings=[
            {"routing": name, "product": name, "fixed_cost": draw.choice([10.0, 40.0])}
            for name in names
        ],
        steps=[
            {
                "routing": name,
                "step": 1,
                "setup_minutes": draw.choice([0.0, 60.0]),
                "run_minutes_per_unit": 12.0,
            }
            for name in names
        ],
        step_resources=[
            {"routing": name, "step": 1, "resource": "M"} for name in names
        ],
        demands=[
            {
                "demand": f"{name}{number}",
                "product": name,
                "qty": float(draw.randint(4, 20)),
                "due": day(number + 23 / 24),
                "late_cost_per_day": draw.choice([20.0, 1000.0]),
                "short_cost": 5000.0,
            }
            for name in names
            for number in range(days)
            if draw.random() < 0.8
        ],
    )


@pytest.mark.req("OME-07")
@pytest.mark.parametrize("seed", [39, *range(examples(2, 39))])
def test_a_plan_in_lots_is_executable_and_costs_no_less_than_its_bound(seed):
    snapshot = lot_sizing(seed)
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    cost = scorecard(found, snapshot).total
    plain = scorecard(plan(snapshot, "constrained"), snapshot).total
    assert found.run.bound is not None
    assert found.run.bound <= cost <= plain + 1e-6


def test_a_lot_is_set_up_once_for_needs_that_cost_less_to_hold():
    """Four days of A and B at 40 an order and a few to hold: one lot each."""
    snapshot = lot_sizing(3)
    found = plan(snapshot, "optimize")
    assert len(orders(found)) < snapshot["demands"].height
    assert (found.fulfilment["status"] == "on_time").all()


def test_ctrl_c_while_lots_are_planned_keeps_the_best_plan_so_far():
    snapshot, told = lot_sizing(1), []
    stopped = plan(
        snapshot,
        "optimize",
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: "plan lots" in told,
    )
    assert stopped.run.status is Status.CANCELLED
    assert "program" in stopped.run.engine
    assert not verify(stopped, snapshot)
    cost = scorecard(stopped, snapshot).total
    assert cost >= scorecard(plan(snapshot, "optimize"), snapshot).total


def sold(*due: int, rate: float = 0.0, **more: object) -> Snapshot:
    """Ten of A on some days, 100 an order, at 0.1 a day for one that is held."""
    return factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": 40.0, "bucket": "day"}],
        products=[{"product": "A", "unit_cost": 36.5}],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": rate}],
        routings=[{"routing": "R", "product": "A", "fixed_cost": 100.0, **more}],
        demands=[
            {"demand": f"D{at}", "product": "A", "qty": 10.0, "due": day(at + 0.5)}
            for at in due
        ],
    )


@pytest.mark.req("OME-07")
@pytest.mark.parametrize(
    ("due", "cost"),
    [
        # A need that is held for a day costs 1 more, not an order more.
        ((10, 11), 101.0),
        ((10, 30), 120.0),
        ((2, 22, 30), 148.0),
    ],
)
def test_the_bound_counts_a_lot_and_what_it_holds(due, cost):
    snapshot = sold(*due, rate=1.0)
    found = plan(snapshot, "optimize")
    assert scorecard(found, snapshot).total == pytest.approx(cost)
    assert found.run.bound == pytest.approx(cost, rel=1e-4)


def test_what_stands_is_no_lot_in_the_bound():
    snapshot = sold(10, 11, rate=1.0)
    tables = {name: snapshot[name].to_dicts() for name in ("demands", "products")}
    stocked = factories.snapshot(
        **tables,
        settings=[{"as_of": day(0), "horizon_days": 40.0, "bucket": "day"}],
        routings=[{"routing": "R", "product": "A", "fixed_cost": 100.0}],
        stock=[{"product": "A", "location": "L", "qty": 20.0}],
    )
    found = plan(stocked, "optimize")
    assert found.run.bound == pytest.approx(0.0)


def test_a_largest_lot_is_paid_for_each_order_in_the_bound():
    snapshot = sold(10, 11, 12, max_lot=15.0)
    assert plan(snapshot, "optimize").run.bound == pytest.approx(200.0, rel=1e-4)


def test_lots_of_a_part_are_planned_where_they_pay():
    """Six days of A and B of one part C: its orders cost 90, to hold it little."""
    names = ("A", "B")
    snapshot = factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": 20.0, "bucket": "day"}],
        products=[{"product": one, "unit_cost": 36.5} for one in (*names, "C")],
        inventory_policies=[
            {"product": one, "location": "L", "holding_rate": 1.0}
            for one in (*names, "C")
        ],
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[
            {"routing": one, "product": one, "fixed_cost": cost}
            for one, cost in (("A", 15.0), ("B", 15.0), ("C", 90.0))
        ],
        steps=[
            {"routing": one, "step": 1, "run_minutes_per_unit": 20.0}
            for one in (*names, "C")
        ],
        step_resources=[
            {"routing": one, "step": 1, "resource": resource}
            for one, resource in (("A", "M"), ("B", "M"), ("C", "N"))
        ],
        bom_lines=[{"routing": one, "component": "C"} for one in names],
        demands=[
            {"demand": f"{one}{at}", "product": one, "qty": 10.0, "due": day(at + 0.9)}
            for one in names
            for at in range(8, 14)
        ],
    )
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    assert len(orders(found, "C")) <= 2
    assert (found.fulfilment["status"] == "on_time").all()


# --- prices by quantity ---------------------------------------------------------------
def bought(weeks: int, hold: float, **more: list[dict[str, object]]) -> Snapshot:
    """A hundred of A a week at 5 each, from 300 on at 4."""
    return factories.snapshot(
        **{
            "settings": [{"as_of": day(0), "horizon_days": 14.0 + 7 * weeks}],
            "products": [{"product": "A", "unit_cost": 5.0}],
            "inventory_policies": [
                {"product": "A", "location": "L", "holding_rate": hold}
            ],
            "demands": [
                {"demand": f"D{at}", "product": "A", "qty": 100.0, "price": 50.0}
                | {"due": day(14 + 7 * at)}
                for at in range(weeks)
            ],
            "supply_terms": [
                {"product": "A", "supplier": "S", "lead_time_days": 5}
                | {"unit_price": 5.0}
            ],
            "price_tiers": [
                {"supplier": "S", "product": "A", "min_qty": 300.0, "unit_price": 4.0}
            ],
            **more,
        }
    )


@pytest.mark.req("OMC-7.9.1")
@pytest.mark.parametrize(
    ("hold", "sizes"),
    [
        # Two weeks longer a unit is held for 0.04: less than the 1 that it saves.
        (0.2, [300, 300]),
        # For 20 times its value a year: more.
        (20.0, [100] * 6),
    ],
)
def test_an_order_is_as_large_as_a_price_asks_where_that_costs_less(hold, sizes):
    snapshot = bought(6, hold)
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    assert sorted(found.supplies["qty"]) == sizes
    assert (found.fulfilment["status"] == "on_time").all()


@pytest.mark.req("OMC-7.9.1")
def test_more_is_bought_than_is_wanted_where_that_costs_less():
    """250 cost 1,225 of one supplier, 300 of the other one cost 1,200."""
    snapshot = bought(
        1,
        0.2,
        demands=[
            {"demand": "D", "product": "P", "qty": 250.0, "due": day(15), "price": 50.0}
        ],
        routings=[{"routing": "R", "product": "P"}],
        bom_lines=[{"routing": "R", "component": "A"}],
        supply_terms=[
            {"product": "A", "supplier": name, "lead_time_days": 5, "unit_price": price}
            for name, price in (("S", 5.0), ("T", 4.9))
        ],
    )
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    assert [row[:2] for row in orders(found, "A")] == [("A", 300)]
    assert scorecard(found, snapshot).purchase == pytest.approx(1200)


LEAST = ("LARGE", 1000.0, 1.0), ("SMALL", 10.0, 2.0)
"""Sources of A, with the least order and the price of a unit."""


def least_orders(kind: str, *wanted: tuple[float, int]) -> Snapshot:
    """A, bought or made in orders of 1,000 at 1 or of 10 at 2, some of it by days."""
    sources: dict[str, list[dict[str, object]]] = {
        "suppliers": [{"supplier": name} for name, _, _ in LEAST],
        "supply_terms": [
            {"product": "A", "supplier": name, "moq": least, "unit_price": price}
            | {"lead_time_days": 2}
            for name, least, price in LEAST
        ],
    }
    if kind == "made":
        sources = {
            "resources": [{"resource": "M", "cost_per_hour": 60.0}],
            "routings": [
                {"routing": name, "product": "A", "min_lot": least}
                for name, least, _ in LEAST
            ],
            "steps": [
                {"routing": name, "step": 1, "run_minutes_per_unit": minutes}
                for name, _, minutes in LEAST
            ],
            "step_resources": [
                {"routing": name, "step": 1, "resource": "M"} for name, _, _ in LEAST
            ],
        }
    return factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": 90.0, "bucket": "day"}],
        products=[{"product": "A", "unit_cost": 1.0}],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
        demands=[
            {"demand": f"D{at}", "product": "A", "qty": qty, "due": day(at)}
            | {"price": 50.0}
            for qty, at in wanted
        ],
        **sources,
    )


@pytest.mark.req("OMC-7.9.1")
@pytest.mark.parametrize("kind", ["bought", "made"])
@pytest.mark.parametrize(
    ("wanted", "cost"),
    [
        # 50 at 2, for 1,000 at 1 are too many.
        ([(50.0, 20)], 100.0),
        # One order of 1,200, for two of 1,000 leave 800.
        ([(600.0, 20), (600.0, 40)], 1200.0),
        ([(400.0, 20), (400.0, 30), (400.0, 40)], 1200.0),
    ],
)
def test_least_orders_decide_who_brings_what_and_what_joins(kind, wanted, cost):
    snapshot = least_orders(kind, *wanted)
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    assert scorecard(found, snapshot).total == pytest.approx(cost)
    assert found.run.bound == pytest.approx(cost, rel=1e-4)
    assert (found.fulfilment["status"] == "on_time").all()


@pytest.mark.req("OMC-7.9.1")
@pytest.mark.parametrize("kind", ["bought", "made"])
@pytest.mark.parametrize("seed", range(examples(1, 30)))
@pytest.mark.nightly
def test_least_orders_never_make_a_plan_dearer(kind, seed):
    draw = random.Random(seed)
    wanted = [(10.0 * draw.randint(1, 90), at) for at in (20, 30, 40, 50)]
    snapshot = least_orders(kind, *wanted)
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    cost = scorecard(found, snapshot).total
    assert found.run.bound <= cost
    assert cost <= scorecard(plan(snapshot, "constrained"), snapshot).total + 1e-6


@pytest.mark.req("OPA-15")
def test_a_run_tells_what_the_plan_of_each_step_came_to():
    snapshot = lot_sizing(1)
    found = plan(snapshot, "optimize")
    names = [step.name for step in found.run.steps]
    assert names[:2] == ["without the program", "guided by the program"]
    assert set(names[2:]) == {
        "guided, in planned lots",
        "guided, from whole orders",
        "orders and departures joined",
    }
    plain = scorecard(plan(snapshot, "constrained"), snapshot)
    assert found.run.steps[0].cost == pytest.approx(plain.total)
    assert found.run.steps[0].lateness == pytest.approx(plain.lateness)
    cheapest = min(step.cost for step in found.run.steps)
    assert scorecard(found, snapshot).total == pytest.approx(cheapest)
    assert RunRecord.from_dict(found.run.as_dict()) == found.run
    assert f"plans made: {names[0]}" in str(found)
    # A mode of one step has no history.
    assert plan(snapshot, "constrained").run.steps == ()


@pytest.mark.nightly
@pytest.mark.req("MODE-01")
def test_a_plan_of_light_effort_is_made_in_lots_where_orders_cost_enough():
    snapshot = lot_sizing(1)

    def why_not(**settings: object) -> str:
        made = plan(snapshot, "optimize", settings)
        assert verify(made, snapshot) == []
        assert made.run.program is not None
        names = [one.name for one in made.run.steps]
        told = made.run.program.lots
        assert (told == "") == ("guided, in planned lots" in names)
        return told

    assert why_not(effort="light") == ""
    assert "lots_share asks 100 %" in why_not(effort="light", lots_share=1.0)
    assert why_not(effort="standard", lots_share=1.0) == ""
    assert "more than most_lot_cells (5)" in why_not(most_lot_cells=5)


@pytest.mark.req("MODE-01", "OMC-7.9.1")
@pytest.mark.parametrize(
    ("others", "lots"),
    [
        ([], "in lots"),
        ([{"supplier": "Z", "unit_price": 3}], "in lots"),
        ([{"supplier": "Z", "unit_price": 2}], "apart"),
    ],
    ids=["one supplier", "another one between both prices", "another one as cheap"],
)
def test_a_plan_of_light_effort_is_made_in_lots_where_prices_by_quantity_ask_it(
    others, lots
):
    """10 each on days 6 and 9: 20 at once cost 2 a unit, and 10 three days in stock."""
    each = {"product": "B", "lead_time_days": 2}
    snapshot = factories.snapshot(
        settings=[{"bucket": "day"}],
        products=[{"product": "B", "unit_cost": 3.65}],
        demands=[{"qty": 10, "due": day(at), "price": 50} for at in (6, 9)],
        resources=[{}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 60}],
        step_resources=[{}],
        bom_lines=[{}],
        supply_terms=[{**each, "unit_price": 4}, *({**each, **one} for one in others)],
        price_tiers=[{"product": "B", "min_qty": 20, "unit_price": 2}],
    )
    found = plan(snapshot, "optimize", {"effort": "light"})
    assert verify(found, snapshot) == []
    bought = {"in lots": [("B", 20)], "apart": [("B", 10), ("B", 10)]}[lots]
    assert [one[:2] for one in orders(found, "B")] == bought
    held = 10 * 3 * 3.65 * 0.2 / 365 if lots == "in lots" else 0.0
    assert scorecard(found, snapshot).total == pytest.approx(40 + held)


@pytest.mark.nightly
@pytest.mark.req("OPA-01")
@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({"most_lot_cells": 5}, {"guided, in planned lots"}),
        ({"most_whole_orders": 0}, {"guided, from whole orders"}),
        (
            {"most_lot_cells": 5, "most_whole_orders": 0},
            {"guided, in planned lots", "guided, from whole orders"},
        ),
    ],
)
def test_a_step_that_is_left_out_leaves_a_plan_and_says_why(settings, left_out):
    """The steps after it start from the best plan of those before."""
    snapshot = lot_sizing(1)
    whole, found = plan(snapshot, "optimize"), plan(snapshot, "optimize", settings)
    assert verify(found, snapshot) == []
    names = [[step.name for step in one.run.steps] for one in (whole, found)]
    assert set(names[0]) - set(names[1]) == left_out
    assert set(names[1]) <= set(names[0])
    assert names[1][-1] == "orders and departures joined"
    program = found.run.program
    assert program is not None
    reasons = (program.lots, program.no_whole_orders)
    assert sum(reason != "" for reason in reasons) == len(left_out)
    best = [step.best or math.inf for step in found.run.steps]
    assert best == sorted(best, reverse=True)
    total = scorecard(found, snapshot).total
    assert total == pytest.approx(best[-1])
    assert total >= scorecard(whole, snapshot).total - 1e-6


@pytest.mark.req("OPA-01")
def test_a_solver_in_the_place_of_another_guides_the_same_plan():
    """Any solver of programs will do: here one that hands on what it is asked."""
    opened = []

    class Told(Highs):
        def open(self, program):
            opened.append(program)
            return super().open(program)

    snapshot = lot_sizing(1)
    parameters = OptimizeParameters(effort="light")
    found = master_run.plan(snapshot, parameters, solver=Told())
    assert opened
    usual = master_run.plan(snapshot, parameters)
    assert found.fingerprint == usual.fingerprint
