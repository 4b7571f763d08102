"""What a plan says about itself in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plan_access import PlanAccess

_STATUSES = ("on_time", "late", "short", "unplanned", "ignored")


def summary(plan: PlanAccess) -> str:
    """Give counts, statuses and the three most frequent exceptions.

    The first line is the run, the second the supplies by kind, the third the demands
    by status; then what no plan can beat, where the run says so, lateness and
    exceptions where there are any.
    """
    lines = [str(plan.run), _supplies(plan), _demands(plan)]
    least = late_in_any_plan(plan.run.effort)
    lines += [least] if least else []
    lines += _lateness(plan) + _exceptions(plan)
    if plan.findings:
        lines.append(f"findings: {len(plan.findings)}")
    return "\n".join(lines)


def _supplies(plan: PlanAccess) -> str:
    kinds = dict(plan.supplies["kind"].value_counts().iter_rows())
    parts = [
        f"{kinds[kind]:,} {kind}" for kind in ("make", "buy", "move") if kind in kinds
    ]
    detail = f" ({', '.join(parts)})" if parts else ""
    return (
        f"supplies: {plan.supplies.height:,}{detail}, "
        f"operations: {plan.operations.height:,}, pegs: {plan.pegging.height:,}"
    )


def _demands(plan: PlanAccess) -> str:
    counts = dict(plan.fulfilment["status"].value_counts().iter_rows())
    parts = [f"{counts[s]:,} {s}" for s in _STATUSES if s in counts]
    detail = f" ({', '.join(parts)})" if parts else ""
    return f"demands: {plan.fulfilment.height:,}{detail}"


def late_in_any_plan(counts: Mapping[str, float]) -> str:
    """Say how many demands are late in any plan that delivers as much, and why.

    Parameters
    ----------
    counts
        Counts of a run; "" where they bound nothing.
    """
    if "late_by_chain" not in counts:
        return ""
    by_chain, by_capacity = counts["late_by_chain"], counts["late_by_capacity"]
    return (
        f"late in any plan: at least {by_chain + by_capacity:,.0f} "
        f"({by_chain:,.0f} by lead times, {by_capacity:,.0f} for lack of time)"
    )


def _lateness(plan: PlanAccess) -> list[str]:
    late = plan.fulfilment.filter(pl.col("lateness_h") > 0)
    if late.is_empty():
        return []
    worst = late.sort("lateness_h", "demand", descending=[True, False]).row(
        0, named=True
    )
    return [f"latest: {worst['demand']}, {worst['lateness_h'] / 24:.1f} days after due"]


def _exceptions(plan: PlanAccess) -> list[str]:
    counts = (
        plan.exceptions.group_by("code")
        .len()
        .sort("len", "code", descending=[True, False])
    )
    if counts.is_empty():
        return []
    parts = [f"{count:,} {code}" for code, count in counts.head(3).iter_rows()]
    more = f" and {counts.height - 3} more codes" if counts.height > 3 else ""
    return [f"exceptions: {', '.join(parts)}{more}"]
