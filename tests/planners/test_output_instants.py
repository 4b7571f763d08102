"""When what an order gives is in stock (rules 3, 15)."""

from __future__ import annotations

import pytest

from medhavi.findings import BadData
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    KERNELS,
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    planned,
)

TWO_DAYS = [
    {"step": 1, "fixed_minutes": 1440},
    {"step": 2, "fixed_minutes": 1440},
]


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("first", [1, 2])
def test_an_order_that_gives_its_product_at_several_steps_ends_with_the_last(first):
    made = planned(
        demands=[{"qty": 10, "due": day(10)}],
        routings=[{}],
        steps=TWO_DAYS,
        routing_outputs=[
            {"role": "main", "qty_per": 0.5, "step": first},
            {"role": "main", "qty_per": 0.5, "step": 3 - first},
        ],
    )
    assert orders(made) == [("A", 10, 8, 10)]


def test_a_later_line_with_an_offset_decides_when_all_is_there():
    made = planned(
        demands=[{"qty": 10, "due": day(10)}],
        routings=[{}],
        steps=TWO_DAYS,
        routing_outputs=[
            {"role": "main", "qty_per": 0.5},
            {"role": "main", "qty_per": 0.5, "offset_minutes": 1440},
        ],
    )
    assert orders(made) == [("A", 10, 7, 10)]


@pytest.mark.req("MRP-02")
@pytest.mark.parametrize(
    "output",
    [{"offset_minutes": 4320}, {"step": 1}, {"anchor": "start"}],
    ids=["offset", "earlier step", "start"],
)
@pytest.mark.parametrize("start", [day(3), None], ids=["start", "no start"])
def test_an_existing_order_is_in_stock_when_it_is_due(output, start):
    made = planned(
        demands=[{"qty": 10, "due": day(7)}],
        routings=[{}],
        steps=TWO_DAYS,
        routing_outputs=[{"role": "main", **output}],
        supply_orders=[
            {"kind": "work", "source": "R", "start": start, "due": day(7)},
        ],
    )
    assert orders(made) == []
    assert days(made.supplies["finish"][0]) == 7
    assert deliveries(made) == [(10, 7)]


@pytest.mark.req("MRP-02")
@pytest.mark.parametrize("output", [{}, {"step": 2}], ids=["last", "second step"])
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_a_co_product_of_an_existing_order_comes_with_its_step_not_when_that_is_due(
    mode, output
):
    """The steps are through on day 5, the order is due on day 7."""
    snapshot = factories.snapshot(
        settings=[{"bucket": "day"}],
        demands=[{"product": "G", "qty": 10, "due": day(6)}],
        routings=[{}],
        steps=TWO_DAYS,
        routing_outputs=[{}, {"product": "G", "role": "co", **output}],
        supply_orders=[
            {"kind": "work", "source": "R", "start": day(3), "due": day(7)}
            | {"status": "firmed", "locked": True},
        ],
    )
    found = plan(snapshot, mode)
    assert verify(found, snapshot) == []
    assert orders(found) == []
    coming = found.positions.filter(found.positions["inbound"] > 0)
    there = {row["product"]: row["bucket"] for row in coming.iter_rows(named=True)}
    assert there == {"A": day(7), "G": day(5)}
    assert fulfilment(found)["status"] == "on_time"


@pytest.mark.req("MRP-02")
def test_a_by_product_that_comes_late_makes_late_what_is_made_of_it():
    made = planned(
        demands=[
            {"qty": 10, "due": day(10)},
            {"product": "C", "qty": 10, "due": day(20)},
        ],
        routings=[{}, {"routing": "RC", "product": "C"}],
        steps=[{}, {"routing": "RC"}],
        bom_lines=[{"component": "B"}],
        routing_outputs=[
            {"routing": "RC", "product": "C", "role": "main"},
            {"routing": "RC", "product": "B", "role": "by", "qty_per": 1},
        ],
    )
    assert orders(made, "A") == [("A", 10, 20, 20)]
    assert fulfilment(made)["status"] == "late"
    assert deliveries(made) == [(10, 20)]


def test_stock_below_zero_that_nothing_makes_up_is_told_and_nothing_else():
    made = planned(stock=[{"qty": -3}])
    assert orders(made) == []
    assert [row["qty"] for row in exceptions(made, "NoSource")] == [3]


