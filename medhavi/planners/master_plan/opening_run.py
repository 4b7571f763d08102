"""Mode optimize where resources, suppliers and lanes cost something to open.

What is closed is decided by plans, in three steps:

1. The program with whole openings (`opening_block`) says what it leaves closed.
2. Plans of little effort say what their scorecard makes of that: of the cheapest set
   known one more is closed, one is opened again, or one takes the place of another.
   What costs less is kept (the drop, add and swap moves of facility location: Kuehn and
   Hamburger 1963, Management Science 9, 643-666). They end at a number of plans, so
   equal tables have equal results.
3. The best set is planned with all effort. It is the answer where it costs less than
   the plan in which everything may be opened, which is made in any case.

Plans of closed tables obey the stated ones: closing only takes away. Without a stated
opening cost, or where the plan is proven best, nothing of this is done.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.errors import NotAvailable
from medhavi.findings import BadData, finding
from medhavi.planners.master_plan import master_run
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.decoder import GUIDING, PROVEN, bounded_below
from medhavi.planners.master_plan.goals.staged_solve import (
    PROVED,
    preferred,
    room_above,
    worth,
)
from medhavi.planners.master_plan.openings.closed_tables import closed_tables, openable
from medhavi.planners.master_plan.openings.opening_block import OPENED, decided_program
from medhavi.planners.master_plan.statement import state
from medhavi.planners.master_plan.step_plans import PlansInMemory
from medhavi.results.amounts import currency_of, with_unit
from medhavi.results.figures.openings import OPENED as OPENABLE
from medhavi.results.figures.openings import SUBJECT, openings
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Basis, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.findings import Finding
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Subject = tuple[str, str]
    Closed = frozenset[Subject]

NONE: Closed = frozenset()
HALF = 0.5
"""Share of an opening from which on the program has it."""
CLOSED = "with openings decided"
"""What steps of the answer are called besides, where something is closed."""


class OpeningRun(NamedTuple):
    """What all plans of a run share: tables and settings, and how it is watched."""

    snapshot: Snapshot
    parameters: OptimizeParameters
    observe: Observe | None
    cancelled: Cancelled | None
    seed: int | None
    kept: StepPlans

    def plan(self, closed: Closed = NONE, effort: str | None = None) -> Plan:
        """Plan with something closed; raises as of `pipeline.plan`."""
        own = self.parameters
        return master_run.plan(
            closed_tables(self.snapshot, closed),
            own if effort is None else replace(own, effort=effort),
            self.observe,
            self.cancelled,
            seed=self.seed,
            kept=self.kept,
        )

    def is_better(self, new: Plan, old: Plan) -> bool:
        """Whether a plan comes before another by budgets, stages, then cost.

        Neither is kept by leaving more short: what is closed may leave all of it short.
        """
        goals = self.parameters
        if goals.budgets or goals.stages:
            less, more = (scorecard(one, self.snapshot).shortage for one in (old, new))
            if more > room_above(less, goals):
                return False
        first = preferred([old, new], self.snapshot, goals)
        if len(first) == 1:
            return first[0] is new
        costs = [worth(one, self.snapshot, self.parameters) for one in (new, old)]
        return costs[0] < costs[1]

    def is_proven(self, made: Plan, least: float | None) -> bool:
        """Whether no plan costs less, where cost alone decides."""
        if least is None or self.parameters.budgets or self.parameters.stages:
            return False
        return worth(made, self.snapshot, self.parameters) * (1 - PROVEN) <= least


def plan(
    snapshot: Snapshot,
    parameters: OptimizeParameters,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    kept: StepPlans | None = None,
) -> Plan:
    """Plan a snapshot in mode optimize, as of `master_run.plan`, openings decided."""
    kept = kept or PlansInMemory()
    run = OpeningRun(snapshot, parameters, observe, cancelled, seed, kept)
    whole = run.plan()
    stated = openable(snapshot)
    ended = whole.run.status is Status.CANCELLED or not parameters.opening_trials
    if stated.is_empty() or ended or run.is_proven(whole, whole.run.bound):
        return whole
    closed, best, stopped = _cheapest(run, stated, whole)
    if closed and not stopped and parameters.effort != "light":
        made = run.plan(closed)
        stopped = made.run.status is Status.CANCELLED
        best = best if stopped or not run.is_better(made, best) else made
    if not closed or not run.is_better(best, whole):
        best = whole
    else:
        best = of_stated_tables(run, best, whole)
    if stopped:
        best = replace(best, run=replace(best.run, status=Status.CANCELLED))
    return best


def _cheapest(
    run: OpeningRun, stated: pl.DataFrame, whole: Plan
) -> tuple[Closed, Plan, bool]:
    """Closed openings of the cheapest plan of little effort, and that plan.

    And whether the run was interrupted.
    """
    light = run.parameters.effort == "light"
    best, made = NONE, whole if light else run.plan(effort="light")
    if made.run.status is Status.CANCELLED:
        return best, whole, True
    tried, left = {best}, run.parameters.opening_trials
    moves: Iterator[Closed]
    by_program = _closed_by_program(run, stated)
    moves = chain([by_program], _moves(run, stated, best, made))
    while left and not run.is_proven(made, whole.run.bound):
        closed = next((one for one in moves if one not in tried), None)
        if closed is None:
            break
        tried.add(closed)
        left -= 1
        try:
            new = run.plan(closed, "light")
        except (BadData, NotAvailable):
            # Without it a rule of the tables is broken: it has to be open.
            continue
        if new.run.status is Status.CANCELLED:
            return best, made, True
        if run.is_better(new, made):
            best, made = closed, new
            moves = _moves(run, stated, best, made)
    return best, made, False


def _moves(
    run: OpeningRun, stated: pl.DataFrame, closed: Closed, made: Plan
) -> Iterator[Closed]:
    """Sets next to a closed one: the dearest openings are closed first."""
    cost = {(table, name): money for table, name, money in stated.rows()}
    paid = set(openings(made, run.snapshot).select(SUBJECT).rows()) & cost.keys()
    dear = sorted(paid, key=lambda one: (-cost[one], one))
    cheap = sorted(closed, key=lambda one: (cost[one], one))
    unused = closed | (cost.keys() - paid)
    # What nobody uses stays closed: closing another one would open it.
    yield from (unused | {one} for one in dear)
    yield from (closed | {one} for one in dear)
    yield from (closed - {one} for one in cheap)
    yield from (closed - {one} | {other} for other in dear for one in cheap)


def _closed_by_program(run: OpeningRun, stated: pl.DataFrame) -> Closed:
    """What the program with whole openings leaves closed; none: it was not solved."""
    own = run.parameters
    built = master_run.built_run(run.snapshot, own)
    program = decided_program(build(state(built, own)).program)
    built.release.dissolve()
    if program is None:
        return NONE
    limits = replace(own, lot_nodes=own.opening_nodes)
    session = master_run.solver_of(limits, run.seed).open(program)
    solution = session.solve(cancelled=run.cancelled)
    if solution.outcome not in GUIDING:
        return NONE
    opened = solution.values[program.column_block(OPENED).span] >= HALF
    names = stated.select(SUBJECT).rows()
    return frozenset(
        one for one, is_open in zip(names, opened, strict=True) if not is_open
    )


def of_stated_tables(run: OpeningRun, best: Plan, whole: Plan) -> Plan:
    """A plan of closed tables as one of the stated tables, which it is as well."""
    snapshot, parameters = run.snapshot, run.parameters
    cost, least = worth(best, snapshot, parameters), whole.run.bound
    steps = tuple(replace(one, name=f"{one.name}, {CLOSED}") for one in best.run.steps)
    record = replace(
        bounded_below(best.run, cost, least, PROVED),
        snapshot_fingerprint=whole.run.snapshot_fingerprint,
        settings=whole.run.settings,
        steps=(*whole.run.steps, *steps),
    )
    basis = None if best.basis is None else best.basis.schedule
    return replace(
        best,
        run=record,
        basis=replace(Basis.of(snapshot), schedule=basis),
        findings=(*_told(run, best, whole), *best.findings),
    )


def _told(run: OpeningRun, best: Plan, whole: Plan) -> Iterator[Finding]:
    """What is not opened that would be where everything may be, and what that saves."""
    paid = [openings(one, run.snapshot) for one in (whole, best)]
    gone = paid[0].join(paid[1], on=SUBJECT, how="anti").select(SUBJECT).rows()
    if gone:
        costs = [worth(one, run.snapshot, run.parameters) for one in (whole, best)]
        saved = with_unit(costs[0] - costs[1], currency_of(run.snapshot))
        told = ", ".join(_in_words(run.snapshot, *one) for one in gone)
        yield finding("PLAN022", value=told, saved=saved)


def _in_words(snapshot: Snapshot, table: str, subject: str) -> str:
    """Kind and id of what may be opened, with what a planner knows it by."""
    key = OPENABLE[table]
    (row,) = snapshot[table].filter(pl.col(key) == subject).to_dicts()
    if table == "lanes":
        return f"{key} {subject} ({row['origin']} to {row['destination']})"
    name = row.get("name")
    return f"{key} {name} ({subject})" if name else f"{key} {subject}"
