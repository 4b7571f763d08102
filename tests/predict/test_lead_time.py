"""Quantiles of each way: by hand where it can be, against the truth where not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from medhavi.predict.backtest import backtest, final_model, prepared
from medhavi.predict.lead_time import METHODS, GroupQuantile, PlainQuantile
from medhavi.predict.windows import recalibrated
from tests.api import QUANTILES, TrainingRecipe
from tests.predict.histories import drawn, frame, row, steady

RECIPE = TrainingRecipe()
TWO = {"A": steady(1.0), "B": steady(2.0)}
TRUE_FACTORS = np.exp(0.15 * np.array([0.0, 0.8416, 1.6449]))


@pytest.fixture(scope="module")
def two_suppliers():
    return drawn(800, TWO)


@pytest.mark.parametrize("name", ["group", "recent level", "boosting"])
def test_each_learned_way_comes_near_the_true_quantiles(two_suppliers, name):
    model = final_model(two_suppliers, name, RECIPE)
    rows, _ = prepared(two_suppliers, RECIPE)
    late = rows.tail(200)
    for subject, level in (("A", 1.0), ("B", 2.0)):
        said = model.predict(late.filter(pl.col("subject") == subject)).mean(axis=0)
        # A level from few orders is noisy; honest quantiles are wider for it.
        assert said == pytest.approx(10.0 * level * TRUE_FACTORS, rel=0.2)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_quantiles_never_cross_and_are_days(two_suppliers, name):
    model = final_model(two_suppliers, name, RECIPE)
    rows, _ = prepared(two_suppliers, RECIPE)
    said = model.predict(rows)
    assert said.shape == (rows.height, len(QUANTILES))
    assert (np.diff(said, axis=1) >= 0).all()
    assert (said > 0).all()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_supplier_that_nobody_knows_gets_an_answer(two_suppliers, name):
    model = final_model(two_suppliers, name, RECIPE)
    rows, _ = prepared(two_suppliers, RECIPE)
    stranger = rows.tail(1).with_columns(
        subject=pl.lit("X"), seen=pl.lit(0), own=pl.lit(0), level=pl.lit(1.0)
    )
    assert np.isfinite(model.predict(stranger)).all()
    expected = "model" if name == "boosting" else "global"
    assert model.method.bases(stranger) == [expected]


def test_plain_quantiles_are_those_of_all_ratios_and_of_all_days():
    history = frame(*[row("S", n, float(n % 10 + 1)) for n in range(200)])
    model = final_model(history, "plain days", RECIPE)
    rows, _ = prepared(history, RECIPE)
    assert model.predict(rows[:1])[0] == pytest.approx(
        np.quantile(history["lead_days"], QUANTILES)
    )
    plain = PlainQuantile(RECIPE)
    plain.fit(rows)
    assert plain.quantiles(rows[:1])[0] == pytest.approx(
        np.quantile(rows["ratio"], QUANTILES)
    )
    assert plain.bases(rows[:2]) == ["global", "global"]


def test_a_group_too_small_is_not_asked():
    history = frame(
        *[row("LARGE", n, 10.0) for n in range(40)],
        *[row("SMALL", n, 90.0) for n in range(RECIPE.min_count - 1)],
    )
    rows, _ = prepared(history, RECIPE)
    way = GroupQuantile(RECIPE)
    way.fit(rows)
    small = rows.filter(pl.col("subject") == "SMALL")
    assert set(way.bases(small)) == {"global"}
    assert (way.quantiles(small) == way.quantiles(small)[0]).all()
    assert set(way.bases(rows.filter(pl.col("subject") == "LARGE"))) == {"group"}


def test_a_group_is_drawn_to_the_one_above_as_if_it_had_min_count_orders():
    rows, _ = prepared(
        frame(
            *[row("A", n, 10.0) for n in range(45)],
            *[row("B", n, 20.0) for n in range(45)],
        ),
        RECIPE,
    )
    way = GroupQuantile(RECIPE)
    way.fit(rows)
    median_of_all = float(np.median(rows["ratio"]))
    subject = (45 * 2.0 + 15 * median_of_all) / 60
    product = (45 * 2.0 + 15 * subject) / 60
    last = rows.filter(pl.col("subject") == "B")[:1]
    assert way.quantiles(last)[0, 0] == pytest.approx(product)


def test_the_recent_level_follows_a_drift_that_a_whole_past_does_not():
    def drifting(number: float) -> float:
        return 1.0 if number < 250 else 1.0 + (number - 250) / 150

    history = drawn(600, {"A": steady(1.0), "D": drifting}, spread=0.08)
    rows, _ = prepared(history, RECIPE)
    last = rows.filter(pl.col("subject") == "D").tail(1)
    recent = final_model(history, "recent level", RECIPE).predict(last)[0, 0]
    assert 17.0 < recent < 21.0
    made = backtest(history, RECIPE)
    assert made.score("recent level").loss < 0.8 * made.score("group").loss


def test_new_outcomes_adjust_the_factors_of_a_fitted_model():
    history = drawn(600, {"A": lambda n: 1.0 if n < 380 else 1.6}, spread=0.05)
    early = history.filter(pl.col("known_at") < history["ordered_at"][550])
    model = final_model(early, "group", RECIPE)
    rows, _ = prepared(history, RECIPE)
    newer = recalibrated(model, rows)
    assert newer.factors[1] > model.factors[1]
    assert recalibrated(model, rows.head(5)).factors == model.factors
    plain = final_model(early, "plain", RECIPE)
    assert recalibrated(plain, rows) is plain


def test_the_same_history_gives_the_same_model_to_the_last_bit(two_suppliers):
    rows, _ = prepared(two_suppliers, RECIPE)
    shuffled = two_suppliers.sample(fraction=1.0, shuffle=True, seed=9)
    for name in METHODS:
        here = final_model(two_suppliers, name, RECIPE).predict(rows)
        there = final_model(shuffled, name, RECIPE).predict(rows)
        assert np.array_equal(here, there), name
