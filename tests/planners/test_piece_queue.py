"""Work that is shared over units that come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.constrained.netting.given_sources import runs_until_done

LEVELS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1)


@given(LEVELS)
def test_all_work_is_shared_out_and_all_units_work_until_it_is_done(levels) -> None:
    times, at = [], 0
    for length, units in levels:
        times.append((at, at + length, units))
        at += length
    work = sum(end - begin for begin, end, units in times if units)
    lasting, others = runs_until_done(times)
    done = sum(lasting) + sum(others)
    last = lasting and max(units for _, _, units in times)
    # Rounded up to whole seconds on each unit.
    assert work <= done < work + max(1, last or 1)
    offered = [0] * work
    for begin, end, units in times:
        offered[begin:end] = [units] * (end - begin)
    until = next(t for t in range(at + 1) if sum(offered[:t]) >= work) if work else 0
    assert done == sum(offered[:until])
