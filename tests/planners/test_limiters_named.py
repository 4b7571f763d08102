"""Which stage is named where several options are equal, or none is there at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.planners.small_promises import TRUSTING, asked, day, days, tables, workshop

C1 = [{"location": "L"}, {"location": "C1", "kind": "customer"}]
TO_C1 = {"location": "C1"}
FAST = {"lane": "AIR", "origin": "L", "destination": "C1", "duration_h": 12}
SLOW = {"lane": "SEA", "origin": "L", "destination": "C1", "duration_h": 96}


def shipped(**more: Any) -> Any:
    """Ten of A at L, weighing a kilogram each, for C1."""
    given: dict[str, Any] = {
        "products": [{"product": "A", "weight_kg": 1}],
        "stock": [{"qty": 10}],
        "locations": C1,
        "lanes": [{**FAST, "lane": "T", "duration_h": 24}],
    }
    return tables(**{**given, **more})


@pytest.mark.req("ATP-03", "TRN-05")
def test_a_cheaper_option_of_the_same_date_does_not_hide_what_binds():
    # Making it is cheaper and leaves on the same departure as what lies there: the
    # first one is full, so that neither more nor sooner goods would help.
    snapshot = shipped(
        products=[{"product": "A", "weight_kg": 1, "unit_cost": 9}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 60}],
        step_resources=[{}],
        resources=[{}],
        lanes=[{**FAST, "lane": "T", "capacity_kg": 10}],
        departures=[{"weekday": 1}],
        reservations=[
            {
                "kind": "transport",
                "subject": "T",
                "location": None,
                "qty": 1,
                "start": day(0),
                "finish": day(1),
            }
        ],
    )
    made = asked(snapshot, due=day(2), **TO_C1)
    assert made.option == "make:R@L"
    assert days(made.date) == pytest.approx(7 + 20 / 24)
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.NO_TRANSPORT_CAPACITY,
        "T",
    )
    assert made.limiter.hours == pytest.approx((7 + 20 / 24) * 24)
    assert len(made.limiters) == 1


@pytest.mark.req("ATP-18", "TRN-05")
def test_a_load_above_any_departure_is_no_fault_of_a_supplier():
    snapshot = shipped(
        lanes=[{**FAST, "lane": "T", "capacity_kg": 8}],
        supply_terms=[{}],
        promise_policies=[{"policy": "default", "delivery": "full_line"}],
    )
    made = asked(snapshot, **TO_C1)
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.NO_TRANSPORT_CAPACITY,
        "T",
    )


@pytest.mark.req("ATP-18", "TRN-05")
def test_goods_that_no_lane_carries_away_lack_a_lane_and_not_a_source():
    places = [*C1, {"location": "W"}]
    lanes = [{**FAST, "lane": "T", "origin": "W"}]
    there = asked(shipped(locations=places, lanes=lanes), **TO_C1)
    nowhere = asked(shipped(locations=places, lanes=lanes, stock=[]), **TO_C1)
    assert [(one.limiter.code, one.limiter.subject) for one in (there, nowhere)] == [
        (Limiter.NO_TRANSPORT_LEG, "C1"),
        (Limiter.NO_SOURCE, "A|C1"),
    ]


@pytest.mark.req("ATP-18", "RTG-06")
@pytest.mark.parametrize(
    ("cells", "code", "subject"),
    [
        ({"fence_days": 3}, Limiter.RELEASE_FENCE, "R"),
        ({"valid_from": day(3)}, Limiter.ROUTING_INVALID, "R"),
        ({"fence_days": 0.25}, Limiter.CAPACITY_SHORTFALL, "M"),
    ],
)
def test_work_that_waits_longer_for_its_fence_than_for_a_shift_names_the_fence(
    cells, code, subject
):
    weekdays = [{"weekday": number} for number in range(1, 8)]
    snapshot = workshop(
        stock=[{"product": "B", "qty": 10}],
        routings=[cells],
        calendars=[{}],
        shifts=[
            {**row, "start": dt.time(20), "finish": dt.time(23)} for row in weekdays
        ],
        resources=[{"calendar": "CAL"}],
    )
    made = asked(snapshot, qty=1, due=day(0.1))
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (code, subject)
    # Made at once in no time, it would be there now.
    assert made.limiter.hours == pytest.approx((days(made.date) or 0) * 24, abs=0.01)


@pytest.mark.req("ATP-18", "RTG-06", "ATP-19")
def test_a_routing_that_ended_is_invalid_and_its_correction_is_tried():
    ended = [{"valid_to": day(-1)}]
    made = asked(workshop(stock=[{"product": "B", "qty": 10}], routings=ended))
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (Limiter.ROUTING_INVALID, "R")
    assert [one.code for one in made.remedies] == ["correct_data"]


@pytest.mark.req("ATP-12", "TRN-08")
@pytest.mark.parametrize(
    ("cap", "above"),
    [
        ({"cost_cap": 20}, "costs more"),
        ({"co2_cap": 1}, "emits more"),
    ],
)
def test_a_cap_looks_for_another_lane_that_is_in_time_before_it_rejects(cap, above):
    lanes = [
        {**FAST, "cost_per_kg": 5, "co2_kg_per_tonne": 900},
        {**SLOW, "cost_per_kg": 1, "co2_kg_per_tonne": 20},
    ]
    policy = [{**TRUSTING, **cap}]
    made = asked(shipped(lanes=lanes, promise_policies=policy), due=day(5), **TO_C1)
    assert (made.status, days(made.date)) == (PromiseStatus.PROMISED, 4)
    assert [above in (one.why_not or "") for one in made.options] == [False, True]
    late = asked(shipped(lanes=lanes, promise_policies=policy), due=day(3), **TO_C1)
    assert late.status is PromiseStatus.REJECTED
    assert late.limiter is not None
    assert late.limiter.code is Limiter.COST_CAP_EXCEEDED
    assert above in late.limiter.text


@pytest.mark.req("ATP-19", "ATP-09")
@pytest.mark.parametrize("preempt", [False, True])
def test_who_may_take_from_others_is_told_what_helps_where_nobody_gives_way(preempt):
    snapshot = tables(
        stock=[{"qty": 10}],
        supply_orders=[{"due": day(6)}],
        demands=[{"demand": "D", "promised": day(20), "priority": 1}],
        reservations=[{"demand": "D", "qty": 10, "start": day(0), "finish": day(9)}],
        promise_policies=[{**TRUSTING, "preempt": preempt}],
    )
    made = asked(snapshot, due=day(3), priority=5)
    assert [one.code for one in made.remedies] == ["release_hold", "buy_more"]


@pytest.mark.req("SUP-02")
def test_a_trusted_supplier_with_too_little_is_not_called_unknown():
    made = asked(tables(supply_terms=[{"capacity_per_period": 6}]))
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter is not None
    assert made.limiter.text == (
        "Supply terms S deliver less than the required quantity in one order."
    )
    assert [(one.code, one.qty) for one in made.remedies] == [
        ("smaller_lot", 10),
        ("split_delivery", 5),
    ]


@pytest.mark.req("TRN-06", "ATP-18")
@pytest.mark.parametrize(
    ("country", "stock", "code"),
    [
        ("DE", "L", Limiter.REGULATORY_BLOCKED),
        ("DE", "", Limiter.NO_SOURCE),
        ("FR", "L", None),
    ],
)
def test_goods_behind_a_lane_that_is_closed_for_the_country_name_that_lane(
    country, stock, code
):
    """Two lanes on the way from L; the first may carry nothing that ends in Germany."""
    snapshot = tables(
        products=[{"product": "A"}],
        locations=[
            {"location": "L"},
            {"location": "H"},
            {"location": "C1", "kind": "customer", "country": country},
        ],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "H",
                "duration_h": 24,
                "blocked_countries": ["DE"],
            },
            {"lane": "U", "origin": "H", "destination": "C1", "duration_h": 24},
        ],
        stock=[{"qty": 10, "location": stock}] if stock else [],
    )
    limiter = asked(snapshot, location="C1").limiter
    assert (None if limiter is None else limiter.code) == code
    if code is Limiter.REGULATORY_BLOCKED:
        assert limiter is not None
        assert limiter.subject == "T"
