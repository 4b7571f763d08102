"""What became of every demand in a plan, valued by the tables of one snapshot.

Outcomes of plans that are only constructed choose what is planned whole. Where the
rounds plan, such a plan has the sources that effort light finds for the unchanged
tables: a tenth of the work of a plan with effort standard. Where the search plans, it
constructs with effort light.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.planners import pipeline
from medhavi.planners.constrained.rounds import constructed
from medhavi.planners.mrp.hard_allocations import ForecastPolicies, needed_at
from medhavi.planners.run_limits import without_collections
from medhavi.providers.product_facts import demand_value
from medhavi.results.run_record import Status
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from medhavi.planners.constrained.rounds import (
        ConstructedDeliveries,
        DemandDeliveries,
    )
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot

SMALL = 1e-9
"""Quantities and shares nearer than this are the same."""


class DemandOutcome(NamedTuple):
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

    @property
    def kept(self) -> bool:
        """Whether all of it comes in time."""
        return not self.late and self.short <= SMALL

    def better(self, before: DemandOutcome, share: float) -> bool:
        """Whether it is less late or less short than before, and gets enough.

        Parameters
        ----------
        share
            Least share of the need that is delivered.
        """
        if self.late is None or self.share < share - SMALL:
            return False
        if before.late is None or self.short < before.short - SMALL:
            return True
        return self.short <= before.short + SMALL and self.late < before.late


class DemandCosts:
    """Values the outcome of every demand by the tables of one snapshot.

    Parameters
    ----------
    snapshot
        Whose prices, weights and due dates count.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        products = snapshot["products"]
        costs = dict(products.select("product", "unit_cost").iter_rows())
        parents = dict(products.select("product", "parent").drop_nulls().iter_rows())
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

    def of(self, plan: Plan) -> dict[str, DemandOutcome]:
        """Outcome of every demand that a plan plans."""
        parts: dict[str, list[tuple[float, int]]] = {}
        for demand, qty, date in plan.deliveries.select(
            "demand", "qty", "date"
        ).iter_rows():
            parts.setdefault(demand, []).append((qty, to_seconds(date)))
        rows = plan.fulfilment.select("demand", "qty", "short").iter_rows()
        return {
            demand: self._outcome(demand, qty, short or 0.0, parts.get(demand, ()))
            for demand, qty, short in rows
        }

    def of_deliveries(
        self, found: Mapping[str, DemandDeliveries]
    ) -> dict[str, DemandOutcome]:
        """Outcome of every demand of a plan that is only constructed."""
        return {
            demand: self._outcome(
                demand,
                one.wanted,
                max(one.wanted - sum(qty for qty, _ in one.deliveries), 0.0),
                one.deliveries,
            )
            for demand, one in found.items()
        }

    def _outcome(
        self, demand: str, qty: float, short: float, parts: Iterable[tuple[float, int]]
    ) -> DemandOutcome:
        due, rate = self._due[demand], self._late[demand]
        money, last = self._short[demand] * short, None
        for delivered, instant in parts:
            money += rate * delivered * max(instant - due, 0) / DAY
            last = instant if last is None else max(last, instant)
        late = None if last is None else max(last - due, 0)
        share = 1.0 - short / qty if qty else 1.0
        return DemandOutcome(last, late, money, short, share)


def _needed(row: Mapping[str, Any], policies: ForecastPolicies) -> int:
    end = row["period_end"]
    instants = {
        "due": to_seconds(row["due"]),
        "period_end": None if end is None else to_seconds(end),
    }
    return needed_at({**row, **instants}, policies)


def planned_as(
    run: RunRecord,
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    stop: Callable[[], bool],
) -> Plan | None:
    """Plan tables in the mode and with the seed of a run.

    None: they cannot be planned (a second unit of a resource with campaigns is such a
    change), or it was stopped.
    """
    try:
        made = pipeline.plan(
            snapshot, run.mode, parameters, seed=run.seed, cancelled=stop
        )
    except (BadData, NotAvailable):
        return None
    return None if made.run.status is Status.CANCELLED else made


class ConstructedOutcomes:
    """Outcomes of constructed plans, of changed tables and of the unchanged.

    Parameters
    ----------
    snapshot
        The unchanged tables.
    run
        Record of the plan of the unchanged tables: its engine constructs.
    parameters
        Those of the plan; the effort is light whatever they say.
    values
        What outcomes are valued by.
    stop
        Polled; a yes ends a plan without an outcome.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        run: RunRecord,
        parameters: ConstrainedParameters,
        values: DemandCosts,
        stop: Callable[[], bool],
    ) -> None:
        self._snapshot = snapshot
        self._run = run
        self._parameters = replace(parameters, effort="light")
        self._values = values
        self._stop = stop
        self._constructs = run.engine != "search"

    @cached_property
    def _first(self) -> ConstructedDeliveries | None:
        """The unchanged tables as effort light constructs them; None: it cannot."""
        return self._constructed(self._snapshot)

    @cached_property
    def before(self) -> Mapping[str, DemandOutcome] | None:
        """Outcomes of the unchanged tables; None: there is no constructed plan."""
        return self.outcomes(self._snapshot)

    def outcomes(self, snapshot: Snapshot) -> Mapping[str, DemandOutcome] | None:
        """Outcomes of tables; None: they cannot be planned, or it was stopped."""
        if not self._constructs:
            return self._searched(snapshot)
        if self._first is None:
            return None
        found = (
            self._first
            if snapshot is self._snapshot
            else self._constructed(snapshot, self._first)
        )
        return None if found is None else self._values.of_deliveries(found.of_demand)

    def _constructed(
        self, snapshot: Snapshot, first: ConstructedDeliveries | None = None
    ) -> ConstructedDeliveries | None:
        decisions = None if first is None else first.decisions
        try:
            with without_collections():
                return constructed(snapshot, self._parameters, decisions, self._stop)
        except (BadData, NotAvailable):
            return None

    def _searched(self, snapshot: Snapshot) -> Mapping[str, DemandOutcome] | None:
        made = planned_as(self._run, snapshot, self._parameters, self._stop)
        return None if made is None else self._values.of(made)
