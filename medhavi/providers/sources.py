"""One way to get a product at a location: lots, validity, cost, times of an order.

Offers and sources are named tuples, as timings are: a company has tens of thousands of
them, and a frozen dataclass of so many fields takes three times as long to make.

Named tuples, not dataclasses: a plan builds two of them per order, and a frozen
dataclass costs four times as much (1.7 instead of 0.4 µs a pair). Change a copy with
`timing._replace(...)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from medhavi.providers.table_rows import validity
from medhavi.units import ALWAYS, HOUR, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.providers.table_rows import Row
    from medhavi.snapshot.calendars.working_time import WorkingTime


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRules:
    """Lot limits in steps; `least` and `most` are whole multiples of `multiple`."""

    least: int
    most: int | None
    multiple: int


def lot_steps(
    step: Fraction, min_lot: float, max_lot: float | None, lot_multiple: float
) -> LotRules:
    """Turn lot quantities into steps, exactly (rule 5).

    A multiple that is no whole number of steps becomes the smallest whole number of
    steps that is a multiple of it, so that every order is a multiple of both. `most` is
    cut down to the multiple; an order of `least` and of one multiple stays possible.

    >>> from fractions import Fraction
    >>> lot_steps(Fraction(1), 12.0, 37.0, 5.0)
    LotRules(least=15, most=35, multiple=5)
    """
    # Whole numbers hash faster than a fraction does.
    return _lots(step.numerator, step.denominator, min_lot, max_lot, lot_multiple)


@lru_cache(maxsize=65536)
def _lots(
    upper: int, lower: int, min_lot: float, max_lot: float | None, lot_multiple: float
) -> LotRules:
    step = Fraction(upper, lower)
    multiple = (exact(lot_multiple) / step).numerator if lot_multiple > 0 else 1
    wanted = exact(min_lot) / step
    least = -(-wanted.numerator // (wanted.denominator * multiple)) * multiple
    if max_lot is None:
        return LotRules(least=least, most=None, multiple=multiple)
    limit = exact(max_lot) / step
    most = limit.numerator // (limit.denominator * multiple) * multiple
    return LotRules(least=least, most=max(most, least, multiple), multiple=multiple)


class StepWindow(NamedTuple):
    """One step of an order on the UTC axis [s].

    Parameters
    ----------
    step
        Number of the step in its routing.
    queue_start
        Start of the queue before the step; no resource is held.
    start, finish
        Set-up begins; the last unit is through.
    after
        `finish` plus the move time; what comes next may start its own queue.
    setup_seconds, run_seconds
        Working time of the parts; together the length of `segments`.
    segments
        Working stretches `(start, end)`, half-open, in order.
    resources
        `(resource, units)` held during every segment; empty: none.
    family
        Set-up family; `None`: needs no set-up of its own and leaves the state as it is.
    changeover_seconds
        What of `setup_seconds` is the change from another family (rule 16).
    """

    step: int
    queue_start: int
    start: int
    finish: int
    after: int
    setup_seconds: int = 0
    run_seconds: int = 0
    segments: tuple[tuple[int, int], ...] = ()
    resources: tuple[tuple[str, float], ...] = ()
    family: str | None = None
    changeover_seconds: int = 0


class ResourceHold(NamedTuple):
    """What an order keeps of a resource beside the windows of its steps.

    A tool that stays with it between two steps or, with `changeover` > 0 [s], the time
    that work after it needs for a change that it caused. Half-open `[start, finish)`.
    """

    resource: str
    units: float
    start: int
    finish: int
    changeover: int = 0


class OrderTiming(NamedTuple):
    """When an order runs, seen backward from a need or forward from a start.

    Parameters
    ----------
    start
        Make: start of the first queue. Buy: the order date. Move: the departure.
    finish
        Usable in stock, before safety time (rule 18) [s].
    ready
        Moves: when goods must be ready at the origin (departure less cut-off);
        otherwise equal to `start`.
    steps
        Windows of the steps of a make order, by order of working.
    departure
        Moves: when the vehicle leaves.
    holds
        What is held beside the steps.
    """

    start: int
    finish: int
    ready: int
    steps: tuple[StepWindow, ...] = ()
    departure: int | None = None
    holds: tuple[ResourceHold, ...] = ()

    def hours(self) -> dict[str, float]:
        """Unit-hours in which its steps occupy resources, by resource."""
        found: dict[str, float] = {}
        for window in self.steps:
            seconds = sum(finish - start for start, finish in window.segments)
            for resource, units in window.resources:
                hours = seconds / HOUR * units
                found[resource] = found.get(resource, 0.0) + hours
        return found

    def is_later(self, other: OrderTiming) -> bool:
        """Whether the order ends later than in another place, or its steps start so."""
        if self.finish != other.finish:
            return self.finish > other.finish
        starts = [sum(one.start for one in place.steps) for place in (self, other)]
        return starts[0] > starts[1]


class Clock(Protocol):
    """Time of one source: when an order must start, when it would be there.

    `units` is the order size in quantity units; for a routing, in routing units.
    """

    def latest(self, need: int, units: int) -> OrderTiming | None:
        """Latest order that is usable, safety time included, by `need`.

        `None`: the source never opens for it.
        """
        ...

    def earliest(self, start: int, units: int) -> OrderTiming | None:
        """Earliest order that begins nothing before `start`.

        Its `finish` does not include safety time. `None`: never.
        """
        ...


__all__ = [
    "Clock",
    "Costing",
    "Kind",
    "LinearCost",
    "Offer",
    "OrderTiming",
    "Source",
    "StepWindow",
    "split_by_share",
]

Kind = Literal["make", "buy", "move"]
Window = tuple[int, int]
FREE_SHARE = Fraction(0)


class Costing(Protocol):
    """What an order of a source costs and emits.

    `unit` is the cost of one unit of the smallest order, `fixed` that of an order
    whatever its quantity, both in base currency.
    """

    @property
    def shared(self) -> float:
        """Part of `fixed` that all orders of one departure pay once."""
        ...

    @property
    def unit(self) -> float:
        """Cost of one unit of the smallest order [base currency]."""
        ...

    @property
    def fixed(self) -> float:
        """Cost of an order whatever its quantity [base currency]."""
        ...

    @property
    def min_qtys(self) -> tuple[float, ...]:
        """Quantities from which on another price of a unit holds, rising."""
        ...

    def cost(self, qty: float) -> float:
        """Cost of one order [base currency]; resource hours are not in it."""
        ...

    def co2(self, qty: float) -> float:
        """Emission of one order [kg]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCost:
    """Cost and emission that are linear in the quantity.

    `shared` is the part of `fixed` that all orders of one departure pay once.

    >>> LinearCost(unit=2.0, fixed=10.0, co2_unit=0.5).cost(5)
    20.0
    """

    unit: float = 0.0
    fixed: float = 0.0
    co2_unit: float = 0.0
    shared: float = 0.0

    @property
    def min_qtys(self) -> tuple[float, ...]:
        """No quantity changes the price of a unit."""
        return ()

    def cost(self, qty: float) -> float:
        """`fixed + unit * qty`; nothing ordered costs nothing."""
        return self.fixed + self.unit * qty if qty > 0 else 0.0

    def co2(self, qty: float) -> float:
        """`co2_unit * qty`."""
        return self.co2_unit * qty


