"""Work begins before a component is there that it takes later (rule 15)."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.planners.pipeline import plan
from medhavi.results.verify import verify
from tests import factories
from tests.planners.small_plans import PYTHON, day, deliveries, orders

pytestmark = pytest.mark.req("MRP-09")


def begun(line: dict[str, Any]) -> tuple[float | None, float]:
    """Give start and delivery of two steps of two days, with C there after ten days."""
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "C"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": n, "fixed_minutes": 2880.0} for n in (1, 2)],
        bom_lines=[{"routing": "R", "component": "C", **line}],
        supply_terms=[{"product": "C", "lead_time_days": 10}],
        demands=[{"demand": "D1", "product": "A", "qty": 1, "due": day(1)}],
    )
    made = plan(snapshot, "constrained", PYTHON)
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
