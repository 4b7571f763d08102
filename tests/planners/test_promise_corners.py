"""Answers that an outsider computed by hand from the rules of meaning."""

from __future__ import annotations

import pytest

from tests.api import PromiseLedger, answer, answer_on, promise
from tests.planners.small_promises import asked, cells, dates, day, days, state, tables

PURCHASE = {
    "supply_order": "PO",
    "kind": "purchase",
    "status": "released",
    "source": "S",
    "location": "L",
}
TERMS = {"product": "A", "supplier": "S", "lead_time_days": 12}


# --------------------------------------------------------------------- whole orders
@pytest.mark.req("ATP-09")
def test_lines_after_a_refused_order_get_what_its_lines_would_have_taken():
    snapshot = tables(stock=[{"qty": 10}], products=[{"product": "B"}])
    tied = {"sales_order": "SO", "order_policy": "all_together"}
    requests = [
        cells(line=1, due=day(3), **tied),
        cells(line=2, product="B", **tied),
        cells(due=day(20)),
    ]
    made = promise(snapshot, requests)
    assert [one.status for one in made] == ["rejected", "rejected", "promised"]
    assert dates(made[2]) == [(10, 0)]
    assert made[0].limiter.code == "FullOrderViolation"


@pytest.mark.req("ATP-12")
def test_a_line_that_waits_for_its_order_pays_for_the_days_it_is_late():
    snapshot = tables(
        products=[{"product": "A", "unit_cost": 10}, {"product": "B"}],
        stock=[{"qty": 10}],
        suppliers=[{"supplier": "S"}],
        supply_orders=[{**PURCHASE, "product": "B", "qty": 5, "due": day(6)}],
        promise_policies=[{"policy": "x", "delivery": "full_order"}],
    )
    tied = {"sales_order": "SO"}
    first, second = promise(
        snapshot,
        [
            cells(line=1, due=day(3), **tied),
            cells(line=2, product="B", qty=5, due=day(10), **tied),
        ],
    )
    assert (days(first.date), days(second.date)) == (6, 6)
    # 10 pieces, 3 days, 2 % of 10 a piece and day, weight 10 of priority 1.
    assert first.cost.lateness == pytest.approx(10 * 3 * 0.02 * 10 * 10)
    assert second.cost.lateness == 0


# ---------------------------------------------------------------------- closed ways
@pytest.mark.req("ATP-27")
def test_a_counter_offer_leaves_what_is_there_to_be_promised():
    snapshot = tables(
        stock=[{"qty": 4}],
        supply_terms=[TERMS],
        promise_policies=[{"policy": "x", "supplier_fallback": "counter_offer"}],
    )
    made = asked(snapshot)
    assert (made.status, dates(made)) == ("partial", [(4, 0)])
    offer = next(one for one in made.options if one.why_not)
    assert (offer.option, days(offer.date)) == ("stock+buy:S@L", 12)
    assert (made.limiter.code, made.limiter.subject) == (
        "SupplierLeadtimeExceeded",
        "S",
    )


@pytest.mark.req("ATP-27")
def test_a_counter_offer_alone_names_the_supplier():
    snapshot = tables(
        supply_terms=[TERMS],
        promise_policies=[{"policy": "x", "supplier_fallback": "counter_offer"}],
    )
    made = asked(snapshot)
    assert made.status == "rejected"
    assert (made.limiter.code, made.limiter.subject) == (
        "SupplierLeadtimeExceeded",
        "S",
    )


def test_what_comes_before_the_latest_day_is_promised_and_the_rest_is_not():
    snapshot = tables(
        stock=[{"qty": 4}],
        suppliers=[{"supplier": "S"}],
        supply_orders=[{**PURCHASE, "product": "A", "qty": 20, "due": day(20)}],
    )
    made = asked(snapshot, due=day(10), max_lateness_days=5)
    assert (made.status, dates(made)) == ("partial", [(4, 0)])
    assert asked(snapshot, due=day(10), max_lateness_days=10).status == "promised_late"


