"""What the register of a run asks of the walk of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from medhavi.planners.mrp.netting_state.state import Need, Node, SupplyUnit
    from medhavi.planners.mrp.netting_state.stock_levels import Levels


class Walk(Protocol):
    """One node on its way through time; `at` is where it is [UTC seconds]."""

    at: int
    levels: Levels
    node: Node

    def add(self, unit: SupplyUnit) -> None:
        """Take note of supply."""

    def advance(self, instant: int) -> None:
        """Process receipts and expiries up to an instant."""

    def take(self, need: Need) -> None:
        """Serve a need from what is there."""

    def spare(self, priority: int) -> int:
        """Count what more important own needs leave over from now on."""
