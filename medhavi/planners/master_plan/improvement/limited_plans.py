"""Plans within budgets and rules that programs know in part: these are solved again.

A program knows no lots, buys overload that no plan works, and is late by whole buckets.
So a plan may keep budgets that its program exceeds, and exceed those that it keeps: a
program without them is followed first, then tighter ones, then weights. What rules of
lines and campaigns refuse, which a program does not see, the next one goes without.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.optimize.problem import SolveStatus
from medhavi.planners.master_plan.goals.campaign_limits import short_campaigns
from medhavi.planners.master_plan.goals.staged_solve import (
    excess,
    plan_amounts,
    tighter_budgets,
)
from medhavi.planners.master_plan.goals.whole_demands import least_served
from medhavi.planners.master_plan.improvement.plan_improvement import (
    Tried,
    best_of,
    improved,
    interrupted,
    spared_for_budgets,
)
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.master_plan.decoder import RunOptions
    from medhavi.planners.master_plan.goals.staged_solve import GoalProgram
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.results.plans.plan import Plan

TIGHTER = "guided, by tighter budgets"
WEIGHED = "guided, what exceeds a budget first"
WHOLE = "guided, lines whole or not at all"
LONG_CAMPAIGNS = "guided, without campaigns that are too short"
MOST_LEFT_OUT = 20
"""Lines that a program is solved without, at most."""
MONEY_FIRST = (10.0, 1e3)
"""How much more money of orders counts than lateness where a budget of it is kept by no
plan, and where that does not keep it either."""


def without_budgets_first(parameters: OptimizeParameters) -> list[OptimizeParameters]:
    """Goals of the programs of a run: the first one has no budgets."""
    free = [replace(parameters, budgets={})] if parameters.budgets else []
    return [*free, parameters]


def keeps_budgets(made: Plan, run: ProgramRun) -> bool:
    """Whether a plan keeps all budgets of a run."""
    return not excess(plan_amounts(made, run.stated), run.goals.budgets)


def tightened(program: GoalProgram, first: Tried, way: RunOptions) -> Iterator[Tried]:
    """Plans by tighter budgets, where the program keeps what its plan does not.

    Overtime beside open hours that are left unused is given up first: the program
    works none of it.
    """
    statement = first.decoder.built.statement
    run, parameters = statement.run, statement.parameters
    for new in spared_for_budgets(first, way):
        yield new
        first = best_of([first, new], run.stated, parameters)
    made, decoder = first.made, first.decoder
    budgets = dict(parameters.budgets)
    for _ in range(parameters.budget_rounds):
        amounts = plan_amounts(made, run.stated)
        own = program.amounts(decoder.solution)
        tighter = tighter_budgets(parameters.budgets, amounts, own)
        if not tighter or made.run.status is Status.CANCELLED:
            return
        budgets |= tighter
        decoder = decoder._replace(solution=program.tighten(budgets))
        if decoder.solution.outcome is not SolveStatus.OPTIMAL:
            return
        made = decoder.plan(parameters.effort, way)
        yield Tried(TIGHTER, parameters.effort, made, decoder)


def weighed(
    first: Tried,
    guided: Sequence[Tried],
    unguided: Tried,
    costs: dict[int, float],
    way: RunOptions,
) -> list[Tried]:
    """Plans by a search that counts what exceeds a budget above all, and improved ones.

    It chooses orders by money and lateness together and knows no budget of either.

    Parameters
    ----------
    first
        The plan that is guided by amounts alone.
    guided
        Plans that follow a program; what one of them keeps needs no other plan.
    unguided
        The plan without the program.
    costs
        As of `improved`.
    """
    made = [*_weighed(first, guided, way)]
    if not made or interrupted(made):
        return made
    return [*made, *improved([*made, unguided], costs, way)]


def _weighed(first: Tried, guided: Sequence[Tried], way: RunOptions) -> Iterator[Tried]:
    decoder, effort = first.decoder, first.effort
    run, parameters = decoder.built.statement.run, decoder.built.statement.parameters
    if not parameters.budgets or interrupted(guided):
        return
    amounts = [plan_amounts(one.made, run.stated) for one in guided]
    over = set.intersection(*(set(excess(one, parameters.budgets)) for one in amounts))
    by_budget = {"lateness": (0.0,), "cost": MONEY_FIRST, "cash": MONEY_FIRST}
    for name in sorted(over & by_budget.keys()):
        for factor in by_budget[name]:
            follows = decoder._replace(worth=parameters.money_worth * factor)
            made = follows.plan(effort, way)
            yield Tried(WEIGHED, effort, made, follows)
            if made.run.status is Status.CANCELLED:
                return
            if name not in excess(plan_amounts(made, run.stated), parameters.budgets):
                break


def within_rules(
    program: GoalProgram, first: Tried, way: RunOptions
) -> Iterator[Tried]:
    """Plans without lines in part, and by other sources than short campaigns."""
    made = [*_whole_or_none(program, first, way)]
    yield from made
    if not interrupted(made):
        yield from _in_campaigns(program, first, way)


def _whole_or_none(
    program: GoalProgram, first: Tried, way: RunOptions
) -> Iterator[Tried]:
    """Plan without lines that go whole and that the program serves in part.

    One after the other, the one that is served least first: what it gets is for others.
    """
    decoder, left_out = first.decoder, 0
    built = decoder.built
    while left_out < MOST_LEFT_OUT:
        columns = least_served(built, decoder.solution.values)
        if columns is None:
            break
        solution = program.leave_out(columns)
        if solution.outcome is not SolveStatus.OPTIMAL:
            break
        decoder = decoder._replace(solution=solution)
        left_out += 1
    if left_out:
        yield Tried(WHOLE, first.effort, decoder.plan(first.effort, way), decoder)


def _in_campaigns(
    program: GoalProgram, first: Tried, way: RunOptions
) -> Iterator[Tried]:
    """Plans by other sources for what makes campaigns that are too short.

    Also with each amount of the program as an order: a search that knows no least run
    may take the cheaper source again.
    """
    limits = [*short_campaigns(first.made, first.decoder.built)]
    if not limits:
        return
    solution = program.limit(limits)
    if solution.outcome is not SolveStatus.OPTIMAL:
        return
    decoder = first.decoder._replace(solution=solution)
    for follows in (decoder, decoder.by_amounts()):
        made = follows.plan(first.effort, way)
        new = Tried(LONG_CAMPAIGNS, first.effort, made, follows)
        yield new
        if interrupted([new]):
            return
