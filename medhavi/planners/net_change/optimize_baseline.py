"""Mode optimize on the schedule of an earlier plan: no program is solved.

The decisions of that plan are followed again. Orders stay where that costs little;
else they are joined, or all of them are made anew by the same decisions, but for lots
of what changed.

Those lots are the cheapest where hours are no limit: the needs of a product are those
that its orders serve, and an order covers those by which it costs least with what is
held (Wagner and Whitin 1958, as of `mrp.lot_sizing`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.memory import PlantReading
from medhavi.planners.constrained.search.starts.warm_start import ANEW
from medhavi.planners.master_plan.cost_bound import cost_at_least
from medhavi.planners.master_plan.decoder import (
    RunOptions,
    contribution_rows,
    decided,
    joined_plans,
)
from medhavi.planners.master_plan.goals.staged_solve import (
    budgeted,
    tier_factor_of,
    worth,
)
from medhavi.planners.master_plan.lots.lot_planning import begins
from medhavi.planners.master_plan.master_run import built_run, solver_of
from medhavi.planners.master_plan.opening_run import OpeningRun, of_stated_tables
from medhavi.planners.master_plan.openings.closed_tables import closed_tables, openable
from medhavi.planners.master_plan.step_plans import PlansInMemory
from medhavi.planners.mrp.lot_sizing import (
    NetNeed,
    covered_by_wagner_whitin,
    order_price,
)
from medhavi.results.figures.openings import SUBJECT, used_subjects
from medhavi.results.plans.lateness import tally
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import polars as pl

    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.constrained.search.starts.baseline_schedule import (
        BaselineSchedule,
    )
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.mrp.netting_state.state import Node, NodeKey
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


JOINED_SAVE = 0.03
"""Share of its cost that joined orders save of a resumed plan: what costs more than
that beyond what is expected is rather made anew."""
JOINED_AGAIN = 0.15
"""What joining orders once more saves, of what joining saved: the mean of 16 plans."""


class BaselinePlan(NamedTuple):
    """A plan that another one is made on, and what that one may cost.

    Parameters
    ----------
    plan, schedule
        The plan, and what it kept of its search.
    reference
        Cost of the last plan from nothing, or of the cheapest one since, on the tables
        of the plan [base currency].
    price
        What another plan, whose orders are joined or made anew, has to save [base
        currency]; None: the setting `joining_share` of what the plan costs.
    """

    plan: Plan
    schedule: BaselineSchedule
    reference: float
    price: float | None = None


def expected_cost(reference: float, before: float | None, now: float | None) -> float:
    """Cost of a plan from nothing, in proportion to what no plan costs less than.

    Parameters
    ----------
    reference
        Cost of one on other tables [base currency].
    before, now
        What no plan costs less than, on those tables and on others [base currency];
        None: it is not known.
    """
    return reference * now / before if before and now else reference


def planned(
    snapshot: Snapshot,
    parameters: OptimizeParameters,
    baseline: BaselinePlan,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot on the schedule of a plan in mode optimize.

    What the baseline did not open stays closed where that costs less.
    """
    run = OpeningRun(snapshot, parameters, observe, cancelled, seed, PlansInMemory())

    whole = _resumed(run, snapshot, baseline)
    closed = openable(snapshot)
    for existing in (True, False):
        used = used_subjects(baseline.plan, snapshot, existing=existing)
        closed = closed.join(used, on=SUBJECT, how="anti")
    if closed.is_empty() or whole.run.status is Status.CANCELLED:
        return whole
    left = closed_tables(snapshot, closed.select(SUBJECT).rows())
    made = _resumed(run, left, baseline)
    ended = made.run.status is Status.CANCELLED or ANEW not in made.run.effort
    if ended or not run.is_better(made, whole):
        return whole
    return of_stated_tables(run, made, whole)


def _resumed(opening: OpeningRun, snapshot: Snapshot, baseline: BaselinePlan) -> Plan:
    """Plan a snapshot of a run by the decisions of a baseline.

    No program is solved: what sources bring, what joins and what is not worth serving
    stays as it was for all that did not change. Orders stay as well, unless it saves
    enough to join them, or, where the plan costs too much, to make all of them anew.
    """
    parameters, seed, cancelled = opening.parameters, opening.seed, opening.cancelled
    # Of what is read of the tables the bound alone depends on overtime.
    run, schedule = built_run(snapshot, parameters, overtime=True), baseline.schedule
    least = cost_at_least(run, solver_of(parameters, seed), cancelled)
    kept = PlansInMemory()
    read = PlantReading.of(baseline.plan, snapshot)
    readings = {} if read is None else {read.decisions.hours: read}
    way = RunOptions(opening.observe, cancelled, seed, kept, readings, least, schedule)
    decisions = schedule.decisions(run.intake.demands)
    decisions = replace(
        decisions,
        worth=parameters.money_worth,
        tier_factor=tier_factor_of(parameters, run.intake.demands),
    )
    made = decided(run, decisions, parameters.effort, way)
    if ANEW in made.run.effort and made.run.status is not Status.CANCELLED:
        made = _cheaper(run, decisions, made, way, baseline)
    rows = contribution_rows(run, made, None)
    run.release.dissolve()
    made = made.replace(contributions=rows)
    return budgeted(made, snapshot, parameters)


