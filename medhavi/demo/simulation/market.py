"""Customers order, aurora promises, warehouses ship."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import Customer
from medhavi.demo.company_model.procurement import SIZE_SPREAD
from medhavi.demo.simulation.simulation_state import (
    END,
    day_of,
    is_workday,
    next_departure,
    round_up,
)
from medhavi.units import DAY, HOUR, MINUTE, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.simulation.simulation_state import SimulationState

PRIORITY = {"Gold": 1, "Silver": 2, "Bronze": 3}
_LEAD_DAYS = {"MILANO": (12, 48), "HAMBURG": (14, 52), "NEWARK": (46, 85)}
_APPROVERS = {
    "Gold": "Giulia Ferrero",
    "Silver": "Marek Nowak",
    "Bronze": "Marek Nowak",
}
"""Who confirms promises, by tier of customer."""
_HOLD_FROM = END - 42 * DAY
_GIFT_SEASON = (280, 350)


@dataclass(slots=True, kw_only=True)
class OrderLine:
    """An order line: `open_qty` is still to be delivered, `sent` is on its way."""

    demand: str
    sales_order: str
    line: int
    customer: Customer
    product: str
    qty: int
    open_qty: int
    due: int
    placed: int
    promised: int | None = None
    sent: int = 0
    held: int = 0
    hold: str | None = None
    done: bool = False
    certain: bool = False
    """Neither rejected nor changed: the story needs it."""

    @property
    def rank(self) -> tuple[int, int, str]:
        """Order in which lines are served."""
        return PRIORITY[self.customer.tier], self.due, self.demand


def season(product: str, instant: int) -> float:
    """Factor of the season: gifts before Christmas, shower gel in summer."""
    day = day_of(instant) % 365
    if product.endswith(("-HB", "-BB")):
        return 1.8 if _GIFT_SEASON[0] <= (day + 1) % 365 <= _GIFT_SEASON[1] else 0.8
    if "-SG" in product:
        return 1.0 + 0.25 * math.sin(2 * math.pi * (day - 100) / 365)
    return 1.0 + 0.08 * math.sin(2 * math.pi * (day - 30) / 365)


class Market:
    """Plays demand from the order to the delivery."""

    def __init__(self, world: SimulationState) -> None:
        self._world = world
        self._rng = world.chance("market")
        self.demands: dict[str, OrderLine] = {}
        self._products = list(world.rates.shares)
        self._shares = list(accumulate(world.rates.shares.values()))
        self._mix = 1.55

    def open_lines(self) -> list[OrderLine]:
        """Lines with something still to deliver, in the order of serving."""
        self.demands = {k: d for k, d in self.demands.items() if not d.done}
        return sorted(self.demands.values(), key=lambda d: d.rank)

    # ---------------------------------------------------------------- orders
    def plan_day(self) -> None:
        """Schedule the orders of the day that begins now."""
        world = self._world
        customers = world.company.customers
        total = sum(c.weight for c in customers)
        for customer in customers:
            expected = world.company.scale.lines_per_day * customer.weight / total
            chance = expected / self._mix
            while chance > 0:
                if self._rng.random() < min(chance, 1.0):
                    moment = world.now + self._rng.randrange(2 * HOUR, 11 * HOUR)
                    world.timeline.at(moment, partial(self._order, customer))
                chance -= 1.0

    def _order(self, customer: Customer) -> None:
        count = self._rng.choices((1, 2, 3), (0.58, 0.29, 0.13))[0]
        wanted: dict[str, int] = {}
        for _ in range(count):
            product = self._rng.choices(self._products, cum_weights=self._shares)[0]
            usual = self._world.rates.pieces[product] * customer.size
            usual *= season(product, self._world.now + 30 * DAY)
            qty = usual * self._rng.lognormvariate(0.0, SIZE_SPREAD)
            wanted[product] = max(round_up(qty, 20 if usual < 700 else 100), 20)
        low, high = _LEAD_DAYS[customer.home]
        due = self.due_day(self._world.now + self._rng.randrange(low, high) * DAY)
        self.place(customer, wanted, due)

    @staticmethod
    def due_day(instant: int) -> int:
        """Ten o'clock UTC of the working day at or after an instant."""
        day = day_of(instant)
        while not is_workday(day):
            day += 1
        return day * DAY + 10 * HOUR

    def place(
        self,
        customer: Customer,
        wanted: dict[str, int],
        due: int,
        *,
        certain: bool = False,
        expedite: bool = False,
    ) -> list[OrderLine]:
        """Place an order with a line a product; it is promised a few hours later."""
        world = self._world
        order = world.number("SO")
        lines = []
        for line, (product, qty) in enumerate(wanted.items(), start=1):
            demand = OrderLine(
                demand=f"{order}-{line}",
                sales_order=order,
                line=line,
                customer=customer,
                product=product,
                qty=qty,
                open_qty=qty,
                due=due,
                placed=world.now,
                certain=certain,
            )
            lines.append(demand)
            self.demands[demand.demand] = demand
        cells = {"expedite": True} if expedite else {}
        world.note(
            "OrderPlaced",
            sales_order=order,
            customer=customer.customer,
            requested_at=from_seconds(world.now),
            lines=[self._row(demand) | cells for demand in lines],
            _envelope={"actor": f"customer:{customer.customer}"},
        )
        for demand in lines:
            later = self._rng.randrange(20 * MINUTE, 5 * HOUR)
            world.timeline.at(world.now + later, partial(self._promise, demand))
        return lines

    def _row(self, demand: OrderLine) -> dict[str, object]:
        gold = demand.customer.tier == "Gold"
        product = self._world.company.products[demand.product]
        return {
            "demand": demand.demand,
            "line": demand.line,
            "tier": demand.customer.tier,
            "product": demand.product,
            "location": demand.customer.location,
            "qty": float(demand.qty),
            "due": from_seconds(demand.due),
            "priority": PRIORITY[demand.customer.tier],
            "price": round(product.cost * (2.6 if gold else 2.9), 2),
            "min_shelf_days": 180.0 if gold and product.shelf_life_days else 0.0,
        }

    # -------------------------------------------------------------- promises
    def _promise(self, demand: OrderLine) -> None:
        world = self._world
        free = world.stock.free(demand.product, demand.customer.home)
        days = (demand.due - world.now) / DAY
        if not demand.certain and free < demand.qty and self._rng.random() < 0.02:
            world.note(
                "PromiseRejected",
                demand=demand.demand,
                limiter="MaterialShortfall",
                qty=float(demand.qty),
                _envelope={"actor": "promise-desk"},
            )
            world.timeline.at(world.now + DAY, partial(self._cancel, demand))
            return
        demand.promised = demand.due
        if free < demand.qty and days < 20:
            wait = self._rng.randrange(3, 9) * DAY
            demand.promised = self.due_day(demand.due + wait)
        self._hold(demand, free)
        world.note(
            "OrderPromised",
            demand=demand.demand,
            promised=from_seconds(demand.promised),
            qty=float(demand.qty),
            policy=demand.customer.tier.lower(),
            reservations=[demand.hold] if demand.hold else [],
            approver=_APPROVERS[demand.customer.tier],
            _envelope={"actor": "promise-desk"},
        )
        if not demand.certain and self._rng.random() < 0.03:
            later = self._rng.randrange(2, 7) * DAY
            world.timeline.at(world.now + later, partial(self._change, demand))

    def _hold(self, demand: OrderLine, free: int) -> None:
        """Hold stock for Gold lines; holds are a custom of the last weeks."""
        world = self._world
        gold = demand.customer.tier == "Gold"
        if not gold or free < demand.qty or world.now < _HOLD_FROM:
            return
        demand.hold = world.number("RES")
        demand.held = demand.qty
        place = demand.customer.home
        world.stock.claim(demand.product, place, demand.qty)
        world.note(
            "ReservationCreated",
            reservation=demand.hold,
            key=f"promise:{demand.demand}",
            kind="material",
            demand=demand.demand,
            subject=demand.product,
            location=place,
            qty=float(demand.qty),
            start=from_seconds(world.now),
            finish=from_seconds(demand.due),
            state="tentative",
            expires_at=from_seconds(world.now + HOUR),
            _envelope={"actor": "promise-desk", "lag": 1},
        )
        world.note(
            "ReservationConfirmed",
            reservation=demand.hold,
            _envelope={"actor": "promise-desk", "lag": 2},
        )

    def _cancel(self, demand: OrderLine) -> None:
        if demand.sent or demand.done:
            return
        demand.done = True
        self._world.note(
            "OrderCancelled",
            sales_order=demand.sales_order,
            demands=[demand.demand],
            reason="no acceptable date",
        )

    def _change(self, demand: OrderLine) -> None:
        """Postpone a line of a customer or change its quantity."""
        if demand.sent or demand.done or demand.hold or demand.open_qty < demand.qty:
            return
        if self._rng.random() < 0.5:
            demand.due = self.due_day(demand.due + 7 * DAY)
        else:
            factor = self._rng.choice((0.7, 1.25))
            demand.qty = demand.open_qty = round_up(demand.qty * factor, 20)
        row = self._row(demand) | {
            "sales_order": demand.sales_order,
            "customer": demand.customer.customer,
            "requested_at": from_seconds(demand.placed),
        }
        self._world.note(
            "OrderLineChanged",
            sales_order=demand.sales_order,
            line=row,
            reason="customer's wish",
            _envelope={"actor": f"customer:{demand.customer.customer}"},
        )

    # ------------------------------------------------------------- shipments
    def ship_day(self) -> None:
        """Send what would be late with the departure after the next one."""
        for demand in self.open_lines():
            if demand.sent or demand.due - self._world.now > 12 * DAY:
                continue
            self._ship(demand)

    def _ship(self, demand: OrderLine) -> None:
        world = self._world
        place = demand.customer.home
        lane = world.company.lanes[f"{place}-{demand.customer.location}"]
        zone = world.company.zones[place]
        departure = next_departure(lane, zone, world.now)
        following = next_departure(lane, zone, departure + HOUR)
        travel = round(lane.hours * HOUR)
        if following + travel + DAY < demand.due:
            return
        ready = world.stock.free(demand.product, place) + demand.held
        qty = min(ready, demand.open_qty)
        if qty < demand.open_qty and (
            demand.customer.tier == "Gold" or qty < demand.open_qty // 3 or qty < 20
        ):
            return
        world.stock.claim(demand.product, place, qty - demand.held)
        demand.held, demand.sent = 0, qty
        noise = self._rng.lognormvariate(0.0, lane.spread)
        slip = DAY if self._rng.random() < 0.03 else 0
        arrival = departure + round(travel * noise) + slip
        world.timeline.at(arrival, partial(self._deliver, demand, place, lane.lane))

    def _deliver(self, demand: OrderLine, place: str, lane: str) -> None:
        world = self._world
        qty, demand.sent = demand.sent, 0
        world.stock.claim(demand.product, place, -qty)
        shipment = world.number("SH")
        taken = world.issue(
            demand.product,
            place,
            qty,
            "sale",
            demand=demand.demand,
            shipment=shipment,
            _envelope={"correlation": shipment},
        )
        qty = sum(lot.qty for lot in taken)
        if not qty:
            return
        # A proof of delivery reaches the books late now and then.
        lag = self._rng.randrange(60, 900)
        lag += self._rng.randrange(2, 7) * HOUR if self._rng.random() < 0.05 else 0
        world.note(
            "ShipmentDelivered",
            shipment=shipment,
            demand=demand.demand,
            product=demand.product,
            qty=float(qty),
            delivered_at=from_seconds(world.now),
            location=demand.customer.location,
            ship_from=place,
            lane=lane,
            _envelope={"actor": "carrier", "correlation": shipment, "lag": lag},
        )
        demand.open_qty -= qty
        demand.done = demand.open_qty <= 0
        if demand.hold:
            world.note(
                "ReservationReleased", reservation=demand.hold, reason="delivered"
            )
            demand.hold = None
