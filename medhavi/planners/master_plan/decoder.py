"""Plans that follow what a program says: amounts, lots, what it leaves short."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.findings.groups import COLUMN, TABLE
from medhavi.optimize.problem import SolveStatus, inner
from medhavi.planners.constrained.deliveries import goes_whole
from medhavi.planners.constrained.memory import PlantReading
from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED, Decisions
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.planners.constrained.search.starts.warm_start import ANEW
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.cost_bound import chains_of
from medhavi.planners.master_plan.goals.profit import UNPROFITABLE, reasons_short
from medhavi.planners.master_plan.goals.staged_solve import (
    conflict_words,
    plan_parts,
    worth,
)
from medhavi.planners.master_plan.goals.whole_demands import served_amounts
from medhavi.planners.master_plan.lots.whole_orders import amounts_as_orders
from medhavi.planners.master_plan.required_characteristics import amounts_for_others
from medhavi.planners.master_plan.shadow_prices import overtime_resources
from medhavi.planners.master_plan.statement import GROUPS, ObjectivePart
from medhavi.planners.master_plan.step_plans import bounded, step_name
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.results.amounts import currency_of
from medhavi.results.program_record import ProgramRecord
from medhavi.results.run_record import Status, relative_gap
from medhavi.units import NEVER
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from medhavi.optimize.conflict import Conflict
    from medhavi.optimize.problem import Floats, Solution
    from medhavi.planners.constrained.netting.prescribed_sources import Hours
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.lots.lot_planning import PlannedLots
    from medhavi.planners.master_plan.lots.whole_orders import WholeOrders
    from medhavi.planners.master_plan.statement import ProgramRun, Statement
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.run_record import RunRecord

GUIDING = frozenset({SolveStatus.OPTIMAL, SolveStatus.FEASIBLE})
"""What a program is whose solution a plan follows."""
PROVEN = 2e-6
"""Gap of a plan that is proven best: the bound is told low by half as much."""
DUST = 1e-6
"""Share of a step or of a quantity below which a value of the solver is nothing."""
WHOLE_SHARE = 0.5
"""Share that is served of a demand that goes whole or not at all, from which on it is
wanted whole."""
MOST_JOINED = 4
"""How often orders and departures are joined, at most."""


class RunOptions(NamedTuple):
    """Progress, interruption, seed and kept plans of a run, as of `plan`.

    `readings` are those of its plans, by the hours of resources; `at_least`
    is what each of them costs at least, see `cost_at_least`; `schedule` that of a
    baseline, which is resumed; `campaigns` is as of `ConstrainedParameters`.
    """

    observe: Observe | None
    cancelled: Cancelled | None
    seed: int | None
    kept: StepPlans
    readings: dict[Hours, PlantReading]
    at_least: float | None = None
    schedule: BaselineSchedule | None = None
    campaigns: str = "rules"


def guidance(
    built: BuiltProgram,
    values: Floats,
    plain: Plan | None = None,
    *,
    rounds_down: bool = False,
) -> Decisions:
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
    plain
        Plan without the program, which knows what is short.
    rounds_down
        Whether a part of a unit that the solution serves is not wanted; else the unit.
    """
    slices = _wanted(built, values, rounds_down=rounds_down)
    refused = {} if plain is None else reasons_short(built.statement, slices, plain)
    return Decisions(
        amounts=_amounts(built, values),
        slices=slices,
        refused=refused,
        overtime=overtime_resources(built, values),
        worth=built.statement.parameters.money_worth,
        lowered=_lowered(built, values),
    )


def in_lots(decisions: Decisions, lots: PlannedLots) -> Decisions:
    """Decisions with planned lots, and who brings them."""
    amounts = {**decisions.amounts, **lots.amounts}
    return replace(decisions, lots=lots.lots, sizes=lots.sizes, amounts=amounts)


