"""Steps of routings as a plant reads them: where each leads, how long it takes."""

from __future__ import annotations

from functools import reduce
from math import lcm
from typing import TYPE_CHECKING

from medhavi.planners.constrained.memory import StepComponent, lines_together
from medhavi.planners.constrained.search.plant.sources import (
    MOST_EACH,
    line_taken,
    place_taken,
)
from medhavi.providers.capacity.axis import WorkContent
from medhavi.providers.capacity.network import PrecedenceLink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import SupplyAlternative
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.clocks import Duration
    from medhavi.providers.capacity.network import RoutingNetwork
    from medhavi.providers.capacity.schedule import RoutingTask

    _Components = tuple[tuple[StepComponent, ...], list[str]]


SIZES = (1, 1_000_000)
"""Least and largest size at which a length is what the kernels count [grains]."""
FINEST = (10_000, 1 << 24)
"""Largest denominators of a time that is not whole seconds: one that does is taken."""
MOST_SCALE = 1 << 32
"""64 bits hold so many parts of a second times any length."""


def steps_in_tree(
    run: SearchableRun, routing: str
) -> tuple[tuple[RoutingTask, ...], list[PrecedenceLink]]:
    """Steps of a routing, each of which but the last leads to one other.

    All are in a row, also those beside each other: so they are dated as their links
    want it. What comes after the step that gives the product is beside the steps before
    it. The run gets to know what is only near.

    Returns
    -------
    tasks, links
        The steps, that which gives the product last; the link of each of the others, by
        their places.
    """
    compiled = run.providers.capacity.compiled(routing)
    network, tasks, outlet = compiled.network, compiled.tasks, compiled.outlets[0]
    if any(task.node.batch is not None for task in tasks):
        run.approximate(f"{routing} has overlapping steps")
    if any(len(task.plan.epochs) > 1 for task in tasks):
        run.approximate(f"{routing} has other resources at other times")
    if run.providers.capacity.held(routing):
        run.approximate(f"{routing} keeps a tool")
    if not tasks or not network.is_chain:
        run.approximate(f"{routing} has no steps in a row")
    if len(compiled.outlets) > 1 or not outlet.plain:
        run.approximate(f"{routing} gives its product otherwise than at its end")
    gives = None if outlet.step is None else network.place(outlet.step)
    last = len(tasks) - 1
    if gives is not None and gives < last:
        links = [
            PrecedenceLink(earlier=place, later=last)
            if place >= gives - 1
            else _next(network, place)
            for place in range(last)
        ]
        return (*tasks[:gives], *tasks[gives + 1 :], tasks[gives]), links
    return tasks, [_next(network, place) for place in range(last)]


def _next(network: RoutingNetwork, place: int) -> PrecedenceLink:
    """Link of a step with the one that comes after it in the order of working."""
    behind = PrecedenceLink(earlier=place, later=place + 1)
    found = (
        link
        for link in network.links
        if (link.earlier, link.later) == (place, place + 1)
    )
    return next(found, behind)


def linear(length: Duration, grain: int) -> tuple[tuple[int, int, int], bool]:
    """Fixed time, rate and scale in small numbers [s, s per grain, times scale].

    A length is ceil(x + d), x whole parts of `scale`: where d is above -1 / scale and
    no more than 0 it is ceil(x), where d is more and no more than 1 / scale it is that
    of half a part more. So it is for all sizes where it is for the least and the most;
    else it is only near, and the second value False.
    """
    exact = length.fixed, length.rate * grain
    near = 0, 0, 1
    # Small denominators first: exact ones of tiny times do not fit into 64 bits.
    for finest in FINEST:
        convergents = [_near(one, length.scale, finest) for one in exact]
        scale = lcm(*(below for _, below in convergents))
        first, each = (above * (scale // below) for above, below in convergents)
        fixed, rate = (
            one * scale - length.scale * own
            for one, own in zip(exact, (first, each), strict=True)
        )
        more = [fixed + size * rate for size in SIZES]
        if scale > MOST_SCALE:
            break
        if all(-length.scale < one <= 0 for one in more):
            return (first, each, scale), True
        if all(0 < one <= length.scale for one in more):
            return (2 * first + 1, 2 * each, 2 * scale), True
        near = first, each, scale
    return near, False


def _near(above: int, below: int, finest: int) -> tuple[int, int]:
    """Last convergent of a continued fraction whose denominator is no larger.

    It is off by less than 1 / (its denominator * finest) (Khinchin 1964, theorem 9).
    """
    found, before = (1, 0), (0, 1)
    while below:
        whole, rest = divmod(above, below)
        following = whole * found[0] + before[0], whole * found[1] + before[1]
        if following[1] > finest:
            break
        found, before = following, found
        above, below = below, rest
    return found


def large_cost(task: RoutingTask, option: ResourceOption) -> float:
    """Cost of a large order by an option."""
    work = WorkContent(option.setup, task.run(SIZES[-1]))
    seconds = (work.setup + work.run) / (option.axis.steady or 1)
    return option.cost_per_hour * float(seconds)


def components_by_step(
    run: SearchableRun,
    way: SupplyAlternative,
    tasks: Sequence[RoutingTask],
    last: int,
) -> tuple[StepComponent, ...]:
    """Components that orders of a make take when its steps begin; read once.

    Parameters
    ----------
    run
        It gets to know what is only near.
    way, tasks
        The make, and its steps in the order of working.
    last
        The last due date [UTC s].
    """
    facts = run.facts(last)
    known = facts.components.get(way)
    if known is None:
        known = facts.components[way] = _components(run, way, tasks, last)
    found, nearly = known
    for why in nearly:
        run.approximate(why)
    return found


def _components(
    run: SearchableRun,
    way: SupplyAlternative,
    tasks: Sequence[RoutingTask],
    last: int,
) -> _Components:
    """Components of a make by step, and what the plant says of them only nearly."""
    routing = way.source.source
    found: list[StepComponent] = []
    nearly: list[str] = []
    for group in way.intakes:
        one = line_taken(run, group, last)
        line = one.component
        if line.anchor != "start" or line.offset_minutes:
            nearly.append(f"{routing} takes a component otherwise than at a start")
        if max(line.numerator, line.addend) > MOST_EACH:
            nearly.append(f"{routing} takes very much of a component")
        if line.numerator or line.addend:
            found.append(StepComponent(place_taken(line, tasks), one.node, line))
    found.sort(key=lambda one: one.step)
    if any(
        sum(found[place].numbers[2] > 1 for place in own) > 1
        for own in lines_together(found)
    ):
        # Lines are rounded up one by one, their sum once.
        nearly.append(f"{routing} takes parts of a component twice in a step")
    return tuple(found), nearly


def taken_in(
    taken: Sequence[StepComponent], step: int
) -> list[tuple[int, tuple[int, int, int]]]:
    """Components of a step, each once: its first place, and all it takes of it.

    Amounts are as of `Part`. See `NeedNumbers.spread` for what each line gets.
    """
    return [
        # A search has one peg for each part and step, so lines of one part are one.
        (own[0], reduce(_sum, (taken[place].numbers for place in own)))
        for own in lines_together(taken)
        if taken[own[0]].step == step
    ]


def _sum(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Sum of two amounts a / c for each unit and b / c besides, given as (a, b, c)."""
    over = lcm(one[2], other[2])
    each, more = (
        one[n] * (over // one[2]) + other[n] * (over // other[2]) for n in (0, 1)
    )
    return each, more, over
