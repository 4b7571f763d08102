"""What net requirements are computed on: nodes, sources, needs, supply, orders.

All quantities are int64 units of the node's product, all instants UTC seconds. The
records are mutable and live for one run only; nothing of them leaves the planner.

A plan makes tens of thousands of orders from few sources; everything that does not
depend on quantity or date is looked up once here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from medhavi.providers.material.characteristics import PLAIN, Characteristics
from medhavi.providers.material.recipes import Component, Recipe
from medhavi.providers.sources import OrderTiming, Source
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.providers import Providers
    from medhavi.providers.material.recipes import ProductOutput
    from medhavi.providers.sources import Window


Asks = dict[tuple[Characteristics | None, int], int]
"""What needs ask for [units], by characteristics with class, and expiry."""
NodeKey = tuple[str, str]
"""(product, location)."""


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
    asks: Characteristics | None = None

    @property
    def is_tied(self) -> bool:
        """Whether it is delivered together with the other lines of its order."""
        return bool(self.row["sales_order"]) and (
            self.row["order_policy"] != "independent"
        )


@dataclass(slots=True, eq=False)
class SupplyOrder:
    """A make, buy or move order, existing or proposed.

    `steps` is the order quantity (make: routing units in steps of the main product,
    else units of the product), `qty` the good main product. `need` is the instant it
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
    timing: OrderTiming
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
    asks: Characteristics | None = None
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
    order: SupplyOrder | None = None
    lot: str = ""
    expires: int = NEVER
    customer: str | None = None
    for_demand: int = NO_DEMAND
    only_need: Need | None = None
    traits: Characteristics | None = None
    takers: list[tuple[Need, int]] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether no customer owns the unit: only then it is stock of ours."""
        return self.customer is None

    def meets(self, asks: Characteristics | None) -> bool:
        """Whether it has the characteristics and class that are asked for."""
        return asks is None or (self.traits or self.node.traits).meets(asks)

    def lost(self, need: Need, asks: Asks) -> int:
        """What others ask for that a need would take of it [units]; `asks` of all."""
        asked = sum(
            qty
            for (what, until), qty in asks.items()
            if self.expires >= until and self.meets(what)
        )
        if (need.asks, need.alive_until) in asks:
            asked -= need.open
        spare = self.free - max(asked, 0)
        return max(min(need.open, self.free) - max(spare, 0), 0)


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
    order: SupplyOrder | None = None
    alive_until: int = ALWAYS
    only_from: str | None = None
    alternatives: tuple[tuple[Node, Fraction], ...] = ()
    line: Component | None = None
    pins: tuple[tuple[SupplyUnit, int, int], ...] = ()
    asks: Characteristics | None = None


URGENCY = attrgetter("priority", "instant", "index")
"""Orders needs: the most important first, then the earliest."""
SEQUENCE = attrgetter("instant", "priority", "index")
"""Orders needs: the earliest first, then the most important."""
BY_ARRIVAL = attrgetter("available", "index")
"""Orders supply: first in, first out."""
FIRST_AVAILABLE = attrgetter("available", "expires", "index")
"""Orders supply: first in, first out; of what comes together what dies first."""


@dataclass(slots=True, eq=False)
class StockRules:
    """Planning parameters of a node; quantities in units, empty fields None."""

    lot_rule: str = "lot_for_lot"
    lot_size: int | None = None
    reorder_point: int | None = None
    min_qty: int | None = None
    max_qty: int | None = None
    target_qty: int | None = None
    safety_qty: int = 0
    safety_days: float = 0.0
    cover_days: float | None = None
    order_cost: float | None = None
    holding_rate: float = 0.2
    source_rule: str = "preference"
    unlimited: bool = False
    levels: tuple[tuple[int, int, dict[str, int | None]], ...] = ()

    def stated(self, name: str, instant: int) -> int | None:
        """Time-phased value at an instant, else that of the policy [units]."""
        for begin, end, row in self.levels:
            phased = row.get(name)
            if phased is not None and begin <= instant < end:
                return phased
        value = getattr(self, name)
        return None if value is None else int(value)

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
    traits: Characteristics = PLAIN
    substitutes: tuple[tuple[Node, Fraction, tuple[int, int]], ...] = ()
    needs: list[Need] = field(default_factory=list)
    units: list[SupplyUnit] = field(default_factory=list)
    shared: bool = False
    """Some source has a share."""

    def asks(self) -> Asks:
        """What its needs ask for [units], by characteristics with class, and expiry.

        Empty where none asks for characteristics or a class: by life alone the first
        expired goes first.
        """
        found: Asks = {}
        if any(need.asks is not None for need in self.needs):
            for need in self.needs:
                if need.asks is not None or need.alive_until > ALWAYS:
                    wish = need.asks, need.alive_until
                    found[wish] = found.get(wish, 0) + need.open
        return found


def least_lost(units: list[SupplyUnit], need: Need, asks: Asks) -> list[SupplyUnit]:
    """Supply in the sequence in which a need takes it: what others ask for last."""
    return sorted(units, key=lambda one: one.lost(need, asks)) if asks else units


def no_more_asked(asks: Asks, need: Need, before: int) -> None:
    """Take what a need got, of which so much was open before, from what is asked."""
    wish = need.asks, need.alive_until
    if wish in asks:
        asks[wish] -= before - need.open


@dataclass(slots=True, eq=False)
class Shortage:
    """A need that nothing can serve: no source, no receipt, at no time."""

    need: Need
    qty: int


ANY_TIME = ((ALWAYS, NEVER),)
"""Windows of a source without validity."""


class Nodes(Protocol):
    """Who knows nodes and recipes: the graph of the run."""

    providers: Providers

    def node(self, key: NodeKey) -> Node:
        """Node of a product at a location."""
        ...


class ComponentRequirement(NamedTuple):
    """One component line with its node; `plain`: used at the start of the first step.

    Then no offset, no validity and no step has to be looked at.
    """

    component: Component
    node: Node
    plain: bool


class OutputQuantity(NamedTuple):
    """One product that orders give, with its node; `plain`: there when they finish."""

    node: Node
    gain: ProductOutput
    plain: bool


NOTHING: frozenset[str] = frozenset()
"""What most ways provide; every call makes an empty set of its own."""


class SupplyAlternative:
    """One source of a node.

    Attributes
    ----------
    source
        The source itself.
    always
        No validity limits it.
    recipe, gain
        For makes: its recipe and what it gives of the node's product.
    intakes
        Groups of component lines; lines of one group replace each other.
    yields
        What its orders give, main product first.
    origin
        For moves: the node at the other end.
    provides
        For makes: pairs `key=value` that all they give has.
    step_spans
        For makes: when steps of its orders may begin, by step [UTC s]; others may at
        any time.
    """

    __slots__ = (
        "always",
        "gain",
        "intakes",
        "origin",
        "provides",
        "recipe",
        "source",
        "step_spans",
        "yields",
    )

    def __init__(self, source: Source, model: Nodes) -> None:
        self.source = source
        self.always = source.windows == ANY_TIME or any(
            begin <= ALWAYS and end >= NEVER for begin, end in source.windows
        )
        self.recipe: Recipe | None = None
        self.gain: ProductOutput | None = None
        self.intakes: tuple[tuple[ComponentRequirement, ...], ...] = ()
        self.yields: tuple[OutputQuantity, ...] = ()
        self.origin: Node | None = None
        self.provides = NOTHING
        self.step_spans: Mapping[int, Window] = MappingProxyType({})
        if source.kind == "make":
            recipe = model.providers.recipes.recipe(source.source)
            self.recipe = recipe
            pairs: Sequence[str] = source.row["provides"] or ()  # type: ignore[assignment]
            if pairs:
                self.provides = frozenset(pairs)
            self.gain = recipe.gain(source.product, source.location)
            # A generator takes longer than these short lists.
            self.intakes = tuple(
                [
                    tuple([_intake(component, model) for component in group])
                    for group in recipe.groups
                ]
            )
            self.yields = tuple(_yields(recipe, model))
        elif source.kind == "move" and source.origin is not None:
            self.origin = model.node((source.product, source.origin))

    @property
    def touched(self) -> Iterator[Node]:
        """Nodes that its orders take from, or give to."""
        for group in self.intakes:
            for one in group:
                yield one.node
        for output in self.yields:
            yield output.node
        if self.origin is not None:
            yield self.origin

    def first_size(self, wanted: int, instant: int) -> int:
        """Size of the first order for a quantity; 0: it would give nothing."""
        gain = self.gain
        size = wanted if gain is None else gain.order_steps_for(wanted, instant)
        if size <= 0:
            return 0
        source = self.source
        most = source.max_lot
        if most is None or size <= most:
            return source.lot(size)
        return source.pieces(size)[0]

    def traits(self, node: Node) -> Characteristics:
        """What new supply of a node from a make or buy has."""
        if not self.provides:
            return node.traits
        return node.traits._replace(pairs=node.traits.pairs | self.provides)

    def serves(self, start: int) -> bool:
        """Whether a new order may start at an instant."""
        return self.always or self.source.valid_at(start)


def _intake(component: Component, model: Nodes) -> ComponentRequirement:
    plain = (
        component.at_first
        and component.valid_from <= ALWAYS
        and component.valid_to >= NEVER
    )
    node = model.node((component.component, component.location))
    return ComponentRequirement(component, node, plain)


def _yields(recipe: Recipe, model: Nodes) -> list[OutputQuantity]:
    gains = [((recipe.product, recipe.location), recipe.main)]
    gains += sorted(recipe.others.items())
    return [OutputQuantity(model.node(key), gain, gain.at_end) for key, gain in gains]


def ratio(wanted: Component, other: Component) -> Fraction:
    """Units of another line for one of the wanted line [units per unit]."""
    return Fraction(
        other.numerator * wanted.denominator, other.denominator * wanted.numerator
    )
