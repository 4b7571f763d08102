"""Steps of routings as a plant reads them: where each leads, how long it takes."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

from medhavi.providers.capacity.axis import WorkContent
from medhavi.providers.capacity.network import PrecedenceLink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.found_orders import (
        SearchableRun,
        StepComponent,
    )
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.clocks import Duration
    from medhavi.providers.capacity.network import RoutingNetwork
    from medhavi.providers.capacity.schedule import RoutingTask


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


@lru_cache(maxsize=1 << 16)
def linear(length: Duration, grain: int) -> tuple[tuple[int, int, int], bool]:
    """Fixed time, rate and scale in small numbers [s, s per grain, times scale].

    A length is ceil(x + d), x whole parts of `scale`: where d is above -1 / scale and
    no more than 0 it is ceil(x), where d is more and no more than 1 / scale it is that
    of half a part more. So it is for all sizes where it is for the least and the most;
    else it is only near, and the second value False.
    """
    exact = [Fraction(one, length.scale) for one in (length.fixed, length.rate * grain)]
    near = 0, 0, 1
    for finest in FINEST:
        first, each = (_near(one, finest) for one in exact)
        scale = lcm(first.denominator, each.denominator)
        numbers = int(first * scale), int(each * scale), scale
        more = [(exact[0] - first + size * (exact[1] - each)) * scale for size in SIZES]
        if scale > MOST_SCALE:
            break
        if all(-1 < one <= 0 for one in more):
            return numbers, True
        if all(0 < one <= 1 for one in more):
            return (2 * numbers[0] + 1, 2 * numbers[1], 2 * scale), True
        near = numbers
    return near, False


def _near(value: Fraction, finest: int) -> Fraction:
    """Last convergent of a continued fraction whose denominator is no larger.

    It is off by less than 1 / (its denominator * finest) (Khinchin 1964, theorem 9).
    """
    above, below, before = 1, 0, (0, 1)
    rest = value
    while True:
        whole = rest.numerator // rest.denominator
        following = whole * above + before[0], whole * below + before[1]
        if following[1] > finest:
            return Fraction(above, below)
        before, (above, below) = (above, below), following
        if rest == whole:
            return value
        rest = 1 / (rest - whole)


def large_cost(task: RoutingTask, option: ResourceOption) -> float:
    """Cost of a large order by an option."""
    work = WorkContent(option.setup, task.run(SIZES[-1]))
    seconds = (work.setup + work.run) / (option.axis.steady or 1)
    return option.cost_per_hour * float(seconds)


def taken_in(taken: Sequence[StepComponent], step: int) -> list[int]:
    """Places of what a step takes; what it takes a second time the run nets."""
    found: dict[int, int] = {}
    for place, one in enumerate(taken):
        if one.step == step:
            found.setdefault(id(one.node), place)
    return list(found.values())
