"""Remedies of each reason, and of each rule that a policy loosens, applied again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.examples import some
from tests.planners.small_promises import asked, day, days, tables
from tests.planners.test_promise_reasons_each import (
    C1,
    CASES,
    LANE,
    TO_C1,
    policy,
    shipped,
)
from tests.planners.test_promise_remedies import told

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise, TriedRemedy
    from medhavi.snapshot import Snapshot

NOTHING_HELPS = {
    Limiter.SUPPLIER_MOQ,
    Limiter.NO_SOURCE,
    Limiter.NO_TRANSPORT_LEG,
    Limiter.REGULATORY_BLOCKED,
    Limiter.DEMAND_STATUS,
    Limiter.ROUTING_CAPACITY_FAIL,
}
"""Reasons whose smallest case is not mended by rows of one table."""


def assert_brought(again: Promise, remedy: TriedRemedy) -> None:
    """Assert that an answer is the one that a remedy said."""
    assert (again.date, again.cost.total) == (remedy.date, remedy.cost)
    assert (again.status, again.qty) == (remedy.status, remedy.qty)
    assert again.on_time_prob == remedy.on_time_prob


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize("code", some(CASES, 10))
def test_remedies_of_each_reason_bring_what_they_say(code):
    snapshot, stated = CASES[code]
    made = asked(snapshot, **stated)
    assert bool(made.remedies) is (code not in NOTHING_HELPS)
    for remedy in made.remedies:
        assert_brought(told(snapshot, stated, remedy), remedy)


class Loosened(NamedTuple):
    """A request that one rule stops, and what is promised without it, by hand.

    Parameters
    ----------
    before, after, cost
        Date before and after [days], and what the answer costs then.
    """

    snapshot: Snapshot
    stated: dict[str, Any]
    before: float | None
    after: float
    cost: float


RULES = {
    "accept the risk": Loosened(
        tables(
            products=[{"product": "A"}],
            supply_terms=[
                {"lead_time_days": 5, "lead_time_p95_days": 20, "unit_price": 7}
            ],
            **policy(risk_cap=0.1, risk_basis="p50"),
        ),
        {"due": day(6)},
        None,
        5,
        70,
    ),
    "buy what is missing": Loosened(
        tables(
            products=[{"product": "A"}],
            supply_terms=[{"lead_time_days": 2, "unit_price": 7}],
            **policy(ask_supplier="never"),
        ),
        {"due": day(3)},
        None,
        2,
        70,
    ),
    "permit faster, dearer lanes": Loosened(
        shipped(
            lanes=[
                {**LANE, "duration_h": 72},
                {**LANE, "lane": "AIR", "cost_per_kg": 9, "preference": 2},
            ]
        ),
        {**TO_C1, "due": day(2)},
        3,
        1,
        90,
    ),
    "accept any life that is left": Loosened(
        tables(
            products=[{"product": "A", "weight_kg": 1}],
            stock=[{"qty": 10, "lot": "old", "expires_at": day(3)}],
            locations=C1,
            lanes=[{**LANE, "cost_per_kg": 2}],
        ),
        {**TO_C1, "due": day(2), "min_shelf_days": 5},
        None,
        1,
        20,
    ),
}


@pytest.mark.req("ATP-19", "ATP-10")
@pytest.mark.parametrize("text", RULES)
def test_a_rule_that_is_loosened_brings_what_its_remedy_says(text):
    case = RULES[text]
    made = asked(case.snapshot, **case.stated)
    assert days(made.date) == case.before
    (remedy,) = [one for one in made.remedies if one.text == text]
    again = told(case.snapshot, case.stated, remedy)
    assert_brought(again, remedy)
    assert again.status is PromiseStatus.PROMISED
    assert (days(again.date), again.cost.total) == (case.after, case.cost)
