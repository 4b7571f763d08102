"""What no plan can beat: each demand alone in the plant, with all the stock.

For orders of any size from the least lot on, split as one likes: n units are not
through before the first lot of them could begin and all work is done, nor before the
components of all are there and the last lot is made.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from medhavi.planners.deep_calls import answered

if TYPE_CHECKING:
    from collections.abc import Generator

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant

    Asked = tuple[int, int]
    Steps = Generator[Asked, int, int]


def earliest_finishes(plant: Plant) -> list[int]:
    """Earliest instant at which each demand could be served [s].

    Parameters
    ----------
    plant
        Items in order, consumers first; arrays of numpy.
    """
    chain = Chain(plant)
    return [
        chain.there(int(item), int(qty))
        for item, qty in zip(plant.d_item, plant.d_qty, strict=True)
    ]


class Chain:
    """What a plant can do when it has one thing to do, with all the stock.

    Parameters
    ----------
    plant
        Items in order, consumers first; arrays of numpy.
    """

    def __init__(self, plant: Plant) -> None:
        self._known: dict[tuple[int, int], int] = {}
        self._begun: dict[int, int] = {}
        names = ("fixed", "rate", "grain", "least", "floor", "post", "lead", "stock")
        self._items = list(
            zip(*(getattr(plant, n).tolist() for n in names), strict=True)
        )
        self._machine = plant.machine.tolist()
        lines = list(zip(plant.c_item.tolist(), plant.c_qty.tolist(), strict=True))
        starts = plant.c_start.tolist()
        self._lines = [lines[low:high] for low, high in pairwise(starts)]

    def begins(self, item: int) -> int:
        """Earliest instant at which work on an item could begin [s]."""
        return answered(self._begins(item), self._there)

    def _begins(self, item: int) -> Steps:
        found = self._begun.get(item)
        if found is None:
            _, _, grain, least, floor, _, _, _ = self._items[item]
            small = -(-least // grain)
            found = int(floor)
            for part, per in self._lines[item]:
                found = max(found, (yield part, small * per))
            self._begun[item] = found
        return found

    def there(self, item: int, qty: int) -> int:
        """Earliest instant at which so much of an item could be there [s]."""
        return answered(self._there((item, qty)), self._there)

    def _there(self, asked: Asked) -> Steps:
        item, qty = asked
        fixed, rate, grain, least, floor, post, lead, stock = self._items[item]
        if qty <= stock:
            return 0
        if lead >= 0:
            return int(lead)
        known = self._known.get((item, qty))
        if known is not None:
            return known
        grains = -(-max(qty - stock, least) // grain)
        small = -(-least // grain)
        found = int(floor)
        for part, per in self._lines[item]:
            found = max(found, (yield part, grains * per))
        found += fixed + small * rate
        if self._machine[item] >= 0:
            found = max(found, (yield from self._begins(item)) + fixed + grains * rate)
        self._known[item, qty] = found = int(found + post)
        return found
