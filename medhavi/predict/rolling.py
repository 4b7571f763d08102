"""What each way would have said on the day of each order, as its model stood then.

A model is fitted once, before the first order that is judged. Its factors, like the
features of the orders and like the plain quantiles, follow what became known since:
publishing estimates does exactly that every time. Adjusting to the newest outcomes
keeps coverage under drift, after Gibbs and Candès, *Adaptive Conformal Inference Under
Distribution Shift*, 2021 (arXiv 2106.00170), here by a sliding window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.predict.calibration import factors_of
from medhavi.predict.lead_time import PlainQuantile
from medhavi.predict.recipe import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.predict.lead_time import LeadTimeModel
    from medhavi.predict.windows import Windows

    Floats = NDArray[np.float64]


def as_it_stood(model: LeadTimeModel, taken: Windows) -> Floats:
    """P50, p80, p95 in days for the orders of the test, shape (n, 3).

    Parameters
    ----------
    model
        Fitted before the test began.
    taken
        The windows that it was fitted on, with the test.
    """
    plain = isinstance(model.method, PlainQuantile)
    pool = taken.outcomes(since_fit=not plain)
    raw = np.ones((pool.height, 3)) if plain else model.method.quantiles(pool)
    gone = pool["known_at"].cast(pl.Int64).to_numpy()
    asked = taken.test["ordered_at"].cast(pl.Int64).to_numpy()
    upto = np.searchsorted(gone, asked, side="right")
    scale: Floats = taken.test["scale"].to_numpy()
    if plain:
        values = _plain_values(model.method, pool)
        said = np.array([_quantiles(values, count) for count in upto.tolist()])
        return said * (1.0 if model.method.name == "plain days" else scale[:, None])
    ratios = pool["ratio"].to_numpy()[:, None] / raw
    window = model.recipe.window
    known: dict[int, Floats] = {}
    for count in upto.tolist():
        if count not in known:
            known[count] = factors_of(ratios[max(0, count - window) : count])
    factors = np.array([known[count] for count in upto.tolist()])
    said = np.sort(model.method.quantiles(taken.test) * factors, axis=1)
    return np.asarray(said * scale[:, None], dtype=np.float64)


def recalibrated(model: LeadTimeModel, rows: pl.DataFrame) -> LeadTimeModel:
    """Adjust a model to what became known since it was fitted.

    Parameters
    ----------
    rows
        All observations with features; those known before the end of the fit are left
        out, of the others the newest `recipe.window` count. Too few change nothing.
    """
    from dataclasses import replace

    later = rows.filter(pl.col("known_at").cast(pl.Int64) >= model.fitted_until)
    later = later.sort("known_at", "ordered_at", "subject", "product")
    newest = later.tail(model.recipe.window)
    if isinstance(model.method, PlainQuantile) or newest.height < model.recipe.window:
        return model
    ratios = newest["ratio"].to_numpy()[:, None] / model.method.quantiles(newest)
    return replace(model, factors=tuple(factors_of(ratios).tolist()))


def _plain_values(method: Any, pool: pl.DataFrame) -> Floats:
    name = "lead_days" if method.name == "plain days" else "ratio"
    values: Floats = pool[name].to_numpy()
    return values


def _quantiles(values: Floats, count: int) -> Floats:
    return np.asarray(np.quantile(values[:count], QUANTILES), dtype=np.float64)
