"""When orders of a source run, asked of its clock at the edges of the grid.

A clock answers for one start. Where there are few sources it is asked at every edge.
Where there are many, it is asked at some edges, and those in between take the pattern
of the one before: calendars repeat by the week, and decoding asks the clock again for
every order, so only the program sees the pattern.

Orders start, goods arrive and deliveries leave at the edges of a grid. What comes
between two edges counts at the next one, what is taken between two counts at the one
before: a plan on the edges can be carried out whatever the calendars say in between.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.errors import UsageError
from medhavi.planners.parameters import AUTO, DAYS_FIRST, WEEKS
from medhavi.results.buckets import grid
from medhavi.units import DAY, HOUR, from_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        ComponentRequirement,
        SupplyAlternative,
    )
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.providers.sources import OrderTiming, StepWindow

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


MOST_EDGES = 5_000
"""A finer grid has millions of columns for a single product."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DecisionGrid:
    """Edges of the buckets of decisions.

    Parameters
    ----------
    edges
        Rising instants, shape (T + 1,) [UTC seconds]: bucket k is
        [edges[k], edges[k + 1]); the first edge is now.
    """

    edges: Ints

    @property
    def size(self) -> int:
        """Number of buckets, T."""
        return len(self.edges) - 1

    @property
    def starts(self) -> Ints:
        """Start of each bucket: the instants of decision, shape (T,)."""
        return self.edges[:-1]

    @property
    def lengths(self) -> Ints:
        """Length of each bucket, shape (T,) [s]."""
        return np.diff(self.edges)

    def lengths_until(self, end: int) -> Ints:
        """Length of each bucket [s], the last one up to an end where that is later."""
        edges = self.edges.copy()
        edges[-1] = max(edges[-1], end)
        return np.diff(edges)

    def at_or_after(self, instants: ArrayLike) -> Ints:
        """First decision at or after each instant; T: none."""
        found: Ints = np.searchsorted(self.starts, instants, side="left")
        return found

    def at_or_before(self, instants: ArrayLike) -> Ints:
        """Last decision at or before each instant; -1: none."""
        found: Ints = np.searchsorted(self.starts, instants, side="right") - 1
        return found


def decision_grid(bucket: str, as_of: int, until: int) -> DecisionGrid:
    """Lay the grid from now on, so that the last bucket holds `until`.

    Raises
    ------
    UsageError
        The grid has too many buckets.
    """
    rule = grid(bucket, as_of)
    edges = [as_of]
    while edges[-1] <= until:
        here = np.asarray([edges[-1]], dtype=np.int64)
        edges.append(int(rule.ends(rule.starts(here))[0]))
        if len(edges) > MOST_EDGES:
            days = (until - as_of) / DAY
            message = (
                f"bucket ({bucket}) and late_days give more than {MOST_EDGES:,} "
                f"buckets: the last demand may be served up to {days:,.0f} days from "
                "now. State coarser buckets, such as 21xday+1xmonth, or fewer "
                "late_days."
            )
            raise UsageError(message)
    return DecisionGrid(edges=np.asarray(edges, dtype=np.int64))


def chosen_grid(
    parameters: OptimizeParameters, nodes: int, as_of: int, until: int
) -> tuple[DecisionGrid, str]:
    """Lay the grid that is asked for, or one by size; gives it with the reason.

    Parameters
    ----------
    parameters
        Grid, and most cells of the finer one.
    nodes
        Number of products at places.
    as_of, until
        As of `decision_grid`.
    """
    if parameters.bucket != AUTO:
        return decision_grid(parameters.bucket, as_of, until), parameters.bucket
    fine, most = decision_grid(DAYS_FIRST, as_of, until), parameters.most_cells
    cells = nodes * fine.size
    size = f"{cells:,} cells of {DAYS_FIRST}"
    if cells <= most:
        return fine, f"{DAYS_FIRST}: {size}, most_cells allows {most:,}"
    reason = f"{WEEKS}: {size} are more than most_cells ({most:,})"
    return decision_grid(WEEKS, as_of, until), reason


FEW_QUESTIONS = 40_000
"""Answers that are asked for in full; a clock needs up to 20 µs each."""
WEEK = 7
EVERY = 8
HALVES = 40


