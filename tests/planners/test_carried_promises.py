"""Preferences of a policy choose among the lanes that are in time (TRN-08)."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, quote
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    day,
    days,
    request_of,
    state,
    tables,
)


def lane(name: str, hours: float, cost: float, co2: float, **cells: object) -> Any:
    """A lane from L to C1; ten of A weigh a tenth of a tonne."""
    row = {"lane": name, "origin": "L", "destination": "C1", "duration_h": hours}
    return {**row, "fixed_cost": cost, "co2_kg_per_tonne": co2, **cells}


LANES = (
    lane("FAST", 24, 500, 900, duration_p95_h=240),
    lane("SURE", 48, 400, 500),
    lane("CHEAP", 96, 50, 300, duration_p95_h=200),
    lane("GREEN", 120, 300, 10, duration_p95_h=200),
)


def snapshot(lanes=LANES, **policy: object) -> Any:
    return tables(
        products=[{"product": "A", "weight_kg": 10}],
        stock=[{"qty": 10}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=lanes,
        promise_policies=[{**TRUSTING, "risk_basis": "p50", **policy}],
    )


def used(made: Any) -> list[str]:
    return [entry["lane"] for entry in made.trace if "lane" in entry]


@pytest.mark.req("TRN-08", "CORE-04", "TRN-11")
@pytest.mark.parametrize(
    ("policy", "lane_used"),
    [
        ({}, "FAST"),
        ({"time_preference": 0.1, "cost_preference": 1}, "CHEAP"),
        ({"time_preference": 0.1, "co2_preference": 1}, "GREEN"),
        ({"time_preference": 0.1, "risk_preference": 1}, "SURE"),
    ],
)
def test_each_preference_changes_the_chosen_lanes(policy, lane_used):
    made = asked(snapshot(**policy), location="C1", due=day(6))
    assert (made.status, used(made)) == (PromiseStatus.PROMISED, [lane_used])
    held = [hold for hold in made.holds if hold.kind == "transport"]
    assert [hold.subject for hold in held] == [lane_used]


@pytest.mark.req("TRN-08", "TRN-02")
def test_options_show_what_the_other_lanes_would_give():
    """By score: cost of 50, 300 and 500 beside the days."""
    policy = {"time_preference": 0.1, "cost_preference": 1, "co2_preference": 0.01}
    made = asked(snapshot(**policy), location="C1", due=day(6))
    found = {one.option: (days(one.date), one.cost, one.co2_kg) for one in made.options}
    assert found == {
        "stock@L, CHEAP": (4, 50, 30),
        "stock@L, GREEN": (5, 300, 1),
        "stock@L": (1, 500, 90),
    }


@pytest.mark.req("TRN-08")
@pytest.mark.parametrize(
    ("due", "lane_used"), [(4.5, "CHEAP"), (3, "SURE"), (1, "FAST")]
)
def test_a_cheaper_way_must_be_in_time(due, lane_used):
    wish = {"time_preference": 0.1, "cost_preference": 1}
    made = asked(snapshot(**wish), location="C1", due=day(due))
    assert (made.status, used(made)) == (PromiseStatus.PROMISED, [lane_used])


@pytest.mark.req("TRN-08")
def test_what_is_late_goes_the_earliest_way():
    wish = {"time_preference": 0.1, "cost_preference": 1}
    made = asked(snapshot(**wish), location="C1", due=day(0.5))
    assert (made.status, used(made)) == (PromiseStatus.PROMISED_LATE, ["FAST"])


@pytest.mark.req("TRN-08", "TRN-05")
def test_a_full_departure_of_the_cheap_lane_is_no_way_in_time():
    """CHEAP carries no more than 50 kg at a time: all of it goes by SURE."""
    small = {**LANES[2], "capacity_kg": 50.0}
    wish = {"time_preference": 0.1, "cost_preference": 1}
    book = PromiseLedger.from_snapshot(snapshot((*LANES[:2], small), **wish))
    before = state(book)
    made = quote(book, request_of(book.snapshot, location="C1", due=day(6)))
    assert used(made) == ["SURE"]
    assert state(book) == before


LEARNED = {
    "kind": "lane",
    "subject": "SURE",
    "quantity": "lead_days",
    "p50": 2.0,
    "p80": 3.0,
    "p95": 5.0,
    "on_time_prob": 0.6,
    "model": "transit",
    "version": "4",
    "basis": "model",
}


@pytest.mark.req("TRN-13", "TRN-09", "CORE-13")
@pytest.mark.parametrize(("basis", "date"), [("p50", 2), ("p80", 3), ("p95", 5)])
def test_a_learned_transit_time_dates_the_promise_by_its_risk_basis(basis, date):
    """Who is promised at p95, as gold is, is told a later date than at the median."""
    book = PromiseLedger.from_snapshot(
        tables(
            stock=[{"qty": 10}],
            locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
            lanes=[lane("SURE", 24, 0, 0)],
            estimates=[LEARNED],
            promise_policies=[{**TRUSTING, "risk_basis": basis}],
        )
    )
    made = quote(book, request_of(book.snapshot, location="C1", due=day(9)))
    assert days(made.date) == date
    assert (days(made.date_p50), days(made.date_p95)) == (2, 5)
    assert (made.basis.model, made.basis.version) == ("transit", "4")
    assert book.providers.transport.reliability("SURE") == 0.6
