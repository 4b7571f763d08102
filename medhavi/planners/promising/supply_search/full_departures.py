"""Which lane has no room: a load does not get through where one piece of it would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.units import from_steps

if TYPE_CHECKING:
    from medhavi.planners.promising.supply_search.stages import Stages


def full_lane(
    stages: Stages,
    product: str,
    origin: tuple[str, int],
    destination: str,
    forbidden: frozenset[str],
) -> tuple[str, int] | None:
    """Name the lane that limits what one step of a product takes, and its arrival.

    Where more of the product does not get there, or later, its departures are full.

    Parameters
    ----------
    origin
        Place, and when the goods are ready there [s].

    Returns
    -------
    (str, int) or None
        Lane and arrival [s]; None: no way, or none that is limited.
    """
    least = from_steps(1, stages.step(product))
    found = stages.routes.earliest(
        product, least, {origin[0]: origin[1]}, destination, forbidden=forbidden
    )
    if found is None:
        return None
    for leg in found.legs:
        row = stages.providers.transport.row(leg.lane)
        if row["capacity_kg"] is not None or row["capacity_m3"] is not None:
            return leg.lane, found.arrival
    return None
