"""Where the source contradicts itself, the correction holds: toys worked by hand."""

from __future__ import annotations

import pytest

from tests.planners.optimal_plans import best, sources
from tests.planners.small_plans import day, fulfilment, pegs
from tests.planners.test_constraint_toys import BUY
from tests.planners.test_optimize_policies import MODES, in_mode
from tests.planners.test_source_toys import wanted


@pytest.mark.req("DEF-12", "OMI-18")
@pytest.mark.parametrize("mode", MODES)
def test_a_characteristic_may_have_several_values(mode):
    """A is of grade A and B and 10 wide; nothing is of grade C."""
    found = in_mode(
        mode,
        products=[
            {"product": "A", "characteristics": ["grade=A", "grade=B", "width=10"]}
        ],
        supply_terms=[BUY],
        demands=[
            wanted("D1", 10, 5, requires=["grade=A"]),
            wanted("D2", 10, 5, requires=["grade=B", "width=10"]),
            wanted("D3", 10, 5, requires=["grade=C"]),
        ],
    )
    served = [fulfilment(found, f"D{n}")["planned"] for n in (1, 2, 3)]
    assert served == [10, 10, 0]


@pytest.mark.req("DEF-29")
@pytest.mark.parametrize("mode", MODES)
def test_a_late_demand_has_pegs_to_what_serves_it(mode):
    """Bought in 20 days, wanted on day 1: 19 days late, and pegged as any other."""
    found = in_mode(
        mode,
        supply_terms=[{**BUY, "lead_time_days": 20}],
        demands=[wanted("D1", 10, 1), wanted("D2", 5, 30)],
    )
    assert list(pegs(found, "D1").values()) == [10]
    # On paper an order in mode mrp begins before now, and its date is kept.
    late = 0 if mode == "mrp" else 19 * 24
    assert fulfilment(found, "D1")["lateness_h"] == late


@pytest.mark.req("DEF-31", "DEF-25")
@pytest.mark.parametrize("mode", MODES)
def test_stock_is_what_lies_there_and_what_comes_has_a_source_of_its_own(mode):
    """5 lie there, 10 are on their way, 5 are bought new; nothing is reserved."""
    found = in_mode(
        mode,
        stock=[{"product": "A", "qty": 5}],
        supply_orders=[
            {"supply_order": "P1", "kind": "purchase", "product": "A", "qty": 10}
            | {"due": day(3)}
        ],
        supply_terms=[BUY],
        demands=[wanted("D1", 20, 5)],
    )
    rows = found.pegging.select("source", "qty").sort("source").rows()
    assert rows == [("FIRM", 10), ("INV", 5), ("SUP", 5)]
    assert "reservations" not in found.tables


@pytest.mark.req("DEF-32")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize(("expires", "served"), [(8, 10), (7.5, 0)])
def test_life_that_is_left_is_that_on_arrival(mode, expires, served):
    """Three days on the way, five are asked: it has to live to day 8."""
    found = in_mode(
        mode,
        products=[{"product": "A", "shelf_life_days": 30}],
        locations=[{"location": "L"}, {"location": "W"}],
        stock=[{"location": "W", "qty": 10, "expires_at": day(expires)}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L", "duration_h": 72}],
        demands=[wanted("D1", 10, 3, min_shelf_days=5)],
    )
    assert fulfilment(found, "D1")["planned"] == served


@pytest.mark.req("DEF-33", "OMO-13")
@pytest.mark.parametrize(
    ("room", "bought"),
    [(0.0, {"S": 10}), (1.0, {"S": 5, "T": 5}), (3.0, {"T": 10})],
)
def test_a_stage_whose_best_is_nothing_leaves_the_room_that_is_stated(room, bought):
    """Least lateness is 0, as 1 % of it; a unit late saves 0.5 and costs 0.2."""
    found = best(
        {"stages": ("lateness",), "stage_room": room},
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {**BUY, "supplier": "S", "unit_price": 1},
            {**BUY, "supplier": "T", "unit_price": 0.5, "lead_time_days": 6},
        ],
        demands=[wanted("D1", 10, 5, late_cost_per_day=0.2)],
    )
    assert sources(found) == bought
