"""The items of a plant as they are read: made, bought, moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant.machines import refuse
from medhavi.planners.constrained.search.plant.options import Option
from medhavi.planners.constrained.search.plant.sources import MOST_EACH
from medhavi.planners.constrained.search.plant.supplies import StandingSupply
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, Plant
from medhavi.planners.mrp.netting_state.state import Need
from medhavi.units import HOUR, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.providers.sources import Source

MOST = 1 << 50
"""Most of one supply, and of a price, that counts: more adds up in no 64 bits."""
MOST_LEVELS = 200
MONEY = 1_000_000
"""Parts of a unit of the base currency in which a search counts prices."""


class Part(NamedTuple):
    """Component of an item, and what orders take of it, as of `Plant`."""

    c_item: int
    c_each: int
    c_more: int
    c_over: int

    @classmethod
    def of(cls, item: int, numbers: tuple[int, int, int]) -> Part:
        """Component of which a quantity takes so much, no more than exactly.

        What is left is netted by the run.
        """
        most = max(numbers)
        if most > MOST_EACH:
            # Fewer bits; the divisor is rounded up, so that it takes no more than
            # exactly.
            shift = most.bit_length() - MOST_EACH.bit_length() + 1
            each, more, over = (number >> shift for number in numbers)
            numbers = each, more, over + 1
        return cls(item, *numbers)


@dataclass(slots=True)
class Item:
    """One item of a plant: quantities in steps, instants and times in seconds.

    `sources` are the items whose orders serve it (none: it alone), `lacking` what
    existing orders lack of it, `lots` when planned lots of it begin [s], `levels` what
    has to be in stock from an instant on, each time more [units, s], `below` what it
    takes and `needs` for which of the needs of an order (-1: of an earlier step); all
    else as of `Plant` and `Model`.
    """

    ranked: int = 0
    grain: int = 1
    least: int = 1
    most: int = 0
    y_each: int = 1
    y_more: int = 0
    y_over: int = 1
    floor: int = 0
    post: int = 0
    soft: int = 0
    lead: int = -1
    life: int = FAR
    carries: int = 0
    cover: int = 0
    lots: tuple[int, ...] = ()
    apart: int = 0
    each_order: int = 0
    each_step: int = 0
    each_day: int = 0
    sources: tuple[int, ...] = ()
    supplies: list[StandingSupply] = field(default_factory=list)
    queue: int = 0
    steps: int = 1
    below: tuple[Part, ...] = ()
    needs: tuple[int, ...] = ()
    lacking: list[Need] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)


ITEM_FIELDS_NOW = ("lead", "cover", "apart")
"""Fields of items that depend on what stands and is wanted."""
_ELSEWHERE = {"calendar", "bucket", *ITEM_FIELDS_NOW}
ITEM_FIELDS, OPTION_FIELDS = (
    tuple(
        name
        for name in record.__dataclass_fields__
        if name in Plant._fields and name not in _ELSEWHERE
    )
    for record in (Item, Option)
)
"""Other fields of items and options that are columns; of calendars `Lanes`."""


def columns(
    records: Sequence[Item] | Sequence[Option] | Sequence[Part], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Fields of records in columns. Shapes (n_records,), int64."""
    return {
        name: np.fromiter(map(attrgetter(name), records), np.int64, len(records))
        for name in names
    }


