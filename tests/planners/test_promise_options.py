"""Options and dates of promises, worked out by hand."""

from __future__ import annotations

import pytest

from medhavi.results.promises.promise import PromiseStatus
from tests.api import promise
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    cells,
    dates,
    day,
    days,
    tables,
    workshop,
)
from tests.planners.small_towns import request, tables_of, town

CUSTOMER = {"location": "C1", "kind": "customer"}


def lane(**stated):
    return {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 72, **stated}


@pytest.mark.req("ATP-04", "DEF-03")
def test_stages_are_chained_material_then_work_then_transport():
    snapshot = workshop(
        steps=[{"fixed_minutes": 2 * 24 * 60}],
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[lane()],
    )
    made = asked(snapshot, location="C1")
    assert days(made.date) == 5 + 2 + 3


@pytest.mark.req("ATP-01", "ATP-14")
def test_stock_is_promised_at_once():
    made = asked(tables(stock=[{"qty": 10}]))
    assert made.status is PromiseStatus.PROMISED
    assert dates(made) == [(10.0, 0.0)]
    assert made.option == "stock@L"
    assert made.limiter is None
    assert made.limiters == ()


def test_a_date_is_not_moved_back_to_due():
    assert days(asked(tables(stock=[{"qty": 10}]), due=day(20)).date) == 0


@pytest.mark.req("DEF-03", "ATP-14")
def test_no_stock_and_no_source_is_rejected_with_every_key():
    made = asked(tables())
    answer = made.as_dict()
    assert made.status is PromiseStatus.REJECTED
    assert answer["date"] is None
    assert answer["deliveries"] == answer["reservations"] == answer["options"] == []
    assert answer["limiter"]["code"] == "NoSource"
    assert list(answer) == [
        "request", "status", "date", "date_p50", "date_p80", "date_p95",
        "on_time_prob", "date_prob", "deliveries", "sales_order", "line", "origin",
        "option", "options", "cost", "co2_kg", "limiter", "limiters", "remedies",
        "sensitivity", "reservations", "exact", "basis", "known_at", "trace", "preempted",
    ]  # fmt: skip


@pytest.mark.req("ATP-06")
def test_stock_of_a_remote_place_is_found():
    snapshot = tables(
        locations=[{"location": "DC1"}, {"location": "DC2"}, CUSTOMER],
        stock=[{"location": "DC2", "qty": 10}],
        lanes=[
            lane(lane="T1", origin="DC1"),
            lane(lane="T2", origin="DC2", duration_h=24),
        ],
    )
    made = asked(snapshot, location="C1")
    assert (made.origin, days(made.date)) == ("DC2", 1)


def test_stock_of_several_places_is_put_together():
    snapshot = tables(
        locations=[{"location": "DC1"}, {"location": "DC2"}, CUSTOMER],
        stock=[{"location": "DC1", "qty": 6}, {"location": "DC2", "qty": 4}],
        lanes=[
            lane(lane="T1", origin="DC1"),
            lane(lane="T2", origin="DC2", duration_h=24),
        ],
    )
    made = asked(snapshot, location="C1")
    assert dates(made) == [(4.0, 1.0), (6.0, 3.0)]
    assert made.status is PromiseStatus.PROMISED


def test_a_part_from_stock_leaves_early_when_the_whole_is_late():
    made = asked(workshop(stock=[{"qty": 6}]), due=day(1))
    assert dates(made) == [(6.0, 0.0), (4.0, pytest.approx(5 + 4 / 24, abs=1e-5))]
    assert made.status is PromiseStatus.PROMISED_LATE


@pytest.mark.parametrize(
    ("policy", "request_cells"),
    [({"delivery": "full_line"}, {}), ({}, {"full_line": True})],
)
@pytest.mark.req("ATP-08", "ATP-07")
def test_a_full_line_comes_in_one_delivery(policy, request_cells):
    rule = {"policy": "default", "supplier_fallback": "accept_with_risk", **policy}
    snapshot = workshop(stock=[{"qty": 6}], promise_policies=[rule])
    made = asked(snapshot, due=day(1), **request_cells)
    assert [qty for qty, _ in dates(made)] == [10.0]
    assert "FullDeliveryViolation" not in {one.code for one in made.limiters[:1]}


