"""Lead-time quantiles: ways to tell p50, p80 and p95, from plain to learned.

Each is fitted on rows of `features.as_of` and gives quantiles of `ratio`; times `scale`
they are days. `plain` looks at nothing but all ratios together: what a model must beat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import polars as pl

from medhavi.predict.calibration import factors_of
from medhavi.predict.recipe import QUANTILES, TrainingRecipe, one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Basis = Literal["model", "group", "global"]
NUMBERS = ("level", "seen", "own", "late_share", "log_qty", "month", "scale")
"""Numeric features of the boosting, beside the subject."""
_UNKNOWN = -1
_LEVEL_KNOWN = 2
"""Observations of subject and product from which their level is one."""
_MOST_SUBJECTS = 200
"""The boosting tells apart so many subjects, the most frequent ones."""


class Method(Protocol):
    """Quantiles of ratios from features of orders."""

    name: str
    basis: Basis

    def __init__(self, recipe: TrainingRecipe) -> None: ...

    def fit(self, rows: pl.DataFrame) -> None:
        """Learn from observed orders."""

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Ratios, shape (n, 3), for `QUANTILES`."""
        ...

    def bases(self, rows: pl.DataFrame) -> list[Basis]:
        """Which level gave the values of each row."""
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, in plain values and estimators."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` gave."""
        ...


class PlainQuantile:
    """One quantile of all ratios, whatever the order."""

    name = "plain"
    basis: Basis = "global"

    def __init__(self, recipe: TrainingRecipe) -> None:  # noqa: ARG002 - like the others
        self._values = [1.0, 1.0, 1.0]

    def fit(self, rows: pl.DataFrame) -> None:
        """Take the quantiles of all rows."""
        self._values = [float(q) for q in np.quantile(rows["ratio"], QUANTILES)]

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Same three for each row."""
        return np.tile(np.array(self._values), (rows.height, 1))

    def bases(self, rows: pl.DataFrame) -> list[Basis]:
        """Always global."""
        return ["global"] * rows.height

    def state(self) -> dict[str, Any]:
        """Three values."""
        return {"values": self._values}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the three values."""
        self._values = list(state["values"])


class PlainDays(PlainQuantile):
    """One quantile of all days, whatever the stated time."""

    name = "plain days"

    def fit(self, rows: pl.DataFrame) -> None:
        """Take the quantiles of all lead times."""
        self._values = [float(q) for q in np.quantile(rows["lead_days"], QUANTILES)]

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Same days for each row, as ratios of its scale."""
        scale: Floats = rows["scale"].to_numpy()
        return np.array(self._values) / scale[:, None]


class GroupQuantile:
    """Quantiles of subject and product, drawn to the subject's, drawn to all.

    A group with fewer than `min_count` observations is not asked; the group above
    counts as that many, for the p95 of a small group is chance.
    """

    name = "group"
    basis: Basis = "group"
    levels: tuple[tuple[str, ...], ...] = (("subject",), ("subject", "product"))

    def __init__(self, recipe: TrainingRecipe) -> None:
        self._recipe = recipe
        self._groups: dict[str, list[float]] = {}

    def fit(self, rows: pl.DataFrame) -> None:
        """Take the quantiles of every group that is large enough."""
        everything = [float(q) for q in np.quantile(rows["ratio"], QUANTILES)]
        self._groups = {"": everything}
        for names in self.levels:
            for key, part in rows.group_by(names, maintain_order=True):
                if part.height >= self._recipe.min_count:
                    words = [str(word) for word in key]
                    self._groups["\t".join(words)] = self._drawn(part, words[:-1])

    def _drawn(self, part: pl.DataFrame, parent: list[str]) -> list[float]:
        above = self._groups.get("\t".join(parent), self._groups[""])
        weight = self._recipe.min_count
        own = np.quantile(part["ratio"], QUANTILES)
        return [
            float((part.height * q + weight * up) / (part.height + weight))
            for q, up in zip(own, above, strict=True)
        ]

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Those of the smallest group that is known."""
        groups = self._groups
        return np.array(
            [
                groups.get(f"{subject}\t{product}") or groups.get(subject) or groups[""]
                for subject, product in rows.select("subject", "product").rows()
            ]
        ).reshape(-1, len(QUANTILES))

    def bases(self, rows: pl.DataFrame) -> list[Basis]:
        """Group where the subject has one."""
        return [
            "group"
            if subject in self._groups or f"{subject}\t{product}" in self._groups
            else "global"
            for subject, product in rows.select("subject", "product").rows()
        ]

    def state(self) -> dict[str, Any]:
        """Groups."""
        return {"groups": self._groups}

    def restore(self, state: dict[str, Any]) -> None:
        """Take the groups."""
        self._groups = dict(state["groups"])


class _SubjectSpread(GroupQuantile):
    """Quantiles of each subject, whatever the product."""

    levels = (("subject",),)


