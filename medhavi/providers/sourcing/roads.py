"""The three ways to get a product and who knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from medhavi.providers.material.recipes import Recipes
from medhavi.providers.product_facts import ProductFacts
from medhavi.providers.sourcing.suppliers import Suppliers
from medhavi.providers.transport.transport import Transport
from medhavi.snapshot.calendars.calendars import Calendars

if TYPE_CHECKING:
    from medhavi.providers.sources import Clock
    from medhavi.snapshot.calendars.working_time import WorkingTime


class RoutingClocks(Protocol):
    """Who knows how long a routing takes."""

    def clock(
        self, routing: str, safety_days: float, location_time: WorkingTime
    ) -> Clock:
        """Clock of a routing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """Routings, suppliers and lanes, with the facts that they share."""

    facts: ProductFacts
    recipes: Recipes
    capacity: RoutingClocks
    suppliers: Suppliers
    transport: Transport
    calendars: Calendars
