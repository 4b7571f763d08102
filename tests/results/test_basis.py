"""What a plan was made from tells which products a later snapshot changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.results.run_record import Basis
from tests import factories
from tests.examples import examples
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

PRODUCTS = st.sampled_from(["A", "B", "C", "X"])


def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Two orders of several lines, of which some belong together, and their parts."""
    return {
        "products": [{"product": name} for name in "ABCX"],
        "demands": [
            {
                "demand": f"D{number}",
                "product": draw(PRODUCTS),
                "qty": draw(st.integers(1, 2)),
                "due": day(20),
                "sales_order": draw(st.sampled_from([None, "SO1", "SO2"])),
                "order_policy": draw(st.sampled_from(["independent", "all_together"])),
                "requires": draw(st.sampled_from([None, ["colour=red"]])),
            }
            for number in range(draw(st.integers(1, 3)))
        ],
        "routings": [
            {"routing": f"R{number}", "product": draw(PRODUCTS)} for number in range(2)
        ],
        "bom_lines": [
            {
                "routing": draw(st.sampled_from(["R0", "R1"])),
                "line": number,
                "component": draw(PRODUCTS),
                "qty_per": draw(st.integers(1, 2)),
            }
            for number in range(2)
        ],
        "stock": [
            {"product": draw(PRODUCTS), "lot": str(number), "qty": 1}
            for number in range(draw(st.integers(0, 2)))
        ],
    }


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Snapshot, Snapshot]:
    """Two states of a company; some tables are the same in both."""
    before, after = tables(draw), tables(draw)
    for name in before:
        if draw(st.booleans()):
            after[name] = before[name]
    return factories.snapshot(**before), factories.snapshot(**after)


@pytest.mark.req("MRP-13")
@settings(max_examples=examples(6, 40))
@given(pairs())
def test_a_basis_with_its_tables_touches_what_its_marks_touch(
    states: tuple[Snapshot, Snapshot],
):
    """Unchanged lines of a routing whose product changed are named by both products."""
    before, after = states
    basis = Basis.of(before)
    marks = Basis.from_frame(basis.to_frame())
    assert basis.touched(after) == marks.touched(after)


def test_one_other_quantity_touches_its_product_alone():
    rows = [
        {"demand": name, "product": name, "qty": 1, "due": day(9)} for name in "ABC"
    ]
    before = factories.snapshot(demands=rows)
    after = factories.snapshot(demands=[*rows[:2], {**rows[2], "qty": 2}])
    found = Basis.of(before).touched(after)
    assert found.products == {"C"}
    assert found.tables == ()
    assert found.changed == {"demands"}


def test_other_lines_of_an_order_that_is_delivered_whole_are_touched_too():
    rows = [
        {
            "demand": name,
            "product": name,
            "qty": 1,
            "due": day(9),
            "sales_order": "SO1",
            "order_policy": "all_together",
        }
        for name in "AB"
    ]
    before = factories.snapshot(demands=rows)
    after = factories.snapshot(demands=[rows[0], {**rows[1], "qty": 2}])
    assert Basis.of(before).touched(after).products == {"A", "B"}


@pytest.mark.parametrize(("due", "touched"), [(9, {"A"}), (9999, None)])
def test_hours_held_for_a_planned_demand_touch_its_product_alone(
    due: int, touched: set[str] | None
):
    """Beyond the horizon nobody plans it: then what it holds is taken from all."""
    rows = {"demands": [{"due": day(due)}], "resources": [{"resource": "M"}]}
    hold = {"kind": "capacity", "subject": "M", "location": None, "demand": "D1"}
    before = factories.snapshot(**rows)
    after = factories.snapshot(**rows, reservations=[{**hold, "state": "confirmed"}])
    found = Basis.of(before).touched(after)
    assert (found.products, found.tables) == (
        (touched, ()) if touched else (frozenset(), ("reservations",))
    )


def test_text_for_people_touches_nothing():
    """Another name is another snapshot, and the same tables for a plan."""
    before = factories.snapshot(products=[{"product": "A", "name": "Apple"}])
    after = factories.snapshot(products=[{"product": "A", "name": "Pear"}])
    assert after.fingerprint != before.fingerprint
    basis = Basis.of(before)
    assert basis.changed(after) == frozenset()
    assert not basis.touched(after).products
    assert Basis.from_frame(basis.to_frame()).changed(after) == frozenset()
    dearer = after.replace(products=[{"product": "A", "name": "Pear", "unit_cost": 2}])
    assert basis.touched(dearer).products == {"A"}
