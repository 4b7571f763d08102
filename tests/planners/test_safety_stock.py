"""Safety stock over a network: pooled demand, lead times, money, proposed policies."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.findings import BadData
from tests import factories
from tests.api import safety_stock
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

Z = NormalDist().inv_cdf(0.95)


def chain(**more: Any) -> Snapshot:
    """A is moved from W to L in one day; W buys it in four."""
    tables: dict[str, Any] = {
        "products": [{"product": "A", "unit_cost": 100.0, "uom": "kg"}],
        "locations": [{"location": "L"}, {"location": "W"}],
        "lanes": [{"lane": "W-L", "origin": "W", "destination": "L", "duration_h": 24}],
        "supply_terms": [{"product": "A", "location": "W", "lead_time_days": 4}],
        "demands": [],
    }
    return factories.snapshot(**{**tables, **more})


def lines(*days_and_quantities: tuple[int, float], location: str = "L") -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"product": "A", "location": location, "due": day(-at), "qty": qty}
            for at, qty in days_and_quantities
        ]
    )


PAST = lines((2, 10.0), (1, 20.0))
"""Two days: mean 15, variance 50."""


def by_place(found: Any) -> dict[str, dict[str, Any]]:
    return {row["location"]: row for row in found.places.iter_rows(named=True)}


@pytest.mark.req("REP-05")
def test_a_chain_by_hand():
    found = safety_stock(chain(), {"history_days": 2}, PAST)
    assert (found.days, found.proven, found.findings) == (2, True, ())
    places = by_place(found)
    near, far = places["L"], places["W"]
    assert (near["lead_days"], far["lead_days"]) == (1, 4)
    assert (near["mean"], near["deviation"]) == (15.0, pytest.approx(math.sqrt(50)))
    # One value everywhere: sqrt(5) days at the customer beat sqrt(4) + sqrt(1) apart.
    assert (near["covers_days"], far["covers_days"]) == (5, 0)
    assert near["safety_qty"] == math.ceil(Z * math.sqrt(250) * 1000) / 1000
    assert near["alone_qty"] == math.ceil(Z * math.sqrt(50) * 1000) / 1000
    assert near["money"] == pytest.approx(0.2 * 100 * near["safety_qty"])
    assert found.money() < found.money("alone_money")
    assert found.bound <= found.money()


@pytest.mark.req("REP-05")
def test_service_costs_more_and_more_stock():
    """The stock of the chain, whose quotes are the best at every level."""
    found = safety_stock(chain(), {"history_days": 2}, PAST)
    curve = {row["service_level"]: row for row in found.curve.iter_rows(named=True)}
    for level, row in curve.items():
        deviations = NormalDist().inv_cdf(level)
        qty = math.ceil(deviations * math.sqrt(250) * 1000) / 1000
        assert row["money"] == pytest.approx(0.2 * 100 * qty)
        other = safety_stock(chain(), {"history_days": 2, "service_level": level}, PAST)
        assert other.money() == pytest.approx(row["money"])
        assert other.money("alone_money") == pytest.approx(row["alone_money"])
    assert curve[0.95]["money"] == pytest.approx(found.money())
    steps = found.curve["step_money"].to_list()
    assert steps[0] is None
    assert steps[1:] == sorted(steps[1:])
    assert steps[-1] == pytest.approx(
        (curve[0.995]["money"] - curve[0.99]["money"]) / 0.5
    )


def test_a_level_that_a_policy_states_stays_along_the_curve():
    stated = [{"product": "A", "location": "L", "service_level": 0.9}]
    found = safety_stock(chain(inventory_policies=stated), {"history_days": 2}, PAST)
    assert found.curve["money"].n_unique() == 1


@pytest.mark.req("REP-05")
def test_quotes_are_the_cheapest_of_each_level_where_a_policy_keeps_its_own():
    """The customer's place stays at 99 %; what lies behind it is cheap at 80 %."""
    stated = [{"product": "A", "location": "L", "service_level": 0.99}]
    company = chain(inventory_policies=stated)
    curve = safety_stock(company, {"history_days": 2}, PAST).curve
    for level, money, alone, _ in curve.iter_rows():
        own = {"history_days": 2, "service_level": level}
        assert money == pytest.approx(safety_stock(company, own, PAST).money())
        assert money <= alone
    assert curve["money"].n_unique() > 1


@pytest.mark.req("REP-05")
def test_the_proposed_policies_are_tables_again():
    stated = [
        {"product": "A", "location": "W", "safety_qty": 50, "service_level": 0.9},
    ]
    snapshot = chain(inventory_policies=stated)
    found = safety_stock(snapshot, {"history_days": 2}, PAST)
    rows = {row["location"]: row for row in found.policies.iter_rows(named=True)}
    assert rows["W"]["safety_qty"] == 0.0
    assert rows["W"]["service_level"] == 0.9
    assert rows["L"]["safety_qty"] == by_place(found)["L"]["safety_qty"]
    assert by_place(found)["W"]["today_qty"] == 50.0
    changed = snapshot.replace(inventory_policies=found.policies)
    assert [str(one) for one in changed.findings] == []
    assert changed["inventory_policies"]["lot_rule"].to_list() == ["lot_for_lot"] * 2


