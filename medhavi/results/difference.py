"""What changed from one plan to another, joined by the ids of orders (design 3.1).

Ids are identity: an order that moved or grew is "changed", not one gone and one new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from medhavi.results.plan import Plan

_COMPARED = ("qty", "start", "finish", "source", "status", "firm")
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDelta:
    """Differences of two plans, "before" being the first.

    Parameters
    ----------
    supplies
        One row an order that is new, gone or changed: `id`, `change` (added, removed,
        changed), what it is, and each compared column before and after.
    demands
        One row a demand whose status or lateness differs.
    kpis
        Every key figure of either plan, before and after, with the difference.
    unchanged
        Number of orders that are the same in both.
    """

    supplies: pl.DataFrame
    demands: pl.DataFrame
    kpis: pl.DataFrame
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether orders and demands are the same."""
        return self.supplies.is_empty() and self.demands.is_empty()

    def counts(self) -> dict[str, int]:
        """Count the orders by kind of change."""
        found = dict(self.supplies["change"].value_counts().iter_rows())
        return {
            **{
                name: int(found.get(name, 0))
                for name in ("added", "removed", "changed")
            },
            "unchanged": self.unchanged,
        }

    def as_dict(self) -> dict[str, object]:
        """Give the JSON form."""
        return {
            "counts": self.counts(),
            "supplies": self.supplies.to_dicts(),
            "demands": self.demands.to_dicts(),
            "kpis": self.kpis.to_dicts(),
        }

    def __str__(self) -> str:
        """Give counts, then the demands and figures that differ."""
        counts = ", ".join(f"{n:,} {name}" for name, n in self.counts().items())
        lines = [f"supplies: {counts}", f"demands: {self.demands.height:,} differ"]
        lines += [
            f"  {row['demand']}: {_demand(row, 'before')} → {_demand(row, 'after')}"
            for row in self.demands.head(_SHOWN).iter_rows(named=True)
        ]
        moved = self.kpis.filter(pl.col("difference") != 0)
        lines += [
            f"{row['kpi']} {row['name']}: {row['before']:g} → {row['after']:g} "
            f"{row['unit'] or ''}".rstrip()
            for row in moved.iter_rows(named=True)
        ]
        return "\n".join(lines)


def compare(first: Plan, second: Plan) -> PlanDelta:
    """Say how the second plan differs from the first.

    Columns that tell when and how much are compared; cost and hashes follow from them.
    """
    joined = _joined(
        first.supplies, second.supplies, "id", ("kind", "product", "location")
    )
    same = pl.all_horizontal(_equal(name) for name in _COMPARED)
    change = (
        pl.when(pl.col("in_before").is_null())
        .then(pl.lit("added"))
        .when(pl.col("in_after").is_null())
        .then(pl.lit("removed"))
        .when(same)
        .then(pl.lit("same"))
        .otherwise(pl.lit("changed"))
        .alias("change")
    )
    supplies = joined.select(
        "id",
        change,
        "kind",
        "product",
        "location",
        *(f"{name}_{side}" for name in _COMPARED for side in ("before", "after")),
    ).sort("id")
    return PlanDelta(
        supplies=supplies.filter(pl.col("change") != "same"),
        demands=_demands(first, second),
        kpis=_kpis(first, second),
        unchanged=supplies.filter(pl.col("change") == "same").height,
    )


def _joined(
    first: pl.DataFrame, second: pl.DataFrame, key: str, facts: tuple[str, ...]
) -> pl.DataFrame:
    """Join two tables by key; facts come from whichever side has the row."""
    before = first.with_columns(in_before=True)
    after = second.with_columns(in_after=True)
    others = [name for name in before.columns if name not in (key, *facts, "in_before")]
    before = before.rename({name: f"{name}_before" for name in others})
    after = after.rename({name: f"{name}_after" for name in others})
    joined = before.join(after, on=key, how="full", coalesce=True, suffix="_other")
    return joined.with_columns(
        pl.coalesce(name, f"{name}_other").alias(name) for name in facts
    )


def _equal(name: str) -> pl.Expr:
    return pl.col(f"{name}_before").eq_missing(pl.col(f"{name}_after"))


def _demands(first: Plan, second: Plan) -> pl.DataFrame:
    names = ("status", "planned", "lateness_h")
    joined = _joined(
        first.fulfilment.select("demand", "due", *names),
        second.fulfilment.select("demand", "due", *names),
        "demand",
        (),
    )
    same = pl.all_horizontal(_equal(name) for name in names)
    columns = [f"{name}_{side}" for name in names for side in ("before", "after")]
    return joined.filter(~same).select("demand", *columns).sort("demand")


def _kpis(first: Plan, second: Plan) -> pl.DataFrame:
    names = ["kpi", "name", "unit", "value"]
    joined = _joined(
        first.kpis.select(names), second.kpis.select(names), "kpi", ("name", "unit")
    )
    return joined.select(
        "kpi",
        "name",
        "unit",
        before="value_before",
        after="value_after",
        difference=pl.col("value_after") - pl.col("value_before"),
    ).sort("kpi")


def _demand(row: dict[str, object], side: str) -> str:
    status, hours = row[f"status_{side}"], row[f"lateness_h_{side}"]
    if status is None:
        return "absent"
    late = f", {hours:g} h late" if isinstance(hours, float) and hours > 0 else ""
    return f"{status}{late}"
