"""Levels of stock, and order sizes that follow from lot rules (rules 6, 7).

Safety stock is the larger of a quantity and the needs of the next days. It is due at
the first instant the projection falls below it, but not before an order made now could
come. Reorder points and minima are due at the instant itself.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import ALWAYS, DAY, DAYS_PER_YEAR, NEVER, ceil_fraction, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.netting_state.state import Need, Node
    from medhavi.snapshot.calendars.calendars import WorkingTime

EXPLICIT_TRIGGER = {"fixed": "reorder_point", "eoq": "reorder_point"}
PLANNED_RULES = ("silver_meal", "wagner_whitin")
"""Rules that weigh the cost of an order against holding."""


class LevelReduction(NamedTuple):
    """Quantity [units] by which a level is lower in [start, end) [UTC seconds]."""

    start: int
    end: int
    qty: int


class LevelReplenishment(NamedTuple):
    """Goods that are wanted anew when a level's die [UTC seconds, units]."""

    instant: int
    qty: int


class StockLevels:
    """Levels of one node over time.

    Parameters
    ----------
    node
        Node with its rules; its needs must be known.
    needs
        Its needs in time order.
    moment
        (as_of, end of horizon) in UTC seconds.
    lead
        First instant at which an order made at as_of would be usable.
    calendar
        Working time of the location: safety, cover and batch-window days count in it.
    eoq
        Economic order quantity in units, where the lot rule is eoq, or the least order
        that a program decides.

    Attributes
    ----------
    lowered
        How much less is wanted for a while, because more cannot be had.
    replenishments
        What a search is told to bring anew; netting sees itself what dies.
    batch_days
        Days of later needs that a lot covers; 0: its own need.
    lots
        Instants from which on needs are of the next planned lot, rising [UTC seconds];
        they rule out `batch_days`. None: no lots are planned.
    """

    __slots__ = (
        "_calendar",
        "_cover",
        "_enters",
        "_horizon",
        "_instants",
        "_lead",
        "_levels",
        "_node",
        "_now",
        "_steady",
        "_totals",
        "batch_days",
        "eoq",
        "first_repair",
        "idle",
        "lots",
        "lowered",
        "replenishments",
    )

    def __init__(
        self,
        node: Node,
        needs: Sequence[Need],
        moment: tuple[int, int],
        lead: int,
        calendar: WorkingTime,
        eoq: int | None,
    ) -> None:
        rules = node.rules
        self._node = node
        self._now, self._horizon = moment
        self._calendar = calendar
        self._levels = rules.levels
        self._cover = rules.safety_days
        self._steady: tuple[int, int] | None = None
        """Bounds before the horizon, where nothing changes them until then."""
        self.eoq = eoq
        self.lowered: Sequence[LevelReduction] = ()
        self.replenishments: Sequence[LevelReplenishment] = ()
        explicit = rules.lot_rule == "min_max" or (
            rules.lot_rule in EXPLICIT_TRIGGER and rules.reorder_point is not None
        )
        self._lead = lead
        self.first_repair = self._now if explicit else lead
        self.idle = rules.is_plain
        self.lots: Sequence[int] = ()
        self.batch_days = 0.0
        if rules.lot_rule == "poq":
            self.batch_days = rules.cover_days or 0.0
        elif rules.lot_rule in PLANNED_RULES:
            self.batch_days = 0.0
        elif node.sources:
            self.batch_days = node.sources[0].batch_window_days
        self._instants: list[int] = []
        self._enters: list[int] = []
        """When each need comes within the days of safety, rising."""
        self._totals: list[int] = [0]
        if self._cover:
            for need in needs:
                enter = calendar.subtract_days(need.instant, self._cover)
                self._instants.append(need.instant)
                self._enters.append(ALWAYS if enter is None else enter)
                self._totals.append(self._totals[-1] + need.qty)

    def await_lead(self) -> None:
        """Raise no order before one made now is there: what comes until then counts.

        A reorder point asks for one at once otherwise, also where receipts come first.
        """
        self.first_repair = self._lead

    def safety(self, instant: int) -> int:
        """Safety stock wanted after the events of an instant [units]."""
        quantity = self._node.rules.stated("safety_qty", instant) or 0
        if not self._cover:
            return quantity
        # Needs that are within the days of safety by now, less those that are over.
        entered = self._totals[bisect_right(self._enters, instant)]
        gone = self._totals[bisect_right(self._instants, instant)]
        return max(quantity, entered - gone)

    def missing(self, instant: int, projection: int) -> int:
        """How much an order has to bring at an instant [units]; 0: nothing.

        Parameters
        ----------
        instant
            Moment, after all its events.
        projection
            What is there then, less what is missing [units].
        """
        if self.idle or instant < self.first_repair:
            return 0
        floor, level = self._bounds(instant)
        return max(0, level - projection) if projection < floor else 0

    def wanted(self, instant: int) -> int:
        """Stock that is wanted after the events of an instant [units]."""
        return max(0, self._bounds(instant)[1])

    def _bounds(self, instant: int) -> tuple[int, int]:
        """Stock below which an order is raised, and up to which [units]."""
        # Without any of these nothing depends on the instant: asked once.
        if self._levels or self._cover or self.lowered or instant >= self._horizon:
            return self._bounds_at(instant)
        if self._steady is None:
            self._steady = self._bounds_at(instant)
        return self._steady

    def _bounds_at(self, instant: int) -> tuple[int, int]:
        rules = self._node.rules
        floor = self.safety(instant)
        level = floor
        if rules.lot_rule == "min_max":
            floor = max(floor, rules.stated("min_qty", instant) or 0)
            level = max(floor, rules.stated("max_qty", instant) or floor)
        elif rules.lot_rule in EXPLICIT_TRIGGER and rules.reorder_point is not None:
            floor = level = max(floor, rules.reorder_point)
        if instant >= self._horizon:
            target = rules.stated("target_qty", instant) or 0
            floor, level = max(floor, target), max(level, target)
        less = sum(one.qty for one in self.lowered if one.start <= instant < one.end)
        return floor - less, level - less

    def sized(self, missing: int) -> int:
        """Raise a missing quantity to what the lot rule orders [units]."""
        rules = self._node.rules
        if rules.lot_rule == "fixed" and rules.lot_size:
            return -(-missing // rules.lot_size) * rules.lot_size
        if self.eoq:
            return max(self.eoq, missing)
        return missing

    @property
    def looks_ahead(self) -> bool:
        """Whether later needs may join an order."""
        rule = self._node.rules.lot_rule
        return bool(self.batch_days or self.lots) or rule in PLANNED_RULES

    def window_end(self, instant: int) -> int:
        """End of the batch window that a first need at an instant opens."""
        if self.lots:
            place = bisect_right(self.lots, instant)
            return self.lots[place] if place < len(self.lots) else NEVER
        if not self.batch_days:
            return instant
        end = self._calendar.add_days(instant, self.batch_days)
        return instant if end is None else end

    def looks_at(self, instant: int) -> bool:
        """Whether the level is looked at where it, or the stock, changes then."""
        return not self.idle and self.first_repair < instant < self._horizon

    def moments(self) -> set[int]:
        """List the moments at which the level must be looked at, whatever is there."""
        if self.idle:
            return set()
        found = {max(self._now, self.first_repair)}
        for begin, end, _ in self._levels:
            found |= {edge for edge in (begin, end) if self.looks_at(edge)}
        found |= {enter for enter in self._enters if enter > self.first_repair}
        found |= {one.end for one in self.lowered if self.looks_at(one.end)}
        if self._node.rules.target_qty or any(
            row["target_qty"] is not None for _, _, row in self._levels
        ):
            found.add(self._horizon)
        return found

    def changes(self) -> set[int]:
        """List the moments at which the safety level may change, for reports."""
        return {*self.moments(), *self._instants}


def economic_order_quantity(
    node: Node, unit_cost: float, horizon: int, days: Fraction
) -> int | None:
    """Economic order quantity of a node [units].

    sqrt(2 D K / h) with D the yearly need, K the cost of an order and h the yearly
    holding cost of a unit (Harris 1913; Silver, Pyke, Thomas, ISBN 978-1466558618,
    section 4.1), rounded up to the quantity step (rule 6).

    Parameters
    ----------
    node
        Node with its needs.
    unit_cost
        Standard cost [base currency]; 1 where it is 0.
    horizon
        End of the horizon [UTC seconds]; later needs do not count.
    days
        Length of the horizon [days].

    Returns
    -------
    int or None
        None where cost of an order, holding cost or need is missing.
    """
    rules = node.rules
    holding = exact(rules.holding_rate) * exact(unit_cost or 1.0)
    wanted = sum(need.qty for need in node.needs if need.instant <= horizon)
    if not rules.order_cost or holding <= 0 or days <= 0 or wanted <= 0:
        return None
    yearly = wanted * DAYS_PER_YEAR / days
    # The square in units; its root is rounded up without passing through a float.
    square = ceil_fraction(2 * yearly * exact(rules.order_cost) / holding / node.step)
    return math.isqrt(square - 1) + 1


def horizon_days(as_of: int, horizon: int) -> Fraction:
    """Length of the horizon [days]."""
    return Fraction(horizon - as_of, DAY)
