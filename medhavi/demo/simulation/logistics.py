"""Transfers between plants and warehouses, on lanes with departures and cutoffs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from medhavi.demo.company_model.places import LATE_LANE
from medhavi.demo.simulation.simulation_state import round_up
from medhavi.demo.timeline import DRIFT_BEGIN, next_departure
from medhavi.units import DAY, HOUR, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import Lane
    from medhavi.demo.simulation.market import Market
    from medhavi.demo.simulation.simulation_state import LotOnHand, SimulationState

MISSED_SHARE = 0.45
"""Part of the departures of the late lane that goods miss in the last six months."""

_COVER_DAYS = {"MILANO": 24, "HAMBURG": 26, "NEWARK": 45}
_LOOK_DAYS = {"MILANO": 12, "HAMBURG": 14, "NEWARK": 52}
_SAFETY_DAYS = {"MILANO": 5, "HAMBURG": 5, "NEWARK": 10}
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
            + round(_SAFETY_DAYS.get(place, _PLANT_SAFETY_DAYS) * rate)
            - ready
            - coming
        )
        there = world.stock.free(product, home)
        if gap <= 0 or there <= 0:
            return
        multiple = 20 if rate < 60 else 100
        cover = _COVER_DAYS.get(place, _PLANT_COVER_DAYS) * rate
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
