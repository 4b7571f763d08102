"""Outcomes of plans that are only constructed, to choose what is planned whole.

Where the rounds plan, a plan is only constructed, with the sources that effort light
finds for the unchanged tables: a tenth of the work of a plan with effort standard.
Where the search plans, it constructs with effort light. What a change cures there says
which changes are worth a plan with all its effort, and is told to nobody.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.planners import pipeline
from medhavi.planners.constrained.rounds import constructed
from medhavi.planners.run_limits import without_collections
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.planners.constrained.rounds import Constructed
    from medhavi.planners.late_remedies.demand_outcomes import (
        DemandCosts,
        DemandOutcome,
    )
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot


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
    def _first(self) -> Constructed | None:
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
        self, snapshot: Snapshot, first: Constructed | None = None
    ) -> Constructed | None:
        decisions = None if first is None else first.decisions
        try:
            with without_collections():
                return constructed(snapshot, self._parameters, decisions, self._stop)
        except (BadData, NotAvailable):
            return None

    def _searched(self, snapshot: Snapshot) -> Mapping[str, DemandOutcome] | None:
        try:
            made = pipeline.plan(
                snapshot,
                self._run.mode,
                self._parameters,
                seed=self._run.seed,
                cancelled=self._stop,
            )
        except (BadData, NotAvailable):
            return None
        cancelled = made.run.status is Status.CANCELLED
        return None if cancelled else self._values.of(made)
