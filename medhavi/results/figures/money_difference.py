"""What a plan costs more or less than another one, part by part (KPI-33)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import MINUS, NO_PRICES, currency_of, number, with_unit
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.money_parts import PARTS

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan


DIFFERENCE = {
    "part": pl.String(),
    "old": pl.Float64(),
    "new": pl.Float64(),
    "change": pl.Float64(),
    "unit": pl.String(),
}
"""Columns of the difference: parts of the cost, then `total`, their sum, then what is
no part of it."""
TOTAL = "total"
_KPI = "KPI-33"
_BESIDE = ("inventory", "co2")
_CENT = 0.005


def money_difference(old: Plan, new: Plan) -> pl.DataFrame:
    """Money, stock and emissions of two plans side by side (`DIFFERENCE`).

    Read from their key figures, or measured where these were not made and the tables of
    a plan are at hand. Without rows where one of them is not known, or where they are
    in two currencies.

    Examples
    --------
    Of a plan that costs 90 where another one cost 100, and holds more stock for it::

        part       old   new  change  unit
        transport   80    60     -20   EUR
        holding     20    30      10   EUR
        total      100    90     -10   EUR
    """
    before, after = _figures(old), _figures(new)
    apart = any(before[name][1] != after[name][1] for name in before.keys() & after)
    if not before or not after or apart:
        return pl.DataFrame(schema=DIFFERENCE)
    rows = []
    for name in (*PARTS, TOTAL, *_BESIDE):
        (was, unit), (now, other) = (
            figures.get(name, (0.0, "")) for figures in (before, after)
        )
        if name in before or name in after:
            rows.append((name, was, now, now - was, unit or other))
    return pl.DataFrame(rows, schema=DIFFERENCE, orient="row")


def _figures(plan: Plan) -> dict[str, tuple[float, str]]:
    """Value and unit of each part; empty where they are not known."""
    rows = plan.kpis.filter(
        pl.col("kpi").str.starts_with(_KPI) & pl.col("value").is_not_null()
    )
    if not rows.is_empty():
        return {
            str(name).removeprefix(f"{_KPI}.").replace(_KPI, TOTAL): (value, unit)
            for name, value, unit in rows.select("kpi", "value", "unit").iter_rows()
        }
    snapshot = None if plan.basis is None else plan.basis.snapshot
    if snapshot is None:
        return {}
    card, unit = scorecard(plan, snapshot), currency_of(snapshot)
    return {
        **{name: (value, unit) for name, value in card.parts.items()},
        TOTAL: (card.total, unit),
        "inventory": (card.inventory, unit),
        "co2": (card.co2_kg, "kg"),
    }


def money_words(difference: pl.DataFrame) -> list[str]:
    """Sentences on a difference: the total by its parts, the largest change first.

    >>> rows = [("holding", 20.0, 30.0, 10.0, "EUR")]
    >>> rows += [("transport", 60.0, 80.0, 20.0, "EUR")]
    >>> rows += [("total", 80.0, 110.0, 30.0, "EUR")]
    >>> rows += [("co2", 5.0, 9.0, 4.0, "kg")]
    >>> frame = pl.DataFrame(rows, schema=DIFFERENCE, orient="row")
    >>> print(*money_words(frame), sep=chr(10))
    cost: 80 EUR before, 110 EUR now, 30 EUR more: transport +20, holding +10
    co2: 5 kg before, 9 kg now
    """
    changed = difference.filter(
        (pl.col("change").abs() >= _CENT) & (pl.col("unit") != NO_PRICES)
    )
    rows = {row["part"]: row for row in changed.iter_rows(named=True)}
    total = rows.get(TOTAL)
    parts = sorted(
        (row for name, row in rows.items() if name in PARTS),
        key=lambda row: -abs(row["change"]),
    )
    named = ", ".join(f"{row['part']} {_signed(row['change'])}" for row in parts)
    words = []
    if total is not None:
        apart = with_unit(abs(total["change"]), total["unit"])
        more = "more" if total["change"] > 0 else "less"
        words.append(f"cost: {_sides(total)}, {apart} {more}: {named}")
    elif parts:
        words.append(f"cost: the same: {named}")
    names = {"inventory": "mean stock", "co2": "co2"}
    return words + [
        f"{told}: {_sides(rows[name])}" for name, told in names.items() if name in rows
    ]


def _sides(row: dict[str, object]) -> str:
    old, new = (with_unit(row[side], row["unit"]) for side in ("old", "new"))  # type: ignore[arg-type]
    return f"{old} before, {new} now"


def _signed(change: float) -> str:
    return f"{'+' if change > 0 else MINUS}{number(abs(change))}"
