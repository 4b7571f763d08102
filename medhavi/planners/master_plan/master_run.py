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
from medhavi.planners.constrained.netting.given_sources import UNDECIDED, Decisions
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.cost_bound import chains_of, cost_at_least
from medhavi.planners.master_plan.goals.goal_amounts import (
    conflict_words,
    excess,
    plan_amounts,
    preferred,
    unit_of,
)
from medhavi.planners.master_plan.goals.staged_solve import GoalProgram
from medhavi.planners.master_plan.lot_planning import planned_lots
from medhavi.planners.master_plan.shadow_prices import price_table, works_overtime
from medhavi.planners.master_plan.statement import (
    GROUPS,
    ObjectivePart,
    ProgramRun,
    state,
)
from medhavi.planners.master_plan.step_plans import (
    PlansInMemory,
    bounded,
    step_name,
)
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.progress import Progress, unobserved
from medhavi.results.amounts import currency_of
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.lateness import tally
from medhavi.results.run_record import PlanBudget, PlanStep, ProgramRecord, Status
from medhavi.units import NEVER
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.conflict import Conflict
    from medhavi.optimize.problem import Floats, Solution, Solver
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.lot_planning import PlannedLots
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def contribution_rows(
    built: BuiltProgram, solution: Solution, made: Plan
) -> pl.DataFrame:
    """What each part adds to the objective of the program, and to that of a plan.

    Either column sums to its objective, weights included. `plan` is null for what the
    scorecard does not price; its lateness holds the shortage.
    """
    statement = built.statement
    currency = currency_of(statement.run.snapshot)
    parts = built.program.contributions(solution.values)
    planned = plan_parts(made, statement.run.stated, statement.parameters)
    rows = [
        (GROUPS[part], part, parts.get(part, 0.0), planned.get(part), currency)
        for part in ObjectivePart
        if part in parts or part in planned
    ]
    return pl.DataFrame(
        rows,
        schema={
            "objective": pl.String,
            "part": pl.String,
            "value": pl.Float64,
            "plan": pl.Float64,
            "unit": pl.String,
        },
        orient="row",
    )


class RunOptions(NamedTuple):
    """Progress, interruption, seed and kept plans of a run, as of `plan`.

    `at_least` is what each of its plans costs at least, see `cost_at_least`.
    """

    observe: Observe | None
    cancelled: Cancelled | None
    seed: int | None
    kept: StepPlans
    at_least: float | None = None


WITHOUT, GUIDED = "without the program", "guided by the program"
IN_LOTS = "guided, in planned lots"
"""Steps of a run, as its record names them."""
TIGHTER = "guided, by tighter budgets"
GUIDING = frozenset({SolveStatus.OPTIMAL, SolveStatus.FEASIBLE})
"""What a program is whose solution a plan follows."""
PROVED = frozenset({Status.OPTIMAL, Status.FEASIBLE})
PROVEN = 2e-6
"""Gap of a plan that is proven best: the bound is told low by half as much."""
DUST = 1e-6
"""Share of a step or of a quantity below which a value of the solver is nothing."""


def guidance(built: BuiltProgram, values: Floats) -> Decisions:
    """Decisions of the constrained planner that follow a solution.

    Of several sources of a product at a location each brings about as much as in the
    solution; what the solution leaves short is not wanted. Where it works beyond open
    hours, agreed overtime may be worked.

    Parameters
    ----------
    built
        Program and its facts.
    values
        Solution, shape (n,).
    """
    slices, overtime = _wanted(built, values), works_overtime(built, values)
    return Decisions(amounts=_amounts(built, values), slices=slices, overtime=overtime)


