r"""Lot rules over the net needs of a product, and which later needs an order joins.

A rule puts net needs into orders; each order is received at the first need it covers
(semantics, rule 6). Holding counts from there to each need, so that a cost is a number
of quantity units times seconds, and the cost of an order is stated in the same unit:
all comparisons are exact.

Silver and Meal 1973, Production and Inventory Management 14(2); Silver, Pyke, Thomas,
Inventory and Production Management in Supply Chains (ISBN 978-1466558618), section
5.5.1. The textbook counts periods; needs here have dates, so a period is the mean time
between the needs from the order's first one on. On a grid of hours, days, weeks or
months without empty periods the result is the textbook's.

Wagner and Whitin 1958, Management Science 5(1), 89-96. With t the instants, q the net
needs and K the cost of an order, all in units held for a second, the cost of serving
needs i … n from orders at needs is

.. math:: G(i) = K_i + \min_{i < j \le n+1} \sum_{k=i}^{j-1} q_k (t_k - t_i) + G(j).

As it stands it takes O(n^2). Without limits of an order the minimum is the lower
envelope of lines in t_i, whose slopes fall with j while the t_i are asked in falling
sequence: O(n), after Wagelmans, van Hoesel and Kolen 1992,
Operations Research 40(S1), 145-156, and Federgruen and Tzur 1991, Management Science
37(8), 909-925. With limits the inner minimum ends at the first need whose own holding
costs more than an order at it: a better plan orders there, and that order is smaller
and fresher. (The sum of all holding may well exceed the cost of an order.)

Net needs are looked up once per node, at its first order: what is missing after stock
and receipts, safety stock included (textbooks net against safety too). A later order
asks again only when it comes at an instant that was not foreseen. What an order joins
is a matter of cost, never of validity: netting serves each need by itself.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import Need, SupplyUnit
from medhavi.planners.mrp.netting_state.stock_levels import PLANNED_RULES
from medhavi.units import DAY, DAYS_PER_YEAR, NEVER, exact

if TYPE_CHECKING:
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels

    Line = tuple[int, int, int]
    """Value at 0, steps that are needed before, place: value - steps * instant."""


class NetNeed(NamedTuple):
    """What is missing at an instant [UTC seconds], in units.

    `alive_until` is the least expiry that a lot must have to serve it.
    """

    instant: int
    qty: int
    alive_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLimits:
    """What bounds an order that covers several needs.

    Parameters
    ----------
    most
        Largest lot [units]; a single need above it stands alone and is cut later.
    life
        Seconds from the receipt of an order to its expiry.
    """

    most: int | None = None
    life: int | None = None

    @property
    def none(self) -> bool:
        """Whether nothing bounds an order."""
        return self.most is None and self.life is None


UNBOUNDED = LotLimits()


def order_price(
    order_cost: float | None, holding_rate: float, unit_cost: float, step: Fraction
) -> Fraction | None:
    """What an order costs, in units held for a second.

    Parameters
    ----------
    order_cost
        Per order [base currency]; empty: nothing.
    holding_rate
        Of the unit cost per year of 365 days [fraction].
    unit_cost
        Of a unit [base currency]; 1 where it is 0 (rule 6).
    step
        Quantity step of the product [units].

    Returns
    -------
    Fraction or None
        None: holding costs nothing and an order does, so that fewer orders are always
        better.

    >>> from fractions import Fraction
    >>> order_price(73, 0.2, 1.0, Fraction(1)) / 86400
    Fraction(133225, 1)
    """
    ordering = exact(order_cost or 0.0)
    holding = exact(holding_rate) * exact(unit_cost or 1.0) * step
    if ordering <= 0:
        return ordering * 0
    if holding <= 0:
        return None
    return ordering * DAYS_PER_YEAR * DAY / holding


def reach(needs: Sequence[NetNeed], first: int, limits: LotLimits) -> int:
    """Place after the last need that an order at a need may cover.

    Parameters
    ----------
    needs
        In sequence of their instants, all different.
    first
        Place of the need at which the order is received; it always covers that one.
    limits
        Largest lot and life.
    """
    covered = needs[first].qty
    for place in range(first + 1, len(needs)):
        need = needs[place]
        covered += need.qty
        if limits.most is not None and covered > limits.most:
            return place
        dead = None if limits.life is None else needs[first].instant + limits.life
        if dead is not None and max(need.instant, need.alive_until) > dead:
            return place
    return len(needs)


def covered_by_silver_meal(
    needs: Sequence[NetNeed],
    first: int,
    price: Fraction | None,
    limits: LotLimits,
) -> int:
    """Place after the last need that an order at `first` covers.

    Parameters
    ----------
    needs
        Net needs by instant, all instants different, all quantities positive.
    price
        Cost of an order [units held for a second]; None: holding costs nothing.
    limits
        Largest lot and life of an order.

    Notes
    -----
    With C the cost of an order and what it holds so far, t the time from its receipt to
    the next need and p the period, that need of holding cost a joins while
    (C + a) / (t + p) <= C / t, that is a * t <= C * p. A need whose holding costs more
    than an order of its own never joins; on a full grid that follows from the rule.
    """
    end = reach(needs, first, limits)
    if price is None:
        return end
    begin = needs[first].instant
    # Whole numbers: the cost of an order times its denominator, and holding likewise.
    scale, order = price.denominator, price.numerator
    cost = order
    # The period is span / gaps.
    span, gaps = needs[-1].instant - begin, len(needs) - 1 - first
    for place in range(first + 1, end):
        need = needs[place]
        elapsed = need.instant - begin
        added = need.qty * elapsed * scale
        if added > order or added * elapsed * gaps > cost * span:
            return place
        cost += added
    return end


def covered_by_wagner_whitin(
    needs: Sequence[NetNeed],
    price: Fraction | Sequence[Fraction] | None,
    limits: LotLimits = UNBOUNDED,
) -> list[int]:
    """For each need, the place after the last one that an order at the need covers.

    What an order at a need covers does not depend on its own quantity but for the
    largest lot: the plan stays the best from any of its needs on.

    Parameters
    ----------
    needs
        Net needs by instant, all instants different, all quantities positive.
    price
        Cost of an order, or of one at each need [units held for a second]; None:
        holding costs nothing, and few orders are best.
    limits
        Largest lot and life of an order.

    Notes
    -----
    Of plans of equal cost the one whose first order covers most.
    """
    if price is None:
        return [reach(needs, place, limits) for place in range(len(needs))]
    costs, quantities = _whole(needs, price)
    if limits.none:
        return _envelope(needs, costs, quantities)
    return _bounded(needs, costs, quantities, limits)


def _whole(
    needs: Sequence[NetNeed], price: Fraction | Sequence[Fraction]
) -> tuple[list[int], list[int]]:
    """Order costs and quantities as whole numbers of one common unit."""
    prices = [price] * len(needs) if isinstance(price, Fraction) else list(price)
    scale = math.lcm(*(one.denominator for one in prices))
    costs = [int(one * scale) for one in prices]
    return costs, [need.qty * scale for need in needs]


def _bounded(
    needs: Sequence[NetNeed],
    costs: Sequence[int],
    quantities: Sequence[int],
    limits: LotLimits,
) -> list[int]:
    count = len(needs)
    best = [0] * (count + 1)
    following = [0] * count
    # Backward: the best plan from each later need on is known.
    for first in reversed(range(count)):
        begin = needs[first].instant
        held = 0
        least, end = costs[first] + best[first + 1], first + 1
        for place in range(first + 1, reach(needs, first, limits)):
            added = quantities[place] * (needs[place].instant - begin)
            if added > costs[place]:
                break
            held += added
            cost = costs[first] + held + best[place + 1]
            # Of equal costs the order that covers most.
            if cost <= least:
                least, end = cost, place + 1
        best[first], following[first] = least, end
    return following


def _envelope(
    needs: Sequence[NetNeed], costs: Sequence[int], quantities: Sequence[int]
) -> list[int]:
    count = len(needs)
    if not count:
        return []
    origin = needs[0].instant
    before, weighted = [0], [0]
    for need, qty in zip(needs, quantities, strict=True):
        before.append(before[-1] + qty)
        weighted.append(weighted[-1] + qty * (need.instant - origin))
    following = [0] * count
    best = 0
    lines: deque[Line] = deque()
    for first in reversed(range(count)):
        place = first + 1
        _add(lines, (weighted[place] + best, before[place], place))
        at = needs[first].instant - origin
        # Instants fall from turn to turn, so a line that is not the least any more
        # never is again: each is dropped once.
        while len(lines) > 1 and _value(lines[1], at) < _value(lines[0], at):
            lines.popleft()
        following[first] = lines[0][2]
        held = _value(lines[0], at) - weighted[first] + at * before[first]
        best = costs[first] + held
    return following


def _value(line: Line, at: int) -> int:
    return line[0] - line[1] * at


def _add(lines: deque[Line], line: Line) -> None:
    """Add a line of smaller slope; drop those below which it now always lies."""
    while len(lines) > 1:
        (old_value, old_steps, _), (value, steps, _) = lines[-2], lines[-1]
        # Whether the last line is the least anywhere: it meets the new one before it
        # meets the one ahead of it. Cross-multiplied, so whole numbers decide.
        if (value - line[0]) * (old_steps - steps) < (old_value - value) * (
            steps - line[1]
        ):
            break
        lines.pop()
    lines.append(line)


JOINING_RULES = ("lot_for_lot", "poq", *PLANNED_RULES)
"""Rules without a level of their own: for them what safety lacks is a need as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedNeeds:
    """What a node has and needs from an instant on.

    Parameters
    ----------
    instant
        Moment of the first net need [UTC seconds].
    missing
        That net need [units].
    kept
        How much of it stays in stock, to reach the level [units].
    alive_until
        Least expiry that it asks for.
    needs
        Open needs after it, by instant.
    """

    instant: int
    missing: int
    kept: int
    alive_until: int
    needs: Sequence[Need]
    units: Iterable[SupplyUnit]


