"""What an answer costs, part by part, reckoned by hand.

Goods of 36.5 that cost 30 % of their value a year cost 0.03 a day each.
"""

from __future__ import annotations

import pytest

from tests.planners.small_promises import asked, cells, day, days, workshop

PARTS = ("material", "production", "transport", "holding", "lateness")
WORTH = {
    "products": [{"product": "A", "unit_cost": 36.5}, {"product": "B"}],
    "inventory_policies": [{"product": "A", "holding_rate": 0.3}],
}


def weekly(**more):
    """Send A on Mondays at 8; it is made in the ten hours after day 5, a Saturday."""
    given = {
        "locations": [{"location": "L"}, {"location": "C1", "kind": "customer"}],
        "lanes": [
            {"lane": "T", "destination": "C1", "duration_h": 24, "fixed_cost": 5}
        ],
        "departures": [{}],
        **WORTH,
    }
    return workshop(**{**given, **more})


@pytest.mark.req("ATP-12")
@pytest.mark.parametrize(
    ("given", "holding"),
    [
        ({}, 10 * 36.5 * 0.3 * (46 / 24) / 365),
        # Nobody says what a year of holding costs: a fifth of the value.
        ({"inventory_policies": []}, 10 * 36.5 * 0.2 * (46 / 24) / 365),
        # Nobody says what it is worth: one each.
        ({"products": []}, 10 * 1 * 0.3 * (46 / 24) / 365),
        # It leaves when it is made.
        ({"departures": []}, 0),
    ],
    ids=["stated", "usual rate", "no unit cost", "no wait"],
)
def test_goods_that_wait_for_their_departure_cost_their_days(given, holding):
    """Made on Saturday at 10, gone on Monday at 8: ten wait for 46 hours."""
    made = asked(weekly(**given), location="C1")
    gone = 7 + 8 / 24 if holding else 5 + 10 / 24
    assert days(made.date) == pytest.approx(gone + 1)
    assert made.cost.holding == pytest.approx(holding, rel=1e-12)


@pytest.mark.req("ATP-12")
def test_stock_that_waits_is_held_with_or_without_the_order():
    made = asked(weekly(stock=[{}]), location="C1")
    assert days(made.date) == pytest.approx(1 + 8 / 24)
    assert made.cost.holding == 0


@pytest.mark.req("ATP-12")
def test_of_components_that_wait_the_share_of_the_need_is_paid():
    """Twenty B wait a day for the machine; half of what is made of them is asked."""
    made = asked(
        workshop(
            routings=[{"min_lot": 20}],
            products=[{"product": "A"}, {"product": "B", "unit_cost": 36.5}],
            inventory_policies=[{"product": "B", "holding_rate": 0.3}],
            disruptions=[{"valid_to": day(6)}],
        )
    )
    assert days(made.date) == pytest.approx(6 + 20 / 24)
    assert made.cost.holding == pytest.approx(20 * 0.03 * 1 / 2, rel=1e-12)


@pytest.mark.req("ATP-12")
def test_each_part_is_what_the_hand_says_and_the_total_is_their_sum():
    """Due two days before the one way that there is: each part has its own price."""
    snapshot = weekly(
        routings=[{"cost_per_unit": 2, "fixed_cost": 7}],
        resources=[{"cost_per_hour": 6}],
        supply_terms=[{"product": "B", "lead_time_days": 5, "unit_price": 4}],
    )
    asking = cells(location="C1", due=day(6 + 8 / 24), late_cost_per_day=3)
    cost = asked(snapshot, **asking).cost
    assert cost.material == pytest.approx(10 * 4)
    assert cost.production == pytest.approx(10 * 2 + 7 + 10 * 6)
    assert cost.transport == pytest.approx(5)
    assert cost.holding == pytest.approx(10 * 0.03 * 46 / 24)
    assert cost.lateness == pytest.approx(10 * 2 * 3)
    assert cost.total == pytest.approx(40 + 87 + 5 + 0.575 + 60)
    assert cost.cash_out == pytest.approx(40 + 87 + 5)
    assert sum(float(str(cost.as_dict()[name])) for name in PARTS) == pytest.approx(
        192.575
    )
