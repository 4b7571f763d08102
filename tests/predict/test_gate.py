"""The gate: what may be chance is not promoted, what is calibrated is not refused."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from medhavi.predict.backtest import backtest, prepared
from medhavi.predict.calibration import coverage_band, covers, evidence
from medhavi.predict.reliability import as_they_stood, backtest_rates
from medhavi.predict.windows import windows
from tests.api import TrainingRecipe
from tests.predict.histories import day, drawn, frame, row, steady

RECIPE = TrainingRecipe(trees=10)
EQUAL = {name: steady(1.0) for name in "ABCDEFGH"}


def placed(count: int, days: float = 150.0) -> pl.Series:
    return pl.Series([day(days * number / count) for number in range(count)])


def test_a_gain_in_every_week_is_better_and_one_in_a_single_week_is_not():
    moments = placed(150)
    plain = np.ones(150)
    steady_gain = evidence(plain - 0.1, plain, moments, RECIPE)
    assert steady_gain.difference == pytest.approx(-0.1)
    assert steady_gain.upper == pytest.approx(-0.1)
    assert steady_gain.better
    once = plain.copy()
    once[:5] = -2.0  # the same mean gain, all of it in one week
    lucky = evidence(once, plain, moments, RECIPE)
    assert lucky.difference == pytest.approx(-0.1)
    assert not lucky.better


def test_orders_of_one_week_count_as_one_and_too_few_weeks_prove_nothing():
    gap = np.repeat([-1.0, -1.0, -1.0, 1.2], 25)
    by_week = placed(100, 7.0 * 4)
    assert (
        evidence(gap, np.zeros(100), by_week, TrainingRecipe(least_blocks=2)).blocks
        == 4
    )
    few = evidence(gap, np.zeros(100), pl.Series([day(1)] * 100), RECIPE)
    assert few.blocks == 1
    assert math.isinf(few.upper)
    nothing = evidence(
        np.array([]), np.array([]), pl.Series([], dtype=pl.Int64), RECIPE
    )
    assert not nothing.better


def test_the_same_losses_give_the_same_bound_in_any_process():
    chance = np.random.default_rng(3)
    gap = chance.normal(-0.05, 1.0, 200)
    first = evidence(gap, np.zeros(200), placed(200), RECIPE)
    assert evidence(gap, np.zeros(200), placed(200), RECIPE) == first


@pytest.mark.parametrize(("quantile", "count"), [(0.8, 150), (0.95, 150), (0.8, 5000)])
def test_the_band_holds_a_calibrated_share_with_its_confidence(quantile, count):
    low, high = coverage_band(quantile, count, 0.99)
    seen = np.random.default_rng(1).binomial(count, quantile, 20_000) / count
    outside = ((seen < low - 1e-4) | (seen > high + 1e-4)).mean()
    assert outside <= 0.013
    assert not covers(low - 1.5 / count, quantile, count, RECIPE)
    assert covers(quantile, quantile, count, RECIPE)


def test_the_window_that_judges_chose_nothing():
    rows, _ = prepared(drawn(500, EQUAL), RECIPE)
    taken = windows(rows, RECIPE)
    assert len(taken.choose) == RECIPE.origins
    begin = taken.judge.test["ordered_at"].min()
    for origin in taken.choose:
        assert origin.outcomes()["known_at"].max() < begin
        assert origin.fit["known_at"].max() < origin.test["ordered_at"].min()
        assert origin.calibrate["known_at"].max() < origin.test["ordered_at"].min()
    first, second = taken.choose
    assert first.test["ordered_at"].max() < second.test["ordered_at"].min()


@pytest.mark.nightly
def test_what_happens_after_the_judging_began_changes_no_choice():
    history = drawn(500, {"A": steady(0.9), "B": steady(1.2)})
    rows, _ = prepared(history, RECIPE)
    begin = windows(rows, RECIPE).judge.test["ordered_at"].min()
    later = pl.col("ordered_at") >= begin
    other = history.with_columns(
        lead_days=pl.when(later)
        .then(pl.col("lead_days") * 1.01)
        .otherwise("lead_days"),
        on_time=pl.when(later).then(~pl.col("on_time")).otherwise("on_time"),
    )
    assert backtest(other, RECIPE).chosen == backtest(history, RECIPE).chosen
    assert (
        backtest_rates(other, RECIPE).chosen == backtest_rates(history, RECIPE).chosen
    )


@pytest.mark.req("SUP-08")
def test_the_plain_rate_is_counted_anew_on_the_day_of_each_order():
    # On time in the first half, late in the second: the rate of the day falls.
    history = frame(*[row("S", n, 9.0 if n < 100 else 11.0) for n in range(200)])
    rows, _ = prepared(history, RECIPE)
    judge = windows(rows, RECIPE).judge
    said = as_they_stood("plain", judge, RECIPE)
    known = [
        rows.filter(pl.col("known_at") <= moment)["on_time"].mean()
        for moment in judge.test["ordered_at"]
    ]
    assert said == pytest.approx(known)
    assert said[0] > said[-1]
    assert as_they_stood("plain recent", judge, RECIPE) == pytest.approx(known)
    assert as_they_stood("group", judge, RECIPE) == pytest.approx(known)


def test_a_history_without_an_origin_to_choose_on_promotes_nothing():
    history = drawn(8, {"A": steady(1.0), "B": steady(3.0)})
    made = backtest(history, TrainingRecipe(trees=1, choose_share=0.05))
    assert not made.promotable


def promoted(
    kind: str, seeds: range, level: float, recipe: TrainingRecipe
) -> tuple[int, int]:
    """Seeds with a promotion, and with a plain rule refused for its coverage."""
    count = refused = 0
    for seed in seeds:
        ratios = {
            name: steady(1.0 + level * (place - 3.5) / 3.5)
            for place, name in enumerate(EQUAL)
        }
        history = drawn(500, ratios, seed=seed)
        if kind == "lead_time":
            made = backtest(history, recipe)
            refused += not made.score("plain").fits
            count += made.promotable
        else:
            count += backtest_rates(history, recipe).promotable
    return count, refused


@pytest.mark.req("ANA-13")
@pytest.mark.nightly
def test_a_few_histories_without_signal_promote_nothing():
    assert promoted("lead_time", range(2), 0.0, RECIPE) == (0, 0)
    assert promoted("reliability", range(3), 0.0, RECIPE)[0] == 0


@pytest.mark.nightly
@pytest.mark.req("ANA-13")
@pytest.mark.parametrize("kind", ["lead_time", "reliability"])
def test_of_200_histories_without_signal_one_in_twenty_is_promoted_at_most(kind):
    count, refused = promoted(kind, range(200), 0.0, RECIPE)
    assert count <= 10
    assert refused <= 6


@pytest.mark.nightly
@pytest.mark.req("ANA-13")
@pytest.mark.parametrize(
    ("kind", "level"), [("lead_time", 0.21), ("reliability", 0.17)]
)
def test_a_signal_that_saves_a_fifth_is_promoted_in_four_of_five_histories(kind, level):
    count, _ = promoted(kind, range(60), level, RECIPE)
    assert count >= 48
