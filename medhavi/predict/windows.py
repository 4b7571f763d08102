"""Windows in order of time: fit, calibrate, choose on rolling origins, judge later.

A model is fitted once, before the first order that is judged. Its factors, like the
features of the orders and like the plain quantiles, follow what became known since:
publishing estimates does exactly that every time. Adjusting to the newest outcomes
keeps coverage under drift, after Gibbs and Candès, *Adaptive Conformal Inference Under
Distribution Shift*, 2021 (arXiv 2106.00170), here by a sliding window.

A feature of an order looks only at observations whose `known_at` is not after the
order's `ordered_at`. Neither the order itself nor a later one can leak into it.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from bisect import insort
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from medhavi.predict.calibration import factors_of
from medhavi.predict.lead_time import PlainQuantile
from medhavi.predict.recipe import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from medhavi.predict.lead_time import LeadTimeModel
    from medhavi.predict.recipe import TrainingRecipe

    Floats = NDArray[np.float64]


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


def placed_since(
    rows: pl.DataFrame, begin: dt.datetime, recipe: TrainingRecipe
) -> Windows:
    """Windows whose test are the settled orders from `begin` on."""
    ordered = rows.sort("ordered_at", "known_at", "subject", "product")
    return _origin(ordered, _settled(ordered), begin, None, recipe)


OUTCOMES: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "product": pl.String(),
    "ordered_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "lead_days": pl.Float64(),
    "on_time": pl.Boolean(),
    "p50": pl.Float64(),
    "p80": pl.Float64(),
    "p95": pl.Float64(),
    "on_time_prob": pl.Float64(),
}
"""Columns of outcomes: what came of an order, and what was told of it that day.

A predictor of lead times fills the quantiles [days], one of reliability the chance.
"""


def outcomes(test: pl.DataFrame, said: Floats) -> pl.DataFrame:
    """Orders beside what was told of them, by when their outcome became known.

    Parameters
    ----------
    test
        Orders of a history.
    said
        Quantiles [days], shape (n, 3), or chances, shape (n,).
    """
    names = ("on_time_prob",) if said.ndim == 1 else ("p50", "p80", "p95")
    told = pl.DataFrame(said.reshape(-1, len(names)), schema=list(names), orient="row")
    rows = pl.concat([test, told], how="horizontal")
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in OUTCOMES.items()
    ).sort("known_at", "ordered_at", "subject", "product")


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


HISTORY: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "product": pl.String(),
    "location": pl.String(),
    "qty": pl.Float64(),
    "ordered_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "lead_days": pl.Float64(),
    "stated_days": pl.Float64(),
    "on_time": pl.Boolean(),
}
"""Columns of a history: one row an observed order. `stated_days` may be empty."""

SMALLEST = 0.02
"""Lead times below this share of the stated one (or of a day) count as this much."""
_STATED_ENOUGH = 0.95
_HABIT = 30
"""Observations that tell a subject's punctuality."""
_DRAWN = 10.0
"""Observations that the punctuality of all counts as beside them."""


def stated_in(history: pl.DataFrame) -> bool:
    """Whether nearly all lead times come with a stated one.

    Then predictors learn actual over stated; else they learn days.
    """
    stated = history["stated_days"]
    return bool(len(stated)) and (stated > 0).sum() >= _STATED_ENOUGH * len(stated)


def scaled(rows: pl.DataFrame, *, stated: bool) -> pl.DataFrame:
    """Add `scale` [days] and, where lead times are there, `ratio` = lead / scale.

    Rows without a stated time stay in days when `stated` is asked for; there are few.
    """
    scale = (
        pl.when(pl.col("stated_days") > 0).then("stated_days").otherwise(1.0)
        if stated
        else pl.lit(1.0)
    )
    rows = rows.with_columns(scale=scale.cast(pl.Float64))
    if "lead_days" not in rows.columns:
        return rows
    return rows.with_columns(
        ratio=(pl.col("lead_days") / pl.col("scale")).clip(lower_bound=SMALLEST)
    )


