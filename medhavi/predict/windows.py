"""Windows in order of time: fit, calibrate, choose on rolling origins, judge later."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from medhavi.predict.recipe import TrainingRecipe

_SETTLED = 0.99
"""Orders younger than this quantile of lead times are not judged: of them only the
fast ones are known, which would flatter every model."""


class Windows(NamedTuple):
    """Observations by what may be done with them at one origin.

    `fit` and `calibrate` were known before the first order of `test` was placed;
    `under_way` had been placed by then and became known later. What is known on a day
    of the test is `outcomes` up to it.
    """

    fit: pl.DataFrame
    calibrate: pl.DataFrame
    under_way: pl.DataFrame
    test: pl.DataFrame

    def outcomes(self, *, since_fit: bool = False) -> pl.DataFrame:
        """All observations in the order in which they became known.

        Parameters
        ----------
        since_fit
            Without those of `fit`.
        """
        parts = [self.calibrate, self.under_way, self.test]
        if not since_fit:
            parts.insert(0, self.fit)
        return pl.concat(parts).sort("known_at", "ordered_at", "subject", "product")


class Split(NamedTuple):
    """Origins that choose between the ways, and the later one that judges the choice.

    No order of `judge.test` is in a window of `choose`, and all that `choose` holds was
    known before the first of them was placed.
    """

    choose: tuple[Windows, ...]
    judge: Windows


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


def windows(history: pl.DataFrame, recipe: TrainingRecipe) -> Split:
    """Cut a history by time."""
    ordered = history.sort("ordered_at", "known_at", "subject", "product")
    settled = _settled(ordered)
    if settled.is_empty():
        return Split((), Windows(settled, settled, settled, settled))
    begin = _begin(settled, recipe.test_share)
    judge = _origin(ordered, settled, begin, None, recipe)
    known = ordered.filter(pl.col("known_at") < begin)
    return Split(_origins(known, recipe), judge)


def _origins(known: pl.DataFrame, recipe: TrainingRecipe) -> tuple[Windows, ...]:
    """Origins among the latest orders of what was known, each up to the next."""
    settled = _settled(known)
    if settled.is_empty():
        return ()
    share = recipe.choose_share
    begins = [
        _begin(settled, share * (recipe.origins - number) / recipe.origins)
        for number in range(recipe.origins)
    ]
    ends = [*begins[1:], None]
    found = [
        _origin(known, settled, begin, end, recipe)
        for begin, end in zip(begins, ends, strict=True)
    ]
    return tuple(
        each
        for each in found
        if each.fit.height and each.calibrate.height and each.test.height
    )


def _settled(ordered: pl.DataFrame) -> pl.DataFrame:
    """Orders old enough that slow ones are known as well as fast ones."""
    if ordered.is_empty():
        return ordered
    longest = ordered["lead_days"].quantile(_SETTLED) or 0.0
    newest: dt.datetime = ordered["known_at"].max()  # type: ignore[assignment]
    limit = newest - dt.timedelta(days=longest)
    return ordered.filter(pl.col("ordered_at") <= limit)


def _begin(settled: pl.DataFrame, share: float) -> dt.datetime:
    """Instant from which the latest `share` of the orders was placed."""
    place = min(int(settled.height * (1.0 - share)), settled.height - 1)
    begin: dt.datetime = settled["ordered_at"][place]
    return begin


def _origin(
    ordered: pl.DataFrame,
    settled: pl.DataFrame,
    begin: dt.datetime,
    end: dt.datetime | None,
    recipe: TrainingRecipe,
) -> Windows:
    known = ordered.filter(pl.col("known_at") < begin)
    fit, calibrate = latest(known, recipe.calibrate_share)
    test = settled.filter(pl.col("ordered_at") >= begin)
    if end is not None:
        test = test.filter(pl.col("ordered_at") < end)
    placed = pl.col("ordered_at") < begin
    under_way = ordered.filter(placed & (pl.col("known_at") >= begin))
    return Windows(fit, calibrate, under_way, test)
