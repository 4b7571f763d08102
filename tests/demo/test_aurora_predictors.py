"""The planted suppliers and the late lane show in what the product learns."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.predict import backtest, estimates, reliability
from medhavi.units import from_seconds
from medhavi.workbench.training.observed_history import history_of, subjects_of
from tests.api import TrainingRecipe

RECIPE = TrainingRecipe()


@pytest.fixture(scope="module")
def observations(lake):
    return lake.lead_time_observations()


@pytest.fixture(scope="module")
def learned(observations, snapshot):
    """Estimates of suppliers and lanes by their recent past, as the desk gets them."""

    def rows(kind: str) -> pl.DataFrame:
        history = history_of(observations, snapshot, kind)
        model = backtest.final_model(history, "recent level", RECIPE)
        rate = reliability.final_rate(history, "recent rate", RECIPE)
        asked = estimates.asked(
            history,
            subjects_of(snapshot, kind),
            from_seconds(snapshot.as_of),
            RECIPE,
            stated=model.stated,
        )
        return estimates.estimate_rows(kind, asked, model, rate, name="m", version="1")

    return pl.concat([rows("supplier"), rows("lane")])


def test_the_drifting_supplier_is_late_in_estimates_and_in_its_chance(learned, truth):
    suppliers = learned.filter(kind="supplier", product="*")
    (drifting,) = suppliers.filter(subject=truth.drifting_supplier).to_dicts()
    assert drifting["p50"] > truth.drift_from_days + 3
    assert drifting["p80"] > truth.drift_from_days + 4
    assert drifting["on_time_prob"] == suppliers["on_time_prob"].min()


def test_the_wrong_lead_time_of_the_terms_is_corrected(learned, truth):
    (row,) = learned.filter(
        subject=truth.misstated_supplier, product=truth.misstated_product
    ).to_dicts()
    assert row["p50"] > 5 * truth.stated_days
    assert row["p50"] == pytest.approx(truth.true_days, rel=0.35)


def test_the_lane_with_missed_cutoffs_is_late_more_often_than_its_neighbours(
    observations, truth
):
    since = from_seconds(truth.drift_begin)
    lanes = (
        observations.filter((pl.col("kind") == "lane") & (pl.col("booked_at") >= since))
        .group_by("subject")
        .agg(pl.col("on_time").mean(), orders=pl.len())
        .filter(pl.col("orders") >= 30)
        .sort("on_time")
    )
    assert lanes["subject"][0] == truth.late_lane
    assert lanes["on_time"][0] < lanes["on_time"][1] - 0.05


def test_a_model_that_follows_the_drift_beats_the_plain_quantile(
    observations, snapshot, truth
):
    history = history_of(observations, snapshot, "supplier")
    made = backtest.backtest(history, RECIPE)
    assert made.score("recent level").loss < 0.85 * made.score(made.plain).loss
    begin = from_seconds(truth.drift_begin)
    assert made.test_to is not None
    assert made.test_to > begin


def test_every_supplier_with_terms_and_every_lane_has_an_estimate(learned, snapshot):
    have = set(learned.filter(product="*")["subject"])
    assert have == {*snapshot["supply_terms"]["supplier"], *snapshot["lanes"]["lane"]}