class Coverage:
    """Net needs of a node ahead, and up to where an order at one of them reaches.

    Parameters
    ----------
    release
        Knows the sources of the node.
    """

    __slots__ = ("_foreseen", "_levels", "_node", "_places", "_release", "_until")

    def __init__(self, node: Node, levels: StockLevels, release: OrderCreation) -> None:
        self._node = node
        self._levels = levels
        self._release = release
        self._places: dict[int, int] = {}
        self._until: list[int] = []
        self._foreseen: list[int] = []

    def knows(self, instant: int, missing: int) -> bool:
        """Whether what an order joins is known without looking ahead.

        It is not where earlier lots left a surplus: then less is missing than foreseen.
        """
        if self._node.rules.lot_rule not in PLANNED_RULES:
            return True
        place = self._places.get(instant)
        return place is not None and self._foreseen[place] == missing

    def until(self, ahead: ProjectedNeeds) -> int:
        """End (exclusive) of what an order for a net need joins."""
        if self._node.rules.lot_rule not in PLANNED_RULES:
            return self._levels.window_end(ahead.instant)
        if not self.knows(ahead.instant, ahead.missing):
            self._look(ahead)
        return self._until[self._places[ahead.instant]]

    def wanted(self, ahead: ProjectedNeeds) -> int:
        """What an order for stock brings: the net needs that it joins [units]."""
        if self._node.rules.lot_rule not in JOINING_RULES:
            return ahead.missing
        until = self.until(ahead)
        if until <= ahead.instant:
            return ahead.missing
        dead = self.dead(ahead.instant, ahead.missing)
        # Not what was foreseen: earlier lots may have left a surplus.
        return sum(
            need.qty
            for need in net_needs(ahead, self._levels)
            if need.instant < until and max(need.instant, need.alive_until) <= dead
        )

    def dead(self, instant: int, missing: int) -> int:
        """Expiry of an order for an instant."""
        if self._node.shelf_life is None:
            return NEVER
        return self._release.expiry(self._node, instant, missing)

    def _look(self, ahead: ProjectedNeeds) -> None:
        """Compute the net needs from an instant on, and what orders at them cover."""
        net = net_needs(ahead, self._levels)
        self._places = {need.instant: place for place, need in enumerate(net)}
        self._foreseen = [need.qty for need in net]
        rules = self._node.rules
        price = order_price(
            rules.order_cost,
            rules.holding_rate,
            self._release.model.unit_cost(self._node.key[0]),
            self._node.step,
        )
        limits = self._limits(ahead)
        if rules.lot_rule == "wagner_whitin":
            following = covered_by_wagner_whitin(net, price, limits)
        else:
            following = [
                covered_by_silver_meal(net, place, price, limits)
                for place in range(len(net))
            ]
        self._until = [
            net[end].instant if end < len(net) else NEVER for end in following
        ]

    def _limits(self, ahead: ProjectedNeeds) -> LotLimits:
        """Largest lot of the first source, and how long an order lives."""
        life = None
        if self._node.shelf_life is not None:
            life = self.dead(ahead.instant, ahead.missing) - ahead.instant
        ways = self._release.model.ways(self._node)
        most = None
        # Shares divide the wanted quantity first; each source cuts its own part.
        if ways and not self._node.shared:
            most = ways[0].source.max_lot
            gain = ways[0].gain
            if most is not None and gain is not None:
                most = gain.good_steps(most, ahead.instant)
        return LotLimits(most=most, life=life)


