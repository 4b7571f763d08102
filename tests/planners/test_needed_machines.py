"""Which machines goods may need: what is searched beside a file looks at those."""

from __future__ import annotations

import pytest

from medhavi.planners.promising.book import Book
from medhavi.planners.promising.compact_supply import compact_supply
from tests.planners.small_promises import workshop

PLANT = {
    "products": [{"product": name} for name in "BCD"],
    "routings": [
        {},
        {"routing": "RB", "product": "B"},
        {"routing": "RD", "product": "D"},
    ],
    "steps": [{}, {"routing": "RB"}, {"routing": "RD"}],
    "resources": [{"resource": name} for name in "MNOW"],
    "step_resources": [
        {"resource": "M"},
        {"routing": "RB", "resource": "N", "choice": "one", "preference": 1},
        {"routing": "RB", "resource": "O", "choice": "one", "preference": 2},
        {"routing": "RD", "resource": "W"},
    ],
    "bom_lines": [{}, {"routing": "RB", "component": "C"}],
    "supply_terms": [{"product": "C", "lead_time_days": 5}],
}
"""A is made of B on M, B of C on N or O; D is another product, made on W."""
LANE = {
    "locations": [{"location": "L"}, {"location": "V"}],
    "lanes": [{"lane": "T", "origin": "V", "destination": "L", "duration_h": 24}],
    "sourcing": [{"product": "C", "location": "L", "kind": "move", "source": "T"}],
}


@pytest.mark.req("ATP-22")
@pytest.mark.parametrize(
    ("product", "more", "needed"),
    [
        ("A", {}, {"M", "N", "O"}),
        ("B", {}, {"N", "O"}),
        ("C", {}, set()),
        ("D", {}, {"W"}),
        # What is moved comes from elsewhere, and so may need any machine.
        ("A", LANE, None),
        ("D", LANE, {"W"}),
    ],
)
def test_goods_need_the_machines_of_all_that_goes_into_them(product, more, needed):
    book = Book.from_snapshot(workshop(**{**PLANT, **more}))
    supply = compact_supply(book.stages, book.now)
    found = supply.machines([supply.good(product, "L")])
    names = None if found is None else {ledger.clock.resource for ledger in found}
    assert names == needed
