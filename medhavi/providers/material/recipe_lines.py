"""One line of what an order consumes or gives, as integers compiled once.

With order steps n (routing units in steps of the main product), r and p the steps of
routing unit and product, E the share of units that enter the step and L the share that
is good after it (rule 4):

* a component needs ceil((n r E qty_per + qty_fixed) / ((1 - scrap) p)) steps,
* an output gives floor((n r L qty_per + qty_fixed) / p) steps,

both as (n * numerator + addend) / denominator in integers that are compiled once. Lines
are named tuples, because a plan builds all of them and a frozen dataclass of this width
takes ten times as long to make.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple

from medhavi.units import exact

Anchor = Literal["start", "end"]
Role = Literal["main", "co", "by"]
ONE = Fraction(1)


class Component(NamedTuple):
    """One line of a bill of materials.

    `step` None means the first. `valid_from` and `valid_to` bind the instant of use,
    which is the anchor of the step plus `offset_minutes` of working time.
    """

    line: int
    component: str
    location: str
    step: int | None
    anchor: Anchor
    offset_minutes: float
    qty_per: Fraction
    qty_fixed: Fraction
    scrap: Fraction
    substitute_group: str | None
    priority: int
    valid_from: int
    valid_to: int
    numerator: int
    addend: int
    denominator: int

    @property
    def at_first(self) -> bool:
        """Whether it is taken when the first step starts."""
        return self.step is None and self.anchor == "start" and not self.offset_minutes

    def steps(self, order_steps: int) -> int:
        """Need of an order [steps of the component], rounded up."""
        return -(-(order_steps * self.numerator + self.addend) // self.denominator)

    def valid_at(self, instant: int) -> bool:
        """Whether the line holds for use at the instant."""
        return self.valid_from <= instant < self.valid_to


class Output(NamedTuple):
    """One product that an order gives; `step` None means the last."""

    line: int
    product: str
    role: Role
    location: str
    step: int | None
    anchor: Anchor
    offset_minutes: float
    qty_per: Fraction
    qty_fixed: Fraction
    valid_from: int
    valid_to: int
    numerator: int
    addend: int
    denominator: int

    def steps(self, order_steps: int) -> int:
        """Good quantity of an order [steps of the product], rounded down."""
        return (order_steps * self.numerator + self.addend) // self.denominator

    def valid_at(self, instant: int) -> bool:
        """Whether the output falls out at the instant."""
        return self.valid_from <= instant < self.valid_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """All outputs of one product at one location, the main one or another.

    `dated` tells that an output has a validity; only then does `at`, the instant of
    output, matter. Without `at` every output counts.
    """

    outputs: tuple[Output, ...]
    dated: bool

    def _valid(self, at: int | None) -> tuple[Output, ...]:
        if at is None or not self.dated:
            return self.outputs
        return tuple(output for output in self.outputs if output.valid_at(at))

    def good_steps(self, order_steps: int, at: int | None = None) -> int:
        """Good quantity of an order [steps of the product]."""
        found = self._valid(at)
        if len(found) == 1:
            return found[0].steps(order_steps)
        return sum(output.steps(order_steps) for output in found)

    def order_steps_for(self, net: int, at: int | None = None) -> int:
        """Smallest order that yields at least `net`.

        Parameters
        ----------
        net : int
            Good quantity that is needed [steps of the product], positive.
        at : int, optional
            Instant of output [s].

        Returns
        -------
        int
            Order size [steps of routing units]. 0: an order gives nothing then. Where
            an order gives a fixed quantity only, 1: more orders are needed for more.
        """
        outputs = self._valid(at)
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
        return sizes[
            bisect_left(
                sizes, net, key=lambda size: sum(o.steps(size) for o in outputs)
            )
        ]


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