class ResourceHours(NamedTuple):
    """Occupied hours of one resource: columns of the way, buckets, hours per order."""

    resource: str
    column: Ints
    bucket: Ints
    hours: Floats


class InputTimes(NamedTuple):
    """What orders take of a node: columns, decision at which it must be there."""

    intake: ComponentRequirement | None
    column: Ints
    at: Ints


class SourceTimes(NamedTuple):
    """Orders of one way that may start at an edge, one column each.

    Parameters
    ----------
    start, arrive
        Decision at which an order starts; first one at which its goods are there.
    begin, finish
        Instants of the order [UTC seconds].
    takes
        What is taken when.
    works
        Hours of an order of `size` steps.
    size
        Reference size that rates and hours are for [units].
    """

    start: Ints
    arrive: Ints
    begin: Ints
    finish: Ints
    takes: tuple[InputTimes, ...]
    works: tuple[ResourceHours, ...]
    size: int


def sampled_edges(grid: DecisionGrid, n_ways: int) -> Ints:
    """Choose the edges at which clocks are asked, shape (s,), the first one included.

    All of them where that is affordable; else the first week, and every eighth edge.
    """
    every = np.arange(grid.size)
    if n_ways * grid.size <= FEW_QUESTIONS:
        return every
    longer = np.flatnonzero(np.diff(grid.lengths) != 0) + 1
    some = [every[:WEEK], longer, every[WEEK::EVERY]]
    found: Ints = np.unique(np.concatenate(some))
    return found


def way_times(
    way: SupplyAlternative,
    size: int,
    release: OrderCreation,
    grid: DecisionGrid,
    asked: Ints,
    *,
    in_pieces: bool,
) -> SourceTimes | None:
    """Ask the clock of a way for orders of a size.

    Parameters
    ----------
    way
        Source with its nodes.
    size
        Order size [units].
    release
        Knows when a component is used.
    grid
        Decisions.
    asked
        Edges to ask at, see `sampled_edges`.
    in_pieces
        Whether goods of an order that is made for days come out day by day.

    Returns
    -------
    SourceTimes or None
        None: no order can start and arrive on the grid.
    """
    starts = grid.starts
    fence = way.source.fence_start
    short = _short_size(way, size, grid) if in_pieces else size
    patterns: list[tuple[Ints, OrderTiming, int]] = []
    bounds = np.append(asked, grid.size)
    for position, edge in enumerate(asked.tolist()):
        moment = max(int(starts[edge]), fence)
        timing = way.source.clock.earliest(moment, short)
        members = np.arange(edge, bounds[position + 1])
        if timing is None:
            continue
        # Only edges that stand for others share a pattern; one that is asked by itself
        # keeps its answer.
        if patterns and len(members) > 1 and _alike(patterns[-1], timing, moment):
            known = patterns[-1]
            patterns[-1] = (np.concatenate([known[0], members]), known[1], known[2])
        else:
            patterns.append((members, timing, moment))
    if not patterns:
        return None
    longer = _longer(way, size, short, patterns[0][2])
    return _columns(way, size, longer, release, grid, patterns)