def as_of(
    history: pl.DataFrame, rows: pl.DataFrame, recipe: TrainingRecipe
) -> pl.DataFrame:
    """Add to each order what was known when it was placed.

    Parameters
    ----------
    history
        Observations with `ratio`, see `scaled`.
    rows
        Orders with `subject`, `product`, `qty` and `ordered_at`.

    Returns
    -------
    DataFrame
        The rows in their order with `level` (the ratio to expect: what is usual for
        subject and product, and the recent drift of the subject), `seen` (observations
        of the subject), `own` (of it with the product), `late_share` (of the subject's
        last ones, drawn to that of all), `log_qty` and `month`.
    """
    known = history.sort("known_at", "ordered_at", "subject", "product", "ratio")
    told = known.select(
        pl.col("known_at").cast(pl.Int64), "subject", "product", "ratio", "on_time"
    ).rows()
    asked = rows.select(pl.col("ordered_at").cast(pl.Int64), "subject", "product")
    memory = _Memory(recipe)
    found: list[_SubjectHistory] = [_SubjectHistory(1.0, 0, 0, 0.0)] * rows.height
    upto = 0
    moments = asked["ordered_at"].to_list()
    subjects, products = asked["subject"].to_list(), asked["product"].to_list()
    for place in sorted(range(rows.height), key=moments.__getitem__):
        while upto < len(told) and told[upto][0] <= moments[place]:
            memory.learn(told[upto][1:])
            upto += 1
        found[place] = memory.tell(subjects[place], products[place])
    learned = pl.DataFrame(
        found,
        schema={
            "level": pl.Float64,
            "seen": pl.Int64,
            "own": pl.Int64,
            "late_share": pl.Float64,
        },
        orient="row",
    )
    return pl.concat([rows, learned], how="horizontal").with_columns(
        log_qty=(pl.col("qty").fill_null(0.0).clip(lower_bound=0.0) + 1.0).log(),
        month=pl.col("ordered_at").dt.month().cast(pl.Float64),
    )


class _SubjectHistory(NamedTuple):
    level: float
    seen: int
    own: int
    late_share: float


class _Memory:
    """What was learned so far: habits of long standing, and what is new about them.

    The level of a subject and product is their usual log ratio (median of all that is
    known, drawn to the subject's, drawn to that of all) plus the recent drift of the
    subject: the median gap of its newest observations to what was usual then. So a
    product that is ordered twice a year follows its supplier.
    """

    def __init__(self, recipe: TrainingRecipe) -> None:
        self._shrink = recipe.shrink
        self._usual: dict[Hashable, list[float]] = defaultdict(list)
        self._gaps: dict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=recipe.memory)
        )
        self._late: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_HABIT))
        self._all_late: deque[bool] = deque(maxlen=_HABIT * 10)

    def learn(self, row: tuple[Any, ...]) -> None:
        subject, product, ratio, on_time = row
        told = math.log(ratio)
        self._gaps[subject].append(told - self._habit(subject, product))
        for key in (None, subject, (subject, product)):
            insort(self._usual[key], told)
        if on_time is not None:
            self._late[subject].append(not on_time)
            self._all_late.append(not on_time)

    def tell(self, subject: str, product: str) -> _SubjectHistory:
        gaps = self._gaps.get(subject)
        drift = 0.0
        if gaps:
            drift = self._drawn(len(gaps), statistics.median(gaps), 0.0)
        late = self._late.get(subject, ())
        share = sum(self._all_late) / len(self._all_late) if self._all_late else 0.0
        if late:
            share = (sum(late) + _DRAWN * share) / (len(late) + _DRAWN)
        level = math.exp(self._habit(subject, product) + drift)
        seen = len(self._usual.get(subject, ()))
        own = len(self._usual.get((subject, product), ()))
        return _SubjectHistory(level, seen, own, share)

    def _habit(self, subject: str, product: str) -> float:
        usual = 0.0
        for key in (None, subject, (subject, product)):
            told = self._usual.get(key)
            if told:
                middle = len(told) // 2
                own = (told[middle] + told[-middle - 1]) / 2
                usual = own if key is None else self._drawn(len(told), own, usual)
        return usual

    def _drawn(self, count: int, own: float, parent: float) -> float:
        return (count * own + self._shrink * parent) / (count + self._shrink)
