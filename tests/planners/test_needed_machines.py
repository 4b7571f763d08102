"""Which goods and machines a good may need: nobody looks at the others."""

from __future__ import annotations

import pytest

from medhavi.planners.kernels.compiled import interpreted_supply
from medhavi.planners.kernels.promise_kernels.supply_record import FREE
from medhavi.planners.promising.integer_model.compact_supply import compact_supply
from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
from tests.api import Book
from tests.planners.small_promises import workshop

PLANT = {
    "products": [{"product": name} for name in "BCD"],
    "routings": [
        {},
        {"routing": "RB", "product": "B"},
        {"routing": "RD", "product": "D"},
    ],
    "steps": [
        {"run_minutes_per_unit": 60},
        {"routing": "RB", "run_minutes_per_unit": 60},
        {"routing": "RD"},
    ],
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


@pytest.mark.req("ATP-22")
def test_what_goes_into_a_good_is_looked_up_when_its_own_sources_are():
    """Some B lies there. A kernel asks for its sources; C matters from then on."""
    stock = [{"product": "B", "qty": 1}, {"product": "C", "qty": 7}]
    book = Book.from_snapshot(workshop(**PLANT, stock=stock))
    flat = FlatSupply(book.stages, book.now, interpreted_supply())
    top = flat.compact.good("A", "L")
    sources = top.sources
    assert sources is not None
    assert flat.number(sources[0]) is not None
    same = object()
    assert flat.gather(top, same, buffers=False)
    below = flat.number_of("B", "L")
    assert below is not None
    assert flat.number_of("C", "L") is None
    flat.look_up(below)
    assert flat.gather(top, same, buffers=False)
    number = flat.number_of("C", "L")
    assert flat.state.goods[number, FREE] == 7
    flat.close()