def _amounts(
    built: BuiltProgram, values: Floats
) -> dict[NodeKey, dict[str, list[tuple[int, float]]]]:
    """What sources bring by bucket, of each product at a place that has several.

    Each amount counts from the begin of the bucket at whose end it arrives: a need of
    that bucket may be served by it.
    """
    statement = built.statement
    orders = values[built.program.column_block(names.ORDERS).span]
    edges = statement.grid.edges
    found: dict[NodeKey, dict[str, list[tuple[int, float]]]] = {}
    for plan in statement.plans:
        own = orders[plan.first : plan.first + len(plan.times.start)]
        own = own / float(plan.ways[0].source.step)
        some = np.flatnonzero(own > DUST)
        begins = edges[np.maximum(plan.times.arrive[some] - 1, 0)]
        brought = list(zip(begins.tolist(), own[some].tolist(), strict=True))
        sources = [way.source for way in plan.ways]
        places = {((one.product, one.location), one.source) for one in sources}
        for key, name in sorted(places):
            found.setdefault(key, {}).setdefault(name, []).extend(brought)
    return {
        key: amounts
        for key, amounts in found.items()
        if len(amounts) > 1 and any(amounts.values())
    }


def _wanted(built: BuiltProgram, values: Floats) -> dict[int, list[Slice]]:
    """What is wanted of the demands that a solution leaves short, by their index.

    Not of those that nothing can serve, or with a firm peg to what goes into them.
    """
    statement = built.statement
    run, wanted = statement.run, statement.wanted
    chains, bound = chains_of(run), run.pegged_below
    amounts = values[built.program.column_block(names.DELIVERIES).span]
    served = np.array(wanted.held, float)
    np.add.at(served, wanted.column_demand, amounts)
    found: dict[int, list[Slice]] = {}
    for demand in run.intake.demands:
        if wanted.node[demand.index] < 0 or demand.index in bound:
            continue
        step = float(run.model.node(demand.node).step)
        units = math.ceil(float(served[demand.index]) / step * (1 - DUST) - DUST)
        if units < demand.qty and chains.at(demand) < NEVER:
            date = max(demand.due, run.as_of)
            found[demand.index] = [Slice(units, date)] if units > 0 else []
    return found


def built_run(snapshot: Snapshot, parameters: OptimizeParameters) -> ProgramRun:
    """Read a snapshot into a run that is not netted; raises as of `pipeline.plan`."""
    snapshot.require()
    run = ProgramRun(snapshot, parameters)
    run.build()
    return run


def guided(
    built: BuiltProgram,
    solution: Solution,
    effort: str,
    way: RunOptions,
    lots: PlannedLots | None = None,
) -> Plan:
    """Constrained plan that follows a solution of a program, with its parts."""
    decisions = guidance(built, solution.values)
    if lots is not None:
        amounts = {**decisions.amounts, **lots.amounts}
        decisions = replace(
            decisions, lots=lots.lots, sizes=lots.sizes, amounts=amounts
        )
    made = decided(built.statement.run, decisions, effort, way)
    return beside(made, built, solution)


def decided(
    run: ProgramRun, decisions: Decisions, effort: str, way: RunOptions
) -> Plan:
    """Constrained plan of the tables that a program states, by some decisions."""
    made = bounded(run, decisions, _done_before(run, decisions, effort, way))
    guided_by = decisions.amounts or decisions.slices
    follows = "guided by" if guided_by else "without"
    cost, least = worth(made, run.stated, run.goals), way.at_least
    gap = None if least is None else max(0.0, cost - least) / (cost or 1.0)
    status = made.run.status
    if gap is not None and status is Status.HEURISTIC:
        status = Status.OPTIMAL if gap <= PROVEN else Status.FEASIBLE
    record = replace(
        made.run,
        status=status,
        bound=least,
        gap=gap,
        planner=run.mode,
        mode=run.mode,
        settings=run.goals.as_dict(),
        engine=f"{made.run.engine}, {follows} the program",
    )
    found = tuple(dict.fromkeys((*run.findings, *made.findings)))
    return replace(made, run=record, findings=found)