def test_less_than_asked_is_partial():
    made = asked(tables(stock=[{"qty": 6}]))
    assert made.status is PromiseStatus.PARTIAL
    assert dates(made) == [(6.0, 0.0)]
    assert made.limiter.code == "MaterialShortfall"


def test_a_line_that_must_be_whole_is_rejected_where_only_a_part_is_there():
    made = asked(tables(stock=[{"qty": 6}]), full_line=True)
    assert made.status is PromiseStatus.REJECTED


def test_a_receipt_on_its_way_is_waited_for():
    snapshot = tables(stock=[{"qty": 4}], supply_orders=[{"qty": 10, "due": day(7)}])
    made = asked(snapshot, due=day(3))
    assert dates(made) == [(4.0, 0.0), (6.0, 7.0)]
    assert (made.limiter.code, made.limiter.subject) == ("AwaitingSupply", "O1")


@pytest.mark.req("ATP-24")
def test_yield_raises_what_goes_in():
    snapshot = workshop(routings=[{"yield": 0.8}], stock=[{"product": "B", "qty": 200}])
    made = asked(snapshot, qty=100)
    held = [hold for hold in made.holds if hold.kind == "material"]
    assert [hold.qty for hold in held] == [125.0]


def test_orders_are_raised_to_the_least_lot_and_the_surplus_is_paid():
    terms = {"moq": 50, "lot_multiple": 10, "unit_price": 2, "lead_time_days": 5}
    made = asked(tables(supply_terms=[terms]))
    assert made.cost.material == 20.0
    assert made.cost.cash_out == 100.0


@pytest.mark.req("ATP-05", "SUP-03")
@pytest.mark.parametrize(
    ("rule", "status"), [("never", "rejected"), ("on_shortfall", "promised")]
)
def test_suppliers_are_asked_only_where_the_policy_permits(rule, status):
    policy = {
        "policy": "default",
        "ask_supplier": rule,
        "supplier_fallback": "accept_with_risk",
    }
    assert asked(tables(supply_terms=[{}], promise_policies=[policy])).status == status


def test_only_what_is_missing_is_bought_on_shortfall():
    made = asked(tables(stock=[{"qty": 4}], supply_terms=[{"unit_price": 3}]))
    assert made.option == "stock+buy:S@L"
    assert made.cost.cash_out == 18.0


@pytest.mark.req("SUP-03")
def test_always_compares_buying_with_stock_that_comes_later():
    policy = {
        "policy": "default",
        "ask_supplier": "always",
        "supplier_fallback": "accept_with_risk",
    }
    snapshot = tables(
        supply_orders=[{"qty": 10, "due": day(9)}],
        supply_terms=[{"lead_time_days": 2}],
        promise_policies=[policy],
    )
    assert days(asked(snapshot, due=day(28)).date) == 2


@pytest.mark.req("ATP-27")
@pytest.mark.parametrize(
    ("fallback", "status", "shown"),
    [
        ("block", "rejected", 0),
        ("accept_with_risk", "promised", 2),
        ("counter_offer", "rejected", 1),
    ],
)
def test_a_supplier_whose_word_is_unknown(fallback, status, shown):
    policy = {"policy": "default", "supplier_fallback": fallback}
    made = asked(tables(supply_terms=[{}], promise_policies=[policy]))
    assert (made.status, len(made.options)) == (status, shown)
    if status == "rejected":
        assert made.limiter.code == "SupplierLeadtimeExceeded"
    if status == "promised":
        taken, once = made.options
        assert made.basis.model == "stated, no history"
        assert once.option == f"{taken.option}, once confirmed"
        assert (once.date, once.cost) == (taken.date, taken.cost)
        assert "waits until S confirmed the stated lead time" in once.why_not
        assert (taken.why_not, made.option) == (None, taken.option)


