"""Fix and optimize: whole columns of a program decided part by part.

Helber and Sahling 2010, International Journal of Production Economics 123, 247-256: the
whole columns of one part are free, those of all others stay at the best point so far,
amounts are free everywhere. What is found is kept where it costs less, so the result
never costs more than the start. The first sweep looks among likely places alone, the
next ones among all, parts that brought most first.

Parts: one with all of them, an iteration on which is the whole program; rolling windows
of time, each of which begins in the middle of the one before; clusters of resources,
bottleneck first; groups of products, first those whose orders cost most, or those that
the most urgent demands need. A part is large: what a solver spends on it goes mostly to
the amounts, and those are free in every part. Where all of them are one part and its
solve ends at its limit, clusters go on from there: a third can be searched deeper.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import SolveStatus, inner
from medhavi.planners.parameters import PARTITIONS
from medhavi.results.amounts import percent
from medhavi.results.program_record import PartIteration
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Floats, Ints, Program, Session, Solver
    from medhavi.progress import Cancelled


ALL, BY_TIME, BY_RESOURCE, BY_PRODUCT, BY_DEMAND = PARTITIONS[1:]
BOUGHT = "bought or moved"
"""What has no resource."""
FINER = 3
"""A part of all columns is followed by clusters of so large a part of them, where there
are more resources than that."""


class Part(NamedTuple):
    """Whole columns that are decided together: places among them all, rising."""

    name: str
    columns: Ints


class ProgramPartition(NamedTuple):
    """Parts in the sequence in which they are decided first, and why these.

    Each whole column is in one of them, or in several. `finer` are clusters that go on
    from where the solve of all columns ended; none: there are no several.
    """

    strategy: str
    reason: str
    parts: tuple[Part, ...]
    finer: tuple[Part, ...] = ()


class WholeColumns(NamedTuple):
    """What whole columns are about.

    Parameters
    ----------
    begin
        Bucket in which an order begins, shape (k,).
    resource
        Its most utilised resource, -1: it has none; shape (k,).
    edges
        Begin of each bucket [UTC s].
    resources
        Names.
    utilisation
        Of each resource by the solution to start from.
    product
        What it orders: place among `products`, shape (k,).
    products
        Names, those whose orders cost most in that solution first.
    urgency
        Of each product, the sequence in which demands need it, 0 first.
    """

    begin: Ints
    resource: Ints
    edges: Ints
    resources: Sequence[str]
    utilisation: Floats
    product: Ints
    products: Sequence[str]
    urgency: Ints


def partition(wanted: str, at_once: int, columns: WholeColumns) -> ProgramPartition:
    """Choose parts by size, or as a setting says.

    Parameters
    ----------
    wanted
        Setting `whole_orders_by`.
    at_once
        Setting `whole_orders_at_once`: columns of a part, at most.
    columns
        What is parted.
    """
    size = len(columns.begin)
    if wanted == "auto":
        few = size <= at_once
        compared = "no more" if few else "more"
        setting = f"whole_orders_at_once ({at_once:,})"
        reason = f"{size:,} whole columns are {compared} than {setting}"
        wanted = ALL if few else BY_TIME
    else:
        reason = "whole_orders_by says so"
    made = {
        ALL: _all,
        BY_TIME: _windows,
        BY_RESOURCE: _clusters,
        BY_PRODUCT: _products,
        BY_DEMAND: _needed,
    }[wanted]
    finer: tuple[Part, ...] = ()
    if wanted == ALL and len(set(columns.resource.tolist())) > FINER:
        finer = tuple(_clusters(columns, -(-size // FINER)))
    return ProgramPartition(wanted, reason, tuple(made(columns, at_once)), finer)


def _all(columns: WholeColumns, _: int) -> Iterator[Part]:
    yield Part("all", np.arange(len(columns.begin)))


def _windows(columns: WholeColumns, at_once: int) -> Iterator[Part]:
    """Windows of as many whole buckets as fit, one at least; half of each is new."""
    begin, edges = columns.begin, columns.edges
    size = int(begin.max()) + 1
    until = np.cumsum(np.bincount(begin, minlength=size))
    first = 0
    while True:
        before = int(until[first - 1]) if first else 0
        last = int(np.searchsorted(until, before + at_once, side="right"))
        last = min(max(last, first + 1), size)
        inside = np.flatnonzero((begin >= first) & (begin < last))
        if len(inside):
            yield Part(f"from {_day(edges[first])} to {_day(edges[last - 1])}", inside)
        if last == size:
            return
        first += math.ceil((last - first) / 2)


def _day(instant: int) -> str:
    return f"{from_seconds(int(instant)):%Y-%m-%d}"


def _clusters(columns: WholeColumns, at_once: int) -> Iterator[Part]:
    """Resources by utilisation, the highest first, as many as fit; then the rest."""
    order = np.argsort(-columns.utilisation, kind="stable").tolist()
    yield from _groups(columns.resource, order, columns.resources, at_once)
    rest = np.flatnonzero(columns.resource < 0)
    if len(rest):
        yield from _pieces(BOUGHT, rest, at_once)


def _products(columns: WholeColumns, at_once: int) -> Iterator[Part]:
    """Products as they are listed, as many as fit."""
    order = range(len(columns.products))
    yield from _groups(columns.product, order, columns.products, at_once)


def _needed(columns: WholeColumns, at_once: int) -> Iterator[Part]:
    """Products by the most urgent demand that needs them, as many as fit."""
    order = np.argsort(columns.urgency, kind="stable").tolist()
    yield from _groups(columns.product, order, columns.products, at_once)


def _groups(
    number: Ints, order: Iterable[int], names: Sequence[str], at_once: int
) -> Iterator[Part]:
    """Columns of as many numbers as fit together, in an order; -1 is left out."""
    counts = np.bincount(number[number >= 0], minlength=len(names))
    groups: list[list[int]] = [[]]
    for one in order:
        if counts[one] == 0:
            continue
        if groups[-1] and counts[[*groups[-1], one]].sum() > at_once:
            groups.append([])
        groups[-1].append(one)
    for own in filter(None, groups):
        inside = np.flatnonzero(np.isin(number, own))
        yield from _pieces(_names(names, own), inside, at_once)


def _pieces(name: str, inside: Ints, at_once: int) -> Iterator[Part]:
    """A part, in as many pieces as it takes."""
    pieces = -(-len(inside) // at_once)
    for place, piece in enumerate(np.array_split(inside, pieces), start=1):
        yield Part(name if pieces == 1 else f"{name}, {place} of {pieces}", piece)


def _names(names: Sequence[str], own: Sequence[int]) -> str:
    first = names[own[0]]
    return first if len(own) == 1 else f"{first} and {len(own) - 1} more"


WHOLE_SWEEPS = 2
"""How often all columns are one part before clusters of them are decided: once among
likely places, once among all."""
RECENT, WORTH = 3, 0.001
"""Of so many iterations, or one of each part where they are fewer, the objective has to
fall by this share for another one."""
EXACT = 1e-5
"""By how much a solution may miss a row, beside its size."""


class PartitionSolution(NamedTuple):
    """Points that were the best so far, each iteration, and why it was the last.

    Points go from the start to the cheapest one.
    """

    points: tuple[Floats, ...]
    iterations: tuple[PartIteration, ...]
    stopped: str

    @property
    def values(self) -> Floats:
        """Cheapest point."""
        return self.points[-1]


def fix_and_optimize(
    program: Program,
    partition: ProgramPartition,
    start: Floats,
    likely: NDArray[np.bool_],
    solver: Solver,
    sweeps: int,
    cancelled: Cancelled | None = None,
) -> PartitionSolution:
    """Improve a point of a program with whole columns part by part.

    Parameters
    ----------
    program
        With whole columns.
    partition
        Parts of them, by their places among them.
    start
        A point that keeps all rows, shape (n,).
    likely
        Which whole columns the first sweep looks among, shape (k,).
    solver
        Its limits end each iteration.
    sweeps
        How often each part is decided, at most.
    cancelled
        Polled; the point so far is the answer.
    """
    points, cost = [start], inner(program.cost, start)
    done: list[PartIteration] = []
    parts = partition.parts
    gains = np.zeros(len(parts))
    for sweep in range(sweeps):
        if sweep == WHOLE_SWEEPS and partition.finer:
            parts = partition.finer
            gains = np.zeros(len(parts))
        # A small gain ends it once all places were looked among, by the finest parts.
        ends = sweep > 0 and parts is (partition.finer or parts)
        recent, since = min(RECENT, len(parts)), len(done)
        if parts is partition.finer:
            # They are few, and each one is about other columns.
            recent = len(parts)
        among = likely if sweep == 0 else np.ones_like(likely)
        for number in np.argsort(-gains, kind="stable").tolist():
            part = parts[number]
            free = part.columns[among[part.columns]]
            better, status = _decided(program, free, points[-1], solver, cancelled)
            after = cost if better is None else inner(program.cost, better)
            if better is not None and after < cost:
                points.append(better)
            after = min(after, cost)
            gains[number] = cost - after
            done.append(PartIteration(part.name, len(free), cost, after, status))
            cost = after
            before = done[-recent:][0].before
            little = before - cost < WORTH * abs(before)
            whole = len(parts) == 1 and len(free) == len(program.whole)
            why = ""
            if cancelled is not None and cancelled():
                why = "interrupted"
            elif whole and status == SolveStatus.OPTIMAL:
                why = "all columns are decided at once"
            elif ends and len(done) - since >= recent and little:
                why = f"{recent} in a row saved less than {percent(WORTH)}"
            if why:
                return PartitionSolution(tuple(points), tuple(done), why)
    why = f"sweeps reached whole_orders_sweeps ({sweeps})"
    return PartitionSolution(tuple(points), tuple(done), why)


def _decided(
    program: Program,
    free: Ints,
    values: Floats,
    solver: Solver,
    cancelled: Cancelled | None,
) -> tuple[Floats | None, str]:
    """Point of a program in which some whole columns are free, others as they are."""
    whole = program.whole
    fixed = np.delete(whole, free)
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    # A solver has whole columns a little off.
    lower[fixed] = upper[fixed] = np.round(values[fixed])
    own = replace(
        program, column_lower=lower, column_upper=upper, whole=np.sort(whole[free])
    )
    session = solver.open(own)
    session.start(values)
    return feasible_point(own, session, cancelled)


def with_fixed(program: Program, whole: Floats, solver: Solver) -> Floats | None:
    """Cheapest amounts where all whole columns are given; None: there are none."""
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[program.whole] = upper[program.whole] = whole
    none = np.zeros(0, dtype=np.int64)
    own = replace(program, column_lower=lower, column_upper=upper, whole=none)
    return feasible_point(own, solver.open(own), None)[0]


def row_sums(program: Program, values: Floats) -> Floats:
    """What each row comes to at a point, shape (m,)."""
    rows = np.repeat(np.arange(program.n_rows), np.diff(program.starts))
    each = program.values * values[program.indices]
    return np.asarray(np.bincount(rows, each, minlength=program.n_rows), float)


def feasible_point(
    program: Program, session: Session, cancelled: Cancelled | None
) -> tuple[Floats | None, str]:
    """Values of a solve that keep all rows, None: there are none; and its status."""
    solved = session.solve(cancelled=cancelled)
    values, status = solved.values, str(solved.outcome)
    if not len(values):
        return None, status
    sums = row_sums(program, values)
    low, high = program.row_lower, program.row_upper
    missed = np.maximum(low - sums, sums - high) > EXACT * (1 + np.abs(sums))
    return (None if missed.any() else values), status
