"""Solve a program for what is asked: budgets first, then stages, then all its money.

Stages are lexicographic: each amount is minimised, and stays within its tolerance of
that in all that comes after (Isermann 1982, OR Spektrum 4). Budgets are rows.
Of budgets that cannot hold together the one is raised that rises least, in shares of
it, by no more than it must: what guides the plan is the nearest that there is.

Amounts are of a program by column, and of a plan: one name has one meaning in both,
without the weights of the settings. `cost` is all money but that of lateness; what
safety stock is worth to the program costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.errors import InfeasibleBudgets
from medhavi.optimize.conflict import Budget, Budgets
from medhavi.optimize.problem import SolveStatus, inner
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.blocks import PART_OF
from medhavi.planners.master_plan.goals.campaign_limits import ColumnLimit
from medhavi.planners.master_plan.goals.whole_demands import served_amounts
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.planners.master_plan.storage.storage_block import beyond_limits
from medhavi.providers import Providers
from medhavi.results.amounts import apart, currency_of, enough, with_unit
from medhavi.results.figures.lane_use import kg_below_fill, lanes_behind
from medhavi.results.figures.level_load import hours_off_mean
from medhavi.results.figures.openings import stated_openings
from medhavi.results.figures.order_costs import new_orders
from medhavi.results.figures.scorecard import SAFETY_SHARE, sales, scorecard
from medhavi.results.run_record import PlanBudget, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.optimize.conflict import Conflict
    from medhavi.optimize.problem import Floats, Ints, Session, Solution, Solver
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import Demand
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


PROVED = frozenset({Status.OPTIMAL, Status.FEASIBLE})
"""What a plan is called that is judged by the bound of its run."""
LEAST_WORKED = 1e-6
"""Work below which a value of the solver is nothing [unit hours]."""
SERVICE_SLACK = 1e-6
"""Room of the service row, of the whole value: a solver's zero is not exact."""


