"""Options of the items of a plant: one way each to do the work, and its times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.campaigns.campaign_rules import CampaignRule
from medhavi.planners.constrained.search.plant.routings import linear
from medhavi.providers.capacity.axis import Axis, ResourceOption
from medhavi.providers.capacity.clocks import Duration
from medhavi.providers.capacity.resources import slowed
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from medhavi.planners.constrained.memory import PlantFacts
    from medhavi.providers.capacity.schedule import RoutingTask


@dataclass(slots=True)
class Option:
    """One way to do the work of an item, as `Plant` has it; `taken` are its resources.

    What is bought has one that says nothing. `lane` and `bucket` are numbers among the
    calendars of lanes and buckets. `beside` are machines that it needs as well. `rule`
    is that of its campaigns, where they end with a cleaning: by `turned` instead of
    `family` it is in another one. `hourly` is the resource whose hours are counted per
    bucket. `calendars` are those of the units of the machine, where they have open
    times of their own, `limits` what orders take of the room of its windows: `l_each`,
    `l_over` and `l_room` as of `Plant`. All of the work is within one of the spans
    `within` [s since now], but for so many open seconds `after` its end.
    """

    machine: int = -1
    beside: tuple[int, ...] = ()
    fixed: int = 0
    rate: int = 0
    dear_order: int = 0
    dear_step: int = 0
    scale: int = 1
    calendar: int = -1
    lane: int = -1
    whole: int = 0
    family: int = -1
    turned: int = -1
    rule: CampaignRule | None = None
    bucket: int = -1
    taken: ResourceOption | None = None
    hourly: str = ""
    calendars: tuple[int, ...] = ()
    limits: tuple[tuple[int, int, int], ...] = ()
    within: tuple[tuple[int, int], ...] = ()
    after: int = 0


def with_units(options: Sequence[Option]) -> tuple[list[Option], np.ndarray]:
    """Options, behind them once more for each unit, and `unit` as of `Plant`.

    On units they differ in their `calendars` alone.
    """
    found, first = list(options), np.full(len(options), -1, np.int64)
    for place, option in enumerate(options):
        if option.calendars:
            first[place] = len(found)
            found += [option] * len(option.calendars)
    # In every other campaign they are of another family.
    found += [replace(one, family=one.turned) for one in options if one.turned >= 0]
    return found, np.append(first, np.full(len(found) - len(first), -1, np.int64))


def machines_together(
    options: Sequence[Option], machines: int
) -> dict[str, np.ndarray]:
    """Machines that options need besides their own ones, of so many, as of `Plant`."""
    others: list[set[int]] = [set() for _ in range(machines)]
    for option in options:
        for machine in option.beside:
            others[machine].add(option.machine)
    beside = [one for option in options for one in option.beside]
    return {
        "w_start": np.cumsum([0, *(len(option.beside) for option in options)]),
        "w_machine": np.array(beside, np.int64),
        "n_start": np.cumsum([0, *map(len, others)]),
        "n_machine": np.array([one for own in others for one in sorted(own)], np.int64),
    }


def length_of(
    facts: PlantFacts, task: RoutingTask, taken: ResourceOption, grain: int
) -> tuple[tuple[int, int, int], bool]:
    """What `linear` says of a step by an option, in grains of so many steps."""
    # The records are kept with what is known of them: no other object gets their
    # identity.
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
