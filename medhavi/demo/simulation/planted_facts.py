"""What goes wrong at aurora: the planted facts that the product must find.

The drifting supplier, the wrong lead time and the lane with missed cutoffs are played
in `purchasing` and `logistics`; here are the facts that happen on a date. docs/story.md
is for people, `ground_truth` for tests.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medhavi.demo.company_model.assortment import DEAD_STOCK, DISCONTINUED
from medhavi.demo.company_model.company import (
    BOTTLENECK,
    FIRST_PAIR,
    formats,
    line_of,
    pair_of,
    ranges,
)
from medhavi.demo.simulation.simulation_state import END, START, is_workday
from medhavi.units import DAY, HOUR, from_seconds, to_seconds

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import Customer
    from medhavi.demo.simulation.factory import Factory
    from medhavi.demo.simulation.inbound import Purchasing
    from medhavi.demo.simulation.market import Market, OrderLine
    from medhavi.demo.simulation.simulation_state import SimulationState

DEAD_QTY = 12_000
DEAD_SINCE = to_seconds(dt.datetime(2025, 9, 12, tzinfo=dt.UTC))
_PROMOTION_ORDERS = 30
_PROMOTION_DAYS = (35, 8)
"""The promotion's orders come from so many to so many days before the end."""


@dataclass(slots=True, kw_only=True)
class PlantedFacts:
    """Ids of what was planted; filled while the history is played."""

    rush_demand: str = ""
    rush_product: str = ""
    promotion_demands: list[str] | None = None
    twice_received: str = ""
    twice_document: str = ""
    repeated_event: str = ""
    pegged_demand: str = ""
    pegged_supply: str = ""
    short_demand: str = ""
    expired_hold: str = ""