class GoalProgram:
    """A program that is solved for its goals.

    Parameters
    ----------
    built, session
        Program with its facts, not solved yet; rows are added.
    cancelled
        Polled.
    """

    def __init__(
        self, built: BuiltProgram, session: Session, cancelled: Cancelled | None = None
    ) -> None:
        self._built, self._session, self._cancelled = built, session, cancelled
        self._goals = built.statement.parameters
        self._amounts = program_amounts(built)
        self._rows: Budgets | None = None
        self.conflicts: tuple[Conflict, ...] = ()
        """Budgets that cannot hold together, after `solve`."""

    def solve(self) -> Solution:
        """Solve for all goals.

        Where a stage is not solved, the point before it: feasible, if it keeps all
        budgets. Budgets that hold anyway change nothing.
        """
        found = self._session.solve(cancelled=self._cancelled)
        stages = stages_of(self._goals, self._amounts)
        settled = not self._goals.stages and self._kept(found)
        if found.outcome is not SolveStatus.OPTIMAL or settled:
            return found
        best = found
        if stages[:1] == [SHORTAGE]:
            stages.remove(SHORTAGE)
            best = self._add_service()
            if best.outcome is not SolveStatus.OPTIMAL:
                return self._unfinished(found, best.outcome)
        self._rows = self._add_budgets()
        if not stages:
            # Mostly they hold, and to show that takes a solve for each of them.
            last = self._solved(self._built.program.cost)
            if last.outcome is not SolveStatus.INFEASIBLE:
                return self._ended(last, found)
        self.conflicts = self._rows.conflicts(best.values)
        for name in stages:
            best = self._solved(self._amounts[name])
            if best.outcome is not SolveStatus.OPTIMAL:
                return self._unfinished(found, best.outcome)
            most = room_above(best.objective, self._goals)
            self._session.add_row(-np.inf, most, self._amounts[name])
            found = best
        return self._ended(self._solved(self._built.program.cost), found)

    def tighten(self, budgets: Mapping[str, float]) -> Solution:
        """Solve again by tighter budgets, after `solve`, from the last basis."""
        if self._rows is None:
            if self._goals.goal == "cost":
                self._add_service()
            self._rows = self._add_budgets()
            self._session.set_cost(self._built.program.cost)
        for name, most in budgets.items():
            self._rows.allow(name, most)
        return self._session.solve(cancelled=self._cancelled)

    def leave_out(self, deliveries: Ints) -> Solution:
        """Solve again without some deliveries, by their columns, as of `limit`."""
        every = self._built.program.column_block(names.DELIVERIES)
        return self.limit([ColumnLimit(every.at(deliveries), 0.0)])

    def limit(self, limits: Iterable[ColumnLimit]) -> Solution:
        """Solve again with less of some columns, from the last basis.

        The last thing that is asked of a program, or asked again.
        """
        for columns, most in limits:
            weights = np.zeros(self._built.program.n_columns)
            weights[columns] = 1.0
            self._session.add_row(-np.inf, most, weights)
        return self._session.solve(cancelled=self._cancelled)

    def amounts(self, solution: Solution) -> dict[str, float]:
        """What a solution comes to of each budget."""
        return {
            name: inner(self._amounts[name], solution.values)
            for name in self._goals.budgets
        }

    def _kept(self, found: Solution) -> bool:
        solved = len(found.values) == self._built.program.n_columns
        return solved and not excess(self.amounts(found), self._goals.budgets)

    def _ended(self, last: Solution, found: Solution) -> Solution:
        """The last solution; where there is none, the point before it."""
        if last.outcome is SolveStatus.OPTIMAL:
            return last
        return self._unfinished(found, last.outcome)

    def _unfinished(self, found: Solution, outcome: SolveStatus) -> Solution:
        stopped = outcome is SolveStatus.CANCELLED
        feasible = self._kept(found) and not stopped
        return replace(found, outcome=SolveStatus.FEASIBLE if feasible else outcome)

    def _add_service(self) -> Solution:
        shortage = self._amounts[SHORTAGE]
        return add_service(self._built, self._session, shortage, self._cancelled)

    def _add_budgets(self) -> Budgets:
        limits = {
            name: Budget(self._amounts[name], most)
            for name, most in self._goals.budgets.items()
        }
        return Budgets(self._session, limits, self._cancelled)

    def _solved(self, cost: Floats) -> Solution:
        return _solved(self._session, cost, self._cancelled)


def agreed_hours(
    built: BuiltProgram,
    solution: Solution,
    made: Plan,
    solver: Solver,
    cancelled: Cancelled | None,
) -> Solution | None:
    """Solution without work beyond capacity and agreed overtime.

    None: there is no other one, or no demand of which a plan delivers less than the one
    that it follows.

    Parameters
    ----------
    made
        The plan.
    """
    program, values = built.program, solution.values
    if not built.statement.parameters.overload:
        return None
    beyond = program.column_block(names.OVERLOAD).span
    if values[beyond].sum() <= LEAST_WORKED or not _delivers_less(made, built, values):
        return None
    session = solver.open(program)
    weights = np.zeros(program.n_columns)
    weights[beyond] = 1.0
    session.add_row(-np.inf, 0.0, weights)
    found = GoalProgram(built, session, cancelled).solve()
    return found if found.outcome is SolveStatus.OPTIMAL else None


def _delivers_less(made: Plan, built: BuiltProgram, values: Floats) -> bool:
    """Whether a plan leaves short what a solution serves, of any demand."""
    run, served = built.statement.run, served_amounts(built, values)
    short = made.fulfilment.filter(pl.col("short") > 0)
    planned = dict(short.select("demand", "planned").iter_rows())
    return any(
        served[one.index] > planned[one.demand] + run.model.node(one.node).step / 2
        for one in run.intake.demands
        if one.demand in planned
    )


