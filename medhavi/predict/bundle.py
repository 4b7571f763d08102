"""Fitted predictors as plain values, and back: what a registry keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medhavi.predict.lead_time import METHODS, LeadTimeModel
from medhavi.predict.recipe import TrainingRecipe
from medhavi.predict.reliability import RATES, RateModel

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

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
