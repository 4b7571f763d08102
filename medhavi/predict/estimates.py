"""Rows of table `estimates`: what is expected of every supplier and lane from now on.

What is asked about is treated as an order placed now: its level and habits are those of
today. A subject that nobody has observed gets the values of all, and says so (`basis`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.predict import windows
from medhavi.predict.lead_time import METHODS, LeadTimeModel
from medhavi.predict.recipe import TrainingRecipe
from medhavi.predict.reliability import RATES, RateModel

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np
    from numpy.typing import NDArray


EVERY_PRODUCT = "*"
_DIGITS = 4


def asked(
    history: pl.DataFrame,
    subjects: pl.DataFrame,
    now: dt.datetime,
    recipe: TrainingRecipe,
    *,
    stated: bool,
) -> pl.DataFrame:
    """One row of features for each subject and product, as of now.

    Parameters
    ----------
    history
        Observations, columns of `features.HISTORY`.
    subjects
        `subject`, `product` (* = all) and `stated_days`, which may be empty.
    now
        When the answers are to hold.
    stated
        Whether the model learned actual over stated times.

    Notes
    -----
    The scale is what was stated for the last observed orders, not what is stated now:
    a ratio of 7 was earned by terms that may have been corrected since.
    """
    own = _usual(history, ["subject", "product"], recipe)
    whole = _usual(history, ["subject"], recipe).rename(
        {"usual_stated": "subject_stated", "usual_qty": "subject_qty"}
    )
    every = pl.col("product") == EVERY_PRODUCT
    rows = (
        subjects.join(own, on=["subject", "product"], how="left", maintain_order="left")
        .join(whole, on="subject", how="left", maintain_order="left")
        .select(
            "subject",
            "product",
            qty=pl.coalesce("usual_qty", "subject_qty"),
            ordered_at=pl.lit(now, dtype=windows.HISTORY["ordered_at"]),
            stated_days=pl.coalesce(
                "usual_stated",
                pl.when(every).then("subject_stated"),
                "stated_days",
                "subject_stated",
            ),
        )
    )
    if stated:
        rows = rows.filter(pl.col("stated_days") > 0)
    scaled = windows.scaled(rows, stated=stated)
    told = windows.scaled(history, stated=stated)
    return windows.as_of(told, scaled, recipe)


def _usual(
    history: pl.DataFrame, by: list[str], recipe: TrainingRecipe
) -> pl.DataFrame:
    """Stated time and quantity of the last observed orders of each group."""
    return (
        history.sort("known_at", "ordered_at", "subject", "product", "lead_days")
        .group_by(by, maintain_order=True)
        .agg(
            usual_stated=pl.col("stated_days").tail(recipe.memory).median(),
            usual_qty=pl.col("qty").tail(recipe.memory).median(),
        )
    )


def estimate_rows(
    kind: str,
    rows: pl.DataFrame,
    model: LeadTimeModel,
    rate: RateModel,
    *,
    name: str,
    version: str,
) -> pl.DataFrame:
    """Rows of table `estimates` for what `asked` prepared.

    Parameters
    ----------
    kind
        supplier or lane.
    name, version
        Of the model that gave the quantiles, as registered.
    """
    quantiles = model.predict(rows)
    return rows.select(
        kind=pl.lit(kind),
        subject="subject",
        product="product",
        quantity=pl.lit("lead_days"),
        p50=pl.Series(quantiles[:, 0]).round(_DIGITS),
        p80=pl.Series(quantiles[:, 1]).round(_DIGITS),
        p95=pl.Series(quantiles[:, 2]).round(_DIGITS),
        on_time_prob=pl.Series(rate.predict(rows)).round(_DIGITS),
        correlation_group=pl.lit(None, dtype=pl.String),
        model=pl.lit(name),
        version=pl.lit(version),
        basis=pl.Series(model.method.bases(rows), dtype=pl.String),
    ).sort("kind", "subject", "product")


LEAD_TIME = "lead_time"
RELIABILITY = "reliability"
KINDS = (LEAD_TIME, RELIABILITY)
"""Kinds of predictors."""

TEXTS = ("subject", "product")
NUMBERS = ("scale", "level", "seen", "own", "late_share", "log_qty", "month")
"""Columns that a predictor reads; `predict` takes rows with all of them."""
OUTPUTS = {LEAD_TIME: ("p50", "p80", "p95"), RELIABILITY: ("on_time_prob",)}
"""Columns that it gives, by kind; quantiles in days."""

Predictor = LeadTimeModel | RateModel


def bundle_of(model: Predictor) -> dict[str, Any]:
    """Predictor as plain values and estimators.

    The two directions give equal predictions: predictor_of(bundle_of(m)) is m.
    """
    kind = LEAD_TIME if isinstance(model, LeadTimeModel) else RELIABILITY
    return {
        "kind": kind,
        "method": model.method.name,
        "stated": model.stated,
        "recipe": asdict(model.recipe),
        "state": model.method.state(),
        "calibration": _calibration(model),
    }


def _calibration(model: Predictor) -> dict[str, Any]:
    if not isinstance(model, LeadTimeModel):
        return {}
    return {"factors": list(model.factors), "fitted_until": model.fitted_until}


def predictor_of(bundle: dict[str, Any]) -> Predictor:
    """Predictor that `bundle_of` took apart."""
    recipe = TrainingRecipe(**bundle["recipe"])
    stated = bool(bundle["stated"])
    if bundle["kind"] == LEAD_TIME:
        method = METHODS[bundle["method"]](recipe)
        method.restore(bundle["state"])
        return LeadTimeModel(
            method=method,
            factors=tuple(bundle["calibration"]["factors"]),
            stated=stated,
            recipe=recipe,
            fitted_until=bundle["calibration"]["fitted_until"],
        )
    rate = RATES[bundle["method"]](recipe)
    rate.restore(bundle["state"])
    return RateModel(method=rate, stated=stated, recipe=recipe)


def outputs(model: Predictor, rows: pl.DataFrame) -> NDArray[np.float64]:
    """What a predictor says, shape (n, outputs of its kind)."""
    if isinstance(model, LeadTimeModel):
        return model.predict(rows)
    return model.predict(rows)[:, None]
