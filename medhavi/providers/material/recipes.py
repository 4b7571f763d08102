"""What an order of a routing consumes and gives: bill of materials and outputs.

With order steps n (routing units in steps of the main product), r and p the steps of
routing unit and product, E the share of units that enter the step and L the share that
is good after it (rule 4):

* a component needs ceil((n r E qty_per + qty_fixed) / ((1 - scrap) p)) units,
* an output gives floor((n r L qty_per + qty_fixed) / p) units,

both as (n * numerator + addend) / denominator in integers that are compiled once. Lines
are named tuples, because a plan builds all of them and a frozen dataclass of this width
takes ten times as long to make.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from medhavi.findings import finding
from medhavi.providers.table_rows import validity
from medhavi.units import ALWAYS, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.findings import Finding
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import OrderTiming
    from medhavi.providers.table_rows import Row, TableRows


Anchor = Literal["start", "end"]
Role = Literal["main", "co", "by"]
ONE = Fraction(1)


class Component(NamedTuple):
    """One line of a bill of materials.

    `step` None means that which begins an order. `valid_from` and `valid_to` bind the
    instant of use, which is the anchor of the step plus `offset_minutes` of working
    time; `at_first` tells that this is when work on the order begins.
    """

    line: int
    component: str
    location: str
    step: int | None
    anchor: Anchor
    offset_minutes: float
    substitute_group: str | None
    priority: int
    valid_from: int
    valid_to: int
    numerator: int
    addend: int
    denominator: int
    at_first: bool

    def steps(self, order_units: int) -> int:
        """Need of an order [units of the component], rounded up."""
        return -(-(order_units * self.numerator + self.addend) // self.denominator)

    def valid_at(self, instant: int) -> bool:
        """Whether the line holds for use at the instant."""
        return self.valid_from <= instant < self.valid_to

    def used_at(self, capacity: Capacity, routing: str, timing: OrderTiming) -> int:
        """Instant at which an order takes it [UTC s]."""
        if len(timing.steps) == 1 and not self.offset_minutes:
            window = timing.steps[0]
            if self.anchor == "start":
                return window.start
            if window.step == self.step:
                return window.finish
        return capacity.instant(
            routing, timing, self.step, self.anchor, self.offset_minutes
        )


class Output(NamedTuple):
    """One product that an order gives; `step` None means the last."""

    line: int
    product: str
    role: Role
    location: str
    step: int | None
    anchor: Anchor
    offset_minutes: float
    valid_from: int
    valid_to: int
    numerator: int
    addend: int
    denominator: int

    def steps(self, order_units: int) -> int:
        """Good quantity of an order [units of the product], rounded down."""
        return (order_units * self.numerator + self.addend) // self.denominator

    def valid_at(self, instant: int) -> bool:
        """Whether the output falls out at the instant."""
        return self.valid_from <= instant < self.valid_to


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOutput:
    """All outputs of one product at one location, the main one or another.

    `dated` tells that an output has a validity; only then does `at`, the instant of
    output, matter. Without `at` every output counts.
    """

    outputs: tuple[Output, ...]
    dated: bool

    @property
    def at_end(self) -> bool:
        """Whether all of it is there when an order ends."""
        return all(
            output.step is None and output.anchor == "end" and not output.offset_minutes
            for output in self.outputs
        )

    def there_at(self, capacity: Capacity, routing: str, timing: OrderTiming) -> int:
        """Instant at which all of it is in stock [UTC s]."""
        spots = [(one.step, one.anchor, one.offset_minutes) for one in self.outputs]
        return max(capacity.output_instant(routing, timing, *spot) for spot in spots)

    def _valid(self, at: int | None) -> tuple[Output, ...]:
        if at is None or not self.dated:
            return self.outputs
        return tuple(output for output in self.outputs if output.valid_at(at))

    def good_steps(self, order_units: int, at: int | None = None) -> int:
        """Good quantity of an order [units of the product]."""
        found = self.outputs if at is None else self._valid(at)
        if len(found) == 1:
            return found[0].steps(order_units)
        return sum(output.steps(order_units) for output in found)

    def order_steps_for(self, net: int, at: int | None = None) -> int:
        """Smallest order that yields at least `net`.

        Parameters
        ----------
        net : int
            Good quantity that is needed [units of the product], positive.
        at : int, optional
            Instant of output [s].

        Returns
        -------
        int
            Order size [units of routing units]. 0: an order gives nothing then. Where
            an order gives a fixed quantity only, 1: more orders are needed for more.
        """
        outputs = self.outputs if at is None else self._valid(at)
        if len(outputs) == 1:
            output = outputs[0]
            short = net * output.denominator - output.addend
            if output.numerator:
                return max(1, -(-short // output.numerator))
            return 1 if output.addend else 0
        rate = sum((Fraction(o.numerator, o.denominator) for o in outputs), Fraction(0))
        if not rate:
            return 1 if any(output.addend for output in outputs) else 0
        # Each line rounds down by itself, so at most one step a line is missing.
        most = math.ceil((net + len(outputs)) / rate)
        sizes = range(1, most + 1)
        place = bisect_left(
            sizes, net, key=lambda size: sum(o.steps(size) for o in outputs)
        )
        return sizes[place]


def compiled(
    scale: tuple[Fraction, Fraction, Fraction],
    qty_per: float,
    qty_fixed: float,
    scrap: float,
) -> tuple[int, int, int]:
    """Numerator, addend and denominator; scale = unit step, share, step."""
    unit_step, share, step = scale
    if unit_step is step and share == 1 and qty_fixed == 0:
        return _unscaled(qty_per, scrap)
    return _scaled(scale, qty_per, qty_fixed, scrap)


# Most lines have no yield and the step of their routing; numbers hash faster than
# fractions do.
@lru_cache(maxsize=65536)
def _unscaled(qty_per: float, scrap: float) -> tuple[int, int, int]:
    return _scaled((ONE, ONE, ONE), qty_per, 0.0, scrap)


@lru_cache(maxsize=65536)
def _scaled(
    scale: tuple[Fraction, Fraction, Fraction],
    qty_per: float,
    qty_fixed: float,
    scrap: float,
) -> tuple[int, int, int]:
    unit_step, share, step = scale
    kept = (ONE - exact(scrap)) * step
    rate = unit_step * share * exact(qty_per) / kept
    fixed = exact(qty_fixed) / kept
    denominator = math.lcm(rate.denominator, fixed.denominator)
    return (
        rate.numerator * (denominator // rate.denominator),
        fixed.numerator * (denominator // fixed.denominator),
        denominator,
    )


OF_A_SOURCE = frozenset(
    {
        "batch_window_days",
        "fence_days",
        "lot_multiple",
        "max_lot",
        "min_lot",
        "preference",
        "valid_from",
        "valid_to",
    }
)
"""Columns of `routings` that say when and how much may be ordered, and no more."""
OF_A_LINE = (
    "line",
    "component",
    "location",
    "step",
    "anchor",
    "offset_minutes",
    "qty_per",
    "qty_fixed",
    "scrap",
    "substitute_group",
    "priority",
    "valid_from",
    "valid_to",
)
"""Columns of `bom_lines` that make a component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Bill of materials and outputs of one routing.

    `groups` holds each component once: lines without a substitute group alone, the
    lines of a group together in order of priority, then line.
    """

    routing: str
    product: str
    location: str
    unit_step: Fraction
    components: tuple[Component, ...]
    groups: tuple[tuple[Component, ...], ...]
    outputs: tuple[Output, ...]
    main: ProductOutput
    others: Mapping[tuple[str, str], ProductOutput]

    def order_steps_for(self, net: int, at: int | None = None) -> int:
        """Smallest order that yields `net` good units of the main product."""
        return self.main.order_steps_for(net, at)

    def good_steps(self, order_units: int, at: int | None = None) -> int:
        """Good main product of an order [units]."""
        return self.main.good_steps(order_units, at)

    def gain(self, product: str, location: str) -> ProductOutput | None:
        """What an order yields of a product at a location; None: nothing."""
        if (product, location) == (self.product, self.location):
            return self.main
        return self.others.get((product, location))


class Recipes:
    """Recipes of all routings, compiled when asked for.

    Parameters
    ----------
    tables : mapping of str to Rows
        `routings`, `routing_outputs`, `bom_lines`.
    shares : Capacity
        Yields along the steps.

    Attributes
    ----------
    findings : tuple of Finding
        Outputs whose role cannot hold.
    """

    def __init__(
        self, tables: Mapping[str, TableRows], facts: ProductFacts, shares: Capacity
    ) -> None:
        self._facts = facts
        self._shares = shares
        self._routings = tables["routings"]
        self._routing_numbers = {
            routing: i for i, routing in enumerate(self._routings.column("routing"))
        }
        self._lines = tables["bom_lines"]
        self._line_cells: Callable[[int], tuple[Any, ...]] | None = None
        self._line_numbers = self._lines.index("routing")
        self._outputs = tables["routing_outputs"]
        self._output_numbers = self._outputs.index("routing")
        self._known: dict[str, Recipe] = {}
        self.findings: tuple[Finding, ...] = tuple(self._misplaced_roles())
        self.makers = self._makers()
        """Capacity per (product, location) and role, by id."""

    def row(self, routing: str) -> Row | None:
        """Master row of a routing."""
        number = self._routing_numbers.get(routing)
        return None if number is None else self._routings.row(number)

    def restated(self, rows: Iterable[Row]) -> Recipes | None:
        """Recipes with other lots, fences or validity of some routings.

        Parameters
        ----------
        rows
            Rows of `routings`.

        Returns
        -------
        Recipes or None
            None where a row is new or says more than that.
        """
        changes: dict[int, Row] = {}
        for row in rows:
            number = self._routing_numbers.get(row["routing"])
            old = {} if number is None else self._routings.row(number)
            other = {name for name, value in row.items() if old.get(name) != value}
            if number is None or not other <= OF_A_SOURCE:
                return None
            changes[number] = row
        made: Recipes = copy(self)
        made._routings = self._routings.replaced(changes)
        return made

    @property
    def kept(self) -> int:
        """How many recipes are compiled."""
        return len(self._known)

    def recipe(self, routing: str) -> Recipe:
        """Recipe of a routing.

        Raises
        ------
        KeyError
            No such routing.
        """
        known = self._known.get(routing)
        if known is None:
            known = self._known[routing] = self._compile(routing)
        return known

    def _main(self, routing: str) -> tuple[str, str]:
        number = self._routing_numbers[routing]
        product = self._routings.column("product")[number]
        home = self._routings.column("location")[number]
        places = [
            self._outputs.column("location")[i] or home
            for i in self._output_numbers.get(routing, ())
            if self._outputs.column("product")[i] == product
        ]
        return product, places[0] if places and home not in places else home

    def _makers(self) -> dict[tuple[str, str], dict[Role, tuple[str, ...]]]:
        found: dict[tuple[str, str], dict[Role, set[str]]] = {}
        plain = zip(
            self._routings.column("routing"),
            self._routings.column("product"),
            self._routings.column("location"),
            strict=True,
        )
        for routing, product, location in plain:
            if routing not in self._output_numbers:
                found.setdefault((product, location), {}).setdefault("main", set()).add(
                    routing
                )
                continue
            for output in self._output_rows(routing):
                roles = found.setdefault((output["product"], output["location"]), {})
                roles.setdefault(output["role"], set()).add(routing)
        return {
            node: {role: tuple(sorted(ids)) for role, ids in roles.items()}
            for node, roles in found.items()
        }

    def _output_rows(self, routing: str) -> list[dict[str, Any]]:
        number = self._routing_numbers[routing]
        product = self._routings.column("product")[number]
        home = self._routings.column("location")[number]
        rows: list[dict[str, Any]] = []
        for i in self._output_numbers.get(routing, ()):
            row = dict(self._outputs.row(i))
            row["location"] = row["location"] or home
            if row["product"] == product:
                row["role"] = "main"
            elif row["role"] == "main":
                row["role"] = "co"
            rows.append(row)
        if all(row["product"] != product for row in rows):
            rows.insert(0, _default_output(product, home))
        return rows

    def _misplaced_roles(self) -> list[Finding]:
        main = dict(
            zip(
                self._routings.column("routing"),
                self._routings.column("product"),
                strict=True,
            )
        )
        return [
            finding(
                "SRC001",
                table="routing_outputs",
                row=i + 1,
                column="role",
                value="main",
                routing=routing,
                product=product,
                main=main[routing],
            )
            for i, (routing, product, role) in enumerate(
                zip(
                    self._outputs.column("routing"),
                    self._outputs.column("product"),
                    self._outputs.column("role"),
                    strict=True,
                )
            )
            if role == "main" and main.get(routing, product) != product
        ]

    def _compile(self, routing: str) -> Recipe:
        product, location = self._main(routing)
        home = self._routings.column("location")[self._routing_numbers[routing]]
        unit_step = self._facts.step(product)
        if self._line_cells is None:
            self._line_cells = self._lines.cells(*OF_A_LINE)
        cells = self._line_cells
        components = tuple(
            self._component(routing, cells(i), home, unit_step)
            for i in sorted(
                self._line_numbers.get(routing, ()),
                key=lambda i: self._lines.column("line")[i],
            )
        )
        outputs = tuple(
            self._output(routing, row, unit_step) for row in self._output_rows(routing)
        )
        by_node: dict[tuple[str, str], list[Output]] = {}
        for output in outputs:
            by_node.setdefault((output.product, output.location), []).append(output)
        gains = {node: _gain(found) for node, found in by_node.items()}
        return Recipe(
            routing=routing,
            product=product,
            location=location,
            unit_step=unit_step,
            components=components,
            groups=_groups(components),
            outputs=outputs,
            main=gains.pop((product, location)),
            others=gains,
        )

    def _component(
        self, routing: str, cells: tuple[Any, ...], home: str, unit_step: Fraction
    ) -> Component:
        """Compile a line from its cells of `OF_A_LINE`."""
        (line, component, location, step, anchor, offset, per, fixed, scrap, *rest) = (
            cells
        )
        group, priority, begin, end = rest
        if step is None:
            step = self._shares.taking_step(routing)
        entering = self._shares.entering(routing, step)
        scale = unit_step, entering, self._facts.step(component)
        return Component(
            line,
            component,
            location or home,
            step,
            anchor,
            offset,
            group,
            priority,
            ALWAYS if begin is None else begin,
            NEVER if end is None else end,
            *compiled(scale, per, fixed, scrap),
            step is None and anchor == "start" and not offset,
        )

    def _output(self, routing: str, row: Row, unit_step: Fraction) -> Output:
        good = self._shares.good(routing, row["step"])
        numerator, addend, denominator = compiled(
            (unit_step, good, self._facts.step(row["product"])),
            row["qty_per"],
            row["qty_fixed"],
            0.0,
        )
        begin, end = validity(row)
        return Output(
            line=row["line"],
            product=row["product"],
            role=row["role"],
            location=row["location"],
            step=row["step"],
            anchor=row["anchor"],
            offset_minutes=row["offset_minutes"],
            valid_from=begin,
            valid_to=end,
            numerator=numerator,
            addend=addend,
            denominator=denominator,
        )


def _default_output(product: str, location: str) -> dict[str, Any]:
    """Output of a routing without a row for it: 1 at the end of the last."""
    return {
        "line": 0,
        "product": product,
        "role": "main",
        "location": location,
        "step": None,
        "anchor": "end",
        "offset_minutes": 0.0,
        "qty_per": 1.0,
        "qty_fixed": 0.0,
        "valid_from": None,
        "valid_to": None,
    }


def _gain(outputs: list[Output]) -> ProductOutput:
    dated = any(o.valid_from > ALWAYS or o.valid_to < NEVER for o in outputs)
    return ProductOutput(outputs=tuple(outputs), dated=dated)


def _groups(components: tuple[Component, ...]) -> tuple[tuple[Component, ...], ...]:
    found: dict[object, list[Component]] = {}
    for component in components:
        group = component.substitute_group
        key = ("line", component.line) if group is None else ("group", group)
        found.setdefault(key, []).append(component)
    return tuple(
        tuple(sorted(group, key=lambda c: (c.priority, c.line)))
        for group in found.values()
    )