class RecentLevel:
    """The recent level of subject and product times the spread of the subject.

    It follows a supplier that drifts, which a quantile of the whole past does not.
    """

    name = "recent level"
    basis: Basis = "group"

    def __init__(self, recipe: TrainingRecipe) -> None:
        self._spread = _SubjectSpread(recipe)

    def fit(self, rows: pl.DataFrame) -> None:
        """Take the quantiles of ratio over level, where the level was known."""
        known = rows.filter(pl.col("own") >= _LEVEL_KNOWN)
        taken = known if known.height else rows
        self._spread.fit(taken.with_columns(ratio=taken["ratio"] / taken["level"]))

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Level times spread."""
        level: Floats = rows["level"].to_numpy()
        return level[:, None] * self._spread.quantiles(rows)

    def bases(self, rows: pl.DataFrame) -> list[Basis]:
        """Group where the subject was observed."""
        return ["group" if seen else "global" for seen in rows["seen"]]

    def state(self) -> dict[str, Any]:
        """Spreads."""
        return self._spread.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Take the spreads."""
        self._spread.restore(state)


class Boosting:
    """Gradient-boosted trees, one fit per quantile, of log ratio over level."""

    name = "boosting"
    basis: Basis = "model"

    def __init__(self, recipe: TrainingRecipe) -> None:
        self._recipe = recipe
        self._subjects: dict[str, int] = {}
        self._models: list[Any] = []

    def fit(self, rows: pl.DataFrame) -> None:
        """Fit three regressions with pinball loss."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        counted = rows["subject"].value_counts().sort(["count", "subject"])
        names = counted["subject"].to_list()[-_MOST_SUBJECTS:]
        self._subjects = {name: code for code, name in enumerate(sorted(names))}
        known = self._inputs(rows)
        target = np.log(rows["ratio"].to_numpy() / rows["level"].to_numpy())
        recipe = self._recipe
        with one_thread():
            self._models = [
                HistGradientBoostingRegressor(
                    loss="quantile",
                    quantile=quantile,
                    max_iter=recipe.trees,
                    max_leaf_nodes=recipe.leaves,
                    learning_rate=recipe.learning_rate,
                    min_samples_leaf=20,
                    l2_regularization=1.0,
                    categorical_features=[0],
                    early_stopping=False,
                    random_state=recipe.seed,
                ).fit(known, target)
                for quantile in QUANTILES
            ]

    def _inputs(self, rows: pl.DataFrame) -> Floats:
        codes = [self._subjects.get(name, _UNKNOWN) for name in rows["subject"]]
        # Trees treat a missing category as one of its own.
        subject = np.array([math.nan if code < 0 else code for code in codes])
        numbers = rows.select(NUMBERS).to_numpy().astype(np.float64)
        return np.column_stack([subject, numbers])

    def quantiles(self, rows: pl.DataFrame) -> Floats:
        """Level times the learned ratio."""
        level: Floats = rows["level"].to_numpy()
        known = self._inputs(rows)
        with one_thread():
            return np.column_stack(
                [level * np.exp(model.predict(known)) for model in self._models]
            )

    def bases(self, rows: pl.DataFrame) -> list[Basis]:
        """Always model."""
        return ["model"] * rows.height

    def state(self) -> dict[str, Any]:
        """Codes of subjects and the three fits."""
        return {"subjects": self._subjects, "models": self._models}

    def restore(self, state: dict[str, Any]) -> None:
        """Take codes and fits."""
        self._subjects = dict(state["subjects"])
        self._models = list(state["models"])


METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (PlainQuantile, PlainDays, GroupQuantile, RecentLevel, Boosting)
}
"""Every way by name, the plain ones first."""
PLAIN = (PlainQuantile.name, PlainDays.name)
"""Names of the plain quantiles, which a candidate has to beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimeModel:
    """A fitted method with the factors that calibrate it.

    `factors` are one per quantile; a plain quantile keeps 1. `fitted_until` is the
    first `known_at` that the fit did not see [microseconds since 1970].
    """

    method: Method
    factors: tuple[float, ...]
    stated: bool
    recipe: TrainingRecipe
    fitted_until: int = 0

    def predict(self, rows: pl.DataFrame) -> Floats:
        """P50, p80, p95 in days, shape (n, 3), never crossing.

        `rows` are of `features.as_of`, with `scale`.
        """
        scale: Floats = rows["scale"].to_numpy()
        ratios = self.method.quantiles(rows) * np.array(self.factors)
        return np.asarray(np.sort(ratios, axis=1) * scale[:, None])


def calibrated(
    name: str,
    fit: pl.DataFrame,
    calibrate: pl.DataFrame,
    recipe: TrainingRecipe,
    *,
    stated: bool,
) -> LeadTimeModel:
    """Fit a method on some rows and adjust it on later ones.

    A plain quantile takes both together and is not adjusted: it is what one would use
    without any of this.
    """
    method = METHODS[name](recipe)
    if isinstance(method, PlainQuantile):
        method.fit(pl.concat([fit, calibrate]))
        return LeadTimeModel(
            method=method, factors=(1.0, 1.0, 1.0), stated=stated, recipe=recipe
        )
    method.fit(fit)
    newest = calibrate.sort("known_at", "ordered_at", "subject", "product")
    newest = newest.tail(recipe.window)
    factors = factors_of(newest["ratio"].to_numpy()[:, None] / method.quantiles(newest))
    first: int | None = calibrate["known_at"].cast(pl.Int64).min()  # type: ignore[assignment]
    return LeadTimeModel(
        method=method,
        factors=tuple(factors.tolist()),
        stated=stated,
        recipe=recipe,
        fitted_until=first or 0,
    )
