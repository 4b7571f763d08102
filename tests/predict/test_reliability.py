"""Chances to be on time: against the truth, and against the plain rate."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.predict.backtest import prepared
from medhavi.predict.reliability import RATES, backtest_rates, final_rate
from tests.api import TrainingRecipe
from tests.predict.histories import drawn, frame, row, steady

RECIPE = TrainingRecipe()
GOOD_AND_BAD = {"GOOD": steady(0.9), "BAD": steady(1.1)}


@pytest.fixture(scope="module")
def two_kinds():
    return drawn(900, GOOD_AND_BAD, spread=0.12)


@pytest.mark.req("SUP-08")
def test_suppliers_that_differ_are_told_apart(two_kinds):
    made = backtest_rates(two_kinds, RECIPE)
    assert made.promotable
    assert made.gain > 0.15
    assert made.score("plain").loss > made.score(made.chosen).loss


@pytest.mark.parametrize("name", ["group", "recent rate", "logistic", "boosting"])
def test_each_way_comes_near_the_true_chance(two_kinds, name):
    model = final_rate(two_kinds, name, RECIPE)
    rows, _ = prepared(two_kinds, RECIPE)
    late = rows.tail(300)
    for subject, truth in (("GOOD", 0.81), ("BAD", 0.21)):
        said = model.predict(late.filter(pl.col("subject") == subject)).mean()
        assert said == pytest.approx(truth, abs=0.1)


def test_nothing_to_tell_apart_leaves_the_plain_rate():
    made = backtest_rates(drawn(600, {"A": steady(1.0), "B": steady(1.0)}), RECIPE)
    assert made.gain < 0.05


def test_a_past_with_one_end_only_gives_a_sure_word_and_no_failure():
    history = frame(*[row("S", n, 5.0) for n in range(200)])
    rows, _ = prepared(history, RECIPE)
    for name in RATES:
        said = final_rate(history, name, RECIPE).predict(rows.tail(5))
        assert (said > 0.9).all(), name


def test_orders_without_a_stated_date_are_left_out(two_kinds):
    silent = two_kinds.with_columns(
        on_time=pl.when(pl.int_range(pl.len()) % 2 == 0).then("on_time")
    )
    made = backtest_rates(silent, RECIPE)
    assert made.tested < two_kinds.height * 0.2


def test_chances_are_probabilities_and_the_curve_counts_everything(two_kinds):
    made = backtest_rates(two_kinds, RECIPE)
    for score in made.scores:
        assert sum(each.cases for each in score.curve) == made.tested
        assert all(0 <= each.stated <= 1 for each in score.curve)
    table = made.to_frame()
    assert table["method"].to_list() == list(RATES)
    assert table["brier"].is_finite().all()
