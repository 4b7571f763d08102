"""What a plan says about itself in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.lateness import tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.lateness import Tally
    from medhavi.results.plan_access import PlanAccess


def summary(plan: PlanAccess) -> str:
    """Summarize counts, verdicts and the three most frequent exceptions.

    The first line is the run, the second the supplies by kind, the third the demands
    by verdict; then the number late beside its bound, where the run has one, lateness
    and exceptions where there are any.
    """
    counts = tally(plan)
    lines = [str(plan.run), _supplies(plan), _demands(counts)]
    bounded = late_and_bound(counts, plan.run.effort)
    lines += [bounded] if bounded else []
    lines += _lateness(counts) + _exceptions(plan)
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


def _demands(counts: Tally) -> str:
    detail = f" ({counts.words()})" if counts.words() else ""
    return f"demands: {sum(counts.by_verdict.values()):,}{detail}"


def late_and_bound(counts: Tally, effort: Mapping[str, float]) -> str:
    """Put the number of late demands beside the fewest that any plan can have.

    Parameters
    ----------
    effort
        Counts of a run; "" where they bound nothing.
    """
    if "late_by_chain" not in effort:
        return ""
    by_chain, by_capacity = effort["late_by_chain"], effort["late_by_capacity"]
    return (
        f"{counts.late:,} late; no plan that delivers as much can have fewer than "
        f"{by_chain + by_capacity:,.0f} "
        f"({by_chain:,.0f} by lead times, {by_capacity:,.0f} for lack of time)"
    )


def _lateness(counts: Tally) -> list[str]:
    if counts.latest is None:
        return []
    demand, hours = counts.latest
    return [f"latest: {demand}, {hours / 24:.1f} days after due"]


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
