"""How urgent an order is: as the demands that it serves, promoted when late (WO-05)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.results.plans.lateness import not_kept
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from medhavi.planners.work_orders.order_parameters import OrderParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUrgency:
    """Priority of one order.

    Parameters
    ----------
    supply
        Its id.
    priority
        1 is the most important, 0 above all; None: it serves no demand (safety stock,
        the surplus of a lot).
    demand
        The demand that gives the priority.
    promoted
        It was moved up: a demand of it is late or short, or it should have begun.
    expedite
        Extra cost is worth it: it serves a critical demand, or one that is behind and
        allows extra cost.
    """

    supply: str
    priority: int | None
    demand: str | None
    promoted: bool
    expedite: bool


def urgencies(
    plan: Plan, snapshot: Snapshot, parameters: OrderParameters
) -> tuple[OrderUrgency, ...]:
    """Rank the orders of a plan that are not done, by id.

    The most important demand decides, of equal ones the first due; an order that starts
    before now is behind as a late one is (mode mrp dates into the past).
    """
    demands = {row["demand"]: row for row in snapshot["demands"].iter_rows(named=True)}
    behind = set(not_kept(plan)["demand"].to_list())
    served: dict[str, set[str]] = {}
    for supply, demand in plan.pegging.select("supply", "demand").iter_rows():
        served.setdefault(supply, set()).add(demand)
    now = int(snapshot.as_of)
    found = []
    for row in plan.supplies.sort("id").iter_rows(named=True):
        rows = sorted(
            (demands[name] for name in served.get(row["id"], ()) if name in demands),
            key=lambda one: (one["priority"], one["due"], one["demand"]),
        )
        past = row["status"] == "planned" and to_seconds(row["start"]) < now
        late = [one for one in rows if past or one["demand"] in behind]
        critical = any(
            one["priority"] <= parameters.critical_priority
            or one["tier"] in parameters.critical_tiers
            for one in rows
        )
        priority = rows[0]["priority"] if rows else None
        promoted = bool(late) and parameters.late_promotion > 0
        if promoted and priority is not None:
            raised = late[0]["priority"] - parameters.late_promotion
            priority = min(priority, max(0, raised))
        found.append(
            OrderUrgency(
                supply=row["id"],
                priority=priority,
                demand=rows[0]["demand"] if rows else None,
                promoted=promoted,
                expedite=critical or any(one["expedite"] for one in late),
            )
        )
    return tuple(found)
