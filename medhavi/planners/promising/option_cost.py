"""What an option costs and emits (rules 36, 37).

`material` counts what serves the need; what least lots bring beyond it is paid as well
and stands in `cash_out` alone. Prices, rates and freight come from their providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.providers.demand_values import demand_value
from medhavi.results.promise import PromiseCost
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.pieces import Evaluation, Piece, Use
    from medhavi.planners.promising.stages import Stages
    from medhavi.providers.demand_values import DemandValue

DAYS_A_YEAR = 365
USUAL_HOLDING_RATE = 0.2
"""Default of inventory_policies.holding_rate."""


@dataclass(slots=True)
class _Bill:
    material: float = 0.0
    production: float = 0.0
    transport: float = 0.0
    holding: float = 0.0
    cash_out: float = 0.0
    co2_kg: float = 0.0


class OptionCosts:
    """Prices of the options of one book.

    Parameters
    ----------
    stages
        Providers.
    """

    __slots__ = ("_embodied", "_rates", "_stages")

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        policies = stages.providers.tables["inventory_policies"]
        self._rates: dict[tuple[str, str], float] = dict(
            zip(
                zip(
                    policies.column("product"), policies.column("location"), strict=True
                ),
                policies.column("holding_rate"),
                strict=True,
            )
        )
        products = stages.providers.tables["products"]
        self._embodied: Mapping[str, float] = dict(
            zip(products.column("product"), products.column("co2_kg"), strict=True)
        )

    def of(self, found: Evaluation, request: Request) -> tuple[PromiseCost, float]:
        """Give the cost of an option [base currency] and its emissions [kg]."""
        self._stages.at = "price"
        bill = _Bill()
        for shipment in found.shipments:
            for use in shipment.uses:
                paid = bill.cash_out
                self._use(bill, use, 1.0)
                if use.piece.again:
                    bill.cash_out = paid
            if shipment.itinerary is not None:
                bill.transport += shipment.itinerary.cost
                bill.cash_out += shipment.itinerary.cost
                bill.co2_kg += shipment.itinerary.co2_kg
        cost = PromiseCost(
            material=bill.material,
            production=bill.production,
            transport=bill.transport,
            holding=bill.holding,
            lateness=self.lateness(found, request),
            cash_out=bill.cash_out,
            currency=self._stages.providers.snapshot.settings.base_currency,
        )
        return cost, bill.co2_kg

    def lateness(self, found: Evaluation, request: Request) -> float:
        """Give the price of the days that deliveries come after due."""
        late = sum(
            self._qty(found.product, shipment.steps)
            * max(shipment.arrival - request.due, 0)
            / DAY
            for shipment in found.shipments
        )
        return late * self.late_rate(request) if late else 0.0

    def late_rate(self, request: Request) -> float:
        """Give the price of a day late per unit [base currency]."""
        return self._value(request).late

    def short_rate(self, request: Request) -> float:
        """Give the price of a unit that is never delivered [base currency]."""
        return self._value(request).short

    def _value(self, request: Request) -> DemandValue:
        providers = self._stages.providers
        rate = providers.exchange.rate(request.currency)
        row = {
            "price": request.price,
            "late_cost_per_day": request.late_cost_per_day,
            "short_cost": request.short_cost,
        }
        cells = {key: None if v is None else v * rate for key, v in row.items()}
        weight = providers.snapshot.settings.weight(request.priority)
        unit_cost = providers.facts.unit_cost(request.product)
        return demand_value(cells, unit_cost, weight)

    # ------------------------------------------------------------------- one piece
    def _use(self, bill: _Bill, use: Use, share: float) -> None:
        """Add a piece; `share` of what it is for serves the need."""
        piece = use.piece
        qty = self._qty(piece.product, piece.steps)
        whole = piece.steps + piece.shared + piece.surplus
        part = share * piece.steps / whole
        if piece.source is None:
            value = qty * self._stages.providers.facts.unit_cost(piece.product)
            bill.material += value * share
            bill.co2_kg += qty * (self._embodied.get(piece.product) or 0.0) * share
            return
        ordered = from_steps(piece.order_steps, piece.source.step)
        price = piece.source.cost(ordered)
        bill.cash_out += price
        bill.co2_kg += piece.source.co2(ordered) * part
        if piece.kind == "buy":
            bill.material += price * part
        elif piece.kind == "move":
            bill.transport += price * part
        else:
            work = self._work(piece)
            bill.cash_out += work
            bill.production += (price + work) * part
        bill.holding += self._holding(piece, use.instant) * share
        for inner in piece.uses:
            self._use(bill, inner, part)

    def _work(self, piece: Piece) -> float:
        """Give the cost of the hours of an order [base currency]."""
        if piece.timing is None:
            return 0.0
        total = 0.0
        for window in piece.timing.steps:
            seconds = sum(finish - start for start, finish in window.segments)
            for resource, units in window.resources:
                clock = self._stages.providers.capacity.resource(resource)
                total += clock.cost_per_hour * units * seconds / HOUR
        return total

    def _holding(self, piece: Piece, instant: int) -> float:
        """Give the price of new goods that wait for their use."""
        days = max(instant - piece.ready, 0) / DAY
        if not days:
            return 0.0
        value = self._stages.providers.facts.unit_cost(piece.product) or 1.0
        node = (piece.product, piece.location)
        rate = self._rates.get(node, USUAL_HOLDING_RATE)
        return self._qty(piece.product, piece.steps) * value * rate * days / DAYS_A_YEAR

    def _qty(self, product: str, steps: int) -> float:
        return from_steps(steps, self._stages.step(product))
