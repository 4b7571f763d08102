"""What net requirements are computed on: nodes, needs, supply, orders.

All quantities are int64 steps of the node's product, all instants UTC seconds. The
records are mutable and live for one run only; nothing of them leaves the planner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from medhavi.providers.material.recipes import Component, Recipe
from medhavi.providers.material.traits import PLAIN, Traits
from medhavi.providers.sources import Source, Timing
from medhavi.units import ALWAYS, NEVER

NodeKey = tuple[str, str]
"""(product, location)."""


class Portion(NamedTuple):
    """A source that gives a demand some orders [steps]; the others give the rest."""

    source: str
    pieces: tuple[int, ...]


Diverted = Mapping[tuple[NodeKey, str], str | Portion]
"""The one source that is used, by place and by the demand that is ordered for there.

Empty text: whichever netting takes. A portion: that source and others.
"""
PegSource = Literal["INV", "FIRM", "PROD", "TRANS", "SUP"]
NO_DEMAND = -1


@dataclass(slots=True, eq=False)
class Demand:
    """An independent demand that is planned; `index` is its place in the run."""

    index: int
    demand: str
    node: NodeKey
    qty: int
    due: int
    priority: int
    customer: str | None
    ship_from: str | None
    min_shelf: int
    unit_cost: float
    row: Mapping[str, Any]
    asks: Traits | None = None


@dataclass(slots=True, eq=False)
class Order:
    """A make, buy or move order, existing or proposed.

    `steps` is the order quantity (make: routing units in steps of the main product,
    else steps of the product), `qty` the good main product. `need` is the instant it
    was made for. `cause` names the demand or policy slice that first caused it. `whole`
    is what an existing order started with, where some of it is done already. `carried`
    is the need of a move at its origin, `waits_for` the source that makes it late,
    `campaign` names the campaigns that it runs in.
    """

    index: int
    kind: Literal["make", "buy", "move"]
    node: NodeKey
    source: Source | None
    source_id: str
    steps: int
    qty: int
    timing: Timing
    need: int
    cause: str
    lot_rule: str
    priority: int
    existing: str | None = None
    whole: int | None = None
    status: str = "planned"
    firm: bool = False
    locked: bool = False
    recipe: Recipe | None = None
    units: list[SupplyUnit] = field(default_factory=list)
    for_demand: int = NO_DEMAND
    alive_until: int = ALWAYS
    row: dict[str, Any] | None = None
    carried: Need | None = None
    waits_for: str = ""
    asks: Traits | None = None
    campaign: str = ""


@dataclass(slots=True, eq=False)
class SupplyUnit:
    """A quantity that becomes available at one node at one instant.

    `available` is when a need may take it; `arrives` when it physically is there
    (`finish` of its order, before safety time). Without `traits` it has those of its
    product. `takers` are (need, qty) in sequence.
    """

    index: int
    node: Node
    qty: int
    free: int
    available: int
    arrives: int
    source: PegSource
    order: Order | None = None
    lot: str = ""
    expires: int = NEVER
    customer: str | None = None
    for_demand: int = NO_DEMAND
    only_need: Need | None = None
    traits: Traits | None = None
    takers: list[tuple[Need, int]] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether no customer owns the unit: only then it is stock of ours."""
        return self.customer is None


@dataclass(slots=True, eq=False)
class Need:
    """A gross requirement of a node at an instant.

    `order` is the order that consumes it; without one, `demand` (or a hold without
    owner) does. `alive_until` is the least expiry that a lot must have, `line` the line
    of the bill of materials, where not simply the start of the first step takes it,
    `pins` what is kept for demands behind the order: (unit, demand, qty).
    `asks` is what its supply must have.
    """

    index: int
    node: Node
    instant: int
    qty: int
    open: int
    priority: int
    demand: int = NO_DEMAND
    order: Order | None = None
    alive_until: int = ALWAYS
    only_from: str | None = None
    alternatives: tuple[tuple[Node, Fraction], ...] = ()
    line: Component | None = None
    pins: tuple[tuple[SupplyUnit, int, int], ...] = ()
    asks: Traits | None = None


URGENCY = attrgetter("priority", "instant", "index")
"""Orders needs: the most important first, then the earliest."""


@dataclass(slots=True, eq=False)
class StockRules:
    """Planning parameters of a node; quantities in steps, empty fields None."""

    lot_rule: str = "lot_for_lot"
    lot_size: int | None = None
    reorder_point: int | None = None
    min_qty: int | None = None
    max_qty: int | None = None
    target_qty: int | None = None
    safety_qty: int = 0
    safety_days: float = 0.0
    cover_days: float = 0.0
    order_cost: float | None = None
    holding_rate: float = 0.2
    source_rule: str = "preference"
    unlimited: bool = False
    levels: tuple[tuple[int, int, dict[str, int | None]], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether no stock level is held."""
        return self.lot_rule != "min_max" and not (
            self.safety_qty
            or self.safety_days
            or self.levels
            or self.reorder_point
            or self.min_qty
            or self.target_qty
        )


@dataclass(slots=True, eq=False)
class Node:
    """A product at a location with its needs and supply."""

    key: NodeKey
    step: Fraction
    sources: tuple[Source, ...]
    rules: StockRules
    make_to_order: bool = False
    shelf_life: int | None = None
    traits: Traits = PLAIN
    substitutes: tuple[tuple[Node, Fraction, tuple[int, int]], ...] = ()
    needs: list[Need] = field(default_factory=list)
    units: list[SupplyUnit] = field(default_factory=list)
    shared: bool = False
    """Some source has a share."""


@dataclass(slots=True, eq=False)
class Shortage:
    """A need that nothing can serve: no source, no receipt, at no time."""

    need: Need
    qty: int
