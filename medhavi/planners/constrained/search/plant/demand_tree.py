"""How many orders a demand of a plant has at most, with all that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.plant_record import (
    gain_of,
    joined_from,
    lot_of,
    taken_of,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant


TREE = (
    *("order", "grain", "least", "most", "cover", "y_each", "y_more", "y_over"),
    *("a_start", "a_item", "c_start", "c_item", "c_each", "c_more", "c_over"),
    *("lot_start", "lot_at", "d_item", "d_qty", "d_due"),
)
"""Columns of a plant that say how many orders a demand has."""


def largest_tree(plant: Plant) -> int:
    """Count the orders of one demand at most; parts come after their takers.

    Each need has an order of its own, or as many as its largest lot asks for.
    """
    # Read cell by cell: lists are far faster than arrays.
    plant = plant._replace(**{name: getattr(plant, name).tolist() for name in TREE})
    pieces = _most_pieces(plant) if any(plant.most) else [1] * len(plant.order)
    below = [1] * len(plant.order)
    for item in range(len(below) - 1, -1, -1):
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            below[item] += below[plant.c_item[line]]
        below[item] *= pieces[item]
        sources = plant.a_item[plant.a_start[item] : plant.a_start[item + 1]]
        below[item] = max([below[source] for source in sources])
    return max(below, default=1)


def _most_pieces(plant: Plant) -> list[int]:
    """Count the orders that the largest need of each item is cut into.

    One that joins needs may be for all, or, where demands alone ask, for a planned lot.
    """
    items, joins = len(plant.order), any(plant.cover)
    largest, all_needs = [0] * items, [0] * items
    of_lots: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for item, qty, due in zip(plant.d_item, plant.d_qty, plant.d_due, strict=True):
        largest[item] = max(largest[item], qty)
        if not joins:
            continue
        all_needs[item] += qty
        lot = item, joined_from(plant, item, due)
        of_lots[lot] = of_lots.get(lot, 0) + qty
    of_lot = [0] * items
    for (item, _), qty in of_lots.items():
        of_lot[item] = max(of_lot[item], qty)
    found = [1] * items
    for item in range(items):
        need = largest[item]
        if plant.cover[item]:
            planned = plant.lot_start[item] < plant.lot_start[item + 1]
            need = of_lot[item] if planned and item not in taken else all_needs[item]
        for source in plant.a_item[plant.a_start[item] : plant.a_start[item + 1]]:
            if source != item:
                largest[source] = max(largest[source], need)
                all_needs[source] = max(all_needs[source], all_needs[item])
        size = lot_of(plant, item, need)
        if plant.most[item] and need:
            found[item] = -(-need // max(1, gain_of(plant, item, size)))
        whole = orders = 0
        if joins:
            whole = lot_of(plant, item, all_needs[item])
            orders = -(-all_needs[item] // max(1, gain_of(plant, item, whole)))
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            part = plant.c_item[line]
            taken.add(part)
            largest[part] = max(largest[part], taken_of(plant, line, size))
            if joins:
                all_needs[part] += orders * taken_of(plant, line, whole)
    return found
