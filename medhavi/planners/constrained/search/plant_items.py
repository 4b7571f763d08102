"""The items of a plant as they are read: what is made, bought, moved, and steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant_machines import Option, refuse
from medhavi.planners.mrp.netting_state.state import SupplyUnit

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LEVELS = 200
MOST_BELOW = 2000
"""Orders of one demand at most, one of each: what a move takes out must be small."""
NO_END = 1 << 40


class Part(NamedTuple):
    """Component of an item, and what orders take of it, as of `Plant`."""

    c_item: int
    c_each: int
    c_more: int
    c_over: int


@dataclass(slots=True)
class Item:
    """One item of a plant: quantities in steps, instants and times in seconds.

    `sources` are the items whose orders serve it (none: it alone), `levels` what has to
    be in stock from an instant on, each time more [units, s]; all else as of `Plant`
    and `Model`.
    """

    ranked: int = 0
    grain: int = 1
    least: int = 1
    floor: int = 0
    post: int = 0
    lead: int = -1
    sources: tuple[int, ...] = ()
    supplies: list[SupplyUnit] = field(default_factory=list)
    queue: int = 0
    steps: int = 1
    below: tuple[Part, ...] = ()
    levels: list[tuple[int, int]] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)


def columns(
    records: Sequence[Item] | Sequence[Option] | Sequence[Part], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Fields of records in columns. Shapes (n_records,), int64."""
    return {
        name: np.array([getattr(one, name) for one in records], np.int64)
        for name in names
    }


def first_levels(
    levels: Sequence[tuple[int, int, int]], serves: np.ndarray, demands: int
) -> np.ndarray:
    """First of the demands of each item that a stock level wants; -1: none."""
    found = np.full(len(serves), -1, np.int64)
    for place in reversed(range(len(levels))):
        found[levels[place][0]] = demands + place
    own: np.ndarray = found[serves]
    return own


def ready_alone(
    items: Sequence[Item], sources: Sequence[Sequence[int]], as_of: int
) -> np.ndarray:
    """From when on sources of items could work with nobody in their way [s].

    Work without a choice counts from its floor. Shape (n_sources,), int64.
    """
    ready = [item.floor for item in items]
    there = [0] * len(items)
    for number in range(len(items) - 1, -1, -1):
        item, option = items[number], items[number].options[0]
        ready[number] = max([item.floor, *(there[part] for part, *_ in item.below)])
        length = option.fixed + -(-item.least // item.grain) * option.rate
        new = ready[number] - (-length // option.scale) + item.post
        if item.lead >= 0:
            new = item.lead
        if item.sources:
            new = min(there[source] for source in item.sources)
        stands = (max(unit.available - as_of, 0) for unit in item.supplies)
        there[number] = min([new, *stands])
    counted = [
        ready[one] if len(several) > 1 else items[one].floor
        for several in sources
        for one in several
    ]
    return np.array(counted, np.int64)


def check_depth(items: Sequence[Item]) -> None:
    """Refuse products of very many parts; items are in order, consumers first."""
    below = [1] * len(items)
    levels = [1] * len(items)
    for number in range(len(items) - 1, -1, -1):
        for part, *_ in items[number].below:
            if part <= number:
                refuse("parts come before what they are for")
            below[number] = min(below[number] + below[part], NO_END)
            levels[number] = max(levels[number], levels[part] + 1)
        sources = items[number].sources or (number,)
        below[number] = max(below[source] for source in sources)
        levels[number] = max(levels[source] for source in sources)
    if max(below, default=0) > MOST_BELOW or max(levels, default=0) > MOST_LEVELS:
        refuse("a product has too many parts")
