"""Lines of an order in equal shares, as soon as all of them have one (rule 12).

After every delivery the delivered share of all lines is equal. Shares count in parts of
the greatest common divisor of the lines' quantities, so that none is rounded, as in
promises. What is there of a line early waits for the others, and a share waits until
each line has what it asks for at least in a shipment.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.orders.lines import Line, Part

    Cut = tuple[int, int]
    """Instant [UTC seconds], and how many shares of the order are delivered by it."""


def share_out(members: Sequence[Line], least: Sequence[int]) -> bool:
    """Date the parts of the lines of an order; tell whether any can be delivered.

    Parameters
    ----------
    members
        Lines that have the same share of their quantities, with parts.
    least
        Least shipment of each line [steps]; of the last one what is open will do.
    """
    count = gcd(*(line.demand.qty for line in members))
    cuts = _cuts(members, least, count)
    for line in members if cuts else ():
        _date(line, cuts, count)
    return bool(cuts)


def _cuts(members: Sequence[Line], least: Sequence[int], count: int) -> list[Cut]:
    """List when a further share of all lines can go."""
    arrivals: dict[int, list[tuple[int, int]]] = {}
    for place, line in enumerate(members):
        for part in line.parts:
            arrivals.setdefault(part.date, []).append((place, part.qty))
    there = [0] * len(members)
    cuts: list[Cut] = []
    had = 0
    for instant in sorted(arrivals):
        for place, qty in arrivals[instant]:
            there[place] += qty
        upto = _shares(members, there, count)
        if upto > had and _ships(members, least, count, (had, upto)):
            cuts.append((instant, upto))
            had = upto
    whole, last = _shares(members, there, count), max(arrivals)
    while had < whole:
        # Too little to go alone: it goes with what went before it.
        if not cuts:
            return []
        cuts.pop()
        had = cuts[-1][1] if cuts else 0
        if _ships(members, least, count, (had, whole)):
            cuts.append((last, whole))
            had = whole
    return cuts


def _shares(members: Sequence[Line], there: Sequence[int], count: int) -> int:
    """Count the shares that all lines have."""
    return min(
        qty * count // line.demand.qty for line, qty in zip(members, there, strict=True)
    )


def _ships(
    members: Sequence[Line], least: Sequence[int], count: int, shares: tuple[int, int]
) -> bool:
    """Whether shares from one number to another are a shipment of each line."""
    had, upto = shares
    for line, smallest in zip(members, least, strict=True):
        size = line.demand.qty // count
        if size * (upto - had) < min(smallest, size * (count - had)):
            return False
    return True


def _date(line: Line, cuts: Sequence[Cut], count: int) -> None:
    """Date the parts of a line by the shares, the earliest parts first."""
    size = line.demand.qty // count
    dated: list[Part] = []
    had = 0
    waiting = sorted(line.parts, key=lambda one: (-one.date, -one.match))
    for instant, upto in cuts:
        open_ = size * (upto - had)
        had = upto
        while open_:
            part = waiting.pop()
            if part.qty > open_:
                waiting.append(replace(part, qty=part.qty - open_))
            taken = min(part.qty, open_)
            dated.append(replace(part, qty=taken, date=instant))
            open_ -= taken
    # What counts as nothing of the line, because it is less than a step of it.
    dated += [replace(part, date=cuts[-1][0]) for part in reversed(waiting)]
    line.parts = dated
