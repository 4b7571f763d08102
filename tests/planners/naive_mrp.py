"""A second MRP, as plain as can be: fractions, lists, recursion, no speed.

It knows the networks of `tests.strategies.network_tables(plain=True)`: one source per
product at the plant, lanes from there, no calendars, lots, yields or levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from medhavi.units import to_seconds

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

NewOrder = tuple[str, str, str, int, int, int]
"""Kind, product, location, quantity, start, finish."""
LIVE = {"firmed", "released", "in_process"}


@dataclass
class Place:
    """What is wanted and what comes, per product and location."""

    stock: Fraction = Fraction(0)
    receipts: list[tuple[int, Fraction]] = field(default_factory=list)
    needs: list[tuple[int, Fraction]] = field(default_factory=list)


class NaiveMrp:
    """Plans a snapshot; `orders` are the new ones, sorted."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._rows = {
            name: snapshot[name].to_dicts()
            for name in (
                "stock",
                "supply_orders",
                "demands",
                "lanes",
                "routings",
                "steps",
                "bom_lines",
                "supply_terms",
            )
        }
        self._places: dict[tuple[str, str], Place] = {}
        self.orders: list[NewOrder] = []
        for row in self._rows["stock"]:
            self._place(row).stock += Fraction(row["qty"])
        for row in self._rows["supply_orders"]:
            if row["status"] in LIVE:
                receipt = to_seconds(row["due"]), Fraction(row["qty"])
                self._place(row).receipts.append(receipt)
        for row in self._rows["demands"]:
            need = to_seconds(row["due"]), Fraction(row["qty"])
            self._place(row).needs.append(need)
        for key in self._downwards(snapshot):
            if key in self._places:
                self._net(*key)
        self.orders.sort()

    def _place(self, row: dict[str, Any]) -> Place:
        return self._at(row["product"], row["location"])

    def _at(self, product: str, location: str) -> Place:
        return self._places.setdefault((product, location), Place())

    def _downwards(self, snapshot: Snapshot) -> list[tuple[str, str]]:
        """List customer, warehouse, plant; products of a bill before what they use."""
        products = sorted(snapshot["products"]["product"].to_list())
        return [
            (product, location)
            for location in ("CUSTOMER", "WAREHOUSE", "PLANT")
            for product in products
        ]

    def _net(self, product: str, location: str) -> None:
        place = self._at(product, location)
        surplus = place.stock
        for instant in sorted({instant for instant, _ in place.needs}):
            there = surplus + sum(qty for at, qty in place.receipts if at <= instant)
            wanted = sum(qty for at, qty in place.needs if at == instant)
            missing = wanted - there
            surplus -= wanted
            if missing > 0:
                surplus += missing
                self._order(product, location, missing, instant)

    def _order(self, product: str, location: str, qty: Fraction, need: int) -> None:
        pieces = math.ceil(qty)
        for lane in self._rows["lanes"]:
            if lane["destination"] == location:
                start = need - round(lane["duration_h"] * 3600)
                self._at(product, lane["origin"]).needs.append((start, qty))
                self.orders.append(("move", product, location, pieces, start, need))
                return
        for routing in self._rows["routings"]:
            if routing["product"] == product:
                start = self._make(routing["routing"], pieces, need)
                self.orders.append(("make", product, location, pieces, start, need))
                return
        for terms in self._rows["supply_terms"]:
            if terms["product"] == product:
                start = need - round(terms["lead_time_days"] * 86400)
                self.orders.append(("buy", product, location, pieces, start, need))
                return

    def _make(self, routing: str, pieces: int, need: int) -> int:
        """Date the steps backward, take the components; returns the start."""
        starts: dict[int, int] = {}
        end = need
        steps = [row for row in self._rows["steps"] if row["routing"] == routing]
        for step in sorted(steps, key=lambda row: -row["sequence"]):
            minutes = step["setup_minutes"] + step["run_minutes_per_unit"] * pieces
            end -= math.ceil(Fraction(minutes) * 60)
            starts[step["step"]] = end
        for line in self._rows["bom_lines"]:
            if line["routing"] == routing:
                qty = math.ceil(Fraction(line["qty_per"]) * pieces)
                at = end if line["step"] is None else starts[line["step"]]
                self._at(line["component"], "PLANT").needs.append((at, Fraction(qty)))
        return end
