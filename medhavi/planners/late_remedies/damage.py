"""What the lateness and the shortage of a plan cost, demand by demand.

The values are those of one snapshot, whatever tables the plan was made on: what
raises a priority must not look dearer because it raised it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.forecast_netting import ForecastPolicies, needed_at
from medhavi.providers.demand_values import demand_value
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class Outcome(NamedTuple):
    """What became of a demand.

    `last` is the last delivery [UTC seconds], `late` its lateness against the due date
    of the values' snapshot [s]; both None without a delivery. `money` is what lateness
    and shortage cost; `short` is not delivered [base units], `share` of the need is.
    """

    last: int | None
    late: int | None
    money: float
    short: float = 0.0
    share: float = 1.0


class Damage:
    """Values the outcome of every demand by the tables of one snapshot.

    Parameters
    ----------
    snapshot
        Whose prices, weights and due dates count.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        costs = dict(
            zip(
                snapshot["products"]["product"],
                snapshot["products"]["unit_cost"],
                strict=True,
            )
        )
        products = snapshot["products"].select("product", "parent")
        parents = dict(products.drop_nulls("parent").iter_rows())
        policies = ForecastPolicies(
            snapshot["forecast_policies"].iter_rows(named=True), parents
        )
        self._late: dict[str, float] = {}
        self._short: dict[str, float] = {}
        self._due: dict[str, int] = {}
        for row in snapshot["demands"].iter_rows(named=True):
            weight = settings.weight(row["priority"])
            value = demand_value(row, costs.get(row["product"]) or 0.0, weight)
            self._late[row["demand"]] = value.late
            self._short[row["demand"]] = value.short
            self._due[row["demand"]] = _needed(row, policies)

    def of(self, plan: Plan) -> dict[str, Outcome]:
        """Outcome of every demand that a plan plans."""
        last: dict[str, int] = {}
        money: dict[str, float] = {}
        for demand, qty, date in plan.deliveries.select(
            "demand", "qty", "date"
        ).iter_rows():
            instant = to_seconds(date)
            behind = max(instant - self._due[demand], 0) / DAY
            money[demand] = money.get(demand, 0.0) + self._late[demand] * qty * behind
            last[demand] = max(last.get(demand, instant), instant)
        found: dict[str, Outcome] = {}
        for demand, qty, short in plan.fulfilment.select(
            "demand", "qty", "short"
        ).iter_rows():
            when = last.get(demand)
            late = None if when is None else max(when - self._due[demand], 0)
            cost = money.get(demand, 0.0) + self._short[demand] * (short or 0.0)
            missing = short or 0.0
            share = 1.0 - missing / qty if qty else 1.0
            found[demand] = Outcome(when, late, cost, missing, share)
        return found


def _needed(row: Mapping[str, Any], policies: ForecastPolicies) -> int:
    end = row["period_end"]
    instants = {
        "due": to_seconds(row["due"]),
        "period_end": None if end is None else to_seconds(end),
    }
    return needed_at({**row, **instants}, policies)
