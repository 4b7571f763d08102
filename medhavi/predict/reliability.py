"""The chance to be on time: the plain rate, rates of groups, and learned models.

Scored by Brier (1950) on later orders. Only what beats the plain rate may be used.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from medhavi.predict.backtest import prepared
from medhavi.predict.calibration import Bin, brier, reliability_curve
from medhavi.predict.recipe import Recipe
from medhavi.predict.threads import one_thread
from medhavi.predict.windows import latest, windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from medhavi.predict.lead_time import Basis
    from medhavi.predict.windows import Windows

    Floats = NDArray[np.float64]

NUMBERS = ("log_level", "late_share", "log_seen", "log_qty", "log_scale", "month")
_EDGE = 1e-4
_SMOOTH = 20.0
"""Orders that the rate of all counts as, when a group's rate is drawn to it."""


class RateMethod(Protocol):
    """Chances to be on time from features of orders."""

    name: str
    basis: Basis

    def __init__(self, recipe: Recipe) -> None: ...

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Learn from orders; the later ones may calibrate."""

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Give probabilities, shape (n,)."""
        ...

    def state(self) -> dict[str, Any]:
        """Give what was learned, in plain values and estimators."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` gave."""
        ...


class PlainRate:
    """The share of all orders that were on time."""

    name = "plain"
    basis: Basis = "global"

    def __init__(self, recipe: Recipe) -> None:  # noqa: ARG002 - like the others
        self._rate = 0.5

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Take the share of both windows."""
        self._rate = _share(pl.concat([rows["on_time"], later["on_time"]]))

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Give the same for each row."""
        return np.full(rows.height, self._rate)

    def state(self) -> dict[str, Any]:
        """Give the rate."""
        return {"rate": self._rate}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the rate."""
        self._rate = float(state["rate"])


class GroupRate:
    """The share of a subject, drawn to the share of all."""

    name = "group"
    basis: Basis = "group"

    def __init__(self, recipe: Recipe) -> None:  # noqa: ARG002 - like the others
        self._rates: dict[str, float] = {}
        self._rate = 0.5

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Count both windows."""
        both = pl.concat([rows, later]).select("subject", "on_time")
        self._rate = _share(both["on_time"])
        counts = both.group_by("subject").agg(
            times=pl.col("on_time").sum(), count=pl.len()
        )
        self._rates = {
            subject: (times + _SMOOTH * self._rate) / (count + _SMOOTH)
            for subject, times, count in counts.sort("subject").iter_rows()
        }

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Give the share of each subject; that of all where it is unknown."""
        return np.array([self._rates.get(s, self._rate) for s in rows["subject"]])

    def state(self) -> dict[str, Any]:
        """Give the shares."""
        return {"rates": self._rates, "rate": self._rate}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the shares."""
        self._rates, self._rate = dict(state["rates"]), float(state["rate"])


class RecentRate:
    """The share of the subject's last orders, drawn to that of all."""

    name = "recent rate"
    basis: Basis = "group"

    def __init__(self, recipe: Recipe) -> None:
        """Nothing to set: the feature knows it."""

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Learn nothing: the feature knows it."""

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Give what the feature says."""
        late: Floats = rows["late_share"].to_numpy()
        return 1.0 - late

    def state(self) -> dict[str, Any]:
        """Give nothing."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take nothing."""


