"""What a promise does to the plan in force, before somebody makes it.

A quote looks at what is free: stock, open orders, time that no commitment has.
Proposals of a plan are no commitments (rule 30), so what it takes may be what they
count on. The plan made again with the promise says who waits then, and what that costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.providers.reservations import ReservationState
from medhavi.snapshot.patch import Patch
from medhavi.snapshot.snapshot import active_holds
from medhavi.units import from_seconds
from medhavi.workbench.commitments.commit_answer import gives_way
from medhavi.workbench.commitments.commit_events import demand_of, marked
from medhavi.workbench.commitments.decisions import demand_row
from medhavi.workbench.plan_effects import edited_snapshot, effect_on_plan
from medhavi.workbench.runs import RENEWAL_SHARE, LastRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.plan_effects import PlanEffect

Rows = dict[str, list[dict[str, Any]]]


def promised_rows(snapshot: Snapshot, promises: Sequence[Promise]) -> Rows:
    """Rows of demands and reservations as a commit would leave them.

    Promises without a date change nothing. Lines that give way have their new dates.
    """
    made = [one for one in promises if one.date is not None]
    moved = [one.line.promise for one in gives_way(made)]
    # A line that was taken back is an inquiry: its row is written anew.
    known = {
        row["demand"]: row
        for row in snapshot["demands"].to_dicts()
        if row["status"] != "inquiry"
    }
    held = active_holds(snapshot).to_dicts()
    rows: Rows = {"demands": [], "reservations": []}
    for promise in map(marked, [*moved, *made]):
        demand = demand_of(promise)
        line = known.get(demand) or demand_row(promise)
        date = from_seconds(int(promise.date or 0))
        rows["demands"].append({**line, "demand": demand, "promised": date})
        rows["reservations"] += _holds(promise, held)
    return rows


def _holds(
    promise: Promise, held: Iterable[dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    """Rows of the holds that a promise needs, and of those that it lets go of."""
    confirmed, released = ReservationState.CONFIRMED, ReservationState.RELEASED
    wanted = {hold.reservation for hold in promise.holds}
    for row in held:
        if row["demand"] == demand_of(promise) and row["reservation"] not in wanted:
            yield {**row, "state": str(released)}
    for hold in promise.holds:
        yield hold.as_row(str(confirmed))


def promise_effect(
    plan: Plan, snapshot: Snapshot, promises: Sequence[Promise]
) -> PlanEffect:
    """Plan once more with promises: what that costs, who waits and who gains.

    Parameters
    ----------
    plan, snapshot
        A plan and its tables. In modes constrained and optimize the new plan is built
        on it.
    promises
        Answers that could be committed; those without a date change nothing.

    Raises
    ------
    BadData
        The tables are wrong with them.
    VerificationFailed
        The new plan breaks its tables, a defect of the planner.
    """
    return rows_effect(plan, snapshot, promised_rows(snapshot, promises))


def rows_effect(plan: Plan, snapshot: Snapshot, rows: Rows) -> PlanEffect:
    """Plan once more with the rows of promises; see `promise_effect`."""
    edited = edited_snapshot(snapshot, Patch.of(snapshot, rows))
    return effect_on_plan(plan, snapshot, edited, LastRun(RENEWAL_SHARE))
