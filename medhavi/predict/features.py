"""What was known when an order was placed: level and habits of its subject.

A feature of an order looks only at observations whose `known_at` is not after the
order's `ordered_at`. Neither the order itself nor a later one can leak into it.
"""

from __future__ import annotations

import math
import statistics
from bisect import insort
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Hashable

    from medhavi.predict.recipe import TrainingRecipe

HISTORY: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "product": pl.String(),
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