class _Learned:
    """A classifier on features, its log odds straightened on later orders."""

    name = ""
    basis: Basis = "model"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._model: Any = None
        self._line = (0.0, 1.0)

    def _classifier(self) -> Any:
        raise NotImplementedError

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Fit on the earlier orders, straighten on the later ones (Platt, 1999)."""
        from sklearn.linear_model import LogisticRegression

        outcome = rows["on_time"].to_numpy().astype(int)
        if outcome.min() == outcome.max():
            # Nothing to tell apart: every order of this past had the same end.
            self._model, self._line = None, (_log_odds(float(outcome.mean())), 0.0)
            return
        with one_thread():
            self._model = self._classifier().fit(_inputs(rows), outcome)
        seen = later["on_time"].to_numpy().astype(int)
        if len(seen) and seen.min() != seen.max():
            line = LogisticRegression(C=1e3).fit(self._odds(later)[:, None], seen)
            self._line = (float(line.intercept_[0]), float(line.coef_[0, 0]))

    def _odds(self, rows: pl.DataFrame) -> Floats:
        with one_thread():
            chances = self._model.predict_proba(_inputs(rows))[:, 1]
        clipped = np.clip(chances, _EDGE, 1 - _EDGE)
        return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Give the straightened chances."""
        first, slope = self._line
        odds = np.zeros(rows.height) if self._model is None else self._odds(rows)
        return np.asarray(1.0 / (1.0 + np.exp(-(first + slope * odds))))

    def state(self) -> dict[str, Any]:
        """Give classifier and line."""
        return {"model": self._model, "line": list(self._line)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take classifier and line."""
        self._model, self._line = state["model"], (state["line"][0], state["line"][1])


class LogisticRate(_Learned):
    """Logistic regression on standardised features."""

    name = "logistic"

    def _classifier(self) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


class BoostedRate(_Learned):
    """Gradient-boosted trees."""

    name = "boosting"

    def _classifier(self) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        recipe = self._recipe
        return HistGradientBoostingClassifier(
            max_iter=recipe.trees,
            max_leaf_nodes=recipe.leaves,
            learning_rate=recipe.learning_rate,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=recipe.seed,
        )


RATES: dict[str, type[RateMethod]] = {
    method.name: method
    for method in (PlainRate, GroupRate, RecentRate, LogisticRate, BoostedRate)
}
"""Every way by name, the plain rate first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateModel:
    """A fitted way to tell the chance to be on time."""

    method: RateMethod
    stated: bool
    recipe: Recipe

    def predict(self, rows: pl.DataFrame) -> Floats:
        """Give probabilities, shape (n,); `rows` are of `features.as_of`."""
        return np.clip(self.method.chances(rows), 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateScore:
    """Brier score of one way, and what it stated against what came."""

    method: str
    basis: str
    loss: float
    stated: float
    observed: float
    curve: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateComparison:
    """All ways on one history; fields as in `backtest.Comparison`."""

    scores: tuple[RateScore, ...]
    chosen: str
    promotable: bool
    reason: str
    gain: float
    fitted: int
    calibrated: int
    tested: int
    test_from: dt.datetime | None
    test_to: dt.datetime | None
    plain: str = PlainRate.name

    def score(self, method: str) -> RateScore:
        """Give the score of one way."""
        return next(score for score in self.scores if score.method == method)

    def to_frame(self) -> pl.DataFrame:
        """Give one row a way."""
        return pl.DataFrame(
            [
                {
                    "method": score.method,
                    "basis": score.basis,
                    "brier": score.loss,
                    "stated": score.stated,
                    "observed": score.observed,
                    "chosen": score.method == self.chosen,
                }
                for score in self.scores
            ]
        )


def compare_rates(
    history: pl.DataFrame,
    recipe: Recipe,
    *,
    cut: Callable[[pl.DataFrame, Recipe], Windows] = windows,
) -> RateComparison:
    """Fit every way on the past and score it on later orders.

    Observations whose `on_time` is not known are left out.
    """
    rows, _ = prepared(history.filter(pl.col("on_time").is_not_null()), recipe)
    taken = cut(rows, recipe)
    scores = []
    happened = taken.test["on_time"].to_numpy().astype(bool)
    for name, make in RATES.items():
        method = make(recipe)
        method.fit(taken.fit, taken.calibrate)
        chances = method.chances(taken.test)
        scores.append(
            RateScore(
                method=name,
                basis=method.basis,
                loss=brier(happened, chances),
                stated=float(chances.mean()),
                observed=float(happened.mean()),
                curve=reliability_curve(happened, chances),
            )
        )
    plain, *candidates = scores
    best = min(candidates, key=lambda score: score.loss)
    better = best.loss < plain.loss
    verb = "beats" if better else "does not beat"
    return RateComparison(
        scores=tuple(scores),
        chosen=best.method,
        promotable=better,
        reason=(
            f"{best.method} {verb} the plain rate: Brier {best.loss:.4f} against "
            f"{plain.loss:.4f}"
        ),
        gain=1.0 - best.loss / plain.loss if plain.loss else 0.0,
        fitted=taken.fit.height,
        calibrated=taken.calibrate.height,
        tested=taken.test.height,
        test_from=taken.test["ordered_at"].min(),  # type: ignore[arg-type]
        test_to=taken.test["ordered_at"].max(),  # type: ignore[arg-type]
    )


def final_rate(history: pl.DataFrame, name: str, recipe: Recipe) -> RateModel:
    """Fit a way on all that is known; the latest part straightens."""
    rows, stated = prepared(history.filter(pl.col("on_time").is_not_null()), recipe)
    fit, later = latest(rows, recipe.calibrate_share)
    method = RATES[name](recipe)
    method.fit(fit, later)
    return RateModel(method=method, stated=stated, recipe=recipe)


def _inputs(rows: pl.DataFrame) -> Floats:
    """Give the features of the learned ways, shape (n, 6)."""
    return (
        rows.select(
            log_level=pl.col("level").log(),
            late_share="late_share",
            log_seen=(pl.col("seen") + 1).log(),
            log_qty="log_qty",
            log_scale=pl.col("scale").log(),
            month="month",
        )
        .select(NUMBERS)
        .to_numpy()
        .astype(np.float64)
    )


def _share(on_time: pl.Series) -> float:
    return float(on_time.sum()) / max(len(on_time), 1)


def _log_odds(share: float) -> float:
    clipped = min(max(share, _EDGE), 1 - _EDGE)
    return math.log(clipped / (1 - clipped))
