"""Small random networks that use many features of the tables at once.

    rows = wide_tables(seed)

Each seed draws which features it uses, so that every pair of them meets in some seed.
Most networks are valid; some are refused by name (circles of supply, sources that bring
nothing), which a law has to let pass.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from typing import Any

from tests.factories import AS_OF

PLANT, WAREHOUSE, CUSTOMER = "PLANT", "WH", "CUST"
PLACES = (PLANT, CUSTOMER, WAREHOUSE)
FEATURES = (
    *("lots", "calendar", "fence", "safety", "disruption", "family", "hold", "peg"),
    *("forecast", "make_to_order", "co_product", "yield", "expiry", "policy"),
    *("lateness", "shipment", "progress", "quota", "room", "alternate", "pool"),
    *("bucket", "infinite", "units", "unsplit", "link", "shelf_life", "phase"),
    *("queue", "scrap", "rival", "exception", "early", "stock_rule", "held_over"),
    *("reserved_time", "dated_units", "valid", "customer_stock", "share"),
)
SHARE = 0.35
"""Part of the features that a network uses."""

Rows = dict[str, list[dict[str, Any]]]


def after(days: float) -> dt.datetime:
    """Instant so many days after now."""
    return AS_OF + dt.timedelta(days=days)


def hours_after(hours: int) -> dt.datetime:
    """Instant so many hours after now."""
    return AS_OF + dt.timedelta(hours=hours)


def wide_tables(seed: int) -> Rows:
    """Draw the tables of a network."""
    return _Network(random.Random(seed)).rows()


class _Network:
    """One network while it is drawn."""

    def __init__(self, chance: random.Random) -> None:
        self.pick = chance
        self.features = {name for name in FEATURES if chance.random() < SHARE}
        self.tables: Rows = defaultdict(list)
        self.names = [f"P{number}" for number in range(1, chance.randint(1, 6) + 1)]
        self.machines = ["M1", "M2", "M3"][: chance.randint(1, 3)]
        self.steps: dict[str, float] = {}

    def rows(self) -> Rows:
        self._places()
        self._machines()
        for place, name in enumerate(self.names):
            self._product(name)
            made = self.likely(0.65)
            if made:
                for letter in "ab" if self.has("alternate", 0.4) else "a":
                    self._routing(
                        name, f"R{place + 1}{letter}", self.names[place + 1 :]
                    )
            if not made or self.likely(0.15):
                self._terms(name)
        self._lanes()
        self._stock()
        for number in range(self.pick.randint(0, 4)):
            self._order(f"O{number}")
        for number in range(self.pick.randint(1, 6)):
            self._demand(f"D{number}")
        self._commitments()
        self._disruptions()
        return {name: rows for name, rows in self.tables.items() if rows}

    # --- chance --------------------------------------------------------------------
    def likely(self, share: float) -> bool:
        return self.pick.random() < share

    def has(self, feature: str, share: float = 1.0) -> bool:
        return feature in self.features and self.likely(share)

    def one(self, *values: Any) -> Any:
        return self.pick.choice(values)

    def span(self, latest: int) -> dict[str, Any]:
        """Draw a time of validity; often without an end."""
        found: dict[str, Any] = {"valid_from": after(self.pick.randint(-3, latest))}
        if self.likely(0.5):
            found["valid_to"] = after(self.pick.randint(latest + 1, latest + 30))
        return found

    def qty(self, name: str, most: int = 60) -> float:
        return round(self.pick.randint(1, most) * self.steps[name], 6)

    # --- places and machines -------------------------------------------------------
    def _places(self) -> None:
        zone = self.one("UTC", "UTC", "Europe/Berlin")
        plant = {"location": PLANT, "timezone": zone}
        self.tables["locations"] = [
            plant,
            {"location": CUSTOMER, "kind": "customer"},
            {"location": WAREHOUSE, "kind": "warehouse"},
        ]
        self.tables["customers"] = [{"customer": "C1"}]
        self.tables["settings"] = [{"horizon_days": self.one(365.0, 365.0, 20.0)}]
        if not self.has("calendar"):
            return
        plant["calendar"] = "DAYS"
        self.tables["calendars"] = [{"calendar": "DAYS", "timezone": zone}]
        hours = {"start": dt.time(6), "finish": dt.time(22)}
        for weekday in range(1, self.one(6, 8)):
            row: dict[str, Any] = {"calendar": "DAYS", "weekday": weekday, **hours}
            if self.likely(0.1):
                row["capacity"] = 0.5
            self.tables["shifts"].append(row)
        if self.has("exception"):
            begin = self.pick.randint(0, 20)
            self.tables["calendar_exceptions"] = [
                {
                    "calendar": "DAYS",
                    "start": after(begin),
                    "finish": after(begin + self.pick.randint(1, 3)),
                    "capacity": self.one(0.0, 0.0, 0.5, 1.0),
                }
            ]

    def _machines(self) -> None:
        for name in self.machines:
            row: dict[str, Any] = {"resource": name, "location": PLANT}
            if self.has("units", 0.5):
                row["units"] = 2.0
            if self.has("infinite", 0.4):
                row["finite"] = False
            if self.has("bucket", 0.4):
                row["bucket"] = self.one("day", "week")
            if self.has("pool"):
                row["pool"] = "POOL"
            if self.has("early", 0.4):
                row["max_early_days"] = self.one(0.5, 2.0)
            if self.has("family"):
                row["changeover_matrix"] = "X"
            if "held_over" not in self.features and self.likely(0.2):
                row["efficiency"] = self.one(0.5, 0.8, 2.0)
            self.tables["resources"].append(row)
            if self.has("dated_units", 0.5):
                units = {"resource": name, "units": self.one(0.0, 1.0, 2.0)}
                dated = {"valid_from": after(3), "valid_to": after(12)}
                self.tables["resource_units"].append({**units, **dated})
        if self.has("family"):
            minutes = float(self.one(10, 90, 300))
            self.tables["changeovers"] = [{"matrix": "X", "setup_minutes": minutes}]

    # --- sources -------------------------------------------------------------------
    def _product(self, name: str) -> None:
        row: dict[str, Any] = {"product": name, "weight_kg": self.one(0.0, 1.0, 2.0)}
        if self.likely(0.2):
            row["qty_step"] = self.one(0.1, 5.0, 0.001)
        self.steps[name] = row.get("qty_step", 1.0)
        if self.has("shelf_life", 0.3):
            row["shelf_life_days"] = self.one(3.0, 10.0, 40.0)
        if self.has("make_to_order", 0.3):
            row["make_to_order"] = True
        self.tables["products"].append(row)
        if self.has("stock_rule", 0.4) or self.has("safety", 0.3):
            safety = round(self.pick.randint(0, 20) * self.steps[name], 6)
            policy = {"product": name, "location": self.one(PLANT, WAREHOUSE)}
            rule = self.one({}, {"unlimited": True}, {"source_rule": "earliest"})
            self.tables["inventory_policies"].append(
                {**policy, "safety_qty": safety, **rule}
            )

    def _routing(self, name: str, routing: str, later: list[str]) -> None:
        key = {"routing": routing}
        row: dict[str, Any] = {**key, "product": name, "location": PLANT}
        row["preference"] = 1 if routing.endswith("a") else 2
        if self.has("lots"):
            row |= self.one({"min_lot": 10.0}, {"lot_multiple": 5.0}, {"max_lot": 15.0})
        if self.has("fence", 0.5):
            row["fence_days"] = self.one(2.0, 5.0)
        if self.has("safety", 0.5):
            row["safety_days"] = self.one(1.0, 3.0)
        if self.has("valid", 0.3):
            row |= self.span(8)
        self.tables["routings"].append(row)
        count = self.pick.randint(1, 3)
        for step in range(1, count + 1):
            self._step(key, step, count)
        if self.has("link", 0.6):
            for step in range(2, count + 1):
                kind = self.one("finish_start", "start_start", "finish_finish")
                lag = {"kind": kind, "lag_minutes": self.one(0.0, 60.0)}
                self.tables["step_links"].append(
                    {**key, "step": step, "after": step - 1, **lag}
                )
        components = self.pick.sample(later, self.pick.randint(0, min(3, len(later))))
        for line, component in enumerate(components, 1):
            self._line({**key, "line": line, "component": component}, count)
        others = [other for other in later if other not in components]
        if others and self.has("co_product", 0.4):
            self.tables["routing_outputs"] += [
                {**key, "line": 1, "product": name, "qty_per": self.one(1.0, 2.0)},
                {**key, "line": 2, "product": self.one(*others), "role": "co"},
            ]

    def _step(self, key: dict[str, Any], step: int, count: int) -> None:
        row = {**key, "step": step, "setup_minutes": self.one(0.0, 15.0, 60.0)}
        row["run_minutes_per_unit"] = self.one(0.0, 1.0, 7.5, 45.0)
        row["fixed_minutes"] = self.one(0.0, 0.0, 30.0)
        if self.has("yield"):
            row["yield"] = self.one(1.0, 0.9)
        if self.has("queue"):
            row["queue_minutes"] = self.one(0.0, 60.0)
            row["move_minutes"] = self.one(0.0, 90.0)
            row["safety_minutes"] = self.one(0.0, 120.0)
        if self.has("family", 0.7):
            row["family"] = self.one("F", "G", "H")
        if self.has("unsplit", 0.4):
            row["splittable"] = False
        self.tables["steps"].append(row)
        place = {**key, "step": step}
        if not self.likely(0.75):
            return
        if self.has("pool", 0.5):
            self.tables["step_resources"].append({**place, "resource": "POOL"})
        elif len(self.machines) > 1 and self.has("alternate", 0.6):
            for preference, machine in enumerate(self.machines[:2], 1):
                choice = {"choice": "c", "preference": preference}
                self.tables["step_resources"].append(
                    {
                        **place,
                        "resource": machine,
                        **choice,
                        "speed": self.one(1.0, 2.0),
                    }
                )
        else:
            most = self.pick.randint(1, min(2, len(self.machines)))
            for machine in self.pick.sample(self.machines, most):
                one = {**place, "resource": machine}
                if step < count and self.has("held_over", 0.4):
                    one["until_step"] = step + 1
                self.tables["step_resources"].append(one)

    def _line(self, row: dict[str, Any], count: int) -> None:
        row["qty_per"] = self.one(1.0, 2.0, 0.5, 3.0)
        row["step"] = self.one(None, 1, count)
        if self.has("scrap", 0.3):
            row["scrap"] = 0.1
        if self.has("phase", 0.3):
            row["valid_to"] = after(self.pick.randint(1, 20))
        if self.has("rival", 0.4):
            row |= {"substitute_group": "g", "priority": row["line"]}
        if self.likely(0.1):
            row["offset_minutes"] = self.one(-300.0, 60.0)
        if self.likely(0.1):
            row["anchor"] = "end"
        self.tables["bom_lines"].append(row)

    def _terms(self, name: str) -> None:
        for number in range(1, 3 if self.likely(0.3) else 2):
            row: dict[str, Any] = {"supplier": f"S{number}", "product": name}
            row |= {"location": PLANT, "preference": number}
            row["lead_time_days"] = self.one(0.0, 1.0, 2.5, 7.0)
            if self.has("lots"):
                row |= self.one({"moq": 10.0}, {"lot_multiple": 5.0}, {"max_lot": 15.0})
            if self.has("quota", 0.6):
                row["capacity_per_period"] = self.one(20.0, 8.0, 40.0)
                row["period_days"] = self.one(1.0, 7.0)
            if self.has("fence", 0.4):
                row["fence_days"] = 2.0
            if self.likely(0.2):
                row["receipt_days"] = 1.0
            if self.has("valid", 0.3):
                row |= self.span(8)
            self.tables["supply_terms"].append(row)
            if self.has("share"):
                own = {"product": name, "location": PLANT, "kind": "buy"}
                share = {"source": f"S{number}", "share_pct": self.one(60.0, 40.0)}
                self.tables["sourcing"].append({**own, **share})

    def _lanes(self) -> None:
        ways = [(PLANT, WAREHOUSE), (WAREHOUSE, CUSTOMER)]
        if self.likely(0.4):
            ways.append((PLANT, CUSTOMER))
        for number, (origin, destination) in enumerate(ways):
            key = {"lane": f"T{number}"}
            row = {**key, "origin": origin, "destination": destination}
            row["duration_h"] = self.one(0.0, 1.5, 24.0)
            if self.has("room"):
                row |= {"cutoff_h": self.one(0.0, 4.0), "customs_h": self.one(0.0, 3.0)}
                if self.likely(0.5):
                    row["capacity_kg"] = self.one(20.0, 60.0)
                for weekday in self.pick.sample(range(1, 8), self.pick.randint(0, 3)):
                    leaves = {"weekday": weekday, "time": dt.time(self.one(8, 14))}
                    self.tables["departures"].append({**key, **leaves})
            self.tables["lanes"].append(row)

    # --- state ---------------------------------------------------------------------
    def _stock(self) -> None:
        for name in self.names:
            for lot in range(self.one(0, 1, 1, 2)):
                row = {"product": name, "location": self.one(PLANT, PLANT, WAREHOUSE)}
                row |= {"lot": f"L{lot}", "qty": self.qty(name)}
                if self.has("expiry", 0.6):
                    row["expires_at"] = after(self.one(-1, 3, 8, 20))
                if self.has("customer_stock", 0.3):
                    row["owner"] = "C1"
                self.tables["stock"].append(row)

    def _order(self, order: str) -> None:
        kind = self.one("purchase", "work", "transfer")
        name = self.one(*self.names)
        row = {"supply_order": order, "kind": kind, "product": name, "location": PLANT}
        row |= {"qty": self.qty(name), "due": hours_after(self.pick.randint(-24, 500))}
        row["status"] = self.one(
            "released", "firmed", "firmed", "planned", "in_process"
        )
        if kind == "work":
            known = [
                routing["routing"]
                for routing in self.tables["routings"]
                if routing["product"] == name
            ]
            if not known:
                return
            row["source"] = self.one(*known)
            if self.likely(0.3):
                row["locked"] = self.one(True, False)
            if self.likely(0.3):
                row["start"] = row["due"] - dt.timedelta(hours=self.pick.randint(1, 60))
            if self.has("progress") and row["status"] != "planned":
                self._progress(order, row["source"])
        elif kind == "transfer":
            row |= {"location": WAREHOUSE, "source": "T0"}
        self.tables["supply_orders"].append(row)

    def _progress(self, order: str, routing: str) -> None:
        for step in self.tables["steps"]:
            if step["routing"] != routing or not self.likely(0.5):
                continue
            row = {"supply_order": order, "step": step["step"]}
            row["status"] = self.one("released", "completed", "in_process")
            if self.likely(0.3):
                row["remaining_minutes"] = float(self.pick.randint(0, 500))
            self.tables["supply_order_steps"].append(row)

    def _demand(self, demand: str) -> None:
        name = self.one(*self.names)
        row = {"demand": demand, "product": name, "location": self.one(*PLACES)}
        row |= {"qty": self.qty(name), "due": hours_after(self.pick.randint(-100, 900))}
        row["priority"] = self.pick.randint(0, 4)
        if self.has("policy", 0.7):
            order = self.one("SO1", "SO2")
            policy = "all_together" if order == "SO1" else "in_ratio"
            row |= {"sales_order": order, "order_policy": policy}
        if self.has("lateness", 0.5):
            row["max_lateness_days"] = self.one(0.0, 2.0, 10.0)
        if self.has("shipment"):
            row["min_shipment"] = self.one(0.0, 0.0, 5.0, 20.0)
            row["full_line"] = self.likely(0.2)
        if self.has("forecast", 0.4):
            end = row["due"] + dt.timedelta(days=7)
            row |= {"kind": "forecast", "period_end": end}
        if self.has("expiry", 0.3):
            row["min_shelf_days"] = 2.0
        if self.likely(0.3):
            row["customer"] = "C1"
        if self.likely(0.08):
            row["ship_from"] = PLANT
        self.tables["demands"].append(row)

    def _commitments(self) -> None:
        if self.has("hold"):
            name = self.one(*self.names)
            hold = {"kind": "material", "subject": name, "location": PLANT}
            hold |= {"qty": self.qty(name), "start": after(0), "finish": after(20)}
            hold |= {"demand": self.one(None, "D0"), "expires_at": after(3)}
            self.tables["reservations"].append({"reservation": "V0", **hold})
        if self.has("reserved_time"):
            begin = self.pick.randint(0, 5)
            hold = {"kind": "capacity", "subject": self.machines[0], "qty": 480.0}
            hold |= {"start": after(begin), "finish": after(begin + 1)}
            self.tables["reservations"].append({"reservation": "V1", **hold})
        if self.has("peg") and "customer_stock" not in self.features:
            lots = {row["product"]: row for row in self.tables["stock"]}
            demand = self.one(*self.tables["demands"])
            lot = lots.get(demand["product"])
            if lot is not None:
                place = {name: lot[name] for name in ("product", "location")}
                supply = f"{lot['product']}|{lot['location']}|{lot['lot']}"
                peg = {"demand": demand["demand"], "supply": supply, **place}
                self.tables["pegs"] = [{**peg, "qty": self.steps[lot["product"]]}]
                if len(self.tables["demands"]) % 2:
                    # The whole lot, more than is needed as a rule.
                    self.tables["pegs"][0]["qty"] = lot["qty"]
                    self.tables["settings"][0]["over_peg"] = "allow"

    def _disruptions(self) -> None:
        if not self.has("disruption"):
            return
        for number in range(self.pick.randint(1, 3)):
            kind = self.one(
                "resource_down", "supplier_delay", "lot_held", "lane_blocked"
            )
            subject = {
                "resource_down": self.one(*self.machines),
                "supplier_delay": "S1",
                "lot_held": "P1|PLANT|L0",
                "lane_blocked": self.one("T0", "T1"),
            }[kind]
            if kind == "supplier_delay" and not self.tables["supply_terms"]:
                continue
            begin = self.pick.randint(-3, 10)
            row = {"disruption": f"X{number}", "kind": kind, "subject": subject}
            row |= {"valid_from": after(begin), "valid_to": after(begin + 5)}
            row["severity"] = self.one(1.0, 0.5)
            row["delay_days"] = 3.0 if kind == "supplier_delay" else 0.0
            self.tables["disruptions"].append(row)
