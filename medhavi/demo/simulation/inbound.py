"""How goods come in: purchase orders of suppliers, transfers over lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import EACH
from medhavi.demo.company_model.places import LATE_LANE
from medhavi.demo.company_model.procurement import (
    DRIFT_FROM_DAYS,
    DRIFT_TO_DAYS,
    DRIFTING,
    MISSTATED,
    RECEIPT_DAYS,
    SECOND_RECEIPT,
    goods_of,
)
from medhavi.demo.simulation.simulation_state import (
    DRIFT_BEGIN,
    END,
    JournalEntry,
    next_departure,
    round_up,
)
from medhavi.units import DAY, HOUR, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import Lane, SupplyTerm
    from medhavi.demo.simulation.market import Market
    from medhavi.demo.simulation.simulation_state import LotOnHand, SimulationState


_COVER_DAYS = {
    "closure": 13,
    "label": 45,
    "carton": 40,
    "container": 25,
    "case": 30,
    "giftbox": 60,
}
_SAFETY_DAYS = {"closure": 9, "active": 12, "butter": 14}


@dataclass(frozen=True, slots=True)
class GoodsReceipt:
    """A goods receipt as it was noted, for those who must find a second one."""

    order: str
    supplier: str
    product: str
    plant: str
    qty: int
    document: str
    occurred: int
    entry: JournalEntry


def drifted_days(instant: int) -> float:
    """True median lead time of the drifting supplier at an instant.

    >>> drifted_days(END)
    19.0
    """
    share = min(max((instant - DRIFT_BEGIN) / (END - DRIFT_BEGIN), 0.0), 1.0)
    return DRIFT_FROM_DAYS + share * (DRIFT_TO_DAYS - DRIFT_FROM_DAYS)


class Purchasing:
    """Plays purchase orders from the order to the goods receipt."""

    def __init__(self, world: SimulationState) -> None:
        self._world = world
        self._rng = world.chance("purchasing")
        self.coming: dict[tuple[str, str], int] = {}
        self.receipts: list[GoodsReceipt] = []

    def reorder_point(self, key: tuple[str, str]) -> int:
        """Stock below which a material is ordered again."""
        terms = self._world.company.terms[key]
        goods = goods_of(key[0])
        known = terms[0].true_days
        if terms[0].supplier == DRIFTING:
            known = terms[0].lead_days  # The buyers have not noticed.
        days = known + _SAFETY_DAYS.get(goods, 7) + 2
        return math.ceil(self._world.rates.used[key] * days)

    def lot(self, key: tuple[str, str]) -> int:
        """Usual order quantity of a material."""
        world = self._world
        unit = world.company.products[key[0]].steps
        term = world.company.terms[key][0]
        cover = (
            13 if term.product == MISSTATED[1] else _COVER_DAYS.get(goods_of(key[0]))
        )
        wish = world.rates.used[key] * (cover or 32)
        multiple = max(round(term.multiple * unit), 1)
        return round_up(max(wish, term.moq * unit), multiple)

    def plan_day(self, required: dict[tuple[str, str], int]) -> None:
        """Order what is below its reorder point; `required` is asked by work orders."""
        world = self._world
        for key in world.company.terms:
            if not world.rates.used.get(key):
                continue
            position = world.stock.usable(*key) + self.coming.get(key, 0)
            position -= required.get(key, 0)
            short = self.reorder_point(key) - position
            if short > 0:
                multiple = self.lot(key)
                self._order(key, multiple * max(1, math.ceil(short / multiple)))

    def _order(self, key: tuple[str, str], qty: int) -> None:
        world = self._world
        terms = world.company.terms[key]
        second = len(terms) > 1 and self._rng.random() < 0.1
        term = terms[1] if second else terms[0]
        self.coming[key] = self.coming.get(key, 0) + qty
        order = world.number("PO")
        stated = term.lead_days if term.supplier == DRIFTING else term.true_days
        if (term.supplier, term.product) == MISSTATED:
            stated = term.lead_days
        promised = world.now + round((stated + RECEIPT_DAYS) * DAY)
        world.note(
            "SupplyOrderPlaced",
            supply_order=order,
            kind="purchase",
            product=term.product,
            location=term.plant,
            qty=world.base(term.product, qty),
            start=from_seconds(world.now),
            due=from_seconds(promised),
            status="released",
            source=term.supplier,
            _envelope={"actor": "buyer"},
        )
        real = self._real_days(term)
        later = self._rng.randrange(DAY, 3 * DAY)
        world.timeline.at(
            world.now + later, partial(self._confirm, order, term, promised)
        )
        arrival = world.now + round(real * DAY)
        arrival += self._rng.randrange(6, 14) * HOUR - arrival % DAY
        parts = [qty]
        if self._rng.random() < 0.05 and qty > 4 * round_up(1, 100):
            parts = [qty * 3 // 4, qty - qty * 3 // 4]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            act = partial(self._receive, order, term, part, last=last)
            world.timeline.at(arrival + index * 4 * DAY, act)

    def _real_days(self, term: SupplyTerm) -> float:
        median = term.true_days
        if term.supplier == DRIFTING:
            median = drifted_days(self._world.now)
        return max(median * self._rng.lognormvariate(0.0, term.spread), 3.5)

    def _confirm(self, order: str, term: SupplyTerm, promised: int) -> None:
        world = self._world
        if (term.supplier, term.product) == MISSTATED:
            promised += round((term.true_days - term.lead_days) * DAY)
        elif term.supplier != DRIFTING and self._rng.random() < 0.15:
            promised += self._rng.randrange(1, 4) * DAY
        world.note(
            "SupplyOrderConfirmed",
            supply_order=order,
            due=from_seconds(promised),
            _envelope={"actor": f"supplier:{term.supplier}"},
        )

    def _receive(self, order: str, term: SupplyTerm, qty: int, *, last: bool) -> None:
        world = self._world
        key = (term.product, term.plant)
        self.coming[key] -= qty
        document = world.number("GR")
        envelope = {
            "actor": "goods-receipt",
            "correlation": order,
            "metadata": {"document": document},
        }
        world.receive(
            term.product,
            term.plant,
            qty,
            world.lot_name(term.product, f"{term.supplier}L"),
            supply_order=order,
            _envelope=envelope,
        )
        now = from_seconds(world.now)
        entry = world.note(
            "SupplyOrderReceived",
            supply_order=order,
            qty=world.base(term.product, qty),
            received_at=now,
            _envelope=envelope,
        )
        if last:
            world.note("SupplyOrderCompleted", supply_order=order, completed_at=now)
        if term.supplier == SECOND_RECEIPT and END - world.now < 30 * DAY:
            each = world.company.products[term.product].uom == EACH
            if each and last:
                self.receipts.append(
                    GoodsReceipt(
                        order,
                        term.supplier,
                        term.product,
                        term.plant,
                        qty,
                        document,
                        world.now,
                        entry,
                    )
                )


MISSED_SHARE = 0.45
"""Part of the departures of the late lane that goods miss in the last six months."""

_PLACE_COVER_DAYS = {"MILANO": 24, "HAMBURG": 26, "NEWARK": 45}
_LOOK_DAYS = {"MILANO": 12, "HAMBURG": 14, "NEWARK": 52}
_PLACE_SAFETY_DAYS = {"MILANO": 5, "HAMBURG": 5, "NEWARK": 10}
_PLANT_COVER_DAYS = 20
_PLANT_SAFETY_DAYS = 3


class Logistics:
    """Fills the warehouses from the plants."""

    def __init__(self, world: SimulationState, market: Market) -> None:
        self._world = world
        self._market = market
        self._rng = world.chance("logistics")
        self.needs: dict[tuple[str, str], int] = {}
        """What the bundling line waits for: (finished product, plant)."""

    def plan_day(self) -> None:
        """Send goods where open orders and a little safety are not covered."""
        world = self._world
        wanted: dict[tuple[str, str], int] = {}
        for demand in self._market.open_lines():
            place = demand.customer.home
            if demand.due - world.now < _LOOK_DAYS[place] * DAY:
                key = (demand.product, place)
                rest = demand.open_qty - demand.sent - demand.held
                wanted[key] = wanted.get(key, 0) + rest
        for (product, place), qty in self.needs.items():
            rate = world.rates.used.get((product, place), 0.0)
            self._fill(product, place, rate, qty)
        for (product, place), rate in world.rates.sold.items():
            self._fill(product, place, rate, wanted.get((product, place), 0))

    def _fill(self, product: str, place: str, rate: float, wanted: int) -> None:
        world = self._world
        home = world.rates.home[product]
        if home == place:
            return
        ready = world.stock.free(product, place)
        coming = world.moving.get((product, place), 0)
        gap = (
            wanted
            + round(_PLACE_SAFETY_DAYS.get(place, _PLANT_SAFETY_DAYS) * rate)
            - ready
            - coming
        )
        there = world.stock.free(product, home)
        if gap <= 0 or there <= 0:
            return
        multiple = 20 if rate < 60 else 100
        cover = _PLACE_COVER_DAYS.get(place, _PLANT_COVER_DAYS) * rate
        qty = round_up(gap + cover, multiple)
        if there < qty:
            qty = there // multiple * multiple
        if qty and (qty >= gap // 4 or qty >= 5 * rate):
            self._send(product, home, place, qty)

    def _lane(self, origin: str, destination: str) -> Lane:
        lanes = self._world.company.lanes
        direct = lanes.get(f"{origin}-{destination}")
        if direct:
            return direct
        by_air = self._rng.random() < 0.06
        return lanes[f"{origin}-{destination}-{'AIR' if by_air else 'SEA'}"]

    def _send(self, product: str, origin: str, place: str, qty: int) -> None:
        world = self._world
        lane = self._lane(origin, place)
        zone = world.company.zones[origin]
        order = world.number("TO")
        planned = next_departure(lane, zone, world.now + 3 * HOUR)
        travel = round((lane.hours + lane.customs_h) * HOUR)
        world.stock.claim(product, origin, qty)
        key = (product, place)
        world.moving[key] = world.moving.get(key, 0) + qty
        world.note(
            "SupplyOrderPlaced",
            supply_order=order,
            kind="transfer",
            product=product,
            location=place,
            qty=world.base(product, qty),
            start=from_seconds(planned),
            due=from_seconds(planned + travel),
            status="released",
            source=lane.lane,
        )
        share = lane.missed
        if lane.lane == LATE_LANE and world.now >= DRIFT_BEGIN:
            share = MISSED_SHARE
        missed = self._rng.random() < share
        departure = planned
        if missed:
            departure = next_departure(lane, zone, planned)
            miss = partial(self._miss, order, departure, travel)
            world.timeline.at(planned, miss)
        depart = partial(self._depart, order, lane, (product, qty))
        world.timeline.at(departure, depart)

    def _miss(self, order: str, departure: int, travel: int) -> None:
        """Record goods that were not ready at the cutoff."""
        self._world.note(
            "SupplyOrderRescheduled",
            supply_order=order,
            start=from_seconds(departure),
            due=from_seconds(departure + travel),
            reason="missed cutoff",
            _envelope={"actor": "carrier"},
        )

    def _depart(self, order: str, lane: Lane, load: tuple[str, int]) -> None:
        world = self._world
        product, qty = load
        world.stock.claim(product, lane.origin, -qty)
        fields = {"supply_order": order, "_envelope": {"correlation": order}}
        lots = world.issue(product, lane.origin, qty, "transfer_out", **fields)
        world.note(
            "SupplyOrderStarted", supply_order=order, started_at=from_seconds(world.now)
        )
        travel = lane.hours * self._rng.lognormvariate(0.02, lane.spread)
        arrival = world.now + round((travel + lane.customs_h) * HOUR)
        world.timeline.at(arrival, partial(self._arrive, order, lane, product, lots))

    def _arrive(
        self, order: str, lane: Lane, product: str, lots: list[LotOnHand]
    ) -> None:
        world = self._world
        place = lane.destination
        for lot in lots:
            world.receive(
                product,
                place,
                lot.qty,
                lot.lot,
                expires=lot.expires,
                supply_order=order,
                _envelope={"correlation": order},
            )
        total = sum(lot.qty for lot in lots)
        world.moving[product, place] -= total
        now = from_seconds(world.now)
        world.note(
            "SupplyOrderReceived",
            supply_order=order,
            qty=world.base(product, total),
            received_at=now,
            _envelope={"actor": "warehouse", "correlation": order},
        )
        world.note("SupplyOrderCompleted", supply_order=order, completed_at=now)