def joined_columns(
    first: Mapping[str, np.ndarray], then: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Columns of some records, and behind them of others."""
    return {name: np.append(cells, then[name]) for name, cells in first.items()}


def starts(counts: Iterable[int]) -> np.ndarray:
    """Where parts of so many cells begin, and the last one ends. Shape (n + 1,)."""
    return np.cumsum([0, *counts])


def standing(items: Sequence[Item], as_of: int) -> dict[str, np.ndarray]:
    """Stock and scheduled receipts of all items, by date, as of `Plant`.

    `as_of` is now [UTC s]. Shapes (n_supplies,), int64; of `s_start` (n_items + 1,).
    """
    found = [
        (
            number,
            min(one.qty, MOST),
            max(one.unit.available - as_of, 0),
            FAR if one.unit.expires == NEVER else one.unit.expires - as_of,
            one.demand,
        )
        for number, item in enumerate(items)
        for one in item.supplies
    ]
    rows = np.array(found, np.int64).reshape(-1, 5).T.copy()
    start = starts(len(item.supplies) for item in items)
    names = ("s_item", "s_qty", "s_ready", "s_until", "s_for")
    return {"s_start": start, **dict(zip(names, rows, strict=True))}


def first_levels(
    levels: Sequence[tuple[int, int, int]], serves: np.ndarray, demands: int
) -> np.ndarray:
    """First of the demands of each item that a stock level wants; -1: none."""
    found = np.full(len(serves), -1, np.int64)
    # The first level of an item is written last and stays.
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
    # Parts and sources have larger numbers than what takes them.
    for number in range(len(items) - 1, -1, -1):
        item, option = items[number], items[number].options[0]
        ready[number] = max([item.floor, *(there[part] for part, *_ in item.below)])
        length = option.fixed + -(-item.least // item.grain) * option.rate
        new = ready[number] - (-length // option.scale) + item.post
        if item.lead >= 0:
            new = item.lead
        if item.sources:
            new = min(there[source] for source in item.sources)
        stands = (max(one.unit.available - as_of, 0) for one in item.supplies)
        there[number] = min([new, *stands])
    counted = [
        ready[one] if len(several) > 1 else items[one].floor
        for several in sources
        for one in several
    ]
    return np.array(counted, np.int64)


def planned_lots(items: Sequence[Item]) -> dict[str, np.ndarray]:
    """When planned lots begin [s], as of `Plant`; int64."""
    return {
        "lot_start": starts(len(item.lots) for item in items),
        "lot_at": np.array([at for item in items for at in item.lots], np.int64),
    }


def mortal(items: Sequence[Item]) -> np.ndarray:
    """Whether orders of items take what may die; consumers first.

    Shape (n_items,), int64: 0 or 1.
    """
    dies = [False] * len(items)
    takes = [0] * len(items)
    for number in range(len(items) - 1, -1, -1):
        item = items[number]
        takes[number] = int(any(dies[part] for part, *_ in item.below))
        dies[number] = (
            item.life < FAR
            or any(one.unit.expires < NEVER for one in item.supplies)
            or any(dies[source] for source in item.sources)
            or bool(item.carries and takes[number])
        )
    return np.array(takes, np.int64)


def add_prices(items: Sequence[Item], source: Source, carried: int = 1) -> None:
    """Set what an order of a source costs, by the first options of its steps or others.

    `items` are the last step of a routing and the earlier ones; `carried` is as of
    `Source.fixed_cost_beside`.
    """
    order = source.fixed_cost_beside(carried)
    product, step = items[0], source.unit_cost * float(source.step)
    for item in items:
        first, *others = (_work_prices(one, item.grain) for one in item.options)
        order, step = order + first[0], step + first[1]
        for option, own in zip(item.options[1:], others, strict=True):
            option.dear_order = price(own[0] - first[0])
            option.dear_step = price(own[1] - first[1])
    product.each_order, product.each_step = price(order), price(step)


def _work_prices(option: Option, grain: int) -> tuple[float, float]:
    """What the work of an order costs by an option, and that of a step of it."""
    if option.taken is None:
        return 0.0, 0.0
    second = option.taken.cost_per_hour / HOUR / option.scale
    return second * option.fixed, second * option.rate / grain


def price(cost: float) -> int:
    """Cost as a search counts it [millionths]; beyond a thousand million it is that."""
    return round(min(cost * MONEY, MOST))


def shared_parts(
    numbers: Sequence[int], shares: Sequence[Fraction | int]
) -> tuple[Part, ...]:
    """What each of several sources brings of a product, rounded to the next.

    Parameters
    ----------
    numbers
        The items of the sources.
    shares
        Their shares, which need not add up to one.
    """
    found = []
    for number, share in zip(numbers, shares, strict=True):
        # Twice the share less a half, rounded up: that is rounded to the next.
        each = Fraction(2 * share) / sum(shares)
        # Of two halves the first one is rounded up.
        more = int(number == numbers[0]) - each.denominator
        found.append(Part(number, each.numerator, more, 2 * each.denominator))
    return tuple(found)


def check_depth(items: Sequence[Item]) -> None:
    """Refuse products of very many levels; items are in order, consumers first."""
    levels = [1] * len(items)
    for number in range(len(items) - 1, -1, -1):
        for part, *_ in items[number].below:
            if part <= number:
                refuse("parts come before what they are for")
            levels[number] = max(levels[number], levels[part] + 1)
        sources = items[number].sources or (number,)
        levels[number] = max(levels[source] for source in sources)
    if max(levels, default=0) > MOST_LEVELS:
        refuse("a product has too many levels")


def distinct(parts: Iterable[tuple[str, ...]]) -> list[str]:
    """Join the parts of names; of equal ones the later ones get a number."""
    names = list(map("\x1f".join, parts))
    if len(set(names)) == len(names):
        return names
    met: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        found.append(f"{name}\x1f{met[name]}" if met[name] else name)
        met[name] += 1
    return found
