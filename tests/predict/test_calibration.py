"""Scores by hand, and the promise of one-sided conformal factors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.predict.calibration import (
    brier,
    coverage,
    factors_of,
    one_sided_factor,
    pinball,
    reliability_curve,
    wilson,
)

ratios = st.lists(st.floats(0.1, 10.0), min_size=1, max_size=60)


def test_being_late_costs_the_quantile_and_early_the_rest():
    late, early = np.array([10.0]), np.array([6.0])
    assert pinball(late, np.array([8.0]), 0.8) == pytest.approx(1.6)
    assert pinball(early, np.array([8.0]), 0.8) == pytest.approx(0.4)


def test_the_quantile_itself_has_the_least_pinball_loss():
    actual = np.random.default_rng(3).lognormal(2.0, 0.3, 4000)
    right = np.quantile(actual, 0.8)
    losses = [
        pinball(actual, np.full(4000, right * factor), 0.8)
        for factor in (0.9, 1.0, 1.1)
    ]
    assert losses[1] == min(losses)


def test_the_rank_is_the_ceiling_of_n_plus_one_times_q():
    actual = np.array([1.0, 2.0, 3.0, 4.0])
    assert one_sided_factor(actual, np.ones(4), 0.8) == 4.0
    assert one_sided_factor(actual, np.ones(4), 0.5) == 3.0


def test_too_few_outcomes_give_the_largest_and_none_give_one():
    assert one_sided_factor(np.array([2.0, 3.0]), np.ones(2), 0.95) == 3.0
    assert one_sided_factor(np.array([]), np.array([]), 0.95) == 1.0


@given(ratios, st.sampled_from([0.5, 0.8, 0.95]))
def test_the_adjusted_quantile_covers_its_share_of_what_calibrates(values, quantile):
    actual = np.array(values)
    factor = one_sided_factor(actual, np.ones(len(values)), quantile)
    assert coverage(actual, np.full(len(values), factor)) >= quantile - 1e-9


@given(ratios)
def test_factors_never_fall_with_the_quantile(values):
    factors = factors_of(np.tile(np.array(values)[:, None], (1, 3)))
    assert list(factors) == sorted(factors)


def test_new_outcomes_of_the_same_law_are_covered_as_stated():
    rng = np.random.default_rng(7)
    shares = []
    for _ in range(400):
        known, new = rng.lognormal(0, 0.3, 60), rng.lognormal(0, 0.3, 50)
        factor = one_sided_factor(known, np.ones(60), 0.8)
        shares.append(coverage(new, np.full(50, factor)))
    # Vovk 2012: between q and q + 1 / (n + 1) on average.
    assert 0.795 <= float(np.mean(shares)) <= 0.82


def test_wilson_holds_the_share_and_knows_nothing_of_nothing():
    low, high = wilson(0.95, 200)
    assert low < 0.95 < high
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_brier_of_a_sure_right_word_is_zero_and_of_a_wrong_one_one():
    happened = np.array([True, False])
    assert brier(happened, np.array([1.0, 0.0])) == 0.0
    assert brier(happened, np.array([0.0, 1.0])) == 1.0


def test_the_curve_sets_stated_beside_observed_in_bins_of_equal_size():
    happened = np.array([False, False, True, True])
    low, high = reliability_curve(happened, np.array([0.1, 0.3, 0.7, 0.9]), bins=2)
    assert (low.cases, low.observed, high.cases, high.observed) == (2, 0.0, 2, 1.0)
    assert (low.stated, high.stated) == pytest.approx((0.2, 0.8))
