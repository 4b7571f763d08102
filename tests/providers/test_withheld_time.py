"""Time that promises leave free: the last part of each opening, hours of buckets."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.capacity.resources import (
    WithheldCapacity,
    leaving,
    stopped_share,
)
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN, WorkingTime
from medhavi.snapshot.calendars.intervals import union
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import DAY, HOUR
from tests.providers.plants import at
from tests.providers.workshops import bundle, busy

WEEK = 7 * DAY


def weekly(openings: list[tuple[int, int]]) -> WorkingTime:
    """Open in these hours of each week since 1970, whatever window is asked for."""

    def produce(start: int, finish: int) -> list[tuple[int, int, float]]:
        first, last = start // WEEK - 1, finish // WEEK + 1
        pieces = [
            (
                max(week * WEEK + begin * HOUR, start),
                min(week * WEEK + end * HOUR, finish),
            )
            for week in range(first, last + 1)
            for begin, end in openings
        ]
        return union([piece for piece in pieces if piece[0] < piece[1]], 1.0)

    return WorkingTime(produce, zone("UTC"))


def plain(openings: list[tuple[int, int]], share: Fraction) -> int:
    """Count the open seconds of a week that are left, opening by opening."""
    left = 0
    for begin, end, _ in union(openings, 1.0):
        parts = [(begin, end)]
        if end - begin > 24:
            days = range(begin // 24, -(-end // 24))
            parts = [(max(begin, d * 24), min(end, d * 24 + 24)) for d in days]
        for first, last in parts:
            seconds = (last - first) * HOUR
            left += seconds - int(seconds * share)
    return left


OPENINGS = st.lists(
    st.tuples(st.integers(1, 160), st.integers(1, 60)).map(
        lambda pair: (pair[0], min(pair[0] + pair[1], 167))
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.req("CAP-10")
@given(openings=OPENINGS, share=st.sampled_from([0.1, 0.25, 0.333, 0.5, 0.9]))
def test_of_each_opening_the_last_part_is_closed(openings, share):
    working = weekly(openings)
    left = leaving(working, share)
    for week in (2900, 2950):
        start = week * WEEK
        assert left.between(start, start + WEEK) == plain(
            openings, Fraction(str(share))
        )
        for begin, end in left.segments(start, start + WEEK):
            assert working.between(begin, end) == end - begin


@pytest.mark.req("CAP-10")
@given(
    openings=OPENINGS,
    share=st.sampled_from([0.1, 0.5]),
    edges=st.lists(st.integers(0, 14 * 24), min_size=2, max_size=5, unique=True),
)
def test_it_is_the_same_however_it_is_asked(openings, share, edges):
    start = 2900 * WEEK
    cuts = [start + edge * HOUR for edge in sorted(edges)]
    whole = leaving(weekly(openings), share)
    expected = whole.between(cuts[0], cuts[-1])
    pieces = pairwise(cuts)
    shares = [
        sum(b - a for a, b, _ in leaving(weekly(openings), share).shares(*piece))
        for piece in pieces
    ]
    assert sum(shares) == expected


def test_time_that_never_pauses_counts_by_utc_days():
    left = leaving(ALWAYS_OPEN, 0.25)
    assert left.segments(0, 2 * DAY) == [(0, 18 * HOUR), (DAY, DAY + 18 * HOUR)]
    assert not left.always_open


@pytest.mark.req("CAP-20")
@pytest.mark.parametrize(
    ("hours", "share"),
    [(0.0, Fraction(0)), (6.0, Fraction(1, 4)), (24.0, Fraction(99, 100))],
)
def test_hours_of_a_day_become_a_share_below_all_of_it(hours, share):
    assert stopped_share(hours) == share


@pytest.mark.req("CAP-14", "CAP-11")
def test_utilisation_counts_open_time_that_is_held():
    """Eight of the twenty-four hours of the first day, none of the second."""
    finite = bundle(resources=[{"resource": "M"}]).finite()
    busy(finite, ("2026-01-05T00:00", "2026-01-05T08:00"))
    first, second = at("2026-01-05T00:00"), at("2026-01-06T00:00")
    assert finite.utilisation("M", first, second) == pytest.approx(1 / 3)
    assert finite.utilisation("M", second, second + DAY) == 0.0


def test_work_that_spares_nothing_is_placed_in_the_same_room():
    finite = bundle(resources=[{"resource": "M"}]).finite()
    assert finite.sparing(WithheldCapacity()) is finite
    kept = WithheldCapacity(kept=(("M", 0.5),))
    assert finite.sparing(kept) is finite.sparing(kept)
    assert finite.sparing(kept).occupancy is finite.occupancy
