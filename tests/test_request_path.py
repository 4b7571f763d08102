"""A promise request passes few modules, under few names, on its way to the answer."""

from __future__ import annotations

from benchmarks.promise_case import promise_case
from benchmarks.promising import read
from tests.api import PromiseLedger, quote
from tests.planners.small_promises import day, request_of, workshop
from tools.request_path import calls, figures

MOST_MODULES = 15
MOST_NAMES = 5
MOST_PARAMETERS = 50


def test_the_first_calls_of_a_request_lie_in_few_modules():
    """What a large company asks for first: the measure of `docs/architecture.md`."""
    ledger = PromiseLedger.from_snapshot(promise_case())
    first, request = read(ledger, 2)
    quote(ledger, first)
    found = figures(lambda: quote(ledger, request), request)
    assert found["modules"] <= MOST_MODULES
    assert found["parameter names"] <= MOST_PARAMETERS


def test_a_request_is_given_to_few_modules_under_few_names():
    """What is asked for is made of what is bought, and shipped."""
    snapshot = workshop(
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}],
    )
    ledger = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, location="C1", due=day(9))
    quote(ledger, request)
    found = figures(lambda: quote(ledger, request), request)
    assert found["calls"] > 100
    assert found["modules that are given the request"] <= MOST_MODULES
    assert found["names of the request"] <= MOST_NAMES
    first = calls(lambda: quote(ledger, request), request)[0]
    assert (first.function, first.carrying) == ("quote", ("request",))
