"""How much a plan moved since an earlier one: the key figures that need a baseline.

Rows are matched by id, which is identity and not content: a supply that only moved is
the same supply. Nervousness counts as in Kadipasaoglu and Sridharan 1995
(doi:10.1016/0272-6963(95)00002-P): orders that were added, removed or moved, and the
quantity times the days by which it moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.difference import compare
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.figures.kpis import KPIS, Measure, ratio
from medhavi.results.plans.lateness import Verdict, verdicts
from medhavi.results.plans.tables import SCHEMAS

if TYPE_CHECKING:
    from medhavi.results.difference import PlanDelta, TableDelta
    from medhavi.results.plans.plan import Plan

_TIMES = ("start", "finish", "resource")
_DAY = 86_400_000_000
_NO_AGE = "needs the history of published plans"


def stability_table(before: Plan, after: Plan) -> pl.DataFrame:
    """Figures of stability in the columns of table `kpis`, sorted by name.

    They stand beside a plan and not in its own table: a plan that was made on top of
    another equals one made from nothing.

    Parameters
    ----------
    before, after
        Plans of one company, in the same mode.
    """
    rows = [
        {
            "kpi": f"{code}.{measure.part}" if measure.part else code,
            "name": measure.name or KPIS[code].name,
            "value": measure.value,
            "unit": measure.unit,
            "numerator": measure.numerator,
            "denominator": measure.denominator,
            "reason": measure.reason,
        }
        for code, measures in stability(before, after).items()
        for measure in measures
    ]
    return pl.DataFrame(rows, schema=dict(SCHEMAS["kpis"])).sort("kpi")


def stability_json(before: Plan, after: Plan) -> dict[str, dict[str, object]]:
    """Figures of stability as `kpis.json` has its own (rule 25)."""
    return {
        str(row.pop("kpi")): row
        for row in stability_table(before, after).iter_rows(named=True)
    }


def stability(before: Plan, after: Plan) -> dict[str, list[Measure]]:
    """Figures of stability by name.

    KPI-08: unchanged ÷ old operations. KPI-12: unchanged ÷ old pegs (what is required
    of what). KPI-14: unchanged ÷ old locked operations. KPI-15: operations at another
    time or place ÷ old ones. KPI-18: proposed orders, what became of those before, and
    nervousness. KPI-23: demands still on time ÷ on time before. KPI-30: pegs that
    changed or went, firm ones that did.
    """
    delta = compare(before, after)
    return {
        "KPI-08": [_unchanged(delta.tables["operations"], before.operations)],
        "KPI-12": [_unchanged(delta.tables["pegging"], before.pegging)],
        "KPI-14": [_locked(delta, before)],
        "KPI-15": [_churn(delta, before)],
        "KPI-18": _proposals(before, after),
        "KPI-23": [_still_on_time(before, after)],
        "KPI-30": _pegs(delta, before),
    }


def _unchanged(delta: TableDelta, old: pl.DataFrame) -> Measure:
    return ratio(delta.unchanged, old.height)


def _locked(delta: PlanDelta, before: Plan) -> Measure:
    locked = before.operations.filter(pl.col("locked"))
    table = delta.tables["operations"]
    gone = set(table.changed["id"]) | set(table.removed["id"])
    kept = sum(name not in gone for name in locked["id"])
    return ratio(kept, locked.height)


def _churn(delta: PlanDelta, before: Plan) -> Measure:
    changed = delta.tables["operations"].changed
    moved = changed.filter(pl.col("column").is_in(_TIMES))["id"].n_unique()
    return ratio(moved, before.operations.height)


def _proposals(before: Plan, after: Plan) -> list[Measure]:
    old, new = (
        one.supplies.filter(pl.col("status") == "planned") for one in (before, after)
    )
    both = old.join(new, on="id", suffix="_new")
    later = pl.col("finish_new") - pl.col("finish")
    moved = both.filter(
        (later != 0)
        | (pl.col("start") != pl.col("start_new"))
        | (pl.col("qty") != pl.col("qty_new"))
    )
    days = both.select(
        (pl.min_horizontal("qty", "qty_new") * later.dt.total_microseconds().abs())
        .sum()
        .alias("sum")
    ).item()
    added, removed = new.height - both.height, old.height - both.height
    codes = after.exceptions["code"].to_list()
    surplus = codes.count(str(ExceptionCode.LOT_SURPLUS))
    overdue = codes.count(str(ExceptionCode.PAST_DUE_START))
    counts = {
        "kept": (both.height - moved.height, "Orders kept"),
        "moved": (moved.height, "Orders moved or resized"),
        "added": (added, "Orders added"),
        "removed": (removed, "Orders removed"),
        "lot_adjustments": (surplus, "Orders larger than their needs"),
    }
    changed = moved.height + added + removed
    firm = after.supplies.filter(pl.col("firm")).height
    return [
        _count(new.height, "", "Orders proposed"),
        *(_count(value, part, name) for part, (value, name) in counts.items()),
        Measure(
            value=float(days or 0) / _DAY,
            numerator=float(days or 0) / _DAY,
            unit="unit-day",
            part="quantity_days",
            name="Quantity times days moved",
        ),
        _named(
            ratio(changed, both.height + added + removed, part="nervousness"),
            "Nervousness",
        ),
        _named(ratio(firm, after.supplies.height, part="firming"), "Firming rate"),
        _named(ratio(overdue, new.height, part="lateness_risk"), "Lateness risk"),
    ]


def _count(value: int, part: str, name: str) -> Measure:
    return Measure(
        value=float(value), numerator=float(value), unit="count", part=part, name=name
    )


def _named(measure: Measure, name: str) -> Measure:
    return Measure(
        value=measure.value,
        numerator=measure.numerator,
        denominator=measure.denominator,
        unit=measure.unit,
        part=measure.part,
        name=name,
        reason=measure.reason,
    )


def _still_on_time(before: Plan, after: Plan) -> Measure:
    good = pl.col("verdict") == Verdict.ON_TIME
    served = verdicts(before).filter(good).select("demand")
    wanted = served.join(verdicts(after), on="demand")
    return ratio(wanted.filter(good).height, wanted.height)


def _pegs(delta: PlanDelta, before: Plan) -> list[Measure]:
    table = delta.tables["pegging"]
    old = before.pegging.height
    firm = before.pegging.filter(pl.col("firm"))
    gone = set(table.removed["id"]) | set(
        table.changed.filter(pl.col("column").is_in(("qty", "firm")))["id"]
    )
    broken = sum(name in gone for name in firm["id"])
    return [
        _named(ratio(old - table.unchanged, old), "Peg churn"),
        _named(ratio(broken, firm.height, part="firm_broken"), "Firm pegs broken"),
        Measure(value=None, unit="day", part="age", name="Peg age", reason=_NO_AGE),
    ]
