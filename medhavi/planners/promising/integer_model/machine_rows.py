"""Free stretches of machines as rows of numbers, kept true while ledgers change."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.kernels.promise_kernels.supply_record import Room
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import SimpleNamespace

    from medhavi.providers.finite_capacity.resource_ledger import Ledger

_ROWS = 64
_WIDTH = 64


class MachineRows:
    """The free stretches of machines of which an order needs all units.

    Parameters
    ----------
    kernels
        Functions of `supply_kernels`.

    Attributes
    ----------
    room
        The rows as kernels read them.
    """

    def __init__(self, kernels: SimpleNamespace) -> None:
        self._hold: Any = kernels.hold
        self._clear: Any = kernels.clear
        self._places: dict[int, Row] = {}
        self._width = _WIDTH
        self._ahead = False
        self.room = _room(_ROWS, _WIDTH)

    def row_of(self, ledger: Ledger) -> int:
        """Row of a ledger; from now on it is true."""
        known = self._places.get(id(ledger))
        if known is None:
            number = len(self._places)
            if number == len(self.room.held):
                self._grow(2 * number, self._width)
            known = self._places[id(ledger)] = Row(self, number, ledger)
            ledger.watch(known)
            self.fill(known)
        return known.number

    def close(self) -> None:
        """Look at the ledgers no more."""
        for row in self._places.values():
            row.ledger.unwatch(row)

    def fill(self, row: Row) -> None:
        """Read a row anew from its ledger."""
        times, used = row.ledger.times, row.ledger.used
        starts, ends = [], []
        for place, (start, units) in enumerate(zip(times, used, strict=True)):
            if units > 0:
                continue
            end = times[place + 1] if place + 1 < len(times) else NEVER
            starts.append(start)
            ends.append(end)
        while len(starts) + 2 > self._width:
            self.widen()
        low, count = row.number * self._width, len(starts)
        self.room.start[low : low + count] = starts
        self.room.end[low : low + count] = ends
        self.room.held[row.number] = count

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Ignore changes that the rows hold already."""
        self._ahead = True
        try:
            yield
        finally:
            self._ahead = False

    def changed(self, row: Row, start: int, finish: int) -> None:
        """Follow a change of the use in `[start, finish)`."""
        if self._ahead:
            return
        times, used = row.ledger.times, row.ledger.used
        first = bisect_right(times, start) - 1
        last = first
        while last < len(times) and times[last] < finish and used[last] > 0:
            last += 1
        if last == len(times) or times[last] >= finish:
            if not self._hold(self.room, row.number, start, finish):
                self.widen()
                self._hold(self.room, row.number, start, finish)
            return
        after = times[first + 1] if first + 1 < len(times) else NEVER
        if last > first or after < finish:
            self.fill(row)
        elif not self._clear(self.room, row.number, times[first], after):
            self.widen()
            self._clear(self.room, row.number, times[first], after)

    def widen(self) -> None:
        """Make room for longer rows."""
        self._grow(len(self.room.held), 2 * self._width)

    def _grow(self, rows: int, width: int) -> None:
        """Make room for more rows, or longer ones."""
        old, made = self.room, _room(rows, width)
        before = len(old.held)
        for one, other in ((old.start, made.start), (old.end, made.end)):
            wide = other.reshape(rows, width)
            wide[:before, : self._width] = one.reshape(before, self._width)
        made.held[:before] = old.held
        self.room, self._width = made, width


class Row:
    """The row of one ledger, which tells of its changes."""

    __slots__ = ("_rows", "ledger", "number")

    def __init__(self, rows: MachineRows, number: int, ledger: Ledger) -> None:
        self._rows = rows
        self.number = number
        self.ledger = ledger

    def changed(self, start: int, finish: int) -> None:
        """Follow a change of the use in `[start, finish)`."""
        self._rows.changed(self, start, finish)


def _room(rows: int, width: int) -> Room:
    cells = rows * width
    return Room(
        start=np.zeros(cells, np.int64),
        end=np.zeros(cells, np.int64),
        held=np.zeros(rows, np.int64),
    )
