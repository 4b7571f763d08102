"""Who asks second for the same is never promised sooner than who asked first.

In time, dates may be in any order: what is on the way goes first, and a purchase in
its place may be there before it. Late, the second date is never the earlier one, where
the first is exact and no time is uncertain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.planners.promising.promise_run import promise
from tests.planners.test_plain_lines import company, lines

if TYPE_CHECKING:
    from collections.abc import Iterable

ALONE = ("sales_order", "line", "order_policy", "max_lateness_days")
"""Cells that would tie two requests together, or refuse the second."""
MANY = 3
"""So many times the quantity of a line: two of them compete for machines."""


def late_pairs(seeds: Iterable[int]) -> int:
    """Ask companies for each thing twice; count the first answers that were late."""
    late = 0
    for seed in seeds:
        snapshot = company(seed)
        for row in lines(seed, 4):
            asked = {name: cell for name, cell in row.items() if name not in ALONE}
            asked["qty"] *= MANY
            first, second = promise(snapshot, [asked, asked], detail="date")
            if not first.exact or second.date is None or second.qty < first.qty:
                continue
            assert first.date is not None, (seed, row)
            due = first.demand["due"]
            assert max(second.date, due) >= max(first.date, due), (seed, row)
            late += first.date > due
    return late


@pytest.mark.req("ATP-01")
def test_the_second_who_asks_is_never_less_late():
    assert late_pairs(range(16)) > 2


@pytest.mark.nightly
def test_the_second_who_asks_is_never_less_late_in_many_companies():
    assert late_pairs(range(1000, 1120)) > 20
