"""A second MRP for ordinary features, from the rules of meaning, plain and slow.

It knows: bills of materials over several levels, stock, receipts, steps with yields,
lots, safety and receipt time, levels of stock, and every lot rule. It does not know:
calendars, expiry, substitutes, several sources, co-products. Quantities are fractions,
nothing is indexed, and Wagner-Whitin tries every way to group needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from medhavi.units import to_seconds

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

NewOrder = tuple[str, str, str, Fraction, Fraction, int, int]
"""Kind, product, location, quantity, order quantity, start, finish."""
LIVE = {"firmed", "released", "in_process"}
TABLES = (
    "products",
    "stock",
    "supply_orders",
    "demands",
    "lanes",
    "routings",
    "steps",
    "bom_lines",
    "supply_terms",
    "inventory_policies",
)
DAY = 86400


def number(value: Any) -> Fraction:
    return Fraction(str(value or 0))


def up(value: Fraction, grid: Fraction) -> Fraction:
    return math.ceil(value / grid) * grid


def common(one: Fraction, other: Fraction) -> Fraction:
    """Smallest multiple of both."""
    return Fraction((one / other).numerator) * other


@dataclass
class Place:
    """What is wanted and what comes, per product and location."""

    supply: list[tuple[int, Fraction]] = field(default_factory=list)
    needs: list[tuple[int, Fraction]] = field(default_factory=list)

    def at(self, instant: int) -> Fraction:
        """Projection after the needs of an instant."""
        came = sum((qty for when, qty in self.supply if when <= instant), Fraction(0))
        return came - sum((qty for when, qty in self.needs if when <= instant))

    def copy(self) -> Place:
        return Place(list(self.supply), list(self.needs))


class NaiveRequirements:
    """Plans a snapshot; `orders` are the new ones, sorted."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._rows = {name: snapshot[name].to_dicts() for name in TABLES}
        self._now = snapshot.as_of
        self._days = number(snapshot["settings"]["horizon_days"].item())
        self._end = self._now + int(self._days * DAY)
        self._places: dict[tuple[str, str], Place] = {}
        self._steps: dict[str, Fraction] = {}
        self.orders: list[NewOrder] = []
        for row in self._rows["products"]:
            self._steps[row["product"]] = number(row["qty_step"] or 1)
        for row in self._rows["stock"]:
            self._place(row).supply.append((-(2**60), number(row["qty"])))
        for row in self._rows["supply_orders"]:
            if row["status"] in LIVE:
                due = to_seconds(row["due"])
                self._place(row).supply.append((due, number(row["qty"])))
        for row in self._rows["demands"]:
            if to_seconds(row["due"]) <= self._end:
                need = to_seconds(row["due"]), number(row["qty"])
                self._place(row).needs.append(need)
        for row in self._rows["inventory_policies"]:
            self._place(row)
        for location in ("CUSTOMER", "WAREHOUSE", "PLANT"):
            for item in sorted(self._steps):
                if (item, location) in self._places:
                    Node(self, item, location).net()
        self.orders.sort()

    def _place(self, row: dict[str, Any]) -> Place:
        return self.place(row["product"], row["location"])

    def place(self, item: str, location: str) -> Place:
        return self._places.setdefault((item, location), Place())

    def rows(self, table: str, **cells: object) -> list[dict[str, Any]]:
        return [
            row
            for row in self._rows[table]
            if all(row[name] == cell for name, cell in cells.items())
        ]

    @property
    def now(self) -> int:
        return self._now

    @property
    def end(self) -> int:
        return self._end

    @property
    def days(self) -> Fraction:
        return self._days

    def step(self, item: str) -> Fraction:
        return self._steps[item]


