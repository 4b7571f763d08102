"""Rounds of a constrained run: net and place until nothing more is refused.

Before them sources may be diverted, and a search tries other decisions: see `diverting`
and `plan_search`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.feasible_run import FeasibleRun, never
from medhavi.planners.constrained.improvement.diverting import (
    diverted_sources,
    may_divert,
)
from medhavi.planners.constrained.improvement.plan_search import PlanSearch, best_pieces
from medhavi.planners.constrained.improvement.round_memory import memory_of
from medhavi.planners.constrained.netting.given_sources import WHOLE
from medhavi.progress import Progress, Stop
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord, Status
from medhavi.units import from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from medhavi.planners.constrained.improvement.diverting import Trial
    from medhavi.planners.constrained.improvement.plan_search import PieceTrial
    from medhavi.planners.constrained.improvement.round_memory import Memory
    from medhavi.planners.constrained.netting.given_sources import Decisions, Pieces
    from medhavi.planners.mrp.netting_state.state import Diverted, NodeKey
    from medhavi.planners.mrp.run import MrpRun
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


MOST_IN_PIECES = 1_500
"""Orders that are placed to find out in which parts goods are late the least."""
MOST_ROUNDS = 40
"""Rounds of netting until nothing is missing; what is missing then stays short."""


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
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
        Of the random numbers of a search over whole plans; empty: always the same.
    memory
        Fresh memory of this snapshot, whose providers were asked before, and the
        decisions that the plan begins with.

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
    memory = memory or memory_of(snapshot, parameters)
    stop = Stop(cancelled)
    plans = _Plans(memory, _lighter(parameters), stop, observe, seed or 1)
    run, whole = _best(plans, memory, parameters, observe, stop)
    if not whole:
        return cancelled_plan(run, run.fingerprint, version, seed)
    run.bound()
    run.move_late()
    run.settle()
    made = run.plan(version, seed)
    run.dissolve()
    status = Status.CANCELLED if stop() else made.run.status
    settings = parameters.as_dict()
    effort = {**made.run.effort, "plans": float(plans.tried)}
    record = replace(made.run, status=status, settings=settings, effort=effort)
    return replace(made, run=record)


def cancelled_plan(
    run: MrpRun, fingerprint: str, version: str, seed: int | None
) -> Plan:
    """Empty plan: half of a constrained plan cannot be carried out.

    Parameters
    ----------
    run
        What was interrupted; it is dissolved.
    fingerprint
        Of the snapshot as it was given.
    version, seed
        Recorded only.
    """
    run.release.dissolve()
    return Plan(
        tables={},
        run=RunRecord(
            planner=run.mode,
            mode=run.mode,
            package_version=version,
            snapshot_fingerprint=fingerprint,
            as_of=run.as_of,
            settings=run.parameters.as_dict(),
            seed=seed,
            status=Status.CANCELLED,
        ),
        findings=tuple(run.findings),
    )


class DemandDeliveries(NamedTuple):
    """What a demand gets: `wanted`, and quantity and instant [UTC s] of each delivery.

    Quantities are those of the tables, in the unit of the product.
    """

    wanted: float
    deliveries: tuple[tuple[float, int], ...]


class ConstructedDeliveries(NamedTuple):
    """Deliveries of a plan that is only constructed, by demand, and its decisions."""

    of_demand: Mapping[str, DemandDeliveries]
    decisions: Decisions


def constructed(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    decisions: Decisions | None = None,
    stop: Callable[[], bool] = never,
) -> ConstructedDeliveries | None:
    """Deliveries of a plan as effort light constructs it, without tables and causes.

    Parameters
    ----------
    snapshot, parameters
        As of `plan`; the effort is light whatever it says.
    decisions
        What it is made with; None: sought as effort light does, which takes several
        times as long as to construct the plan.
    stop
        Polled; a yes ends it without an answer.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    light = _lighter(parameters)
    memory = memory_of(snapshot, light)
    if decisions is None:
        decisions = _Plans(memory, light, stop).decisions(light)
    run, whole = _placed(memory.afresh(decisions), light, None, stop)
    if not whole:
        run.release.dissolve()
        return None
    step_of = memory.providers.facts.step
    found = {}
    for line in run.lines:
        step = step_of(line.demand.node[0])
        parts = tuple((from_units(p.qty, step), p.date) for p in line.parts)
        found[line.demand.demand] = DemandDeliveries(
            from_units(line.demand.qty, step), parts
        )
    run.dissolve()
    return ConstructedDeliveries(found, decisions)


def _best(
    plans: _Plans,
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe | None,
    stop: Callable[[], bool],
) -> tuple[FeasibleRun, bool]:
    """Place with the decisions of each effort up to this one; keep what weighs least.

    Where two efforts find the same decisions, the larger one goes through what the
    smaller one does. Tells too whether it was let.
    """
    found = [
        (step, plans.decisions(step)) for step in parameters.steps() or (parameters,)
    ]
    if stop() and plans.whole:
        # What the decisions were found for was whole already: it is made once more.
        return _placed(
            memory.afresh(found[-1][1]), _lighter(parameters), observe, never
        )
    last: tuple[FeasibleRun, bool] | None = None
    for place, (step, decisions) in enumerate(found):
        if any(decisions == later for _, later in found[place + 1 :]):
            continue
        if last is not None and stop():
            break
        run, whole = _placed(memory.afresh(decisions), step, observe, stop)
        if last is None:
            last = run, whole
        elif whole and run.judged().no_worse(last[0].judged()):
            last[0].dissolve()
            last = run, whole
        elif whole:
            run.dissolve()
        else:
            run.release.dissolve()
        if whole and not stop():
            last = _in_pieces(memory, last[0], decisions, step, stop), True
    return last or _placed(memory, parameters, observe, stop)


