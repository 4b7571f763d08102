"""Records of a run that a netting on top of it copies, compares and shows in part."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, TypeVar

from medhavi.planners.mrp.netting_state.state import Need

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import SupportsIndex

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Node,
        SupplyOrder,
        SupplyUnit,
    )

Record = TypeVar("Record")
_FREE = frozenset({"qty", "due", "priority", "price"})
"""Cells of a demand that others name which may change; more would change the others."""


class Part(list[Record]):
    """Records of a part: walked over alone, asked for by their place in the whole."""

    def __init__(self, records: Iterable[Record], whole: Sequence[Record]) -> None:
        super().__init__(records)
        self._whole = whole

    def __getitem__(self, place: SupportsIndex | slice) -> Record:  # type: ignore[override]
        """Record of the whole by its index."""
        return self._whole[place]  # type: ignore[index, return-value]


def alike(old: Demand, new: Demand) -> bool:
    """Whether two demands ask for the same and are reported in the same way."""
    return (
        old.row == new.row
        and (old.qty, old.due) == (new.qty, new.due)
        and old.asks == new.asks
    )


def names_the_same(old: Demand, new: Demand) -> bool:
    """Whether a demand is unchanged in all that counts for its naming."""
    return all(
        value == new.row[name] for name, value in old.row.items() if name not in _FREE
    )


def is_tied(demand: Demand) -> bool:
    """Whether a line is delivered together with others of its order."""
    row = demand.row
    return bool(row["sales_order"]) and row["order_policy"] != "independent"


def need_of(demand: Demand, node: Node) -> Need:
    """Make the need of a demand, as `StateLoader.demand_needs` does."""
    need = Need(
        0, node, demand.due, demand.qty, demand.qty, demand.priority, demand.index
    )
    need.alive_until = demand.due + demand.min_shelf
    need.only_from = demand.ship_from
    need.asks = demand.asks
    return need


def copied(need: Need, node: Node) -> Need:
    """Need of another run to a node of this one, all of it open."""
    return Need(
        need.index,
        node,
        need.instant,
        need.qty,
        need.qty,
        need.priority,
        need.demand,
        need.order,
        need.alive_until,
        need.only_from,
        line=need.line,
        asks=need.asks,
    )


def unit_copy(unit: SupplyUnit, node: Node, index: int) -> SupplyUnit:
    """Unit to a node of another run, all of it free."""
    own = copy(unit)
    own.node, own.index, own.free, own.takers = node, index, unit.qty, []
    return own


def register_of(
    release: OrderCreation, orders: Iterable[SupplyOrder], since: tuple[int, int]
) -> OrderCreation:
    """Register that shows some orders, and the records from some places on.

    Parameters
    ----------
    release
        Of the whole.
    orders
        What is shown.
    since
        First unit and first need.
    """
    shown = copy(release)
    units, needs = since
    shown.orders = Part(orders, release.orders)
    shown.units = Part(release.units[units:], release.units)
    shown.needs = Part(
        (
            need
            for place, need in enumerate(release.needs[needs:], needs)
            if need.index == place
        ),
        release.needs,
    )
    return shown