def net_needs(ahead: ProjectedNeeds, levels: StockLevels) -> list[NetNeed]:
    """Net needs against supply, first expired, first out, down to the stock level.

    Parameters
    ----------
    ahead
        The first net need, and what comes after it.
    levels
        Levels of the node; what is missing to them is a need at that instant.

    Returns
    -------
    list of NetNeed
        By instant, all positive; the first is that of `ahead`.
    """
    found = [NetNeed(ahead.instant, ahead.missing, ahead.alive_until)]
    coming = sorted(
        (unit.available, unit.expires, unit.free) for unit in ahead.units if unit.free
    )
    gross: dict[int, tuple[int, int]] = {
        moment: (0, moment) for moment in levels.moments() if moment > ahead.instant
    }
    for need in ahead.needs:
        qty, alive = gross.get(need.instant, (0, need.instant))
        gross[need.instant] = (qty + need.open, max(alive, need.alive_until))
    stock = [(NEVER, ahead.kept)]
    cursor = 0
    for instant in sorted(gross):
        qty, alive = gross[instant]
        while cursor < len(coming) and coming[cursor][0] <= instant:
            heapq.heappush(stock, coming[cursor][1:])
            cursor += 1
        short = _take(stock, qty, instant)
        # What the level lacks is a need as well; what is brought for it stays in stock.
        gap = levels.missing(instant, sum(free for _, free in stock) - short)
        if max(short, gap) > 0:
            found.append(NetNeed(instant, max(short, gap), alive))
            if gap > short:
                heapq.heappush(stock, (NEVER, gap - short))
    return found


def _take(stock: list[tuple[int, int]], wanted: int, instant: int) -> int:
    """Take from a heap of (expiry, quantity); returns what it lacks."""
    while stock and stock[0][0] < instant:
        heapq.heappop(stock)
    while wanted > 0 and stock:
        expires, free = heapq.heappop(stock)
        if free > wanted:
            heapq.heappush(stock, (expires, free - wanted))
            return 0
        wanted -= free
    return wanted
