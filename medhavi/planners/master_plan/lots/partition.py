"""Parts of the whole columns of a program, one of which is decided at a time.

One part with all of them; rolling windows of time, each of which begins in the middle
of the one before; or clusters of resources, bottleneck first. A part is large: what a
solver spends on it goes mostly to the amounts, and those are free in every part.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.parameters import PARTITIONS
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.problem import Floats, Ints

ALL, BY_TIME, BY_RESOURCE = PARTITIONS[1:]
BOUGHT = "bought or moved"
"""What has no resource."""


class Part(NamedTuple):
    """Whole columns that are decided together: places among them all, rising."""

    name: str
    columns: Ints


class ProgramPartition(NamedTuple):
    """Parts in the sequence in which they are decided first, and why these.

    Each whole column is in one of them, or in several.
    """

    strategy: str
    reason: str
    parts: tuple[Part, ...]


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
    """

    begin: Ints
    resource: Ints
    edges: Ints
    resources: Sequence[str]
    utilisation: Floats


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
    made = {ALL: _all, BY_TIME: _windows, BY_RESOURCE: _clusters}[wanted]
    return ProgramPartition(wanted, reason, tuple(made(columns, at_once)))


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
    bound = len(columns.resources)
    number = np.where(columns.resource < 0, bound, columns.resource)
    counts = np.bincount(number, minlength=bound + 1)
    order = [*np.argsort(-columns.utilisation, kind="stable").tolist(), bound]
    groups: list[list[int]] = [[]]
    for one in order:
        if counts[one] == 0:
            continue
        if groups[-1] and (one == bound or counts[[*groups[-1], one]].sum() > at_once):
            groups.append([])
        groups[-1].append(one)
    for own in groups:
        inside = np.flatnonzero(np.isin(number, own))
        name = BOUGHT if own == [bound] else _names(columns.resources, own)
        pieces = -(-len(inside) // at_once)
        for place, piece in enumerate(np.array_split(inside, pieces), start=1):
            yield Part(name if pieces == 1 else f"{name}, {place} of {pieces}", piece)


def _names(resources: Sequence[str], own: Sequence[int]) -> str:
    first = resources[own[0]]
    return first if len(own) == 1 else f"{first} and {len(own) - 1} more"