class ProgramDecoder(NamedTuple):
    """What plans follow: a solution of the program, and lots; None: neither.

    `whole` is one with whole orders, which is followed instead; `lost` are demands that
    are left out because they cost more than they bring; `replenishments` says whether
    what is made for a stock level and dies is made anew, `overtime` whether agreed
    overtime is worked where the program works some; `split` are slices of demands, by
    index, that are wanted whole otherwise; `worth` counts money of orders beside that
    of lateness where orders are chosen, None: as the weights of the mode do;
    `rounds_down` is as of `guidance`, `tier_factor`, `as_given`, `ahead` and `closed`
    as of `Decisions`, `campaigns` as of `RunOptions`.
    """

    built: BuiltProgram
    solution: Solution
    plain: Plan
    lots: PlannedLots | None = None
    whole: WholeOrders | None = None
    follows: bool = True
    lost: tuple[int, ...] = ()
    replenishments: bool = False
    overtime: bool = True
    split: Mapping[int, Sequence[Slice]] = MappingProxyType({})
    worth: float | None = None
    tier_factor: float = 1.0
    as_given: bool = False
    rounds_down: bool = False
    ahead: Mapping[int, Sequence[Slice]] = MappingProxyType({})
    closed: tuple[tuple[str, int, int], ...] = ()
    campaigns: str = "rules"

    def by_amounts(self) -> ProgramDecoder:
        """Way to follow each amount of the program as an order, as it is."""
        orders = amounts_as_orders(self.built, self.solution.values)
        return self._replace(follows=True, whole=orders, lots=None, as_given=True)

    def from_orders(self, whole: WholeOrders) -> tuple[ProgramDecoder, ...]:
        """Ways to follow whole orders, each of which costs least somewhere.

        Lots of what is bought move with the needs of orders, and what they leave over
        is paid for; moves may leave what the program saves, and work more overtime than
        the little that it has. So either is left out once. Orders that are joined may
        need what has to be bought, or lies longer: once they stay as they are.
        """
        follows = self._replace(whole=whole)
        unlotted = follows._replace(whole=whole._replace(lots={}))
        without = follows._replace(overtime=False)
        return follows, unlotted, without, follows._replace(as_given=True)

    def decisions(self) -> Decisions:
        """Decisions of the constrained planner."""
        found = UNDECIDED
        if self.follows:
            built, values = self.built, self.solution.values
            if self.whole is not None:
                built, values = self.whole.built, self.whole.values
            down = self.rounds_down
            found = guidance(built, values, self.plain, rounds_down=down)
            if not self.replenishments and levels_die(built.statement):
                found = replace(found, replenishments={})
            if not self.overtime:
                found = replace(found, overtime=UNDECIDED.overtime)
        price = self.built.statement.parameters.min_fill_price
        found = replace(
            found,
            floors=floors_found(self.plain),
            min_fill_price=price,
            tier_factor=self.tier_factor,
        )
        if self.worth is not None:
            found = replace(found, worth=self.worth)
        if self.ahead:
            found = replace(found, ahead=self.ahead)
        if self.closed and found.overtime:
            found = replace(found, closed=self.closed)
        if self.split:
            found = replace(found, slices={**self.split, **found.slices})
        if self.whole is not None:
            own = self.whole
            found = replace(
                found,
                orders=own.orders,
                served=own.served,
                lots=own.lots,
                sizes=own.sizes,
                slices={**own.deferred, **found.slices},
                as_given=self.as_given,
            )
        if self.lots is not None:
            found = in_lots(found, self.lots)
        if self.lost:
            demands = self.built.statement.run.intake.demands
            why = {one: (UNPROFITABLE, demands[one].demand) for one in self.lost}
            slices = {**found.slices, **{one: [] for one in self.lost}}
            found = replace(found, slices=slices, refused={**found.refused, **why})
        return found

    def plan(self, effort: str, way: RunOptions) -> Plan:
        """Constrained plan, with the parts of the program."""
        return self.plan_by(self.decisions(), effort, way)

    def plan_by(self, decisions: Decisions, effort: str, way: RunOptions) -> Plan:
        """Constrained plan by its decisions, which are known."""
        run, way = self.built.statement.run, way._replace(campaigns=self.campaigns)
        made = decided(run, decisions, effort, way)
        return beside(made, self.built, self.solution)

    def joined(self, made: Plan, effort: str, way: RunOptions) -> Iterator[Plan]:
        """Plans whose orders and departures are joined, as of `joined_plans`."""
        run, way = self.built.statement.run, way._replace(campaigns=self.campaigns)
        for found in joined_plans(run, self.decisions(), made, effort, way):
            yield beside(found, self.built, self.solution)


