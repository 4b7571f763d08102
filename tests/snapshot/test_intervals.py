"""Remembered stretches are those that the producer gives, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot.calendars.intervals import (
    CachedIntervals,
    combine,
    override,
    union,
)
from medhavi.units import DAY

if TYPE_CHECKING:
    from medhavi.snapshot.calendars.intervals import Interval

EDGE = 512 * DAY
"""Where one remembered part ends and the next begins."""
SPAN = 40
"""Random edges lie so many seconds around zero and around the first edges of parts."""
MOMENTS = st.builds(
    lambda part, second: part * EDGE + second,
    st.integers(-1, 2),
    st.integers(-SPAN, SPAN),
)


@st.composite
def stretches(draw: st.DrawFn) -> list[Interval]:
    found: list[Interval] = []
    for share in (1.0, 0.5):
        pieces = draw(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=4))
        found = combine(found, union(pieces, share), override)
    return found


def cut(all_of_them: list[Interval], start: int, finish: int) -> list[Interval]:
    return [
        (max(begin, start), min(end, finish), share)
        for begin, end, share in all_of_them
        if begin < finish and end > start
    ]


@pytest.mark.req("CORE-10")
@given(stretches(), st.lists(st.tuples(MOMENTS, MOMENTS), min_size=1, max_size=5))
def test_every_window_is_cut_from_the_same_stretches(everything, windows):
    remembered = CachedIntervals(lambda start, finish: cut(everything, start, finish))
    for start, finish in windows:
        expected = cut(everything, start, finish) if start < finish else []
        assert remembered(start, finish) == expected


def test_a_part_of_the_axis_is_made_once():
    asked = []

    def produce(start: int, finish: int) -> list[Interval]:
        asked.append((start, finish))
        return [(start, finish, 1.0)]

    remembered = CachedIntervals(produce)
    assert remembered(10, EDGE + 10) == [(10, EDGE + 10, 1.0)]
    assert remembered(5, EDGE - 5) == [(5, EDGE - 5, 1.0)]
    assert asked == [(0, EDGE), (EDGE, 2 * EDGE)]


def test_what_was_given_may_be_changed_by_who_asked():
    remembered = CachedIntervals(lambda start, finish: [(start, finish, 1.0)])
    remembered(0, 10).clear()
    assert remembered(0, 10) == [(0, 10, 1.0)]