@pytest.mark.req("ATP-27")
def test_a_supplier_with_a_95th_percentile_is_known_also_where_it_is_the_stated_time():
    snapshot = tables(
        supply_terms=[{**TERMS, "lead_time_p95_days": 12}],
        promise_policies=[{"policy": "x", "supplier_fallback": "block"}],
    )
    made = asked(snapshot)
    assert (made.status, days(made.date)) == ("promised", 12)


# -------------------------------------------------------------------------- reasons
@pytest.mark.req("ATP-18")
def test_what_others_took_is_a_shortage_and_no_missing_source():
    first, second = promise(tables(stock=[{"qty": 10}]), [cells(), cells()])
    assert (first.status, second.status) == ("promised", "rejected")
    assert second.limiter.code == "MaterialShortfall"
    assert second.limiter.subject == "A|L"


def test_a_place_without_a_lane_is_a_warning_and_its_request_is_rejected():
    snapshot = tables(
        stock=[{"qty": 10}],
        locations=[{"location": "L"}, {"location": "C", "kind": "customer"}],
    )
    found = answer(snapshot, [cells(location="C"), cells(location="C")])
    assert {one.limiter.code for one in found.promises} == {"NoTransportLeg"}
    said = [(one.code, one.severity, one.value) for one in found.findings]
    assert said == [("PRM010", "warning", "C")]


def test_a_disruption_that_changes_a_demand_is_named_and_changes_no_promise():
    broken = [
        {
            "disruption": "N",
            "kind": "lot_held",
            "subject": "B|L|",
            "valid_from": day(0),
        },
        {
            "disruption": "M",
            "kind": "demand_change",
            "subject": "D",
            "valid_from": day(0),
        },
    ]
    found = answer(tables(stock=[{"qty": 10}], disruptions=broken), [cells()])
    assert found.promises[0].status == "promised"
    said = [(one.code, one.severity, one.value) for one in found.findings]
    assert said == [("PRM013", "warning", "M")]


def test_what_was_due_before_now_is_no_matter_of_safety_stock():
    made = asked(tables(stock=[{"qty": 10}]), due=day(-2))
    assert (made.status, dates(made)) == ("promised_late", [(10, 0)])
    assert (made.limiter.code, made.limiter.hours) == ("MaterialShortfall", 0)
    assert made.limiter.text == (
        "The due date had passed before the request; no stage can be faster."
    )


@pytest.mark.req("ATP-09")
def test_a_part_of_a_line_is_refused_with_the_order_that_comes_whole():
    snapshot = tables(
        stock=[{"qty": 10}, {"product": "B", "qty": 5}], products=[{"product": "B"}]
    )
    tied = {"sales_order": "SO", "order_policy": "all_together"}
    requests = [
        cells(line=1, **tied),
        cells(line=2, product="B", **tied),
        cells(product="B", qty=5),
    ]
    first, second, third = promise(snapshot, requests)
    assert (first.status, second.status) == ("rejected", "rejected")
    assert (second.date, second.deliveries, second.reservations) == (None, (), ())
    assert (first.limiter.code, second.limiter.code) == (
        "FullOrderViolation",
        "MaterialShortfall",
    )
    assert (third.status, dates(third)) == ("promised", [(5, 0)])


def test_a_refused_order_leaves_what_its_lines_had_before():
    snapshot = tables(stock=[{"qty": 10}], products=[{"product": "B"}])
    book = PromiseLedger.from_snapshot(snapshot)
    line = cells(sales_order="SO", line=1, qty=6)
    answer_on(book, [line])
    before = state(book)
    tied = {"sales_order": "SO", "order_policy": "all_together"}
    again = [{**line, **tied, "qty": 9}, cells(line=2, product="B", **tied)]
    made = answer_on(book, again).promises
    assert [one.status for one in made] == ["rejected", "rejected"]
    assert state(book) == before
    (other,) = answer_on(book, [cells()]).promises
    assert dates(other) == [(4, 0)]
