"""What would be promised at other quantiles, quantities and due dates."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from medhavi.results.limiter import Limiter
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
    workshop,
)

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise

TOLD = {**TRUSTING, "sensitivity": True}


def by_change(made: Promise) -> dict[str, list[tuple[object, float | None]]]:
    """List what was asked otherwise, with the day of each answer."""
    found: dict[str, list[tuple[object, float | None]]] = {}
    for one in made.sensitivity:
        asked_for = {"risk_basis": one.risk_basis, "qty": one.asked}
        key = asked_for.get(one.change, days(one.due))
        found.setdefault(one.change, []).append((key, days(one.date)))
    return found


@pytest.mark.req("ATP-13")
def test_other_quantities_take_as_long_as_they_are_made():
    """An hour a piece: 5 take 5 h, 10 take 10 h, 20 take 20 h."""
    snapshot = workshop(stock=[{"product": "B", "qty": 99}], promise_policies=[TOLD])
    made = asked(snapshot, due=day(2))
    assert days(made.date) == round(10 / 24, 6)
    assert by_change(made)["qty"] == [
        (5.0, round(5 / 24, 6)),
        (20.0, round(20 / 24, 6)),
    ]
    assert by_change(made)["due"] == [(9.0, round(10 / 24, 6))]
    assert "risk_basis" not in by_change(made)


@pytest.mark.req("ATP-13")
def test_other_quantiles_are_those_of_the_answer():
    """The supplier's time: 5 days in the median, 8 in 95 of 100 cases."""
    terms = {"lead_time_days": 5, "lead_time_p95_days": 8}
    made = asked(
        tables(
            products=[{"product": "A"}], supply_terms=[terms], promise_policies=[TOLD]
        ),
        due=day(9),
    )
    assert by_change(made)["risk_basis"] == [
        ("p50", days(made.date_p50)),
        ("p95", days(made.date_p95)),
    ]


@pytest.mark.req("ATP-13")
def test_each_row_is_what_the_request_itself_would_get():
    snapshot = workshop(
        products=[{"product": "A", "unit_cost": 3}],
        stock=[{"product": "B", "qty": 12}],
        supply_terms=[{"product": "B", "lead_time_days": 5, "lead_time_p95_days": 9}],
        promise_policies=[TOLD],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, due=day(8), qty=20)
    before = state(book)
    made = quote(book, request)
    assert state(book) == before
    assert {one.change for one in made.sensitivity} == {"risk_basis", "qty", "due"}
    for one in made.sensitivity:
        policies = [{**TOLD, "risk_basis": one.risk_basis}]
        moment = dt.datetime.fromtimestamp(one.due, dt.UTC)
        alone = asked(
            snapshot.replace(promise_policies=policies), due=moment, qty=one.asked
        )
        assert (one.status, one.date, one.qty) == (alone.status, alone.date, alone.qty)
        assert one.on_time_prob == alone.on_time_prob
        assert one.cost == alone.cost.total


def test_a_rejected_variant_says_so():
    snapshot = tables(
        stock=[{"qty": 10}], promise_policies=[{**TOLD, "delivery": "full_line"}]
    )
    made = asked(snapshot)
    (more,) = [one for one in made.sensitivity if one.asked == 20]
    assert more.status is PromiseStatus.REJECTED
    assert (more.date, more.cost, more.qty) == (None, None, 0)


def test_it_is_told_in_json_and_tables():
    made = asked(workshop(promise_policies=[TOLD]), due=day(9))
    rows = json.loads(json.dumps(made.as_dict()))["sensitivity"]
    frame = made.to_frames()["sensitivity"]
    assert len(rows) == frame.height == len(made.sensitivity) > 0
    assert rows[0]["due"].endswith("Z")
    assert frame["due"].dtype.is_temporal()
    assert frame["change"].to_list() == [row["change"] for row in rows]


def test_nothing_is_told_unless_the_policy_asks_for_it():
    made = asked(workshop(), due=day(9))
    assert made.sensitivity == ()
    assert made.as_dict()["sensitivity"] == []


# --- caps and sums -------------------------------------------------------------------
@pytest.mark.req("ATP-12", "ATP-13")
def test_remedies_are_asked_with_the_policy_of_the_answer():
    """A policy that is given by hand holds for what is tried too."""
    snapshot = tables(
        products=[{"product": "A"}],
        supply_terms=[{"lead_time_days": 5}],
        promise_policies=[
            {**TRUSTING, "policy": "open", "tier": "Y"},
            {"policy": "shut", "tier": "X"},
        ],
    )
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, due=day(2))
    named = book.policies.of(request, "open")
    made = quote(book, request, named)
    assert "expedite" in {one.code for one in made.remedies}


@pytest.mark.req("ATP-12")
@pytest.mark.parametrize("cap", [69.0, 70.0])
def test_a_cost_cap_closes_what_costs_more_and_nothing_else(cap):
    """Ten pieces at 7: 70 in all."""
    made = asked(
        tables(
            products=[{"product": "A"}],
            supply_terms=[{"unit_price": 7}],
            promise_policies=[{**TRUSTING, "cost_cap": cap}],
        )
    )
    if cap < 70:
        assert made.status is PromiseStatus.REJECTED
        assert made.limiter is not None
        assert made.limiter.code is Limiter.COST_CAP_EXCEEDED
        assert made.reservations == ()
    else:
        assert made.status is PromiseStatus.PROMISED
        assert made.cost.total == 70


@pytest.mark.req("ATP-12")
def test_the_parts_of_a_cost_sum_to_its_total():
    """Material 10 x 7, work 10 x 2, freight 5, two days late at 10 x 3."""
    made = asked(
        workshop(
            routings=[{"cost_per_unit": 2}],
            locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
            lanes=[{"destination": "C1", "duration_h": 14, "fixed_cost": 5}],
            supply_terms=[{"product": "B", "lead_time_days": 5, "unit_price": 7}],
        ),
        location="C1",
        due=day(4),
        late_cost_per_day=3,
    )
    cost = made.cost
    assert (cost.material, cost.production, cost.transport, cost.lateness) == (
        70,
        20,
        5,
        60,
    )
    parts = ("material", "production", "transport", "holding", "lateness")
    assert cost.total == sum(getattr(cost, name) for name in parts)
    told = cost.as_dict()
    assert told["total"] == sum(float(str(told[name])) for name in parts)


def test_people_read_it_too():
    text = str(asked(workshop(promise_policies=[TOLD]), due=day(9)))
    assert "  with 5: on time, Sat 2026-01-10 05:00 UTC, € 0.00" in text
    assert "  with due Mon 2026-01-12 00:00 UTC: on time" not in text
    assert "  with due Wed 2026-01-21 00:00 UTC: on time" in text