@pytest.mark.req("ATP-27")
def test_a_stated_lead_time_is_promised_on_by_the_usual_policy():
    made = asked(
        tables(supply_terms=[{"lead_time_days": 14}], promise_policies=[]),
        due=day(14),
    )
    assert (made.status, days(made.date)) == (PromiseStatus.PROMISED, 14)
    assert "supplier lead time stated, no history" in str(made)
    known = {"lead_time_days": 14, "lead_time_p95_days": 15}
    told = asked(tables(supply_terms=[known], promise_policies=[]), due=day(28))
    assert (told.basis.model, len(told.options)) == ("terms", 1)


def test_a_supplier_with_a_stated_tail_is_known():
    snapshot = tables(supply_terms=[{"lead_time_p95_days": 8}], promise_policies=[])
    assert asked(snapshot).status is PromiseStatus.PROMISED


@pytest.mark.req("ATP-11", "RTG-02", "RTG-04")
def test_an_alternate_routing_wins_where_it_is_faster():
    snapshot = tables(
        routings=[{"routing": "R"}, {"routing": "R2", "preference": 2}],
        steps=[
            {"routing": "R", "run_minutes_per_unit": 600},
            {"routing": "R2", "run_minutes_per_unit": 60},
        ],
    )
    made = asked(snapshot, due=day(1))
    assert made.option == "make:R2@L"


@pytest.mark.req("ATP-11", "CORE-04", "RTG-04")
def test_the_cheaper_alternate_wins_where_cost_is_weighed():
    snapshot = tables(
        routings=[
            {"routing": "R", "cost_per_unit": 5},
            {"routing": "R2", "cost_per_unit": 1},
        ],
        steps=[
            {"routing": "R", "run_minutes_per_unit": 60},
            {"routing": "R2", "run_minutes_per_unit": 600},
        ],
    )
    fast = asked(snapshot, policy="gold")
    cheap = asked(snapshot, policy="bronze")
    assert (fast.option, cheap.option) == ("make:R@L", "make:R2@L")
    assert fast.options[1].why_not is not None


def test_components_come_from_stock_or_are_made_or_bought_at_any_depth():
    snapshot = tables(
        routings=[{"routing": "RA"}, {"routing": "RB", "product": "B"}],
        steps=[
            {"routing": "RA", "fixed_minutes": 24 * 60},
            {"routing": "RB", "fixed_minutes": 24 * 60},
        ],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RB", "component": "X"},
        ],
        supply_terms=[{"product": "X", "lead_time_days": 5}],
        stock=[{"product": "B", "qty": 4}],
    )
    made = asked(snapshot)
    assert days(made.date) == 5 + 1 + 1
    assert [hold.qty for hold in made.holds if hold.kind == "material"] == [4.0]


