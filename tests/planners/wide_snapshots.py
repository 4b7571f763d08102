"""Random snapshots of many features at once, from a seed: what laws of plans eat.

Unlike `tests.strategies`, rows may contradict each other: orders name foreign sources,
lots die before they are used, pegs and holds want the same goods.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from typing import Any

from tests.planners.small_plans import day

Tables = dict[str, list[dict[str, Any]]]
PLACES = ("PLANT", "WH", "CUST")


def wide_tables(seed: int) -> Tables:
    """Draw the tables of a small company: up to five products, three places."""
    return Draw(seed).tables()


class Draw:
    """One draw; each feature is on or off for the whole snapshot."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = [f"P{i}" for i in range(1, self.random.randint(2, 6))]
        self.found: Tables = defaultdict(list)
        self._on: dict[str, bool] = {}

    def on(self, feature: str) -> bool:
        """Whether the snapshot has a feature."""
        return self._on.setdefault(feature, self.chance(0.4))

    def chance(self, share: float) -> bool:
        """Throw a coin."""
        return self.random.random() < share

    def one(self, *values: Any) -> Any:
        """Choose one of several values."""
        return self.random.choice(values)

    def tables(self) -> Tables:
        """Draw all tables."""
        self.found["locations"] = [{"location": place} for place in PLACES]
        self.found["customers"] = [{"customer": "C1"}]
        self.found["lanes"] = [
            {"lane": "T1", "origin": "PLANT", "destination": "WH", "cutoff_h": 4.0},
            {"lane": "T2", "origin": "WH", "destination": "CUST", "duration_h": 0.0},
        ]
        self.found["resources"] = [
            {"resource": "M", "location": "PLANT", "efficiency": self.one(0.5, 1.0)},
            {"resource": "N", "location": "PLANT"},
        ]
        for place, name in enumerate(self.names):
            self._product(place, name)
        for name in self.names:
            self._stock(name)
        for number in range(self.random.randint(1, 5)):
            self._demand(number)
        for number in range(self.random.randint(0, 3)):
            self._order(number)
        self._claims()
        if self.on("substitutes") and len(self.names) > 1:
            first, second = self.random.sample(self.names, 2)
            row = {"product": first, "substitute": second, "ratio": self.one(0.5, 1, 2)}
            self.found["substitutes"] = [row]
        return {name: rows for name, rows in self.found.items() if rows}

    def _product(self, place: int, name: str) -> None:
        row: dict[str, Any] = {"product": name, "qty_step": self.one(1.0, 1.0, 5.0)}
        if self.on("life") and self.chance(0.4):
            row["shelf_life_days"] = self.one(3.0, 10.0, 40.0)
        if self.on("to order") and self.chance(0.3):
            row["make_to_order"] = True
        self.found["products"].append(row)
        if self.on("levels") and self.chance(0.4):
            level = {"product": name, "location": self.one("PLANT", "WH")}
            self.found["inventory_policies"].append(
                level | self.one({"safety_qty": 7.0}, {"unlimited": True})
            )
        valid = {}
        if self.on("validity") and self.chance(0.4):
            valid = {"valid_from": day(self.random.randint(-3, 8))}
        if place == len(self.names) - 1 or self.chance(0.4):
            terms = {"product": name, "location": "PLANT", "lead_time_days": 2.5}
            self.found["supply_terms"].append(terms | valid | self._lots("moq"))
            return
        self._routing(place, name, valid)

    def _lots(self, least: str) -> dict[str, Any]:
        lots: dict[str, Any] = self.one(
            {}, {least: 10.0}, {"lot_multiple": 5.0}, {"batch_window_days": 10.0}
        )
        return lots

    def _routing(self, place: int, name: str, valid: dict[str, Any]) -> None:
        routing = f"R{place}"
        row = {"routing": routing, "product": name, "location": "PLANT"}
        self.found["routings"].append(row | valid | self._lots("min_lot"))
        steps = self.random.randint(1, 3)
        for step in range(1, steps + 1):
            work = {"routing": routing, "step": step, "run_minutes_per_unit": 7.5}
            if self.on("batches"):
                work["overlap_qty"] = self.one(None, 5.0)
            self.found["steps"].append(work | self.one({}, {"queue_minutes": 60.0}))
            need = {"routing": routing, "step": step, "resource": self.one("M", "N")}
            if self.on("tools") and step < steps:
                need["until_step"] = steps
            self.found["step_resources"].append(need)
            if self.on("links") and step > 1:
                link = {"routing": routing, "step": step, "after": step - 1}
                self.found["step_links"].append(link | {"lag_minutes": 30.0})
        below = self.names[place + 1 :]
        for line, component in enumerate(
            self.random.sample(below, self.random.randint(0, min(2, len(below)))), 1
        ):
            self.found["bom_lines"].append(
                {
                    "routing": routing,
                    "line": line,
                    "component": component,
                    "qty_per": self.one(0.5, 1.0, 2.0),
                    "step": self.one(None, steps),
                }
            )

    def _qty(self) -> float:
        return 5.0 * self.random.randint(1, 12)

    def _stock(self, name: str) -> None:
        for lot in range(self.one(0, 1, 2)):
            row: dict[str, Any] = {
                "product": name,
                "location": self.one("PLANT", "WH"),
                "lot": f"L{lot}",
                "qty": self._qty(),
            }
            if self.on("expiry"):
                row["expires_at"] = self.one(None, day(-1), day(3), day(20))
            if self.on("owners") and self.chance(0.4):
                row["owner"] = "C1"
            if self.on("bookings") and self.chance(0.2):
                row["qty"] = -row["qty"]
            self.found["stock"].append(row)

    def _demand(self, number: int) -> None:
        self.found["demands"].append(
            {
                "demand": f"D{number}",
                "product": self.one(*self.names),
                "location": self.one(*PLACES),
                "qty": self._qty(),
                "due": day(self.random.randint(-4, 40)),
                "priority": self.random.randint(0, 3),
                "customer": self.one(None, "C1"),
            }
        )

    def _order(self, number: int) -> None:
        kind = self.one("work", "purchase", "transfer")
        routings = [row["routing"] for row in self.found["routings"]]
        if kind == "work" and not routings:
            return
        due = day(self.random.randint(-1, 20))
        row: dict[str, Any] = {
            "supply_order": f"O{number}",
            "kind": kind,
            "product": self.one(*self.names),
            "location": "WH" if kind == "transfer" else "PLANT",
            "qty": self._qty(),
            "due": due,
            "status": self.one("released", "firmed", "in_process", "planned"),
        }
        if kind == "work":
            # Mostly a routing of other goods: a finding, and no fault of the plan.
            row["source"] = self.one(*routings)
        elif kind == "transfer":
            row["source"] = self.one("T1", "T2", "PLANT", None)
            row["start"] = self.one(None, due - dt.timedelta(hours=30))
        if self.on("made for") and self.chance(0.5):
            row["demand"] = self.one(*self.found["demands"])["demand"]
        self.found["supply_orders"].append(row)

    def _claims(self) -> None:
        """Peg and hold what is there, for whoever comes along."""
        demands = [row["demand"] for row in self.found["demands"]]
        lots = self.random.sample(self.found["stock"], min(2, len(self.found["stock"])))
        for number, lot in enumerate(lots):
            where = {"location": lot["location"], "qty": abs(lot["qty"])}
            if self.on("pegs"):
                peg = {"demand": self.one(*demands), "product": lot["product"]}
                peg["supply"] = f"{lot['product']}|{lot['location']}|{lot['lot']}"
                self.found["pegs"].append(peg | where)
                # No draw of its own: seeds that are named in tests stay what they were.
                over = "allow" if len(demands) % 2 else "cap"
                self.found["settings"] = [{"over_peg": over}]
            if self.on("holds"):
                hold = {"reservation": f"V{number}", "subject": lot["product"]}
                hold["demand"] = self.one(None, *demands)
                self.found["reservations"].append(hold | where)
