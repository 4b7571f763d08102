"""How long steps take by their options, and at what pace; read once for a company."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.constrained.search.plant.routings import linear
from medhavi.providers.capacity.axis import Axis
from medhavi.providers.capacity.clocks import Duration
from medhavi.providers.capacity.resources import slowed
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from medhavi.planners.constrained.memory import PlantFacts
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.schedule import RoutingTask


def length_of(
    facts: PlantFacts, task: RoutingTask, taken: ResourceOption, grain: int
) -> tuple[tuple[int, int, int], bool]:
    """What `linear` says of a step by an option, in grains of so many steps."""
    key = id(task), id(taken), grain
    known = facts.lengths.get(key)
    if known is None:
        length = Duration.of(task.node, taken, task.fixed, task.rate)
        known = facts.lengths[key] = *linear(length, grain), (task, taken)
    return known[:2]


def steadied(
    facts: PlantFacts, taken: ResourceOption, usual: Callable[..., Fraction]
) -> ResourceOption:
    """An option at one pace; while it is slower it is open for less of each day.

    Work that must not pause gets the pace that holds longest, as of `usual`.
    """
    known = facts.steadied.get(id(taken))
    if known is not None:
        return known[0]
    axis = taken.axis
    if axis.splittable:
        pace = max(pace for *_, pace in axis.paces)
        key = axis.working, axis.paces
        if key not in facts.slowed:
            facts.slowed[key] = slowed(*key)
        working = facts.slowed[key]
    else:
        pace, working = usual(axis.paces), axis.working
    steady = Axis(working, ((ALWAYS, NEVER, pace),), splittable=axis.splittable)
    found = replace(taken, axis=steady)
    facts.steadied[id(taken)] = found, taken
    return found
