"""Plans by the program solved again without what rules refuse that it does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.optimize.problem import SolveStatus
from medhavi.planners.master_plan.goals.campaign_limits import short_campaigns
from medhavi.planners.master_plan.goals.whole_demands import least_served
from medhavi.planners.master_plan.improvement.plan_improvement import Tried, interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.master_plan.decoder import RunOptions
    from medhavi.planners.master_plan.goals.staged_solve import GoalProgram

WHOLE = "guided, lines whole or not at all"
LONG_CAMPAIGNS = "guided, without campaigns that are too short"
MOST_LEFT_OUT = 20
"""Lines that a program is solved without, at most."""


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