def add_service(
    built: BuiltProgram, session: Session, shortage: Floats, cancelled: Cancelled | None
) -> Solution:
    """Hold shortage at the least there is; gives the solution that has so little."""
    best = _solved(session, shortage, cancelled)
    if best.outcome is SolveStatus.OPTIMAL:
        wanted = built.statement.wanted
        whole = inner(wanted.qty, wanted.short) + 1.0
        session.add_row(-np.inf, best.objective + SERVICE_SLACK * whole, shortage)
    return best


def _solved(session: Session, cost: Floats, cancelled: Cancelled | None) -> Solution:
    session.set_cost(cost)
    return session.solve(cancelled=cancelled)


SHORTAGE, TIERS = "shortage", "tiers"
TINY = 1e-9
"""Share by which a plan may exceed a budget: sums of money are not exact."""


def budgeted(made: Plan, snapshot: Snapshot, parameters: OptimizeParameters) -> Plan:
    """Plan that says what it comes to of each budget; beyond one nothing is proven."""
    if not parameters.budgets:
        return made
    amounts, currency = plan_amounts(made, snapshot), currency_of(snapshot)
    over = excess(amounts, parameters.budgets)
    budgets = tuple(
        PlanBudget(
            name=name,
            most=float(most),
            value=amounts[name],
            unit=unit_of(name, currency),
            kept=name not in over,
        )
        for name, most in parameters.budgets.items()
    )
    status = made.run.status
    if over and status in PROVED:
        status = Status.HEURISTIC
    return replace(made, run=replace(made.run, budgets=budgets, status=status))


def none_keeps(
    amounts: Sequence[Mapping[str, float]], most: Mapping[str, float], currency: str
) -> InfeasibleBudgets:
    """Error with what the nearest plan needs, of those that come to some amounts."""
    nearest = min(amounts, key=lambda one: sum(excess(one, most).values()))
    over = excess(nearest, most)
    told = []
    for name in over:
        value, unit = nearest[name], unit_of(name, currency)
        more = enough(value - most[name], unit)
        told.append(
            f"{name} of the nearest one is {with_unit(value, unit)}, "
            f"at most {with_unit(most[name], unit)} are allowed: allow {more} more"
        )
    rises = [{name: nearest[name] - most[name]} for name in over]
    message = f"No plan that was found keeps the budgets: {'; '.join(told)}."
    return InfeasibleBudgets(message, rises)


def refusal(
    clash: InfeasibleBudgets | None,
    amounts: Sequence[Mapping[str, float]],
    most: Mapping[str, float],
    currency: str,
) -> InfeasibleBudgets:
    """Error that names a relaxation which plans of some amounts keep.

    A `clash` of the program says by how much budgets have to rise for it; where no plan
    keeps what it asks for, in whole lots, the nearest plan says by how much.
    """
    if clash is None:
        return none_keeps(amounts, most, currency)
    risen = dict(most)
    for name, more in (pair for rises in clash.more for pair in rises.items()):
        risen[name] = max(risen[name], most[name] + more)
    if any(not excess(one, risen) for one in amounts):
        return clash
    nearest = none_keeps(amounts, most, currency)
    return InfeasibleBudgets(f"{nearest} Of the program: {clash}", nearest.more)


