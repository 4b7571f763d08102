"""Loads of departures: a copy and what it was made of stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.transport.timetable import DepartureLoads, Load

LOADS = st.lists(
    st.tuples(st.sampled_from("TU"), st.integers(1, 3), st.sampled_from([-2, 1, 2])),
    max_size=8,
)


def add(loads: DepartureLoads, changes: list[tuple[str, int, int]]) -> None:
    """Load and unload departures."""
    for lane, departure, weight in changes:
        loads.add(lane, departure, Load(weight, 0))


@pytest.mark.req("ATP-19")
@given(LOADS, LOADS, LOADS, LOADS)
def test_a_copy_and_its_original_change_apart(first, original, copied, again):
    loads, plain, other = DepartureLoads(), DepartureLoads(), DepartureLoads()
    for one in (loads, plain, other):
        add(one, first)
    copy = loads.copied()
    mark, before = loads.mark(), loads.state()
    add(loads, original)
    loads.undo(mark)
    assert loads.state() == copy.state() == before
    add(copy, copied)
    add(loads, again)
    add(plain, copied)
    add(other, again)
    assert copy.state() == plain.state()
    assert loads.state() == other.state()
