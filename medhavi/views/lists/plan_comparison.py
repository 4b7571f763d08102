"""Two plans side by side: figures, orders that differ, demands that got other dates."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.lateness import WORDS, Verdict, verdicts
from medhavi.views.format import NOTHING, duration, number
from medhavi.views.page import empty, table_html

if TYPE_CHECKING:
    from medhavi.results.difference import PlanDelta
    from medhavi.results.plans.plan import Plan
    from medhavi.views.names import Names

MOST_DEMANDS = 12
_TABLES = {"supplies": "orders", "operations": "operations", "fulfilment": "demands"}


def comparison_html(old: Plan, new: Plan, delta: PlanDelta, names: Names) -> str:
    """What differs from an old plan to a new one."""
    if delta.is_empty:
        return empty("The plans are equal", "Every order, date and figure is the same.")
    return _counts(delta) + _figures(old, new) + _demands(old, new, names)


def _counts(delta: PlanDelta) -> str:
    rows = [
        (
            escape(word),
            f"{part.unchanged:,}",
            f"{part.changed_rows:,}",
            f"{part.added.height:,}",
            f"{part.removed.height:,}",
        )
        for name, word in _TABLES.items()
        for part in (delta.tables[name],)
    ]
    columns = ("", "The same", "Changed", "New", "Gone")
    return table_html(columns, rows, columns[1:])


def _figures(old: Plan, new: Plan) -> str:
    joined = old.kpis.select("kpi", "name", "value", "unit").join(
        new.kpis.select("kpi", "value"), on="kpi", suffix="_new", how="inner"
    )
    rows = [
        (
            escape(str(row["name"])),
            escape(number(row["value"])),
            escape(number(row["value_new"])),
            escape(str(row["unit"] or "")),
        )
        for row in joined.sort("kpi").iter_rows(named=True)
        if row["value"] != row["value_new"]
    ]
    if not rows:
        return ""
    columns = ("Figure", "Before", "Now", "Unit")
    return table_html(columns, rows, ("Before", "Now"))


def _demands(old: Plan, new: Plan, names: Names) -> str:
    """List demands whose lateness or verdict differs, the largest change first."""
    before = verdicts(old).select("demand", "verdict", "lateness_h")
    both = before.join(
        verdicts(new).select("demand", "verdict", "lateness_h"),
        on="demand",
        suffix="_new",
    ).with_columns(
        change=(
            pl.col("lateness_h_new").fill_null(0) - pl.col("lateness_h").fill_null(0)
        )
    )
    changed = both.filter(
        (pl.col("verdict") != pl.col("verdict_new")) | (pl.col("change").abs() > 0)
    ).sort(pl.col("change").abs(), "demand", descending=[True, False])
    if changed.is_empty():
        return ""
    rows = [
        (
            escape(names.told(row["demand"])),
            escape(_state(row["verdict"], row["lateness_h"])),
            escape(_state(row["verdict_new"], row["lateness_h_new"])),
        )
        for row in changed.head(MOST_DEMANDS).iter_rows(named=True)
    ]
    more = changed.height - len(rows)
    tail = f'<p class="muted small">and {more:,} more</p>' if more > 0 else ""
    return table_html(("Demand", "Before", "Now"), rows) + tail


def _state(verdict: str | None, hours: float | None) -> str:
    word = WORDS[Verdict(verdict)] if verdict else NOTHING
    return f"{word} {duration(hours)}" if hours else word
