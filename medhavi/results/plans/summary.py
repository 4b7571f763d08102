"""What a plan says about itself in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.results.amounts import duration
from medhavi.results.plans.lateness import WORDS, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.lateness import VerdictCounts
    from medhavi.results.plans.tables import PlanAccess
    from medhavi.results.run_record import RunRecord

_KINDS = ("make", "buy", "move")
_DELIVERY = ("KPI-01", "KPI-09", "KPI-13", "KPI-28")


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
    doubly = relaxation_words(plan.run)
    lines += [f"machine hours: {doubly}"] if doubly else []
    lines += _lateness(counts) + _exceptions(plan)
    if plan.findings:
        lines.append(f"findings: {len(plan.findings)}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One figure of a plan: stable key, name for people, value, unit of the value."""

    key: str
    name: str
    value: float | str | None
    unit: str


def key_figures(plan: PlanAccess) -> tuple[KeyFigure, ...]:
    """List the figures of a plan that commands, pages and reports show alike.

    Verdicts and lateness, money of all that is not kept, numbers of rows, and the key
    figures about deliveries with what they count.
    """
    counts = tally(plan)
    rows = [(str(one), word, counts.by_verdict[one]) for one, word in WORDS.items()]
    rows += [
        ("planned_for", "demands planned for", counts.live),
        ("not_kept", "late, past due, short or unplanned", counts.not_kept),
        ("late_in_all", "late in all, past due and short included", counts.late),
    ]
    kinds = dict(plan.supplies["kind"].value_counts().iter_rows())
    rows += [("supplies", "orders", plan.supplies.height)]
    rows += [(kind, f"orders: {kind}", kinds.get(kind, 0)) for kind in _KINDS]
    rows += [
        ("operations", "operations", plan.operations.height),
        ("pegs", "pegs", plan.pegging.height),
        ("exceptions", "exceptions", plan.exceptions.height),
    ]
    found = [
        KeyFigure(key=key, name=name, value=value, unit="count")
        for key, name, value in rows
    ]
    latest, latest_h = counts.latest or (None, None)
    money = float(plan.causes["money"].fill_null(0.0).sum())
    rest = (
        ("share_on_time", "share on time", counts.share_on_time, "fraction"),
        ("mean_h", "mean lateness of all demands", counts.mean_h, "hour"),
        ("mean_late_h", "mean lateness of late demands", counts.mean_late_h, "hour"),
        ("latest", "latest demand", latest, "text"),
        ("latest_h", "its lateness", latest_h, "hour"),
        ("late_money", "cost of what is not kept", money, plan.locale.currency),
    )
    found += [KeyFigure(key=k, name=n, value=v, unit=u) for k, n, v, u in rest]
    return tuple(found) + _delivery_kpis(plan)


def _delivery_kpis(plan: PlanAccess) -> tuple[KeyFigure, ...]:
    """List the measured key figures about deliveries, each with what it counts."""
    found: list[KeyFigure] = []
    for row in plan.kpis.sort("kpi").iter_rows(named=True):
        if row["kpi"].split(".")[0] not in _DELIVERY:
            continue
        name = f"{row['kpi']} {row['name']}"
        parts = (
            ("", name, row["value"], row["unit"]),
            (" counted", f"{name}: counted", row["numerator"], "number"),
            (" of", f"{name}: of", row["denominator"], "number"),
        )
        found += [
            KeyFigure(key=f"{row['kpi']}{part}", name=text, value=value, unit=unit)
            for part, text, value, unit in parts
            if value is not None
        ]
    return tuple(found)


def _supplies(plan: PlanAccess) -> str:
    kinds = dict(plan.supplies["kind"].value_counts().iter_rows())
    parts = [f"{kinds[kind]:,} {kind}" for kind in _KINDS if kind in kinds]
    detail = f" ({', '.join(parts)})" if parts else ""
    return (
        f"supplies: {plan.supplies.height:,}{detail}, "
        f"operations: {plan.operations.height:,}, pegs: {plan.pegging.height:,}"
    )


def _demands(counts: VerdictCounts) -> str:
    detail = f" ({counts.words()})" if counts.words() else ""
    return f"demands: {sum(counts.by_verdict.values()):,}{detail}"


def late_and_bound(counts: VerdictCounts, effort: Mapping[str, float]) -> str:
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


def relaxation_words(run: RunRecord) -> str:
    """How far a relaxation is from a plan that can be carried out; "" for others."""
    if "double_booked_h" not in run.effort:
        return ""
    hours, count = run.effort["double_booked_h"], run.effort["double_booked_resources"]
    if not count:
        return "none booked twice"
    resources = f"{count:,.0f} resource" + ("s" if count != 1 else "")
    return (
        f"{duration(hours)} booked twice on {resources}; this plan cannot be carried out "
        "as it stands"
    )


def _lateness(counts: VerdictCounts) -> list[str]:
    if counts.latest is None:
        return []
    demand, hours = counts.latest
    return [f"latest: {demand}, {duration(hours)} after due"]


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
