"""Compare a plan with the result that a case publishes for a mode.

Levels: A planned quantity per demand, B last delivery date, C status, D quantity of
orders per operation, supplier or move.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.frepple_case.case import Record
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

Line = tuple[float, str | None, str]
"""Planned quantity, last delivery, status."""


def _answer(case: Record, mode: str = "unconstrained") -> Record:
    answer = case["expected"][mode]
    # A text says that the result equals that of another mode.
    found: Record = (
        case["expected"]["constrained"] if isinstance(answer, str) else answer
    )
    return found


def expected_lines(case: Record, mode: str = "unconstrained") -> dict[str, Line]:
    """What each demand gets in the published result; ignored ones left out."""
    return {
        row["demand"]: (
            row["planned"],
            max((date for date, _ in row["deliveries"]), default=None),
            row["status"],
        )
        for row in _answer(case, mode)["demands"]
        if row["status"] != "ignored"
    }


def lateness(lines: Mapping[str, Line], case: Record) -> tuple[int, int, float]:
    """Count late and short demands of a case, and sum their days late."""
    dues = {row["name"]: row["due"] for row in case["model"].get("demands", ())}
    late = short = 0
    total = 0.0
    for demand, (_, last, status) in lines.items():
        late += status == "late"
        short += status in {"short", "unplanned"}
        if last is not None and demand in dues:
            gap = dt.datetime.fromisoformat(last) - dt.datetime.fromisoformat(
                dues[demand]
            )
            total += max(0.0, gap / dt.timedelta(days=1))
    return late, short, round(total, 2)


def planned_lines(plan: Plan) -> dict[str, Line]:
    """What each demand gets in a plan."""
    last: dict[str, dt.datetime] = {}
    for demand, date in plan.deliveries.select("demand", "date").iter_rows():
        last[demand] = max(date, last.get(demand, date))
    return {
        row["demand"]: (
            row["planned"],
            last[row["demand"]].strftime("%Y-%m-%dT%H:%M:%S")
            if row["demand"] in last
            else None,
            row["status"].replace("_", " "),
        )
        for row in plan.fulfilment.iter_rows(named=True)
    }


def expected_orders(case: Record) -> Counter[str]:
    """Sum the quantity of published orders per operation, supplier or move."""
    sums: Counter[str] = Counter()
    for order in _answer(case).get("orders", ()):
        if "operation" in order:
            sums[order["operation"]] += order["quantity"]
            continue
        place = order.get("location") or order.get("destination")
        source = order.get("supplier") or order.get("origin")
        sums[f"{order.get('item')} @ {place} from {source}"] += order["quantity"]
    return sums


def planned_orders(plan: Plan, snapshot: Snapshot, case: Record) -> Counter[str]:
    """Sum the quantity of a plan's orders in the same terms.

    Steps count as orders, as frePPLe counts them; deliveries do not.
    """
    silent = {d.get("delivery_operation") for d in case["model"].get("demands", ())}
    steps = snapshot["steps"]
    names: dict[str, list[str]] = {}
    for routing, name in steps.select("routing", "name").iter_rows():
        names.setdefault(routing, []).append(name)
    lanes = dict(snapshot["lanes"].select("lane", "origin").iter_rows())
    sums: Counter[str] = Counter()
    for row in plan.supplies.iter_rows(named=True):
        quantity = row["order_qty"]
        if quantity is None:
            continue
        if row["kind"] == "make":
            for name in {row["source"], *names.get(row["source"], ())} - silent:
                sums[name] += quantity
            continue
        source = lanes.get(row["source"], row["source"])
        sums[f"{row['product']} @ {row['location']} from {source}"] += quantity
    return sums


def agreement(
    plan: Plan, snapshot: Snapshot, case: Record
) -> dict[str, tuple[int, int]]:
    """Count, per level, what agrees and what there is."""
    wanted, got = expected_lines(case), planned_lines(plan)
    counts = {
        level: (
            sum(got.get(d, (None,) * 3)[i] == row[i] for d, row in wanted.items()),
            len(wanted),
        )
        for i, level in enumerate("ABC")
    }
    theirs, ours = expected_orders(case), planned_orders(plan, snapshot, case)
    names = {*theirs, *ours}
    close = sum(abs(theirs[name] - ours[name]) < 1e-6 for name in names)
    return {**counts, "D": (close, len(names))}
