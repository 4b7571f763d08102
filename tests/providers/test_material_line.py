"""What is free of a product at a place, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.material.line import MaterialLine
from medhavi.units import ALWAYS, INT64_MAX

INSTANTS = st.integers(0, 12)
EVENTS = st.lists(st.tuples(INSTANTS, st.integers(-6, 8)), max_size=6)
LEVELS = st.lists(st.tuples(INSTANTS, st.integers(0, 4)), max_size=3).map(
    lambda found: sorted(dict(found).items())
)


def line(*events, withheld=(), unlimited=False):
    return MaterialLine(events, withheld, [], unlimited=unlimited)


def state(of):
    """All that a line knows, to the element."""
    return of.state, list(of._times), list(of._net), list(of._uses)


@pytest.mark.req("MAT-02")
def test_net_is_stock_and_receipts_less_holds_and_safety():
    found = line((ALWAYS, 200), (0, 50), (0, -150), withheld=[(ALWAYS, 20)])
    assert found.available(0) == 80


@pytest.mark.req("MAT-03")
def test_request_between_two_receipts_waits_for_the_second():
    found = line((3, 10), (7, 10))
    assert found.earliest(15, 0) == 7
    assert found.earliest(10, 0) == 3
    assert found.earliest(10, 5) == 5


@pytest.mark.req("DEF-03")
def test_literal_formula_of_the_source_would_break_a_later_hold():
    # 10 lie there, 8 of them are held for day 5, 20 more come on day 9.
    found = line((ALWAYS, 10), (5, -8), (9, 20))
    net = dict(found.state)
    literal = min(instant for instant, value in net.items() if value >= 6)
    assert literal == ALWAYS
    found.take(6, 0)
    assert found.short == (4, 5)  # the hold of day 5 lacks 4
    found = line((ALWAYS, 10), (5, -8), (9, 20))
    assert found.earliest(6, 0) == 9
    found.take(6, 9)
    assert found.short is None


def test_more_than_ever_comes_is_never_free():
    assert line((ALWAYS, 5), (4, 5)).earliest(11, 0) is None


def test_nothing_is_free_at_once():
    assert line().earliest(0, 4) == 4


def test_shortage_of_the_past_is_covered_before_anything_is_free():
    found = line((2, -5), (6, 8))
    assert found.available(0) == 0
    assert found.short == (5, 2)
    assert (found.earliest(3, 0), found.earliest(4, 0)) == (6, None)


def test_safety_stock_is_withheld_at_every_moment_unless_buffers_may_be_used():
    found = line((ALWAYS, 10), withheld=[(ALWAYS, 4), (5, 7), (9, 0)])
    assert [found.available(t) for t in (0, 5, 9)] == [3, 3, 10]
    assert found.available(0, buffers=True) == 10
    assert found.earliest(5, 0) == 9
    assert found.earliest(5, 0, buffers=True) == 0


def test_bulk_material_is_always_there():
    found = line(unlimited=True)
    assert found.available(3) == INT64_MAX
    assert found.earliest(10**12, 3) == 3
    assert found.fits(10**12, 3)
    assert found.short is None


def test_rises_name_the_moments_at_which_more_is_free():
    assert line((ALWAYS, 4), (3, -2), (5, 6), (8, 1)).rises(0) == [5, 8]


def test_arrival_of_a_new_order_is_free_until_it_is_put_back():
    found = line((ALWAYS, 1))
    before = state(found)
    shift = found.add(5, 4)
    assert found.available(4) == 6
    found.put_back(shift)
    assert state(found) == before


def test_shift_of_another_line_is_refused():
    shift = line((ALWAYS, 1)).take(1, 0)
    with pytest.raises(ValueError, match="another line"):
        line((ALWAYS, 1)).put_back(shift)


def test_shift_is_put_back_once():
    found = line((ALWAYS, 1))
    shift = found.take(1, 3)
    found.put_back(shift)
    with pytest.raises(ValueError, match="put back before"):
        found.put_back(shift)


# --------------------------------------------------------------------------- laws
def brute_force(events, withheld, instant, *, buffers=False):
    """Look at every later moment, by the definition."""
    moments = {instant, *(t for t, _ in events), *(t for t, _ in withheld)}
    worst = []
    for moment in moments:
        if moment < instant:
            continue
        net = sum(change for t, change in events if t <= moment)
        level = 0
        for begin, value in withheld:
            if begin <= moment:
                level = value
        worst.append(net - (0 if buffers else level))
    return max(min(worst), 0)


@given(EVENTS, LEVELS, INSTANTS, st.booleans())
def test_available_is_what_the_definition_says(events, withheld, instant, buffers):
    found = line(*events, withheld=withheld)
    expected = brute_force(events, withheld, instant, buffers=buffers)
    assert found.available(instant, buffers=buffers) == expected


@given(EVENTS, LEVELS, INSTANTS, st.integers(1, 15))
def test_earliest_is_the_first_instant_that_fits(events, withheld, start, steps):
    found = line(*events, withheld=withheld)
    expected = next(
        (t for t in range(start, 14) if brute_force(events, withheld, t) >= steps), None
    )
    assert found.earliest(steps, start) == expected


@given(
    st.lists(st.tuples(INSTANTS, st.integers(0, 8)), max_size=5),
    st.lists(st.tuples(INSTANTS, st.integers(1, 6)), max_size=8),
)
def test_accepted_takes_never_break_each_other(receipts, wishes):
    found = line(*receipts)
    for instant, steps in wishes:
        if found.fits(steps, instant):
            found.take(steps, instant)
    assert all(net >= 0 for _, net in found.state)
    assert found.short is None


@given(
    EVENTS,
    LEVELS,
    st.lists(st.tuples(INSTANTS, st.integers(1, 6)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_putting_back_in_any_order_restores_the_line(events, withheld, takes, order):
    found = line(*events, withheld=withheld)
    before = state(found)
    shifts = [found.take(steps, instant) for instant, steps in takes]
    order.shuffle(shifts)
    for shift in shifts:
        found.put_back(shift)
    assert state(found) == before