def program_amounts(built: BuiltProgram) -> dict[str, Floats]:
    """Weight per column of each amount, shape (n,)."""
    program, statement = built.program, built.statement
    goals, nothing = statement.parameters, np.zeros(program.n_columns)

    def part(name: ObjectivePart, weight: float = 1.0) -> Floats:
        found: Floats = program.parts.get(name, nothing)
        return found / weight if weight else found

    weight = goals.cost_weight
    paid = sum(part(one, weight) for one in (*PART_OF.values(), ObjectivePart.OPENING))
    beyond = part(ObjectivePart.OVERTIME, weight)
    beyond = beyond + part(ObjectivePart.OVERLOAD, goals.overload_weight)
    late = part(ObjectivePart.LATENESS, goals.lateness_weight)
    short = part(ObjectivePart.SHORTAGE, goals.shortage_weight)
    co2, inventory, holding = nothing.copy(), nothing.copy(), nothing.copy()
    kilograms = [np.full(len(plan.times.start), plan.co2) for plan in statement.plans]
    co2[program.column_block(names.ORDERS).span] = np.concatenate(
        [np.zeros(0), *kilograms]
    )
    stock = program.column_block(names.STOCK).span
    inventory[stock] = _stock_shares(statement).ravel()
    # What has no value costs nothing to hold, though the objective shuns it too.
    holding[stock] = np.where(inventory[stock] > 0, statement.holding.ravel(), 0.0)
    return {
        "cost": paid + beyond + holding,
        "lateness": late,
        "co2": co2,
        "inventory": inventory,
        "overtime": beyond,
        "cash": paid + beyond,
        SHORTAGE: short + part(ObjectivePart.WAITING),
        **_by_tier(built, late + short),
    }


def _stock_shares(statement: Statement) -> Floats:
    """What a unit in stock adds to the mean value of stock, shape (N, T).

    Over the horizon of the tables, as the scorecard counts it: a grid may end sooner.
    """
    settings, model = statement.run.settings, statement.run.model
    value = [model.unit_cost(node.key[0]) or 0.0 for node in statement.nodes]
    spans = statement.grid.lengths_until(settings.horizon_end)
    share = spans / max(1, settings.horizon_end - statement.run.as_of)
    return np.outer(np.array(value, dtype=float), share)


def _by_tier(built: BuiltProgram, service: Floats) -> dict[str, Floats]:
    """Weights of late and short demands by priority, the most important one first."""
    program, wanted = built.program, built.statement.wanted
    demands = built.statement.run.intake.demands
    priority = np.array([demand.priority for demand in demands], dtype=np.int64)
    tier = np.full(program.n_columns, -1)
    tier[program.column_block(names.SHORT).span] = priority
    tier[program.column_block(names.DELIVERIES).span] = priority[wanted.column_demand]
    return {
        tier_name(one): np.where(tier == one, service, 0.0)
        for one in np.unique(priority).tolist()
    }


def tier_name(priority: int) -> str:
    """Name of the service of a tier: money of its late and short demands."""
    return f"priority {priority}"


def plan_amounts(made: Plan, snapshot: Snapshot) -> dict[str, float]:
    """Amounts of a plan by its scorecard; its lateness holds what is short."""
    tiers = (
        made.causes.join(
            snapshot["demands"].select("demand", "priority"), on="demand", how="left"
        )
        .group_by("priority")
        .agg(pl.col("money").fill_null(0.0).sum())
        .sort("priority")
    )
    by_tier = {tier_name(one): money for one, money in tiers.iter_rows()}
    card = scorecard(made, snapshot)
    return card.amounts | {SHORTAGE: card.shortage} | by_tier


def stages_of(goals: OptimizeParameters, amounts: Mapping[str, object]) -> list[str]:
    """Amounts that are minimised one after the other, before the money of all.

    Least shortage comes first, where no stage says what of it counts: without it the
    plan of least cost sells nothing. By goal profit what is sold counts anyway.
    """
    stages = list(goals.stages)
    by_cost = goals.goal == "cost"
    if (
        by_cost
        and (stages or goals.budgets)
        and stages[:1] != [TIERS]
        and SHORTAGE not in stages
    ):
        stages.insert(0, SHORTAGE)
    tier = tier_name(0)[:-1]
    tiers = [name for name in amounts if name.startswith(tier)]
    tiers.sort(key=lambda name: int(name.removeprefix(tier)))
    return [name for stage in stages for name in (tiers if stage == TIERS else [stage])]


