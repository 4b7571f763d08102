"""What a plan did not obey, listed (rule 2)."""

from __future__ import annotations

import pytest

from tests.planners.small_plans import day, exceptions, planned

BUY = [{"lead_time_days": 5}]


# --- fences ------------------------------------------------------------------------
@pytest.mark.req("WO-06")
def test_a_start_inside_the_fence_is_listed():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(26)}],
        supply_terms=[{**BUY[0], "fence_days": 20}],
    )
    found = exceptions(made, "ReleaseFence")
    assert [(row["date"], row["suggested_date"]) for row in found] == [
        (day(5), day(20))
    ]


def test_a_start_before_now_is_inside_the_fence_too():
    made = planned(
        demands=[{"due": day(2)}], supply_terms=[{**BUY[0], "fence_days": 20}]
    )
    assert len(exceptions(made, "PastDueStart")) == 1
    assert len(exceptions(made, "ReleaseFence")) == 1


@pytest.mark.req("UI-11")
def test_lengths_of_time_are_told_in_days_and_hours():
    """They were told as 2.2 days, where everything else tells 2 d 6 h."""
    terms = [{"lead_time_days": 3.25, "fence_days": 1.5}]
    made = planned(demands=[{"due": day(1)}], supply_terms=terms)
    (late,) = exceptions(made, "PastDueStart")
    assert late["message"].startswith("Should have started 2 d 6 h before now")
    (fence,) = exceptions(made, "ReleaseFence")
    assert fence["message"] == "Starts inside the release fence of 1 d 12 h."


def test_a_negative_fence_is_never_passed_by_a_start_after_it():
    made = planned(
        demands=[{"due": day(3)}], supply_terms=[{**BUY[0], "fence_days": -5}]
    )
    assert exceptions(made, "ReleaseFence") == []


# --- suppliers ---------------------------------------------------------------------
def test_more_than_a_supplier_gives_in_a_period_is_listed():
    made = planned(
        demands=[{"qty": 40, "due": day(15)}, {"qty": 30, "due": day(20)}],
        supply_terms=[{**BUY[0], "capacity_per_period": 60, "period_days": 7}],
    )
    found = exceptions(made, "SupplierCapacity")
    assert [(row["qty"], row["date"], row["product"]) for row in found] == [
        (10, day(14), "A")
    ]


def test_other_periods_have_their_own_quantity():
    made = planned(
        demands=[{"qty": 40, "due": day(15)}, {"qty": 30, "due": day(21)}],
        supply_terms=[{**BUY[0], "capacity_per_period": 60, "period_days": 7}],
    )
    assert exceptions(made, "SupplierCapacity") == []


def test_a_supplier_counts_by_receipt_before_the_days_of_goods_receipt():
    made = planned(
        demands=[{"qty": 40, "due": day(15)}, {"qty": 30, "due": day(21)}],
        supply_terms=[
            {
                **BUY[0],
                "capacity_per_period": 60,
                "period_days": 7,
                "receipt_days": 1,
            }
        ],
    )
    assert exceptions(made, "SupplierCapacity")[0]["date"] == day(14)


def test_existing_purchases_count_against_the_supplier():
    made = planned(
        demands=[{"qty": 60, "due": day(15)}],
        supply_orders=[{"qty": 30, "due": day(14), "source": "S"}],
        supply_terms=[{**BUY[0], "capacity_per_period": 50, "period_days": 7}],
    )
    assert exceptions(made, "SupplierCapacity")[0]["qty"] == 10


@pytest.mark.parametrize(("product", "excess"), [("*", 15), ("A", 5), ("G", 15)])
def test_a_window_of_a_supplier_holds_for_a_product_a_group_or_all(product, excess):
    made = planned(
        products=[
            {"product": "A", "parent": "G"},
            {"product": "B", "parent": "G"},
            {"product": "G"},
        ],
        demands=[{"qty": 25}, {"product": "B", "qty": 10}],
        supply_terms=[{}, {"product": "B"}],
        supplier_capacity=[
            {"product": product, "qty": 20, "valid_to": day(60)},
            {"product": product, "qty": 1, "valid_from": day(-9), "valid_to": day(28)},
        ],
    )
    assert [row["qty"] for row in exceptions(made, "SupplierCapacity")] == [excess]


# --- space -------------------------------------------------------------------------
def test_more_than_a_place_may_hold_is_listed():
    made = planned(stock=[{"qty": 120}], storage_limits=[{"max_qty": 100}])
    assert exceptions(made, "StorageLimit")[0]["qty"] == 20


def test_more_volume_than_a_location_has_room_for_is_listed():
    made = planned(
        products=[
            {"product": "A", "volume_m3": 2},
            {"product": "B", "volume_m3": 1},
        ],
        locations=[{"location": "L", "storage_capacity": 50}],
        stock=[{"qty": 20}, {"product": "B", "qty": 9}],
        supply_orders=[{"product": "B", "qty": 5, "due": day(9)}],
    )
    found = exceptions(made, "StorageLimit")
    assert [(row["qty"], row["location"]) for row in found] == [(4, "L")]


@pytest.mark.req("MRP-06")
@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({}, 1),
        ({"on_violation": "flag"}, 1),
        ({"on_violation": "block"}, 1),
        ({"on_violation": "allow"}, 0),
    ],
)
def test_more_than_the_maximum_is_listed_unless_it_is_allowed(cells, found):
    made = planned(stock=[{"qty": 30}], inventory_policies=[{"max_qty": 20, **cells}])
    assert len(exceptions(made, "AboveMaximum")) == found