def _in_pieces(
    memory: Memory,
    run: FeasibleRun,
    decisions: Decisions,
    step: ConstrainedParameters,
    stop: Callable[[], bool],
) -> FeasibleRun:
    """Plan with late goods in parts, where it weighs less, else the run.

    Parts are sought by plans that are only constructed, the same with any effort. Where
    units change, late work is cut for as long as each is there too.
    """
    most = MOST_IN_PIECES
    if not step.steps() or len(run.placing.jobs) > most // 2 or not run.judged().late:
        return run

    def made(pieces: Pieces) -> PieceTrial | None:
        own = memory.afresh(replace(decisions, pieces=pieces))
        trial, whole = _placed(own, _lighter(step), None, stop)
        if not whole:
            trial.release.dissolve()
            return None
        found = trial.piece_trial()
        trial.dissolve()
        return found

    found = [best_pieces(made, most)]
    if memory.snapshot["resource_units"].height:
        found.append(WHOLE._replace(fitted=True))
    for pieces in found:
        if pieces == WHOLE or stop():
            continue
        own = memory.afresh(replace(decisions, pieces=pieces))
        other, whole = _placed(own, step, None, stop)
        before, after = run.judged(), other.judged() if whole else None
        if after is not None and after != before and after.no_worse(before):
            run.dissolve()
            run = other
        elif whole:
            other.dissolve()
        else:
            other.release.dissolve()
    return run


def _lighter(parameters: ConstrainedParameters) -> ConstrainedParameters:
    return replace(parameters, effort="light", plans_tried=0)


class _Plans:
    """Plans that are only constructed, and the decisions by which they weigh least.

    Parameters
    ----------
    memory
        Fresh memory of the snapshot.
    parameters
        Of effort light.
    stop
        A yes ends the search for decisions.
    observe
        Gets the progress.
    seed
        Of the random numbers.
    """

    def __init__(
        self,
        memory: Memory,
        parameters: ConstrainedParameters,
        stop: Callable[[], bool],
        observe: Observe | None = None,
        seed: int = 1,
    ) -> None:
        self._seed = seed
        self._memory = memory
        self._parameters = parameters
        self._stop = stop
        self._observe = observe
        self._search: PlanSearch | None = None
        self._known: list[Trial] = []
        self.whole = False
        """Whether some plan was made and not interrupted."""

    @property
    def tried(self) -> int:
        """How many plans a search tried."""
        return 0 if self._search is None else self._search.made

    def decisions(self, step: ConstrainedParameters) -> Decisions:
        """Decisions by which a plan that is only constructed weighs least.

        A step of larger effort goes on where the one before it ended.
        """
        if self._search is None:
            start = replace(self._memory.decisions, sources=self._sources(step))
            if not step.plan_budget.plans or self._stop():
                return start
            self._search = PlanSearch(start, self._made, self._seed)
        budget = step.plan_budget

        def tell(made: int) -> None:
            if self._observe is not None:
                self._observe(Progress("plans", made, budget.plans))

        self._search.run(budget, tell)
        return self._search.best

    def _sources(self, step: ConstrainedParameters) -> Diverted:
        """Sources that go around what late demands wait for."""
        budget = step.source_budget
        if not may_divert(self._memory.snapshot, budget):
            return {}

        def tell(made: int, rounds: int) -> None:
            if self._observe is not None:
                self._observe(Progress("other sources", made, rounds))

        return diverted_sources(self._trial, budget, tell)

    def _trial(self, diverted: Diverted) -> Trial | None:
        """Construct with some sources given; None: it was interrupted."""
        for known in self._known:
            if known.diverted == diverted:
                return known
        run = self._made(replace(self._memory.decisions, sources=diverted))
        if run is None:
            return None
        self._known.append(run.trial())
        run.dissolve()
        return self._known[-1]

    def _made(self, decisions: Decisions) -> FeasibleRun | None:
        """Construct with decisions; None: it was interrupted."""
        memory = self._memory.afresh(decisions)
        run, whole = _placed(memory, self._parameters, None, self._stop)
        if not whole:
            run.release.dissolve()
            return None
        self.whole = True
        return run


def _placed(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe | None,
    stop: Callable[[], bool],
) -> tuple[FeasibleRun, bool]:
    """Net and place until no more is refused; tell too whether it was let."""
    rounds = 0
    while True:
        run = netted(memory, parameters, observe, stop)
        rounds += 1
        if run.stopped or stop():
            return run, False
        run.place()
        if rounds == MOST_ROUNDS or not run.refused():
            return run, True
        if stop():
            return run, False
        run.dissolve()


def netted(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe | None,
    stop: Callable[[], bool],
    lacking: Collection[NodeKey] | None = None,
) -> FeasibleRun:
    """Net until nothing is missing that could be had.

    `lacking`: only these products, and with them what takes of them; None: all.
    """
    rounds = 0
    while True:
        run = FeasibleRun(memory, parameters, observe, stop)
        run.build()
        if lacking is None:
            run.net()
        else:
            run.net_above(lacking)
        rounds += 1
        # What is missing after the last round never fits; it is taken out in the end.
        if run.stopped or rounds == MOST_ROUNDS or not run.rationed():
            return run
        run.release.dissolve()
