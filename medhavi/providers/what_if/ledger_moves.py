"""What ledgers must give back and take so that they are those of changed tables.

Ledgers hold what the tables bind and what was accepted since. Where few rows differ,
the difference is carried out on the same ledgers, with their journals, for as long as
somebody asks: undone, they are as before.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.material.line import LineChange
from medhavi.providers.transport.timetable import Load
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.finite_capacity.occupancy import CommittedWork as Work
    from medhavi.providers.material.commitments import Commitment
    from medhavi.providers.material.line import MaterialLine
    from medhavi.providers.material.lots import Lot
    from medhavi.providers.material.material import Material, Node
    from medhavi.providers.transport.itineraries import Itineraries
    from medhavi.providers.transport.timetable import Departure


class Ledgers(NamedTuple):
    """What is taken of material, resources and departures."""

    material: Material
    capacity: FiniteCapacity
    transport: Itineraries


class LedgerMoves(NamedTuple):
    """Changes of ledgers.

    Parameters
    ----------
    shifts
        Takes and arrivals of material that are put back.
    released, occupied
        Work whose resources are free, and work that holds some.
    unloaded
        What leaves departures.
    """

    shifts: tuple[LineChange, ...] = ()
    released: tuple[Work, ...] = ()
    occupied: tuple[Work, ...] = ()
    unloaded: tuple[tuple[Departure, Load], ...] = ()

    def carry_out(self, ledgers: Ledgers) -> None:
        """Change the ledgers; their journals undo it."""
        ledgers.material.put_back(self.shifts)
        occupancy = ledgers.capacity.occupancy
        for work in self.released:
            occupancy.release(work.windows, work.owner, work.holds)
        for work in self.occupied:
            occupancy.occupy(work.windows, work.owner, work.holds)
        for place, load in self.unloaded:
            ledgers.transport.loads.add(*place, Load(-load.weight, -load.volume))


def material_shifts(
    before: Material, after: Material, nodes: Iterable[Node]
) -> tuple[LineChange, ...] | None:
    """What must be put back so that lines are those of changed tables.

    Parameters
    ----------
    before, after
        The ledger, and the same one on the changed tables.
    nodes
        Products at places where receipts or commitments differ.

    Returns
    -------
    tuple of Shift or None
        None: safety stock or the kind of a line differs too.
    """
    found: list[LineChange] = []
    for node in sorted(set(nodes)):
        if not _alike(before, after, node):
            return None
        found += _node_shifts(before, after, node)
    return tuple(found)


def _alike(before: Material, after: Material, node: Node) -> bool:
    """Whether a line withholds the same and has lots of the same kind."""
    if before.withheld(node) != after.withheld(node):
        return False
    old, new = before.lots(node), after.lots(node)
    return _traits(old) == _traits(new) and not after.made_to_order(node)


def _traits(lots: list[Lot]) -> tuple[bool, bool]:
    dated = any(lot.customer or lot.expires < NEVER for lot in lots)
    return dated, len({lot.kind for lot in lots}) > 1


def _node_shifts(before: Material, after: Material, node: Node) -> Iterator[LineChange]:
    line = before.line(*node)
    old_lots, new_lots = Counter(before.lots(node)), Counter(after.lots(node))
    for sign, lots in ((1, old_lots - new_lots), (-1, new_lots - old_lots)):
        for lot in lots.elements():
            yield LineChange(
                line,
                -sign * lot.units,
                lot.arrival,
                sign,
                lot.expires,
                None,
                receipt=True,
                kind=lot.kind,
            )
    mixed = _traits(before.lots(node))[1]
    old, new = Counter(before.committed(node)), Counter(after.committed(node))
    for sign, gone in ((1, old - new), (-1, new - old)):
        for had in gone.elements():
            yield _taken(line, had, sign, after.asks(had, new_lots) if mixed else 0)


def _taken(line: MaterialLine, had: Commitment, sign: int, kind: int) -> LineChange:
    return LineChange(
        line,
        sign * had.units,
        had.instant,
        sign,
        had.until,
        had.customer,
        receipt=False,
        kind=kind,
    )
