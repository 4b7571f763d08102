"""Plans of mode optimize from whole orders: sized, pegged and laid by all rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from medhavi import __version__
from medhavi.planners.constrained.netting.prescribed_sources import (
    Decisions,
    PrescribedOrder,
)
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.master_plan.lots.whole_orders import whole_orders
from medhavi.planners.master_plan.master_run import built_run, solver_of
from medhavi.planners.master_plan.statement import state
from medhavi.planners.parameters import ConstrainedParameters, OptimizeParameters
from medhavi.units import DAY
from tests import factories
from tests.api import verify
from tests.planners.small_plans import day
from tests.planners.test_plans_from_whole_orders import shop

if TYPE_CHECKING:
    from medhavi.planners.constrained.netting.rationing import Slice
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

DAILY = OptimizeParameters(bucket="day", overload=False)


def from_orders(
    snapshot: Snapshot, orders: list[tuple[str, float, int]], **served: list[Slice]
) -> Plan:
    """Plan from orders: source, begin [day], quantity; each is there a day later."""
    now = int(snapshot.as_of)
    given = tuple(
        PrescribedOrder(name[0], "L", name, begin, begin + DAY, qty)
        for name, begin, qty in ((a, now + round(at * DAY), n) for a, at, n in orders)
    )
    decisions = Decisions(
        orders=given, served={int(name[1:]): own for name, own in served.items()}
    )
    parameters = ConstrainedParameters(effort="light", engine="python")
    made = searched_run.plan(snapshot, parameters, __version__, decisions=decisions)
    assert not verify(made, snapshot)
    return made


def sizes(made: Plan) -> list[float]:
    """Quantities of new orders, rising."""
    return sorted(made.supplies["qty"].to_list())


def test_a_given_order_serves_demands_and_is_as_large_as_they_ask_for():
    snapshot = shop([("A", 2.0, 4), ("A", 3.0, 5)])
    assert sizes(from_orders(snapshot, [("A", 2, 5)])) == [5.0]
    assert sizes(from_orders(snapshot, [("A", 2, 2), ("A", 3, 3)])) == [2.0, 3.0]
    # Of 9 that are given 5 are wanted; of 4 one is missing, which comes as well.
    assert sizes(from_orders(snapshot, [("A", 2, 9)])) == [5.0]
    assert sum(sizes(from_orders(snapshot, [("A", 2, 4)]))) == 5.0


def test_what_no_order_is_given_for_is_made_as_ever():
    snapshot = shop([("A", 2.0, 4), ("B", 3.0, 5)])
    made = from_orders(snapshot, [("A", 2, 2), ("A is gone", 1, 2)])
    assert sizes(made) == [2.0, 3.0]
    assert made.deliveries["qty"].sum() == 5.0


@pytest.mark.req("OMC-7.3", "OMV-02")
def test_set_ups_are_whole_where_hours_are_scarce():
    # Six needs of three units are 18 hours, and 36 with a set-up of three hours each;
    # until the last is due there are 32. Two of them have to be joined.
    demands = [(name, 3.0, due) for due in (2, 3, 4) for name in "AB"]
    run = built_run(shop(demands, setup=180.0), DAILY)
    found = whole_orders(state(run, DAILY), solver_of(DAILY))[0]
    assert len(found.orders) <= 4
    parts = found.built.program.contributions(found.values)
    assert parts.get("shortage", 0.0) == pytest.approx(0.0, abs=1e-6)
    assert sum(one.qty for one in found.orders) >= 18


def test_where_an_order_costs_much_there_is_one_and_too_many_columns_are_not_solved():
    demands = [("A", 1.0, due) for due in (3, 4, 5, 6)]
    run = built_run(shop(demands, setup=0.0, fixed=1_000.0), DAILY)
    found = whole_orders(state(run, DAILY), solver_of(DAILY))[0]
    assert [one.qty for one in found.orders] == [4]
    assert whole_orders(state(run, DAILY), solver_of(DAILY), lambda: True) == []
    few = replace(DAILY, most_whole_orders=1)
    assert whole_orders(state(run, few), solver_of(few)) == []


def test_orders_do_not_depend_on_the_sequence_in_which_they_are_given():
    snapshot = shop([("A", 2.0, 4), ("B", 3.0, 5), ("A", 1.0, 6)])
    one = from_orders(snapshot, [("A", 2, 3), ("B", 3, 3)])
    other = from_orders(snapshot, [("B", 3, 3), ("A", 2, 3)])
    assert one.run.effort == other.run.effort
    assert one.supplies.equals(other.supplies)


def test_what_is_bought_comes_in_the_lots_of_the_program():
    # Four needs of one a day, three an order: the second order begins with
    # the fourth need, in the bucket before its day. The first one begins with the
    # horizon: an order that takes of it may begin before it does in the program.
    snapshot = factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": 12.0, "bucket": "day"}],
        products=[{"product": "A"}, {"product": "PART", "unit_cost": 5.0}],
        suppliers=[{"supplier": "S"}],
        supply_terms=[
            {"product": "PART", "moq": 3.0, "max_lot": 3.0, "lead_time_days": 1.0}
        ],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "run_minutes_per_unit": 60.0}],
        bom_lines=[{"routing": "R", "component": "PART"}],
        demands=[
            {"demand": f"D{n}", "product": "A", "qty": 1.0, "due": day(4 + n)}
            for n in range(4)
        ],
    )
    run = built_run(snapshot, DAILY)
    found = whole_orders(state(run, DAILY), solver_of(DAILY))[0]
    (begins,) = (own for (product, _), own in found.lots.items() if product == "PART")
    assert len(begins) == 2
    assert [(one - int(snapshot.as_of)) // DAY for one in begins] == [0, 6]
