"""Who goes short where there is too little, and what is left for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def ordered(name: str, qty: float, due: float, **more: object) -> dict[str, Any]:
    """Demand for A."""
    return {"demand": name, "qty": qty, "due": day(due), **more}


def supplied(demands: list[dict[str, Any]], qty: float, **more: Any) -> Snapshot:
    """A company with so much of A and no more, which costs nothing to hold."""
    stock = [{"product": "A", "location": "L", "qty": qty}]
    free = [{"product": "A", "location": "L", "holding_rate": 0.0}]
    return factories.snapshot(
        demands=demands, stock=stock, inventory_policies=free, **more
    )


def served(found: Plan) -> dict[str, float]:
    """What demands get, by name."""
    rows = found.fulfilment.filter(found.fulfilment["planned"] > 0)
    return dict(rows.select("demand", "planned").rows())


@pytest.mark.parametrize("effort", ["light", "standard"])
def test_what_is_there_goes_to_whom_shortage_costs_most(effort):
    """8 of A; D1 wants 10 at 1 a unit short, D2 wants 10 a day later at 100.

    Neither can be served whole. 8 for D2: 2 · 100 + 10 · 1 = 210; 8 for D1, which is
    due first: 10 · 100 + 2 · 1 = 1,002.
    """
    dear = ordered("D2", 10, 9, short_cost=100.0)
    snapshot = supplied([ordered("D1", 10, 8, short_cost=1.0), dear], 8)
    found = plan(snapshot, "optimize", {**DAILY, "effort": effort})
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 8.0}
    assert found.contributions["plan"].sum() == pytest.approx(210)
    assert found.run.bound == pytest.approx(210, abs=0.01)
    assert set(found.causes["code"]) == {"MaterialShortfall"}