def test_a_service_level_of_a_place_and_what_may_be_quoted():
    stated = [{"product": "A", "location": "L", "service_level": 0.99}]
    snapshot = chain(inventory_policies=stated)
    found = safety_stock(snapshot, {"history_days": 2, "quoted_days": 5}, PAST)
    assert by_place(found)["L"]["service_level"] == 0.99
    assert found.money() == 0.0  # all five days may be quoted


def test_demand_at_a_customer_stands_where_it_ships_from():
    snapshot = chain(
        locations=[
            {"location": "L"},
            {"location": "W"},
            {"location": "C", "kind": "customer"},
        ],
        lanes=[
            {"lane": "W-L", "origin": "W", "destination": "L", "duration_h": 24},
            {"lane": "L-C", "origin": "L", "destination": "C", "duration_h": 48},
        ],
    )
    past = lines((2, 10.0), (1, 20.0), location="C")
    found = safety_stock(snapshot, {"history_days": 2}, past)
    assert set(by_place(found)) == {"L", "W"}
    assert by_place(found)["L"]["asked"]


def test_what_one_unit_takes_scales_the_deviation():
    snapshot = factories.snapshot(
        products=[{"product": "A", "uom": "kg"}, {"product": "B", "uom": "kg"}],
        locations=[{"location": "L"}],
        routings=[{"routing": "R", "product": "A", "location": "L"}],
        steps=[{"routing": "R", "step": 1}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 3}],
        supply_terms=[{"product": "B", "location": "L", "lead_time_days": 4}],
        demands=[],
    )
    found = safety_stock(snapshot, {"history_days": 2}, PAST)
    rows = {row["product"]: row for row in found.places.iter_rows(named=True)}
    assert rows["B"]["mean"] == pytest.approx(45.0)
    assert rows["B"]["deviation"] == pytest.approx(3 * math.sqrt(50))


@pytest.mark.req("REP-05")
def test_what_one_unit_takes_on_two_ways_is_of_one_demand():
    """A takes C and D, each of which takes one B: two a unit, and twice the deviation.

    Where A takes 4 of B beside them: 1 + 1 + 4 = 6 times.
    """
    made_of = [("A", "C"), ("A", "D"), ("C", "B"), ("D", "B")]
    for more, units in (([], 2), ([("A", "B", 4.0)], 6)):
        snapshot = factories.snapshot(
            products=[{"product": one, "uom": "kg"} for one in "ABCD"],
            routings=[{"routing": f"R{one}", "product": one} for one in "ACD"],
            steps=[{"routing": f"R{one}"} for one in "ACD"],
            bom_lines=[
                {"routing": f"R{of}", "component": one, "qty_per": qty[0] if qty else 1}
                for of, one, *qty in (*made_of, *more)
            ],
            supply_terms=[{"product": "B", "lead_time_days": 4}],
            demands=[],
        )
        found = safety_stock(snapshot, {"history_days": 2}, PAST)
        rows = {row["product"]: row for row in found.places.iter_rows(named=True)}
        assert rows["B"]["mean"] == pytest.approx(15 * units)
        assert rows["B"]["deviation"] == pytest.approx(math.sqrt(50) * units)
        least = Z * units * math.sqrt(50 * 4)
        assert rows["B"]["alone_qty"] == pytest.approx(least, abs=1e-3)


def test_tables_alone_tell_by_their_open_demands():
    snapshot = chain(
        demands=[
            {"demand": "D1", "product": "A", "location": "L", "qty": 8, "due": day(1)},
            {"demand": "D2", "product": "A", "location": "L", "qty": 4, "due": day(3)},
        ]
    )
    found = safety_stock(snapshot)
    assert found.days == 4
    assert [one.code for one in found.findings] == ["PLAN015"]
    assert by_place(found)["L"]["mean"] == 3.0


def test_no_demand_no_places():
    found = safety_stock(chain())
    assert (found.places.height, found.money(), found.proven) == (0, 0.0, True)


def test_sources_in_a_circle_are_printed_as_a_path():
    snapshot = chain(
        supply_terms=[],
        lanes=[
            {"lane": "W-L", "origin": "W", "destination": "L", "duration_h": 24},
            {"lane": "L-W", "origin": "L", "destination": "W", "duration_h": 24},
        ],
        sourcing=[
            {"product": "A", "location": "L", "kind": "move", "source": "W-L"},
            {"product": "A", "location": "W", "kind": "move", "source": "L-W"},
        ],
    )
    with pytest.raises(BadData, match="A @ L"):
        safety_stock(snapshot, None, PAST)


@pytest.mark.parametrize(
    "settings",
    [{"service_level": 1.0}, {"quoted_days": -1}, {"history_days": 0}, {"guess": 1}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(UsageError, match=r"must be|Unknown setting"):
        safety_stock(chain(), settings, PAST)
