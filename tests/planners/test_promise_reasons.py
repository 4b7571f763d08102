"""Limiters and remedies of promises, and what a failing provider gives."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.reasons import as_wide, widest
from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, Providers, asked_again, changed, promise
from tests.examples import examples
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    cells,
    day,
    days,
    quoted,
    request_of,
    state,
    tables,
    workshop,
)

CUSTOMER = {"location": "C1", "kind": "customer"}
LANE = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
BUSY = {
    "reservation": "X",
    "kind": "capacity",
    "subject": "M",
    "location": None,
    "qty": 9 * 1440,
    "start": day(0),
    "finish": day(9),
}
KEPT = {
    "stock": 0,
    "parts": 5,
    "safety": 2,
    "inbound": 0,
    "at": 1,
    "bought": False,
    "busy": False,
    "rules": {},
}
"""Safety stock is in the way."""


@pytest.mark.req("ATP-03")
def test_material_limits_where_the_purchase_takes_longest():
    made = asked(workshop(), due=day(1))
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.SUPPLIER_LEADTIME_EXCEEDED,
        "S",
    )
    assert made.limiter.hours == 5 * 24


@pytest.mark.req("ATP-03")
def test_capacity_limits_where_other_work_holds_the_resource():
    snapshot = workshop(stock=[{"product": "B", "qty": 10}], reservations=[BUSY])
    made = asked(snapshot, due=day(1))
    assert days(made.date) == pytest.approx(9 + 10 / 24, abs=1e-5)
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.CAPACITY_SHORTFALL,
        "M",
    )


@pytest.mark.req("ATP-03")
def test_transport_limits_where_no_lane_is_fast_enough():
    snapshot = tables(
        stock=[{"qty": 10}], locations=[{"location": "L"}, CUSTOMER], lanes=[LANE]
    )
    made = asked(snapshot, location="C1", due=day(0.5))
    assert made.limiter.code.domain == "transport"
    assert made.limiter.hours == 24


def test_the_hours_of_the_chain_add_up_to_the_whole_gain():
    snapshot = workshop(
        locations=[{"location": "L"}, CUSTOMER], lanes=[LANE], reservations=[BUSY]
    )
    made = asked(snapshot, location="C1", due=day(0))
    total = sum(reason.hours for reason in made.limiters)
    assert total == pytest.approx((days(made.date) - 0) * 24, abs=0.01)
    assert [reason.hours > 0 for reason in made.limiters] == [True] * 3


def test_a_hold_of_another_demand_is_named():
    hold = {"reservation": "X", "qty": 10, "start": day(0), "finish": day(1)}
    made = asked(tables(stock=[{"qty": 10}], reservations=[hold]))
    assert made.status is PromiseStatus.REJECTED
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.MATERIAL_RESERVATION_CONFLICT,
        "X",
    )


def test_safety_stock_is_named():
    snapshot = tables(stock=[{"qty": 10}], inventory_policies=[{"safety_qty": 10}])
    assert asked(snapshot).limiter.code is Limiter.SAFETY_VIOLATION


def test_dangerous_goods_name_the_lane():
    snapshot = tables(
        products=[{"product": "A", "hazmat": True}],
        stock=[{"qty": 10}],
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[{**LANE, "hazmat_allowed": False}],
    )
    made = asked(snapshot, location="C1")
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.REGULATORY_BLOCKED,
        "T",
    )


def test_a_risk_cap_closes_what_is_late_too_often():
    policy = {"policy": "default", "risk_cap": 0.1, "risk_basis": "p50"}
    terms = {"lead_time_days": 5, "lead_time_p95_days": 20}
    made = asked(tables(supply_terms=[terms], promise_policies=[policy]), due=day(6))
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code is Limiter.RISK_CAP_EXCEEDED
    assert made.options[0].why_not.startswith("RiskCapExceeded")


@pytest.mark.req("ATP-19", "CORE-05")
@pytest.mark.parametrize(
    ("snapshot", "stated", "kinds"),
    [
        (
            workshop(stock=[{"qty": 6}]),
            {"due": day(1)},
            {"split_delivery", "expedite"},
        ),
        (
            workshop(stock=[{"product": "B", "qty": 10}], reservations=[BUSY]),
            {"due": day(3)},
            {"overtime"},
        ),
        (
            tables(stock=[{"qty": 4}], supply_orders=[{"qty": 10, "due": day(7)}]),
            {"due": day(3)},
            {"split_delivery", "expedite", "buy_more"},
        ),
        (
            tables(
                stock=[{"qty": 10}],
                locations=[{"location": "L"}, CUSTOMER],
                lanes=[LANE],
                departures=[{"weekday": 4, "time": dt.time(12)}],
            ),
            {"due": day(2), "location": "C1"},
            {"other_lane"},
        ),
        (
            tables(
                stock=[{"qty": 10}],
                reservations=[{"reservation": "X", "finish": day(1)}],
            ),
            {},
            {"release_hold", "buy_more"},
        ),
        (
            tables(stock=[{"qty": 10}], inventory_policies=[{"safety_qty": 6}]),
            {},
            {"use_safety"},
        ),
        (
            tables(
                supply_terms=[{}],
                promise_policies=[{"policy": "default", "supplier_fallback": "block"}],
            ),
            {},
            {"relax_policy"},
        ),
    ],
)
def test_applying_the_rows_of_a_remedy_gives_its_date_and_cost(snapshot, stated, kinds):
    made = asked(snapshot, **stated)
    assert {remedy.code for remedy in made.remedies} == kinds
    for remedy in made.remedies:
        request = asked_again(request_of(snapshot, **stated), remedy.rows)
        other = PromiseLedger.from_snapshot(changed(snapshot, remedy.rows))
        from tests.api import quote

        again = quote(other, request)
        assert (again.date, again.cost.total) == (remedy.date, remedy.cost)


@pytest.mark.req("ATP-19")
def test_an_answer_says_where_not_every_remedy_was_tried():
    snapshot = workshop(stock=[{"qty": 6}])
    every = asked(snapshot, due=day(1))
    assert all(entry["stage"] != "remedies" for entry in every.trace)
    few = snapshot.replace(promise_policies=[{**TRUSTING, "remedy_tries": 1}])
    first = asked(few, due=day(1))
    assert [one.code for one in first.remedies] == ["split_delivery"]
    assert first.trace[-1]["note"] == "tried: 1; other changes were not"
    assert first.trace[:-1] == every.trace


class Failing:
    """A provider that fails whatever it is asked."""

    def __init__(self, real: object, name: str, failure: Exception) -> None:
        self._real, self._name, self._failure = real, name, failure

    def __getattr__(self, name: str) -> object:
        if name == self._name:
            raise self._failure
        return getattr(self._real, name)


def failing(stage: str, failure: Exception) -> PromiseLedger:
    """A book whose provider of one stage fails."""
    snapshot = workshop(
        locations=[{"location": "L"}, CUSTOMER],
        lanes=[LANE],
        stock=[{"product": "B", "qty": 10}],
    )
    providers = Providers(snapshot)
    stages: Any = AvailabilityCheck(providers)
    if stage == "routing":
        providers.__dict__["recipes"] = Failing(providers.recipes, "recipe", failure)
    elif stage == "material":
        stages.material = Failing(stages.material, "line", failure)
    elif stage == "capacity":
        stages.capacity = Failing(stages.capacity, "earliest", failure)
    else:
        stages.transport = Failing(stages.transport, "earliest", failure)
    return PromiseLedger(snapshot, stages)


@pytest.mark.req("CORE-06", "ATP-17")
@pytest.mark.parametrize("stage", ["routing", "material", "capacity", "transport"])
def test_a_provider_that_fails_gives_an_answer_with_its_stage(stage):
    book = failing(stage, ConnectionError("no connection"))
    made = quoted(book, location="C1")
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.subject == stage
    assert "no connection" in made.limiter.text
    assert made.reservations == ()
    assert book.stages.capacity.mark() == book.stages.transport.mark() == 0


@pytest.mark.req("CORE-06")
def test_a_provider_that_is_too_slow_is_a_timeout():
    made = quoted(failing("capacity", TimeoutError("5 s")), location="C1")
    assert made.limiter.code is Limiter.SEARCH_TIMEOUT


@pytest.mark.req("CORE-06")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "NoSource"),
        ({"supply_terms": [{"valid_from": day(0), "valid_to": day(0.5)}],
          "stock": [{"qty": 0}]}, None),
        ({"routings": [{}], "steps": [{}], "bom_lines": [{}],
          "products": [{"product": "B"}]}, "NoSource"),
        ({"routings": [{}], "steps": [{"run_minutes_per_unit": 60}],
          "step_resources": [{}], "resources": [{"units": 0}]},
         "RoutingCapacityFail"),
        ({"stock": [{"qty": 3}]}, "MaterialShortfall"),
    ],
)  # fmt: skip
def test_an_empty_stage_gives_an_answer_with_its_reason(given, code):
    made = asked(tables(**given))
    if code is None:
        assert made.status is PromiseStatus.PROMISED
        return
    assert made.status is not PromiseStatus.PROMISED
    assert made.limiter.code == code


@pytest.mark.req("ATP-14", "CORE-17")
def test_a_quote_leaves_no_trace_in_the_book():
    book = PromiseLedger.from_snapshot(
        workshop(stock=[{"qty": 6}], reservations=[BUSY])
    )
    quoted(book)
    before = state(book)
    quoted(book, due=day(1))
    assert state(book) == before


def test_an_unknown_policy_stops_the_answer():
    from medhavi.findings import BadData

    with pytest.raises(BadData, match=r"PRM004.*nearest name is gold"):
        promise(tables(), [cells(policy="golt")])


@pytest.mark.req("ATP-03")
@settings(max_examples=examples(12, 200))
@example(KEPT, 5)
@given(
    st.fixed_dictionaries(
        {
            "stock": st.integers(0, 9),
            "parts": st.integers(0, 9),
            "safety": st.integers(0, 3),
            "inbound": st.integers(0, 9),
            "at": st.integers(1, 9),
            "bought": st.booleans(),
            "busy": st.booleans(),
            "rules": st.sampled_from(
                [{}, {"buffers": True}, {"ask_supplier": "never"}]
            ),
        }
    ),
    st.integers(1, 9),
)
def test_rules_that_were_in_no_way_are_not_searched_without(world, qty):
    """Where no rule closed anything, wider rules find the same dates."""
    snapshot = workshop(
        stock=[
            {"product": "A", "qty": world["stock"]},
            {"product": "B", "qty": world["parts"]},
        ],
        inventory_policies=[{"product": "B", "safety_qty": world["safety"]}],
        supply_orders=[
            {
                "supply_order": "P1",
                "product": "B",
                "qty": world["inbound"],
                "due": day(world["at"]),
            }
        ][: world["inbound"]],
        supply_terms=[
            {"product": "B", "lead_time_days": 5, "lead_time_p95_days": 8},
            {"product": "A", "supplier": "S2", "lead_time_days": 6},
        ][: 1 + world["bought"]],
        reservations=[BUSY][: world["busy"]],
        promise_policies=[{**TRUSTING, **world["rules"]}],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, qty=qty, due=day(1))
    quest = OptionSearch(book, request, book.policies.of(request))
    searched(quest, "full")
    wider, less = widest(quest.policy, request)
    if as_wide(quest, wider, less):
        other = OptionSearch(book, less, wider)
        searched(other, "full")
        assert min(one.times.date for one in other.offered) == min(
            one.times.date for one in quest.offered
        )


@pytest.mark.req("ATP-03")
@pytest.mark.parametrize(("parts", "idle"), [(0, True), (3, False)])
def test_wider_rules_are_tried_where_less_was_bought_for_what_comes(parts, idle):
    order = {"supply_order": "P1", "product": "B", "qty": parts, "due": day(20)}
    snapshot = workshop(
        supply_orders=[order][:parts],
        promise_policies=[TRUSTING],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, qty=5, due=day(1))
    quest = OptionSearch(book, request, book.policies.of(request))
    searched(quest, "full")
    assert as_wide(quest, *widest(quest.policy, request)) is idle
