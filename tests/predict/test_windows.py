"""Windows follow each other in time, and no outcome of the test is known before it."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from medhavi.predict.windows import latest, windows
from tests.api import TrainingRecipe
from tests.predict.histories import drawn, frame, row, steady


@given(st.integers(1, 150), st.integers(0, 5))
def test_everything_fitted_was_known_before_the_first_judged_order(count, seed):
    history = drawn(count, {"A": steady(1.0), "B": steady(3.0)}, seed=seed)
    fit, calibrate, under_way, test = windows(history, TrainingRecipe()).judge
    if test.height:
        begin = test["ordered_at"].min()
        for part in (fit, calibrate):
            assert part.filter(pl.col("known_at") >= begin).is_empty()
        assert under_way.filter(pl.col("known_at") < begin).is_empty()
    if fit.height and calibrate.height:
        assert fit["known_at"].max() < calibrate["known_at"].min()


def test_young_orders_are_not_judged_for_only_the_fast_ones_are_known():
    slow = [row("S", 3 * n, 30.0) for n in range(100)]
    fast = [row("S", 325, 1.0), row("S", 326, 1.0)]
    test = windows(frame(*slow, *fast), TrainingRecipe()).judge.test
    assert test["lead_days"].unique().to_list() == [30.0]


def test_nothing_gives_empty_windows():
    choose, judge = windows(frame(), TrainingRecipe())
    assert choose == ()
    assert [part.height for part in judge] == [0, 0, 0, 0]
    assert latest(frame(), 0.5)[1].is_empty()


def test_the_latest_share_is_the_newest():
    old, new = latest(drawn(100, {"A": steady(1.0)}), 0.25)
    assert (old.height, new.height) == (75, 25)
    assert old["known_at"].max() < new["known_at"].min()
