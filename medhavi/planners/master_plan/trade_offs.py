"""Trade-offs: efficient plans between cost, lateness, emissions, stock and changes.

Every point keeps the service of the best plan: shortage, of demands and of orders that
wait for material, is in money no more than the least there is. Without that row the
cheapest "efficient" plan sells nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.planners.constrained.search.starts.changed_schedule import schedule_since
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.cost_bound import cost_at_least
from medhavi.planners.master_plan.decoder import (
    MOST_JOINED,
    RunOptions,
    beside,
    decided,
    guidance,
    in_lots,
    joined_plans,
)
from medhavi.planners.master_plan.goals.front import (
    Candidate,
    FrontPrograms,
    front_objectives,
    front_points,
    front_programs,
    sound_plans,
    unbeaten_of,
)
from medhavi.planners.master_plan.goals.staged_solve import (
    excess,
    program_amounts,
    refusal,
    tighter_budgets,
    worth,
)
from medhavi.planners.master_plan.improvement.late_slices import late_deliveries
from medhavi.planners.master_plan.improvement.plan_improvement import (
    idle_overtime,
    is_whole,
)
from medhavi.planners.master_plan.lots.lot_planning import planned_lots
from medhavi.planners.master_plan.lots.whole_orders import decides_orders
from medhavi.planners.master_plan.master_run import (
    TriedPlans,
    built_run,
    by_program,
    solver_of,
    why_not_in_lots,
)
from medhavi.planners.master_plan.statement import ObjectivePart, state
from medhavi.planners.master_plan.step_plans import PlansInMemory, bounded_as
from medhavi.planners.parameters import TradeOffParameters
from medhavi.planners.run_limits import without_collections
from medhavi.planners.setting_ranges import require_objectives
from medhavi.progress import Progress, Stop, unobserved
from medhavi.results.amounts import currency_of
from medhavi.results.difference import orders_kept, planned_orders
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.pareto_front import CHURN, USUAL, ParetoFront
from medhavi.results.run_record import RunRecord, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.optimize.pareto import Point
    from medhavi.optimize.problem import Floats, Solution
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class ProgramPoints(NamedTuple):
    """Programs that plans of a front follow.

    Parameters
    ----------
    within
        Programs that keep the budgets.
    looser
        Points of programs that know none.
    every
        Points of both, and those by tighter budgets as they are found.
    most, rounds
        The budgets, and how often those of a point are tightened, at most.
    """

    within: FrontPrograms
    looser: Sequence[Point]
    every: list[Point]
    most: Mapping[str, float]
    rounds: int


@without_collections()
def pareto(  # noqa: PLR0913 - the public name, keywords but for three
    snapshot: Snapshot,
    objectives: Sequence[str] = USUAL,
    points: int = 12,
    *,
    settings: TradeOffParameters | Mapping[str, object] | None = None,
    budgets: Mapping[str, float] | None = None,
    baseline: Plan | None = None,
    plans: bool = True,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    kept: StepPlans | None = None,
) -> ParetoFront:
    """Find efficient plans between objectives.

    Efficient points of the program guide plans, a plan without it is made, too. Each
    that no other one beats is improved, and verified. Plans that another one beats, or
    equals, are left out; so is one that breaks a rule, a defect of the planner that
    `observe` is told.

    Parameters
    ----------
    snapshot
        All planning tables.
    objectives
        Two to four of cost, lateness, co2, inventory, overtime, churn; the first one
        that programs know is minimised, the others are bounded.
    points
        How many points of the program guide plans; fewer where it has no more.
    settings
        Parameters of trade-offs, and with them of mode optimize, as a record or by
        name; plans are made with a share of their effort, the larger the less late
        their program is.
    budgets
        The most of objectives by name, traded or not; points are plans that keep them.
    baseline
        Plan that churn is counted from, such as the one in force. Plans that resume it
        are points, too.
    plans
        Whether plans are made; without, the front has programs and no points.
    observe, cancelled
        Progress and interruption.
    kept
        Plans of an earlier search that was ended: it goes on from there.

    Raises
    ------
    UsageError
        Unknown, doubled, too few or too many objectives, too few points, or churn
        without a baseline.
    InfeasibleBudgets
        No plan that was found keeps all budgets; without plans: no program does while
        as little is short as can be.
    BadData
        The snapshot has errors; all of them are named.

    Notes
    -----
    Augmented ε-constraint, see `optimize.pareto`; requirements OPT.
    """
    require_objectives(objectives, points, is_compared=baseline is not None)
    parameters = (
        settings
        if isinstance(settings, TradeOffParameters)
        else TradeOffParameters.from_mapping(settings or {})
    )
    parameters = replace(parameters, budgets={**parameters.budgets, **(budgets or {})})
    run = built_run(snapshot, parameters)
    built = build(state(run, parameters))
    vectors = objective_vectors(built)
    chosen = {name: vectors[name] for name in objectives if name != CHURN}
    stop, tell = Stop(cancelled), observe or unobserved
    most = dict(parameters.budgets)
    asked: dict[str, object] = {"objectives": list(objectives), "budgets": most}
    asked |= {} if baseline is None else {"baseline": baseline.fingerprint}
    least = cost_at_least(run, solver_of(parameters), stop) if plans else None
    way = RunOptions(None, stop, None, kept or PlansInMemory(), {}, at_least=least)
    measured = partial(_measured, built, baseline, asked)
    made, unbeaten = list[Candidate](), list[Candidate]()
    if plans:
        # Before programs are solved: who stops then has a plan.
        tell(Progress("plan without the program", 0, points + 1, bound=least))
        made += _unguided(built, parameters, baseline, measured, tell, way)

    def solved(budgets: Mapping[str, float]) -> FrontPrograms:
        solver = solver_of(parameters)
        found = FrontPrograms(built, solver, vectors, chosen, budgets, stop)
        found.solve(parameters, points, tell)
        return found

    within = solved(most)
    if within.clash and not plans:
        raise within.clash
    # A plan in whole lots may keep what its program does not.
    more = most and plans and within.points and not within.clash
    looser = solved({}).points if more else []
    every = [*within.points, *looser]
    if plans:
        # Programs by tighter budgets are added to all.
        known = ProgramPoints(within, looser, every, most, parameters.budget_rounds)
        made += _guided(built, parameters, known, measured, made, tell, way)
        made += _varied(built, made, every, baseline, objectives, tell, way)
        made += _optimized(built, made, measured, tell, way)
        kept_by = [one for one in made if not excess(one.amounts, most)]
        if made and not kept_by and not stop.asked:
            amounts, currency = [one.amounts for one in made], currency_of(snapshot)
            raise refusal(within.clash, amounts, most, currency)
        unbeaten = [
            one._replace(plan=one.plan.replace(kpis=kpi_table(one.plan, snapshot)))
            for one in sound_plans(kept_by, objectives, snapshot, tell)
        ]
    asked = {**parameters.as_dict(), **asked, "points": points}
    record = _record(built, asked, every, made, is_stopped=stop.asked)
    run.release.dissolve()
    table = front_points(unbeaten)
    followed = table["program"].drop_nulls().to_list()
    return ParetoFront(
        points=table,
        programs=front_programs(every, vectors).filter(
            (pl.col("program") <= len(within.points))
            | pl.col("program").is_in(followed)
        ),
        objectives=front_objectives(table, objectives, currency_of(snapshot)),
        run=record,
        plans={number: one.plan for number, one in enumerate(unbeaten, start=1)},
    )


def _unguided(
    built: BuiltProgram,
    parameters: TradeOffParameters,
    baseline: Plan | None,
    measured: Callable[..., Iterator[Candidate]],
    tell: Observe,
    way: RunOptions,
) -> Iterator[Candidate]:
    """Make plans on the baseline, and one that no program guides."""
    usual, effort = parameters.usual_share, parameters.effort
    if baseline is not None:
        for joins, made in _resumed(built, baseline, effort, tell, way):
            yield from measured(None, made, {"joins": joins})
    first = replace(UNDECIDED, share=usual)
    plain = decided(built.statement.run, first, effort, way)
    yield from measured(None, plain, {"share": usual}, first)


def _guided(
    built: BuiltProgram,
    parameters: TradeOffParameters,
    known: ProgramPoints,
    measured: Callable[..., Iterator[Candidate]],
    before: Sequence[Candidate],
    tell: Observe,
    way: RunOptions,
) -> Iterator[Candidate]:
    """Make a plan by each program: those within the budgets, and those without any.

    Where a plan does not keep what its program does, tighter programs of that point are
    followed. Programs that aim at the same are followed once. What a plan found of
    existing orders that wait for goods, the next one need not search for.

    Lateness costs a program sources, and a plan set-ups too, the longer its search goes
    on: the search of the latest program ends first.

    Parameters
    ----------
    before
        Plans that no program guides, the last one without a baseline.
    """
    run, stop = built.statement.run, Stop(way.cancelled)
    found, effort = list(known.every), parameters.effort
    if not before:
        return
    plain = before[-1]
    again, seen = _found_again(plain.plan), [plain.decisions]
    both = known.within.points, known.looser
    shares = [share for points in both for share in _shares(points, parameters)]

    def follow(number: int, point: Point, share: float) -> Iterator[Candidate]:
        nonlocal again
        aims = replace(guidance(built, point.solution.values), share=share)
        if aims in seen:
            return
        seen.append(aims)
        follows = replace(aims, **again)
        made = bounded_as(decided(run, follows, effort, way), plain.plan)
        again = _found_again(made) or again
        made = beside(made, built, point.solution)
        # Which objective is capped, and where, tells the runs of a front apart.
        capped = dict(zip(("limited", "limit"), point.limited or (), strict=False))
        told = {"program": number, "share": share, **capped}
        yield from measured(number, made, told, follows)

    for number, (point, share) in enumerate(zip(found, shares, strict=True), 1):
        if stop():
            return
        tell(Progress("points", number, len(found), bound=way.at_least))
        followed = list(follow(number, point, share))
        yield from followed
        if number <= len(known.within.points):
            own = partial(follow, share=share)
            yield from _tightened(known, point, followed, own, stop)


def _optimized(
    built: BuiltProgram,
    before: Sequence[Candidate],
    measured: Callable[..., Iterator[Candidate]],
    tell: Observe,
    way: RunOptions,
) -> Iterator[Candidate]:
    """Plans of the steps of mode optimize, where it decides whole orders.

    Programs of a front know amounts alone: what orders cost or save by their size no
    point of them tells, and the plan of mode optimize would beat the front.
    """
    run, plain = built.statement.run, [one for one in before if one.is_plain]
    if plain and not Stop(way.cancelled)() and decides_orders(built.statement):
        tell(Progress("plan whole orders", 0, 1))
        found = TriedPlans([], {})
        by_program(run, plain[0].plan, solver_of(run.goals), way, run.goals, found)
        for number, one in enumerate(found.tried, start=1):
            yield from measured(None, one.made, {"step": one.name, "number": number})


def _tightened(
    known: ProgramPoints,
    point: Point,
    made: Sequence[Candidate],
    follow: Callable[[int, Point], Iterator[Candidate]],
    cancelled: Cancelled,
) -> Iterator[Candidate]:
    """Plans by tighter budgets, where a point keeps what the plan of it does not.

    Parameters
    ----------
    made
        Plan that follows the point, or none.
    follow
        Makes plans by a number of a program and its point.
    """
    programs, budgets = known.within, dict(known.most)
    for _ in range(known.rounds):
        if not made or cancelled():
            return
        planned, amounts = made[-1].amounts, programs.amounts(point)
        tighter = tighter_budgets(known.most, planned, amounts)
        if not tighter:
            return
        budgets |= tighter
        found = programs.tighten(point, budgets)
        if found is None:
            return
        point = found
        known.every.append(point)
        made = list(follow(len(known.every), point))
        yield from made


def _varied(
    built: BuiltProgram,
    before: Sequence[Candidate],
    every: Sequence[Point],
    baseline: Plan | None,
    objectives: Sequence[str],
    tell: Observe,
    way: RunOptions,
) -> list[Candidate]:
    """Other plans of those that no other one beats: demands deferred, then improved."""
    best = unbeaten_of(before, objectives, equals=True)
    deferred = list(_deferred(built, best, every, baseline, tell, way))
    best = unbeaten_of([*before, *deferred], objectives)
    return [*deferred, *_improved(built, best, every, baseline, tell, way)]


def _deferred(
    built: BuiltProgram,
    unbeaten: Sequence[Candidate],
    every: Sequence[Point],
    baseline: Plan | None,
    tell: Observe,
    way: RunOptions,
) -> Iterator[Candidate]:
    """Plans once more, late where they buy sooner than the program that they follow.

    What a plan found of existing orders that wait for goods is not searched for again.
    Where lateness is not traded nobody asked for plans that are late.
    """
    run, stop = built.statement.run, Stop(way.cancelled)
    for done, (number, plan, *_, decisions) in enumerate(unbeaten):
        if stop():
            return
        tell(Progress("deferring demands", done, len(unbeaten)))
        if number is None or decisions is None:
            continue
        point = every[number - 1]
        if "lateness" not in point.values:
            continue
        cuts = late_deliveries(plan, built, point.solution.values)
        if not cuts:
            continue
        slices = {**cuts, **decisions.slices}
        late = replace(decisions, slices=slices, **_found_again(plan))
        made = beside(decided(run, late, run.goals.effort, way), built, point.solution)
        told = {"deferred": True}
        yield from _measured(
            built, baseline, plan.run.settings, number, made, told, late
        )


def _improved(
    built: BuiltProgram,
    unbeaten: Sequence[Candidate],
    every: Sequence[Point],
    baseline: Plan | None,
    tell: Observe,
    way: RunOptions,
) -> Iterator[Candidate]:
    """Other plans of those that no other one beats, as of `_variants`.

    Lots are those of the program that a plan follows, else of the first one. Of the
    plan that is least in the first objective orders are joined as often as in mode
    optimize, of the others once.
    """
    stop = Stop(way.cancelled)
    solutions = [point.solution for point in every]
    for done, (number, plan, *_, decisions) in enumerate(unbeaten):
        if stop():
            return
        tell(Progress("improving plans", done, len(unbeaten)))
        if decisions is None or not solutions:
            continue
        solution = solutions[0 if number is None else number - 1]
        rounds = 1 if done else MOST_JOINED
        for made, told in _variants(built, plan, decisions, solution, rounds, way):
            follows = made if number is None else beside(made, built, solution)
            asked = plan.run.settings
            yield from _measured(built, baseline, asked, number, follows, told)


def _variants(
    built: BuiltProgram,
    plan: Plan,
    decisions: Decisions,
    solution: Solution,
    rounds: int,
    way: RunOptions,
) -> Iterator[tuple[Plan, dict[str, int]]]:
    """Plan with orders joined, no overtime beside unused hours, or in planned lots.

    And what tells each from the others: in how many rounds its orders were joined, of
    so many that were tried, whether it spares overtime, whether it is in planned lots.
    """
    run, stop = built.statement.run, Stop(way.cancelled)

    def joined(
        own: Decisions, made: Plan, told: Mapping[str, int]
    ) -> Iterator[tuple[Plan, dict[str, int]]]:
        """Cheapest of the rounds; none where nothing joins.

        The last one costs no less than the one before it.
        """
        best, cheapest = None, math.inf
        found = joined_plans(run, own, made, run.goals.effort, way)
        for number, one in enumerate(islice(found, rounds), start=1):
            cost = worth(one, run.stated, run.goals)
            if cost >= cheapest:
                break
            best, cheapest = (one, {**told, "joins": number}), cost
        if best is not None:
            yield best

    yield from joined(decisions, plan, {})
    closed = idle_overtime(plan, built.statement) if decisions.overtime else ()
    if closed and not stop():
        own = replace(decisions, closed=closed)
        yield decided(run, own, run.goals.effort, way), {"spares": True}
    if stop() or why_not_in_lots(built, plan):
        return
    lots = planned_lots(built, solution.values, solver_of(run.goals), stop)
    if lots is not None and lots.places:
        own = in_lots(decisions, lots)
        made = decided(run, own, run.goals.effort, way)
        yield made, {"lots": True}
        yield from joined(own, made, {"lots": True})


def _resumed(
    built: BuiltProgram, baseline: Plan, effort: str, tell: Observe, way: RunOptions
) -> Iterator[tuple[bool, Plan]]:
    """Plans that resume a baseline, and whether orders join there to save money.

    What no change of the tables reaches stays as it is, but for what joins; without a
    change the first one is the baseline.
    """
    run = built.statement.run
    schedule = schedule_since(baseline, run.stated)
    ours = baseline.run.package_version == __version__
    if schedule is None or not ours or not schedule.is_complete:
        tell(Progress("no schedule of the baseline"))
        return
    decisions = schedule.decisions(run.intake.demands)
    assert baseline.basis is not None  # it keeps the schedule
    changed = bool(baseline.basis.changed(run.stated))
    for joins in (False, True):
        on_it = way._replace(schedule=replace(schedule, saves=joins))
        resumes = joins or changed
        yield joins, decided(run, decisions, effort, on_it) if resumes else baseline


def _found_again(made: Plan) -> dict[str, Any]:
    """What a search finds before it plans, as another one of the tables found it."""
    schedule = BaselineSchedule.of(made)
    if schedule is None:
        return {}
    return {"floors": schedule.floors, "replenishments": schedule.replenishments}


def _shares(found: Sequence[Point], parameters: TradeOffParameters) -> list[float]:
    """How far the search goes for each point: by its lateness, where that is traded."""
    shortest, longest = parameters.latest_share, parameters.least_late_share
    late = [point.values.get("lateness", 0.0) for point in found]
    most, least = max(late, default=0.0), min(late, default=0.0)
    span = most - least
    if span <= 0:
        return [parameters.usual_share] * len(late)
    return [shortest + (longest - shortest) * (most - one) / span for one in late]


def _measured(
    built: BuiltProgram,
    baseline: Plan | None,
    asked: Mapping[str, object],
    number: int | None,
    made: Plan,
    told: Mapping[str, object],
    follows: Decisions | None = None,
) -> Iterator[Candidate]:
    """Name a plan by what was asked, and measure it; none if it is not whole."""
    if not is_whole(made):
        return
    snapshot = built.statement.run.stated
    settings = {**made.run.settings, **asked, **told}
    plan = replace(made, run=replace(made.run, settings=settings))
    found, churn = scorecard(plan, snapshot), None
    if baseline is not None:
        churn = float(planned_orders(baseline).height - orders_kept(baseline, plan))
    values = {**found.objectives, CHURN: churn}
    yield Candidate(number, plan, values, found.amounts, follows)


def _record(
    built: BuiltProgram,
    asked: Mapping[str, object],
    every: Iterable[Point],
    made: Sequence[Candidate],
    *,
    is_stopped: bool,
) -> RunRecord:
    """What was asked for, and what programs and plans took."""
    run, program = built.statement.run, built.program
    return RunRecord(
        planner="pareto",
        mode=run.mode,
        package_version=__version__,
        snapshot_fingerprint=run.stated.fingerprint,
        as_of=run.as_of,
        settings=asked,
        status=Status.CANCELLED if is_stopped else Status.HEURISTIC,
        effort={
            "columns": float(program.n_columns),
            "rows": float(program.n_rows),
            "iterations": float(sum(point.solution.iterations for point in every)),
            "plans": float(len(made)),
            "moves": sum(one.plan.run.effort.get("moves", 0.0) for one in made),
        },
    )


def objective_vectors(built: BuiltProgram) -> dict[str, Floats]:
    """Weight per column for each amount; in cost also what safety stock is worth.

    Without, the plan of least cost would run all buffers down.
    """
    found = program_amounts(built)
    safety = built.program.parts.get(ObjectivePart.SAFETY, 0.0)
    return {**found, "cost": found["cost"] + safety}
