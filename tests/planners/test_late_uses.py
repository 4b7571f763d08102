"""Work begins before a component is there that it takes later (rule 15)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import KERNELS, day, deliveries, orders

pytestmark = pytest.mark.req("MRP-09")


def begun(line: dict[str, Any]) -> tuple[float | None, float]:
    """Start and delivery of two steps of two days, with C there after ten days."""
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "C"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": n, "fixed_minutes": 2880.0} for n in (1, 2)],
        bom_lines=[{"routing": "R", "component": "C", **line}],
        supply_terms=[{"product": "C", "lead_time_days": 10}],
        demands=[{"demand": "D1", "product": "A", "qty": 1, "due": day(1)}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    starts = {product: start for product, _, start, _ in orders(made)}
    assert starts["C"] == 0.0
    return starts["A"], deliveries(made)[0][1] or 0.0


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ({}, 10.0),
        ({"step": 1}, 10.0),
        ({"step": 2}, 8.0),
        ({"step": 1, "anchor": "end"}, 8.0),
        ({"step": 2, "anchor": "end"}, 6.0),
        ({"step": 2, "anchor": "end", "offset_minutes": -1440.0}, 7.0),
    ],
)
def test_work_begins_so_late_that_what_it_takes_is_there_in_time(line, start):
    assert begun(line) == (start, start + 4)


@pytest.mark.parametrize(
    ("due", "ends"),
    # At 16 of the third day A ends and B was there at 8; else a day before.
    [(2.4, 2 + 16 / 24), (2.0, 1 + 16 / 24), (1.9, 1 + 16 / 24)],
)
def test_an_order_waits_no_longer_than_what_takes_its_other_output(due, ends):
    """M works from 8 to 16; B falls out 8 hours of work before 12 of them are over."""
    day_of_m = {"start": dt.time(8), "finish": dt.time(16)}
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        calendars=[{"calendar": "M"}],
        shifts=[{"calendar": "M", "weekday": n, **day_of_m} for n in range(1, 8)],
        resources=[{"resource": "M", "calendar": "M"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "fixed_minutes": 720.0}],
        step_resources=[{"routing": "R", "resource": "M"}],
        routing_outputs=[
            {"routing": "R", "product": "A", "role": "main"},
            {"routing": "R", "product": "B", "role": "co", "offset_minutes": -480.0},
        ],
        demands=[
            {"demand": "D1", "product": "A", "qty": 10, "due": day(3)},
            {"demand": "D2", "product": "B", "qty": 10, "due": day(due)},
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    assert deliveries(made, "D1") == [(10, 3)]
    assert deliveries(made, "D2") == [(10, due)]
    assert orders(made, "A")[0][3] == pytest.approx(ends, abs=1e-5)