def joined_plans(
    run: ProgramRun, decisions: Decisions, made: Plan, effort: str, way: RunOptions
) -> Iterator[Plan]:
    """Plans whose orders and departures are joined, each those of the one before.

    Its schedule is resumed, and nothing is searched anew: what was sought, and what it
    is bounded by, stay those of the plan. None of a plan without a schedule.
    """
    for _ in range(MOST_JOINED):
        schedule = None if made.basis is None else made.basis.schedule
        if schedule is None:
            return
        none = frozenset[str]()
        # Nothing changed since: all of the schedule fits, and only joining moves it.
        kept = BaselineSchedule(frame=schedule, products=none, renewed=none, saves=True)
        found = decided(run, decisions, effort, way._replace(schedule=kept))
        if ANEW not in found.run.effort:
            return
        made = replace(found, run=replace(found.run, effort=made.run.effort))
        yield made


def floors_found(made: Plan) -> Mapping[str, int] | None:
    """When existing orders begin that wait for goods, as a plan found it [UTC s].

    Another plan of the same tables need not search for it again.
    """
    schedule = BaselineSchedule.of(made)
    return None if schedule is None else schedule.floors


def _amounts(
    built: BuiltProgram, values: Floats
) -> dict[NodeKey, dict[str, list[tuple[int, float]]]]:
    """What sources bring by bucket, of each product at a place that has several.

    Each amount counts from the begin of the bucket at whose end it arrives: a need of
    that bucket may be served by it.
    """
    statement, program = built.statement, built.program
    orders, deliveries = (
        values[program.column_block(name).span]
        for name in (names.ORDERS, names.DELIVERIES)
    )
    orders = amounts_for_others(statement, orders, deliveries)
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


def _wanted(
    built: BuiltProgram, values: Floats, *, rounds_down: bool
) -> dict[int, list[Slice]]:
    """What is wanted of the demands that a solution leaves short, by their index.

    By goal cost not of those of which nothing can be served: the planner finds why by
    itself. Not of those with a firm peg to what goes into them. What goes whole or not
    at all is wanted whole where most of it is served.
    """
    statement = built.statement
    run, wanted = statement.run, statement.wanted
    chains, by_profit = chains_of(run), statement.parameters.goal == "profit"
    bound = run.pegged_below
    served = served_amounts(built, values)
    found: dict[int, list[Slice]] = {}
    for demand in run.intake.demands:
        if wanted.node[demand.index] < 0 or demand.index in bound:
            continue
        node = run.model.node(demand.node)
        brought = float(served[demand.index]) / float(node.step)
        if brought >= demand.qty * (1 - DUST) - DUST:
            continue
        units = math.ceil(brought * (1 - DUST) - DUST)
        if rounds_down:
            units = math.floor(brought + statement.parameters.unit_tolerance)
        if goes_whole(demand):
            if units >= WHOLE_SHARE * demand.qty:
                continue
            units = 0
        least = demand.qty if goes_whole(demand) else 1
        if by_profit or chains.there(node, least) < NEVER:
            date = max(demand.due, run.as_of)
            found[demand.index] = [Slice(units, date)] if units > 0 else []
    return found


def levels_die(statement: Statement) -> bool:
    """Whether goods of any stock level die."""
    held = np.flatnonzero(statement.safety.max(axis=1, initial=0.0) > 0)
    return any(statement.nodes[place].shelf_life for place in held)


def _lowered(built: BuiltProgram, values: Floats) -> dict[NodeKey, int]:
    """How much less than its stock level is wanted of a product at a place [units].

    It is what a solution leaves out at the end, where that costs less than to supply
    it. It is not wanted before either: orders of a plan come at other times than those
    of the program, and what serves a level once is there at the end.
    """
    statement, program = built.statement, built.program
    if statement.parameters.end_stock_price >= 1:
        return {}
    below = np.zeros_like(statement.safety)
    below[statement.safety > 0] = values[program.column_block(names.BELOW_SAFETY).span]
    steps = [float(node.step) for node in statement.nodes]
    units = np.floor(below[:, -1] / steps + DUST).astype(np.int64)
    return {
        statement.nodes[place].key: int(units[place])
        for place in np.flatnonzero(units > 0)
    }