def test_a_component_of_a_later_step_may_come_later():
    snapshot = tables(
        routings=[{}],
        steps=[
            {"step": 1, "fixed_minutes": 4 * 24 * 60},
            {"step": 2, "fixed_minutes": 24 * 60},
        ],
        bom_lines=[{"step": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )
    assert days(asked(snapshot).date) == 6


def test_substitutes_come_after_own_supply_that_is_on_time():
    given = {
        "substitutes": [{"ratio": 2}],
        "stock": [{"product": "B", "qty": 20}],
        "supply_terms": [{"lead_time_days": 5}],
    }
    assert asked(tables(**given)).option == "buy:S@L"
    late = asked(tables(**given), due=day(1))
    assert late.option == "B/stock@L"
    assert dates(late) == [(20.0, 0.0)]
    assert late.status is PromiseStatus.PROMISED


def test_goods_leave_with_the_first_departure_they_are_ready_for():
    import datetime as dt

    snapshot = tables(
        locations=[{"location": "L"}, CUSTOMER],
        stock=[{"qty": 10}],
        lanes=[lane(duration_h=24, cutoff_h=6)],
        departures=[{"weekday": 3, "time": dt.time(12)}],
    )
    made = asked(snapshot, location="C1", due=day(1))
    assert days(made.date) == 3.5
    assert (made.limiter.code, made.limiter.subject) == ("CutoffMissed", "T")


def test_a_delivery_that_fits_no_departure_is_spread():
    import datetime as dt

    snapshot = tables(
        products=[{"weight_kg": 1}],
        locations=[{"location": "L"}, CUSTOMER],
        stock=[{"qty": 10}],
        lanes=[lane(duration_h=24, capacity_kg=6)],
        departures=[{"weekday": n, "time": dt.time(12)} for n in range(1, 8)],
    )
    made = asked(snapshot, location="C1")
    assert [qty for qty, _ in dates(made)] == [6.0, 4.0]
    assert days(made.date) == 2.5


@pytest.mark.parametrize(
    ("places", "customers"),
    [
        ([{**CUSTOMER, "country": "XX"}], [{}]),
        ([CUSTOMER], [{"country": "XX"}]),
    ],
)
def test_nothing_travels_to_a_blocked_country(places, customers):
    snapshot = tables(
        locations=[{"location": "L"}, *places],
        customers=customers,
        stock=[{"qty": 10}],
        lanes=[lane(blocked_countries=["XX"])],
    )
    made = asked(snapshot, location="C1", customer="C")
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code == "RegulatoryBlocked"


def test_a_customer_without_a_lane_is_rejected():
    snapshot = tables(locations=[{"location": "L"}, CUSTOMER], stock=[{"qty": 10}])
    made = asked(snapshot, location="C1")
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code == "NoTransportLeg"


def test_ship_from_names_the_only_origin():
    snapshot = tables(
        locations=[{"location": "DC1"}, {"location": "DC2"}, CUSTOMER],
        stock=[{"location": "DC1", "qty": 10}, {"location": "DC2", "qty": 10}],
        lanes=[
            lane(lane="T1", origin="DC1", duration_h=1),
            lane(lane="T2", origin="DC2"),
        ],
    )
    assert asked(snapshot, location="C1", ship_from="DC2").origin == "DC2"


def test_a_delivery_later_than_the_demand_accepts_is_rejected():
    made = asked(tables(supply_terms=[{}]), due=day(1), max_lateness_days=1.0)
    assert made.status is PromiseStatus.REJECTED
    assert made.options[0].why_not.startswith("OrderRule")


def test_nothing_is_promised_beyond_two_horizons():
    snapshot = tables(
        settings=[{"horizon_days": 10}], supply_terms=[{"lead_time_days": 30}]
    )
    assert asked(snapshot, due=day(1)).status is PromiseStatus.REJECTED


def test_one_order_serves_all_needs_of_a_request():
    snapshot = tables(
        routings=[{"routing": "RA"}, {"routing": "RX", "product": "X"}],
        steps=[{"routing": "RA"}, {"routing": "RX"}],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RA", "component": "X"},
            {"routing": "RX", "component": "B", "line": 1},
        ],
        supply_terms=[{"product": "B", "unit_price": 1, "moq": 15}],
    )
    made = asked(snapshot)
    assert made.cost.cash_out == 20.0
    assert [one.steps for one in made.purchases] == [20]


@pytest.mark.req("ATP-12")
def test_the_parts_of_the_cost_add_up():
    snapshot = workshop(
        resources=[{"cost_per_hour": 6}],
        routings=[{"cost_per_unit": 2, "fixed_cost": 7}],
        supply_terms=[{"product": "B", "unit_price": 3}],
        products=[{"product": "A", "weight_kg": 1}],
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[lane(cost_per_kg=0.5, fixed_cost=4, co2_kg_per_tonne=100)],
    )
    cost = asked(snapshot, location="C1").cost
    assert cost.material == 30.0
    assert cost.production == 2 * 10 + 7 + 6 * 10
    assert cost.transport == 0.5 * 10 + 4
    assert cost.total == pytest.approx(
        cost.material + cost.production + cost.transport + cost.holding
    )


@pytest.mark.req("ATP-12")
def test_a_cost_cap_closes_dearer_options():
    policy = {
        "policy": "default",
        "cost_cap": 50,
        "supplier_fallback": "accept_with_risk",
    }
    dear = tables(supply_terms=[{"unit_price": 6}], promise_policies=[policy])
    made = asked(dear)
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code == "CostCapExceeded"
    assert "permit a cost of 60" in {remedy.text for remedy in made.remedies}


@pytest.mark.req("ATP-16")
def test_a_tiny_budget_gives_a_heuristic_answer_with_a_note():
    policy = {
        "policy": "default",
        "search_budget_evaluations": 1,
        "supplier_fallback": "accept_with_risk",
    }
    snapshot = tables(
        routings=[{"routing": "R"}, {"routing": "R2"}],
        steps=[{"routing": "R"}, {"routing": "R2"}],
        promise_policies=[policy],
    )
    made = asked(snapshot)
    assert made.status is PromiseStatus.PROMISED
    assert not made.exact
    assert "SearchTimeout" in [entry.get("note") for entry in made.trace]


@pytest.mark.req("ATP-02", "ATP-15")
def test_the_trace_names_the_stages_in_their_order():
    snapshot = workshop(locations=[{"location": "L"}, CUSTOMER], lanes=[lane()])
    made = asked(snapshot, location="C1")
    assert [entry["stage"] for entry in made.trace] == [
        "material", "routing", "capacity", "transport", "search",
    ]  # fmt: skip


@pytest.mark.req("ATP-22")
def test_a_thousand_lines_are_answered_in_one_call():
    snapshot = tables(stock=[{"qty": 990}])
    made = promise(snapshot, [cells(qty=1, full_line=True) for _ in range(1000)])
    assert sum(one.status is PromiseStatus.PROMISED for one in made) == 990


@pytest.mark.req("ATP-08")
def test_a_full_order_waits_for_its_last_line():
    policy = {
        "policy": "default",
        "delivery": "full_order",
        "supplier_fallback": "accept_with_risk",
    }
    snapshot = tables(
        stock=[{"qty": 10}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
        promise_policies=[policy],
    )
    lines = [
        cells(sales_order="SO", line=1, due=day(2)),
        cells(sales_order="SO", line=2, product="B", due=day(9)),
    ]
    first, second = promise(snapshot, lines)
    assert days(first.date) == days(second.date) == 5
    assert first.status is PromiseStatus.PROMISED_LATE
    assert first.limiter.code == "FullOrderViolation"


@pytest.mark.req("ATP-08")
def test_a_full_order_with_a_line_that_cannot_come_is_rejected_whole():
    snapshot = tables(stock=[{"qty": 10}], products=[{}, {"product": "B"}])
    lines = [
        cells(sales_order="SO", line=1, order_policy="all_together"),
        cells(sales_order="SO", line=2, product="B"),
    ]
    first, second = promise(snapshot, lines)
    assert first.status is second.status is PromiseStatus.REJECTED
    assert first.limiter.code == "FullOrderViolation"
    assert first.reservations == ()


@pytest.mark.req("ATP-09")
def test_requests_are_served_by_priority_and_answered_in_their_order():
    snapshot = tables(stock=[{"qty": 10}])
    late, early = promise(snapshot, [cells(priority=2), cells(priority=1)])
    assert late.status is PromiseStatus.REJECTED
    assert early.status is PromiseStatus.PROMISED
    assert (late.request, early.request) == (1, 2)


def test_safety_stock_is_withheld_unless_the_policy_frees_it():
    rules = [{"policy": "default"}, {"policy": "free", "buffers": True}]
    snapshot = tables(
        stock=[{"qty": 10}],
        inventory_policies=[{"safety_qty": 4}],
        promise_policies=rules,
    )
    held = asked(snapshot)
    assert held.status is PromiseStatus.PARTIAL
    assert asked(snapshot, policy="free").status is PromiseStatus.PROMISED
    assert "use safety stock" in {remedy.text for remedy in held.remedies}


def test_what_a_supplier_can_deliver_counts_by_receipt():
    snapshot = tables(
        supply_terms=[{"lead_time_days": 5}],
        supplier_capacity=[
            {"valid_from": day(0), "valid_to": day(10), "qty": 12},
            {"valid_from": day(10), "valid_to": day(20), "qty": 12},
        ],
    )
    first, second, third = promise(snapshot, [cells(), cells(), cells(due=day(29))])
    assert (days(first.date), days(second.date), days(third.date)) == (5, 10, 20)


@pytest.mark.req("SUP-01")
@pytest.mark.parametrize("delivery", ["partial", "full_line"])
def test_a_purchase_above_what_a_supplier_delivers_is_none(delivery):
    """One order a source, all of it there at its end (rule 33): ten fit into no six."""
    terms = {"capacity_per_period": 6, "period_days": 7, "lead_time_days": 2}
    policy = [{**TRUSTING, "delivery": delivery}]
    made = asked(tables(supply_terms=[terms], promise_policies=policy))
    assert made.status is PromiseStatus.REJECTED
    lots = [one for one in made.remedies if one.code == "smaller_lot"]
    assert [days(one.date) for one in lots] == [7]


@pytest.mark.req("SUP-01")
@pytest.mark.parametrize(
    ("due", "deliveries"), [(30, [(10, 7)]), (7, [(10, 7)]), (5, [(6, 2), (4, 7)])]
)
def test_orders_that_the_largest_lot_splits_come_in_their_own_periods(due, deliveries):
    """Six on day 2, and four with the next period on day 7, unless all are in time."""
    terms = {"capacity_per_period": 6, "period_days": 7, "lead_time_days": 2}
    snapshot = tables(supply_terms=[{**terms, "max_lot": 6}])
    assert dates(asked(snapshot, due=day(due))) == deliveries


@pytest.mark.req("SUP-01")
@pytest.mark.parametrize(
    ("most", "deliveries"), [(None, [(10, 6)]), (6, [(6, 5), (4, 6)])]
)
def test_a_period_that_is_too_small_is_used_where_lots_are_small_enough(
    most, deliveries
):
    snapshot = tables(
        supply_terms=[{"lead_time_days": 5, "max_lot": most}],
        supplier_capacity=[
            {"valid_from": day(0), "valid_to": day(6), "qty": 6},
            {"valid_from": day(6), "valid_to": day(12), "qty": 50},
        ],
    )
    assert dates(asked(snapshot, due=day(5))) == deliveries


@pytest.mark.req("ATP-10")
@pytest.mark.parametrize(("permitted", "date"), [(False, 3), (True, 1)])
def test_faster_dearer_lanes_are_used_only_where_it_is_permitted(permitted, date):
    snapshot = tables(
        products=[{"weight_kg": 1}],
        stock=[{"qty": 10}],
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[
            lane(lane="ROAD"),
            lane(lane="AIR", duration_h=24, cost_per_kg=9, preference=2),
        ],
    )
    made = asked(snapshot, location="C1", due=day(2), expedite=permitted)
    assert days(made.date) == date
    if not permitted:
        assert "permit faster, dearer lanes" in [one.text for one in made.remedies]


def test_components_are_brought_from_another_place():
    import datetime as dt

    snapshot = tables(
        products=[{"product": "B", "weight_kg": 1}],
        routings=[{}],
        steps=[{}],
        bom_lines=[{}],
        stock=[{"product": "B", "location": "W", "qty": 20}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[lane(origin="W", destination="L", duration_h=24, capacity_kg=15)],
        departures=[{"weekday": n, "time": dt.time(12)} for n in range(1, 8)],
    )
    first, second = promise(snapshot, [cells(), cells()])
    assert (days(first.date), days(second.date)) == (1.5, 2.5)
    assert {hold.kind for hold in first.holds} == {"material", "transport"}


@pytest.mark.req("ATP-01")
def test_each_option_of_one_name_has_a_score_of_its_own():
    """In town 75 the same ways are open a week apart, early with any machine."""
    made = town(75)
    answer = asked(tables_of(made), **request(made))
    totals = [one.score for one in answer.options if one.score is not None]
    assert totals == sorted(totals)
    same = [one for one in answer.options if one.option == "make:R0@Q"]
    assert len({one.date for one in same}) == len({one.score for one in same}) == 2
