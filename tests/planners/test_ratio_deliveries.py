"""Mode constrained: lines in ratio go in equal shares (rule 12)."""

from __future__ import annotations

from collections import defaultdict
from math import gcd
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day, deliveries, exceptions, fulfilment

pytestmark = pytest.mark.req("ATP-08")

EVEN = {"sales_order": "SO", "order_policy": "in_ratio", "due": day(2)}


def delivered(receipts: list[tuple[str, int, int]], **cells: Any):
    """Plan 10 of A and 20 of B; `receipts`: product, quantity, day."""
    lines = [{"product": "A", "qty": 10}, {"product": "B", "qty": 20}]
    for line in lines:
        line |= {**EVEN, **{key: value for key, value in cells.items() if key != "B"}}
    lines[1] |= cells.get("B", {})
    snapshot = factories.snapshot(
        demands=lines,
        supply_orders=[
            {"product": name, "qty": qty, "due": day(number), "status": "released"}
            for name, qty, number in receipts
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


TWICE = [("A", 10, 1), ("B", 8, 3), ("B", 12, 6)]


def test_a_share_goes_as_soon_as_all_lines_have_it():
    made = delivered(TWICE)
    assert deliveries(made, "D1") == [(4, 3), (6, 6)]
    assert deliveries(made, "D2") == [(8, 3), (12, 6)]
    assert exceptions(made, "OrderPolicy") == []
    # The first line waits for the other from its due date on.
    cause = made.causes.filter(demand="D1").row(0, named=True)
    assert (cause["code"], cause["subject"], cause["hours"]) == ("OrderRule", "D2", 96)


def test_what_no_line_can_match_is_not_delivered():
    made = delivered(TWICE[:2])
    assert deliveries(made, "D1") == [(4, 3)]
    assert deliveries(made, "D2") == [(8, 3)]
    assert fulfilment(made, "D1")["status"] == "short"


def test_a_share_is_as_large_as_each_line_wants_its_shipments():
    receipts = [("A", 10, 1), ("B", 4, 3), ("B", 6, 4), ("B", 10, 6)]
    made = delivered(receipts, B={"min_shipment": 8})
    assert deliveries(made, "D1") == [(5, 4), (5, 6)]
    assert deliveries(made, "D2") == [(10, 4), (10, 6)]


def test_a_rest_that_is_too_small_to_go_alone_goes_with_the_one_before():
    made = delivered([("A", 10, 1), ("B", 14, 3), ("B", 2, 6)], min_shipment=4)
    assert {date for _, date in deliveries(made, "D1")} == {6}
    assert fulfilment(made, "D1")["planned"] == 8
    assert fulfilment(made, "D2")["planned"] == 16


def test_less_than_a_shipment_is_nothing():
    made = delivered([("A", 10, 1), ("B", 6, 3)], min_shipment=4)
    assert deliveries(made, "D1") == deliveries(made, "D2") == []


def test_a_line_in_one_delivery_keeps_all_together():
    made = delivered(TWICE, B={"full_line": True})
    assert deliveries(made, "D1") == [(10, 6)]
    assert {date for _, date in deliveries(made, "D2")} == {6}


RECEIPTS = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(1, 12), st.integers(0, 8)),
    max_size=6,
    unique_by=lambda one: (one[0], one[2]),
)


@settings(max_examples=examples(4, 20))
@given(RECEIPTS, st.sampled_from([0, 0, 3, 8]))
def test_all_that_lines_can_match_goes_at_once(receipts, least):
    made = delivered(receipts, min_shipment=least or None)
    count = gcd(10, 20)
    sent: dict[float, float] = defaultdict(float)
    for qty, date in deliveries(made, "D1"):
        sent[date] += qty
    for date in range(2, 9):
        shares = [
            sum(qty for name, qty, when in receipts if name == line and when <= date)
            * count
            // asked
            for line, asked in (("A", 10), ("B", 20))
        ]
        best = min(*shares, count)
        gone = sum(qty for when, qty in sent.items() if when <= date)
        assert gone <= best
        assert least or gone == best
