"""What stands behind a figure: its course by week."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.theme import token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan

WEEK = 7 * 86_400
MOST_WEEKS = 26
"""A spark line with more bars than this cannot be read."""
_WIDTH, _HEIGHT = 120, 24


def by_week(
    plan: Plan, dates: pl.Series, weights: pl.Series, *, past: bool = False
) -> tuple[float, ...]:
    """Add up weights by week, counted from now.

    Parameters
    ----------
    plan
        Its now is the edge of two weeks; without one there is no course.
    dates
        Instants; rows without one are left out.
    weights
        What to add up, a value a date.
    past
        The weeks up to now instead of those from now on.

    Returns
    -------
    tuple of float
        A sum a week without gaps, from the week nearest to now, which holds what lies
        on its other side too, to `MOST_WEEKS` away. Empty where all falls into one.
    """
    if plan.run.as_of is None or dates.is_empty():
        return ()
    low, high = (-MOST_WEEKS, -1) if past else (0, MOST_WEEKS - 1)
    week = (dates.dt.epoch("s") - plan.run.as_of) // WEEK
    week = week.clip(upper_bound=high) if past else week.clip(lower_bound=low)
    sums = (
        pl.DataFrame({"week": week, "weight": weights.cast(pl.Float64)})
        .drop_nulls()
        .filter(pl.col("week").is_between(low, high))
        .group_by("week")
        .agg(pl.col("weight").sum())
    )
    found: dict[int, float] = dict(sums.iter_rows())
    if len(found) < 2:
        return ()
    return tuple(found.get(one, 0.0) for one in range(min(found), max(found) + 1))


def spark_html(course: Sequence[float], words: str) -> str:
    """Draw a course as bars from zero; nothing where there is none."""
    most = max(course, default=0.0)
    if most <= 0:
        return ""
    step = _WIDTH / len(course)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{_HEIGHT - tall:.1f}" '
        f'width="{max(step - 1, 1):.1f}" height="{tall:.1f}"/>'
        for place, value in enumerate(course)
        if (tall := value / most * _HEIGHT) > 0
    )
    told = escape(words)
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'preserveAspectRatio="xMinYMax" '
        f'aria-label="{told}" fill="{token("plan")}"><title>{told}</title>{bars}</svg>'
    )