def decided(
    run: ProgramRun, decisions: Decisions, effort: str, way: RunOptions
) -> Plan:
    """Constrained plan of the tables that a program states, by some decisions."""
    made = bounded(run, decisions, _done_before(run, decisions, effort, way))
    guided_by = decisions.amounts or decisions.slices or decisions.overtime
    follows = "guided by" if guided_by else "without"
    # What mode constrained does not look at is told for mode optimize already.
    kept = (one for one in made.findings if one.code not in (TABLE, COLUMN))
    found = tuple(dict.fromkeys((*run.findings, *kept)))
    record = replace(
        made.run,
        planner=run.mode,
        mode=run.mode,
        settings=run.goals.as_dict(),
        engine=f"{made.run.engine}, {follows} the program",
    )
    # Overtime is worked, and paid, in this mode alone.
    made = replace(made, run=record, findings=found)
    cost = worth(made, run.stated, run.goals)
    judged = bounded_below(record, cost, way.at_least, {Status.HEURISTIC})
    return replace(made, run=judged)


def bounded_below(
    record: RunRecord, cost: float, least: float | None, judged: Collection[Status]
) -> RunRecord:
    """Record of a plan of a cost, with what no plan costs less than, and its gap.

    A status of those that are `judged` becomes optimal where the gap is next to none,
    else feasible; others stay, as all do where there is no bound.
    """
    # A bound that is above the cost is so by what its solver rounds.
    gap = None if least is None else relative_gap(max(cost, least), least)
    status = record.status
    if least is not None and status in judged:
        proven = gap is not None and gap <= PROVEN
        status = Status.OPTIMAL if proven else Status.FEASIBLE
    return replace(record, status=status, bound=least, gap=gap)


def _done_before(
    run: ProgramRun, decisions: Decisions, effort: str, way: RunOptions
) -> Plan:
    """Plan of mode constrained by some decisions: the kept one, or made and kept."""
    parameters = ConstrainedParameters(effort=effort, campaigns=way.campaigns)
    name = step_name(run, decisions, parameters, way.seed)
    known = None if way.schedule is not None else way.kept.read(name)
    if known is not None:
        return known
    # A plant is read otherwise where campaigns are proposed.
    obeys = way.campaigns == "rules"
    made = searched_run.plan(
        run.stated,
        parameters,
        __version__,
        way.observe,
        way.cancelled,
        seed=way.seed,
        decisions=decisions,
        kept=way.schedule,
        before=way.readings.get(decisions.hours) if obeys else None,
    )
    if obeys and made.basis is not None and isinstance(made.basis.kept, PlantReading):
        way.readings[decisions.hours] = made.basis.kept
    if made.run.status is not Status.CANCELLED and way.schedule is None:
        way.kept.keep(name, made)
    return made


def beside(made: Plan, built: BuiltProgram, solution: Solution) -> Plan:
    """Plan with what the program says: its value, its size, the parts of its cost."""
    record = replace(made.run, program=program_record(built, solution))
    parts = built.program.contributions(solution.values)
    rows = contribution_rows(built.statement.run, made, parts)
    return replace(made, run=record).replace(contributions=rows)


def program_record(
    built: BuiltProgram, solution: Solution, conflicts: Sequence[Conflict] = ()
) -> ProgramRecord:
    """What was shown about a program, and which budgets it cannot keep together."""
    statement, value = built.statement, None
    if solution.outcome in GUIDING and not conflicts:
        value = inner(built.program.cost, solution.values)
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


def contribution_rows(
    run: ProgramRun, made: Plan, parts: Mapping[str, float] | None
) -> pl.DataFrame:
    """What each part adds to the objective of the program, and to that of a plan.

    Either column sums to its objective, weights included. `plan` is null for what the
    scorecard does not price. `value` is null where no
    program was solved (no `parts`).
    """
    currency = currency_of(run.snapshot)
    planned, said = plan_parts(made, run.stated, run.goals), parts or {}
    rows = [
        (
            GROUPS[part],
            part,
            None if parts is None else said.get(part, 0.0),
            planned.get(part),
            currency,
        )
        for part in ObjectivePart
        if part in said or part in planned
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
