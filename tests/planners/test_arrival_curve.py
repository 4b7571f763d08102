"""The whole curve of an answer: it goes through its quantiles and changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.planners.promising.answering import arrival_curve, chance_by
from medhavi.planners.promising.option_search import OptionSearch
from tests.api import PromiseLedger, quote, read_requests
from tests.factories import AS_OF
from tests.planners.small_promises import tables, workshop

ESTIMATE = {"p50": 5, "p80": 7, "p95": 10}


def curve_of(snapshot, **cells):
    book = PromiseLedger.from_snapshot(snapshot)
    due = AS_OF + dt.timedelta(days=1)
    row = {"product": "A", "location": "L", "qty": 4, "due": due, **cells}
    [request] = read_requests([row], snapshot).requests
    made = quote(book, request)
    found = arrival_curve(OptionSearch(book, request, book.policies.of(request)), made)
    assert quote(book, request) == made
    return made, found


def many_times(**policy):
    """Two purchases with tails, made into one, shipped with a tail."""
    return workshop(
        bom_lines=[{"component": "B"}, {"component": "X"}],
        supply_terms=[
            {"product": "B", "lead_time_days": 5, "lead_time_p95_days": 9},
            {"product": "X", "lead_time_days": 4, "lead_time_p95_days": 12},
        ],
        products=[{"product": "A"}, {"product": "B"}, {"product": "X"}],
        promise_policies=[{"policy": "default", **policy}] if policy else [],
    )


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("basis", ["p50", "p80", "p95"])
def test_one_uncertain_time_passes_through_its_quantiles(basis):
    policy = {"policy": "default", "risk_basis": basis}
    made, found = curve_of(
        tables(supply_terms=[{}], estimates=[ESTIMATE], promise_policies=[policy])
    )
    at = dict(found)
    assert (at[0.5], at[0.8], at[0.95]) == (
        made.date_p50,
        made.date_p80,
        made.date_p95,
    )


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("basis", ["p50", "p80", "p95"])
def test_several_uncertain_times_pass_through_the_quantiles_of_the_answer(basis):
    made, found = curve_of(many_times(risk_basis=basis))
    at = dict(found)
    assert made.date_p50 < made.date_p95
    assert (at[0.5], at[0.8], at[0.95]) == (
        made.date_p50,
        made.date_p80,
        made.date_p95,
    )
    assert [date for _, date in found] == sorted(date for _, date in found)
    assert chance_by(found, made.date) == pytest.approx(made.date_prob, abs=0.011)


def test_a_sure_answer_has_no_curve():
    made, found = curve_of(tables(stock=[{"qty": 10}]))
    assert made.date is not None
    assert found == ()


def test_nothing_promised_has_no_curve():
    made, found = curve_of(tables(stock=[]))
    assert made.date is None
    assert found == ()


def test_the_chance_is_the_highest_level_that_is_there():
    curve = ((0.1, 10), (0.2, 20), (0.3, 20), (0.4, 40))
    assert [chance_by(curve, instant) for instant in (5, 10, 20, 39, 99)] == [
        0.0,
        0.1,
        0.3,
        0.3,
        0.4,
    ]