def _done_before(
    run: ProgramRun, decisions: Decisions, effort: str, way: RunOptions
) -> Plan:
    """Plan of mode constrained by some decisions: the kept one, or made and kept."""
    name = step_name(run, decisions, effort, way.seed)
    known = way.kept.read(name)
    if known is not None:
        return known
    made = searched_run.plan(
        run.stated,
        ConstrainedParameters(effort=effort),
        __version__,
        way.observe,
        way.cancelled,
        seed=way.seed,
        decisions=decisions,
    )
    if made.run.status is not Status.CANCELLED:
        way.kept.keep(name, made)
    return made


def beside(made: Plan, built: BuiltProgram, solution: Solution) -> Plan:
    """Plan with what the program says: its value, its size, the parts of its cost."""
    record = replace(made.run, program=_told(built, solution))
    rows = contribution_rows(built, solution, made)
    return replace(made, run=record).replace(contributions=rows)


def _told(
    built: BuiltProgram, solution: Solution, conflicts: Sequence[Conflict] = ()
) -> ProgramRecord:
    """What was shown about a program, and which budgets it cannot keep together."""
    statement, value = built.statement, None
    if solution.outcome in GUIDING and not conflicts:
        value = float(built.program.cost @ solution.values)
    currency = currency_of(statement.run.snapshot)
    budgets = statement.parameters.budgets
    return ProgramRecord(
        status=str(SolveStatus.INFEASIBLE if conflicts else solution.outcome),
        value=value,
        columns=built.program.n_columns,
        rows=built.program.n_rows,
        iterations=solution.iterations,
        grid=statement.grid_reason,
        conflict=conflict_words(conflicts, budgets, currency),
    )


