"""Sources compiled for one run: nodes instead of names, and what never changes.

A plan makes tens of thousands of orders from few sources; everything that does not
depend on quantity or date is looked up once here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol

from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.netting_state.state import Node, NodeKey
    from medhavi.providers import Providers
    from medhavi.providers.material.recipes import Component, Gain, Recipe
    from medhavi.providers.material.traits import Traits
    from medhavi.providers.sources import Source


ANY_TIME = ((ALWAYS, NEVER),)
"""Windows of a source without validity."""


class Nodes(Protocol):
    """Who knows nodes and recipes: the graph of the run."""

    providers: Providers

    def node(self, key: NodeKey) -> Node:
        """Node of a product at a location."""
        ...


class Intake(NamedTuple):
    """One component line with its node; `plain`: used at the start of the first step.

    Then no offset, no validity and no step has to be looked at.
    """

    component: Component
    node: Node
    plain: bool


class Yield(NamedTuple):
    """One product that orders give, with its node; `plain`: there when they finish."""

    node: Node
    gain: Gain
    plain: bool


NOTHING: frozenset[str] = frozenset()
"""What most ways provide; every call makes an empty set of its own."""


class Way:
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
    """

    __slots__ = (
        "always",
        "gain",
        "intakes",
        "origin",
        "provides",
        "recipe",
        "source",
        "yields",
    )

    def __init__(self, source: Source, model: Nodes) -> None:
        self.source = source
        self.always = source.windows == ANY_TIME or any(
            begin <= ALWAYS and end >= NEVER for begin, end in source.windows
        )
        self.recipe: Recipe | None = None
        self.gain: Gain | None = None
        self.intakes: tuple[tuple[Intake, ...], ...] = ()
        self.yields: tuple[Yield, ...] = ()
        self.origin: Node | None = None
        self.provides = NOTHING
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

    def traits(self, node: Node) -> Traits:
        """What new supply of a node from a make or buy has."""
        if not self.provides:
            return node.traits
        return node.traits._replace(pairs=node.traits.pairs | self.provides)

    def serves(self, start: int) -> bool:
        """Whether a new order may start at an instant."""
        return self.always or self.source.valid_at(start)


def _intake(component: Component, model: Nodes) -> Intake:
    plain = (
        component.at_first
        and component.valid_from <= ALWAYS
        and component.valid_to >= NEVER
    )
    node = model.node((component.component, component.location))
    return Intake(component, node, plain)


def _yields(recipe: Recipe, model: Nodes) -> list[Yield]:
    gains = [((recipe.product, recipe.location), recipe.main)]
    gains += sorted(recipe.others.items())
    return [Yield(model.node(key), gain, _at_finish(gain)) for key, gain in gains]


def _at_finish(gain: Gain) -> bool:
    return all(
        output.step is None and output.anchor == "end" and not output.offset_minutes
        for output in gain.outputs
    )


def ratio(wanted: Component, other: Component) -> Fraction:
    """Units of another line for one of the wanted line [steps per step]."""
    return Fraction(
        other.numerator * wanted.denominator, other.denominator * wanted.numerator
    )