def tier_factor_of(goals: OptimizeParameters, demands: Iterable[Demand]) -> float:
    """How many times as much a priority weighs in a search as the next one behind it.

    1 where tiers are no stage, or all demands have one priority.
    """
    spaces = len({demand.priority for demand in demands}) - 1
    if TIERS not in goals.stages or spaces < 1:
        return 1.0
    return float(min(goals.tier_factor, goals.tier_spread ** (1 / spaces)))


def preferred(
    plans: Sequence[Plan], snapshot: Snapshot, goals: OptimizeParameters
) -> list[Plan]:
    """Plans that come first by limits of storage, by budgets, then by stages.

    Where none keeps the limits or budgets, those that exceed them least: in sum of
    quantities, and of shares.
    """
    plans = list(_within_limits(plans, snapshot, goals))
    if not (goals.budgets or goals.stages):
        return plans
    amounts = [plan_amounts(one, snapshot) for one in plans]
    over = [sum(excess(one, goals.budgets).values()) for one in amounts]
    left = [n for n, one in enumerate(over) if one <= min(over) + TINY]
    known = {name for one in amounts for name in one}
    for name in stages_of(goals, dict.fromkeys(known)):
        found = {n: amounts[n].get(name, 0.0) for n in left}
        most = room_above(min(found.values()), goals)
        left = [n for n, value in found.items() if value <= most]
    return [plans[n] for n in left]


def _within_limits(
    plans: Sequence[Plan], snapshot: Snapshot, goals: OptimizeParameters
) -> Sequence[Plan]:
    """Plans with the least stock beyond storage_limits that leave no more short.

    No more than the cheapest one of all: to deliver less keeps every limit.
    """
    stored = [beyond_limits(one, snapshot) for one in plans]
    if max(stored, default=0.0) <= min(stored, default=0.0) + TINY:
        return plans
    parts = [plan_parts(one, snapshot, goals) for one in plans]
    cheapest = min(parts, key=lambda one: sum(one.values()))
    most = cheapest[ObjectivePart.SHORTAGE] * (1 + TINY) + TINY
    left = [n for n, one in enumerate(parts) if one[ObjectivePart.SHORTAGE] <= most]
    least = min(stored[n] for n in left)
    return [plans[n] for n in left if stored[n] <= least + TINY]


def room_above(best: float, goals: OptimizeParameters) -> float:
    """What an amount may come to after its stage."""
    return best + goals.stage_share * abs(best) + goals.stage_room


def excess(
    amounts: Mapping[str, float], budgets: Mapping[str, float]
) -> dict[str, float]:
    """By how much budgets are exceeded, in shares of them; of those that are."""
    found = {
        name: (amounts[name] - most) / (most or 1.0) for name, most in budgets.items()
    }
    return {name: share for name, share in found.items() if share > TINY}


def tighter_budgets(
    most: Mapping[str, float],
    planned: Mapping[str, float],
    amounts: Mapping[str, float],
) -> dict[str, float]:
    """Budgets of the next program, of those that a plan exceeds.

    Of what the plan comes to more than its program, the next one gets as much less.

    Parameters
    ----------
    most
        What is asked for, by name.
    planned, amounts
        What the plan, and the program that it follows, come to.
    """
    return {
        name: most[name] / planned[name] * amounts[name]
        for name in excess(planned, most)
    }


def unit_of(name: str, currency: str) -> str:
    """Unit of an amount."""
    return {"co2": "kg", "churn": "orders"}.get(name, currency)


