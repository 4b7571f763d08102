"""Instants at which the master plan decides.

Orders start, goods arrive and deliveries leave at the edges of a grid. What comes
between two edges counts at the next one, what is taken between two counts at the one
before: a plan on the edges can be carried out whatever the calendars say in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medhavi.results.buckets import grid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]

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
    ValueError
        The grid has too many buckets.
    """
    rule = grid(bucket, as_of)
    edges = [as_of]
    while edges[-1] <= until:
        here = np.asarray([edges[-1]], dtype=np.int64)
        edges.append(int(rule.ends(rule.starts(here))[0]))
        if len(edges) > MOST_EDGES:
            message = f"bucket ({bucket}) gives more than {MOST_EDGES} buckets."
            raise ValueError(message)
    return DecisionGrid(edges=np.asarray(edges, dtype=np.int64))
