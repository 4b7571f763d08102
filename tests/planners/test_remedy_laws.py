"""Laws of full answers: remedies bring what they say, parts of costs and hours sum."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import HOUR
from tests.api import PromiseLedger, asked_again, changed, quote
from tests.examples import examples
from tests.planners.small_promises import request_of
from tests.planners.test_remedy_overlays import ASKS, company

few = settings(max_examples=examples(3, 12))
"""Each remedy reads a world anew: a tenth of a second."""


@pytest.mark.req("ATP-12", "ATP-19")
@few
@given(st.tuples(*(st.integers(0, most) for most in (6, 9, 4, 1))), ASKS)
def test_a_full_answer_holds_what_it_says(stocked, ask):
    snapshot = company(*stocked)
    request = request_of(snapshot, **ask)
    made = quote(PromiseLedger.from_snapshot(snapshot), request)
    cost = made.cost
    parts = (cost.material, cost.production, cost.transport, cost.holding)
    assert cost.total == pytest.approx(sum(parts) + cost.lateness)
    if made.status is PromiseStatus.PROMISED_LATE:
        gained = sum(reason.hours for reason in made.limiters)
        assert 0 <= gained <= (made.date - made.known_at) / HOUR
        if gained:
            assert made.limiter == made.limiters[0]
    assert (made.status is PromiseStatus.PROMISED) == (not made.limiters)
    for remedy in made.remedies:
        other = PromiseLedger.from_snapshot(changed(snapshot, remedy.rows))
        again = quote(other, asked_again(request, remedy.rows), detail="date")
        assert (again.date, again.cost.total) == (remedy.date, remedy.cost)
        assert (again.status, again.qty) == (remedy.status, remedy.qty)