@pytest.mark.req("MRP-02")
@pytest.mark.parametrize("wanted", ["A", "Z"])
def test_a_by_product_of_an_order_that_had_to_wait_is_waited_for(wanted):
    made = planned(
        demands=[
            {"product": wanted, "qty": 10, "due": day(10)},
            {"product": "M", "qty": 10, "due": day(10)},
        ],
        routings=[{"product": wanted}, {"routing": "RM", "product": "M"}],
        steps=[{}, {"routing": "RM"}],
        bom_lines=[
            {"component": "B"},
            {"routing": "RM", "component": "X"},
        ],
        routing_outputs=[
            {"routing": "RM", "product": "M", "role": "main"},
            {"routing": "RM", "product": "B", "role": "by", "qty_per": 1},
        ],
        suppliers=[{}],
        supply_terms=[{"product": "X", "lead_time_days": 0, "valid_from": day(15)}],
    )
    assert deliveries(made, "D1") == [(10, 15)]
    assert deliveries(made, "D2") == [(10, 15)]


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize(
    ("role", "offset", "hours"),
    [("main", -1440, None), ("main", -1500, 1), ("by", -2880, 24), ("by", -600, None)],
)
def test_an_output_before_its_order_begins_is_refused_by_name(
    role, offset, hours, mode
):
    """The order takes a day; goods cannot be there before any work was done."""
    early = {"line": 2, "role": "by", "product": "Z", "offset_minutes": offset}
    main = {"line": 1, "offset_minutes": offset if role == "main" else 0}
    tables = factories.snapshot(
        demands=[{"qty": 10, "due": day(10)}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        routing_outputs=[main, *([early] if role == "by" else [])],
    )
    if hours is None:
        made = plan(tables, mode, KERNELS)
        assert verify(made, tables) == []
        return
    with pytest.raises(BadData) as refused:
        plan(tables, mode, KERNELS)
    [found] = refused.value.findings
    assert (found.code, found.table, found.value) == ("PLAN016", "routing_outputs", "R")
    assert f"{'A' if role == 'main' else 'Z'} at L {hours} h before" in found.message


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("written", [None, 1])
@pytest.mark.parametrize(
    ("sequence", "link", "hour"),
    [
        # Both end at 8 h: step 2 begins at -2 h, and step 1 an hour before the end.
        (2, {"step": 2, "after": 1, "kind": "finish_finish"}, 7),
        (1, None, 7),
        # Step 2 waits for the start of step 1; for 90 minutes before its end.
        (2, {"step": 2, "after": 1, "kind": "start_start"}, -2),
        (2, {"step": 2, "after": 1, "lag_minutes": -90}, -1.5),
        (2, None, -3),
    ],
)
def test_a_line_without_a_step_is_taken_by_the_first(
    sequence, link, hour, written, mode
):
    """Step 1 takes B and an hour, step 2 ten hours; A is wanted at 8 h of a Monday.

    The work begins in the week before, and B is wanted there only where step 1 is.
    """
    tables = factories.snapshot(
        demands=[{"qty": 10, "due": day(7 + 8 / 24)}],
        routings=[{}],
        steps=[
            {"step": 1, "sequence": 1, "fixed_minutes": 60},
            {"step": 2, "sequence": sequence, "run_minutes_per_unit": 60},
        ],
        step_links=[] if link is None else [link],
        bom_lines=[{"component": "B", "step": written}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
    )
    made = plan(tables, mode, KERNELS)
    assert [str(fault) for fault in verify(made, tables)] == []
    [(_, _, _, there)] = orders(made, "B")
    assert there == round(7 + hour / 24, 6)


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_the_first_step_is_the_one_that_comes_after_no_other(mode):
    """Step 1 (an hour) comes after step 2 (ten hours), which begins at -3 h."""
    tables = factories.snapshot(
        demands=[{"qty": 10, "due": day(7 + 8 / 24)}],
        routings=[{}],
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "run_minutes_per_unit": 60},
        ],
        step_links=[{"step": 1, "after": 2}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
    )
    made = plan(tables, mode, KERNELS)
    assert [str(fault) for fault in verify(made, tables)] == []
    [(_, _, _, there)] = orders(made, "B")
    assert there == round(7 - 3 / 24, 6)
