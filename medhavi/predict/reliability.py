"""The chance to be on time: the plain rate, rates of groups, and learned models.

Scored by Brier (1950). A way is chosen on rolling origins and judged on later orders;
only what beats the plain rate there with confidence (`gate`) may be used. The plain
rate and the rates of groups are counted anew on the day of each order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from medhavi.predict.backtest import MethodScore, compared, prepared
from medhavi.predict.calibration import Bin, brier, reliability_curve
from medhavi.predict.recipe import TrainingRecipe, one_thread
from medhavi.predict.windows import latest, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from medhavi.predict.backtest import Comparison
    from medhavi.predict.lead_time import Basis
    from medhavi.predict.windows import Split, Windows

    Floats = NDArray[np.float64]

NUMBERS = ("log_level", "late_share", "log_seen", "log_qty", "log_scale", "month")
_EDGE = 1e-4
_NEWEST = 300
"""Orders of all that the recent plain rate counts."""
_SMOOTH = 20.0
"""Orders that the rate of all counts as, when a group's rate is drawn to it."""


class RateMethod(Protocol):
    """Chances to be on time from features of orders."""

    name: str
    basis: Basis

    def __init__(self, recipe: TrainingRecipe) -> None: ...

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Learn from orders; the later ones may calibrate."""

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Probabilities, shape (n,)."""
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, in plain values and estimators."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` gave."""
        ...


class PlainRate:
    """The share of all orders that were on time."""

    name = "plain"
    basis: Basis = "global"

    def __init__(self, recipe: TrainingRecipe) -> None:  # noqa: ARG002 - like the others
        self._rate = 0.5

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Take the share of both windows."""
        self._rate = _share(pl.concat([rows["on_time"], later["on_time"]]))

    def chances(self, rows: pl.DataFrame) -> Floats:
        """Same for each row."""
        return np.full(rows.height, self._rate)

    def state(self) -> dict[str, Any]:
        """Rate."""
        return {"rate": self._rate}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the rate."""
        self._rate = float(state["rate"])


class PlainRecentRate(PlainRate):
    """The share of the newest orders that were on time."""

    name = "plain recent"

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Take the share of the newest `_NEWEST` of both windows."""
        both = pl.concat([rows, later])
        newest = both.sort("known_at", "ordered_at", "subject", "product")
        self._rate = _share(newest["on_time"].tail(_NEWEST))


class GroupRate:
    """The share of a subject, drawn to the share of all."""

    name = "group"
    basis: Basis = "group"

    def __init__(self, recipe: TrainingRecipe) -> None:  # noqa: ARG002 - like the others
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
        """Share of each subject; that of all where it is unknown."""
        return np.array([self._rates.get(s, self._rate) for s in rows["subject"]])

    def state(self) -> dict[str, Any]:
        """Shares."""
        return {"rates": self._rates, "rate": self._rate}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the shares."""
        self._rates, self._rate = dict(state["rates"]), float(state["rate"])


class RecentRate:
    """The share of the subject's last orders, drawn to that of all."""

    name = "recent rate"
    basis: Basis = "group"

    def __init__(self, recipe: TrainingRecipe) -> None:
        """Nothing to set: the feature knows it."""

    def fit(self, rows: pl.DataFrame, later: pl.DataFrame) -> None:
        """Learn nothing: the feature knows it."""

    def chances(self, rows: pl.DataFrame) -> Floats:
        """What the feature says."""
        late: Floats = rows["late_share"].to_numpy()
        return 1.0 - late

    def state(self) -> dict[str, Any]:
        """Empty state."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take nothing."""


