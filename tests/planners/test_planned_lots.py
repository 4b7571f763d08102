"""Silver-Meal and Wagner-Whitin in plans: net needs, lots, life, both modes."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.small_plans import day, exceptions, orders, planned, quantities

BUY = [{"lead_time_days": 5}]
MONTHS = (10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41)
RULES = ["silver_meal", "wagner_whitin"]


def policy(rule, cost=54.0, rate=0.365):
    """A unit costs 1 and is held for `rate` a year: rate / 365 a day."""
    return [{"lot_rule": rule, "order_cost": cost, "holding_rate": rate}]


def wanted(*quantities_by_day):
    return [{"qty": qty, "due": day(at)} for at, qty in quantities_by_day]


def textbook(rule):
    return {
        "settings": [{"horizon_days": 400}],
        "demands": wanted(*((10 + 30 * i, qty) for i, qty in enumerate(MONTHS))),
        # 0.4 a unit in 30 days.
        "inventory_policies": policy(rule, rate=0.4 / 30 * 365),
        "supply_terms": BUY,
    }


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("rule", RULES)
def test_the_textbook_example_as_a_plan(rule):
    made = planned(**textbook(rule))
    assert orders(made) == [
        ("A", qty, at - 5, at)
        for qty, at in [
            (84, 10),
            (130, 100),
            (283, 130),
            (140, 190),
            (124, 250),
            (160, 280),
            (279, 310),
        ]
    ]
    assert set(made.supplies["lot_rule"]) == {rule}


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("rule", RULES)
def test_the_textbook_example_in_mode_constrained(rule):
    snapshot = factories.snapshot(**textbook(rule))
    made = plan(snapshot, "constrained")
    assert [str(fault) for fault in verify(made, snapshot)] == []
    assert quantities(made, "A") == [84, 130, 283, 140, 124, 160, 279]
    assert set(made.supplies["lot_rule"]) == {rule}
    assert set(made.fulfilment["status"]) == {"on_time"}


@pytest.mark.parametrize("rule", RULES)
def test_stock_and_receipts_are_netted_before_needs_join(rule):
    made = planned(
        demands=wanted((10, 30), (11, 30), (12, 30)),
        stock=[{"qty": 20}],
        supply_orders=[{"qty": 30, "due": day(11)}],
        inventory_policies=policy(rule, 100),
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 40, 5, 10)]


@pytest.mark.parametrize("rule", RULES)
def test_a_need_that_is_cheaper_alone_has_its_own_order(rule):
    given = {"demands": wanted((10, 30), (20, 6)), "supply_terms": BUY}
    # 6 units for 10 days are 60 days at 0.001: 0.06.
    assert quantities(planned(**given, inventory_policies=policy(rule, 0.07)), "A") == [
        36
    ]
    assert quantities(planned(**given, inventory_policies=policy(rule, 0.05)), "A") == [
        30,
        6,
    ]


def test_the_surplus_of_a_least_lot_serves_before_the_next_order():
    made = planned(
        demands=wanted((10, 30), (11, 30), (40, 30), (41, 30)),
        inventory_policies=policy("wagner_whitin", 0.5),
        supply_terms=[{**BUY[0], "moq": 70, "lot_multiple": 10}],
    )
    # 60 are raised to 70; of the 60 on days 40 and 41 50 are missing, raised to 70.
    assert orders(made) == [("A", 70, 5, 10), ("A", 70, 35, 40)]


@pytest.mark.parametrize("rule", RULES)
def test_an_order_never_joins_needs_beyond_the_largest_lot(rule):
    made = planned(
        demands=wanted((10, 30), (11, 30), (12, 30), (13, 100)),
        inventory_policies=policy(rule, 1000),
        supply_terms=[{**BUY[0], "max_lot": 70}],
    )
    assert orders(made) == [
        ("A", 60, 5, 10),
        ("A", 30, 7, 12),
        ("A", 30, 8, 13),
        ("A", 70, 8, 13),
    ]


@pytest.mark.parametrize("rule", RULES)
def test_the_largest_lot_of_a_routing_counts_good_pieces(rule):
    made = planned(
        demands=wanted((10, 30), (11, 30), (12, 30)),
        inventory_policies=policy(rule, 1000),
        routings=[{"max_lot": 70, "yield": 0.5}],
    )
    # 70 started give 35: no two needs fit.
    assert quantities(made, "A") == [30, 30, 30]
    assert made.supplies["order_qty"].to_list() == [60, 60, 60]


@pytest.mark.parametrize("rule", [*RULES, "poq"])
def test_an_order_never_joins_a_need_that_outlives_it(rule):
    made = planned(
        products=[{"product": "A", "shelf_life_days": 5}],
        demands=[
            *wanted((10, 30), (12, 30)),
            {"qty": 30, "due": day(13), "min_shelf_days": 3},
            *wanted((14, 30)),
        ],
        inventory_policies=[{**policy(rule, 1000)[0], "cover_days": 20}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 60, 5, 10), ("A", 60, 8, 13)]
    assert exceptions(made, "LotSurplus") == []


def test_safety_time_of_the_source_takes_from_the_life_of_an_order():
    made = planned(
        products=[{"product": "A", "shelf_life_days": 5}],
        demands=wanted((10, 30), (13, 30), (14, 30)),
        inventory_policies=policy("wagner_whitin", 1000),
        supply_terms=[{**BUY[0], "safety_days": 2}],
    )
    # There on day 8, dead on day 13; a day of 30 costs less than three.
    assert orders(made) == [("A", 30, 3, 8), ("A", 60, 6, 11)]


@pytest.mark.req("MRP-10")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize(
    ("safety", "due", "left", "dates"),
    [
        (0.5, 10, 2, (8.5, 9.5)),
        (1, 10, 2, (8, 9)),
        (2, 10, 2, (8, 9)),
        (5, 10, 2, (8, 9)),
        # With its safety time it had to be ordered before now.
        (5, 5, 2, (3, 4)),
        # What arrives when it is wanted has as many days left.
        (5, 10, 3, (9, 10)),
        (5, 10, 3.5, None),
    ],
)
def test_safety_time_is_given_up_before_goods_die(mode, safety, due, left, dates):
    """A lives 3 days, and so many are left when it is wanted; it comes after a day.

    With 2 left on day 10 it arrives on day 9 or later: one day of safety time is kept.
    """
    snapshot = factories.snapshot(
        products=[{"product": "A", "shelf_life_days": 3}],
        demands=[{"due": day(due), "min_shelf_days": left}],
        supply_terms=[{"lead_time_days": 1, "safety_days": safety}],
    )
    made = plan(snapshot, mode)
    assert [str(fault) for fault in verify(made, snapshot)] == []
    assert orders(made) == ([] if dates is None else [("A", 10, *dates)])


@pytest.mark.req("MRP-10")
@pytest.mark.parametrize(
    ("shuts", "finish"),
    [
        # Thursday's receipt would be dead; that of Friday ends as Monday begins.
        ("from Saturday to Sunday", 7),
        # The receipt of the day before the need ends then; nothing is open after it.
        ("from Saturday on", None),
    ],
)
def test_safety_time_is_given_up_across_closed_days(shuts, finish):
    """A lives 3 days, 1 is left on day 8, a Tuesday: it arrives on day 6 or later.

    Two open days of safety time would have it arrive on day 4, a Friday.
    """
    monday = [{"weekday": 1, "start": dt.time(0), "finish": dt.time(0)}]
    rest = [{**monday[0], "weekday": weekday} for weekday in range(2, 6)]
    stays_shut = {"valid_to": day(5)} if finish is None else {}
    made = planned(
        products=[{"product": "A", "shelf_life_days": 3}],
        locations=[{"location": "L", "calendar": "CAL"}],
        calendars=[{}],
        shifts=[{**row, **stays_shut} for row in [*monday, *rest]],
        demands=[{"due": day(8), "min_shelf_days": 1}],
        supply_terms=[{"lead_time_days": 1, "receipt_days": 1, "safety_days": 2}],
    )
    found = [round(at, 3) for _, _, _, at in orders(made) if at is not None]
    assert found == ([] if finish is None else [finish])


@pytest.mark.parametrize("rule", [*RULES, "poq"])
def test_what_safety_lacks_is_a_need_that_joins(rule):
    made = planned(
        demands=wanted((10, 10), (12, 10), (15, 10), (40, 10)),
        stock=[{"qty": 25}],
        inventory_policies=[
            {**policy(rule, 0.2)[0], "safety_qty": 20, "cover_days": 6}
        ],
        supply_terms=BUY,
    )
    # 15 on day 10 are 5 too few; 10 more on days 12 and 15.
    assert orders(made) == [("A", 25, 5, 10), ("A", 10, 35, 40)]
    assert exceptions(made, "BelowSafety") == []


def test_a_target_inside_a_window_joins_the_needs():
    made = planned(
        settings=[{"horizon_days": 30}],
        demands=wanted((25, 10), (29, 4)),
        inventory_policies=[{"lot_rule": "poq", "cover_days": 9, "target_qty": 16}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 30, 20, 25)]


def test_a_reorder_point_is_no_need_that_joins():
    made = planned(
        demands=wanted((10, 10), (12, 10)),
        stock=[{"qty": 30}],
        inventory_policies=[{"lot_rule": "fixed", "lot_size": 5, "reorder_point": 25}],
        supply_terms=[{**BUY[0], "batch_window_days": 4}],
    )
    assert quantities(made, "A") == [5, 10]


@pytest.mark.parametrize("rule", RULES)
def test_needs_of_components_join_too(rule):
    made = planned(
        demands=wanted((20, 10), (21, 10)),
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        bom_lines=[{"component": "B", "qty_per": 2}],
        inventory_policies=[{**policy(rule, 10)[0], "product": "B"}],
        supply_terms=[{**BUY[0], "product": "B"}],
    )
    assert orders(made, "A") == [("A", 10, 19, 20), ("A", 10, 20, 21)]
    assert orders(made, "B") == [("B", 40, 14, 19)]


def test_what_must_come_from_another_place_does_not_join():
    made = planned(
        locations=[{"location": "L"}, {"location": "W"}, {"location": "V"}],
        lanes=[{}, {"lane": "U", "origin": "V"}],
        demands=[
            {"location": "W", "due": day(10), "ship_from": "L"},
            {"location": "W", "due": day(11), "ship_from": "V"},
            {"location": "W", "due": day(12), "ship_from": "V"},
        ],
        inventory_policies=[{**policy("wagner_whitin", 10)[0], "location": "W"}],
        supply_terms=[{}, {"location": "V"}],
    )
    moves = made.supplies.filter(made.supplies["kind"] == "move")
    assert sorted(moves["qty"]) == [10, 20]


def test_make_to_order_makes_one_order_per_demand_whatever_the_rule():
    made = planned(
        products=[{"product": "A", "make_to_order": True}],
        demands=wanted((10, 10), (11, 10)),
        inventory_policies=policy("wagner_whitin", 1000),
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [10, 10]


def test_shares_divide_what_joined():
    made = planned(
        demands=wanted((10, 10), (11, 10)),
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        inventory_policies=policy("wagner_whitin", 1000),
        supply_terms=[{**BUY[0], "max_lot": 12}, {**BUY[0], "supplier": "T"}],
        sourcing=[
            {"kind": "buy", "source": "S", "share_pct": 50},
            {"kind": "buy", "source": "T", "share_pct": 50},
        ],
    )
    assert quantities(made, "A") == [10, 10]


def test_a_later_receipt_that_a_late_need_takes_changes_what_joins():
    snapshot = factories.snapshot(
        demands=wanted((2, 10), (10, 10), (11, 10)),
        supply_orders=[{"qty": 15, "due": day(3)}],
        inventory_policies=policy("wagner_whitin", 10),
        supply_terms=BUY,
    )
    made = plan(snapshot, "constrained")
    assert [str(fault) for fault in verify(made, snapshot)] == []
    assert quantities(made, "A") == [15]


# --- which rule made an order ------------------------------------------------------
NAMED = [
    ({"lot_rule": "lot_for_lot"}, {}),
    ({"lot_rule": "fixed", "lot_size": 50}, {}),
    ({"lot_rule": "fixed", "lot_size": 50, "reorder_point": 10}, {}),
    ({"lot_rule": "min_max", "min_qty": 10, "max_qty": 50}, {}),
    ({"lot_rule": "eoq", "order_cost": 10}, {}),
    ({"lot_rule": "poq", "cover_days": 5}, {}),
    ({"lot_rule": "silver_meal", "order_cost": 10}, {}),
    ({"lot_rule": "wagner_whitin", "order_cost": 10}, {}),
    ({"lot_rule": "lot_for_lot"}, {"batch_window_days": 5}),
    ({"lot_rule": "lot_for_lot"}, {"moq": 20, "lot_multiple": 20, "max_lot": 40}),
    ({"lot_rule": "lot_for_lot", "safety_qty": 30}, {}),
]


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("mode", some(["mrp", "constrained"], 1))
@pytest.mark.parametrize(("rules", "terms"), NAMED)
def test_each_order_says_which_rule_made_it(rules, terms, mode):
    snapshot = factories.snapshot(
        demands=wanted((10, 30), (12, 30)),
        inventory_policies=[rules],
        supply_terms=[{**BUY[0], **terms}],
    )
    made = plan(snapshot, mode)
    assert [str(fault) for fault in verify(made, snapshot)] == []
    assert made.supplies.height
    assert set(made.supplies["lot_rule"]) == {rules["lot_rule"]}


def test_a_place_without_a_policy_orders_lot_for_lot():
    made = planned(demands=wanted((10, 30)), supply_terms=BUY)
    assert made.supplies["lot_rule"].to_list() == ["lot_for_lot"]


def test_existing_orders_name_no_rule():
    made = planned(
        demands=wanted((10, 30)),
        supply_orders=[{"qty": 30}],
        inventory_policies=policy("wagner_whitin"),
    )
    assert made.supplies["lot_rule"].to_list() == [None]


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("rule", RULES)
def test_what_a_lot_left_over_counts_in_what_the_next_one_joins(rule):
    # A lot of 20 leaves one of 19: 13 and 17 fit the largest lot, 14 and 17 do not.
    made = planned(
        demands=wanted((11, 19), (29, 14), (34, 17)),
        supply_terms=[{**BUY[0], "lot_multiple": 5, "max_lot": 30}],
        inventory_policies=policy(rule, 1.0, 3.65),
    )
    assert quantities(made, "A") == [20, 30]


# --- planted faults ----------------------------------------------------------------
@pytest.mark.req("MRP-07", "QA-03")
@pytest.mark.parametrize(
    ("qty", "code"), [(60.0, "VER010"), (85.0, "VER011"), (210.0, "VER012")]
)
@pytest.mark.parametrize("rule", RULES)
def test_verify_catches_an_order_that_breaks_lots(rule, qty, code):
    snapshot = factories.snapshot(
        demands=wanted((10, 80), (12, 20)),
        inventory_policies=policy(rule, 10),
        supply_terms=[{**BUY[0], "moq": 70, "lot_multiple": 10, "max_lot": 200}],
    )
    made = plan(snapshot)
    assert quantities(made, "A") == [100]
    assert verify(made, snapshot) == []
    planted = made.replace(supplies=made.supplies.with_columns(qty=qty, order_qty=qty))
    assert code in {fault.code for fault in verify(planted, snapshot)}


def test_a_multiple_between_two_pieces_is_ordered_in_the_least_lot_of_both():
    """Pairs of 2.5 are whole pieces by fives, also where 2.5 is the most."""
    made = planned(
        demands=[{"qty": 7}], supply_terms=[{"lot_multiple": 2.5, "max_lot": 2.5}]
    )
    assert quantities(made, "A") == [5, 5]