class Offer(NamedTuple):
    """What a routing, supply terms or a lane offers before sourcing has its say.

    Lots are quantities as in the tables. `clock` takes the safety days that hold, and
    `fence_time` is the working time in which the release fence counts.
    """

    kind: Kind
    source: str
    preference: int
    step: Fraction
    fence_time: WorkingTime
    row: Mapping[str, object]
    clock: Callable[[float], Clock]
    costs: Costing
    origin: str | None = None
    window: Window = (ALWAYS, NEVER)
    min_lot: float = 0.0
    max_lot: float | None = None
    lot_multiple: float = 0.0
    batch_window_days: float = 0.0
    safety_days: float = 0.0
    fence_days: float = 0.0

    @classmethod
    def stated(cls, row: Row, **own: Any) -> Offer:
        """Offer with the validity, lots and days of its master row."""
        return cls(
            row=row,
            preference=row["preference"],
            window=validity(row),
            max_lot=row["max_lot"],
            lot_multiple=row["lot_multiple"],
            batch_window_days=row["batch_window_days"],
            safety_days=row["safety_days"],
            fence_days=row["fence_days"],
            **own,
        )


class Source(NamedTuple):
    """One source of a product at a location in one span of validity.

    Lots count steps: of the product for buys and moves, of routing units (the main
    product's step) for makes. `multiple` is at least 1, `min_lot` and `max_lot` are
    whole multiples of it. `windows` bind the start of new orders, half-open; windows
    that ended by as_of are gone. `fence_start` is the release fence as an instant.
    `row` is the master row (routing, supply terms or lane), instants in UTC seconds.
    """

    kind: Kind
    source: str
    product: str
    location: str
    origin: str | None
    preference: int
    share: Fraction | None
    windows: tuple[Window, ...]
    step: Fraction
    min_lot: int
    max_lot: int | None
    multiple: int
    batch_window_days: float
    safety_days: float
    fence_days: float
    fence_start: int
    row: Mapping[str, object]
    clock: Clock
    costs: Costing

    @property
    def unit_cost(self) -> float:
        """Cost of one unit of the smallest order, without the fixed part."""
        return self.costs.unit

    @property
    def fixed_cost(self) -> float:
        """Cost of an order whatever its quantity [base currency]."""
        return self.costs.fixed

    @property
    def own_fixed_cost(self) -> float:
        """The part of `fixed_cost` that each order pays, whatever leaves with it."""
        return self.costs.fixed - self.costs.shared

    def fixed_cost_beside(self, carried: int) -> float:
        """Cost of an order whatever its quantity, beside others [base currency].

        Each of the products that its lane has `carried` bears as much of a departure,
        which is paid once.
        """
        return self.own_fixed_cost + self.costs.shared / carried

    @property
    def least_load_kg(self) -> float:
        """Least load of a departure of a lane [kg]; 0 of other sources."""
        found = self.row.get("min_fill_kg") if self.kind == "move" else None
        return float(found) if isinstance(found, float) else 0.0

    @property
    def incoterm(self) -> str | None:
        """Code of the terms of delivery of a purchase; None: nobody states it."""
        code = self.row.get("incoterm") if self.kind == "buy" else None
        return None if code is None else str(code)

    def cost(self, qty: float) -> float:
        """Cost of an order of `qty` (makes: routing units), without hours."""
        return self.costs.cost(qty)

    def co2(self, qty: float) -> float:
        """Emission of an order of `qty` [kg]."""
        return self.costs.co2(qty)

    def valid_at(self, start: int) -> bool:
        """Whether a new order may start at the instant."""
        for begin, end in self.windows:  # noqa: SIM110  (any() takes twice as long)
            if begin <= start < end:
                return True
        return False

    def first_start(self, start: int) -> int | None:
        """First instant from `start` on at which a new order may start."""
        begin = self.fence_start
        if start > begin:  # noqa: PLR1730 - hot: `max` takes twice as long
            begin = start
        for opens, closes in self.windows:
            if begin < closes and opens < closes:
                return max(begin, opens)
        return None

    def latest_valid(self, start: int) -> int | None:
        """Latest instant up to `start` at which a new order may start."""
        for begin, end in reversed(self.windows):
            if begin <= start:
                return min(start, end - 1)
        return None

    def earliest(self, start: int, units: int) -> OrderTiming | None:
        """First new order of a size from an instant on; None: it fits at no time."""
        for begin, end in self.windows:
            timing = self.clock.earliest(max(begin, start), units)
            if timing is not None and timing.start < end:
                return timing
        return None

    def lot(self, wanted: int) -> int:
        """Raise a quantity to min_lot and up to the multiple, whatever max_lot is."""
        if wanted <= 0:
            return 0
        raised = max(wanted, self.min_lot)
        return -(-raised // self.multiple) * self.multiple

    def pieces(self, wanted: int) -> tuple[int, ...]:
        """Cut a quantity into orders by rule 5: full pieces first, the rest last.

        Parameters
        ----------
        wanted : int
            Quantity that is needed [units]; nothing is ordered for 0 or less.

        Returns
        -------
        tuple of int
            Order sizes [units], each a multiple, between min_lot and max_lot.
        """
        if wanted <= 0:
            return ()
        most = self.max_lot
        if most is None or wanted <= most:
            if self.multiple == 1:
                return (max(wanted, self.min_lot),)
            return (self.lot(wanted),)
        full, rest = divmod(wanted, most)
        return (most,) * full + ((self.lot(rest),) if rest else ())


def split_by_share(wanted: int, shares: tuple[Fraction, ...]) -> tuple[int, ...]:
    """Split steps in proportion to shares, the rest by largest remainder (rule 8).

    Shares need not add to one; equal remainders go to the earlier source. All shares
    zero: nothing can be split and all parts are 0.

    >>> split_by_share(10, (Fraction(2), Fraction(1)))
    (7, 3)
    """
    total = sum(shares, FREE_SHARE)
    if total <= 0:
        return (0,) * len(shares)
    exact_parts = [wanted * share / total for share in shares]
    parts = [part.numerator // part.denominator for part in exact_parts]
    missing = wanted - sum(parts)
    order = sorted(range(len(shares)), key=lambda i: (parts[i] - exact_parts[i], i))
    for i in order[:missing]:
        parts[i] += 1
    return tuple(parts)
