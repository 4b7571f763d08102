"""Run mode optimize: state the program, solve it, plan as it says within capacity.

The program counts hours by bucket and no lots, so what it says cannot be carried out as
it stands. It guides the constrained planner instead, which obeys all rules; a plan that
does not follow it is made, too, and what costs less is the answer.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.optimize.highs import SEED, Highs, SolverLimits
from medhavi.optimize.problem import SolveStatus
from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.cost_bound import cost_at_least
from medhavi.planners.master_plan.decoder import (
    GUIDING,
    ProgramDecoder,
    RunOptions,
    beside,
    contribution_rows,
    decided,
    program_record,
)
from medhavi.planners.master_plan.goals.profit import losses_found
from medhavi.planners.master_plan.goals.staged_solve import (
    GoalProgram,
    agreed_hours,
    budgeted,
    plan_parts,
    preferred,
    tier_factor_of,
    worth,
)
from medhavi.planners.master_plan.improvement.limited_plans import (
    keeps_budgets,
    tightened,
    weighed,
    within_rules,
    without_budgets_first,
)
from medhavi.planners.master_plan.improvement.plan_improvement import (
    WITHOUT,
    RunStep,
    Tried,
    best_of,
    improved,
    interrupted,
    is_whole,
)
from medhavi.planners.master_plan.lots.lot_planning import planned_lots
from medhavi.planners.master_plan.lots.size_costs import size_share
from medhavi.planners.master_plan.lots.whole_orders import (
    NEAR,
    whole_orders,
    why_no_whole_orders,
)
from medhavi.planners.master_plan.shadow_prices import price_table
from medhavi.planners.master_plan.statement import ObjectivePart, ProgramRun, state
from medhavi.planners.master_plan.step_plans import PlansInMemory, bounded_as
from medhavi.planners.master_plan.storage.storage_block import beyond_limits
from medhavi.progress import Progress, unobserved
from medhavi.results.amounts import currency_of, percent
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import tally
from medhavi.results.program_record import unsolved_words
from medhavi.results.run_record import PlanStep, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.conflict import Conflict
    from medhavi.optimize.problem import Solution, Solver
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.lots.lot_planning import PlannedLots
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


GUIDED = "guided by the program"
ROUNDED_DOWN = "guided, whole units alone"
IN_LOTS = "guided, in planned lots"
FROM_ORDERS = "guided, from whole orders"
"""Steps of a run, as its record names them."""
AGREED = "guided, within agreed hours"
BY_TIERS = "guided, tiers one after the other"
CENT = 0.01
"""Money by which a demand costs more, at least [base currency]."""
NARROW = 0.01
"""Share of what waits for capacity cost from which on a resource is a bottleneck."""


def built_run(
    snapshot: Snapshot, parameters: OptimizeParameters, *, overtime: bool = False
) -> ProgramRun:
    """Read a snapshot into a run that is not netted; raises as of `pipeline.plan`."""
    snapshot.require()
    run = ProgramRun(snapshot, parameters, overtime=overtime)
    run.build()
    return run


def solver_of(parameters: OptimizeParameters, seed: int | None = None) -> Highs:
    """Solver with the limits of the parameters."""
    limits = SolverLimits(
        parameters.most_iterations, parameters.most_seconds, parameters.lot_nodes
    )
    return Highs(SEED if seed is None else seed, limits)


def plan(
    snapshot: Snapshot,
    parameters: OptimizeParameters,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    solver: Solver | None = None,
    kept: StepPlans | None = None,
) -> Plan:
    """Plan a snapshot in mode optimize, as of `pipeline.plan`.

    Parameters
    ----------
    cancelled
        An interruption keeps the best plan so far, whole, with status cancelled.
    solver
        Of the programs; None: HiGHS, with the limits of the parameters.
    kept
        Plans of steps of an earlier run that was ended: it goes on from there.

    Returns
    -------
    Plan
        Of mode constrained, with the parts and prices of the program: the cheapest one
        of a plan that does not follow it, one that does, and, where orders have costs
        of their own, one that does in planned lots. Where the program was not solved
        the one that does not, and its engine says so.
    """
    tell = observe or unobserved
    run = built_run(snapshot, parameters)
    solver = solver or solver_of(parameters, seed)
    least = cost_at_least(run, solver, cancelled)
    way = RunOptions(observe, cancelled, seed, kept or PlansInMemory(), {}, least)
    tell(Progress("plan without the program", 0, 5))
    plain = decided(run, UNDECIDED, parameters.effort, way)
    made, steps = plain, [RunStep(WITHOUT, parameters.effort, plain)]
    found = TriedPlans([], {})
    for goals in without_budgets_first(parameters):
        stopped = made.run.status is Status.CANCELLED
        if stopped or (found.tried and keeps_budgets(made, run)):
            break
        made = by_program(run, plain, solver, way, goals, found)
    steps += [RunStep(*one[:3]) for one in found.tried]
    made = bounded_as(made, plain)
    tell(Progress("plan as it says", 5, 5))
    run.release.dissolve()
    figures = _figures(steps, snapshot, parameters)
    made = replace(made, run=replace(made.run, steps=figures))
    return budgeted(made, snapshot, parameters)


class TriedPlans(NamedTuple):
    """Plans by programs of a run, and what a unit costs of demands that some leave out.

    The latter by index of the demand, as of `losing`.
    """

    tried: list[Tried]
    costs: dict[int, float]


def by_program(
    run: ProgramRun,
    plain: Plan,
    solver: Solver,
    way: RunOptions,
    parameters: OptimizeParameters,
    found: TriedPlans,
) -> Plan:
    """Solve the program of some goals and plan as it says; gives the best plan.

    Parameters
    ----------
    found
        Gets the new plans; one of those that it has may be the best one.
    """
    snapshot, cancelled = run.stated, way.cancelled
    tell, effort = way.observe or unobserved, parameters.effort
    tell(Progress("state", 1, 5))
    built = build(state(run, parameters))
    tell(Progress("solve", 2, 5))
    program = GoalProgram(built, session := solver.open(built.program), cancelled)
    solution, conflicts = program.solve(), program.conflicts
    if solution.outcome not in GUIDING:
        known = [RunStep(*one[:3]) for one in found.tried]
        known.append(RunStep(WITHOUT, parameters.effort, plain))
        made = best_of(known, snapshot, parameters).made
        return _unsolved(made, built, solution, conflicts)
    tell(Progress("plan as it says", 3, 5))
    decoder = ProgramDecoder(built, solution, plain)
    factor = tier_factor_of(parameters, run.intake.demands)
    steps = [*_guided(decoder, factor, solver, way)]
    stopped = interrupted(steps)
    first = steps[0] if stopped else best_of(steps, snapshot, parameters)
    why_not = why_not_in_lots(built, first.made, at_any_cost=effort != "light")
    if not stopped:
        more, stopped = _in_whole_sizes(first, solver, way, why_not)
        steps += more
    prices = None
    if solution.outcome is SolveStatus.OPTIMAL:
        prices = price_table(built, session, solution, cancelled)
    if not conflicts:
        steps += tightened(program, first, way)
        if not interrupted(steps):
            steps += within_rules(program, first, way)
            stopped = stopped or interrupted(steps)
    without = decoder._replace(follows=False, tier_factor=factor)
    unguided = Tried(WITHOUT, effort, beside(plain, built, solution), without)
    if not stopped:
        steps += improved([*steps, unguided], found.costs, way)
    if not (conflicts or stopped):
        guided = [*found.tried, *steps]
        steps += weighed(first, guided, unguided, found.costs, way)
    found.tried.extend(steps)
    best = best_of([*found.tried, unguided], snapshot, parameters)
    made = _told_by(best, decoder, plain, found)
    if stopped or interrupted(steps):
        made = replace(made, run=replace(made.run, status=Status.CANCELLED))
    wholes = [
        whole.record
        for one in found.tried
        if (whole := one.decoder.whole) is not None and whole.record is not None
    ]
    record = replace(
        program_record(built, solution, conflicts),
        components=session.components,
        lots=why_not,
        whole_orders=wholes[0] if wholes else None,
        no_whole_orders="" if wholes else why_no_whole_orders(built.statement),
    )
    made = replace(made, run=replace(made.run, program=record))
    return made if prices is None else made.replace(prices=prices)


def _told_by(
    best: Tried, asked: ProgramDecoder, plain: Plan, found: TriedPlans
) -> Plan:
    """Best plan beside what a program says, with the demands that it leaves out.

    Some plans follow the program solved again: their parts are those of what was asked.
    """
    made = beside(best.made, asked.built, asked.solution)
    lost = {one: found.costs[one] for one in best.decoder.lost}
    statement = asked.built.statement
    currency = currency_of(statement.run.stated)
    told = losses_found(made, statement, lost, plain, currency)
    return replace(made, findings=(*told, *made.findings))


def _guided(
    decoder: ProgramDecoder, tier_factor: float, solver: Solver, way: RunOptions
) -> Iterator[Tried]:
    """Plan guided by amounts, in whole units alone, by tiers, and within agreed hours.

    The rest of a unit of which the program serves a part is taken from others, who may
    bring more. To the search by tiers lateness of one is worth any of those behind it:
    else who waits for hours is served by money. What a program serves in time by work
    beyond agreed hours, which no plan does, comes too late as a whole.
    """
    effort = decoder.built.statement.parameters.effort
    decisions = decoder.decisions()
    guided = Tried(GUIDED, effort, decoder.plan_by(decisions, effort, way), decoder)
    yield guided
    if interrupted([guided]):
        return
    down = decoder._replace(rounds_down=True)
    whole = down.decisions()
    if whole.slices != decisions.slices:
        made = Tried(ROUNDED_DOWN, effort, down.plan_by(whole, effort, way), down)
        yield made
        if interrupted([made]):
            return
    if tier_factor > 1:
        decoder = decoder._replace(tier_factor=tier_factor)
        made = Tried(BY_TIERS, effort, decoder.plan(effort, way), decoder)
        yield made
        if interrupted([made]):
            return
    built, known, cancelled = decoder.built, decoder.solution, way.cancelled
    agreed = agreed_hours(built, known, guided.made, solver, cancelled)
    if agreed is not None:
        decoder = decoder._replace(solution=agreed)
        yield Tried(AGREED, effort, decoder.plan(effort, way), decoder)


def _in_whole_sizes(
    first: Tried, solver: Solver, way: RunOptions, why_not: str
) -> tuple[list[Tried], bool]:
    """Plans in planned lots, and from whole orders; and whether it was interrupted.

    Parameters
    ----------
    first
        The plan that is guided by amounts alone.
    why_not
        Why no plans in lots are made; empty: they are.
    """
    decoder = first.decoder
    run, parameters = decoder.built.statement.run, decoder.built.statement.parameters
    tell, cancelled = way.observe or unobserved, way.cancelled
    made: list[Tried] = []
    if not why_not:
        tell(Progress("plan lots", 4, 5))
        values = decoder.solution.values
        planned = planned_lots(decoder.built, values, solver, cancelled)
        if planned is None:
            return [], True
        if planned.places:
            known = min(
                (decoder.plain, first.made),
                key=lambda one: worth(one, run.stated, parameters),
            )
            made += _in_lots(decoder, planned, known, way)
    # Where little is tried, for limits alone: no search knows them.
    keeps = not beyond_limits(first.made, run.stated)
    if not (interrupted(made) or (keeps and parameters.effort == "light")):
        tell(Progress("plan whole orders", 4, 5))
        made += _from_orders(decoder, solver, way)
    return made, interrupted(made)


def why_not_in_lots(
    built: BuiltProgram, made: Plan, *, at_any_cost: bool = False
) -> str:
    """Why a plan in planned lots is not worth its time; empty: it is.

    `at_any_cost`: whatever share of a plan orders cost.
    """
    statement, parameters = built.statement, built.statement.parameters
    cells, most = len(statement.nodes) * statement.grid.size, parameters.most_lot_cells
    if cells > most:
        return f"{cells:,} cells are more than most_lot_cells ({most:,})"
    if at_any_cost:
        return ""
    share, least = size_share(statement, made), parameters.lots_share
    why = f"larger orders save at most {percent(share)} of the plan, "
    why += f"lots_share asks {percent(least)}"
    return "" if share >= least else why


def _figures(
    steps: Sequence[RunStep], snapshot: Snapshot, parameters: OptimizeParameters
) -> tuple[PlanStep, ...]:
    """What the plan of each step came to, and the best one after it."""
    figures: list[PlanStep] = []
    best: RunStep | None = None
    for step in steps:
        figures.append(_step(*step, snapshot, parameters))
        if is_whole(step.made):
            known = {id(one): one for one in (steps[0], best or step, step)}
            best = best_of(list(known.values()), snapshot, parameters)
        if best is not None:
            cost = figures[next(n for n, one in enumerate(steps) if one is best)].cost
            figures[-1] = replace(figures[-1], best=cost)
    return tuple(figures)


def _step(
    name: str,
    effort: str,
    made: Plan,
    snapshot: Snapshot,
    parameters: OptimizeParameters,
) -> PlanStep:
    """What the plan of a step came to."""
    parts = plan_parts(made, snapshot, parameters)
    return PlanStep(
        name=name,
        effort=effort,
        cost=sum(parts.values()),
        lateness=parts[ObjectivePart.LATENESS] + parts[ObjectivePart.SHORTAGE],
        late=tally(made).not_kept,
        moves=round(made.run.effort.get("moves", 0.0)),
    )


def _in_lots(
    decoder: ProgramDecoder, lots: PlannedLots, known: Plan, way: RunOptions
) -> list[Tried]:
    """Plans in planned lots.

    Needs of what other orders take move with those orders, and a large lot of it makes
    many of them wait, as do large lots on a bottleneck. Plans of little effort tell in
    which lots a plan costs least: in all; without those of bottlenecks; where neither
    costs less than the best one that is known, those of what is sold, or bought, alone.

    Parameters
    ----------
    known
        The best plan up to now.
    """
    statement = decoder.built.statement
    run, effort = statement.run, statement.parameters.effort
    sold = {demand.node for demand in run.intake.demands}
    made: list[Tried] = []

    def planned(own: PlannedLots, effort: str) -> float:
        follows = decoder._replace(lots=own)
        made.append(Tried(IN_LOTS, effort, follows.plan(effort, way), follows))
        return worth(made[-1].made, run.stated, run.goals)

    if not lots.places <= sold:
        costs, tried = [planned(lots, "light")], [lots]
        if effort == "light":
            return made
        while not interrupted(made):
            last, on = tried[-1], _on_bottlenecks(made[-1].made, known, statement)
            own = last.of(last.places - on)
            if not own.places or own.places == last.places:
                break
            costs.append(planned(own, "light"))
            tried.append(own)
        if min(costs) >= worth(known, run.stated, run.goals):
            goods = (sold, {key for key in lots.places if _is_bought(run, key)})
            for own in map(lots.of, goods):
                if own.places and not interrupted(made):
                    costs.append(planned(own, "light"))
                    tried.append(own)
        if interrupted(made):
            return made
        lots = tried[int(np.argmin(costs))]
    planned(lots, effort)
    return made


def _from_orders(
    decoder: ProgramDecoder, solver: Solver, way: RunOptions
) -> Iterator[Tried]:
    """Plans from the orders of the program with whole orders, where it is small.

    The best point is followed in all ways, those that cost a little more in the ways
    that were about the best ones.
    """
    statement = decoder.built.statement
    snapshot, parameters = statement.run.stated, statement.parameters
    effort = parameters.effort
    light: list[Tried] = []
    ways: list[int] | None = None
    for point in whole_orders(statement, solver, way.cancelled):
        every = decoder.from_orders(point)
        for follows in every if ways is None else (every[n] for n in ways):
            made = follows.plan("light", way)
            light.append(Tried(FROM_ORDERS, "light", made, follows))
            yield light[-1]
            if interrupted(light):
                return
        if ways is None:
            first = preferred([one.made for one in light], snapshot, parameters)
            costs = [
                worth(one.made, snapshot, parameters)
                if any(one.made is made for made in first)
                else math.inf
                for one in light
            ]
            most = min(costs) + NEAR * abs(min(costs))
            # Of equal plans one is enough.
            ways = [
                n
                for n, cost in enumerate(costs)
                if cost <= most and cost not in costs[:n]
            ]
    if light:
        best = best_of(light, snapshot, parameters)
        made = best.decoder.plan(effort, way)
        yield Tried(FROM_ORDERS, effort, made, best.decoder)


def _on_bottlenecks(made: Plan, known: Plan, statement: Statement) -> set[NodeKey]:
    """Products at places that are made on a bottleneck of a plan.

    Bottlenecks are resources that demands wait for which cost more than they do in a
    known plan, but those whose waits cost next to nothing of that.
    """
    by_demand = (
        one.causes.group_by("demand").agg(pl.col("money").sum())
        for one in (made, known)
    )
    costs, before = (dict(one.iter_rows()) for one in by_demand)
    dearer = [
        one for one, money in costs.items() if money > before.get(one, 0.0) + CENT
    ]
    waits = made.causes.filter(
        pl.col("demand").is_in(dearer), pl.col("code") == Limiter.CAPACITY_SHORTFALL
    )
    money = waits.group_by("subject").agg(pl.col("money").sum())
    some = pl.col("money") >= NARROW * pl.col("money").sum()
    bottlenecks = set(money.filter(some)["subject"])
    return {
        gain.node.key
        for plan in statement.plans
        for gain in plan.given
        if any(work.resource in bottlenecks for work in plan.occupied)
    }


def _is_bought(run: ProgramRun, key: NodeKey) -> bool:
    """Whether a product at a place is bought and nothing else."""
    ways = run.model.ways(run.model.node(key))
    return all(way.source.kind == "buy" for way in ways)


def _unsolved(
    plain: Plan,
    built: BuiltProgram,
    solution: Solution,
    conflicts: Sequence[Conflict],
) -> Plan:
    """A plan without a program that was not solved, and why it was not."""
    timed = built.statement.parameters.most_seconds is not None
    engine = f"{plain.run.engine}, which {unsolved_words(solution.outcome)}"
    told = program_record(built, solution, conflicts)
    rows = contribution_rows(built.statement.run, plain, None)
    plain = plain.replace(contributions=rows)
    record = replace(plain.run, engine=engine, program=told)
    if solution.outcome is SolveStatus.CANCELLED:
        record = replace(record, status=Status.CANCELLED)
    if solution.outcome is SolveStatus.LIMIT and timed:
        record = replace(record, repeatable=False)
    return replace(plain, run=record)
