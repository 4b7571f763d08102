"""Coverage over time: shares that chance allows, when they slip, and spread by key."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.predict.backtest import backtest, final_model
from medhavi.predict.coverage import (
    CHANCE,
    COVERAGE,
    coverage_by_month,
    outcomes_since,
    plain_outcomes,
    recent_coverage,
    spread,
)
from medhavi.predict.reliability import backtest_rates, final_rate
from medhavi.predict.windows import OUTCOMES
from tests.api import TrainingRecipe
from tests.predict.histories import day, drawn, steady

RECIPE = TrainingRecipe(trees=5)


@pytest.fixture(scope="module")
def history():
    return drawn(600, {"A": steady(1.0), "B": steady(1.5)})


def told(days, quantile=10.0, level="p80"):
    """Outcomes whose quantile is the same on each day."""
    rows = [
        {"subject": "A", "product": "P", "ordered_at": day(n), "known_at": day(n + 20)}
        | {"lead_days": lead, level: quantile}
        for n, lead in enumerate(days)
    ]
    return pl.DataFrame(rows, schema=OUTCOMES, orient="row")


def test_a_quantile_that_covers_as_it_says_has_not_slipped():
    (found,) = recent_coverage(told([9, 9, 9, 9, 11] * 40))
    assert (found.quantile, found.share, found.orders) == ("p80", 0.8, 60)
    assert not found.has_slipped


def test_a_quantile_that_covers_too_few_tells_since_when():
    (found,) = recent_coverage(told([9, 9, 9, 9, 11] * 30 + [11, 9] * 40))
    assert found.share == 0.5 < found.low
    assert found.since is not None
    assert abs((found.since - day(150)).days) <= 2


def test_a_quantile_that_covers_too_many_has_slipped_too():
    (found,) = recent_coverage(told([9, 9, 9, 9, 11] * 30 + [9] * 60))
    assert found.share == 1.0 > found.high
    assert found.has_slipped


def test_months_are_those_of_the_company_with_the_band_of_their_count():
    found = coverage_by_month(told([9, 9, 9, 9, 11] * 20), "Europe/Rome")
    assert dict(found.schema) == COVERAGE
    assert found["orders"].to_list() == [31, 28, 31, 10]
    first = found.row(0, named=True)
    assert first["low"] < 0.8 < first["high"]
    # The band of ten orders is the wider one.
    assert found["low"][3] < first["low"]


def test_the_plain_rule_is_watched_where_nothing_is_in_use(history):
    days = plain_outcomes(history, chances=False)
    chances = plain_outcomes(history, chances=True)
    assert days.height == chances.height > 100
    assert {one.quantile for one in recent_coverage(days)} == {"p80", "p95"}
    assert {one.quantile for one in recent_coverage(chances)} == {CHANCE}
    assert plain_outcomes(history.head(1), chances=False).is_empty()
    assert recent_coverage(plain_outcomes(history.head(1), chances=True)) == ()


def test_orders_since_a_training_are_told_as_the_kept_model_says(history):
    known = history.sort("known_at")["known_at"][400]
    before = history.filter(pl.col("known_at") <= known)
    for model in (
        final_model(before, "recent level", RECIPE),
        final_rate(before, "group", RECIPE),
    ):
        found = outcomes_since(model, history, known)
        assert found.height > 50
        assert found["ordered_at"].min() > known
        later = history.with_columns(
            lead_days=pl.when(pl.col("known_at") > day(390))
            .then(99.0)
            .otherwise("lead_days")
        )
        early = pl.col("ordered_at") < day(360)
        again = outcomes_since(model, later, known)
        columns = ["ordered_at", "subject", "p80", "on_time_prob"]
        assert (
            again.filter(early)
            .select(columns)
            .head(20)
            .equals(found.filter(early).select(columns).head(20))
        )


def test_a_comparison_keeps_the_orders_that_judge_with_what_was_told(history):
    lead, rate = backtest(history, RECIPE), backtest_rates(history, RECIPE)
    assert lead.outcomes.height == lead.tested
    assert dict(lead.outcomes.schema) == OUTCOMES
    share = (lead.outcomes["lead_days"] <= lead.outcomes["p80"]).mean()
    assert share == pytest.approx(lead.score(lead.chosen).coverage[1])
    assert rate.outcomes["on_time_prob"].mean() == pytest.approx(
        rate.score(rate.chosen).stated
    )


def test_spread_puts_what_is_told_beside_what_came(history):
    estimates = pl.DataFrame(
        [
            {"subject": name, "product": "*", "quantity": "lead_days", "basis": "group"}
            | {"p50": 10.0, "p80": 12.0, "p95": 14.0, "on_time_prob": 0.5}
            for name in ("A", "B", "NOBODY")
        ]
    )
    found = spread(estimates, history, plain_outcomes(history, chances=False))
    rows = {row["subject"]: row for row in found.to_dicts()}
    assert rows["A"]["came_p50"] == pytest.approx(10.0, rel=0.1)
    assert rows["B"]["came_p50"] == pytest.approx(15.0, rel=0.1)
    assert (rows["A"]["orders"], rows["NOBODY"]["orders"]) == (60, 0)
    assert rows["B"]["within_p80"] < rows["A"]["within_p80"]
    assert rows["NOBODY"]["came_p80"] is None