class Node:
    """Nets one product at one location."""

    def __init__(self, plan: NaiveRequirements, item: str, location: str) -> None:
        self._plan, self._item, self._location = plan, item, location
        self._place = plan.place(item, location)
        self._step = plan.step(item)
        policies = plan.rows("inventory_policies", product=item, location=location)
        self._policy: dict[str, Any] = policies[0] if policies else {}
        self._rule = self._policy.get("lot_rule", "lot_for_lot")
        self._source = self._only_source()
        self._unit_cost = number(plan.rows("products", product=item)[0]["unit_cost"])
        self._eoq = self._economic() if self._rule == "eoq" else Fraction(0)
        self._from = self._first_repair()

    def _only_source(self) -> tuple[str, dict[str, Any]]:
        plan, item, location = self._plan, self._item, self._location
        for row in plan.rows("lanes", destination=location):
            return "move", row
        for row in plan.rows("routings", product=item, location=location):
            return "make", row
        return "buy", plan.rows("supply_terms", product=item, location=location)[0]

    def _value(self, name: str) -> Fraction:
        return number(self._policy.get(name))

    # --- sizes and times of one order ----------------------------------------------
    def _steps_of(self, routing: str) -> list[dict[str, Any]]:
        rows = self._plan.rows("steps", routing=routing)
        return sorted(rows, key=lambda row: row["sequence"])

    def _yield(self) -> Fraction:
        kind, row = self._source
        if kind != "make":
            return Fraction(1)
        found = number(row["yield"])
        for step in self._steps_of(row["routing"]):
            found *= number(step["yield"])
        return found

    def _good(self, size: Fraction) -> Fraction:
        return math.floor(size * self._yield() / self._step) * self._step

    def _size(self, wanted: Fraction) -> Fraction:
        """Size of the next order for a good quantity (rule 5)."""
        kind, row = self._source
        least = number(
            {"make": "min_lot", "buy": "moq"}.get(kind)
            and row[{"make": "min_lot", "buy": "moq"}[kind]]
        )
        multiple = number(row["lot_multiple"]) if kind != "move" else Fraction(0)
        grid = common(multiple, self._step) if multiple else self._step
        started = up(wanted / self._yield(), self._step)
        most = self._largest()
        if most is not None and started > most:
            return most
        return up(max(started, least), grid)

    def _largest(self) -> Fraction | None:
        kind, row = self._source
        if kind == "move" or row["max_lot"] is None:
            return None
        multiple = number(row["lot_multiple"])
        grid = common(multiple, self._step) if multiple else self._step
        least = up(number(row["min_lot" if kind == "make" else "moq"]), grid)
        cut = math.floor(number(row["max_lot"]) / grid) * grid
        return max(cut, least, grid)

    def _durations(self, size: Fraction) -> list[tuple[int, int]]:
        """Pairs of step and seconds, in sequence."""
        kind, row = self._source
        if kind == "move":
            return [(0, math.ceil(number(row["duration_h"]) * 3600))]
        if kind == "buy":
            days = number(row["lead_time_days"]) + number(row["receipt_days"])
            return [(0, math.ceil(days * DAY))]
        found = []
        entering = size
        for step in self._steps_of(row["routing"]):
            minutes = number(step["setup_minutes"])
            minutes += number(step["run_minutes_per_unit"]) * entering
            found.append((step["step"], math.ceil(minutes * 60)))
            entering *= number(step["yield"])
        return found

    def _safety_time(self) -> int:
        kind, row = self._source
        return 0 if kind == "move" else math.ceil(number(row["safety_days"]) * DAY)

    def _first_repair(self) -> int:
        """First instant at which a level may be repaired (rules 6, 7)."""
        now = self._plan.now
        triggered = self._rule in {"fixed", "eoq"} and (
            self._policy.get("reorder_point") is not None
        )
        if self._rule == "min_max" or triggered:
            return now
        there = sum(qty for when, qty in self._place.supply if when <= now)
        gap = max(self._step, self._value("safety_qty") - there)
        length = sum(seconds for _, seconds in self._durations(self._size(gap)))
        return now + length + self._safety_time()

    # --- levels ----------------------------------------------------------------------
    def _missing(self, place: Place, instant: int) -> Fraction:
        """What an order brings at an instant: what is short, and the level."""
        there = place.at(instant)
        short = max(Fraction(0), -there)
        if instant < self._from:
            return short
        floor = level = self._value("safety_qty")
        if self._rule == "min_max":
            floor = max(floor, self._value("min_qty"))
            level = max(floor, self._value("max_qty"))
        elif self._rule in {"fixed", "eoq"}:
            floor = level = max(floor, self._value("reorder_point"))
        if instant >= self._plan.end:
            floor = max(floor, self._value("target_qty"))
            level = max(level, self._value("target_qty"))
        return max(short, level - there) if there < floor else short

    def _moments(self, place: Place) -> list[int]:
        found = {when for when, _ in place.needs}
        if any(
            self._value(name)
            for name in ("safety_qty", "reorder_point", "min_qty", "target_qty")
        ):
            found.add(max(self._plan.now, self._from))
        if self._value("target_qty"):
            found.add(self._plan.end)
        return sorted(found)

    # --- netting ---------------------------------------------------------------------
    def net(self) -> None:
        for instant in self._moments(self._place):
            missing = self._missing(self._place, instant)
            if missing > 0:
                self._order(self._joined(instant, missing), instant)
                assert self._missing(self._place, instant) == 0

    def _ahead(self, instant: int) -> list[tuple[int, Fraction]]:
        """Net needs from an instant on, each met as it comes."""
        place = self._place.copy()
        found = []
        for moment in self._moments(place):
            missing = self._missing(place, moment) if moment >= instant else 0
            if missing > 0:
                found.append((moment, Fraction(missing)))
                place.supply.append((moment, Fraction(missing)))
        return found

    def _with_later(self, instant: int, until: Fraction) -> Fraction:
        """What later needs of a window and the level lack together."""
        place = self._place.copy()
        later = Fraction(0)
        for moment in self._moments(place):
            short = max(Fraction(0), -place.at(moment))
            if instant <= moment < until and short:
                place.supply.append((moment, short))
                later += short if moment > instant else 0
        together = self._place.copy()
        together.supply.append((instant, -later))
        return self._missing(together, instant)

    def _joined(self, instant: int, missing: Fraction) -> Fraction:
        kind, row = self._source
        window = None
        if self._rule == "poq":
            window = self._value("cover_days")
        elif self._rule == "lot_for_lot" and kind != "move":
            window = number(row["batch_window_days"])
        if window is not None:
            until = instant + window * DAY
            if until <= instant:
                return missing
            return sum((q for at, q in self._ahead(instant) if at < until), Fraction(0))
        needed = self._place.at(instant) < 0
        if kind != "move" and needed and self._rule in {"fixed", "min_max", "eoq"}:
            # A level of stock is no need: it opens no window.
            until = instant + number(row["batch_window_days"]) * DAY
            missing = max(missing, self._with_later(instant, until))
        if self._rule == "fixed":
            return up(missing, number(self._policy["lot_size"]))
        if self._rule == "eoq":
            return max(missing, self._eoq)
        if self._rule in {"silver_meal", "wagner_whitin"}:
            net = self._ahead(instant)
            groups = (
                self._silver_meal(net)
                if self._rule == "silver_meal"
                else self._wagner_whitin(net)
            )
            return sum((qty for _, qty in net[:groups]), Fraction(0))
        return missing

    def _order(self, wanted: Fraction, instant: int) -> None:
        missing = wanted
        while missing > 0:
            size = self._size(missing)
            good = self._good(size)
            missing -= good
            self._explode(size, good, instant - self._safety_time())
            self._place.supply.append((instant, good))

    def _explode(self, size: Fraction, good: Fraction, finish: int) -> None:
        kind, row = self._source
        begin = finish
        starts: dict[int, int] = {}
        for step, seconds in reversed(self._durations(size)):
            begin -= seconds
            starts[step] = begin
        order = (kind, self._item, self._location, good, size, begin, finish)
        self._plan.orders.append(order)
        if kind == "move":
            origin = self._plan.place(self._item, row["origin"])
            origin.needs.append((begin, size))
        if kind != "make":
            return
        entering = {}
        units = size
        for step_row in self._steps_of(row["routing"]):
            entering[step_row["step"]] = units
            units *= number(step_row["yield"])
        for line in self._plan.rows("bom_lines", routing=row["routing"]):
            step = line["step"] or min(entering)
            qty = number(line["qty_per"]) * entering[step]
            grid = self._plan.step(line["component"])
            component = self._plan.place(line["component"], self._location)
            component.needs.append((starts[step], up(qty, grid)))

    # --- prices ----------------------------------------------------------------------
    def _holding(self) -> Fraction:
        """Cost of holding a unit for a year."""
        return self._value("holding_rate") * (self._unit_cost or 1)

    def _economic(self) -> Fraction:
        wanted = sum(
            (qty for when, qty in self._place.needs if when <= self._plan.end),
            Fraction(0),
        )
        yearly = wanted * 365 / self._plan.days
        if not (yearly and self._value("order_cost")):
            return Fraction(0)
        square = 2 * yearly * self._value("order_cost") / self._holding()
        steps = 0
        while (steps * self._step) ** 2 < square:
            steps += 1
        return steps * self._step

    def _cost(self, group: list[tuple[int, Fraction]]) -> Fraction:
        begin = group[0][0]
        held = sum((qty * (at - begin) for at, qty in group), Fraction(0))
        return self._value("order_cost") + self._holding() * held / (365 * DAY)

    def _fits(self, group: list[tuple[int, Fraction]]) -> bool:
        most = self._largest()
        total = sum(qty for _, qty in group)
        return len(group) == 1 or most is None or total <= self._good(most)

    def _silver_meal(self, net: list[tuple[int, Fraction]]) -> int:
        """Count the needs of the first order: the textbook's cost per period."""
        period = Fraction(net[-1][0] - net[0][0], max(1, len(net) - 1))
        count = 1
        while count < len(net) and self._fits(net[: count + 1]):
            elapsed = net[count][0] - net[0][0]
            now, then = self._cost(net[:count]), self._cost(net[: count + 1])
            if then - now > self._value("order_cost"):
                break
            if then / (elapsed + period) > now / elapsed:
                break
            count += 1
        return count

    def _wagner_whitin(self, net: list[tuple[int, Fraction]]) -> int:
        """Try all ways to group the needs; of equal ones the longest first order."""
        best: tuple[Fraction, tuple[int, ...]] | None = None
        for cuts in product((False, True), repeat=len(net) - 1):
            groups, group = [], [net[0]]
            for need, cut in zip(net[1:], cuts, strict=True):
                if cut:
                    groups.append(group)
                    group = []
                group.append(need)
            groups.append(group)
            if all(self._fits(group) for group in groups):
                cost = sum((self._cost(group) for group in groups), Fraction(0))
                lengths = tuple(-len(group) for group in groups)
                if best is None or (cost, lengths) < best:
                    best = cost, lengths
        assert best is not None
        return -best[1][0]