class _Learned:
    """A classifier on features, its log odds straightened on later orders."""

    name = ""
    basis: Basis = "model"

    def __init__(self, recipe: TrainingRecipe) -> None:
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
        """Straightened chances."""
        first, slope = self._line
        odds = np.zeros(rows.height) if self._model is None else self._odds(rows)
        return np.asarray(1.0 / (1.0 + np.exp(-(first + slope * odds))))

    def state(self) -> dict[str, Any]:
        """Classifier and line."""
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
    for method in (
        PlainRate,
        PlainRecentRate,
        GroupRate,
        RecentRate,
        LogisticRate,
        BoostedRate,
    )
}
"""Every way by name, the plain rates first."""
PLAIN_RATES = (PlainRate.name, PlainRecentRate.name)
"""Names of the plain rates, each of which a candidate has to beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateModel:
    """A fitted way to tell the chance to be on time."""

    method: RateMethod
    stated: bool
    recipe: TrainingRecipe

    def predict(self, rows: pl.DataFrame) -> Floats:
        """Probabilities, shape (n,); `rows` are of `features.as_of`."""
        return np.clip(self.method.chances(rows), 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateScore(MethodScore):
    """Brier score of one way, and what it stated against what came."""

    stated: float
    observed: float
    curve: tuple[Bin, ...]

    def row(self, tested: int) -> dict[str, Any]:  # noqa: ARG002 - of all alike
        """Brier score, what was stated and what came."""
        return {"brier": self.loss, "stated": self.stated, "observed": self.observed}

    def reason(self, plain: RateScore, tested: int, *, better: bool) -> str:  # noqa: ARG002
        """Why it may be used, or not: both Brier scores."""
        verb = "beats"
        if not better:
            late = self.loss >= plain.loss
            verb = "does not beat" if late else "beats by chance only"
        return (
            f"{self.method} {verb} the {plain.method} rate: Brier {self.loss:.4f} "
            f"against {plain.loss:.4f}"
        )


def backtest_rates(
    history: pl.DataFrame | Sequence[Mapping[str, object]],
    recipe: TrainingRecipe = TrainingRecipe(),  # noqa: B008 - it is frozen
    *,
    cut: Callable[[pl.DataFrame, TrainingRecipe], Split] = windows,
) -> Comparison[RateScore]:
    """Choose a way on rolling origins and judge it on later orders.

    Observations, as of `backtest`, whose `on_time` is not known are left out.

    Parameters
    ----------
    history, recipe, cut
        As of `backtest`.

    Returns
    -------
    Comparison of RateScore
        Scores of each way; `chosen` is the one that was best before they were judged.
    """
    told = pl.DataFrame(history, infer_schema_length=None)
    rows, _ = prepared(told.filter(pl.col("on_time").is_not_null()), recipe)
    taken = cut(rows, recipe)
    candidates = [name for name in RATES if name not in PLAIN_RATES]
    chosen = _chosen(candidates, taken.choose, recipe)
    judge = taken.judge
    happened = judge.test["on_time"].to_numpy().astype(bool)
    said = {name: as_they_stood(name, judge, recipe) for name in RATES}
    scores = tuple(
        RateScore(
            method=name,
            basis=RATES[name].basis,
            loss=brier(happened, said[name]),
            stated=float(said[name].mean()),
            observed=float(happened.mean()),
            curve=reliability_curve(happened, said[name]),
        )
        for name in RATES
    )
    return compared(
        scores, chosen, said, taken, recipe, plains=PLAIN_RATES, losses=_losses
    )


def _chosen(
    candidates: Sequence[str], origins: Iterable[Windows], recipe: TrainingRecipe
) -> str:
    """Name of the candidate with the least loss over all origins together."""
    losses = dict.fromkeys(candidates, 0.0)
    for each in origins:
        happened = each.test["on_time"].to_numpy().astype(bool)
        for name in candidates:
            said = as_they_stood(name, each, recipe)
            losses[name] += float(_squares(said, happened).sum())
    return min(candidates, key=lambda name: losses[name])


def as_they_stood(name: str, taken: Windows, recipe: TrainingRecipe) -> Floats:
    """Chances that a way would have told on the day of each order, shape (n,).

    Rates that are counted follow what became known since the test began, as publishing
    estimates does; learned ones stand as they were fitted.
    """
    method = RATES[name](recipe)
    method.fit(taken.fit, taken.calibrate)
    return told_by(method, taken)


def told_by(method: RateMethod, taken: Windows) -> Floats:
    """Chances that a fitted way told on the day of each order of the test."""
    if not isinstance(method, (PlainRate, GroupRate)):
        return method.chances(taken.test)
    pool = taken.outcomes()
    gone = pool["known_at"].cast(pl.Int64).to_numpy()
    asked = taken.test["ordered_at"].cast(pl.Int64).to_numpy()
    upto = np.searchsorted(gone, asked, side="right")
    outcome = pool["on_time"].to_numpy().astype(np.float64)
    first = (
        np.maximum(upto - _NEWEST, 0)
        if isinstance(method, PlainRecentRate)
        else 0 * upto
    )
    total = np.concatenate([[0.0], np.cumsum(outcome)])
    shares = (total[upto] - total[first]) / np.maximum(upto - first, 1)
    if isinstance(method, PlainRate):
        return np.asarray(shares, dtype=np.float64)
    subjects = pool["subject"].to_numpy()
    told = taken.test["subject"].to_numpy()
    drawn = np.empty(len(told))
    for subject in np.unique(told):
        own = np.where(subjects == subject, 1.0, 0.0)
        here = told == subject
        times = np.concatenate([[0.0], np.cumsum(own * outcome)])[upto[here]]
        count = np.concatenate([[0.0], np.cumsum(own)])[upto[here]]
        drawn[here] = (times + _SMOOTH * shares[here]) / (count + _SMOOTH)
    return drawn


def _losses(said: Floats, test: pl.DataFrame) -> Floats:
    return _squares(said, test["on_time"].to_numpy().astype(bool))


def _squares(said: Floats, happened: NDArray[np.bool_]) -> Floats:
    """Squared gap of probability and outcome of each order, shape (n,)."""
    return np.asarray((said - happened.astype(float)) ** 2, dtype=np.float64)


def recounted(model: RateModel, history: pl.DataFrame) -> RateModel:
    """Count a rate of groups anew from all that is known; learned ways stay fitted."""
    if not isinstance(model.method, GroupRate):
        return model
    return final_rate(history, model.method.name, model.recipe)


def final_rate(history: pl.DataFrame, name: str, recipe: TrainingRecipe) -> RateModel:
    """Fit a way on all that is known; the latest part straightens."""
    rows, stated = prepared(history.filter(pl.col("on_time").is_not_null()), recipe)
    fit, later = latest(rows, recipe.calibrate_share)
    method = RATES[name](recipe)
    method.fit(fit, later)
    return RateModel(method=method, stated=stated, recipe=recipe)


def _inputs(rows: pl.DataFrame) -> Floats:
    """Features of the learned ways, shape (n, 6)."""
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
