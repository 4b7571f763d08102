"""Ways to tell lead times: chosen on rolling origins, judged on later orders.

What `gate` asks of the way that was chosen decides whether it may be used: with
confidence a smaller pinball loss at p80 and p95 together than each plain quantile, and
coverages that chance allows.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import polars as pl

from medhavi.predict import calibration
from medhavi.predict.calibration import coverage, pinball, pinball_losses, wilson
from medhavi.predict.lead_time import METHODS, PLAIN, calibrated
from medhavi.predict.recipe import GATED, QUANTILES, TrainingRecipe
from medhavi.predict.windows import (
    as_it_stood,
    as_of,
    latest,
    outcomes,
    scaled,
    stated_in,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from medhavi.predict.lead_time import LeadTimeModel
    from medhavi.predict.windows import Split, Windows

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodScore:
    """How one way did on the judged orders; `fits`: it states what came."""

    method: str
    basis: str
    loss: float
    fits: bool = True

    def row(self, tested: int) -> dict[str, Any]:
        """Figures by name, of so many judged orders."""
        raise NotImplementedError

    def reason(self, plain: Any, tested: int, *, better: bool) -> str:
        """Why it may be used, or not."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(MethodScore):
    """How one way did on the judged orders.

    `loss` is pinball at p80 plus pinball at p95 [days]; `pinball` and `coverage` are
    one per quantile; `fits` tells whether the gated coverages are what chance allows.
    """

    pinball: tuple[float, ...]
    coverage: tuple[float, ...]

    def row(self, tested: int) -> dict[str, Any]:
        """Losses and coverages on so many judged orders, and the band of chance."""
        told: dict[str, Any] = {}
        for quantile, loss in zip(QUANTILES, self.pinball, strict=True):
            told[f"pinball_p{quantile * 100:.0f}"] = loss
        told["loss"] = self.loss
        for quantile, share in zip(QUANTILES, self.coverage, strict=True):
            told[f"coverage_p{quantile * 100:.0f}"] = share
        low, high = wilson(self.coverage[1], tested)
        return {
            **told,
            "coverage_p80_low": low,
            "coverage_p80_high": high,
            "fits": self.fits,
        }

    def reason(self, plain: Score, tested: int, *, better: bool) -> str:
        """Why it may be used, or not: losses and coverages."""
        shares = dict(zip(QUANTILES, self.coverage, strict=True))
        told = " and ".join(f"{shares[q]:.1%} at p{q * 100:.0f}" for q in GATED)
        losses = f"loss {self.loss:.3g} against {plain.loss:.3g} days"
        if not better:
            why = "does not beat" if self.loss >= plain.loss else "beats by chance only"
            return f"{self.method} {why} the {plain.method} quantile: {losses}"
        if not self.fits:
            return (
                f"{self.method} covers {told}, which is not chance in {tested} orders; "
                f"{losses}"
            )
        return (
            f"{self.method} beats the {plain.method} quantile: {losses}; covers {told}"
        )


S = TypeVar("S", bound=MethodScore)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Generic[S]):
    """All ways on one history, and which may be used.

    `chosen` is the candidate with the least loss on the origins that choose, of those
    whose coverage fits there, else of all. `promotable` says whether it may be used;
    `reason` says why or why not. `gain` is 1 - loss / loss of the best plain quantile,
    on the judged orders; `upper` the largest upper bound of the difference of its loss
    to that of a plain one. `outcomes` are the judged orders with what the chosen
    way told of them, see `windows.OUTCOMES`.
    """

    scores: tuple[S, ...]
    chosen: str
    plain: str
    promotable: bool
    reason: str
    gain: float
    upper: float
    fitted: int
    calibrated: int
    chose: int
    tested: int
    test_from: dt.datetime | None
    test_to: dt.datetime | None
    outcomes: pl.DataFrame = field(compare=False, repr=False)

    def score(self, method: str) -> S:
        """Score of one way."""
        return next(score for score in self.scores if score.method == method)

    def to_frame(self) -> pl.DataFrame:
        """One row a way."""
        return pl.DataFrame(
            [
                {
                    "method": score.method,
                    "basis": score.basis,
                    **score.row(self.tested),
                    "chosen": score.method == self.chosen,
                }
                for score in self.scores
            ]
        )


def prepared(
    history: pl.DataFrame, recipe: TrainingRecipe
) -> tuple[pl.DataFrame, bool]:
    """Add scale, ratio and features to a history; tell whether it has stated times."""
    stated = stated_in(history)
    rows = scaled(history, stated=stated)
    return as_of(rows, rows, recipe), stated


