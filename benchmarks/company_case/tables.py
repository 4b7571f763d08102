"""Planning tables of a model, with its stock and its open orders."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.company_case.network import SUPPLIERS, Network
from benchmarks.company_case.open_time import (
    FIRST_HOUR,
    SHIFT_HOURS,
    START,
    WORKING_DAYS,
    Clock,
)

if TYPE_CHECKING:
    from benchmarks.company_case.network import Item, ModelSize

    Tables = dict[str, list[dict[str, Any]]]

MATRIX = "FAMILIES"
MARGIN = 1.6
"""Price over cost of finished goods."""
MOST_STOCK = 0.1
"""Most stock of a product, as share of its need; finished goods have none."""
SHORTEST, LONGEST = 3, 15
"""Lead times of suppliers [days]."""
LEAVES = dt.time(16)
"""Departure of lanes."""
DATED_HORIZONS = 20
"""Open orders are dated forward for so many horizons: much work ends behind one."""


def tables_of(size: ModelSize) -> Tables:
    """Planning tables of a model.

    Parameters
    ----------
    size
        What the model is like.
    """
    return _Writing(Network(size)).tables()


class _Writing:
    """Rows of one network.

    Parameters
    ----------
    network
        What is written.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._size = network.size
        self._rows: Tables = defaultdict(list)
        self._stock: dict[tuple[str, str], int] = defaultdict(int)

    def tables(self) -> Tables:
        """All tables that have rows."""
        self._places()
        self._resources()
        self._products()
        self._routings()
        self._purchasing()
        self._transport()
        self._stock_on_hand()
        self._open_orders()
        for (product, location), qty in sorted(self._stock.items()):
            if qty:
                self._add("stock", product=product, location=location, qty=float(qty))
        self._demands()
        return dict(self._rows)

    def _add(self, table: str, **row: object) -> None:
        self._rows[table].append(row)

    # --- master data ---------------------------------------------------------------
    def _places(self) -> None:
        self._add("settings", as_of=START, horizon_days=365.0, timezone="UTC")
        for site in self._network.sites:
            self._add("locations", location=site, timezone="UTC")
            if self._size.shifts:
                self._shifts(site)

    def _shifts(self, site: str) -> None:
        name = f"SHIFTS {site}"
        self._add("calendars", calendar=name, timezone="UTC")
        for day in range(1, WORKING_DAYS + 1):
            for shift in range(self._size.shifts):
                hour = FIRST_HOUR + shift * SHIFT_HOURS
                self._add(
                    "shifts",
                    calendar=name,
                    weekday=day,
                    start=dt.time(hour % 24),
                    finish=dt.time((hour + SHIFT_HOURS) % 24),
                )
        closed = START + dt.timedelta(days=self._network.open_time[site].holiday)
        self._add(
            "calendar_exceptions",
            calendar=name,
            start=closed,
            finish=closed + dt.timedelta(days=1),
            capacity=0.0,
            reason="holiday",
        )

    def _resources(self) -> None:
        for machine in self._network.machines:
            self._add(
                "resources",
                resource=machine.name,
                location=machine.site,
                calendar=f"SHIFTS {machine.site}" if self._size.shifts else None,
                changeover_matrix=MATRIX
                if machine.shared and self._network.families
                else None,
                cost_per_hour=40.0,
            )
        for (before, after), minutes in self._network.changes.items():
            self._add(
                "changeovers",
                matrix=MATRIX,
                from_family=before,
                to_family=after,
                setup_minutes=float(minutes),
            )

    def _products(self) -> None:
        for item in self._network.items:
            self._add(
                "products",
                product=item.name,
                family=item.family,
                unit_cost=item.cost,
                weight_kg=1.0,
            )

    def _routings(self) -> None:
        for item in self._network.made:
            routing = routing_of(item)
            self._add(
                "routings",
                routing=routing,
                product=item.name,
                location=item.site,
                min_lot=float(item.lot),
                lot_multiple=1.0,
            )
            for line, (part, qty) in enumerate(item.components, 1):
                self._add(
                    "bom_lines",
                    routing=routing,
                    line=line,
                    component=part.name,
                    qty_per=float(qty),
                )
            for step in range(1, len(item.work) + 1):
                self._step(item, step)

    def _step(self, item: Item, step: int) -> None:
        work, key = item.work[step - 1], {"routing": routing_of(item), "step": step}
        self._add(
            "steps",
            **key,
            sequence=step,
            run_minutes_per_unit=work.minutes,
            family=item.family if work.machine.shared else None,
        )
        taken = {"choice": "machine"} if work.second else {}
        self._add("step_resources", **key, resource=work.machine.name, **taken)
        if work.second:
            self._add(
                "step_resources",
                **key,
                resource=work.second.name,
                **taken,
                preference=2,
                speed=work.speed,
            )

    def _purchasing(self) -> None:
        chance = self._size.chance("purchasing")
        named: set[str] = set()
        for item in self._network.levels[-1]:
            number, days = (
                chance.randrange(SUPPLIERS),
                chance.randint(SHORTEST, LONGEST),
            )
            supplier = f"SUPPLIER{number + 1:02d}"
            named.add(supplier)
            for site in sorted(item.used_at) or [item.site]:
                self._add(
                    "supply_terms",
                    supplier=supplier,
                    product=item.name,
                    location=site,
                    lead_time_days=float(days),
                    moq=float(item.lot),
                    lot_multiple=1.0,
                    unit_price=item.cost,
                )
        for supplier in sorted(named):
            self._add("suppliers", supplier=supplier)

    def _transport(self) -> None:
        days, often = self._size.lane
        weekdays = (
            range(1, often + 1)
            if often > WORKING_DAYS
            else sorted({1 + k * WORKING_DAYS // often for k in range(often)})
        )
        for origin in self._network.sites:
            for destination in self._network.sites:
                if origin == destination:
                    continue
                lane = f"{origin} > {destination}"
                self._add(
                    "lanes",
                    lane=lane,
                    origin=origin,
                    destination=destination,
                    duration_h=24.0 * days,
                    cutoff_h=2.0,
                    fixed_cost=150.0,
                    cost_per_kg=0.05,
                )
                for weekday in weekdays:
                    self._add("departures", lane=lane, weekday=weekday, time=LEAVES)
        for item in self._network.made:
            for site in sorted(item.used_at):
                if site != item.site:
                    self._add(
                        "sourcing",
                        product=item.name,
                        location=site,
                        kind="move",
                        source=f"{item.site} > {site}",
                    )

    # --- state ---------------------------------------------------------------------
    def _stock_on_hand(self) -> None:
        chance = self._size.chance("stock")
        for item in self._network.items:
            share = chance.uniform(0, MOST_STOCK) if item.level else 0.0
            if item.bought:
                for site, need in sorted(item.used_at.items()):
                    self._stock[item.name, site] += round(need * share)
            else:
                self._stock[item.name, item.site] += round(item.need * share)

    def _open_orders(self) -> None:
        """Open orders: purchases that come, work in the sequence of its release.

        What released work takes lies there: it was picked when the order was opened.
        """
        chance = self._size.chance("open orders")
        suppliers = {
            (row["product"], row["location"]): row for row in self._rows["supply_terms"]
        }
        opened: list[tuple[float, Item]] = []
        for item in self._network.items:
            for _ in range(item.orders):
                if chance.random() >= self._size.open_orders:
                    continue
                if not item.bought:
                    opened.append((chance.random(), item))
                    continue
                sites = sorted(item.used_at)
                site = chance.choices(sites, [item.used_at[one] for one in sites])[0]
                terms = suppliers[item.name, site]
                due = chance.randint(1, int(terms["lead_time_days"]))
                self._add(
                    "supply_orders",
                    supply_order=f"PO{len(self._rows['supply_orders']) + 1:05d}",
                    kind="purchase",
                    product=item.name,
                    location=site,
                    qty=float(item.lot),
                    due=START + dt.timedelta(days=due),
                    status="released",
                    source=terms["supplier"],
                )
        self._released_work(
            [item for _, item in sorted(opened, key=lambda one: one[0])]
        )

    def _released_work(self, opened: list[Item]) -> None:
        """Released work, dated forward: each step behind the work on its machine."""
        clocks = {
            site: Clock(replace(one, days=DATED_HORIZONS * one.days))
            for site, one in self._network.open_time.items()
        }
        free: dict[str, float] = defaultdict(float)
        family: dict[str, str | None] = {}
        for number, item in enumerate(opened, 1):
            order, moment = f"WO{number:05d}", 0.0
            qty = item.lot if item.level else max(1, round(item.need / item.orders))
            windows: list[tuple[float, float]] = []
            for work in item.work:
                name, clock = work.machine.name, clocks[item.site]
                change = 0
                if work.machine.shared and item.family is not None:
                    pair = (family.get(name) or item.family, item.family)
                    change = self._network.changes.get(pair, 0)
                    family[name] = item.family
                begin = clock.start(max(moment, free[name]))
                end = clock.finish(begin, change + work.minutes * qty)
                free[name] = moment = end
                windows.append((begin, end))
            self._add(
                "supply_orders",
                supply_order=order,
                kind="work",
                product=item.name,
                location=item.site,
                qty=float(qty),
                start=_instant(windows[0][0]),
                due=_instant(windows[-1][1]),
                status="released",
                source=routing_of(item),
            )
            for step, (begin, end) in enumerate(windows, 1):
                self._add(
                    "supply_order_steps",
                    supply_order=order,
                    step=step,
                    resource=item.work[step - 1].machine.name,
                    start=_instant(begin),
                    finish=_instant(end),
                )
            for part, each in item.components:
                self._stock[part.name, item.site] += each * qty

    def _demands(self) -> None:
        for demand in self._network.demands:
            self._add(
                "demands",
                demand=demand.name,
                product=demand.item.name,
                location=demand.site,
                qty=float(demand.qty),
                due=START + dt.timedelta(days=demand.due),
                priority=demand.priority,
                min_shipment=float(demand.qty),
                price=round(demand.item.cost * MARGIN, 2),
            )


def routing_of(item: Item) -> str:
    """Routing that makes a product."""
    return f"make {item.name}"


def _instant(minutes: float) -> dt.datetime:
    return START + dt.timedelta(seconds=round(minutes * 60))
