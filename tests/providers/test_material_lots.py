"""Goods that expire or belong to a customer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.material.lots import Lot, LotAllocation, LotLine
from medhavi.units import ALWAYS, DAY, NEVER

INSTANTS = st.integers(0, 8)
LOTS = st.lists(
    st.builds(
        lambda arrival, life, steps: Lot(arrival, arrival + life, "", steps),
        INSTANTS,
        st.integers(0, 8),
        st.integers(1, 3),
    ),
    max_size=4,
)
TAKES = st.lists(
    st.builds(
        lambda instant, shelf, steps: LotAllocation(
            instant, instant + shelf, "", steps
        ),
        INSTANTS,
        st.integers(0, 4),
        st.integers(1, 3),
    ),
    max_size=5,
)


def line(lots, takers=(), withheld=()):
    return LotLine([Lot(*lot) for lot in lots], takers, withheld, [])


def state(of):
    return of.state, list(of._lots), list(of._takers), list(of._uses)


def test_lot_serves_until_it_expires():
    found = line([(ALWAYS, 5, "", 10)])
    assert [found.available(t) for t in (0, 5, 6)] == [10, 10, 0]


def test_goods_must_live_through_transit_and_the_days_the_customer_asks_for():
    found = line([(ALWAYS, 10 * DAY, "", 4), (ALWAYS, 30 * DAY, "", 3)])
    assert found.available(0, transit=DAY) == 7
    assert found.available(0, transit=DAY, min_shelf_days=9) == 7
    assert found.available(0, transit=DAY, min_shelf_days=9.5) == 3
    assert found.available(0, min_shelf_days=31) == 0


def test_fresh_goods_are_kept_for_who_needs_them():
    # The taker of day 4 needs the lot that lives; the one now gets the other.
    late = LotAllocation(4, 9, "", 5)
    found = line([(ALWAYS, 5, "", 5), (ALWAYS, 20, "", 5)], [late])
    assert found.available(0) == 5
    found.take(5, 0)
    assert found.available(0) == 0
    assert found.short is None


def test_earliest_is_an_arrival_that_lives_long_enough():
    found = line([(ALWAYS, 3, "", 5), (6, 9, "", 5)])
    assert found.earliest(5, 0) == 0
    assert found.earliest(5, 4) == 6
    assert found.earliest(5, 0, transit=4) is None
    assert found.earliest(5, 0, transit=3) == 0
    assert found.earliest(6, 0) is None
    assert found.earliest(0, 2) == 2
    assert found.rises(0) == [6]


def test_goods_of_a_customer_serve_only_that_customer():
    found = line([(ALWAYS, NEVER, "C1", 5), (ALWAYS, NEVER, "", 2)])
    assert found.available(0) == 2
    assert found.available(0, customer="C1") == 7
    assert found.available(0, customer="C2") == 2
    found.take(6, 0, customer="C1")
    assert found.available(0) == 1
    assert found.earliest(2, 0, customer="C1") is None


def test_own_goods_of_a_customer_go_first():
    held = LotAllocation(0, 0, "C1", 3)
    found = line([(ALWAYS, NEVER, "C1", 5), (ALWAYS, NEVER, "", 2)], [held])
    assert found.available(0) == 2
    assert found.available(0, customer="C1") == 4


def test_safety_stock_is_withheld_while_there_are_goods_that_live():
    found = line([(ALWAYS, 5, "", 10), (8, 20, "", 6)], withheld=[(ALWAYS, 4)])
    assert found.available(0, transit=2) == 6
    assert found.available(8) == 2
    assert found.available(0, buffers=True) == 10


def test_shortage_is_named_where_goods_expire_before_their_taker_comes():
    found = line([(ALWAYS, 5, "", 10)], [LotAllocation(7, 7, "", 4)])
    assert found.short == (4, 7)
    assert line([(ALWAYS, 5, "", 10)], [LotAllocation(3, 3, "", 4)]).short is None
    assert line([(ALWAYS, 5, "C", 10)], [LotAllocation(3, 3, "C", 4)]).short is None


def test_who_waits_is_served_before_anybody_new():
    found = line([(ALWAYS, 2, "", 3), (6, 9, "", 5)], [LotAllocation(4, 4, "", 4)])
    assert found.available(6) == 1


def test_arrival_with_an_expiry_counts_while_it_lives():
    found = line([(ALWAYS, 2, "", 1)])
    before = state(found)
    shift = found.add(3, 4, 6)
    assert [found.available(t) for t in (4, 7)] == [3, 0]
    found.put_back(shift)
    assert state(found) == before


def test_shift_is_put_back_once():
    found = line([(ALWAYS, 9, "", 3)])
    shift = found.take(1, 3)
    found.put_back(shift)
    with pytest.raises(ValueError, match="put back before"):
        found.put_back(shift)


# --------------------------------------------------------------------------- laws
def all_served(lots, takers):
    """Match piece by piece, by augmenting paths: an independent second answer."""
    pieces = [lot for lot in lots for _ in range(lot.units)]
    wants = [taker for taker in takers for _ in range(taker.units)]
    matched: dict[int, int] = {}

    def place(want, seen):
        for i, piece in enumerate(pieces):
            fits = piece.arrival <= wants[want].instant
            fits = fits and piece.expires >= wants[want].until
            if fits and i not in seen:
                seen.add(i)
                if i not in matched or place(matched[i], seen):
                    matched[i] = want
                    return True
        return False

    return all(place(want, set()) for want in range(len(wants)))


@given(LOTS, TAKES)
def test_quantity_fits_exactly_where_some_matching_serves_all(lots, wishes):
    found = LotLine(lots, (), (), [])
    taken: list[LotAllocation] = []
    for wish in wishes:
        shelf = wish.until - wish.instant
        fits = found.fits(wish.units, wish.instant, transit=shelf)
        assert fits == all_served(lots, [*taken, wish])
        if fits:
            found.take(wish.units, wish.instant, transit=shelf)
            taken.append(wish)
    assert found.short is None


@given(LOTS, TAKES, INSTANTS, st.integers(0, 4))
def test_available_is_the_most_that_fits(lots, takers, instant, shelf):
    found = LotLine(lots, takers, (), [])
    most = found.available(instant, transit=shelf)
    assert found.fits(most, instant, transit=shelf)
    assert not found.fits(most + 1, instant, transit=shelf)


@given(LOTS, TAKES, INSTANTS, st.integers(1, 6), st.integers(0, 3))
def test_earliest_is_the_first_instant_that_fits(lots, takers, start, steps, shelf):
    found = LotLine(lots, takers, (), [])
    moments = range(start, 20)
    expected = next((t for t in moments if found.fits(steps, t, transit=shelf)), None)
    assert found.earliest(steps, start, transit=shelf) == expected


@given(LOTS, TAKES, st.randoms(use_true_random=False))
def test_putting_back_in_any_order_restores_the_line(lots, takes, order):
    found = LotLine(lots, takes[:1], (), [])
    before = state(found)
    shifts = [found.take(t.units, t.instant, t.until - t.instant) for t in takes]
    order.shuffle(shifts)
    for shift in shifts:
        found.put_back(shift)
    assert state(found) == before
