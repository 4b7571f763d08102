"""Promises whose work follows rules of a policy can be committed (CAP-10, CAP-11)."""

from __future__ import annotations

import pytest

from tests.api import MemoryStore, PromiseDesk
from tests.examples import some
from tests.planners.small_promises import TRUSTING, cells, day, workshop

BUSY = {
    "reservation": "X",
    "kind": "capacity",
    "subject": "M",
    "location": None,
    "qty": 9 * 1440,
    "start": day(0),
    "finish": day(9),
}


@pytest.mark.req("CAP-10", "CAP-11", "RES-11")
@pytest.mark.parametrize(
    "policy",
    [
        {"capacity": "infinite_earliest"},
        {"capacity": "infinite_desired"},
        {"buffers": True},
        {"delivery_buffer_h": 12},
        {"plan_early_days": 2},
        {"time_preference": 0.1, "cost_preference": 1},
    ],
)
@pytest.mark.parametrize("held", some([False, True], 1))
def test_what_was_quoted_is_committed_and_stands(policy, held):
    snapshot = workshop(
        resources=[{"withheld_share": 0.5}],
        reservations=[BUSY],
        stock=[{"product": "B", "qty": 1000}],
        promise_policies=[{**TRUSTING, **policy}],
    )
    store = MemoryStore()
    of = PromiseDesk(store, snapshot)
    asked = cells(sales_order="SO-1", line=1, due=day(20))
    (promise,) = of.quote([asked])
    assert promise.status == "promised"
    if held:
        assert of.hold(promise).reservations
    done = of.commit(promise, approver="Ada")
    assert done.committed, done
    fresh = PromiseDesk(store, snapshot)
    again = fresh.quote([cells(sales_order="SO-1", line=1, due=day(20))])[0]
    assert again.date == promise.date
