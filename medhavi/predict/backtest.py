"""Candidates against the plain quantile on later orders, and the verdict.

A candidate may be used only if its pinball loss at p80 and p95 together is below that
of every plain quantile, and if both its coverages are within the tolerance. Candidates
are chosen and judged on the same window: of three, the choice flatters a little.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.predict import features
from medhavi.predict.calibration import coverage, pinball, wilson
from medhavi.predict.lead_time import METHODS, PLAIN, calibrated
from medhavi.predict.recipe import GATED, QUANTILES
from medhavi.predict.rolling import as_it_stood
from medhavi.predict.windows import latest, windows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from medhavi.predict.lead_time import LeadTimeModel
    from medhavi.predict.recipe import Recipe
    from medhavi.predict.windows import Windows

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one way did on the later window.

    `loss` is pinball at p80 plus pinball at p95 [days]; `pinball` and `coverage` are
    one per quantile; `fits` tells whether coverage is within the tolerance.
    """

    method: str
    basis: str
    loss: float
    pinball: tuple[float, ...]
    coverage: tuple[float, ...]
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All ways on one history, and which may be used.

    `chosen` is the candidate with the least loss among those that fit, else among all.
    `promotable` says whether it may be used; `reason` says why or why not. `gain` is
    1 - loss / loss of the best plain quantile.
    """

    scores: tuple[Score, ...]
    chosen: str
    plain: str
    promotable: bool
    reason: str
    gain: float
    fitted: int
    calibrated: int
    tested: int
    test_from: dt.datetime | None
    test_to: dt.datetime | None

    def score(self, method: str) -> Score:
        """Give the score of one way."""
        return next(score for score in self.scores if score.method == method)

    def to_frame(self) -> pl.DataFrame:
        """Give one row a way: losses and coverages, and the band of what is seen."""
        rows: list[dict[str, Any]] = []
        for score in self.scores:
            row: dict[str, Any] = {"method": score.method, "basis": score.basis}
            for quantile, loss in zip(QUANTILES, score.pinball, strict=True):
                row[f"pinball_p{quantile * 100:.0f}"] = loss
            row["loss"] = score.loss
            for quantile, share in zip(QUANTILES, score.coverage, strict=True):
                row[f"coverage_p{quantile * 100:.0f}"] = share
            row["coverage_p80_low"], row["coverage_p80_high"] = wilson(
                score.coverage[1], self.tested
            )
            row["fits"] = score.fits
            row["chosen"] = score.method == self.chosen
            rows.append(row)
        return pl.DataFrame(rows)


def prepared(history: pl.DataFrame, recipe: Recipe) -> tuple[pl.DataFrame, bool]:
    """Add scale, ratio and features to a history; tell whether it has stated times."""
    stated = features.stated_in(history)
    scaled = features.scaled(history, stated=stated)
    return features.as_of(scaled, scaled, recipe), stated


def compare(
    history: pl.DataFrame,
    recipe: Recipe,
    *,
    cut: Callable[[pl.DataFrame, Recipe], Windows] = windows,
) -> Comparison:
    """Fit every way on the past and score it on later orders.

    Parameters
    ----------
    history
        Observations, columns of `features.HISTORY`.
    cut
        Gives the windows; by time, unless the data have none.
    """
    rows, stated = prepared(history, recipe)
    taken = cut(rows, recipe)
    scores = tuple(
        _scored(
            calibrated(name, taken.fit, taken.calibrate, recipe, stated=stated), taken
        )
        for name in METHODS
        if stated or name != "plain days"
    )
    plain = min(
        (score for score in scores if score.method in PLAIN),
        key=lambda score: score.loss,
    )
    candidates = [score for score in scores if score.method not in PLAIN]
    fitting = [score for score in candidates if score.fits]
    best = min(fitting or candidates, key=lambda score: score.loss)
    return Comparison(
        scores=scores,
        chosen=best.method,
        plain=plain.method,
        promotable=best.fits and best.loss < plain.loss,
        reason=_reason(best, plain, recipe),
        gain=1.0 - best.loss / plain.loss if plain.loss else 0.0,
        fitted=taken.fit.height,
        calibrated=taken.calibrate.height,
        tested=taken.test.height,
        test_from=taken.test["ordered_at"].min(),  # type: ignore[arg-type]
        test_to=taken.test["ordered_at"].max(),  # type: ignore[arg-type]
    )


def _scored(model: LeadTimeModel, taken: Windows) -> Score:
    actual: Floats = taken.test["lead_days"].to_numpy()
    predicted = as_it_stood(model, taken)
    losses = tuple(
        pinball(actual, predicted[:, place], quantile)
        for place, quantile in enumerate(QUANTILES)
    )
    shares = tuple(
        coverage(actual, predicted[:, place]) for place in range(len(QUANTILES))
    )
    by_quantile = dict(zip(QUANTILES, zip(losses, shares, strict=True), strict=True))
    # A hair of slack: 0.83 is within 0.03 of 0.8, whatever binary makes of it.
    limit = model.recipe.coverage_tolerance + 1e-9
    return Score(
        method=model.method.name,
        basis=model.method.basis,
        loss=sum(by_quantile[quantile][0] for quantile in GATED),
        pinball=losses,
        coverage=shares,
        fits=all(abs(by_quantile[q][1] - q) <= limit for q in GATED),
    )


def _reason(best: Score, plain: Score, recipe: Recipe) -> str:
    shares = dict(zip(QUANTILES, best.coverage, strict=True))
    told = " and ".join(f"{shares[q]:.1%} at p{q * 100:.0f}" for q in GATED)
    losses = f"loss {best.loss:.3g} against {plain.loss:.3g} days"
    if best.loss >= plain.loss:
        return f"{best.method} does not beat the {plain.method} quantile: {losses}"
    if not best.fits:
        points = f"{recipe.coverage_tolerance * 100:g} points"
        return f"{best.method} covers {told}, more than {points} off; {losses}"
    return f"{best.method} beats the {plain.method} quantile: {losses}; covers {told}"


def final_model(history: pl.DataFrame, name: str, recipe: Recipe) -> LeadTimeModel:
    """Fit a way on all that is known; the latest part calibrates."""
    rows, stated = prepared(history, recipe)
    fit, calibrate = latest(rows, recipe.calibrate_share)
    return calibrated(name, fit, calibrate, recipe, stated=stated)
