"""Ways that are seldom taken: groups, queues, circles, windows, many places."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.edits.remedy_changes import extra_departure
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.reason_texts import name_stage
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger
from tests.planners.small_promises import (
    asked,
    dates,
    day,
    days,
    quoted,
    request_of,
    tables,
    workshop,
)

CUSTOMER = {"location": "C1", "kind": "customer"}


def lanes():
    return [
        {"lane": "T1", "origin": "DC1", "destination": "C1", "duration_h": 24},
        {"lane": "T2", "origin": "DC2", "destination": "C1", "duration_h": 48},
    ]


PLACES = [{"location": "DC1"}, {"location": "DC2"}, CUSTOMER]


def test_what_several_places_lack_is_bought():
    snapshot = tables(
        locations=PLACES,
        lanes=lanes(),
        stock=[{"location": "DC1", "qty": 3}, {"location": "DC2", "qty": 4}],
        supply_terms=[{"location": "DC1", "lead_time_days": 5}],
    )
    made = asked(snapshot, location="C1", due=day(3))
    assert "stock@DC1+stock@DC2+buy:S@DC1" in [one.option for one in made.options]
    assert days(made.date) == 6


def test_a_line_of_a_group_stands_in_for_another():
    snapshot = tables(
        routings=[{}],
        steps=[{}],
        bom_lines=[
            {"component": "B", "substitute_group": "g"},
            {"component": "X", "substitute_group": "g", "priority": 2},
        ],
        stock=[{"product": "X", "qty": 10}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )
    made = asked(snapshot)
    assert days(made.date) == 0
    assert [hold.subject for hold in made.holds] == ["X"]
    assert not made.exact


def test_a_queue_runs_while_components_are_on_their_way():
    snapshot = workshop(steps=[{"queue_minutes": 1440, "fixed_minutes": 60}])
    assert days(asked(snapshot).date) == pytest.approx(5 + 1 / 24, abs=1e-5)


def test_a_component_line_that_is_not_valid_is_not_used():
    snapshot = tables(
        routings=[{}], steps=[{}], bom_lines=[{"valid_to": day(-1)}],
        products=[{"product": "B"}],
    )  # fmt: skip
    assert days(asked(snapshot).date) == 0


def test_products_are_not_made_of_themselves():
    snapshot = tables(
        routings=[{"routing": "R"}, {"routing": "Q", "product": "B"}],
        steps=[{"routing": "R"}, {"routing": "Q"}],
        bom_lines=[
            {"routing": "R", "component": "B"},
            {"routing": "Q", "component": "X"},
        ],
        products=[{"product": "X"}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 1},
            {"lane": "U", "origin": "L", "destination": "W", "duration_h": 1},
        ],
    )
    made = asked(snapshot)
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code in {"NoSource", "MaterialShortfall"}


@pytest.mark.req("ATP-04")
@pytest.mark.parametrize("hub", ["B", "Z"])
def test_a_seller_is_found_whatever_the_places_on_the_way_are_called(hub):
    # Bought in five days, then three lanes of a day. The hub is reached first by a
    # lane on which sourcing moves nothing, as it leads there from L as well.
    ways = [("D", hub, 24), (hub, "C", 24), ("C", "L", 24), (hub, "L", 240)]
    snapshot = tables(
        locations=[{"location": name} for name in ("L", "C", "D", hub)],
        lanes=[
            {"lane": f"{a}-{b}", "origin": a, "destination": b, "duration_h": hours}
            for a, b, hours in [*ways, ("L", hub, 24)]
        ],
        supply_terms=[{"product": "A", "location": "D", "lead_time_days": 5}],
        sourcing=[
            {"product": "A", "location": "C", "kind": "move", "source": f"{hub}-C"}
        ],
    )
    made = asked(snapshot)
    assert made.status is PromiseStatus.PROMISED
    assert dates(made) == [(10.0, 8.0)]


@pytest.mark.req("RTG-06")
def test_new_orders_wait_for_their_window_and_their_fence():
    later = tables(routings=[{"valid_from": day(3)}], steps=[{}])
    fenced = tables(routings=[{"fence_days": 4}], steps=[{}])
    ended = tables(routings=[{"valid_to": day(1), "fence_days": 4}], steps=[{}])
    assert days(asked(later).date) == 3
    assert days(asked(fenced).date) == 4
    assert asked(ended).limiter.code == "RoutingInvalid"


def test_orders_are_cut_at_the_largest_lot():
    snapshot = tables(supply_terms=[{"max_lot": 4}])
    assert [one.steps for one in asked(snapshot).purchases] == [4, 4, 2]


def test_a_routing_that_gives_a_fixed_quantity_runs_again():
    snapshot = tables(
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{}],
        resources=[{}],
        routing_outputs=[{"qty_per": 0, "qty_fixed": 4}],
    )
    assert days(asked(snapshot).date) == 0.125


def test_deliveries_are_no_less_than_the_least_shipment():
    made = asked(workshop(stock=[{"qty": 2}]), due=day(1), min_shipment=4)
    assert len(made.deliveries) == 1
    split = asked(workshop(stock=[{"qty": 5}]), due=day(1), min_shipment=4)
    assert [qty for qty, _ in dates(split)] == [5.0, 5.0]
    none = asked(tables(stock=[{"qty": 2}]), min_shipment=4)
    assert none.status is PromiseStatus.REJECTED


def test_goods_that_expire_on_the_way_do_not_leave():
    snapshot = tables(
        locations=PLACES,
        lanes=lanes(),
        stock=[
            {"location": "DC1", "lot": "old", "qty": 10, "expires_at": day(1.5)},
            {"location": "DC2", "lot": "new", "qty": 10, "expires_at": day(9)},
        ],
    )
    assert asked(snapshot, location="C1").origin == "DC1"
    made = asked(snapshot, location="C1", min_shelf_days=2)
    assert made.origin == "DC2"


def test_stock_of_a_customer_serves_that_customer():
    snapshot = tables(stock=[{"qty": 10, "owner": "C"}], customers=[{}])
    assert asked(snapshot).status is PromiseStatus.REJECTED
    assert asked(snapshot, customer="C").status is PromiseStatus.PROMISED


def test_bulk_material_is_always_there():
    snapshot = workshop(inventory_policies=[{"product": "B", "unlimited": True}])
    assert days(asked(snapshot).date) == pytest.approx(10 / 24, abs=1e-5)


def test_work_that_takes_too_long_by_itself_is_named():
    made = asked(tables(routings=[{}], steps=[{"fixed_minutes": 3 * 1440}]), due=day(1))
    assert (made.limiter.code, made.limiter.subject) == ("RoutingCapacityFail", "A|L")


def test_a_resource_that_is_closed_is_named():
    snapshot = tables(
        routings=[{}],
        steps=[{"run_minutes_per_unit": 6}],
        step_resources=[{}],
        resources=[{"calendar": "CAL"}],
        calendars=[{}],
        shifts=[{"weekday": 4}],
    )
    made = asked(snapshot, due=day(1))
    assert (made.limiter.code, made.limiter.subject) == ("CapacityShortfall", "M")
    assert "M is not available" in made.limiter.text


def test_the_policy_is_named_by_what_it_forbids():
    snapshot = workshop()
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, due=day(1))
    quest = OptionSearch(book, request, book.policies.of(request))
    assert name_stage(quest, "policy", None).code == "OrderRule"
    buffered = workshop(
        stock=[{"product": "A", "qty": 5}],
        inventory_policies=[{"product": "A", "safety_qty": 5}],
    )
    other = PromiseLedger.from_snapshot(buffered)
    other.stages.line("A", "L")
    withheld = OptionSearch(other, request, book.policies.of(request))
    assert name_stage(withheld, "policy", None).code == "SafetyViolation"
    free = OptionSearch(
        book, request_of(snapshot, full_line=True), book.policies.of(request)
    )
    assert name_stage(free, "policy", None).code == "FullDeliveryViolation"
    open_policy = book.policies.of(request).__class__(
        **{**book.policies.of(request).as_row(), "buffers": True}
    )
    rest = OptionSearch(book, request, open_policy)
    assert name_stage(rest, "policy", None).code == "OrderRule"


def test_a_certain_subject_has_no_quantiles():
    snapshot = tables(supply_terms=[{}])
    book = PromiseLedger.from_snapshot(snapshot)
    source = book.stages.sources("A", "L")[0]
    subject, found, *_ = book.times.bought(source)
    assert found is None
    with pytest.raises(KeyError, match="is certain"):
        book.times.of(subject)


def test_a_lane_without_a_timetable_has_no_extra_departure():
    book = PromiseLedger.from_snapshot(tables(locations=PLACES, lanes=lanes()))
    assert extra_departure(book.providers, "T1", book.now) is None


def test_caps_on_emissions_close_options():
    policy = {
        "policy": "default",
        "co2_cap": 5,
        "supplier_fallback": "accept_with_risk",
    }
    snapshot = tables(supply_terms=[{"co2_kg": 1}], promise_policies=[policy])
    made = asked(snapshot)
    assert made.status is PromiseStatus.REJECTED
    assert made.options[0].co2_kg == 10


def test_components_moved_with_a_tail_are_uncertain():
    snapshot = tables(
        routings=[{}],
        steps=[{}],
        bom_lines=[{"component": "B"}, {"component": "X"}],
        stock=[{"product": "B", "location": "W", "qty": 20}],
        supply_terms=[{"product": "X", "lead_time_days": 1, "lead_time_p95_days": 3}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[
            {
                "lane": "T",
                "origin": "W",
                "destination": "L",
                "duration_h": 24,
                "duration_p95_h": 96,
            }
        ],
    )
    made = asked(snapshot)
    assert made.date_p50 < made.date_p95
    assert made.basis.model == "terms"


def test_a_promise_again_for_a_demand_with_work_and_room_on_a_lane_is_free():
    snapshot = workshop(
        stock=[{"product": "B", "qty": 10}],
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "capacity_kg": 10,
            }
        ],
        products=[{"product": "A", "weight_kg": 1}],
        departures=[{"weekday": n, "time": dt.time(12)} for n in range(1, 8)],
        demands=[{"sales_order": "SO", "line": 1, "location": "C1"}],
    )
    first = asked(snapshot, location="C1", sales_order="SO", line=1)
    held = snapshot.replace(
        reservations=[hold.as_row("confirmed") for hold in first.holds]
    )
    again = asked(held, location="C1", sales_order="SO", line=1)
    other = asked(held, location="C1")
    assert (again.date, again.cost) == (first.date, first.cost)
    assert other.status is not PromiseStatus.PROMISED or other.date > first.date


def test_a_quote_counts_what_the_book_accepted_for_others_only():
    book = PromiseLedger.from_snapshot(workshop(stock=[{"product": "B", "qty": 10}]))
    made = quoted(book, sales_order="SO", line=1)
    book.take(made)
    assert quoted(book, sales_order="SO", line=1).date == made.date
    assert quoted(book, sales_order="SO", line=2).date > made.date