class FactPlanting:
    """Plants the dated facts into a history."""

    def __init__(
        self,
        world: SimulationState,
        market: Market,
        factory: Factory,
        purchasing: Purchasing,
    ) -> None:
        self._world = world
        self._market = market
        self._factory = factory
        self._purchasing = purchasing
        self._rng = world.chance("story")
        self.planted = PlantedFacts()

    def schedule(self) -> None:
        """Put every dated fact on the clock."""
        at = self._world.timeline.at
        self._past_seasons()
        self._breakdowns()
        self._promotion()
        at(END - 5 * DAY, self._supplier_delayed)
        at(END - 4 * DAY, self._hold_lot)
        at(END - 3 * DAY + HOUR, self._book_late)
        at(END - 2 * DAY, self._receive_twice)
        at(END - 2 * DAY + HOUR, self._forgotten_hold)

    def _buyers(self, home: str) -> list[Customer]:
        return [c for c in self._world.company.customers if c.home == home]

    # ------------------------------------------------------ what is past
    def _past_seasons(self) -> None:
        """Sell the limited edition until September 2025, the sun care a year longer."""
        world = self._world
        begin = world.company.scale.begin
        for week, moment in enumerate(range(begin + 3 * DAY, DEAD_SINCE, 28 * DAY)):
            act = partial(self._sell_off, DEAD_STOCK, 200 + 20 * week)
            world.timeline.at(moment + 6 * HOUR, act)
        for month in range(16):
            act = partial(self._sell_off, DISCONTINUED, 240)
            world.timeline.at(begin + (10 + 30 * month) * DAY + 7 * HOUR, act)
        world.timeline.at(END - 13 * DAY + 4 * HOUR, self._last_of_its_kind)

    def _sell_off(self, product: str, qty: int) -> None:
        customer = self._rng.choice(self._buyers("MILANO"))
        due = self._market.due_day(self._world.now + 12 * DAY)
        self._market.place(customer, {product: qty}, due)

    def _last_of_its_kind(self) -> None:
        """Take an order for more of the discontinued product than is left."""
        left = self._world.stock.free(DISCONTINUED, "MILANO")
        customer = self._buyers("MILANO")[-1]
        due = self._market.due_day(END + 17 * DAY)
        lines = self._market.place(
            customer, {DISCONTINUED: left + 240}, due, certain=True
        )
        self.planted.short_demand = lines[0].demand

    # ------------------------------------------------------ what breaks
    def _breakdowns(self) -> None:
        lines = sorted(
            {r.steps[0].resource for r in self._world.company.recipes.values()}
        )
        for _ in range(9):
            day = self._rng.randrange(20, 520)
            while not is_workday((START + day * DAY) // DAY):
                day += 1
            resource = self._rng.choice(lines)
            hours = self._rng.uniform(5, 40)
            act = partial(self._factory.break_down, resource, hours, "unplanned stop")
            moment = START + day * DAY + 5 * HOUR
            if moment > self._world.now:
                self._world.timeline.at(moment, act)
        stop = partial(
            self._factory.break_down, BOTTLENECK, 52.0, "filling valve block"
        )
        self._world.timeline.at(END - 13 * DAY, stop)
        label = partial(
            self._factory.break_down,
            f"{FIRST_PAIR.heavy}-LABEL-1",
            40.0,
            "label sensor failed",
        )
        self._world.timeline.at(END - 8 * HOUR, label)

    # ------------------------------------------------------------- promotion
    def _promotion(self) -> None:
        """Place promotion orders of retailers beyond one filling line's capacity."""
        world = self._world
        self.planted.promotion_demands = []
        products = [
            f"{scent.code}-{kind.code}"
            for index, scent in enumerate(ranges(world.company))
            for kind in formats(index)
            if line_of(index, world.company) == 1
            and pair_of(index, world.company).home(kind.line) == FIRST_PAIR.heavy
        ]
        for number in range(_PROMOTION_ORDERS):
            product = products[number * 5 % len(products)]
            days = self._rng.randrange(_PROMOTION_DAYS[1], _PROMOTION_DAYS[0])
            moment = END - days * DAY
            while not is_workday(moment // DAY):
                moment += DAY
            due = self._market.due_day(
                END + (25 + number * 24 // _PROMOTION_ORDERS) * DAY
            )
            home = "MILANO" if number % 3 else "HAMBURG"
            qty = 100 * self._rng.randrange(70, 121)
            act = partial(self._promote, home, product, qty, due)
            world.timeline.at(moment + self._rng.randrange(2, 9) * HOUR, act)

    def _promote(self, home: str, product: str, qty: int, due: int) -> None:
        large = [c for c in self._buyers(home) if c.tier != "Bronze"]
        customer = self._rng.choice(large)
        lines = self._market.place(customer, {product: qty}, due, certain=True)
        assert self.planted.promotion_demands is not None
        self.planted.promotion_demands += [line.demand for line in lines]

    # ------------------------------------------------------------- last days
    def _supplier_delayed(self) -> None:
        self._world.note(
            "SupplierDelayed",
            disruption=self._world.number("DIS"),
            supplier="S-19",
            valid_from=from_seconds(self._world.now),
            valid_to=from_seconds(self._world.now + 16 * DAY),
            delay_days=6.0,
            reason="furnace repair",
            _envelope={"actor": "supplier:S-19"},
        )

    def _hold_lot(self) -> None:
        """Hold the largest lot of a face product for quality."""
        stock = self._world.stock
        candidates = [
            (lot.qty, product, place, lot)
            for product, place in stock.keys()  # noqa: SIM118 - a book, not a mapping
            if self._world.company.products[product].kind == "finished"
            for lot in stock.lots(product, place)
            if lot.lot
        ]
        _, product, place, lot = max(candidates, key=lambda x: x[:3])
        stock.hold(product, place, lot)
        fields: dict[str, Any] = {"product": product, "location": place}
        fields["lot"] = lot.lot
        self._world.note(
            "LotStatusChanged",
            status="quality_hold",
            reason="viscosity out of limits",
            _envelope={"actor": "quality"},
            **fields,
        )
        self._world.note(
            "LotHeld",
            disruption=self._world.number("DIS"),
            valid_from=from_seconds(self._world.now),
            reason="viscosity out of limits",
            _envelope={"actor": "quality"},
            **fields,
        )

    def _book_late(self) -> None:
        """Book a direct shipment that comes two days after its firm demand."""
        world = self._world
        for demand in self._market.open_lines():
            days = (demand.due - world.now) / DAY
            place = demand.customer.home
            free = world.stock.free(demand.product, place)
            plain = not (demand.sent or demand.hold or demand.open_qty < demand.qty)
            if 6 < days < 20 and place != "NEWARK" and plain and free >= demand.qty:
                self._book(demand, place)
                return

    def _book(self, demand: OrderLine, place: str) -> None:
        world = self._world
        order = world.number("TO")
        lane = world.company.lanes[f"{place}-{demand.customer.location}"]
        arrival = demand.due + 2 * DAY
        world.stock.claim(demand.product, place, demand.qty)
        demand.sent = demand.qty
        location = demand.customer.location
        world.note(
            "SupplyOrderPlaced",
            supply_order=order,
            kind="transfer",
            product=demand.product,
            location=location,
            qty=float(demand.qty),
            start=from_seconds(arrival - round(lane.hours * HOUR)),
            due=from_seconds(arrival),
            status="released",
            source=lane.lane,
            demand=demand.demand,
        )
        world.note(
            "PegFirmed",
            demand=demand.demand,
            supply=order,
            product=demand.product,
            location=location,
            qty=float(demand.qty),
            approver="key account",
        )
        self.planted.pegged_demand = demand.demand
        self.planted.pegged_supply = order

    def _receive_twice(self) -> None:
        """Book one goods receipt a second time, and repeat one event as it is."""
        world = self._world
        receipt = self._purchasing.receipts[-1]
        lot = ""
        envelope = {
            "actor": "goods-receipt",
            "correlation": receipt.order,
            "metadata": {"document": receipt.document},
            "lag": world.now - receipt.occurred,
        }
        qty = world.base(receipt.product, receipt.qty)
        then = from_seconds(receipt.occurred)
        world.stock.add(receipt.product, receipt.plant, receipt.qty, lot)
        world.note(
            "LotReceived",
            receipt.occurred,
            product=receipt.product,
            location=receipt.plant,
            lot=lot,
            qty=qty,
            received_at=then,
            supply_order=receipt.order,
            _envelope=envelope,
        )
        world.note(
            "SupplyOrderReceived",
            receipt.occurred,
            supply_order=receipt.order,
            qty=qty,
            received_at=then,
            _envelope=envelope,
        )
        world.journal.repeat(receipt.entry, 6 * HOUR)
        self.planted.twice_received = receipt.order
        self.planted.twice_document = receipt.document
        self.planted.repeated_event = world.journal.event_id(receipt.entry.number)

    def _forgotten_hold(self) -> None:
        """Leave a tentative hold that ran out without anybody saying so."""
        world = self._world
        for demand in self._market.open_lines():
            later = demand.due > END + 5 * DAY
            if demand.customer.tier == "Bronze" and later and not demand.sent:
                break
        hold = world.number("RES")
        world.note(
            "ReservationCreated",
            reservation=hold,
            key=f"quote:{demand.demand}",
            kind="material",
            demand=demand.demand,
            subject=demand.product,
            location=demand.customer.home,
            qty=float(demand.open_qty),
            start=from_seconds(world.now),
            finish=from_seconds(demand.due),
            state="tentative",
            expires_at=from_seconds(world.now + HOUR),
            _envelope={"actor": "promise-desk"},
        )
        self.planted.expired_hold = hold

    def rush(self) -> None:
        """Take a Gold order due in two days for what is not there: the newest event."""
        world = self._world
        customer = next(c for c in self._buyers("MILANO") if c.tier == "Gold")
        plant = FIRST_PAIR.heavy
        products = [p for p, home in world.rates.home.items() if home == plant]

        def there(product: str) -> int:
            places = ("MILANO", plant)
            return sum(world.stock.usable(product, place) for place in places)

        product = min(products, key=lambda p: (there(p), p))
        qty = max(6000, (there(product) + 4000) // 100 * 100)
        due = END - END % DAY + 2 * DAY + 11 * HOUR
        lines = self._market.place(customer, {product: qty}, due, expedite=True)
        self.planted.rush_demand = lines[0].demand
        self.planted.rush_product = product
