"""Rounds of a constrained run: net and place until nothing more is refused.

Before them sources may be diverted: see `diverting`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.constrained.campaign_choice import campaign_rules
from medhavi.planners.constrained.diverting import diverted_sources, may_divert
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.round_memory import Memory
from medhavi.planners.constrained.stopping import Stop, cancelled_plan, never
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.planners.constrained.diverting import Trial
    from medhavi.planners.mrp.state import Diverted
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot

    Observe = Callable[[str, int, int], None] | None

MOST_ROUNDS = 40
"""Rounds of netting until nothing is missing; what is missing then stays short."""


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    seed: int | None = None,
    memory: Memory | None = None,
) -> Plan:
    """Plan a snapshot in mode constrained.

    Parameters
    ----------
    snapshot
        All planning tables.
    parameters
        Settings of the planner.
    version
        Package version for the run record.
    observe, cancelled
        Progress and interruption. Once all orders are placed an interruption ends the
        improvement: the best plan so far, whole, with status cancelled. Before that the
        plan is empty.
    seed
        Recorded only: nothing here is random.
    memory
        Fresh memory of this snapshot, whose providers were asked before.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.

    Notes
    -----
    A round of netting is that of mode mrp; a rehearsal is O(tasks log tasks), placing
    two calls of a provider per order. Sources: Panwalkar and Iskander 1977 (dispatching
    rules), Valls, Ballestin and Quintanilla 2005 (justification), requirements CAP-06,
    CAP-12, CAP-17, CAP-18, MRP-09.
    """
    snapshot.require()
    memory = memory or Memory(snapshot)
    memory.campaign_rules = campaign_rules(snapshot, parameters, memory.findings)
    stop = Stop(cancelled)
    memory = memory.afresh(_diverted(memory, parameters, observe, stop))
    if stop() and memory.diverted:
        # What the sources were found for is whole already: it is made once more.
        run, whole = _placed(memory, _lighter(parameters), observe, never)
    else:
        run, whole = _placed(memory, parameters, observe, stop)
    if not whole:
        return cancelled_plan(run, run.fingerprint, version, seed)
    run.move_late()
    run.settle()
    made = run.plan(version, seed)
    run.dissolve()
    if stop():
        settings = parameters.as_dict()
        record = replace(made.run, status=Status.CANCELLED, settings=settings)
        return replace(made, run=record)
    return made


def _lighter(parameters: ConstrainedParameters) -> ConstrainedParameters:
    return replace(parameters, effort="light")


def _diverted(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe,
    stop: Callable[[], bool],
) -> Diverted:
    """Find the sources by which a plan that is only constructed weighs least."""
    light, budget = _lighter(parameters), parameters.source_budget
    if not may_divert(memory.snapshot, budget):
        return {}

    def make(diverted: Diverted) -> Trial | None:
        run, whole = _placed(memory.afresh(diverted), light, None, stop)
        if not whole:
            run.release.dissolve()
            return None
        found = run.trial()
        run.dissolve()
        return found

    def tell(made: int, rounds: int) -> None:
        if observe is not None:
            observe("other sources", made, rounds)

    return diverted_sources(make, budget, tell)


def _placed(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe,
    stop: Callable[[], bool],
) -> tuple[FeasibleRun, bool]:
    """Net and place until no more is refused; tell too whether it was let."""
    rounds = 0
    while True:
        run = _netted(memory, parameters, observe, stop)
        rounds += 1
        if run.stopped or stop():
            return run, False
        run.place()
        if rounds == MOST_ROUNDS or not run.refused():
            return run, True
        if stop():
            return run, False
        run.dissolve()


def _netted(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe,
    stop: Callable[[], bool],
) -> FeasibleRun:
    """Net until nothing is missing that could be had."""
    rounds = 0
    while True:
        run = FeasibleRun(memory, parameters, observe, stop)
        run.build()
        run.net()
        rounds += 1
        # What is missing after the last round never fits; it is taken out in the end.
        if run.stopped or rounds == MOST_ROUNDS or not run.rationed():
            return run
        run.release.dissolve()
