"""Which demands stand behind an order, and on which part of it.

An order is a span over its outputs; who takes of it takes a slice, and a need of the
order is the same span stretched to the need's quantity. It is the way in which pegs are
traced (`kernels.peg_trace`), so that what is kept for a demand while quantities are
found is what the demand is pegged to in the end.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.netting_state.state import Need, Order, SupplyUnit


class Slice(NamedTuple):
    """A part of the span of an order that is for a demand [steps]."""

    demand: int
    begin: int
    end: int


class Behind:
    """Slices of the orders of a register, looked up when they are asked for."""

    def __init__(self) -> None:
        self._matches: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._latest: dict[int, int] = {}
        """The last match of each need."""
        self._before = array("q")
        """By match: the one of the same need before it; -1: it is the first."""

    def see(
        self, match_need: list[int], match_unit: list[int], match_qty: list[int]
    ) -> None:
        """Look at the matches as they are now; those that were added are read."""
        read = len(self._before)
        if self._matches[0] is not match_need or read > len(match_need):
            self._latest, self._before, read = {}, array("q"), 0
        self._matches = (match_need, match_unit, match_qty)
        latest, before = self._latest, self._before
        for place in range(read, len(match_need)):
            need = match_need[place]
            before.append(latest.get(need, -1))
            latest[need] = place

    def of(self, order: Order) -> list[Slice]:
        """Slices of an order, without recursion down long chains."""
        found: dict[int, list[Slice]] = {}
        # A by-product may go back into its own order: that adds nobody behind it.
        path: set[int] = set()
        stack = [order]
        while stack:
            current = stack[-1]
            if current.index in found:
                stack.pop()
                continue
            upper = {
                taker.order.index: taker.order
                for unit in current.units
                for taker, _ in unit.takers
                if taker.order is not None
                and taker.order.index not in found
                and taker.order.index not in path
                and taker.order is not current
            }
            if upper:
                path.add(current.index)
                stack += upper.values()
                continue
            found[current.index] = self._own(current, found)
            path.discard(current.index)
            stack.pop()
        return found[order.index]

    def _own(self, order: Order, found: dict[int, list[Slice]]) -> list[Slice]:
        slices: list[Slice] = []
        offset = 0
        for unit in order.units:
            at = offset
            met: dict[int, int] = {}
            for taker, taken in unit.takers:
                if taker.demand != NO_DEMAND:
                    slices.append(Slice(taker.demand, at, at + taken))
                elif taker.order is not None:
                    turn = met.get(taker.index, 0)
                    met[taker.index] = turn + 1
                    first = self._place(taker, unit, turn)
                    above = found.get(taker.order.index, ())
                    for demand, begin, end in stretched(taker, above):
                        low = max(begin, first)
                        high = min(end, first + taken)
                        if low < high:
                            moved = at - first
                            slices.append(Slice(demand, low + moved, high + moved))
                at += taken
            offset += unit.qty
        return slices

    def _place(self, need: Need, unit: SupplyUnit, turn: int) -> int:
        """Where in a need its match number `turn` with a unit begins [steps]."""
        _, units, quantities = self._matches
        first = 0
        for place in self._of_need(need):
            if units[place] == unit.index and quantities[place] > 0:
                if turn == 0:
                    break
                turn -= 1
            first += quantities[place]
        return first

    def _of_need(self, need: Need) -> list[int]:
        """List the matches of a need in sequence."""
        found = []
        place = self._latest.get(need.index, -1)
        while place >= 0:
            found.append(place)
            place = self._before[place]
        found.reverse()
        return found


def stretched(need: Need, slices: Sequence[Slice]) -> list[Slice]:
    """Stretch slices of an order onto a need of it; ends round down."""
    if need.order is None:
        return []
    span = sum(unit.qty for unit in need.order.units)
    if not span:
        return []
    return [
        Slice(demand, begin * need.qty // span, end * need.qty // span)
        for demand, begin, end in slices
    ]
