"""What an option costs and emits (rules 36, 37).

`material` counts what serves the need; what least lots bring beyond it is paid as well
and stands in `cash_out` alone. Prices, rates and freight come from their providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.demand_values import DemandValue, demand_value
from medhavi.results.promises.promise import PromiseCost
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.supply_search.pieces import Evaluation, Piece, Use
    from medhavi.planners.promising.supply_search.stages import Stages

DAYS_A_YEAR = 365
USUAL_HOLDING_RATE = 0.2
"""Default of inventory_policies.holding_rate."""


class OptionPrice:
    """The price of an option, reckoned when it is asked for.

    Parameters
    ----------
    costs
        Prices of the book.
    found, request
        The option as it is held, and who asks for it.
    """

    __slots__ = ("_costs", "_found", "_known", "_request")

    def __init__(self, costs: OptionCosts, found: Evaluation, request: Request) -> None:
        self._costs = costs
        self._found = found
        self._request = request
        self._known: tuple[PromiseCost, float] | None = None

    @property
    def cost(self) -> PromiseCost:
        """What it costs [base currency]."""
        return self._both[0]

    @property
    def co2_kg(self) -> float:
        """What it emits [kg]."""
        return self._both[1]

    @property
    def _both(self) -> tuple[PromiseCost, float]:
        if self._known is None:
            self._known = self._costs.of(self._found, self._request)
        return self._known


@dataclass(slots=True)
class _Bill:
    material: float = 0.0
    production: float = 0.0
    transport: float = 0.0
    holding: float = 0.0
    cash_out: float = 0.0
    co2_kg: float = 0.0


class PricedProduct(NamedTuple):
    """Of a product: its standard cost and emission, its smallest quantity."""

    unit_cost: float
    co2_kg: float
    numerator: int
    denominator: int

    def qty(self, steps: int) -> float:
        """Quantity in base units."""
        return steps * self.numerator / self.denominator


class OptionCosts:
    """Prices of the options of one book.

    Parameters
    ----------
    stages
        Providers.
    """

    __slots__ = ("_embodied", "_goods", "_hours", "_last", "_rates", "_stages")

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._goods: dict[str, PricedProduct] = {}
        self._hours: dict[str, float] = {}
        """Cost of an hour by resource [base currency]."""
        self._last: tuple[Request | None, DemandValue] = (None, DemandValue(0, 0, 0))
        """The last request, and what it is worth."""
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
        """Cost of an option [base currency] and its emissions [kg]."""
        self._stages.at = "price"
        bill = _Bill()
        for shipment in found.shipments:
            for use in shipment.uses:
                paid = bill.cash_out
                self._add(bill, (use,), 1.0)
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
        """Price of the days that deliveries come after due."""
        if found.date <= request.due:
            return 0.0
        late = sum(
            self.good(found.product).qty(shipment.steps)
            * max(shipment.arrival - request.due, 0)
            / DAY
            for shipment in found.shipments
        )
        return late * self.late_rate(request) if late else 0.0

    def late_rate(self, request: Request) -> float:
        """Price of a day late per unit [base currency]."""
        return self._value(request).late

    def short_rate(self, request: Request) -> float:
        """Price of a unit that is never delivered [base currency]."""
        return self._value(request).short

    def _value(self, request: Request) -> DemandValue:
        """What a request is worth; its options are priced one after the other."""
        asked, known = self._last
        if asked is not request:
            known = self._worth(request)
            self._last = request, known
        return known

    def _worth(self, request: Request) -> DemandValue:
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

    # ---------------------------------------------------------------------- pieces
    def _add(self, bill: _Bill, uses: Sequence[Use], share: float) -> None:
        """Add pieces; `share` of what they are for serves the need."""
        for instant, piece in uses:
            steps, source = piece.steps, piece.source
            if source is None:
                good = self.good(piece.product)
                qty = good.qty(steps)
                bill.material += qty * good.unit_cost * share
                bill.co2_kg += qty * good.co2_kg * share
                continue
            part = share * steps / (steps + piece.shared + piece.surplus)
            ordered = from_steps(piece.order_steps, source.step)
            price = source.costs.cost(ordered)
            bill.cash_out += price
            bill.co2_kg += source.costs.co2(ordered) * part
            kind = piece.kind
            if kind == "buy":
                bill.material += price * part
            elif kind == "move":
                bill.transport += price * part
            else:
                work = self._work(piece)
                bill.cash_out += work
                bill.production += (price + work) * part
            if instant > piece.ready:
                bill.holding += self._holding(piece, instant) * share
            if piece.uses:
                self._add(bill, piece.uses, part)

    def _work(self, piece: Piece) -> float:
        """Cost of the hours of an order [base currency]."""
        if piece.timing is None:
            return 0.0
        total = 0.0
        hours = self._hours
        for window in piece.timing.steps:
            seconds = 0
            for start, finish in window.segments:
                seconds += finish - start
            for resource, units in window.resources:
                hour = hours.get(resource)
                if hour is None:
                    hour = self.hour(resource)
                total += hour * units * seconds / HOUR
        return total

    def hour(self, resource: str) -> float:
        """Look up the cost of an hour of a resource [base currency]."""
        clock = self._stages.providers.capacity.resource(resource)
        known = self._hours[resource] = clock.cost_per_hour
        return known

    def _holding(self, piece: Piece, instant: int) -> float:
        """Price of new goods that wait for their use."""
        days = (instant - piece.ready) / DAY
        good = self.good(piece.product)
        rate = self.rate(piece.product, piece.location)
        value = good.unit_cost or 1.0
        return good.qty(piece.steps) * value * rate * days / DAYS_A_YEAR

    def rate(self, product: str, location: str) -> float:
        """What a year of holding a product costs of its value."""
        return self._rates.get((product, location), USUAL_HOLDING_RATE)

    def good(self, product: str) -> PricedProduct:
        """What a product costs and emits, and its smallest quantity."""
        known = self._goods.get(product)
        if known is None:
            facts, step = self._stages.providers.facts, self._stages.step(product)
            known = self._goods[product] = PricedProduct(
                facts.unit_cost(product),
                self._embodied.get(product) or 0.0,
                step.numerator,
                step.denominator,
            )
        return known