def conflict_words(
    conflicts: Sequence[Conflict], budgets: Mapping[str, float], currency: str
) -> str:
    """Words for budgets that cannot hold, and the least that one has to rise.

    It is what the program needs, which knows no lots: a plan may need more.
    """

    def limit(name: str, more: float) -> str:
        most, unit = budgets[name], unit_of(name, currency)
        return f"{name} at most {apart(most + more, most, unit)[1]}"

    told = []
    for conflict in conflicts:
        rises = conflict.more
        named = " and ".join(limit(name, rises.get(name, 0)) for name in conflict.names)
        ways = " or ".join(
            f"{enough(more, unit_of(name, currency))} more {name}"
            for name, more in rises.items()
        )
        hold = "cannot hold" if len(conflict.names) == 1 else "cannot hold together"
        least = f": allow at least {ways}" if ways else ""
        sentence = f"{named} {hold} where as little is short as can be{least}."
        told.append(sentence[0].upper() + sentence[1:])
    return " ".join(told)


def plan_parts(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> dict[ObjectivePart, float]:
    """Parts of what a plan costs, by the weights of the mode [base currency].

    By goal cost what is never delivered costs its default or stated short_cost. By goal
    profit it costs its stated price and penalty, where it has a price: the sum is what
    all demands would bring less what the plan earns.
    """
    found = scorecard(made, snapshot)
    never, end_price = found.shortage, parameters.end_stock_price
    if parameters.goal == "profit":
        lost = pl.col("lost") + pl.col("penalty")
        own = pl.when("priced").then(lost).otherwise("shortage")
        never = float(sales(made, snapshot).select(own).to_series().sum())
    opened = {ObjectivePart.OPENING: parameters.cost_weight * found.opening}
    risk = parameters.risk_price and value_at_risk(made, Providers(snapshot))
    uneven = parameters.levelling_price and hours_off_mean(made, snapshot)
    return {
        **({} if stated_openings(snapshot).is_empty() else opened),
        ObjectivePart.MAKING: parameters.cost_weight * found.production,
        ObjectivePart.BUYING: parameters.cost_weight * found.purchase,
        ObjectivePart.MOVING: parameters.cost_weight * found.transport,
        ObjectivePart.OVERTIME: parameters.cost_weight * found.overtime,
        ObjectivePart.OVERLOAD: parameters.overload_weight * found.overload,
        ObjectivePart.HOLDING: parameters.inventory_weight * found.holding,
        ObjectivePart.LATENESS: parameters.lateness_weight
        * (found.lateness - found.shortage),
        ObjectivePart.SHORTAGE: parameters.shortage_weight * never,
        ObjectivePart.SAFETY: parameters.safety_weight
        * (SAFETY_SHARE * found.below_safety + end_price * found.below_at_end),
        ObjectivePart.CO2: parameters.co2_price * found.co2_kg,
        ObjectivePart.RISK: parameters.risk_price * risk,
        ObjectivePart.UNEVEN: parameters.levelling_price * uneven,
        **dict(_lane_use(made, snapshot, parameters)),
    }


def _lane_use(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> Iterator[tuple[ObjectivePart, float]]:
    """Parts of least loads and lanes, of those that have a price."""
    if parameters.min_fill_price:
        missing = kg_below_fill(made, snapshot)
        yield ObjectivePart.BELOW_FILL, parameters.min_fill_price * missing
    if parameters.lane_preference_price:
        behind = lanes_behind(made, snapshot)
        yield ObjectivePart.LANE_PREFERENCE, parameters.lane_preference_price * behind


def value_at_risk(made: Plan, providers: Providers) -> float:
    """Value of new orders times the chance that they are late [base currency]."""
    rows = (
        new_orders(made, providers.snapshot)
        .filter(pl.col("kind").is_in(["buy", "move"]))
        .group_by("kind", "source", "product", "location", maintain_order=True)
        .agg(pl.col("qty").sum())
    )
    total = 0.0
    for kind, source, product, location, qty in rows.iter_rows():
        found = providers.sourcing.source_of(kind, source, product, location)
        if found is not None:
            total += qty * providers.value_at_risk(found)
    return total


def worth(made: Plan, snapshot: Snapshot, parameters: OptimizeParameters) -> float:
    """What a plan costs by goal and weights of the mode [base currency]."""
    return sum(plan_parts(made, snapshot, parameters).values())