def backtest(
    history: pl.DataFrame | Sequence[Mapping[str, object]],
    recipe: TrainingRecipe = TrainingRecipe(),  # noqa: B008 - it is frozen
    *,
    cut: Callable[[pl.DataFrame, TrainingRecipe], Split] = windows,
) -> Comparison[Score]:
    """Choose a way on rolling origins and judge it on later orders.

    Parameters
    ----------
    history
        Observations, a frame or one mapping each; columns of `windows.HISTORY`.
    cut
        Cuts them into windows; by time, unless the data have none.
    """
    told = pl.DataFrame(history, infer_schema_length=None)
    rows, stated = prepared(told, recipe)
    taken = cut(rows, recipe)
    names = [name for name in METHODS if stated or name != "plain days"]
    candidates = [name for name in names if name not in PLAIN]
    chosen = _chosen(candidates, taken.choose, recipe, stated=stated)
    judge = taken.judge
    said = {name: _said(name, judge, recipe, stated=stated) for name in names}
    scores = tuple(_score(name, said[name], judge.test, recipe) for name in names)
    return compared(scores, chosen, said, taken, recipe, plains=PLAIN, losses=_losses)


def compared(
    scores: tuple[S, ...],
    chosen: str,
    said: Mapping[str, Floats],
    taken: Split,
    recipe: TrainingRecipe,
    *,
    plains: Collection[str],
    losses: Callable[[Floats, pl.DataFrame], Floats],
) -> Comparison[S]:
    """Compare the chosen way with each plain one on the judged orders.

    Parameters
    ----------
    said
        What each way told of the judged orders.
    plains
        Names of the plain ways.
    losses
        Loss of each order, of what a way told of it.
    """
    judge = taken.judge
    plain = min(
        (score for score in scores if score.method in plains),
        key=lambda score: score.loss,
    )
    best = next(score for score in scores if score.method == chosen)
    lost = losses(said[chosen], judge.test)
    ordered = judge.test["ordered_at"]
    proof = [
        calibration.evidence(lost, losses(said[name], judge.test), ordered, recipe)
        for name in said
        if name in plains
    ]
    chose = sum(each.test.height for each in taken.choose)
    better = bool(chose) and all(each.better for each in proof)
    return Comparison(
        scores=scores,
        chosen=chosen,
        plain=plain.method,
        promotable=better and best.fits,
        reason=best.reason(plain, judge.test.height, better=better),
        gain=1.0 - best.loss / plain.loss if plain.loss else 0.0,
        upper=max(each.upper for each in proof),
        fitted=judge.fit.height,
        calibrated=judge.calibrate.height,
        chose=chose,
        tested=judge.test.height,
        test_from=ordered.min(),  # type: ignore[arg-type]
        test_to=ordered.max(),  # type: ignore[arg-type]
        outcomes=outcomes(judge.test, said[chosen]),
    )


def _chosen(
    candidates: Sequence[str],
    origins: Iterable[Windows],
    recipe: TrainingRecipe,
    *,
    stated: bool,
) -> str:
    """Name of the candidate with the least loss over all origins together."""
    told = [
        (
            each.test,
            {name: _said(name, each, recipe, stated=stated) for name in candidates},
        )
        for each in origins
    ]
    if not told:
        return candidates[0]
    tests = pl.concat([test for test, _ in told])
    scores = [
        _score(name, np.concatenate([said[name] for _, said in told]), tests, recipe)
        for name in candidates
    ]
    fitting = [score for score in scores if score.fits]
    return min(fitting or scores, key=lambda score: score.loss).method


def _said(name: str, taken: Windows, recipe: TrainingRecipe, *, stated: bool) -> Floats:
    """Quantiles that a way would have told of the test [days], shape (n, 3)."""
    model = calibrated(name, taken.fit, taken.calibrate, recipe, stated=stated)
    return as_it_stood(model, taken)


def _losses(said: Floats, test: pl.DataFrame) -> Floats:
    """Pinball loss of each order over the gated quantiles [days], shape (n,)."""
    actual: Floats = test["lead_days"].to_numpy()
    parts = [
        pinball_losses(actual, said[:, place], quantile)
        for place, quantile in enumerate(QUANTILES)
        if quantile in GATED
    ]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def _score(
    name: str, said: Floats, test: pl.DataFrame, recipe: TrainingRecipe
) -> Score:
    actual: Floats = test["lead_days"].to_numpy()
    losses = tuple(
        pinball(actual, said[:, place], quantile)
        for place, quantile in enumerate(QUANTILES)
    )
    shares = tuple(coverage(actual, said[:, place]) for place in range(len(QUANTILES)))
    pairs = list(zip(QUANTILES, losses, shares, strict=True))
    return Score(
        method=name,
        basis=METHODS[name].basis,
        loss=sum(loss for quantile, loss, _ in pairs if quantile in GATED),
        pinball=losses,
        coverage=shares,
        fits=all(
            calibration.covers(share, quantile, test.height, recipe)
            for quantile, _, share in pairs
            if quantile in GATED
        ),
    )


def final_model(
    history: pl.DataFrame, name: str, recipe: TrainingRecipe
) -> LeadTimeModel:
    """Fit a way on all that is known; the latest part calibrates."""
    rows, stated = prepared(history, recipe)
    fit, calibrate = latest(rows, recipe.calibrate_share)
    return calibrated(name, fit, calibrate, recipe, stated=stated)