def _short_size(way: SupplyAlternative, size: int, grid: DecisionGrid) -> int:
    """Cut a size until its units add no more than the first bucket to an order's time.

    What is made in a bucket is limited by its hours, not by the time of one order:
    goods of an order that runs for days come out day by day, or from several orders.
    What an order takes whatever its size is no shorter in pieces.
    """
    if way.source.kind != "make":
        return size
    moment = max(int(grid.starts[0]), way.source.fence_start)
    bucket = int(grid.lengths[0])
    took = _took(way, size, moment)
    for _ in range(HALVES):
        smaller = way.source.lot(size // 2)
        if took is None or took <= bucket or not 0 < smaller < size:
            break
        longer, took = took, _took(way, smaller, moment)
        # Halving takes half of the time that depends on size: twice that is all of it.
        if took is not None and 2 * (longer - took) <= bucket:
            break
        size = smaller
    return size


def _took(way: SupplyAlternative, size: int, moment: int) -> int | None:
    """How long an order runs from an instant on; None: it fits nowhere."""
    timing = way.source.clock.earliest(moment, size)
    return None if timing is None else timing.finish - timing.start


def _alike(
    known: tuple[Ints, OrderTiming, int], timing: OrderTiming, moment: int
) -> bool:
    """Whether two answers are the same but for their start."""
    _, before, then = known
    if (before.start - then, before.finish - then) != (
        timing.start - moment,
        timing.finish - moment,
    ):
        return False
    return [
        (w.start - then, w.finish - then, w.resources, len(w.segments))
        for w in before.steps
    ] == [
        (w.start - moment, w.finish - moment, w.resources, len(w.segments))
        for w in timing.steps
    ]


def _columns(
    way: SupplyAlternative,
    size: int,
    longer: Mapping[int, float],
    release: OrderCreation,
    grid: DecisionGrid,
    patterns: Sequence[tuple[Ints, OrderTiming, int]],
) -> SourceTimes | None:
    fence = way.source.fence_start
    moments = [np.maximum(grid.starts[edges], fence) for edges, _, _ in patterns]
    shifts = [at - then for at, (_, _, then) in zip(moments, patterns, strict=True)]
    timings = [timing for _, timing, _ in patterns]
    begin = np.concatenate(
        [timing.start + by for timing, by in zip(timings, shifts, strict=True)]
    )
    finish = np.concatenate(
        [timing.finish + by for timing, by in zip(timings, shifts, strict=True)]
    )
    edge = np.concatenate([edges for edges, _, _ in patterns])
    kept = _worthwhile(way, grid, edge, begin, finish)
    if not len(kept):
        return None
    place = np.full(len(edge), -1)
    place[kept] = np.arange(len(kept))
    counts = np.cumsum([0, *(len(edges) for edges, _, _ in patterns)])
    columns = [place[low:high] for low, high in itertools.pairwise(counts)]
    return SourceTimes(
        start=edge[kept],
        arrive=grid.at_or_after(finish[kept]),
        begin=begin[kept],
        finish=finish[kept],
        takes=tuple(_takes(way, release, grid, timings, shifts, columns)),
        works=tuple(_works(grid, longer, timings, shifts, columns)),
        size=size,
    )


def _worthwhile(
    way: SupplyAlternative, grid: DecisionGrid, edge: Ints, begin: Ints, finish: Ints
) -> Ints:
    """Keep columns that are valid, arrive on the grid, and differ from each other.

    Of moves with one departure and work that waits for one opening the first edge is
    kept, of purchases with one arrival the last: then nothing is ordered too soon.
    """
    valid = np.zeros(len(edge), dtype=bool)
    for low, high in way.source.windows:
        valid |= (begin >= low) & (begin < high)
    valid &= grid.at_or_after(finish) < grid.size
    places = np.flatnonzero(valid)
    if way.source.kind == "buy":
        arrival = finish[places][::-1]
        _, first = np.unique(arrival, return_index=True)
        return np.sort(places[::-1][first])
    _, first = np.unique(begin[places], return_index=True)
    return np.sort(places[first])


def _takes(
    way: SupplyAlternative,
    release: OrderCreation,
    grid: DecisionGrid,
    timings: Sequence[OrderTiming],
    shifts: Sequence[Ints],
    columns: Sequence[Ints],
) -> list[InputTimes]:
    if way.origin is not None:
        at = [timing.ready + by for timing, by in zip(timings, shifts, strict=True)]
        used = np.concatenate(at)
        column = np.concatenate(columns)
        return [_take(None, grid, column, used)]
    found: list[InputTimes] = []
    column = np.concatenate(columns)
    for group in way.intakes:
        open_ = column >= 0
        for intake in group:
            used = np.concatenate(
                [
                    _use(way, intake, release, timing) + by
                    for timing, by in zip(timings, shifts, strict=True)
                ]
            )
            line = intake.component
            valid = open_ & (used >= line.valid_from) & (used < line.valid_to)
            if valid.any():
                found.append(_take(intake, grid, column[valid], used[valid]))
            open_ &= ~valid
    return found


def _take(
    intake: ComponentRequirement | None, grid: DecisionGrid, column: Ints, used: Ints
) -> InputTimes:
    kept = column >= 0
    # At the decision before, so that it is there in time.
    at = np.maximum(grid.at_or_before(used[kept]), 0)
    return InputTimes(intake, column[kept], at)


def _use(
    way: SupplyAlternative,
    intake: ComponentRequirement,
    release: OrderCreation,
    timing: OrderTiming,
) -> int:
    if intake.plain:
        return timing.steps[0].start if timing.steps else timing.start
    capacity = release.model.providers.capacity
    return intake.component.used_at(capacity, way.source.source, timing)


def _works(
    grid: DecisionGrid,
    longer: Mapping[int, float],
    timings: Sequence[OrderTiming],
    shifts: Sequence[Ints],
    columns: Sequence[Ints],
) -> list[ResourceHours]:
    pieces: dict[str, list[tuple[Ints, Ints, Floats]]] = {}
    for timing, by, column in zip(timings, shifts, columns, strict=True):
        kept = column >= 0
        if not kept.any():
            continue
        moved, place = by[kept], column[kept]
        for window in timing.steps:
            # Hours are those of the full size, though the clock was asked for a smaller
            # one.
            scale = longer.get(window.step, 1.0)
            for low, high in window.segments:
                split = _split(grid, moved + low, moved + high, place)
                for resource, units in window.resources:
                    pieces.setdefault(resource, []).extend(
                        (which, bucket, hours * units * scale)
                        for which, bucket, hours in split
                    )
    return [
        ResourceHours(
            resource, *(np.concatenate(parts) for parts in zip(*found, strict=True))
        )
        for resource, found in sorted(pieces.items())
    ]


def _longer(
    way: SupplyAlternative, size: int, least: int, moment: int
) -> dict[int, float]:
    """How much longer an order of a size works at each step than a shorter one.

    Set-up, and what an order takes whatever its size is, count once.
    """
    if size == least:
        return {}
    whole, short = (way.source.clock.earliest(moment, n) for n in (size, least))
    if whole is None or short is None:
        return {}
    return {
        step.step: _worked(step) / _worked(less) if _worked(less) else 1.0
        for step, less in zip(whole.steps, short.steps, strict=True)
    }


def _worked(window: StepWindow) -> int:
    return window.setup_seconds + window.run_seconds


def _split(
    grid: DecisionGrid, low: Ints, high: Ints, column: Ints
) -> list[tuple[Ints, Ints, Floats]]:
    """Cut stretches at the edges: columns, buckets, hours; what lies beyond is lost."""
    found: list[tuple[Ints, Ints, Floats]] = []
    bucket = np.searchsorted(grid.edges, low, side="right") - 1
    while len(low):
        inside = (bucket >= 0) & (bucket < grid.size)
        low, high, column, bucket = (a[inside] for a in (low, high, column, bucket))
        if not len(low):
            break
        end = np.minimum(grid.edges[bucket + 1], high)
        found.append((column, bucket, (end - low) / 3600.0))
        more = high > end
        low, high, column = end[more], high[more], column[more]
        bucket = bucket[more] + 1
    return found


def order_hours(
    way: SupplyAlternative, as_of: int, sizes: Iterable[int]
) -> dict[str, tuple[float, float]]:
    """Hours of each resource of an order, whatever its size and for a unit.

    Parameters
    ----------
    way
        The source; its least order tells, with a larger one.
    as_of
        Now [UTC s].
    sizes
        Larger orders, the first that fits counts: of many units, for times are whole
        seconds. Where none fits all is by the unit.
    """
    least, step = way.source.lot(1), way.source.step
    start = max(as_of, way.source.fence_start)
    one = _hours_of(way, start, least)
    for many in sizes:
        more = _hours_of(way, start, many)
        if one.keys() <= more.keys():
            break
    else:
        return {n: (0.0, own / from_units(least, step)) for n, own in one.items()}
    found = {}
    for name, spent in one.items():
        each = max(0.0, more[name] - spent) / from_units(many - least, step)
        found[name] = max(0.0, spent - each * from_units(least, step)), each
    return found


def _hours_of(way: SupplyAlternative, start: int, size: int) -> dict[str, float]:
    """Hours of resources of an order of a size; none: it fits at no time."""
    timing = way.source.clock.earliest(start, size)
    found: dict[str, float] = {}
    for window in () if timing is None else timing.steps:
        for name, amount in window.resources:
            hours = _worked(window) / HOUR * amount
            found[name] = found.get(name, 0.0) + hours
    return found
