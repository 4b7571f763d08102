"""Three windows in order of time: fit, calibrate, and a later one to judge on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from medhavi.predict.recipe import Recipe

_SETTLED = 0.99
"""Orders younger than this quantile of lead times are not judged: of them only the
fast ones are known, which would flatter every model."""


class Windows(NamedTuple):
    """Observations by what may be done with them.

    `fit` and `calibrate` were known before the first order of `test` was placed.
    """

    fit: pl.DataFrame
    calibrate: pl.DataFrame
    test: pl.DataFrame


def latest(known: pl.DataFrame, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut rows by `known_at` into older ones and the latest `share`."""
    known = known.sort("known_at", "ordered_at", "subject", "product")
    if known.is_empty():
        return known, known
    place = min(int(known.height * (1.0 - share)), known.height - 1)
    cut = known["known_at"][place]
    return known.filter(pl.col("known_at") < cut), known.filter(
        pl.col("known_at") >= cut
    )


def windows(history: pl.DataFrame, recipe: Recipe) -> Windows:
    """Cut a history by time.

    Orders still under way when the test begins belong to no window.
    """
    ordered = history.sort("ordered_at", "known_at", "subject", "product")
    settled = ordered
    if ordered.height:
        longest = ordered["lead_days"].quantile(_SETTLED) or 0.0
        newest: dt.datetime = ordered["known_at"].max()  # type: ignore[assignment]
        limit = newest - dt.timedelta(days=longest)
        settled = ordered.filter(pl.col("ordered_at") <= limit)
    if settled.is_empty():
        return Windows(settled, settled, settled)
    place = min(int(settled.height * (1.0 - recipe.test_share)), settled.height - 1)
    begin = settled["ordered_at"][place]
    known = ordered.filter(pl.col("known_at") < begin)
    fit, calibrate = latest(known, recipe.calibrate_share)
    return Windows(fit, calibrate, settled.filter(pl.col("ordered_at") >= begin))
