"""Names of the columns and rows of the program, for people who read the model."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.openings.closed_tables import openable
from medhavi.planners.master_plan.openings.opening_block import OPENED
from medhavi.planners.master_plan.storage.storage_block import (
    BEYOND_LIMIT,
    limits_of,
)
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medhavi.optimize.problem import Block
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.statement import Statement


class ProgramNames:
    """Names of a program: block, what it is about, the instant of a decision.

    Parameters
    ----------
    built
        Program with its facts.
    """

    def __init__(self, built: BuiltProgram) -> None:
        self._built = built
        self._statement: Statement = built.statement
        self._instants = [_instant(at) for at in self._statement.grid.starts.tolist()]
        self._places = ["@".join(node.key) for node in self._statement.nodes]
        demands = self._statement.run.intake.demands
        self._demands = [demand.demand for demand in demands]

    def columns(self) -> list[str]:
        """One name per column, all different."""
        wanted = self._statement.wanted
        fixed = np.flatnonzero(self._statement.fixed).tolist()
        agreed = np.flatnonzero(self._statement.overtime.ravel() > 0).tolist()
        delivered = zip(
            wanted.column_demand.tolist(), wanted.column_edge.tolist(), strict=True
        )
        about: dict[str, Callable[[], Sequence[str]]] = {
            names.ORDERS: lambda: list(self._orders()),
            names.STOCK: lambda: self._dated(self._places),
            names.DELIVERIES: lambda: [
                f"{self._demands[who]}:{self._instants[at]}" for who, at in delivered
            ],
            names.SHORT: lambda: self._demands,
            names.OVERTIME: lambda: [self._hours()[place] for place in agreed],
            names.OVERLOAD: self._hours,
            names.WAITING: lambda: self._dated([self._places[one] for one in fixed]),
            names.BELOW_SAFETY: self._levels,
            BEYOND_LIMIT: lambda: [
                self._places[one] for one in limits_of(self._statement)
            ],
            OPENED: lambda: [
                f"{table}:{subject}"
                for table, subject, _ in openable(self._statement.run.stated).rows()
            ],
        }
        return _all(self._built.program.column_blocks, about)

    def rows(self) -> list[str]:
        """One name per row, all different."""
        limits = [f"{subject}:{_instant(at)}" for subject, at in self._built.about]
        lanes = self._built.program.row_block(names.LANE).size
        about: dict[str, Callable[[], Sequence[str]]] = {
            names.BALANCE: lambda: self._dated(self._places),
            names.DEMAND: lambda: self._demands,
            names.CAPACITY: self._hours,
            names.SAFETY: self._levels,
            names.LANE: lambda: limits[:lanes],
            names.SUPPLIER: lambda: limits[lanes:],
        }
        return _all(self._built.program.row_blocks, about)

    def _orders(self) -> Iterator[str]:
        for plan in self._statement.plans:
            source = plan.ways[0].source
            what = f"{plan.kind}:{source.source}:{source.product}@{source.location}"
            for start in plan.times.start.tolist():
                yield f"{what}:{self._instants[start]}"

    def _dated(self, subjects: Sequence[str]) -> list[str]:
        return [f"{one}:{at}" for one in subjects for at in self._instants]

    def _hours(self) -> list[str]:
        return self._dated(self._statement.resources)

    def _levels(self) -> list[str]:
        every = self._dated(self._places)
        wanted = np.flatnonzero(self._statement.safety.ravel() > 0)
        return [every[place] for place in wanted.tolist()]


def _instant(seconds: int) -> str:
    return from_seconds(seconds).strftime("%Y-%m-%dT%H:%M:%S")


def _all(
    blocks: Sequence[Block], about: dict[str, Callable[[], Sequence[str]]]
) -> list[str]:
    """Names of all blocks; what a block has no words for, or twice, is numbered."""
    found: list[str] = []
    for block in blocks:
        own = about.get(block.name)
        texts = [str(n) for n in range(block.size)] if own is None else own()
        seen: Counter[str] = Counter()
        for text in texts:
            seen[text] += 1
            again = f":{seen[text]}" if seen[text] > 1 else ""
            found.append(f"{block.name}:{text}{again}")
    return found
