"""The plainest search for a place: try every instant, look at every second.

Nothing of the package is used but the records that are asked about, so that a mistake
in the search for gaps cannot be made here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Span = tuple[int, int]


class Machine(NamedTuple):
    """A resource on a grid of instants.

    `units` gives the units at work, 0 where it is closed; `blocks` are `(start, finish,
    units)` of other work, `need` the units that are wanted.
    """

    units: Callable[[int], float]
    blocks: Sequence[tuple[int, int, float]]
    need: float = 1.0

    def open(self, instant: int) -> bool:
        return self.units(instant) >= self.need

    def taken(self, instant: int) -> bool:
        """Whether others hold what would be needed."""
        used = sum(u for a, b, u in self.blocks if a <= instant < b)
        return self.open(instant) and used + self.need > self.units(instant)


def fits(
    start: int, length: int, machines: Sequence[Machine], end: int, *, split: bool
) -> Span | None:
    """Span of work that begins at an instant, if it may."""
    if not all(machine.open(start) for machine in machines):
        return None
    done, moment = 0, start
    while done < length:
        if moment >= end or any(machine.taken(moment) for machine in machines):
            return None
        if all(machine.open(moment) for machine in machines):
            done += 1
        elif not split:
            return None
        moment += 1
    return start, moment


def first_place(
    length: int, machines: Sequence[Machine], bounds: Span, *, split: bool
) -> Span | None:
    """First span from the first bound on that ends by the second."""
    for start in range(bounds[0], bounds[1]):
        found = fits(start, length, machines, bounds[1], split=split)
        if found is not None:
            return found
    return None


def last_place(
    length: int, machines: Sequence[Machine], bounds: Span, *, split: bool
) -> Span | None:
    """Last span that begins from the first bound on and ends by the second."""
    for start in reversed(range(bounds[0], bounds[1])):
        found = fits(start, length, machines, bounds[1], split=split)
        if found is not None:
            return found
    return None