def plan_parts(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> dict[ObjectivePart, float]:
    """Parts of what a plan costs, by the weights of the mode [base currency]."""
    found = scorecard(made, snapshot)
    return {
        ObjectivePart.MAKING: parameters.cost_weight * found.production,
        ObjectivePart.BUYING: parameters.cost_weight * found.purchase,
        ObjectivePart.MOVING: parameters.cost_weight * found.transport,
        ObjectivePart.OVERTIME: parameters.cost_weight * found.overtime,
        ObjectivePart.OVERLOAD: parameters.overload_weight * found.overload,
        ObjectivePart.HOLDING: parameters.inventory_weight * found.holding,
        ObjectivePart.LATENESS: parameters.lateness_weight * found.lateness,
        ObjectivePart.CO2: parameters.co2_price * found.co2_kg,
    }


def worth(made: Plan, snapshot: Snapshot, parameters: OptimizeParameters) -> float:
    """What a plan costs by the weights of the mode [base currency]."""
    return sum(plan_parts(made, snapshot, parameters).values())


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
    way = RunOptions(observe, cancelled, seed, kept or PlansInMemory(), least)
    tell(Progress("plan without the program", 0, 5))
    plain = decided(run, UNDECIDED, parameters.effort, way)
    made, steps = plain, [(WITHOUT, parameters.effort, plain)]
    if plain.run.status is not Status.CANCELLED:
        made, more = _by_program(run, plain, solver, way)
        steps += more
    tell(Progress("plan as it says", 5, 5))
    run.release.dissolve()
    figures = tuple(_step(*step, snapshot, parameters) for step in steps)
    budgets = _budgets(made, snapshot, parameters)
    record = replace(made.run, steps=figures, budgets=budgets)
    if not all(one.kept for one in budgets) and record.status in PROVED:
        record = replace(record, status=Status.HEURISTIC)
    return replace(made, run=record)


def _by_program(
    run: ProgramRun, plain: Plan, solver: Solver, way: RunOptions
) -> tuple[Plan, list[tuple[str, str, Plan]]]:
    """Solve the program and plan as it says; gives the answer, and each step."""
    snapshot, parameters, cancelled = run.stated, run.goals, way.cancelled
    tell, effort = way.observe or unobserved, parameters.effort
    tell(Progress("state", 1, 5))
    built = build(state(run, parameters))
    tell(Progress("solve", 2, 5))
    session = solver.open(built.program)
    program = GoalProgram(built, session, cancelled)
    solution, conflicts = program.solve(), program.conflicts
    if solution.outcome not in GUIDING:
        return _unsolved(plain, built, solution), []
    tell(Progress("plan as it says", 3, 5))
    guides = [guided(built, solution, effort, way)]
    steps = [(GUIDED, effort, guides[0])]
    stopped = guides[0].run.status is Status.CANCELLED
    lots: PlannedLots | None = None
    why_not = _why_not_in_lots(built, guides[0])
    if not (why_not or stopped):
        tell(Progress("plan lots", 4, 5))
        lots = planned_lots(built, solution.values, solver, cancelled)
        stopped = lots is None
    if lots and lots.places:
        known = min(worth(one, snapshot, parameters) for one in (plain, *guides))
        tried = _in_lots(built, solution, lots, known, way)
        steps += [(IN_LOTS, *one) for one in tried]
        guides += [one for _, one in tried]
    prices = None
    if solution.outcome is SolveStatus.OPTIMAL:
        prices = price_table(built, session, solution, cancelled)
    if not conflicts:
        for tighter in _tightened(built, program, guides[0], solution, way):
            steps += [(TIGHTER, effort, tighter)]
            guides.append(tighter)
    made = _cheapest(beside(plain, built, solution), guides, snapshot, parameters)
    if stopped:
        made = replace(made, run=replace(made.run, status=Status.CANCELLED))
    record = replace(_told(built, solution, conflicts), lots=why_not)
    made = replace(made, run=replace(made.run, program=record))
    if prices is not None:
        made = made.replace(prices=prices)
    return made, steps


def _why_not_in_lots(built: BuiltProgram, made: Plan) -> str:
    """Why a plan in planned lots is not worth its time; empty: it is."""
    statement, parameters = built.statement, built.statement.parameters
    cells, most = len(statement.nodes) * statement.grid.size, parameters.most_lot_cells
    if cells > most:
        return f"{cells:,} cells are more than most_lot_cells ({most:,})"
    if parameters.effort != "light":
        return ""
    share, least = fixed_share(built, made), parameters.lots_share
    why = f"fixed costs are {share:.1%} of the plan, lots_share asks {least:.1%}"
    return "" if share >= least else why


def _budgets(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> tuple[PlanBudget, ...]:
    """What a plan comes to of each budget."""
    if not parameters.budgets:
        return ()
    amounts, currency = plan_amounts(made, snapshot), currency_of(snapshot)
    over = excess(amounts, parameters.budgets)
    return tuple(
        PlanBudget(
            name=name,
            most=float(most),
            value=amounts[name],
            unit=unit_of(name, currency),
            kept=name not in over,
        )
        for name, most in parameters.budgets.items()
    )


def _tightened(
    built: BuiltProgram,
    program: GoalProgram,
    made: Plan,
    solution: Solution,
    way: RunOptions,
) -> Iterator[Plan]:
    """Plans by tighter budgets, where the program keeps what its plan does not.

    Of what a plan comes to more than its program, the next program gets as much less.
    """
    run, parameters = built.statement.run, built.statement.parameters
    budgets = dict(parameters.budgets)
    for _ in range(parameters.budget_rounds):
        amounts = plan_amounts(made, run.stated)
        over = excess(amounts, parameters.budgets)
        if not over or made.run.status is Status.CANCELLED:
            return
        for name in over:
            share = parameters.budgets[name] / amounts[name]
            budgets[name] = share * program.amounts(solution)[name]
        solution = program.tighten(budgets)
        if solution.outcome is not SolveStatus.OPTIMAL:
            return
        made = guided(built, solution, parameters.effort, way)
        yield made


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
        lateness=parts[ObjectivePart.LATENESS],
        late=tally(made).not_kept,
    )


def fixed_share(built: BuiltProgram, made: Plan) -> float:
    """Share of what a plan costs that its new orders cost whatever their size.

    Without lateness: set-ups that fill the hours make plans late.
    """
    statement = built.statement
    sources = [way.source for plan in statement.plans for way in plan.ways]
    fixed = {(s.source, s.product, s.location): s.own_fixed_cost for s in sources}
    existing = set(statement.run.stated["supply_orders"]["supply_order"])
    rows = made.supplies.select("id", "source", "product", "location").iter_rows()
    paid = sum(fixed.get(tuple(key), 0.0) for one, *key in rows if one not in existing)
    weight = statement.parameters.cost_weight
    parts = plan_parts(made, statement.run.stated, statement.parameters)
    cost = sum(parts.values()) - parts[ObjectivePart.LATENESS]
    return weight * paid / (cost or 1.0)


def _in_lots(
    built: BuiltProgram,
    solution: Solution,
    lots: PlannedLots,
    known: float,
    way: RunOptions,
) -> list[tuple[str, Plan]]:
    """Plan in planned lots; each plan with its effort.

    Needs of what other orders take move with those orders, and a large lot of it makes
    many of them wait: such lots are planned where a plan of little effort in them costs
    less than the best one that is known, else lots of what is sold alone, or of what is
    bought alone: those in which a plan of little effort costs less.

    Parameters
    ----------
    known
        What the best plan costs up to now [base currency].
    """
    run, effort = built.statement.run, built.statement.parameters.effort
    sold = {demand.node for demand in run.intake.demands}
    made: list[tuple[str, Plan]] = []
    if not lots.places <= sold:
        goods = (sold, {key for key in lots.places if _is_bought(run, key)})
        apart = [one for one in map(lots.of, goods) if one.places]
        made.append(("light", guided(built, solution, "light", way, lots)))
        worse = worth(made[0][1], run.stated, run.goals) >= known
        if effort == "light" or _stopped(made) or (worse and not apart):
            return made
        if worse and len(apart) > 1:
            costs = []
            for one in apart:
                made.append(("light", guided(built, solution, "light", way, one)))
                if _stopped(made):
                    return made
                costs.append(worth(made[-1][1], run.stated, run.goals))
            lots = apart[int(np.argmin(costs))]
        elif worse:
            lots = apart[0]
    return [*made, (effort, guided(built, solution, effort, way, lots))]


def _is_bought(run: ProgramRun, key: NodeKey) -> bool:
    """Whether a product at a place is bought and nothing else."""
    ways = run.model.ways(run.model.node(key))
    return all(way.source.kind == "buy" for way in ways)


def _stopped(made: Sequence[tuple[str, Plan]]) -> bool:
    """Whether the last one of some plans was interrupted."""
    return made[-1][1].run.status is Status.CANCELLED


def _cheapest(
    plain: Plan,
    guides: Sequence[Plan],
    snapshot: Snapshot,
    parameters: OptimizeParameters,
) -> Plan:
    """The cheapest one of a plan without the program and those that follow it.

    Of those that come first by budgets and stages.
    """
    whole = [one for one in guides if one.run.status is not Status.CANCELLED]
    first = preferred((*whole, plain), snapshot, parameters)
    made = min(first, key=lambda one: worth(one, snapshot, parameters))
    if len(whole) < len(guides):
        # One that was interrupted may be any part of a plan.
        return replace(made, run=replace(made.run, status=Status.CANCELLED))
    return made


def _unsolved(plain: Plan, built: BuiltProgram, solution: Solution) -> Plan:
    """A plan without a program that was not solved, and why it was not."""
    timed = built.statement.parameters.most_seconds is not None
    engine = f"{plain.run.engine}, which is {solution.outcome}"
    record = replace(plain.run, engine=engine, program=_told(built, solution))
    if solution.outcome is SolveStatus.CANCELLED:
        record = replace(record, status=Status.CANCELLED)
    if solution.outcome is SolveStatus.LIMIT and timed:
        record = replace(record, repeatable=False)
    return replace(plain, run=record)
