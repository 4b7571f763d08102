"""The verdict: what beats every plain quantile and covers its share may be used."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from medhavi.predict.backtest import backtest, prepared
from medhavi.predict.lead_time import METHODS, calibrated
from medhavi.predict.windows import Split, Windows, as_it_stood, windows
from tests.api import TrainingRecipe
from tests.predict.histories import drawn, steady

RECIPE = TrainingRecipe(trees=20)


@pytest.mark.req("ANA-13")
def test_different_suppliers_are_worth_a_model():
    made = backtest(drawn(900, {"A": steady(1.0), "B": steady(2.5)}), RECIPE)
    assert made.promotable
    assert made.gain > 0.3
    assert "beats" in made.reason
    assert made.score(made.chosen).fits


def test_equal_suppliers_leave_the_plain_quantile_as_good():
    made = backtest(drawn(900, {"A": steady(1.0), "B": steady(1.0)}, seed=2), RECIPE)
    assert abs(made.gain) < 0.1


def test_a_jump_that_nobody_could_know_costs_coverage_and_the_place():
    # Half a year later everything takes twice as long: no factor can know it at once.
    sudden = {"A": lambda n: 1.0 if n < 290 else 2.0}
    made = backtest(drawn(300, sudden, spread=0.02), RECIPE)
    assert not made.promotable
    assert "which is not chance" in made.reason or "does not beat" in made.reason


def test_the_gate_needs_both_a_lower_loss_and_coverage(monkeypatch):
    history = drawn(500, {"A": steady(1.0), "B": steady(2.5)})
    assert backtest(history, RECIPE).promotable
    strict = backtest(history, TrainingRecipe(coverage_level=0.001))
    assert not strict.promotable
    assert "which is not chance" in strict.reason
    monkeypatch.setattr(
        "medhavi.predict.backtest.PLAIN", ("plain", "plain days", "group")
    )
    assert backtest(history, RECIPE).plain == "group"


def test_days_without_stated_times_have_one_plain_quantile():
    made = backtest(drawn(400, {"A": steady(1.0)}, stated=None), RECIPE)
    names = [score.method for score in made.scores]
    assert names == [name for name in METHODS if name != "plain days"]


def test_the_frame_has_a_row_a_way_with_losses_coverages_and_the_choice():
    made = backtest(drawn(400, {"A": steady(1.0), "B": steady(2.0)}), RECIPE)
    table = made.to_frame()
    assert table["method"].to_list() == list(METHODS)
    assert table.filter("chosen")["method"].to_list() == [made.chosen]
    loss = table["pinball_p80"] + table["pinball_p95"]
    assert table["loss"].to_list() == pytest.approx(loss.to_list())
    assert (table["coverage_p80_low"] <= table["coverage_p80"]).all()


def test_what_was_said_on_a_day_does_not_change_with_what_came_later():
    history = drawn(400, {"A": steady(1.0), "B": lambda n: 1.0 + n / 400})
    rows, stated = prepared(history, RECIPE)
    taken = windows(rows, RECIPE).judge
    cut = taken.test["ordered_at"][40]
    shorter = taken.test.filter(pl.col("ordered_at") < cut)
    for name in METHODS:
        model = calibrated(name, taken.fit, taken.calibrate, RECIPE, stated=stated)
        whole = as_it_stood(model, taken)[: shorter.height]
        part = as_it_stood(model, taken._replace(test=shorter))
        assert np.array_equal(whole, part), name


def test_other_windows_may_be_given():
    def halves(rows: pl.DataFrame, recipe: TrainingRecipe) -> Split:
        del recipe
        earlier = Windows(rows[:50], rows[50:100], rows[:0], rows[100:200])
        return Split(
            (earlier,), Windows(rows[:100], rows[100:200], rows[:0], rows[200:])
        )

    made = backtest(drawn(300, {"A": steady(1.0)}), RECIPE, cut=halves)
    assert (made.fitted, made.calibrated, made.tested) == (100, 100, 100)
