"""Constrained plans of rare recipes: each is carried out by hand, and checked.

Machine M makes A in 1 hour a piece unless a test says otherwise; it is Monday midnight.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.planners.constrained.deliveries import lines_of
from medhavi.planners.constrained.orders.causes import CriticalPaths
from medhavi.planners.constrained.orders.lateness_weights import NEVER_FITS, Line, Part
from medhavi.planners.mrp.netting_state.state import Demand
from medhavi.results.limiter import Limiter
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import KERNELS, day, days

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

HOURLY: dict[str, Any] = {
    "resources": [{"resource": "M"}],
    "routings": [{"routing": "R"}],
    "steps": [{"run_minutes_per_unit": 60.0}],
    "step_resources": [{}],
}


def feasible(**tables: Any) -> Plan:
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def delivered(made: Plan) -> dict[str, float | None]:
    rows = made.deliveries.group_by("demand").agg(pl.col("date").max())
    return {demand: days(date) for demand, date in rows.iter_rows()}


def test_an_output_that_rests_after_the_step_comes_so_much_later() -> None:
    """24 pieces by day 3: a day of work and half a day of rest, so it starts at 1.5."""
    made = feasible(
        **HOURLY,
        routing_outputs=[{"step": 1, "anchor": "end", "offset_minutes": 720.0}],
        demands=[{"qty": 24, "due": day(3)}],
    )
    (row,) = made.supplies.to_dicts()
    assert (days(row["start"]), days(row["finish"])) == (1.5, 3.0)


@pytest.mark.parametrize(("due", "good"), [(5, 1.0), (20, 0.5)])
def test_an_output_of_a_date_gives_what_holds_then(due: int, good: float) -> None:
    """One of one until day 10, then one of two: 12 pieces are 12 or 24 started."""
    made = feasible(
        **HOURLY,
        routing_outputs=[
            {"qty_per": 1.0, "valid_to": day(10)},
            {"qty_per": 0.5, "valid_from": day(10)},
        ],
        demands=[{"qty": 12, "due": day(due)}],
    )
    (row,) = made.supplies.to_dicts()
    assert row["order_qty"] == 12 / good
    assert delivered(made) == {"D1": due}


def test_a_component_of_later_is_not_taken_before() -> None:
    """B goes in from day 10 on; work for day 5 takes none, that for day 20 does."""
    made = feasible(
        **HOURLY,
        bom_lines=[{"component": "B", "valid_from": day(10)}],
        supply_terms=[{"product": "B", "lead_time_days": 2}],
        demands=[
            {"demand": "D1", "qty": 4, "due": day(5)},
            {"demand": "D2", "qty": 6, "due": day(20)},
        ],
    )
    bought = made.supplies.filter(made.supplies["kind"] == "buy")
    assert bought["qty"].to_list() == [6.0]
    assert delivered(made) == {"D1": 5.0, "D2": 20.0}


def test_what_nothing_limits_is_made_in_pieces_side_by_side_when_late() -> None:
    """100 hours of work for tomorrow: 10 pieces of 10 hours each are there in time."""
    made = feasible(
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        demands=[{"qty": 100, "due": day(1)}],
    )
    assert made.fulfilment["status"].to_list() == ["on_time"]
    assert made.supplies.height > 1
    assert made.supplies["qty"].sum() == 100.0


def test_a_late_piece_of_what_nothing_limits_is_no_longer_than_it_must_be() -> None:
    """Two days are fixed: 10 hours more for a tenth of it, 100 for all at once."""
    made = feasible(
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0, "fixed_minutes": 2880.0}],
        demands=[{"qty": 100, "due": day(1)}],
    )
    assert made.supplies["qty"].max() == 10.0
    assert made.supplies["qty"].sum() == 100.0
    assert delivered(made)["D1"] == pytest.approx(2 + 10 / 24)


def test_work_begins_no_earlier_than_a_resource_allows() -> None:
    """A day of work each for days 8.5 and 9; the first makes way for the second."""
    made = feasible(
        **{
            **HOURLY,
            "resources": [
                {"resource": "M", "max_early_days": 2.0},
                {"resource": "H"},
            ],
            "step_resources": [{}, {"resource": "H"}],
        },
        demands=[
            {"demand": "D1", "qty": 24, "due": day(9)},
            {"demand": "D2", "qty": 24, "due": day(8.5)},
        ],
    )
    starts = sorted(days(start) or 0.0 for start in made.supplies["start"])
    assert starts == [7.0, 8.0]


def test_goods_that_two_take_live_until_the_last_of_them() -> None:
    """B lives 3 days; A and C take it on days 8 and 9, and it comes no earlier."""
    made = feasible(
        products=[{"product": "B", "shelf_life_days": 3.0}],
        resources=[{"resource": "M"}],
        routings=[
            {"routing": "RA", "product": "A"},
            {"routing": "RB", "product": "B", "min_lot": 48},
            {"routing": "RC", "product": "C"},
        ],
        steps=[
            {"routing": "RA", "run_minutes_per_unit": 60.0},
            {"routing": "RB", "run_minutes_per_unit": 1.0},
            {"routing": "RC", "run_minutes_per_unit": 60.0},
        ],
        step_resources=[{"routing": name} for name in ("RA", "RB", "RC")],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RC", "component": "B"},
        ],
        demands=[
            {"demand": "D1", "product": "A", "qty": 24, "due": day(9)},
            {"demand": "D2", "product": "C", "qty": 24, "due": day(10)},
        ],
    )
    assert delivered(made) == {"D1": 9.0, "D2": 10.0}
    rows = made.supplies.filter(made.supplies["product"] == "B").to_dicts()
    assert min(days(row["finish"]) or 0.0 for row in rows) >= 5.0


# --- bare records ------------------------------------------------------------------
def test_stock_that_fits_at_no_time_lacks_its_product() -> None:
    unit = SimpleNamespace(order=None)
    unit.node = SimpleNamespace(key=("A", "L"), units=[unit])
    row = {"max_lateness_days": None}
    line = Line(demand=SimpleNamespace(demand="D1", due=0, row=row))
    line.refused = NEVER_FITS
    line.dropped = [Part(0, unit, 5, 0, 0)]
    (cause,) = CriticalPaths({}, lambda _: (), SimpleNamespace(as_of=0)).refusal(line)
    assert (cause.code, cause.subject) == (Limiter.MATERIAL_SHORTFALL, "A|L")


def test_what_was_taken_back_is_not_delivered() -> None:
    demand = Demand(
        index=0,
        demand="D1",
        node=("A", "L"),
        qty=5,
        due=0,
        priority=1,
        customer=None,
        ship_from=None,
        min_shelf=0,
        unit_cost=1.0,
        row={
            "full_line": False,
            "min_shipment": None,
            "max_lateness_days": None,
            "sales_order": None,
        },
    )
    release = SimpleNamespace(
        match_need=[0, 0],
        match_unit=[0, 0],
        match_qty=[0, 5],
        needs=[SimpleNamespace(demand=0)],
        units=[SimpleNamespace(order=None, arrives=7)],
        covered={},
    )
    (line,) = lines_of(SimpleNamespace(demands=[demand]), release, 3)
    assert [(part.match, part.qty, part.date) for part in line.parts] == [(1, 5, 7)]