def _cheaper(
    run: ProgramRun,
    decisions: Decisions,
    made: Plan,
    way: RunOptions,
    baseline: BaselinePlan,
) -> Plan:
    """Plan on a baseline, or another one that moves more where that saves enough."""
    money, price = worth(made, run.stated, run.goals), baseline.price
    if price is None:
        price = run.goals.joining_share * money
    before = baseline.plan.run.bound
    expected = expected_cost(baseline.reference, before, way.at_least)
    if money > expected + max(price, JOINED_SAVE * expected):
        other = _anew(run, decisions, made, way, baseline.schedule, price)
    else:
        other = _joined(run, decisions, made, run.goals.effort, way, price)
    stopped = other.run.status is Status.CANCELLED
    saved = money - worth(other, run.stated, run.goals)
    return made if stopped or saved <= price else other


def _joined(
    run: ProgramRun,
    decisions: Decisions,
    made: Plan,
    effort: str,
    way: RunOptions,
    price: float,
) -> Plan:
    """Plan whose orders are joined as long as more is to be saved than a price."""
    cost = worth(made, run.stated, run.goals)
    for new in joined_plans(run, decisions, made, effort, way):
        if new.run.status is Status.CANCELLED:
            break
        before, cost = cost, worth(new, run.stated, run.goals)
        if cost < before:
            made = new
        if JOINED_AGAIN * (before - cost) <= price:
            break
    return made


def _anew(
    run: ProgramRun,
    decisions: Decisions,
    resumed: Plan,
    way: RunOptions,
    schedule: BaselineSchedule,
    price: float,
) -> Plan:
    """Plan by the decisions of a baseline with all orders made anew, and joined.

    At little effort: more of it goes into lateness alone, and costs more in all. Lots
    of what changed are sized anew by what is needed in the resumed plan; where that
    saves little of it, those of the baseline are tried as well. That needs decide has
    to save more than the price.
    """
    decisions = replace(
        decisions,
        floors=schedule.floors,
        replenishments=schedule.replenishments,
    )
    way = way._replace(schedule=None)
    enough = (1 - JOINED_SAVE) * worth(resumed, run.stated, run.goals)
    sized, free = _in_other_lots(run, decisions, resumed, schedule)
    made, chosen, cost = resumed, decisions, math.inf
    for own in (sized, decisions, free):
        if own is None or (own is decisions and cost < enough):
            continue
        other = decided(run, own, "light", way)
        if other.run.status is Status.CANCELLED:
            break
        now = worth(other, run.stated, run.goals)
        if cost - now > price:
            made, chosen, cost = other, own, now
    made = _joined(run, chosen, made, "light", way, price)
    effort = {**made.run.effort, ANEW: float(tally(made).live)}
    return replace(made, run=replace(made.run, effort=effort))


def _in_other_lots(
    run: ProgramRun, decisions: Decisions, resumed: Plan, schedule: BaselineSchedule
) -> tuple[Decisions | None, Decisions | None]:
    """Decisions with lots of what changed by the needs of a plan; and without them.

    None: it has no lots. What is bought of it is ordered by need in either case: the
    search nets it, and knows no orders.
    """
    places = {*decisions.lots, *decisions.sizes}
    changed = {key for key in places if key[0] in (schedule.products or ())}
    if not changed:
        return None, None
    lots = {key: own for key, own in decisions.lots.items() if key not in changed}
    sizes = {key: own for key, own in decisions.sizes.items() if key not in changed}
    free = replace(decisions, lots=lots, sizes=sizes)
    needs = None if resumed.basis is None else resumed.basis.schedule
    sized = (
        {} if needs is None else needed_lots(run, needs, changed & {*decisions.lots})
    )
    return (replace(free, lots={**lots, **sized}) if sized else None), free


def needed_lots(
    run: ProgramRun, schedule: pl.DataFrame, places: Container[NodeKey]
) -> dict[NodeKey, tuple[int, ...]]:
    """Lots of products at some places, as of `Decisions`.

    None of a place whose orders the schedule does not know: what is bought is netted.

    Parameters
    ----------
    run
        Built: its sources say what an order costs.
    schedule
        As of `schedule_of`.
    """
    return {
        key: _lots(run, run.model.node(key), needs)
        for key, needs in _needs(schedule).items()
        if key in places
    }


def _needs(schedule: pl.DataFrame) -> dict[NodeKey, list[NetNeed]]:
    """What the orders of each product at a place serve, by when it is taken [UTC s].

    A step takes of the one before it: that is within an order.
    """
    names = ("items", "item", "late_start", "due", "giver", "taker", "amount")
    items, item, starts, due, *pegs = (schedule[name][0].to_list() for name in names)
    made = [tuple(items[one].split("\x1f")) for one in item]
    found: dict[NodeKey, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for giver, taker, qty in zip(*pegs, strict=True):
        if giver < 0 or not qty:
            continue
        product, place, *_ = made[giver]
        if taker >= len(made):
            found[product, place][due[taker - len(made)]] += qty
        elif made[taker][:3] != made[giver][:3]:
            found[product, place][starts[taker]] += qty
    return {
        key: [NetNeed(at, qty, at) for at, qty in sorted(needs.items())]
        for key, needs in found.items()
    }


def _lots(run: ProgramRun, node: Node, needs: Sequence[NetNeed]) -> tuple[int, ...]:
    """Instants at which the cheapest lots of a product begin."""
    price = order_price(
        min((way.source.own_fixed_cost for way in run.model.ways(node)), default=0.0),
        node.rules.holding_rate,
        run.model.unit_cost(node.key[0]),
        node.step,
    )
    covered, edges = covered_by_wagner_whitin(needs, price), [0]
    while edges[-1] < len(needs):
        edges.append(covered[edges[-1]])
    return begins(
        [
            (needs[first].instant, needs[end - 1].instant)
            for first, end in pairwise(edges)
        ]
    )