def test_a_maximum_by_date_holds_in_its_time():
    made = planned(
        stock=[{"qty": 30}],
        inventory_levels=[
            {"valid_to": day(-1), "max_qty": 10},
            {"valid_from": day(6), "valid_to": day(40), "max_qty": 25},
        ],
        demands=[{"qty": 2, "due": day(8)}, {"qty": 10, "due": day(50)}],
        supply_terms=BUY,
    )
    found = exceptions(made, "AboveMaximum")
    assert [(row["qty"], row["date"]) for row in found] == [(3, day(7))]


def test_min_max_orders_up_to_its_maximum_without_a_word():
    made = planned(
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 10, "max_qty": 15}],
        supply_terms=[{**BUY[0], "lot_multiple": 10}],
    )
    assert exceptions(made, "AboveMaximum") == []


# --- capacity ----------------------------------------------------------------------
@pytest.mark.req("MRP-09")
def test_a_resource_that_is_loaded_beyond_its_hours_is_listed():
    made = planned(
        settings=[{"bucket": "day"}],
        demands=[{"qty": 1}, {"product": "B", "qty": 1}],
        routings=[{}, {"routing": "Q", "product": "B"}],
        steps=[
            {"fixed_minutes": 1080},
            {"routing": "Q", "fixed_minutes": 1080},
        ],
        resources=[{}],
        step_resources=[{}, {"routing": "Q"}],
    )
    # Both want the last 18 h of one day.
    assert [row["hours"] for row in exceptions(made, "CapacityOverload")] == [12]


@pytest.mark.req("QA-05")
def test_a_resource_without_units_is_overloaded():
    made = planned(
        demands=[{}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        resources=[{"units": 0}],
        step_resources=[{}],
    )
    assert exceptions(made, "CapacityOverload")[0]["hours"] == 1


# --- demands -----------------------------------------------------------------------
LATE = [{"lead_time_days": 5, "valid_from": day(8)}]


@pytest.mark.parametrize(("limit", "found"), [(3, 0), (2, 1), (0, 1), (None, 0)])
def test_a_lateness_beyond_what_is_accepted_is_listed(limit, found):
    made = planned(
        demands=[{"due": day(10), "max_lateness_days": limit}], supply_terms=LATE
    )
    assert len(exceptions(made, "MaxLateness")) == found


def two_deliveries(**cells):
    """A plan whose demand gets 4 from stock and 6 three days late."""
    return planned(
        demands=[{"due": day(10), **cells}], stock=[{"qty": 4}], supply_terms=LATE
    )


@pytest.mark.parametrize(("least", "found"), [(0, 0), (4, 0), (5, 1)])
def test_a_delivery_below_the_least_shipment_is_listed(least, found):
    made = two_deliveries(min_shipment=least)
    assert len(exceptions(made, "MinShipment")) == found


def test_a_least_shipment_is_capped_at_the_quantity():
    made = planned(demands=[{"min_shipment": 50}], supply_terms=BUY)
    assert exceptions(made, "MinShipment") == []


def test_a_full_line_in_two_deliveries_is_listed():
    assert len(exceptions(two_deliveries(full_line=True), "MinShipment")) == 1


def lines(policy, first, second):
    return planned(
        demands=[
            {"sales_order": "o", "order_policy": policy, "due": day(first)},
            {"sales_order": "o", "order_policy": policy, "due": day(second)},
            {"due": day(20)},
        ],
        supply_terms=BUY,
    )


@pytest.mark.parametrize(
    ("policy", "dates", "found"),
    [
        ("independent", (10, 12), 0),
        ("all_together", (10, 10), 0),
        ("all_together", (10, 12), 1),
        ("in_ratio", (10, 10), 0),
        ("in_ratio", (10, 12), 1),
    ],
)
def test_lines_against_the_policy_of_their_order_are_listed(policy, dates, found):
    assert len(exceptions(lines(policy, *dates), "OrderPolicy")) == found


def test_lines_in_ratio_may_come_in_several_deliveries():
    made = planned(
        demands=[
            {"sales_order": "o", "order_policy": "in_ratio", "due": day(10)},
            {
                "sales_order": "o",
                "order_policy": "in_ratio",
                "due": day(10),
                "product": "B",
            },
        ],
        stock=[{"qty": 4}, {"qty": 4, "product": "B"}],
        supply_terms=[LATE[0], {**LATE[0], "product": "B"}],
    )
    assert exceptions(made, "OrderPolicy") == []


# --- costs of causes ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("cells", "money"),
    [
        # 10 pieces, 3 days, 2 % of the price times weight 10
        ({"price": 5}, 10 * 3 * 0.02 * 5 * 10),
        ({"late_cost_per_day": 2}, 60),
        ({}, 10 * 3 * 0.02 * 1 * 10),
        ({"priority": 2, "price": 5}, 10 * 3 * 0.02 * 5 * 5),
    ],
)
def test_lateness_costs_by_price_and_priority(cells, money):
    made = planned(demands=[{"due": day(10), **cells}], supply_terms=LATE)
    cause = made.causes.row(0, named=True)
    assert cause["money"] == pytest.approx(money)
    assert cause["hours"] == 72
    assert (cause["code"], cause["subject"]) == ("LeadTime", "S")


def test_a_shortage_costs_three_prices():
    made = planned(
        demands=[{"location": "W", "ship_from": "M", "price": 5, "priority": 5}],
        locations=[{"location": "L"}, {"location": "M"}, {"location": "W"}],
        lanes=[{"lane": "T"}],
        supply_terms=[{}],
    )
    assert made.causes.row(0, named=True)["money"] == 10 * 3 * 5
